"""Writing the zip archive that a `.pt` file is: records one after the other, then a directory.

Nothing is compressed, and the bytes of every record begin at a multiple of 64, so that they can be
mapped into memory. The file is written from front to back: it may be a pipe.
Source: PKWARE, "APPNOTE.TXT – .ZIP File Format Specification", sections 4.3 and 4.5.3.
"""

from binascii import crc32
from struct import pack

from learntorch.io import options

LARGE = 0xFFFFFFFF          # what does not fit into four bytes stands in a field of eight
PIECE = 1 << 20
MIDNIGHT = 0x00210000       # 1980-01-01: the same objects give the same bytes


class Zeros:
    """So many bytes of zero, which are never in memory all at once."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size


class Writer:
    """Writes an archive into a binary file; every name in it begins with `root`/."""

    def __init__(self, file, root):
        self.file = file
        self.root = root
        self.at = 0
        self.directory = []

    def put(self, data):
        """Write bytes, and count them."""
        self.file.write(data)
        self.at += len(data)

    def record(self, name, data):
        """Add one record; `data` is bytes, an array of them, or `Zeros`."""
        name = f"{self.root}/{name}".encode()
        size = len(data)
        checksum = 0
        for piece in pieces(data) if options.save.compute_crc32 else ():
            checksum = crc32(piece, checksum)
        begins = self.at
        fields = pack("<HHQQ", 1, 16, size, size) if size >= LARGE else b""
        filler = -(begins + 30 + len(name) + len(fields) + 4) % options.save.storage_alignment
        fields += pack("<2sH", b"FB", filler) + b"Z" * filler
        facts = common(size, checksum, name)
        self.put(pack("<4s", b"PK\3\4") + facts + pack("<H", len(fields)) + name + fields)
        for piece in pieces(data):
            self.put(piece)
        self.directory.append((name, facts, size, begins))

    def close(self):
        """Write the directory: every record again, and where it begins."""
        begins = self.at
        for name, facts, size, place in self.directory:
            large = [size, size] if size >= LARGE else []
            if place >= LARGE:
                large.append(place)
            fields = pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
            self.put(pack("<4sH", b"PK\1\2", 45) + facts
                     + pack("<HHHHII", len(fields), 0, 0, 0, 0, min(place, LARGE)) + name + fields)
        n, length = len(self.directory), self.at - begins
        ends = self.at
        if begins >= LARGE or n >= 0xFFFF:
            self.put(pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, n, n, length, begins))
            self.put(pack("<4sIQI", b"PK\6\7", 0, ends, 1))
        n = min(n, 0xFFFF)
        self.put(pack("<4sHHHHIIH", b"PK\5\6", 0, 0, n, n, length, min(begins, LARGE), 0))


def common(size, checksum, name):
    """What the record's own head and the directory say alike: version 4.5, names in UTF-8, not
    compressed, the time, checksum, both sizes, length of the name."""
    short = min(size, LARGE)
    return pack("<HHHIIIIH", 45, 0x800, 0, MIDNIGHT, checksum, short, short, len(name))


def pieces(data):
    """The bytes of a record, in one or more pieces."""
    if isinstance(data, Zeros):
        for begin in range(0, len(data), PIECE):
            yield bytes(min(PIECE, len(data) - begin))
    elif len(data):
        yield memoryview(data).cast("B")
