"""Batches come through shared memory that is used again and again, and nobody notices."""
import gc
import os
import time

import numpy as np
import pytest

import learntorch
from learntorch import multiprocessing as mp
from learntorch.utils.data import DataLoader, Dataset, default_collate
from learntorch.utils.data._utils import worker
from tests.multiprocessing.leftovers import Nothing, descriptors

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="counts Linux's files")


class Made(Dataset):
    """n samples that `item(index)` makes."""

    def __init__(self, item, n=40):
        self.item = item
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return self.item(i)


class Lengths(Dataset):
    """Samples that are fetched all at once, and travel as one pickle."""

    def __len__(self):
        return 160_000

    def __getitems__(self, indices):
        return ["x"] * len(indices)


def loader(item, n=40, batch_size=2, **options):
    return DataLoader(Made(item, n), batch_size, multiprocessing_context="fork",
                      **{"num_workers": 2, **options})


def numbers(i):
    return learntorch.full((500,), float(i)), i


def firsts(batches):
    return [int(x[j, -1]) for x, _ in batches for j in range(len(x))]


@pytest.fixture(autouse=True)
def nothing_left_behind():
    with Nothing():
        yield


def test_batches_lie_in_shared_memory_each_for_itself():
    x, y = next(iter(loader(numbers)))
    assert x.is_shared() and y.is_shared() and x.storage_offset() == 0
    assert x.untyped_storage().nbytes() == x.nbytes and y.untyped_storage().nbytes() == y.nbytes
    x.fill_(0)
    assert y.tolist() == [0, 1]


def test_memory_is_filled_again_when_a_batch_is_dropped():
    seen = set()
    for x, _ in loader(numbers, 200):
        seen.add(x.data_ptr())
    assert len(seen) < 20                       # of 100 batches


def test_what_is_kept_stays_as_it_was():
    batches, views, arrays = [], [], []
    for i, (x, y) in enumerate(loader(numbers, 200)):
        if i % 3 == 0:
            batches.append((x, y))
        elif i % 3 == 1:
            views.append((x[:, -1], y))
        else:
            arrays.append(x.numpy())
    assert firsts(batches) == [n for i in range(0, 100, 3) for n in (2 * i, 2 * i + 1)]
    assert all(v.tolist() == y.tolist() for v, y in views)
    assert [int(a[0, 0]) for a in arrays] == [2 * i for i in range(2, 100, 3)]


def test_history_keeps_a_batch():
    w = learntorch.ones(1, requires_grad=True)
    total = 0
    for x, _ in loader(numbers, 100):
        total = total + (x[:, 0] * w).sum()
    total.backward()
    assert w.grad.item() == sum(range(100))


def test_a_user_who_keeps_everything_needs_few_descriptors():
    before = len(descriptors())
    batches = list(loader(numbers, 400))
    assert len(descriptors()) - before < 80 and firsts(batches) == list(range(400))


def test_a_batch_that_is_sent_on_stays_as_it_was():
    queue = mp.get_context("fork").SimpleQueue()
    got = []
    for batch in loader(numbers, 60):
        queue.put(batch)
        got.append(queue.get())
        assert got[-1][0].data_ptr() == batch[0].data_ptr()
        del batch
    assert firsts(got) == list(range(60))
    queue.close()


def test_a_fork_sees_the_batch_it_was_forked_with():
    ends = mp.Pipe(), mp.Pipe()
    (here, there), (back, forth) = ends
    passing = iter(loader(numbers, 60))
    x, _ = next(passing)

    def work(x):
        for _ in range(2):
            there.send(x[1, 3].item())
            forth.recv()
    process = mp.get_context("fork").Process(target=work, args=(x,))
    process.start()
    assert here.recv() == 1
    del x
    for _ in passing:
        pass
    back.send(None)
    assert here.recv() == 1                     # nothing was written over it
    back.send(None)
    process.join()
    process.close()
    for pipe in (here, there, back, forth):
        pipe.close()


def test_a_dataset_that_keeps_a_batch():
    kept = []

    def collate(samples):
        batch = default_collate(samples)
        kept.append(batch)
        del kept[1:]
        return (*batch, *kept[0])
    for x, y, first, _ in loader(numbers, 200, num_workers=1, collate_fn=collate):
        assert x[:, -1].tolist() == y.tolist() and first[:, 0].tolist() == [0, 1]


def test_a_dataset_that_keeps_all_batches():
    kept = []

    def collate(samples):
        kept.append(default_collate(samples))
        assert firsts(kept) == list(range(2 * len(kept))) and len(descriptors()) < 100
        return kept[-1]
    assert firsts(loader(numbers, 200, num_workers=1, collate_fn=collate)) == list(range(200))


def test_a_dataset_that_sends_its_batches_elsewhere():
    queue = mp.get_context("fork").SimpleQueue()

    def collate(samples):
        batch = default_collate(samples)
        queue.put(batch[0])
        return batch
    got = []
    for x, y in loader(numbers, 60, num_workers=1, collate_fn=collate):
        got.append((queue.get(), y.tolist()))
        assert got[-1][0].data_ptr() == x.data_ptr()
        del x, y
    assert all(x[:, -1].tolist() == y for x, y in got)
    queue.close()


def test_a_loop_that_is_left_early_waits_for_no_handles():
    shared = learntorch.zeros(6).share_memory_()
    begun = time.monotonic()
    passing = iter(loader(lambda i: shared[i % 6:], 40, None))
    next(passing)
    del passing
    gc.collect()
    assert time.monotonic() - begun < 4


def test_a_dataset_that_is_shared_already():
    shared = learntorch.zeros(6).share_memory_()
    for i, x in enumerate(loader(lambda i: shared[i:i + 1], 6, None, num_workers=1)):
        x += 1
        assert shared.tolist() == [1.0] * (i + 1) + [0.0] * (5 - i)


def test_two_windows_of_one_tensor():
    def windows(samples):
        x = default_collate(samples)
        return x[:, :-1], x[:, 1:]

    def own_windows(samples):
        x = learntorch.stack(samples)
        return x[:, :-1], x[:, 1:]
    for collate in (windows, own_windows):
        for inputs, targets in loader(lambda i: learntorch.arange(5) + i, 8, collate_fn=collate):
            assert inputs[:, 1:].tolist() == targets[:, :-1].tolist()
            inputs[0, 1] = 77
            assert targets[0, 0] == 77 and inputs.stride() == (5, 1)


def test_a_row_of_a_large_matrix_comes_without_the_matrix():
    matrix = learntorch.arange(200_000).reshape(2000, 100)
    for i, x in enumerate(loader(lambda i: matrix[i], 20, None)):
        assert x.tolist() == matrix[i].tolist() and x.untyped_storage().nbytes() == 800
    for i, x in enumerate(loader(lambda i: matrix[:, i], 20, None)):
        assert x.tolist() == matrix[:, i].tolist() and x.untyped_storage().nbytes() == 16000


ANSWERS = {
    "arrays": (lambda i: np.arange(1000) + i, list),
    "long texts": (lambda i: "x" * 50_000, default_collate),
    "nests": (lambda i: {"a": [learntorch.ones(3) * i, (i, "b")], "c": b"d"}, default_collate),
    "empty tensors": (lambda i: learntorch.empty(0, 3), default_collate),
    "half types": (lambda i: learntorch.ones(3).bfloat16() * i, default_collate),
    "bools": (lambda i: learntorch.tensor([True, False]), default_collate),
    "numbers": (lambda i: i, default_collate),
    "scalars": (lambda i: learntorch.tensor(1.5) * i, default_collate),
    "turned": (lambda i: learntorch.arange(6).reshape(2, 3).t() + i, list),
    "growing": (lambda i: learntorch.ones(10 ** (1 + i // 8)), list),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_arrives_is_what_was_made(name):
    item, collate = ANSWERS[name]
    made = list(DataLoader(Made(item), 2, collate_fn=collate))
    got = list(loader(item, collate_fn=collate))
    assert repr(got) == repr(made)


def test_leaves_and_parameters_arrive_as_such():
    got = list(loader(lambda i: learntorch.ones(2, requires_grad=True), 2, None))
    assert all(t.requires_grad and t.is_leaf for t in got)
    got = list(loader(lambda i: learntorch.nn.Parameter(learntorch.ones(2)), 2, None))
    assert all(type(t) is learntorch.nn.Parameter for t in got)


def test_a_tensor_with_history_is_refused_at_once():
    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor which"):
        list(loader(lambda i: learntorch.ones(2, requires_grad=True) * 2, 4, None))


def test_long_lists_of_indices_do_not_block():
    """Tasks that fill the pipe, to a worker whose answers fill the pipe."""
    batches = DataLoader(Lengths(), 20_000, shuffle=True, num_workers=1, prefetch_factor=4,
                         multiprocessing_context="fork", timeout=60)
    assert [len(texts) for texts in batches] == [20_000] * 8


def test_room_is_made_only_in_a_worker():
    assert worker._this_worker == [] and not default_collate([learntorch.ones(2)]).is_shared()
    assert next(iter(loader(lambda i: learntorch.ones(2).is_shared(), 2, None))) is False
