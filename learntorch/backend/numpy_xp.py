"""The array dialect on NumPy: what a body sees as `xp` when the arrays are NumPy's.

Names are NumPy's own; any op of the library is there too (`xp.conv2d_to_input`), as its kernel.
"""

import numpy as np
from numpy import asarray

siblings = {}

__all__ = ["asarray", "astype", "siblings", "unbroadcast"]


def astype(x, like):
    """`x` in the dtype of `like`."""
    return x.astype(like.dtype, copy=False)


def unbroadcast(x, shape):
    """Sum `x` over the axes along which `shape` was repeated to get it."""
    if x.ndim > len(shape):
        x = np.add.reduce(x, axis=tuple(range(x.ndim - len(shape))))
    axes = tuple([i for i, n in enumerate(shape) if n == 1 and x.shape[i] != 1])
    return np.add.reduce(x, axis=axes, keepdims=True) if axes else x


def __getattr__(name):
    op = siblings.get(name)
    if op is not None and not hasattr(np, name):
        return op.kernels[np.ndarray]
    value = getattr(np, name)
    globals()[name] = value
    return value
