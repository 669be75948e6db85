"""Element types, and PyTorch's lattice of promotions between them.

NumPy's own promotion differs (int64 + float32, 0-d operands, integer division), so results are
promoted here: a *category* (bool < integer < float < complex) decides first, and inside a category
a tensor with dimensions outweighs a 0-d tensor, which outweighs a Python number.
"""

import ml_dtypes
import numpy as np


class dtype:
    """An element type, such as `torch.float32`. Each exists once; compare with `is` or `==`."""

    __slots__ = ("name", "numpy", "itemsize", "is_floating_point", "is_complex", "is_signed",
                 "category")

    def __init__(self, name, numpy_type):
        self.name = name
        self.numpy = np.dtype(numpy_type)
        self.itemsize = self.numpy.itemsize
        self.is_complex = name.startswith("complex")
        self.is_floating_point = "float" in name
        self.is_signed = not (name == "bool" or name.startswith("uint"))
        self.category = (3 if self.is_complex else 2 if self.is_floating_point
                         else 0 if name == "bool" else 1)

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return (named, (self.name,))

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def to_real(self):
        """The type of the real and the imaginary part of a complex type; else the type itself."""
        return {"complex32": float16, "complex64": float32, "complex128": float64}.get(self.name,
                                                                                       self)

    def to_complex(self):
        """The complex type whose parts have this type."""
        if self.is_complex:
            return self
        return {"float64": complex128, "float16": complex32}.get(self.name, complex64)


float64 = dtype("float64", np.float64)
float32 = dtype("float32", np.float32)
float16 = dtype("float16", np.float16)
bfloat16 = dtype("bfloat16", ml_dtypes.bfloat16)
complex32 = dtype("complex32", ml_dtypes.complex32)         # two float16
complex64 = dtype("complex64", np.complex64)
complex128 = dtype("complex128", np.complex128)
uint8 = dtype("uint8", np.uint8)
uint16 = dtype("uint16", np.uint16)
uint32 = dtype("uint32", np.uint32)
uint64 = dtype("uint64", np.uint64)
int8 = dtype("int8", np.int8)
int16 = dtype("int16", np.int16)
int32 = dtype("int32", np.int32)
int64 = dtype("int64", np.int64)
bool_ = dtype("bool", np.bool_)

ALL = (float64, float32, float16, bfloat16, complex32, complex64, complex128, uint8, uint16, uint32,
       uint64, int8, int16, int32, int64, bool_)
_NAMED = {d.name: d for d in ALL}
_OF = {d.numpy: d for d in ALL}
FLOATS = frozenset(d.numpy for d in ALL if d.is_floating_point or d.is_complex)
HALF = frozenset((float16.numpy, bfloat16.numpy))
COMPLEX = "cW"                  # the kinds of NumPy's complex dtypes, and of complex32


def named(name):
    """The dtype called `name` ("float32")."""
    return _NAMED[name]


def of(numpy_type):
    """The dtype of a NumPy dtype. Raises TypeError for a type that tensors cannot hold."""
    found = _OF.get(numpy_type)
    if found is not None:
        return found
    found = _OF.get(np.dtype(numpy_type).newbyteorder("="))
    if found is None:
        raise TypeError(f"can't convert np.ndarray of type {numpy_type}. The only supported types "
                        "are: float64, float32, float16, complex64, complex128, int64, int32, "
                        "int16, int8, uint64, uint32, uint16, uint8, and bool.")
    return found


class _Default:
    """The dtype that floating-point numbers get when nobody says another."""

    floating = float32

    complex = complex64


def get_default_dtype():
    """The dtype of `torch.tensor(1.5)`: float32 unless `set_default_dtype` changed it."""
    return _Default.floating


def set_default_dtype(d, /):
    """Choose the dtype of new floating-point tensors. Raises TypeError for other types."""
    if not isinstance(d, dtype):
        raise TypeError(f"invalid dtype object: only floating-point types are supported as the "
                        f"default type, got {d!r}")
    if not d.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _Default.floating = d
    _Default.complex = d.to_complex()


def default_complex():
    """The complex dtype that goes with the default floating-point dtype."""
    return _Default.complex


def held(value, numpy_type, called=None):
    """A Python number as a tensor of this NumPy dtype holds it: unsigned types wrap below 0.

    Raises RuntimeError for a number that is too large for the dtype, or complex; the message calls
    the dtype as C++ does, or `called`.
    """
    kind = numpy_type.kind
    if isinstance(value, complex) and kind != "c":
        if kind == "b":
            return value != 0
        if value.imag:
            raise too_much(numpy_type, value, called)
        value = value.real
    if kind in "iu":
        top = np.iinfo(numpy_type).max
        low = -top - 1 if kind == "i" else 0 if isinstance(value, float) else -top
        if not low <= value <= top:
            raise too_much(numpy_type, value, called)
        return int(value) % (top + 1) if kind == "u" else int(value)
    if numpy_type.name in ("float32", "complex64") and \
            float(np.finfo(np.float32).max) < abs(value) < float("inf"):
        raise too_much(numpy_type, value, called)
    return value


# What PyTorch's messages about kernels call a dtype.
C_NAMES = {"float32": "float", "float64": "double", "int64": "long int", "int32": "int",
           "float16": "c10::Half", "bfloat16": "c10::BFloat16",
           "complex32": "c10::complex<c10::Half>", "complex64": "c10::complex<float>",
           "complex128": "c10::complex<double>", "uint8": "unsigned char", "int8": "signed char",
           "int16": "short int", "uint16": "short unsigned int", "uint32": "unsigned int",
           "uint64": "long unsigned int"}


def too_much(numpy_type, why, called=None):
    """The RuntimeError for a number that a NumPy dtype cannot hold."""
    name = of(numpy_type).name
    sized = numpy_type.kind in "iu" and name != "int32"
    called = called or (f"{name}_t" if sized else C_NAMES.get(name, name))
    return RuntimeError(f"value cannot be converted to type {called} without overflow: {why}")


def of_number(value):
    """The dtype a Python number counts as in promotion."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (complex, np.complexfloating)):
        return _Default.complex
    return _Default.floating


_SIGNED = {1: int8, 2: int16, 4: int32, 8: int64}


def promote_types(type1, type2):
    """The smallest type that both convert to: the join in PyTorch's lattice."""
    if type1 is type2:
        return type1
    low, high = (type1, type2) if type1.category <= type2.category else (type2, type1)
    if low.category != high.category:
        if high.is_complex and low.is_floating_point:
            return promote_types(low.to_complex(), high)
        return high
    if high.category == 1:
        return _promote_integers(low, high)
    if high.category == 2 and low.itemsize == high.itemsize:
        return float32                          # float16 with bfloat16
    return low if low.itemsize > high.itemsize else high


def _promote_integers(a, b):
    if a.is_signed == b.is_signed:
        return a if a.itemsize > b.itemsize else b
    unsigned, signed = (b, a) if a.is_signed else (a, b)
    if unsigned is not uint8:
        raise RuntimeError(f"Promotion for uint16, uint32, uint64 types is not supported, "
                           f"attempted to promote {_said(a)} and {_said(b)}")
    return _SIGNED[max(signed.itemsize, 2)]


SAID = {"float64": "Double", "float32": "Float", "float16": "Half", "bfloat16": "BFloat16",
        "complex32": "ComplexHalf", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
        "uint8": "Byte", "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64", "int8": "Char",
        "int16": "Short", "int32": "Int", "int64": "Long", "bool": "Bool"}


def _said(d):
    return SAID[d.name]


def said(d):
    """The name PyTorch's error messages use: "Float", "Long"."""
    return SAID[(d if isinstance(d, dtype) else of(d)).name]


def promote(dimensioned, zero_dim=None, number=None):
    """The result type of operands in three ranks, each a dtype or None when the rank is empty."""
    return _combine(dimensioned, _combine(zero_dim, number))


def _combine(higher, lower):
    if higher is None or lower is None:
        return higher or lower
    if higher.is_complex:
        return higher
    if higher.is_floating_point:
        return higher.to_complex() if lower.is_complex else higher
    if higher is bool_ or lower.is_floating_point or lower.is_complex:
        return promote_types(higher, lower)
    return higher


def result_of(values):
    """The result type of arrays and Python numbers, by rank (array, 0-d array, number)."""
    ranks = [None, None, None]
    for value in values:
        if hasattr(value, "ndim") and hasattr(value, "dtype") and not isinstance(value, np.generic):
            rank = 0 if value.ndim else 1
            found = of(value.dtype)
        else:
            rank = 2
            found = of_number(value)
        ranks[rank] = found if ranks[rank] is None else promote_types(ranks[rank], found)
    return promote(*ranks)


def result_type(tensor1, tensor2):
    """The dtype of `tensor1 + tensor2`, where either may be a Python number."""
    return result_of([getattr(t, "_data", t) for t in (tensor1, tensor2)])


def can_cast(from_, to):
    """Whether a result of type `from_` may be written into `to` (never down a category)."""
    if from_.is_complex and not to.is_complex:
        return False
    if from_.is_floating_point and not (to.is_floating_point or to.is_complex):
        return False
    return not (from_ is not bool_ and to is bool_)


class finfo:
    """Limits of a floating-point type: eps, max, min, tiny, resolution, bits."""

    def __init__(self, type=None):
        d = get_default_dtype() if type is None else type
        if not (d.is_floating_point or d.is_complex):
            raise TypeError("torch.finfo() requires a floating point input type. "
                            "Use torch.iinfo to handle 'torch.finfo'")
        real = d.to_real()
        limits = ml_dtypes.finfo(real.numpy)
        self.dtype = real.name
        self.bits = real.itemsize * 8
        self.eps = limits.eps.item()
        self.max = limits.max.item()
        self.min = limits.min.item()
        self.tiny = self.smallest_normal = limits.tiny.item()
        self.resolution = np.asarray(limits.resolution).astype(np.float64).item()

    def __repr__(self):
        return (f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
                f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, "
                f"tiny={self.tiny:g}, dtype={self.dtype})")


class iinfo:
    """Limits of an integer type: min, max, bits."""

    def __init__(self, type):
        if type.category != 1:
            raise TypeError("torch.iinfo() requires an integer input type. "
                            "Use torch.finfo to handle 'torch.iinfo'")
        limits = np.iinfo(type.numpy)
        self.dtype = type.name
        self.bits = limits.bits
        self.min = limits.min
        self.max = limits.max

    def __repr__(self):
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
