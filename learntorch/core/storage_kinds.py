"""The old names of storages: `torch.FloatStorage(3)`, `torch.LongStorage([1, 2])`.

What they make is a `TypedStorage`; the names are also what PyTorch's files call them.
"""

from learntorch.core.dtypes import ALL
from learntorch.core.storage import NAMES, TypedStorage, UntypedStorage
from learntorch.core.warned import warn

DEPRECATED = (
    "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the "
    "only storage class. This should only matter to you if you are using storages directly.  To "
    "access UntypedStorage directly, use tensor.untyped_storage() instead of tensor.storage()")


class LegacyMeta(type):
    """Makes `isinstance(storage, torch.FloatStorage)` ask for the dtype of its elements."""

    def __instancecheck__(cls, value):
        if cls is _LegacyStorage:
            return isinstance(value, TypedStorage)
        return isinstance(value, TypedStorage) and value.dtype is cls.dtype


class _LegacyStorage(metaclass=LegacyMeta):
    """A row of elements of the class's dtype: so many zeros, these numbers, or over these bytes.

    Raises RuntimeError, TypeError for anything else than one of the three.
    """

    dtype = None

    def __new__(cls, *args, wrap_storage=None, **kwargs):
        expected = (f"<class 'torch.{cls.__name__}'>.__new__ received an invalid combination of "
                    "arguments. Expected one of:\n * no arguments\n * (int size)\n * (Sequence "
                    "data)\n * (*, UntypedStorage wrap_storage)\n")
        for name in kwargs:
            raise RuntimeError(f"{expected}Keyword argument '{name}' cannot be specified")
        if len(args) > 1:
            raise RuntimeError(f"{expected}Too many positional arguments")
        data = args[0] if args else 0
        if isinstance(data, str | bytes):
            raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
        if wrap_storage is None and not isinstance(data, int) and not is_sequence(data):
            raise TypeError(f"{expected}Argument type not recognized: {type(data)}")
        if wrap_storage is not None and not isinstance(wrap_storage, UntypedStorage):
            raise TypeError(f"{expected}wrap_storage must be UntypedStorage, but got "
                            f"{type(wrap_storage)}")
        warn(DEPRECATED)
        return TypedStorage(data, wrap_storage=wrap_storage, dtype=cls.dtype)

    @classmethod
    def from_buffer(cls, buffer, byte_order="native", count=-1, offset=0):
        """A copy of numbers in a buffer; see `UntypedStorage.from_buffer`."""
        return TypedStorage.from_buffer(buffer, byte_order, count, offset, dtype=cls.dtype)

    @classmethod
    def from_file(cls, filename, shared=False, size=0):
        """The numbers in a file; see `UntypedStorage.from_file`. `size` counts elements."""
        return TypedStorage.from_file(filename, shared, size, dtype=cls.dtype)


def is_sequence(data):
    """Whether `data` is a list, tuple, range or the like; an array is not."""
    from collections.abc import Sequence
    return isinstance(data, Sequence)


def kind(name):
    """The class that PyTorch calls `name`."""
    dtype = next(d for d in ALL if d.name == NAMES[name])
    return LegacyMeta(name, (_LegacyStorage,), {"dtype": dtype, "__module__": "learntorch",
                                                "__doc__": f"Storages of {dtype} numbers."})


FloatStorage = kind("FloatStorage")
DoubleStorage = kind("DoubleStorage")
HalfStorage = kind("HalfStorage")
BFloat16Storage = kind("BFloat16Storage")
LongStorage = kind("LongStorage")
IntStorage = kind("IntStorage")
ShortStorage = kind("ShortStorage")
CharStorage = kind("CharStorage")
ByteStorage = kind("ByteStorage")
BoolStorage = kind("BoolStorage")
ComplexFloatStorage = kind("ComplexFloatStorage")
ComplexDoubleStorage = kind("ComplexDoubleStorage")


def storage_type(self):
    """The old name of the kind of this tensor's storage: `torch.FloatStorage` for float32."""
    from learntorch.core.storage import KINDS
    return globals().get(KINDS.get(self.dtype.name))
