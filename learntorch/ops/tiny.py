"""Depthwise convolutions of tiny pictures: one matrix for each channel.

A convolution is linear: what it makes of a picture of P places is a matrix (P, Q) times the P
numbers. It is mostly zeros, but where P is small, one product with all images is faster than
gathering windows. The matrix is itself linear in the kernel, M[p, q] = Σ_k w[k] · meeting[k, p, q],
so input, kernel and output take equal parts, and each gradient is such a product again.
"""

from functools import lru_cache
from math import prod

ENTRIES = 1 << 12       # of a channel's matrix, at most
IMAGES = 10             # at least one for every so many places of the picture


def fits(xp, shape, size, weight, dtype, *numbers):
    """Whether this way is the fastest, and safe: 0 · ∞ would spread over the picture, as NaN."""
    if weight[1] != 1 or weight[0] != shape[1] or dtype.char not in "fdFD":
        return False
    places = prod(shape[2:])
    return (places * prod(size) <= ENTRIES and 0 < places <= IMAGES * shape[0]
            and all(xp.isfinite(xp.add.reduce(a, axis=None)) for a in numbers))


@lru_cache(maxsize=32)
def meeting(xp, dtype, shape, kernel, size, stride, padding, dilation):
    """(k, p · q): 1 where place k of the kernel lies on place p of the picture for output q."""
    table = xp.ones((1, 1, 1), dtype)
    for n, k, m, s, (low, _), d in zip(shape, kernel, size, stride, padding, dilation, strict=True):
        lies = xp.arange(k)[:, None, None] * d + xp.arange(m) * s - low
        line = (lies == xp.arange(n)[:, None]).astype(dtype)
        table = (table[:, None, :, None, :, None] * line[:, None, :, None]).reshape(
            len(table) * k, table.shape[1] * n, table.shape[2] * m)
    return table.reshape(len(table), -1)


def by_channel(x):
    """(n, c, …) → (c, n, places), a view."""
    return x.reshape(*x.shape[:2], prod(x.shape[2:])).swapaxes(0, 1)


def matrices(xp, weight, shape, size, how):
    """The matrix of every channel: (c, p, q)."""
    table = meeting(xp, weight.dtype, shape[2:], weight.shape[2:], size, *how)
    w = weight.reshape(len(weight), prod(weight.shape[2:]))
    return xp.matmul(w, table).reshape(len(weight), prod(shape[2:]), prod(size))


def forward(xp, x, weight, bias, size, *how):
    """`conv_forward`, depthwise; how: stride, padding, dilation."""
    y = xp.empty((*x.shape[:2], *size), x.dtype)
    xp.matmul(by_channel(x), matrices(xp, weight, x.shape, size, how), out=by_channel(y))
    return y if bias is None else y + bias.reshape(bias.size, *(1,) * len(size))


def to_input(xp, x, weight, bias, shape, *how):
    """`conv_to_input`, depthwise."""
    y = xp.empty(shape, x.dtype)
    turned = matrices(xp, weight, shape, x.shape[2:], how).swapaxes(1, 2)
    xp.matmul(by_channel(x), turned, out=by_channel(y))
    return y if bias is None else y + bias.reshape(bias.size, *(1,) * (len(shape) - 2))


def to_weight(xp, x, y, shape, *how):
    """`conv_to_weight`, depthwise."""
    pairs = xp.matmul(by_channel(x).swapaxes(1, 2), by_channel(y))
    table = meeting(xp, x.dtype, x.shape[2:], shape[2:], y.shape[2:], *how)
    return xp.matmul(pairs.reshape(shape[0], -1), table.swapaxes(0, 1)).reshape(shape)
