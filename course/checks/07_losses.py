"""Checks of chapter 07, loss functions."""

import math

import learntorch as torch
import learntorch.nn.functional as F
from course.checks.framework import exercise


@exercise(
    "number",
    hints=[
        "each picture has the loss −ln p, where p is the probability of the right class",
        "−ln 0.5 is 0.693, and each halving adds as much again; −ln 1 is 0",
        "0.693, 1.386, 2.079 and 0: now the mean of the four",
    ],
)
def ex_07_1(trial):
    """The cross-entropy of four probabilities."""
    right = -sum(math.log(p) for p in (0.5, 0.25, 0.125, 1.0)) / 4
    trial.true(abs(trial.answer - right) <= 0.011, f"it is not {trial.answer:g}")


@exercise(
    "function",
    hints=[
        "begin with the distances, (output - target).abs()",
        "two formulas, one near and one far: torch.where(distance <= delta, near, far)",
        "near is distance ** 2 / 2, far is delta * (distance - delta / 2); then the mean",
    ],
)
def ex_07_2(trial):
    """Huber by hand, with slopes."""
    cases = [
        ([0.5], [0.0], 1.0),
        ([3.0], [0.0], 1.0),
        ([-3.0], [0.0], 1.0),
        ([0.0, 5.0], [1.0, 1.0], 2.0),
        ([0.0, 5.0, -2.0], [0.2, 1.0, 4.0], 0.5),
        ([[1.0, -2.0], [9.0, 0.25]], [[0.0, 0.5], [-1.0, 0.0]], 3.0),
    ]
    for output, target, delta in cases:
        leaf = torch.tensor(output, requires_grad=True)
        got = trial.call(leaf, torch.tensor(target), delta)
        mine = leaf.detach().clone().requires_grad_()
        want = F.huber_loss(mine, torch.tensor(target), delta=delta)
        trial.equal(got.detach() if isinstance(got, torch.Tensor) else got, want.detach())
        trial.true(got.requires_grad, f"{trial.said} has no record: stay with tensors, no .item()")
        got.backward()
        want.backward()
        trial.equal(leaf.grad, mine.grad, about=f"the slopes of {trial.said}")


@exercise(
    "function",
    hints=[
        "print (output - target).shape: for (3, 1) and (3,) it is (3, 3)",
        "bring both into the shape (n,) first",
        "x.reshape(-1), or x.flatten(), gives the shape (n,) in all three cases",
    ],
)
def ex_07_3(trial):
    """The MSE whatever the shapes."""
    numbers = [([4.0], [1.0]), ([2.0, 5.0], [1.0, 3.0]),
               ([1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 9.0])]
    for output, target in numbers:
        n = len(output)
        want = F.mse_loss(torch.tensor(output), torch.tensor(target))
        for first in ((n,), (n, 1), (1, n)):
            for second in ((n,), (n, 1), (1, n)):
                got = trial.call(torch.tensor(output).reshape(first),
                                 torch.tensor(target).reshape(second))
                trial.equal(got, want)


@exercise(
    "function",
    hints=[
        "ln Σ eˣ − x[target]; the second part is one number from each row",
        "take the largest score of each row out of the sum: x.max(1, keepdim=True).values",
        "scores[torch.arange(len(scores)), target] is what is taken off; "
        "most[:, 0] + torch.log(torch.exp(scores - most).sum(1)) is the rest",
    ],
)
def ex_07_4(trial):
    """Cross-entropy of each row, without overflow."""
    cases = [
        ([[0.0, 0.0]], [0]),
        ([[2.0, 1.0, -1.0]], [1]),
        ([[1.0, 3.0], [0.5, -0.5]], [1, 0]),
        ([[300.0, 0.0], [0.0, 300.0]], [0, 0]),
        ([[1000.0, 999.0, 0.0]], [1]),
        ([[-1000.0, -1001.0], [3.0, 4.0]], [0, 0]),
        ([[0.0, -1000.0, 1000.0], [1.0, 1.0, 1.0]], [2, 2]),
    ]
    for scores, target in cases:
        scores, target = torch.tensor(scores), torch.tensor(target)
        want = F.cross_entropy(scores, target, reduction="none")
        # m + ln Σ − x[t] is a right way, and loses four of seven digits where scores are in
        # the thousands.
        trial.equal(trial.call(scores, target), want, tolerance=1e-3)


@exercise(
    "function",
    hints=[
        "for one row it is softmax minus truth",
        "the mean over n rows divides each slope by n, the number of rows",
        "F.one_hot(target, scores.shape[1]) is the truth as rows of 0 and 1",
    ],
)
def ex_07_5(trial):
    """The rule of cross-entropy."""
    cases = [
        ([[0.0, 0.0]], [0]),
        ([[2.0, 1.0, -1.0]], [1]),
        ([[1.0, 3.0], [0.5, -0.5]], [1, 0]),
        ([[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 0.0], [9.0, -9.0, 1.0, 0.0]], [3, 1, 1]),
        ([[500.0, 0.0]], [1]),
    ]
    for scores, target in cases:
        leaf = torch.tensor(scores, requires_grad=True)
        F.cross_entropy(leaf, torch.tensor(target)).backward()
        got = trial.call(torch.tensor(scores), torch.tensor(target))
        trial.equal(got, leaf.grad)
