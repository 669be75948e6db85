"""Reductions over part of a tensor: where the mask is False, a number is as if it were not there.

Each puts the neutral number of its operation there (0 into a sum, −∞ into a maximum) and then does
what the operation without a mask does.
"""

import math

from learntorch.core.dtypes import iinfo
from learntorch.core.op import composite
from learntorch.core.shapes import wrap_dim
from learntorch.ops.arithmetic import maximum
from learntorch.ops.compare import where
from learntorch.ops.linalg_norms import vector_norm
from learntorch.ops.reduce import amax as largest
from learntorch.ops.reduce import amin as smallest
from learntorch.ops.reduce import logsumexp as log_sum_exp
from learntorch.ops.softmax import log_softmax as log_soft
from learntorch.ops.softmax import softmax as soft


def part(function):
    """Decorator: `torch.masked.<name>`."""
    return composite(function, name=f"masked.{function.__name__}", space="masked")


def filled(input, mask, number):
    """The input with `number` where the mask is False.

    Raises IndexError where the mask has more dimensions than the input.
    """
    if mask is None:
        return input
    if mask.ndim > input.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher "
                         "than of the input)")
    return where(mask.bool().expand(input.shape), input, input.new_full((), number))


def dims_of(input, dim):
    """`dim` (None and () mean all) counted from 0. Raises RuntimeError where one repeats."""
    if dim is None or dim == ():
        return tuple(range(input.ndim))
    dims = [wrap_dim(d, input.ndim) for d in ((dim,) if isinstance(dim, int) else dim)]
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
    return tuple(dims)


def summed_type(input, dtype):
    """The dtype of a sum: int64 for integers."""
    whole = not (input.is_floating_point() or input.is_complex())
    return dtype or (input.long().dtype if whole else input.dtype)


def floats_only(name, input, dtype):
    """The dtype of a mean. Raises ValueError for integers."""
    dtype = dtype or input.dtype
    if not (dtype.is_floating_point or dtype.is_complex):
        raise ValueError(f"{name}(): Could not infer output dtype. Input dtype must be either a "
                         f"floating point or complex dtype. Got: {dtype}")
    return dtype


def lowest(name, dtype, sign=-1):
    """−∞, or the smallest integer; with sign 1 the largest. Raises for bool."""
    if dtype.is_floating_point:
        return sign * math.inf
    if dtype.category != 1:
        raise NotImplementedError(f"identity of {name} on {dtype} input")
    return iinfo(dtype).min if sign < 0 else iinfo(dtype).max


def counted(input, mask, dims, keepdim):
    """How many numbers there are along `dims`."""
    ones = input.new_ones(input.shape, dtype=input.long().dtype)
    return filled(ones, mask, 0).sum(dims, keepdim)


# ---- reductions -----------------------------------------------------------------------------


@part
def sum(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Σ of what the mask lets through, 0 where that is nothing."""
    dtype = summed_type(input, dtype)
    return filled(input, mask, 0).sum(dims_of(input, dim), bool(keepdim), dtype=dtype)


@part
def prod(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Π of what the mask lets through, 1 where that is nothing."""
    dtype = summed_type(input, dtype)
    dims = dims_of(input, dim)
    result = filled(input, mask, 1)
    for d in sorted(dims, reverse=True):
        result = result.prod(d, keepdim=bool(keepdim), dtype=dtype)
    return result.to(dtype)


@part
def amax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The largest of what the mask lets through; −∞, or the smallest integer, of nothing."""
    dtype = dtype or input.dtype
    shown = filled(input, mask, lowest("amax", input.dtype))
    return largest(shown, dims_of(input, dim), bool(keepdim)).to(dtype)


@part
def amin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The smallest of what the mask lets through; ∞, or the largest integer, of nothing."""
    dtype = dtype or input.dtype
    shown = filled(input, mask, lowest("amin", input.dtype, 1))
    return smallest(shown, dims_of(input, dim), bool(keepdim)).to(dtype)


@part
def argmax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The place of the largest, as a number of the input's dtype."""
    refuse_bool("argmax", input)
    shown = filled(input, mask, lowest("argmax", input.dtype))
    return shown.argmax(dim, bool(keepdim)).to(dtype or input.dtype)


@part
def argmin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """The place of the smallest, as a number of the input's dtype."""
    refuse_bool("argmin", input)
    shown = filled(input, mask, lowest("argmin", input.dtype, 1))
    return shown.argmin(dim, bool(keepdim)).to(dtype or input.dtype)


def refuse_bool(name, input):
    if not input.dtype.category:
        raise RuntimeError(f"{name}(): does not support bool input")


@part
def mean(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Σ / how many of what the mask lets through; NaN of nothing. ValueError for integers."""
    dtype = floats_only("mean", input, dtype)
    dims = dims_of(input, dim)
    return sum(input, dims, keepdim=keepdim, dtype=dtype, mask=mask) / counted(
        input, mask, dims, bool(keepdim))


@part
def median(input, dim=-1, *, keepdim=False, dtype=None, mask=None):
    """The middle one of what the mask lets through (the lower of two); NaN of nothing."""
    dtype = dtype or input.dtype
    if not input.is_floating_point():
        if mask is not None and (counted(input, mask, dims_of(input, dim), False) == 0).any():
            raise ValueError("masked median expects no fully masked out rows if dtype is not "
                             "floating point")
        input = input.double()
    return filled(input, mask, math.nan).nanmedian(dim, keepdim).values.to(dtype)


@part
def norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None):
    """(Σ |x|^ord)^(1/ord) of what the mask lets through."""
    dtype = floats_only("norm", input, dtype)
    shown = filled(input, mask, math.inf if ord == -math.inf else 0)
    return vector_norm(shown, ord, dims_of(input, dim), bool(keepdim), dtype=dtype)


@part
def var(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """Σ |x − mean|² / (n − correction) of the n numbers that the mask lets through."""
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = int(unbiased is not False)
    if not (input.is_floating_point() or input.is_complex()):
        input = input.float()
    if dtype is not None:
        input = input.to(dtype)
    dims = dims_of(input, dim)
    middle = mean(input, dims, keepdim=True, mask=mask)
    spread = (filled(input - middle, mask, 0).abs() ** 2).sum(dims, bool(keepdim))
    n = counted(input, mask, dims, bool(keepdim)) - correction
    return spread / maximum(n, n.new_zeros(()))


@part
def std(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """√var."""
    return var(input, dim, unbiased, correction=correction, keepdim=keepdim, dtype=dtype,
               mask=mask).sqrt()


@part
def logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """ln Σ eˣ of what the mask lets through."""
    shown = filled(input, mask, lowest("logsumexp", input.dtype))
    return log_sum_exp(shown, dims_of(input, dim), keepdim).to(dtype or input.dtype)


# ---- of the same shape ----------------------------------------------------------------------


@part
def softmax(input, dim, *, dtype=None, mask=None):
    """eˣ / Σ eˣ along `dim`: 0 where the mask is False, NaN where it is False everywhere."""
    dtype = floats_only("softmax", input, dtype)
    return soft(filled(input.to(dtype), mask, -math.inf), dim)


@part
def log_softmax(input, dim, *, dtype=None, mask=None):
    """ln softmax: −∞ where the mask is False."""
    dtype = floats_only("log_softmax", input, dtype)
    return log_soft(filled(input.to(dtype), mask, -math.inf), dim)


@part
def softmin(input, dim, *, dtype=None, mask=None):
    """softmax of −x."""
    return softmax(-input, dim, dtype=dtype, mask=mask)


@part
def normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None):
    """x / max(norm of x along `dim`, ε): 0 where the mask is False."""
    dtype = floats_only("normalize", input, dtype)
    length = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return filled(input, mask, 0) / maximum(length, length.new_full((), eps))


@part
def cumsum(input, dim, *, dtype=None, mask=None):
    """Sums so far along `dim`: what the mask hides adds nothing."""
    return filled(input, mask, 0).cumsum(dim, dtype=summed_type(input, dtype))


@part
def cumprod(input, dim, *, dtype=None, mask=None):
    """Products so far along `dim`: what the mask hides multiplies by 1."""
    return filled(input, mask, 1).cumprod(dim, dtype=summed_type(input, dtype))


@part
def logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None):
    """ln(eˣ + eʸ), each with a mask of its own."""
    dtype = dtype or input.dtype
    x = filled(input, input_mask, -math.inf)
    y = filled(other, other_mask, -math.inf)
    return x.logaddexp(y).to(dtype)
