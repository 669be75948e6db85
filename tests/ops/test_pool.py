"""Pooling, adaptive and fractional pooling, unpooling against PyTorch, twice differentiated."""

from itertools import product

import numpy as np
import pytest

import learntorch
from tests.ops.test_conv import numbers, twice
from tests.oracle import alike, needs_torch

SIZES = (9, 7, 6)


def with_ties(*shape):
    """Numbers many of which are equal: the gradient belongs to the first."""
    return np.round(numbers(0, *shape) * 2) / 2


def pool_cases():
    for dims, kernel, stride, padding, ceil in product(
            (1, 2, 3), (1, 2, 3), (None, 1, 2, 3), (0, 1), (False, True)):
        if padding and kernel == 1 or dims == 3 and stride in (1, 3):
            continue
        yield dims, [kernel, 3, 2][:dims] if dims > 1 else kernel, stride, padding, ceil


@needs_torch
@pytest.mark.parametrize("dilation", (1, 2))
@pytest.mark.parametrize("dims,kernel,stride,padding,ceil", list(pool_cases()))
def test_max_pool(dims, kernel, stride, padding, ceil, dilation):
    x = with_ties(2, 3, *SIZES[:dims])
    arguments = kernel, stride, padding, dilation, ceil
    name = f"max_pool{dims}d"
    alike(lambda torch: twice(torch, lambda x: getattr(torch, name)(x, *arguments), x))
    alike(lambda torch: getattr(torch.nn.functional, name)(torch.from_numpy(x), *arguments, True))


@needs_torch
@pytest.mark.parametrize("include,divisor", ((True, None), (False, None), (True, 5)))
@pytest.mark.parametrize("dims,kernel,stride,padding,ceil", list(pool_cases()))
def test_avg_pool(dims, kernel, stride, padding, ceil, include, divisor):
    x = numbers(0, 2, 3, *SIZES[:dims])
    rest = (divisor,) if dims > 1 else ()
    alike(lambda torch: twice(torch, lambda x: getattr(torch.nn.functional, f"avg_pool{dims}d")(
        x, kernel, stride, padding, ceil, include, *rest), x))


@needs_torch
@pytest.mark.parametrize("dims,size", list(product((1, 2, 3), (1, 2, 4, 7, (2, None, 5)))))
@pytest.mark.parametrize("lead", ((2, 3), (3,)))
def test_adaptive(dims, size, lead):
    size = size[:dims] if isinstance(size, tuple) else size
    x = with_ties(*lead, *SIZES[:dims])
    for kind in ("avg", "max"):
        alike(lambda torch, name=f"adaptive_{kind}_pool{dims}d": twice(
            torch, lambda x: getattr(torch.nn.functional, name)(x, size), x))
    alike(lambda torch: getattr(torch.nn.functional, f"adaptive_max_pool{dims}d")(
        torch.from_numpy(x), size, True))


@needs_torch
@pytest.mark.parametrize("dims,power", list(product((1, 2, 3), (1.0, 2.0, 3.0))))
def test_lp_pool(dims, power):
    x = np.abs(numbers(0, 2, 3, *SIZES[:dims])) + 0.1
    alike(lambda torch: twice(torch, lambda x: getattr(torch.nn.functional, f"lp_pool{dims}d")(
        x, power, 3, 2), x))


@needs_torch
@pytest.mark.parametrize("dims,kernel,stride,padding", list(product(
    (1, 2, 3), (2, 3), (None, 2), (0, 1))))
def test_unpool(dims, kernel, stride, padding):
    def case(torch, x):
        f = torch.nn.functional
        y, index = getattr(f, f"max_pool{dims}d")(x, kernel, stride, padding, return_indices=True)
        return getattr(f, f"max_unpool{dims}d")(y, index, kernel, stride, padding, x.shape[2:])
    if stride == 2 and kernel == 3:
        return                               # windows overlap: which copy wins is not defined
    x = numbers(0, 2, 3, *(8, 6, 6)[:dims])
    alike(lambda torch: twice(torch, lambda x: case(torch, x), x))


@needs_torch
@pytest.mark.parametrize("dims,how", list(product((2, 3), (
    {"output_size": 3}, {"output_ratio": (0.5, 0.7, 0.4)}, {"output_size": (2, 3, 2)}))))
def test_fractional(dims, how):
    how = {k: v[:dims] if isinstance(v, tuple) else v for k, v in how.items()}
    x = numbers(0, 2, 3, *SIZES[:dims])

    def case(torch, x, **more):
        torch.manual_seed(3)
        f = getattr(torch.nn.functional, f"fractional_max_pool{dims}d")
        return f(x, 2, **how, **more)
    alike(lambda torch: case(torch, torch.from_numpy(x), return_indices=True))
    alike(lambda torch: twice(torch, lambda x: case(torch, x), x))


@needs_torch
@pytest.mark.parametrize("dtype", ("float16", "bfloat16", "float32", "int64", "uint8"))
def test_dtypes(dtype):
    def case(torch):
        x = (torch.arange(48).reshape(1, 3, 4, 4).remainder(7) * 3).to(getattr(torch, dtype))
        y = [torch.max_pool2d(x, 2), torch.max_pool2d(x, 3, 2, 1)]
        if dtype != "uint8":
            y.append(torch.nn.functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False))
        return y
    alike(case)


@needs_torch
def test_not_a_number_and_infinities():
    x = np.array([[[np.nan, 1, 2, np.inf], [0, 5, -np.inf, 3], [1, 1, -np.inf, -np.inf],
                   [2, np.nan, -np.inf, -np.inf]]])
    alike(lambda torch: [torch.max_pool2d(torch.from_numpy(x), 2),
                         torch.max_pool2d(torch.from_numpy(x), 3, 1, 1),
                         torch.nn.functional.avg_pool2d(torch.from_numpy(x), 2),
                         torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(x), 2),
                         torch.nn.functional.adaptive_max_pool2d(torch.from_numpy(x), 2)])


@needs_torch
def test_empty_batch_and_non_contiguous():
    alike(lambda torch: [torch.max_pool2d(torch.zeros(0, 3, 4, 4), 2),
                         torch.nn.functional.avg_pool2d(torch.zeros(0, 3, 4, 4), 2),
                         torch.nn.functional.adaptive_avg_pool2d(torch.zeros(0, 3, 4, 4), 3),
                         torch.nn.functional.adaptive_max_pool2d(torch.zeros(0, 3, 4, 4), 3),
                         torch.nn.functional.adaptive_max_pool2d(torch.zeros(0, 3, 4, 4), 3, True),
                         torch.nn.functional.fractional_max_pool2d(torch.zeros(0, 3, 4, 4), 2, 3)])
    x = with_ties(6, 8, 3, 2)
    alike(lambda torch: twice(torch, lambda x: torch.max_pool2d(x.permute(3, 2, 0, 1), 2), x))
    alike(lambda torch: twice(torch, lambda x: torch.nn.functional.avg_pool2d(
        x.permute(3, 2, 0, 1)[..., ::2], 2), x))


ERRORS = """
max_pool2d(zeros(28, 28), 2)
max_pool2d(zeros(1, 1, 1, 28, 28), 2)
max_pool2d(zeros(1, 1, 4, 4), 5)
max_pool2d(zeros(1, 1, 4, 4), 0)
max_pool2d(zeros(1, 1, 4, 4), -1)
max_pool2d(zeros(1, 1, 4, 4), 2, 0)
max_pool2d(zeros(1, 1, 4, 4), 2, -1)
max_pool2d(zeros(1, 1, 4, 4), 2, 2, 2)
max_pool2d(zeros(1, 1, 4, 4), 2, 2, -1)
max_pool2d(zeros(1, 1, 4, 4), 2, 2, 0, 0)
max_pool2d(zeros(1, 1, 4, 4), (2, 2, 2))
max_pool2d(zeros(1, 1, 4, 4), 2, (2, 2, 2))
max_pool2d(zeros(1, 1, 4, 4), 2, 2, (2, 2, 2))
max_pool2d(zeros(1, 1, 4, 4), 2, 2, 0, (2, 2, 2))
max_pool2d(zeros(1, 0, 4, 4), 2)
max_pool2d(zeros(1, 1, 0, 4), 2)
max_pool2d(zeros(0, 4, 4), 2)
max_pool2d(zeros(1, 1, 4, 4).bool(), 2)
max_pool2d(zeros(1, 1, 4, 4).to(torch.complex64), 2)
max_pool2d(3, 2)
max_pool2d(zeros(1, 1, 4, 4), 2.0)
max_pool1d(zeros(4), 2)
max_pool1d(zeros(1, 1, 4, 4), 2)
max_pool1d(zeros(1, 4), 5)
max_pool1d(zeros(1, 4), 0)
max_pool1d(zeros(1, 4), 2, 0)
max_pool1d(zeros(1, 4), 2, 2, 2)
max_pool1d(zeros(1, 4), 2, 2, -1)
max_pool1d(zeros(1, 4), 2, 2, 0, 0)
max_pool1d(zeros(1, 4), (2, 2))
max_pool1d(zeros(0, 4), 2)
max_pool1d(zeros(4, 0), 2)
max_pool1d(zeros(1, 4).long(), 2)
max_pool3d(zeros(1, 1, 4, 4), 2)
max_pool3d(zeros(1, 4, 4), 2)
max_pool3d(zeros(1, 1, 4, 4), 5)
max_pool3d(zeros(1, 1, 4, 4), 2, 0)
max_pool3d(zeros(1, 1, 4, 4), 2, 2, 2)
max_pool3d(zeros(1, 0, 4, 4, 4), 2)
avg_pool2d(zeros(28, 28), 2)
avg_pool2d(zeros(1, 1, 4, 4), 5)
avg_pool2d(zeros(1, 1, 4, 4), 0)
avg_pool2d(zeros(1, 1, 4, 4), 2, 0)
avg_pool2d(zeros(1, 1, 4, 4), 2, 2, 2)
avg_pool2d(zeros(1, 1, 4, 4), 2, 2, -1)
avg_pool2d(zeros(1, 1, 4, 4), 2, 2, divisor_override=0)
avg_pool2d(zeros(1, 1, 4, 4), (2, 2, 2))
avg_pool2d(zeros(1, 1, 4, 4).int(), 2)
avg_pool1d(zeros(4), 2)
avg_pool1d(zeros(1, 4), 5)
avg_pool1d(zeros(1, 4), 0)
avg_pool1d(zeros(1, 4), 2, 0)
avg_pool1d(zeros(1, 4), 2, 2, 2)
avg_pool1d(zeros(1, 4), (2, 2))
avg_pool1d(zeros(1, 4), 2, (2, 2))
avg_pool1d(zeros(1, 4), 2, 2, (0, 0))
avg_pool3d(zeros(1, 4, 4), 2)
avg_pool3d(zeros(1, 4, 4, 4), 5)
avg_pool3d(zeros(1, 4, 4, 4), 2, 2, 2)
avg_pool3d(zeros(1, 4, 4, 4), 0)
avg_pool3d(zeros(1, 4, 4, 4), 2, 2, 0, divisor_override=0)
adaptive_avg_pool2d(zeros(4, 4), 2)
adaptive_avg_pool2d(zeros(4, 4), (2, 2))
adaptive_avg_pool2d(zeros(1, 1, 4, 4), (2, 2, 2))
adaptive_avg_pool2d(zeros(1, 1, 4, 4), (-1, 2))
adaptive_avg_pool2d(zeros(1, 1, 0, 4), 8)
adaptive_avg_pool2d(zeros(1, 1, 4, 4).long(), 2)
adaptive_avg_pool1d(zeros(4), 2)
adaptive_avg_pool1d(zeros(1, 4), (2, 2))
adaptive_avg_pool1d(zeros(1, 4), -1)
adaptive_avg_pool3d(zeros(1, 4, 4), 2)
adaptive_avg_pool3d(zeros(1, 4, 4, 4), (2, 2))
adaptive_max_pool2d(zeros(4, 4), 2)
adaptive_max_pool2d(zeros(4, 4), (2, 2))
adaptive_max_pool2d(zeros(1, 1, 4, 4), (2, 2, 2))
adaptive_max_pool2d(zeros(1, 1, 4, 4), (-1, 2))
adaptive_max_pool2d(zeros(1, 1, 0, 4), 2)
adaptive_max_pool1d(zeros(4), 2)
adaptive_max_pool1d(zeros(1, 4), (2, 2))
adaptive_max_pool3d(zeros(1, 4, 4), 2)
lp_pool2d(zeros(4, 4), 2, 2)
lp_pool1d(zeros(4), 2, 2)
lp_pool1d(zeros(1, 4), 2, 5)
max_unpool2d(zeros(1, 1, 2, 2), zeros(1, 1, 2, 2), 2)
max_unpool2d(zeros(1, 1, 2, 2), zeros(1, 1, 2, 3).long(), 2)
max_unpool2d(zeros(2, 2), zeros(2, 2).long(), 2)
max_unpool2d(zeros(1, 1, 2, 2), zeros(1, 1, 2, 2).long() + 16, 2)
max_unpool2d(zeros(1, 1, 2, 2), zeros(1, 1, 2, 2).long(), 2, output_size=(7, 7))
max_unpool2d(zeros(1, 1, 2, 2), zeros(1, 1, 2, 2).long(), 2, output_size=(5, 5, 5))
max_unpool1d(zeros(1, 2), zeros(1, 2).long() + 9, 2)
max_unpool1d(zeros(2), zeros(2).long(), 2)
max_unpool3d(zeros(1, 2, 2, 2), zeros(1, 2, 2, 2).long() + 99, 2)
max_unpool3d(zeros(2, 2, 2), zeros(2, 2, 2).long(), 2)
fractional_max_pool2d(zeros(1, 1, 4, 4), 2)
fractional_max_pool2d(zeros(1, 1, 4, 4), 3, 3)
fractional_max_pool2d(zeros(1, 1, 4, 4), 2, output_ratio=(1.5, 0.5))
fractional_max_pool3d(zeros(1, 1, 4, 4, 4), 3, 3)
""".strip().splitlines()


@needs_torch
@pytest.mark.parametrize("line", ERRORS)
def test_errors(line):
    alike(lambda lib: eval("lib.nn.functional." + line.replace("zeros(", "torch.zeros("),
                           {"lib": lib, "torch": lib}))


# ---- what can be seen without the oracle ----------------------------------------------------


def test_a_tie_goes_to_the_first():
    x = learntorch.tensor([[[1., 3., 3., 0.], [3., 2., 3., 3.]]], requires_grad=True)
    learntorch.max_pool2d(x, 2).sum().backward()
    assert x.grad.tolist() == [[[0, 1, 1, 0], [0, 0, 0, 0]]]


def test_names_of_the_gradients():
    f = learntorch.nn.functional
    x = learntorch.zeros(1, 1, 4, 4, requires_grad=True)
    assert f.max_pool2d(x, 2).grad_fn.name() == "MaxPool2DWithIndicesBackward0"
    assert f.avg_pool2d(x, 2).grad_fn.name() == "AvgPool2DBackward0"
    assert f.adaptive_avg_pool2d(x, 2).grad_fn.name() == "AdaptiveAvgPool2DBackward0"
    assert f.adaptive_max_pool2d(x, 2).grad_fn.name() == "AdaptiveMaxPool2DBackward0"


def test_an_average_keeps_nothing():
    x = learntorch.zeros(1, 1, 4, 4, requires_grad=True)
    y = learntorch.nn.functional.avg_pool2d(x, 2)
    assert not any(isinstance(v, learntorch.Tensor) for v in y.grad_fn.saved)


def test_the_result_is_a_copy():
    x = learntorch.zeros(1, 1, 4, 4)
    learntorch.max_pool2d(x, 1).add_(1)
    learntorch.nn.functional.avg_pool2d(x, 1).add_(1)
    learntorch.nn.functional.adaptive_avg_pool2d(x, 4).add_(1)
    learntorch.nn.functional.adaptive_max_pool2d(x, 4).add_(1)
    assert x.sum() == 0
