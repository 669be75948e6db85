"""Images looked up at arbitrary places: grid_sample and affine_grid."""

import math
import warnings
from itertools import product

import numpy as np

from learntorch.core.dtypes import HALF, said
from learntorch.core.op import composite
from learntorch.core.tensor import Tensor
from learntorch.core.warned import warn
from learntorch.ops.compare import where
from learntorch.ops.create import linspace, ones, zeros_like
from learntorch.ops.pad import pad
from learntorch.ops.pool_adaptive import places_get
from learntorch.ops.shape import stack

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")
CHANGED = ("Default grid_sample and affine_grid behavior has changed to align_corners=False since "
           "1.3.0. Please specify align_corners=True if the old behavior is desired. See the "
           "documentation of grid_sample for details.")


@composite(space="nn.functional", method=False,
           grad=lambda input: f"GridSampler{input.ndim - 2}DBackward0")
def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """The image (n, c, h, w) at the places `grid` (n, h', w', 2) → (n, c, h', w').

    The last dimension of the grid is (x, y), from −1 (left, top) to 1 (right, bottom); volumes
    have (x, y, z). Outside the image stand zeros, its border, or its mirror image.
    Raises RuntimeError for other shapes or two dtypes, ValueError for an unknown mode.
    """
    if mode not in MODES:
        raise ValueError("nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' "
                         f"or 'bicubic', but got: '{mode}'")
    if padding_mode not in PADDINGS:
        raise ValueError("nn.functional.grid_sample(): expected padding_mode to be 'zeros', "
                         f"'border', or 'reflection', but got: '{padding_mode}'")
    if align_corners is None:
        warn(CHANGED)
    check(input, grid, mode)
    if input._data.dtype in HALF:          # only the result is rounded, not each term
        return grid_sample(input.float(), grid.float(), mode, padding_mode,
                           bool(align_corners)).to(input.dtype)
    size = input.shape[2:]
    places = [unnormalize(c, n, align_corners) for c, n in
              zip(reversed(grid.unbind(-1)), size, strict=True)]
    framed = in_a_frame(input)
    if mode == "bicubic":
        return bicubic(framed, places, size, padding_mode, align_corners)
    places = [padded(c, n, padding_mode, align_corners) for c, n in zip(places, size, strict=True)]
    if mode == "nearest":
        whole = [c.detach().round() for c in places]
        return taken(framed, in_frame(whole, framed.shape[2:])) * ones_for(grid)
    low = [c.detach().floor() for c in places]
    part = [c - f for c, f in zip(places, low, strict=True)]
    shares = [(1 - p, p) for p in part]
    first = in_frame(low, framed.shape[2:])
    terms = []
    for corner in product((0, 1), repeat=len(size)):
        weight = math.prod([share[i] for i, share in zip(corner, shares, strict=True)])
        pixel = taken(framed, first + along(corner, framed.shape[2:]))
        terms.append(pixel * weight.unsqueeze(1))
    return sum(terms[1:], terms[0])


def in_a_frame(input):
    """The image with a border of two zeros: what is looked up outside is found there."""
    return pad(input, (2, 2) * (input.dim() - 2))


def in_frame(places, size):
    """Whole places (a tensor for each dimension) as one place in a framed image of `size`.

    What lies outside goes to the outermost border, so that its neighbours are zeros as well.
    """
    return along([c.fmax(c.new_tensor(-2.0)).fmin(c.new_tensor(n - 4.0)).long() + 2
                  for c, n in zip(places, size, strict=True)], size)


def along(places, size):
    """Places along each dimension as one place in the flattened image of `size`."""
    flat = 0
    for c, n in zip(places, size, strict=True):
        flat = flat * n + c
    return flat


def taken(framed, flat):
    """The pixels of an image at places of its flattened form."""
    index = flat.unsqueeze(1).expand(-1, framed.shape[1], *(-1,) * (flat.dim() - 1))
    return places_get(framed, index, framed.dim() - 2)


def unnormalize(c, n, align_corners):
    """A coordinate from −1 … 1 as a place among n pixels."""
    return (c + 1) / 2 * (n - 1) if align_corners else ((c + 1) * n - 1) / 2


def padded(c, n, padding_mode, align_corners):
    """A place outside the image as the place inside that stands for it."""
    if padding_mode == "zeros":
        return c
    if padding_mode == "reflection":
        c = reflected(c, 0, n - 1) if align_corners else reflected(c, -0.5, n - 0.5)
    inside = (c > 0) & (c < n - 1)
    return where(inside, c, c.detach().clamp(0, n - 1).nan_to_num(0.0))


def reflected(c, low, high):
    """A place mirrored at `low` and `high` until it lies between them."""
    span = high - low
    if span == 0:
        return zeros_like(c)
    c = (c - low).abs()
    rest = c.fmod(span)
    flips = (c.detach() / span).floor()
    return where(flips.remainder(2) == 0, rest + low, span - rest + low)


def ones_for(grid):
    """1, but with the history of `grid`: nearest pixels have a gradient of zero there."""
    return 1 if not grid.requires_grad else (grid.sum() * 0).nan_to_num(0.0) + 1


def bicubic(framed, places, size, padding_mode, align_corners):
    """Sixteen pixels around each place, weighted by Keys' cubic (A = −0.75)."""
    low = [c.detach().floor() for c in places]
    weights = [cubic_weights(c - f) for c, f in zip(places, low, strict=True)]
    y = 0
    for taps in product(range(4), repeat=2):
        spot = [padded(f + (i - 1), n, padding_mode, align_corners)
                for i, f, n in zip(taps, low, size, strict=True)]
        if padding_mode != "zeros":
            spot = [c.floor() for c in spot]
        weight = weights[0][taps[0]] * weights[1][taps[1]]
        y = y + taken(framed, in_frame(spot, framed.shape[2:])) * weight.unsqueeze(1)
    return y


def cubic_weights(t, a=-0.75):
    """The weights of four neighbours for a place `t` after the second."""
    near = [((a + 2) * x - (a + 3)) * x * x + 1 for x in (t, 1 - t)]
    far = [((a * x - 5 * a) * x + 8 * a) * x - 4 * a for x in (t + 1, 2 - t)]
    return far[0], near[0], near[1], far[1]


def check(input, grid, mode):
    """Raise RuntimeError unless the grid fits the image."""
    for place, t in enumerate((input, grid)):
        if not isinstance(t, Tensor):
            raise TypeError(f"grid_sample(): argument '{('input', 'grid')[place]}' (position "
                            f"{place + 1}) must be Tensor, not {type(t).__name__}")
    a, b = list(input.shape), list(grid.shape)
    if a[0] != b[0]:
        raise RuntimeError("grid_sampler(): expected grid and input to have same batch size, but "
                           f"got input with sizes {a} and grid with sizes {b}")
    if b[-1] != len(a) - 2:
        raise RuntimeError(f"grid_sampler(): expected grid to have size {len(a) - 2} in last "
                           f"dimension, but got grid with sizes {b}")
    for i, n in enumerate(a[2:], 2):
        if n == 0:
            raise RuntimeError("grid_sampler(): expected input to have non-empty spatial "
                               f"dimensions, but input has sizes {a} with dimension {i} being "
                               "empty")
    if len(a) not in (4, 5) or len(a) != len(b):
        raise RuntimeError("grid_sampler(): expected 4D or 5D input and grid with same number of "
                           f"dimensions, but got input with sizes {a} and grid with sizes {b}")
    if mode == "bicubic" and len(a) == 5:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input.dtype != grid.dtype:
        raise RuntimeError(f"expected scalar type {said(input.dtype)} but found "
                           f"{said(grid.dtype)}")


@composite(space="torch", method=False)
def grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners):
    """`grid_sample` with its modes as numbers.

    Shapes and errors: those of `grid_sample`.
    """
    return grid_sample(input, grid, MODES[interpolation_mode], PADDINGS[padding_mode],
                       bool(align_corners))


@composite(space="torch", method=False, grad="GridSampler2D")
def grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners):
    """`grid_sample` of images, with its modes as numbers.

    Shapes and errors: those of `grid_sample`.
    """
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


@composite(space="torch", method=False, grad="GridSampler3D")
def grid_sampler_3d(input, grid, interpolation_mode, padding_mode, align_corners):
    """`grid_sample` of volumes, with its modes as numbers.

    Shapes and errors: those of `grid_sample`.
    """
    return grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)


@composite(space="nn.functional", method=False, grad="AffineGridGenerator")
def affine_grid(theta, size, align_corners=None):
    """The places [x, y, 1] · thetaᵀ of every pixel of an image of `size` (n, c, h, w).

    theta (n, 2, 3) → (n, h, w, 2), or (n, 3, 4) → (n, d, h, w, 3) for volumes.
    Raises ValueError for other shapes, NotImplementedError for other sizes.
    """
    if align_corners is None:
        warn(CHANGED)
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError("affine_grid only supports 4D and 5D sizes, for 2D and 3D affine "
                                  f"transforms, respectively. Got size {size}.")
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (dims, dims + 1):
        raise ValueError(f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x"
                         f"{dims + 1} for size {size}. Got {theta.shape}.")
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    sides = list(size[2:])
    if align_corners and min(sides) == 1:
        warn("Since version 1.3.0, affine_grid behavior has changed for unit-size grids "
             "when align_corners=True. This is not an intended use case of affine_grid. "
             "See the documentation of affine_grid for details.")
    lines = []
    for axis in reversed(range(dims)):
        line = linspace(-1, 1, sides[axis], dtype=theta.dtype) if sides[axis] > 1 else zeros_like(
            ones(1, dtype=theta.dtype))
        if not align_corners:
            line = line * (sides[axis] - 1) / sides[axis]
        lines.append(line.reshape([-1 if i == axis else 1 for i in range(dims)]).expand(sides))
    lines.append(ones(sides, dtype=theta.dtype))
    base = stack(lines, -1).reshape(1, int(np.prod(sides)), dims + 1)
    return (base @ theta.transpose(1, 2)).reshape(size[0], *sides, dims)


@composite(space="torch", method=False)
def affine_grid_generator(theta, size, align_corners):
    """`affine_grid` under its name in `torch`, where nothing is warned about.

    Shapes: those of `affine_grid`. Raises RuntimeError for others.
    """
    if len(size) not in (4, 5):
        raise RuntimeError("AffineGridGenerator needs 4d (spatial) or 5d (volumetric) inputs.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return affine_grid(theta, size, bool(align_corners))
