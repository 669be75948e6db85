"""Padding in every mode against PyTorch, twice differentiated; its errors; what may not be shared.
"""

from itertools import product

import numpy as np
import pytest

import learntorch
from tests.ops.test_conv import numbers, twice
from tests.oracle import alike, needs_torch

EDGES = ("reflect", "replicate", "circular")
SIZES = (3, 5, 4)
# padding of one dimension, before and after: around, one side, none, cropped, both at once
SIDES = ((1, 2), (0, 2), (2, 0), (0, 0), (-1, -1), (-1, 2), (2, -1))


@needs_torch
@pytest.mark.parametrize("low,high", SIDES)
@pytest.mark.parametrize("dims,batch", list(product((1, 2, 3), (True, False))))
@pytest.mark.parametrize("mode", ("constant", *EDGES))
def test_pad(mode, dims, batch, low, high):
    pad = [low, high, 1, 0, 0, 1][:2 * dims]
    x = numbers(0, *(2, 3)[not batch:], *SIZES[:dims])
    alike(lambda torch: twice(torch, lambda x: torch.nn.functional.pad(x, pad, mode), x))


@needs_torch
@pytest.mark.parametrize("mode,pad", (("replicate", (9, 0)), ("replicate", (-4, 5)),
                                      ("replicate", (5, -4)), ("replicate", (2, -5)),
                                      ("reflect", (3, 3)), ("reflect", (-4, 3)),
                                      ("reflect", (3, -4)), ("reflect", (3, -6)),
                                      ("circular", (4, 4)), ("circular", (-2, -2)),
                                      ("circular", (-3, 1)), ("constant", (-4, 7)),
                                      ("constant", (-2, -2)), ("constant", (3, -4))))
def test_much_padding(mode, pad):
    x = numbers(0, 2, 3, 4)
    alike(lambda torch: twice(torch, lambda x: torch.nn.functional.pad(x, pad, mode), x))


@needs_torch
@pytest.mark.parametrize("shape,pad", (((4,), (1, 2)), ((2, 3), (1, 1, 2, 0)), ((), ()),
                                       ((2, 1, 2, 1, 3), (1,) * 10), ((0, 3), (1, 1)),
                                       ((3, 0), (1, 1)), ((2, 3), ()), ((2, 3), (0, 0))))
def test_constant_takes_any_dimensions(shape, pad):
    x = numbers(0, *shape)
    alike(lambda torch: twice(torch, lambda x: torch.nn.functional.pad(x, pad, value=1.5), x))
    alike(lambda torch: torch.constant_pad_nd(torch.from_numpy(x), pad, -2))


@needs_torch
@pytest.mark.parametrize("dtype", ("float16", "bfloat16", "float32", "int64", "uint8", "bool",
                                   "complex64"))
@pytest.mark.parametrize("mode", ("constant", *EDGES))
def test_dtypes(mode, dtype):
    alike(lambda torch: torch.nn.functional.pad(
        torch.arange(12).reshape(2, 6).to(getattr(torch, dtype)), (2, 1), mode))


@needs_torch
@pytest.mark.parametrize("dtype", ("int32", "uint8", "int8", "bool", "float16", "float32",
                                   "complex64"))
@pytest.mark.parametrize("value", (1.7, -1, 300, 3e9, 1e300, float("inf"), float("nan"), True, 0,
                                   None, 1j))
def test_value_in_the_dtype_of_the_input(dtype, value):
    """A number that does not fit is an error; a float becomes an int without its fraction."""
    if dtype == "bool" and value != value:
        return                                   # whether NaN is true differs between builds
    alike(lambda torch: torch.nn.functional.pad(
        torch.ones(2).to(getattr(torch, dtype)), (1, 1), value=value))


@needs_torch
@pytest.mark.parametrize("mode", ("constant", *EDGES))
def test_empty_batches(mode):
    for shape, pad in (((0, 3, 4), (1, 1)), ((0, 3, 2, 2), (1, 1, 0, 1))):
        alike(lambda torch, shape=shape, pad=pad: torch.nn.functional.pad(
            torch.zeros(shape), pad, mode))


def test_gradients_of_halves_are_added_in_float32():
    x = learntorch.ones(1, 2, dtype=learntorch.float16, requires_grad=True)
    y = learntorch.nn.functional.pad(x, (2500, 0), "replicate")
    y.backward(learntorch.full_like(y, 0.3))
    assert x.grad.dtype == learntorch.float16
    assert abs(x.grad[0, 0].item() - 2501 * 0.3) < 1


@pytest.mark.parametrize("mode", ("constant", *EDGES))
def test_the_result_has_memory_of_its_own(mode):
    x = learntorch.zeros(2, 3)
    y = learntorch.nn.functional.pad(x, (0, 0), mode)
    y.fill_(1)
    assert x.sum().item() == 0


@pytest.mark.parametrize("mode,dims,name", [
    ("constant", 1, "ConstantPadNdBackward0"), ("reflect", 1, "ReflectionPad1DBackward0"),
    ("reflect", 2, "ReflectionPad2DBackward0"), ("replicate", 3, "ReplicationPad3DBackward0")])
def test_names_of_the_gradients(mode, dims, name):
    x = learntorch.zeros(1, 2, *SIZES[:dims], requires_grad=True)
    assert learntorch.nn.functional.pad(x, (1, 1) * dims, mode).grad_fn.name() == name


@needs_torch
@pytest.mark.parametrize("line", """
pad(zeros(2, 4), (1, 2, 3))
pad(zeros(2, 4), (1, 2, 3, 4, 5, 6))
pad(zeros(()), (1, 1))
pad(zeros(2, 4), (1,), "wrap")
pad(zeros(2, 4), 3)
pad(zeros(2, 4), None)
pad(zeros(2, 4), (1., 2))
pad(zeros(2, 4), (True, 1))
pad([1.], (1, 2))
pad(zeros(2, 4), (1, 1), 3)
pad(zeros(2, 4), (1, 1), value="a")
pad(zeros(2, 4), (1, 1), value=1j)
pad(zeros(2, 4), (-3, -2))
pad(zeros(2, 4), (1, 1), "reflect", 2.)
pad(zeros(2, 4), (1, 1), "circular", 2.)
pad(zeros(4), (1, 2), "reflect")
pad(zeros(1, 1, 4, 4), (1, 2), "replicate")
pad(zeros(2, 4), (), "circular")
pad(zeros(1, 2, 3, 4), (1,) * 8, "circular")
pad(zeros(2, 4), (4, 0), "reflect")
pad(zeros(1, 2, 4, 3), (0, 0, 0, 5), "reflect")
pad(zeros(1, 2, 2, 4, 3), (0, 0, 0, 0, 5, 0), "reflect")
pad(zeros(2, 4), (-2, -2), "reflect")
pad(zeros(2, 4), (-3, -2), "replicate")
pad(zeros(1, 0, 4), (1, 1), "reflect")
pad(zeros(0, 2, 2), (1, 1, 0, 0), "replicate")
pad(zeros(1, 1, 0, 2, 2), (1, 1, 0, 0, 0, 0), "replicate")
pad(zeros(2, 4) > 0, (1, 1), "reflect")
pad(zeros(2, 4, 4) > 0, (1, 1, 0, 0), "replicate")
pad(zeros(2, 4), (5, 0), "circular")
pad(zeros(1, 3, 0), (1, 1), "circular")
pad(zeros(2, 4), (-3, -2), "circular")
""".strip().splitlines())
def test_errors(line):
    alike(lambda lib: eval("lib.nn.functional." + line.replace("zeros(", "lib.zeros("),
                           {"lib": lib}))


@needs_torch
@pytest.mark.parametrize("line", """
constant_pad_nd(zeros(2, 3), (1, 1, 2))
constant_pad_nd(zeros(2, 3), (1, 1, 2, 2, 3, 3))
constant_pad_nd(zeros(2, 3), (-4, 0))
constant_pad_nd(zeros(2), (1, 1), 1j)
""".strip().splitlines())
def test_errors_of_constant_pad_nd(line):
    alike(lambda lib: eval("lib." + line.replace("zeros(", "lib.zeros("), {"lib": lib}))


def test_what_cannot_come_round_is_refused():
    """PyTorch reads uninitialised memory here."""
    with pytest.raises(RuntimeError, match="empty dimension"):
        learntorch.nn.functional.pad(learntorch.zeros(2, 4), (-4, 3), "circular")
    with pytest.raises(RuntimeError, match="wrapping around more than once"):
        learntorch.nn.functional.pad(learntorch.zeros(2, 4), (3, -2), "circular")


def test_nothing_of_the_input_is_saved():
    x = learntorch.zeros(2, 4, requires_grad=True)
    for mode in ("constant", *EDGES):
        n = learntorch.nn.functional.pad(x * 2, (1, 1), mode).grad_fn
        assert not any(isinstance(v, (np.ndarray, learntorch.Tensor)) for v in n.saved)
