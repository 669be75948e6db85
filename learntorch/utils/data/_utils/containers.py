"""Containers taken apart and put together again: lists of tensors, dicts of lists, namedtuples."""

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence


def new_mapping(like, items):
    """A mapping of the type of `like` with other values; a dict where the type cannot be made.

    A copy is filled, since the type may have more attributes than its items.
    """
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(items)
            return clone
        return type(like)(items)
    except TypeError:
        return items


def new_sequence(like, items):
    """A sequence of the type of `like` with other items; a list where the type cannot be made."""
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for i, item in enumerate(items):
                clone[i] = item
            return clone
        return type(like)(items)
    except TypeError:
        return items


def is_namedtuple(x):
    return isinstance(x, tuple) and hasattr(x, "_fields")


def is_mapping(x):
    return isinstance(x, Mapping)
