"""DataLoader and its samplers: the same batches in the same order as PyTorch, seed for seed."""

import collections
import warnings

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch

SEEDS = (0, 42, 2**40 + 7)


def rows(torch, n=10):
    """A TensorDataset of n rows and their numbers."""
    values = np.arange(3 * n, dtype=np.float32).reshape(n, 3)
    return torch.utils.data.TensorDataset(torch.from_numpy(values), torch.arange(n))


def squares(torch, n=7):
    class Squares(torch.utils.data.Dataset):
        def __len__(self):
            return n

        def __getitem__(self, i):
            if not 0 <= i < n:
                raise IndexError(i)
            return i * i
    return Squares()


def stream(torch, n=7, length=None):
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(n))

        def __repr__(self):
            return "Stream"
    if length is not None:
        Stream.__len__ = lambda self: length
    return Stream()


def everything(torch, loader, passes=2):
    """All batches of some passes, and where the default generator is afterwards."""
    return [[batch for batch in loader] for _ in range(passes)], torch.rand(2)


# ---- order -------------------------------------------------------------------------------

LOADERS = {
    "plain": {},
    "batches": {"batch_size": 4},
    "full batches": {"batch_size": 4, "drop_last": True},
    "shuffled": {"batch_size": 4, "shuffle": True},
    "shuffled, full batches": {"batch_size": 3, "shuffle": True, "drop_last": True},
    "single samples": {"batch_size": None},
    "shuffled single samples": {"batch_size": None, "shuffle": True},
    "sampler": {"sampler": [3, 1, 2], "batch_size": 2},
    "batch sampler": {"batch_sampler": [[0, 1], [5], [2, 2, 2]]},
    "negative indices": {"sampler": [-1, 0, -3], "batch_size": 2},
    "collate_fn": {"batch_size": 3, "collate_fn": len},
}


@needs_torch
@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("dataset", [rows, squares])
def test_batches(name, dataset):
    if name == "negative indices" and dataset is squares:
        pytest.skip("squares have no negative index")
    for seed in SEEDS:
        def case(torch, seed=seed):
            torch.manual_seed(seed)
            return everything(torch, torch.utils.data.DataLoader(dataset(torch), **LOADERS[name]))
        alike(case)


@needs_torch
def test_a_generator_of_its_own():
    def case(torch):
        generator = torch.Generator().manual_seed(9)
        loader = torch.utils.data.DataLoader(rows(torch), batch_size=3, shuffle=True,
                                             generator=generator)
        torch.manual_seed(1)
        return everything(torch, loader), torch.rand(1, generator=generator)
    alike(case)


@needs_torch
def test_an_iterator_left_early_draws_as_much():
    def case(torch):
        torch.manual_seed(3)
        loader = torch.utils.data.DataLoader(rows(torch), batch_size=3, shuffle=True)
        first = next(iter(loader))
        iter(loader)
        return first, torch.rand(1), [len(batch[1]) for batch in loader]
    alike(case)


SAMPLERS = {
    "sequential": lambda D, torch, n: D.SequentialSampler(range(n)),
    "random": lambda D, torch, n: D.RandomSampler(range(n)),
    "more than there are": lambda D, torch, n: D.RandomSampler(range(n), num_samples=2 * n + 3),
    "exactly twice": lambda D, torch, n: D.RandomSampler(range(n), num_samples=2 * n),
    "with replacement": lambda D, torch, n: D.RandomSampler(range(n), True, num_samples=70),
    "with its generator": lambda D, torch, n: D.RandomSampler(
        range(n), generator=torch.Generator().manual_seed(4)),
    "subset": lambda D, torch, n: D.SubsetRandomSampler(list(range(5, n + 5))),
    "weighted": lambda D, torch, n: D.WeightedRandomSampler([1.0 + i for i in range(n)], 2 * n),
    "weighted without replacement": lambda D, torch, n: D.WeightedRandomSampler(
        [1.0 + i for i in range(n)], n, replacement=False),
    "batches": lambda D, torch, n: D.BatchSampler(D.RandomSampler(range(n)), 3, False),
    "full batches": lambda D, torch, n: D.BatchSampler(iter(range(n)), 3, True),
    "first of three processes": lambda D, torch, n: D.DistributedSampler(range(n), 3, 0),
    "last of three processes": lambda D, torch, n: D.DistributedSampler(range(n), 3, 2, seed=5),
    "cut for three processes": lambda D, torch, n: D.DistributedSampler(
        range(n), 3, 1, shuffle=False, drop_last=True),
    "more processes than samples": lambda D, torch, n: D.DistributedSampler(range(2), 7, 6),
}


@needs_torch
@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("n", [1, 7, 64])
def test_samplers(name, n):
    for seed in SEEDS:
        def case(torch, seed=seed):
            torch.manual_seed(seed)
            sampler = SAMPLERS[name](torch.utils.data, torch, n)
            length = None if name == "full batches" else len(sampler)
            return list(sampler), list(sampler), length, torch.rand(1)
        alike(case)


@needs_torch
def test_the_epoch_changes_the_order_of_distributed_sampling():
    def case(torch):
        sampler = torch.utils.data.distributed.DistributedSampler(range(20), 2, 1)
        orders = []
        for epoch in range(3):
            sampler.set_epoch(epoch)
            orders.append(list(sampler))
        return orders
    alike(case)


# ---- streams -----------------------------------------------------------------------------

@needs_torch
@pytest.mark.parametrize("options", [{}, {"batch_size": 3}, {"batch_size": 3, "drop_last": True},
                                     {"batch_size": None}, {"batch_size": 7}, {"shuffle": False}])
def test_streams(options):
    def case(torch):
        torch.manual_seed(0)
        return everything(torch, torch.utils.data.DataLoader(stream(torch), **options))
    alike(case)


@needs_torch
@pytest.mark.parametrize("length, options", [(7, {"batch_size": 2}), (3, {"batch_size": 1}),
                                             (2, {"batch_size": 3, "drop_last": True}),
                                             (5, {"batch_size": None})])
def test_a_stream_that_is_longer_than_it_said(length, options):
    def case(torch):
        loader = torch.utils.data.DataLoader(stream(torch, length=length), **options)
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            sizes = len(loader), len(list(loader))
        return sizes, [str(w.message) for w in seen]
    alike(case)


# ---- lengths and attributes --------------------------------------------------------------

@needs_torch
def test_lengths():
    def case(torch):
        D = torch.utils.data
        data = rows(torch)
        loaders = [D.DataLoader(data), D.DataLoader(data, 4), D.DataLoader(data, 4, drop_last=True),
                   D.DataLoader(data, None), D.DataLoader(data, batch_sampler=[[1], [2, 3]]),
                   D.DataLoader(data, 3, sampler=[1, 2, 3, 4])]
        return [len(loader) for loader in loaders], [len(iter(loader)) for loader in loaders], \
            [loader.batch_size for loader in loaders], [loader.drop_last for loader in loaders]
    alike(case)


@needs_torch
def test_a_stream_without_length_has_none():
    alike(lambda torch: len(torch.utils.data.DataLoader(stream(torch))), wording=False)


# ---- misuse ------------------------------------------------------------------------------

def loader(torch, data=rows, **options):
    return torch.utils.data.DataLoader(data(torch), **options)


MISUSE = {
    "workers": lambda torch: loader(torch, num_workers=-1),
    "timeout": lambda torch: loader(torch, timeout=-1),
    "timeout without workers": lambda torch: next(iter(loader(torch, timeout=1))),
    "prefetch without workers": lambda torch: loader(torch, prefetch_factor=2),
    "negative prefetch": lambda torch: loader(torch, num_workers=1, prefetch_factor=-2),
    "persistent without workers": lambda torch: loader(torch, persistent_workers=True),
    "context without workers": lambda torch: loader(torch, multiprocessing_context="fork"),
    "unknown context": lambda torch: loader(torch, num_workers=1,
                                            multiprocessing_context="thread"),
    "context of another kind": lambda torch: loader(torch, num_workers=1,
                                                    multiprocessing_context=3),
    "sampler and shuffle": lambda torch: loader(torch, sampler=[1], shuffle=True),
    "batch sampler and size": lambda torch: loader(torch, batch_sampler=[[1]], batch_size=2),
    "batch sampler and shuffle": lambda torch: loader(torch, batch_sampler=[[1]], shuffle=True),
    "single samples dropped": lambda torch: loader(torch, batch_size=None, drop_last=True),
    "batch size 0": lambda torch: loader(torch, batch_size=0),
    "batch size True": lambda torch: loader(torch, batch_size=True),
    "batch size of text": lambda torch: loader(torch, batch_size="4"),
    "stream shuffled": lambda torch: loader(torch, stream, shuffle=True),
    "stream sampled": lambda torch: loader(torch, stream, sampler=[1]),
    "stream in given batches": lambda torch: loader(torch, stream, batch_sampler=[[1]]),
    "changed afterwards": lambda torch: setattr(loader(torch), "batch_size", 3),
    "empty and shuffled": lambda torch: torch.utils.data.DataLoader([], shuffle=True),
    "index beyond": lambda torch: list(loader(torch, sampler=[3, 10], batch_size=2)),
    "replacement": lambda torch: torch.utils.data.RandomSampler([1], replacement=1),
    "samples": lambda torch: torch.utils.data.RandomSampler([1], num_samples=0),
    "weights": lambda torch: torch.utils.data.WeightedRandomSampler([[1.0]], 1),
    "weights and number": lambda torch: torch.utils.data.WeightedRandomSampler([1.0], True),
    "weights and replacement": lambda torch: torch.utils.data.WeightedRandomSampler([1.0], 1, 2),
    "batches dropped": lambda torch: torch.utils.data.BatchSampler([1], 1, 1),
    "rank": lambda torch: torch.utils.data.DistributedSampler([1], 2, 2),
    "sampler without iter": lambda torch: list(torch.utils.data.Sampler()),
    "dataset without getitem": lambda torch: torch.utils.data.Dataset()[0],
    "stream without iter": lambda torch: type("S", (torch.utils.data.IterableDataset,), {})(),
    "iterator pickled": lambda torch: __import__("pickle").dumps(iter(loader(torch))),
}


@needs_torch
@pytest.mark.parametrize("what", MISUSE)
def test_misuse_is_told_as_in_pytorch(what):
    loose = what in ("iterator pickled", "stream without iter")
    assert type(alike(MISUSE[what], wording=not loose)).__name__ == "Raised"


@needs_torch
def test_pinning_without_a_gpu_is_warned_of():
    def case(torch):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            batches = list(torch.utils.data.DataLoader(rows(torch), 5, pin_memory=True))
        return batches, [str(w.message) for w in seen]
    alike(case)


# ---- collating ---------------------------------------------------------------------------

Point = collections.namedtuple("Point", "x y")


class Box(dict):
    """A dict with more than its items."""


COLLATED = {
    "numbers": lambda torch: [1, 2, 3],
    "floats": lambda torch: [1.0, 2.5],
    "bools": lambda torch: [True, False],
    "strings": lambda torch: ["a", "b"],
    "bytes": lambda torch: [b"a", b"b"],
    "arrays": lambda torch: [np.ones(2, np.float32), np.zeros(2, np.float32)],
    "array scalars": lambda torch: [np.float32(1), np.float32(2)],
    "tensors": lambda torch: [torch.ones(2), torch.zeros(2)],
    "tensors with history": lambda torch: [torch.ones(2, requires_grad=True), torch.zeros(2)],
    "tensors of two dtypes": lambda torch: [torch.ones(2), torch.ones(2, dtype=torch.float64)],
    "scalars": lambda torch: [torch.tensor(1), torch.tensor(2)],
    "tuples": lambda torch: [(torch.ones(2), 1, "a"), (torch.zeros(2), 2, "b")],
    "lists": lambda torch: [[1, 2.0], [3, 4.0]],
    "dicts": lambda torch: [{"x": 1, "y": (2.0, "s")}, {"x": 3, "y": (4.0, "t")}],
    "ordered": lambda torch: [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    "named": lambda torch: [Point(1, [2.0]), Point(3, [4.0])],
    "ranges": lambda torch: [range(3), range(3)],
    "nothing": lambda torch: [None, None],
    "objects": lambda torch: [object(), object()],
    "sets": lambda torch: [{1}, {2}],
    "text arrays": lambda torch: [np.array(["a"]), np.array(["b"])],
    "unequal lists": lambda torch: [[1, 2], [3]],
    "unequal tensors": lambda torch: [torch.ones(2), torch.ones(3)],
    "unequal arrays": lambda torch: [np.ones(2), np.ones(3)],
}


@needs_torch
@pytest.mark.parametrize("name", COLLATED)
def test_collating(name):
    alike(lambda torch: torch.utils.data.default_collate(COLLATED[name](torch)),
          wording=name != "objects")


@needs_torch
@pytest.mark.parametrize("name", ["arrays", "array scalars", "tensors", "dicts", "tuples",
                                  "ordered", "text arrays", "numbers", "ranges"])
def test_converting(name):
    alike(lambda torch: [torch.utils.data.default_convert(x) for x in COLLATED[name](torch)])


def test_containers_keep_their_type_and_extras():
    box = Box(a=np.ones(2))
    box.note = "kept"
    for made in (learntorch.utils.data.default_collate([box, box]),
                 learntorch.utils.data.default_convert(box)):
        assert type(made) is Box and made.note == "kept"
        assert isinstance(made["a"], learntorch.Tensor)
    assert isinstance(box["a"], np.ndarray)


def test_collating_types_of_ones_own():
    from learntorch.utils.data._utils.collate import collate, default_collate_fn_map
    functions = {set: lambda batch, collate_fn_map: set.union(*batch), **default_collate_fn_map}
    assert collate([({1}, 2), ({3}, 4)], collate_fn_map=functions)[0] == {1, 3}


# ---- without PyTorch: the vectorised path gives what the samples by themselves give ------

def test_batches_of_tensors_are_independent_copies():
    data = rows(learntorch)
    batch = next(iter(learntorch.utils.data.DataLoader(data, batch_size=2)))
    batch[0][0] = 100
    assert data[0][0].tolist() == [0, 1, 2]
    assert batch[0].is_contiguous() and batch[1].dtype == learntorch.int64


def test_a_subclass_that_fetches_in_its_own_way_is_asked():
    class Shifted(learntorch.utils.data.TensorDataset):
        def __getitem__(self, i):
            return super().__getitem__(i)[0] + 1
    data = Shifted(learntorch.arange(4))
    assert [b.tolist() for b in learntorch.utils.data.DataLoader(data, 2)] == [[1, 2], [3, 4]]
    subset = learntorch.utils.data.Subset(data, [2, 0])
    assert [b.tolist() for b in learntorch.utils.data.DataLoader(subset, 2)] == [[3, 1]]


def test_gradients_flow_through_batches():
    weight = learntorch.ones(4, 2, requires_grad=True)
    loader = learntorch.utils.data.DataLoader(learntorch.utils.data.TensorDataset(weight), 3)
    for batch, in loader:
        (batch * 2).sum().backward()
    assert weight.grad.tolist() == [[2, 2]] * 4


def test_whole_batches_are_asked_for_where_the_dataset_can():
    asked = []

    class Many(learntorch.utils.data.Dataset):
        def __len__(self):
            return 5

        def __getitems__(self, indices):
            asked.append(indices)
            return [i * 10 for i in indices]
    batches = [b.tolist() for b in learntorch.utils.data.DataLoader(Many(), 2)]
    assert batches == [[0, 10], [20, 30], [40]] and asked == [[0, 1], [2, 3], [4]]
