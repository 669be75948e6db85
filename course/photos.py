"""Ten photographs cut into small pictures, and the same in the files that CIFAR-10 comes in.

A chessboard of 96 × 96 points is laid over each photograph. Pictures to learn from are cut out of
its black squares, pictures to test with out of its white ones: no point of a photograph is in both.
What is asked of a picture is which of the ten photographs it is a piece of.
"""

import atexit
import pickle
import shutil
import tempfile
from pathlib import Path

import numpy as np

__all__ = ["CLASSES", "cifar", "pieces", "write"]

PHOTOS = Path(__file__).parent / "data" / "photos"
CLASSES = ("admiral", "alps", "astronaut", "boats", "canyon", "cat", "coffee", "flower", "temple",
           "tissue")
SQUARE = 96                     # a square of the chessboard; a photograph has 4 × 6 of them
SHUFFLE = 13
FOLDER = "cifar-10-batches-py"
BATCHES = 5
SIZE, TRAIN, TEST = 32, 40, 60  # height and width, and how many of each class are in the files


def pieces(size, train=None, test=None):
    """The pictures: `(train_images, train_labels, test_images, test_labels)`, as arrays.

    Images are uint8 of shape (n, size, size, 3), labels int64 from 0 to 9. `size` divides 96;
    `train` and `test` say how many of each class (None: all there are). The order is fixed.
    """
    if SQUARE % size:
        raise ValueError(f"pictures of {size} do not fill the squares of {SQUARE}")
    found = {True: ([], []), False: ([], [])}
    for label, name in enumerate(CLASSES):
        black, white = cut(photograph(name), size)
        for side, images, count in ((True, black, train), (False, white, test)):
            chosen = images[shuffled(len(images), SHUFFLE + label)[:count]]
            found[side][0].append(chosen)
            found[side][1].extend([label] * len(chosen))
    parts = []
    for images, labels in found.values():
        order = shuffled(len(labels), SHUFFLE)
        parts += [np.concatenate(images)[order], np.array(labels, np.int64)[order]]
    return tuple(parts)


def photograph(name):
    """A photograph as bytes of shape (384, 576, 3)."""
    from PIL import Image

    with Image.open(PHOTOS / f"{name}.jpg") as image:
        return np.asarray(image.convert("RGB"))


def cut(photo, size):
    """The pieces of the black squares of the chessboard, and those of the white ones."""
    sides = ([], [])
    height, width = photo.shape[:2]
    for top in range(0, height, size):
        for left in range(0, width, size):
            colour = (top // SQUARE + left // SQUARE) % 2
            sides[colour].append(photo[top:top + size, left:left + size])
    return np.stack(sides[0]), np.stack(sides[1])


def shuffled(count, seed):
    """The numbers below `count` in an order that is the same in every version of NumPy."""
    chance = np.random.Generator(np.random.MT19937(seed)).random(count)
    return chance.argsort(kind="stable")


def cifar(root="data"):
    """A folder to read CIFAR-10 from, as text: `root` if the real one lies there, else our own.

    The real one is 60,000 photographs in `root`/cifar-10-batches-py. Otherwise the files of a
    small set in the same format are written into a temporary folder: 400 and 600 pieces.
    """
    if (Path(root) / FOLDER / "data_batch_1").exists():
        return str(root)
    made = tempfile.mkdtemp(prefix="learntorch-pieces-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    write(made)
    return made


def write(root):
    """Write the small set below `root`: data_batch_1 … data_batch_5, test_batch, batches.meta."""
    folder = Path(root) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    images, labels, test_images, test_labels = pieces(SIZE, TRAIN, TEST)
    each = len(labels) // BATCHES
    for number in range(BATCHES):
        part = slice(number * each, (number + 1) * each)
        words = f"training batch {number + 1} of {BATCHES}"
        dump(folder / f"data_batch_{number + 1}", batch(words, images[part], labels[part]))
    dump(folder / "test_batch", batch("testing batch 1 of 1", test_images, test_labels))
    dump(folder / "batches.meta", {"num_cases_per_batch": each, "label_names": list(CLASSES),
                                   "num_vis": 3 * SIZE * SIZE})


def batch(words, images, labels):
    """One file's content: a row of 3072 bytes for each picture, red, green, blue plane by plane."""
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    names = [f"{CLASSES[label]}_{i:04d}.png" for i, label in enumerate(labels)]
    return {"batch_label": words, "labels": labels.tolist(), "data": rows, "filenames": names}


def dump(path, content):
    """Write a pickle as Python 2 did."""
    with open(path, "wb") as file:
        pickle.dump(content, file, protocol=2)
