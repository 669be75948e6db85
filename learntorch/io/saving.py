"""`torch.save`: Python objects to a file that PyTorch and learntorch read."""

import io
import os
import pickle
import sys

from learntorch.io import options
from learntorch.io.atomic import writing
from learntorch.io.writer import Writer, Zeros

MAGIC = 0x1950A86A20F9469CFC6C      # how files from before PyTorch 1.6 begin
PROTOCOL = 1001


def save(obj, f, pickle_module=pickle, pickle_protocol=2, _use_new_zipfile_serialization=True,
         _disable_byteorder_record=False):
    """Write `obj` (tensors, modules' state_dicts, containers of them) to `f`, a path or a file.

    Tensors that share memory share it again when they are loaded. A path is written atomically:
    whatever happens, the file is the old one or the new one, whole.
    `_use_new_zipfile_serialization=False` writes the format from before PyTorch 1.6.

    Raises RuntimeError where the folder does not exist, AttributeError where `f` is no file,
    and what Python's pickle raises for objects it cannot take apart.
    """
    byteorder = not _disable_byteorder_record

    def put(file, root):
        if _use_new_zipfile_serialization:
            write(obj, file, root, pickle_protocol, byteorder)
        else:
            write_legacy(obj, file, pickle_protocol)

    if isinstance(f, str | os.PathLike):
        root = os.path.splitext(os.path.basename(os.fspath(f)))[0] or "archive"
        with writing(f) as file:
            put(file, root)
        return
    if not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a "
                             "'write' attribute")
    put(f, "archive")


def write(obj, file, root, protocol, byteorder):
    """Write the archive: the pickle first, then one record for each storage."""
    from learntorch.io.pickling import Pickler
    text = io.BytesIO()
    pickler = Pickler(text, protocol)
    pickler.dump(obj)
    writer = Writer(file, root)
    writer.record("data.pkl", text.getvalue())
    writer.record(".format_version", b"1")
    writer.record(".storage_alignment", b"64")
    if byteorder:
        writer.record("byteorder", sys.byteorder.encode())
    for i, stored in enumerate(pickler.storages):
        holes = options.of_thread.skip_data
        writer.record(f"data/{i}", Zeros(stored.array.size) if holes else stored.array)
    writer.record("version", b"3\n")
    writer.record(".data/serialization_id", identity().encode())
    writer.close()


def write_legacy(obj, file, protocol):
    """Write what PyTorch wrote before 1.6: five pickles, then each storage's length and bytes."""
    if options.of_thread.skip_data:
        raise RuntimeError("Cannot use skip_data=True with _use_new_zipfile_serialization=False")
    from learntorch.io.pickling import Pickler
    for part in (MAGIC, PROTOCOL, {"protocol_version": PROTOCOL,
                                   "little_endian": sys.byteorder == "little",
                                   "type_sizes": {"short": 2, "int": 4, "long": 4}}):
        pickle.dump(part, file, protocol)
    pickler = Pickler(file, protocol, zipped=False)
    pickler.dump(obj)
    keys = sorted(str(i) for i in range(len(pickler.storages)))
    pickle.dump(keys, file, protocol)
    for key in keys:
        stored = pickler.storages[int(key)]
        file.write((stored.array.size // stored.width).to_bytes(8, "little"))
        file.write(stored.array.data)


def identity():
    """Forty digits by which one save is told from another."""
    return str(int.from_bytes(os.urandom(16)) >> 1).zfill(40)
