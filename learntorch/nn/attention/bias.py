"""Causal masks by name: which corner of the matrix of queries and keys is the last to be seen."""

import warnings
from enum import IntEnum

import numpy as np

from learntorch.core.tensor import Tensor

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(IntEnum):
    """Where the diagonal starts: in the upper left corner, or ends: in the lower right one."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """A mask (queries, keys) for `scaled_dot_product_attention`: True where a query may look.

    UPPER_LEFT: query i sees keys 0 … i. LOWER_RIGHT: the last query sees all keys, the one before
    it all but the last, and so on, as when keys of earlier steps are kept.
    """

    def __new__(cls, variant, seq_len_q, seq_len_kv):
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        bias = object.__new__(cls)
        right = variant is CausalVariant.LOWER_RIGHT
        bias._data = np.tri(seq_len_q, seq_len_kv, seq_len_kv - seq_len_q if right else 0, bool)
        return bias

    def __init__(self, variant, seq_len_q, seq_len_kv):
        self.variant = variant
        self.seq_len_q = seq_len_q
        self.seq_len_kv = seq_len_kv
        if seq_len_q > seq_len_kv and variant is CausalVariant.LOWER_RIGHT:
            warnings.warn("Lower right causal bias will produce NaNs in the output when seq_len_q "
                          "> seq_len_kv! (Here: zeros, for the queries that may look nowhere.)",
                          stacklevel=3)

    def __reduce_ex__(self, protocol):
        return (CausalBias, (self.variant, self.seq_len_q, self.seq_len_kv))


def causal_upper_left(*size):
    """The mask of `size` (queries, keys) in which query i sees keys 0 … i."""
    if len(size) != 2:
        raise AssertionError("causal_upper_left only supports 2D tensors")
    return CausalBias(CausalVariant.UPPER_LEFT, *size)


def causal_lower_right(*size):
    """The mask of `size` (queries, keys) in which the last query sees all keys."""
    if len(size) != 2:
        raise AssertionError("causal_lower_right only supports 2D tensors")
    return CausalBias(CausalVariant.LOWER_RIGHT, *size)
