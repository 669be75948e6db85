"""Methods that make a tensor of another one's dtype: `t.new_zeros(2, 3)` and its kin."""

import numpy as np

from learntorch.core import dtypes
from learntorch.core.op import composite
from learntorch.core.shapes import Size
from learntorch.core.tensor import Tensor
from learntorch.ops.create import finish, numpy_type, shape_of, tensor


def maker(function):
    """Decorator: a Tensor method that makes new tensors (`t.new_zeros`)."""
    return composite(function, space="Tensor", inplace=False)


def type_of(self, dtype):
    return self._data.dtype if dtype is None else numpy_type(dtype)


@maker
def new(self, *data):
    """A tensor of this dtype: `new(2, 3)` uninitialised, `new([2, 3])` with these numbers.

    Shapes: the sizes, or that of the data.
    """
    if not data or isinstance(data[0], int):
        return new_empty(self, data or (0,))
    if isinstance(data[0], Size):
        return new_empty(self, data[0])
    return data[0].view(data[0].shape) if isinstance(data[0], Tensor) else new_tensor(self, *data)


@maker
def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False, layout=None,
               pin_memory=False):
    """A tensor from `data`, of this tensor's dtype.

    Shapes: that of the data. Raises what `torch.tensor` raises.
    """
    return tensor(data, dtype=self.dtype if dtype is None else dtype, requires_grad=requires_grad)


@maker
def new_empty(self, size=(), *more, dtype=None, device=None, requires_grad=False, layout=None,
              pin_memory=False):
    """An uninitialised tensor of this tensor's dtype.

    Shapes: the sizes. Raises TypeError where they are no whole numbers, RuntimeError for a negative
    one.
    """
    shape = shape_of("new_empty", (size, *more))
    return finish(np.empty(shape, type_of(self, dtype)), requires_grad)


@maker
def new_zeros(self, size=(), *more, dtype=None, device=None, requires_grad=False, layout=None,
              pin_memory=False):
    """Zeros of this tensor's dtype.

    Shapes: the sizes. Raises TypeError where they are no whole numbers, RuntimeError for a negative
    one.
    """
    shape = shape_of("new_zeros", (size, *more))
    return finish(np.zeros(shape, type_of(self, dtype)), requires_grad)


@maker
def new_ones(self, size=(), *more, dtype=None, device=None, requires_grad=False, layout=None,
             pin_memory=False):
    """Ones of this tensor's dtype.

    Shapes: the sizes. Raises TypeError where they are no whole numbers, RuntimeError for a negative
    one.
    """
    shape = shape_of("new_ones", (size, *more))
    return finish(np.ones(shape, type_of(self, dtype)), requires_grad)


@maker
def new_full(self, size, fill_value, *, dtype=None, device=None, requires_grad=False, layout=None,
             pin_memory=False):
    """`fill_value` everywhere, of this tensor's dtype.

    Shapes: `size`. Raises TypeError where it holds no whole numbers, RuntimeError for a negative
    one.
    """
    shape = shape_of("new_full", (size,))
    d = type_of(self, dtype)
    return finish(np.full(shape, dtypes.held(fill_value, d), d), requires_grad)
