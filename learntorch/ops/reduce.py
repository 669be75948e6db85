"""Many numbers in, fewer out: sums, means, extremes, norms, along given dimensions."""

import numpy as np

from learntorch.core.dtypes import FLOATS, get_default_dtype, of, said
from learntorch.core.failures import not_implemented
from learntorch.core.op import composite, entitle, multi, nary
from learntorch.core.shapes import wrap_dim, wrap_dims
from learntorch.core.tensor import Tensor, wrap
from learntorch.core.warned import warn


def axes(dim):
    """A NumPy `axis` from a PyTorch `dim`: None and () mean all."""
    if dim is None or isinstance(dim, int):
        return dim
    return tuple(dim) or None


def restore(xp, g, x_shape, dim, keepdim):
    """A reduced gradient with its dimensions of size 1 put back, ready to broadcast."""
    if keepdim or dim is None:
        return g if keepdim else g.reshape((1,) * len(x_shape))
    dims = {d % (len(x_shape) or 1) for d in ((dim,) if isinstance(dim, int) else dim)}
    return g.reshape([1 if i in dims else n for i, n in enumerate(x_shape)])


def whole_or_along(name):
    """PyTorch numbers two overloads: 0 reduces everything, 1 goes along `dim`."""
    return lambda dim: f"{name}Backward0" if dim is None else f"{name}Backward1"


@nary(name="sum", grad=whole_or_along("Sum"), out=True)
def total(xp, x, dim=None, keepdim=False):
    """Σ x along `dim`."""
    return xp.add.reduce(x, axis=dim, keepdims=keepdim)
total.vjp(x=lambda xp, g, x_shape, dim, keepdim:
          xp.broadcast_to(restore(xp, g, x_shape, dim, keepdim), x_shape))


@total.public
def sum(input, dim=None, keepdim=False, *, dtype=None):
    """Σ x over all elements, or along `dim` (an int or several). Integers sum as int64.

    Shapes: the dimensions `dim` vanish, or stay with size 1 when `keepdim`.
    """
    if dtype is not None:
        input = input.to(dtype)
    elif input._data.dtype.kind in "iub":
        input = input.long()
    return total(input, whole(input, dim), keepdim)


def whole(input, dim):
    """`dim` checked and counted from 0; None when all dimensions are meant."""
    if dim is None:
        return None
    if isinstance(dim, Tensor):
        dim = dim.item()
    dims = wrap_dims(dim, input._data.ndim)
    return None if not dims or not input._data.ndim else dims


@nary(name="mean", grad=whole_or_along("Mean"), out=True)
def average(xp, x, dim=None, keepdim=False):
    """Σ x / n along `dim`."""
    n = x.size if dim is None else xp.prod([x.shape[d] for d in dim])
    return xp.add.reduce(x, axis=dim, keepdims=keepdim) / n
average.vjp(x=lambda xp, g, x_shape, dim, keepdim: xp.broadcast_to(
    restore(xp, g, x_shape, dim, keepdim) / counted(x_shape, dim), x_shape))


def counted(shape, dim):
    """How many elements are reduced into one."""
    n = 1
    for i, size in enumerate(shape):
        if dim is None or i in dim:
            n *= size
    return n


@average.public
def mean(input, dim=None, keepdim=False, *, dtype=None):
    """Σ x / n over all elements, or along `dim`. Raises RuntimeError for integers."""
    if dtype is not None:
        input = input.to(dtype)
    refuse_integers("mean", input, "Input" if dtype is None else "Optional")
    return average(input, whole(input, dim), keepdim)


def refuse_integers(name, input, whose="Input"):
    """Raise RuntimeError for a reduction that needs fractions, on an integer tensor."""
    if input._data.dtype not in FLOATS:
        raise RuntimeError(f"{name}(): could not infer output dtype. {whose} dtype must be either "
                           f"a floating point or complex dtype. Got: {said(input.dtype)}. Call "
                           ".float() first.")


@nary(name="prod", grad=whole_or_along("Prod"), out=True)
def product(xp, x, dim=None, keepdim=False):
    """Π x along `dim`. Long rows are folded to 64 columns first: 64 products at a time."""
    if dim is not None and dim % x.ndim == x.ndim - 1 and x.shape[-1] >= 256:
        k = x.shape[-1] // 64
        folded = x[..., :64 * k].reshape(*x.shape[:-1], k, 64)
        x = xp.concatenate([xp.multiply.reduce(folded, axis=-2), x[..., 64 * k:]], -1)
    return xp.multiply.reduce(x, axis=dim, keepdims=keepdim)


def product_x(xp, g, x, dim, keepdim):
    g = restore(xp, g, x.shape, dim, keepdim)
    return g * xp.product_of_others(x, dim)
product.vjp(x=product_x)


@nary(space="rules")
def product_of_others(xp, x, dim):
    """For each element the product of the others: products from the left times from the right."""
    if not x.size:
        return x.copy()
    flat = x.reshape(-1) if dim is None else xp.moveaxis(x, dim, -1)
    one = xp.ones((*flat.shape[:-1], 1), x.dtype)
    left = xp.cumprod(xp.concatenate([one, flat[..., :-1]], -1), -1)
    right = xp.cumprod(xp.concatenate([one, flat[..., :0:-1]], -1), -1)[..., ::-1]
    others = left * right
    return others.reshape(x.shape) if dim is None else xp.moveaxis(others, -1, dim)


def product_of_others_x(xp, g, x, dim):
    """Σⱼ gⱼ Π of all but i and j: by division, and by pairs where something is 0."""
    flat = x.reshape(-1) if dim is None else x.swapaxes(dim, -1)
    gf = g.reshape(-1) if dim is None else g.swapaxes(dim, -1)
    gi = xp.pairs_gradient(gf, flat)
    return gi.reshape(x.shape) if dim is None else gi.swapaxes(dim, -1)
product_of_others.vjp(x=product_of_others_x)


@nary(tensors=("x", "y"), space="rules")
def pairs_gradient(xp, x, y):
    """For each i, Σ over j ≠ i of xⱼ · Π of y without i and j (last axis)."""
    n = y.shape[-1]
    result = xp.zeros_like(y)
    for i in range(n):
        others = y.copy()
        others[..., i] = 1
        one = xp.ones((*y.shape[:-1], 1), y.dtype)
        left = xp.cumprod(xp.concatenate([one, others[..., :-1]], -1), -1)
        right = xp.cumprod(xp.concatenate([one, others[..., :0:-1]], -1), -1)[..., ::-1]
        weights = x * left * right
        weights[..., i] = 0
        result[..., i] = xp.add.reduce(weights, axis=-1)
    return result


def pairs_gradient_y(xp, g, x, y):
    """Σ over i ≠ j, both not m, of gᵢ xⱼ · Π of y without i, j and m: by division, y without 0."""
    h, k = g / y, x / y
    hs, ks = h.sum(axis=-1, keepdims=True), k.sum(axis=-1, keepdims=True)
    both = hs * ks - (h * k).sum(axis=-1, keepdims=True) - h * (ks - k) - k * (hs - h)
    return both * xp.prod(y, axis=-1, keepdims=True) / y
pairs_gradient.vjp(x=lambda xp, g, y: xp.pairs_gradient(g, y), y=pairs_gradient_y)


@product.public
def prod(input, dim=None, keepdim=False, *, dtype=None):
    """Π x over all elements, or along `dim`. Integers multiply as int64."""
    if dtype is not None:
        input = input.to(dtype)
    elif input._data.dtype.kind in "iub":
        input = input.long()
    dim = None if dim is None or not input._data.ndim else wrap_dim(dim, input._data.ndim)
    return product(input, dim, keepdim)


# ---- spread ---------------------------------------------------------------------------------


@nary(name="var", grad="Var", result="real", out=True)
def variance(xp, x, dim, correction, keepdim):
    """Σ (x − x̄)² / (n − correction) along `dim`."""
    n = counted(x.shape, dim)
    centred = x - xp.add.reduce(x, axis=dim, keepdims=True) / n
    squares = (centred * centred.conj()).real
    return xp.add.reduce(squares, axis=dim, keepdims=keepdim) / (
        n - correction if n > correction else 0)


def variance_x(xp, g, x, dim, correction, keepdim):
    n = counted(x.shape, dim)
    centred = x - x.sum(axis=dim, keepdims=True) / n
    scale = 2 / (n - correction) if n > correction else float("nan")
    return restore(xp, g, x.shape, dim, keepdim) * scale * xp.conj(centred)
variance.vjp(x=variance_x)


def spread_arguments(name, input, dim, correction, unbiased):
    """The dimensions and the correction from PyTorch's two signatures of var and std."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    refuse_floatless(name, input)
    if correction is None:
        correction = 0 if unbiased is False else 1
    dims = whole(input, dim)
    n = counted(input._data.shape, dims)
    if n - correction <= 0:
        warn(f"{name}(): degrees of freedom is <= 0. Correction should be strictly less "
             "than the reduction factor (input numel divided by output numel).")
    return dims, correction


def refuse_floatless(name, input):
    """Raise RuntimeError for var and std of integers."""
    if input._data.dtype not in FLOATS:
        raise RuntimeError(f"{name} only support floating point and complex dtypes: call .float() "
                           "first.")


@variance.public
def var(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """Σ (x − x̄)² / (n − correction): the variance; correction 1 by default."""
    dims, correction = spread_arguments("var", input, dim, correction, unbiased)
    return variance(input, dims, correction, keepdim)


@composite(out=True, grad="Std")
def std(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """√(Σ (x − x̄)² / (n − correction)): the standard deviation; correction 1 by default."""
    dims, correction = spread_arguments("std", input, dim, correction, unbiased)
    return variance(input, dims, correction, keepdim).sqrt()


@composite(method=False, out=True, grad="VarMean")
def var_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """The variance and the mean."""
    dims, correction = spread_arguments("var_mean", input, dim, correction, unbiased)
    return variance(input, dims, correction, keepdim), average(input, dims, keepdim)


@composite(method=False, out=True, grad="StdMean")
def std_mean(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """The standard deviation and the mean."""
    dims, correction = spread_arguments("std_mean", input, dim, correction, unbiased)
    return variance(input, dims, correction, keepdim).sqrt(), average(input, dims, keepdim)


# ---- extremes -------------------------------------------------------------------------------


RETURNED = {}           # the types of `torch.return_types`, by name


def returned(name, values):
    """The named tuple that a pickle describes."""
    return RETURNED[name](*values)


def named(name, fields):
    """The tuple type that PyTorch returns for several results: `torch.return_types.max`."""
    from collections import namedtuple
    made = RETURNED[name] = namedtuple(name, fields)
    made.__module__ = "torch.return_types"
    made.__qualname__ = name

    def show(self):
        inside = ",\n".join(f"{f}={getattr(self, f)!r}" for f in self._fields)
        return f"torch.return_types.{name}(\n{inside})"
    made.__repr__ = made.__str__ = show
    made.__reduce__ = lambda self: (returned, (name, tuple(self)))
    return made


@nary(space="rules", grad=lambda largest: "MaxBackward1" if largest else "MinBackward1")
def peak(xp, x, dim, keepdim, largest):
    """The largest (or smallest) element along `dim`, NaN if there is one."""
    return (xp.maximum if largest else xp.minimum).reduce(x, axis=dim, keepdims=keepdim)


def peak_x(xp, g, x, out, dim, keepdim):
    g = restore(xp, g, x.shape, dim, keepdim)
    ties = xp.ties(x, restore(xp, out, x.shape, dim, keepdim))
    return g * (ties / ties.sum(axis=dim, keepdims=True))
peak.vjp(x=peak_x)


@nary(tensors=("x", "y"), space="rules", result="mask")
def ties(xp, x, y):
    """1 where x equals y (NaN counts as equal to NaN), else 0."""
    return (x == y) | (xp.isnan(x) & xp.isnan(y))


@multi(space="rules", outputs=("values", "indices"),
       grad=lambda largest: "MaxBackward0" if largest else "MinBackward0")
def peak_along(xp, x, dim, keepdim, largest):
    """The largest (or smallest) element along `dim` and where it is first."""
    i = (xp.argmax if largest else xp.argmin)(x, axis=dim, keepdims=True)
    v = xp.take_along_axis(x, i, axis=dim)
    if not keepdim:
        i, v = i.squeeze(dim), v.squeeze(dim)
    return v, i.astype(xp.int64)


def peak_along_x(xp, g, x_shape, indices, dim, keepdim):
    if not keepdim:
        g, indices = xp.expand_dims(g, dim), xp.expand_dims(indices, dim)
    return xp.put_along(g, indices, x_shape, dim)
peak_along.vjp(x=peak_along_x)


@nary(tensors=("x", "indices"), space="rules")
def put_along(xp, x, indices, shape, dim):
    """Zeros of `shape` with x put at `indices` along `dim`."""
    fresh = xp.zeros(shape, x.dtype)
    xp.put_along_axis(fresh, indices, x, axis=dim)
    return fresh
put_along.vjp(x=lambda xp, g, indices, dim: xp.take_along_axis(g, indices, dim))


max_returned = named("max", ("values", "indices"))
min_returned = named("min", ("values", "indices"))


def extreme(name, returned, largest, input, dim, keepdim):
    """max and min: over everything, elementwise with another tensor, or along a dimension."""
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not "
                        f"{type(input).__name__}")
    if isinstance(dim, Tensor):
        return input.maximum(dim) if largest else input.minimum(dim)
    a = input._data
    if dim is None:
        if not a.size:
            raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel()"
                               " == 0. Specify the reduction dim with the 'dim' argument.")
        return peak(input, None, False, largest)
    d = wrap_dim(dim, a.ndim)
    if a.ndim and not a.shape[d]:
        raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")
    if not a.ndim:
        return returned(entitle(input.clone(), f"{name.title()}Backward0"),
                        wrap(np.zeros((), np.int64)))
    return returned(*peak_along(input, d, keepdim, largest))


@composite(out="parts")
def max(input, dim=None, keepdim=False, *, other=None):
    """The largest element; along `dim` also where it is; or elementwise against a tensor."""
    return extreme("max", max_returned, True, input, other if dim is None else dim, keepdim)


@composite(out="parts")
def min(input, dim=None, keepdim=False, *, other=None):
    """The smallest element; along `dim` also where it is; or elementwise against a tensor."""
    return extreme("min", min_returned, False, input, other if dim is None else dim, keepdim)


@composite(out="match", grad="Amax")
def amax(input, dim=(), keepdim=False):
    """The largest element along `dim` (several allowed); ties share the gradient."""
    return _several(input, dim, keepdim, True, "amax")


@composite(out="match", grad="Amin")
def amin(input, dim=(), keepdim=False):
    """The smallest element along `dim` (several allowed); ties share the gradient."""
    return _several(input, dim, keepdim, False, "amin")


def _several(input, dim, keepdim, largest, name):
    dims = whole(input, dim)
    shape = input._data.shape
    if dims is None and 0 in shape:
        raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() =="
                           " 0. Specify the reduction dim with the 'dim' argument.")
    empty = [d for d in dims or () if shape[d] == 0]
    if empty:
        raise IndexError(f"{name}(): Expected reduction dim {empty[0]} to have non-zero size.")
    return peak(input, dims, keepdim, largest)


@nary(result="index", out="dtype")
def argmax(xp, x, dim=None, keepdim=False):
    """Where the largest element is, first of equals: along `dim`, or in the flattened tensor."""
    return _where_peak(xp, xp.argmax, x, dim, keepdim, "argmax")


@nary(result="index", out="dtype")
def argmin(xp, x, dim=None, keepdim=False):
    """Where the smallest element is, first of equals: along `dim`, or in the flattened tensor."""
    return _where_peak(xp, xp.argmin, x, dim, keepdim, "argmin")


def _where_peak(xp, find, x, dim, keepdim, name):
    if x.dtype.kind == "b":
        raise RuntimeError(f"{name}(): does not support bool input. Call .int() on it first.")
    if x.size == 0 and (dim is None or x.shape[wrap_dim(dim, x.ndim)] == 0):
        raise IndexError(f"{name}(): Expected reduction dim "
                         f"{'to be specified for input.numel() == 0.' if dim is None else dim}"
                         " to have non-zero size.")
    if dim is not None and x.ndim == 0:
        wrap_dim(dim, 0)
        return xp.zeros((), xp.int64)
    return xp.asarray(find(x, axis=dim, keepdims=keepdim)).astype(xp.int64)


# ---- truth ----------------------------------------------------------------------------------


@nary(result="bool", out="all only supports {want} tensor for result, got: {Got}")
def all(xp, x, dim=None, keepdim=False):
    """Whether all elements are non-zero."""
    return _truth(xp, xp.logical_and, x, dim, keepdim)


@nary(result="bool", out="any only supports {want} tensor for result, got: {Got}")
def any(xp, x, dim=None, keepdim=False):
    """Whether any element is non-zero."""
    return _truth(xp, xp.logical_or, x, dim, keepdim)


def _truth(xp, combine, x, dim, keepdim):
    dims = None if dim is None else wrap_dims(dim, x.ndim)
    if not x.ndim or dims == ():
        dims = None if dims is None or not x.ndim else dims
    r = combine.reduce(x.astype(bool), axis=dims, keepdims=keepdim)
    return xp.asarray(r).astype(xp.uint8) if x.dtype == xp.uint8 else r


@nary(result="index", out=False)
def count_nonzero(xp, x, dim=None):
    """How many elements are not 0."""
    return xp.asarray(xp.add.reduce(x.astype(bool), axis=axes(dim), dtype=xp.int64))


# ---- log-sum-exp, norms -----------------------------------------------------------------------


@nary(name="logsumexp", space="torch special", grad="Logsumexp", out=True)
def log_sum_exp(xp, x, dim, keepdim):
    """ln Σ eˣ along `dim`, shifted by the maximum so that eˣ cannot overflow."""
    m = xp.maximum.reduce(x.real, axis=dim, keepdims=True, initial=-xp.inf)
    m = xp.where(xp.isfinite(m), m, 0).astype(x.real.dtype)
    r = xp.log(xp.add.reduce(xp.exp(x - m), axis=dim, keepdims=True)) + m
    return r if keepdim else r.squeeze(dim)


def log_sum_exp_x(xp, g, x, out, dim, keepdim):
    g, out = (restore(xp, v, x.shape, dim, keepdim) for v in (g, out))
    return g * xp.exp(x - out)
log_sum_exp.vjp(x=log_sum_exp_x)


@log_sum_exp.public
def logsumexp(input, dim, keepdim=False):
    """ln Σ eˣ along `dim` (an int or several)."""
    if input._data.dtype not in FLOATS:
        input = input.to(get_default_dtype())
    dims = whole(input, dim)
    if dims is None:
        dims = tuple(range(input._data.ndim))
    if not (dims or input.dtype.is_complex):
        return entitle(input.clone(), "LogsumexpBackward0")
    return log_sum_exp(input, dims, keepdim)


@nary(name="hash_tensor", result="index",
      out="Expected result to be of dtype uint64, but got {Got}")
def mixed_bits(xp, x, dim, keepdim):
    """The bits of all numbers, as 64-bit ones, xor-ed: two tensors that differ rarely agree."""
    if x.dtype.kind == "c":
        raise not_implemented("xor_sum_cpu", x.dtype)
    wide = x.astype(xp.float64 if x.dtype.kind == "f" else xp.int64)
    return xp.bitwise_xor.reduce(wide.view(xp.uint64), axis=dim, keepdims=keepdim)


@mixed_bits.public
def hash_tensor(input, dim=(), *, keepdim=False, mode=0):
    """All numbers of `dim` (all there are) in one uint64: the xor of their bits."""
    if mode:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}. There is one, 0: xor.")
    if not input._data.size and dim == ():
        raise RuntimeError("hash_tensor: Expected reduction dim to be specified for input.numel() "
                           "== 0. Specify the reduction dim with the 'dim' argument.")
    return mixed_bits(input, whole(input, dim), keepdim)


def reduced_dtype(dtype):
    """What a sum of this dtype has: integers sum as int64."""
    return of(np.dtype(np.int64)) if dtype.category < 2 else dtype
