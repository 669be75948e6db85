"""The array dialect on NumPy: what a body sees as `xp` when the arrays are NumPy's.

Names are NumPy's own; any op of the library is there too (`xp.conv2d_to_input`), as its kernel.
"""

import numpy as np
from numpy import asarray

siblings = {}

__all__ = ["asarray", "astype", "broadcast_to", "siblings", "transpose", "unbroadcast"]


def astype(x, like):
    """`x` in the dtype of `like`."""
    return x.astype(like.dtype, copy=False)


def transpose(x, dim0, dim1):
    """Two dimensions exchanged, as PyTorch's transpose does it."""
    return x.swapaxes(dim0, dim1) if x.ndim else x


def broadcast_to(x, shape):
    """`x` repeated to `shape` without copying. One number, the usual case, goes the short way."""
    if x.size == 1:
        r = np.ndarray(shape, x.dtype, asarray(x), 0, (0,) * len(shape))
        r.flags.writeable = False       # like np.broadcast_to: a write would reach every copy
        return r
    return np.broadcast_to(x, shape)


def unbroadcast(x, shape):
    """Sum `x` over the axes along which `shape` was repeated to get it."""
    if x.dtype.itemsize == 2:
        x = x.astype(np.float32)
    if not shape:
        return asarray(np.add.reduce(x, axis=None))
    if x.ndim > len(shape):
        x = np.add.reduce(x, axis=tuple(range(x.ndim - len(shape))))
    axes = tuple([i for i, n in enumerate(shape) if n == 1 and x.shape[i] != 1])
    return np.add.reduce(x, axis=axes, keepdims=True) if axes else x


def special(name):
    """SciPy's special function of that name. Raises ImportError where SciPy is missing."""
    try:
        from scipy import special
    except ImportError:
        raise ModuleNotFoundError(f"'{name}' is computed by SciPy, which is not installed: "
                                  "python -m pip install scipy", name="scipy") from None
    return getattr(special, name)


def lapack(name, dtype):
    """SciPy's door to the LAPACK routine of that name. Raises ImportError where SciPy is missing.
    """
    try:
        from scipy.linalg import get_lapack_funcs
    except ImportError:
        raise ModuleNotFoundError(f"'{name}' is computed by SciPy, which is not installed: "
                                  "python -m pip install scipy", name="scipy") from None
    return get_lapack_funcs(name, dtype=dtype)


def __getattr__(name):
    value = getattr(np, name, None)
    if value is None:
        if name not in siblings:
            raise AttributeError(f"xp.{name} is neither NumPy's nor an op of the library")
        value = siblings[name].kernels[np.ndarray]
    globals()[name] = value
    return value
