"""Where the records of a `.pt` file lie, found also when the end of the file is missing.

A zip archive is read from its end, where its directory stands. Before each record stands a small
header too, and that is what a file cut short still has.
"""

import zipfile
import zlib

from learntorch.io.archive import ENCRYPTED
from learntorch.io.restricted import StorageError

HEADER, DESCRIPTOR, LARGE = b"PK\x03\x04", b"PK\x07\x08", 0xFFFFFFFF
LENGTH = 30             # bytes of a header before the name
BEHIND = 0x0008         # flag: sizes and checksum stand behind the record, not before it
PIECE = 1 << 20


class Record:
    """One record: `name` without the archive's own, where it `begins`, its `size`.

    size: None where the file is cut before it is said. there: how many of its bytes the file has.
    crc: the checksum its bytes should have, or None.
    """

    def __init__(self, name, begins, size, there, crc=None):
        self.name = name
        self.begins = begins
        self.size = size
        self.there = there
        self.crc = crc

    @property
    def whole(self):
        """Whether the file has all of it."""
        return self.size == self.there

    def __repr__(self):
        return f"Record({self.name!r}, begins={self.begins}, {self.there} of {self.size} bytes)"


def length(file):
    """The bytes in an open file."""
    return file.seek(0, 2)


def at(file, place, count):
    """`count` bytes from `place` on, fewer at the end."""
    file.seek(place)
    return file.read(count)


def number(data):
    return int.from_bytes(data, "little")


def listed(reader):
    """The records that the directory of an archive lists, `reader` being a `Reader` of it.

    One that cannot be where the directory says has no bytes in the file.
    """
    found = []
    for info in reader.zip.infolist():
        try:
            begins, there = reader.begins(info), info.file_size
        except StorageError:
            begins, there = 0, 0
        plain = info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & ENCRYPTED
        found.append(Record(bare(info.filename), begins, info.file_size, there if plain else 0,
                            info.CRC if plain and info.CRC else None))
    return found


def bare(name):
    """The name of a record without the archive's own."""
    return name.partition("/")[2]


def scanned(file):
    """The records from the start on, by the headers before them."""
    end = length(file)
    found = []
    place = 0
    while True:
        head = at(file, place, LENGTH)
        if len(head) < LENGTH or head[:4] != HEADER:
            return found
        wide, extra = number(head[26:28]), number(head[28:30])
        name = at(file, place + LENGTH, wide).decode("utf-8", "replace")
        begins = place + LENGTH + wide + extra
        crc, size = number(head[14:18]), number(head[18:22])
        if size == LARGE:
            size = large(at(file, place + LENGTH + wide, extra))
        behind = 0
        if number(head[6:8]) & BEHIND:
            size, crc, behind = described(file, begins, end)
        there = max(0, end - begins) if size is None else max(0, min(size, end - begins))
        found.append(Record(bare(name), begins, size, there, crc))
        if size is None:
            return found
        place = begins + size + behind


def large(extra):
    """The size in the extra field of a record of four gigabytes and more; None without one."""
    while len(extra) >= 4:
        kind, wide = number(extra[:2]), number(extra[2:4])
        if kind == 1 and wide >= 8:
            return number(extra[4:12])
        extra = extra[4 + wide:]
    return None


def described(file, begins, end):
    """(size, checksum, its own length) of the descriptor behind a record that begins here.

    Its mark may also stand among the record's numbers: the right one says the size that it has.
    """
    place = begins
    while place < end:
        piece = at(file, place, PIECE + 24)
        inside = piece.find(DESCRIPTOR)
        if inside < 0 or inside >= PIECE:
            place += PIECE
            continue
        place += inside
        size, tail = place - begins, piece[inside + 4:inside + 24]
        if len(tail) >= 20 and number(tail[4:12]) == number(tail[12:20]) == size:
            return size, number(tail[:4]), 24
        if len(tail) >= 12 and number(tail[4:8]) == number(tail[8:12]) == size:
            return size, number(tail[:4]), 16
        place += 1
    return None, None, 0


def damaged(file, record):
    """Whether the bytes of a whole record are not those that were written."""
    if record.crc is None or not record.whole:
        return False
    crc, place = 0, record.begins
    while place < record.begins + record.size:
        piece = at(file, place, min(PIECE, record.begins + record.size - place))
        crc = zlib.crc32(piece, crc)
        place += len(piece)
    return crc != record.crc
