"""The idx format of MNIST: a header that says type and shape, then the numbers, big-endian.

    byte 0, 1   zero
    byte 2      the type of the numbers, a key of TYPES
    byte 3      how many dimensions there are
    then        each dimension in four bytes, and all numbers in row-major order

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

import math

import numpy as np

from learntorch.ops.create import from_numpy
from learntorch.vision.datasets.archives import zlib_error

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
PIECE = 1 << 20
PACKED = {b"\x1f\x8b": "gzip", b"\xfd7": "lzma", b"BZ": "bz2"}
# Handwriting packs five times smaller. Only a file made to fill the memory packs like this.
BOMB = 100
UNSUSPECTED = 1 << 26


def read(path):
    """The array in the idx file `path`, which may be packed by gzip, xz or bzip2.

    Memory grows with what is really read: a header may promise anything. Raises ValueError where
    the file is not what its header says, or a few bytes unpack to very many.
    """
    import importlib
    import os
    with open(path, "rb") as file:
        packed = PACKED.get(file.read(2))
        file.seek(0)
        if packed is None:
            return parse(file, path)
        module = importlib.import_module(packed)
        with module.open(file) as unpacked:
            try:
                return parse(unpacked, path, max(UNSUSPECTED, BOMB * os.path.getsize(path)))
            except (EOFError, OSError, getattr(module, "LZMAError", EOFError),
                    *zlib_error()) as error:
                raise ValueError(f"{path} is damaged: {error}") from None


def parse(file, path, most=None):
    """The array in an open idx file; `path` names it in messages, `most` is the largest size."""
    start = file.read(4)
    if len(start) < 4 or start[0] or start[1] or start[2] not in TYPES or not 1 <= start[3] <= 8:
        raise ValueError(f"{path} is no idx file: it begins with {start!r}, where two zeros, a "
                         f"type among {sorted(TYPES)} and the number of dimensions should be")
    rank = start[3]
    header = file.read(4 * rank)
    if len(header) < 4 * rank:
        raise ValueError(f"{path} ends within its header")
    shape = tuple(int(n) for n in np.frombuffer(header, ">u4"))
    kind = np.dtype(TYPES[start[2]])
    promised = math.prod(shape) * kind.itemsize
    content = bytearray()
    while len(content) <= promised:
        piece = file.read(min(PIECE, promised + 1 - len(content)))
        if not piece:
            break
        content += piece
        if most is not None and len(content) > most:
            raise ValueError(f"{path} unpacks to more than {BOMB} times its own size: it was made "
                             "to fill the memory")
    if len(content) != promised:
        found = f"only {len(content)}" if len(content) < promised else "more"
        raise ValueError(f"{path} promises {promised} bytes ({' x '.join(map(str, shape))} numbers "
                         f"of {kind.itemsize}), and holds {found}: it is cut or damaged")
    return np.frombuffer(content, kind).reshape(shape).astype(kind.newbyteorder("="), copy=False)


def read_sn3_pascalvincent_tensor(path, strict=True):
    """The tensor in an idx file. A file of the wrong length is refused, strict or not."""
    return from_numpy(read(path))


def read_label_file(path):
    """The labels of an idx file, as int64. Shape (n,)."""
    return _bytes(path, 1, "dimension").long()


def read_image_file(path):
    """The pictures of an idx file, as uint8. Shape (n, h, w)."""
    return _bytes(path, 3, "dimension")


def _bytes(path, rank, word):
    x = read_sn3_pascalvincent_tensor(path, strict=False)
    if x.element_size() != 1 or x.dtype.is_signed:
        raise TypeError(f"x should be of dtype torch.uint8 instead of {x.dtype}")
    if x.ndim != rank:
        raise ValueError(f"x should have {rank} {word} instead of {x.ndim}")
    return x
