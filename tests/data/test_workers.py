"""Worker processes: the same batches, the worker's own error, and nothing left behind."""

import gc
import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch

pytestmark = pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(),
                                reason="datasets of these tests are made inside functions")
FORK = {"multiprocessing_context": "fork"}


class Odd(Exception):
    """An error that cannot be made from one text."""

    def __init__(self, a, b):
        super().__init__(a, b)


def of(torch, item, n=10):
    """A dataset of n samples that `item(index)` makes."""
    class Made(torch.utils.data.Dataset):
        def __len__(self):
            return n

        def __getitem__(self, i):
            return item(i)
    return Made()


def tensors(torch):
    return torch.utils.data.TensorDataset(torch.arange(30).reshape(10, 3), torch.arange(10))


def parts(torch):
    """A stream of 20 numbers, of which each worker gives its share."""
    class Parts(torch.utils.data.IterableDataset):
        def __iter__(self):
            info = torch.utils.data.get_worker_info()
            return iter(range(info.id, 20, info.num_workers))
    return Parts()


def children():
    return [process.pid for process in multiprocessing.active_children()]


@pytest.fixture(autouse=True)
def nothing_left_behind():
    before = set(children())
    yield
    gc.collect()
    assert set(children()) <= before


@needs_torch
@pytest.mark.parametrize("options", [
    {"num_workers": 1}, {"num_workers": 2}, {"num_workers": 2, "batch_size": 3},
    {"num_workers": 2, "batch_size": 3, "shuffle": True},
    {"num_workers": 2, "shuffle": True, "persistent_workers": True, "prefetch_factor": 1},
    {"num_workers": 2, "batch_size": None}])
def test_batches(options):
    def case(torch):
        torch.manual_seed(7)
        loader = torch.utils.data.DataLoader(tensors(torch), **options, **FORK)
        return [[batch for batch in loader] for _ in range(2)], torch.rand(1)
    alike(case)


ORDERS = {
    "shuffled": lambda torch, data: {"shuffle": True, "batch_size": 3},
    "own generator": lambda torch, data: {"shuffle": True, "drop_last": True, "batch_size": 3,
                                          "generator": torch.Generator().manual_seed(5)},
    "with replacement": lambda torch, data: {"sampler": torch.utils.data.RandomSampler(
        data, replacement=True, num_samples=40)},
    "more than there are": lambda torch, data: {"sampler": torch.utils.data.RandomSampler(
        data, num_samples=23), "batch_size": 4},
    "weighted": lambda torch, data: {"sampler": torch.utils.data.WeightedRandomSampler(
        [1.0, 2.0, 3.0, 4.0], 12), "batch_size": 5},
    "subset": lambda torch, data: {"sampler": torch.utils.data.SubsetRandomSampler([7, 1, 3])},
    "shares": lambda torch, data: {"sampler": torch.utils.data.DistributedSampler(
        data, num_replicas=3, rank=1, seed=4), "batch_size": 2},
    "batches": lambda torch, data: {"batch_sampler": torch.utils.data.BatchSampler(
        torch.utils.data.RandomSampler(data), 3, True)},
}


@needs_torch
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("name", ORDERS)
def test_orders(name, workers):
    """Two passes in PyTorch's order, and the random numbers after them: to the bit."""
    def case(torch):
        torch.manual_seed(11)
        data = tensors(torch)
        options = dict(ORDERS[name](torch, data), num_workers=workers)
        if workers:
            options.update(FORK, persistent_workers=name in ("shuffled", "weighted"))
        batches = torch.utils.data.DataLoader(data, **options)
        return [[batch[1].tolist() for batch in batches] for _ in range(2)], \
            torch.randint(10 ** 9, (3,))
    alike(case)


@needs_torch
def test_workers_have_random_numbers_of_their_own():
    def case(torch):
        import random
        torch.manual_seed(5)
        data = of(torch, lambda i: (torch.rand(2), np.random.randint(0, 10**6),
                                    random.randrange(10**6)), 6)
        return list(torch.utils.data.DataLoader(data, num_workers=2, **FORK))
    alike(case)


@needs_torch
@pytest.mark.parametrize("options", [{}, {"batch_size": 3}, {"batch_size": 3, "drop_last": True},
                                     {"persistent_workers": True, "batch_size": 2}])
def test_a_stream_is_shared_out(options):
    def case(torch):
        loader = torch.utils.data.DataLoader(parts(torch), num_workers=2, **options, **FORK)
        return [list(loader) for _ in range(2)]
    alike(case)


@needs_torch
def test_each_worker_is_told_who_it_is():
    def case(torch):
        torch.manual_seed(3)
        started = []

        def begin(worker_id):
            started.append(worker_id)

        def describe(i):
            info = torch.utils.data.get_worker_info()
            return started + [info.id, info.num_workers, info.seed, len(info.dataset)]
        loader = torch.utils.data.DataLoader(of(torch, describe, 4), None, num_workers=2,
                                             worker_init_fn=begin, **FORK)
        return list(loader), torch.utils.data.get_worker_info()
    alike(case)


@needs_torch
def test_what_pytorch_shares():
    def case(torch):
        data = torch.utils.data.TensorDataset(torch.arange(30.).reshape(10, 3), torch.arange(10))
        batches = torch.utils.data.DataLoader(data, 4, num_workers=1,
                                              **FORK)
        return [[t.is_shared() for t in batch] for batch in batches], \
            [[t.storage_offset() for t in batch] for batch in batches]
    alike(case)


@needs_torch
def test_a_worker_computes_on_one_thread():
    def case(torch):
        data = of(torch, lambda i: torch.get_num_threads(), 2)
        torch.set_num_threads(2)
        try:
            return list(torch.utils.data.DataLoader(data, None, num_workers=1, **FORK))
        finally:
            torch.set_num_threads(1)
    alike(case)


def test_without_order_every_batch_comes_once():
    data = of(learntorch, lambda i: time.sleep(0.05 if i == 0 else 0) or i)
    loader = learntorch.utils.data.DataLoader(data, None, num_workers=2, in_order=False, **FORK)
    found = list(loader)
    assert sorted(found) == list(range(10)) and found[0] != 0


# ---- errors ------------------------------------------------------------------------------

def failing(error):
    def item(i):
        if i == 4:
            raise error
        return i
    return item


@pytest.mark.parametrize("error, kind", [(ValueError("bad sample"), ValueError),
                                         (KeyError("bad sample"), KeyError),
                                         (Odd("bad", "sample"), RuntimeError)])
def test_an_error_comes_with_the_workers_traceback(error, kind):
    data = of(learntorch, failing(error))
    loader = iter(learntorch.utils.data.DataLoader(data, 2, num_workers=2, **FORK))
    assert next(loader).tolist() == [0, 1] and next(loader).tolist() == [2, 3]
    with pytest.raises(kind) as caught:
        next(loader)
    text = str(caught.value)
    assert f"Caught {type(error).__name__} in DataLoader worker process 0.\nOriginal Traceback" \
        in text
    assert "in item" in text and "bad" in text
    assert next(loader).tolist() == [6, 7]


@needs_torch
def test_the_error_reads_as_in_pytorch():
    def case(torch):
        list(torch.utils.data.DataLoader(of(torch, failing(ValueError("bad"))), num_workers=1,
                                         **FORK))
    alike(case)


def test_an_error_of_a_class_that_cannot_be_sent():
    class Local(Exception):
        pass
    loader = learntorch.utils.data.DataLoader(of(learntorch, failing(Local("bad"))), None,
                                              num_workers=1, **FORK)
    with pytest.raises(RuntimeError, match="Caught RuntimeError in DataLoader worker process 0"):
        list(loader)


def test_a_batch_that_cannot_be_sent():
    loader = learntorch.utils.data.DataLoader(of(learntorch, lambda i: lambda: i), None,
                                              num_workers=1, **FORK)
    with pytest.raises(Exception, match=r"Caught \w+ in DataLoader worker process 0"):
        list(loader)


def test_an_error_at_the_start():
    def begin(worker_id):
        raise ValueError("not today")
    loader = learntorch.utils.data.DataLoader(of(learntorch, lambda i: i), num_workers=2,
                                              worker_init_fn=begin, **FORK)
    with pytest.raises(ValueError, match="not today"):
        list(loader)


@pytest.mark.parametrize("end, words", [
    (lambda: os.kill(os.getpid(), signal.SIGKILL), "is killed by signal: Killed"),
    (lambda: os._exit(3), "exited unexpectedly")])
def test_a_worker_that_dies(end, words):
    data = of(learntorch, lambda i: end() if i == 3 else i)
    loader = learntorch.utils.data.DataLoader(data, None, num_workers=2, **FORK)
    with pytest.raises(RuntimeError, match=rf"DataLoader worker \(pid.*{words}"):
        list(loader)


def test_a_worker_that_hangs():
    data = of(learntorch, lambda i: time.sleep(60) if i == 3 else i)
    loader = learntorch.utils.data.DataLoader(data, None, num_workers=2, timeout=0.5, **FORK)
    begun = time.monotonic()
    with pytest.raises(RuntimeError, match="DataLoader timed out after 0.5 seconds"):
        list(loader)
    assert time.monotonic() - begun < 20


def test_an_iterator_left_early_ends_its_workers():
    big = of(learntorch, lambda i: learntorch.zeros(300, 300), 50)
    loader = learntorch.utils.data.DataLoader(big, 2, num_workers=2, **FORK)
    for _ in loader:
        break
    del _
    gc.collect()


def test_persistent_workers_go_on_after_a_pass_left_early():
    data = of(learntorch, lambda i: (i, os.getpid()))
    loader = learntorch.utils.data.DataLoader(data, None, num_workers=2, persistent_workers=True,
                                              **FORK)
    next(iter(loader))
    first, second = list(loader), list(loader)
    assert first == second and [i for i, _ in first] == list(range(10))
    assert len({pid for _, pid in first}) == 2
    del loader


def test_more_workers_than_processors_are_warned_of():
    with pytest.warns(UserWarning, match="will create 1000 worker processes in total"):
        learntorch.utils.data.DataLoader([1], num_workers=1000)


@pytest.mark.slow
@pytest.mark.parametrize("method", [m for m in multiprocessing.get_all_start_methods()
                                    if m != "fork"])
def test_other_ways_to_start_processes(method):
    loader = learntorch.utils.data.DataLoader(tensors(learntorch), 4, num_workers=2,
                                              multiprocessing_context=method)
    assert [batch[1].tolist() for batch in loader] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
