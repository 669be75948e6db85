"""Checks of chapter 12, CNN I: LeNet reads handwriting."""

import learntorch as torch
import learntorch.nn.functional as F
from course.checks.framework import exercise


@exercise(
    "number",
    hints=[
        "each of the 6 kernels is a table of 5 × 5 weights",
        "6 times 25 weights, and every output channel has one bias",
        "150 weights and 6 biases",
    ],
)
def ex_12_1(trial):
    """How many numbers a Conv2d(1, 6, 5) keeps."""
    count = sum(p.numel() for p in torch.nn.Conv2d(1, 6, 5).parameters())
    trial.true(trial.answer == count, f"the layer does not keep {trial.answer:g} numbers")


@exercise(
    "function",
    hints=[
        "padding makes the picture larger, at both ends: n + 2 * padding",
        "the kernel can move over what is left after its first place: n + 2 * padding - k",
        "divide that by stride, without the rest (//), and count the first place: + 1",
    ],
)
def ex_12_2(trial):
    """Size of a convolution's result along one side."""
    cases = [(5, 5, 0, 1), (6, 3, 0, 1), (28, 5, 0, 1), (28, 5, 2, 1), (7, 3, 0, 2), (8, 3, 0, 2)]
    cases += [(8, 3, 1, 2), (10, 1, 0, 3), (11, 4, 1, 3), (32, 7, 3, 4)]
    for n, k, padding, stride in cases:
        out = F.conv2d(torch.zeros(1, 1, n, n), torch.zeros(1, 1, k, k), None, stride, padding)
        trial.equal(trial.call(n, k, padding, stride), out.shape[2])


def tables(*sizes):
    """Small tables of whole numbers, so that a counterexample can be checked by hand."""
    torch.manual_seed(0)
    return [torch.randint(-3, 4, size).float() for size in sizes]


@exercise(
    "function",
    hints=[
        "how many places are there for the kernel, down and to the right? make zeros of that size",
        "the patch at row i and column j is image[i : i + rows, j : j + columns]: as large as the "
        "kernel",
        "out[i, j] = (patch * kernel).sum(), in two loops over i and j; do not flip the kernel",
    ],
)
def ex_12_3(trial):
    """Convolution of a table with a kernel."""
    pairs = [
        ((1, 1), (1, 1)),
        ((2, 2), (1, 2)),
        ((3, 3), (2, 2)),
        ((2, 5), (2, 2)),
        ((4, 3), (3, 1)),
    ]
    pairs += [((6, 5), (3, 2)), ((5, 7), (5, 3))]
    for size, small in pairs:
        image, kernel = tables(size, small)
        trial.equal(
            trial.call(image, kernel), F.conv2d(image[None, None], kernel[None, None])[0, 0]
        )


@exercise(
    "function",
    hints=[
        "row i and column j of the result come from table[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]",
        "without loops: table[0::2, 0::2] are the top left corners of all squares; there are three "
        "more such tables",
        "torch.maximum(a, b) takes the larger of two tables, place by place; use it three times",
    ],
)
def ex_12_4(trial):
    """Max pooling over 2 × 2."""
    for size in [(2, 2), (2, 4), (4, 2), (4, 4), (6, 8)]:
        (table,) = tables(size)
        trial.equal(trial.call(table), F.max_pool2d(table[None, None], 2)[0, 0])


@exercise(
    "function",
    hints=[
        "first turn each row of scores into probabilities",
        "the winner has the largest probability of its row",
        "torch.softmax(scores, dim=1).max(dim=1) gives the values and where they are",
    ],
)
def ex_12_5(trial):
    """Probability of the winner, for each picture."""
    torch.manual_seed(0)
    cases = [torch.zeros(1, 10), torch.tensor([[0.0, 0.0, 5.0, 0, 0, 0, 0, 0, 0, 0]])]
    cases += [torch.randn(n, 10) * 3 for n in (1, 2, 7)]
    for scores in cases:
        trial.equal(trial.call(scores), torch.softmax(scores, dim=1).amax(dim=1))
