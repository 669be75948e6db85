"""Keyword names that PyTorch takes although its documentation writes others."""

import inspect

import pytest

import learntorch
from learntorch.core.record import registry
from learntorch.core.spellings import OTHERS
from tests.oracle import alike, needs_torch

CASES = {
    "arange": lambda t: t.arange(end=3),
    "broadcast_to": lambda t: t.broadcast_to(input=t.ones(1, 2), size=(3, 2)),
    "cholesky_inverse": lambda t: t.cholesky_inverse(input=2 * t.eye(2)),
    "cholesky_solve": lambda t: t.cholesky_solve(input=t.ones(2, 1), input2=2 * t.eye(2)),
    "expand": lambda t: t.ones(1, 2).expand(size=(3, 2)),
    "expand_copy": lambda t: t.expand_copy(input=t.ones(1, 2), size=(3, 2)),
    "dsplit": lambda t: t.dsplit(t.ones(1, 1, 2), indices=[1]),
    "hsplit": lambda t: t.hsplit(t.ones(2, 2), sections=2),
    "isin": lambda t: t.isin(element=1, test_elements=t.arange(3)),
    "lstsq": lambda t: t.linalg.lstsq(input=t.eye(2), b=t.ones(2, 1)).solution,
    "matrix_exp": lambda t: t.matrix_exp(input=t.zeros(2, 2)),
    "orgqr": lambda t: t.eye(2).orgqr(input2=t.zeros(2)),
    "ormqr": lambda t: t.ormqr(t.eye(2), input2=t.zeros(2), input3=t.ones(2, 1)),
    "polygamma": lambda t: t.ones(2).polygamma(n=1),
    "polynomial": lambda t: t.special.hermite_polynomial_h(x=t.arange(3.0), n=2),
    "repeat": lambda t: t.ones(2).repeat(repeats=(2, 1)),
    "resize_": lambda t: t.ones(4).resize_(size=(2, 2)),
    "searchsorted": lambda t: t.searchsorted(t.arange(3), input=t.arange(2)),
    "sum_to_size": lambda t: t.ones(2, 3).sum_to_size(size=(1, 3)),
    "tensor_split": lambda t: t.tensor_split(t.ones(4), tensor_indices_or_sections=t.tensor(2)),
    "tensorsolve": lambda t: t.linalg.tensorsolve(input=t.eye(2), other=t.ones(2)),
    "to": lambda t: t.ones(2).to(t.float64, True).dtype.itemsize,
    "tril_indices": lambda t: t.tril_indices(2, 2, requires_grad=False),
    "true_divide": lambda t: t.true_divide(input=t.ones(2), other=2),
    "unsafe_split": lambda t: t.unsafe_split(t.ones(4), split_size=2),
    "vector_norm": lambda t: t.linalg.vector_norm(input=t.ones(4)),
    "view": lambda t: t.ones(4).view(size=(2, 2)),
    "view of bytes": lambda t: t.zeros(4).view(dtype=t.int32),
    "view_copy": lambda t: t.view_copy(input=t.ones(4), size=(2, 2)),
    "vsplit": lambda t: t.vsplit(t.ones(2, 2), sections=2),
}


@needs_torch
@pytest.mark.parametrize("name", CASES)
def test_taken_as_in_pytorch(name):
    alike(CASES[name])


@pytest.mark.parametrize("key", OTHERS)
def test_help_shows_the_documented_names(key):
    shown = inspect.signature(registry[key].op.public).parameters
    assert not OTHERS[key].keys() & shown.keys() - {"n", "x", "repeats", "size"}
    assert all(name in shown for name in OTHERS[key].values() if name not in ("*", "other"))


def test_a_sparse_layout_is_a_name_to_compare_with():
    t = learntorch
    assert t.ones(2).layout is t.strided and t.ones(2).layout != t.sparse_coo
    assert str(t.sparse_csr) == "torch.sparse_csr"
    with pytest.raises(RuntimeError, match="not implemented for sparse layout"):
        t.zeros(2, layout=t.sparse_coo)
    with pytest.raises(TypeError, match="must be torch.layout, not str"):
        t.zeros(2, layout="strided")
