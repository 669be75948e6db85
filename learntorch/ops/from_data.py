"""The array for `torch.tensor(data)`: numbers, nested lists, arrays and tensors.

NumPy reads what is plainly a block of numbers. All else goes through `read_slowly`, which takes
PyTorch's own steps (sizes, dtype, number by number), and so comes to its results and errors: NumPy
would take "1" for a number and None for NaN.
"""
import numpy as np

from learntorch.core import dtypes
from learntorch.core.dtypes import get_default_dtype, of
from learntorch.core.tensor import Tensor, canonical

MOST_DIMS = 128
EXACT = 2**53                   # up to here float64 holds every whole number
TOO_LONG = "Overflow when unpacking long long: a whole number must fit into 64 bits."


def array_of(data, dtype=None):
    """The array for `torch.tensor(data)`: Python floats get the default dtype, ints int64."""
    if isinstance(data, Tensor):
        return np.array(data._data, None if dtype is None else dtype.numpy)
    if isinstance(data, (np.ndarray, np.generic)):
        of(np.asarray(data).dtype)
        array = np.array(data, None if dtype is None else dtype.numpy)
        return canonical(array.astype(array.dtype.newbyteorder("="), copy=False))
    if isinstance(data, (list, tuple)):
        data = without_tensors(data)
    try:
        array = np.array(data)
    except (ValueError, TypeError, OverflowError):
        return read_slowly(data, dtype)
    kind = array.dtype.kind
    if kind not in "biufcVW" or array.dtype == np.uint64 and not holds_numpy(data):
        return read_slowly(data, dtype)
    wanted = own_type(array, data) if dtype is None else dtype.numpy
    if wanted == array.dtype:
        return array
    if kind == "c" and wanted.kind != "b" and not of(wanted).is_complex:
        return read_slowly(data, dtype)
    if wanted.kind in "iu" and kind != "b":
        return whole(array, data, wanted)
    with np.errstate(over="ignore"):                # too large for the dtype: infinity
        return array.astype(wanted)


def without_tensors(data):
    """Nested lists with tensors in them as nested lists of numbers and arrays."""
    return [without_tensors(d) if isinstance(d, (list, tuple)) else
            (d._data if d._data.ndim else d.item()) if isinstance(d, Tensor) else d for d in data]


def holds_numpy(data):
    """Whether nested lists hold NumPy's numbers, which keep their dtype."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


def own_type(array, data):
    """The NumPy dtype that data has where none is asked for."""
    kind = array.dtype.kind
    if kind == "c":
        return dtypes.default_complex().numpy
    if kind == "b" or holds_numpy(data):
        return array.dtype
    return np.dtype(np.int64) if kind in "iu" else get_default_dtype().numpy


def whole(array, data, wanted):
    """An array of numbers as whole numbers: fractions are cut off, nothing may be too large."""
    low, high = np.iinfo(wanted).min, np.iinfo(wanted).max
    if array.dtype.kind == "f":
        low, high = max(low, -EXACT), min(high, EXACT)
    if not array.size or low <= array.min() and array.max() <= high:
        return array.astype(wanted)
    return read_slowly(data, of(wanted))


# ---- PyTorch's own steps -----------------------------------------------------------------------


def read_slowly(data, dtype):
    """The array of nested data, number by number; raises PyTorch's errors."""
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    sizes = nested_shape(data)
    wanted = (inferred_dtype(data) if dtype is None else dtype).numpy
    if 0 in sizes:
        return np.empty(sizes, wanted)
    with np.errstate(over="ignore"):
        return np.array(stored(data, sizes, 0, wanted), wanted).reshape(sizes)


def is_sequence(data):
    """Whether data has elements: a list, a string, an array with dimensions; no dictionary."""
    return hasattr(data, "__getitem__") and hasattr(data, "__len__") \
        and not isinstance(data, (dict, np.generic)) and getattr(data, "ndim", 1) > 0


def nested_shape(data):
    """The shape, as the first element of each level tells it."""
    sizes = []
    while is_sequence(data):
        if len(sizes) == MOST_DIMS or isinstance(data, str):
            raise ValueError(f"too many dimensions '{type(data).__name__}': a tensor holds "
                             "numbers. Turn text into numbers first, for example with float().")
        sizes.append(len(data))
        if not sizes[-1]:
            break
        data = data[0]
    return sizes


def inferred_dtype(data):
    """The dtype that holds all of data."""
    if isinstance(data, (bool, np.bool_)):
        return dtypes.bool_
    if isinstance(data, (int, np.integer)):
        return dtypes.int64
    if isinstance(data, (float, np.floating)):
        return get_default_dtype()
    if isinstance(data, (complex, np.complexfloating)):
        return dtypes.default_complex()
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}': text is no number.")
    if not is_sequence(data):
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    if not len(data):
        return get_default_dtype()
    found = inferred_dtype(data[0])
    for d in data[1:]:
        found = dtypes.promote_types(found, inferred_dtype(d))
    return found


def stored(data, sizes, dim, wanted):
    """Nested lists of the numbers as an array of dtype `wanted` holds them."""
    if dim == len(sizes):
        return number(data, wanted)
    if not is_sequence(data):
        raise TypeError("not a sequence: the rows of a tensor must be nested to the same depth.")
    if len(data) != sizes[dim]:
        raise ValueError(f"expected sequence of length {sizes[dim]} at dim {dim} (got "
                         f"{len(data)}): all rows of a tensor must have the same length.")
    return [stored(d, sizes, dim + 1, wanted) for d in data]


def number(value, wanted):
    """One number as the dtype holds it."""
    dtype = of(wanted)
    kind = "c" if dtype.is_complex else "f" if dtype.is_floating_point else wanted.kind
    name = type(value).__name__
    if not isinstance(value, (int, float, complex, np.number, np.bool_)) \
            or isinstance(value, (complex, np.complexfloating)) and kind not in "cb":
        more = ": rows must be nested to the same depth." if is_sequence(value) else ""
        raise TypeError((f"'{name}' object cannot be interpreted as an integer" if kind in "iub"
                         else f"must be real number, not {name}") + more)
    if isinstance(value, (int, np.integer)) and kind in "iu" and not -2**63 <= value < 2**63 \
            and wanted != np.uint64:
        raise ValueError(TOO_LONG)
    if kind in "iu":
        return dtypes.held(value, wanted, dtype.name)
    return float(value) if kind == "f" else value
