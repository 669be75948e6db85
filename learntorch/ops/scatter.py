"""Reading from and writing to places given by index tensors along one dimension."""

from learntorch.core.dtypes import bool_, said
from learntorch.core.op import composite, nary
from learntorch.core.shapes import broadcast, count, wrap_dim
from learntorch.core.tensor import Tensor


def places(xp, index, shape, dim):
    """The flat place in an array of `shape` of each element of `index` along `dim`."""
    flat = index * count(shape[dim + 1:])
    for i, n in enumerate(index.shape):
        if i != dim:
            step = count(shape[i + 1:])
            flat = flat + (xp.arange(n) * step).reshape([-1] + [1] * (index.ndim - 1 - i))
    return flat


@nary(tensors=("x", "index"), name="gather", grad="Gather", out="dtype apart")
def gather_places(xp, x, dim, index):
    """x[index[i, j], j] for dim 0: the elements at `index` along `dim`."""
    return x.reshape(-1)[places(xp, index, x.shape, dim)]
gather_places.vjp(x=lambda xp, g, x_shape, dim, index: xp.add_along(g, index, x_shape, dim))


@nary(tensors=("x", "index"), space="rules", grad="GatherBackward")
def add_along(xp, x, index, shape, dim):
    """Zeros of `shape` with x added at `index` along `dim`: places named twice add up."""
    return add_flat(xp, xp.zeros(count(shape), x.dtype), places(xp, index, shape, dim), x
                    ).reshape(shape)
add_along.vjp(x=lambda xp, g, index, dim: xp.gather(g, dim, index))


def add_flat(xp, target, flat, values):
    """target[flat] += values on a flat array; NumPy's add.at is fast there."""
    xp.add.at(target, flat.reshape(-1), xp.broadcast_to(values, flat.shape).reshape(-1))
    return target


def check_index(name, input, index, dim, other=None):
    """`dim` counted from 0, after the checks that gather and scatter share."""
    if not isinstance(index, Tensor):
        raise TypeError(f"{name}(): argument 'index' (position 3) must be Tensor, not "
                        f"{type(index).__name__}")
    a, i = input._data, index._data
    dim = wrap_dim(dim, a.ndim)
    if not i.size:
        return dim
    if i.dtype.kind != "i" or i.dtype.itemsize < 4:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index. Convert it with "
                           ".long().")
    if max(a.ndim, 1) != max(i.ndim, 1):
        raise RuntimeError("Index tensor must have the same number of dimensions as "
                           f"{'input' if name == 'gather' else 'self'} tensor")
    for d in range(i.ndim if a.ndim else 0):
        if d != dim and i.shape[d] > a.shape[d]:
            if name == "gather":
                raise RuntimeError(f"Size does not match at dimension {d} expected index "
                                   f"{list(i.shape)} to be no larger than self {list(a.shape)} "
                                   f"apart from dimension {dim}")
            raise RuntimeError(f"Expected index {list(i.shape)} to be no larger than self "
                               f"{list(a.shape)} apart from dimension {dim}")
    if other is not None:
        s = other._data
        if max(s.ndim, 1) != max(i.ndim, 1):
            raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
        for d in range(i.ndim if s.ndim else 0):
            if i.shape[d] > s.shape[d]:
                raise RuntimeError(f"Expected index {list(i.shape)} to be no larger than self "
                                   f"{list(a.shape)} apart from dimension {dim} and to be no "
                                   f"larger size than src {list(s.shape)}")
    n = a.shape[dim] if a.ndim else 1
    low, high = i.min(), i.max()
    if low < 0 or high >= n:
        raise RuntimeError(f"index {low if low < 0 else high} is out of bounds for dimension {dim} "
                           f"with size {n}")
    return dim


@gather_places.public
def gather(input, dim, index, *, sparse_grad=False):
    """The elements at `index` along `dim`: out[i, j] = input[index[i, j], j] for dim 0.

    The result has the shape of `index`. Raises RuntimeError where an index is out of bounds.
    """
    dim = check_index("gather", input, index, dim)
    if not index._data.size:
        return input.new_empty(index._data.shape) + input.sum() * 0 if input.requires_grad else \
            input.new_empty(index._data.shape)
    if not input._data.ndim:
        return input.expand(index._data.shape)
    if not index._data.ndim:
        return gather_places(input, dim, index.reshape(1).long()).reshape(())
    return gather_places(input, dim, index.long())


# ---- scatter --------------------------------------------------------------------------------


@nary(tensors=("x", "index", "src"), space="rules", grad="Scatter")
def scatter_places(xp, x, dim, index, src):
    """x with src[i, j] at [index[i, j], j] for dim 0."""
    flat = x.reshape(-1).copy()
    flat[places(xp, index, x.shape, dim)] = xp.cut(src, index.shape)
    return flat.reshape(x.shape)


def scatter_src(xp, g, dim, index, src_shape):
    return xp.pad_to(xp.gather(g, dim, index), src_shape)
scatter_places.vjp(x=lambda xp, g, dim, index: xp.scatter_number(g, dim, index, 0),
                   src=scatter_src)


@nary(tensors=("x", "index"), space="rules", grad="Scatter")
def scatter_number(xp, x, dim, index, value):
    """x with a number at the places `index` along `dim`."""
    flat = x.reshape(-1).copy()
    flat[places(xp, index, x.shape, dim)] = value
    return flat.reshape(x.shape)
scatter_number.vjp(x=lambda xp, g, dim, index: xp.scatter_number(g, dim, index, 0))


@nary(space="rules", grad="Slice")
def cut(x, shape):
    """The leading corner of x of a smaller shape."""
    return x[tuple([slice(n) for n in shape])]
cut.vjp(x=lambda xp, g, x_shape: xp.pad_to(g, x_shape))


@nary(space="rules")
def pad_to(xp, x, shape):
    """Zeros of `shape` with x in the leading corner."""
    fresh = xp.zeros(shape, x.dtype)
    fresh[tuple([slice(n) for n in x.shape])] = x
    return fresh
pad_to.vjp(x=lambda xp, g, x_shape: xp.cut(g, x_shape))


@nary(tensors=("x", "index", "src"), space="rules", grad="ScatterAdd")
def scatter_plus(xp, x, dim, index, src):
    """x with src added at the places `index` along `dim`."""
    flat = x.reshape(-1).copy()
    return add_flat(xp, flat, places(xp, index, x.shape, dim), xp.cut(src, index.shape)
                    ).reshape(x.shape)
scatter_plus.vjp(x=lambda g, index: g, src=scatter_src)


def _on_one(function, input, dim, index, src):
    """A scatter into a 0-d tensor, as one into one element."""
    if input._data.ndim:
        index = index.long()
        return function(input, dim, index if index._data.ndim else index.reshape(1),
                        src.reshape(1) if isinstance(src, Tensor) and not src._data.ndim else src)
    if isinstance(src, Tensor):
        src = src.reshape(-1)
    return function(input.reshape(1), 0, index.reshape(-1).long(), src).reshape(())


@composite(out="dtype", inplace=True,
           grad=lambda src: f"ScatterBackward{not isinstance(src, Tensor):d}")
def scatter(input, dim, index, src=None, value=None, *, reduce=None):
    """`input` with src[i, j] at [index[i, j], j] for dim 0; `reduce` "add" or "multiply" combines.

    src: a tensor at least as large as `index`, or a number (`value`).
    """
    src = value if src is None else src
    if reduce is not None and reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    dim = _scatter_checks("scatter", input, dim, index, src)
    if not index._data.size:
        return input.clone()
    if reduce is not None:
        if not isinstance(src, Tensor):
            src = input.new_full(index._data.shape, src)
        return _on_one(combiner("sum" if reduce == "add" else "prod", True), input, dim, index, src)
    return _on_one(scatter_places if isinstance(src, Tensor) else scatter_number, input, dim,
                   index, src)


def _scatter_checks(name, input, dim, index, src):
    dim = check_index(name, input, index, dim, src if isinstance(src, Tensor) else None)
    if isinstance(src, Tensor) and src._data.dtype is not input._data.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype: got "
                           f"{said(input.dtype)} and {said(src.dtype)}")
    return dim


@composite(out="dtype", inplace=True, grad="ScatterAdd")
def scatter_add(input, dim, index, src):
    """`input` with src added at the places `index` along `dim`: places named twice add up."""
    dim = _scatter_checks("scatter", input, dim, index, src)
    if not index._data.size:
        return input.clone()
    return _on_one(scatter_plus, input, dim, index, src)


@composite(out="dtype", inplace=True, grad="ScatterReduce")
def scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    """`input` with the values of `src` that go to one place combined there.

    reduce: "sum", "prod", "mean", "amax" or "amin"; include_self: does the old value count?
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError("reduce argument must be either sum, prod, mean, amax or amin, got "
                           f"{reduce}")
    dim = _scatter_checks("scatter", input, dim, index, src)
    if not index._data.size:
        return input.clone()
    return _on_one(combiner(reduce, include_self), input, dim, index, src)


def combiner(reduce, include_self):
    """The function (input, dim, index, src) that combines by `reduce`."""
    def combine(input, dim, index, src):
        src = cut(src, index._data.shape)
        if reduce == "mean":
            return _scatter_mean(input, dim, index, src, include_self)
        if not include_self:
            neutral = NEUTRAL[reduce]
            if reduce[0] == "a":
                input = scatter_places(input, dim, index, src)
            else:
                input = scatter_number(input, dim, index, neutral)
        if reduce == "sum":
            return scatter_plus(input, dim, index, src)
        if reduce == "prod":
            return scatter_times(input, dim, index, src)
        return scatter_peak(input, dim, index, src, reduce == "amax", include_self)
    return combine


NEUTRAL = {"sum": 0, "prod": 1, "amax": None, "amin": None}


def _scatter_mean(input, dim, index, src, include_self):
    counts = input.new_full(input._data.shape, 1 if include_self else 0)
    counts = scatter_plus(counts, dim, index, src.new_ones(src._data.shape))
    counts = counts.maximum(counts.new_ones(()))
    total = input if include_self else scatter_number(input, dim, index, 0)
    total = scatter_plus(total, dim, index, src)
    whole = not (total.dtype.is_floating_point or total.dtype.is_complex)
    return total.div(counts, rounding_mode="floor" if whole else None)


@nary(tensors=("x", "index", "src"), space="rules", grad="ScatterReduce")
def scatter_times(xp, x, dim, index, src):
    """x with src multiplied in at the places `index`."""
    flat = x.reshape(-1).copy()
    xp.multiply.at(flat, places(xp, index, x.shape, dim).reshape(-1), src.reshape(-1))
    return flat.reshape(x.shape)


def scatter_times_x(xp, g, x, dim, index, src):
    """g times the product of what came to each place."""
    return g * xp.scatter_times(xp.ones_like(x), dim, index, src)


def scatter_times_src(xp, g, x, dim, index, src, out):
    """g at the place times the product of all other factors there; by division unless src is 0."""
    nothing = xp.eq(src, 0)
    plain = xp.where(nothing, xp.ones_like(src), src)
    zeros = xp.scatter_plus(xp.zeros_like(x), dim, index, xp.astype(nothing, x))
    product = xp.scatter_times(x, dim, index, plain)
    here = xp.gather(zeros, dim, index)
    alone = xp.logical_and(nothing, xp.eq(here, 1))
    return xp.where(alone, xp.gather(g * product, dim, index), xp.gather(g * out, dim, index)
                    ) / plain
scatter_times.vjp(x=scatter_times_x, src=scatter_times_src)


@nary(tensors=("x", "index", "src"), space="rules", grad="ScatterReduce")
def scatter_peak(xp, x, dim, index, src, largest, include_self):
    """x with the extreme of x and what src brings at the places `index`."""
    flat = x.reshape(-1).copy()
    (xp.maximum if largest else xp.minimum).at(
        flat, places(xp, index, x.shape, dim).reshape(-1), src.reshape(-1))
    return flat.reshape(x.shape)


def peak_shares(xp, g, x, dim, index, src, out, include_self):
    """(g divided by how many reach the extreme, does x reach it, does each of src)."""
    mine = xp.astype(xp.eq(x, out), g)
    if not include_self:
        mine = xp.scatter_number(mine, dim, index, 0)
    theirs = xp.astype(xp.eq(src, xp.gather(out, dim, index)), g)
    return g / xp.maximum(xp.scatter_plus(mine, dim, index, theirs), xp.ones_like(mine)), mine, \
        theirs


def scatter_peak_x(xp, g, x, dim, index, src, out, include_self):
    share, mine, _ = peak_shares(xp, g, x, dim, index, src, out, include_self)
    return share * mine


def scatter_peak_src(xp, g, x, dim, index, src, out, include_self):
    share, _, theirs = peak_shares(xp, g, x, dim, index, src, out, include_self)
    return xp.gather(share, dim, index) * theirs
scatter_peak.vjp(x=scatter_peak_x, src=scatter_peak_src)


# ---- whole slices ---------------------------------------------------------------------------


@nary(tensors=("x", "index"), name="index_select", grad="IndexSelect",
      out=("apart", "index_select(): self and result must have the same scalar type"))
def select_slices(xp, x, dim, index):
    """The slices of x at `index` along `dim`."""
    return xp.take(x, index, axis=dim)
select_slices.vjp(x=lambda xp, g, x_shape, dim, index: xp.add_slices(g, dim, index, x_shape))


@nary(tensors=("x", "index"), space="rules", grad="IndexAdd")
def add_slices(xp, x, dim, index, shape):
    """Zeros of `shape` with the slices of x added at `index` along `dim`."""
    return plus_slices(xp, xp.zeros(shape, x.dtype), dim, index, x)
add_slices.vjp(x=lambda xp, g, dim, index: xp.index_select(g, dim, index))


def plus_slices(xp, target, dim, index, values):
    """target with slices added along `dim`, one flat addition."""
    shape = target.shape
    flat = index.reshape([-1] + [1] * (len(shape) - 1 - dim)) + xp.zeros(values.shape, xp.int64)
    return add_flat(xp, target.reshape(-1), places(xp, flat, shape, dim), values).reshape(shape)


def check_slices(name, input, dim, index, source=None):
    """`dim` counted from 0 and `index` as a vector, after the checks that index_… ops share."""
    a = input._data
    dim = wrap_dim(dim, a.ndim)
    if not isinstance(index, Tensor):
        raise TypeError(f"{name}(): argument 'index' (position 3) must be Tensor, not "
                        f"{type(index).__name__}")
    i = index._data
    if i.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector")
    if i.dtype.kind != "i" or i.dtype.itemsize < 4:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    n = a.shape[dim] if a.ndim else 1
    if i.size and (i.min() < 0 or i.max() >= n):
        if name == "index_select":
            raise IndexError("index out of range in self")
        raise (IndexError if name in ("index_fill", "index_copy") else RuntimeError)(
            f"{name}(): index {i.min() if i.min() < 0 else i.max()} is out of bounds for dimension "
            f"{dim} with size {n}")
    if source is not None:
        _check_source(name, input, dim, index, source)
    return dim, index.reshape(-1).long()


def _check_source(name, input, dim, index, source):
    a, i, s = input._data, index._data, source._data
    if s.dtype is not a.dtype:
        raise RuntimeError(f"{name}(): self and source expected to have the same dtype, but got "
                           f"(self) {said(input.dtype)} and (source) {said(source.dtype)}")
    if (s.shape[dim] if s.ndim else 1) != i.size:
        raise (IndexError if name == "index_copy" else RuntimeError)(
            f"{name}(): Number of indices ({i.size}) should be equal to source.size(dim): "
            f"({s.shape[dim] if s.ndim else 1}), for dim: {dim}")
    rest = [n for d, n in enumerate(a.shape) if d != dim]
    if s.ndim and [n for d, n in enumerate(s.shape) if d != dim] != rest:
        raise RuntimeError(f"{name}(): source tensor shape must match self tensor shape, excluding "
                           f"the specified dimension. Got self.shape = {list(a.shape)} "
                           f"source.shape = {list(s.shape)}")


def _in_slices(function, input, dim, index, *values):
    """A slice op on a 0-d tensor, as on one element."""
    if input._data.ndim:
        values = [v.reshape(1) if isinstance(v, Tensor) and not v._data.ndim else v for v in values]
        return function(input, dim, index, *values)
    values = [v.reshape(-1) if isinstance(v, Tensor) else v for v in values]
    return function(input.reshape(1), 0, index, *values).reshape(())


@select_slices.public
def index_select(input, dim, index):
    """The slices of `input` at the vector `index` along `dim`, in new memory.

    Raises IndexError where an index is out of range.
    """
    dim, index = check_slices("index_select", input, dim, index)
    return _in_slices(select_slices, input, dim, index)


@nary(tensors=("x", "index", "source"), space="rules", grad="IndexAdd")
def added_slices(xp, x, dim, index, source):
    """x with the slices of `source` added at `index` along `dim`."""
    return plus_slices(xp, x.copy(), dim, index, source)
added_slices.vjp(x=lambda g: g, source=lambda xp, g, dim, index: xp.index_select(g, dim, index))


@composite(out="dtype", inplace=True, grad="IndexAdd")
def index_add(input, dim, index, source, *, alpha=1):
    """`input` with alpha · source[i] added to slice index[i] along `dim`."""
    dim, index = check_slices("index_add", input, dim, index, source)
    return _in_slices(added_slices, input, dim, index, source if alpha == 1 else source * alpha)


@nary(tensors=("x", "index", "source"), space="rules", grad="IndexCopy")
def copied_slices(x, dim, index, source):
    """x with the slices at `index` along `dim` replaced by those of `source`."""
    x = x.copy()
    x[(slice(None),) * dim + (index,)] = source
    return x
copied_slices.vjp(x=lambda xp, g, dim, index: xp.filled_slices(g, dim, index, 0),
                  source=lambda xp, g, dim, index: xp.index_select(g, dim, index))


@composite(out="dtype", inplace=True, grad="IndexCopy")
def index_copy(input, dim, index, source):
    """`input` with slice index[i] along `dim` replaced by source[i]."""
    dim, index = check_slices("index_copy", input, dim, index, source)
    return _in_slices(copied_slices, input, dim, index, source)


@nary(tensors=("x", "index"), space="rules", grad="IndexFill")
def filled_slices(x, dim, index, value):
    """x with `value` in the slices at `index` along `dim`."""
    x = x.copy()
    x[(slice(None),) * dim + (index,)] = value
    return x
filled_slices.vjp(x=lambda xp, g, dim, index: xp.filled_slices(g, dim, index, 0))


@composite(inplace=True, grad=lambda value: f"IndexFillBackward{isinstance(value, Tensor):d}")
def index_fill(input, dim, index, value):
    """`input` with `value` (a number or a 0-d tensor) in the slices at `index` along `dim`."""
    dim, index = check_slices("index_fill", input, dim, index)
    if isinstance(value, complex) and not input.dtype.is_complex:
        raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not "
                           "supported")
    if not isinstance(value, Tensor):
        return _in_slices(filled_slices, input, dim, index, value)
    if value._data.ndim:
        raise RuntimeError("index_fill_ only supports a 0-dimensional value tensor, but got tensor "
                           f"with {value._data.ndim} dimension(s).")
    from learntorch.ops.compare import choose
    named = _in_slices(filled_slices, input.new_zeros(input._data.shape, dtype=bool_), dim, index,
                       True)
    return choose(named, value.to(input.dtype), input)


@composite(out="dtype", inplace=True, grad="IndexReduce")
def index_reduce(input, dim, index, source, reduce, *, include_self=True):
    """`input` with the slices of `source` combined into slice index[i] along `dim`.

    reduce: "prod", "mean", "amax" or "amin".
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError("index_reduce(): Expected reduce to be one of prod, mean, amax or amin "
                           f"but got {reduce}.")
    dim, index = check_slices("index_reduce", input, dim, index, source)

    def combine(x, dim, index, source):
        full = index.reshape([-1] + [1] * (x._data.ndim - 1 - dim)).expand(source._data.shape)
        return combiner(reduce, include_self)(x, dim, full, source)
    return _in_slices(combine, input, dim, index, source)


# ---- flat places ----------------------------------------------------------------------------


def flat_index(name, input, index):
    """`index` counted from 0 in the flattened tensor. Raises IndexError."""
    i = index._data
    if i.dtype.kind != "i" or i.dtype.itemsize < 8:
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got "
                           f"{said(index.dtype)}")
    n = input._data.size
    if i.size and not n:
        raise IndexError(f"{name}(): tried to take from an empty tensor")
    if i.size and (i.min() < -n or i.max() >= n):
        bad = i.min() if i.min() < -n else i.max()
        raise IndexError(f"out of range: tried to access index {bad} on a tensor of {n} elements.")
    return index % n if n else index


@composite(grad="Take", out=(
    "apart", "take(): self and out expected to have the same dtype, but got self.dtype = {Want} "
    "and out.dtype = {Got}"))
def take(input, index):
    """The elements at `index` of the flattened input; the result has the shape of `index`.

    Raises RuntimeError for an index that is no int64, IndexError for one out of range.
    """
    index = flat_index("take", input, index)
    return select_slices(input.reshape(-1), 0, index.reshape(-1)).reshape(index._data.shape)


@composite(inplace=True, grad="Put")
def put(input, index, source, accumulate=False):
    """`input` with source[i] at place index[i] of the flattened tensor; added if `accumulate`.

    Shapes: any; source as many as index. Raises RuntimeError for another number or dtype,
    IndexError for an index out of range.
    """
    if source._data.dtype is not input._data.dtype:
        raise RuntimeError("put_(): self and source expected to have the same dtype, but got "
                           f"self.dtype = {said(input.dtype)} and source.dtype = "
                           f"{said(source.dtype)}")
    if index._data.size != source._data.size:
        raise RuntimeError("put_(): Expected source and index to have the same number of elements, "
                           f"but got source.numel() = {source._data.size}, index.numel() = "
                           f"{index._data.size}")
    index = flat_index("put_", input, index).reshape(-1)
    way = added_slices if accumulate else copied_slices
    return way(input.reshape(-1), 0, index, source.reshape(-1)).reshape(input._data.shape)


@composite(out="dtype")
def take_along_dim(input, indices, dim=None):
    """The elements at `indices` along `dim`, the other dimensions broadcast; None: flattened."""
    i = indices._data
    if i.dtype.kind != "i" or i.dtype.itemsize < 8:
        raise RuntimeError("torch.take_along_dim(): dtype of indices should be Long but got "
                           f"{said(indices.dtype)}")
    if dim is None:
        return gather(input.reshape(-1), 0, indices.reshape(-1))
    ndim = input._data.ndim
    if ndim != i.ndim:
        raise RuntimeError("torch.take_along_dim(): input and indices should have the same number "
                           f"of dimensions, but got {ndim} dimensions for input, and {i.ndim} "
                           "dimensions for indices")
    dim = wrap_dim(dim, ndim)
    a = input._data.shape
    rest = broadcast([1 if d == dim else n for d, n in enumerate(a)],
                     [1 if d == dim else n for d, n in enumerate(i.shape)])

    indices = indices + (indices < 0) * a[dim]

    def spread(t):
        return t.expand([t._data.shape[d] if d == dim else n for d, n in enumerate(rest)])
    return gather(spread(input), dim, spread(indices))
