"""Order: sorting, the largest, the middle, and where values fall among sorted ones."""

import numpy as np

from learntorch.core.dtypes import (
    bool_,
    int32,
    int64,
    of,
    of_number,
    promote,
    promote_types,
    said,
)
from learntorch.core.failures import not_implemented
from learntorch.core.op import composite, entitle, multi, nary
from learntorch.core.shapes import wrap_dim
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.reduce import named


def falling(xp, x):
    """Numbers whose ascending order is the descending order of x, NaN first."""
    if x.dtype.kind in "fcV":
        return xp.where(xp.isnan(x), -xp.inf, -x), xp.isnan(x)
    return ~x if x.dtype == bool or x.dtype.kind in "iu" else -x, None


@multi(name="sort", grad="Sort", outputs=("values", "indices"), out="dtype")
def sorted_along(xp, x, dim, descending):
    """x in order along `dim`, and where each element stood. Equal elements keep their order."""
    if descending:
        keys, nans = falling(xp, x)
        i = xp.argsort(keys, axis=dim, stable=True)
        if nans is not None and xp.any(nans):       # NaN counts as larger than every number
            again = xp.argsort(~xp.take_along_axis(nans, i, axis=dim), axis=dim, stable=True)
            i = xp.take_along_axis(i, again, axis=dim)
    else:
        i = xp.argsort(x, axis=dim, stable=True)
    return xp.take_along_axis(x, i, axis=dim), i
sorted_along.vjp(x=lambda xp, g, x_shape, indices, dim: xp.put_along(g, indices, x_shape, dim))


sort_returned = named("sort", ("values", "indices"))
topk_returned = named("topk", ("values", "indices"))
kthvalue_returned = named("kthvalue", ("values", "indices"))
median_returned = named("median", ("values", "indices"))
nanmedian_returned = named("nanmedian", ("values", "indices"))
mode_returned = named("mode", ("values", "indices"))


def no_complex(name, input):
    """Raise RuntimeError for complex numbers, which have no order."""
    if input.dtype.is_complex:
        raise RuntimeError(f"{name} does not support complex dtypes on CPU: they have no order.")


def ordered(kernel, input):
    """Raise NotImplementedError, as PyTorch's kernels do, for complex numbers and for bools."""
    if input._data.dtype.kind in "cb" and not (kernel == "mode_cpu" and input.dtype is bool_):
        raise not_implemented(kernel, input._data.dtype)


@sorted_along.public
def sort(input, dim=-1, descending=False, *, stable=False):
    """The input in order along `dim`: `values`, and `indices` where each stood.

    Always stable: equal elements keep their order.
    """
    no_complex("Sort", input)
    dim = wrap_dim(dim, input._data.ndim)
    if not input._data.ndim:
        return sort_returned(input.clone(), wrap(input._data.astype("int64") * 0))
    made = sort_returned(*sorted_along(input, dim, descending))
    if stable:
        entitle(made.values, "SortBackward1")
    return made


@composite(out=True)
def argsort(input, dim=-1, descending=False, *, stable=False):
    """The indices that sort the input along `dim`."""
    return sort(input.detach(), dim, descending).indices


@composite(out="dtype")
def msort(input):
    """The input sorted along its first dimension."""
    return sort(input, 0).values if input._data.ndim else input.clone()


@composite(out="dtype", grad="Topk")
def topk(input, k, dim=-1, largest=True, sorted=True):
    """The k largest (or smallest) elements along `dim`: `values`, `indices`."""
    no_complex("topk", input)
    if input.dtype is bool_:
        raise RuntimeError("topk does not support bool dtypes on CPU: call .int() first.")
    dim = wrap_dim(dim, input._data.ndim)
    n = input._data.shape[dim] if input._data.ndim else 1
    if not 0 <= k <= n:
        raise RuntimeError("selected index k out of range: topk wants k of the "
                           f"{n} elements along dimension {dim}, and k is {k}.")
    if not input._data.ndim:
        found = sort(input)
        return topk_returned(found.values, found.indices) if k else topk_returned(
            input.new_empty(0), input.new_empty(0, dtype=int64))
    return topk_returned(*best(input, k, dim, largest))


@multi(space="rules", grad="Topk", outputs=("values", "indices"))
def best(xp, x, k, dim, largest):
    """The first k elements in descending (or ascending) order along `dim`."""
    if 0 < 8 * k < x.shape[dim] and not xp.any(x != x):     # few of many: no need to sort all
        keys = falling(xp, x)[0] if largest else x
        few = xp.take(xp.argpartition(keys, k - 1, axis=dim), xp.arange(k), axis=dim)
        order = xp.argsort(xp.take_along_axis(keys, few, axis=dim), axis=dim, stable=True)
        i = xp.take_along_axis(few, order, axis=dim)
        return xp.take_along_axis(x, i, axis=dim), i
    _, i = sorted_along.op.kernels[type(x)](x, dim, largest)
    i = xp.take(i, xp.arange(k), axis=dim)
    return xp.take_along_axis(x, i, axis=dim), i
best.vjp(x=lambda xp, g, x_shape, indices, dim: xp.put_along(g, indices, x_shape, dim))


@multi(space="rules", grad="Kthvalue", outputs=("values", "indices"))
def ranked(xp, x, dim, place):
    """The element at `place` of the ascending order along `dim`."""
    return at_place(xp, x, dim, place)


def at_place(xp, x, dim, place):
    """What a stable sort puts at `place`, and where it stands: without sorting everything.

    Of equal elements it is the one that has as many before it as are missing to `place`.
    """
    if xp.any(x != x):                                   # NaN comes last, and equals nothing
        i = xp.take(xp.argsort(x, axis=dim, stable=True), xp.asarray([place]), axis=dim)
        return xp.take_along_axis(x, i, axis=dim), i
    value = xp.take(xp.partition(x, place, axis=dim), xp.asarray([place]), axis=dim)
    smaller = xp.add.reduce(x < value, axis=dim, keepdims=True)
    nth = xp.cumsum(x == value, axis=dim) > place - smaller
    return value, xp.argmax(nth, axis=dim, keepdims=True)
ranked.vjp(x=lambda xp, g, x_shape, indices, dim: xp.put_along(g, indices, x_shape, dim))


def one_of(returned, pair, dim, keepdim):
    """`values` and `indices` without their dimension of size 1, unless `keepdim`."""
    values, indices = pair
    return returned(values, indices) if keepdim else returned(values.squeeze(dim),
                                                              indices.squeeze(dim))


def lined_up(name, input, dim):
    """The tensor with one dimension at least, `dim` counted from 0, and the size there."""
    dim = wrap_dim(dim, input._data.ndim)
    if not input._data.ndim:
        return input.reshape(1), 0, 1
    n = input._data.shape[dim]
    if not n:
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    return input, dim, n


@composite(out=("apart", "output {field} must be of same type as input"), grad="Kthvalue")
def kthvalue(input, k, dim=-1, keepdim=False):
    """The k-th smallest element along `dim` (from 1): `values`, `indices`."""
    ordered("kthvalue_cpu", input)
    x, dim, n = lined_up("kthvalue", input, dim)
    if not 1 <= k <= n:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}")
    return one_of(kthvalue_returned, ranked(x, dim, k - 1), dim,
                  keepdim and input._data.ndim > 0)


@multi(space="rules", grad="Median", outputs=("values", "indices"))
def middle(xp, x, dim, skip_nan):
    """The lower of the two middle elements along `dim`; NaN where there is one, or without them."""
    n = x.shape[dim]
    nans = xp.add.reduce(x != x, axis=dim, keepdims=True)
    if n and not xp.any(nans):
        return at_place(xp, x, dim, (n - 1) // 2)
    order = xp.argsort(x, axis=dim, stable=True)
    if skip_nan:
        place = xp.maximum(n - nans - 1, 0) // 2
    else:
        place = xp.where(nans > 0, n - nans, (n - 1) // 2)
    i = xp.take_along_axis(order, place, axis=dim)
    return xp.take_along_axis(x, i, axis=dim), i
middle.vjp(x=lambda xp, g, x_shape, indices, dim: xp.put_along(g, indices, x_shape, dim))


def _median(name, returned, input, dim, keepdim, skip_nan):
    ordered("median_cpu" if dim is None else "median_out", input)
    if dim is None:
        if not input._data.size:
            return input.new_full((), float("nan")) if input.dtype.is_floating_point else \
                input.new_full((), -2 ** 63)
        return middle(input.reshape(-1), 0, skip_nan)[0].squeeze(0)
    x, dim, _ = lined_up(name, input, dim)
    return one_of(returned, middle(x, dim, skip_nan), dim, keepdim and input._data.ndim > 0)


@composite(grad=lambda dim: f"MedianBackward{dim is not None:d}",
           out="Expected tensor for '{field}' to have the same type as tensor for argument #2 "
               "'self'; but type torch.{Got}Tensor does not equal torch.{Want}Tensor (while "
               "checking arguments for median)")
def median(input, dim=None, keepdim=False):
    """The lower of the two middle elements; along `dim` also where it stands."""
    return _median("median", median_returned, input, dim, keepdim, False)


@composite(grad=lambda dim: f"NanmedianBackward{dim is not None:d}",
           out="Expected tensor for '{field}' to have the same type as tensor for argument #2 "
               "'self'; but type torch.{Got}Tensor does not equal torch.{Want}Tensor (while "
               "checking arguments for median)")
def nanmedian(input, dim=None, keepdim=False):
    """The median of the elements that are not NaN."""
    return _median("nanmedian", nanmedian_returned, input, dim, keepdim, True)


@multi(space="rules", grad="Mode", outputs=("values", "indices"))
def commonest(xp, x, dim):
    """The element that stands most often along `dim`, the smallest of equals; its last place."""
    order = xp.argsort(x, axis=dim, stable=True)
    s = xp.moveaxis(xp.take_along_axis(x, order, axis=dim), dim, -1)
    n = s.shape[-1]
    fresh = xp.concatenate([xp.ones((*s.shape[:-1], 1), bool), s[..., 1:] != s[..., :-1]], -1)
    places = xp.arange(n)
    start = xp.maximum.accumulate(xp.where(fresh, places, 0), axis=-1)
    last = xp.argmax(places - start, axis=-1)[..., None]
    last = xp.moveaxis(last, -1, dim)
    i = xp.take_along_axis(order, last, axis=dim)
    return xp.take_along_axis(x, i, axis=dim), i
commonest.vjp(x=lambda xp, g, x_shape, indices, dim: xp.put_along(g, indices, x_shape, dim))


@composite(out="expected scalar type '{Want}' but got '{Got}' for {field} output", grad="Mode")
def mode(input, dim=-1, keepdim=False):
    """The element that stands most often along `dim`: `values`, `indices`."""
    ordered("mode_cpu", input)
    x, dim, _ = lined_up("mode", input, dim)
    return one_of(mode_returned, commonest(x, dim), dim, keepdim and input._data.ndim > 0)


# ---- quantiles ------------------------------------------------------------------------------


@composite(grad="SqueezeBackward4",
           out=("quantile() out tensor must be same dtype as the input tensor",))
def quantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """The values below which the fractions `q` of the elements along `dim` lie.

    interpolation between neighbours: "linear", "lower", "higher", "midpoint" or "nearest".
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@composite(grad="SqueezeBackward4",
           out=("quantile() out tensor must be same dtype as the input tensor",))
def nanquantile(input, q, dim=None, keepdim=False, *, interpolation="linear"):
    """The quantiles of the elements that are not NaN."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


def _quantile(name, input, q, dim, keepdim, interpolation, skip_nan):
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
        q = input.new_tensor(q)
    _check_quantile(name, input, q, interpolation)
    ndim = input._data.ndim
    flat = dim is None
    if flat:
        x, dim = input.reshape(-1), 0
    else:
        dim = wrap_dim(dim, ndim)
        x = input if ndim else input.reshape(1)
    x = sort(x.movedim(dim, -1), -1).values
    n = x._data.shape[-1]
    if not n:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    nans = (x != x).sum(-1, keepdim=True)
    top = (n - 1 - nans).clamp(min=0) if skip_nan else nans * 0 + (n - 1)
    rank = q.reshape(-1) * top
    if not skip_nan:
        rank = rank.masked_fill(nans > 0, n - 1)
    if interpolation in ROUNDED:
        rank = ROUNDED[interpolation](rank)
    low = rank.floor()
    r = x.gather(-1, low.long())
    if interpolation in ("linear", "midpoint"):
        weight = rank - low if interpolation == "linear" else rank.new_full((), 0.5).expand(
            rank.shape)
        r = r.lerp(x.gather(-1, rank.ceil().long()), weight)
    if keepdim:
        r = r.movedim(-1, 0)
        r = r.reshape(q._data.size, *[1] * ndim) if flat else r.unsqueeze(-1).movedim(-1, dim + 1)
        if not ndim:
            r = r.reshape(q._data.size)
    else:
        r = r.movedim(-1, 0)
        r = r.reshape(q._data.size) if not ndim else r
    return r if q._data.ndim else r.squeeze(0)


ROUNDED = {"lower": lambda rank: rank.floor(), "higher": lambda rank: rank.ceil(),
           "nearest": lambda rank: rank.round()}


def _check_quantile(name, input, q, interpolation):
    if not input._data.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if input.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if q.dtype is not input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if q._data.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if interpolation not in ("linear", "midpoint", *ROUNDED):
        raise RuntimeError(f"{name}() interpolation must be one of linear, lower, higher, midpoint "
                           f"or nearest, but got {interpolation}")
    if ((q._data < 0) | (q._data > 1)).any():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")


# ---- distinct elements ----------------------------------------------------------------------


@multi(space="rules", outputs=("values", "inverse", "counts"))
def distinct(xp, x, dim):
    """The distinct elements (or slices along `dim`) in order, which is where, and how many."""
    return xp.unique(x, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)


@multi(space="rules", outputs=("values", "inverse", "counts"))
def runs(xp, x, dim):
    """The elements (or slices along `dim`) that differ from the one before, and their runs."""
    if dim is None:
        rows = x.reshape(-1, 1)
    else:
        rows = xp.moveaxis(x, dim, 0).reshape(x.shape[dim], x.size // max(x.shape[dim], 1))
    changes = (rows[1:] != rows[:-1]).any(axis=1)
    fresh = xp.concatenate([xp.ones(min(len(rows), 1), bool), changes])
    starts = xp.nonzero(fresh)[0]
    values = x.reshape(-1)[starts] if dim is None else xp.take(x, starts, axis=dim)
    inverse = xp.cumsum(fresh) - 1
    return values, inverse, xp.diff(xp.concatenate([starts, xp.asarray([len(rows)])]))


def _found(three, input, dim, return_inverse, return_counts):
    values, inverse, counts = three
    if dim is None:
        inverse = inverse.reshape(input._data.shape)
    else:
        inverse = inverse.reshape(-1)
    asked = [values]
    if return_inverse:
        asked.append(inverse)
    if return_counts:
        asked.append(counts)
    return tuple(asked) if len(asked) > 1 else values


@composite
def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The distinct elements in order; which of them stands where; how often each stands.

    dim: None for single elements, else slices along `dim` are compared.
    """
    if input.dtype.is_complex:
        raise RuntimeError(f"\"unique\" not implemented for '{said(input.dtype)}'")
    dim = _check_slices("unique", input, dim)
    return _found(distinct(input.detach(), dim), input, dim, return_inverse, return_counts)


def _check_slices(name, input, dim):
    if dim is None:
        return None
    dim = wrap_dim(dim, input._data.ndim)
    shape = input._data.shape
    if shape and not shape[dim] and 0 in [n for d, n in enumerate(shape) if d != dim]:
        raise RuntimeError(f"There are 0 sized dimensions, and they aren't selected, so {name} "
                           "cannot be applied")
    return dim


@composite
def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
    """The elements that differ from the one before; which run is where; how long each is."""
    dim = _check_slices("unique_consecutive", input, dim)
    return _found(runs(input.detach(), dim), input, dim, return_inverse, return_counts)


# ---- where values fall ----------------------------------------------------------------------


@nary(tensors=("x", "values"), space="rules", result="index")
def insertion_places(xp, x, values, right):
    """For each of `values` how many elements of x (sorted along the last axis) lie before it."""
    side = "right" if right else "left"
    if x.ndim == 1:
        return xp.searchsorted(x, values, side=side)
    if not values.size:
        return xp.zeros(values.shape, xp.int64)
    rows = x.reshape(-1, x.shape[-1])
    wanted = values.reshape(len(rows), -1)
    found = [xp.searchsorted(a, v, side=side) for a, v in zip(rows, wanted, strict=True)]
    return xp.stack(found).reshape(values.shape) if found else xp.zeros(values.shape, xp.int64)


@composite(out=True, method=False)
def searchsorted(sorted_sequence, values, *, out_int32=False, right=False, side=None, sorter=None):
    """Where to insert `values` into the sorted last dimension so that it stays sorted.

    side "left" (before equal elements) or "right" (after them); `sorter` sorts the sequence.
    Shapes: the result has that of `values`, whose dimensions but the last are those of the
    sequence, unless that is a vector. Raises RuntimeError for others.
    """
    if side not in (None, "left", "right"):
        raise RuntimeError("torch.searchsorted(): side can only be 'left' or 'right' but got "
                           f"{side}")
    if side == "left" and right:
        raise RuntimeError("torch.searchsorted(): side and right can't be set to opposites, got "
                           "side of left while right was True")
    if not isinstance(values, Tensor):
        values = _as_value(values, sorted_sequence)
    a, v = sorted_sequence._data, values._data
    if a.dtype is not v.dtype:
        both = promote_types(sorted_sequence.dtype, values.dtype)
        sorted_sequence, values = sorted_sequence.to(both), values.to(both)
    if a.ndim == 0:
        raise RuntimeError("torch.searchsorted(): sorted_sequence needs at least one dimension")
    if a.ndim > 1 and (a.ndim != v.ndim or a.shape[:-1] != v.shape[:-1]):
        raise RuntimeError("torch.searchsorted(): boundaries tensor should be 1 dimension or the "
                           "first N-1 dimensions of boundaries tensor and input value tensor must "
                           f"match, but we got boundaries tensor {list(a.shape)} and input value "
                           f"tensor {list(v.shape)}")
    if sorter is not None:
        _check_sorter(a, sorter)
        sorted_sequence = sorted_sequence.gather(-1, sorter)
    places = insertion_places(sorted_sequence.detach(), values.detach(), right or side == "right")
    return places.to(int32) if out_int32 else places.to(int64)


def _as_value(number, sequence):
    """A number to look for, in the type it has together with the sequence: 1.5 stays 1.5."""
    return wrap(np.asarray(number, promote(sequence.dtype, None, of_number(number)).numpy))


def _check_sorter(a, sorter):
    i = sorter._data
    if i.shape != a.shape:
        raise RuntimeError("torch.searchsorted(): boundary and sorter must have the same size, but "
                           f"got boundary tensor {list(a.shape)} and got sorter tensor "
                           f"{list(i.shape)}")
    if i.dtype != "int64":
        raise RuntimeError("torch.searchsorted(): sorter must be a tensor of long dtype but got "
                           f"dtype {said(i.dtype)}")
    if i.size and (i.min() < 0 or i.max() >= a.shape[-1]):
        raise RuntimeError("torch.searchsorted(): sorter index out of range")


@composite(out=True, method=False)
def bucketize(input, boundaries, *, out_int32=False, right=False):
    """The number of the bucket between sorted `boundaries` that each element falls into.

    Shapes: any; the result has that of the input. Raises RuntimeError for boundaries that are no
    vector.
    """
    if boundaries._data.ndim != 1:
        raise RuntimeError("bucketize(): boundaries tensor must be 1 dimension, but got dim("
                           f"{boundaries._data.ndim})")
    if not isinstance(input, Tensor):
        input = _as_value(input, boundaries)
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@nary(space="rules", result="index")
def tallied(xp, x, bins, low, high):
    """How many elements of x fall into each of `bins` equal parts of [low, high]."""
    inside = x[(x >= low) & (x <= high)].reshape(-1)
    places = ((inside - low) / (high - low) * bins).astype(xp.int64)
    return xp.bincount(xp.minimum(places, bins - 1), minlength=bins)


@composite(out="torch.histogram: input tensor and hist tensor should have the same dtype, but got "
               "input {want} and hist {got}")
def histc(input, bins=100, min=0, max=0):
    """How many elements fall into each of `bins` equal parts of [min, max] (0, 0: all of them).

    Shapes: any → (bins). Raises RuntimeError for no bins, max below min, and limits that are not
    finite, NotImplementedError for whole numbers.
    """
    if bins <= 0:
        raise RuntimeError("bins must be > 0")
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"histogram_cpu\" not implemented for '{said(input.dtype)}'")
    a = input._data.astype("float64")
    if min == max and a.size:
        min, max = a.min().item(), a.max().item()
    if min == max:
        min, max = min - 1, max + 1
    if not all(abs(v) < float("inf") for v in (min, max)):
        raise RuntimeError(f"range of [{min}, {max}] is not finite")
    if min > max:
        raise RuntimeError("max must be larger than min")
    return tallied(wrap(a), bins, min, max).to(input.dtype)


@nary(tensors=("x", "weights"), name="bincount", result=None)
def occurrences(xp, x, weights, minlength):
    """How often each whole number from 0 stands in x, each time counting its weight."""
    return xp.bincount(x, weights, minlength)


@occurrences.public
def bincount(input, weights=None, minlength=0):
    """How often each whole number from 0 stands in a vector, each time counting its weight.

    Shapes: (n) → (largest + 1, at least minlength). Raises RuntimeError for negative numbers,
    fractions, and weights of another size.
    """
    a = input._data
    if a.ndim != 1 or a.dtype.kind not in "iu" or (a.size and a.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if weights is None:
        return occurrences(input, None, minlength).to(int64)
    if weights._data.shape != a.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    sums = occurrences(input, weights.detach(), minlength)
    return sums.to(weights.dtype if weights.dtype.name == "float32" else of(sums._data.dtype))


@nary(tensors=("x", "y"), space="rules", result="bool")
def among(xp, x, y):
    """Whether each element of x is one of y's."""
    return xp.isin(x, y)


@composite(out="dtype", method=False)
def isin(elements, test_elements, *, assume_unique=False, invert=False):
    """Whether each element is among `test_elements`; `invert`: is not.

    Shapes: any two; the result has that of `elements`. Raises TypeError when both are numbers.
    """
    if not isinstance(elements, Tensor):
        elements = test_elements.new_tensor(elements)
    if not isinstance(test_elements, Tensor):
        test_elements = elements.new_tensor(test_elements)
    found = among(elements.detach(), test_elements.detach())
    return ~found if invert else found
