"""How tensors and storages travel to other processes: by a handle on shared memory, not by value.

The functions here are what `multiprocessing` pickles tensors with. Sending a tensor moves its
memory into a shared block, if it is not there yet; the message says which block, and which part.
"""

import numpy as np

from learntorch.core.storage import TypedStorage, UntypedStorage, look, untyped
from learntorch.core.tensor import Tensor, owner
from learntorch.multiprocessing import memory
from learntorch.multiprocessing.courier import parcel

__all__ = ["init_reductions", "rebuild_storage_empty", "rebuild_storage_fd",
           "rebuild_storage_file", "rebuild_storage_filename", "rebuild_tensor",
           "rebuild_typed_storage", "reduce_storage", "reduce_tensor", "reduce_typed_storage"]


def reduce_tensor(tensor):
    """(function, arguments) that make the tensor in another process, on the same memory.

    Hooks and `.grad` stay behind. Raises RuntimeError for a tensor with history.
    """
    refuse_history(tensor)
    if tensor._data.size:
        memory.share(tensor)
    storage = TypedStorage(wrap_storage=tensor.untyped_storage(), dtype=tensor.dtype)
    form = tensor.storage_offset(), tensor.size(), tensor.stride(), tensor.requires_grad
    return rebuild_tensor, (type(tensor), storage, form)


def refuse_history(tensor):
    """Raise RuntimeError for a tensor whose history would be left behind."""
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError("Cowardly refusing to serialize non-leaf tensor which requires_grad, "
                           "since autograd does not support crossing process boundaries.  If you "
                           "just want to transfer the data, call detach() on the tensor before "
                           "serializing (e.g., putting it on the queue).")


def rebuild_tensor(cls, storage, metadata):
    """The tensor of class `cls` with (offset, sizes, strides, requires_grad) on a typed storage."""
    offset, size, stride, requires_grad = metadata
    t = object.__new__(cls)
    t._data = look(storage.untyped(), storage.dtype, offset, size, stride)._data
    return t.requires_grad_(requires_grad)


def reduce_typed_storage(storage):
    """(function, arguments): the bytes of the storage, and what numbers they are."""
    return rebuild_typed_storage, (storage.untyped(), storage.dtype)


def rebuild_typed_storage(storage, dtype):
    """A typed storage on the bytes of another."""
    return TypedStorage(wrap_storage=storage, dtype=dtype)


def reduce_storage(storage):
    """(function, arguments): a handle on the storage's memory, which becomes shared."""
    nbytes = storage.nbytes()
    if nbytes == 0:
        return rebuild_storage_empty, (type(storage),)
    memory.share(storage)
    found = memory.place(storage._bytes)
    if found is None:                           # a file that the user has mapped
        file = owner(storage._bytes)
        start = file.offset + storage.data_ptr() - file.ctypes.data
        return rebuild_storage_file, (type(storage), str(file.filename), start, nbytes)
    block, offset = found
    part = len(block), offset, nbytes
    if block.fd is None:
        return rebuild_storage_filename, (type(storage), memory.second_name(block.name), *part)
    return rebuild_storage_fd, (type(storage), parcel(block.fd), block.name, *part)


def rebuild_storage_fd(cls, df, name, size, offset, nbytes):
    """The storage on a part of the block whose descriptor comes in a parcel."""
    return untyped(memory.row(memory.map_block(df.detach(), size, name), offset, nbytes))


def rebuild_storage_filename(cls, handle, size, offset, nbytes):
    """The storage on a part of the block that has this name."""
    return untyped(memory.row(memory.open_name(handle, size), offset, nbytes))


def rebuild_storage_file(cls, filename, offset, nbytes):
    """The storage on a part of a file."""
    return untyped(np.memmap(filename, np.uint8, "r+", offset, (nbytes,)))


def rebuild_storage_empty(cls):
    """A storage without bytes."""
    return cls()


def init_reductions():
    """Tell `multiprocessing` how tensors and storages are to be pickled from now on."""
    from multiprocessing.reduction import register
    register(UntypedStorage, reduce_storage)
    register(TypedStorage, reduce_typed_storage)
    register(Tensor, reduce_tensor)
    for kind in Tensor.__subclasses__():
        if kind.__name__ == "Parameter":        # it lives above this room; others hold a Tensor
            register(kind, reduce_tensor)
