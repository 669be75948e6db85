"""Python objects to the pickle of a `.pt` file: tensors by reference, PyTorch's names."""

import pickle
from codecs import encode
from collections import OrderedDict
from types import FunctionType

from learntorch.core import dtypes
from learntorch.core.devices import layout
from learntorch.core.dtypes import uint8
from learntorch.core.storage import KINDS, TypedStorage, UntypedStorage, memory, untyped
from learntorch.core.tensor import Tensor, memory_format
from learntorch.io.names import Global, public
from learntorch.io.places import location_tag


class Stored:
    """The memory of one or more tensors, a record of its own in the file.

    `kind` is PyTorch's name for a storage of such numbers; those it has no name for are bytes.
    """

    def __init__(self, array, dtype, kind=None):
        self.array = array
        self.dtype = dtype
        self.kind = kind or KINDS.get(dtype.name, "UntypedStorage")

    @property
    def width(self):
        """How many bytes the file counts as one element."""
        return 1 if self.kind == "UntypedStorage" else self.dtype.itemsize


def stored(storage):
    """What is to be written of a storage that stands in the pickle by itself."""
    if isinstance(storage, TypedStorage):
        return Stored(storage.untyped()._bytes, storage.dtype)
    return Stored(storage._bytes, uint8, "UntypedStorage")


class Pickler(pickle._Pickler):
    """Python's own pickler, where tensors become references into `self.storages`.

    `pickle._Pickler` is the pickler in Python: only there can the written names be chosen.
    """

    def __init__(self, file, protocol, zipped=True):
        super().__init__(file, protocol)
        self.zipped = zipped
        self.storages = []
        self.places = {}            # address of a storage → its number

    def persistent_id(self, value):
        """Storages are written outside the pickle."""
        if isinstance(value, TypedStorage | UntypedStorage):
            value = stored(value)
        if type(value) is not Stored:
            return None
        module = "torch.storage" if value.kind == "UntypedStorage" else "torch"
        said = ("storage", Global(module, value.kind), str(self.number(value)),
                location_tag(untyped(value.array)), value.array.size // value.width)
        return said if self.zipped else (*said, None)       # the old format names views there

    def number(self, stored):
        """The number of a storage in the file: one for all tensors that share the memory."""
        key = (stored.array.ctypes.data, stored.array.size) if stored.array.size else id(stored)
        if key not in self.places:
            self.places[key] = len(self.storages), stored.dtype
            self.storages.append(stored)
        n, dtype = self.places[key]
        if dtype is not stored.dtype:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data "
                               f"as different types: {dtype} and {stored.dtype}. clone() one of "
                               "them first.")
        return n

    def reducer_override(self, value):
        """How the library's own objects are taken apart."""
        if isinstance(value, dtypes.dtype | layout | memory_format):
            return str(value).removeprefix("torch.")
        if type(value).__module__ == "torch.return_types":
            return Global("torch.return_types", type(value).__qualname__), (tuple(value), {})
        if type(value) is not Tensor:
            return NotImplemented
        return self.tensor(value)

    def tensor(self, t):
        """A tensor as (function, arguments): its storage, offset, sizes, strides, flags."""
        a = t._data
        stored = Stored(memory(a), t.dtype)
        start = (a.ctypes.data - stored.array.ctypes.data) if a.size else 0
        if start < 0 or start + a.nbytes > max(stored.array.size, a.nbytes):
            stored = Stored(memory(a.copy()), t.dtype)      # lent memory with gaps
            start = 0
        arguments = (stored, start // a.itemsize, tuple(a.shape), t.stride(), t.requires_grad,
                     OrderedDict())
        if t.dtype.name in KINDS:
            made = Global("torch._utils", "_rebuild_tensor_v2"), arguments
        else:
            made = Global("torch._utils", "_rebuild_tensor_v3"), (*arguments, t.dtype)
        own = {k: v for k, v in t.__dict__.items() if k[0] != "_"}
        if not own:
            return made
        function, arguments = made
        return (Global("torch._tensor", "_rebuild_from_type_v2"),
                (function, Tensor, arguments, own))

    def save_global(self, value, name=None):
        """Write a name: PyTorch's for what is ours, Python's for the rest."""
        if type(value) is Global:
            self.name(value, value.module, value.name)
        elif isinstance(value, dtypes.dtype | layout | memory_format):
            self.name(value, "torch", name)
        elif (getattr(value, "__module__", None) or "").split(".")[0] == "learntorch":
            self.own(value)
        else:
            super().save_global(value, name)

    def own(self, value):
        """What is the library's, under PyTorch's name; a method as an attribute of its class."""
        owner, dot, name = value.__qualname__.rpartition(".")
        if owner == "Tensor":
            known = getattr(Tensor, name, None) is value
            self.save_reduce(getattr, (Tensor, name if known else value.op.key))
        else:
            self.name(value, *public(value))

    def name(self, value, module, name):
        """The opcode for a global name, as protocol 2 spells it; every reader knows it."""
        known = self.memo.get(("name", module, name))
        if known is not None:
            self.write(self.get(known[0]))
            return
        self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        place = len(self.memo)
        self.write(self.put(place))
        self.memo["name", module, name] = place, value

    def save_bytes(self, value):
        """As Python writes bytes, but no bytes at all in a way that PyTorch's restricted machine
        reads too: as the encoding of an empty text."""
        if value or self.proto > 2:
            pickle._Pickler.save_bytes(self, value)
        else:
            self.save_reduce(encode, ("", "latin1"), obj=value)

    dispatch = {**pickle._Pickler.dispatch, Global: save_global, FunctionType: save_global,
                bytes: save_bytes}
