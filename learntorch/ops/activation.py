"""The functions between layers: what makes a network more than one matrix."""

from learntorch.core.op import composite, nary, unary


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
    """1 / (1 + e⁻ˣ), as ½ · tanh(x/2) + ½: it cannot overflow."""
    return xp.tanh(x * 0.5) * 0.5 + 0.5
sigmoid.vjp(x=lambda g, out: g * (out * (1 - out)))


@nary(space="nn.functional", inplace=True)
def leaky_relu(xp, x, negative_slope):
    """x for x > 0, negative_slope · x below."""
    return xp.where(x > 0, x, x * negative_slope)
leaky_relu.vjp(x=lambda xp, g, x, negative_slope: g * xp.step(x, negative_slope))


@leaky_relu.public
def leaky_relu_of(input, negative_slope=0.01, inplace=False):
    """x for x > 0, negative_slope · x below; in the input's memory when `inplace`."""
    return (leaky_relu.op.written if inplace else leaky_relu)(input, negative_slope)


@nary(space="rules")
def step(xp, x, low):
    """1 where x > 0, `low` elsewhere."""
    return xp.where(x > 0, 1, low).astype(x.dtype)
step.vjp(x=lambda g: g * 0)


@nary(space="nn.functional", inplace=True)
def elu(xp, x, alpha):
    """x for x > 0, α · (eˣ − 1) below."""
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))
elu.vjp(x=lambda xp, g, x, alpha: g * xp.where(x > 0, 1, alpha * xp.exp(xp.clamp_to(x, None, 0))))


@elu.public
def elu_of(input, alpha=1.0, inplace=False):
    """x for x > 0, α · (eˣ − 1) below; in the input's memory when `inplace`.

    Source: Clevert et al., Exponential linear units (2015).
    """
    return (elu.op.written if inplace else elu)(input, alpha)


@nary(space="nn.functional", refuses="GeluKernelImpl", out=True)
def gelu(xp, x, approximate="none"):
    """x · Φ(x), Φ the normal distribution; "tanh" replaces Φ by a formula with tanh.

    Source: Hendrycks and Gimpel, Gaussian error linear units (2016).
    """
    if approximate == "tanh":
        return 0.5 * x * (1 + xp.tanh(GELU_SCALE * (x + 0.044715 * x * x * x)))
    if approximate != "none":
        raise RuntimeError("approximate argument must be either none or tanh.")
    return x * xp.normal_cdf(x)


GELU_SCALE = 0.7978845608028654         # √(2/π)


def gelu_x(xp, g, x, approximate):
    if approximate == "tanh":
        t = xp.tanh(GELU_SCALE * (x + 0.044715 * x * x * x))
        inner = GELU_SCALE * (1 + 3 * 0.044715 * x * x)
        return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner)
    density = 0.3989422804014327 * xp.exp(-0.5 * x * x)
    return g * (xp.normal_cdf(x) + x * density)
gelu.vjp(x=gelu_x)


@unary(result="float", space="rules", inplace=False, out=False)
def normal_cdf(xp, x):
    """Φ(x) = ½ (1 + erf(x/√2))."""
    from scipy.special import ndtr
    return ndtr(x)
normal_cdf.vjp(x=lambda xp, g, x: g * (0.3989422804014327 * xp.exp(-0.5 * x * x)))


@unary(space="nn.functional", out=False)
def silu(xp, x):
    """x · σ(x), σ the sigmoid."""
    return x * (xp.tanh(x * 0.5) * 0.5 + 0.5)


def silu_x(xp, g, x):
    s = xp.sigmoid(x)
    return g * (s * (1 + x * (1 - s)))
silu.vjp(x=silu_x)


@silu.public
def silu_of(input, inplace=False):
    """x · σ(x), σ the sigmoid; in the input's memory when `inplace`.

    Source: Ramachandran et al., Searching for activation functions (2017).
    """
    return (silu.op.written if inplace else silu)(input)


@nary(space="nn.functional", out=True)
def softplus(xp, x, beta=1, threshold=20):
    """ln(1 + e^{βx}) / β; x itself above `threshold` / β."""
    z = x * beta
    return xp.where(z > threshold, x, xp.log1p(xp.exp(xp.minimum(z, threshold))) / beta)


def softplus_x(xp, g, x, beta, threshold):
    return g * xp.where(x * beta > threshold, xp.ones_like(x), xp.sigmoid(x * beta))
softplus.vjp(x=softplus_x)


@unary(result="float", space="nn.functional special", name="logsigmoid", grad="LogSigmoid",
       inplace=False, out=False)
def logsigmoid(xp, x):
    """ln σ(x) = min(x, 0) − ln(1 + e^{−|x|})."""
    return xp.minimum(x, 0) - xp.log1p(xp.exp(-xp.abs(x)))
logsigmoid.vjp(x=lambda xp, g, x: g * xp.sigmoid(-x))


@nary(space="nn.functional", inplace=True)
def hardtanh(xp, x, min_val, max_val):
    """x limited to [min_val, max_val]."""
    return xp.clip(x, min_val, max_val)
hardtanh.vjp(x=lambda xp, g, x, min_val, max_val: g * xp.strictly_within(x, min_val, max_val))


@hardtanh.public
def hardtanh_of(input, min_val=-1.0, max_val=1.0, inplace=False):
    """x limited to [min_val, max_val]; in the input's memory when `inplace`."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return (hardtanh.op.written if inplace else hardtanh)(input, min_val, max_val)


@nary(space="rules")
def strictly_within(x, min, max):
    """1 where min < x < max, else 0."""
    return ((x > min) & (x < max)).astype(x.dtype)
strictly_within.vjp(x=lambda g: g * 0)


@composite(space="nn.functional")
def relu6(input, inplace=False):
    """min(max(x, 0), 6)."""
    return hardtanh_of(input, 0.0, 6.0, inplace)


@composite(space="nn.functional")
def tanhshrink(input):
    """x − tanh x."""
    return input - input.tanh()


@composite(space="nn.functional")
def softsign(input):
    """x / (1 + |x|)."""
    return input / (1 + input.abs())


# ---- softmax --------------------------------------------------------------------------------


@nary(space="torch nn.functional special", name="softmax", out=True, grad="Softmax",
      refuses="softmax_lastdim_kernel_impl")
def normalised_exp(xp, x, dim):
    """eˣ / Σ eˣ along `dim`, shifted by the maximum so that eˣ cannot overflow."""
    if not x.size:
        return x.copy()
    z = xp.exp(x - xp.maximum.reduce(x, axis=dim, keepdims=True))
    z /= xp.add.reduce(z, axis=dim, keepdims=True)
    return z
normalised_exp.vjp(x=lambda g, out, dim: out * (g - (g * out).sum(axis=dim, keepdims=True)))


@nary(space="torch nn.functional special", name="log_softmax", out=True, grad="LogSoftmax",
      refuses="log_softmax_lastdim_kernel_impl")
def log_normalised_exp(xp, x, dim):
    """x − ln Σ eˣ along `dim`, shifted by the maximum so that eˣ cannot overflow."""
    if not x.size:
        return x.copy()
    z = x - xp.maximum.reduce(x, axis=dim, keepdims=True)
    return z - xp.log(xp.add.reduce(xp.exp(z), axis=dim, keepdims=True))
log_normalised_exp.vjp(x=lambda xp, g, out, dim: g - xp.exp(out) * g.sum(axis=dim, keepdims=True))


def _chosen_dim(name, dim, ndim):
    """The dimension of softmax when nobody says one: PyTorch's old guess, with its warning."""
    if dim is not None:
        return dim
    import warnings
    warnings.warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to "
                  "include dim=X as an argument.", UserWarning, stacklevel=4)
    return 0 if ndim in (0, 1, 3) else 1


@normalised_exp.public
def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """eˣⁱ / Σⱼ eˣʲ along `dim`: positive numbers that sum to 1. Same shape as the input."""
    if dtype is not None:
        input = input.to(dtype)
    return normalised_exp(input, _chosen_dim("softmax", dim, input._data.ndim))


@log_normalised_exp.public
def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """xᵢ − ln Σⱼ eˣʲ along `dim`: the logarithm of softmax, computed safely. Same shape."""
    if dtype is not None:
        input = input.to(dtype)
    return log_normalised_exp(input, _chosen_dim("log_softmax", dim, input._data.ndim))


@composite(space="nn.functional")
def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """Softmax of −x."""
    return softmax(-input, dim, dtype=dtype)


