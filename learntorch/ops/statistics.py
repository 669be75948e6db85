"""Distances, covariances, and reductions that pass over NaN."""

import numpy as np

from learntorch.core.dtypes import FLOATS, get_default_dtype, said
from learntorch.core.op import composite
from learntorch.core.shapes import wrap_dim
from learntorch.core.tensor import Tensor
from learntorch.core.warned import warn
from learntorch.ops.linalg_norms import vector_norm
from learntorch.ops.reduce import named, peak, whole
from learntorch.ops.reduce import sum as sum_of


@composite(out=False, grad="Dist")
def dist(input, other, p=2):
    """‖input − other‖ₚ over all elements.

    Shapes: any two that broadcast → ().
    """
    return vector_norm(input - other, p)


@composite(out="dtype", inplace=True, grad="Renorm")
def renorm(input, p, dim, maxnorm):
    """Slices along `dim` whose p-norm exceeds `maxnorm` shortened to it."""
    if not isinstance(p, (int, float)) or p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    ndim = input._data.ndim
    if ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {ndim} dimensions")
    dim = wrap_dim(dim, ndim)
    length = vector_norm(input, p, [d for d in range(ndim) if d != dim], True)
    long = length > maxnorm
    return input * (maxnorm / (length + 1e-7)).where(long, 1.0)


# ---- NaN ------------------------------------------------------------------------------------


@composite(out=True, grad="Nansum")
def nansum(input, dim=None, keepdim=False, *, dtype=None):
    """Σ of the elements that are not NaN."""
    if input.dtype.is_complex:
        raise RuntimeError("nansum does not support complex inputs")
    if input.dtype.is_floating_point:
        input = input.masked_fill(input.isnan(), 0)
    return sum_of(input, dim, keepdim, dtype=dtype)


@composite(out=True)
def nanmean(input, dim=None, keepdim=False, *, dtype=None):
    """The mean of the elements that are not NaN."""
    if input._data.dtype not in FLOATS:
        raise RuntimeError("nanmean(): expected input to have floating point or complex dtype but "
                           f"got {said(input.dtype)}")
    nans = input.isnan()
    if dtype is not None:
        input = input.to(dtype)
    total = sum_of(input.masked_fill(nans, 0), dim, keepdim)
    return total / sum_of(nans.logical_not(), dim, keepdim)


aminmax_returned = named("aminmax", ("min", "max"))


@composite(out="dtype", grad="Aminmax")
def aminmax(input, *, dim=None, keepdim=False):
    """The smallest and the largest element: `min`, `max`."""
    shape = input._data.shape
    if dim is None:
        if 0 in shape:
            raise RuntimeError("aminmax(): cannot compute aminmax over an empty dimension as the "
                               "operation has no identity.")
        dims = None
    else:
        d = wrap_dim(dim, len(shape))
        if shape and shape[d] == 0:
            raise IndexError(f"aminmax: Expected reduction dim {d} to have non-zero size.")
        dims = whole(input, d)
    return aminmax_returned(peak(input, dims, keepdim and bool(shape), False),
                            peak(input, dims, keepdim and bool(shape), True))


# ---- covariance -----------------------------------------------------------------------------


@composite
def cov(input, *, correction=1, fweights=None, aweights=None):
    """The covariances of variables, one a row with an observation in each column.

    fweights: how often each observation counts; aweights: how much.
    Shapes: (n, m) → (n, n); (m) → (). Raises RuntimeError for more dimensions, bools, and weights
    that do not fit.
    """
    _check_cov(input)
    if input._data.dtype not in FLOATS:
        input = input.to(get_default_dtype())
    x = input.reshape(1, -1) if input._data.ndim < 2 else input
    n = x._data.shape[1]
    weights = _weights(n, fweights, aweights, x)
    if weights is None:
        middle = x.mean(1, keepdim=True) if n else x.sum(1, keepdim=True) * float("nan")
        left = n - correction
    else:
        total = weights.sum()
        middle = (x * weights).sum(1, keepdim=True) / total
        left = total - correction if aweights is None else total - correction * (
            weights * aweights).sum() / total
    if not isinstance(left, Tensor):
        left = x.new_tensor(left, dtype=x.dtype.to_real())
    if left.item() <= 0:
        warn("cov(): degrees of freedom is <= 0. Correction should be strictly less than "
             "the number of observations.")
        left = left * 0
    away = x - middle
    weighed = away if weights is None else away * weights
    r = away.mm(weighed.t().conj()) / left
    return r.squeeze()


def _check_cov(input):
    if input._data.ndim > 2:
        raise RuntimeError("cov(): expected input to have two or fewer dimensions but got an input "
                           f"with {input._data.ndim} dimensions")
    if input.dtype.name == "bool":
        raise RuntimeError("cov(): bool dtype is not supported for input")


def _weights(n, fweights, aweights, x):
    """The product of both kinds of weights, checked, or None."""
    for name, w, integral in (("fweights", fweights, True), ("aweights", aweights, False)):
        if w is None:
            continue
        if w._data.ndim > 1:
            raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got "
                               f"{name} with {w._data.ndim} dimensions")
        if (w._data.dtype.kind not in "iu") if integral else not w.dtype.is_floating_point:
            raise RuntimeError(f"cov(): expected {name} to have "
                               f"{'integral' if integral else 'floating point'} dtype but got "
                               f"{name} with {said(w.dtype)} dtype")
        if w._data.size != n:
            raise RuntimeError(f"cov(): expected {name} to have the same numel as there are "
                               f"observations in the input but got {w._data.size} != {n}")
        if w._data.size and np.min(w._data) < 0:
            raise RuntimeError(f"cov(): {name} cannot be negative")
    if fweights is None:
        return aweights
    return fweights if aweights is None else fweights * aweights


@composite
def corrcoef(input):
    """The correlations of variables, one a row: covariances divided by both deviations.

    Shapes: (n, m) → (n, n); (m) → (). Raises RuntimeError for more dimensions.
    """
    if input._data.ndim > 2:
        raise RuntimeError("corrcoef(): expected input to have two or fewer dimensions but got an "
                           f"input with {input._data.ndim} dimensions")
    c = cov(input)
    if not c._data.ndim:
        return c / c
    deviation = c.diag().real.sqrt() if c.dtype.is_complex else c.diag().sqrt()
    r = c / deviation.unsqueeze(1) / deviation.unsqueeze(0)
    if r.dtype.is_complex:
        from learntorch.ops.complex import make_complex
        return make_complex(r.real.clamp(-1, 1), r.imag.clamp(-1, 1))
    return r.clamp(-1, 1)
