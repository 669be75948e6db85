"""x[...]: integers, slices, None, Ellipsis, masks, integer tensors, and any mixture of them.

The basic part (integers, slices, None, Ellipsis) is one view; what is left (masks and integer
tensors) then gathers from it. PyTorch applies them in this order, NumPy does not: `x[0, :, [1, 2]]`
has the shape (d1, 2) here and would be (2, d1) there.
"""

import numpy as np

from learntorch.core.ambient import ambient, transform_in
from learntorch.core.graph import touch
from learntorch.core.op import composite, nary, view
from learntorch.core.tensor import Tensor, wrap
from learntorch.core.warned import warn

NESTED = (list, tuple, slice, Tensor, type(None), type(Ellipsis))


@view(space="rules", grad="Slice")
def window(x, index):
    """The elements under slices."""
    return x[(*index, Ellipsis)]
window.vjp(x=lambda xp, g, x_shape, index: xp.put_window(g, x_shape, index))


@view(space="rules", grad="Select")
def pick(x, index):
    """The elements at an integer (and under slices)."""
    return x[(*index, Ellipsis)]
pick.vjp(x=lambda xp, g, x_shape, index: xp.put_window(g, x_shape, index))


@view(space="rules", grad="Unsqueeze")
def widen(x, index):
    """The elements under an index that ends in a new dimension."""
    return x[(*index, Ellipsis)]
widen.vjp(x=lambda xp, g, x_shape, index: xp.put_window(g, x_shape, index))


@view(grad="Alias", space="rules")
def alias(x):
    """The same elements.

    Shapes: any; the result has that of the input.
    """
    return x[...]
alias.vjp(x=lambda g: g)


@nary(space="rules", grad="SliceBackward")
def put_window(xp, x, shape, index):
    """Zeros of `shape` with `x` under a basic index."""
    fresh = xp.zeros(shape, x.dtype)
    fresh[index] = x
    return fresh
put_window.vjp(x=lambda g, index: g[index])


@nary(space="rules", grad="Index")
def gather_index(x, index):
    """The elements at integer arrays and masks."""
    return x[index]
gather_index.vjp(x=lambda xp, g, x_shape, index: xp.scatter_index(g, x_shape, index))


@nary(space="rules", grad="IndexPut")
def scatter_index(xp, x, shape, index):
    """Zeros of `shape` with `x` added at integer arrays: positions named twice add up."""
    return add_at(xp, xp.zeros(shape, x.dtype), index, x)
scatter_index.vjp(x=lambda xp, g, index: xp.gather_index(g, index))


def add_at(xp, target, index, values):
    """target[index] += values, where an element may be named several times.

    On one flat axis, where NumPy's add.at is fast; with masks alone nothing repeats.
    """
    if all(isinstance(i, slice) or i.dtype == bool for i in index):
        target[index] += values
        return target
    places = xp.arange(target.size).reshape(target.shape)[index]
    flat = target.reshape(-1)
    xp.add.at(flat, places.reshape(-1), xp.broadcast_to(values, places.shape).reshape(-1))
    return flat.reshape(target.shape)


@nary(tensors=("x", "values"), space="rules", grad="IndexPut")
def with_index(x, values, index):
    """`x` with `values` at `index`."""
    x = x.copy()
    x[index] = values
    return x
with_index.vjp(x=lambda xp, g, index: xp.without_index(g, index),
               values=lambda xp, g, index: xp.gather_index(g, index))


@nary(space="rules", grad="IndexPut")
def without_index(x, index):
    """`x` with zeros at `index`."""
    x = x.copy()
    x[index] = 0
    return x
without_index.vjp(x=lambda xp, g, index: xp.without_index(g, index))


@nary(tensors=("x", "values"), space="rules", grad="IndexPut")
def plus_index(xp, x, values, index):
    """`x` with `values` added at `index`."""
    return add_at(xp, x.copy(), index, values)
plus_index.vjp(x=lambda g: g, values=lambda xp, g, index: xp.gather_index(g, index))


# ---- reading an index -----------------------------------------------------------------------


def parse(shape, index):
    """(basic, advanced): the view to take first, and what gathers from it (None if nothing).

    Raises IndexError and ValueError in PyTorch's words.
    """
    if isinstance(index, list) and any(isinstance(i, NESTED) for i in index):
        index = tuple(index)                    # as old NumPy and PyTorch read [[0, 1], [2, 3]]
    items = list(index) if isinstance(index, tuple) else [index]
    items = [_item(i) for i in items]
    used = sum(_width(i) for i in items)
    if used > len(shape):
        if not shape:
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
                             "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number")
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    dots = [n for n, i in enumerate(items) if i is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if dots:
        fill = [slice(None)] * (len(shape) - used)
        items[dots[0]:dots[0] + 1] = fill
    basic = []
    advanced = []
    dim = 0
    for i in items:
        if isinstance(i, np.ndarray):
            wide = _width(i)
            _check(i, shape, dim)
            if wide == 0:
                basic.append(None)
                advanced.append(i.reshape(1))
            else:
                basic.extend([slice(None)] * wide)
                advanced.append(i)
            dim += wide
        elif i is None:
            basic.append(None)
            advanced.append(slice(None))
        else:
            if isinstance(i, int):
                _check_int(i, shape, dim)
            else:
                advanced.append(slice(None))
            basic.append(i)
            dim += 1
    gathers = any(isinstance(i, np.ndarray) for i in advanced)
    return tuple(basic), _positive(advanced, shape) if gathers else None


def _item(i):
    """One index item as an int, slice, None, Ellipsis, or array of integers or bools."""
    if i is None or i is Ellipsis:
        return i
    if isinstance(i, slice):
        return _slice(i)
    if isinstance(i, (bool, np.bool_)):
        return np.asarray(i)
    if isinstance(i, Tensor):
        a = i._data
        if a.ndim == 0 and a.dtype.kind in "iu":
            return int(a.item())
        i = a
    elif isinstance(i, (int, np.integer)):
        return int(i)
    elif isinstance(i, (list, tuple, range, np.ndarray)):
        i = np.asarray([j.item() if isinstance(j, Tensor) and j._data.ndim == 0 else
                        j._data if isinstance(j, Tensor) else j for j in i]
                       if isinstance(i, (list, tuple)) else i)
        if i.size == 0 and i.dtype.kind == "f":
            i = i.astype(np.int64)
    elif hasattr(i, "__index__"):
        return i.__index__()
    else:
        raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte "
                         f"Variables are valid indices (got {type(i).__name__})")
    if i.dtype == np.uint8:
        warn("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool "
             "instead.")
        i = i.astype(bool)
    if i.dtype.kind not in "ib":
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors: "
                         "convert with .long()")
    return i


def _slice(s):
    parts = [None if v is None else v.__index__() for v in (s.start, s.stop, s.step)]
    if parts[2] is not None and parts[2] <= 0:
        raise ValueError("step must be greater than zero: use torch.flip to reverse a dimension")
    return slice(*parts)


def _width(i):
    """How many dimensions an index item consumes."""
    if i is None or i is Ellipsis:
        return 0
    if isinstance(i, np.ndarray) and i.dtype == bool:
        return i.ndim
    return 1


def _check_int(i, shape, dim):
    size = shape[dim]
    if not -size <= i < size:
        raise IndexError(f"index {i} is out of bounds for dimension {dim} with size {size}")


def _check(i, shape, dim):
    if i.dtype == bool:
        if i.shape != shape[dim:dim + i.ndim]:
            wrong = next(n for n in range(i.ndim) if i.shape[n] != shape[dim + n])
            raise IndexError(f"The shape of the mask {list(i.shape)} at index {wrong} does not "
                             f"match the shape of the indexed tensor {list(shape)} at index "
                             f"{dim + wrong}")
        return
    size = shape[dim]
    if i.size:
        low, high = i.min(), i.max()
        if low < -size or high >= size:
            bad = low if low < -size else high
            raise IndexError(f"index {bad} is out of bounds for dimension {dim} with size {size}")


def _positive(advanced, shape):
    """Own copies of the index arrays: the caller may change his, backward needs these."""
    made = []
    for i in advanced:
        if isinstance(i, np.ndarray):
            if i.dtype == bool:
                made.extend(np.nonzero(i)) if i.ndim != 1 else made.append(i.copy())
            else:
                made.append(i.astype(np.int64))
        else:
            made.append(i)
    arrays = [i.shape for i in made if isinstance(i, np.ndarray) and i.dtype != bool]
    if len(arrays) > 1 or any(isinstance(i, np.ndarray) and i.dtype == bool for i in made):
        made = [np.nonzero(i)[0] if isinstance(i, np.ndarray) and i.dtype == bool else i
                for i in made] if sum(isinstance(i, np.ndarray) for i in made) > 1 else made
        try:
            np.broadcast_shapes(*[i.shape for i in made if isinstance(i, np.ndarray)])
        except ValueError:
            raise IndexError("shape mismatch: indexing tensors could not be broadcast together "
                             "with shapes " + ", ".join(str(list(i.shape)) for i in made
                                                        if isinstance(i, np.ndarray))) from None
    while made and isinstance(made[-1], slice):
        made.pop()
    return tuple(made)


def basic_view(input, basic):
    """The view under a basic index; its name in the graph is that of the last thing done."""
    for i in reversed(basic):
        if isinstance(i, int):
            return pick(input, basic)
        if i is None:
            return widen(input, basic)
        if i != slice(None):
            return window(input, basic)
    return alias(input)


def trivial(basic):
    """Whether a basic index leaves everything as it is."""
    return all(isinstance(i, slice) and i == slice(None) for i in basic)


@composite(space="Tensor", name="__getitem__", inplace=False)
def getitem(self, index):
    """self[index].

    Shapes: an int takes a dimension away, a slice shortens it, None makes a new one; index tensors
    broadcast, their shape takes the place of the dimensions they index. Numbers and slices give
    a view, index tensors a copy. Raises IndexError for too many indices, or one out of range,
    ValueError for a negative step.
    """
    if type(index) is int:
        size = self._data.shape
        if size and -size[0] <= index < size[0]:
            return pick(self, (index,))
    state = ambient.state
    if state.intercept is not None:
        asked = transform_in(state)
        if asked is not None:
            return asked.indexed(self, index)
    basic, advanced = parse(self._data.shape, index)
    if advanced is None:
        return basic_view(self, basic)
    return gather_index(self if trivial(basic) else basic_view(self, basic), advanced)


@composite(space="Tensor", name="__setitem__", inplace=False)
def setitem(self, index, value):
    """self[index] = value, in place.

    Shapes: the value broadcasts to self[index]. Raises what reading self[index] raises, and
    RuntimeError for a value that does not broadcast, or a leaf that requires a gradient.
    """
    state = ambient.state
    if state.intercept is not None:
        asked = transform_in(state)
        if asked is not None:
            return asked.assigned(self, index, value)
    basic, advanced = parse(self._data.shape, index)
    if not isinstance(value, Tensor):
        value = _value(value, self)
    if not (state.grad and (self._live or value._live)) and not self._inference:
        _assign(self, basic, advanced, value)
        return
    _write(self, basic, advanced, value)


def assign_seen(self, index, value):
    """self[index] = value through ops that interceptors see."""
    basic, advanced = parse(self._data.shape, index)
    _write(self, basic, advanced, value if isinstance(value, Tensor) else _value(value, self))


def _write(self, basic, advanced, value):
    target = self if trivial(basic) else basic_view(self, basic)
    if advanced is None:
        target.copy_(_fitting(value, target._data.shape))
        return
    put_index.op.written(target, value, advanced)


def _value(value, self):
    if isinstance(value, np.ndarray):
        return wrap(value)
    try:
        return wrap(np.asarray(value, self._data.dtype))
    except (TypeError, ValueError):
        raise TypeError(f"can't assign a {type(value).__name__} to a torch tensor of type "
                        f"{self.dtype}") from None


def _fitting(value, shape):
    """A value with leading dimensions of size 1 dropped until it fits `shape`."""
    while value._data.ndim > len(shape) and value._data.shape[0] == 1:
        value = value.squeeze(0)
    return value


def _assign(self, basic, advanced, value):
    a = self._data
    v = value._data
    try:
        target = a[(*basic, Ellipsis)]
        if advanced is None:
            while v.ndim > target.ndim and v.shape[0] == 1:
                v = v[0]
            target[...] = v
        else:
            target[advanced] = v
    except ValueError as error:
        if "read-only" in str(error):
            from learntorch.core.failures import OVERLAP
            raise RuntimeError(OVERLAP) from None
        if advanced is None:
            wrap(v).expand(target.shape)
        raise RuntimeError(f"shape mismatch: value tensor of shape {list(v.shape)} cannot be "
                           "broadcast to indexing result of shape "
                           f"{list(target.shape if advanced is None else target[advanced].shape)}"
                           ) from None
    touch(self)


@composite(space="rules", inplace=True)
def put_index(self, values, advanced):
    """The tensor with `values` at an advanced index."""
    return with_index(self, values.to(self.dtype), advanced)


@composite(inplace=True, out=False)
def index_put(input, indices, values, accumulate=False):
    """`input` with `values` at the index tensors `indices`; added there when `accumulate`.

    Shapes: `indices` broadcast, `values` broadcasts to input[indices]. Raises RuntimeError for two
    dtypes, IndexError for an index out of range.
    """
    basic, advanced = parse(input._data.shape, tuple(slice(None) if i is None else i
                                                     for i in indices))
    if values._data.dtype is not input._data.dtype:
        raise RuntimeError("Index put requires the source and destination dtypes match, got "
                           f"{_said(input)} for the destination and {_said(values)} for the "
                           "source.")
    return (plus_index if accumulate else with_index)(input, values, advanced)


def _said(t):
    from learntorch.core.dtypes import said
    return said(t.dtype)
