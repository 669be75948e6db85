"""Checks of chapter 06, nn.Module."""

import learntorch as torch
from course.checks.framework import exercise
from learntorch import nn


@exercise(
    "number",
    hints=[
        "go through the three parts; which of them learn?",
        "a linear layer has as many weights as inputs times outputs; is there a bias each time?",
        "10 · 20 + 20 for the first; the last has weights only",
    ],
)
def ex_06_1(trial):
    """Parameters of a small model."""
    model = nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.Linear(20, 5, bias=False))
    right = sum(p.numel() for p in model.parameters())
    trial.true(trial.answer == right, f"it is not {trial.answer:g}")


def twice_the_same():
    layer = nn.Linear(2, 2)
    return nn.Sequential(layer, nn.Tanh(), layer)


def half_frozen():
    model = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 2)))
    model[1].requires_grad_(False)
    return model


def bias_frozen():
    layer = nn.Linear(5, 3)
    layer.bias.requires_grad_(False)
    return layer


@exercise(
    "function",
    hints=[
        "go through model.parameters() and look at each: how many numbers, and does it learn?",
        "p.numel() is how many; p.requires_grad says whether it learns",
        "two sums, one with `if p.requires_grad`, one with `if not p.requires_grad`",
    ],
)
def ex_06_2(trial):
    """Learning and frozen numbers of any module."""
    models = [nn.Linear(3, 2), nn.Tanh(), bias_frozen(), nn.Sequential(), half_frozen(),
              twice_the_same(), nn.Sequential(nn.Sequential(half_frozen(), bias_frozen()))]
    for model in models:
        learn = sum(p.numel() for p in model.parameters() if p.requires_grad)
        frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
        trial.equal(trial.call(model), (learn, frozen))


@exercise(
    "class",
    hints=[
        "the class needs an __init__ that makes the parameters, and a forward that returns",
        "in __init__, after super().__init__(): self.a = nn.Parameter(torch.tensor(0.0))",
        "forward returns self.a * x**2 + ...",
    ],
)
def ex_06_3(trial):
    """A quadratic as a module."""
    model = trial.do(trial.answer, shown="ex_06_3")
    trial.true(isinstance(model, nn.Module), "ex_06_3 is not a class of modules: (nn.Module)")
    try:
        found = dict(model.named_parameters())
    except AttributeError:
        found = {}
    trial.equal(sorted(found), ["a", "b", "c"], about="the names of the parameters of ex_06_3()")
    for name in "abc":
        trial.equal(found[name].detach().reshape(-1), torch.zeros(1), about=f"the start of {name}")
    for a, b, c in [(0.0, 0.0, 1.0), (0.0, 2.0, 0.0), (3.0, 0.0, 0.0), (-1.5, 2.0, 0.5)]:
        with torch.no_grad():
            for name, value in (("a", a), ("b", b), ("c", c)):
                found[name].fill_(value)
        for numbers in ([1.0], [0.0, 2.0], [-1.0, 0.5, 3.0]):
            x = torch.tensor(numbers)
            got = trial.do(model, x, shown=f"with a = {a}, b = {b}, c = {c}, the module")
            trial.equal(got.detach() if isinstance(got, torch.Tensor) else got,
                        a * x**2 + b * x + c)
            trial.true(got.requires_grad, f"{trial.said} has no record: is .item() in forward?")
    model.zero_grad()
    model(torch.tensor([1.0, 2.0])).sum().backward()
    for name, slope in (("a", 5.0), ("b", 3.0), ("c", 2.0)):
        trial.equal(found[name].grad.reshape(-1), torch.tensor([slope]),
                    about=f"for x = (1, 2), the gradient of the sum for {name}")


@exercise(
    "function",
    hints=[
        "a layer stands between two neighbours in the list of sizes",
        "collect the parts in a Python list; add a Tanh before each layer but the first",
        "for n, m in zip(sizes, sizes[1:]): add nn.Linear(n, m); at the end nn.Sequential(*parts)",
    ],
)
def ex_06_4(trial):
    """A Sequential made from a list of sizes."""
    for sizes in ([2, 1], [3, 4, 1], [5, 5, 5], [1, 2, 3, 4], [7, 1, 6, 2, 3]):
        model = trial.call(list(sizes))
        trial.true(isinstance(model, nn.Sequential), f"{trial.said} is not an nn.Sequential")
        got = [describe(part) for part in model]
        want = []
        for n, m in zip(sizes, sizes[1:], strict=False):
            want += [nn.Tanh.__name__] if want else []
            want.append(f"Linear({n}, {m})")
        trial.equal(got, want, about=f"the list of the parts of {trial.said}")
        trial.equal(tuple(model(torch.zeros(3, sizes[0])).shape), (3, sizes[-1]),
                    about="the shape of its output")


def describe(part):
    if isinstance(part, nn.Linear):
        return f"Linear({part.in_features}, {part.out_features})"
    return type(part).__name__


class Backward(nn.Module):
    """Calls its parts in another order than it stored them, and one of them twice."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(4, 1)
        self.first = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
        self.middle = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 4)])
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        x = self.middle[0](self.middle[0](self.first(x)))
        return self.last(self.middle[1](x))


@exercise(
    "function",
    hints=[
        "a hook gets the module, its inputs and its output; let it append to a list",
        "model.modules() gives every module in the tree; choose with isinstance(m, nn.Linear)",
        "keep what register_forward_hook returns, call model(x), then .remove() each of them",
    ],
)
def ex_06_5(trial):
    """The shapes that linear layers put out, in the order of the calls."""
    cases = [
        (nn.Linear(3, 2), (1, 3), [(1, 2)]),
        (nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), (5, 3), [(5, 4), (5, 1)]),
        (nn.Sequential(nn.Tanh(), nn.Sequential(nn.Linear(2, 2))), (4, 2), [(4, 2)]),
        (nn.Tanh(), (2, 2), []),
        (Backward(), (7, 2), [(7, 3), (7, 3), (7, 3), (7, 4), (7, 1)]),
    ]
    for model, shape, want in cases:
        x = torch.ones(shape)
        got = trial.call(model, x)
        same = [tuple(s) for s in got] if isinstance(got, (list, tuple)) else got
        trial.equal(same, want)
        left = [m for m in model.modules() if m._forward_hooks]
        trial.true(not left, f"{trial.said} left a hook behind")
        if isinstance(model, Backward):
            trial.equal(model.calls, 1, about="how often your function calls the model")
