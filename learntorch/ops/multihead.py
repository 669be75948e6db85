"""Attention with several heads: project, attend in every head, put the heads side by side."""

import math

from learntorch.core.dtypes import bool_
from learntorch.core.op import composite
from learntorch.core.tensor import Tensor
from learntorch.core.warned import warn
from learntorch.ops.attention import scaled_dot_product_attention
from learntorch.ops.create import zeros
from learntorch.ops.dropout import dropout
from learntorch.ops.matmul import baddbmm, bmm, linear
from learntorch.ops.pad import pad
from learntorch.ops.shape import cat


@composite(space="nn.functional", method=False)
def multi_head_attention_forward(
        query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k,
        bias_v, add_zero_attn, dropout_p, out_proj_weight, out_proj_bias, training=True,
        key_padding_mask=None, need_weights=True, attn_mask=None, use_separate_proj_weight=False,
        q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None, static_v=None,
        average_attn_weights=True, is_causal=False):
    """concat(head₁ … head_H) Wᵒ, head_h = softmax(q_h k_hᵀ / √(E/H) + mask) v_h, q = x W_qᵀ + b_q.

    Shapes: query (L, N, E), key (S, N, Ek), value (S, N, Ev) or without N → (L, N, E) and, if
    `need_weights`, the weights (N, L, S), averaged over the heads, or (N, H, L, S).
    `attn_mask` (L, S) or (N·H, L, S), `key_padding_mask` (N, S): True where *not* to look, or
    numbers that are added. `is_causal` is a promise that `attn_mask` is the causal mask.
    `bias_k`, `bias_v` and `add_zero_attn` append one more key and value.
    Source: Vaswani et al., Attention is all you need (2017), section 3.2.2.
    Raises AssertionError for shapes and weights that do not fit.
    """
    batched = is_batched(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    length, n, width = query.shape
    key_padding_mask = canonical_mask(key_padding_mask, "key_padding_mask", dtype_of(attn_mask),
                                      "attn_mask", query.dtype)
    attn_mask, is_causal = causal_or_mask(attn_mask, is_causal, key_padding_mask, need_weights,
                                          query.dtype)
    check_widths(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if use_separate_proj_weight:
        weights = named_weights(q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = projected(query, key, value, weights, in_proj_bias)
    elif in_proj_weight is None:
        raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
    else:
        q, k, v = packed(query, key, value, in_proj_weight, in_proj_bias)
    if attn_mask is not None:
        attn_mask = three_dimensional(attn_mask, length, key.shape[0], n * num_heads)
    masks = (attn_mask, key_padding_mask)
    if bias_k is not None and bias_v is not None:
        if static_k is not None:
            raise AssertionError("bias cannot be added to static key.")
        if static_v is not None:
            raise AssertionError("bias cannot be added to static value.")
        k = cat([k, bias_k.repeat(1, n, 1)])
        v = cat([v, bias_v.repeat(1, n, 1)])
        masks = one_wider(*masks)
    elif bias_k is not None or bias_v is not None:
        given, missing = ("bias_k", "bias_v") if bias_v is None else ("bias_v", "bias_k")
        raise AssertionError(f"{given} is set but {missing} is None")
    q = split_heads(q, num_heads)
    k = split_heads(k, num_heads) if static_k is None else checked(static_k, q, "static_k")
    v = split_heads(v, num_heads) if static_v is None else checked(static_v, q, "static_v")
    if add_zero_attn:
        nothing = zeros((n * num_heads, 1, q.shape[2]), dtype=k.dtype, device=k.device)
        k, v = cat([k, nothing], dim=1), cat([v, nothing], dim=1)
        masks = one_wider(*masks)
    mask = merged(*masks, n, num_heads, k.shape[1])
    p = dropout_p if training else 0.0
    attend = with_weights if need_weights else without_weights
    heads, shares = attend(q, k, v, mask, p, is_causal, (n, num_heads))
    result = linear(heads.reshape(length * n, width), out_proj_weight, out_proj_bias)
    result = result.view(length, n, result.shape[1])
    if shares is not None:
        shares = shares.view(n, num_heads, length, k.shape[1])
        shares = shares.mean(dim=1) if average_attn_weights else shares
        shares = shares if batched else shares.squeeze(0)
    return result if batched else result.squeeze(1), shares


def with_weights(q, k, v, mask, p, is_causal, _):
    """(softmax(q kᵀ / √E + mask) v, the softmax): both are wanted, so each step is made."""
    scaled = q * math.sqrt(1.0 / q.shape[-1])
    keys = k.transpose(-2, -1)
    scores = bmm(scaled, keys) if mask is None else baddbmm(mask, scaled, keys)
    shares = scores.softmax(-1)
    if p > 0.0:
        shares = dropout(shares, p=p)
    return bmm(shares, v).transpose(0, 1), shares


def without_weights(q, k, v, mask, p, is_causal, heads):
    """The attention of every head, (L, N, H, E/H); the weights are not kept."""
    if mask is not None:
        mask = mask.unsqueeze(0) if mask.shape[0] == 1 else mask.view(*heads, *mask.shape[1:])
    q, k, v = (t.view(*heads, *t.shape[1:]) for t in (q, k, v))
    return scaled_dot_product_attention(q, k, v, mask, p, is_causal).permute(2, 0, 1, 3), None


def packed(query, key, value, weight, bias):
    """q, k and v by one matrix (3E, E) whose three parts lie above each other.

    One product where all three read the same tensor, two where key and value do.
    """
    width = query.shape[-1]
    if key is value and query is key:
        return linear(query, weight, bias).chunk(3, -1)
    weights = weight.split(width)
    if key is not value:
        return projected(query, key, value, weights, bias)
    biases = (None, None) if bias is None else bias.split([width, 2 * width])
    q = linear(query, weights[0], biases[0])
    return (q, *linear(key, weight[width:], biases[1]).chunk(2, -1))


def projected(query, key, value, weights, bias):
    """q, k and v, each by its own matrix."""
    biases = (None, None, None) if bias is None else bias.chunk(3)
    return [linear(t, w, b) for t, w, b in zip((query, key, value), weights, biases)]


def named_weights(q, k, v):
    """The three weights. Raises AssertionError where one is missing."""
    for name, weight in (("q", q), ("k", k), ("v", v)):
        if weight is None:
            raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
    return q, k, v


def split_heads(t, num_heads):
    """(L, N, E) → (N·H, L, E/H)."""
    length, n, width = t.shape
    return t.contiguous().view(length, n * num_heads, width // num_heads).transpose(0, 1)


def checked(t, q, name):
    """`static_k` or `static_v`, which must be split into heads already."""
    if t.shape[0] != q.shape[0]:
        raise AssertionError(f"expecting {name}.size(0) of {q.shape[0]}, but got {t.shape[0]}")
    if t.shape[2] != q.shape[2]:
        raise AssertionError(f"expecting {name}.size(2) of {q.shape[2]}, but got {t.shape[2]}")
    return t


# ---- masks -------------------------------------------------------------------------------------

def canonical_mask(mask, name, other_type, other_name, target_type, check_other=True):
    """A bool mask as numbers to add: 0 where to look, −∞ where not to. Raises AssertionError."""
    if mask is None:
        return None
    if mask.dtype is not bool_ and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if check_other and other_type is not None and mask.dtype is not other_type:
        warn(f"Support for mismatched {name} and {other_name} is deprecated. Use same "
             "type for both instead.")
    if mask.is_floating_point():
        return mask
    return zeros(mask.shape, dtype=target_type).masked_fill_(mask, -math.inf)


def dtype_of(mask):
    """The dtype of a mask that may be None."""
    if mask is None:
        return None
    if isinstance(mask, Tensor):
        return mask.dtype
    raise RuntimeError("input to _none_or_dtype() must be None or torch.Tensor")


def causal_or_mask(attn_mask, is_causal, key_padding_mask, need_weights, dtype):
    """(mask, is_causal): the promise of a causal mask replaces it where nothing else is needed."""
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint. You may use the "
                           "Transformer module method `generate_square_subsequent_mask` to create "
                           "this mask.")
    if is_causal and key_padding_mask is None and not need_weights:
        return None, True
    mask = canonical_mask(attn_mask, "attn_mask", None, "", dtype, check_other=False)
    return mask, is_causal and key_padding_mask is None and mask is None


def three_dimensional(mask, length, size, parts):
    """An attention mask as (1 or N·H, L, S). Raises RuntimeError for another shape."""
    wanted = {2: (length, size), 3: (parts, length, size)}.get(mask.dim())
    if wanted is None:
        raise RuntimeError(f"attn_mask's dimension {mask.dim()} is not supported")
    if mask.shape != wanted:
        raise RuntimeError(f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should "
                           f"be {wanted}.")
    return mask.unsqueeze(0) if mask.dim() == 2 else mask


def one_wider(*masks):
    """Masks for one more key, which everyone may look at."""
    return tuple(None if mask is None else pad(mask, (0, 1)) for mask in masks)


def merged(attn_mask, key_padding_mask, n, num_heads, size):
    """Both masks as one (N·H or 1, L, S)."""
    if key_padding_mask is None:
        return attn_mask
    for i, wanted in enumerate((n, size)):
        if key_padding_mask.shape[i] != wanted:
            raise AssertionError(f"Expected key_padded_mask.shape[{i}] to be {wanted}, but got "
                                 f"{key_padding_mask.shape[i]}")
    padding = key_padding_mask.view(n, 1, 1, size).expand(-1, num_heads, -1, -1)
    padding = padding.reshape(n * num_heads, 1, size)
    return padding if attn_mask is None else attn_mask + padding


# ---- checks ------------------------------------------------------------------------------------

def is_batched(query, key, value, key_padding_mask, attn_mask, num_heads):
    """Whether there is a batch dimension. Raises AssertionError for shapes that do not agree."""
    dims = query.dim()
    if dims not in (2, 3):
        raise AssertionError("query should be unbatched 2D or batched 3D tensor but received "
                             f"{dims}-D query tensor")
    head = f"For {'batched' if dims == 3 else 'unbatched'} ({dims}-D) `query`, expected "
    if key.dim() != dims or value.dim() != dims:
        raise AssertionError(f"{head}`key` and `value` to be {dims}-D but found {key.dim()}-D and "
                             f"{value.dim()}-D tensors respectively")
    if key_padding_mask is not None and key_padding_mask.dim() != dims - 1:
        raise AssertionError(f"{head}`key_padding_mask` to be `None` or {dims - 1}-D but found "
                             f"{key_padding_mask.dim()}-D tensor instead")
    if attn_mask is None:
        return dims == 3
    if attn_mask.dim() not in (2, 3):
        raise AssertionError(f"{head}`attn_mask` to be `None`, 2-D or 3-D but found "
                             f"{attn_mask.dim()}-D tensor instead")
    wanted = (num_heads, query.shape[0], key.shape[0])
    if dims == 2 and attn_mask.dim() == 3 and attn_mask.shape != wanted:
        raise AssertionError(f"Expected `attn_mask` shape to be {wanted} but got "
                             f"{attn_mask.shape}")
    return dims == 3


def check_widths(query, key, value, wanted, num_heads, separate):
    """Raise AssertionError where sizes do not fit the weights or each other."""
    width = query.shape[-1]
    if width != wanted:
        raise AssertionError(f"was expecting embedding dimension of {wanted}, but got {width}: "
                             "the last dimension of query, key and value holds the features.")
    if width % num_heads:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")
    if separate and key.shape[:2] != value.shape[:2]:
        raise AssertionError(f"key's sequence and batch dims {key.shape[:2]} do not match value's "
                             f"{value.shape[:2]}")
    if not separate and key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
