"""`torch.save`: Python objects to a file that PyTorch and learntorch read."""

import io
import os
import pickle
import sys

from learntorch.io.archive import Writer
from learntorch.io.atomic import writing


def save(obj, f, pickle_module=pickle, pickle_protocol=2, _use_new_zipfile_serialization=True,
         _disable_byteorder_record=False):
    """Write `obj` (tensors, modules' state_dicts, containers of them) to `f`, a path or a file.

    Tensors that share memory share it again when they are loaded. A path is written atomically:
    whatever happens, the file is the old one or the new one, whole.

    Raises RuntimeError where the folder does not exist, AttributeError where `f` is no file,
    and what Python's pickle raises for objects it cannot take apart.
    """
    if not _use_new_zipfile_serialization:
        raise NotImplementedError("torch.save writes the zip format of PyTorch 1.6 and later; the "
                                  "format before it can be loaded, not written")
    if isinstance(f, str | os.PathLike):
        root = os.path.splitext(os.path.basename(os.fspath(f)))[0] or "archive"
        with writing(f) as file:
            write(obj, file, root, pickle_protocol, not _disable_byteorder_record)
        return
    if not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a "
                             "'write' attribute")
    write(obj, f, "archive", pickle_protocol, not _disable_byteorder_record)


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
        writer.record(f"data/{i}", stored.array)
    writer.record("version", b"3\n")
    writer.record(".data/serialization_id", identity().encode())
    writer.close()


def identity():
    """Forty digits by which one save is told from another."""
    return str(int.from_bytes(os.urandom(16)) >> 1).zfill(40)
