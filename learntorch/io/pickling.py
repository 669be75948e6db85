"""Python objects to the pickle of a `.pt` file: tensors by reference, PyTorch's names."""

import pickle
from collections import OrderedDict
from types import FunctionType

from learntorch.core import dtypes
from learntorch.core.devices import layout
from learntorch.core.storage import KINDS, memory
from learntorch.core.tensor import Tensor
from learntorch.io.names import Global, public


class Stored:
    """The memory of one or more tensors, a record of its own in the file."""

    def __init__(self, array, dtype):
        self.array = array
        self.dtype = dtype


class Pickler(pickle._Pickler):
    """Python's own pickler, where tensors become references into `self.storages`.

    `pickle._Pickler` is the pickler in Python: only there can the written names be chosen.
    """

    def __init__(self, file, protocol):
        super().__init__(file, protocol)
        self.storages = []
        self.places = {}            # address of a storage → its number

    def persistent_id(self, value):
        """Storages are written outside the pickle."""
        if type(value) is not Stored:
            return None
        kind = KINDS.get(value.dtype.name)
        name = Global("torch", kind) if kind else Global("torch.storage", "UntypedStorage")
        itemsize = value.dtype.itemsize if kind else 1
        return ("storage", name, str(self.number(value)), "cpu", value.array.size // itemsize)

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
        if isinstance(value, dtypes.dtype | layout):
            return str(value).removeprefix("torch.")
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
        elif isinstance(value, dtypes.dtype | layout):
            self.name(value, "torch", name)
        elif getattr(value, "__module__", "").split(".")[0] == "learntorch":
            self.name(value, *public(value))
        else:
            super().save_global(value, name)

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

    dispatch = {**pickle._Pickler.dispatch, Global: save_global, FunctionType: save_global}
