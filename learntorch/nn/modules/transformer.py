"""The Transformer: layers of attention and small networks, with a shortcut around each."""

import copy
import math
import warnings

import learntorch.nn.functional as F
from learntorch.core.ambient import ambient
from learntorch.core.autocast import autocasting
from learntorch.nn.init import xavier_uniform_
from learntorch.nn.modules.activation import GELU, MultiheadAttention, ReLU
from learntorch.nn.modules.container import ModuleList
from learntorch.nn.modules.dropout import Dropout
from learntorch.nn.modules.linear import Linear
from learntorch.nn.modules.module import Module
from learntorch.nn.modules.normalization import LayerNorm
from learntorch.ops.create import full
from learntorch.ops.multihead import canonical_mask, dtype_of

__all__ = ["Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
           "TransformerEncoderLayer"]


class _Layer(Module):
    """What both layers share: the small network and the choice of its activation."""

    def _feed_forward(self, d_model, dim_feedforward, dropout, bias, made):
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **made)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **made)

    def __setstate__(self, state):
        state.setdefault("activation", F.relu)      # older pickles
        super().__setstate__(state)

    def _attend(self, attention, x, memory, attn_mask, key_padding_mask, is_causal):
        return attention(x, memory, memory, attn_mask=attn_mask, is_causal=is_causal,
                         key_padding_mask=key_padding_mask, need_weights=False)[0]

    def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
        return self.dropout1(self._attend(self.self_attn, x, x, attn_mask, key_padding_mask,
                                          is_causal))

    def _hidden(self, x):
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """x ← norm(x + attention(x)), x ← norm(x + W₂ act(W₁ x)); dropout before each sum.

    `norm_first`: x ← x + attention(norm(x)), x ← x + W₂ act(W₁ norm(x)), which trains more
    steadily. `activation`: "relu", "gelu" or a function.

    Shapes: src (L, N, E), (N, L, E) if `batch_first`, or (L, E) → the same; src_mask (L, L) or
    (N·nhead, L, L), src_key_padding_mask (N, L): True where not to look, or numbers to add.
    Source: Vaswani et al. 2017, arXiv:1706.03762; norm_first: Xiong et al. 2020, arXiv:2002.04745.
    """

    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=F.relu,
                 layer_norm_eps=1e-5, batch_first=False, norm_first=False, bias=True, device=None,
                 dtype=None):
        super().__init__()
        made = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias,
                                            batch_first=batch_first, **made)
        self._feed_forward(d_model, dim_feedforward, dropout, bias, made)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _activation(activation)
        self.activation_relu_or_gelu = _kind_of(self.activation)

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        src_key_padding_mask = canonical_mask(src_key_padding_mask, "src_key_padding_mask",
                                              dtype_of(src_mask), "src_mask", src.dtype)
        src_mask = canonical_mask(src_mask, "src_mask", None, "", src.dtype, check_other=False)
        masks = (src_mask, src_key_padding_mask, is_causal)
        x = src
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *masks)
            return x + self._ff_block(self.norm2(x))
        x = self.norm1(x + self._sa_block(x, *masks))
        return self.norm2(x + self._ff_block(x))

    def _ff_block(self, x):
        return self.dropout2(self._hidden(x))


class TransformerDecoderLayer(_Layer):
    """x ← norm(x + attention(x)), x ← norm(x + attention(x, memory)), x ← norm(x + W₂ act(W₁ x)).

    `norm_first` normalises what enters each sum instead of what leaves it.

    Shapes: tgt (T, N, E), memory (S, N, E), N first if `batch_first`, or without N → the shape
    of tgt; masks as in TransformerEncoderLayer, memory_mask (T, S).
    Source: Vaswani et al. 2017, arXiv:1706.03762.
    """

    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=F.relu,
                 layer_norm_eps=1e-5, batch_first=False, norm_first=False, bias=True, device=None,
                 dtype=None):
        super().__init__()
        made = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias,
                                            batch_first=batch_first, **made)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias,
                                                 batch_first=batch_first, **made)
        self._feed_forward(d_model, dim_feedforward, dropout, bias, made)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **made)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _activation(activation)

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, tgt_is_causal=False, memory_is_causal=False):
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory_mask, memory_key_padding_mask, memory_is_causal)
        x = tgt
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *own)
            x = x + self._mha_block(self.norm2(x), memory, *other)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(x + self._sa_block(x, *own))
        x = self.norm2(x + self._mha_block(x, memory, *other))
        return self.norm3(x + self._ff_block(x))

    def _mha_block(self, x, mem, attn_mask, key_padding_mask, is_causal=False):
        return self.dropout2(self._attend(self.multihead_attn, x, mem, attn_mask,
                                          key_padding_mask, is_causal))

    def _ff_block(self, x):
        return self.dropout3(self._hidden(x))


class TransformerEncoder(Module):
    """`num_layers` copies of `encoder_layer`, one after the other, then `norm`.

    While evaluating without gradients, places that `src_key_padding_mask` hides behind the end of
    a sequence come out as 0 if `enable_nested_tensor` (PyTorch leaves them out of the
    computation). Shapes: as its layer.
    Source: Vaswani et al. 2017, arXiv:1706.03762.
    """

    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True,
                 mask_check=True):
        super().__init__()
        self.layers = _clones(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.use_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check
        reason = _not_nested(encoder_layer)
        if enable_nested_tensor and reason:
            warnings.warn("enable_nested_tensor is True, but self.use_nested_tensor is False "
                          f"because encoder_layer{reason}", stacklevel=2)
            self.use_nested_tensor = False

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        src_key_padding_mask = canonical_mask(src_key_padding_mask, "src_key_padding_mask",
                                              dtype_of(mask), "mask", src.dtype)
        mask = canonical_mask(mask, "mask", None, "", src.dtype, check_other=False)
        is_causal = _is_causal(mask, is_causal, src, self.layers[0].self_attn.batch_first)
        padded = None
        if src_key_padding_mask is not None and mask is None:
            padded = self._padding(src, src_key_padding_mask)
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, is_causal=is_causal,
                      src_key_padding_mask=src_key_padding_mask)
        if padded is not None:
            x = x.masked_fill(padded, 0.0)
        return x if self.norm is None else self.norm(x)

    def _padding(self, src, key_padding_mask):
        """The places (N, L, 1) that PyTorch does not compute at all; None where it does."""
        first = self.layers[0]
        if (not self.use_nested_tensor or first.training or src.dim() != 3
                or autocasting(ambient.state)):
            return None
        tensors = (src, *first.parameters())
        if ambient.state.grad and any(t.requires_grad for t in tensors):
            return None
        if key_padding_mask.shape != src.shape[:2]:
            raise RuntimeError("Mask size should match input size: src_key_padding_mask is "
                               f"{tuple(key_padding_mask.shape)}, the batch and length of src are "
                               f"{tuple(src.shape[:2])}.")
        hidden = key_padding_mask != 0
        ends = hidden[:, 1:].logical_not() & hidden[:, :-1]
        if self.mask_check and bool(ends.any()):        # something is visible behind a hidden place
            return None
        return hidden.unsqueeze(-1)


class TransformerDecoder(Module):
    """`num_layers` copies of `decoder_layer`, one after the other, then `norm`.

    Every layer looks at the same `memory`. Shapes: as its layer.
    Source: Vaswani et al. 2017, arXiv:1706.03762.
    """

    def __init__(self, decoder_layer, num_layers, norm=None):
        super().__init__()
        self.layers = _clones(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, tgt_is_causal=None, memory_is_causal=False):
        tgt_is_causal = _is_causal(tgt_mask, tgt_is_causal, tgt,
                                   self.layers[0].self_attn.batch_first)
        x = tgt
        for layer in self.layers:
            x = layer(x, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
                      tgt_key_padding_mask=tgt_key_padding_mask,
                      memory_key_padding_mask=memory_key_padding_mask,
                      tgt_is_causal=tgt_is_causal, memory_is_causal=memory_is_causal)
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """decoder(tgt, encoder(src)): a sequence is read, another is written looking at it.

    Masks hide places: True where not to look, or numbers to add. The target needs
    `Transformer.generate_square_subsequent_mask(T)`, so that no place sees what comes after it.
    Matrices start Xavier uniform.

    Shapes: src (S, N, E), tgt (T, N, E), N first if `batch_first`, or without N → the shape of
    tgt; E is `d_model`.
    Source: Vaswani et al., Attention is all you need, 2017, arXiv:1706.03762.
    """

    def __init__(self, d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6,
                 dim_feedforward=2048, dropout=0.1, activation=F.relu, custom_encoder=None,
                 custom_decoder=None, layer_norm_eps=1e-5, batch_first=False, norm_first=False,
                 bias=True, device=None, dtype=None):
        super().__init__()
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
                 norm_first, bias, device, dtype)

        def norm():
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, device=device, dtype=dtype)
        if custom_encoder is None:
            layer = TransformerEncoderLayer(*sizes)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm())
        self.encoder = custom_encoder
        if custom_decoder is None:
            layer = TransformerDecoderLayer(*sizes)
            custom_decoder = TransformerDecoder(layer, num_decoder_layers, norm())
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(self, src, tgt, src_mask=None, tgt_mask=None, memory_mask=None,
                src_key_padding_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, src_is_causal=None, tgt_is_causal=None,
                memory_is_causal=False):
        batch = 0 if self.batch_first else 1
        if src.dim() == 3 and src.size(batch) != tgt.size(batch):
            raise RuntimeError("the batch number of src and tgt must be equal, but they are "
                               f"{src.size(batch)} and {tgt.size(batch)}")
        if src.size(-1) != self.d_model or tgt.size(-1) != self.d_model:
            raise RuntimeError("the feature number of src and tgt must be equal to d_model: they "
                               f"are {src.size(-1)} and {tgt.size(-1)}, d_model is {self.d_model}")
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask,
                              is_causal=src_is_causal)
        return self.decoder(tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask,
                            tgt_key_padding_mask=tgt_key_padding_mask,
                            memory_key_padding_mask=memory_key_padding_mask,
                            tgt_is_causal=tgt_is_causal, memory_is_causal=memory_is_causal)

    @staticmethod
    def generate_square_subsequent_mask(sz, device=None, dtype=None):
        """The causal mask (sz, sz): −∞ above the diagonal, where the future is, else 0."""
        return _causal_mask(sz, device, dtype)

    def _reset_parameters(self):
        for p in self.parameters():
            if p.dim() > 1:
                xavier_uniform_(p)


def _clones(module, n):
    """`n` copies with the same start values."""
    return ModuleList([copy.deepcopy(module) for _ in range(n)])


def _activation(given):
    if not isinstance(given, str):
        return given
    if given not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {given}")
    return F.relu if given == "relu" else F.gelu


def _kind_of(activation):
    """1 for ReLU, 2 for GELU, 0 for another function."""
    if activation is F.relu or isinstance(activation, ReLU):
        return 1
    return 2 if activation is F.gelu or isinstance(activation, GELU) else 0


def _not_nested(layer):
    """Why PyTorch has no short way through an encoder of such layers; "" where it has one."""
    if not isinstance(layer, TransformerEncoderLayer):
        return " was not TransformerEncoderLayer"
    attention = layer.self_attn
    if layer.norm_first:
        return ".norm_first was True"
    if not attention.batch_first:
        return (".self_attn.batch_first was not True"
                "(use batch_first for better inference performance)")
    if not attention._qkv_same_embed_dim:
        return ".self_attn._qkv_same_embed_dim was not True"
    if attention.in_proj_bias is None:
        return ".self_attn was passed bias=False"
    if not layer.activation_relu_or_gelu:
        return ".activation_relu_or_gelu was not True"
    if layer.norm1.eps != layer.norm2.eps:
        return ".norm1.eps was not equal to encoder_layer.norm2.eps"
    return ".self_attn.num_heads is odd" if attention.num_heads % 2 else ""


def _causal_mask(size, device=None, dtype=None):
    return full((size, size), -math.inf, device=device, dtype=dtype).triu(1)


def _is_causal(mask, hint, x, batch_first):
    """The hint, or where there is none: is `mask` the causal mask?"""
    if hint is not None or mask is None:
        return hint is True
    length = x.shape[1 if batch_first and x.dim() == 3 else 0]
    if mask.shape != (length, length):
        return False
    return bool((mask == _causal_mask(length, dtype=mask.dtype)).all())
