"""PyTorch's names in files, and what they stand for here.

A pickle names classes and functions by module. Files are written under PyTorch's names, so that
both libraries read them.
"""

import importlib
import re
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
    if (metadata.get("conj") or metadata.get("neg")) and repeats(t):
        raise RuntimeError("a conjugated tensor in the file is larger than its storage: copying it "
                           "would fill the memory")
    if metadata.get("conj"):
        t = t.conj().resolve_conj()
    if metadata.get("neg"):
        t = -t
    return t.requires_grad_(bool(requires_grad))


def repeats(t):
    """Whether a tensor has more elements than the memory it looks at."""
    return t.numel() * t._data.itemsize > t.untyped_storage().nbytes()


def rebuild_from_type_v2(function, kind, arguments, state):
    """A tensor with attributes of the user's own, or of a subclass that is plain here."""
    if function not in REBUILDS:
        raise RuntimeError(f"a tensor in the file is made by {function!r}, which makes no tensors")
    t = function(*arguments)
    own = state[0] if isinstance(state, tuple) else state
    t.__dict__.update({k: v for k, v in (own or {}).items() if k[:1] != "_"})
    return t


REBUILDS = (rebuild_tensor, rebuild_tensor_v2, rebuild_tensor_v3, _rebuild_parameter,
            _rebuild_parameter_with_state)
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
# Kinds of numbers and tensors that PyTorch's files may name, and that are not here.
ABSENT = re.compile(r"torch\.(float8_\w+|float4_\w+|q?u?int\d+(x\d+)?|bits\w+|"
                    r"Q\w+Storage|per_(channel|tensor)_\w+|(cuda\.|sparse\.)+\w+)"
                    r"|torch\._utils\._rebuild_(q|sparse_|nested_|meta_|device_|wrapper_)\w+")
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
READ["torch._C.TensorBase"] = Tensor
# PyTorch's compiled functions name themselves by where they are compiled, and with a prefix.
COMPILED = {"torch._C._nn": "torch.nn.functional", "torch._C._linalg": "torch.linalg",
            "torch._C._fft": "torch.fft", "torch._C._special": "torch.special"}


# Where PyTorch shows what lies in files of other names; the first that has it is written.
FACES = ("torch.nn.functional", "torch", "torch.linalg", "torch.special", "torch.fft",
         "torch.autograd", "torch.nn.utils.rnn")


# Rooms whose files have PyTorch's names, and the files in them that have not.
SAME_FILES = ("torch.nn.modules.", "torch.optim.", "torch.distributions.", "torch.utils.data.")
OTHER_FILES = {"torch.nn.modules.unpooling": "torch.nn.modules.pooling",
               "torch.nn.modules.parameter_container": "torch.nn.modules.container",
               "torch.distributions.transform_base": "torch.distributions.transforms",
               "torch.optim.adafactor": "torch.optim", "torch.optim.muon": "torch.optim"}


def public(value):
    """(module, name) under which a class or function of the library is written, PyTorch's own."""
    if value in WRITTEN:
        return WRITTEN[value]
    module, name = value.__module__, value.__qualname__
    theirs = "torch" + module.removeprefix("learntorch")
    if isinstance(value, type) and theirs.startswith(SAME_FILES):
        if theirs.startswith("torch.optim.lr_scheduler."):
            theirs = "torch.optim.lr_scheduler"
        return OTHER_FILES.get(theirs, theirs), name
    known = [name, value.op.key.rpartition(".")[2]] if hasattr(value, "op") else [name]
    parts = module.split(".")
    ends = range(2, len(parts) + 1) if parts[1:2] not in (["core"], ["ops"]) else ()
    outer = [".".join(["torch", *parts[1:n]]) for n in ends]
    for shown in (*outer, *FACES):          # the outermost package that shows it
        for called in known:
            if getattr(ours(shown), called, None) is value:
                return shown, called
    return theirs, name


def ours(module):
    """The module of the library that stands for one of PyTorch's. Raises ImportError."""
    return importlib.import_module("learntorch" + module.removeprefix("torch"))


def find(module, name):
    """What PyTorch's name in a trusted file stands for. Raises as an import would.

    PyTorch has many things in other files than they are in here: packages further out are asked
    too, and then those that show most.
    """
    full = f"{module}.{name}"
    if full in SAFE:
        return SAFE[full]
    if full in READ:
        return READ[full]
    if full == "torch._C._VariableFunctionsClass":
        return ours("torch")
    if module == "torch.return_types":
        return lambda values, _: getattr(ours(module), name)(*values)
    if module in COMPILED:
        name = name.removeprefix(module.rpartition("._")[2] + "_")
        module = COMPILED[module]
    parts = module.split(".")
    outer = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    failure = None
    for place in (*outer, *FACES):
        try:
            value = ours(place)
            for part in name.split("."):
                value = getattr(value, part)
        except (ImportError, AttributeError) as error:
            failure = failure or error
        else:
            return value
    raise failure
