"""Memory seen through any strides, copies of views, and views written back."""

import numpy as np

from learntorch.core.devices import check_cpu
from learntorch.core.graph import vertex
from learntorch.core.op import composite, entitle, nary, registry, view
from learntorch.core.outputs import write_out
from learntorch.core.shapes import count, wrap_dim
from learntorch.core.tensor import owner
from learntorch.ops.create import finish, numpy_type
from learntorch.ops.views import narrow


def steps_of(a):
    """The strides of an array in elements."""
    return tuple(s // a.itemsize for s in a.strides)


@view(space="rules", grad="AsStrided")
def strided_window(xp, x, size, stride, offset, x_stride, x_offset):
    """The storage of x seen through strides (in elements), from `offset`."""
    flat = owner(x).ravel(order="K").view(x.dtype)
    if count(size):
        last = offset + sum([(n - 1) * s for n, s in zip(size, stride, strict=True)])
        if last >= flat.size:
            raise RuntimeError(
                f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, "
                f"and itemsize {x.itemsize} requiring a storage size of {(last + 1) * x.itemsize} "
                f"are out of bounds for storage of size {flat.size * x.itemsize}")
    return xp.lib.stride_tricks.as_strided(flat[offset:], size, [s * x.itemsize for s in stride])
strided_window.vjp(x=lambda xp, g, x_shape, size, stride, offset, x_stride, x_offset: xp.restrided(
    g, (size, stride, offset), (x_shape, x_stride, x_offset)))


@nary(space="rules", grad="AsStrided")
def restrided(xp, x, old, new):
    """x laid into a storage by one geometry (shape, strides, offset), adding, and read by another.

    Places of the old geometry that the new one sees several times are shared out.
    """
    write, read = geometry(xp, *old), geometry(xp, *new)
    n = max([int(p.max()) + 1 for p in (write, read) if p.size] or [0])
    storage = xp.zeros(n, x.dtype)
    xp.add.at(storage, write.reshape(-1), x.reshape(-1))
    return storage[read]
restrided.vjp(x=lambda xp, g, old, new: xp.restrided(g, new, old))


def geometry(xp, shape, strides, offset):
    """The place in storage of every element."""
    places = xp.full(shape, offset)
    for i, (n, s) in enumerate(zip(shape, strides, strict=True)):
        places += (xp.arange(n) * s).reshape([-1] + [1] * (len(shape) - 1 - i))
    return places


@composite(out=False)
def as_strided(input, size, stride, storage_offset=None):
    """The memory of `input` seen with any sizes and strides (in elements), sharing it.

    Raises RuntimeError where that would leave the memory.
    Shapes: `size`.
    """
    size, stride = tuple(size), tuple(stride)
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    if any(s < 0 for s in stride):
        raise RuntimeError("as_strided: Negative strides are not supported at the moment, got "
                           f"strides: {list(stride)}")
    own = input.storage_offset()
    offset = own if storage_offset is None else storage_offset
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    return strided_window(input, size, stride, offset, input.stride(), own)


# ---- copies of views ------------------------------------------------------------------------


def copying(name, view_name):
    """Register `<view>_copy`: the view's values in memory of their own."""
    def copy(input, *args, out=None, **named):
        look = registry[view_name]
        made = (look.op.public or look)(input, *args, **named)
        made = tuple(of_its_own(t) for t in made) if isinstance(made, tuple) else of_its_own(made)
        if out is None:
            return made
        written = write_out(copy.op, out, made, (input,))
        return None if isinstance(made, tuple) else written
    copy.__name__ = name
    copy.__doc__ = f"""The values of `{view_name}` in memory of their own.

    Shapes and errors: those of `{view_name}`.
    """
    made = composite(copy, name=name, method=False)
    made.op.demands = ("dtype",)
    return made


def of_its_own(view):
    """A copy of a view. Its node is called after that of the view."""
    copy = view.clone()
    return copy if view._edge is None else entitle(copy, f"{view._edge.name()}_copy")


for _name in ("as_strided", "diagonal", "expand", "permute", "select", "split", "squeeze",
              "split_with_sizes", "t", "transpose", "unbind", "unfold", "unsqueeze", "view",
              "alias", "view_as_real", "view_as_complex"):
    copying(f"{_name}_copy", _name)


@composite(grad="NarrowCopy",
           out=("Expected self.dtype() == output.dtype() to be true, but got false.",))
def narrow_copy(input, dim, start, length):
    """Elements `start` to `start + length` along `dim`, in memory of their own.

    Raises RuntimeError, and no IndexError, for a dimension that is not there.
    """
    ndim = input._data.ndim
    if dim >= max(ndim, 1):
        raise RuntimeError("Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but "
                           f"got false. There are {ndim} dimensions, and no dimension {dim}.")
    if ndim and length < 0:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size "
                           f"({input._data.shape[dim]}).")
    return narrow(input, dim, start, length).clone()


@composite(out=True, method=False)
def slice_copy(input, dim=0, start=None, end=None, step=1):
    """The elements start, start + step, … before `end` along `dim`, in memory of their own."""
    return sliced(input, dim, start, end, step).clone()


def sliced(input, dim, start, end, step):
    """The view of a slice along `dim`."""
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    if end is not None and end > 2 ** 62:
        end = None
    return input[(slice(None),) * wrap_dim(dim, input._data.ndim) + (slice(start, end, step),)]


@composite(out=True, method=False)
def detach_copy(input):
    """The values without history, in memory of their own.

    Shapes: any; the result has that of the input.
    """
    return input.detach().clone()


# ---- views written back -----------------------------------------------------------------------


def written_back(name, input, src, look):
    """A copy of `input` whose view `look` holds `src`."""
    fresh = input.clone()
    window = look(fresh)
    if window._data.shape != src._data.shape:
        raise RuntimeError(f"expected src to have a size equal to the slice of self. src size = "
                           f"{list(src._data.shape)}, slice size = {list(window._data.shape)}")
    window.copy_(src)
    return fresh


@composite(out=True, grad="SelectScatter")
def select_scatter(input, src, dim, index):
    """`input` with `src` at `index` along `dim`."""
    return written_back("select_scatter", input, src, lambda t: t.select(dim, index))


@composite(out="dtype", grad="SliceScatter")
def slice_scatter(input, src, dim=0, start=None, end=None, step=1):
    """`input` with `src` in a slice along `dim`."""
    return written_back("slice_scatter", input, src, lambda t: sliced(t, dim, start, end, step))


@composite(out=True, grad="DiagonalScatter")
def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
    """`input` with `src` on a diagonal."""
    return written_back("diagonal_scatter", input, src, lambda t: t.diagonal(offset, dim1, dim2))


@nary(tensors=("x", "y"), space="rules", grad="AsStridedScatter")
def strided_written(xp, x, y, new, old):
    """x, whose geometry (shape, strides, offset) is `old`, with y in the geometry `new`."""
    memory = owner(x).ravel(order="K").view(x.dtype).copy()

    def look(size, stride, offset):
        steps = [s * x.itemsize for s in stride]
        return xp.lib.stride_tricks.as_strided(memory[offset:], size, steps)
    look(*new)[...] = y
    return look(*old)


def strided_written_x(xp, g, new, old):
    """g in the window and 0 around it: what PyTorch gives, though g around it would be right."""
    inside = xp.restrided(xp.ones_like(xp.restrided(g, old, new)), new, old)
    return g * xp.sgn(inside)
strided_written.vjp(x=strided_written_x, y=lambda xp, g, new, old: xp.restrided(g, old, new))


@composite(out=True)
def as_strided_scatter(input, src, size, stride, storage_offset=None):
    """`input` with `src` in the window that `as_strided` would show.

    The gradient for `input` is PyTorch's: that of the window. To have the gradient of what is
    around it, write `x = input.clone(); x.as_strided(size, stride).copy_(src)`.
    Shapes: src as `size`. Raises RuntimeError for another, and an input with gaps in memory.
    """
    window = as_strided(input.detach(), size, stride, storage_offset)
    if window._data.shape != src._data.shape:
        raise RuntimeError("expected src to have a size equal to the slice of self. src size = "
                           f"{list(src._data.shape)}, slice size = {list(window._data.shape)}")
    if vertex(input) is not None and not input.is_contiguous():
        raise RuntimeError("as_strided_scatter is currently only supported for contiguous inputs: "
                           "call it with input.contiguous().")
    own = input.storage_offset()
    new = window._data.shape, tuple(stride), own if storage_offset is None else storage_offset
    return strided_written(input, src.to(input.dtype), new, (
        input._data.shape, input.stride(), own))


# ---- nothing to resolve -----------------------------------------------------------------------


@composite(out=False)
def resolve_conj(input):
    """The input: its conjugate is always computed at once.

    Shapes: any; the result has that of the input.
    """
    return input


@composite(out=False)
def resolve_neg(input):
    """The input: its negative is always computed at once.

    Shapes: any; the result has that of the input.
    """
    return input


# ---- memory to be filled ----------------------------------------------------------------------


def laid(size, stride, numpy_dtype, requires_grad):
    """An uninitialised tensor with these strides (in elements)."""
    need = 1 + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) if count(size) else 0
    flat = np.empty(need, numpy_dtype)
    steps = [s * flat.itemsize for s in stride]
    return finish(np.lib.stride_tricks.as_strided(flat, size, steps), requires_grad)


@composite(method=False)
def empty_strided(size, stride, *, dtype=None, layout=None, device=None, requires_grad=False,
                  pin_memory=False):
    """An uninitialised tensor of these sizes and strides (in elements).

    Shapes: `size`. Raises RuntimeError for another number of strides.
    """
    check_cpu(device)
    if len(size) != len(stride):
        raise RuntimeError("empty_strided: mismatch in length of strides and shape")
    return laid(tuple(size), stride, numpy_type(dtype), requires_grad)


@composite(space="Tensor", inplace=False)
def new_empty_strided(self, size, stride, dtype=None, device=None, requires_grad=False,
                      layout=None, pin_memory=False):
    """An uninitialised tensor of these sizes and strides, of this tensor's dtype.

    Shapes: `size`. Raises RuntimeError for another number of strides.
    """
    return empty_strided(size, stride, dtype=dtype or self.dtype, device=device,
                         requires_grad=requires_grad)


@composite(method=False)
def empty_permuted(size, physical_layout, *, dtype=None, layout=None, device=None,
                   requires_grad=False, pin_memory=False):
    """An uninitialised tensor whose dimensions lie in memory in the order `physical_layout`.

    Raises RuntimeError where the layout does not name each dimension once.
    """
    check_cpu(device)
    if len(physical_layout) != len(size):
        raise RuntimeError("Number of dimensions in size does not match the length of the "
                           f"physical_layout; i.e. len(size) = {len(size)} is not equal to "
                           f"len(physical_layout) = {len(physical_layout)}")
    for d in physical_layout:
        if not -len(size) <= d < len(size):
            raise RuntimeError(f"Dimension out of range (expected to be in range of [-{len(size)}, "
                               f"{len(size) - 1}], but got {d})")
    if len(set(physical_layout)) != len(size):
        raise RuntimeError("Duplicate dim not allowed: the physical layout "
                           f"{list(physical_layout)} names one twice")
    fresh = np.empty([size[i] for i in physical_layout], numpy_type(dtype))
    places = [list(physical_layout).index(i) for i in range(len(size))]
    return finish(fresh.transpose(places), requires_grad)
