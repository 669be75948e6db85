"""The data of the chapters, as tensors. All of it lies in the package: nothing is downloaded."""

from pathlib import Path

import numpy as np

__all__ = ["digits"]

DATA = Path(__file__).parent / "data"
HELD_OUT = 1500
SHUFFLE = 12


def digits(held_out=HELD_OUT):
    """10,000 handwritten digits: `(train_images, train_labels, test_images, test_labels)`.

    Images are float32 of shape (n, 1, 28, 28), 0 for paper to 1 for ink; labels are int64, 0 to 9.
    The `held_out` test digits are chosen once and for all, so that no one trains on them by
    accident in another session. Source: MNIST, LeCun and Cortes; see data/README.md.
    """
    import learntorch as torch

    with np.load(DATA / "mnist10k.npz") as file:
        images, labels = file["x"], file["y"]
    # The file is sorted by digit. MT19937 gives the same order in every version of NumPy.
    order = (
        np.random.Generator(np.random.MT19937(SHUFFLE)).random(len(labels)).argsort(kind="stable")
    )
    images = images[order, None].astype(np.float32) / np.float32(255)
    labels = labels[order].astype(np.int64)
    cut = len(labels) - held_out
    return tuple(
        torch.from_numpy(np.ascontiguousarray(part))
        for part in (images[:cut], labels[:cut], images[cut:], labels[cut:])
    )
