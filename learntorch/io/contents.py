"""What a `.pt` file holds, looked at without making any of it.

The pickle runs in the machine that `torch.load` uses for files it does not trust. Here every name
in it becomes a note, so nothing is built and nothing is called, whatever the file says; and what
was read before a file breaks off is kept.
"""

import io
import math
import os
import pickle
import pickletools
from collections import Counter, OrderedDict
from contextlib import contextmanager
from types import FunctionType

import numpy as np

from learntorch.core import dtypes
from learntorch.core.devices import device
from learntorch.core.shapes import Size
from learntorch.core.storage import NAMES
from learntorch.io import safe
from learntorch.io.archive import Reader
from learntorch.io.loading import MAGIC, said
from learntorch.io.names import DTYPES, SAFE, Global
from learntorch.io.records import Record, at, damaged, length, listed, scanned
from learntorch.io.restricted import MARK, Machine, StorageError, limit_for

MOST = 1 << 20          # elements of one tensor that are read to describe it
BYTES = 1 << 28         # bytes of a storage that are read for them
PICKLE = 1 << 28        # a longer pickle is no list of weights


class Stored:
    """A storage as the pickle names it: its `key`, `dtype` (None: bytes), elements, location."""

    def __init__(self, kind, key, location, count):
        self.key = key
        self.dtype = NAMES.get(kind)
        self.location = location
        self.count = count
        self.record = None

    @property
    def size(self):
        """Its bytes."""
        return self.count * (DTYPES[self.dtype].itemsize if self.dtype else 1)


class Look:
    """A tensor as the pickle describes it: how to look at a storage."""

    def __init__(self, storage, offset, shape, stride, requires_grad=False, hooks=None,
                 metadata=None, dtype=None):
        self.storage = storage
        self.offset = offset
        self.shape = tuple(shape)
        self.stride = tuple(stride)
        self.requires_grad = bool(requires_grad)
        self.dtype = dtype or (storage.dtype if isinstance(storage, Stored) else None)
        self.kind = "Tensor"
        self.attributes = {}
        self.problem = self.misfit()
        self.numel = 0 if self.problem else math.prod(self.shape)

    @property
    def itemsize(self):
        return DTYPES[self.dtype].itemsize if self.dtype in DTYPES else 1

    def misfit(self):
        """Why this cannot be a tensor, or nothing."""
        if not isinstance(self.storage, Stored) or self.dtype not in DTYPES:
            return "it does not look at a storage"
        numbers = (self.offset, *self.shape, *self.stride)
        if any(type(n) is not int or n < 0 for n in numbers):
            return "its sizes, strides or offset are not counts"
        if len(self.shape) != len(self.stride):
            return f"it has {len(self.shape)} sizes and {len(self.stride)} strides"
        if 0 in self.shape:
            return ""
        end = self.last() + 1
        have = self.storage.size // self.itemsize
        return "" if end <= have else f"it reaches to element {end} of a storage of {have}"

    def last(self):
        """The last element of the storage that it looks at."""
        steps = zip(self.shape, self.stride, strict=True)
        return self.offset + sum((n - 1) * s for n, s in steps)

    def places(self, most):
        """Which elements of the storage the first `most` of its own are, in row-major order."""
        left = np.arange(min(self.numel, most))
        places = np.full(left.size, self.offset, np.int64)
        for n, step in zip(reversed(self.shape), reversed(self.stride), strict=True):
            if n > 1:
                n = min(n, 2 * most)        # beyond it nothing changes; sums stay within 64 bits
                places += left % n * step
                left //= n
        return places


class Unrun:
    """What a name in the pickle would have made, with what it would have been given.

    name: "os.system". allowed: whether `torch.load` lets this name pass. A class of its own for
    each name, since a pickle calls names.
    """

    name = ""
    allowed = False
    made = None             # the list of all, so that what a call gives can be called again

    def __new__(cls, *arguments):
        self = object.__new__(cls)
        self.arguments = arguments
        self.state = None
        self.items = []
        self.pairs = {}
        cls.made.append(self)
        return self

    def __init__(self, *arguments):
        pass

    def __call__(self, *arguments):
        return type(self)(self, *arguments)


class Noting(Machine):
    """The machine, in a mood to fill whatever it is given."""

    def top(self, kind):
        """What is being filled; a note remembers what it is filled with."""
        value = self.stack[-1]
        if isinstance(value, Unrun):
            return value.pairs if kind is dict else Collecting(value.items)
        return super().top(kind)


class Collecting(list):
    """Puts what it is given into another list, under both names of doing so."""

    def __init__(self, into):
        super().__init__()
        self.append, self.extend, self.update = into.append, into.extend, into.extend


# Names that only hold data: they may be what they are.
HARMLESS = {name: value for name, value in safe.DEFAULT.items()
            if isinstance(value, Global | dtypes.dtype)
            or value in (OrderedDict, Counter, set, complex, Size, device)
            or name in ("_codecs.encode", "builtins.bytearray",
                        "torch.serialization._get_layout")}
HARMLESS["torch.storage.UntypedStorage"] = Global("torch", "UntypedStorage")


def tensor_v3(storage, offset, shape, stride, requires_grad, hooks, dtype, metadata=None):
    return Look(storage, offset, shape, stride, requires_grad, hooks, metadata, dtype.name)


def parameter(look, requires_grad=True, hooks=None, state=None):
    look.kind, look.requires_grad = "Parameter", bool(requires_grad)
    return look


def with_attributes(function, kind, arguments, state):
    look = function(*arguments)
    attach(look, state)
    return look


def attach(look, state):
    own = state[0] if isinstance(state, tuple) and state else state
    if isinstance(own, dict):
        look.attributes.update(own)


TENSORS = {"_rebuild_tensor": Look, "_rebuild_tensor_v2": Look, "_rebuild_tensor_v3": tensor_v3,
           "_rebuild_parameter": parameter, "_rebuild_parameter_with_state": parameter,
           "_rebuild_from_type_v2": with_attributes}
TENSORS = {name: TENSORS[name.rpartition(".")[2]] for name in SAFE
           if name.rpartition(".")[2] in TENSORS}


class Contents:
    """The inside of a file. `source` is a path or a seekable binary file.

    kind: "archive", "legacy" (before PyTorch 1.6), "pickle" (no numbers beside it), "unknown".
    size: its bytes. records: its parts, a list of `Record`. value: what the pickle describes, made
    of Python's containers, `Look` for tensors, `Stored` for storages, `Unrun` for the rest.
    storages: {key: Stored}. names: the names the pickle uses, in order; refused: those of them that
    `torch.load` refuses. broken: what is wrong with the file, in a sentence, or nothing. partial:
    whether `value` is only what was there when the pickle broke off.
    """

    def __init__(self, source):
        self.source = source
        self.records, self.storages, self.names, self.refused = [], {}, [], []
        self.value, self.broken, self.partial = None, "", False
        with self.open() as file:
            self.size = length(file)
            start = at(file, 0, 4)
            if start == b"PK\x03\x04":
                self.kind = "archive"
                self.read_archive(file)
            else:
                self.kind = "pickle" if start else "unknown"
                self.read_pickles(file)
        for stored in self.storages.values():
            self.find(stored)

    @contextmanager
    def open(self):
        """The file, open."""
        if isinstance(self.source, str | os.PathLike):
            with open(self.source, "rb") as file:
                yield file
        else:
            yield self.source

    # ---- the archive --------------------------------------------------------------------------

    def read_archive(self, file):
        """Find the records, and read `data.pkl` among them."""
        reader = None
        try:
            reader = Reader(file)
            self.records = listed(reader)
        except StorageError as error:
            self.records = scanned(file)
            self.broken = str(error)
            if "central directory" in self.broken:
                self.broken = (f"The file ends after {self.size:,} bytes without the directory "
                               "that should stand at its end: it is cut short.")
        record = self.record("data.pkl")
        if record is None or not record.there or record.there > PICKLE:
            self.broken = self.broken or "The record data.pkl cannot be read."
            return
        if damaged(file, record):
            self.broken = "The record data.pkl is not what was saved: its checksum differs."
        self.pickled(io.BytesIO(at(file, record.begins, record.there)))
        if reader and not self.broken:
            self.broken = self.misplaced(reader)

    def misplaced(self, reader):
        """What `torch.load` would say of the records of storages, or nothing."""
        try:
            for key, stored in self.storages.items():
                info = reader.info(f"data/{key}")
                reader.begins(info)
                if info.file_size != stored.size:
                    return (f"The record data/{key} has {info.file_size:,} bytes where data.pkl "
                            f"says {stored.size:,}.")
        except StorageError as error:
            return str(error)
        return ""

    def record(self, name):
        """The record of this name, or None."""
        return next((r for r in self.records if r.name == name), None)

    def find(self, stored):
        """The record in which a storage lies."""
        stored.record = self.record(f"data/{stored.key}")
        if stored.record is not None and stored.record.size is None:
            stored.record.size = stored.size        # the pickle knows what the cut header does not

    # ---- pickles one after the other ----------------------------------------------------------

    def read_pickles(self, file):
        """A file from before PyTorch 1.6: five pickles and the storages; or any other pickle."""
        file.seek(0)
        first = self.pickled(file)
        if first != MAGIC or self.broken:
            if self.broken and not self.names and self.value is None:
                self.kind = "unknown"
                self.broken = "This is neither an archive nor a pickle: " + self.broken
            return
        self.kind = "legacy"
        for part in ("version", "system", "value", "keys"):
            begins = file.tell()
            found = self.pickled(file)
            self.records.append(Record(part, begins, file.tell() - begins, file.tell() - begins))
            if self.broken:
                return
            if part == "value":
                value = found
        self.value = value
        for key in found if isinstance(found, list) else ():
            stored = self.storages.get(key)
            if stored is None:
                continue
            begins = file.tell() + 8
            there = max(0, min(stored.size, self.size - begins))
            self.records.append(Record(f"data/{key}", begins, stored.size, there))
            file.seek(begins + there)
            if there < stored.size and not self.broken:
                self.broken = f"The file ends within the storage {key}: it is cut short."

    # ---- one pickle ---------------------------------------------------------------------------

    def pickled(self, stream):
        """What a pickle describes, kept in `value` and returned; or nothing, and why."""
        made = []
        machine = Noting(None, self.persistent, made, {Look: attach}, limit_for(self.size))
        machine.names = lambda module, name: self.named(module, name, machine)
        try:
            self.value = machine.load(stream)
            return self.value
        except (pickle.UnpicklingError, StorageError, RecursionError) as error:
            self.broken = self.broken or f"The pickle breaks off: {error}."
            self.value, self.partial = salvaged(machine.stack), True
            return None

    def named(self, module, name, machine):
        """What stands for a name while the pickle runs."""
        full = f"{'builtins' if module == '__builtin__' else module}.{name}"
        if full not in self.names:
            self.names.append(full)
            if full not in safe.DEFAULT:
                self.refused.append(full)
        if full in TENSORS:
            value = TENSORS[full]
        elif full in HARMLESS:
            value = HARMLESS[full]
        else:
            value = type("Unrun", (Unrun,), {"name": full, "allowed": full in safe.DEFAULT,
                                             "made": machine.callables})
            machine.builds[value] = remember
        if not any(value is known for known in machine.callables):
            machine.callables.append(value)
        return value

    def persistent(self, saved):
        """A storage, by its description."""
        if type(saved) is tuple and saved[:1] == ("module",) and len(saved) > 1:
            return saved[1]
        kind, key, location, count = said(saved)
        if key not in self.storages:
            self.storages[key] = Stored(kind, key, location, count)
        return self.storages[key]

    # ---- numbers ------------------------------------------------------------------------------

    def numbers(self, look, most=MOST):
        """The first `most` elements of a tensor in row-major order, as an array of one dimension.

        Those that a cut file has lost are left out. None where the tensor makes no sense.
        """
        if look.problem or look.storage.record is None:
            return None
        kind = DTYPES[look.dtype].numpy
        record = look.storage.record
        places = look.places(most)
        places = places[(places + 1) * look.itemsize <= record.there]
        if not places.size:
            return np.empty(0, kind)
        first, last = int(places.min()), int(places.max())
        if (last + 1 - first) * look.itemsize > BYTES:
            last = first + BYTES // look.itemsize - 1
            places = places[places <= last]
        with self.open() as file:
            data = at(file, record.begins + first * look.itemsize,
                      (last + 1 - first) * look.itemsize)
            order = self.record("byteorder")
            turned = order is not None and at(file, order.begins, order.there) == b"big"
        if turned:
            part = look.itemsize // (2 if np.dtype(kind).kind == "c" else 1)
            data = np.frombuffer(data, np.uint8).reshape(-1, part)[:, ::-1].tobytes()
        return np.frombuffer(data, kind)[places - first]

    def changed(self, record):
        """Whether a record's bytes are not those that were saved, by its checksum."""
        with self.open() as file:
            return damaged(file, record)

    def instructions(self, most=2000):
        """The pickle as the program it is: (position, instruction, argument), `most` of them."""
        with self.open() as file:
            record = self.record("data.pkl")
            place = record.begins if record else 0
            stream = io.BytesIO(at(file, place, record.there if record else PICKLE))
        found = []
        try:
            for instruction, argument, position in pickletools.genops(stream):
                found.append((position, instruction.name, argument))
                if len(found) == most:
                    break
        except Exception:               # a broken pickle: what came before it is the answer
            pass
        return found


def remember(note, state):
    note.state = state


def salvaged(stack):
    """The object that a broken pickle had begun: containers filled with what was ready for them."""
    stack = list(stack)
    while any(value is MARK for value in stack):
        at = max(i for i, value in enumerate(stack) if value is MARK)
        ready = stack[at + 1:]
        del stack[at:]
        if ready and isinstance(ready[-1], type | FunctionType):
            ready.pop()                 # a name that was to be called
        if stack:
            fill(stack[-1], ready)
    return stack[0] if stack else None


def fill(container, ready):
    """Put values into a container as far as they go."""
    if isinstance(container, dict):
        for key, value in zip(ready[::2], ready[1::2], strict=False):
            if isinstance(key, str | int | float | bytes | tuple | None):
                container[key] = value
    elif isinstance(container, list):
        container.extend(ready)
