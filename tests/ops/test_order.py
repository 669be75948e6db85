"""Shortcuts that must change nothing: selection without sorting, long products, distances."""
import numpy as np
import pytest

import learntorch
from learntorch.backend import numpy_xp
from learntorch.ops import linalg_lu
from learntorch.ops.sort import at_place


@pytest.mark.parametrize("kind", ["f", "d", "i", "b"])
@pytest.mark.parametrize("shape", [(7,), (5, 6), (4, 5, 6)], ids=str)
def test_selection_is_what_a_stable_sort_selects(kind, shape):
    """Of equal numbers the very one: its index, and so its gradient, is the same."""
    x = np.random.default_rng(0).integers(0, 4, shape).astype(kind)
    for dim in range(x.ndim):
        order = np.argsort(x, axis=dim, stable=True)
        for place in range(shape[dim]):
            value, index = at_place(np, x, dim, place)
            assert (index == np.take(order, [place], axis=dim)).all()
            assert (value == np.take_along_axis(x, index, axis=dim)).all()


def test_nan_comes_last():
    x = learntorch.tensor([[2.0, float("nan"), 1.0, 3.0]])
    assert x.kthvalue(3).values.tolist() == [3.0] and x.kthvalue(3).indices.tolist() == [3]
    assert x.median(1).indices.tolist() == [1] and x.nanmedian(1).values.tolist() == [2.0]


@pytest.mark.parametrize("n", [1, 64, 255, 256, 300, 1000])
def test_products_of_long_rows(n):
    x = np.random.default_rng(n).uniform(0.9, 1.1, (3, n))
    for dim, keepdim in ((1, False), (-1, True)):
        made = learntorch.from_numpy(x).prod(dim, keepdim)
        assert np.allclose(made.numpy(), np.prod(x, axis=dim, keepdims=keepdim), rtol=1e-12)


@pytest.mark.parametrize("shape", [(6, 6), (3, 5, 4), (2, 4, 7), (70, 70), (0, 3), (2, 0, 0)],
                         ids=str)
def test_factors_with_and_without_scipy(shape, monkeypatch):
    a = np.random.default_rng(0).standard_normal(shape)
    found = []
    for there in (True, False):
        if not there:
            monkeypatch.setattr(numpy_xp, "lapack", missing)
        packed = a.copy()
        found.append((linalg_lu.factored(numpy_xp, packed), packed))
    assert (found[0][0] == found[1][0]).all()
    assert np.allclose(found[0][1], found[1][1])


def missing(name, dtype):
    raise ModuleNotFoundError(name)


@pytest.mark.parametrize("rows", [20, 30])
def test_distances_by_differences_and_by_a_product(rows):
    """From 26 rows on PyTorch and this library take ‖x‖² − 2 x·y + ‖y‖²."""
    rng = np.random.default_rng(1)
    x, y = (learntorch.from_numpy(rng.standard_normal((n, 4))).requires_grad_()
            for n in (rows, 3))
    away = (x[:, None] - y[None]).square().sum(2).sqrt()
    assert np.allclose(learntorch.cdist(x, y).detach().numpy(), away.detach().numpy(), rtol=1e-10)
    assert learntorch.autograd.gradcheck(learntorch.cdist, (x, y))
    assert learntorch.autograd.gradgradcheck(learntorch.cdist, (x, y))


def test_equal_rows_have_no_slope():
    x = learntorch.zeros(30, 4, requires_grad=True)
    learntorch.cdist(x, x).sum().backward()
    assert not x.grad.any()


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_of_one_size(mode):
    """Bags in the rows of a matrix are what offsets of equal distance give."""
    F = learntorch.nn.functional
    weight = learntorch.rand(5, 3, requires_grad=True)
    index = learntorch.tensor([[0, 1, 1], [4, 2, 0]])
    made = F.embedding_bag(index, weight, mode=mode)
    other = F.embedding_bag(index.reshape(-1), weight, learntorch.tensor([0, 3]), mode=mode)
    assert learntorch.allclose(made, other)
    gradients = [learntorch.autograd.grad(t.square().sum(), weight)[0] for t in (made, other)]
    assert learntorch.allclose(*gradients)
    assert F.embedding_bag(learntorch.zeros(2, 0, dtype=learntorch.int64), weight).tolist() == [
        [0.0] * 3] * 2


def test_long_elementwise_chains_are_computed_block_by_block():
    x = learntorch.linspace(-3, 3, 40000)
    whole = learntorch.nn.functional.elu(x)
    parts = learntorch.cat([learntorch.nn.functional.elu(t) for t in x.split(7000)])
    assert learntorch.equal(whole, parts)
    assert learntorch.nn.functional.elu(learntorch.tensor(-1.0)).shape == ()
