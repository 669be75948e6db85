"""Sequences of different lengths in one batch: padded to the longest, or packed without padding.

A packed batch is sorted by length, and holds first the first steps of all sequences, then the
second steps of those that have one, and so on: `batch_sizes` counts them, and never grows.
"""

from collections import namedtuple

import numpy as np

from learntorch.core.dtypes import int64, said
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.create import as_tensor
from learntorch.ops.shape import cat, stack

__all__ = ["PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence",
           "pad_packed_sequence", "pad_sequence", "unpack_sequence", "unpad_sequence"]

_Fields = namedtuple("PackedSequence", "data batch_sizes sorted_indices unsorted_indices",
                     defaults=(None, None, None))


class PackedSequence(_Fields):
    """A batch of sequences without padding, as the recurrent networks read it.

    data (Σ lengths, …); batch_sizes (longest length): how many sequences have a first, second, …
    step; sorted_indices: the order by falling length, unsorted_indices: the way back to the given
    order, both None for a batch that came sorted. Made by `pack_sequence` and
    `pack_padded_sequence`: "abc" and "x" make data "axbc" and batch_sizes [2, 1, 1].
    """

    __slots__ = ()

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args, **kwargs):
        """The batch with `data` in another dtype or on another device; itself when it was there."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        indices = [t if t is None else t.to(data.device) for t in self[2:]]
        return type(self)(data, self.batch_sizes, *indices)

    def cpu(self, *args, **kwargs):
        """The batch in the computer's own memory."""
        return self.to(*args, **{"device": "cpu", **kwargs})

    def cuda(self, *args, **kwargs):
        """The batch on the GPU."""
        return self.to(*args, **{"device": "cuda", **kwargs})

    def pin_memory(self):
        """The batch in memory that a GPU can read directly."""
        indices = [t if t is None else t.pin_memory() for t in self[2:]]
        return type(self)(self.data.pin_memory(), self.batch_sizes, *indices)

    def double(self):
        """The batch with float64 data."""
        return self._like(self.data.double())

    def float(self):
        """The batch with float32 data."""
        return self._like(self.data.float())

    def half(self):
        """The batch with float16 data."""
        return self._like(self.data.half())

    def long(self):
        """The batch with int64 data."""
        return self._like(self.data.long())

    def int(self):
        """The batch with int32 data."""
        return self._like(self.data.int())

    def short(self):
        """The batch with int16 data."""
        return self._like(self.data.short())

    def char(self):
        """The batch with int8 data."""
        return self._like(self.data.char())

    def byte(self):
        """The batch with uint8 data."""
        return self._like(self.data.byte())

    def _like(self, data):
        return self if data is self.data else type(self)(data, *self[1:])

    @property
    def is_cuda(self):
        """Whether the data lie on a GPU."""
        return self.data.is_cuda

    def is_pinned(self):
        """Whether the data lie in memory that a GPU can read directly."""
        return self.data.is_pinned()


def invert_permutation(permutation):
    """The permutation p⁻¹ with p⁻¹[p[i]] = i; None for None."""
    if permutation is None:
        return None
    p = permutation._data
    inverse = np.empty_like(p)
    inverse[p] = np.arange(p.size)
    return wrap(inverse)


def _rows(lengths, stride):
    """Where the steps of padded sequences lie in memory, in packed order; and the batch sizes.

    Step t of sequence b is row t · stride[0] + b · stride[1].
    """
    steps = np.arange(lengths.max())[:, None]
    t, b = np.nonzero(steps < lengths)
    return t * stride[0] + b * stride[1], (steps < lengths).sum(1)


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """The sequences of a padded batch without their padding, as a PackedSequence.

    Shapes: input (T, N, …), with batch_first (N, T, …); lengths (N), a list or a tensor. Raises
    RuntimeError for lengths that do not fall, unless enforce_sorted=False, which sorts them.
    """
    if isinstance(lengths, Tensor):
        lengths = lengths.to(int64)
    else:
        lengths = as_tensor(lengths, dtype=int64)
    order = None
    if not enforce_sorted:
        lengths, order = lengths.sort(descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    n = lengths._data
    _check_packing(input, n, batch_first)
    first, second, *rest = input._data.shape
    stride = (1, second) if batch_first else (second, 1)
    rows, batch_sizes = _rows(n, stride)
    data = input.reshape(first * second, *rest).index_select(0, wrap(rows))
    return PackedSequence(data, wrap(batch_sizes), order)


def _check_packing(input, lengths, batch_first):
    """Raise RuntimeError for lengths that a padded batch does not have."""
    shape = input._data.shape
    if 0 in shape:
        raise RuntimeError("Cannot pack empty tensors.")
    if lengths.ndim != 1:
        raise RuntimeError("'lengths' argument should be a 1D CPU int64 tensor, but got "
                           f"{lengths.ndim}D cpu {said(lengths.dtype)} tensor")
    batch = shape[0 if batch_first else 1]
    if lengths.size != batch:
        raise RuntimeError("Expected `len(lengths)` to be equal to batch_size, but got "
                           f"{lengths.size} (batch_size={batch})")
    if lengths.min() <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element "
                           "in 'lengths' that is <= 0")
    if (lengths[1:] > lengths[:-1]).any():
        raise RuntimeError("`lengths` array must be sorted in decreasing order when "
                           "`enforce_sorted` is True. You can pass `enforce_sorted=False` to "
                           "pack_padded_sequence and/or pack_sequence to sidestep this requirement "
                           "if you do not need ONNX exportability.")
    if lengths[0] > shape[1 if batch_first else 0]:
        raise RuntimeError(f"a sequence of length {lengths[0]} does not lie in a batch padded to "
                           f"{shape[1 if batch_first else 0]} steps")


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """The padded batch (T, N, …), with batch_first (N, T, …), and the lengths, from a packed one.

    Sequences stand in the order in which they were packed. total_length: T, at least the longest
    length. Raises ValueError when it is less.
    """
    data, batch_sizes, _, back = sequence
    sizes = batch_sizes._data
    steps = sizes.size
    if total_length is not None and total_length < steps:
        raise ValueError("Expected total_length to be at least the length of the longest sequence "
                         f"in input, but got total_length={total_length} and max sequence length "
                         f"being {steps}")
    batch = int(sizes[0])
    lengths = (np.arange(batch) < sizes[:, None]).sum(0)
    if back is not None:
        lengths = lengths[back._data]
    order = np.arange(batch) if back is None else back._data
    shape = (batch, total_length or steps) if batch_first else (total_length or steps, batch)
    where = np.full((total_length or steps, batch), data._data.shape[0])     # the row of padding
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    inside = order < sizes[:, None]
    where[:steps][inside] = (starts[:, None] + order)[inside]
    where = where.T if batch_first else where
    rest = data._data.shape[1:]
    rows = cat([data, data.new_full((1, *rest), padding_value)])
    padded = rows.index_select(0, wrap(np.ascontiguousarray(where).reshape(-1)))
    return padded.reshape(*shape, *rest), wrap(lengths)


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Sequences (length, …) below or beside each other, filled up with padding_value.

    The result is (longest, N, …), with batch_first (N, longest, …); padding_side says whether the
    filling stands after ("right") or before ("left") a sequence.
    """
    if not hasattr(sequences, "__iter__"):
        raise RuntimeError("pad_sequence: Expected iterable for input sequences, but got arg of "
                           f"type: {type(sequences)}")
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    for i, t in enumerate(sequences):
        if not isinstance(t, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got "
                            f"{type(t).__name__}")
    if padding_side not in ("left", "right"):
        raise RuntimeError("Expected padding_side to be one of left or right, but got "
                           f"{padding_side}.")
    _check_alike(sequences)
    longest = max(t._data.shape[0] for t in sequences)
    filled = []
    for t in sequences:
        t = t.to(sequences[0].dtype)
        missing = longest - t._data.shape[0]
        filling = t.new_full((missing, *t._data.shape[1:]), padding_value)
        parts = [t, filling] if padding_side == "right" else [filling, t]
        filled.append(cat(parts) if missing else t)
    return stack(filled, 0 if batch_first else 1)


def _check_alike(sequences):
    """Raise RuntimeError for sequences whose steps differ in shape, or that have no steps."""
    first = sequences[0]._data.shape
    for i, t in enumerate(sequences):
        shape = t._data.shape
        if not shape:
            raise RuntimeError(f"pad_sequence: element {i} is a single number, which has no length."
                               " A sequence of one number is tensor([number]).")
        if len(shape) != len(first):
            raise RuntimeError(f"pad_sequence: element {i} has {len(shape)} dimensions, element 0 "
                               f"has {len(first)}. Only the length may differ.")
        for d, (a, b) in enumerate(zip(first[1:], shape[1:], strict=True), 1):
            if a != b:
                raise RuntimeError(f"The size of tensor a ({a}) must match the size of tensor b "
                                   f"({b}) at non-singleton dimension {d}: elements 0 and {i} of "
                                   "pad_sequence. Only the length, dimension 0, may differ.")


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """The sequences of a padded batch, a list of tensors (length, …)."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [t[:max(int(n), 0)].clone() for t, n in zip(rows, lengths, strict=True)]


def pack_sequence(sequences, enforce_sorted=True):
    """Sequences (length, …), longest first, as a PackedSequence; enforce_sorted=False sorts them.
    """
    lengths = as_tensor([t.size(0) for t in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """The sequences of a packed batch, a list of tensors (length, …) in the given order."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
