"""Cutting tensors into pieces, joining them in other ways, turning and repeating them."""

import numpy as np

from learntorch.core.dtypes import int64, said
from learntorch.core.failures import tensor_list
from learntorch.core.op import composite
from learntorch.core.shapes import Size, wrap_dim
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.scatter import index_select
from learntorch.ops.shape import cat, flip, meshgrid, stack
from learntorch.ops.views import chunk, reshape, split


@composite(out=False)
def tensor_split(input, indices_or_sections, dim=0):
    """Views along `dim`: so many of nearly equal size, or cut before the given indices."""
    if not input._data.ndim:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a "
                           "tensor with 0 dims")
    dim = wrap_dim(dim, input._data.ndim)
    size = input._data.shape[dim]
    cuts = _cuts(indices_or_sections, size)
    lead = (slice(None),) * dim
    return tuple(input[(*lead, slice(a, b))]
                 for a, b in zip([0, *cuts], [*cuts, size], strict=True))


def _cuts(wanted, size):
    """The indices to cut at."""
    if isinstance(wanted, Tensor):
        if wanted.dtype is not int64:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to have dtype of "
                               f"long, but got {said(wanted.dtype)}")
        if wanted._data.ndim > 1:
            raise RuntimeError("tensor_split expected tensor_indices_or_sections to be a "
                               "zero-dimensional or one-dimensional tensor, but got a tensor with "
                               f"{wanted._data.ndim} dims")
        wanted = wanted.tolist()
    if isinstance(wanted, (list, tuple)):
        return list(wanted)
    if not isinstance(wanted, int):
        raise TypeError("tensor_split(): argument 'indices_or_sections' must be int, tuple of ints "
                        f"or Tensor, not {type(wanted).__name__}")
    if wanted <= 0:
        raise RuntimeError(f"number of sections must be larger than 0, got {wanted}")
    small, more = divmod(size, wanted)
    return [small * i + min(i, more) for i in range(1, wanted)]


def _split_along(name, input, wanted, dim, least):
    ndim = input._data.ndim
    if ndim < least:
        raise RuntimeError(f"torch.{name} requires a tensor with at least {least} dimension"
                           f", but got a tensor with {ndim} dimensions!")
    if not isinstance(wanted, (int, tuple, list)):
        raise TypeError(f"{name}() received an invalid combination of arguments - got (Tensor, "
                        f"{type(wanted).__name__}): give a number of sections or indices")
    if isinstance(wanted, int):
        size = input._data.shape[dim]
        if wanted <= 0 or size % wanted:
            raise RuntimeError(f"torch.{name} attempted to split along dimension {dim}, but the "
                               f"size of the dimension {size} is not divisible by the split_size "
                               f"{wanted}!")
    return tensor_split(input, wanted, dim)


@composite(out=False)
def hsplit(input, indices_or_sections):
    """Views beside each other: cut along dimension 1 (0 for a vector).

    Raises RuntimeError for fewer dimensions, and sections that do not divide the size evenly.
    """
    return _split_along("hsplit", input, indices_or_sections, min(input._data.ndim, 2) - 1, 1)


@composite(out=False)
def vsplit(input, indices_or_sections):
    """Views below each other: cut along dimension 0.

    Raises RuntimeError for fewer dimensions, and sections that do not divide the size evenly.
    """
    return _split_along("vsplit", input, indices_or_sections, 0, 2)


@composite(out=False)
def dsplit(input, indices_or_sections):
    """Views behind each other: cut along dimension 2.

    Raises RuntimeError for fewer dimensions, and sections that do not divide the size evenly.
    """
    return _split_along("dsplit", input, indices_or_sections, 2, 3)


@composite(out=False)
def split_with_sizes(input, split_sizes, dim=0):
    """Consecutive views of the given sizes along `dim`."""
    return split(input, list(split_sizes), dim)


@composite(out=False, grad="UnsafeSplit")
def unsafe_split(tensor, split_size_or_sections, dim=0):
    """The pieces of `split`, each in memory of its own."""
    return tuple(t.clone() for t in split(tensor, split_size_or_sections, dim))


@composite(out=False, grad="UnsafeSplitWithSizes")
def unsafe_split_with_sizes(input, split_sizes, dim=0):
    """The pieces of `split_with_sizes`, each in memory of its own."""
    return unsafe_split(input, list(split_sizes), dim)


@composite(out=False, grad="UnsafeSplit")
def unsafe_chunk(input, chunks, dim=0):
    """The pieces of `chunk`, each in memory of its own."""
    return tuple(t.clone() for t in chunk(input, chunks, dim))


# ---- joining --------------------------------------------------------------------------------


def each(function, tensors):
    """A function of one tensor on one or several: a tensor, or a tuple of them."""
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return function(tensors[0])
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    return tuple(function(t) for t in tensors)


@composite(method=False, out=False)
def atleast_1d(*tensors):
    """Each tensor with one dimension at least."""
    return each(lambda t: t if t._data.ndim else reshape(t, (1,)), tensors)


@composite(method=False, out=False)
def atleast_2d(*tensors):
    """Each tensor with two dimensions at least: a vector becomes a row."""
    def deepened(t):
        return reshape(t, (1, 1)) if not t._data.ndim else t.unsqueeze(0) if t._data.ndim < 2 else t
    return each(deepened, tensors)


def _deep(t):
    shape = t._data.shape
    if len(shape) > 2:
        return t
    return reshape(t, (1, *shape, 1) if len(shape) == 1 else (*shape, 1) if shape else (1, 1, 1))


@composite(method=False, out=False)
def atleast_3d(*tensors):
    """Each tensor with three dimensions at least: (n) becomes (1, n, 1), (n, m) (n, m, 1)."""
    return each(_deep, tensors)


@composite(method=False, out="joined")
def dstack(tensors):
    """The tensors behind each other, in the third dimension."""
    return cat([_deep(t) for t in tensor_list(dstack.op, tensors)], 2)


@composite(method=False, out="joined")
def column_stack(tensors):
    """The tensors beside each other; vectors as columns."""
    return cat([reshape(t, (-1, 1)) if t._data.ndim < 2 else t
                for t in tensor_list(column_stack.op, tensors)], 1)


@composite(method=False, out=False)
def cartesian_prod(*tensors):
    """All combinations of one element from each vector, one a row.

    Shapes: (n₁), …, (nₖ) → (n₁ · … · nₖ, k). Raises RuntimeError for what is no vector, and for
    several dtypes.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    for t in tensors:
        if t._data.ndim != 1:
            raise RuntimeError("Expect a 1D vector, but got shape "
                               f"{list(t._data.shape)}")
        if t._data.dtype is not tensors[0]._data.dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    if len(tensors) == 1:
        return tensors[0]
    grids = meshgrid(*tensors, indexing="ij")
    return stack([t.reshape(-1) for t in grids], 1)


@composite(out=False, grad="Stack")
def combinations(input, r=2, with_replacement=False):
    """All ways to choose r elements of a vector, in order, one a row.

    Shapes: (n) → (how many, r). Raises RuntimeError for what is no vector, and r < 0.
    """
    if input._data.ndim != 1:
        raise RuntimeError("Expect a 1D vector, but got shape " + str(list(input._data.shape)))
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    chosen = np.indices((input._data.size,) * r).reshape(r, -1)
    steps = np.diff(chosen, axis=0)
    rows = chosen[:, ((steps >= 0) if with_replacement else (steps > 0)).all(0)].T
    return index_select(input, 0, wrap(rows.reshape(-1).copy())).reshape(rows.shape)


# ---- turning and repeating ------------------------------------------------------------------


@composite
def fliplr(input):
    """Left and right exchanged: dimension 1 reversed.

    Raises RuntimeError for fewer than two dimensions.
    """
    if input._data.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, (1,))


@composite
def flipud(input):
    """Up and down exchanged: dimension 0 reversed.

    Raises RuntimeError for a 0-d tensor.
    """
    if input._data.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, (0,))


@composite(grad="Rot90")
def rot90(input, k=1, dims=(0, 1)):
    """Turned k times by 90° from the first towards the second of `dims`.

    Shapes: two sizes exchanged for odd k. Raises RuntimeError unless there are two dimensions to
    turn.
    """
    ndim = input._data.ndim
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {ndim}")
    if dims[0] == dims[1] or abs(dims[0] - dims[1]) == ndim:
        raise RuntimeError("expected rotation dims to be different, but got dim0 = "
                           f"{dims[0]} and dim1 = {dims[1]}")
    for i, d in enumerate(dims):
        if not -ndim <= d < ndim:
            raise RuntimeError(f"Rotation dim{i} out of range, dim{i} = {d}")
    a, b = (d % ndim for d in dims)
    if k % 4 == 1:
        return flip(input, (b,)).transpose(a, b).clone()
    if k % 4 == 2:
        return flip(input, (a, b))
    if k % 4 == 3:
        return flip(input, (a,)).transpose(a, b).clone()
    return input.clone()


@composite(out=False)
def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    """Each element repeated where it stands: `repeats` times, or its own number of times.

    dim: along which dimension; None: the flattened input. With `repeats` alone: the indices.
    """
    if repeats is None:
        return _named_times(input, output_size)
    if dim is None:
        input, dim = input.reshape(-1), 0
    dim = wrap_dim(dim, input._data.ndim)
    if not input._data.ndim:
        input = input.reshape(1)
    n = input._data.shape[dim]
    if not isinstance(repeats, Tensor):
        repeats = wrap(np.asarray(repeats, np.int64))
    r = repeats._data
    if r.ndim > 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if r.size == 1:
        r = np.broadcast_to(r.reshape(-1), (n,))
    elif r.size != n:
        raise RuntimeError("repeats must have the same size as input along dim, but got "
                           f"repeats.size(0) = {r.size} and input.size({dim}) = {n}")
    return index_select(input, dim, _named_times(wrap(r), output_size))


def _named_times(repeats, output_size):
    """0 … n − 1, each as often as `repeats` says."""
    r = repeats._data
    if r.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if r.dtype.kind != "i":
        raise RuntimeError("repeats has to be Long or Int tensor")
    if r.size and r.min() < 0:
        raise RuntimeError("repeats can not be negative")
    if output_size is not None and r.sum() != output_size:
        raise RuntimeError("allocated size does not match required size")
    return wrap(np.repeat(np.arange(r.size, dtype=r.dtype), r))


# ---- shapes ---------------------------------------------------------------------------------


@composite(method=False, out=False)
def broadcast_shapes(*shapes):
    """The shape that tensors of these shapes have together. Raises RuntimeError without one."""
    shapes = [(s,) if isinstance(s, int) else s for s in shapes]
    for shape in shapes:
        for n in shape:
            if n < 0:
                raise RuntimeError("Trying to create tensor with negative dimension "
                                   f"({n}): ({n})")
    together = [1] * max(map(len, shapes), default=0)
    for i, shape in enumerate(shapes):
        for dim in range(-1, -len(shape) - 1, -1):
            n, m = shape[dim], together[dim]
            if 1 not in (n, m) and n != m:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {n} at {dim}! Mismatching "
                    f"argument at index {i} had {shape}; but expected shape should be "
                    f"broadcastable to {together}")
            if m == 1:
                together[dim] = n
    return Size(together)


@composite(space="Tensor", inplace=False, grad="SumBackward1")
def sum_to_size(self, *size):
    """The sum over the dimensions that were repeated to get from `size` to this shape.

    Raises RuntimeError where `size` does not expand to this shape.
    """
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    size = tuple(size)
    shape = self._data.shape
    extra = len(shape) - len(size)
    fits = extra >= 0 and all(n in (1, m) for n, m in zip(size, shape[extra:], strict=True))
    if not fits:
        raise RuntimeError(f"size {{{list(size)}}} is not expandable to size {{{list(shape)}}}.")
    dims = [i for i, n in enumerate(shape) if i < extra or (size[i - extra] == 1 and n != 1)]
    return self.sum(dims, keepdim=True).reshape(size) if dims or not size else self


@composite(method=False, out=False)
def unravel_index(indices, shape):
    """The coordinates in `shape` of places in the flattened tensor, one tensor per dimension.

    Raises ValueError for indices that are no integers, and for a negative size.
    """
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    i = indices._data
    if i.dtype.kind not in "iu":
        raise ValueError("expected 'indices' to be integer dtype, but got "
                         f"{indices.dtype}")
    if any(n < 0 for n in shape):
        raise ValueError(f"'shape' cannot have negative values, but got {shape}")
    return tuple(wrap(np.asarray(c)) for c in np.unravel_index(
        i.astype(np.int64) % max(int(np.prod(shape)), 1), shape))


@composite(out=False)
def argwhere(input):
    """The positions of all elements that are not 0, one row each.

    Shapes: (…) with k dimensions → (how many, k).
    """
    return input.nonzero()


@composite(out=True)
def nonzero_static(input, *, size, fill_value=-1):
    """The first `size` positions of elements that are not 0; missing rows hold `fill_value`.

    Shapes: (…) with k dimensions → (size, k). Raises RuntimeError for a negative size.
    """
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    found = input.nonzero()._data[:size]
    rows = np.full((size, found.shape[1]), fill_value, np.int64)
    rows[:len(found)] = found
    return wrap(rows)
