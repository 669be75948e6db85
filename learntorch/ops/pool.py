"""Pooling: one number for each window of the last one, two or three dimensions.

Windows are never copied. A maximum or a sum over a window is taken along one dimension after the
other, each as a few whole-array operations on shifted slices.
"""

from functools import lru_cache
from math import prod

import numpy as np

from learntorch.core import failures
from learntorch.core.op import composite, nary
from learntorch.core.tensor import Tensor


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
    apart = all(s > d * (k - 1) for s, d, k in zip(stride, dilation, kernel, strict=True))
    for i, tap in enumerate(xp.ndindex(*kernel)):
        place = y[met(tap, size, stride, dilation)]
        if apart:
            xp.multiply(x, which == i, out=place)
        else:
            place += x * (which == i)
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
    y = counts(shape[-len(size):], kernel, stride, padding, size, include_pad)
    return y if isinstance(y, int) else xp.asarray(y, dtype)


@lru_cache(maxsize=256)
def counts(shape, kernel, stride, padding, size, include_pad):
    """How many numbers each window has: an int where all have as many, else an array."""
    y = np.ones((), np.int64)
    for n, k, s, p, m in zip(shape, kernel, stride, padding, size, strict=True):
        start = np.arange(m) * s - p
        stop = np.minimum(start + k, n + p)
        if not include_pad:
            start, stop = np.maximum(start, 0), np.minimum(stop, n)
        y = np.multiply.outer(y, stop - start)
    return int(y.flat[0]) if (y == y.flat[0]).all() else y


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


# ---- the public functions -------------------------------------------------------------------


@composite(space="torch nn.functional", method=False)
def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
               return_indices=False):
    """The largest number of each window: (n, c, l) → (n, c, l'). `stride` is `kernel_size` if None.

    l' = (l + 2·padding − dilation·(kernel_size − 1) − 1) // stride + 1, rounded up if `ceil_mode`.
    Raises RuntimeError for other shapes, padding above half the kernel, and windows longer than the
    input.
    """
    check_tensor("max_pool1d", input)
    a = input._data
    if a.ndim not in (2, 3) or 0 in a.shape[-2:]:
        raise RuntimeError("max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim "
                           f"batch size for input, but got:{list(a.shape)}")
    if a.dtype.kind not in "fV":
        raise failures.not_implemented("max_pool1d_impl", a.dtype)
    k = single("max_pool1d", "kernel_size", kernel_size)
    s = single("max_pool1d", "stride", kernel_size if stride in (None, ()) else stride)
    p = single("max_pool1d", "padding", padding)
    d = single("max_pool1d", "dilation", dilation)
    for argument, value in (("kernel_size", k), ("stride", s), ("dilation", d)):
        if value <= 0:
            raise RuntimeError(f"max_pool1d() {argument} must be greater than zero, but got "
                               f"{value}")
    if return_indices or input.requires_grad:         # then PyTorch goes by way of max_pool2d
        check_values((1, k), (1, s), (0, p), (1, d))
    if p < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {p}")
    if p > k // 2:
        raise RuntimeError("max_pool1d() padding should be at most half of kernel size, but got "
                           f"padding={p} and kernel_size={k}")
    n = pooled(input._data.shape[-1], k, s, p, d, ceil_mode)
    if n < 1:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {n}. The window is longer "
                           "than the input.")
    line = input.unsqueeze(-2)
    y = pool_max(line, (1, k), (1, s), (0, p), (1, d), (1, n))
    if return_indices:
        return y.squeeze(-2), positions(line, y, (1, k), (1, s), (0, p), (1, d)).squeeze(-2)
    return y.squeeze(-2)


@composite(space="torch nn.functional", method=False)
def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
               return_indices=False):
    """The largest number of each window: (n, c, h, w) → (n, c, h', w').

    `stride` is `kernel_size` if None; h' = (h + 2·padding − dilation·(kernel_size − 1) − 1) //
    stride + 1, rounded up if `ceil_mode`. Where several are largest, the gradient goes to the
    first. With `return_indices` also the place of each maximum in its flattened image.
    Raises RuntimeError for other shapes, padding above half the kernel, and windows longer than the
    input.
    """
    return largest("max_pool2d", 2, pool_max, input, kernel_size, stride, padding, dilation,
                   ceil_mode, return_indices)


@composite(space="torch nn.functional", method=False)
def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
               return_indices=False):
    """The largest number of each window: (n, c, d, h, w) → (n, c, d', h', w'). See max_pool2d.

    Raises RuntimeError for other shapes, padding above half the kernel, and windows longer than the
    input.
    """
    return largest("max_pool3d", 3, pool_max_3d, input, kernel_size, stride, padding, dilation,
                   ceil_mode, return_indices)


@composite(space="torch nn.functional", method=False)
def max_pool1d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1,
                            ceil_mode=False, return_indices=False):
    """(the largest number of each window, where it was): see max_pool1d.

    Shapes and errors: those of `max_pool1d`.
    """
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


@composite(space="nn.functional", method=False)
def max_pool2d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1,
                            ceil_mode=False, return_indices=False):
    """(the largest number of each window, where it was): see max_pool2d.

    Shapes and errors: those of `max_pool2d`.
    """
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


@composite(space="nn.functional", method=False)
def max_pool3d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1,
                            ceil_mode=False, return_indices=False):
    """(the largest number of each window, where it was): see max_pool3d.

    Shapes and errors: those of `max_pool3d`.
    """
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


@composite(space="torch nn.functional", method=False)
def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of each window: (n, c, l) → (n, c, l'). See avg_pool2d.

    Raises RuntimeError for other shapes, padding above half the kernel, and windows longer than the
    input.
    """
    check_line("avg_pool1d", input)
    k = single("avg_pool1d", "kernel_size", kernel_size, "should contain one int")
    s = k if stride in (None, ()) else single("avg_pool1d", "stride", stride,
                                              "should contain one int")
    p = single("avg_pool1d", "padding", padding, "should contain one int")
    y = averaged("avg_pool2d", 2, pool_avg, input.unsqueeze(-2), (1, k), (1, s), (0, p), ceil_mode,
                 count_include_pad, None)
    return y.squeeze(-2)


@composite(space="nn.functional", method=False, out="dtype")
def avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):
    """The mean of each window: (n, c, h, w) → (n, c, h', w').

    `stride` is `kernel_size` if None; h' = (h + 2·padding − kernel_size) // stride + 1, rounded up
    if `ceil_mode`. Padding counts as zeros, or not at all without `count_include_pad`.
    Raises RuntimeError for other shapes, padding above half the kernel, and windows longer than the
    input, and a divisor of 0.
    """
    check_images("avg_pool2d", input, 2)
    return averaged("avg_pool2d", 2, pool_avg, input, kernel_size, stride, padding, ceil_mode,
                    count_include_pad, divisor_override)


@composite(space="nn.functional", method=False, out="dtype")
def avg_pool3d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):
    """The mean of each window: (n, c, d, h, w) → (n, c, d', h', w'). See avg_pool2d.

    Raises RuntimeError for other shapes, padding above half the kernel, and windows longer than the
    input, and a divisor of 0.
    """
    check_images("avg_pool3d", input, 3)
    return averaged("avg_pool3d", 3, pool_avg_3d, input, kernel_size, stride, padding, ceil_mode,
                    count_include_pad, divisor_override)


def largest(name, dims, op, input, kernel_size, stride, padding, dilation, ceil_mode,
            return_indices):
    """A maximum over windows, its arguments checked; and where the maxima are, if asked."""
    check_images(name, input, dims)
    a = input._data
    if a.dtype.kind in "bc":
        raise failures.not_implemented(name, a.dtype)
    how = settle(name, a.shape, dims, plain(kernel_size), plain(stride), plain(padding),
                 plain(dilation), ceil_mode)
    y = op(input, *how)
    return (y, positions(input, y, *how[:4])) if return_indices else y


def averaged(name, dims, op, input, kernel_size, stride, padding, ceil_mode, include_pad, divisor):
    """A mean over windows, its arguments checked."""
    a = input._data
    if a.dtype.kind in "bc" or (a.dtype.kind in "iu" and a.dtype != np.int64):
        raise failures.not_implemented(name, a.dtype)
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    kernel, stride, padding, _, size = settle(name, a.shape, dims, plain(kernel_size),
                                              plain(stride), plain(padding), 1, ceil_mode)
    return op(input, kernel, stride, padding, size, include_pad, divisor)


def positions(input, y, kernel, stride, padding, dilation):
    """The places of the maxima `y` in the flattened last dimensions of `input`."""
    size = y._data.shape[-len(kernel):]
    which = pool_first(input, y, kernel, stride, padding, dilation, size)
    return pool_places(which, input._data.shape, kernel, stride, padding, dilation)


# ---- arguments and errors -------------------------------------------------------------------

WORDS = {1: "a single int", 2: "a single int, or a tuple of two ints",
         3: "a single int, or a tuple of three ints"}
POSITIONS = {"kernel_size": 2, "output_size": 2, "stride": 3, "padding": 4}


def plain(value):
    """A list as a tuple, which can be looked up."""
    return tuple(value) if type(value) is list else value


@lru_cache(maxsize=256, typed=True)
def settle(name, shape, dims, kernel, stride, padding, dilation, ceil_mode):
    """(kernel, stride, padding, dilation, size of the result) from the user's arguments.

    Raises RuntimeError for arguments that do not fit the input of `shape`.
    """
    k = several(name, "kernel_size", kernel, dims)
    s = k if stride in (None, ()) else several(name, "stride", stride, dims)
    p = several(name, "padding", padding, dims)
    d = several(name, "dilation", dilation, dims)
    check_values(k, s, p, d)
    places = shape[-dims:]
    lead = len(shape) - dims - 1
    if name == "avg_pool3d" and min(k) > 0 and any(
            n + 2 * q < m for n, q, m in zip(places, p, k, strict=True)):
        raise RuntimeError(f"input image (T: {places[0]} H: {places[1]} W: {places[2]}) smaller "
                           f"than kernel size (kT: {k[0]} kH: {k[1]} kW: {k[2]})")
    if name == "max_pool3d" and 0 in shape[lead:]:
        raise RuntimeError("max_pool3d_with_indices_out_cpu_template(): Expected input's non-batch "
                           f"dimensions to have positive length, but input has a shape of "
                           f"{list(shape)} and non-batch dimension {shape[lead:].index(0)} has "
                           "length zero!")
    if name == "max_pool2d" and 0 in shape[lead:]:
        raise RuntimeError("Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size "
                           f"for input, but got:{list(shape)}")
    return k, s, p, d, sizes(shape, k, s, p, d, ceil_mode)


def several(name, argument, value, n):
    """One int for each of n dimensions. Raises RuntimeError for another number of them."""
    if isinstance(value, int):
        return (value,) * n
    refuse_others(name, argument, value)
    if len(value) == 1:
        return tuple(value) * n
    if len(value) != n:
        how = {"stride": "either be omitted,", "dilation": "be either"}.get(argument, "either be")
        raise RuntimeError(f"{name}: {argument} must {how} {WORDS[n]}")
    return tuple(value)


def refuse_others(name, argument, value):
    """Raise TypeError for what is not a sequence of ints."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, int) for v in value):
        place = POSITIONS.get(argument)
        place = f" (position {place})" if place else ""
        raise TypeError(f"{name}(): argument '{argument}'{place} must be tuple of ints, not "
                        f"{type(value).__name__}")


def single(name, argument, value, words="must be an int, list of ints or tuple of ints of size 1"):
    """The one int of an argument over one dimension."""
    if isinstance(value, int):
        return value
    refuse_others(name, argument, value)
    if len(value) != 1:
        if words.startswith("must"):
            raise RuntimeError(f"{name}() {argument} {words} but got size {len(value)}")
        raise RuntimeError(f"{name}() argument '{argument}' {words} (got {len(value)})")
    return value[0]


def check_tensor(name, input):
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not "
                        f"{type(input).__name__}")


def check_line(name, input):
    """Raise RuntimeError unless the input is (c, l) or (n, c, l)."""
    check_tensor(name, input)
    if input._data.ndim not in (2, 3):
        raise RuntimeError(f"Expected 2 to 3 dimensions, but got {input._data.ndim}-dimensional "
                           f"tensor for argument #1 'self' (while checking arguments for {name})")


def check_images(name, input, n):
    """Raise RuntimeError unless the input is (c, …) or (n, c, …) with n spatial dimensions."""
    check_tensor(name, input)
    if name.startswith("avg_pool2d") and input._data.ndim == 2:
        raise IndexError("Dimension out of range (expected to be in range of [-2, 1], but got -3). "
                         "Pooling wants (n, c, h, w) or (c, h, w): call .unsqueeze(0) first.")
    if input._data.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input."
                           f" {name} got one of shape {list(input._data.shape)}: the dimensions "
                           "are (images, channels, height, width), or without images.")


def refuse_nonpositive(what, letter, values):
    """Raise RuntimeError for a value that is not positive, naming all of them by axis."""
    if min(values) <= 0:
        named = " ".join(f"{letter}{axis}: {v}" for axis, v in
                         zip("THW"[-len(values):], values, strict=True))
        raise RuntimeError(f"{what} should be greater than zero, but got {named}")


def pooled(n, kernel, stride, padding, dilation, ceil_mode):
    """How many windows there are; the last one must begin inside the input or its left padding."""
    room = n + 2 * padding - dilation * (kernel - 1) - 1
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= n + padding:
        count -= 1
    return count


def check_values(kernel, stride, padding, dilation):
    """Raise RuntimeError for values that make no sense whatever the input."""
    if 0 in stride:
        raise RuntimeError("stride should not be zero")
    refuse_nonpositive("kernel size", "k", kernel)
    refuse_nonpositive("stride", "d", stride)
    refuse_nonpositive("dilation", "dilation", dilation)
    for k, p, d in zip(kernel, padding, dilation, strict=True):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > ((k - 1) * d + 1) // 2:
            raise RuntimeError("pad should be at most half of effective kernel size, but got "
                               f"pad={p}, kernel_size={k} and dilation={d}")


def sizes(shape, kernel, stride, padding, dilation, ceil_mode):
    """The spatial sizes of the result. Raises RuntimeError for values that make no sense."""
    places = len(kernel)
    size = tuple(pooled(n, k, s, p, d, ceil_mode) for n, k, s, p, d in
                 zip(shape[-places:], kernel, stride, padding, dilation, strict=True))
    if min(size) < 1:
        shape = shape[-places - 1:]
        raise RuntimeError(f"Given input size: ({'x'.join(map(str, shape))}). Calculated output "
                           f"size: ({'x'.join(map(str, (shape[0], *size)))}). Output size is too "
                           "small. Earlier layers made the image smaller than the window.")
    return size
