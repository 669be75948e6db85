"""Half-precision complex numbers: conversions, parts, simple arithmetic, gradients."""
import copy
import io
import pickle

import pytest

import learntorch
from tests.oracle import alike, needs_torch


def halves(t):
    return t.tensor([1.5 - 2.0j, 3.0, 65504.0j]).chalf()


CASES = {
    "from all types": lambda t: [t.ones(2, dtype=d).chalf() for d in (
        t.float64, t.float32, t.float16, t.bfloat16, t.int64, t.uint8, t.bool, t.complex128)],
    "to all types": lambda t: [halves(t)[:2].to(d) for d in (
        t.float64, t.float32, t.float16, t.bfloat16, t.int64, t.bool, t.complex64, t.complex128)],
    "parts": lambda t: (halves(t).real, halves(t).imag, t.view_as_real(halves(t))),
    "conjugate": lambda t: halves(t).conj(),
    "made of parts": lambda t: t.complex(t.ones(2).half(), t.ones(2).half() * 3),
    "made of pairs": lambda t: t.view_as_complex(t.ones(2, 2).half()),
    "sums": lambda t: (halves(t) + halves(t)[0], halves(t) - 1, halves(t) + 1j),
    "products": lambda t: (halves(t)[:2] * halves(t)[:2], halves(t) * 0.5, -halves(t)),
    "length": lambda t: halves(t).abs(),
    "comparison": lambda t: halves(t) == halves(t)[1],
    "indexing": lambda t: (halves(t)[1], halves(t)[[2, 0]], t.cat([halves(t), halves(t)])),
    "promotion": lambda t: [t.promote_types(t.complex32, d) for d in (
        t.float16, t.bfloat16, t.float32, t.float64, t.int64, t.bool, t.complex64, t.complex128)],
    "with numbers": lambda t: (t.ones(2).half() * 1j, t.result_type(t.ones(1).half(), 1j)),
    "wider": lambda t: halves(t) + t.ones(3, dtype=t.complex64),
    "corresponding types": lambda t: (t.float16.to_complex(), t.bfloat16.to_complex(),
                                      t.complex32.to_real(), t.complex32 is t.chalf),
    "a type that NumPy has not": lambda t: halves(t).numpy(),
    "as Python numbers": lambda t: (halves(t).tolist(), halves(t)[0].item()),
    "what it is": lambda t: (halves(t).is_complex(), halves(t).is_floating_point(),
                             halves(t).element_size(), t.zeros(2, dtype=t.complex32)),
    "printed": lambda t: repr(halves(t)[:2]),
}


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_like_pytorch(name):
    alike(CASES[name])


def gradients(t):
    real = t.tensor([1.0, 2.0], requires_grad=True)
    real.chalf().backward(t.tensor([1 + 2j, 3 - 1j]).chalf())
    wide = t.tensor([1.0 + 1j, 2.0], requires_grad=True)
    t.view_as_real((wide.chalf() * 2).cfloat()).sum().backward()
    leaf = t.tensor([1.0 + 1j, 2.0 + 1j]).chalf().requires_grad_()
    t.view_as_real(leaf.cfloat()).square().sum().backward()
    return real.grad, wide.grad, leaf.grad


@needs_torch
@pytest.mark.filterwarnings("ignore")
def test_gradients():
    alike(gradients)


def test_parts_share_memory():
    x = halves(learntorch)
    x.imag[0] = 7
    assert x[0].item() == 1.5 + 7j and x.real.dtype is learntorch.float16


def test_kept():
    x = halves(learntorch)
    file = io.BytesIO()
    learntorch.save(x, file)
    file.seek(0)
    for y in (learntorch.load(file), pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert y.dtype is learntorch.complex32 and learntorch.equal(x, y)
