"""Arrays of numbers as pictures: small PNG files inside a page, in colours everyone can tell apart.

The PNG is written here because the bytes must be the same everywhere: they are stored in notebooks
and compared. So nothing is compressed.
"""

import base64
import struct
import zlib

import numpy as np

BLUE = np.array([0x00, 0x72, 0xB2], np.float64)
WHITE = np.array([0xF7, 0xF7, 0xF7], np.float64)
ORANGE = np.array([0xD5, 0x5E, 0x00], np.float64)
BLOCK = 65535           # bytes in one stored block of a zlib stream


def grey(values, low=None, high=None):
    """Numbers as shades from black (`low`, else the smallest) to white; an RGB array of bytes."""
    shade = scaled(values, low, high)
    return np.repeat(np.rint(255 * shade).astype(np.uint8)[..., None], 3, axis=-1)


def signed(values, most=None):
    """Numbers as blue (negative), white (zero) and orange (positive); an RGB array of bytes."""
    values = np.asarray(values, np.float64)
    most = most or float(np.abs(values).max(initial=0.0)) or 1.0
    part = np.clip(values / most, -1.0, 1.0)[..., None]
    colour = WHITE + np.abs(part) * (np.where(part < 0, BLUE, ORANGE) - WHITE)
    return np.rint(colour).astype(np.uint8)


def scaled(values, low=None, high=None):
    """Numbers moved into 0 … 1."""
    values = np.asarray(values, np.float64)
    low = values.min() if low is None else low
    high = values.max() if high is None else high
    return np.clip((values - low) / ((high - low) or 1.0), 0.0, 1.0)


def png(rgb):
    """The bytes of a PNG file for an array (height, width, 3) of bytes."""
    height, width, _ = rgb.shape
    raw = b"".join(b"\0" + rgb[row].tobytes() for row in range(height))
    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", stored(raw)) + chunk(b"IEND", b""))


def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data
            + struct.pack(">I", zlib.crc32(kind + data)))


def stored(raw):
    """A zlib stream that only stores."""
    blocks = [raw[i:i + BLOCK] for i in range(0, len(raw), BLOCK)] or [b""]
    parts = [b"\x78\x01"]
    for i, block in enumerate(blocks):
        last = i + 1 == len(blocks)
        parts.append(struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block)
    return b"".join(parts) + struct.pack(">I", zlib.adler32(raw))


def uri(rgb):
    """A picture as a `data:` address for an image element."""
    return "data:image/png;base64," + base64.b64encode(png(rgb)).decode("ascii")
