"""Storages: the one row of memory that a tensor, and every view of it, looks at.

An `UntypedStorage` counts bytes, a `TypedStorage` counts elements of one dtype. Both share their
memory with the tensors they come from.
"""

import numpy as np

from learntorch.core import dtypes
from learntorch.core.devices import check_cpu, cpu
from learntorch.core.tensor import owner, wrap
from learntorch.core.warned import warn

# PyTorch's names of the typed storages, as they stand in its files.
NAMES = {"FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16",
         "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32",
         "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8",
         "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
         "ComplexDoubleStorage": "complex128"}
KINDS = {dtype: name for name, dtype in NAMES.items()}


def memory(array):
    """The bytes that own what `array` looks at, in one row: shared, not copied.

    Only memory with gaps, lent by another library, comes as a copy.
    """
    root = owner(array)
    if not root.flags.c_contiguous:
        root = root.transpose(sorted(range(root.ndim), key=lambda d: -root.strides[d]))
    return root.reshape(-1).view(np.uint8)


class UntypedStorage:
    """A row of bytes: `UntypedStorage(n)` of n bytes, `UntypedStorage(numbers)` of these bytes."""

    __slots__ = ("_bytes",)
    is_cuda = False
    device = cpu

    def __init__(self, data=0, *, device=None):
        check_cpu(device)
        self._bytes = (np.zeros(data, np.uint8) if isinstance(data, int)
                       else np.array(data, np.uint8))

    @property
    def dtype(self):
        """Bytes: `torch.uint8`."""
        return dtypes.uint8

    def nbytes(self):
        """How many bytes."""
        return self._bytes.size

    size = nbytes
    __len__ = nbytes

    def data_ptr(self):
        """The address of the first byte: equal for tensors that share memory."""
        return self._bytes.ctypes.data

    def element_size(self):
        """Bytes of one element: 1."""
        return self._bytes.itemsize

    def __getitem__(self, index):
        if isinstance(index, slice):
            return untyped(self._bytes[index])
        return self._bytes[place(self, index)].item()

    def __setitem__(self, index, value):
        self._bytes[index if isinstance(index, slice) else place(self, index)] = value

    def __iter__(self):
        return iter(self._bytes.tolist())

    def __repr__(self):
        rows = "\n ".join(str(b) for b in self)
        return (f" {rows}\n[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]")

    def tolist(self):
        """The bytes as Python integers."""
        return self._bytes.tolist()

    def fill_(self, value):
        """Set every byte."""
        self._bytes[...] = value
        return self

    def copy_(self, source, non_blocking=None):
        """Take over the bytes of another storage of this size."""
        self._bytes[...] = source._bytes
        return self

    def resize_(self, size):
        """Refuse another size: the tensors that look at this memory would be left behind."""
        if size != len(self):
            raise RuntimeError("Trying to resize storage that is not resizable: it has "
                               f"{len(self)} bytes. Make a new tensor, with torch.cat for example.")
        return self

    def clone(self):
        """A storage of its own with the same bytes."""
        return untyped(self._bytes.copy())

    def cpu(self):
        """The storage in the computer's main memory: this one."""
        return self

    def share_memory_(self):
        """This storage; see `torch.multiprocessing` for how tensors reach other processes."""
        return self

    def is_shared(self):
        """Whether other processes see this memory."""
        return isinstance(owner(self._bytes), np.memmap)


class TypedStorage:
    """A row of elements of one dtype, over an `UntypedStorage`."""

    __slots__ = ("_untyped_storage", "dtype")
    is_cuda = False
    device = cpu

    def __init__(self, data=0, *, dtype=None, wrap_storage=None):
        self.dtype = dtype or dtypes.get_default_dtype()
        if wrap_storage is not None:
            self._untyped_storage = wrap_storage
        elif isinstance(data, int):
            self._untyped_storage = UntypedStorage(data * self.dtype.itemsize)
        else:
            self._untyped_storage = untyped(np.array(data, self.dtype.numpy).view(np.uint8))

    @property
    def _elements(self):
        return self._untyped_storage._bytes.view(self.dtype.numpy)

    def untyped(self):
        """The same memory as bytes."""
        return self._untyped_storage

    def size(self):
        """How many elements."""
        return self._untyped_storage.nbytes() // self.dtype.itemsize

    __len__ = size

    def nbytes(self):
        """How many bytes."""
        return self._untyped_storage.nbytes()

    def element_size(self):
        """Bytes of one element."""
        return self.dtype.itemsize

    def data_ptr(self):
        """The address of the first element."""
        return self._untyped_storage.data_ptr()

    def __getitem__(self, index):
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__. Slice a "
                               "tensor instead.")
        return self._elements[place(self, index)].item()

    def __setitem__(self, index, value):
        self._elements[index if isinstance(index, slice) else place(self, index)] = value

    def __iter__(self):
        return iter(self.tolist())

    def __repr__(self):
        rows = "\n ".join(str(v) for v in self.tolist())
        return (f" {rows}\n[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size "
                f"{len(self)}]")

    def tolist(self):
        """The elements as Python numbers."""
        return self._elements.tolist()

    def fill_(self, value):
        """Set every element."""
        self._elements[...] = value
        return self

    def clone(self):
        """A storage of its own with the same elements."""
        return TypedStorage(dtype=self.dtype, wrap_storage=self._untyped_storage.clone())


def place(storage, index):
    """An index that is in the storage. Raises IndexError, TypeError for what is no int."""
    if not isinstance(index, int):
        raise TypeError(f"can't index a torch.{type(storage).__name__} with {type(index).__name__}")
    counted = index + len(storage) if index < 0 else index
    if not 0 <= counted < len(storage):
        raise IndexError(f"index {counted} out of range for storage of size {len(storage)}")
    return counted


def untyped(array):
    """The storage whose memory is this row of bytes."""
    storage = object.__new__(UntypedStorage)
    storage._bytes = array
    return storage


def untyped_storage(self):
    """The bytes this tensor and its views look at, an `UntypedStorage`."""
    return untyped(memory(self._data))


def typed_storage(self):
    """The elements this tensor and its views look at, a `TypedStorage`."""
    return TypedStorage(dtype=self.dtype, wrap_storage=untyped_storage(self))


def storage(self):
    """The elements this tensor and its views look at, a `TypedStorage`."""
    warn("TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be "
         "the only storage class. This should only matter to you if you are using storages "
         "directly.  To access UntypedStorage directly, use tensor.untyped_storage() instead of "
         "tensor.storage()")
    return typed_storage(self)


def look(storage, dtype, offset, size, stride):
    """The tensor that reads a storage by offset, sizes and strides, all counted in elements.

    Raises RuntimeError where it would read outside.
    """
    itemsize = dtype.numpy.itemsize
    numbers = (offset, *size, *stride)
    if len(size) != len(stride) or not all(type(n) is int and n >= 0 for n in numbers):
        raise RuntimeError(f"setStorage: sizes {list(size)}, strides {list(stride)}, storage "
                           f"offset {offset}: a tensor needs one stride for each size, and no "
                           "negative number.")
    last = sum((n - 1) * s for n, s in zip(size, stride, strict=True)) + offset
    if 0 not in size and (last + 1) * itemsize > storage.nbytes():
        raise RuntimeError(f"setStorage: sizes {list(size)}, strides {list(stride)}, storage "
                           f"offset {offset}, and itemsize {itemsize} requiring a storage size of "
                           f"{(last + 1) * itemsize} are out of bounds for storage of size "
                           f"{storage.nbytes()}")
    steps = [s * itemsize for s in stride]
    if 0 in size:
        return wrap(np.empty(tuple(size), dtype.numpy))
    return wrap(np.ndarray(tuple(size), dtype.numpy, storage._bytes, offset * itemsize, steps))

