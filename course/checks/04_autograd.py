"""Checks of chapter 04, Autograd."""

import math

import learntorch as torch
from course.checks.framework import exercise


class Formula:
    """A function of a tensor that shows as its formula in a counterexample."""

    def __init__(self, words, function):
        self.words = words
        self.function = function

    def __call__(self, x):
        return self.function(x)

    def __repr__(self):
        return f"lambda x: {self.words}"


SCALAR = [
    (Formula("x", lambda x: x), lambda at: 1.0),
    (Formula("5 * x", lambda x: 5 * x), lambda at: 5.0),
    (Formula("x * x", lambda x: x * x), lambda at: 2 * at),
    (Formula("x**3 - 2 * x", lambda x: x**3 - 2 * x), lambda at: 3 * at * at - 2),
    (Formula("torch.sin(x)", torch.sin), math.cos),
    (Formula("torch.exp(-x) * x", lambda x: torch.exp(-x) * x), lambda at: (1 - at) / math.exp(at)),
]

SEVERAL = [
    Formula("2 * x", lambda x: 2 * x),
    Formula("x * x", lambda x: x * x),
    Formula("torch.stack([x[0] * x[1], 2 * (x[0] + x[1])])",
            lambda x: torch.stack([x[0] * x[1], 2 * (x[0] + x[1])])),
    Formula("torch.stack([x.sum(), x[0] * x[1], x[1] ** 3])",
            lambda x: torch.stack([x.sum(), x[0] * x[1], x[1] ** 3])),
    Formula("torch.stack([x[0] * x[1]])", lambda x: torch.stack([x[0] * x[1]])),
    Formula("torch.sin(x) * x.sum()", lambda x: torch.sin(x) * x.sum()),
]
PLACES = [[2.0, 3.0], [-1.0, 0.5], [1.0, -2.0, 4.0]]


def slopes(f, at):
    """The whole table of slopes."""
    return torch.autograd.functional.jacobian(f, torch.tensor(at))


@exercise(
    "function",
    hints=[
        "f needs a tensor, and the tensor must say that it wants a gradient",
        "three steps: make the tensor, call backward on f of it, look into .grad",
        "x = torch.tensor(float(at), requires_grad=True); at the end .item() makes a Python number",
    ],
)
def ex_04_1(trial):
    """The slope of a function at a number."""
    for f, slope in SCALAR:
        for at in (3.0, -1.5, 0.0, 2):
            trial.equal(trial.call(f, at), slope(at), tolerance=1e-4)


@exercise(
    "function",
    hints=[
        "backward(v) gives v times the table; but it puts it into .grad of the tensor you used",
        "do not use the tensor you were given: cut a copy off, and let the copy require a gradient",
        "x.detach().clone().requires_grad_() is such a copy; then f of it, backward(v), and .grad",
    ],
)
def ex_04_2(trial):
    """v times the table of slopes, leaving x alone."""
    for f in SEVERAL:
        for place in PLACES:
            table = slopes(f, place)
            for start in range(-1, 2):
                v = torch.arange(float(len(table))) + start
                x = torch.tensor(place)
                trial.equal(trial.call(f, x, v), v @ table)
                trial.true(not x.requires_grad, f"{trial.said} made its x require a gradient")
    x = torch.tensor(PLACES[0], requires_grad=True)
    x.grad = torch.tensor([7.0, 7.0])
    trial.equal(trial.call(SEVERAL[0], x, torch.tensor([1.0, 1.0])), torch.tensor([2.0, 2.0]))
    trial.equal(x.grad, torch.tensor([7.0, 7.0]), about=f"the .grad of x after {trial.said}")
    trial.true(x.requires_grad, f"{trial.said} made its x stop requiring a gradient")


@exercise(
    "function",
    hints=[
        "backward on the result number i gives row i; are the rows mixed up because they add up?",
        "a fresh copy of x for each row starts with an empty .grad; one result is f(x)[i]",
        "for i in range(len(f(x))): copy, f(copy)[i].backward(), keep copy.grad; then torch.stack",
    ],
)
def ex_04_3(trial):
    """The table of slopes, row by row."""
    for f in SEVERAL:
        for place in PLACES:
            trial.equal(trial.call(f, torch.tensor(place)), slopes(f, place))


BOWLS = [
    Formula("(x * x).sum()", lambda x: (x * x).sum()),
    Formula("((x - 3) ** 2).sum()", lambda x: ((x - 3) ** 2).sum()),
    Formula("(x * x * x * x).sum() + x.sum()", lambda x: (x * x * x * x).sum() + x.sum()),
]


@exercise(
    "function",
    hints=[
        "try it with one step and with two: is the gradient of the second step too large?",
        "begin with a copy of start that requires a gradient; step in place, inside no_grad",
        "in each round: f(w).backward(), then w -= rate * w.grad under no_grad, then clear w.grad; "
        "return w.detach()",
    ],
)
def ex_04_4(trial):
    """Where gradient descent arrives."""
    for f in BOWLS:
        for place in ([1.0], [2.0, -1.0], [0.5, 1.0, -0.5]):
            for steps in (0, 1, 2, 5, 30):
                for rate in (0.1, 0.01):
                    here = torch.tensor(place)
                    for _ in range(steps):
                        here = here - rate * torch.autograd.functional.jacobian(f, here)
                    got = trial.call(f, torch.tensor(place), rate, steps)
                    trial.equal(got, here, tolerance=1e-4)
                    trial.true(not got.requires_grad, f"{trial.said} still has its record")


@exercise(
    "function",
    hints=[
        "what is the slope of a / b when only a moves? And when only b moves?",
        "the slopes are 1 / b and -a / b²; each is multiplied by what has arrived",
        "return g / b, -g * a / (...)",
    ],
)
def ex_04_5(trial):
    """The rule of a division."""
    cases = [([1.0], [6.0], [2.0]), ([2.0], [1.0], [-4.0]), ([0.0, 1.0], [3.0, 3.0], [1.0, 0.5]),
             ([1.0, -2.0, 0.5], [0.0, 5.0, -1.0], [2.0, -0.5, 4.0])]
    for g, a, b in cases:
        given = [torch.tensor(numbers) for numbers in (g, a, b)]
        tops, bottoms = (t.clone().requires_grad_() for t in given[1:])
        (tops / bottoms).backward(given[0])
        got = trial.call(*given)
        trial.equal(got, [tops.grad, bottoms.grad])
