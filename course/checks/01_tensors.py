"""Checks of chapter 01, Tensors."""

import learntorch as torch
from course.checks.framework import exercise


@exercise(
    "tensor",
    hints=[
        "compare the shape and the dtype with what is asked",
        "a list of two lists gives two rows; whole numbers without a point give int64",
        "torch.tensor([[1, 2, ...], [...]])",
    ],
)
def ex_01_1(trial):
    """The numbers 1 to 6 as a 2 × 3 table of int64."""
    trial.equal(trial.answer, torch.arange(1, 7).reshape(2, 3), about="ex_01_1")


@exercise(
    "function",
    hints=[
        "look at the smallest and the largest number your function returns",
        "torch.rand(n) lies between 0 and 1: stretch it by the width, then shift it",
        "the width is high - low; after stretching, add low",
    ],
)
def ex_01_2(trial):
    """n numbers, uniform in [low, high), that depend on the seed."""
    for n, low, high in [
        (1, 0.0, 1.0),
        (2, 0.0, 10.0),
        (5, -1.0, 1.0),
        (2000, 3.0, 4.0),
        (2000, -8.0, 2.0),
    ]:
        torch.manual_seed(n)
        got = trial.call(n, low, high)
        trial.equal(
            getattr(got, "shape", None) or got, torch.Size([n]), about=f"the shape of {trial.said}"
        )
        smallest, largest = got.min().item(), got.max().item()
        trial.true(
            smallest >= low and largest <= high,
            f"{trial.said} should lie between {low} and {high}, "
            f"and lies between {smallest:.2f} and {largest:.2f}",
        )
        if n < 100:
            continue
        part = (high - low) / 10
        trial.true(
            smallest < low + part and largest > high - part,
            f"{trial.said} should reach from {low} to {high}, "
            f"and reaches from {smallest:.2f} to {largest:.2f}",
        )
        below = (got < (low + high) / 2).float().mean().item()
        trial.true(
            0.45 < below < 0.55,
            f"half of {trial.said} should lie below the middle, and {below:.0%} of it does",
        )
    torch.manual_seed(3)
    one, two = trial.call(4, 0.0, 1.0), trial.call(4, 0.0, 1.0)
    trial.true(
        not torch.equal(one, two),
        "two calls in a row return the same numbers: does the function set the seed?",
    )


@exercise(
    "function",
    hints=[
        "two things count: how many numbers, and how many bytes each of them takes",
        "t.numel() is how many; t.element_size() is the bytes of one",
        "multiply the two",
    ],
)
def ex_01_3(trial):
    """Bytes taken by the numbers of a tensor."""
    shapes = [(), (1,), (2, 3), (0, 4), (5, 2, 3), (1, 1, 7, 2)]
    kinds = [torch.float32, torch.uint8, torch.int64, torch.float16, torch.bool, torch.float64]
    for shape in shapes:
        for kind in kinds:
            t = torch.zeros(shape, dtype=kind)
            trial.equal(trial.call(t), t.numel() * t.element_size())


@exercise(
    "function",
    hints=[
        "bytes end at 255: 250 + 10 is 4, and 5 - 10 is 251",
        "calculate in a dtype that has room for the sum, such as float32 or int64",
        "then .clamp(0, 255), and only then back, with .to(torch.uint8)",
    ],
)
def ex_01_4(trial):
    """Bytes made brighter, without starting again at 0."""
    cases = [(torch.tensor(row, dtype=torch.uint8), more) for row, more in [
        ([10, 20], 5), ([250], 10), ([5], -10), ([0, 128, 255], 0), ([0, 1, 254, 255], 255),
        ([0, 1, 254, 255], -255), ([[0, 100], [200, 255]], 300), ([[[7]], [[250]]], -300),
    ]]
    every = torch.arange(256).to(torch.uint8).view(4, 64)
    cases += [(every, more) for more in (60, -60, 1, -1)] + [(every.t(), 60), (every[:, ::2], 100)]
    for picture, more in cases:
        want = (picture.long() + more).clamp(0, 255).to(torch.uint8)
        trial.equal(trial.call(picture, more), want)


@exercise(
    "function",
    hints=[
        "find the stride first: the last dimension has 1, its numbers are neighbours",
        "one step in a dimension passes all numbers of the dimensions after it: the product of "
        "their sizes",
        "go from the last dimension to the first with passed = 1: add index * passed to the place, "
        "then multiply passed by the size",
    ],
)
def ex_01_5(trial):
    """Place in the storage of an element of a fresh tensor."""
    for shape in [(), (5,), (3, 4), (4, 3), (1, 6), (2, 3, 4), (3, 1, 2), (2, 3, 4, 5)]:
        stride = torch.empty(shape).stride()
        ends = tuple(size - 1 for size in shape)
        middle = tuple(size // 2 for size in shape)
        for index in dict.fromkeys([(0,) * len(shape), ends, middle, ends[:1] + middle[1:]]):
            place = 0
            for i, s in zip(index, stride, strict=True):
                place += i * s
            trial.equal(trial.call(shape, index), place)
