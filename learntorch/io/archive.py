"""The zip archive that a `.pt` file is: `data.pkl`, and one record of bytes for each storage."""

import os
import zipfile

import numpy as np

from learntorch.core.storage import untyped
from learntorch.io.restricted import StorageError

ALIGNMENT = 64          # records begin at multiples of it, so that they can be mapped into memory
LOCAL_HEADER = 30       # bytes of a zip record's header before its name
SIZES_64 = 20           # bytes of the extra field that carries 64-bit sizes


class Writer:
    """Writes records, aligned and not compressed, into a binary file."""

    def __init__(self, file, root):
        self.zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self.root = root

    def record(self, name, data):
        """Add one record; `data` is bytes or an array of them."""
        data = memoryview(data).cast("B") if len(data) else b""
        info = zipfile.ZipInfo(f"{self.root}/{name}", (1980, 1, 1, 0, 0, 0))
        info.file_size = len(data)
        large = info.file_size * 1.05 > zipfile.ZIP64_LIMIT
        begins = self.zip.fp.tell() + LOCAL_HEADER + len(info.filename.encode())
        begins += SIZES_64 if large else 0
        filler = -(begins + 4) % ALIGNMENT
        info.extra = b"FB" + filler.to_bytes(2, "little") + b"Z" * filler
        with self.zip.open(info, "w", force_zip64=large) as record:
            record.write(data)

    def close(self):
        """Write the directory of the archive."""
        self.zip.close()


class Reader:
    """Reads the records of an archive. Raises RuntimeError where it is not whole."""

    def __init__(self, file, path=None):
        try:
            self.zip = zipfile.ZipFile(file)
        except Exception as error:
            raise damaged("failed finding central directory", error) from error
        self.file = file
        self.path = path
        self.records = {i.filename.partition("/")[2]: i for i in self.zip.infolist()}
        if "data.pkl" not in self.records:
            raise StorageError("PytorchStreamReader failed locating file data.pkl: file not found. "
                               "This is a zip archive, but not one that torch.save wrote.")

    def __contains__(self, name):
        return name in self.records

    def bytes(self, name):
        """The bytes of a record, an array of its own."""
        info = self.info(name)
        out = np.empty(info.file_size, np.uint8)
        try:
            with self.zip.open(info) as record:
                filled = 0
                while filled < out.size:
                    n = record.readinto(memoryview(out)[filled:])
                    if not n:
                        raise EOFError("the record ends early")
                    filled += n
                record.read(1)          # the checksum is compared at the end
        except Exception as error:
            raise damaged(f"failed reading file {name}", error) from error
        return out

    def mapped(self, name):
        """The bytes of a record as the file holds them, read when they are touched."""
        info = self.info(name)
        with open(self.path, "rb") as file:
            file.seek(info.header_offset + LOCAL_HEADER - 4)
            sizes = file.read(4)
        begins = (info.header_offset + LOCAL_HEADER + int.from_bytes(sizes[:2], "little")
                  + int.from_bytes(sizes[2:], "little"))
        if begins + info.file_size > os.path.getsize(self.path):
            raise damaged(f"failed reading file {name}", "it reaches beyond the end")
        if not info.file_size:
            return np.empty(0, np.uint8)
        return np.memmap(self.path, np.uint8, "c", begins, (info.file_size,))

    def info(self, name):
        """What the directory says of a record, if that can be true."""
        info = self.records.get(name)
        if info is None:
            raise StorageError(f"PytorchStreamReader failed locating file {name}: file not found. "
                               "The archive lacks a record that its data.pkl names.")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise StorageError(f"PytorchStreamReader failed reading file {name}: it is compressed, "
                               "which torch.save never does. Was the archive packed anew?")
        if info.file_size > size_of(self.file):
            raise damaged(f"failed reading file {name}", "it is said to be larger than the file")
        return info

    def storage(self, name, nbytes, mmap, swap):
        """A storage of so many bytes from a record; `swap` is the width of numbers to turn."""
        data = self.mapped(name) if mmap else self.bytes(name)
        if data.size != nbytes:
            raise StorageError(f"PytorchStreamReader failed reading file {name}: it has "
                               f"{data.size} bytes where data.pkl says {nbytes}.")
        if swap > 1:
            data = np.ascontiguousarray(data.reshape(-1, swap)[:, ::-1]).reshape(-1)
        return untyped(data)


def size_of(file):
    """The length of an open file."""
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end


def damaged(what, why):
    """The error for an archive that cannot be read."""
    return StorageError(f"PytorchStreamReader failed reading zip archive: {what} ({why}). The file "
                        "is cut short or was changed after it was saved: get it again, or go back "
                        "to an older checkpoint.")
