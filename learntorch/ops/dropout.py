"""Switching off parts of a network at random while it trains."""

from learntorch import random, random_streams
from learntorch.core.op import composite
from learntorch.core.tensor import wrap


def mask(input, shape, p, training):
    """`input` times a random mask of `shape`, scaled by 1 / (1 − p) so that the mean stays."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0 or not input._data.size:
        return input
    if p == 1:
        return input * input.new_zeros(())
    a = input._data
    if shape == a.shape:
        noise = random_streams.bernoulli_like(random.default_generator, a, 1 - p)
    else:
        noise = random_streams.bernoulli(random.default_generator, shape, a.dtype, 1 - p)
    noise /= noise.dtype.type(1 - p)
    return input * wrap(noise)


@composite(space="torch nn.functional", method=False)
def dropout(input, p=0.5, training=True, inplace=False):
    """x · m / (1 − p), m = 0 with probability p and 1 otherwise; x itself when not training.

    Source: Srivastava et al., Dropout (2014). Raises ValueError for p outside [0, 1].
    """
    return _finish(input, mask(input, input._data.shape, p, training), inplace)


def _finish(input, result, inplace):
    return input.copy_(result) if inplace and result is not input else result


def _per_channel(input, p, training, inplace, dims, name):
    if input._data.ndim < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    batched = input._data.ndim in dims[1:]
    shape = input._data.shape
    lead = shape[:2] if batched or input._data.ndim not in dims else shape[:1]
    noise = (*lead, *[1] * (len(shape) - len(lead)))
    return _finish(input, mask(input, noise, p, training), inplace)


@composite(space="nn.functional")
def dropout1d(input, p=0.5, training=True, inplace=False):
    """Whole channels of (N, C, L) or (C, L) set to 0 with probability p."""
    return _per_channel(input, p, training, inplace, (2, 3), "dropout1d")


@composite(space="nn.functional")
def dropout2d(input, p=0.5, training=True, inplace=False):
    """Whole channels of (N, C, H, W) or (N, C, L) set to 0 with probability p."""
    return _per_channel(input, p, training, inplace, (2, 3, 4), "dropout2d")


@composite(space="nn.functional")
def dropout3d(input, p=0.5, training=True, inplace=False):
    """Whole channels of (N, C, D, H, W) or (C, D, H, W) set to 0 with probability p."""
    return _per_channel(input, p, training, inplace, (4, 5), "dropout3d")
