"""Datasets made of datasets: joined, chained, stacked, cut and split."""

import warnings

import numpy as np
import pytest

import learntorch
from tests.data.test_loader import rows, squares, stream
from tests.oracle import alike, needs_torch

MADE = {
    "tensors": lambda D, torch: [rows(torch)[i] for i in (0, 3, -1)],
    "slice of tensors": lambda D, torch: rows(torch)[2:4],
    "joined": lambda D, torch: [(squares(torch, 4) + squares(torch, 3))[i] for i in range(-7, 7)],
    "joined length": lambda D, torch: len(D.ConcatDataset([squares(torch), rows(torch)])),
    "sizes": lambda D, torch: D.ConcatDataset([[1], [], [2, 3]]).cumulative_sizes,
    "chained": lambda D, torch: list(stream(torch, 3) + stream(torch, 2)),
    "chained length": lambda D, torch: len(D.ChainDataset(
        [stream(torch, 3, 3), stream(torch, 2, 2)])),
    "stacked": lambda D, torch: D.StackDataset(squares(torch), rows(torch, 7))[2],
    "stacked by name": lambda D, torch: D.StackDataset(a=squares(torch), b=rows(torch, 7))[2],
    "stacked batch": lambda D, torch: list(D.DataLoader(
        D.StackDataset(squares(torch), D.Subset(rows(torch), range(7))), 3)),
    "stacked batch by name": lambda D, torch: list(D.DataLoader(
        D.StackDataset(a=squares(torch), b=D.Subset(rows(torch), range(7))), 3)),
    "subset": lambda D, torch: [D.Subset(squares(torch), [3, 1, 1])[i] for i in (0, 1, -1)],
    "subset of a subset": lambda D, torch: list(D.DataLoader(
        D.Subset(D.Subset(rows(torch), [9, 3, 5]), [2, 0]), 2)),
    "subset by list": lambda D, torch: D.Subset(np.arange(9), [3, 1, 5])[[0, 2]].tolist(),
    "joined with a stream": lambda D, torch: D.ConcatDataset([stream(torch)]),
    "joined of nothing": lambda D, torch: D.ConcatDataset([]),
    "joined, far below": lambda D, torch: D.ConcatDataset([[1, 2]])[-3],
    "chained without stream": lambda D, torch: list(D.ChainDataset([[1]])),
    "tensors of two lengths": lambda D, torch: D.TensorDataset(torch.ones(2), torch.ones(3)),
    "stacked of two lengths": lambda D, torch: D.StackDataset([1], [1, 2]),
    "stacked of both kinds": lambda D, torch: D.StackDataset([1], a=[1]),
    "stacked of nothing": lambda D, torch: D.StackDataset(),
    "split": lambda D, torch: [list(s) for s in D.random_split(range(10), [7, 3])],
    "split by shares": lambda D, torch: [list(s) for s in D.random_split(range(10), [0.5, 0.25,
                                                                                    0.25])],
    "split with a generator": lambda D, torch: [list(s) for s in D.random_split(
        range(10), [5, 5], generator=torch.Generator().manual_seed(42))],
    "split with none": lambda D, torch: [list(s) for s in D.random_split(range(4), [3, 1], None)],
    "split too much": lambda D, torch: D.random_split(range(10), [7, 4]),
    "split by a negative share": lambda D, torch: D.random_split(range(10), [1.5, -0.5]),
}


@needs_torch
@pytest.mark.parametrize("name", MADE)
def test_datasets(name):
    def case(torch):
        torch.manual_seed(1)
        return MADE[name](torch.utils.data, torch), torch.rand(1)
    alike(case)


@needs_torch
def test_an_empty_split_is_warned_of():
    def case(torch):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            parts = torch.utils.data.random_split(range(2), [0.5, 0.4, 0.1])
        return [len(part) for part in parts], [str(w.message) for w in seen]
    alike(case)


def test_a_subset_that_overrides_half_is_refused():
    class Half(learntorch.utils.data.Subset):
        def __getitem__(self, i):
            return 0
    with pytest.raises(NotImplementedError, match="must also override __getitems__"):
        Half([1], [0])


def test_classes_take_the_type_of_their_samples():
    D = learntorch.utils.data

    class Typed(D.Dataset[int]):
        pass

    class Flow(D.IterableDataset[int]):
        def __iter__(self):
            return iter([1])
    assert D.DataLoader[int] and D.Sampler[int] and list(Flow()) == [1] and Typed()
