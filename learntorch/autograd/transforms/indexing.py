"""x[index] and x[index] = value where something is batched."""

from learntorch.autograd.transforms.batched import lift, stacked
from learntorch.autograd.transforms.rules import (
    NO_ROOM,
    here,
    padded,
    rows,
    rule,
    wrapped,
)
from learntorch.core import pytree
from learntorch.core.record import registry
from learntorch.core.tensor import Tensor
from learntorch.ops.index import assign_seen, basic_view, gather_index, parse, trivial

MASK = ("vmap: We do not support batching operators that can support dynamic shape. Attempting to "
        "batch over indexing with a boolean mask: it picks another number of elements for every "
        "example. torch.where(mask, x, 0) keeps the shape.")


def items(index):
    """The index as a list of its items."""
    return list(index) if isinstance(index, tuple) else [index]


def read(level, x, index):
    """x[index]; tensors of the index may be batched at `level`, or x, or both."""
    parts = items(index)
    batched = [i for i in parts if here(i, level)]
    nested = any(here(t, level) for t in pytree.tree_leaves(
        [p for p in parts if isinstance(p, (list, tuple))]))
    if not batched and not nested:
        basic, advanced = parse(x._data.shape, index)
        seen = x if advanced is not None and trivial(basic) else basic_view(x, basic)
        return seen if advanced is None else gather_index(seen, advanced)
    if any(i.dtype.name in ("bool", "uint8") for i in batched):
        raise RuntimeError(MASK)
    if nested or not simple_places(parts):
        return looped(level, lambda t, i: t[i], x, index)
    return gathered(level, x, parts)


def simple_places(parts):
    """Whether the index is some full slices, then integer tensors, then nothing but slices."""
    kinds = "".join(kind(p) for p in parts)
    return "?" not in kinds and kinds.strip(":").strip("t") == ""


def kind(part):
    if isinstance(part, Tensor):
        return "?" if part.dtype.name in ("bool", "uint8") else "t"
    return ":" if isinstance(part, slice) and part == slice(None) else "?"


def gathered(level, x, parts):
    """Integer tensors side by side after `lead` full slices: one gather with the examples."""
    lead = next(i for i, p in enumerate(parts) if isinstance(p, Tensor))
    tensors = [p for p in parts if isinstance(p, Tensor)]
    n = max(t._data.ndim for t in tensors)
    places = [padded(t, level, n) for t in tensors]
    if here(x, level):
        numbers = registry["arange"](level.size).reshape(level.size, *(1,) * n)
        w = x.whole.movedim(tuple(range(1, lead + 1)), tuple(range(-lead, 0))) if lead else x.whole
        picked = w[(numbers, *places)]
    else:
        w = x.movedim(tuple(range(lead)), tuple(range(-lead, 0))) if lead else x
        picked = w[tuple(places)]
    if lead:                        # the leading dimensions went to the end: back behind batch
        last = picked._data.ndim
        picked = picked.movedim(tuple(range(last - lead, last)), tuple(range(1, lead + 1)))
    return level.wrap(picked)


def looped(level, function, *values):
    """`function` on each example, stacked."""
    row = rows(level, values)
    return wrapped(level, stacked([function(*row(i)) for i in range(level.size)]))


def write(level, x, index, value):
    """x[index] = value."""
    if not any(here(t, level) for t in pytree.tree_leaves((x, items(index), value))):
        return assign_seen(x, index, value)
    if not here(x, level):
        raise RuntimeError(NO_ROOM)
    parts = items(index)
    if any(here(t, level) for t in pytree.tree_leaves(parts)):
        if any(here(t, level) and t.dtype.name == "bool" for t in parts):
            x.copy_(registry["where"](index, value, x))
            return None
        row = rows(level, (x, index, value))
        for i in range(level.size):
            one, place, v = row(i)
            one[place] = v
        return None
    if not isinstance(value, Tensor):
        return assign_seen(x.whole, (slice(None), *parts), value)
    target = read(level, x, index)
    v = value
    while v._data.ndim > target._data.ndim and v._data.shape[0] == 1:
        v = v.squeeze(0)
    return assign_seen(x.whole, (slice(None), *parts),
                       padded(v, level, target._data.ndim))


@rule("gather_index")
def gather_at(level, function, args):
    """Index arrays are the same for all examples."""
    x, index = args
    result = function(x.whole, (slice(None), *index))
    return wrapped(level, to_front(result, index))


def to_front(t, index):
    """Index arrays apart from each other put their dimensions before that of the batch."""
    places = [i for i, part in enumerate(index) if not isinstance(part, slice)]
    if places == list(range(places[0], places[-1] + 1)):
        return t
    wide = max(1 if index[i].dtype == bool else index[i].ndim for i in places)
    return t.movedim(wide, 0)


@rule("scatter_index")
def scatter_at(level, function, args):
    x, shape, index = args
    places = [i for i, part in enumerate(index) if not isinstance(part, slice)]
    w = x.whole
    if places != list(range(places[0], places[-1] + 1)):
        wide = max(1 if index[i].dtype == bool else index[i].ndim for i in places)
        w = w.movedim(0, wide)
    return wrapped(level, function(w, (level.size, *shape), (slice(None), *index)))


@rule("without_index")
def without_at(level, function, args):
    x, index = args
    return wrapped(level, function(x.whole, (slice(None), *index)))


@rule("with_index", "plus_index")
def with_at(level, function, args):
    """`values` broadcast to what the index picks from one example."""
    x, values, index = args
    spread = [i for i, part in enumerate(index) if not isinstance(part, slice)]
    if spread != list(range(spread[0], spread[-1] + 1)):
        return looped(level, lambda a, v: function(a, v, index), x, values)
    n = picked_ndim(x, index)
    return wrapped(level, function(lift(x, level), padded(values, level, n),
                                   (slice(None), *index)))


def picked_ndim(x, index):
    """How many dimensions x[index] has, for index arrays and slices side by side."""
    arrays = [p for p in index if not isinstance(p, slice)]
    if len(arrays) == 1 and arrays[0].dtype == bool:
        return x._data.ndim - arrays[0].ndim + 1
    return x._data.ndim - len(arrays) + max(p.ndim for p in arrays)

