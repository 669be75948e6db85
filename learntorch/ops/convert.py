"""Copies, conversions of dtype, and writing one tensor into another."""

import numpy as np

from learntorch.core import dtypes, failures
from learntorch.core.devices import check_cpu
from learntorch.core.graph import touch
from learntorch.core.op import composite, entitle, nary, unary
from learntorch.core.shapes import as_shape, count
from learntorch.core.storage import TypedStorage, UntypedStorage, in_shared_memory, look
from learntorch.core.tensor import Tensor
from learntorch.core.warned import warn


@nary(space="rules", grad="ToCopy", result=None)
def cast(x, dtype):
    """x in another dtype. Its gradient is the incoming one, back in the old dtype."""
    return x.astype(dtype.numpy)
cast.vjp(x=lambda g: g)


@nary(space="rules", grad="ToCopy", result=None)
def cast_real(x, dtype):
    """The real part of a complex x in another dtype."""
    return x.real.astype(dtype.numpy)
cast_real.vjp(x=lambda g: g)


@unary(space="rules", name="copied", grad="Clone", inplace=False, out=False)
def copied(x):
    """x in memory of its own."""
    return x.copy()
copied.vjp(x=lambda g: g)


@composite(out=False)
def clone(input, *, memory_format=None):
    """The same values in memory of its own, with the history.

    Shapes: any; the result has that of the input.
    """
    return copied(input)


@composite(space="Tensor", inplace=False)
def contiguous(self, memory_format=None):
    """Itself if its memory is in row-major order, else a copy that is.

    Shapes: any; the result has that of the input.
    """
    return self if self._data.flags.c_contiguous else copied(self)


def to_dtype(self, dtype, copy=False):
    """`self` in `dtype`: itself where nothing changes, unless `copy`."""
    if self._data.dtype is dtype.numpy:
        return entitle(copied(self), "ToCopyBackward0") if copy else self
    if self._data.dtype.kind == "W" and dtype is not dtypes.complex64:
        return to_dtype(cast(self, dtypes.complex64), dtype)        # its parts are no views
    drops = self._data.dtype.kind == "c" and not dtype.is_complex
    if drops and dtype is not dtypes.bool_:
        warn("Casting complex values to real discards the imaginary part")
    return (cast_real if drops else cast)(self, dtype)


@composite(space="Tensor", inplace=False)
def to(self, *args, dtype=None, device=None, non_blocking=False, copy=False, memory_format=None):
    """`self` with another dtype and/or on another device; itself where nothing changes.

    `to(dtype)`, `to(device)`, `to(device, dtype)` and `to(other)`, which takes both from `other`.
    Shapes: any; the result has that of the input.
    """
    flags = 0
    for a in args:
        if isinstance(a, dtypes.dtype):
            dtype = a
        elif isinstance(a, Tensor):
            dtype = a.dtype
        elif isinstance(a, bool):
            copy = flags > 0 and a          # the first of two is non_blocking
            flags += 1
        elif a is not None:
            device = a
    check_cpu(device)
    if dtype is None:
        return entitle(copied(self), "ToCopyBackward0") if copy else self
    if not isinstance(dtype, dtypes.dtype):
        from learntorch.ops.create import numpy_type
        dtype = dtypes.of(numpy_type(dtype))
    return to_dtype(self, dtype, copy)


def _converter(name, dtype):
    def convert(self, memory_format=None):
        return to_dtype(self, dtype)
    convert.__name__ = name
    convert.__doc__ = f"`self` as {dtype!r}; itself if it is one. Shapes: any, which stays."
    return composite(convert, space="Tensor", inplace=False, name=name)


for _name, _dtype in (("float", dtypes.float32), ("double", dtypes.float64),
                      ("half", dtypes.float16), ("bfloat16", dtypes.bfloat16),
                      ("long", dtypes.int64), ("int", dtypes.int32), ("short", dtypes.int16),
                      ("char", dtypes.int8), ("byte", dtypes.uint8), ("bool", dtypes.bool_),
                      ("chalf", dtypes.complex32), ("cfloat", dtypes.complex64),
                      ("cdouble", dtypes.complex128)):
    _converter(_name, _dtype)


LEGACY = {"FloatTensor": dtypes.float32, "DoubleTensor": dtypes.float64,
          "HalfTensor": dtypes.float16, "BFloat16Tensor": dtypes.bfloat16,
          "LongTensor": dtypes.int64, "IntTensor": dtypes.int32, "ShortTensor": dtypes.int16,
          "CharTensor": dtypes.int8, "ByteTensor": dtypes.uint8, "BoolTensor": dtypes.bool_}


@composite(space="Tensor", inplace=False)
def type(self, dtype=None, non_blocking=False):
    """The old name of its type ("torch.FloatTensor"), or `self` converted to a type.

    Shapes: any; the result has that of the input.
    """
    if dtype is None:
        return f"torch.{dtypes.said(self.dtype)}Tensor"
    if isinstance(dtype, str):
        dtype = LEGACY[dtype.removeprefix("torch.")]
    return to_dtype(self, getattr(dtype, "dtype", dtype))


@composite(space="Tensor", inplace=False)
def type_as(self, tensor):
    """`self` in the dtype of `tensor`.

    Shapes: any; the result has that of the input.
    """
    return to_dtype(self, tensor.dtype)


@composite(space="Tensor", inplace=False)
def cpu(self, memory_format=None):
    """`self` in the computer's main memory: itself, it is there.

    Shapes: any; the result has that of the input.
    """
    return self


@composite(space="Tensor", inplace=False)
def cuda(self, device=None, non_blocking=False, memory_format=None):
    """`self` on the GPU. Raises AssertionError where there is none.

    Shapes: any, which stays.
    """
    check_cpu("cuda" if device is None else device)


@composite(space="Tensor", inplace=False)
def pin_memory(self, device=None):
    """`self`: without a GPU there is nothing to pin memory for.

    Shapes: any; the result has that of the input.
    """
    return self


@composite(space="Tensor", inplace=False, name="share_memory_")
def share_memory_(self):
    """`self`, whose memory is moved to where other processes can see it, and its views' with it.

    What one process writes the others see. Nothing happens if it is there already; shared memory
    cannot be resized. Raises RuntimeError where the system has no shared memory left.
    """
    from learntorch.multiprocessing import share
    share(self)
    return self


@composite(space="Tensor", inplace=False, out=False)
def is_shared(self):
    """Whether other processes see the memory of this tensor; see `share_memory_`."""
    return in_shared_memory(self._data)


# ---- in place -------------------------------------------------------------------------------


@nary(tensors=("x", "y"), space="Tensor", method=False, inplace=True, out=False, grad="Copy")
def copy(xp, x, y):
    """The values of y in the shape of x: what `x.copy_(y)` writes."""
    return xp.broadcast_to(y, x.shape)
copy.vjp(x=lambda g: g * 0, y=lambda g: g)


@copy.public
def copy_from(self, src, non_blocking=False):
    """The values of `src` in the shape and dtype of `self`."""
    if not isinstance(src, Tensor):
        raise TypeError("copy_(): argument 'other' (position 1) must be Tensor, not "
                        f"{src.__class__.__name__}")
    if src._data.shape != self._data.shape:
        src = src.expand(self._data.shape)
    return copy(self, to_dtype(src, self.dtype))


@nary(space="torch Tensor", method=False, inplace=True, out=False, names=("input",))
def fill(xp, x, value):
    """`value` everywhere."""
    return xp.full_like(x, value)
fill.vjp(x=lambda g: g * 0)


@fill.public
def fill_value(input, value):
    """`value` (a number or a 0-d tensor) everywhere, in the input's shape and dtype.

    Shapes: any; the result has that of the input. Raises RuntimeError for a value tensor with
    dimensions.
    """
    if isinstance(value, Tensor):
        if value._data.ndim:
            raise RuntimeError("fill_ only supports 0-dimension value tensor but got tensor with "
                               f"{value._data.ndim} dimensions.")
        return copy(input, to_dtype(value, input.dtype))
    return fill(input, dtypes.held(value, input._data.dtype))


@composite(name="fill_", method=False)
def fill_(input, value):
    """Write `value` everywhere, in place.

    Shapes: any, which stays.
    """
    return input.fill_(value)


@composite(name="zero_", method=False)
def zero_(input):
    """Write 0 everywhere, in place.

    Shapes: any, which stays.
    """
    return input.zero_()


@composite(space="torch Tensor", name="resize_as_", method=True, inplace=False)
def resize_as_(input, the_template, *, memory_format=None):
    """Change the shape in place to that of another tensor."""
    return input.resize_(the_template._data.shape)


@nary(space="Tensor", method=False, inplace=True, out=False)
def zero(xp, x):
    """0 everywhere."""
    return xp.zeros_like(x)
zero.vjp(x=lambda g: g * 0)


@composite(space="Tensor", inplace=False, name="resize_")
def resize_(self, *sizes, size=(), memory_format=None):
    """Change the shape in place; new elements hold whatever the memory held.

    Shapes: any. Raises RuntimeError where the memory cannot grow, or the tensor requires a
    gradient.
    """
    shape = as_shape(sizes or tuple(size))
    a = self._data
    if count(shape) <= a.size and a.flags.c_contiguous:
        self._data = a.reshape(-1)[:count(shape)].reshape(shape)
    else:
        if in_shared_memory(a):
            raise RuntimeError("Trying to resize storage that is not resizable: other processes "
                               "look at this memory. Make a new tensor instead.")
        grown = np.empty(shape, a.dtype)
        grown.reshape(-1)[:a.size] = a.reshape(-1)[:grown.size]
        self._data = grown
    return self


@composite(space="Tensor", inplace=False, name="apply_")
def apply_(self, callable):
    """Replace each number x by callable(x), in place; slow, Python computes each of them.

    Raises RuntimeError for a tensor that requires grad.
    Shapes: any.
    """
    return each(self, "apply_", callable, self)


@composite(space="Tensor", inplace=False, name="map_")
def map_(self, tensor, callable):
    """Replace each number x by callable(x, y), y the number of `tensor` at its place, in place.

    Shapes: `tensor` broadcasts to this one. Raises RuntimeError for a tensor that requires grad.
    """
    return each(self, "map_", callable, self, tensor.expand(self._data.shape))


def each(self, name, callable, *tensors):
    """Write what `callable` makes of the numbers of some tensors into `self`."""
    if any(t.requires_grad for t in tensors):
        raise RuntimeError(f"Can't call {name}() on Variable that requires grad. Use "
                           f"var.detach().{name}() instead.")
    numbers = zip(*[t._data.reshape(-1).tolist() for t in tensors], strict=True)
    self._data[...] = np.array([callable(*n) for n in numbers]).reshape(self._data.shape)
    touch(self)
    return self


def whole(storage, dtype):
    """All of a storage's memory as a tensor of numbers in a row."""
    if isinstance(storage, TypedStorage):
        if storage.dtype is not dtype:
            raise RuntimeError("Expected a Storage of type "
                               f"{failures.c_name(dtype.numpy)} or an UntypedStorage, but got type "
                               f"{dtypes.said(storage.dtype)} for argument 1 'storage'")
        storage = storage.untyped()
    return look(storage, dtype, 0, (len(storage) // dtype.itemsize,), (1,))


@composite(space="Tensor", inplace=False, name="set_")
def set_(self, source=None, storage_offset=0, size=None, stride=None):
    """Make this tensor look at the memory of `source` (a tensor or a storage), all or a window.

    Shapes: `size` and `stride`, or those of the source. Raises TypeError for other arguments,
    RuntimeError for a source of another dtype.
    """
    if isinstance(source, (TypedStorage, UntypedStorage)):
        source = whole(source, self.dtype)
    if source is not None and not isinstance(source, Tensor):
        raise TypeError("set_() received an invalid combination of arguments - got "
                        f"({source.__class__.__name__}), but expected a Tensor or a storage, with "
                        "or without (int storage_offset, tuple of ints size, tuple of ints stride)")
    if source is not None and source.dtype is not self.dtype:
        raise RuntimeError(f"Could not set tensor of type {failures.c_name(source._data.dtype)} to "
                           f"a tensor of type {failures.c_name(self._data.dtype)}. Convert it "
                           f"first: .to({self.dtype}).")
    if size is not None:
        source = source.as_strided(size, stride, storage_offset)
    self._data = np.empty(0, self._data.dtype) if source is None else source._data
    touch(self)
    return self

