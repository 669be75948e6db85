"""`torch.load`: from the bytes of a file to Python objects, without trusting them by default."""

import io
import os
import pickle
import sys

import numpy as np

from learntorch.core import dtypes
from learntorch.core.storage import NAMES, TypedStorage, UntypedStorage, untyped
from learntorch.core.tensor import Tensor
from learntorch.io import names, options, safe
from learntorch.io.archive import Reader, size_of
from learntorch.io.names import DTYPES, Global
from learntorch.io.places import locate
from learntorch.io.restricted import Machine, StorageError, attributes, limit_for
from learntorch.io.saving import MAGIC, PROTOCOL

ADVICE = ("Weights only load failed. This file can still be loaded, to do so you have two options, "
          "do those steps only if you trust the source of the checkpoint.\n"
          "\t(1) Re-running `torch.load` with `weights_only` set to `False` will likely succeed, "
          "but it can result in arbitrary code execution. Do it only if you got the file from a "
          "trusted source.\n\t(2) Alternatively, to load with `weights_only=True` please check "
          "the recommended steps in the following error message.\n\tWeightsUnpickler error: ")


def load(f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None,
         **pickle_load_args):
    """The object that `torch.save` wrote to the file `f` (a path or a seekable binary file).

    map_location: where storages go, as a device, a dict {saved: wanted} or a function of (storage,
    location). weights_only: refuse everything but data (the default); False runs whatever the file
    says, as Python's pickle does. mmap: leave the numbers in the file until they are used (a path
    only; what is written to them stays in memory, see `serialization.set_default_mmap_options`).

    Raises pickle.UnpicklingError for what is refused or damaged, RuntimeError for a broken
    archive or a storage of a device that is not there, EOFError for an empty file.
    """
    if weights_only is None:
        weights_only = pickle_module is None
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if mmap is None:
        mmap = options.load.mmap
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            return read(file, os.fspath(f), map_location, weights_only, bool(mmap),
                        pickle_load_args)
    if mmap:
        raise ValueError("f must be a file path in order to use the mmap argument")
    for needed in ("seek", "tell", "read"):
        if not hasattr(f, needed):
            raise AttributeError(f"'{type(f).__name__}' object has no attribute '{needed}'. You "
                                 "can only torch.load from a file that is seekable. Please "
                                 "pre-load the data into a buffer like io.BytesIO and try to load "
                                 "from it instead.")
    return read(f, None, map_location, weights_only, False, pickle_load_args)


def read(file, path, map_location, weights_only, mmap, arguments):
    """The object in an open file of either format."""
    here = file.tell()
    start = file.read(4)
    file.seek(here)
    if not start:
        raise EOFError("Ran out of input: the file is empty. Was the program that wrote it "
                       "interrupted?")
    place = locate(map_location)
    if start == b"PK\x03\x04":
        if here:
            file = io.BytesIO(file.read())
        return from_archive(Reader(file, path), place, weights_only, mmap, arguments)
    if is_tar(file):
        raise pickle.UnpicklingError("Cannot use ``weights_only=True`` with files saved in the "
                                     "legacy .tar format, which PyTorch wrote before 0.1.10. It is "
                                     "not read here: load and save it again with PyTorch.")
    if mmap:
        raise RuntimeError("mmap can only be used with files saved with `torch.save("
                           "_use_new_zipfile_serialization=True), please torch.save your "
                           "checkpoint with this option in order to use mmap.")
    return from_legacy(file, place, weights_only, arguments)


def is_tar(file):
    """Whether a file is a tar archive."""
    here = file.tell()
    file.seek(here + 257)
    found = file.read(5) == b"ustar"
    file.seek(here)
    return found


# ---- the archive ------------------------------------------------------------------------------


def from_archive(reader, place, weights_only, mmap, arguments):
    """The object in `data.pkl`, its storages read from their records."""
    made = {}
    order = byteorder(reader)
    if "constants.pkl" in reader and weights_only:
        raise RuntimeError("Cannot use ``weights_only=True`` with TorchScript archives passed to "
                           "``torch.load``. A TorchScript file is a program; save the module's "
                           "state_dict instead.")

    def persistent(saved):
        kind, key, location, numel = said(saved)
        if key not in made:
            dtype = NAMES.get(kind)
            itemsize = DTYPES[dtype].itemsize if dtype else 1
            part = itemsize // 2 if dtype and DTYPES[dtype].is_complex else itemsize
            raw = reader.storage(f"data/{key}", numel * itemsize, mmap,
                                 part if order != sys.byteorder else 1)
            made[key] = place(raw, location)
        return typed(made[key], kind)

    text = bytes(reader.bytes("data.pkl"))
    return unpickled(io.BytesIO(text), persistent, weights_only, arguments, size_of(reader.file))


def byteorder(reader):
    """"little" or "big": how the numbers of an archive are written. Raises ValueError."""
    if "byteorder" not in reader:
        wanted = options.load.endianness or options.LoadEndianness.LITTLE
        native = wanted is options.LoadEndianness.NATIVE
        return sys.byteorder if native else wanted.name.lower()
    order = bytes(reader.bytes("byteorder")).decode("ascii", "replace")
    if order not in ("little", "big"):
        raise ValueError(f"Unknown endianness type: {order}")
    return order


def said(saved):
    """The parts of a persistent id: kind of storage, key, location, number of elements."""
    if type(saved) is not tuple or len(saved) < 5 or saved[0] != "storage":
        raise pickle.UnpicklingError(f"Unknown typename for persistent_load, expected 'storage' "
                                     f"but got '{saved[0] if saved else saved}'")
    _, kind, key, location, numel = saved[:5]
    name = kind.name if isinstance(kind, Global) else getattr(kind, "__name__", None)
    if name not in NAMES and name != "UntypedStorage":
        raise pickle.UnpicklingError(f"a storage of kind {name!r} is not known")
    if type(key) is not str or type(location) is not str or type(numel) is not int or numel < 0:
        raise pickle.UnpicklingError("a storage is described by the wrong kinds of values")
    return name, key, location, numel


def typed(storage, kind):
    """The storage as PyTorch's named kind."""
    if kind == "UntypedStorage":
        return storage
    return TypedStorage(dtype=DTYPES[NAMES[kind]], wrap_storage=storage)


# ---- before PyTorch 1.6 -----------------------------------------------------------------------


def from_legacy(file, place, weights_only, arguments):
    """The object in a file of five pickles followed by the storages' bytes."""
    made = {}
    room = length = size_of(file)

    def persistent(saved):
        nonlocal room
        if type(saved) is tuple and saved[:1] == ("module",):
            return saved[1]
        kind, key, location, numel = said(saved)
        view = saved[5] if len(saved) > 5 else None
        if key not in made:
            dtype = DTYPES[NAMES.get(kind, "uint8")]
            room -= numel * dtype.itemsize
            if room < 0:
                raise pickle.UnpicklingError("the storages are said to be larger than the file")
            raw = np.empty(numel * dtype.itemsize, np.uint8)
            made[key] = place(untyped(raw), location), raw, dtype.itemsize
        storage = made[key][0]
        if view is not None:
            _, offset, count = view
            width = DTYPES[NAMES[kind]].itemsize
            storage = untyped(storage._bytes[offset * width:(offset + count) * width])
        return typed(storage, kind)

    def part():
        return unpickled(file, persistent, weights_only, arguments, length)

    if not starts(file, part):
        raise RuntimeError("Invalid magic number; corrupt file? This is not a file that "
                           "torch.save wrote.")
    version = part()
    if version != PROTOCOL:
        raise RuntimeError(f"Invalid protocol version: {version}")
    machine = part()
    if type(machine) is not dict:
        raise pickle.UnpicklingError("the file does not say what machine wrote it")
    turned = machine.get("little_endian", True) != (sys.byteorder == "little")
    begins = file.tell()
    part()                      # tells which storages there are; they lie behind the pickle
    keys = part()
    if type(keys) is not list:
        raise pickle.UnpicklingError("the file does not list its storages")
    for key in keys:
        if type(key) is not str or key not in made:
            raise pickle.UnpicklingError(f"storage {key} is in the file and nobody asks for it")
        _, raw, width = made[key]
        fill(file, raw, width, turned)
    ends = file.tell()
    file.seek(begins)
    value = part()              # and once more, now that they are filled
    file.seek(ends)             # another object may follow
    return value


def starts(file, part):
    """Whether the file begins with the magic number; what is no pickle has none."""
    try:
        return part() == MAGIC
    except pickle.UnpicklingError as error:
        if "Unsupported" in str(error):     # a pickle, and not a harmless one: that is the reason
            raise
    except (EOFError, KeyError, ValueError, AttributeError, ImportError, IndexError):
        pass
    return False


def fill(file, raw, width, turned):
    """Read one storage: its length, then its bytes."""
    count = int.from_bytes(file.read(8), "little")
    data = file.read(raw.size) if count * width == raw.size else b""
    if len(data) != raw.size:
        raise StorageError(f"unexpected EOF, expected {raw.size - len(data)} more bytes. The file "
                           "might be corrupted: it is cut short or was changed after it was saved.")
    raw[...] = np.frombuffer(data, np.uint8)
    if turned:
        raw[...] = raw.reshape(-1, width)[:, ::-1].reshape(-1)


# ---- the pickle -------------------------------------------------------------------------------


def unpickled(stream, persistent, weights_only, arguments, length):
    """The object in a pickle, by the restricted machine or by Python's own.

    `length` is that of the whole file: what is made from it cannot be much larger.
    """
    if not weights_only:
        return Trusting(stream, persistent, **{"encoding": "utf-8", **arguments}).load()
    table = safe.table()
    machine = Machine(lambda m, n: allowed(table, m, n), persistent, CALLED + safe.added(),
                      {Tensor: attach, names.Parameter: attach,
                       **{kind: restore for kind in safe.added() if isinstance(kind, type)}},
                      limit_for(length), own_memory)
    try:
        return machine.load(stream)
    except pickle.UnpicklingError as error:
        raise pickle.UnpicklingError(ADVICE + str(error)) from None


def allowed(table, module, name):
    """What a name stands for in a file that is not trusted."""
    module = {"__builtin__": "builtins"}.get(module, module)
    full = f"{module}.{name}"
    if full not in table and names.ABSENT.fullmatch(full):
        raise pickle.UnpicklingError(f"GLOBAL {full} is a kind of numbers or of tensors that "
                                     "learntorch does not have")
    if full not in table:
        raise pickle.UnpicklingError(
            f"Unsupported global: GLOBAL {full} was not an allowed global by default. Please use "
            f"`torch.serialization.add_safe_globals([{full}])` or the "
            f"`torch.serialization.safe_globals([{full}])` context manager to allowlist this "
            "global if you trust this class/function.")
    return table[full]


def own_memory(value):
    """How many bytes a call has made: those of a tensor that does not look at a storage."""
    if type(value) is not Tensor or value._data.base is not None:
        return 0
    return value._data.nbytes


CALLED = tuple(v for v in safe.table().values()
               if callable(v) and not isinstance(v, Global | dtypes.dtype)
               and v not in (Tensor, UntypedStorage, names.Parameter))


def attach(t, state):
    """The user's own attributes of a tensor; nothing of the library's."""
    own = state[0] if isinstance(state, tuple) else state
    attributes(t, {k: v for k, v in own.items() if type(k) is str and k[:1] != "_"})


def restore(value, state):
    """The state of an object whose class the user has declared safe."""
    if hasattr(value, "__setstate__"):
        value.__setstate__(state)
    else:
        attributes(value, state)


class Trusting(pickle.Unpickler):
    """Python's own unpickler under PyTorch's names, for files the user trusts."""

    def __init__(self, file, persistent, **arguments):
        super().__init__(file, **arguments)
        self.persistent_load = persistent

    def find_class(self, module, name):
        """What a name stands for; everything importable is allowed."""
        if module.split(".")[0] != "torch":
            return super().find_class(module, name)
        try:
            return names.find(module, name)
        except (ImportError, AttributeError) as error:
            raise AttributeError(f"the file needs {module}.{name}, which learntorch does not "
                                 "have") from error
