"""Getting the samples of one batch from a dataset."""

import itertools

from learntorch.utils.data._utils.collate import default_collate


class MapFetcher:
    """Samples by index. `auto_collation`: an index is a list, and its samples make a batch."""

    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.at_once = None
        if auto_collation and collate_fn is default_collate:
            self.at_once = getattr(dataset, "_collated", None)

    def fetch(self, index):
        """The batch (or the sample) for an index the sampler gave."""
        if not self.auto_collation:
            return self.collate_fn(self.dataset[index])
        if self.at_once is not None:
            batch = self.at_once(index)
            if batch is not None:
                return batch
        if getattr(self.dataset, "__getitems__", None):
            samples = self.dataset.__getitems__(index)
        else:
            samples = [self.dataset[i] for i in index]
        return self.collate_fn(samples)


class IterableFetcher:
    """Samples from a stream, as many as the index has entries; StopIteration at its end."""

    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        self.stream = iter(dataset)
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, index):
        """The next batch (or sample); StopIteration when there is none."""
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.stream))
        samples = list(itertools.islice(self.stream, len(index)))
        self.ended = len(samples) < len(index)
        if not samples or (self.drop_last and self.ended):
            raise StopIteration
        return self.collate_fn(samples)


class _DatasetKind:
    """Which of the two kinds a dataset is, and the fetcher that goes with it."""

    Map = 0
    Iterable = 1

    @staticmethod
    def create_fetcher(kind, dataset, auto_collation, collate_fn, drop_last):
        """The fetcher for a dataset of the given kind."""
        fetcher = MapFetcher if kind == _DatasetKind.Map else IterableFetcher
        return fetcher(dataset, auto_collation, collate_fn, drop_last)
