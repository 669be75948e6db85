"""Switching off parts of a network at random while it trains."""

import math

import numpy as np

from learntorch import random, random_streams
from learntorch.core.dtypes import said
from learntorch.core.op import composite, nary
from learntorch.core.tensor import wrap
from learntorch.core.warned import warn

# The value that alpha dropout puts where selu's output is switched off: −λα of selu.
SELU_FLOOR = 1.7580993408473766


def check_probability(p):
    """Raise ValueError for a p that is no probability."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def kept(input, shape, p, dtype):
    """Random numbers of `shape`, laid out as the input: 0 with probability p, else 1."""
    a = input._data
    if shape == a.shape:
        return random_streams.bernoulli_like(random.default_generator, a, 1 - p, dtype)
    return random_streams.bernoulli(random.default_generator, shape, dtype, 1 - p)


def idle(input, p, training):
    """Whether there is nothing to do."""
    return not training or p == 0 or not input._data.size


@nary(tensors=("x", "mask"), space="rules", grad="Mul")
def switched(x, mask, scale):
    """x · scale where `mask` is True, 0 elsewhere. The mask is kept as bool: a byte a number."""
    return x * (mask * x.dtype.type(scale))
switched.vjp(x=lambda xp, g, mask, scale: xp.switched(g, mask, scale))


def mask(input, shape, p, training):
    """`input` times a random mask of `shape`, scaled by 1 / (1 − p) so that the mean stays."""
    check_probability(p)
    if idle(input, p, training):
        return input
    if p == 1:
        return input * input.new_zeros(())
    number = input._data.dtype.type
    if input._data.dtype.kind in "biu":
        raise RuntimeError("result type Float can't be cast to the desired output type "
                           f"{said(input._data.dtype)}. Dropout scales what it leaves by 1 / "
                           "(1 − p): give it floating-point numbers.")
    wide = np.float32 if input._data.dtype.itemsize == 2 else number
    scale = number(wide(1) / wide(1 - p))
    return switched(input, wrap(kept(input, shape, p, bool)), scale)


def alpha_mask(input, shape, p, training):
    """a · (x where kept, selu's lowest value where not) + b: mean 0 and variance 1 stay."""
    check_probability(p)
    if idle(input, p, training):
        return input
    if p == 1:
        return input * input.new_zeros(())
    noise = kept(input, shape, p, input._data.dtype)
    number = noise.dtype.type
    a = 1 / math.sqrt((SELU_FLOOR * SELU_FLOOR * p + 1) * (1 - p))
    shift = (noise - number(1)) * number(SELU_FLOOR * a) + number(SELU_FLOOR * a * p)
    noise *= number(a)
    return input * wrap(noise) + wrap(shift)


def finish(input, result, inplace):
    """The result, written into the input's memory when `inplace`."""
    return input.copy_(result) if inplace and result is not input else result


@composite(space="nn.functional")
def dropout(input, p=0.5, training=True, inplace=False):
    """x · m / (1 − p), m = 0 with probability p and 1 otherwise; x itself when not training.

    Source: Srivastava et al., Dropout (2014). Raises ValueError for p outside [0, 1].
    Shapes: any; the result has that of the input.
    """
    return finish(input, mask(input, input._data.shape, p, training), inplace)


@composite(space="nn.functional")
def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Dropout for selu networks: what is switched off gets selu's lowest value, not 0.

    Source: Klambauer et al., Self-normalizing neural networks (2017).
    Shapes: any; the result has that of the input. Raises ValueError for p outside [0, 1].
    """
    return finish(input, alpha_mask(input, input._data.shape, p, training), inplace)


def channels(shape, lead):
    """The shape of a mask with one number for each of the first `lead` dimensions."""
    return (*shape[:lead], *[1] * (len(shape) - lead))


@composite(space="nn.functional")
def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Alpha dropout of whole channels of (N, C, …).

    The shape stays. Raises ValueError for p outside [0, 1], RuntimeError for fewer than two
    dimensions.
    """
    check_probability(p)
    shape = input._data.shape
    if len(shape) < 2 and not idle(input, p, training) and p != 1:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return finish(input, alpha_mask(input, channels(shape, 2), p, training), inplace)


def warn_dimensions(name, ndim, spatial, sizes):
    """PyTorch's warning for an input with a number of dimensions that it may not be meant for."""
    warn(f"{name}: Received a {ndim}-D input to {name}, which is deprecated and will "
         "result in an error in a future release. To retain the behavior and silence this "
         f"warning, please use dropout instead. Note that {name} exists to provide "
         f"channel-wise dropout on inputs with {spatial} spatial dimensions, a channel "
         f"dimension, and an optional batch dimension (i.e. {sizes} inputs).")


def per_channel(input, p, training, inplace, batched):
    """Whole channels switched off; `batched` says whether dimension 0 counts samples."""
    check_probability(p)
    shape = input._data.shape
    if len(shape) < (2 if batched else 1) and not idle(input, p, training) and p != 1:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    noise = channels(shape, 2 if batched else 1)
    return finish(input, mask(input, noise, p, training), inplace)


@composite(space="nn.functional")
def dropout1d(input, p=0.5, training=True, inplace=False):
    """Whole channels of (N, C, L) or (C, L) set to 0 with probability p.

    The shape stays. Raises ValueError for p outside [0, 1], RuntimeError for other dimensions.
    """
    check_probability(p)
    ndim = input._data.ndim
    if ndim not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. "
                           "Note that dropout1d exists to provide channel-wise dropout on inputs "
                           "with 1 spatial dimension, a channel dimension, and an optional batch "
                           "dimension (i.e. 2D or 3D inputs).")
    return per_channel(input, p, training, inplace, ndim == 3)


@composite(space="nn.functional")
def dropout2d(input, p=0.5, training=True, inplace=False):
    """Whole channels of (N, C, H, W) or (N, C, L) set to 0 with probability p.

    The shape stays. Raises ValueError for p outside [0, 1], RuntimeError for fewer than two
    dimensions.
    """
    check_probability(p)
    ndim = input._data.ndim
    if ndim not in (3, 4):
        warn_dimensions("dropout2d", ndim, 2, "3D or 4D")
    if ndim == 3:
        warn("dropout2d: Received a 3D input to dropout2d and assuming that channel-wise "
             "1D dropout behavior is desired - input is interpreted as shape (N, C, L), "
             "where C is the channel dim. This behavior will change in a future release "
             "to interpret the input as one without a batch dimension, i.e. shape (C, H, "
             "W). To maintain the 1D channel-wise dropout behavior, please switch to "
             "using dropout1d instead.")
    return per_channel(input, p, training, inplace, True)


@composite(space="nn.functional")
def dropout3d(input, p=0.5, training=True, inplace=False):
    """Whole channels of (N, C, D, H, W) or (C, D, H, W) set to 0 with probability p.

    The shape stays. Raises ValueError for p outside [0, 1], RuntimeError for fewer than two
    dimensions.
    """
    check_probability(p)
    ndim = input._data.ndim
    if ndim not in (4, 5):
        warn_dimensions("dropout3d", ndim, 3, "4D or 5D")
    return per_channel(input, p, training, inplace, ndim == 5)
