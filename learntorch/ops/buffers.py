"""Tensors on memory that something else owns: a buffer of bytes, a file, another library."""

import numpy as np

from learntorch.core.devices import check_cpu
from learntorch.core.op import composite
from learntorch.ops.create import finish, numpy_type


@composite(method=False, out=False)
def detach(input):
    """The same memory without history.

    Shapes: any; the result has that of the input.
    """
    return input.detach()


@composite(method=False, out=False)
def frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False):
    """The bytes of a buffer from `offset` on, as `count` (all) numbers, sharing its memory.

    Raises ValueError where the bytes do not come out even.
    Shapes: (count).
    """
    d = numpy_type(dtype)
    try:
        size = memoryview(buffer).nbytes
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    if not size or not count:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ValueError(f"offset ({offset} bytes) must be non-negative and no greater than buffer "
                         f"length ({size} bytes) minus 1")
    left = size - offset
    if count < 0 and left % d.itemsize:
        raise ValueError(f"buffer length ({left} bytes) after offset ({offset} bytes) must be a "
                         f"multiple of element size ({d.itemsize})")
    if count * d.itemsize > left:
        raise ValueError(f"requested buffer length ({count} * {d.itemsize} bytes) after offset "
                         f"({offset} bytes) must not be greater than actual buffer length "
                         f"({size} bytes)")
    return finish(np.frombuffer(buffer, d, max(count, -1), offset), requires_grad)


@composite(method=False, out=False)
def from_file(filename, shared=None, size=0, *, dtype=None, layout=None, device=None,
              pin_memory=False, requires_grad=False):
    """`size` numbers that lie in a file: read when they are needed.

    Changes are written to the file when it is `shared`, which makes the file where it is missing or
    too short. Raises RuntimeError where it cannot be opened.
    Shapes: (size).
    """
    check_cpu(device)
    d = numpy_type(dtype)
    try:
        if shared:
            with open(filename, "ab") as file:
                file.truncate(max(file.tell(), size * d.itemsize))
        lies = np.memmap(filename, d, "r+" if shared else "c", shape=(size,))
    except OSError as error:
        mode = "read-write" if shared else "read-only"
        raise RuntimeError(f"unable to open file <{filename}> in {mode} mode: {error.strerror} "
                           f"({error.errno})") from None
    except ValueError:
        raise RuntimeError(f"file <{filename}> size is smaller than the required mapping size "
                           f"<{size * d.itemsize}>") from None
    return finish(np.asarray(lies), requires_grad)


@composite(method=False, out=False)
def to_dlpack(tensor):
    """A capsule with which another library can look at the same memory, once.

    Shapes: any.
    """
    return tensor.__dlpack__()
