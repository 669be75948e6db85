"""Interpolation, pixel shuffles, grid_sample and affine_grid against PyTorch."""

from itertools import product

import numpy as np
import pytest

import learntorch
from tests.ops.test_conv import numbers, twice
from tests.oracle import alike, needs_torch

MODES = [("nearest", 1), ("nearest", 2), ("nearest", 3), ("nearest-exact", 2), ("linear", 1),
         ("bilinear", 2), ("bicubic", 2), ("trilinear", 3), ("area", 2)]
HOW = [{"size": 7}, {"size": 3}, {"size": (2, 9, 4)}, {"scale_factor": 2},
       {"scale_factor": (0.6, 1.3, 2.0)}, {"scale_factor": 1.7, "recompute_scale_factor": True}]


@needs_torch
@pytest.mark.parametrize("align", (None, False, True))
@pytest.mark.parametrize("mode,dims,how", [(*m, h) for m, h in product(MODES, HOW)])
def test_interpolate(mode, dims, how, align):
    if mode in ("nearest", "nearest-exact", "area") and align is not None:
        return
    how = {k: v[:dims] if isinstance(v, tuple) else v for k, v in how.items()}
    x = numbers(0, 2, 3, *(5, 6, 4)[:dims])
    alike(lambda torch: twice(torch, lambda x: torch.nn.functional.interpolate(
        x, mode=mode, align_corners=align, **how), x), rtol=1e-6, atol=1e-7)


@needs_torch
@pytest.mark.parametrize("mode,align,size", list(product(
    ("bilinear", "bicubic"), (False, True), ((3, 9), (17, 2)))))
def test_antialias(mode, align, size):
    x = numbers(0, 2, 3, 11, 8)
    alike(lambda torch: twice(torch, lambda x: torch.nn.functional.interpolate(
        x, size, mode=mode, align_corners=align, antialias=True), x), rtol=1e-6, atol=1e-7)


@needs_torch
@pytest.mark.parametrize("n,m", [(5, 13), (7, 3), (13, 5), (32, 20), (100, 333), (3, 3), (1, 4)])
def test_nearest_rounds_alike(n, m):
    x = np.arange(n, dtype=np.float32).reshape(1, 1, n)
    for mode in ("nearest", "nearest-exact"):
        alike(lambda torch, mode=mode: torch.nn.functional.interpolate(
            torch.from_numpy(x), m, mode=mode))
        alike(lambda torch, mode=mode: torch.nn.functional.interpolate(
            torch.from_numpy(x), scale_factor=m / n, mode=mode))


@needs_torch
def test_bytes_stay_bytes():
    x = np.random.default_rng(0).integers(0, 256, (1, 3, 6, 5), dtype=np.uint8)
    alike(lambda torch: [torch.nn.functional.interpolate(torch.from_numpy(x), 9),
                         torch.nn.functional.interpolate(torch.from_numpy(x), (12, 10))])


@needs_torch
@pytest.mark.parametrize("r", (1, 2, 3))
def test_pixels(r):
    alike(lambda torch: twice(torch, lambda x: torch.pixel_shuffle(x, r), numbers(0, 2, 36, 2, 3)))
    alike(lambda torch: twice(torch, lambda x: torch.pixel_unshuffle(x, r), numbers(0, 4, 6, 12)))
    alike(lambda torch: twice(torch, lambda x: torch.channel_shuffle(x, r), numbers(0, 2, 6, 3, 2)))


@needs_torch
@pytest.mark.parametrize("dims,mode,padding,align", [
    case for case in product((2, 3), ("bilinear", "nearest", "bicubic"),
                             ("zeros", "border", "reflection"), (False, True))
    if case[:2] != (3, "bicubic")])
def test_grid_sample(dims, mode, padding, align):
    x = numbers(0, 2, 3, *(5, 6, 4)[:dims])
    grid = numbers(1, 2, *(3, 4, 2)[:dims], dims)

    def case(torch):
        a, b = (torch.from_numpy(v).clone().requires_grad_() for v in (x, grid))
        y = torch.nn.functional.grid_sample(a, b, mode, padding, align)
        (y * torch.from_numpy(numbers(2, *y.shape))).sum().backward()
        return y.detach(), a.grad, b.grad
    alike(case)


@needs_torch
@pytest.mark.parametrize("size,align", list(product(
    ((2, 3, 4, 5), (2, 1, 1, 6), (2, 3, 2, 4, 3)), (False, True))))
def test_affine_grid(size, align):
    dims = len(size) - 2
    alike(lambda torch: twice(torch, lambda t: torch.nn.functional.affine_grid(
        t, size, align_corners=align), numbers(0, 2, dims, dims + 1)))


ERRORS = """
interpolate(zeros(1, 1, 4, 4))
interpolate(zeros(1, 1, 4, 4), size=3, scale_factor=2)
interpolate(zeros(1, 1, 4, 4), size=(3, 3, 3))
interpolate(zeros(1, 1, 4, 4), size=(3.0, 3))
interpolate(zeros(1, 1, 4, 4), scale_factor=(3, 3, 3))
interpolate(zeros(1, 1, 4, 4), scale_factor=0.1)
interpolate(zeros(1, 1, 4, 4), size=0)
interpolate(zeros(1, 1, 0, 4), size=2)
interpolate(zeros(1, 0, 4, 4), size=2)
interpolate(zeros(4, 4), size=2)
interpolate(zeros(1, 4, 4), size=2, mode="bilinear")
interpolate(zeros(1, 4, 4), size=2, mode="bicubic")
interpolate(zeros(1, 1, 4, 4), size=2, mode="linear")
interpolate(zeros(1, 1, 4, 4), size=2, mode="trilinear")
interpolate(zeros(1, 1, 4, 4, 4), size=2, mode="bilinear")
interpolate(zeros(1, 1, 4, 4), size=2, mode="foo")
interpolate(zeros(1, 1, 4, 4), size=2, mode="nearest", align_corners=True)
interpolate(zeros(1, 1, 4, 4), size=2, mode="nearest", antialias=True)
interpolate(zeros(1, 1, 4, 4), size=2, recompute_scale_factor=True)
grid_sample(zeros(1, 1, 4, 4), zeros(1, 2, 2, 3), align_corners=True)
grid_sample(zeros(1, 1, 4, 4), zeros(2, 2, 2, 2), align_corners=True)
grid_sample(zeros(1, 1, 4), zeros(1, 2, 2), align_corners=True)
grid_sample(zeros(1, 1, 4, 4), zeros(1, 2, 2, 2), mode="foo")
grid_sample(zeros(1, 1, 4, 4), zeros(1, 2, 2, 2), padding_mode="foo")
grid_sample(zeros(1, 1, 4, 4), zeros(1, 2, 2, 2).double(), align_corners=True)
grid_sample(zeros(1, 1, 0, 4), zeros(1, 2, 2, 2), align_corners=True)
grid_sample(zeros(1, 1, 4, 4, 4), zeros(1, 2, 2, 2, 3), mode="bicubic", align_corners=True)
affine_grid(zeros(1, 3, 3), (1, 1, 2, 2), align_corners=False)
affine_grid(zeros(1, 2, 3), (1, 1, 2), align_corners=False)
affine_grid(zeros(1, 2, 3).long(), (1, 1, 2, 2), align_corners=False)
affine_grid(zeros(1, 2, 3), (1, 1, 0, 2), align_corners=False)
channel_shuffle(zeros(1, 4, 2, 2), 3)
channel_shuffle(zeros(1, 4, 2, 2), 0)
channel_shuffle(zeros(4, 2), 2)
pixel_shuffle(zeros(1, 5, 2, 2), 2)
pixel_shuffle(zeros(5, 2), 2)
pixel_shuffle(zeros(1, 4, 2, 2), 0)
pixel_unshuffle(zeros(1, 4, 3, 2), 2)
pixel_unshuffle(zeros(1, 4, 2, 3), 2)
pixel_unshuffle(zeros(3, 2), 2)
pixel_unshuffle(zeros(1, 3, 2), 0)
""".strip().splitlines()


@needs_torch
@pytest.mark.parametrize("line", ERRORS)
def test_errors(line):
    alike(lambda lib: eval("lib.nn.functional." + line.replace("zeros(", "lib.zeros("),
                           {"lib": lib}))


@needs_torch
def test_warnings():
    with pytest.warns(UserWarning, match="is deprecated"):
        learntorch.nn.functional.upsample(learntorch.zeros(1, 1, 2, 2), 3)
    with pytest.warns(UserWarning, match="align_corners=False since"):
        learntorch.nn.functional.grid_sample(learntorch.zeros(1, 1, 2, 2),
                                             learntorch.zeros(1, 1, 1, 2))


def test_names_of_the_gradients():
    f = learntorch.nn.functional
    x = learntorch.zeros(1, 4, 2, 2, requires_grad=True)
    assert f.interpolate(x, 4).grad_fn.name() == "UpsampleNearest2DBackward0"
    assert f.interpolate(x, 4, mode="bilinear").grad_fn.name() == "UpsampleBilinear2DBackward0"
    assert f.pixel_shuffle(x, 2).grad_fn.name() == "PixelShuffleBackward0"


@pytest.mark.parametrize("name,number", [("pixel_shuffle", 1), ("pixel_unshuffle", 1),
                                         ("channel_shuffle", 1), ("channel_shuffle", 4),
                                         ("interpolate", 2)])
def test_the_result_has_memory_of_its_own(name, number):
    x = learntorch.zeros(1, 4, 2, 2)
    getattr(learntorch.nn.functional, name)(x, number).fill_(1)
    assert x.sum().item() == 0


@needs_torch
@pytest.mark.parametrize("size,align", [((2, 3, 4, 5), True), ((2, 3, 2, 4, 5), False)])
def test_affine_grid_generator(size, align):
    dims = len(size) - 2
    alike(lambda torch: twice(torch, lambda t: torch.affine_grid_generator(t, size, align),
                              numbers(0, 2, dims, dims + 1)))
