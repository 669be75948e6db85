"""How nn.functional.linear_cross_entropy saves memory."""

from learntorch.core.dtypes import bfloat16, float16, float32, float64

POLICIES = ("accurate", "balanced", "compact", "auto")


class LinearCrossEntropyOptions:
    """Computing the loss of a linear classifier some rows at a time.

    The scores (rows × classes) are then never in memory all at once; they are computed a second
    time for the gradients. It pays where there are many more classes than features.

    batch_chunk_size: rows at a time; None: by `chunking_method`. chunking_method: None (all rows),
    "aspect_ratio:r" (scores are to take an r-th of the memory of the inputs) or "auto" (r = 2).
    The other options say how PyTorch adds up and whether it may run backward twice. They are
    checked and kept; here sums are made in float32 at least, and backward may always run again.

    Raises ValueError for values that have no meaning.
    """

    __slots__ = ("allow_retain_graph", "batch_chunk_size", "chunking_method", "acc_policy",
                 "acc_dtype")

    def __init__(self, allow_retain_graph=False, batch_chunk_size=None, chunking_method="auto",
                 acc_policy="auto", acc_dtype=None):
        if batch_chunk_size is not None and not (
                isinstance(batch_chunk_size, int) and batch_chunk_size > 0):
            raise ValueError("batch_chunk_size must be positive int or None, got "
                             f"{batch_chunk_size}")
        if not known_method(chunking_method):
            raise ValueError(f"invalid chunking_method: {chunking_method!r}. There are 'auto', "
                             "'aspect_ratio:r' with a whole number r, and None.")
        if acc_policy not in POLICIES:
            raise ValueError(f"invalid acc_policy: {acc_policy!r}. There are {POLICIES}.")
        if acc_dtype not in (None, float16, bfloat16, float32, float64):
            raise ValueError("acc_dtype must be one of {None, torch.float16, torch.bfloat16, "
                             f"torch.float32, torch.float64}}, got {acc_dtype}. Pass "
                             "acc_dtype=None to let the op pick automatically.")
        for name, value in zip(self.__slots__, (allow_retain_graph, batch_chunk_size,
                                                chunking_method, acc_policy, acc_dtype),
                               strict=True):
            object.__setattr__(self, name, value)

    def __setattr__(self, name, value):
        raise AttributeError(f"cannot assign to field {name!r}: make new options instead")

    def _values(self):
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other):
        return type(other) is type(self) and other._values() == self._values()

    def __hash__(self):
        return hash(self._values())

    def __reduce__(self):
        return type(self), self._values()

    def __repr__(self):
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"LinearCrossEntropyOptions({inside})"


def known_method(method):
    """Whether `chunking_method` is one that exists."""
    if method in (None, "auto", "aspect_ratio"):
        return True
    name, _, ratio = str(method).partition(":")
    return name == "aspect_ratio" and ratio.isdecimal() and int(ratio) > 0
