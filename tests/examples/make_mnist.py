"""Writes the 10,000 digits of the course as MNIST's four files, for programs that read MNIST.

    python -m tests.examples.make_mnist FOLDER [how many to train on [how many to test]]

The files are in MNIST's own format, so torchvision reads them; only their number differs.
"""

import pathlib
import struct
import sys

import numpy as np

DIGITS = pathlib.Path(__file__).resolve().parents[2] / "course" / "data" / "mnist10k.npz"


def idx(array):
    """The bytes of an idx file: zeros, type 8 (bytes), rank, sizes, the numbers."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + \
        array.astype(np.uint8).tobytes()


def write(folder, train=8500, test=1500):
    """Put MNIST/raw/*-ubyte with so many digits into a folder, mixed in a fixed order."""
    with np.load(DIGITS) as file:
        images, labels = file["x"], file["y"]
    order = np.random.Generator(np.random.MT19937(12)).random(len(labels)).argsort(kind="stable")
    raw = pathlib.Path(folder) / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name, part in (("train", order[:train]), ("t10k", order[-test:])):
        (raw / f"{name}-images-idx3-ubyte").write_bytes(idx(images[part]))
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(idx(labels[part]))


if __name__ == "__main__":
    write(sys.argv[1], *(int(n) for n in sys.argv[2:]))
