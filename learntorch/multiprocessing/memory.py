"""Memory that several processes see.

A `Block` is a piece of such memory, mapped into this process. It leaves nothing behind, however its
processes end: on Linux it is a file without a name (memfd), elsewhere one whose name is removed as
soon as it is open, on Windows a mapping that ends with its last holder. Only the sharing strategy
"file_system" of Linux gives files a name, one for each holder; the holder removes it, or Python's
resource tracker does after processes that were killed.
"""

import gc
import mmap
import os
import sys
import threading
import weakref
from itertools import count

import numpy as np

from learntorch.core.storage import UntypedStorage, in_shared_memory
from learntorch.core.tensor import Tensor, owner, wrap
from learntorch.multiprocessing.courier import ALL_ACCESS

# before 3.13 a mapping keeps a descriptor of its own beside ours
_OURS_ONLY = {"trackfd": False} if sys.version_info >= (3, 13) else {}
_FOLDER = "/dev/shm"
_numbers = count(1)
_moving = threading.RLock()
_blocks = weakref.WeakValueDictionary()     # the key of a block's memory -> the block
_rows = weakref.WeakValueDictionary()       # (key, offset, bytes) -> the row of bytes


if sys.platform == "win32":
    from _winapi import CloseHandle as _close
else:
    _close = os.close


class Block(mmap.mmap):
    """A mapped piece of shared memory.

    `fd`: its descriptor (a handle on Windows), or None; `name`: of its file, or None; `key`: equal
    for all mappings of the same memory; `address`: where it begins in this process.
    """

    shared = True
    fd = None
    name = None
    key = None
    address = 0

    def forget_descriptor(self, close=_close):
        """Close the descriptor, which only sending the block to another process needs."""
        # `close` is bound here: when the program ends, this module's names may be gone already.
        fd, self.fd = self.fd, None
        if fd is not None:
            close(fd)

    def __del__(self):
        self.forget_descriptor()


def new_block(nbytes, named=False):
    """A fresh block of `nbytes` bytes, all 0. `named`: as a file that has a name.

    Raises RuntimeError where the system gives no more memory, or no more descriptors.
    """
    size = max(nbytes, 1)
    name = f"/learntorch_{os.getpid()}_{next(_numbers)}"
    if sys.platform == "win32":
        return _windows_block(size, name)
    says = "unable to open shared memory object <{}> in read-write mode"
    fd = None
    try:
        if named:
            name = register_name()
            fd = os.open(_FOLDER + name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        else:
            fd = _nameless_file(name)
        says = "unable to resize file <{}> to the right size"
        os.ftruncate(fd, size)
        says = "unable to allocate shared memory(shm) for file <{}>"
        if hasattr(os, "posix_fallocate"):      # else a full memory would end us by SIGBUS later
            os.posix_fallocate(fd, 0, size)
        says = f"unable to mmap {size} bytes from file <{{}}>"
        mapped, fd = fd, None
        return map_block(mapped, size, name if named else None)
    except OSError as error:
        if fd is not None:
            os.close(fd)
        if named:
            remove_name(name)
        raise RuntimeError(f"{says.format(name)}: {error.strerror} ({error.errno}). "
                           + _advice(error, size)) from None


def _advice(error, size):
    import errno
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return ("Every tensor in shared memory needs a file descriptor: raise their number with "
                "`ulimit -n` in the shell, or share fewer and larger tensors.")
    return (f"The system has no {size} bytes of shared memory left (in a container they count as "
            "its memory): load fewer or smaller tensors at a time, or use fewer workers.")


def _nameless_file(name):
    """The descriptor of a file that is gone when nobody has it open any more."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name[1:], os.MFD_CLOEXEC)
    import tempfile
    fd, path = tempfile.mkstemp(prefix=name[1:], dir=_FOLDER if os.path.isdir(_FOLDER) else None)
    os.unlink(path)
    return fd


def _windows_block(size, name):
    import _winapi
    handle = _winapi.CreateFileMapping(_winapi.INVALID_HANDLE_VALUE, _winapi.NULL,
                                       _winapi.PAGE_READWRITE, size >> 32, size & 0xFFFFFFFF, name)
    return map_block(handle, size, name)


def open_handle(name):
    """On Windows: a handle on the mapping that another process holds under this name."""
    import _winapi
    return _winapi.OpenFileMapping(ALL_ACCESS, False, name)


def map_block(fd, size, name=None):
    """The block whose memory an open descriptor stands for: the one we have, or a new mapping.

    The descriptor is ours from here on, also where OSError is raised.
    """
    if sys.platform == "win32":
        key = name
    else:
        status = os.fstat(fd)
        key = (status.st_dev, status.st_ino)
    known = _blocks.get(key)
    if known is not None:
        _close(fd)
        if name is not None and sys.platform != "win32":
            remove_name(name)
        return known
    if sys.platform == "win32":
        block = Block(-1, size, tagname=name)
    else:
        try:
            block = Block(fd, size, **_OURS_ONLY)
        except OSError:
            os.close(fd)
            raise
    block.fd = fd
    block.key = key
    block.address = _address(np.ndarray(1, np.uint8, block))
    if name is not None:
        block.name = name
        if sys.platform != "win32":
            from multiprocessing.util import Finalize
            Finalize(block, remove_name, (name,), exitpriority=0)
            block.forget_descriptor()           # the name does as well
    _blocks[key] = block
    return block


# ---- files with names ----------------------------------------------------------------------

class Sharing:
    """The sharing strategies of this system, and the current one."""

    strategies = ({"file_system"} if sys.platform in ("darwin", "win32")
                  else {"file_descriptor", "file_system"})
    strategy = min(strategies)


def named():
    """Whether new shared memory gets a file name."""
    return (Sharing.strategy == "file_system" and sys.platform == "linux"
            and os.path.isdir(_FOLDER))


def register_name():
    """A name nobody has; Python's resource tracker removes its file if we are killed."""
    from multiprocessing.resource_tracker import register
    name = f"/learntorch_{os.getpid()}_{os.urandom(6).hex()}"
    register(name, "shared_memory")
    return name


def remove_name(name):
    """Remove a file's name; the memory stays as long as somebody has it."""
    from multiprocessing.resource_tracker import unregister
    try:
        os.unlink(_FOLDER + name)
    except FileNotFoundError:
        pass
    unregister(name, "shared_memory")


def second_name(name):
    """Another name for a file, for the process that will receive it.

    Raises RuntimeError if the process that made the file has removed it.
    """
    again = register_name()
    try:
        os.link(_FOLDER + name, _FOLDER + again)
    except FileNotFoundError:
        remove_name(again)
        raise RuntimeError(f"unable to open shared memory object <{name}> in read-write mode: No "
                           "such file or directory (2). The process that shared this tensor has "
                           "ended or dropped it, so it cannot be sent on.") from None
    return again


def open_name(name, size):
    """The block behind a name that was made for us. Raises RuntimeError where it is gone."""
    try:
        fd = os.open(_FOLDER + name, os.O_RDWR)
    except OSError as error:
        raise RuntimeError(f"unable to open shared memory object <{name}> in read-write mode: "
                           f"{error.strerror} ({error.errno})") from None
    return map_block(fd, size, name)


# ---- arrays in blocks ----------------------------------------------------------------------

def row(block, offset, nbytes):
    """Bytes of a block as an array: the same object for the same bytes, while somebody has it."""
    key = (block.key, offset, nbytes)
    found = _rows.get(key)
    if found is None:
        found = _rows[key] = np.ndarray(nbytes, np.uint8, block, offset)
    return found


def place(array):
    """(block, offset) of the memory an array looks at; what is on loan will be kept.

    None where it lies in no block.
    """
    root = owner(array)
    block = root.base
    if not isinstance(block, Block):
        return None
    loan = getattr(root, "loan", None)
    if loan is not None:
        loan.keep()
    return block, _address(root) - block.address


def share(thing):
    """Move the memory of a tensor (or an UntypedStorage) into a block, under all that look at it.

    Does nothing where it is shared already. Arrays that `tensor.numpy()` has lent out before keep
    looking at the memory as it was. Raises RuntimeError where no shared memory is left.
    """
    with _moving:
        alone = _alone(thing)               # before anything here refers to its memory as well
        root = owner(getattr(thing, _slot(thing)))
        if in_shared_memory(root):
            return
        things = [thing] if alone else [thing, *_tensors_and_storages()]
        low, high = np.lib.array_utils.byte_bounds(root) if root.size else (0, 0)
        block = new_block(high - low, named())
        memory = row(block, 0, high - low)
        _same(root, low, memory)[...] = root
        for other in things:
            array = getattr(other, _slot(other))
            if owner(array) is root:
                setattr(other, _slot(other), _same(array, low, memory))


def _same(array, low, memory):
    """What `array` is in the memory that begins at address `low`, in other memory."""
    begin = _address(array) - low if array.size else 0
    return np.ndarray(array.shape, array.dtype, memory, begin, array.strides)


def _address(array):
    return array.__array_interface__["data"][0]


def _slot(thing):
    """The name of the attribute with the array."""
    return "_bytes" if type(thing) is UntypedStorage else "_data"


def _most_holders(thing):
    """How many refer to an array on the way from `thing` to its memory, at most."""
    array = getattr(thing, _slot(thing))
    most = 0
    while array is not None:
        most = max(most, sys.getrefcount(array))
        array = getattr(array, "base", None)
    return most


# the count of an array that one tensor refers to: it depends on the version of Python
_ONE = _most_holders(wrap(np.empty(1)))


def _alone(thing):
    """Whether certainly nothing else looks at the memory of `thing`."""
    return _most_holders(thing) <= _ONE


def _tensors_and_storages():
    """All that there are in this process, and have memory."""
    kinds = {UntypedStorage}
    more = [Tensor]
    while more:
        kind = more.pop()
        kinds.add(kind)
        more.extend(kind.__subclasses__())
    for thing in [thing for thing in gc.get_objects() if type(thing) in kinds]:
        try:
            getattr(thing, _slot(thing))
        except (AttributeError, ValueError):        # not made yet, or without a shape yet
            continue
        yield thing


# ---- loans ---------------------------------------------------------------------------------

_loans = weakref.WeakSet()


class Loan:
    """Held by all that looks at some part of a block: tells when nobody does any more.

    Then `over(False)` is called; `over(True)` says that it never will be, since another process may
    be looking.
    """

    def __init__(self, over=None):
        self.over = over
        if over is not None:
            _loans.add(self)

    def keep(self):
        """The memory goes to another process: it must not be written for anybody else."""
        over, self.over = self.over, None
        if over is not None:
            over(True)

    def __del__(self):
        if self.over is not None:
            self.over(False)


class Lot(np.ndarray):
    """A row of bytes in a block that is on loan."""

    loan = None


def lot(block, loan, offset, nbytes):
    """These bytes of a block, on loan."""
    bytes_ = np.ndarray.__new__(Lot, nbytes, np.uint8, block, offset)
    bytes_.loan = loan
    return bytes_


def _keep_all():
    for loan in list(_loans):
        loan.keep()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_keep_all)       # the child will look at all of them as well
    os.register_at_fork(before=_moving.acquire, after_in_parent=_moving.release,
                        after_in_child=_moving.release)
