"""Protocol buffers, the form in which TensorBoard's records are written: fields of a number and a
value, one after the other.

A field begins with number · 8 + kind, where kind says how the value is written: 0 an integer, 1
eight bytes, 2 a length and so many bytes, 5 four bytes. What has its default value is left out.
Source: "Protocol Buffers: Encoding", protobuf.dev.
"""

from struct import pack


def varint(n):
    """A whole number from 0 to 2⁶⁴ − 1 in groups of seven bits, the lowest first."""
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def integer(number, value):
    """A field with a whole number, or a truth value."""
    return varint(number << 3) + varint(int(value) & 2**64 - 1) if value else b""


def single(number, value):
    """A field with a float of four bytes."""
    return varint(number << 3 | 5) + pack("<f", value) if value else b""


def double(number, value):
    """A field with a float of eight bytes."""
    return varint(number << 3 | 1) + pack("<d", value) if value else b""


def block(number, value):
    """A field with bytes, a text, or another message, which may be empty."""
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def text(number, value):
    """A field with a text or bytes; nothing for an empty one."""
    return block(number, value) if value else b""


def numbers(number, values):
    """A field with many numbers of eight bytes in a row."""
    return block(number, pack(f"<{len(values)}d", *values))
