"""Checks of chapter 08, optimizers and schedules."""

import learntorch as torch
from course.checks.framework import exercise
from learntorch import nn


@exercise(
    "number",
    hints=[
        "the slope of 3 · w² is 6w: at 2 it is 12",
        "the first step goes to 2 − 0.1 · 12 = 0.8",
        "each step multiplies w by 1 − 0.6 = 0.4",
    ],
)
def ex_08_1(trial):
    """Two steps by hand."""
    w = 2.0
    for _ in range(2):
        w -= 0.1 * 6 * w
    trial.true(abs(trial.answer - w) < 1e-6, f"it is not {trial.answer:g}")


def square(p):
    return (p * p).sum()


def ravine(p):
    return (p[0] ** 2 + 25 * p[1] ** 2) / 2


def wave(p):
    return (p * p - 3 * torch.cos(p)).sum()


@exercise(
    "function",
    hints=[
        "keep a second tensor for the velocity; it begins at 0, so the first b is the slope",
        "w = start.clone().requires_grad_(); in each round (g,) = torch.autograd.grad(f(w), w)",
        "with torch.no_grad(): b = mu * b + g, then w -= rate * b; at the end return w.detach()",
    ],
)
def ex_08_2(trial):
    """Momentum, without the library."""
    cases = [
        (square, [1.0], 0.1, 0.9, 1),
        (square, [1.0], 0.1, 0.9, 2),
        (square, [1.0, -2.0], 0.1, 0.0, 3),
        (ravine, [-2.0, 1.0], 0.02, 0.9, 10),
        (wave, [1.0, 2.0, -0.5], 0.05, 0.5, 7),
        (square, [3.0], 0.1, 0.9, 0),
    ]
    for f, start, rate, mu, steps in cases:
        begin = torch.tensor(start)
        shown = f"for f = {f.__name__} and start = {start}, ex_08_2"

        def answer(rate, mu, steps, f=f, begin=begin):
            return trial.answer(f, begin, rate, mu, steps)

        got = trial.do(answer, rate=rate, mu=mu, steps=steps, shown=shown)
        want = torch.tensor(start, requires_grad=True)
        optimizer = torch.optim.SGD([want], lr=rate, momentum=mu)
        for _ in range(steps):
            optimizer.zero_grad()
            f(want).backward()
            optimizer.step()
        trial.equal(got, want.detach())
        trial.true(not got.requires_grad, f"{trial.said} still has a record: .detach() cuts it off")
        trial.equal(begin.detach(), torch.tensor(start), about="the tensor start")
        trial.true(not begin.requires_grad and begin.grad is None,
                   "start should not require a gradient afterwards: work with a clone of it")


@exercise(
    "function",
    hints=[
        "first the new v, then the new w, which uses it",
        "v = alpha * v + (1 - alpha) * g**2 makes a new tensor and leaves the old one alone",
        "w - rate * g / (v.sqrt() + eps) is the new w; return both, w first",
    ],
)
def ex_08_3(trial):
    """One step of RMSprop."""
    cases = [
        ([0.0], [1.0], [1.0], 0.1, 0.9, 1e-8),
        ([1.0], [100.0], [0.0], 0.1, 0.99, 1e-8),
        ([1.0, -1.0], [0.5, -2.0], [0.2, 0.0], 0.01, 0.9, 1e-8),
        ([1.0, 2.0], [0.0, 3.0], [0.0, 4.0], 0.5, 0.5, 0.1),
        ([[1.0, 2.0], [3.0, 4.0]], [[1.0, -1.0], [0.1, 10.0]], [[0.0, 1.0], [2.0, 3.0]], 1.0, 0.0,
         1e-3),
    ]
    for w, g, v, rate, alpha, eps in cases:
        w, g, v = (torch.tensor(numbers) for numbers in (w, g, v))
        new = alpha * v + (1 - alpha) * g**2
        trial.equal(trial.call(w, g, v, rate, alpha, eps),
                    (w - rate * g / (new.sqrt() + eps), new))


def half_frozen():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    model[0].weight.requires_grad_(False)
    model[2].bias.requires_grad_(False)
    return model


@exercise(
    "function",
    hints=[
        "go through model.parameters(), leave out what does not require a gradient, and sort the "
        "rest by p.dim() into two lists",
        "each list becomes a group, a dictionary with \"params\" and \"weight_decay\"",
        "torch.optim.AdamW([{\"params\": tables, \"weight_decay\": decay}, {…}], lr=rate)",
    ],
)
def ex_08_4(trial):
    """AdamW with decay for tables only."""
    models = [
        (nn.Linear(2, 1), 0.01, 0.1),
        (nn.Linear(2, 2, bias=False), 0.1, 0.01),
        (nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), 0.001, 0.5),
        (half_frozen(), 0.02, 0.3),
        (nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), 0.02, 0.05),
    ]
    for model, rate, decay in models:
        got = trial.call(model, rate, decay)
        trial.true(isinstance(got, torch.optim.AdamW),
                   f"{trial.said} is not a torch.optim.AdamW, but a {type(got).__name__}")
        found = {id(p): group for group in got.param_groups for p in group["params"]}
        for name, p in model.named_parameters():
            if not p.requires_grad:
                trial.true(id(p) not in found, f"{trial.said} holds the frozen parameter {name}")
                continue
            trial.true(id(p) in found, f"{trial.said} does not hold the parameter {name}")
            where = f"for {name} in {trial.said}, the"
            trial.equal(found[id(p)]["lr"], rate, about=f"{where} rate")
            trial.equal(found[id(p)]["weight_decay"], decay if p.dim() > 1 else 0.0,
                        about=f"{where} weight decay")


class Training:
    """A small model with everything a training needs, twice the same for the same case."""

    def __init__(self, rate, momentum, size):
        torch.manual_seed(3)
        self.model = nn.Linear(2, 1)
        self.x = torch.tensor([[1.0, 0.0], [0.5, -1.0], [2.0, 1.0]]) * size
        self.y = torch.tensor([[1.0], [-1.0], [0.5]])
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=rate, momentum=momentum)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=1, gamma=0.5)
        for p in self.model.parameters():
            p.grad = torch.ones(p.shape)

    def loss_of(self, model):
        return ((model(self.x) - self.y) ** 2).mean()


def trained(case, steps, limit):
    """The losses of a training in the right order."""
    losses = []
    for _ in range(steps):
        loss = case.loss_of(case.model)
        case.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(case.model.parameters(), limit)
        case.optimizer.step()
        case.scheduler.step()
        losses.append(loss.item())
    return losses


@exercise(
    "function",
    hints=[
        "in each step: zero_grad, loss, backward, clip, optimizer.step, scheduler.step",
        "nn.utils.clip_grad_norm_(model.parameters(), limit) stands right before optimizer.step()",
        "losses.append(loss.item()) in the loop, and return losses after it; the six calls in the "
        "order of the first hint",
    ],
)
def ex_08_5(trial):
    """Everything in the right order."""
    for rate, momentum, size, steps, limit in (
        (0.1, 0.0, 1.0, 1, 100.0),
        (0.1, 0.0, 1.0, 3, 100.0),
        (0.1, 0.0, 10.0, 2, 1.0),
        (0.05, 0.9, 2.0, 6, 2.0),
    ):
        mine, right = Training(rate, momentum, size), Training(rate, momentum, size)
        want = trained(right, steps, limit)

        def answer(steps, limit, mine=mine):
            return trial.answer(mine.model, mine.loss_of, mine.optimizer, mine.scheduler, steps,
                                limit)

        shown = f"with SGD, rate {rate}, and StepLR with gamma 0.5, ex_08_5"
        got = trial.do(answer, steps=steps, limit=limit, shown=shown)
        trial.equal(got, want)
        trial.equal(mine.optimizer.param_groups[0]["lr"], right.optimizer.param_groups[0]["lr"],
                    about=f"{trial.said}: the rate afterwards")
        for name, p in right.model.named_parameters():
            trial.equal(dict(mine.model.named_parameters())[name].detach(), p.detach(),
                        about=f"{trial.said}: the {name} of the model afterwards")
