"""Two numbers in, one out: sums, products, quotients, powers, extremes."""

from inspect import signature

import numpy as np

from learntorch.core import failures
from learntorch.core.dtypes import FLOATS, said
from learntorch.core.failures import not_a_tensor
from learntorch.core.op import binary, composite, entitle, nary
from learntorch.core.tensor import Tensor
from learntorch.ops.compare import reflected


@binary(ufunc="add", numbers="both")
def add(x, y):
    """x + alpha · y, broadcasting."""
    return x + y
add.vjp(x=lambda g: g, y=lambda g: g)


@binary(ufunc="subtract", aliases=("subtract",), numbers="both")
def sub(x, y):
    """x − alpha · y, broadcasting."""
    return x - y
sub.vjp(x=lambda g: g, y=lambda g: -g)


@binary(ufunc="multiply", aliases=("multiply",), numbers="both")
def mul(x, y):
    """x · y, broadcasting."""
    return x * y
mul.vjp(x=lambda g, y: g * y, y=lambda g, x: g * x)


@binary(ufunc="true_divide", result="float", aliases=("divide",), numbers="both")
def div(x, y):
    """x / y, broadcasting; rounded to −∞ ("floor") or to 0 ("trunc") on request."""
    return x / y
div.vjp(x=lambda g, y: g / y, y=lambda g, x, y: -(g / y) * x / y)


def _alpha(alpha, input, other):
    """alpha · other; alpha must be a whole number where both are."""
    d = (input if isinstance(input, Tensor) else other).dtype
    if isinstance(alpha, bool) and not d.name == "bool":
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    whole = not (d.is_floating_point or d.is_complex)
    if isinstance(other, Tensor):
        whole = whole and not (other.dtype.is_floating_point or other.dtype.is_complex)
    if whole and isinstance(alpha, (float, complex)):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating "
                           "point number.")
    return mul(other, alpha) if isinstance(other, Tensor) else other * alpha


@add.public
def add_scaled(input, other, *more, alpha=1, out=None):
    """input + alpha · other, broadcasting. The result has the promoted type of both.

    Raises RuntimeError for shapes that do not broadcast.
    """
    if more:
        (input, other), weights = failures.older_order(add.op, (input, other, *more), 2)
        alpha = weights["alpha"]
    return add(input, other if alpha == 1 else _alpha(alpha, input, other), out=out)
add_scaled.__signature__ = signature(lambda input, other, *, alpha=1, out=None: None)


@sub.public
def sub_scaled(input, other, *more, alpha=1, out=None):
    """input − alpha · other, broadcasting. The result has the promoted type of both.

    Raises RuntimeError for shapes that do not broadcast and for bool tensors.
    """
    if more:
        (input, other), weights = failures.older_order(sub.op, (input, other, *more), 2)
        alpha = weights["alpha"]
    return sub(input, other if alpha == 1 else _alpha(alpha, input, other), out=out)
sub_scaled.__signature__ = signature(lambda input, other, *, alpha=1, out=None: None)


@div.public
def div_rounded(input, other, *, rounding_mode=None, out=None):
    """input / other; `rounding_mode` "floor" rounds down, "trunc" towards zero.

    Without it the result is floating-point, with it integers stay integers.
    """
    if rounding_mode is None:
        return div(input, other, out=out)
    if rounding_mode == "floor":
        r = floor_divide(input, other, out=out)
        return entitle(r, "DivBackward2")
    if rounding_mode == "trunc":
        return trunc_divide(input, other, out=out)
    raise RuntimeError("div expected rounding_mode to be one of None, 'trunc', or 'floor' but "
                       f"found '{rounding_mode}'")


@composite(inplace=True, out=True)
def true_divide(input, other):
    """input / other, in floating point.

    Shapes: any that broadcast. Raises RuntimeError where they do not.
    """
    return div(input, other)


def _no_integer_zero(xp, x, y):
    if getattr(x, "dtype", None) is not None and x.dtype.kind in "iub":
        if xp.any(xp.equal(y, 0)):
            raise RuntimeError("ZeroDivisionError")


@binary(numbers="both")
def floor_divide(xp, x, y):
    """⌊x / y⌋, broadcasting."""
    _no_integer_zero(xp, x, y)
    if x.dtype.kind == "f":
        q = xp.floor_divide(x, y)
        return xp.where(xp.equal(y, 0), x / y, q)
    return xp.floor_divide(x, y)
floor_divide.vjp(x=lambda g: g * 0, y=lambda g: g * 0)


@binary(space="rules", numbers="both", grad="DivBackward2")
def trunc_divide(xp, x, y):
    """x / y without its fraction."""
    _no_integer_zero(xp, x, y)
    if x.dtype.kind in "iub":
        q = xp.abs(x) // xp.abs(y)
        return q * (xp.sign(x) * xp.sign(y))
    return xp.trunc(x / y)
trunc_divide.vjp(x=lambda g: g * 0, y=lambda g: g * 0)


def number_or_tensor(name):
    """PyTorch numbers two overloads: 0 takes a number as its second operand, 1 a tensor."""
    return lambda y: f"{name}Backward{isinstance(y, Tensor):d}"


@binary(ufunc="remainder", numbers="both", grad=number_or_tensor("Remainder"))
def remainder(xp, x, y):
    """x − y · ⌊x / y⌋: the remainder with the sign of y."""
    return xp.remainder(x, y)
remainder.vjp(x=lambda g: g, y=lambda xp, g, x, y: -g * xp.floor_divide(x, y))


@binary(ufunc="fmod", grad=number_or_tensor("Fmod"))
def fmod(xp, x, y):
    """x − y · trunc(x / y): the remainder with the sign of x."""
    return xp.fmod(x, y)
fmod.vjp(x=lambda g: g, y=lambda xp, g, x, y: -g * xp.trunc_divide(x, y))


@binary(halves="rules", numbers="both", grad=number_or_tensor("Pow"))
def pow(xp, x, y):
    """xʸ, broadcasting. Small whole exponents multiply instead of calling the slow power."""
    if type(y) in (int, float) and y in SMALL and x.dtype.kind in "fc":
        return SMALL[y](xp, x)
    if x.dtype.kind in "iub":
        if type(y) is int and y < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        if getattr(y, "ndim", None) is not None:
            return xp.integer_power(x, y)
    return xp.power(x, y)


@binary(space="rules", inplace=False, out=False)
def integer_power(xp, x, y):
    """xʸ of integers; a negative exponent leaves ±1 of ±1 and 0 of everything else."""
    small = xp.where(x == 1, 1, xp.where(x == -1, 1 - 2 * (y % 2), 0))
    return xp.where(y < 0, small, xp.power(x, xp.maximum(y, 0)))


SMALL = {0: lambda xp, x: xp.ones_like(x), 1: lambda xp, x: x.copy(), 2: lambda xp, x: x * x,
         3: lambda xp, x: x * x * x, 4: lambda xp, x: xp.square(x * x),
         0.5: lambda xp, x: xp.sqrt(x), -1: lambda xp, x: 1 / x, -2: lambda xp, x: 1 / (x * x),
         -0.5: lambda xp, x: 1 / xp.sqrt(x)}


def pow_x(xp, g, x, y):
    if not hasattr(y, "shape"):
        if y == 0:
            return g * 0
        return g * (y * x) if y == 2 else g * (y * xp.pow(x, y - 1))
    return xp.where(xp.eq(y, 0), xp.zeros_like(g), g * (y * xp.pow(x, y - 1)))


def pow_y(xp, g, x, y, out):
    grows = xp.where(xp.logical_and(xp.eq(x, 0), xp.ge_real(y, 0)), xp.zeros_like(out),
                     out * xp.log(x))
    return g * grows
pow.vjp(x=pow_x, y=pow_y)


@pow.public
def power(input, exponent, *, out=None):
    """input ** exponent, broadcasting; either may be a number.

    Raises RuntimeError for integers to negative integer powers.
    """
    r = pow(input, exponent, out=out)
    return r if isinstance(input, Tensor) else entitle(r, "PowBackward2")


@nary(space="rules", result="bool")
def ge_real(xp, x, y):
    """Whether the real part of x is at least y."""
    return x.real >= y


@binary(method=False, inplace=False, out=False, numbers="both",
        grad=lambda y: "RsubBackward0" if isinstance(y, Tensor) else "RsubBackward1")
def rsub(x, y):
    """y − x."""
    return y - x
rsub.vjp(x=lambda g: -g, y=lambda g: g)


@rsub.public
def rsub_scaled(input, other, *, alpha=1):
    """other − alpha · input, broadcasting. Raises RuntimeError for bool tensors."""
    if not isinstance(input, Tensor):
        raise not_a_tensor(rsub.op, 0, input)
    if alpha != 1:
        input = _alpha(alpha, other if isinstance(other, Tensor) else input, input)
    return rsub(input, other)


@composite(space="Tensor", name="__rsub__")
def number_minus(self, other):
    """other − self: what `1 - x` means.

    Shapes: any two that broadcast. Raises RuntimeError for bool tensors.
    """
    if isinstance(self, Tensor) and self.dtype.name == "bool":
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. "
                           "If you are trying to invert a mask, use the `~` or `logical_not()` "
                           "operator instead.")
    return rsub(self, other)


for _special, _op in (("__radd__", add), ("__rmul__", mul)):
    reflected(_special, _op)


@composite(space="rules")
def rdiv(self, other):
    """other / self.

    Shapes: any that broadcast.
    """
    return mul(self.reciprocal(), other)


def _type_of(t, number):
    from learntorch.core.dtypes import of_number, promote
    return promote(None, t.dtype, of_number(number)) if t._data.ndim == 0 else promote(
        t.dtype, None, of_number(number))


def as_left(other, self):
    """The left operand of a reflected operator as a tensor."""
    if isinstance(other, Tensor):
        return other
    return self.new_tensor(other, dtype=_type_of(self, other))


@composite(space="rules")
def rpow(self, other):
    """other ** self.

    Shapes: any that broadcast.
    """
    r = pow(as_left(other, self), self)
    return r if isinstance(other, Tensor) else entitle(r, "PowBackward2")


@composite(space="rules")
def rfloordiv(self, other):
    """other // self.

    Shapes: any that broadcast.
    """
    return floor_divide(as_left(other, self), self)


@composite(space="rules")
def rmod(self, other):
    """other % self.

    Shapes: any that broadcast.
    """
    return remainder(as_left(other, self), self)


@binary(ufunc="maximum", numbers=False)
def maximum(xp, x, y):
    """The larger of x and y, NaN if either is."""
    return xp.maximum(x, y)
maximum.vjp(x=lambda xp, g, x, y: xp.share(g, x, y, 1), y=lambda xp, g, x, y: xp.share(g, y, x, 1))


@binary(ufunc="minimum", numbers=False)
def minimum(xp, x, y):
    """The smaller of x and y, NaN if either is."""
    return xp.minimum(x, y)
minimum.vjp(x=lambda xp, g, x, y: xp.share(g, x, y, -1),
            y=lambda xp, g, x, y: xp.share(g, y, x, -1))


@nary(tensors=("x", "mine", "other"), space="rules")
def share(xp, x, mine, other, sign):
    """x where `mine` wins over `other` (sign 1: is larger), half of it where they are equal."""
    wins = (mine > other) if sign > 0 else (mine < other)
    return xp.where(mine == other, 0.5 * x, x * wins)
share.vjp(x=lambda xp, g, mine, other, sign: xp.share(g, mine, other, sign))


@binary(ufunc="fmax", numbers=False)
def fmax(xp, x, y):
    """The larger of x and y, ignoring NaN."""
    return xp.fmax(x, y)
fmax.vjp(x=lambda xp, g, x, y: xp.share_of_number(g, x, y, 1),
         y=lambda xp, g, x, y: g - xp.share_of_number(g, x, y, 1))


@binary(ufunc="fmin", numbers=False)
def fmin(xp, x, y):
    """The smaller of x and y, ignoring NaN."""
    return xp.fmin(x, y)
fmin.vjp(x=lambda xp, g, x, y: xp.share_of_number(g, x, y, -1),
         y=lambda xp, g, x, y: g - xp.share_of_number(g, x, y, -1))


@nary(tensors=("x", "mine", "other"), space="rules")
def share_of_number(xp, x, mine, other, sign):
    """x where `mine` wins (or `other` is NaN), 0 elsewhere."""
    wins = (mine >= other) if sign > 0 else (mine <= other)
    return x * (wins | xp.isnan(other))
share_of_number.vjp(x=lambda xp, g, mine, other, sign: xp.share_of_number(g, mine, other, sign))


@composite(inplace=True, out=True, grad="Addcmul")
def addcmul(input, tensor1, tensor2, *, value=1):
    """input + value · tensor1 · tensor2.

    Shapes: any that broadcast. Raises RuntimeError where they do not.
    """
    product = mul(tensor1, tensor2)
    return add(input, product if value == 1 else mul(product, value))


@composite(inplace=True, out=True, grad="Addcdiv")
def addcdiv(input, tensor1, tensor2, *, value=1):
    """input + value · tensor1 / tensor2.

    Shapes: any that broadcast. Raises RuntimeError where they do not, and for two tensors of
    integers to divide.
    """
    if tensor1._data.dtype.kind in "biu" and tensor2._data.dtype.kind in "biu":
        raise RuntimeError("Integer division with addcdiv is no longer supported, and in a future "
                           "release addcdiv will perform a true division of tensor1 and tensor2, "
                           f"got {said(tensor1.dtype)} and {said(tensor2.dtype)}")
    quotient = div(tensor1, tensor2)
    return add(input, quotient if value == 1 else mul(quotient, value))


@nary(tensors=("x", "end", "weight"), out=True, inplace=True,
      grad=lambda weight: f"LerpBackward{isinstance(weight, Tensor):d}")
def lerp(x, end, weight):
    """x + weight · (end − x): from x (weight 0) to `end` (weight 1)."""
    return x + weight * (end - x)
lerp.vjp(x=lambda g, weight: g * (1 - weight), end=lambda g, weight: g * weight,
         weight=lambda g, x, end: g * (end - x))


@lerp.public
def lerp_checked(input, end, weight):
    """input + weight · (end − input): from `input` (weight 0) to `end` (weight 1), broadcasting.

    Raises RuntimeError unless all have one dtype, NotImplementedError for whole numbers.
    """
    d = input._data.dtype
    for name, t in (("end", end), ("weight", weight)):
        if isinstance(t, Tensor):
            if t._data.dtype is not d:
                raise RuntimeError(f"expected dtype {failures.c_name(d)} for `{name}` but got dtype"
                                   f" {failures.c_name(t._data.dtype)}")
        elif name == "end":
            raise failures.not_a_tensor(lerp.op, 1, t)
    if d not in FLOATS:
        kind = "tensor" if isinstance(weight, Tensor) else "scalar"
        raise failures.not_implemented(f"lerp_kernel_{kind}", d)
    return lerp(input, end, weight)


def is_number(value):
    """Whether a value is a Python or NumPy number."""
    return isinstance(value, (int, float, complex, np.number))
