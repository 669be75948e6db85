"""Images in another size: interpolation along each dimension, and channels traded for pixels.

Every mode is linear in the image and works along one dimension after the other: an output is a sum
of a few inputs (`taps`) with weights that depend on the place alone.
"""

from functools import lru_cache

import numpy as np

from learntorch.core import failures
from learntorch.core.op import composite, nary
from learntorch.core.warned import warn
from learntorch.ops.pool_adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
)


def resample_body(xp, x, size, mode, align_corners, scales):
    """y[i] = Σ_t weight[t, i] · x[index[t, i]] along each of the last dimensions."""
    for axis, (m, scale) in enumerate(zip(size, scales, strict=True), -len(size)):
        index, weight = taps(x.shape[axis], m, mode, align_corners, scale, x.dtype.char)
        if weight is None:
            x = xp.take(x, xp.asarray(index[0]), axis=axis)
            continue
        weight = xp.asarray(weight).reshape(*weight.shape, *(1,) * (-1 - axis))
        y = xp.take(x, xp.asarray(index[0]), axis=axis) * weight[0]
        for t in range(1, len(weight)):
            y += xp.take(x, xp.asarray(index[t]), axis=axis) * weight[t]
        x = y
    return x


def resample_x(xp, g, x_shape, size, mode, align_corners, scales):
    return xp.resample_back(g, x_shape, size, mode, align_corners, scales)


@nary(space="rules", grad="UpsampleBackward")
def resample_back(xp, x, shape, size, mode, align_corners, scales):
    """Each number added to the inputs it was made from, with the same weights."""
    for axis, (m, scale) in enumerate(zip(size, scales, strict=True), -len(size)):
        times = copies(shape[axis], m, mode, scale)
        if times:                            # pixels repeated: their gradients are added up
            rest = (slice(None),) * (-1 - axis)
            x = sum(x[(..., slice(j, None, times), *rest)] for j in range(times))
            continue
        matrix = xp.asarray(spread(shape[axis], m, mode, align_corners, scale, x.dtype.char))
        if axis == -1:
            x = xp.matmul(x, matrix.T)
        elif axis == -2:
            x = xp.matmul(matrix, x)
        else:
            x = xp.moveaxis(xp.tensordot(x, matrix, axes=(axis, 1)), -1, axis)
    return x
resample_back.vjp(x=lambda xp, g, size, mode, align_corners, scales: xp.resample(
    g, size, mode, align_corners, scales))


def copies(n, m, mode, scale):
    """How often each of `n` pixels stands in the result of `m`, if each stands there as often."""
    if mode not in ("nearest", "exact") or not n or m % n:
        return 0
    index, _ = taps(n, m, mode, False, scale, "f")
    return m // n if (index[0] == np.arange(m) // (m // n)).all() else 0


def resampling(name, grad):
    """An op of its own for each mode, so that the graph shows PyTorch's name."""
    return nary(space="rules", name=name, grad=grad)(resample_body).vjp(x=resample_x)


resample = resampling("resample", "Upsample")
# mode, spatial dimensions → (op, the filter along one dimension)
MODES = {
    ("nearest", 1): (resampling("resample_nearest1d", "UpsampleNearest1D"), "nearest"),
    ("nearest", 2): (resampling("resample_nearest2d", "UpsampleNearest2D"), "nearest"),
    ("nearest", 3): (resampling("resample_nearest3d", "UpsampleNearest3D"), "nearest"),
    ("nearest-exact", 1): (resampling("resample_exact1d", "UpsampleNearestExact1D"), "exact"),
    ("nearest-exact", 2): (resampling("resample_exact2d", "UpsampleNearestExact2D"), "exact"),
    ("nearest-exact", 3): (resampling("resample_exact3d", "UpsampleNearestExact3D"), "exact"),
    ("linear", 1): (resampling("resample_linear1d", "UpsampleLinear1D"), "linear"),
    ("bilinear", 2): (resampling("resample_linear2d", "UpsampleBilinear2D"), "linear"),
    ("trilinear", 3): (resampling("resample_linear3d", "UpsampleTrilinear3D"), "linear"),
    ("bicubic", 2): (resampling("resample_cubic2d", "UpsampleBicubic2D"), "cubic"),
}
SMOOTH = {"bilinear": "triangle", "bicubic": "hump", "lanczos": "lanczos"}
SMOOTH_OPS = {
    "bilinear": resampling("resample_triangle2d", "UpsampleBilinear2DAa"),
    "bicubic": resampling("resample_hump2d", "UpsampleBicubic2DAa"),
    "lanczos": resampling("resample_lanczos2d", "UpsampleLanczos2DAa"),
}


# ---- where an output comes from -------------------------------------------------------------


@lru_cache(maxsize=256)
def taps(n, m, mode, align_corners, scale, char):
    """(index, weight), each (taps, m): from which of `n` inputs each of `m` outputs is made.

    `scale` is the factor the user gave, or None. Rounded as PyTorch does it, in the image's type.
    """
    f = np.float64 if char == "d" else np.float32
    if align_corners:
        step = f(n - 1) / f(m - 1) if m > 1 else f(0)
    else:
        step = f(1.0 / scale) if scale else f(n) / f(m)
    i = np.arange(m).astype(f)
    if mode == "nearest":
        return np.minimum(np.floor(i * step).astype(np.int64), n - 1)[None], None
    if mode == "exact":
        return np.minimum(np.floor((i + f(0.5)) * step).astype(np.int64), n - 1)[None], None
    if mode in FILTERS:
        return smooth(n, m, step, *FILTERS[mode], f)
    place = i * step if align_corners else (i + f(0.5)) * step - f(0.5)
    if mode == "linear":
        place = np.maximum(place, 0)
        low = np.minimum(np.floor(place).astype(np.int64), n - 1)
        part = np.clip(place - low.astype(f), 0, 1).astype(f)
        return np.stack([low, np.minimum(low + 1, n - 1)]), np.stack([1 - part, part])
    low = np.floor(place)
    part = (place - low).astype(f)
    index = np.clip(low.astype(np.int64) + np.arange(-1, 3)[:, None], 0, n - 1)
    return index, cubic(part, -0.75).astype(f)


def cubic(t, a):
    """The weights of four neighbours for a place `t` after the second: Keys (1981), with A = a."""
    near = [((a + 2) * x - (a + 3)) * x * x + 1 for x in (t, 1 - t)]
    far = [((a * x - 5 * a) * x + 8 * a) * x - 4 * a for x in (t + 1, 2 - t)]
    return np.stack([far[0], near[0], near[1], far[1]])


def triangle(x):
    return np.maximum(1 - np.abs(x), 0)


def hump(x, a=-0.5):
    x = np.abs(x)
    return np.where(x < 1, ((a + 2) * x - (a + 3)) * x * x + 1,
                    np.where(x < 2, ((x - 5) * x + 8) * x * a - 4 * a, 0))


def lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


FILTERS = {"triangle": (triangle, 2), "hump": (hump, 4), "lanczos": (lanczos, 6)}


def smooth(n, m, step, shape, width, f):
    """Taps of a filter that widens when the image shrinks, so that no input is skipped."""
    widening = max(step, f(1))
    support = f(width * 0.5) * widening
    centre = step * (np.arange(m).astype(f) + f(0.5))
    start = np.maximum((centre - support + f(0.5)).astype(np.int64), 0)
    stop = np.minimum((centre + support + f(0.5)).astype(np.int64), n)
    index = start + np.arange((stop - start).max())[:, None]
    weight = shape(((index - centre + f(0.5)) / widening).astype(f))
    weight = np.where(index < stop, weight, 0)
    return np.minimum(index, n - 1), (weight / weight.sum(0)).astype(f)


@lru_cache(maxsize=64)
def spread(n, m, mode, align_corners, scale, char):
    """The taps as a matrix: (n, m), entry (j, i) is what input j gives to output i."""
    index, weight = taps(n, m, mode, align_corners, scale, char)
    matrix = np.zeros((n, m), np.float64 if char == "d" else np.float32)
    np.add.at(matrix, (index, np.arange(m)[None]), 1 if weight is None else weight)
    return matrix.astype(char) if char in "DF" else matrix


# ---- interpolate ----------------------------------------------------------------------------


@composite(space="nn.functional", method=False)
def interpolate(input, size=None, scale_factor=None, mode="nearest", align_corners=None,
                recompute_scale_factor=None, antialias=False):
    """The input (n, c, …) in another spatial `size`, or `scale_factor` times its size.

    Modes: nearest, nearest-exact, area (any), linear (n, c, l), bilinear and bicubic (n, c, h, w),
    trilinear (n, c, d, h, w). With `align_corners` the corner pixels keep their values, otherwise
    the corners of the pixels stay in place. `antialias` widens the filter when shrinking.
    Raises ValueError without a size or with two, NotImplementedError for other dimensions.
    """
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError("align_corners option can only be set with the interpolating modes: "
                             "linear | bilinear | bicubic | trilinear")
    align_corners = bool(align_corners)
    shape = input.shape[2:]
    dims = len(shape)
    size, scales = wanted(shape, size, scale_factor, recompute_scale_factor,
                          mode == "area")
    if antialias and not (mode in SMOOTH and dims == 2):
        raise ValueError("Anti-alias option is restricted to bilinear, bicubic, and lanczos modes "
                         "and requires a 4-D tensor as input")
    if mode == "area" and 1 <= dims <= 3:
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[dims - 1](
            input, size)
    needs = {"linear": 3, "bilinear": 4, "trilinear": 5}.get(mode)
    if needs and 1 <= dims <= 3 and needs != dims + 2:
        raise NotImplementedError(f"Got {dims + 2}D input, but {mode} mode needs {needs}D input")
    op, how = (SMOOTH_OPS[mode], SMOOTH[mode]) if antialias else MODES.get((mode, dims), (None, ""))
    if op is None:
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.dim()}D) for the "
            "modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area | "
            f"nearest-exact (got {mode})")
    check_sizes(input, size)
    return resized(op, input, size, how, align_corners, scales)


def resized(op, input, size, how, align_corners, scales):
    """The op on an image of floats; bytes are interpolated as floats and rounded."""
    d = input._data.dtype
    if d == np.uint8 and how not in ("nearest", "exact"):
        y = op(input.float(), size, how, align_corners, scales)
        return y.round().clamp(0, 255).to(input.dtype)
    if d.kind in "iub" and d != np.uint8:
        raise failures.not_implemented(f"upsample_{how}{len(size)}d_channels_last", d)
    return op(input, size, how, align_corners, scales)


def wanted(shape, size, scale_factor, recompute, area=False):
    """(the spatial size asked for, the factor of each dimension or None). Raises ValueError."""
    dims = len(shape)
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None:
        if recompute is True:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        if isinstance(size, (list, tuple)):
            check_count(shape, "output size of", "output size in (o1, o2, ...,oK)", size,
                        "Input and output must")
            if not all(isinstance(n, (int, np.integer)) for n in size):
                raise TypeError("expected size to be one of int or Tuple[int] or Tuple[int, int] "
                                "or Tuple[int, int, int], but got size with types "
                                f"{[type(n) for n in size]}")
        elif not isinstance(size, (int, np.integer)):
            raise TypeError("expected size to be one of int or Tuple[int] or Tuple[int, int] or "
                            f"Tuple[int, int, int], but got size with type {type(size)}")
        size = size if isinstance(size, (list, tuple)) else (size,) * dims
        return tuple(int(n) for n in size), (None,) * dims
    if isinstance(scale_factor, (list, tuple)):
        check_count(shape, "scale_factor of shape", "scale_factor in (s1, s2, ...,sK)",
                    scale_factor, "Input and scale_factor must")
    else:
        scale_factor = (scale_factor,) * dims
    size = tuple(int(np.floor(float(n) * s)) for n, s in zip(shape, scale_factor, strict=True))
    if recompute or area:
        return size, (None,) * dims
    return size, tuple(float(s) for s in scale_factor)


def check_count(shape, what, form, values, who):
    """Raise ValueError unless there is a value for each spatial dimension."""
    if len(values) != len(shape):
        raise ValueError(
            f"{who} have the same number of spatial dimensions, but got input with spatial "
            f"dimensions of {list(shape)} and {what} {values}. Please provide input tensor in "
            f"(N, C, d1, d2, ...,dK) format and {form} format.")


def check_sizes(input, size):
    """Raise RuntimeError for an image, or a result, without pixels."""
    shape = input.shape
    if 0 in shape[2:] or min(size) <= 0:
        axes = "DHW"[-len(size):]
        sides = [", ".join(f"{a}: {n}" for a, n in zip(axes, v, strict=True))
                 for v in (shape[2:], size)]
        raise RuntimeError("Input and output sizes should be greater than 0, but got input "
                           f"({sides[0]}) output ({sides[1]})")
    if shape[1] == 0:
        raise RuntimeError(f"Non-empty {len(shape)}D data tensor expected but got a tensor with "
                           f"sizes {list(shape)}")


@composite(space="nn.functional", method=False)
def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None):
    """The old name of `interpolate`.

    Shapes and errors: those of `interpolate`.
    """
    discouraged("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


@composite(space="nn.functional", method=False)
def upsample_nearest(input, size=None, scale_factor=None):
    """The old name of `interpolate` with mode "nearest".

    Shapes and errors: those of `interpolate`.
    """
    discouraged("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


@composite(space="nn.functional", method=False)
def upsample_bilinear(input, size=None, scale_factor=None):
    """The old name of `interpolate` with mode "bilinear" and aligned corners.

    Shapes and errors: those of `interpolate`.
    """
    discouraged("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def discouraged(name):
    warn(f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` "
         "instead.")


# ---- channels and pixels --------------------------------------------------------------------


@nary(space="torch nn.functional", method=False)
def pixel_shuffle(x, upscale_factor):
    """Channels become pixels: (…, c·r², h, w) → (…, c, h·r, w·r), r being `upscale_factor`.

    Shi et al., arXiv:1609.05158.
    Raises RuntimeError for fewer than three dimensions, and channels that r² does not divide.
    """
    r = upscale_factor
    if x.ndim < 3:
        raise RuntimeError("pixel_shuffle expects input to have at least 3 dimensions, but got "
                           f"input with {x.ndim} dimension(s)")
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, c, h, w = x.shape
    if c % (r * r):
        raise RuntimeError("pixel_shuffle expects its input's 'channel' dimension to be divisible "
                           f"by the square of upscale_factor, but input.size(-3)={c} is not "
                           f"divisible by {r * r}")
    n = len(lead)
    y = x.reshape(*lead, c // (r * r), r, r, h, w)
    y = y.transpose(*range(n + 1), n + 3, n + 1, n + 4, n + 2)
    return y.reshape(*lead, c // (r * r), h * r, w * r, copy=True)
pixel_shuffle.vjp(x=lambda xp, g, upscale_factor: xp.pixel_unshuffle(g, upscale_factor))


@nary(space="torch nn.functional", method=False)
def pixel_unshuffle(x, downscale_factor):
    """Pixels become channels: (…, c, h·r, w·r) → (…, c·r², h, w), r being `downscale_factor`.

    Raises RuntimeError for fewer than three dimensions, and sizes that r does not divide.
    """
    r = downscale_factor
    if x.ndim < 3:
        raise RuntimeError("pixel_unshuffle expects input to have at least 3 dimensions, but got "
                           f"input with {x.ndim} dimension(s)")
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, c, h, w = x.shape
    for side, axis, n in (("height", -2, h), ("width", -1, w)):
        if n % r:
            raise RuntimeError(f"pixel_unshuffle expects {side} to be divisible by "
                               f"downscale_factor, but input.size({axis})={n} is not divisible by "
                               f"{r}")
    n = len(lead)
    y = x.reshape(*lead, c, h // r, r, w // r, r)
    y = y.transpose(*range(n + 1), n + 2, n + 4, n + 1, n + 3)
    return y.reshape(*lead, c * r * r, h // r, w // r, copy=True)
pixel_unshuffle.vjp(x=lambda xp, g, downscale_factor: xp.pixel_shuffle(g, downscale_factor))


@nary(space="torch nn.functional", method=False, aliases=("native_channel_shuffle",))
def channel_shuffle(x, groups):
    """Channels in another order: the first of each group, then the second of each, and so on.

    Shapes: (n, c, …), which stays. Raises RuntimeError for fewer than three dimensions, and
    channels that `groups` does not divide.
    """
    if x.ndim <= 2:
        raise RuntimeError("channel_shuffle expects input with > 2 dims, but got input with sizes "
                           f"{list(x.shape)}")
    if groups <= 0:
        raise RuntimeError("Number of groups to divide channels in must be positive. Value of "
                           f"groups:{groups}")
    n, c, *rest = x.shape
    if c % groups:
        raise RuntimeError("Number of channels must be divisible by groups. Got "
                           f"{c} channels and {groups} groups.")
    y = x.reshape(n, groups, c // groups, *rest).swapaxes(1, 2)
    return y.reshape(x.shape, copy=True)
channel_shuffle.vjp(x=lambda xp, g, groups: xp.channel_shuffle(g, g.shape[1] // groups))
