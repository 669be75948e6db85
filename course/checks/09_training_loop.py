"""Checks of chapter 09, The training loop."""

import copy
import math

import learntorch as torch
import learntorch.nn.functional as F
from course.checks.framework import exercise
from learntorch import nn


@exercise(
    "function",
    hints=[
        "how many iterations has an epoch? Try 11 examples in batches of 5",
        "the last batch may be smaller: round up, with math.ceil or with -(-a // b)",
        "iterations times epochs times seconds, divided by 3600",
    ],
)
def ex_09_1(trial):
    """Hours of a training."""
    cases = [(10, 5, 3600, 1), (10, 5, 1800, 3), (11, 5, 3600, 1), (1, 50, 7200, 2),
             (80_000, 50, 30, 3), (60_000, 128, 0.25, 10), (7000, 64, 0.01, 20)]
    for samples, size, seconds, epochs in cases:
        hours = math.ceil(samples / size) * epochs * seconds / 3600
        trial.equal(trial.call(samples, size, seconds, epochs), hours, tolerance=1e-9)


def numbers_of(batches):
    return [i for batch in batches for i in batch.tolist()]


@exercise(
    "function",
    hints=[
        "first put the numbers from 0 to n - 1 into random order, then cut",
        "torch.randperm(n) is a random order; order[first : first + size] is one batch",
        "a tensor has a method that cuts it into pieces of a size: .split",
    ],
)
def ex_09_2(trial):
    """The batches of an epoch."""
    for n, size in [(1, 1), (4, 2), (5, 2), (3, 7), (6, 6), (20, 6), (101, 10)]:
        batches = trial.call(n, size)
        trial.true(isinstance(batches, (list, tuple)), f"{trial.said} is not a list of tensors")
        for batch in batches:
            whole = isinstance(batch, torch.Tensor) and not batch.dtype.is_floating_point
            trial.true(whole and batch.dim() == 1,
                       f"{trial.said} holds {batch!r}, which is not a row of whole numbers")
        sizes = [len(batch) for batch in batches]
        want = [size] * (n // size) + ([n % size] if n % size else [])
        trial.equal(sizes, want, about=f"the list of the sizes in {trial.said}")
        trial.equal(sorted(numbers_of(batches)), list(range(n)),
                    about=f"the sorted list of all numbers in {trial.said}")
    first, second = (numbers_of(trial.call(101, 10)) for _ in range(2))
    trial.true(first != second, f"two calls of {trial.said} gave the same order")
    orders = {tuple(numbers_of(trial.call(3, 2))) for _ in range(150)}
    trial.true(len(orders) == 6, f"in 150 calls, {trial.said} gave {len(orders)} different orders "
                                 "of three numbers; there are 6, all equally likely")


class Net(nn.Sequential):
    def __repr__(self):
        return "a small net"


class SGD(torch.optim.SGD):
    def __repr__(self):
        return "SGD with lr 0.1"


class Adam(torch.optim.Adam):
    def __repr__(self):
        return "Adam with lr 0.01"


def sgd(parameters):
    return SGD(parameters, lr=0.1)


def adam(parameters):
    return Adam(parameters, lr=0.01)


def case(seed, rows, optimizer):
    """A network with old gradients, its optimizer, a batch, and what one step makes of it."""
    torch.manual_seed(seed)
    net = Net(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 4)).double()
    x = torch.randn(rows, 2, dtype=torch.float64)
    y = torch.randint(0, 4, (rows,))
    after = copy.deepcopy(net)
    step = optimizer(after.parameters())
    loss = F.cross_entropy(after(x), y)
    loss.backward()
    step.step()
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    return net, optimizer(net.parameters()), x, y, weights(after), loss.item()


def weights(net):
    return torch.cat([p.detach().reshape(-1) for p in net.parameters()])


def compare(trial, got, before, want, about):
    """The weights after the step; the one that is furthest off is the counterexample."""
    trial.true(not torch.equal(got, before), f"{about} all weights are where they were")
    worst = (got - want).abs().argmax().item()
    began, is_now, right = (round(t[worst].item(), 5) for t in (before, got, want))
    trial.true(abs(is_now - right) < 1e-4, f"{about} a weight that began at {began} should have "
                                           f"gone to {right}, and is {is_now}")


class Calls:
    """How many rows a module was given, call by call."""

    def __init__(self, net):
        self.rows = []
        self.hook = net.register_forward_hook(self.note)

    def note(self, module, inputs, output):
        self.rows.append(len(inputs[0]))


@exercise(
    "function",
    hints=[
        "forward, loss, clear, backward, step: are all five there, in an order that works?",
        "the old gradients must go before backward; the loss is the one before the step",
        "loss.item() is the Python number; return it after optimizer.step()",
    ],
)
def ex_09_3(trial):
    """One iteration of training."""
    for seed, (rows, optimizer) in enumerate([(1, sgd), (3, sgd), (5, adam)]):
        net, steps, x, y, after, loss = case(seed, rows, optimizer)
        before, calls = weights(net), Calls(net)
        got = trial.do(trial.answer, net, steps, x, y, shown="ex_09_3")
        calls.hook.remove()
        about = f"after one call with {rows} row{'s' if rows > 1 else ''} and {steps},"
        compare(trial, weights(net), before, after, about)
        trial.equal(got, loss, about=f"{about} what your function returned")
        trial.equal(len(calls.rows), 1, about=f"{about} how often net was called")


@exercise(
    "function",
    hints=[
        "x.split(most) and y.split(most) give the portions; backward for each, step once",
        "cross_entropy is a mean over the portion, and the whole loss is a mean over all rows: a "
        "portion counts as much as it has rows",
        "part = F.cross_entropy(...) * len(portion) / len(x); part.backward(); add up part.item()",
    ],
)
def ex_09_4(trial):
    """One iteration in portions."""
    plans = [(2, 2, sgd), (4, 2, sgd), (3, 2, sgd), (5, 1, sgd), (5, 9, sgd), (7, 3, adam)]
    for seed, (rows, most, optimizer) in enumerate(plans):
        net, steps, x, y, after, loss = case(seed, rows, optimizer)
        before, calls = weights(net), Calls(net)
        got = trial.do(trial.answer, net, steps, x, y, most, shown="ex_09_4")
        calls.hook.remove()
        about = f"with {rows} rows and at most {most} at once,"
        trial.true(calls.rows != [], f"{about} your function never calls net")
        trial.true(max(calls.rows) <= most, f"{about} net was given {max(calls.rows)} rows")
        trial.equal(sum(calls.rows), rows, about=f"{about} the sum of all rows net was given")
        compare(trial, weights(net), before, after, about)
        trial.equal(got, loss, about=f"{about} what your function returns")


class Parameters(list):
    """Parameters that show their gradients in a counterexample."""

    def __repr__(self):
        words = ", ".join(str(None if p.grad is None else p.grad.tolist()) for p in self)
        return f"[parameters with the gradients {words}]"


def with_gradients(*rows):
    made = Parameters()
    for row in rows:
        p = nn.Parameter(torch.zeros(len(row) if row is not None else 2))
        if row is not None:
            p.grad = torch.tensor(row)
        made.append(p)
    return made


@exercise(
    "function",
    hints=[
        "the norm of all together: add up the squares of every gradient, then take one root",
        "only if the norm is more than `most`: multiply every gradient by most / norm",
        "p.grad may be None: leave such a p out; p.grad.mul_(...) scales in place; math.sqrt makes "
        "a Python number",
    ],
)
def ex_09_5(trial):
    """Clipping by hand."""
    plans = [([[3.0, 4.0]], 1.0), ([[3.0, 4.0]], 10.0), ([[3.0], [4.0]], 1.0),
             ([[0.0, 0.0]], 1.0), ([[6.0], None, [8.0, 0.0]], 5.0), ([None], 1.0),
             ([[-1.0, 2.0], [2.0, 4.0, -1.0]], 0.5)]
    for rows, most in plans:
        parameters = with_gradients(*rows)
        norm = math.sqrt(sum(v * v for row in rows if row for v in row))
        scale = most / norm if norm > most else 1.0
        said = f"your ex_09_5({parameters!r}, {most})"
        got = trial.call(parameters, most)
        trial.equal(got, norm, about=said, tolerance=1e-4)
        for p, row in zip(parameters, rows, strict=True):
            if row is None:
                trial.true(p.grad is None, f"{said} gave a gradient to a parameter that had none")
            else:
                trial.equal(p.grad, scale * torch.tensor(row), about=f"after {said}, a gradient",
                            tolerance=1e-4)
