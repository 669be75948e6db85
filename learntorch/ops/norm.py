"""Normalisation: bring numbers to mean 0 and variance 1, then scale and shift them.

Three ways of choosing which numbers belong together: the features of one sample (layer norm), one
channel over the whole batch (batch norm), a group of channels of one sample (group norm). In all
of them z = (x − μ) · r with r = 1 / √(σ² + eps), and the result is z · weight + bias.
"""

import numpy as np

from learntorch.core.dtypes import FLOATS, HALF, said
from learntorch.core.failures import not_implemented
from learntorch.core.op import composite, multi, nary
from learntorch.core.outputs import write_out
from learntorch.core.shapes import count
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.distance import p_norm
from learntorch.ops.reduce import axes
from learntorch.ops.shape import cat

# ---- sums ------------------------------------------------------------------------------------


def row_sums(xp, x):
    """Σ over the last axis of a matrix, by a product with ones: faster than a reduction."""
    return xp.matmul(x, xp.ones(x.shape[1], x.dtype))


def row_products(xp, x, y):
    """Σ x · y over the last axis of two matrices."""
    return xp.einsum("ij,ij->i", x, y)


def column_sums(xp, x):
    """Σ over the rows of a matrix."""
    return xp.matmul(xp.ones(x.shape[0], x.dtype), x)


def channel_sums(xp, x):
    """Σ over all but the channels of (N, C, L)."""
    n, channels, length = x.shape
    if length == 1:
        return column_sums(xp, x.reshape(n, channels))
    return column_sums(xp, row_sums(xp, x.reshape(n * channels, length)).reshape(n, channels))


def channel_products(xp, x, y):
    """Σ x · y over all but the channels of two (N, C, L)."""
    n, channels, length = x.shape
    if length == 1:
        return xp.einsum("nc,nc->c", x.reshape(n, channels), y.reshape(n, channels))
    return column_sums(xp, xp.einsum("ncl,ncl->nc", x, y))


def centred(xp, rows):
    """Rows minus their means, the means, and the variances."""
    n = rows.dtype.type(rows.shape[1])
    mean = row_sums(xp, rows) / n
    d = rows - mean[:, None]
    return d, mean, row_products(xp, d, d) / n


def row_gradient(xp, h, z, r):
    """r · (h − mean h − z · mean(h z)) for each row: the gradient through z, written over z."""
    n = h.dtype.type(h.shape[1])
    z *= (row_products(xp, h, z) / n)[:, None]
    z += (row_sums(xp, h) / n)[:, None]
    xp.subtract(h, z, out=z)
    z *= r[:, None]
    return z


def gradient_of_gradients(xp, g, x, at, weight, axes, n, eps, wanted):
    """The gradients, in incoming gradient, input and weight, of the three gradients of a norm.

    Forward gave gx = r · P(h), h = x · weight, P(h) = h − mean h − z · mean(h z), and the sums of
    x · z (for the weight) and of x (for the bias); `g` holds what arrives at these three. The
    mean is over `axes`, n numbers each; every shape broadcasts to that of `at`.
    """
    def mean(t):
        return t.sum(axis=axes, keepdims=True) / n

    def projected(t):
        return t - mean(t) - z * mean(t * z)

    d = at - mean(at)
    r = xp.rsqrt(mean(d * d) + eps)
    z = d * r
    h = x if weight is None else x * weight
    u, v, w = g
    gi = g_at = xp.zeros_like(at)
    g_weight = None
    if wanted[0]:
        ru = r * projected(u)
        gi = gi + (ru if weight is None else ru * weight)
        g_weight = ru * x
        at_z = -r * (u * mean(h * z) + h * mean(u * z))
        g_at = r * projected(at_z) - r * r * z * mean(u * projected(h))
    if wanted[1]:
        gi = gi + v * z
        g_at = g_at + r * projected(v * x)
    if wanted[2]:
        gi = gi + w
    return gi, g_at, g_weight


# ---- layer norm ------------------------------------------------------------------------------


@multi(tensors=("x", "weight", "bias"), outputs=("result", "mean", "var"), name="layer_norm",
       space="nn.functional", grad="NativeLayerNorm", refuses="LayerNormKernelImpl")
def standard_rows(xp, x, weight, bias, shape, eps):
    """(x − μ) / √(σ² + eps) · weight + bias, μ and σ² over the last dimensions `shape`."""
    n = count(shape)
    z, mean, var = centred(xp, x.reshape(count(x.shape[:x.ndim - len(shape)]), n))
    z *= (1 / xp.sqrt(var + var.dtype.type(eps)))[:, None]
    if weight is not None:
        z *= weight.reshape(n)
    if bias is not None:
        z += bias.reshape(n)
    return z.reshape(x.shape), mean, var


@standard_rows.vjp_all
def standard_rows_all(xp, g, x, weight, mean, var, shape, eps, need):
    gx, gw, gb = xp.layer_norm_gradients(g[0], x, weight, mean, var, shape, eps, need)
    return gx if need[0] else None, gw if need[1] else None, gb if need[2] else None


@multi(tensors=("x", "at", "weight", "mean", "var"), outputs=("gx", "gw", "gb"), space="rules",
       grad="NativeLayerNormBackward")
def layer_norm_gradients(xp, x, at, weight, mean, var, shape, eps, wanted):
    """The gradients of layer norm in input `at`, weight and bias; x is the incoming gradient."""
    n = count(shape)
    g = x.reshape(-1, n)
    r = 1 / xp.sqrt(xp.astype(var, x) + x.dtype.type(eps))
    z = at.reshape(-1, n) - xp.astype(mean, x)[:, None]
    z *= r[:, None]
    none = xp.zeros(0, x.dtype)
    gw = xp.einsum("ij,ij->j", g, z).reshape(shape) if wanted[1] else none
    gb = column_sums(xp, g).reshape(shape) if wanted[2] else none
    if not wanted[0]:
        return none, gw, gb
    h = g if weight is None else g * weight.reshape(n)
    return row_gradient(xp, h, z, r).reshape(at.shape), gw, gb


@layer_norm_gradients.vjp_all
def layer_norm_gradients_all(xp, g, x, at, weight, shape, eps, wanted):
    n = count(shape)
    flat = (-1, n)
    u, v, w = g
    gi, g_at, g_weight = gradient_of_gradients(
        xp, (u.reshape(flat) if wanted[0] else u, v.reshape(flat) if wanted[1] else v,
             w.reshape(flat) if wanted[2] else w),
        x.reshape(flat), at.reshape(flat), None if weight is None else weight.reshape(flat), 1, n,
        eps, wanted)
    if g_weight is not None:
        g_weight = g_weight.sum(axis=0).reshape(shape)
    return gi.reshape(x.shape), g_at.reshape(at.shape), g_weight, None, None


def check_parameters(x, weight, bias):
    """Raise RuntimeError for weights of another dtype than the input, but for float32 and halves.
    """
    for t in (weight, bias):
        if t is None or t._data.dtype is x._data.dtype:
            continue
        if x._data.dtype not in HALF or t._data.dtype != np.float32:
            raise RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float: "
                               f"the input is {said(x.dtype)}, a parameter {said(t.dtype)}. "
                               "Convert one of them.")


@standard_rows.public
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05):
    """(x − μ) / √(σ² + eps) · weight + bias, μ and σ² over the last dimensions of each sample.

    Shapes: weight, bias: `normalized_shape`, which are the last sizes of the input.
    Raises RuntimeError when they are not. Source: Ba et al., Layer normalization (2016).
    """
    shape = checked_shape("layer_norm", input, normalized_shape, weight, bias)
    check_parameters(input, weight, bias)
    return standard_rows(input, weight, bias, shape, eps)[0]


def checked_shape(name, input, normalized_shape, weight, bias=None):
    """`normalized_shape` as a tuple of ints, checked against the input and the parameters."""
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not "
                        f"{type(input).__name__}")
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., "
                           "containing at least one element, but got normalized_shape = []")
    for what, t in (("weight", weight), ("bias", bias)):
        if t is not None and t._data.shape != shape:
            raise RuntimeError(f"Expected {what} to be of same shape as normalized_shape, but got "
                               f"{what} of shape {list(t._data.shape)} and normalized_shape = "
                               f"{list(shape)}")
    size = input._data.shape
    if size[-len(shape):] != shape:
        inside = ", ".join(map(str, shape))
        star = "*" if name == "rms_norm" else "*, "
        raise RuntimeError(f"Given normalized_shape={list(shape)}, expected input with shape ["
                           f"{star}{inside}], but got input of size{list(size)}")
    return shape


@composite(space="nn.functional")
def rms_norm(input, normalized_shape, weight=None, eps=None):
    """x / √(mean(x²) + eps) · weight over the last dimensions; eps is the dtype's by default.

    Source: Zhang and Sennrich, Root mean square layer normalization (2019).
    Raises RuntimeError where normalized_shape is not the end of the input's shape.
    """
    shape = checked_shape("rms_norm", input, normalized_shape, weight)
    d = input.dtype
    if d.numpy not in FLOATS:
        raise not_implemented("rms_norm", d.numpy)
    if eps is None:
        eps = 2.0 ** -23 if d.itemsize == 2 else float(np.finfo(input._data.real.dtype).eps)
    x = input.float() if d.itemsize == 2 else input
    dims = tuple(range(-len(shape), 0))
    y = x * (x * x).mean(dims, keepdim=True).add(eps).rsqrt()
    if weight is not None:
        y = y * (weight.float() if d.itemsize == 2 and weight.dtype == d else weight)
    return y.to(d) if d.itemsize == 2 else y


# ---- batch norm ------------------------------------------------------------------------------


@multi(tensors=("x", "weight", "bias"), outputs=("result", "mean", "var"), name="batch_norm",
       space="nn.functional", grad="NativeBatchNorm", refuses="batch_norm")
def standard_channels(xp, x, weight, bias, eps):
    """(x − μ) / √(σ² + eps) · weight + bias, μ and σ² of each channel (dimension 1)."""
    d = x.reshape(*x.shape[:2], count(x.shape[2:]))
    n = d.dtype.type(max(d.shape[0] * d.shape[2], 1))
    mean = channel_sums(xp, d) / n
    d = d - mean[:, None]
    var = channel_products(xp, d, d) / n
    scale = 1 / xp.sqrt(var + var.dtype.type(eps))
    d *= (scale if weight is None else scale * weight)[:, None]
    if bias is not None:
        d += bias[:, None]
    return d.reshape(x.shape), mean, var


@standard_channels.vjp_all
def standard_channels_all(xp, g, x, weight, mean, var, eps, need):
    gx, gw, gb = xp.batch_norm_gradients(g[0], x, weight, mean, var, eps, need)
    return gx if need[0] else None, gw if need[1] else None, gb if need[2] else None


@multi(tensors=("x", "at", "weight", "mean", "var"), outputs=("gx", "gw", "gb"), space="rules",
       grad="NativeBatchNormBackward")
def batch_norm_gradients(xp, x, at, weight, mean, var, eps, wanted):
    """The gradients of batch norm in input `at`, weight and bias; x is the incoming gradient."""
    g = x.reshape(*x.shape[:2], count(x.shape[2:]))
    n = x.dtype.type(max(g.shape[0] * g.shape[2], 1))
    r = 1 / xp.sqrt(xp.astype(var, x) + x.dtype.type(eps))
    d = at.reshape(g.shape) - xp.astype(mean, x)[:, None]
    none = xp.zeros(0, x.dtype)
    gw = channel_products(xp, g, d) * r
    gb = channel_sums(xp, g)
    if wanted[0]:
        scale = r if weight is None else r * weight
        d *= (r * gw / n)[:, None]
        d += (gb / n)[:, None]
        xp.subtract(g, d, out=d)
        d *= scale[:, None]
    return d.reshape(at.shape) if wanted[0] else none, gw, gb


@batch_norm_gradients.vjp_all
def batch_norm_gradients_all(xp, g, x, at, weight, eps, wanted):
    channels = x.shape[1]
    shape = (x.shape[0], channels, count(x.shape[2:]))
    line = (1, channels, 1)
    u, v, w = g
    gi, g_at, g_weight = gradient_of_gradients(
        xp, (u.reshape(shape) if wanted[0] else u, v.reshape(line), w.reshape(line)),
        x.reshape(shape), at.reshape(shape), None if weight is None else weight.reshape(line),
        (0, 2), shape[0] * shape[2], eps, (wanted[0], True, True))
    if g_weight is not None:
        g_weight = g_weight.sum(axis=(0, 2))
    return gi.reshape(x.shape), g_at.reshape(at.shape), g_weight, None, None


def along(v, ndim):
    """A vector of one number for each channel, ready to broadcast along dimension 1."""
    return v.reshape((1, -1) + (1,) * (ndim - 2))


@nary(tensors=("x", "weight", "bias", "mean", "var"), space="rules", grad="NativeBatchNorm",
      refuses="batch_norm")
def known_channels(xp, x, weight, bias, mean, var, eps):
    """(x − mean) / √(var + eps) · weight + bias with statistics known before."""
    scale = 1 / xp.sqrt(var + var.dtype.type(eps))
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    y = x * along(xp.astype(scale, x), x.ndim)
    y += along(xp.astype(shift, x), x.ndim)
    return y


def known_channels_x(xp, g, weight, var, eps):
    scale = xp.rsqrt(xp.astype(var, g) + eps)
    return g * along(scale if weight is None else scale * weight, g.ndim)


def known_channels_weight(xp, g, x, mean, var, eps):
    scale = along(xp.rsqrt(xp.astype(var, g) + eps), g.ndim)
    return per_channel(g * ((x - along(xp.astype(mean, g), g.ndim)) * scale))


def per_channel(t):
    """Σ over all dimensions but the channels."""
    return t.sum(axis=tuple(i for i in range(t.ndim) if i != 1))


known_channels.vjp(x=known_channels_x, weight=known_channels_weight, bias=lambda g: per_channel(g))


def check_values(sizes, shown):
    """Raise ValueError where one number would be compared with itself: its variance is 0."""
    n = sizes[0]
    for size in sizes[2:]:
        n *= size
    if n == 1:
        raise ValueError("Expected more than 1 value per channel when training, got input size "
                         f"{shown}")


@standard_channels.public
def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False,
               momentum=0.1, eps=1e-05):
    """(x − μ) / √(σ² + eps) · weight + bias for each channel of (N, C, …).

    Training: μ and σ² are the batch's, and the running statistics move towards them in place by
    `momentum`. Otherwise they are the running ones. Raises ValueError for one value per channel.
    Source: Ioffe and Szegedy, Batch normalization (2015).
    """
    if training:
        check_values(input._data.shape, input.shape)
        if eps <= 0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
        check_both(running_mean, running_var)
    if input._data.shape == (0,):
        return input.clone()
    check_channels(input, running_mean, running_var, weight, bias, training)
    if not training:
        return known_channels(input, weight, bias, running_mean, running_var, eps)
    y, mean, var = standard_channels(input, weight, bias, eps)
    a = input._data
    if not a.size:                      # an empty batch says nothing about the running statistics
        return y
    n = a.size // max(a.shape[1], 1)
    move_towards(running_mean, mean._data, momentum)
    move_towards(running_var, var._data * (n / max(n - 1, 1)), momentum)
    return y


def check_both(running_mean, running_var):
    """Raise ValueError for one running statistic without the other."""
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")


def check_channels(input, running_mean, running_var, weight, bias, training):
    """Raise RuntimeError for statistics or parameters that do not have one number per channel."""
    a = input._data
    channels = a.shape[1] if a.ndim > 1 else 0
    for name, t in (("running_mean", running_mean), ("running_var", running_var)):
        if t is None and not training:
            raise RuntimeError(f"{name} must be defined in evaluation mode: give running "
                               "statistics, or training=True to use those of the batch.")
    for name, t in (("running_mean", running_mean), ("running_var", running_var),
                    ("weight", weight), ("bias", bias)):
        if t is not None and t._data.size != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {t._data.size}: one "
                               f"for each channel of the input {list(a.shape)}")


def move_towards(running, value, momentum):
    """running ← (1 − momentum) · running + momentum · value, in place.

    As in PyTorch the version of `running` does not change: a module may be used twice in a graph.
    """
    if running is None:
        return
    a = running._data
    a[...] = (1 - momentum) * a + momentum * value.astype(a.dtype, copy=False)


@composite(space="nn.functional")
def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None,
                  use_input_stats=True, momentum=0.1, eps=1e-05):
    """(x − μ) / √(σ² + eps) · weight + bias for each channel of each sample of (N, C, …).

    Raises ValueError when a channel holds one number. Source: Ulyanov et al., Instance
    normalization (2016).
    """
    shape = input._data.shape
    if use_input_stats:
        check_spatial(shape)
        check_both(running_mean, running_var)
    elif running_mean is None or running_var is None:
        raise RuntimeError("Expected running_mean and running_var to be defined when "
                           "use_input_stats is false")
    if not use_input_stats:
        return known_channels(input, weight, bias, running_mean, running_var, eps)
    n, channels = shape[:2]
    line = input.reshape(1, n * channels, *shape[2:])
    weight, bias = (None if t is None else t.repeat(n) for t in (weight, bias))
    y, mean, var = standard_channels(line, weight, bias, eps)
    size = count(shape[2:])
    move_towards(running_mean, mean._data.reshape(n, channels).mean(0), momentum)
    spread = var._data.reshape(n, channels).mean(0) * (size / max(size - 1, 1))
    move_towards(running_var, spread, momentum)
    return y.view(*shape)


def check_spatial(shape):
    """Raise ValueError when a channel of a sample holds one number."""
    if count(shape[2:]) == 1:
        raise ValueError("Expected more than 1 spatial element when training, got input size "
                         f"torch.Size({list(shape)})")


# ---- group norm ------------------------------------------------------------------------------


@multi(tensors=("x", "weight", "bias"), outputs=("result", "mean", "var"), name="group_norm",
       space="nn.functional", grad="NativeGroupNorm", refuses="GroupNormKernelImpl")
def standard_groups(xp, x, weight, bias, groups, eps):
    """(x − μ) / √(σ² + eps) · weight + bias, μ and σ² of each group of channels of each sample."""
    n, channels = x.shape[:2]
    length = count(x.shape[2:])
    z, mean, var = centred(xp, x.reshape(n * groups, channels // groups * length))
    scale = 1 / xp.sqrt(var + var.dtype.type(eps))
    if weight is None:
        z *= scale[:, None]
        z = z.reshape(n, channels, length)
    else:
        z = z.reshape(n, channels, length)
        z *= xp.repeat(scale.reshape(n, groups), channels // groups, 1)[..., None] * weight[:, None]
    if bias is not None:
        z += bias[:, None]
    return z.reshape(x.shape), mean, var


@standard_groups.vjp_all
def standard_groups_all(xp, g, x, weight, mean, var, groups, eps, need):
    gx, gw, gb = xp.group_norm_gradients(g[0], x, weight, mean, var, groups, eps, need)
    return gx if need[0] else None, gw if need[1] else None, gb if need[2] else None


@multi(tensors=("x", "at", "weight", "mean", "var"), outputs=("gx", "gw", "gb"), space="rules",
       grad="NativeGroupNormBackward")
def group_norm_gradients(xp, x, at, weight, mean, var, groups, eps, wanted):
    """The gradients of group norm in input `at`, weight and bias; x is the incoming gradient."""
    n, channels = x.shape[:2]
    length = count(x.shape[2:])
    g = x.reshape(n, channels, length)
    r = 1 / xp.sqrt(xp.astype(var, x) + x.dtype.type(eps))
    rows = (n * groups, channels // groups * length)
    z = at.reshape(rows) - xp.astype(mean, x)[:, None]
    z *= r[:, None]
    gw = channel_products(xp, g, z.reshape(g.shape))
    gb = channel_sums(xp, g)
    if not wanted[0]:
        return xp.zeros(0, x.dtype), gw, gb
    h = g if weight is None else g * weight[:, None]
    return row_gradient(xp, h.reshape(rows), z, r).reshape(at.shape), gw, gb


@group_norm_gradients.vjp_all
def group_norm_gradients_all(xp, g, x, at, weight, groups, eps, wanted):
    n, channels = x.shape[:2]
    inside = channels // groups
    length = count(x.shape[2:])
    shape = (n, groups, inside, length)
    line = (1, groups, inside, 1)
    u, v, w = g
    gi, g_at, g_weight = gradient_of_gradients(
        xp, (u.reshape(shape) if wanted[0] else u, v.reshape(line), w.reshape(line)),
        x.reshape(shape), at.reshape(shape), None if weight is None else weight.reshape(line),
        (2, 3), inside * length, eps, (wanted[0], True, True))
    if g_weight is not None:
        g_weight = g_weight.sum(axis=(0, 3)).reshape((channels,))
    return gi.reshape(x.shape), g_at.reshape(at.shape), g_weight, None, None


@standard_groups.public
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05):
    """(x − μ) / √(σ² + eps) · weight + bias for each group of channels of each sample.

    Shapes: input (N, C, …), weight and bias (C), C a multiple of `num_groups`.
    Source: Wu and He, Group normalization (2018).
    """
    shape = input._data.shape
    if len(shape) < 2:
        raise RuntimeError("Expected at least 2 dimensions for input tensor but received "
                           f"{len(shape)}")
    sizes = [shape[0] * shape[1] // num_groups, num_groups, *shape[2:]]
    check_values(sizes, sizes)
    if shape[1] % num_groups:
        raise RuntimeError("Expected number of channels in input to be divisible by num_groups, "
                           f"but got input of shape {list(shape)} and num_groups={num_groups}")
    for what, t in (("weight", weight), ("bias", bias)):
        if t is not None and t._data.shape != shape[1:2]:
            raise RuntimeError(f"Expected {what} to be a vector of size equal to the number of "
                               f"channels in input, but got {what} of shape {list(t._data.shape)} "
                               f"and input of shape {list(shape)}")
    check_parameters(input, weight, bias)
    return standard_groups(input, weight, bias, num_groups, eps)[0]


# ---- norms of vectors ------------------------------------------------------------------------


@composite(space="nn.functional")
def local_response_norm(input, size, alpha=0.0001, beta=0.75, k=1.0):
    """x / (k + alpha · mean of x² over `size` neighbouring channels)^beta; input (N, C, …).

    Source: Krizhevsky et al., ImageNet classification (2012), section 3.3.
    Raises ValueError for fewer than three dimensions.
    """
    shape = input._data.shape
    if len(shape) < 3:
        raise ValueError("Expected 3D or higher dimensionality "
                         f"                         input (got {len(shape)} dimensions)")
    if not input._data.size:
        return input
    squares = input * input
    before, after = (input.new_zeros(shape[0], n, *shape[2:]) for n in (size // 2, (size - 1) // 2))
    padded = cat([before, squares, after], 1)
    total = padded.narrow(1, 0, shape[1])
    for i in range(1, size):
        total = total + padded.narrow(1, i, shape[1])
    mean = total.div(size, rounding_mode=None if input.is_floating_point() else "trunc")
    return input / (mean * alpha + k) ** beta


def cross_map_norm(input, size, alpha, beta, k):
    """`local_response_norm` of images as PyTorch's CrossMapLRN2d computes it."""
    if input.dim() != 4:
        raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
    channels = np.arange(input._data.shape[1])
    apart = channels[:, None] - channels
    half = int((size - 1) / 2 + 1)
    near = (abs(apart) < half) | ((channels == 0) & (apart >= half))
    low = int(size - (size - 1) / 2)
    back = (apart <= low) & (apart > low - size)
    near, back = (wrap(m.astype(input._data.dtype)) for m in (near, back))
    return across_channels(input, near, back, alpha / size, beta, k)


@nary(tensors=("x", "near", "back"), space="rules", grad="CrossMapLRN2d")
def across_channels(xp, x, near, back, alpha, beta, k):
    """x · (k + alpha · near x²)^−beta, where the matrix `near` says which channels count."""
    flat = x.reshape(*x.shape[:2], count(x.shape[2:]))
    return x * ((k + alpha * xp.matmul(near, flat * flat)) ** -beta).reshape(x.shape)


def across_channels_x(xp, g, x, near, back, out, alpha, beta, k):
    """The gradient through x itself, and through the sums: there `back` takes the place of nearᵀ.
    """
    shape = (*x.shape[:2], count(x.shape[2:]))
    flat = x.reshape(shape)
    scale = k + alpha * xp.matmul(near, flat * flat)
    g = g.reshape(shape)
    through = xp.matmul(back, g * out.reshape(shape) / scale)
    return (scale ** -beta * g - 2 * alpha * beta * flat * through).reshape(x.shape)
across_channels.vjp(x=across_channels_x)


@composite(space="nn.functional")
def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """x / max(‖x‖ₚ, eps) along `dim`: vectors of length 1."""
    x = input.float() if input.dtype.itemsize == 2 else input
    length = p_norm(x, p, axes(dim), True)
    y = (x / length.clamp_min(eps).expand_as(x)).to(input.dtype)
    return y if out is None else write_out(normalize.op, out, y, (input,))
