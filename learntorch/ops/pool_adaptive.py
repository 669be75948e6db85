"""Pooling with windows that adapt to a size or lie at random, unpooling, means of powers."""

from math import prod

import numpy as np

from learntorch.core import failures
from learntorch.core.dtypes import of, said
from learntorch.core.op import composite, nary
from learntorch.ops.pool import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    check_line,
    check_tensor,
    several,
    single,
)
from learntorch.ops.random import rand


def bins(n, m):
    """The (start, stop) of `m` windows that cover `n` elements: ⌊i·n/m⌋ to ⌈(i + 1)·n/m⌉."""
    return [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def along(axis, start, stop):
    """The index of elements `start` to `stop` of an axis counted from the end."""
    return (Ellipsis, slice(start, stop), *(slice(None),) * (-1 - axis))


def resized(shape, axis, n):
    """`shape` with size `n` along an axis counted from the end."""
    return (*shape[:axis], n, *shape[len(shape) + axis + 1:])


# ---- averages -------------------------------------------------------------------------------


def adapt_avg_body(xp, x, size):
    """The mean of each of `size` windows that cover the last dimensions."""
    for axis, m in enumerate(size, -len(size)):
        y = xp.empty(resized(x.shape, axis, m), x.dtype)
        for i, (a, b) in enumerate(bins(x.shape[axis], m)):
            y[along(axis, i, i + 1)] = x[along(axis, a, b)].mean(axis=axis, keepdims=True)
        x = y
    return x


def adapt_avg_x(xp, g, x_shape, size):
    return xp.adapt_share(g, x_shape, size)


adapt_avg = nary(space="rules", name="adapt_avg", grad="AdaptiveAvgPool2D")(adapt_avg_body)
adapt_avg.vjp(x=adapt_avg_x)
adapt_avg_3d = nary(space="rules", name="adapt_avg_3d", grad="AdaptiveAvgPool3D")(adapt_avg_body)
adapt_avg_3d.vjp(x=adapt_avg_x)


@nary(space="rules", grad="AdaptiveAvgPoolBackward")
def adapt_share(xp, x, shape, size):
    """Each number shared out equally over its window, in an array of `shape`."""
    for axis, m in enumerate(size, -len(size)):
        y = xp.zeros(resized(x.shape, axis, shape[axis]), x.dtype)
        for i, (a, b) in enumerate(bins(shape[axis], m)):
            y[along(axis, a, b)] += x[along(axis, i, i + 1)] / (b - a)
        x = y
    return x
adapt_share.vjp(x=lambda xp, g, size: xp.adapt_avg(g, size))


@composite(space="torch nn.functional", method=False)
def adaptive_avg_pool1d(input, output_size):
    """Means over `output_size` windows that together cover the line: (n, c, l) → (n, c, size).

    Raises RuntimeError for other shapes and negative sizes, NotImplementedError for whole numbers.
    """
    check_line("adaptive_avg_pool1d", input)
    m = single("adaptive_avg_pool1d", "output_size", output_size, "should contain one int")
    return spread_mean("adaptive_avg_pool2d", adapt_avg, input.unsqueeze(-2), (1, m)).squeeze(-2)


@composite(space="nn.functional", method=False)
def adaptive_avg_pool2d(input, output_size):
    """Means over windows that together cover the image: (n, c, h, w) → (n, c, *output_size).

    Window i of m covers the rows ⌊i·h/m⌋ to ⌈(i + 1)·h/m⌉. None keeps a size.
    Raises RuntimeError for other shapes and negative sizes, NotImplementedError for whole numbers.
    """
    size = adapted("adaptive_avg_pool2d", input, output_size, 2)
    return spread_mean("adaptive_avg_pool2d", adapt_avg, input, size)


@composite(space="nn.functional", method=False)
def adaptive_avg_pool3d(input, output_size):
    """Means over windows that together cover the volume: (n, c, d, h, w) → (n, c, *output_size).

    Raises RuntimeError for other shapes and negative sizes, NotImplementedError for whole numbers.
    """
    size = adapted("adaptive_avg_pool3d", input, output_size, 3)
    return spread_mean("adaptive_avg_pool3d", adapt_avg_3d, input, size)


def spread_mean(name, op, input, size):
    """An adaptive mean, its arguments checked; over everything it is simply the mean."""
    if min(size) < 0:
        raise RuntimeError(f"{name}: elements of output_size must be greater than or equal to 0 "
                           f"but received {{{', '.join(map(str, size))}}}")
    check_filled(name, input, len(size))
    if of(input._data.dtype).is_floating_point is False:
        raise failures.not_implemented(name, input._data.dtype)
    if set(size) == {1}:
        return input.mean(tuple(range(-len(size), 0)), keepdim=True)
    return op(input, size)


# ---- maxima ---------------------------------------------------------------------------------


def adapt_max_body(xp, x, size):
    """The maximum of each of `size` windows that cover the last dimensions."""
    for axis, m in enumerate(size, -len(size)):
        y = xp.empty(resized(x.shape, axis, m), x.dtype)
        for i, (a, b) in enumerate(bins(x.shape[axis], m)):
            y[along(axis, i, i + 1)] = x[along(axis, a, b)].max(axis=axis, keepdims=True)
        x = y
    return x


def adapt_max_x(xp, g, x, size):
    return xp.places_put(g, xp.adapt_places(x, size), x.shape, len(size))


adapt_max = nary(space="rules", name="adapt_max", grad="AdaptiveMaxPool2D")(adapt_max_body)
adapt_max.vjp(x=adapt_max_x)
adapt_max_3d = nary(space="rules", name="adapt_max_3d", grad="AdaptiveMaxPool3D")(adapt_max_body)
adapt_max_3d.vjp(x=adapt_max_x)


@nary(space="rules", result="index")
def adapt_places(xp, x, size):
    """The place of each window's first maximum in the flattened last dimensions."""
    places = len(size)
    shape = x.shape[-places:]
    y = xp.empty((*x.shape[:-places], *size), np.int64)
    for i in xp.ndindex(*size):
        window = [bins(n, m)[j] for n, m, j in zip(shape, size, i, strict=True)]
        seen = x[(Ellipsis, *[slice(a, b) for a, b in window])]
        left = xp.argmax(seen.reshape(*x.shape[:-places], prod(seen.shape[-places:])), axis=-1)
        flat = 0
        for d, (a, b) in enumerate(window):
            below = prod(p - o for o, p in window[d + 1:])
            flat = flat * shape[d] + a + left // below % (b - a)
        y[(Ellipsis, *i)] = flat
    return y


def places_set_body(xp, x, index, shape, dims):
    """Zeros of `shape`, with the numbers of `x` at places `index` of its last `dims` as one."""
    y = xp.zeros(shape, x.dtype)
    y.reshape(-1)[spots(xp, index, shape, dims)] = x.reshape(-1)
    return y


def places_set_x(xp, g, index, dims):
    return xp.places_get(g, index, dims)


places_set = nary(tensors=("x", "index"), space="rules", name="places_set",
                  grad="MaxUnpool2D")(places_set_body)
places_set.vjp(x=places_set_x)
places_set_3d = nary(tensors=("x", "index"), space="rules", name="places_set_3d",
                     grad="MaxUnpool3D")(places_set_body)
places_set_3d.vjp(x=places_set_x)


@nary(tensors=("x", "index"), space="rules", grad="MaxPoolBackward")
def places_put(xp, x, index, shape, dims):
    """Zeros of `shape`, with the numbers of `x` added at places `index` of its last `dims`."""
    y = xp.zeros(shape, x.dtype)
    xp.add.at(y.reshape(-1), spots(xp, index, shape, dims), x.reshape(-1))
    return y
places_put.vjp(x=lambda xp, g, index, dims: xp.places_get(g, index, dims))


@nary(tensors=("x", "index"), space="rules",
      grad=lambda dims: f"FractionalMaxPool{dims}DBackward0")
def places_get(xp, x, index, dims):
    """The numbers at places `index` of the last `dims` dimensions of `x` as one."""
    return xp.take(x.reshape(-1), spots(xp, index, x.shape, dims)).reshape(index.shape)
places_get.vjp(x=lambda xp, g, x_shape, index, dims: xp.places_put(g, index, x_shape, dims))


def spots(xp, index, shape, dims):
    """Places in an image as places in the whole flattened array of `shape`."""
    rows = prod(shape[:-dims])
    start = xp.arange(rows).reshape(rows, 1) * prod(shape[-dims:])
    return (index.reshape(rows, prod(index.shape[-dims:])) + start).reshape(-1)


@composite(space="nn.functional", method=False)
def adaptive_max_pool1d(input, output_size, return_indices=False):
    """Maxima over `output_size` windows that together cover the line: (n, c, l) → (n, c, size).

    Raises RuntimeError for other shapes and negative sizes, NotImplementedError for whole numbers.
    """
    check_line("adaptive_max_pool1d", input)
    m = single("adaptive_max_pool1d", "output_size", output_size, "should contain one int")
    made = spread_max("adaptive_max_pool1d", adapt_max, input.unsqueeze(-2), (1, m), return_indices)
    return tuple(t.squeeze(-2) for t in made) if return_indices else made.squeeze(-2)


@composite(space="nn.functional", method=False)
def adaptive_max_pool2d(input, output_size, return_indices=False):
    """Maxima over windows that together cover the image: (n, c, h, w) → (n, c, *output_size).

    Window i of m covers the rows ⌊i·h/m⌋ to ⌈(i + 1)·h/m⌉. None keeps a size.
    Raises RuntimeError for other shapes and negative sizes, NotImplementedError for whole numbers.
    """
    size = adapted("adaptive_max_pool2d", input, output_size, 2, ": ")
    return spread_max("adaptive_max_pool2d", adapt_max, input, size, return_indices)


@composite(space="nn.functional", method=False)
def adaptive_max_pool3d(input, output_size, return_indices=False):
    """Maxima over windows that cover the volume: (n, c, d, h, w) → (n, c, *output_size).

    Raises RuntimeError for other shapes and negative sizes, NotImplementedError for whole numbers.
    """
    size = adapted("adaptive_max_pool3d", input, output_size, 3, ": ")
    return spread_max("adaptive_max_pool3d", adapt_max_3d, input, size, return_indices)


@composite(space="torch", method=False, name="torch.adaptive_max_pool1d")
def adaptive_max_pool1d_both(input, output_size):
    """(maxima, their places): in `torch` itself both are always returned.

    Shapes: (n, c, l) → (n, c, output_size), twice.
    """
    return adaptive_max_pool1d(input, output_size, True)


@composite(space="nn.functional", method=False)
def adaptive_max_pool1d_with_indices(input, output_size, return_indices=False):
    """(maxima, their places): see adaptive_max_pool1d.

    Shapes and errors: those of `adaptive_max_pool1d`.
    """
    return adaptive_max_pool1d(input, output_size, True)


@composite(space="nn.functional", method=False)
def adaptive_max_pool2d_with_indices(input, output_size, return_indices=False):
    """(maxima, their places): see adaptive_max_pool2d.

    Shapes and errors: those of `adaptive_max_pool2d`.
    """
    return adaptive_max_pool2d(input, output_size, True)


@composite(space="nn.functional", method=False)
def adaptive_max_pool3d_with_indices(input, output_size, return_indices=False):
    """(maxima, their places): see adaptive_max_pool3d.

    Shapes and errors: those of `adaptive_max_pool3d`.
    """
    return adaptive_max_pool3d(input, output_size, True)


def spread_max(name, op, input, size, return_indices):
    """An adaptive maximum, its arguments checked."""
    a = input._data
    if min(size) < 0:
        shape = [*a.shape[:-len(size)], *size]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(size)}: {shape}")
    check_filled(name, input, len(size))
    if not of(a.dtype).is_floating_point:
        raise failures.not_implemented(name, a.dtype)
    y = op(input, size)
    return (y, adapt_places(input, size)) if return_indices else y


def adapted(name, input, output_size, n, colon=""):
    """The sizes asked for, None replaced by the input's. Raises RuntimeError."""
    check_tensor(name, input)
    shape = input._data.shape
    size = (output_size,) * n if output_size is None or isinstance(output_size, int) else tuple(
        output_size)
    if not isinstance(output_size, int) and len(shape) <= len(size):
        raise ValueError(f"Input dimension should be at least {len(size) + 1}")
    if len(shape) not in (n + 1, n + 2):
        raise RuntimeError(f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got"
                           f"{colon or ' '}{list(shape)}")
    if len(size) != n:
        if colon:
            raise RuntimeError(f"{name}(): internal error: output_size.size() must be {n}")
        raise RuntimeError(f"{name}: output_size must be {n}")
    return tuple(shape[i - n] if m is None else m for i, m in enumerate(size))


def check_filled(name, input, n):
    """Raise RuntimeError where a spatial dimension has no elements."""
    shape = input._data.shape
    for i in range(len(shape) - n, len(shape)):
        if shape[i] == 0:
            raise RuntimeError(f"{name}(): Expected input to have non-zero size for non-batch "
                               f"dimensions, but input has sizes {list(shape)} with dimension {i} "
                               "being empty")


# ---- back to the places of the maxima -------------------------------------------------------


@composite(space="nn.functional", method=False, grad="SqueezeBackward1")
def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Zeros with each number at the place its maximum had: undoes max_pool1d. See max_unpool2d.

    Shapes: (n, c, l), indices the same → (n, c, (l − 1)·stride − 2·padding + kernel_size). Raises
    RuntimeError for other shapes, ValueError for an impossible output_size.
    """
    k, s, p = window(kernel_size, stride, padding, 1)
    size = unpooled(input, k, s, p, output_size)
    check_unpool("max_unpooling2d", input, indices, 2, (*size, 1))
    return places_set(input, indices, (*input._data.shape[:-1], *size), 1)


@composite(space="nn.functional", method=False)
def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Zeros with each number at the place its maximum had: undoes max_pool2d.

    `indices` are those that max_pool2d(…, return_indices=True) gave. The height is
    (h − 1)·stride − 2·padding + kernel_size, or that of `output_size`.
    Raises RuntimeError for other shapes, ValueError for an impossible output_size.
    """
    k, s, p = window(kernel_size, stride, padding, 2)
    size = unpooled(input, k, s, p, output_size)
    check_unpool("max_unpooling2d", input, indices, 3, size)
    return places_set(input, indices, (*input._data.shape[:-2], *size), 2)


@composite(space="nn.functional", method=False)
def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Zeros with each number at the place its maximum had: undoes max_pool3d. See max_unpool2d.

    Shapes: (n, c, d, h, w), indices the same → (n, c, d', h', w'). Raises RuntimeError for other
    shapes, ValueError for an impossible output_size.
    """
    k, s, p = window(kernel_size, stride, padding, 3)
    size = unpooled(input, k, s, p, output_size)
    check_unpool("max_unpooling3d", input, indices, 4, size)
    return places_set_3d(input, indices, (*input._data.shape[:-3], *size), 3)


def window(kernel_size, stride, padding, n):
    """Kernel, stride and padding with one int for each dimension."""
    k = several("max_unpool", "kernel_size", kernel_size, n)
    s = k if stride is None else several("max_unpool", "stride", stride, n)
    return k, s, several("max_unpool", "padding", padding, n)


def unpooled(input, kernel, stride, padding, output_size):
    """The spatial sizes before pooling. Raises ValueError for an impossible `output_size`."""
    n = len(kernel)
    default = [(m - 1) * s + k - 2 * p for m, k, s, p in
               zip(input._data.shape[-n:], kernel, stride, padding, strict=True)]
    if output_size is None:
        return default
    size = list(output_size)
    if len(size) == n + 2:
        size = size[2:]
    if len(size) != n:
        raise ValueError("output_size should be a sequence containing "
                         f"{n} or {n + 2} elements, but it has a length of '{len(size)}'")
    for d, (m, s) in enumerate(zip(default, stride, strict=True)):
        if not m - s < size[d] < m + s:
            raise ValueError(f'invalid output_size "{tuple(size)}" (dim {d} must be between '
                             f"{m - s} and {m + s})")
    return size


def check_unpool(name, input, indices, n, size):
    """Raise RuntimeError unless the indices fit the input and the result."""
    a, i = input._data, indices._data
    if i.dtype != np.int64:
        raise RuntimeError("elements in indices should be type int64 but got: "
                           f"{said(i.dtype)}. Take them from max_pool(…, return_indices=True).")
    if a.ndim not in (n, n + 1):
        lift = name == "max_unpooling2d" and n == 2
        raise RuntimeError(f"Input to {name} should be a {n + lift}d or {n + 1 + lift}d Tensor, but"
                           f" got a tensor with {a.ndim + lift} dimensions.")
    if a.shape != i.shape:
        raise RuntimeError("Expected shape of indices to be same as that of the input tensor ("
                           f"{list(a.shape)}) but got indices tensor with shape: {list(i.shape)}")
    wrong = i[(i < 0) | (i >= prod(size))]
    if wrong.size:
        raise RuntimeError(f"Found an invalid max index: {wrong[0]} (output volumes are of size "
                           f"{'x'.join(map(str, size))})")


# ---- means of powers ------------------------------------------------------------------------


@composite(space="nn.functional", method=False)
def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(Σ xᵖ over each window)^(1/p), p being `norm_type`: p = 1 is a sum, p = ∞ the maximum.

    Shapes: (n, c, l) → (n, c, (l − kernel_size) // stride + 1). Raises RuntimeError for others.
    """
    y = avg_pool1d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return rooted(y, norm_type, single("lp_pool1d", "kernel_size", kernel_size))


@composite(space="nn.functional", method=False)
def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(Σ xᵖ over each window)^(1/p): see lp_pool1d.

    Shapes: (n, c, h, w) → (n, c, h', w'). Raises RuntimeError for others.
    """
    y = avg_pool2d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return rooted(y, norm_type, prod(several("lp_pool2d", "kernel_size", kernel_size, 2)))


@composite(space="nn.functional", method=False)
def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """(Σ xᵖ over each window)^(1/p): see lp_pool1d.

    Shapes: (n, c, d, h, w) → (n, c, d', h', w'). Raises RuntimeError for others.
    """
    y = avg_pool3d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return rooted(y, norm_type, prod(several("lp_pool3d", "kernel_size", kernel_size, 3)))


def rooted(y, norm_type, count):
    """sign(y) · relu(|y|) · count, to the power 1 / norm_type."""
    return (y.sign() * y.abs() * count).pow(1.0 / norm_type)


# ---- windows at random places ---------------------------------------------------------------


@composite(space="nn.functional", method=False)
def fractional_max_pool2d(input, kernel_size, output_size=None, output_ratio=None,
                          return_indices=False, _random_samples=None):
    """Maxima of windows whose distances vary at random: (n, c, h, w) → (n, c, *output_size).

    Graham, Fractional Max-Pooling, arXiv:1412.6071. `output_ratio` gives the size as a fraction.
    Raises ValueError without a size, RuntimeError for other shapes and windows too large.
    """
    return fractional("fractional_max_pool2d", 2, input, kernel_size, output_size, output_ratio,
                      return_indices, _random_samples)


@composite(space="nn.functional", method=False)
def fractional_max_pool3d(input, kernel_size, output_size=None, output_ratio=None,
                          return_indices=False, _random_samples=None):
    """Maxima of windows whose distances vary at random: see fractional_max_pool2d.

    Shapes: (n, c, d, h, w) → (n, c, *output_size). Raises ValueError without a size, RuntimeError
    for other shapes and windows too large.
    """
    return fractional("fractional_max_pool3d", 3, input, kernel_size, output_size, output_ratio,
                      return_indices, _random_samples)


@composite(space="nn.functional", method=False)
def fractional_max_pool2d_with_indices(input, kernel_size, output_size=None, output_ratio=None,
                                       return_indices=False, _random_samples=None):
    """(maxima, their places): see fractional_max_pool2d.

    Shapes and errors: those of `fractional_max_pool2d`.
    """
    return fractional_max_pool2d(input, kernel_size, output_size, output_ratio, True,
                                 _random_samples)


@composite(space="nn.functional", method=False)
def fractional_max_pool3d_with_indices(input, kernel_size, output_size=None, output_ratio=None,
                                       return_indices=False, _random_samples=None):
    """(maxima, their places): see fractional_max_pool2d.

    Shapes and errors: those of `fractional_max_pool3d`.
    """
    return fractional_max_pool3d(input, kernel_size, output_size, output_ratio, True,
                                 _random_samples)


def fractional(name, dims, input, kernel_size, output_size, output_ratio, return_indices, samples):
    """A fractional maximum, its arguments checked."""
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    check_tensor(name, input)
    a = input._data
    lead = a.shape[:-dims]
    if len(lead) not in (1, 2) or 0 in a.shape[-dims - 1:]:
        raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor with non-zero "
                           f"sizes, but got: {list(a.shape)}")
    if output_size is None:
        ratio = several_numbers(output_ratio, dims)
        output_size = [int(n * r) for n, r in zip(a.shape[-dims:], ratio, strict=True)]
    size = several(name, "output_size", output_size, dims)
    kernel = several(name, "kernel_size", kernel_size, dims)
    for n, m, k, axis in zip(a.shape[-dims:], size, kernel, "THW"[-dims:], strict=True):
        if m + k - 1 > n:
            word = {"T": "time", "H": "height", "W": "width"}[axis]
            where = name + "_out" * (dims == 3)
            raise RuntimeError(f"{where}(): pool {word} {k} too large relative to input {word} {n}")
    if samples is None:
        samples = rand((lead[0] if len(lead) == 2 else 1, lead[-1], dims), dtype=input.dtype)
    index = window_places(input, samples, size, kernel)
    y = places_get(input, index, dims)
    return (y, index) if return_indices else y


def several_numbers(value, n):
    return (value,) * n if isinstance(value, float) else tuple(value)


@nary(tensors=("x", "samples"), space="rules", result="index")
def window_places(xp, x, samples, size, kernel):
    """The place of the maximum of each window, in the flattened last dimensions.

    Window i of m begins at ⌊(i + u)·α⌋ − ⌊u·α⌋ with α = (n − k)/(m − 1); the last one at n − k.
    """
    dims = len(size)
    shape = x.shape[-dims:]
    if x.ndim == dims + 1:
        samples = samples[:1]
    if dims == 2:                      # for images the first random number is that of the columns
        samples = samples[..., ::-1]
    flat = 0
    for d, (n, m, k) in enumerate(zip(shape, size, kernel, strict=True)):
        u = samples[..., d:d + 1]
        alpha = x.dtype.type((n - k) / max(m - 1, 1))
        start = ((xp.arange(m, dtype=x.dtype) + u) * alpha).astype(np.int64)
        start = start - (u * alpha).astype(np.int64)
        start[..., m - 1] = n - k
        place = start[..., None] + xp.arange(k)
        place = place.reshape(*start.shape[:2], *[m if i == d else 1 for i in range(dims)],
                              *[k if i == d else 1 for i in range(dims)])
        flat = flat * n + place
    many = (*flat.shape[:2 + dims], prod(kernel))
    flat = flat.reshape(many)
    seen = xp.take_along_axis(x.reshape(*flat.shape[:2], prod(shape)),
                              flat.reshape(*flat.shape[:2], prod(many[2:])), axis=-1)
    best = xp.argmax(seen.reshape(many), axis=-1)
    index = xp.take_along_axis(flat, best[..., None], axis=-1)
    return index.reshape(*x.shape[:-dims], *size)
