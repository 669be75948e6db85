"""One number in, one number out: exponentials, logarithms, trigonometry, rounding, signs."""

from learntorch.core.op import composite, nary, unary
from learntorch.core.tensor import Tensor


@unary(ufunc="negative", aliases=("negative",), out="found")
def neg(x):
    """−x."""
    return -x
neg.vjp(x=lambda g: -g)


@unary(inplace=False, out=False)
def positive(xp, x):
    """+x.

    Raises RuntimeError for bool tensors.
    """
    if x.dtype == bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return x
positive.vjp(x=lambda g: g)


@unary(ufunc="exp", result="float")
def exp(xp, x):
    """eˣ."""
    return xp.exp(x)
exp.vjp(x=lambda g, out: g * out)


@unary(ufunc="exp2", space="torch special", result="float")
def exp2(xp, x):
    """2ˣ."""
    return xp.exp2(x)
exp2.vjp(x=lambda g, out: g * (out * 0.6931471805599453))


@unary(ufunc="expm1", space="torch special", result="float")
def expm1(xp, x):
    """eˣ − 1, exact for small x."""
    return xp.expm1(x)
expm1.vjp(x=lambda g, out: g * (out + 1))


@unary(ufunc="log", result="float")
def log(xp, x):
    """ln x, −∞ at 0 and NaN below."""
    return xp.log(x)
log.vjp(x=lambda g, x: g / x)


@unary(ufunc="log2", result="float")
def log2(xp, x):
    """log₂ x."""
    return xp.log2(x)
log2.vjp(x=lambda g, x: g / (x * 0.6931471805599453))


@unary(ufunc="log10", result="float")
def log10(xp, x):
    """log₁₀ x."""
    return xp.log10(x)
log10.vjp(x=lambda g, x: g / (x * 2.302585092994046))


@unary(ufunc="log1p", space="torch special", result="float")
def log1p(xp, x):
    """ln(1 + x), exact for small x."""
    return xp.log1p(x)
log1p.vjp(x=lambda g, x: g / (x + 1))


@unary(ufunc="sqrt", result="float")
def sqrt(xp, x):
    """√x."""
    return xp.sqrt(x)
sqrt.vjp(x=lambda g, out: g / (2 * out))


@unary(result="float")
def rsqrt(xp, x):
    """1 / √x."""
    return 1 / xp.sqrt(x)
rsqrt.vjp(x=lambda g, out: g * (-0.5 * out * out * out))


@unary(result="float")
def reciprocal(x):
    """1 / x."""
    return 1 / x
reciprocal.vjp(x=lambda g, out: -g * (out * out))


@unary(result=None, grad="PowBackward0")
def square(xp, x):
    """x²."""
    return x * x if x.dtype != bool else x.astype(xp.int64)
square.vjp(x=lambda g, x: g * (2 * x))


# ---- trigonometry ---------------------------------------------------------------------------


@unary(ufunc="sin", result="float")
def sin(xp, x):
    """sin x, x in radians."""
    return xp.sin(x)
sin.vjp(x=lambda xp, g, x: g * xp.cos(x))


@unary(ufunc="cos", result="float")
def cos(xp, x):
    """cos x, x in radians."""
    return xp.cos(x)
cos.vjp(x=lambda xp, g, x: -g * xp.sin(x))


@unary(ufunc="tan", result="float")
def tan(xp, x):
    """tan x, x in radians."""
    return xp.tan(x)
tan.vjp(x=lambda g, out: g * (1 + out * out))


@unary(ufunc="arcsin", result="float", aliases=("arcsin",))
def asin(xp, x):
    """The angle in [−π/2, π/2] whose sine is x."""
    return xp.arcsin(x)
asin.vjp(x=lambda xp, g, x: g * xp.rsqrt(1 - x * x))


@unary(ufunc="arccos", result="float", aliases=("arccos",))
def acos(xp, x):
    """The angle in [0, π] whose cosine is x."""
    return xp.arccos(x)
acos.vjp(x=lambda xp, g, x: -g * xp.rsqrt(1 - x * x))


@unary(ufunc="arctan", result="float", aliases=("arctan",))
def atan(xp, x):
    """The angle in [−π/2, π/2] whose tangent is x."""
    return xp.arctan(x)
atan.vjp(x=lambda g, x: g / (x * x + 1))


@unary(ufunc="sinh", result="float")
def sinh(xp, x):
    """(eˣ − e⁻ˣ) / 2."""
    return xp.sinh(x)
sinh.vjp(x=lambda xp, g, x: g * xp.cosh(x))


@unary(ufunc="cosh", result="float")
def cosh(xp, x):
    """(eˣ + e⁻ˣ) / 2."""
    return xp.cosh(x)
cosh.vjp(x=lambda xp, g, x: g * xp.sinh(x))


@unary(ufunc="tanh", result="float")
def tanh(xp, x):
    """tanh x: squashes the line into (−1, 1)."""
    return xp.tanh(x)
tanh.vjp(x=lambda g, out: g * (1 - out * out))


@unary(ufunc="arcsinh", result="float", aliases=("arcsinh",))
def asinh(xp, x):
    """The number whose sinh is x."""
    return xp.arcsinh(x)
asinh.vjp(x=lambda xp, g, x: g * xp.rsqrt(x * x + 1))


@unary(ufunc="arccosh", result="float", aliases=("arccosh",))
def acosh(xp, x):
    """The number ≥ 0 whose cosh is x."""
    return xp.arccosh(x)
acosh.vjp(x=lambda xp, g, x: g * (xp.rsqrt(x - 1) * xp.rsqrt(x + 1)))


@unary(ufunc="arctanh", result="float", aliases=("arctanh",))
def atanh(xp, x):
    """The number whose tanh is x."""
    return xp.arctanh(x)
atanh.vjp(x=lambda g, x: g / (1 - x * x))


# ---- signs and rounding ---------------------------------------------------------------------


@unary(ufunc="absolute", result=None, aliases=("absolute",), out="found")
def abs(xp, x):
    """|x|: the distance from 0."""
    return xp.abs(x)
abs.vjp(x=lambda xp, g, x: g * xp.conj(xp.sgn(x)))


@unary(space="rules", inplace=False, out=False)
def nan_to_zero(xp, x):
    """x, with 0 for NaN."""
    return xp.where(xp.isnan(x), 0, x)


@unary(identity="b", out="found")
def sign(xp, x):
    """−1, 0 or 1: the sign of x.

    Raises RuntimeError for complex numbers: sgn has them.
    """
    if x.dtype.kind == "c":
        raise RuntimeError("Unlike NumPy, torch.sign doesn't support complex numbers; use "
                           "torch.sgn instead.")
    return ((x > 0).astype("int8") - (x < 0)).astype(x.dtype)          # NaN is neither
sign.vjp(x=lambda g: g * 0)


@unary(identity="b", out="found")
def sgn(xp, x):
    """x / |x|, 0 at 0: the sign, for complex numbers the direction."""
    return xp.nan_to_zero(xp.sign(x)) if x.dtype.kind == "f" else xp.sign(x)
sgn.vjp(x=lambda xp, g, x, out: xp.sgn_gradient(g, x, out))


@nary(tensors=("x", "at", "s"), space="rules")
def sgn_gradient(xp, x, at, s):
    """(x − Re(x·s) s̄) / |at|, s the direction of `at`: how x moves across it."""
    if s.dtype.kind != "c":
        return xp.zeros_like(x)
    across = (x - (x * s).real * s.conj()) / xp.where(at == 0, 1, xp.abs(at))
    return xp.where(at == 0, 0, across)
sgn_gradient.vjp(
    x=lambda xp, g, at, s: xp.conj(xp.sgn_gradient(xp.conj(g), at, s)),
    at=lambda xp, g, at, s, out: -(g * out).real * xp.conj(s) / length_or_one(xp, at),
    s=lambda xp, g, x, at, s: -(x * (g * xp.conj(s)).real + (x * s).real * xp.conj(g))
    / length_or_one(xp, at))


def length_or_one(xp, x):
    """|x|, 1 at 0."""
    return xp.where(xp.eq(x, 0), xp.ones_like(xp.abs(x)), xp.abs(x))


@unary(ufunc="floor", out="found")
def floor(xp, x):
    """The largest whole number ≤ x."""
    return xp.floor(x)
floor.vjp(x=lambda g: g * 0)


@unary(ufunc="ceil", out="found")
def ceil(xp, x):
    """The smallest whole number ≥ x."""
    return xp.ceil(x)
ceil.vjp(x=lambda g: g * 0)


@unary(ufunc="trunc", aliases=("fix",), out="found")
def trunc(xp, x):
    """x without its fraction."""
    return xp.trunc(x)
trunc.vjp(x=lambda g: g * 0)


@nary(space="torch special", inplace=True, out="found",
      grad=lambda decimals: "RoundBackward1" if decimals else "RoundBackward0")
def round(xp, x, decimals=0):
    """The nearest whole number (halves to even), or multiple of 10^−decimals.

    Shapes: any; the result has that of the input. Raises RuntimeError for `decimals` of integers.
    """
    if x.dtype.kind in "iu":
        if decimals:
            raise RuntimeError("\"round_cpu\" not implemented for integers with decimals")
        return x.copy()
    if not decimals:
        return xp.rint(x)
    scale = 10.0 ** abs_of(decimals)
    return xp.rint(x * scale) / scale if decimals > 0 else xp.rint(x / scale) * scale
round.vjp(x=lambda g: g * 0)


def abs_of(n):
    """|n| of a Python number (`abs` is an op here)."""
    return n if n >= 0 else -n


@composite(inplace=True, out="found", grad="Frac")
def frac(input):
    """x − trunc x: the fraction, with the sign of x.

    Shapes: any; the result has that of the input.
    """
    return input - trunc(input)


@composite(inplace=True, out=True, aliases=("clip",))
def clamp(input, min=None, max=None):
    """x limited to [min, max]; either may be None, a number or a tensor.

    Shapes: input, min and max broadcast. Raises RuntimeError when both limits are None.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, Tensor) or isinstance(max, Tensor):
        return clamp_between(input, min, max)
    return clamp_to(input, min, max)


@nary(space="rules", grad="ClampBackward1", promotes=("x", "min", "max"))
def clamp_to(xp, x, min, max):
    """x limited to [min, max]."""
    return xp.clip(x, min, max)
clamp_to.vjp(x=lambda xp, g, x, min, max: g * xp.within(x, min, max))


@nary(space="rules", result="mask")
def within(xp, x, min, max):
    """1 where min ≤ x ≤ max, else 0."""
    inside = xp.ones(x.shape, bool)
    if min is not None:
        inside &= x >= min
    if max is not None:
        inside &= x <= max
    return inside
within.vjp(x=lambda g: g * 0)


@nary(tensors=("x", "min", "max"), space="rules", grad="Clamp", promotes=("x", "min", "max"))
def clamp_between(xp, x, min, max):
    """x limited to [min, max], where the limits are tensors. On a limit the gradient goes to x."""
    r = x if min is None else xp.maximum(x, min)
    return r if max is None else xp.minimum(r, max)
clamp_between.vjp(x=lambda xp, g, x, min, max: g * xp.winner(x, min, max, 0),
                  min=lambda xp, g, x, min, max: g * xp.winner(x, min, max, 1),
                  max=lambda xp, g, x, min, max: g * xp.winner(x, min, max, 2))


@nary(tensors=("x", "min", "max"), space="rules", result="mask")
def winner(xp, x, min, max, which):
    """1 where clamp gives x (`which` 0), the lower limit (1) or the upper one (2), else 0."""
    low = xp.zeros((), bool) if min is None else x < min
    high = xp.zeros((), bool) if max is None else x > max
    if min is not None and max is not None:
        high = (high & ~low) | (min > max)
        low = low & ~high
    wins = (~(low | high), low, high)[which]
    return xp.broadcast_to(wins, xp.broadcast(x, low, high).shape)


@composite(inplace=True, out=True, grad=lambda min: f"ClampMinBackward{isinstance(min, Tensor):d}")
def clamp_min(input, min):
    """x, at least `min`.

    Shapes: any that broadcast.
    """
    return clamp(input, min=min)


@composite(inplace=True, out=True, grad=lambda max: f"ClampMaxBackward{isinstance(max, Tensor):d}")
def clamp_max(input, max):
    """x, at most `max`.

    Shapes: any that broadcast.
    """
    return clamp(input, max=max)
