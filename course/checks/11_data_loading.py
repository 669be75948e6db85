"""Checks of chapter 11, Datasets and DataLoaders."""

import random

import learntorch as torch
from course.checks.framework import exercise
from learntorch.utils.data import BatchSampler, DataLoader


@exercise(
    "function",
    hints=[
        "take 10 samples in batches of 4 on paper: how many are full, and what is left?",
        "divmod(n, batch_size) gives both: the full batches, and what is left over",
        "if something is left and drop_last is False, there is one batch more, and it is the last",
    ],
)
def ex_11_1(trial):
    """How many batches, and how large the last."""
    for n in (*range(13), 100, 101):
        for batch_size in (1, 2, 3, 4, 7, 100):
            for drop_last in (False, True):
                batches = list(BatchSampler(range(n), batch_size, drop_last))
                want = (len(batches), len(batches[-1]) if batches else 0)
                trial.equal(trial.call(n, batch_size, drop_last), want)


@exercise(
    "class",
    hints=[
        "keep series and width in __init__; __len__ says how many windows fit",
        "the last window must leave one number after it: there are len(series) - width of them",
        "__getitem__: first `if not 0 <= i < len(self): raise IndexError`, then take from series",
    ],
)
def ex_11_2(trial):
    """Windows over a series."""
    for n, width in ((3, 1), (5, 2), (6, 5), (9, 4), (4, 4)):
        series = torch.arange(10.0, 10.0 + n) ** 2
        shown = f"ex_11_2(torch.arange(10.0, {10.0 + n}) ** 2, {width})"
        data = trial.do(trial.answer, series, width, shown="ex_11_2")
        length = trial.do(lambda data=data: len(data), shown=f"{shown} and then len")
        trial.equal(length, n - width, about=f"the length of {shown}")
        for i in range(n - width):
            got = trial.do(lambda i=i, data=data: data[i], shown=f"{shown} and then [{i}]")
            trial.true(isinstance(got, (tuple, list)) and len(got) == 2,
                       f"{shown}[{i}] is not a pair")
            trial.equal(got[0], series[i:i + width], about=f"the first part of {shown}[{i}]")
            trial.equal(got[1], series[i + width], about=f"the second part of {shown}[{i}]")
        try:
            data[n - width]
        except IndexError:
            pass
        except Exception as error:
            trial.true(False, f"{shown}[{n - width}] raised {type(error).__name__}, not IndexError")
        else:
            trial.true(False, f"{shown}[{n - width}] should raise IndexError: there is no window")
    data = trial.answer(torch.arange(9.0), 3)
    x, y = next(iter(DataLoader(data, batch_size=4)))
    trial.equal((tuple(x.shape), tuple(y.shape)), ((4, 3), (4,)),
                about="the shapes of a batch of 4 windows of width 3")


@exercise(
    "function",
    hints=[
        "how wide must the table be? start with one full of -1: torch.full((n, wide), -1, dtype=…)",
        "row i ends at the right edge: table[i, wide - len(row):] = row; a row may be empty",
        "the mask is a table of False, in which the same places are set to True; labels: a tensor",
    ],
)
def ex_11_3(trial):
    """A collate_fn that pads at the start."""
    cases = [
        [(torch.tensor([5.0]), 1)],
        [(torch.tensor([1.0, 2.0]), 0), (torch.tensor([3.0]), 1)],
        [(torch.tensor([7, 8, 9]), 2), (torch.tensor([], dtype=torch.int64), 0),
         (torch.tensor([-1]), 1)],
        [(torch.arange(float(n)) - 1, n % 3) for n in (4, 1, 3, 2, 4)],
        [(torch.tensor([0.5, -1.0], dtype=torch.float64), 3),
         (torch.tensor([2.5], dtype=torch.float64), 4)],
    ]
    for samples in cases:
        wide = max(len(row) for row, _ in samples)
        table = torch.full((len(samples), wide), -1, dtype=samples[0][0].dtype)
        mask = torch.zeros(len(samples), wide, dtype=torch.bool)
        for i, (row, _) in enumerate(samples):
            table[i, wide - len(row):] = row
            mask[i, wide - len(row):] = True
        got = trial.call(samples)
        trial.true(isinstance(got, (tuple, list)) and len(got) == 3,
                   f"{trial.said} should return three tensors")
        for mine, want, what in zip(got, (table, mask, torch.tensor([y for _, y in samples])),
                                    ("rows", "mask", "labels"), strict=True):
            trial.equal(mine, want, about=f"the {what} of {trial.said}")


@exercise(
    "function",
    hints=[
        "10 samples and 3 workers: the pieces are 4, 3 and 3 long, so 0-3, 4-6 and 7-9",
        "n // workers is what everyone gets; the first n % workers of them get one more",
        "one way: the piece begins at worker * n // workers if the longer ones may come anywhere",
    ],
)
def ex_11_4(trial):
    """Which part of a stream a worker takes."""
    for workers in (1, 2, 3, 4, 7):
        for n in (0, 1, 2, 3, 4, 5, 10, 11, 12, 50):
            pieces = []
            for worker in range(workers):
                got = trial.call(n, worker, workers)
                trial.true(isinstance(got, (list, tuple, range)),
                           f"{trial.said} should be a list, and is {type(got).__name__}")
                pieces.append(list(got))
            where = f"for {n} samples and {workers} workers the pieces {pieces}"
            every = [i for piece in pieces for i in piece]
            trial.true(sorted(every) == list(range(n)), f"{where} are not each number once")
            trial.true(every == list(range(n)), f"{where} are not unbroken, one after the other")
            sizes = [len(piece) for piece in pieces]
            trial.true(max(sizes) - min(sizes) <= 1, f"{where} differ by more than one in length")


@exercise(
    "function",
    hints=[
        "all samples of class c together must weigh share[c]; how much is that for one of them?",
        "torch.bincount(labels, minlength=len(share)) counts the samples of each class",
        "weight of a sample = share of its class / count of its class; index both with labels",
    ],
)
def ex_11_5(trial):
    """Weights that give each class its share."""
    chance = random.Random(0)
    cases = [([0, 1], [0.5, 0.5]), ([0, 0, 0, 1], [0.5, 0.5]), ([0, 0, 1, 1], [0.25, 0.75]),
             ([1, 0, 1, 1, 2, 1], [0.2, 0.3, 0.5]), ([0, 2, 2, 2], [0.6, 0.0, 0.4]),
             ([0, 0, 1], [1.0, 0.0])]
    for classes in (2, 3, 5):
        labels = [*range(classes), *(chance.randrange(classes) for _ in range(20))]
        chance.shuffle(labels)
        raw = [chance.random() for _ in range(classes)]
        cases.append((labels, [r / sum(raw) for r in raw]))
    for labels, share in cases:
        want = [share[c] / labels.count(c) for c in labels]
        got = trial.call(torch.tensor(labels), list(share))
        trial.true(isinstance(got, torch.Tensor), f"{trial.said} should be a tensor")
        trial.true(got.dtype.is_floating_point, f"{trial.said} has dtype {got.dtype}: not floats")
        trial.equal(got.double(), torch.tensor(want, dtype=torch.float64), tolerance=1e-4)
