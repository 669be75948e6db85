"""Shapes: `torch.Size`, dimensions counted from the end, broadcasting and its error sentences."""

import math
import operator


class Size(tuple):
    """The shape of a tensor: a tuple that prints as `torch.Size([2, 3])`."""

    __slots__ = ()

    def __repr__(self):
        return f"torch.Size({list(self)})"

    __str__ = __repr__

    def numel(self):
        """The number of elements: the product of the sizes."""
        return count(self)

    def __add__(self, other):
        return Size(tuple(self) + tuple(other))

    def __mul__(self, times):
        return Size(tuple(self) * times)

    __rmul__ = __mul__

    def __getitem__(self, index):
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(index, slice) else found

    def __reduce__(self):
        return (Size, (tuple(self),))


def count(shape):
    """The number of elements in `shape`."""
    n = 1
    for size in shape:
        n *= size
    return n


def wrap_dim(dim, ndim):
    """`dim` counted from 0. Raises IndexError in PyTorch's words when there is none such."""
    try:
        dim = operator.index(dim)
    except TypeError:
        raise TypeError(f"dim must be int, not {type(dim).__name__}") from None
    span = max(ndim, 1)                         # a 0-d tensor may be asked for dim 0 or −1
    if -span <= dim < span:
        return dim % span
    raise IndexError(f"Dimension out of range (expected to be in range of [{-span}, {span - 1}], "
                     f"but got {dim})")


def wrap_dims(dims, ndim):
    """Each of `dims` (an int or several) counted from 0. Raises RuntimeError when one repeats."""
    if dims is None:
        return None
    if isinstance(dims, int):
        return (wrap_dim(dims, ndim),)
    found = tuple(wrap_dim(d, ndim) for d in dims)
    if len(set(found)) != len(found):
        twice = next(d for d in found if found.count(d) > 1)
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return found


def broadcast(*shapes):
    """The common shape. Raises RuntimeError in PyTorch's words when there is none."""
    ndim = max(map(len, shapes))
    result = [1] * ndim
    for shape in shapes:
        for i in range(1, len(shape) + 1):
            a, b = result[-i], shape[-i]
            if a == 1:
                result[-i] = b
            elif b != 1 and a != b:
                raise RuntimeError(mismatch(a, b, ndim - i))
    return tuple(result)


def mismatch(a, b, dim):
    """PyTorch's sentence for two sizes that do not broadcast, and why they do not."""
    return (f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton "
            f"dimension {dim}. Sizes broadcast from the right when they are equal or one is 1: "
            f"{a} and {b} are neither.")


def as_shape(sizes):
    """A tuple of ints from the arguments of `view(2, 3)` or `view((2, 3))`."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = sizes[0]
    return tuple(map(operator.index, sizes))


def infer(shape, size):
    """`shape` with its one −1 replaced so that `size` elements fit. Raises RuntimeError if none."""
    if math.prod(shape) == size and min(shape, default=0) >= 0:
        return tuple(shape)
    known = 1
    hole = None
    for i, n in enumerate(shape):
        if n == -1:
            if hole is not None:
                raise RuntimeError("only one dimension can be inferred")
            hole = i
        elif n < 0:
            raise RuntimeError(f"invalid shape dimension {n}")
        else:
            known *= n
    text = list(shape)
    if hole is None:
        if known != size:
            raise RuntimeError(f"shape '{text}' is invalid for input of size {size}: "
                               f"the new shape holds {known} elements.")
        return tuple(shape)
    if known == 0:
        if size == 0:
            raise RuntimeError(f"cannot reshape tensor of 0 elements into shape {text} because the "
                               "unspecified dimension size -1 can be any value and is ambiguous")
        raise RuntimeError(f"shape '{text}' is invalid for input of size {size}")
    if size % known:
        raise RuntimeError(f"shape '{text}' is invalid for input of size {size}: "
                           f"{size} is not a multiple of {known}.")
    return tuple(size // known if n == -1 else n for n in shape)
