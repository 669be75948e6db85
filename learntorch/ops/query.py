"""Questions about a tensor as a whole, answered with a Python value."""

from learntorch.core.op import composite
from learntorch.core.tensor import Tensor


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


@composite(out=False)
def is_nonzero(input):
    """Whether a one-element tensor is not 0. Raises RuntimeError for more elements."""
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
