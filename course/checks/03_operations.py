"""Checks of chapter 03, Operations."""

import numpy as np

import learntorch as torch
from course.checks.framework import exercise


@exercise(
    "function",
    hints=[
        "a slice for the rows and a slice for the columns",
        "1: leaves out the first place, and :-1 leaves out the last one",
        "picture[1:-1, ...] with the same slice for the columns",
    ],
)
def ex_03_1(trial):
    """A picture without its border, as a view."""
    for rows, columns in [(3, 3), (3, 4), (4, 3), (5, 6), (3, 2), (2, 2)]:
        picture = torch.arange(rows * columns).view(rows, columns)
        kept = [row[1:-1] for row in picture.tolist()[1:-1]]
        want = torch.tensor(kept, dtype=torch.int64).reshape(rows - 2, columns - 2)
        got = trial.call(picture)
        trial.equal(got, want)
        trial.true(
            not want.numel() or np.shares_memory(got.numpy(), picture.numpy()),
            f"{trial.said} has the right numbers, and is a copy, not a view",
        )


@exercise(
    "function",
    hints=[
        "a condition makes a mask, and t[mask] chooses",
        "two conditions, each in brackets, are joined with &",
        "t[(t >= low) & ...]",
    ],
)
def ex_03_2(trial):
    """The elements between two limits, in one row."""
    cases = [
        (torch.tensor([1, 2, 3]), 2, 3),
        (torch.tensor([1, 2, 3]), 1, 1),
        (torch.tensor([5, -1, 0, 5]), 0, 5),
        (torch.arange(12).view(3, 4), 4, 9),
        (torch.arange(12.0).view(3, 4) / 4, 0.5, 1.25),
        (torch.arange(8).view(2, 2, 2).permute(2, 0, 1), 2, 6),
        (torch.tensor([1.0, 2.0]), 5.0, 6.0),
    ]
    for t, low, high in cases:
        kept = [v for v in t.flatten().tolist() if low <= v <= high]
        trial.equal(trial.call(t, low, high), torch.tensor(kept, dtype=t.dtype))


@exercise(
    "function",
    hints=[
        "print the shape of the means: below which dimension of the table does it stand?",
        "the mean along dim=1 is one number for each row; it needs the shape (rows, 1)",
        "keepdim=True keeps the dimension that the mean takes away",
    ],
)
def ex_03_3(trial):
    """Each row less its own mean."""
    tables = [
        torch.tensor([[1.0, 3.0], [10.0, 10.0]]),
        torch.tensor([[4.0]]),
        torch.tensor([[1.0, 2.0, 6.0]]),
        torch.arange(6.0).view(3, 2) ** 2,
        torch.arange(9.0).view(3, 3) ** 2,
        torch.arange(20.0).view(5, 4).t() ** 2,
    ]
    for points in tables:
        rows = [[v - sum(row) / len(row) for v in row] for row in points.tolist()]
        trial.equal(trial.call(points), torch.tensor(rows))


@exercise(
    "function",
    hints=[
        "view alone would give the right shape with the wrong numbers: the order must change first",
        "colour has to become the last dimension: permute",
        "pictures.permute(0, 2, 3, 1), and then one row for each pixel with reshape",
    ],
)
def ex_03_4(trial):
    """Pictures (n, c, h, w) as a table of pixels (n · h · w, c)."""
    for n, c, h, w in [(1, 1, 1, 1), (1, 2, 1, 3), (1, 2, 2, 2), (2, 3, 1, 1), (2, 3, 4, 5)]:
        pictures = torch.arange(n * c * h * w).view(n, c, h, w)
        numbers = pictures.tolist()
        want = [
            [numbers[i][k][y][x] for k in range(c)]
            for i in range(n)
            for y in range(h)
            for x in range(w)
        ]
        trial.equal(trial.call(pictures), torch.tensor(want))


@exercise(
    "function",
    hints=[
        "all pairs: a dimension for the points of a, one for those of b, and one for the numbers",
        "(n, 1, d) and (m, d) are broadcast to (n, m, d)",
        "subtract, square, and add up along the last dimension",
    ],
)
def ex_03_5(trial):
    """Squared distances of all pairs of points."""
    for n, m, d in [(1, 1, 1), (1, 1, 2), (2, 1, 1), (1, 3, 2), (2, 3, 2), (3, 3, 3), (4, 2, 3)]:
        a = torch.arange(float(n * d)).view(n, d) * 2
        b = torch.arange(float(m * d)).view(m, d) ** 2 - 1
        want = [
            [sum((p - q) ** 2 for p, q in zip(one, two, strict=True)) for two in b.tolist()]
            for one in a.tolist()
        ]
        trial.equal(trial.call(a, b), torch.tensor(want))
