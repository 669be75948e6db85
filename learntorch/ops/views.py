"""Other ways to look at the same memory: no number is copied, writes are seen by all."""

import operator

from learntorch.core.dtypes import of
from learntorch.core.op import composite, multi, nary, registry, view
from learntorch.core.shapes import as_shape, count, infer, wrap_dim, wrap_dims
from learntorch.core.tensor import Tensor
from learntorch.core.warned import warn


@nary(tensors=("x", "y"), space="rules", grad="CopySlices")
def write_window(xp, x, y, strides, chain):
    """`x` with the window that `chain` leads to replaced by `y`: what an in-place write to a view
    means for its base. Only its rules are ever run."""
    raise AssertionError("write_window is recorded by in-place writes, never called")
write_window.vjp(x=lambda xp, g, strides, chain: xp.clear_window(g, strides, chain),
                 y=lambda xp, g, strides, chain: xp.read_window(g, strides, chain))


def laid_out(xp, x, strides):
    """A copy of `x` whose elements lie in memory as in an array with `strides`."""
    order = sorted(range(x.ndim), key=lambda i: -strides[i])
    fresh = xp.empty([x.shape[i] for i in order], x.dtype)
    fresh = fresh.transpose([order.index(i) for i in range(x.ndim)])
    fresh[...] = x
    return fresh


def follow(a, chain):
    """The window of array `a` at the end of a chain of view steps."""
    for step, args in chain:
        a = step.op.kernels[type(a)](a, *args)
    return a


@nary(space="rules")
def clear_window(xp, x, strides, chain):
    """`x` with zeros in the window."""
    fresh = laid_out(xp, x, strides)
    follow(fresh, chain)[...] = 0
    return fresh
clear_window.vjp(x=lambda xp, g, strides, chain: xp.clear_window(g, strides, chain))


@nary(space="rules")
def read_window(xp, x, strides, chain):
    """The values in the window."""
    return follow(laid_out(xp, x, strides), chain)
read_window.vjp(x=lambda xp, g, x_shape, strides, chain: xp.fill_window(g, x_shape, strides, chain))


@nary(space="rules")
def fill_window(xp, x, shape, strides, chain):
    """Zeros of `shape` with `x` in the window."""
    fresh = laid_out(xp, xp.zeros(shape, x.dtype), strides)
    follow(fresh, chain)[...] = x
    return fresh
fill_window.vjp(x=lambda xp, g, strides, chain: xp.read_window(g, strides, chain))


# ---- shape ----------------------------------------------------------------------------------


@view(grad="View", space="rules")
def view_shape(xp, x, shape):
    """The elements in another shape, without copying."""
    try:
        return x.reshape(shape) if x.flags.c_contiguous else x.reshape(shape, copy=False)
    except ValueError:
        raise RuntimeError("view size is not compatible with input tensor's size and stride (at "
                           "least one dimension spans across two contiguous subspaces). Use "
                           ".reshape(...) instead.") from None
view_shape.vjp(x=lambda g, x_shape: g.reshape(x_shape))


@view(grad="ReshapeAlias", space="rules")
def reshape_alias(xp, x, shape):
    """The elements in another shape: a view where memory allows one, else a copy."""
    return x.reshape(shape)
reshape_alias.vjp(x=lambda g, x_shape: g.reshape(x_shape))


@nary(grad="UnsafeView", space="rules")
def reshape_copy(x, shape):
    """The elements in another shape, in new memory."""
    return x.reshape(shape).copy()
reshape_copy.vjp(x=lambda g, x_shape: g.reshape(x_shape))


@composite(space="Tensor", name="view")
def view_(self, *shape, size=None, dtype=None):
    """The same memory in another shape (one size may be −1), or as another dtype.

    Raises RuntimeError where strides do not allow it: then `reshape` copies.
    """
    if not shape:
        shape = (dtype if size is None else size,)
    if len(shape) == 1 and not isinstance(shape[0], (int, tuple, list)):
        return view_dtype(self, shape[0])
    return view_shape(self, infer(as_shape(shape), self._data.size))


def view_dtype(self, dtype):
    """The same bytes read as another dtype; the last dimension grows or shrinks with the size."""
    if not hasattr(dtype, "itemsize"):
        raise TypeError("view() received an invalid combination of arguments - got "
                        f"({type(dtype).__name__}), but expected one of:\n * (torch.dtype dtype)\n"
                        " * (tuple of ints size)\nSay the sizes, as in view(2, 3).")
    if dtype is self.dtype:
        return view_shape(self, self._data.shape)
    return as_dtype(self, dtype)


@view(space="rules")
def as_dtype(x, dtype):
    """The bytes of `x` read as `dtype`."""
    if dtype.itemsize != x.dtype.itemsize and x.ndim == 0:
        raise RuntimeError(f"self.dim() cannot be 0 to view {of(x.dtype)} as {dtype} (different "
                           "element sizes)")
    return x.view(dtype.numpy)


@composite(space="torch")
def reshape(input, shape=(), *more):
    """The elements in another shape (one size may be −1): a view where possible, else a copy.

    Raises RuntimeError where the new shape holds another number of elements.
    """
    a = input._data
    shape = infer(as_shape((shape, *more)), a.size)
    if a.flags.c_contiguous:
        return view_shape(input, shape)
    try:
        a.reshape(shape, copy=False)
    except ValueError:
        return reshape_copy(input, shape)
    return view_shape(input, shape)


@composite(space="Tensor")
def reshape_as(self, other):
    """The elements in the shape of `other`."""
    return reshape(self, other.shape)


@composite(space="Tensor")
def view_as(self, other):
    """The same memory in the shape of `other`."""
    return view_(self, tuple(other.shape))


@composite
def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions `start_dim` to `end_dim` as one."""
    shape = input._data.shape
    start, end = wrap_dim(start_dim, len(shape)), wrap_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if not shape:
        return reshape(input, (1,))
    if start == end:
        return input
    return reshape(input, (*shape[:start], count(shape[start:end + 1]), *shape[end + 1:]))


@composite
def unflatten(input, dim, sizes):
    """Dimension `dim` as several, of `sizes` (one may be −1)."""
    shape = input._data.shape
    dim = wrap_dim(dim, len(shape))
    sizes = tuple(sizes)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    try:
        sizes = infer(sizes, shape[dim])
    except RuntimeError:
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size "
                           f"of dim {dim} ({shape[dim]}) in the input tensor") from None
    return view_(input, *shape[:dim], *sizes, *shape[dim + 1:])


@composite
def ravel(input):
    """All elements in one dimension."""
    return reshape(input, (-1,))


@view(name="squeeze_dims", space="rules", grad=lambda overload: f"SqueezeBackward{overload}")
def squeeze_dims(x, dims, overload):
    """Without the dimensions `dims`, each of size 1.

    overload: PyTorch's number for a call without `dim` (0), with one (1), with several (2).
    """
    return x.reshape([n for i, n in enumerate(x.shape) if i not in dims], copy=False)
squeeze_dims.vjp(x=lambda g, x_shape: g.reshape(x_shape))


@composite(inplace=False)
def squeeze(input, dim=None):
    """Without all dimensions of size 1, or without `dim` (an int or several) where it is 1."""
    shape = input._data.shape
    dims = tuple(range(len(shape))) if dim is None else wrap_dims(dim, len(shape))
    overload = 0 if dim is None else 1 if isinstance(dim, int) else 2
    return squeeze_dims(input, tuple(d for d in dims if shape and shape[d] == 1), overload)


@view
def unsqueeze(x, dim):
    """With a new dimension of size 1 at `dim`."""
    dim = wrap_dim(dim, x.ndim + 1)
    return x[(slice(None),) * dim + (None, Ellipsis)]
unsqueeze.vjp(x=lambda g, x_shape: g.reshape(x_shape))


# ---- order of dimensions --------------------------------------------------------------------


@view(aliases=("swapdims",))
def transpose(x, dim0, dim1):
    """Dimensions `dim0` and `dim1` exchanged."""
    return x.swapaxes(wrap_dim(dim0, x.ndim), wrap_dim(dim1, x.ndim)) if x.ndim else x[...]
transpose.vjp(x=lambda xp, g, dim0, dim1: xp.transpose(g, dim0, dim1))


@composite(out=False)
def swapaxes(input, axis0, axis1):
    """Dimensions `axis0` and `axis1` exchanged: transpose under NumPy's name."""
    return transpose(input, axis0, axis1)


@view
def t(x):
    """The transpose of a matrix; a vector stays as it is.

    Shapes: (n, m) → (m, n). Raises RuntimeError for more than two dimensions.
    """
    if x.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {x.ndim}D")
    return x.T
t.vjp(x=lambda xp, g: xp.t(g))


@view(space="rules", grad="Permute")
def permute_dims(x, dims):
    """Dimension i of the result is dimension `dims[i]` of x."""
    return x.transpose(dims)
permute_dims.vjp(x=lambda xp, g, dims: xp.permute_dims(g, inverse(dims)))


def inverse(dims):
    """The permutation that undoes `dims`."""
    back = [0] * len(dims)
    for i, d in enumerate(dims):
        back[d] = i
    return tuple(back)


@composite
def permute(input, dims=(), *more):
    """Dimension i of the result is dimension `dims[i]` of the input.

    Shapes: the sizes in another order. Raises RuntimeError for another number of dimensions,
    IndexError for one that is not there.
    """
    dims = as_shape((dims, *more))
    ndim = input._data.ndim
    if len(dims) != ndim:
        raise RuntimeError("permute(sparse_coo): number of dimensions in the tensor input does not "
                           "match the length of the desired ordering of dimensions i.e. "
                           f"input.dim() = {ndim} is not equal to len(dims) = {len(dims)}")
    wrapped = tuple(wrap_dim(d, ndim) for d in dims)
    if len(set(wrapped)) != len(wrapped):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return permute_dims(input, wrapped)


@composite(aliases=("moveaxis",))
def movedim(input, source, destination):
    """Dimensions `source` moved to the places `destination`; the others keep their order.

    Shapes: the sizes in another order. Raises RuntimeError for a dimension named twice, IndexError
    for one that is not there.
    """
    ndim = input._data.ndim
    given = [[d] if isinstance(d, int) else list(d) for d in (source, destination)]
    if len(given[0]) != len(given[1]):
        raise RuntimeError("movedim: Invalid source or destination dims: source "
                           f"({given[0]} dims) should contain the same number of dims as "
                           f"destination ({given[1]} dims)")
    for name, dims in zip(("source", "destination"), given, strict=True):
        if len({wrap_dim(d, ndim) for d in dims}) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({dims})")
    source = wrap_dims(source, ndim)
    destination = wrap_dims(destination, ndim)
    rest = [d for d in range(ndim) if d not in source]
    order = [None] * ndim
    for s, d in zip(source, destination, strict=True):
        order[d] = s
    return permute_dims(input, tuple(rest.pop(0) if d is None else d for d in order))


@composite(space="torch", out=False)
def adjoint(input):
    """The conjugate transpose of the last two dimensions."""
    return matrix_transpose(input).conj()


@composite(space="rules")
def matrix_transpose(input):
    """The last two dimensions exchanged."""
    if input._data.ndim < 2:
        raise RuntimeError("tensor.mT is only supported on matrices or batches of matrices. Got "
                           f"{input._data.ndim}-D tensor.")
    return transpose(input, -2, -1)


@composite(space="rules")
def reversed_dims(input):
    """The dimensions in reverse order: the transpose of a matrix."""
    ndim = input._data.ndim
    if ndim == 0:
        warn("Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases.")
    elif ndim != 2:
        warn("The use of `x.T` on tensors of dimension other than 2 to reverse their shape is "
             "deprecated and it will throw an error in a future release. Consider `x.mT` to "
             "transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to "
             "reverse the dimensions of a tensor.")
    return permute_dims(input, tuple(range(ndim))[::-1])


@composite(space="rules")
def hermitian(input):
    """The conjugate transpose of a matrix."""
    if input._data.ndim not in (0, 2):
        raise RuntimeError("tensor.H is only supported on matrices (2-D tensors). Got "
                           f"{input._data.ndim}-D tensor.")
    if input._data.ndim == 0:
        warn("Tensor.H is deprecated on 0-D tensors. Consider using x.conj().")
        return input.conj()
    return transpose(input, 0, 1).conj()


# ---- windows --------------------------------------------------------------------------------


@view(space="rules", grad="Expand")
def expand_to(xp, x, shape):
    """`x` repeated to `shape` without copying."""
    return xp.broadcast_to(x, shape)
expand_to.vjp(x=lambda g: g)


@composite(space="Tensor")
def expand(self, *sizes, size=None, implicit=False):
    """Dimensions of size 1 repeated, without copying, to `sizes` (−1 keeps a size).

    Shapes: `sizes`, which may have more dimensions in front. Raises RuntimeError for another size
    than 1 or the new one.
    """
    if size is not None:
        sizes = (*sizes, size)
    sizes = as_shape(sizes)
    shape = self._data.shape
    extra = len(sizes) - len(shape)
    if extra < 0:
        raise RuntimeError(f"expand({said_type(self)}{{{list(shape)}}}, size={list(sizes)}): the "
                           f"number of sizes provided ({len(sizes)}) must be greater or equal to "
                           f"the number of dimensions in the tensor ({len(shape)})")
    result = []
    for i, n in enumerate(sizes):
        old = shape[i - extra] if i >= extra else None
        if n == -1:
            if old is None:
                raise RuntimeError(f"expand({said_type(self)}{{{list(shape)}}}, "
                                   f"size={list(sizes)}): the expanded size of the tensor (-1) "
                                   f"isn't allowed in a leading, non-existing dimension {i}")
            n = old
        if old is not None and old != 1 and old != n:
            raise RuntimeError(f"The expanded size of the tensor ({n}) must match the existing size"
                               f" ({old}) at non-singleton dimension {i}.  Target sizes: "
                               f"{list(sizes)}.  Tensor sizes: {list(shape)}")
        result.append(n)
    return expand_to(self, tuple(result))


def said_type(t):
    """PyTorch's name of a tensor's type in messages: torch.FloatTensor."""
    from learntorch.core.dtypes import said
    return f"torch.{said(t.dtype)}Tensor"


@composite(space="torch", out=False)
def broadcast_to(input, shape):
    """`input` repeated, without copying, to `shape`."""
    return expand(input, shape)


@composite(space="Tensor")
def expand_as(self, other):
    """Repeated, without copying, to the shape of `other`."""
    return expand(self, other.shape)


@composite(space="torch", method=False)
def broadcast_tensors(*tensors):
    """All tensors expanded to their common shape."""
    from learntorch.core.shapes import broadcast
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    shape = broadcast(*[t._data.shape for t in tensors])
    return tuple(expand(t, shape) for t in tensors)


@composite(out=False)
def narrow(input, dim, start, length):
    """Elements `start` to `start + length` along `dim`."""
    ndim = input._data.ndim
    if ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, ndim)
    if isinstance(start, Tensor) and (start._data.ndim or start._data.dtype.kind not in "iu"):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    start = operator.index(start)
    size = input._data.shape[dim]
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -size <= start <= size:
        raise IndexError(f"start out of range (expected to be in range of [{-size}, {size}], but "
                         f"got {start})")
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return registry["window"](input, (slice(None),) * dim + (slice(start, start + length),))


@composite(out=False)
def select(input, dim, index):
    """The slice at `index` along `dim`, without that dimension."""
    ndim = input._data.ndim
    if ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = wrap_dim(dim, ndim)
    size = input._data.shape[dim]
    index = operator.index(index)
    if not -size <= index < size:
        raise IndexError(f"select(): index {index} out of range for tensor of size "
                         f"{list(input._data.shape)} at dimension {dim}")
    return registry["pick"](input, (slice(None),) * dim + (index,))


@view
def diagonal(xp, x, offset=0, dim1=0, dim2=1):
    """The elements (i, i + offset) of each matrix in dimensions dim1, dim2, as a last dimension."""
    dim1, dim2 = wrap_dim(dim1, x.ndim), wrap_dim(dim2, x.ndim)
    if dim1 == dim2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    rows, columns = x.shape[dim1], x.shape[dim2]
    n = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    start = [slice(None)] * x.ndim
    start[dim1] = slice(max(-offset, 0) if n else 0, None)
    start[dim2] = slice(max(offset, 0) if n else 0, None)
    x = x[tuple(start)]
    keep = [i for i in range(x.ndim) if i not in (dim1, dim2)]
    step = x.strides[dim1] + x.strides[dim2]
    return xp.lib.stride_tricks.as_strided(x, [*[x.shape[i] for i in keep], n],
                                           [*[x.strides[i] for i in keep], step])
diagonal.vjp(x=lambda xp, g, x_shape, offset, dim1, dim2:
             xp.put_diagonal(g, x_shape, offset, dim1, dim2))


@nary(space="rules", grad="DiagonalBackward")
def put_diagonal(xp, x, shape, offset, dim1, dim2):
    """Zeros of `shape` with `x` on a diagonal."""
    fresh = xp.zeros(shape, x.dtype)
    diagonal.op.kernels[type(fresh)](fresh, offset, dim1, dim2)[...] = x
    return fresh
put_diagonal.vjp(x=lambda xp, g, offset, dim1, dim2: xp.diagonal(g, offset, dim1, dim2))


@view(space="Tensor", names=("self",))
def unfold(xp, x, dimension, size, step):
    """All windows of `size` elements along `dimension`, `step` apart, as a new last dimension.

    Shapes: (…, n, …) → (…, (n − size) // step + 1, …, size). Raises RuntimeError for a size above
    n, and a step below 1.
    """
    if x.ndim == 0:
        return x.reshape(1)
    dimension = wrap_dim(dimension, x.ndim)
    length = x.shape[dimension]
    if size > length:
        raise RuntimeError(f"maximum size for tensor at dimension {dimension} is {length} but size "
                           f"is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    shape = list(x.shape)
    strides = list(x.strides)
    shape[dimension] = (length - size) // step + 1
    strides[dimension] *= step
    return xp.lib.stride_tricks.as_strided(x, [*shape, size], [*strides, x.strides[dimension]])
unfold.vjp(x=lambda xp, g, x_shape, dimension, size, step:
           xp.fold_windows(g, x_shape, dimension, size, step))


@nary(space="rules", grad="UnfoldBackward")
def fold_windows(xp, x, shape, dimension, size, step):
    """The sum of overlapping windows: undoes `unfold` by adding."""
    fresh = xp.zeros(shape, x.dtype)
    if not shape:
        return x.reshape(shape)
    lead = (slice(None),) * (dimension % len(shape))
    for i in range(size):
        n = x.shape[dimension % len(shape)]
        fresh[(*lead, slice(i, i + (n - 1) * step + 1, step))] += x[..., i]
    return fresh
fold_windows.vjp(x=lambda xp, g, dimension, size, step: xp.unfold(g, dimension, size, step))


# ---- several views at once ------------------------------------------------------------------


@multi(space="rules", views=True, grad="Split")
def pieces(x, sizes, dim):
    """Consecutive windows of `sizes` along `dim`."""
    lead = (slice(None),) * dim
    made = []
    start = 0
    for n in sizes:
        made.append(x[(*lead, slice(start, start + n))])
        start += n
    return made
pieces.vjp(x=lambda xp, g, dim: xp.concatenate(g, dim))


def split_title(split_size_or_sections):
    """PyTorch's name of the node: one size, or a size for each piece."""
    several = isinstance(split_size_or_sections, (list, tuple))
    return "SplitWithSizesBackward0" if several else "SplitBackward0"


@composite(method=False, out=False, grad=split_title)
def split(tensor, split_size_or_sections, dim=0):
    """Consecutive views along `dim`: of one size (the last may be smaller) or of given sizes."""
    ndim = tensor._data.ndim
    if ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = wrap_dim(dim, ndim)
    size = tensor._data.shape[dim]
    if isinstance(split_size_or_sections, (list, tuple)):
        sizes = [operator.index(n) for n in split_size_or_sections]
        if any(n < 0 for n in sizes):
            raise RuntimeError("split_with_sizes expects split_sizes have only non-negative "
                               f"entries, but got split_sizes={sizes}")
        if sum(sizes) != size:
            raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {size} "
                               f"(input tensor's size at dimension {dim}), but got "
                               f"split_sizes={sizes}")
        return pieces(tensor, sizes, dim)
    n = operator.index(split_size_or_sections)
    if n < 0 or (n == 0 and size):
        raise RuntimeError("split expects split_size be non-negative, but got split_size=" + str(n)
                           if n < 0 else
                           f"split_size can only be 0 if dimension size is 0, but got dimension "
                           f"size of {size}")
    if n == 0:
        return pieces(tensor, [0], dim)
    return pieces(tensor, [min(n, size - i) for i in range(0, size, n)] or [0], dim)


@composite(space="Tensor", name="Tensor.split", inplace=False)
def split_method(self, split_size, dim=0):
    """Consecutive views along `dim`: of one size (the last may be smaller) or of given sizes."""
    return split(self, split_size, dim)


@composite(out=False)
def chunk(input, chunks, dim=0):
    """At most `chunks` consecutive views along `dim`, of equal size but for the last."""
    if input._data.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim = wrap_dim(dim, input._data.ndim)
    size = input._data.shape[dim]
    n = -(-size // chunks)
    return split(input, n, dim) if n else pieces(input, [0] * chunks, dim)


@multi(views=True, method=True)
def unbind(x, dim=0):
    """The slices along `dim`, each without that dimension."""
    if x.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = wrap_dim(dim, x.ndim)
    lead = (slice(None),) * dim
    return [x[(*lead, i, Ellipsis)] for i in range(x.shape[dim])]
unbind.vjp(x=lambda xp, g, dim: xp.stack(g, dim))
