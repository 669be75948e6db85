"""Reading TensorBoard's event files: the numbers in them, without TensorBoard.

A file is a row of records: the length (8 bytes), its checksum (4), the data, its checksum (4). The
data is a message in protocol buffers: fields, each with a number, a kind and a value. Source: the
formats TFRecord and event.proto of TensorFlow. `torch.utils.tensorboard` writes them.
"""

import struct
from pathlib import Path

POLYNOMIAL = 0x82F63B78         # of CRC-32C, the lowest bit first
STEP, SUMMARY = 2, 5            # fields of an Event
TAG, NUMBER = 1, 2              # fields of a value in a Summary


def table():
    """For each byte, what it does to a checksum that is 0."""
    made = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (POLYNOMIAL if byte & 1 else 0)
        made.append(byte)
    return tuple(made)


TABLE = table()


def checksum(data):
    """CRC-32C of bytes, turned by 15 bits and moved by a constant, as the format wants it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def read_scalars(path):
    """All numbers in an event file, [(step, tag, number), …].

    A record that was cut off at the end, as by a crash, is left out. ValueError if a checksum is
    wrong: then the file was damaged.
    """
    data = Path(path).read_bytes()
    found, at = [], 0

    def check(start, stop):
        if checksum(data[start:stop]) != int.from_bytes(data[stop:stop + 4], "little"):
            raise ValueError(f"the record at byte {at} of {path} is damaged")

    while at + 12 <= len(data):
        check(at, at + 8)
        end = at + 12 + int.from_bytes(data[at:at + 8], "little")
        if end + 4 > len(data):
            break
        check(at + 12, end)
        found += scalars(data[at + 12:end])
        at = end + 4
    return found


def scalars(event):
    """The numbers of one Event."""
    event = fields(event)
    found = []
    for summary in event.get(SUMMARY, []):
        for value in map(fields, fields(summary).get(TAG, [])):
            number = value.get(NUMBER, [None])[0]
            if isinstance(number, float):
                found.append((event.get(STEP, [0])[0], value[TAG][0].decode(), number))
    return found


def fields(message):
    """{number: values} of a message; what is neither a number nor a float stays bytes."""
    found, at = {}, 0
    while at < len(message):
        key, at = varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(message, at)
            value -= (value >> 63) << 64        # negative numbers are written as 64 bits
        else:
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, at = varint(message, at)
            value, at = message[at:at + size], at + size
            if kind != 2:
                value = struct.unpack("<d" if kind == 1 else "<f", value)[0]
        found.setdefault(key >> 3, []).append(value)
    return found


def varint(message, at):
    """The whole number at a place, seven bits in a byte, and the place behind it."""
    n = shift = 0
    while True:
        byte = message[at]
        n |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            return n, at
