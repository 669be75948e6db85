"""Joining and repeating tensors."""

import numpy as np

from learntorch.core.op import composite, entitle, listed, nary
from learntorch.core.shapes import as_shape, wrap_dim
from learntorch.core.warned import warn


@listed(name="cat", method=False, out="joined apart", aliases=("concat", "concatenate"))
def join(xp, tensors, dim):
    """The tensors one after the other along `dim`."""
    return xp.concatenate(tensors, axis=dim)


def join_tensors(xp, g, shapes, dim):
    """Each tensor gets back the window it filled."""
    made = []
    start = 0
    for shape in shapes:
        n = shape[dim]
        made.append(g[(slice(None),) * (dim % g.ndim) + (slice(start, start + n),)])
        start += n
    return made
join.vjp(tensors=join_tensors)


@join.public
def cat(tensors, dim=0):
    """The tensors one after the other along `dim`; all other sizes must agree.

    Raises RuntimeError when they do not.
    """
    from learntorch.core.failures import tensor_list
    tensors = tensor_list(join.op, tensors)
    filled = [t for t in tensors if t._data.shape != (0,)] or list(tensors)[:1]
    ndim = filled[0]._data.ndim
    if ndim == 0:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    dim = wrap_dim(dim, ndim)
    first = filled[0]._data.shape
    for i, t in enumerate(filled):
        shape = t._data.shape
        if len(shape) != ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {ndim} and "
                               f"{len(shape)}")
        for d in range(ndim):
            if d != dim and shape[d] != first[d]:
                raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. "
                                   f"Expected size {first[d]} but got size {shape[d]} for tensor "
                                   f"number {i} in the list.")
    if len(filled) < len(tensors):          # empty 1-D tensors are let pass, for old times' sake
        nothing = [0 if d == dim else n for d, n in enumerate(first)]
        filled = [t.reshape(nothing) if t._data.shape == (0,) else t for t in tensors]
    return join(filled, dim)


@listed(name="stack", method=False, out="joined")
def pile(xp, tensors, dim):
    """The tensors side by side in a new dimension."""
    return xp.stack(tensors, axis=dim)
pile.vjp(tensors=lambda g, shapes, dim: [g[(slice(None),) * (dim % g.ndim) + (i,)]
                                         for i in range(len(shapes))])


@pile.public
def stack(tensors, dim=0):
    """The tensors side by side in a new dimension `dim`; all shapes must be equal."""
    from learntorch.core.failures import tensor_list
    tensors = tensor_list(pile.op, tensors)
    first = tensors[0]._data.shape
    for i, t in enumerate(tensors):
        if t._data.shape != first:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(first)} "
                               f"at entry 0 and {list(t._data.shape)} at entry {i}")
    return pile(tensors, wrap_dim(dim, len(first) + 1))


@nary(space="rules", grad="Repeat")
def tiled(xp, x, repeats):
    """x repeated like tiles."""
    return xp.tile(x, repeats)


def tiled_x(g, x_shape, repeats):
    """The sum over all copies."""
    lead = len(repeats) - len(x_shape)
    x_shape = (1,) * lead + tuple(x_shape)
    split = [n for pair in zip(repeats, x_shape, strict=True) for n in pair]
    g = g.reshape(split).sum(axis=tuple(range(0, len(split), 2)))
    return g.reshape(x_shape[lead:])
tiled.vjp(x=tiled_x)


@composite(space="Tensor")
def repeat(self, *repeats):
    """Copies of the tensor, `repeats[i]` of them along dimension i.

    Raises RuntimeError for fewer numbers than dimensions.
    """
    repeats = as_shape(repeats)
    if len(repeats) < self._data.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of "
                           "dimensions of tensor")
    return tiled(self, repeats)


@composite
def tile(input, dims=(), *more):
    """Copies of the tensor; missing leading counts are 1.

    Shapes: the sizes times the counts; dimensions are added in front where there are more counts.
    """
    dims = as_shape((dims, *more))
    return tiled(input, (1,) * (input._data.ndim - len(dims)) + dims)


@nary
def flip(x, dims):
    """The order of elements reversed along `dims` (an int or several), in new memory.

    The shape stays. Raises IndexError for a dimension that is not there.
    """
    dims = (dims,) if isinstance(dims, int) else tuple(dims)
    index = [slice(None)] * x.ndim
    for d in dims:
        index[wrap_dim(d, x.ndim)] = slice(None, None, -1)
    return x[tuple(index)].copy() if x.ndim else x.copy()
flip.vjp(x=lambda xp, g, dims: xp.flip(g, dims))


@nary(name="roll")
def rolled(xp, x, shifts, dims):
    """Elements moved along `dims`, those that fall off come in at the other end."""
    return xp.roll(x, shifts, dims)
rolled.vjp(x=lambda xp, g, shifts, dims: xp.roll(g, opposite(shifts), dims))


def opposite(shifts):
    """The shifts that undo `shifts`."""
    return -shifts if isinstance(shifts, int) else tuple(-s for s in shifts)


@rolled.public
def roll(input, shifts, dims=None):
    """Elements moved by `shifts` along `dims` (None: in the flattened tensor), wrapping round.

    The shape stays. Raises IndexError for a dimension that is not there, RuntimeError for another
    number of shifts than dimensions.
    """
    if not isinstance(shifts, int) and not len(shifts):
        raise RuntimeError("`shifts` required")
    if dims is None or dims == ():
        return entitle(rolled(input.flatten(), shifts, 0).reshape(input.shape), "RollBackward0")
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dims = (dims,) if isinstance(dims, int) else tuple(dims)
    if not input._data.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, "
                           f"dims:{len(dims)}")
    return rolled(input, shifts, tuple(wrap_dim(d, input._data.ndim) for d in dims))


@composite(method=False, out="joined", aliases=("row_stack",))
def vstack(tensors):
    """The tensors below each other.

    Shapes: (n, m), vectors (m) are rows → (Σ n, m). Raises RuntimeError for others.
    """
    from learntorch.core.failures import tensor_list
    tensors = tensor_list(vstack.op, tensors)
    return cat([t.reshape(1, -1) if t._data.ndim < 2 else t for t in tensors], 0)


@composite(method=False, out="joined")
def hstack(tensors):
    """The tensors beside each other.

    Shapes: equal but for dimension 1 (0 for vectors). Raises RuntimeError for others.
    """
    from learntorch.core.failures import tensor_list
    tensors = [t.reshape(1) if t._data.ndim == 0 else t for t in tensor_list(hstack.op, tensors)]
    return cat(tensors, 0 if tensors[0]._data.ndim == 1 else 1)


@composite(method=False)
def meshgrid(*tensors, indexing=None):
    """Each 1-D tensor spread over the grid of all: coordinates of every grid point.

    Shapes: (n), (m), … → (n, m, …) each; (m, n, …) for indexing "xy". Raises RuntimeError for more
    dimensions, several dtypes, and another `indexing`.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    if indexing is None:
        warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
             "argument.")
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError("torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but "
                           f"received: {indexing}")
    tensors = list(tensors)
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    for t in tensors:
        if t._data.ndim > 1:
            raise RuntimeError("torch.meshgrid: Expected 0D or 1D tensor in the tensor list but "
                               f"got: one of shape {list(t._data.shape)}")
        if t._data.dtype is not tensors[0]._data.dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    swap = indexing == "xy" and len(tensors) >= 2
    if swap:
        tensors[:2] = [tensors[1], tensors[0]]
    shape = tuple(t._data.size for t in tensors)
    grids = [t.reshape([-1 if i == j else 1 for j in range(len(shape))]).expand(shape)
             for i, t in enumerate(tensors)]
    if swap:
        grids[:2] = [grids[1], grids[0]]
    return tuple(grids)


@composite(method=True, out=False)
def numel(input):
    """The number of elements.

    Shapes: any.
    """
    return input._data.size


@composite(out=True)
def nonzero(input, *, as_tuple=False):
    """The positions of all elements that are not 0: one row each, or one tensor per dimension."""
    from learntorch.core.tensor import wrap
    found = np.nonzero(np.atleast_1d(input._data))
    if as_tuple:
        return tuple(wrap(i.astype(np.int64)) for i in found)
    n = input._data.ndim
    return wrap(np.stack(found, 1).astype(np.int64)[:, :n] if n else
                np.zeros((len(found[0]), 0), np.int64))
