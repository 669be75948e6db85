"""Small data sets in the formats of the real ones, for tests to write and read."""
import gzip
import hashlib
import pickle
import struct

import numpy as np

CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def idx(a):
    """The bytes of an idx file with this array."""
    header = struct.pack(">BBBB", 0, 0, CODES[a.dtype.name], a.ndim)
    header += struct.pack(f">{a.ndim}I", *a.shape)
    return header + a.astype(a.dtype.newbyteorder(">")).tobytes()


def digits(n, seed=0, size=28):
    """n pictures of noise and n labels, as uint8."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 256, (n, size, size), dtype=np.uint8),
            rng.integers(0, 10, n, dtype=np.uint8))


def write_mnist(folder, packed=False, names=("train", "t10k"), pattern="{}-{}"):
    """MNIST with 5 training and 3 test pictures in a folder; {part: (pictures, labels)}."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {}
    for part, n in zip(names, (5, 3)):
        images, labels = made[part] = digits(n, seed=n)
        for name, a in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
            content = gzip.compress(idx(a)) if packed else idx(a)
            (folder / (pattern.format(part, name) + (".gz" if packed else ""))).write_bytes(content)
    return made


def md5(content):
    """The checksum that files of data sets are published with."""
    return hashlib.md5(content).hexdigest()


def python2(rows, labels, key="labels"):
    """A batch as Python 2 and NumPy of 2009 pickled it, with the opcodes of the real one."""
    def text(s):
        s = s if isinstance(s, bytes) else s.encode()
        return b"U" + bytes([len(s)]) + s if len(s) < 256 else b"T" + struct.pack("<i", len(s)) + s

    def integer(n):
        return b"K" + bytes([n]) if n < 256 else b"M" + struct.pack("<H", n)

    shape = integer(rows.shape[0]) + integer(rows.shape[1]) + b"\x86"
    kind = (b"cnumpy\ndtype\n" + text("u1") + b"K\x00K\x01\x87R" + b"(K\x03" + text("|")
            + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb")
    array = (b"cnumpy.core.multiarray\n_reconstruct\n" + b"cnumpy\nndarray\n" + b"K\x00\x85"
             + text("b") + b"\x87R" + b"(K\x01" + shape + kind + b"\x89" + text(rows.tobytes())
             + b"tb")
    numbers = b"](" + b"".join(integer(int(n)) for n in labels) + b"e"
    return (b"\x80\x02}q\x01(" + text("data") + array + text(key) + numbers
            + text("batch_label") + text("one of several") + b"u.")


def batch(n, seed=0, classes=10):
    """n rows of 3072 bytes and n labels."""
    rng = np.random.default_rng(seed)
    return (rng.integers(0, 256, (n, 3072), dtype=np.uint8),
            rng.integers(0, classes, n).tolist())


def cifar(module, kind, folder, n=4):
    """A subclass of CIFAR10 or CIFAR100 whose published checksums are those of small files, which
    are written into `folder`; and the rows and labels, in the order train, test."""
    old = getattr(module, kind)
    key = "labels" if kind == "CIFAR10" else "fine_labels"
    home = folder / old.base_folder
    home.mkdir(parents=True)
    parts, lists = [], []
    for names in (old.train_list, old.test_list):
        listed = []
        for name, _ in names:
            rows, labels = batch(n, seed=len(parts))
            content = python2(rows, labels, key)
            (home / name).write_bytes(content)
            listed.append([name, md5(content)])
            parts.append((rows, labels))
        lists.append(listed)
    meta = pickle.dumps({old.meta["key"]: [f"kind {i}" for i in range(10)]}, protocol=2)
    (home / old.meta["filename"]).write_bytes(meta)
    small = type(kind, (old,), {"train_list": lists[0], "test_list": lists[1],
                                "meta": {**old.meta, "md5": md5(meta)}})
    return small, parts
