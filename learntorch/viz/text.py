"""Short, stable text for numbers, arrays and shapes: what fits into a node of a picture."""

import numpy as np

DOTS = "\u2026"


def number(value, digits=4):
    """One number in at most about ten characters: `0.7616`, `12.5`, `1.2e+07`, `True`, `3`."""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (complex, np.complexfloating)):
        sign = "-" if np.signbit(value.imag) else "+"
        return f"{number(value.real, digits)}{sign}{number(abs(value.imag), digits)}j"
    v = float(value)
    if v != v:
        return "nan"
    if v in (float("inf"), float("-inf")):
        return "inf" if v > 0 else "-inf"
    if v != 0 and not 1e-3 <= abs(v) < 1e5:
        return f"{v:.2e}"
    return f"{v + 0.0:.{digits}f}"


def host(value):
    """A value as a NumPy array in main memory, or None when it is not an array or tensor."""
    value = getattr(value, "_data", value)
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, np.generic):
        return np.asarray(value)
    fetch = getattr(value, "get", None)
    if fetch is not None and hasattr(value, "dtype") and hasattr(value, "shape"):
        return np.asarray(fetch())
    return None


def size(shape):
    """A shape as PyTorch writes it, `[2, 3]`; `scalar` for no dimensions; several in a row."""
    if shape is None:
        return "?"
    if any(isinstance(s, (list, tuple)) for s in shape):
        return " ".join(size(s) for s in shape)
    return f"[{', '.join(str(int(s)) for s in shape)}]" if len(shape) else "scalar"


def preview(value, most=6, digits=4):
    """A value in one line: all of a small array, else its first numbers and an ellipsis.

    >>> preview([1, 2.5])
    '[1, 2.5000]'
    """
    array = host(value)
    if array is not None:
        if array.dtype.kind == "O" or array.dtype.names:
            return f"array of {size(array.shape)}"
        if array.size <= most:
            return _nested(array, digits)
        head = ", ".join(number(v, digits) for v in array.reshape(-1)[:max(2, most - 2)])
        return f"[{head}, {DOTS}]"
    if isinstance(value, (list, tuple)):
        parts = ", ".join(preview(v, most, digits) for v in value[:most])
        more = f", {DOTS}" if len(value) > most else ""
        return f"({parts}{more})" if isinstance(value, tuple) else f"[{parts}{more}]"
    if isinstance(value, (bool, int, float, complex)):
        return number(value, digits)
    if value is None or isinstance(value, str):
        return repr(value)
    return getattr(value, "__name__", type(value).__name__)


def _nested(array, digits):
    if array.ndim == 0:
        return number(array[()], digits)
    return "[" + ", ".join(_nested(row, digits) for row in array) + "]"


def summary(value):
    """Facts about an array in one line: its smallest, mean and largest number.

    Only finite numbers count; how many are not is said at the end.
    """
    array = host(value)
    if array is None or array.size == 0 or array.dtype.kind in "Ob":
        return ""
    if array.dtype.kind == "c":
        return f"mean |z| {number(np.abs(array).mean())}"
    flat = array.astype(np.float64).reshape(-1)
    finite = flat[np.isfinite(flat)]
    if not finite.size:
        return "no finite number"
    text = (f"min {number(finite.min())}, mean {number(finite.mean())}, "
            f"max {number(finite.max())}")
    lost = flat.size - finite.size
    return text + (f", {lost} not finite" if lost else "")
