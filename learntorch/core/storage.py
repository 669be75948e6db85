"""Storages: the one row of memory that a tensor, and every view of it, looks at.

An `UntypedStorage` counts bytes, a `TypedStorage` counts elements of one dtype. Both share their
memory with the tensors they come from.
"""

import os
import sys

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


def in_shared_memory(array):
    """Whether other processes see the memory of an array."""
    root = owner(array)
    if isinstance(root, np.memmap):
        return root.mode != "c"
    return getattr(root.base, "shared", False)      # which a Block of learntorch.multiprocessing is


def _into(dtype):
    """The method that converts elements to one dtype."""
    def convert(self):
        return self._to(dtype)
    convert.__doc__ = f"The same numbers as {dtype}, a `TypedStorage`; itself if they are."
    return convert


class Row:
    """What both kinds of storage have: conversions, copies, and where they lie."""

    __slots__ = ()
    is_cuda = is_hpu = is_sparse = False
    device = cpu
    filename = None

    double = _into(dtypes.float64)
    float = _into(dtypes.float32)
    half = _into(dtypes.float16)
    bfloat16 = _into(dtypes.bfloat16)
    long = _into(dtypes.int64)
    int = _into(dtypes.int32)
    short = _into(dtypes.int16)
    char = _into(dtypes.int8)
    byte = _into(dtypes.uint8)
    bool = _into(dtypes.bool_)
    complex_double = _into(dtypes.complex128)
    complex_float = _into(dtypes.complex64)

    def _to(self, dtype):
        if self.dtype is dtype and isinstance(self, TypedStorage):
            return self
        return TypedStorage(self.tolist(), dtype=dtype)

    def __copy__(self):
        return self.clone()

    def __deepcopy__(self, memo):
        return memo.setdefault(id(self), self.clone())

    def cpu(self):
        """The storage in the computer's main memory: this one."""
        return self

    def to(self, *, device, non_blocking=False):
        """The storage on another device. Raises where there is none."""
        check_cpu(device)
        return self

    def cuda(self, device=None, non_blocking=False):
        """The storage on a GPU. Raises AssertionError: there is none here."""
        return self.to(device="cuda" if device is None else device)

    def get_device(self):
        """The number of the device; None for the CPU."""
        return self.device.index

    def is_pinned(self, device="cuda"):
        """Whether the memory is page-locked for a GPU: no."""
        return False

    def resizable(self):
        """Whether `resize_` can change its size: while no tensor looks at the memory."""
        return True


class UntypedStorage(Row):
    """A row of bytes: `UntypedStorage(n)` of n bytes, `UntypedStorage(numbers)` of these bytes."""

    __slots__ = ("_bytes", "filename", "__weakref__")

    def __init__(self, data=0, *, device=None):
        check_cpu(device)
        self.filename = None
        if isinstance(data, int):
            self._bytes = np.zeros(data, np.uint8)
            return
        for item in data:
            if not isinstance(item, int):
                raise RuntimeError(
                    "torch.UntypedStorage(): tried to construct a storage from a sequence "
                    f"({type(data).__name__}), but one of the items was of type "
                    f"{type(item).__name__} instead of int")
        self._bytes = np.array([n & 255 for n in data], np.uint8)

    @classmethod
    def from_buffer(cls, buffer, byte_order="native", count=-1, offset=0, dtype=None):
        """A copy of `count` elements of `dtype` that lie `offset` bytes into a buffer.

        `byte_order`: "native", "little" or "big", how the buffer's numbers are written. Raises
        ValueError where they do not fit.
        """
        if dtype is None:
            raise RuntimeError("argument 'dtype' cannot be None: it tells how many bytes a number "
                               "has")
        return untyped(taken(buffer, byte_order, count, offset, dtype))

    @classmethod
    def from_file(cls, filename, shared=False, nbytes=0):
        """The bytes of a file, read as they are used; `shared`: what is written goes to the file,
        which grows to `nbytes` where it is shorter."""
        storage = untyped(mapped(filename, shared, nbytes))
        storage.filename = str(filename)
        return storage

    def new(self):
        """An empty storage of this kind."""
        return UntypedStorage()

    def type(self, dtype=None, non_blocking=False):
        """Its name, or the storage with its bytes as numbers of `dtype`."""
        return "torch.storage.UntypedStorage" if dtype is None else self._to(dtype)

    def untyped(self):
        """Itself."""
        return self

    def byteswap(self, dtype):
        """Turn the bytes of every number round, in place; `dtype` says how many bytes it has."""
        part = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
        self._bytes[...] = self._bytes.reshape(-1, part)[:, ::-1].reshape(-1)

    def __reduce__(self):
        return (untyped, (self._bytes,))

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
        """Change the number of bytes. Raises RuntimeError where a tensor looks at this memory: it
        would be left behind."""
        if size == len(self):
            return self
        try:
            self._bytes.resize(size)
        except ValueError:
            raise RuntimeError("Trying to resize storage that is not resizable: it has "
                               f"{len(self)} bytes, and tensors look at them. Make a new tensor, "
                               "with torch.cat for example.") from None
        return self

    def clone(self):
        """A storage of its own with the same bytes."""
        return untyped(self._bytes.copy())

    def share_memory_(self):
        """Move the bytes, under all tensors that look at them, to memory that other processes see.

        See `torch.multiprocessing`. Shared memory cannot be resized.
        """
        from learntorch.multiprocessing import share
        share(self)
        return self

    def is_shared(self):
        """Whether other processes see this memory."""
        return in_shared_memory(self._bytes)

    @classmethod
    def _new_shared(cls, size, *, device="cpu"):
        """A storage of `size` zeros in memory that other processes see."""
        return cls(size, device=device).share_memory_()


class TypedStorage(Row):
    """A row of elements of one dtype, over an `UntypedStorage`.

    `TypedStorage(n, dtype=…)` has n zeros, `TypedStorage(numbers, dtype=…)` these numbers,
    `TypedStorage(wrap_storage=s, dtype=…)` looks at the bytes of s.
    """

    __slots__ = ("_untyped_storage", "dtype", "__weakref__")

    def __init__(self, data=0, *, wrap_storage=None, dtype=None, device=None):
        check_cpu(device)
        self.dtype = dtype or dtypes.get_default_dtype()
        if wrap_storage is not None:
            self._untyped_storage = wrap_storage
        elif isinstance(data, int):
            self._untyped_storage = UntypedStorage(data * self.dtype.itemsize)
        else:
            self._untyped_storage = untyped(np.array(data, self.dtype.numpy).view(np.uint8))

    @classmethod
    def from_buffer(cls, buffer, byte_order="native", count=-1, offset=0, *, dtype=None):
        """A copy of numbers in a buffer; see `UntypedStorage.from_buffer`."""
        dtype = dtype or dtypes.get_default_dtype()
        raw = UntypedStorage.from_buffer(buffer, byte_order, count, offset, dtype)
        return TypedStorage(wrap_storage=raw, dtype=dtype)

    @classmethod
    def from_file(cls, filename, shared=False, size=0, *, dtype=None):
        """The numbers in a file; see `UntypedStorage.from_file`. `size` counts elements."""
        dtype = dtype or dtypes.get_default_dtype()
        raw = UntypedStorage.from_file(filename, shared, size * dtype.itemsize)
        return TypedStorage(wrap_storage=raw, dtype=dtype)

    @property
    def filename(self):
        """The file that the memory is mapped from, or None."""
        return self._untyped_storage.filename

    def pickle_storage_type(self):
        """The name of this kind in files, as "FloatStorage". Raises KeyError where there is none:
        such numbers are saved as bytes."""
        return KINDS[self.dtype.name]

    def type(self, dtype=None, non_blocking=False):
        """The name of its kind, as "torch.FloatStorage"; or the storage converted to `dtype`."""
        return f"torch.{self.pickle_storage_type()}" if dtype is None else self._to(dtype)

    def copy_(self, source, non_blocking=None):
        """Take over the bytes of another storage of this size."""
        self._untyped_storage.copy_(source.untyped())
        return self

    def resize_(self, size):
        """Change the number of elements, if no tensor looks at them."""
        self._untyped_storage.resize_(size * self.dtype.itemsize)

    @classmethod
    def _new_shared(cls, size, *, dtype=None, device="cpu"):
        """A storage of `size` zeros in memory that other processes see."""
        return cls(size, dtype=dtype, device=device).share_memory_()

    def share_memory_(self):
        """As `UntypedStorage.share_memory_`."""
        self._untyped_storage.share_memory_()
        return self

    def is_shared(self):
        """Whether other processes see this memory."""
        return self._untyped_storage.is_shared()

    def __reduce__(self):
        return (restored, (self._untyped_storage, self.dtype))

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
    storage.filename = None
    return storage


def restored(storage, dtype):
    """The typed storage that a pickle describes."""
    return TypedStorage(wrap_storage=storage, dtype=dtype)


def taken(buffer, byte_order, count, offset, dtype):
    """The bytes of `count` elements (−1: all) in a buffer, copied, in this machine's order."""
    if byte_order not in ("native", "little", "big"):
        raise ValueError(f"invalid byte_order '{byte_order}' (expected 'big', 'little', or "
                         "'native')")
    raw = np.frombuffer(buffer, np.uint8)
    width = dtype.itemsize
    if not 0 <= offset < max(raw.size, 1):
        raise ValueError(f"offset must be non-negative and no greater than buffer length "
                         f"({raw.size}) , but got {offset}")
    if count < 0:
        if (raw.size - offset) % width:
            raise ValueError(f"buffer size ({raw.size}) must be a multiple of element size "
                             f"({width})")
        count = (raw.size - offset) // width
    if offset + count * width > raw.size:
        raise ValueError(f"buffer has only {(raw.size - offset) // width} elements after offset "
                         f"{offset}, but specified a size of {count}")
    storage = untyped(raw[offset:offset + count * width].copy())
    if byte_order not in ("native", sys.byteorder):
        storage.byteswap(dtype)
    return storage._bytes


def mapped(filename, shared, nbytes):
    """The first `nbytes` bytes of a file, as memory (0: all of it)."""
    size = os.path.getsize(filename) if os.path.exists(filename) else 0
    if not shared and not os.path.exists(filename):
        raise RuntimeError(f"unable to open file <{filename}> in read-only mode: No such file or "
                           "directory (2)")
    if shared and size < nbytes:
        with open(filename, "ab") as file:
            file.truncate(nbytes)
        size = nbytes
    nbytes = nbytes or size
    if nbytes > size:
        raise RuntimeError(f"file <{filename}> size <{size}> is smaller than the required mapping "
                           f"size <{nbytes}>")
    if not nbytes:
        return np.empty(0, np.uint8)
    return np.memmap(filename, np.uint8, "r+" if shared else "c", shape=(nbytes,))


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

