"""Indexing: every mixture of integers, slices, None, Ellipsis, masks and integer tensors.

Properties against PyTorch: reading, writing, gradients, and which results share memory.
"""

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis makes the cases")
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@st.composite
def indices(draw):
    """(shape, index) where the index fits the shape; tensors are described by nested lists."""
    shape = draw(SHAPES)
    items = []
    dim = 0
    length = None
    dots = False
    while dim < len(shape):
        size = shape[dim]
        kind = draw(st.sampled_from(["int", "slice", "none", "list", "mask", "dots", "stop"]))
        if kind == "stop":
            break
        if kind == "none":
            items.append(None)
            if len(items) > 6:
                break
            continue
        if kind == "dots":
            if not dots:
                items.append(Ellipsis)
                dots = True
                break
            continue
        if kind == "int":
            items.append(draw(st.integers(-size, size - 1)))
        elif kind == "slice":
            bound = st.one_of(st.none(), st.integers(-size - 1, size + 1))
            items.append(slice(draw(bound), draw(bound), draw(st.sampled_from([None, 1, 2, 3]))))
        elif kind == "list":
            length = length or draw(st.integers(1, 3))
            items.append(("index", draw(st.lists(st.integers(-size, size - 1), min_size=length,
                                                 max_size=length))))
        else:
            mask = [False] * size
            length = length or draw(st.integers(1, 3))
            if length > size:
                items.append(draw(st.integers(-size, size - 1)))
            else:
                for place in draw(st.permutations(range(size)))[:length]:
                    mask[place] = True
                items.append(("mask", mask))
        dim += 1
    return shape, items


def built(lib, items):
    made = []
    for item in items:
        if isinstance(item, tuple):
            kind, values = item
            made.append(lib.tensor(values, dtype=lib.int64 if kind == "index" else lib.bool))
        else:
            made.append(item)
    return made[0] if len(made) == 1 else tuple(made)


def numbers(lib, shape):
    count = int(np.prod(shape))
    return lib.arange(count, dtype=lib.float64).reshape(shape)


@needs_torch
@settings(max_examples=300)
@given(indices())
def test_reading(case):
    shape, items = case
    alike(lambda lib: numbers(lib, shape)[built(lib, items)])


@needs_torch
@settings(max_examples=200)
@given(indices())
def test_writing_and_sharing(case):
    shape, items = case

    def run(lib):
        x = numbers(lib, shape)
        y = x[built(lib, items)]
        if y.numel():
            y += 100
        shared = x.clone()
        x[built(lib, items)] = -1
        return shared, x
    alike(run)


@needs_torch
@settings(max_examples=200)
@given(indices())
def test_gradients(case):
    shape, items = case

    def run(lib):
        x = numbers(lib, shape).requires_grad_()
        y = x * 1
        (y[built(lib, items)] ** 2).sum().backward(retain_graph=True)
        z = x * 2
        z[built(lib, items)] = (y[built(lib, items)] * 3)
        (z * z).sum().backward()
        return x.grad
    alike(run)


@needs_torch
@pytest.mark.parametrize("case", {
    "ints first, then lists": lambda lib: numbers(lib, (2, 3, 4))[0, :, [1, 2]],
    "lists apart": lambda lib: numbers(lib, (2, 3, 4))[[0, 1], :, [1, 2]],
    "two masks": lambda lib: numbers(lib, (2, 3))[
        lib.tensor([True, False]), lib.tensor([True, False, True])],
    "mask of two dimensions": lambda lib: numbers(lib, (2, 3))[numbers(lib, (2, 3)) > 2],
    "a bool": lambda lib: (numbers(lib, (2,))[True], numbers(lib, (2,))[False]),
    "0-d mask": lambda lib: numbers(lib, (2,))[lib.tensor(True)],
    "0-d index": lambda lib: numbers(lib, (2, 3))[lib.tensor(1)],
    "nested lists": lambda lib: numbers(lib, (4,))[[[0, 1], [2, 3]]],
    "range": lambda lib: numbers(lib, (4,))[range(1, 3)],
    "array": lambda lib: numbers(lib, (4,))[np.array([3, 0])],
    "repeated places add up": lambda lib: repeated(lib),
    "nothing": lambda lib: numbers(lib, (4,))[[]],
    "assign broadcast": lambda lib: assigned(
        lib, (slice(None), 1), lib.ones(2, dtype=lib.float64)),
    "assign row of size one": lambda lib: assigned(lib, 0, lib.ones(1, 3, dtype=lib.float64)),
    "assign wrong shape": lambda lib: assigned(lib, 0, lib.ones(4, dtype=lib.float64)),
    "assign other dtype": lambda lib: assigned(lib, 0, lib.ones(3, dtype=lib.int64)),
}.values())
def test_table(case):
    alike(case)


def repeated(lib):
    x = numbers(lib, (4,)).requires_grad_()
    x[[0, 0, 1]].sum().backward()
    return x.grad


def assigned(lib, index, value):
    x = numbers(lib, (2, 3))
    x[index] = value
    return x


def test_the_index_may_change_after_use():
    """Backward uses the index as it was: the caller may reuse his tensor."""
    x = learntorch.ones(4, requires_grad=True)
    i = learntorch.tensor([0, 1])
    y = x[i]
    i.fill_(3)
    y.sum().backward()
    assert x.grad.tolist() == [1, 1, 0, 0]
