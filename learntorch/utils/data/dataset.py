"""Datasets: where samples come from."""

import bisect
import itertools
import math
import warnings
from typing import Generic, Iterable, TypeVar

import numpy as np

from learntorch.core.tensor import wrap
from learntorch.random import default_generator
from learntorch.utils.data._utils import worker
from learntorch.utils.data.sampler import shuffled

_T_co = TypeVar("_T_co", covariant=True)


class Dataset(Generic[_T_co]):
    """Base class of datasets whose samples have an index.

    A subclass has `__getitem__(index)`, which returns one sample, and usually `__len__`. With
    `__getitems__(indices)`, which returns a list of samples, it can fetch a whole batch at once.
    """

    def __getitem__(self, index):
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset(Dataset[_T_co], Iterable[_T_co]):
    """Base class of datasets that are a stream: a subclass has `__iter__`, which gives the samples.

    With worker processes each has its own copy: `get_worker_info()` in `__iter__` tells which part
    of the stream is whose; otherwise every sample comes once from each worker.
    """

    def __add__(self, other):
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple]):
    """Sample i is the tuple of row i of each tensor.

    Raises AssertionError where the tensors differ in their first dimension.
    """

    def __init__(self, *tensors):
        sizes = [tensor.size(0) for tensor in tensors]
        if any(size != sizes[0] for size in sizes):
            raise AssertionError("Size mismatch between tensors: their first dimensions are "
                                 f"{', '.join(map(str, sizes))}, and all must be equal")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self):
        return self.tensors[0].size(0)

    def _collated(self, indices):
        """What default_collate makes of these samples, in one indexing of each tensor.

        None where that would not be the same: indices that are no integers, tensors with history.
        """
        places = np.array(indices)
        if places.dtype.kind not in "iu" or places.ndim != 1 or _changed(self, TensorDataset):
            return None
        if any(tensor.requires_grad for tensor in self.tensors):
            return None
        try:
            return [wrap(_rows(tensor._data, places)) for tensor in self.tensors]
        except IndexError:
            return None         # the sample by itself fails with a clearer message


def _rows(a, places):
    """Copies of the rows at `places`; in a worker process in shared memory."""
    if not a.flags.c_contiguous:
        return a[places]            # `take` is faster, but copies all of a strided array first
    n = len(a)
    if places.size and not -n <= places.min() <= places.max() < n:
        raise IndexError
    out = worker.room((places.size, *a.shape[1:]), a.dtype) if worker._this_worker else None
    return a.take(places, 0, out, "wrap")       # "raise" would fill `out` by way of a copy


def _changed(dataset, cls):
    """Whether a subclass of `cls` fetches samples in its own way."""
    kind = type(dataset)
    return kind is not cls and (kind.__getitem__ is not cls.__getitem__
                                or hasattr(kind, "__getitems__") != hasattr(cls, "__getitems__"))


class StackDataset(Dataset):
    """Sample i is the tuple (or, from keywords, the dict) of sample i of each dataset.

    Raises ValueError where the datasets differ in length.
    """

    def __init__(self, *args, **kwargs):
        if args and kwargs:
            raise ValueError("Supported either ``tuple``- (via ``args``) or"
                             "``dict``- (via ``kwargs``) like input/output, "
                             "but both types are given.")
        parts = args or tuple(kwargs.values())
        if not parts:
            raise ValueError("At least one dataset should be passed")
        self._length = len(parts[0])
        if any(len(part) != self._length for part in parts):
            raise ValueError("Size mismatch between datasets")
        self.datasets = args or kwargs

    def __getitem__(self, index):
        if isinstance(self.datasets, dict):
            return {key: dataset[index] for key, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __getitems__(self, indices):
        if isinstance(self.datasets, dict):
            columns = [_fetch(dataset, indices) for dataset in self.datasets.values()]
            return [dict(zip(self.datasets, row, strict=True))
                    for row in zip(*columns, strict=True)]
        return list(zip(*[_fetch(dataset, indices) for dataset in self.datasets], strict=True))

    def __len__(self):
        return self._length


def _fetch(dataset, indices):
    """The samples at the indices, all at once where the dataset can."""
    if not callable(getattr(dataset, "__getitems__", None)):
        return [dataset[i] for i in indices]
    items = dataset.__getitems__(indices)
    if len(items) != len(indices):
        raise ValueError("Nested dataset's output size mismatch. "
                         f"Expected {len(indices)}, got {len(items)}")
    return items


class ConcatDataset(Dataset[_T_co]):
    """The samples of the first dataset, then those of the second, and so on."""

    @staticmethod
    def cumsum(sequence):
        """The running sum of the lengths of the datasets."""
        return list(itertools.accumulate(len(dataset) for dataset in sequence))

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = self.cumsum(self.datasets)

    def __len__(self):
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx):
        if idx < 0:
            if -idx > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            idx += len(self)
        i = bisect.bisect_right(self.cumulative_sizes, idx)
        start = self.cumulative_sizes[i - 1] if i > 0 else 0
        return self.datasets[i][idx - start]

    @property
    def cummulative_sizes(self):
        """`cumulative_sizes` under its old, misspelt name."""
        warnings.warn("`cummulative_sizes` attribute is renamed to `cumulative_sizes`",
                      FutureWarning, stacklevel=2)
        return self.cumulative_sizes


class ChainDataset(IterableDataset):
    """The stream of the first dataset, then that of the second, and so on."""

    def __init__(self, datasets):
        self.datasets = datasets

    def _streams(self):
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield dataset

    def __iter__(self):
        for dataset in self._streams():
            yield from dataset

    def __len__(self):
        return sum(len(dataset) for dataset in self._streams())


class Subset(Dataset[_T_co]):
    """Of another dataset the samples at the given `indices`.

    A subclass that overrides `__getitem__` must override `__getitems__` too: raises
    NotImplementedError otherwise.
    """

    def __init__(self, dataset, indices):
        self.dataset = dataset
        self.indices = indices
        kind = type(self)
        if kind.__getitem__ is not Subset.__getitem__ and \
                kind.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{kind.__name__} overrides __getitem__ but not __getitems__. When subclassing "
                "Subset and overriding __getitem__, you must also override __getitems__ to ensure "
                "DataLoader works correctly with your custom logic. A simple implementation:\n\n"
                "def __getitems__(self, indices):\n"
                "    return [self.__getitem__(idx) for idx in indices]")

    def __getitem__(self, idx):
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices):
        inner = [self.indices[i] for i in indices]
        if callable(getattr(self.dataset, "__getitems__", None)):
            return self.dataset.__getitems__(inner)
        return [self.dataset[i] for i in inner]

    def __len__(self):
        return len(self.indices)

    def _collated(self, indices):
        """As in TensorDataset, if the dataset within can do it."""
        kind = type(self)
        inner = getattr(self.dataset, "_collated", None)
        if inner is None or kind.__getitem__ is not Subset.__getitem__ or \
                kind.__getitems__ is not Subset.__getitems__:
            return None
        return inner([self.indices[i] for i in indices])


def random_split(dataset, lengths, generator=default_generator):
    """Subsets of the given lengths, of samples chosen at random, none of them twice.

    `lengths`: numbers that sum to the length of the dataset, or fractions that sum to 1 (rounded
    down; what is left over is dealt out from the first on).

    Raises ValueError where the lengths do not sum up.
    """
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _from_fractions(lengths, len(dataset))
    if sum(lengths) != len(dataset):
        raise ValueError("Sum of input lengths does not equal the length of the input dataset! "
                         f"{' + '.join(map(str, lengths))} = {sum(lengths)}, and the dataset has "
                         f"{len(dataset)} samples")
    order = shuffled(sum(lengths), generator)
    return [Subset(dataset, order[end - length:end])
            for end, length in zip(itertools.accumulate(lengths), lengths, strict=True)]


def _from_fractions(fractions, n):
    lengths = []
    for i, fraction in enumerate(fractions):
        if fraction < 0 or fraction > 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        lengths.append(math.floor(n * fraction))
    for i in range(n - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for i, length in enumerate(lengths):
        if length == 0:
            warnings.warn(f"Length of split at index {i} is 0. This might result in an empty "
                          "dataset.", stacklevel=3)
    return lengths
