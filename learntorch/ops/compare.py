"""Questions about numbers, answered with True or False, and choosing by the answer."""

import numpy as np

from learntorch.core.dtypes import result_type, said
from learntorch.core.op import binary, composite, nary, unary
from learntorch.core.tensor import Tensor, wrap


@binary(ufunc="equal", result="bool")
def eq(x, y):
    """x = y."""
    return x == y


@binary(ufunc="not_equal", result="bool", aliases=("not_equal",))
def ne(x, y):
    """x ≠ y."""
    return x != y


@binary(ufunc="less", result="bool", aliases=("less",))
def lt(x, y):
    """x < y."""
    return x < y


@binary(ufunc="less_equal", result="bool", aliases=("less_equal",))
def le(x, y):
    """x ≤ y."""
    return x <= y


@binary(ufunc="greater", result="bool", aliases=("greater",))
def gt(x, y):
    """x > y."""
    return x > y


@binary(ufunc="greater_equal", result="bool", aliases=("greater_equal",))
def ge(x, y):
    """x ≥ y."""
    return x >= y


@unary(ufunc="isnan", result="bool", inplace=False, out=False)
def isnan(xp, x):
    """Whether x is NaN."""
    return xp.isnan(x)


@unary(ufunc="isinf", result="bool", inplace=False, out=False)
def isinf(xp, x):
    """Whether x is +∞ or −∞."""
    return xp.isinf(x)


@unary(ufunc="isfinite", result="bool", inplace=False, out=False)
def isfinite(xp, x):
    """Whether x is neither infinite nor NaN."""
    return xp.isfinite(x)


@unary(ufunc="logical_not", result="bool")
def logical_not(xp, x):
    """not x, where 0 counts as False."""
    return xp.logical_not(x)


@binary(ufunc="logical_and", result="bool", numbers=False)
def logical_and(xp, x, y):
    """x and y."""
    return xp.logical_and(x, y)


@binary(ufunc="logical_or", result="bool", numbers=False)
def logical_or(xp, x, y):
    """x or y."""
    return xp.logical_or(x, y)


@binary(ufunc="logical_xor", result="bool", numbers=False)
def logical_xor(xp, x, y):
    """Either x or y, not both."""
    return xp.logical_xor(x, y)


@unary(ufunc="invert", out="found")
def bitwise_not(xp, x):
    """Every bit of x turned over; not x for bools."""
    return xp.invert(x)


@binary(ufunc="bitwise_and", numbers="both")
def bitwise_and(xp, x, y):
    """The bits that x and y share."""
    return xp.bitwise_and(x, y)


@binary(ufunc="bitwise_or", numbers="both")
def bitwise_or(xp, x, y):
    """The bits of x or y."""
    return xp.bitwise_or(x, y)


@binary(ufunc="bitwise_xor", numbers="both")
def bitwise_xor(xp, x, y):
    """The bits in which x and y differ."""
    return xp.bitwise_xor(x, y)


def reflected(special, op):
    """Register `number & tensor`: the operator with the number on its left."""
    def call(self, other):
        if not isinstance(self, Tensor):
            raise TypeError(f"descriptor '{special}' for 'torch._C.TensorBase' objects doesn't "
                            f"apply to a '{type(self).__name__}' object")
        return op(self, other)
    call.__name__ = special
    call.__doc__ = f"""The operator with the tensor on its right: see `{op.op.name}`.

    Shapes: any two that broadcast. Raises TypeError for what is no tensor.
    """
    return composite(call, space="Tensor", name=special, inplace=False)


for _special, _op in (("__rand__", bitwise_and), ("__ror__", bitwise_or),
                      ("__rxor__", bitwise_xor)):
    reflected(_special, _op)


@nary(tensors=("condition", "x", "y"), promotes=("x", "y"), space="rules", result=None,
      grad="Where")
def choose(xp, condition, x, y):
    """x where `condition`, y elsewhere."""
    return xp.where(condition, x, y)
# Not g · condition: where a number was not chosen its gradient is 0, even if g is NaN there.
choose.vjp(x=lambda xp, g, condition: xp.where(condition, g, xp.zeros_like(g)),
           y=lambda xp, g, condition: xp.where(condition, xp.zeros_like(g), g))


@composite(method=False, out="Expected out type to be {Want} but got {Got}")
def where(condition, input=None, other=None):
    """`input` where `condition` is True and `other` elsewhere; alone: where it is not 0.

    input, other: tensors or numbers, broadcast against `condition`, promoted to a common type.
    Raises RuntimeError for a condition that is not bool, and for shapes that do not broadcast.
    """
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if not isinstance(condition, Tensor):
        raise TypeError("where(): argument 'condition' (position 1) must be Tensor, not "
                        f"{type(condition).__name__}")
    if condition.dtype.name not in ("bool", "uint8"):
        raise RuntimeError("where expected condition to be a boolean tensor, but got a tensor with "
                           f"dtype {condition.dtype}")
    if condition.dtype.name != "bool":
        condition = condition.bool()
    if not (isinstance(input, Tensor) and isinstance(other, Tensor)):
        d = result_type(input, other)
        input, other = (v if isinstance(v, Tensor) else wrap(np.asarray(v, d.numpy))
                        for v in (input, other))
    return choose(condition, input, other)


@composite(space="rules", name="where_method")
def where_method(self, condition, other):
    """This tensor where `condition` is True and `other` elsewhere.

    Shapes: any that broadcast.
    """
    return where(condition, self, other)


@composite(method=True, out=False)
def equal(input, other):
    """Whether two tensors have the same shape and values: True or False."""
    return input._data.shape == other._data.shape and bool(np.array_equal(input._data, other._data))


@composite(out=False)
def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """|input − other| ≤ atol + rtol · |other|, element by element.

    Shapes: any that broadcast. A bool for each element. Raises RuntimeError for two dtypes and for
    negative tolerances.
    """
    for place, t in enumerate((input, other)):
        if not isinstance(t, Tensor):
            raise TypeError(f"isclose(): argument '{('input', 'other')[place]}' (position "
                            f"{place + 1}) must be Tensor, not {type(t).__name__}")
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{said(input.dtype)} did not match {said(other.dtype)}")
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {value}")
    a, b = input._data, other._data
    if a.dtype.kind in "iub":
        a, b = a.astype(np.float64), b.astype(np.float64)
    return wrap(np.asarray(np.isclose(a, b, rtol, atol, equal_nan)))


@composite(out=False)
def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether all elements are close: see `isclose`.

    Shapes: any that broadcast. One bool. Raises RuntimeError for two dtypes and for negative
    tolerances.
    """
    return bool(isclose(input, other, rtol, atol, equal_nan)._data.all())
