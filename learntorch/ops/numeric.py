"""More functions of one or two numbers: angles, signs and exponents, bits, whole numbers."""

import math

from learntorch.core.dtypes import FLOATS, complex128, finfo, float64, said
from learntorch.core.op import binary, composite, multi, nary, unary
from learntorch.core.outputs import write_out
from learntorch.core.tensor import Tensor
from learntorch.ops.arithmetic import as_left, mul
from learntorch.ops.complex import make_complex
from learntorch.ops.reduce import named


@binary(ufunc="arctan2", result="float", numbers=False, aliases=("arctan2",))
def atan2(xp, x, y):
    """The angle in (−π, π] of the point (y, x): the arctangent of x / y in its quadrant."""
    return xp.arctan2(x, y)
atan2.vjp(x=lambda xp, g, x, y: g * xp.over_squares(y, x),
          y=lambda xp, g, x, y: -g * xp.over_squares(x, y))


@nary(tensors=("x", "y"), space="rules")
def over_squares(xp, x, y):
    """x / (x² + y²), 0 where both are 0."""
    s = x * x + y * y
    return x / xp.where(s == 0, 1, s)


def over_squares_x(xp, g, x, y):
    """(y² − x²) / (x² + y²)²."""
    a, b = xp.over_squares(x, y), xp.over_squares(y, x)
    return g * (b * b - a * a)
over_squares.vjp(x=over_squares_x, y=lambda xp, g, x, y: -2 * g * (
    xp.over_squares(x, y) * xp.over_squares(y, x)))


@binary(ufunc="hypot", numbers=False)
def hypot(xp, x, y):
    """√(x² + y²) without overflow."""
    return xp.hypot(x, y)
hypot.vjp(x=lambda g, x, out: g * x / out, y=lambda g, y, out: g * y / out)


@binary(ufunc="copysign", result="float",
        grad=lambda y: "CopysignBackward0" if isinstance(y, Tensor) else "CopysignBackward1")
def copysign(xp, x, y):
    """|x| with the sign of y."""
    return xp.copysign(x, y)
copysign.vjp(x=lambda xp, g, x, out: g * xp.sgn(x) * xp.sgn(out), y=lambda g: g * 0)


@binary(ufunc="logaddexp", numbers=False)
def logaddexp(xp, x, y):
    """ln(eˣ + eʸ) without overflow."""
    return xp.logaddexp(x, y)
logaddexp.vjp(x=lambda xp, g, x, y: g / (1 + xp.exp(y - x)),
              y=lambda xp, g, x, y: g / (1 + xp.exp(x - y)))


@binary(space="rules", grad="Logaddexp", inplace=False, out=False)
def complex_logaddexp(xp, x, y):
    """ln(eˣ + eʸ) of complex numbers: the angle goes on from that of the larger one, unwrapped."""
    first = x.real >= y.real
    top, low = xp.where(first, x, y), xp.where(first, y, x)
    same = xp.isinf(top.real) & (top.real == low.real)
    infinite = xp.where(top.real < 0, low, xp.log(xp.exp(x) + xp.exp(y)))
    return xp.where(same, infinite, top + xp.log1p(xp.exp(low - top)))
complex_logaddexp.vjp(x=lambda xp, g, x, y: g / (1 + xp.exp(y - x)),
                      y=lambda xp, g, x, y: g / (1 + xp.exp(x - y)))


@logaddexp.public
def log_of_sum(input, other, *, out=None):
    """ln(eˣ + eʸ) without overflow."""
    if isinstance(input, Tensor) and isinstance(other, Tensor) and (
            input.dtype.is_complex or other.dtype.is_complex):
        r = complex_logaddexp(input, other)
        return r if out is None else write_out(logaddexp.op, out, r, (input, other))
    return logaddexp(input, other, out=out)


@binary(ufunc="logaddexp2", numbers=False)
def logaddexp2(xp, x, y):
    """log₂(2ˣ + 2ʸ) without overflow."""
    return xp.logaddexp2(x, y)
logaddexp2.vjp(x=lambda xp, g, x, y: g / (1 + xp.exp2(y - x)),
               y=lambda xp, g, x, y: g / (1 + xp.exp2(x - y)))


@binary(name="heaviside", numbers=False)
def step(xp, x, y):
    """0 for x < 0, y for x = 0, 1 for x > 0."""
    return xp.where(x == 0, y, (x > 0).astype(x.dtype))


@step.public
def heaviside(input, values):
    """0 where the input is negative, `values` where it is 0, 1 where it is positive."""
    require_tensors("heaviside", input=input, values=values)
    if input.dtype is not values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    if input.dtype.is_complex:
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    return step(input, values)


def require_tensors(name, **arguments):
    """Raise TypeError for the first argument that is not a tensor."""
    for i, (argument, value) in enumerate(arguments.items()):
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}(): argument '{argument}' (position {i + 1}) must be Tensor, "
                            f"not {type(value).__name__}")


@composite(inplace=True,
           out="the output given to float_power has dtype {Got} but the operation's result "
               "requires dtype {Want}")
def float_power(input, exponent):
    """input ** exponent, computed in double precision.

    Shapes: any that broadcast. The result is float64 or complex128. Raises TypeError for two
    numbers.
    """
    both = [v for v in (input, exponent) if isinstance(v, Tensor)]
    wide = any(t.dtype.is_complex for t in both) or isinstance(input, complex) or isinstance(
        exponent, complex)
    d = complex128 if wide else float64
    if not both:
        require_tensors("float_power", input=input)
    first = both[0]
    x, y = (v.to(d) if isinstance(v, Tensor) else v for v in (input, exponent))
    if not isinstance(x, Tensor):
        x = first.new_tensor(x, dtype=d)
    return x.pow(y)


@composite(inplace=True, out=True, grad="Ldexp")
def ldexp(input, other):
    """input · 2^other.

    Shapes: any that broadcast. Raises TypeError for a number.
    """
    require_tensors("ldexp", input=input, other=other)
    whole = other.dtype.is_floating_point or other.dtype.is_complex
    return mul(input, (other if whole else other.float()).exp2())


@multi(name="frexp", outputs=("mantissa", "exponent"), refuses="frexp",
       out="torch.frexp() expects {field} to have dtype {want} but got {got}")
def mantissa_and_exponent(xp, x):
    """x = mantissa · 2^exponent with a mantissa in [½, 1)."""
    return xp.frexp(x)
mantissa_and_exponent.vjp(x=lambda xp, g, exponent: g / xp.exp2(xp.astype(exponent, g)))


frexp_returned = named("frexp", ("mantissa", "exponent"))


@mantissa_and_exponent.public
def frexp(input):
    """The input as mantissa · 2^exponent, the mantissa in [½, 1).

    Shapes: any; both results have that of the input. Raises RuntimeError for integers.
    """
    if not input.dtype.is_floating_point:
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    return frexp_returned(*mantissa_and_exponent(input))


@binary(ufunc="nextafter", numbers=False)
def nextafter(xp, x, y):
    """The number that follows x in the direction of y."""
    return xp.nextafter(x, y)
nextafter.vjp(x=lambda xp, g, x, y: g * xp.ne(x, y), y=lambda g: g * 0)


@binary(ufunc="gcd", numbers=False)
def gcd(xp, x, y):
    """The greatest common divisor of whole numbers."""
    return xp.gcd(x, y)


@binary(ufunc="lcm", numbers=False)
def lcm(xp, x, y):
    """The least common multiple of whole numbers."""
    return xp.lcm(x, y)


@unary(result="float")
def deg2rad(x):
    """x · π / 180: degrees as radians."""
    return x * (math.pi / 180)
deg2rad.vjp(x=lambda g: g * (math.pi / 180))


@unary(result="float")
def rad2deg(x):
    """x · 180 / π: radians as degrees."""
    return x * (180 / math.pi)
rad2deg.vjp(x=lambda g: g * (180 / math.pi))


@unary(space="rules", result="float", grad="Angle")
def angle_of_real(xp, x):
    """0 for x ≥ 0, π below, NaN for NaN."""
    return xp.where(x < 0, math.pi, xp.where(x != x, x, 0))
angle_of_real.vjp(x=lambda g: g * 0)


@composite(out=True)
def angle(input):
    """The angle of a complex number in radians; of a real one 0 or π.

    Shapes: any; the result has that of the input.
    """
    if input.dtype.is_complex:
        return atan2(input.imag, input.real)
    return angle_of_real(input)


@composite(method=False, grad="Polar",
           out="Expected object of scalar type {Want} but got scalar type {Got} for argument 'out'")
def polar(abs, angle):
    """The complex number of that length and angle (in radians).

    Shapes: any two that broadcast. Raises RuntimeError unless both are float32, or both float64.
    """
    require_tensors("polar", abs=abs, angle=angle)
    if abs.dtype is not angle.dtype:
        raise RuntimeError(f"Expected object of scalar type {said(abs.dtype)} but got scalar type "
                           f"{said(angle.dtype)} for second argument")
    if abs.dtype.name not in ("float32", "float64"):
        raise RuntimeError("Expected both inputs to be Half, Float or Double tensors but got "
                           f"{said(abs.dtype)} and {said(angle.dtype)}")
    return make_complex(abs * angle.cos(), abs * angle.sin())


@nary(name="nan_to_num", inplace=True,
      out="nan_to_num: dtype of out: {Got} should be same as input: {Want}")
def finite(xp, x, nan, posinf, neginf):
    """x with numbers for NaN, +∞ and −∞."""
    return xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
finite.vjp(x=lambda xp, g, x: g * xp.isfinite(x))


@finite.public
def nan_to_num(input, nan=None, posinf=None, neginf=None):
    """The input with `nan` for NaN (0), and the largest and smallest numbers for ±∞.

    Shapes: any; the result has that of the input.
    """
    if input._data.dtype not in FLOATS:
        return input.clone()
    limits = finfo(input.dtype.to_real())
    return finite(input, 0.0 if nan is None else nan, limits.max if posinf is None else posinf,
                  limits.min if neginf is None else neginf)


@unary(ufunc="signbit", result="bool", inplace=False,
       out=("signbit does not support non-boolean outputs.",))
def signbit(xp, x):
    """Whether the sign of x is −, also for −0."""
    return xp.signbit(x)


@unary(result="bool", inplace=False, out=("isposinf does not support non-boolean outputs.",))
def isposinf(xp, x):
    """Whether x is +∞.

    Raises RuntimeError for complex numbers.
    """
    refuse_complex("isposinf", x)
    return x == xp.inf


@unary(result="bool", inplace=False, out=("isneginf does not support non-boolean outputs.",))
def isneginf(xp, x):
    """Whether x is −∞.

    Raises RuntimeError for complex numbers.
    """
    refuse_complex("isneginf", x)
    return x == -xp.inf


def refuse_complex(name, x):
    """Raise RuntimeError for complex numbers."""
    if x.dtype.kind == "c":
        raise RuntimeError(f"{name} does not support complex inputs.")


@unary(result="bool", inplace=False, out=False)
def isreal(xp, x):
    """Whether the imaginary part is 0."""
    return x.imag == 0 if x.dtype.kind == "c" else xp.ones(x.shape, bool)


# ---- bits -----------------------------------------------------------------------------------


@binary(ufunc="left_shift", numbers="both")
def bitwise_left_shift(xp, x, y):
    """The bits of x moved y places up: x · 2ʸ."""
    return xp.left_shift(x, y)


@binary(ufunc="right_shift", numbers="both")
def bitwise_right_shift(xp, x, y):
    """The bits of x moved y places down: ⌊x / 2ʸ⌋."""
    return xp.right_shift(x, y)


@composite(space="rules")
def rlshift(self, other):
    """other << self.

    Shapes: any that broadcast.
    """
    return bitwise_left_shift(as_left(other, self), self)


@composite(space="rules")
def rrshift(self, other):
    """other >> self.

    Shapes: any that broadcast.
    """
    return bitwise_right_shift(as_left(other, self), self)
