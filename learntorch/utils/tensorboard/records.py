"""Event files: records one after the other, each with its length and two checksums.

    8 bytes   length of the record
    4 bytes   checksum of the length
    length    the record, an Event
    4 bytes   checksum of the record

The checksum is CRC-32C, turned by 15 bits and moved by a constant, so that a checksum of data that
contains checksums is no special case. Source: TensorFlow, "TFRecord" and event.proto.
"""

import os
import time

from learntorch.utils.tensorboard import wire

POLYNOMIAL = 0x82F63B78         # of CRC-32C (Castagnoli), the lowest bit first
TABLE = []
VERSION = "brain.Event:2"


def table():
    """For each byte, what it does to a checksum that is 0."""
    if not TABLE:
        for byte in range(256):
            for _ in range(8):
                byte = byte >> 1 ^ (POLYNOMIAL if byte & 1 else 0)
            TABLE.append(byte)
    return TABLE


def crc32c(data):
    """The checksum of some bytes: the remainder of a division of polynomials over {0, 1}."""
    rest = 0xFFFFFFFF
    lookup = table()
    for byte in data:
        rest = lookup[(rest ^ byte) & 255] ^ rest >> 8
    return rest ^ 0xFFFFFFFF


def masked(data):
    """The checksum as it stands in the file, four bytes."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF).to_bytes(4, "little")


def record(data):
    """One record with its length and its checksums."""
    length = len(data).to_bytes(8, "little")
    return length + masked(length) + data + masked(data)


def event(content, step=None, walltime=None):
    """An Event: when, at which step, and what (a field that is already written)."""
    return (wire.double(1, time.time() if walltime is None else walltime)
            + wire.integer(2, 0 if step is None else step) + content)


class EventFile:
    """An event file in `folder` that grows. It is put on the disk after `most` events or
    `seconds` seconds, whichever comes first, and at the end."""

    count = 0

    def __init__(self, folder, suffix="", most=10, seconds=120):
        import socket
        os.makedirs(folder, exist_ok=True)
        name = (f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}."
                f"{os.getpid()}.{EventFile.count}{suffix}")
        EventFile.count += 1
        self.path = os.path.join(folder, name)
        self.file = open(self.path, "wb")
        self.most = most
        self.seconds = seconds
        self.waiting = 0
        self.flushed = time.monotonic()
        self.add(wire.block(3, VERSION)
                 + wire.block(10, wire.block(1, "learntorch.utils.tensorboard")))
        self.flush()

    def add(self, content, step=None, walltime=None):
        """Add one event."""
        if self.file.closed:
            self.file = open(self.path, "ab")
        self.file.write(record(event(content, step, walltime)))
        self.waiting += 1
        if self.waiting >= self.most or time.monotonic() - self.flushed >= self.seconds:
            self.flush()

    def flush(self):
        """Put everything on the disk."""
        if not self.file.closed:
            self.file.flush()
        self.waiting = 0
        self.flushed = time.monotonic()

    def close(self):
        """End the file; adding to it opens it again."""
        self.flush()
        self.file.close()
