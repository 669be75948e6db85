"""Samplers: in which order, and in which batches, a DataLoader asks for samples."""

import itertools
from typing import Generic, TypeVar

import numpy as np

from learntorch import random_streams
from learntorch.random import Generator, default_generator

_T_co = TypeVar("_T_co", covariant=True)


def draw_seed(generator=None):
    """One integer from 0 to 2⁶³ − 1, as `torch.empty((), dtype=torch.int64).random_()` draws it."""
    generator = default_generator if generator is None else generator
    return int(random_streams.all_integers(generator, (1,), np.int64)[0])


def shuffled(n, generator=None):
    """The numbers 0 … n − 1 in random order: `torch.randperm(n)` as a list."""
    generator = default_generator if generator is None else generator
    return random_streams.permutation(generator, n).tolist()


class Sampler(Generic[_T_co]):
    """Base class of all samplers: an iterable of indices, or of lists of indices (batches).

    A subclass has `__iter__`, and `__len__` where the number of samples is known.
    """

    def __iter__(self):
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """0, 1, …, n − 1, where n is the length of `data_source`."""

    def __init__(self, data_source):
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Indices of `data_source` in random order, or drawn with `replacement`.

    `num_samples`: how many (None: the length of the source); without replacement more than the
    length means several shuffles in a row. `generator`: where the random numbers come from; without
    one, each pass seeds a generator of its own from the default one.

    Raises TypeError, ValueError for options of the wrong kind.
    """

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError("replacement should be a boolean value, but got "
                            f"replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            hint = ""
            if num_samples is None and self.num_samples == 0:
                hint = ". The dataset is empty, so there is nothing to shuffle"
            raise ValueError("num_samples should be a positive integer value, but got "
                             f"num_samples={self.num_samples}{hint}")

    @property
    def num_samples(self):
        """How many indices one pass gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self):
        n = len(self.data_source)
        generator = self.generator
        if generator is None:
            generator = Generator()
            generator.manual_seed(draw_seed())
        if self.replacement:
            yield from self._with_replacement(n, generator)
            return
        for _ in range(self.num_samples // n):
            yield from shuffled(n, generator)
        # drawn even when none of it is needed: PyTorch's generator moves on as well
        yield from shuffled(n, generator)[:self.num_samples % n]

    def _with_replacement(self, n, generator):
        whole, rest = divmod(self.num_samples, 32)
        for size in (*itertools.repeat(32, whole), rest):
            yield from random_streams.integers(generator, (size,), np.int64, 0, n).tolist()

    def __len__(self):
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given `indices` in random order."""

    def __init__(self, indices, generator=None):
        self.indices = indices
        self.generator = generator

    def __iter__(self):
        for i in shuffled(len(self.indices), self.generator):
            yield self.indices[i]

    def __len__(self):
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` indices, drawn in proportion to `weights` (which need not sum to 1).

    Without `replacement` no index comes twice. Raises ValueError for options of the wrong kind.
    """

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        from learntorch import as_tensor, float64
        _check_size("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError("replacement should be a boolean value, but got "
                             f"replacement={replacement}")
        weights = as_tensor(weights, dtype=float64)
        if weights.ndim != 1:
            raise ValueError("weights should be a 1d sequence but given weights have shape "
                             f"{tuple(weights.shape)}")
        self.weights = weights
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self):
        from learntorch import multinomial
        drawn = multinomial(self.weights, self.num_samples, self.replacement,
                            generator=self.generator)
        yield from drawn.tolist()

    def __len__(self):
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of `batch_size` indices from another sampler (or any iterable).

    The last list may be shorter; with `drop_last` it is left out then. Raises ValueError for
    options of the wrong kind.
    """

    def __init__(self, sampler, batch_size, drop_last):
        _check_size("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self):
        indices = iter(self.sampler)
        least = self.batch_size if self.drop_last else 1
        while True:
            batch = list(itertools.islice(indices, self.batch_size))
            if len(batch) < least:
                return
            yield batch

    def __len__(self):
        n, size = len(self.sampler), self.batch_size
        return n // size if self.drop_last else (n + size - 1) // size


def _check_size(name, value):
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")
