"""Checks of chapter 12, CNN I: LeNet reads handwriting."""

import learntorch as torch
import learntorch.nn.functional as F
from course.checks.framework import exercise
from learntorch import nn


@exercise(
    "function",
    hints=[
        "padding makes the picture larger, at both ends: n + 2 * padding",
        "the kernel can move over what is left after its first place: n + 2 * padding - k",
        "divide that by stride, without the rest (//), and count the first place: + 1",
    ],
)
def ex_12_1(trial):
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
def ex_12_2(trial):
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
def ex_12_3(trial):
    """Max pooling over 2 × 2."""
    for size in [(2, 2), (2, 4), (4, 2), (4, 4), (6, 8)]:
        (table,) = tables(size)
        trial.equal(trial.call(table), F.max_pool2d(table[None, None], 2)[0, 0])


@exercise(
    "class",
    hints=[
        "how large is the picture after the first convolution and pooling? (side - 4) // 2",
        "do that twice; what is left is 16 maps of that many rows and columns",
        "nn.Linear(16 * left * left, classes), after torch.flatten(x, 1); no ReLU at the end",
    ],
)
def ex_12_4(trial):
    """A LeNet with one linear layer, for pictures of any size."""
    for side, classes, n in [(16, 2, 1), (16, 3, 2), (28, 10, 2), (32, 10, 3), (21, 4, 2),
                             (18, 5, 4)]:
        said = f"ex_12_4({side}, {classes})"
        net = trial.call(side, classes)
        trial.true(isinstance(net, nn.Module), f"{said} is no nn.Module")
        left = ((side - 4) // 2 - 4) // 2
        wanted = [(6, 1, 5, 5), (16, 6, 5, 5), (classes, 16 * left * left)]
        weights = [p for p in net.parameters() if p.dim() > 1]
        kept = sorted(tuple(p.shape) for p in weights)
        trial.true(kept == sorted(wanted),
                   f"the weights of {said} have the shapes {kept}, in place of {sorted(wanted)}")
        torch.manual_seed(0)
        pictures = torch.randn(n, 1, side, side)
        got = trial.do(net, pictures, shown=said)
        trial.true(isinstance(got, torch.Tensor) and tuple(got.shape) == (n, classes),
                   f"{said} makes of {n} pictures {_kind(got)}, in place of {(n, classes)}")
        trial.equal(got.detach(), reference(net, wanted, pictures), tolerance=1e-4,
                    about=f"the scores of {said} for {n} random pictures")


def _kind(got):
    return tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__


def reference(net, shapes, pictures):
    """What a network with the weights of `net` should put out; layers without a bias are fine."""
    weights = {tuple(p.shape): p.detach() for p in net.parameters()}
    biases = {tuple(m.weight.shape): None if m.bias is None else m.bias.detach()
              for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))}
    x = pictures
    for shape in shapes[:2]:
        x = F.max_pool2d(F.relu(F.conv2d(x, weights[shape], biases.get(shape))), 2)
    return F.linear(torch.flatten(x, 1), weights[shapes[2]], biases.get(shapes[2]))


@exercise(
    "function",
    hints=[
        "begin with moved = torch.zeros_like(images), and fill it picture by picture",
        "torch.roll brings back on the left what has gone out on the right: not wanted here",
        "F.pad(images[i], (r, -r, d, -d)) puts r zeros on the left and cuts r off on the right; a "
        "negative r does the opposite",
    ],
)
def ex_12_5(trial):
    """Each picture of a batch moved its own way."""
    cases = [(1, 2, [0], [0]), (1, 3, [0], [1]), (2, 2, [1], [0]), (2, 3, [0], [-1]),
             (3, 3, [-2], [1]), (2, 3, [1, 0], [0, 2]), (3, 2, [-1, 2, 0], [1, -1, 0]),
             (4, 5, [3, -3, 1, 0], [-4, 4, 0, -2]), (28, 28, [2, -2], [-27, 3])]
    for rows, columns, down, right in cases:
        size = (len(down), 1, rows, columns)
        images = torch.arange(1.0, len(down) * rows * columns + 1).reshape(size)
        wanted = [F.pad(picture, (r, -r, d, -d))
                  for picture, d, r in zip(images, down, right, strict=True)]
        trial.equal(trial.call(images, down, right), torch.stack(wanted))
