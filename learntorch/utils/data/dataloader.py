"""DataLoader: the batches of a dataset, one after the other."""

import math
import os
import warnings
from typing import Generic, TypeVar

from learntorch.utils.data._utils.collate import default_collate, default_convert
from learntorch.utils.data._utils.fetch import _DatasetKind
from learntorch.utils.data._utils.pin_memory import pin_memory
from learntorch.utils.data._utils.worker import get_worker_info
from learntorch.utils.data.dataset import IterableDataset
from learntorch.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    draw_seed,
)

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

_T_co = TypeVar("_T_co", covariant=True)


class _InfiniteConstantSampler(Sampler):
    """None without end: a stream is asked for its next sample, whatever the index."""

    def __iter__(self):
        while True:
            yield None


class DataLoader(Generic[_T_co]):
    """Iterates over a dataset in batches.

    `dataset`: has `__getitem__` and `__len__`, or is an IterableDataset. `batch_size`: samples a
    batch; None gives single samples. `shuffle`: a new random order in every pass. `sampler`: an
    iterable of indices instead; `batch_sampler`: an iterable of lists of indices instead.
    `drop_last`: leave out a last batch that is not full. `collate_fn`: makes a batch of a list of
    samples (default_collate: stacks tensors, arrays and numbers). `generator`: where the order and
    the workers' seeds come from.

    `num_workers` processes load ahead, `prefetch_factor` batches each; 0 loads when asked.
    `worker_init_fn(worker_id)` runs first in each. `timeout`: seconds to wait for a batch before
    RuntimeError, 0 for ever. `persistent_workers`: they live on after a pass. `in_order=False`:
    batches as they come. `multiprocessing_context`: a start method ("fork", "spawn",
    "forkserver") or a context. `pin_memory`: batches in page-locked memory, if there is a GPU.

    Workers put batches together in shared memory, where this process reads them. Those that are
    not forked must be able to import the dataset: what is defined in a notebook needs "fork", which
    Linux uses by itself before Python 3.14.

    Raises ValueError for options that contradict each other. While loading, an error in a worker is
    raised here with the worker's traceback; RuntimeError, where a worker is killed or the time is
    over. The workers are ended then, and when the iterator is.
    """

    _initialized = False
    _multiprocessing_context = None

    def __init__(self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None,
                 num_workers=0, collate_fn=None, pin_memory=False, drop_last=False, timeout=0,
                 worker_init_fn=None, multiprocessing_context=None, generator=None, *,
                 prefetch_factor=None, persistent_workers=False, pin_memory_device="",
                 in_order=True):
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        if num_workers > 0 and prefetch_factor is None:
            prefetch_factor = 2
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        if isinstance(dataset, IterableDataset):
            self._dataset_kind = _DatasetKind.Iterable
            _check_stream(shuffle, sampler, batch_sampler)
        else:
            self._dataset_kind = _DatasetKind.Map
        _check_sampling(batch_size, bool(shuffle), sampler, batch_sampler, drop_last)
        if batch_sampler is not None:
            batch_size = None
        if sampler is None:
            sampler = self._default_sampler(shuffle, generator)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self._initialized = True
        self._IterableDataset_len_called = None
        self._iterator = None
        self.check_worker_number_rationality()

    def _default_sampler(self, shuffle, generator):
        if self._dataset_kind == _DatasetKind.Iterable:
            return _InfiniteConstantSampler()
        if shuffle:
            return RandomSampler(self.dataset, generator=generator)
        return SequentialSampler(self.dataset)

    @property
    def multiprocessing_context(self):
        """How worker processes are started; None: Python's default."""
        return self._multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context):
        if context is not None:
            context = _checked_context(context, self.num_workers)
        self._multiprocessing_context = context

    def __setattr__(self, attr, val):
        if self._initialized and attr in _FIXED:
            raise ValueError(f"{attr} attribute should not be set after {type(self).__name__} "
                             "is initialized")
        super().__setattr__(attr, val)

    @property
    def _auto_collation(self):
        return self.batch_sampler is not None

    @property
    def _index_sampler(self):
        return self.batch_sampler if self._auto_collation else self.sampler

    def __iter__(self):
        if not self.persistent_workers or self.num_workers == 0:
            return self._get_iterator()
        if self._iterator is None or self._iterator._team.over():
            self._iterator = self._get_iterator()
        else:
            self._iterator._reset(self)
        return self._iterator

    def _get_iterator(self):
        if self.num_workers == 0:
            return _SingleProcessDataLoaderIter(self)
        self.check_worker_number_rationality()
        return _MultiProcessingDataLoaderIter(self)

    def __len__(self):
        """The number of batches; for a stream a guess from its length."""
        if self._dataset_kind == _DatasetKind.Map:
            return len(self._index_sampler)
        length = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else math.ceil(length / self.batch_size)

    def check_worker_number_rationality(self):
        """Warn where there are more workers than processors."""
        if not self.num_workers:
            return
        checked = hasattr(os, "sched_getaffinity")
        most = len(os.sched_getaffinity(0)) if checked else os.cpu_count()
        if most is not None and self.num_workers <= most:
            return
        advice = "DataLoader is not able to compute a suggested max number of worker in current " \
                 "system."
        if most is not None:
            note = "" if checked else " (`cpuset` is not taken into account)"
            advice = f"Our suggested max number of worker in current system is {most}{note}, " \
                     "which is smaller than what this DataLoader is going to create."
        warnings.warn(f"This DataLoader will create {self.num_workers} worker processes in total. "
                      f"{advice} Please be aware that excessive worker creation might get "
                      "DataLoader running slow or even freeze, lower the worker number to avoid "
                      "potential slowness/freeze if necessary.", stacklevel=3)


_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


def _check_workers(num_workers, timeout, prefetch_factor, persistent_workers):
    if num_workers < 0:
        raise ValueError("num_workers option should be non-negative; use num_workers=0 to "
                         "disable multiprocessing.")
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError("prefetch_factor option could only be specified in multiprocessing."
                         "let num_workers > 0 to enable multiprocessing, otherwise set "
                         "prefetch_factor to None.")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_stream(shuffle, sampler, batch_sampler):
    """A stream comes in its own order: refuse everything that would choose another."""
    start = "DataLoader with IterableDataset: expected unspecified"
    if shuffle not in (False, None):
        raise ValueError(f"{start} shuffle option, but got shuffle={shuffle}")
    if sampler is not None:
        raise ValueError(f"{start} sampler option, but got sampler={sampler}")
    if batch_sampler is not None:
        raise ValueError(f"{start} batch_sampler option, but got batch_sampler={batch_sampler}")


def _check_sampling(batch_size, shuffle, sampler, batch_sampler, drop_last):
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError("batch_sampler option is mutually exclusive with batch_size, "
                             "shuffle, sampler, and drop_last")
    elif batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually "
                         "exclusive with drop_last")


def _checked_context(context, num_workers):
    import multiprocessing
    if num_workers == 0:
        raise ValueError("multiprocessing_context can only be used with multi-process loading "
                         f"(num_workers > 0), but got num_workers={num_workers}")
    if isinstance(context, str):
        methods = multiprocessing.get_all_start_methods()
        if context not in methods:
            raise ValueError("multiprocessing_context option should specify a valid start method "
                             f"in {methods!r}, but got multiprocessing_context={context!r}")
        context = multiprocessing.get_context(context)
    if not isinstance(context, multiprocessing.context.BaseContext):
        raise TypeError("multiprocessing_context option should be a valid context object or a "
                        "string specifying the start method, but got "
                        f"multiprocessing_context={context}")
    return context


def _gpu_is_there():
    import sys
    cuda = sys.modules.get("learntorch.cuda")
    return cuda is not None and cuda.is_available()


class _BaseDataLoaderIter:
    """One pass over a DataLoader: what it yields next, and how much it has yielded."""

    def __init__(self, loader):
        self._dataset = loader.dataset
        self._dataset_kind = loader._dataset_kind
        self._IterableDataset_len_called = loader._IterableDataset_len_called
        self._index_sampler = loader._index_sampler
        self._num_workers = loader.num_workers
        if loader.pin_memory and loader.pin_memory_device:
            warnings.warn("pin_memory_device is deprecated, the current accelerator will be used "
                          "as the device,ignore "
                          f"pin_memory_device='{loader.pin_memory_device}'.", stacklevel=5)
        self._pin_memory = loader.pin_memory and _gpu_is_there()
        if loader.pin_memory and not self._pin_memory:
            warnings.warn("'pin_memory' argument is set as true but no accelerator is found, then "
                          "device pinned memory won't be used.", stacklevel=5)
        self._sampler_iter = iter(self._index_sampler)
        # drawn with and without workers, so that both leave the generator in the same place
        self._base_seed = draw_seed(loader.generator)
        self._num_yielded = 0

    def __iter__(self):
        return self

    def _reset(self, loader):
        """Begin another pass."""
        self._sampler_iter = iter(self._index_sampler)
        self._num_yielded = 0
        self._IterableDataset_len_called = loader._IterableDataset_len_called

    def _next_data(self):
        raise NotImplementedError

    def __next__(self):
        data = self._next_data()
        if self._pin_memory:
            data = pin_memory(data)
        self._num_yielded += 1
        length = self._IterableDataset_len_called
        if length is not None and self._num_yielded > length:
            self._warn_longer(length)
        return data

    def _warn_longer(self, length):
        if self._dataset_kind != _DatasetKind.Iterable:
            return
        advice = ""
        if self._num_workers > 0:
            advice = ("For multiprocessing data-loading, this could be caused by not properly "
                      "configuring the IterableDataset replica at each worker. Please see "
                      "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset "
                      "for examples.")
        warnings.warn(f"Length of IterableDataset {self._dataset} was reported to be {length}"
                      f"(when accessing len(dataloader)), but {self._num_yielded} samples have "
                      f"been fetched. {advice}", stacklevel=3)

    def __len__(self):
        return len(self._index_sampler)

    def __getstate__(self):
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """A pass that loads each batch when it is asked for."""

    def __init__(self, loader):
        super().__init__(loader)
        if loader.timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0: without "
                                 "workers there is nobody to wait for")
        self._fetch = _DatasetKind.create_fetcher(
            self._dataset_kind, self._dataset, loader._auto_collation, loader.collate_fn,
            loader.drop_last).fetch

    def _next_data(self):
        return self._fetch(next(self._sampler_iter))


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """A pass whose batches worker processes load ahead."""

    def __init__(self, loader):
        super().__init__(loader)
        if loader.prefetch_factor <= 0:
            raise AssertionError("prefetch_factor must be greater than 0 for "
                                 "MultiProcessingDataLoaderIter")
        from learntorch.utils.data._utils.parallel import Team
        self._team = Team(loader, self._base_seed)
        self._team.begin(self._sampler_iter)

    def _reset(self, loader):
        super()._reset(loader)
        self._team.begin(self._sampler_iter, again=True)

    def _next_data(self):
        return self._team.next()

    @property
    def _workers(self):
        return [member.process for member in self._team.workers]

    def _shutdown_workers(self):
        self._team.shut_down()
