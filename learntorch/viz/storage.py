"""A tensor's memory laid open: one row of cells, and how shape, stride and offset map onto it.

    cell(i, j, …) = offset + i · stride[0] + j · stride[1] + …
"""

from itertools import product

import numpy as np

from learntorch.viz.text import host, number, size

MOST = 512              # cells and elements described; a picture of more says nothing


def storage(tensor, most=MOST):
    """The memory behind a tensor, as a dictionary.

    cells       the text of the numbers in the storage, in memory order
    shape, stride, offset, dtype, itemsize, numel, contiguous: as the tensor says, in elements
    places      for each element in row-major order, the cell it lies in
    visited     for each cell, how many elements look at it (0: not part of this view; 2 and
                more: expanded)
    length      cells in the whole storage; only the first `most` of cells and places are given
    Raises TypeError for what is neither a tensor nor an array.
    """
    view = host(tensor)
    if view is None:
        raise TypeError(f"storage() needs a tensor or an array, not {type(tensor).__name__}")
    flat = memory(view)
    step = view.itemsize
    offset = (address(view) - address(flat)) // step if view.size else 0
    stride = [s // step for s in view.strides]
    places = [offset + sum(i * s for i, s in zip(index, stride, strict=True))
              for index in indices(view.shape, most)]
    cells = [brief(v) for v in flat[:most]]
    visited = [0] * len(cells)
    for place in places:
        if place < len(visited):
            visited[place] += 1
    return {"cells": cells, "shape": list(view.shape), "stride": stride, "offset": offset,
            "dtype": str(view.dtype), "itemsize": step, "numel": int(view.size),
            "contiguous": bool(view.flags.c_contiguous), "places": places, "visited": visited,
            "length": int(flat.size), "complete": max(flat.size, view.size) <= most}


def brief(value):
    """A number in a few letters: `3` an integer, `3.` a float, `0.3333`."""
    if isinstance(value, np.inexact) or value.dtype.kind == "V":
        real = value if isinstance(value, np.complexfloating) else float(value)
        text = f"{real:.4g}"
        whole = isinstance(real, float) and real == int(real) if np.isfinite(real) else False
        return text + "." if whole and "e" not in text else text
    return number(value)


def memory(array):
    """The whole block of memory that an array looks into, as one dimension of its dtype."""
    owner = array
    while type(owner.base) is type(owner):
        owner = owner.base
    return owner.ravel(order="K").view(array.dtype) if owner.size else owner.reshape(-1)


def address(array):
    """Where the first element lies."""
    return array.__array_interface__["data"][0]


def indices(shape, most):
    """The index of each element in row-major order, at most `most` of them."""
    for place, index in enumerate(product(*(range(s) for s in shape))):
        if place == most:
            return
        yield index


def sentence(described, index):
    """The arithmetic that leads from an index to its cell, as one line of text.

    >>> sentence({"offset": 1, "stride": [3, 1], "shape": [2, 2]}, (1, 0))
    'cell = 1 + 1·3 + 0·1 = 4'
    """
    terms = [f"{i}\u00b7{s}" for i, s in zip(index, described["stride"], strict=True)]
    cell = described["offset"] + sum(
        i * s for i, s in zip(index, described["stride"], strict=True))
    return f"cell = {' + '.join([str(described['offset']), *terms])} = {cell}"


def caption(described):
    """Shape, stride, offset and what they mean, in one sentence."""
    kind = "contiguous" if described["contiguous"] else "not contiguous"
    shared = [v for v in described["visited"] if v > 1]
    text = (f"shape {size(described['shape'])}, stride {tuple(described['stride'])}, "
            f"offset {described['offset']}, {kind}: {described['numel']} elements in a storage "
            f"of {described['length']} cells")
    return text + (f", {len(shared)} of them seen more than once" if shared else "")
