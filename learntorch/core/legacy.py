"""The old names of types: `torch.FloatTensor(2, 3)`, `torch.LongTensor([1, 2])`."""

from learntorch.core import dtypes
from learntorch.core.tensor import Tensor


class Typed(type):
    """A class whose instances are all tensors of one dtype."""

    def __instancecheck__(cls, value):
        return isinstance(value, Tensor) and value.dtype is cls.dtype

    def __call__(cls, *args, device=None):
        return Tensor.__new__(Tensor, *args, device=device, dtype=cls.dtype)


class FloatTensor(metaclass=Typed):
    """float32 tensors."""

    dtype = dtypes.float32


class DoubleTensor(metaclass=Typed):
    """float64 tensors."""

    dtype = dtypes.float64


class HalfTensor(metaclass=Typed):
    """float16 tensors."""

    dtype = dtypes.float16


class BFloat16Tensor(metaclass=Typed):
    """bfloat16 tensors."""

    dtype = dtypes.bfloat16


class LongTensor(metaclass=Typed):
    """int64 tensors."""

    dtype = dtypes.int64


class IntTensor(metaclass=Typed):
    """int32 tensors."""

    dtype = dtypes.int32


class ShortTensor(metaclass=Typed):
    """int16 tensors."""

    dtype = dtypes.int16


class CharTensor(metaclass=Typed):
    """int8 tensors."""

    dtype = dtypes.int8


class ByteTensor(metaclass=Typed):
    """uint8 tensors."""

    dtype = dtypes.uint8


class BoolTensor(metaclass=Typed):
    """bool tensors."""

    dtype = dtypes.bool_
