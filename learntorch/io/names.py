"""PyTorch's names in files, and what they stand for here.

A pickle names classes and functions by module. Files are written under PyTorch's names, so that
both libraries read them.
"""

import importlib
from collections import Counter, OrderedDict

from learntorch.core import dtypes
from learntorch.core.devices import device, strided
from learntorch.core.shapes import Size
from learntorch.core.storage import NAMES, TypedStorage, UntypedStorage, look
from learntorch.core.tensor import Tensor
from learntorch.nn.parameter import (
    Parameter,
    _rebuild_parameter,
    _rebuild_parameter_with_state,
)
from learntorch.random import Generator

DTYPES = {d.name: d for d in dtypes.ALL}


class Global:
    """A name in a pickle: what `module.name` will be for whoever reads the file."""

    def __init__(self, module, name):
        self.module = module
        self.name = name

    def __call__(self):
        raise TypeError(f"{self.module}.{self.name} is a name in a file and cannot be called")


def rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks, metadata=None):
    """A tensor that reads a typed storage; `metadata` may say that values are conjugated."""
    t = look(storage.untyped(), storage.dtype, offset, size, stride)
    return finished(t, requires_grad, metadata)


def rebuild_tensor(storage, offset, size, stride):
    """A tensor that reads a typed storage, as files of early versions say it."""
    return look(storage.untyped(), storage.dtype, offset, size, stride)


def rebuild_tensor_v3(storage, offset, size, stride, requires_grad, backward_hooks, dtype,
                      metadata=None):
    """A tensor that reads a storage of bytes as numbers of `dtype`."""
    raw = storage.untyped() if isinstance(storage, TypedStorage) else storage
    return finished(look(raw, dtype, offset, size, stride), requires_grad, metadata)


def finished(t, requires_grad, metadata):
    """Apply the marks that PyTorch keeps beside a tensor."""
    metadata = metadata or {}
    if metadata.get("conj"):
        t = t.conj().resolve_conj()
    if metadata.get("neg"):
        t = -t
    return t.requires_grad_(bool(requires_grad))


def rebuild_from_type_v2(function, kind, arguments, state):
    """A tensor with attributes of the user's own, or of a subclass that is plain here."""
    t = function(*arguments)
    own = state[0] if isinstance(state, tuple) else state
    t.__dict__.update({k: v for k, v in (own or {}).items() if k[:1] != "_"})
    return t


# What a file may name without being trusted: data only, nothing here runs what a file says.
SAFE = {
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "builtins.set": set,
    "builtins.complex": complex,
    "torch.Size": Size,
    "torch.device": device,
    "torch.Tensor": Tensor,
    "torch.nn.parameter.Parameter": Parameter,
    "torch.storage.UntypedStorage": UntypedStorage,
    "torch.serialization._get_layout": lambda name: strided,
    "torch._utils._rebuild_tensor": rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter_with_state,
    "torch._tensor._rebuild_from_type_v2": rebuild_from_type_v2,
    **{f"torch.{name}": d for name, d in DTYPES.items()},
    **{f"torch.{name}": Global("torch", name) for name in NAMES},
}
# Names that the code of the libraries spells differently from the files.
WRITTEN = {
    Size: ("torch", "Size"),
    device: ("torch", "device"),
    Tensor: ("torch", "Tensor"),
    Parameter: ("torch.nn.parameter", "Parameter"),
    Generator: ("torch._C", "Generator"),
    _rebuild_parameter: ("torch._utils", "_rebuild_parameter"),
    _rebuild_parameter_with_state: ("torch._utils", "_rebuild_parameter_with_state"),
}
READ = {f"{module}.{name}": value for value, (module, name) in WRITTEN.items()}


def public(value):
    """(module, name) under which a class or function of the library is written, PyTorch's own."""
    if value in WRITTEN:
        return WRITTEN[value]
    module = value.__module__
    parts = module.split(".")
    for n in range(2, len(parts) + 1):      # the outermost package that shows it
        outer = ".".join(parts[:n])
        if getattr(importlib.import_module(outer), value.__qualname__, None) is value:
            return "torch" + outer.removeprefix("learntorch"), value.__qualname__
    return "torch" + module.removeprefix("learntorch"), value.__qualname__


def find(module, name):
    """What PyTorch's name in a trusted file stands for. Raises as an import would."""
    full = f"{module}.{name}"
    if full in SAFE:
        return SAFE[full]
    if full in READ:
        return READ[full]
    value = importlib.import_module("learntorch" + module.removeprefix("torch"))
    for part in name.split("."):
        value = getattr(value, part)
    return value
