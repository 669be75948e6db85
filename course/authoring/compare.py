"""When do two outputs say the same? Text strictly, numbers and pictures as far as a cell allows.

Texts are equal, but for the line numbers of source places. A cell tagged `tolerance=0.01` allows
each number to differ by 0.01, or by 1 % where it is greater than one. Pictures are compared as an
eye does at arm's length: sixteen squares across, each about as bright as before.
"""

import base64
import io
import re

__all__ = ["aligned", "clean", "first_difference", "picture_difference", "same_start"]

PLACE = re.compile(r"\b((?:learntorch|course)/[\w/]+\.py):\d+")
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?(?![\w])")

SQUARES = 16
BRIGHTNESS = 10.0
SIZE = 3


def clean(text):
    """A text without what may change although nothing the reader cares about has."""
    return PLACE.sub(r"\1:LINE", text)


def aligned(fresh, stored, tolerance):
    """`fresh` with each number that is close enough replaced by the one in `stored`.

    Nothing is replaced where the words around the numbers differ. Equality of the result with
    `stored` is then a comparison with tolerance.
    """
    if not tolerance or NUMBER.split(fresh) != NUMBER.split(stored):
        return fresh
    old = iter(NUMBER.findall(stored))

    def choose(match):
        new, kept = match.group(), next(old)
        limit = tolerance * max(1.0, abs(float(kept)))
        return kept if abs(float(new) - float(kept)) <= limit else new

    return NUMBER.sub(choose, fresh)


def first_difference(fresh, stored, tolerance=0.0, names=("now", "stored")):
    """The first line that differs, in words; an empty string if none does."""
    fresh, stored = clean(fresh).rstrip("\n"), clean(stored).rstrip("\n")
    new = aligned(fresh, stored, tolerance).split("\n")
    old = stored.split("\n")
    for a, b in zip(new, old, strict=False):
        if a.rstrip() != b.rstrip():
            return f"{names[1]} {b!r}, {names[0]} {a!r}"
    if len(new) != len(old):
        return f"{names[1]} {len(old)} lines, {names[0]} {len(new)}"
    return ""


def same_start(ours, pytorch):
    """Does each of our lines begin with what PyTorch prints there? Ours may say more after it."""
    a, b = ours.rstrip("\n").split("\n"), pytorch.rstrip("\n").split("\n")
    for mine, theirs in zip(a, b, strict=False):
        if not mine.startswith(theirs.rstrip()):
            return f"PyTorch says {theirs!r}, learntorch {mine!r}"
    return "" if len(a) == len(b) else f"PyTorch prints {len(b)} lines, learntorch {len(a)}"


def picture_difference(fresh, stored):
    """How a PNG or JPEG (base64) differs from a stored one, in words; empty if it looks alike."""
    import numpy as np

    new, old = _grey(fresh), _grey(stored)
    if max(abs(new.shape[0] - old.shape[0]), abs(new.shape[1] - old.shape[1])) > SIZE:
        return (
            f"the picture was {old.shape[1]}×{old.shape[0]}, and is {new.shape[1]}×{new.shape[0]}"
        )
    change = np.abs(_squares(new) - _squares(old))
    worst = float(change.max())
    if worst <= BRIGHTNESS:
        return ""
    row, column = np.unravel_index(int(change.argmax()), change.shape)
    return (
        f"the picture changed: square ({row + 1}, {column + 1}) of {SQUARES}×{SQUARES} is "
        f"{worst:.0f} of 255 lighter or darker (at most {BRIGHTNESS:.0f})"
    )


def _grey(data):
    import numpy as np
    from PIL import Image

    raw = base64.b64decode("".join(data) if isinstance(data, list) else data)
    picture = Image.open(io.BytesIO(raw)).convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    return np.asarray(Image.alpha_composite(ground, picture).convert("L"), dtype=np.float64)


def _squares(grey):
    """Mean brightness of SQUARES × SQUARES equal parts of a picture."""
    import numpy as np

    rows = np.array_split(grey, SQUARES, axis=0)
    parts = [[block.mean() for block in np.array_split(row, SQUARES, axis=1)] for row in rows]
    return np.array(parts)
