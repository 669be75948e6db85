"""Questions about a tensor as a whole, answered with a Python value."""

from learntorch.core.op import composite
from learntorch.core.storage import TypedStorage, UntypedStorage
from learntorch.core.tensor import Tensor, owner


@composite(method=False, out=False)
def is_tensor(obj):
    """Whether `obj` is a tensor."""
    return isinstance(obj, Tensor)


@composite(method=False, out=False)
def is_floating_point(input):
    """Whether the element type is a floating-point one."""
    return input.dtype.is_floating_point


@composite(method=False, out=False)
def is_complex(input):
    """Whether the element type is complex."""
    return input.dtype.is_complex


@composite(method=False, out=False)
def is_inference(input):
    """Whether it was made under `torch.inference_mode()`."""
    return input.is_inference()


@composite(method=False, out=False)
def is_conj(input):
    """Whether conjugation is still to be done: never, it is done at once here."""
    return input.is_conj()


@composite(method=False, out=False)
def is_storage(obj, /):
    """Whether `obj` is the memory of a tensor."""
    return isinstance(obj, (TypedStorage, UntypedStorage))


@composite(space="Tensor", inplace=False)
def is_set_to(self, tensor):
    """Whether two tensors look at the same places of the same memory."""
    a, b = self._data, tensor._data
    return owner(a) is owner(b) and (a.ctypes.data, a.shape, a.strides) == (
        b.ctypes.data, b.shape, b.strides)


@composite(space="Tensor", inplace=False)
def dim_order(self, ambiguity_check=False):
    """The dimensions from the one with the largest steps in memory to that with the smallest.

    Raises RuntimeError where that is ambiguous, if `ambiguity_check`.
    """
    steps = self.stride()
    if ambiguity_check:
        refuse_ambiguous(self.shape, steps)
    return tuple(sorted(range(self.ndim), key=lambda d: -steps[d]))


def refuse_ambiguous(shape, steps):
    """Raise RuntimeError where dimensions of size 1 or equal steps allow another order."""
    wide = [s for n, s in zip(shape, steps, strict=True) if n > 1]
    if len(set(wide)) < len(shape):
        raise RuntimeError("The tensor does not have unique dim order, or cannot map to exact one "
                           "of the given memory formats.")


@composite(space="Tensor", inplace=False)
def const_data_ptr(self):
    """The address of the first element, for reading only."""
    return self.data_ptr()


@composite(out=False)
def is_nonzero(input):
    """Whether a one-element tensor is not 0. Raises RuntimeError for more elements.

    Shapes: one element.
    """
    if input._data.size != 1:
        raise RuntimeError("Boolean value of Tensor with "
                           f"{'no values' if not input._data.size else 'more than one value'} is "
                           "ambiguous")
    return bool(input._data.item())


@composite(out=False)
def is_same_size(input, other):
    """Whether two tensors have the same shape."""
    return input._data.shape == other._data.shape


@composite(method=False, out=False)
def typename(obj, /):
    """The old name of an object's type: "torch.FloatTensor"."""
    if isinstance(obj, Tensor):
        return obj.type()
    kind = type(obj)
    place = "" if kind.__module__ in ("builtins", "__builtin__") else kind.__module__ + "."
    return place + kind.__qualname__
