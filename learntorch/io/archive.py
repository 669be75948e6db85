"""Reading the zip archive that a `.pt` file is: `data.pkl`, and a record of bytes per storage."""

import os
import zipfile
from binascii import crc32

import numpy as np

from learntorch.core.storage import untyped
from learntorch.io import options
from learntorch.io.restricted import StorageError

LOCAL_HEADER = 30       # bytes of a zip record's header before its name
ENCRYPTED = 1           # flag of a record


class Reader:
    """Reads the records of an archive. Raises RuntimeError where it is not whole."""

    def __init__(self, file, path=None):
        try:
            self.zip = zipfile.ZipFile(file)
        except Exception as error:
            raise damaged("failed finding central directory", error) from error
        self.file = file
        self.path = path
        self.size = size_of(file)
        self.records = {i.filename.partition("/")[2]: i for i in self.zip.infolist()}
        if sum(i.compress_size for i in self.zip.infolist()) > self.size:
            raise damaged("the records are together larger than the file", "do they overlap?")
        if "data.pkl" not in self.records:
            raise StorageError("PytorchStreamReader failed locating file data.pkl: file not found. "
                               "This is a zip archive, but not one that torch.save wrote.")

    def __contains__(self, name):
        return name in self.records

    def bytes(self, name):
        """The bytes of a record, an array of its own."""
        info = self.info(name)
        self.file.seek(self.begins(info))
        out = np.empty(info.file_size, np.uint8)
        try:
            fill(self.file, memoryview(out))
        except Exception as error:
            raise damaged(f"failed reading file {name}", error) from error
        # a checksum of zero says that none was computed
        if info.CRC and crc32(out) != info.CRC:
            raise damaged(f"failed reading file {name}", "Bad CRC-32: its checksum is wrong")
        return out

    def mapped(self, name):
        """The bytes of a record as the file holds them, read when they are touched."""
        from mmap import MAP_SHARED
        info = self.info(name)
        if not info.file_size:
            return np.empty(0, np.uint8)
        mode = "r+" if options.get_default_mmap_options() == MAP_SHARED else "c"
        return np.memmap(self.path, np.uint8, mode, self.begins(info), (info.file_size,))

    def begins(self, info):
        """Where in the file the bytes of a record begin."""
        if not 0 <= info.header_offset < self.size:
            raise damaged(f"failed reading file {info.filename}", "it begins outside of the file")
        self.file.seek(info.header_offset)
        header = self.file.read(LOCAL_HEADER)
        if len(header) < LOCAL_HEADER or header[:4] != b"PK\x03\x04":
            raise damaged(f"failed reading file {info.filename}", "it is not where it should be")
        name, extra = (int.from_bytes(header[i:i + 2], "little") for i in (26, 28))
        begins = info.header_offset + LOCAL_HEADER + name + extra
        if begins + info.file_size > self.size:
            raise damaged(f"failed reading file {info.filename}", "it reaches beyond the end")
        return begins

    def info(self, name):
        """What the directory says of a record, if that can be true."""
        info = self.records.get(name)
        if info is None:
            raise StorageError(f"PytorchStreamReader failed locating file {name}: file not found. "
                               "The archive lacks a record that its data.pkl names.")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise StorageError(f"PytorchStreamReader failed reading file {name}: it is compressed, "
                               "which torch.save never does. Was the archive packed anew?")
        if info.flag_bits & ENCRYPTED:
            raise damaged(f"failed reading file {name}", "it is encrypted")
        if info.file_size > self.size:
            raise damaged(f"failed reading file {name}", "it is said to be larger than the file")
        return info

    def storage(self, name, nbytes, mmap, swap):
        """A storage of so many bytes from a record; `swap` is the width of numbers to turn."""
        size = self.info(name).file_size
        if size != nbytes:
            raise StorageError(f"PytorchStreamReader failed reading file {name}: it has "
                               f"{size} bytes where data.pkl says {nbytes}.")
        if options.of_thread.skip_data:
            return untyped(np.zeros(nbytes, np.uint8))
        data = self.mapped(name) if mmap else self.bytes(name)
        if swap > 1:
            data = np.ascontiguousarray(data.reshape(-1, swap)[:, ::-1]).reshape(-1)
        return untyped(data)


def fill(file, view):
    """Read so many bytes from a file as the view has room for."""
    filled = 0
    while filled < len(view):
        if hasattr(file, "readinto"):
            n = file.readinto(view[filled:])
        else:
            piece = file.read(len(view) - filled)
            n = len(piece)
            view[filled:filled + n] = piece
        if not n:
            raise EOFError("the file ends early")
        filled += n


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
