"""The functions between layers: what makes a network more than one matrix."""

import numpy as np

from learntorch import random
from learntorch.core.dtypes import said
from learntorch.core.op import composite, nary, unary
from learntorch.core.shapes import wrap_dim
from learntorch.core.tensor import wrap
from learntorch.ops.gelu import in_blocks


@unary
def relu(xp, x):
    """max(x, 0)."""
    return xp.maximum(x, x.dtype.type(0))
relu.vjp(x=lambda xp, g, out: g * xp.is_positive(out))


@nary(space="rules", result=None)
def is_positive(x):
    """Whether x > 0: the slope of relu."""
    return x > 0
is_positive.vjp(x=lambda xp, g, x_shape: xp.zeros_like(g))


@unary(result="float", space="torch special")
def sigmoid(xp, x):
    """1 / (1 + e⁻ˣ); where e⁻ˣ overflows the result is 0, as it should be."""
    return 1 / (1 + xp.exp(-x))
sigmoid.vjp(x=lambda g, out: g * (out * (1 - out)))


@nary(space="nn.functional", inplace=True, refuses="leaky_relu_cpu")
def leaky_relu(xp, x, negative_slope):
    """x for x > 0, negative_slope · x below."""
    y = xp.minimum(x, 0)
    y *= negative_slope
    y += xp.maximum(x, 0)
    return y
leaky_relu.vjp(x=lambda xp, g, x, negative_slope: g * xp.step(x, negative_slope))


@leaky_relu.public
def leaky_relu_of(input, negative_slope=0.01, inplace=False):
    """x for x > 0, negative_slope · x below; in the input's memory when `inplace`.

    Shapes: any; the result has that of the input.
    """
    return (leaky_relu.op.written if inplace else leaky_relu)(input, negative_slope)


@nary(space="rules")
def step(xp, x, low):
    """1 where x > 0, `low` elsewhere."""
    y = (x > 0).astype(x.dtype)
    y *= 1 - low
    y += low
    return y
step.vjp(x=lambda g: g * 0)


@nary(space="nn.functional", inplace=True, refuses="elu_cpu")
def elu(xp, x, alpha):
    """x for x > 0, α · (eˣ − 1) below."""
    return bent(xp, x, 1, alpha, 1)


def bent(xp, x, slope, depth, scale):
    """slope · x for x > 0, depth · (e^{scale · x} − 1) below.

    eᶻ − 1 = 2t / (1 − t), t = tanh(z/2): as exact near 0 as expm1, and much faster in NumPy.
    """
    def block(xp, x):
        t = xp.minimum(x, 0)
        t *= 0.5 * scale
        xp.tanh(t, out=t)
        t /= 1 - t
        t *= 2 * depth
        above = xp.maximum(x, 0)
        above *= slope
        t += above
        return t
    return in_blocks(xp, block, x)


def bent_slope(xp, x, slope, depth, scale):
    """The derivative of `bent`; depth · scale is the slope just below 0."""
    return xp.exp(xp.clamp_to(x, None, 0) * scale) * (xp.step(x, depth * scale / slope) * slope)
elu.vjp(x=lambda xp, g, x, alpha: g * bent_slope(xp, x, 1, alpha, 1))


@elu.public
def elu_of(input, alpha=1.0, inplace=False):
    """x for x > 0, α · (eˣ − 1) below; in the input's memory when `inplace`.

    Source: Clevert et al., Exponential linear units (2015).
    Shapes: any; the result has that of the input.
    """
    return (elu.op.written if inplace else elu)(input, alpha)


@nary(space="nn.functional", inplace=True, refuses="silu_cpu")
def silu(xp, x):
    """x · σ(x), σ the sigmoid."""
    return x / (1 + xp.exp(-x))


def silu_x(xp, g, x):
    s = xp.sigmoid(x)
    return g * (s * (1 + x * (1 - s)))
silu.vjp(x=silu_x)


@silu.public
def silu_of(input, inplace=False):
    """x · σ(x), σ the sigmoid; in the input's memory when `inplace`.

    Source: Ramachandran et al., Searching for activation functions (2017).
    Shapes: any; the result has that of the input.
    """
    return (silu.op.written if inplace else silu)(input)


@nary(space="nn.functional", out="found", refuses="softplus_cpu")
def softplus(xp, x, beta=1, threshold=20):
    """ln(1 + e^{βx}) / β; x itself above `threshold` / β.

    Shapes: any; the result has that of the input.
    """
    z = x * beta
    return xp.where(z > threshold, x, xp.log1p(xp.exp(xp.minimum(z, threshold))) / beta)


def softplus_x(xp, g, x, beta, threshold):
    return g * xp.where(x * beta > threshold, xp.ones_like(x), xp.sigmoid(x * beta))
softplus.vjp(x=softplus_x)


@nary(space="nn.functional special", name="logsigmoid", grad="LogSigmoid",
      refuses="log_sigmoid_cpu",
      out="expected scalar type {Want} but found {Got}")
def logsigmoid(xp, x):
    """ln σ(x) = min(x, 0) − ln(1 + e^{−|x|}).

    Shapes: any; the result has that of the input.
    """
    return xp.minimum(x, 0) - xp.log1p(xp.exp(-xp.abs(x)))
logsigmoid.vjp(x=lambda xp, g, x: g * xp.sigmoid(-x))


@nary(space="nn.functional", inplace=True)
def hardtanh(xp, x, min_val, max_val):
    """x limited to [min_val, max_val]."""
    return xp.clip(x, min_val, max_val)
hardtanh.vjp(x=lambda xp, g, out, min_val, max_val:
             g * xp.strictly_within(out, min_val, max_val))


@hardtanh.public
def hardtanh_of(input, min_val=-1.0, max_val=1.0, inplace=False):
    """x limited to [min_val, max_val]; in the input's memory when `inplace`.

    Shapes: any; the result has that of the input. Raises ValueError for min_val > max_val,
    RuntimeError for bools and for unsigned numbers with a negative limit, NotImplementedError
    for complex ones.
    """
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    refuse_limits(input._data.dtype, min_val)
    return (hardtanh.op.written if inplace else hardtanh)(input, min_val, max_val)


def refuse_limits(d, low):
    """Raise for a dtype that cannot be limited from below: bool, complex, unsigned by a number < 0.
    """
    if d.kind == "b":
        raise RuntimeError("Bool inputs not supported for hardtanh: call .float() first.")
    if d.kind == "c":
        raise NotImplementedError("clamp is not supported for complex types: they have no order.")
    if d.kind == "u" and low < 0:
        raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")


@nary(space="rules", result="mask")
def strictly_within(x, min, max):
    """1 where min < x < max, else 0."""
    return (x > min) & (x < max)
strictly_within.vjp(x=lambda g: g * 0)


@composite(space="nn.functional")
def relu6(input, inplace=False):
    """min(max(x, 0), 6).

    Shapes: any; the result has that of the input.
    """
    return hardtanh_of(input, 0.0, 6.0, inplace)


@composite(space="nn.functional")
def tanhshrink(input):
    """x − tanh x.

    Shapes: any; the result has that of the input.
    """
    return input - input.tanh()


@composite(space="nn.functional")
def softsign(input):
    """x / (1 + |x|).

    Shapes: any; the result has that of the input.
    """
    return input / (1 + input.abs())


# ---- bent exponentials -------------------------------------------------------------------------


@nary(space="torch nn.functional", method=False, inplace=True, refuses="elu_cpu")
def celu(xp, x, alpha):
    """x for x > 0, α · (e^{x/α} − 1) below: smooth for every α."""
    return bent(xp, x, 1, alpha, 1 / alpha)
celu.vjp(x=lambda xp, g, x, alpha: g * bent_slope(xp, x, 1, alpha, 1 / alpha))


@celu.public
def celu_of(input, alpha=1.0, inplace=False):
    """x for x > 0, α · (e^{x/α} − 1) below; in the input's memory when `inplace`.

    Source: Barron, Continuously differentiable exponential linear units (2017).
    Shapes: any; the result has that of the input. Raises RuntimeError for alpha = 0.
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return (celu.op.written if inplace else celu)(input, alpha)


SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@nary(space="torch nn.functional", method=False, inplace=True, grad="Elu", refuses="elu_cpu")
def selu(xp, x):
    """λ · (x for x > 0, α · (eˣ − 1) below): keeps mean 0 and variance 1 through layers."""
    return bent(xp, x, SELU_SCALE, SELU_SCALE * SELU_ALPHA, 1)
selu.vjp(x=lambda xp, g, x: g * bent_slope(
    xp, x, SELU_SCALE, SELU_SCALE * SELU_ALPHA, 1))


@selu.public
def selu_of(input, inplace=False):
    """λ · (x for x > 0, α · (eˣ − 1) below); in the input's memory when `inplace`.

    Source: Klambauer et al., Self-normalizing neural networks (2017).
    Shapes: any; the result has that of the input.
    """
    return (selu.op.written if inplace else selu)(input)


@nary(space="nn.functional", inplace=True, refuses="mish_cpu")
def mish(xp, x):
    """x · tanh(ln(1 + eˣ))."""
    return x * xp.tanh_softplus(x)


def mish_x(xp, g, x):
    t = xp.tanh_softplus(x)
    return g * (t + x * xp.sigmoid(x) * (1 - t * t))
mish.vjp(x=mish_x)


@unary(space="rules", inplace=False, out=False)
def tanh_softplus(xp, x):
    """tanh ln(1 + e), e = eˣ, as n / (n + 2), n = e (e + 2): no logarithm, no tanh."""
    e = xp.exp(xp.minimum(x, 40))           # from 20 on the quotient is 1; e² must not overflow
    n = e * (e + 2)
    return n / (n + 2)
tanh_softplus.vjp(x=lambda xp, g, x, out: g * ((1 - out * out) * xp.sigmoid(x)))


@mish.public
def mish_of(input, inplace=False):
    """x · tanh(ln(1 + eˣ)); in the input's memory when `inplace`.

    Source: Misra, Mish: a self regularized non-monotonic activation function (2019).
    Shapes: any; the result has that of the input.
    """
    return (mish.op.written if inplace else mish)(input)


# ---- straight pieces ---------------------------------------------------------------------------


@nary(space="nn.functional", inplace=True, refuses="hardsigmoid_cpu")
def hardsigmoid(xp, x):
    """min(max(x + 3, 0), 6) / 6: a sigmoid of three straight lines."""
    return xp.clip(x + 3, 0, 6) / 6
hardsigmoid.vjp(x=lambda xp, g, x: g * (xp.strictly_within(x, -3, 3) / 6))


@hardsigmoid.public
def hardsigmoid_of(input, inplace=False):
    """min(max(x + 3, 0), 6) / 6; in the input's memory when `inplace`.

    Shapes: any; the result has that of the input.
    """
    return (hardsigmoid.op.written if inplace else hardsigmoid)(input)


@nary(space="nn.functional", inplace=True, refuses="hardswish_cpu")
def hardswish(xp, x):
    """x · min(max(x + 3, 0), 6) / 6."""
    return x * xp.clip(x + 3, 0, 6) / 6
hardswish.vjp(x=lambda xp, g, x: g * (xp.strictly_within(x, -3, 3) * (x / 3 + 0.5) + (x >= 3)))


@hardswish.public
def hardswish_of(input, inplace=False):
    """x · min(max(x + 3, 0), 6) / 6; in the input's memory when `inplace`.

    Source: Howard et al., Searching for MobileNetV3 (2019).
    Shapes: any; the result has that of the input.
    """
    return (hardswish.op.written if inplace else hardswish)(input)


@nary(space="torch nn.functional", out="found", refuses="hardshrink_cpu")
def hardshrink(xp, x, lambd=0.5):
    """x where |x| > lambd, else 0.

    Shapes: any; the result has that of the input.
    """
    return x * ~((x >= -lambd) & (x <= lambd))
hardshrink.vjp(x=lambda g, x, lambd: g * ((x > lambd) | (x < -lambd)))


@nary(space="nn.functional", out="found", refuses="softshrink_check")
def softshrink(xp, x, lambd=0.5):
    """x pulled towards 0 by lambd, and 0 where it would cross.

    Shapes: any; the result has that of the input. Raises RuntimeError for a negative lambd.
    """
    top = xp.finfo(x.dtype).max
    if not 0 <= lambd <= top:
        raise RuntimeError(f"lambda must be in range [0, {top:g}] for input dtype "
                           f"{said(x.dtype)}, but found {lambd:g}")
    return x - xp.clip(x, -lambd, lambd)
softshrink.vjp(x=lambda g, x, lambd: g * ((x > lambd) | (x < -lambd)))


@nary(space="torch nn.functional", method=False, inplace=True)
def threshold(xp, x, threshold, value):
    """x where x > threshold, else `value`."""
    return xp.where(x <= threshold, value, x)
threshold.vjp(x=lambda g, x, threshold: g * (x > threshold))


@threshold.public
def threshold_of(input, threshold, value, inplace=False):
    """x where x > threshold, else `value`; in the input's memory when `inplace`.

    Shapes: any; the result has that of the input.
    """
    return (_threshold.op.written if inplace else _threshold)(input, threshold, value)


_threshold = threshold


@composite(space="nn.functional")
def glu(input, dim=-1):
    """a · σ(b), a and b the two halves of the input along `dim`.

    Raises RuntimeError for an odd size. Source: Dauphin et al., Gated convolutions (2017).
    """
    if input._data.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    dim = wrap_dim(dim, input._data.ndim)
    if input._data.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size "
                           f"{input._data.shape[dim]}")
    return gated(input, dim)


@nary(space="rules", grad="Glu", refuses="glu_cpu")
def gated(xp, x, dim):
    """a · σ(b), a and b the two halves of x along `dim`."""
    a, b = halves(x, dim)
    return a / (1 + xp.exp(-b))


def halves(x, dim):
    """The first and the second half of x along `dim`."""
    n = x.shape[dim] // 2
    before = (slice(None),) * dim
    return x[(*before, slice(0, n))], x[(*before, slice(n, 2 * n))]


def gated_x(xp, g, x, dim):
    a, b = halves(x, dim)
    s = xp.sigmoid(b)
    gs = g * s
    return xp.concatenate([gs, gs * a * (1 - s)], dim)
gated.vjp(x=gated_x)


# ---- leaks -------------------------------------------------------------------------------------


@composite(space="torch nn.functional")
def prelu(input, weight):
    """x for x > 0, weight · x below: a learnt slope, one for all or one for each channel.

    Source: He et al., Delving deep into rectifiers (2015).
    Shapes: any with one dimension at least; weight of one element, or of as many as dimension 1
    has. Raises RuntimeError for another weight, or one of another dtype.
    """
    x, w = input._data, weight._data
    if w.dtype is not x.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {said(input.dtype)} and "
                           f"{said(weight.dtype)}")
    if w.size != 1:
        if x.ndim == 0:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = x.shape[1] if x.ndim > 1 else 1
        if w.size != channels:
            raise RuntimeError("Mismatch of parameter numbers and input channel size. Found "
                               f"parameter numbers = {w.size} and channel size = {channels}.")
    if w.ndim > 1:
        raise RuntimeError("prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = "
                           f"{w.ndim}")
    if x.ndim == 0:
        return leak(input, weight.reshape(()))
    shape = [-1 if i == 1 else 1 for i in range(x.ndim)] if x.ndim > 1 else [1]
    return leak(input, weight.reshape(shape))


@nary(tensors=("x", "y"), space="rules", grad="PreluKernel", refuses="prelu_cpu")
def leak(xp, x, y):
    """x for x > 0, y · x below."""
    return xp.where(x > 0, x, y * x)
leak.vjp(x=lambda xp, g, x, y: g * xp.where(x > 0, xp.ones_like(y), y),
         y=lambda xp, g, x: g * xp.clamp_to(x, None, 0))


@composite(space="torch nn.functional", method=False, inplace=True, grad="RreluWithNoise")
def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """x for x > 0, a · x below; a is random in [lower, upper] in training, else their mean.

    Source: Xu et al., Empirical evaluation of rectified activations (2015).
    Shapes: any; the result has that of the input. Raises RuntimeError for lower > upper.
    """
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if inplace:
        return rrelu.op.written(input, lower, upper, training)
    if not training:
        slope = (lower + upper) / 2
        return leaky_relu_of(input, slope)
    a = input._data
    slopes = np.ones(a.shape, a.dtype)
    low = a <= 0
    drawn = random.default_generator.uniform53(int(low.sum()))
    first, last = (float(a.dtype.type(bound)) for bound in (lower, upper))
    slopes[low] = drawn * (last - first) + first
    return sloped(input, wrap(slopes))


@nary(tensors=("x", "slopes"), space="rules", grad="RreluWithNoise")
def sloped(x, slopes):
    """x times the slope drawn for it."""
    return x * slopes
sloped.vjp(x=lambda g, slopes: g * slopes)
