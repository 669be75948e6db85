"""A sampler for training in several processes: each takes its own share of the data."""

import math

from learntorch.random import Generator
from learntorch.utils.data.sampler import Sampler, shuffled


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th index, starting at `rank`, of the shuffled dataset.

    All processes must use the same `seed`; call `set_epoch` before each epoch for another order.
    So that every process gets as many, the order is continued from its start, or with `drop_last`
    cut at its end. `num_replicas` and `rank` default to those of the running process group.

    Raises ValueError for a rank outside 0 … num_replicas − 1.
    """

    def __init__(self, dataset, num_replicas=None, rank=None, shuffle=True, seed=0,
                 drop_last=False):
        if num_replicas is None:
            num_replicas = _group().get_world_size()
        if rank is None:
            rank = _group().get_rank()
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval "
                             f"[0, {num_replicas - 1}]")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        n = len(dataset)
        if drop_last and n % num_replicas != 0:
            n -= num_replicas
        self.num_samples = math.ceil(n / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self):
        n = len(self.dataset)
        order = list(range(n))
        if self.shuffle:
            order = shuffled(n, Generator().manual_seed(self.seed + self.epoch))
        if self.drop_last:
            order = order[:self.total_size]
        else:
            order = [order[i % n] for i in range(self.total_size)]
        return iter(order[self.rank::self.num_replicas])

    def __len__(self):
        return self.num_samples

    def set_epoch(self, epoch):
        """Use the order of this epoch from now on."""
        self.epoch = epoch


def _group():
    try:
        from learntorch import distributed
    except ImportError:
        raise RuntimeError("Requires distributed package to be available. Give num_replicas and "
                           "rank yourself.") from None
    return distributed
