"""Pooling: one number for each window of the last one, two or three dimensions.

Windows are never copied. A maximum or a sum over a window is taken along one dimension after the
other, each as a few whole-array operations on shifted slices.
"""

from math import prod

import numpy as np

from learntorch.core.op import nary
from learntorch.ops.windows import counted


def shifted(start, step, n):
    """The slice of `n` elements from `start`, `step` apart."""
    return slice(start, start + (n - 1) * step + 1, step)


def met(tap, size, stride, dilation):
    """The index of the elements that all windows have at place `tap`."""
    return (Ellipsis, *[shifted(i * d, s, n) for i, d, s, n in
                        zip(tap, dilation, stride, size, strict=True)])


def around(xp, x, size, kernel, stride, padding, dilation, fill):
    """`x` with as much of `fill` around it as the windows need, or `x` itself."""
    places = len(size)
    needed = [(m - 1) * s + d * (k - 1) + 1 for m, s, k, d in
              zip(size, stride, kernel, dilation, strict=True)]
    shape = x.shape[-places:]
    if not any(padding) and all(n <= m for n, m in zip(needed, shape, strict=True)):
        return x
    made = xp.full((*x.shape[:-places], *[max(n, m + p) for n, m, p in
                                          zip(needed, shape, padding, strict=True)]), fill, x.dtype)
    made[(Ellipsis, *[slice(p, p + m) for p, m in zip(padding, shape, strict=True)])] = x
    return made


def inner(shape, padding):
    """The index of what `around` surrounded."""
    return (Ellipsis, *[slice(p, p + m) for p, m in
                        zip(padding, shape[-len(padding):], strict=True)])


def lowest(dtype):
    """The number below all others."""
    return -np.inf if dtype.kind in "fV" else np.iinfo(dtype).min


def bounded(shape, padding, needed):
    """The spatial sizes of an array that holds `shape` and its padding and all windows."""
    return [max(n, m + p) for n, m, p in zip(needed, shape[-len(needed):], padding, strict=True)]


# ---- maximum --------------------------------------------------------------------------------


def pool_max_body(xp, x, kernel, stride, padding, dilation, size):
    """y[p] = max over k of x[p·stride + k·dilation − padding]."""
    y = around(xp, x, size, kernel, stride, padding, dilation, lowest(x.dtype))
    for i, (k, s, d, n) in enumerate(zip(kernel, stride, dilation, size, strict=True), -len(size)):
        rest = (slice(None),) * (-1 - i)
        parts = [y[(Ellipsis, shifted(j * d, s, n), *rest)] for j in range(k)]
        y = parts[0].copy() if k == 1 else xp.maximum(parts[0], parts[1])
        for part in parts[2:]:
            y = xp.maximum(y, part, out=y)
    return y


def pool_max_x(xp, g, x, out, kernel, stride, padding, dilation, size):
    which = xp.pool_first(x, out, kernel, stride, padding, dilation, size)
    return xp.pool_spread(g, which, x.shape, kernel, stride, padding, dilation, size)


pool_max = nary(space="rules", name="pool_max", grad="MaxPool2DWithIndices")(pool_max_body)
pool_max.vjp(x=pool_max_x)
pool_max_3d = nary(space="rules", name="pool_max_3d", grad="MaxPool3DWithIndices")(pool_max_body)
pool_max_3d.vjp(x=pool_max_x)


@nary(tensors=("x", "y"), space="rules", result="index")
def pool_first(xp, x, y, kernel, stride, padding, dilation, size):
    """How many places of each window come before the first whose number is the maximum `y`."""
    x = around(xp, x, size, kernel, stride, padding, dilation, lowest(x.dtype))
    which = xp.zeros(y.shape, np.uint8 if prod(kernel) < 256 else np.int64)
    before = xp.ones(y.shape, bool)
    for tap in xp.ndindex(*kernel):
        before &= x[met(tap, size, stride, dilation)] != y
        which += before
    return which


@nary(tensors=("x", "which"), space="rules", grad="MaxPoolBackward")
def pool_spread(xp, x, which, shape, kernel, stride, padding, dilation, size):
    """Zeros of `shape`, with each number of `x` added at place `which` of its window."""
    y = around(xp, xp.zeros(shape, x.dtype), size, kernel, stride, padding, dilation, 0)
    for i, tap in enumerate(xp.ndindex(*kernel)):
        y[met(tap, size, stride, dilation)] += x * (which == i)
    return y[inner(shape, padding)]


def pool_spread_x(xp, g, which, kernel, stride, padding, dilation, size):
    return xp.pool_pick(g, which, kernel, stride, padding, dilation, size)
pool_spread.vjp(x=pool_spread_x)


@nary(tensors=("x", "which"), space="rules", grad="MaxPoolBackward")
def pool_pick(xp, x, which, kernel, stride, padding, dilation, size):
    """The number at place `which` of each window."""
    x = around(xp, x, size, kernel, stride, padding, dilation, 0)
    y = xp.zeros(which.shape, x.dtype)
    for i, tap in enumerate(xp.ndindex(*kernel)):
        y += x[met(tap, size, stride, dilation)] * (which == i)
    return y


def pool_pick_x(xp, g, x_shape, which, kernel, stride, padding, dilation, size):
    return xp.pool_spread(g, which, x_shape, kernel, stride, padding, dilation, size)
pool_pick.vjp(x=pool_pick_x)


@nary(tensors=("x",), space="rules", result="index")
def pool_places(xp, x, shape, kernel, stride, padding, dilation):
    """Place `x` in each window as a place in the flattened last dimensions of `shape`."""
    places = len(kernel)
    flat = 0
    left = x.astype(np.int64)
    for i in range(places):
        tap = left // prod(kernel[i + 1:])
        left = left % prod(kernel[i + 1:])
        start = xp.arange(x.shape[i - places]) * stride[i] - padding[i]
        start = start.reshape(-1, *(1,) * (places - 1 - i))
        flat = flat * shape[i - places] + start + tap * dilation[i]
    return flat


# ---- average --------------------------------------------------------------------------------


def divisors(xp, shape, kernel, stride, padding, size, include_pad, divisor, dtype):
    """By what the sum of each window is divided: a number, or an array over the windows."""
    if divisor is not None:
        return divisor
    y = 1
    for n, k, s, p, m in zip(shape[-len(size):], kernel, stride, padding, size, strict=True):
        start = np.arange(m) * s - p
        stop = np.minimum(start + k, n + p)
        if not include_pad:
            start, stop = np.maximum(start, 0), np.minimum(stop, n)
        y = np.multiply.outer(y, stop - start)
    same = y.size == 0 or (y == y.flat[0]).all()
    return (int(y.flat[0]) if y.size else 1) if same else xp.asarray(y, dtype)


def pool_avg_body(xp, x, kernel, stride, padding, size, include_pad, divisor):
    """y[p] = Σ_k x[p·stride + k − padding] / how many there are (or `divisor`)."""
    ones = (1,) * len(size)
    y = around(xp, x, size, kernel, stride, padding, ones, 0)
    for i, (k, s, n) in enumerate(zip(kernel, stride, size, strict=True), -len(size)):
        rest = (slice(None),) * (-1 - i)
        parts = [y[(Ellipsis, shifted(j, s, n), *rest)] for j in range(k)]
        y = parts[0].copy() if k == 1 else parts[0] + parts[1]
        for part in parts[2:]:
            y += part
    return y / divisors(xp, x.shape, kernel, stride, padding, size, include_pad, divisor, x.dtype)


def pool_avg_x(xp, g, x_shape, kernel, stride, padding, size, include_pad, divisor):
    return xp.pool_share(g, x_shape, kernel, stride, padding, size, include_pad, divisor)


pool_avg = nary(space="rules", name="pool_avg", grad="AvgPool2D")(pool_avg_body)
pool_avg.vjp(x=pool_avg_x)
pool_avg_3d = nary(space="rules", name="pool_avg_3d", grad="AvgPool3D")(pool_avg_body)
pool_avg_3d.vjp(x=pool_avg_x)


@nary(space="rules", grad="AvgPoolBackward")
def pool_share(xp, x, shape, kernel, stride, padding, size, include_pad, divisor):
    """Each number shared out equally over its window, in an array of `shape`."""
    needed = [(m - 1) * s + k for m, s, k in zip(size, stride, kernel, strict=True)]
    full = bounded(shape, padding, needed)
    y = x / divisors(xp, shape, kernel, stride, padding, size, include_pad, divisor, x.dtype)
    for i, (k, s, n, m) in enumerate(zip(kernel, stride, size, full, strict=True), -len(size)):
        made = xp.zeros((*y.shape[:i], m, *y.shape[y.ndim + i + 1:]), x.dtype)
        for j in range(k):
            made[(Ellipsis, shifted(j, s, n), *(slice(None),) * (-1 - i))] += y
        y = made
    return y[inner(shape, padding)]


def pool_share_x(xp, g, kernel, stride, padding, size, include_pad, divisor):
    return xp.pool_avg(g, kernel, stride, padding, size, include_pad, divisor)
pool_share.vjp(x=pool_share_x)


# ---- windows that adapt to the size asked for -----------------------------------------------


def bins(n, m):
    """The (start, stop) of `m` windows that cover `n` elements: ⌊i·n/m⌋ to ⌈(i + 1)·n/m⌉."""
    return [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]


def adapt_avg_body(xp, x, size):
    """The mean of each of `size` windows that cover the last dimensions."""
    y = x
    for i, m in enumerate(size, -len(size)):
        parts = [y[(Ellipsis, slice(a, b), *(slice(None),) * (-1 - i))].mean(axis=i, keepdims=True)
                 for a, b in bins(x.shape[i], m)]
        shape = (*y.shape[:i], 0, *y.shape[y.ndim + i + 1:])
        y = xp.concatenate(parts, axis=i) if parts else xp.zeros(shape, x.dtype)
    return y


def adapt_avg_x(xp, g, x_shape, size):
    return xp.adapt_share(g, x_shape)


adapt_avg = nary(space="rules", name="adapt_avg", grad="AdaptiveAvgPool2D")(adapt_avg_body)
adapt_avg.vjp(x=adapt_avg_x)
adapt_avg_3d = nary(space="rules", name="adapt_avg_3d", grad="AdaptiveAvgPool3D")(adapt_avg_body)
adapt_avg_3d.vjp(x=adapt_avg_x)


@nary(space="rules", grad="AdaptiveAvgPoolBackward")
def adapt_share(xp, x, shape):
    """Each number shared out equally over its window, in an array of `shape`."""
    places = len(shape) - 1 if len(shape) < 4 else len(shape) - 2
    y = x
    for i in range(-places, 0):
        made = xp.zeros((*y.shape[:i], shape[i], *y.shape[y.ndim + i + 1:]), x.dtype)
        rest = (slice(None),) * (-1 - i)
        for j, (a, b) in enumerate(bins(shape[i], x.shape[i])):
            made[(Ellipsis, slice(a, b), *rest)] += y[(Ellipsis, slice(j, j + 1), *rest)] / (b - a)
        y = made
    return y
