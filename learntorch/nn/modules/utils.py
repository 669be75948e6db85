"""Small helpers of the layers: one number for every dimension, and so on."""

from collections.abc import Iterable


def _ntuple(n):
    """A function that repeats a number n times and leaves sequences alone."""
    def parse(x):
        if isinstance(x, Iterable):
            return tuple(x)
        return (x,) * n
    return parse


_single = _ntuple(1)
_pair = _ntuple(2)
_triple = _ntuple(3)
_quadruple = _ntuple(4)


def _reverse_repeat_tuple(t, n):
    """(a, b) → (b, b, a, a) for n = 2: padding of `F.pad`, which begins at the last dimension."""
    return tuple(x for x in reversed(t) for _ in range(n))


def consume_prefix_in_state_dict_if_present(state_dict, prefix):
    """Take `prefix` (such as "module." of DataParallel) off the names, in place."""
    for key in list(state_dict.keys()):
        value = state_dict.pop(key)
        state_dict[key.removeprefix(prefix)] = value
    metadata = getattr(state_dict, "_metadata", None)
    if metadata is None:
        return
    for key in list(metadata.keys()):
        if key == prefix.rstrip("."):
            metadata[""] = metadata.pop(key)
        elif key:
            metadata[key.removeprefix(prefix)] = metadata.pop(key)
