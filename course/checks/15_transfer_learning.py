"""Checks of chapter 15, Transfer learning."""

import learntorch as torch
from course.checks.framework import exercise
from learntorch import nn


class Branches(nn.Module):
    """A model whose head is not its last part, and lies two floors down."""

    def __init__(self):
        super().__init__()
        self.body = nn.ModuleDict({"stem": nn.Linear(3, 4), "norm": nn.BatchNorm1d(4)})
        self.top = nn.Sequential(nn.Tanh(), nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 7)))
        self.last = nn.Tanh()

    def forward(self, x):
        return self.last(self.top(self.body["norm"](self.body["stem"](x))))


class Named(nn.Module):
    """A model whose head has a name of its own."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(5, 6)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(torch.tanh(self.stem(x)))


@exercise(
    "function",
    hints=[
        "model.requires_grad_(False) freezes all; the new layer learns without being asked",
        "go through model.named_modules() and keep the last pair whose module is an nn.Linear",
        'its name is a path, "top.1.1"; name.rpartition(".") gives the path of what holds it, '
        "model.get_submodule(path) the module, setattr(holder, last_word, new) puts it in",
    ],
)
def ex_15_1(trial):
    """A new head on a frozen model."""
    cases = [(lambda: nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 4)), 2, (5, 2), "2"),
             (lambda: nn.Sequential(nn.Linear(2, 3), nn.Tanh()), 1, (2, 2), "0"),
             (Named, 10, (3, 5), "fc"), (Branches, 3, (4, 3), "top.1.1")]
    for make, classes, shape, path in cases:
        torch.manual_seed(0)
        model = make()
        parts = [name for name, _ in model.named_modules()]
        inputs = model.get_submodule(path).in_features
        weights = {name: p.detach().clone() for name, p in model.named_parameters()}
        got = trial.call(model, classes)
        trial.true(isinstance(got, nn.Module), f"{trial.said} is not a module")
        about = f"in your {type(model).__name__} of {len(parts)} modules,"
        trial.equal([name for name, _ in got.named_modules()], parts,
                    about=f"{about} the list of the names of all modules")
        head = got.get_submodule(path)
        trial.true(isinstance(head, nn.Linear), f"{about} {path} is not an nn.Linear")
        trial.equal((head.in_features, head.out_features), (inputs, classes),
                    about=f"{about} (inputs, outputs) of {path}")
        learning = [name for name, p in got.named_parameters() if p.requires_grad]
        trial.equal(learning, [f"{path}.weight", f"{path}.bias"],
                    about=f"{about} the list of parameters that learn")
        for name, p in got.named_parameters():
            if not name.startswith(path):
                trial.equal(p.detach(), weights[name], about=f"{about} the weights of {name}")
        trial.equal(tuple(got(torch.randn(shape)).shape), (shape[0], classes),
                    about=f"{about} the shape of the output for an input of shape {shape}")


@exercise(
    "function",
    hints=[
        "go through state.items(), and keep a pair if two things hold",
        "name in other, and state[name].shape == other[name].shape",
        "a dictionary comprehension with both conditions after `if`, joined by `and`",
    ],
)
def ex_15_2(trial):
    """The entries of a state dict that fit."""
    one, two = torch.ones(2), torch.zeros(2, 3)
    cases = [({}, {"a": one}), ({"a": one}, {"a": torch.zeros(2)}), ({"a": one}, {"b": one}),
             ({"a": one}, {"a": torch.zeros(3)}), ({"a": two}, {"a": two.t()}),
             ({"a": two}, {"a": torch.zeros(6)}),
             ({"a": one, "b": two, "c": one}, {"c": two, "b": two + 1, "d": one}),
             (nn.Linear(3, 5).state_dict(), nn.Linear(3, 2).state_dict()),
             (nn.BatchNorm1d(3).state_dict(), nn.BatchNorm1d(3).state_dict())]
    for state, other in cases:
        state, other = dict(state), dict(other)
        got = trial.call(state, other)
        wanted = {k: v for k, v in state.items() if k in other and v.shape == other[k].shape}
        trial.true(isinstance(got, dict), f"{trial.said} is not a dictionary")
        trial.equal(sorted(got), sorted(wanted), about=f"the names in {trial.said}")
        for name, value in wanted.items():
            trial.equal(got[name], value, about=f"entry {name!r} of {trial.said}")


@exercise(
    "function",
    hints=[
        "the parameters of the head are those of head.parameters(); collect their ids in a set",
        "the others: p for p in model.parameters() if id(p) is not in that set",
        'each group is {"params": [...], "lr": ...}; keep only p.requires_grad',
    ],
)
def ex_15_3(trial):
    """Two groups of parameters with their rates."""
    def plain():
        model = nn.Sequential(nn.Linear(1, 2), nn.Linear(2, 3))
        return model, model[1]

    def first():
        model = nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 3), nn.Linear(3, 1))
        return model, model[0]

    def frozen():
        model = nn.Sequential(nn.Linear(1, 2), nn.Linear(2, 3), nn.Linear(3, 4))
        model[0].requires_grad_(False)
        model[2].bias.requires_grad_(False)
        return model, model[2]

    def nested():
        model = Branches()
        return model, model.top

    for make, rate, factor in [(plain, 1.0, 0.5), (first, 0.1, 0.1), (frozen, 0.2, 0.05),
                               (nested, 0.01, 1.0)]:
        model, head = make()
        inside = {id(p) for p in head.parameters()}
        names = dict(model.named_parameters())
        wanted = [[n for n, p in names.items() if p.requires_grad and (id(p) in inside) == there]
                  for there in (False, True)]
        groups = trial.call(model, head, rate, factor)
        trial.true(isinstance(groups, (list, tuple)) and len(groups) == 2
                   and all(isinstance(g, dict) for g in groups),
                   f"{trial.said} should return a list of two dictionaries")
        for which, group, want, lr in zip(("first", "second"), groups, wanted,
                                          (rate * factor, rate), strict=True):
            given = list(group.get("params", ()))
            got = sorted(n for n, p in names.items() if any(p is g for g in given))
            trial.equal(got, sorted(want), about=f"the parameters in the {which} group of "
                                                 f"{trial.said}")
            trial.equal(len(given), len(want), about=f"how many parameters are in the {which} "
                                                     f"group of {trial.said}")
            trial.equal(group.get("lr", "missing"), lr,
                        about=f'the "lr" of the {which} group of {trial.said}')


@exercise(
    "function",
    hints=[
        "model.train() first, for everything; then go through model.modules()",
        "isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad",
        "for each of those: module.eval()",
    ],
)
def ex_15_4(trial):
    """Training mode, with frozen batch norms in eval mode."""
    def small(frozen):
        model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Dropout(0.5))
        if frozen:
            model[1].requires_grad_(False)
        return model

    def layer_only():
        model = small(False)
        model[0].requires_grad_(False)
        return model

    def deep():
        model = nn.Sequential(small(True), nn.ModuleDict({"a": small(False), "b": small(True)}))
        return model.requires_grad_(True)

    def half():
        model = nn.Sequential(small(True), nn.Sequential(small(False), nn.BatchNorm2d(2)))
        model[1][1].requires_grad_(False)
        return model

    for make, before in [(lambda: small(False), True), (lambda: small(True), True),
                         (lambda: small(True), False), (lambda: small(False), False),
                         (layer_only, False), (half, True), (half, False), (deep, False)]:
        model = make().train(before)
        learns = [p.requires_grad for p in model.parameters()]
        got = trial.call(model)
        trial.true(isinstance(got, nn.Module), f"{trial.said} is not a module: return the model")
        modes = {name or "(itself)": m.training for name, m in got.named_modules()}
        wanted = {name or "(itself)": not (isinstance(m, nn.BatchNorm2d)
                                           and not m.weight.requires_grad)
                  for name, m in model.named_modules()}
        said = f"a model that was in {mode_word(before)} mode"
        for name, mode in wanted.items():
            kind = type(model.get_submodule(name.replace("(itself)", ""))).__name__
            trial.true(modes.get(name) == mode, f"for {said}: {name}, a {kind}, is in "
                       f"{mode_word(modes.get(name))} mode; it should be in {mode_word(mode)} mode")
        trial.equal([p.requires_grad for p in model.parameters()], learns,
                    about=f"for {said}, the list of what requires a gradient")


def mode_word(training):
    return "training" if training else "eval"


class Counting(nn.Module):
    """Counts its calls, and notes their modes and sizes."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.drop = nn.Dropout(0.5)
        self.sizes, self.modes = [], []

    def forward(self, x):
        self.sizes.append(len(x))
        self.modes.append(self.training or self.drop.training)
        return self.drop(self.layer(x))


@exercise(
    "function",
    hints=[
        "images.split(size) gives the batches; torch.cat joins what comes out",
        "body.eval() and `with torch.no_grad():` around it",
        "before: modes = [(m, m.training) for m in body.modules()]; at the end m.training = mode",
    ],
)
def ex_15_5(trial):
    """Features in batches, with the modes put back."""
    torch.manual_seed(0)
    for count, size, mode in [(1, 1, True), (4, 2, True), (5, 2, False), (3, 10, True),
                              (7, 3, "mixed")]:
        body = Counting().train(mode is True)
        if mode == "mixed":
            body.drop.train()
        before = [m.training for m in body.modules()]
        images = torch.randn(count, 3)
        got = trial.call(body, images, size)
        wanted = images @ body.layer.weight.detach().t() + body.layer.bias.detach()
        trial.true(isinstance(got, torch.Tensor), f"{trial.said} is not a tensor")
        trial.true(not got.requires_grad, f"{trial.said} has a record: torch.no_grad() is missing")
        trial.true(not any(body.modes), f"in {trial.said}, the body ran in training mode")
        trial.equal(got, wanted, tolerance=1e-4)
        full = [size] * (count // size) + [count % size] * (count % size > 0)
        trial.equal(body.sizes, full, about=f"the list of batch sizes for {count} pictures and "
                                            f"size {size}")
        trial.equal([m.training for m in body.modules()], before,
                    about="the list of training flags afterwards")
