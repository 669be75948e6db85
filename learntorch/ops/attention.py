"""Attention: averages of values, weighted by how well keys match queries."""

import math

import numpy as np

from learntorch.core.failures import c_name
from learntorch.core.op import composite
from learntorch.core.tensor import wrap
from learntorch.ops.compare import where
from learntorch.ops.dropout import mask
from learntorch.ops.matmul import matmul


@composite(space="nn.functional")
def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False,
                                 scale=None, enable_gqa=False):
    """softmax(q · kᵀ · scale + mask) · v, scale 1 / √E unless given.

    Shapes: query (…, L, E), key (…, S, E), value (…, S, Ev) → (…, L, Ev). `attn_mask` broadcasts
    to (…, L, S): True where to look, or numbers to add. `is_causal` lets each query look only at
    its own place and before. `enable_gqa`: fewer heads (dimension −3) of keys than of queries.
    Source: Vaswani et al., Attention is all you need (2017), section 3.2.
    Raises RuntimeError for other shapes or two dtypes, ValueError for dropout_p outside [0, 1].
    """
    check_attention(query, key, value, attn_mask)
    if is_causal and attn_mask is not None:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set "
                           "when is_causal=True")
    length, size = query._data.shape[-2], key._data.shape[-2]
    if is_causal:
        attn_mask = wrap(np.tri(length, size, dtype=bool))
    if enable_gqa:
        key, value = (repeat_heads(t, query) for t in (key, value))
    factor = 1 / math.sqrt(query._data.shape[-1]) if scale is None else scale
    given = query.dtype
    if given.itemsize == 2:             # halves are too coarse for sums of many products
        query, key, value = query.float(), key.float(), value.float()
    scores = matmul(query * factor, key.transpose(-2, -1))
    weights = masked_weights(scores, attn_mask)
    if dropout_p:
        weights = mask(weights, weights._data.shape, dropout_p, True)
    return matmul(weights, value).to(given)


def masked_weights(scores, attn_mask):
    """softmax(scores + mask) over the keys; a query that may look nowhere gets zeros."""
    if attn_mask is None:
        return scores.softmax(-1)
    m = attn_mask._data
    bias = np.where(m, 0, -np.inf).astype(scores._data.dtype) if m.dtype == np.bool_ else m
    nowhere = np.isneginf(bias).all(axis=-1, keepdims=True)
    if nowhere.any():
        return where(wrap(~nowhere), (scores + wrap(np.where(nowhere, 0, bias))).softmax(-1), 0)
    return (scores + (wrap(bias) if bias is not m else attn_mask)).softmax(-1)


def check_attention(query, key, value, attn_mask):
    """Raise RuntimeError in PyTorch's words for tensors that do not fit together."""
    q, k, v = (t._data for t in (query, key, value))
    if not q.dtype == k.dtype == v.dtype:
        raise RuntimeError("Expected query, key, and value to have the same dtype, but got "
                           f"query.dtype: {c_name(q.dtype)} key.dtype: {c_name(k.dtype)} and "
                           f"value.dtype: {c_name(v.dtype)} instead.")
    if q.ndim < 2 or k.ndim < 2 or v.ndim < 2:
        raise RuntimeError("Expected query, key, and value to all be  at least 2 dimensional, but "
                           f"got query.dim: {q.ndim} key.dim: {k.ndim} and value.dim: {v.ndim} "
                           "instead.")
    m = attn_mask._data.dtype if attn_mask is not None else q.dtype
    if m not in (q.dtype, np.bool_, np.float32):
        raise RuntimeError("Expected attn_mask dtype to be bool or float or to match query dtype, "
                           f"but got attn_mask.dtype: {c_name(m)} and  query.dtype: "
                           f"{c_name(q.dtype)} instead.")


def repeat_heads(t, query):
    """Each head (dimension −3) repeated until there are as many as in the query."""
    heads, wanted = t._data.shape[-3], query._data.shape[-3]
    if heads == wanted:
        return t
    if wanted % heads:
        raise RuntimeError("Number of heads in key and value must divide the number of heads in "
                           f"query: {heads} does not divide {wanted}.")
    shape = t._data.shape
    times = wanted // heads
    wide = t.unsqueeze(-3).expand(*shape[:-2], times, *shape[-2:])
    return wide.reshape(*shape[:-3], wanted, *shape[-2:])
