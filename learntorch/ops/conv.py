"""Convolutions over one, two or three dimensions, and their transposes.

A convolution is linear in its input and in its weight. Its two gradients are the two other maps of
the same trilinear form Σ g[o, p] · w[o, c, k] · x[c, p·stride + k·dilation − padding], and the
gradients of those are again these three: nine rules close the circle, at every order.
"""

from functools import lru_cache
from math import prod

from learntorch.core import failures
from learntorch.core.dtypes import said
from learntorch.core.op import composite, nary
from learntorch.core.tensor import Tensor
from learntorch.ops import planes, tiny
from learntorch.ops.windows import counted, repeat, windows


@nary(tensors=("x", "weight", "bias"), space="rules", grad="Convolution")
def conv_forward(xp, x, weight, bias, stride, padding, dilation, groups):
    """y[o, p] = bias[o] + Σ_c,k weight[o, c, k] · x[c, p·stride + k·dilation − padding].

    x (n, c, …), weight (o, c / groups, …) → (n, o, …); padding: (before, after) per dimension.
    """
    size = tuple(counted(n, k, s, *p, d) for n, k, s, p, d in zip(
        x.shape[2:], weight.shape[2:], stride, padding, dilation, strict=True))
    if tiny.fits(xp, x.shape, size, weight.shape, x.dtype, x, weight):
        return tiny.forward(xp, x, weight, bias, size, stride, padding, dilation)
    if planes.fits(weight.shape, groups, x.dtype):
        return planes.forward(xp, x, weight, bias, size, stride, padding, dilation, groups)
    y = xp.empty((x.shape[0], weight.shape[0], *size), x.dtype)
    seen = windows(xp, x.shape, x.dtype, weight.shape[2:], size, stride, padding, dilation, groups)
    w = seen.matrices(weight)
    flat = seen.flat(y)
    for images, rows in seen.blocks:
        columns = seen.columns(x, images, rows)
        part = flat[images, :, :, seen.span(rows)]
        xp.matmul(w[0], seen.under(columns, 0, rows), out=part)
        for i in range(1, len(w)):
            part += xp.matmul(w[i], seen.under(columns, i, rows))
        if bias is not None:
            part += bias.reshape(groups, part.shape[2], 1)
    return y


def conv_forward_x(xp, g, weight, x_shape, stride, padding, dilation, groups):
    return xp.conv_to_input(g, weight, None, x_shape, stride, padding, dilation, groups)


def conv_forward_weight(xp, g, x, weight_shape, stride, padding, dilation, groups):
    return xp.conv_to_weight(x, g, weight_shape, stride, padding, dilation, groups)


def conv_forward_bias(g):
    """Σ of g over images and places."""
    return g.reshape((*g.shape[:2], prod(g.shape[2:]))).sum(-1).sum(0)
conv_forward.vjp(x=conv_forward_x, weight=conv_forward_weight, bias=conv_forward_bias)


@nary(tensors=("x", "weight", "bias"), space="rules", grad="Convolution")
def conv_to_input(xp, x, weight, bias, shape, stride, padding, dilation, groups):
    """y[c, p·stride + k·dilation − padding] += Σ_o weight[o, c, k] · x[o, p], plus bias[c].

    The transposed convolution, and the gradient of `conv_forward` for its input of `shape`.
    """
    if tiny.fits(xp, shape, x.shape[2:], weight.shape, x.dtype, x, weight):
        return tiny.to_input(xp, x, weight, bias, shape, stride, padding, dilation)
    if planes.fits(weight.shape, groups, x.dtype):
        return planes.to_input(xp, x, weight, bias, shape, stride, padding, dilation, groups)
    if set(stride) == {1}:
        y = xp.empty(shape, x.dtype)
        padding = tuple((d * (k - 1) - low, n - m + low) for d, k, (low, _), n, m in zip(
            dilation, weight.shape[2:], padding, shape[2:], x.shape[2:], strict=True))
        return conv_forward.op.kernels[type(y)](
            x, turned(xp, weight, groups), bias, stride, padding, dilation, groups)
    y = xp.zeros(shape, x.dtype)
    seen = windows(xp, shape, x.dtype, weight.shape[2:], x.shape[2:], stride, padding, dilation,
                   groups)
    w = seen.matrices(weight).swapaxes(-1, -2)
    flat = seen.flat(x)
    for images, rows in seen.blocks:
        part = flat[images, :, :, seen.span(rows)]
        length = len(seen.phases) * (rows.stop - rows.start + seen.reach) * seen.line
        columns = xp.zeros((part.shape[0], groups, seen.depth, length), x.dtype)
        for i in range(len(w)):
            under = seen.under(columns, i, rows)
            under += xp.matmul(w[i], part)
        seen.fold(columns, y, images, rows)
    if bias is not None:
        y += bias.reshape(bias.size, *(1,) * len(stride))
    return y


def turned(xp, weight, groups):
    """The kernel of the transposed convolution: flipped, inputs and outputs exchanged."""
    o, c = weight.shape[:2]
    spatial = weight.shape[2:]
    parts = weight.reshape(groups, o // groups, c, *spatial).swapaxes(1, 2)
    parts = parts[(Ellipsis, *(slice(None, None, -1),) * len(spatial))]
    return parts.reshape(groups * c, o // groups, *spatial)


def conv_to_input_x(xp, g, weight, stride, padding, dilation, groups):
    return xp.conv_forward(g, weight, None, stride, padding, dilation, groups)


def conv_to_input_weight(xp, g, x, weight_shape, stride, padding, dilation, groups):
    return xp.conv_to_weight(g, x, weight_shape, stride, padding, dilation, groups)
conv_to_input.vjp(x=conv_to_input_x, weight=conv_to_input_weight, bias=conv_forward_bias)


@nary(tensors=("x", "y"), space="rules", grad="ConvolutionBackward")
def conv_to_weight(xp, x, y, shape, stride, padding, dilation, groups):
    """w[o, c, k] = Σ over images and places p of y[o, p] · x[c, p·stride + k·dilation − padding].

    The gradient of `conv_forward` for its weight of `shape`, where y is the incoming gradient.
    """
    if tiny.fits(xp, x.shape, y.shape[2:], shape, x.dtype, x, y):
        return tiny.to_weight(xp, x, y, shape, stride, padding, dilation)
    if planes.fits(shape, groups, x.dtype):
        return planes.to_weight(xp, x, y, shape, stride, padding, dilation, groups)
    seen = windows(xp, x.shape, x.dtype, shape[2:], y.shape[2:], stride, padding, dilation, groups)
    w = xp.zeros((len(seen.taps), groups, shape[0] // groups, seen.depth), x.dtype)
    flat = seen.flat(y)
    for images, rows in seen.blocks:
        columns = seen.columns(x, images, rows)
        part = flat[images, :, :, seen.span(rows)]
        for i in range(len(w)):
            under = seen.under(columns, i, rows)
            w[i] += xp.add.reduce(xp.matmul(part, under.swapaxes(-1, -2)), axis=0)
    return seen.kernel(w, shape)


def conv_to_weight_x(xp, g, x_shape, y, stride, padding, dilation, groups):
    return xp.conv_to_input(y, g, None, x_shape, stride, padding, dilation, groups)


def conv_to_weight_y(xp, g, x, stride, padding, dilation, groups):
    return xp.conv_forward(x, g, None, stride, padding, dilation, groups)
conv_to_weight.vjp(x=conv_to_weight_x, y=conv_to_weight_y)


# ---- the public functions -------------------------------------------------------------------


@composite(space="torch nn.functional", method=False)
def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation along one dimension: input (n, c, l), weight (o, c / groups, k).

    `padding` is an int, a tuple, "same" or "valid". Without n the result is without n.
    Raises RuntimeError for other shapes, or two dtypes.
    """
    return forward(conv1d, 1, input, weight, bias, stride, padding, dilation, groups)


@composite(space="torch nn.functional", method=False)
def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation over images: input (n, c, h, w), weight (o, c / groups, kh, kw).

    The result is (n, o, (h + 2·padding − dilation·(kh − 1) − 1) // stride + 1, the same for w).
    `padding` is an int, a tuple, "same" or "valid". Without n the result is without n.
    Raises RuntimeError for other shapes, or two dtypes.
    """
    return forward(conv2d, 2, input, weight, bias, stride, padding, dilation, groups)


@composite(space="torch nn.functional", method=False)
def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation over volumes: input (n, c, d, h, w), weight (o, c / groups, kd, kh, kw).

    `padding` is an int, a tuple, "same" or "valid". Without n the result is without n.
    Raises RuntimeError for other shapes, or two dtypes.
    """
    return forward(conv3d, 3, input, weight, bias, stride, padding, dilation, groups)


@composite(space="torch nn.functional", method=False)
def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1,
                     dilation=1):
    """The transpose of conv1d: input (n, c, l), weight (c, o / groups, k).

    The length is (l − 1)·stride − 2·padding + dilation·(k − 1) + output_padding + 1. Raises
    RuntimeError for other shapes, or two dtypes.
    """
    return backward(conv_transpose1d, 1, input, weight, bias, stride, padding, output_padding,
                    groups, dilation)


@composite(space="torch nn.functional", method=False)
def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1,
                     dilation=1):
    """The transpose of conv2d: input (n, c, h, w), weight (c, o / groups, kh, kw).

    The height is (h − 1)·stride − 2·padding + dilation·(kh − 1) + output_padding + 1.
    Raises RuntimeError for other shapes, or two dtypes.
    """
    return backward(conv_transpose2d, 2, input, weight, bias, stride, padding, output_padding,
                    groups, dilation)


@composite(space="torch nn.functional", method=False)
def conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1,
                     dilation=1):
    """The transpose of conv3d: input (n, c, d, h, w), weight (c, o / groups, kd, kh, kw).

    Each size becomes as in conv_transpose2d. Raises RuntimeError for other shapes, or two dtypes.
    """
    return backward(conv_transpose3d, 3, input, weight, bias, stride, padding, output_padding,
                    groups, dilation)


@composite(space="torch", method=False)
def convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    """The convolution behind all others, for any number of dimensions; or its transpose.

    Shapes: those of conv1d, conv2d and conv3d. Raises RuntimeError for others.
    """
    dims = weight.dim() - 2
    if transposed:
        return backward(convolution, dims, input, weight, bias, stride, padding, output_padding,
                        groups, dilation)
    return forward(convolution, dims, input, weight, bias, stride, padding, dilation, groups)


@composite(space="torch nn.functional", method=False)
def conv_tbc(input, weight, bias, pad=0):
    """conv1d of sequences as (time, batch, channels), with weight (k, c, o).

    Shapes: (t, n, c) → (t + 2·pad − k + 1, n, o).
    """
    y = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return y.permute(2, 0, 1)


def forward(call, dims, input, weight, bias, *how):
    """A convolution over `dims` dimensions, its arguments checked."""
    check_tensors(call, dims, input, weight, bias)
    b = None if bias is None else bias._data.shape
    how = [tuple(v) if type(v) is list else v for v in how]
    settled = settle(dims, input._data.shape, weight._data.shape, b, *how)
    if input._data.ndim == dims + 2:
        return conv_forward(input, weight, bias, *settled)
    return conv_forward(input.unsqueeze(0), weight, bias, *settled).squeeze(0)


def backward(call, dims, input, weight, bias, *how):
    """A transposed convolution over `dims` dimensions, its arguments checked."""
    check_tensors(call, dims, input, weight, bias)
    b = None if bias is None else bias._data.shape
    how = [tuple(v) if type(v) is list else v for v in how]
    settled = settle_transposed(dims, input._data.shape, weight._data.shape, b, *how)
    if input._data.ndim == dims + 2:
        return conv_to_input(input, weight, bias, *settled)
    return conv_to_input(input.unsqueeze(0), weight, bias, *settled).squeeze(0)


@lru_cache(maxsize=256, typed=True)
def settle(dims, x, w, bias, stride, padding, dilation, groups):
    """What `conv_forward` needs, from shapes and the user's arguments. Raises RuntimeError."""
    n = spatial(w)
    if isinstance(padding, str):
        check_dimensions(dims, x, w)
    stride = numbers("stride", stride, dims, n)
    dilation = numbers("dilation", dilation, dims, n)
    if isinstance(padding, str):
        sides = spelled(padding, w[2:], stride, dilation)
    else:
        sides = tuple((p, p) for p in numbers("padding", padding, dims, n))
    check_values(stride, sides, dilation, groups)
    check_weight(x if len(x) == dims + 2 else (1, *x), w, bias, sides, dilation, groups)
    return stride, sides, dilation, groups


@lru_cache(maxsize=256, typed=True)
def settle_transposed(dims, x, w, bias, stride, padding, output_padding, groups, dilation):
    """What `conv_to_input` needs, from shapes and the user's arguments. Raises RuntimeError."""
    n = spatial(w)
    if isinstance(padding, str):
        raise TypeError(f"conv_transpose{dims}d(): argument 'padding' must be tuple of ints, not "
                        "str")
    stride = numbers("stride", stride, dims, n)
    padding = numbers("padding", padding, dims, n)
    dilation = numbers("dilation", dilation, dims, n)
    extra = numbers("output_padding", output_padding, dims, n)
    x = x if len(x) == dims + 2 else (1, *x)
    check_values(stride, (padding,), dilation, groups)
    check_transposed(x, w, bias, stride, dilation, extra, groups)
    size = [(m - 1) * s - 2 * p + d * (k - 1) + e + 1 for m, s, p, d, k, e in zip(
        x[2:], stride, padding, dilation, w[2:], extra, strict=True)]
    if min(size) <= 0:
        raise RuntimeError(f"Given input size per channel: {crossed(x[2:])}. Calculated output size"
                           f" per channel: {crossed(size)}. Output size is too small")
    sides = tuple((p, p - e) for p, e in zip(padding, extra, strict=True))
    return (x[0], w[1] * groups, *size), stride, sides, dilation, groups


def spelled(padding, kernel, stride, dilation):
    """The sides of padding "valid" or "same". Raises RuntimeError for another word."""
    if padding == "valid":
        return ((0, 0),) * len(kernel)
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'. It is an int, a tuple of ints, "
                           "'valid' or 'same'.")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return tuple((t // 2, t - t // 2) for t in totals)


# ---- errors ---------------------------------------------------------------------------------


def numbers(name, value, dims, n):
    """One int for each dimension: `dims` for the function, `n` in the weight. Raises RuntimeError.
    """
    values = repeat(value, dims) if isinstance(value, (int, list, tuple)) else None
    if values is None or not all(isinstance(v, int) for v in values):
        raise TypeError(f"argument '{name}' must be tuple of ints, not {kind(value)}")
    if len(values) == 1:
        values = values * n
    if len(values) != n:
        raise RuntimeError(f"expected {name} to be a single integer value or a list of {n} values "
                           "to match the convolution dimensions, but got "
                           f"{name}={list(values)}. The weight has "
                           f"{n} spatial dimensions.")
    return values


def kind(value):
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} of {', '.join(type(v).__name__ for v in value)}"
    return type(value).__name__


def check_tensors(call, dims, input, weight, bias):
    """Raise TypeError or RuntimeError unless three tensors fit together by kind and dtype."""
    for place, t in enumerate((input, weight, bias)):
        if not isinstance(t, Tensor) and (t is not None or place < 2):
            raise failures.not_a_tensor(call.op, place, t)
    if input._data.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {call.__name__}, "
            f"but got input of size: {list(input._data.shape)}. The dimensions are (images, "
            f"channels{', depth' * (dims > 2)}{', height' * (dims > 1)}, width).")
    a, b = input._data.dtype, weight._data.dtype
    if a is not b and a != b:
        raise RuntimeError(f"expected scalar type {said(a)} but found {said(b)}. Input and weight "
                           f"must have one dtype: call .to({weight.dtype}) on the input.")
    if bias is not None and bias._data.dtype != a:
        names = [failures.c_name(t._data.dtype)
                 for t in (input, bias)]
        raise RuntimeError(f"Input type ({names[0]}) and bias type ({names[1]}) should be the same")
    if a.kind == "b":
        raise failures.not_implemented("slow_conv2d_cpu", a)


def check_values(stride, sides, dilation, groups):
    """Raise RuntimeError for a step, a padding or a number of groups that makes no sense."""
    if any(p < 0 for side in sides for p in side):
        raise RuntimeError("negative padding is not supported")
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(d < 0 for d in dilation):
        raise RuntimeError("dilation should be greater than zero")
    if any(d == 0 for d in dilation):
        raise RuntimeError("non-positive dilation is not supported")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")


def spatial(w):
    """How many spatial dimensions a weight of shape `w` has."""
    if len(w) < 3:
        raise RuntimeError("weight should have at least three dimensions: (channels out, channels "
                           f"in, size of the kernel …), but it has shape {list(w)}")
    return len(w) - 2


def check_dimensions(dims, x, w):
    """Raise RuntimeError unless input and weight (two shapes) have as many dimensions."""
    x = x if len(x) == dims + 2 else (1, *x)
    if len(x) != len(w):
        raise RuntimeError(f"Expected {len(w)}-dimensional input for {len(w)}-dimensional weight"
                           f"{list(w)}, but got {len(x)}-dimensional input of size {list(x)} "
                           "instead")


def check_groups(shape, groups):
    """Raise RuntimeError unless the first size of the weight splits into groups."""
    if shape[0] < groups:
        raise RuntimeError(f"Given groups={groups}, expected weight to be at least {groups} at "
                           f"dimension 0, but got weight of size {list(shape)} instead")
    if shape[0] % groups:
        raise RuntimeError(f"Given groups={groups}, expected weight to be divisible by {groups} at "
                           f"dimension 0, but got weight of size [{list(shape)}] instead")
    if 0 in shape[2:]:
        raise RuntimeError("kernel size should be greater than zero, but got kernel of size "
                           f"{list(shape[2:])}")


def check_weight(a, w, bias, sides, dilation, groups):
    """Raise RuntimeError unless weight and bias fit the input: three shapes."""
    check_groups(w, groups)
    if a[1] != w[1] * groups:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(w)}, expected input{list(a)} to have "
            f"{w[1] * groups} channels, but got {a[1]} channels instead. Dimension 1 of the input "
            "counts channels: the layer was made for another number of them.")
    check_bias(f"Given weight of size {list(w)}", bias, w[0])
    padded = [n + low + high for n, (low, high) in zip(a[2:], sides, strict=True)]
    if any(d * (k - 1) + 1 > n for n, k, d in zip(padded, w[2:], dilation, strict=True)):
        spread = [d * (k - 1) + 1 for k, d in zip(w[2:], dilation, strict=True)]
        raise RuntimeError(
            f"Calculated padded input size per channel: {crossed(padded)}. Kernel size: "
            f"{crossed(spread)}. Kernel size can't be greater than actual input size. Earlier "
            "layers made the image too small: use padding, or fewer strides and poolings.")


def check_transposed(a, w, bias, stride, dilation, extra, groups):
    """Raise RuntimeError unless weight, bias and output padding fit the input: three shapes."""
    check_groups(w, groups)
    if any(e < 0 for e in extra):
        raise RuntimeError("negative output_padding is not supported")
    if a[1] != w[0]:
        raise RuntimeError(f"Given transposed=1, weight of size {list(w)}, expected input{list(a)} "
                           f"to have {w[0]} channels, but got {a[1]} channels instead. The weight "
                           "of a transposed convolution is (channels in, channels out, …).")
    check_bias(f"Given transposed=1, weight of size {list(w)}", bias, w[1] * groups)
    if any(e >= s and e >= d for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise RuntimeError("output padding must be smaller than either stride or dilation, but got "
                           + " ".join(f"{name}_{axis}: {v}" for name, values in (
                               ("output_padding", extra), ("stride", stride),
                               ("dilation", dilation)) for axis, v in zip(
                                   ("depth", "height", "width")[-len(values):], values,
                                   strict=True)))


def check_bias(given, bias, outputs):
    if bias is not None and bias != (outputs,):
        raise RuntimeError(f"{given}, expected bias to be 1-dimensional with {outputs} elements, "
                           f"but got bias of size {list(bias)} instead")


def crossed(sizes):
    """(28 x 28)."""
    return f"({' x '.join(str(n) for n in sizes)})"
