"""Activations: the functions between the matrix products, applied to each element."""

import warnings

import learntorch.nn.functional as F
from learntorch.nn import init as initialise
from learntorch.nn.modules.linear import NonDynamicallyQuantizableLinear
from learntorch.nn.modules.module import Module
from learntorch.nn.parameter import Parameter
from learntorch.ops.create import empty

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh",
    "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "MultiheadAttention", "PReLU", "RReLU", "ReLU",
    "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax", "Softmax2d", "Softmin", "Softplus",
    "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
]


class _Inplace(Module):
    """An activation without parameters that may write its result into its input."""

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""

    def _tail(self):
        return ", inplace=True" if self.inplace else ""


class Threshold(_Inplace):
    """y = x where x > threshold, else `value`. Shapes: (*) → (*)."""

    def __init__(self, threshold, value, inplace=False):
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input):
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self):
        return f"threshold={self.threshold}, value={self.value}{self._tail()}"


class ReLU(_Inplace):
    """y = max(0, x). Shapes: (*) → (*). Source: Nair & Hinton 2010."""

    def forward(self, input):
        return F.relu(input, inplace=self.inplace)


class RReLU(_Inplace):
    """y = x where x ≥ 0, else a·x with a drawn uniformly from [lower, upper] while training.

    While evaluating a is the middle of the interval. Source: Xu et al. 2015, arXiv:1505.00853.
    """

    def __init__(self, lower=1.0 / 8, upper=1.0 / 3, inplace=False):
        super().__init__(inplace)
        self.lower = lower
        self.upper = upper

    def forward(self, input):
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self):
        return f"lower={self.lower}, upper={self.upper}{self._tail()}"


class Hardtanh(_Inplace):
    """y = x kept inside [min_val, max_val]. Shapes: (*) → (*)."""

    def __init__(self, min_val=-1.0, max_val=1.0, inplace=False, min_value=None, max_value=None):
        super().__init__(inplace)
        for old, new, given in (("min_value", "min_val", min_value),
                                ("max_value", "max_val", max_value)):
            if given is not None:
                warnings.warn(f"keyword argument `{old}` is deprecated and renamed to `{new}`",
                              FutureWarning, stacklevel=2)
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        if self.max_val <= self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val "
                                 f"({self.min_val})")

    def forward(self, input):
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self):
        return f"min_val={self.min_val}, max_val={self.max_val}{self._tail()}"


class ReLU6(Hardtanh):
    """y = min(max(0, x), 6). Shapes: (*) → (*). Source: Howard et al. 2017, arXiv:1704.04861."""

    def __init__(self, inplace=False):
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """y = 1 / (1 + e⁻ˣ), between 0 and 1. Shapes: (*) → (*)."""

    def forward(self, input):
        return input.sigmoid()


class Hardsigmoid(_Inplace):
    """y = min(max(0, x/6 + 1/2), 1): straight lines in place of the sigmoid. Shapes: (*) → (*)."""

    def forward(self, input):
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self):
        return ""


class Tanh(Module):
    """y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), between −1 and 1. Shapes: (*) → (*)."""

    def forward(self, input):
        return input.tanh()


class SiLU(_Inplace):
    """y = x · sigmoid(x), also called swish. Shapes: (*) → (*).

    Source: Elfwing et al. 2017, arXiv:1702.03118.
    """

    def forward(self, input):
        return F.silu(input, inplace=self.inplace)


class Mish(_Inplace):
    """y = x · tanh(log(1 + eˣ)). Shapes: (*) → (*). Source: Misra 2019, arXiv:1908.08681."""

    def forward(self, input):
        return F.mish(input, inplace=self.inplace)


class Hardswish(_Inplace):
    """y = x · min(max(0, x + 3), 6) / 6. Shapes: (*) → (*).

    Source: Howard et al. 2019, arXiv:1905.02244.
    """

    def forward(self, input):
        return F.hardswish(input, self.inplace)

    def extra_repr(self):
        return ""


class ELU(_Inplace):
    """y = x where x > 0, else α (eˣ − 1). Shapes: (*) → (*).

    Source: Clevert et al. 2015, arXiv:1511.07289.
    """

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input):
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self):
        return f"alpha={self.alpha}{self._tail()}"


class CELU(_Inplace):
    """y = max(0, x) + min(0, α (e^(x/α) − 1)): an ELU with a continuous slope.

    Shapes: (*) → (*). Source: Barron 2017, arXiv:1704.07483.
    """

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input):
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self):
        return f"alpha={self.alpha}{self._tail()}"


class SELU(_Inplace):
    """y = λ (max(0, x) + min(0, α (eˣ − 1))), λ and α such that mean 0 and variance 1 stay.

    Shapes: (*) → (*). Source: Klambauer et al. 2017, arXiv:1706.02515.
    """

    def forward(self, input):
        return F.selu(input, self.inplace)


class GLU(Module):
    """y = a · sigmoid(b), where a and b are the two halves of x along `dim`.

    Shapes: (*, 2n, *) → (*, n, *). Source: Dauphin et al. 2016, arXiv:1612.08083.
    """

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.glu(input, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"


class GELU(Module):
    """y = x · Φ(x), Φ the distribution function of the normal distribution.

    `approximate="tanh"`: x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))). Shapes: (*) → (*).
    Source: Hendrycks & Gimpel 2016, arXiv:1606.08415.
    """

    def __init__(self, approximate="none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input):
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self):
        return f"approximate={self.approximate!r}"


class Hardshrink(Module):
    """y = x where |x| > λ, else 0. Shapes: (*) → (*)."""

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.hardshrink(input, self.lambd)

    def extra_repr(self):
        return f"{self.lambd}"


class Softshrink(Module):
    """y = x − λ where x > λ, x + λ where x < −λ, else 0. Shapes: (*) → (*)."""

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.softshrink(input, self.lambd)

    def extra_repr(self):
        return str(self.lambd)


class LeakyReLU(_Inplace):
    """y = x where x ≥ 0, else negative_slope · x. Shapes: (*) → (*). Source: Maas et al. 2013."""

    def __init__(self, negative_slope=1e-2, inplace=False):
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input):
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self):
        return f"negative_slope={self.negative_slope}{self._tail()}"


class LogSigmoid(Module):
    """y = log(1 / (1 + e⁻ˣ)), computed without overflow. Shapes: (*) → (*)."""

    def forward(self, input):
        return F.logsigmoid(input)


class Softplus(Module):
    """y = log(1 + e^(βx)) / β, a smooth max(0, x); x itself where βx > threshold.

    Shapes: (*) → (*).
    """

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input):
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self):
        return f"beta={self.beta}, threshold={self.threshold}"


class PReLU(Module):
    """y = x where x ≥ 0, else a·x; a is learned: one number, or one for each channel.

    Shapes: (N, C, *) → (N, C, *); weight (num_parameters). No weight decay on a.
    Source: He et al. 2015, arXiv:1502.01852.
    """

    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self):
        """Every slope back to its initial value."""
        initialise.constant_(self.weight, self.init)

    def forward(self, input):
        return F.prelu(input, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"


class Softsign(Module):
    """y = x / (1 + |x|). Shapes: (*) → (*)."""

    def forward(self, input):
        return F.softsign(input)


class Tanhshrink(Module):
    """y = x − tanh x. Shapes: (*) → (*)."""

    def forward(self, input):
        return F.tanhshrink(input)


class _AlongDim(Module):
    """An activation that looks at all entries along one dimension."""

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def extra_repr(self):
        return f"dim={self.dim}"


class Softmin(_AlongDim):
    """yᵢ = e^(−xᵢ) / Σⱼ e^(−xⱼ) along `dim`: positive, sums to 1, largest where x is smallest."""

    def forward(self, input):
        return F.softmin(input, self.dim, _stacklevel=5)


class Softmax(_AlongDim):
    """yᵢ = e^(xᵢ) / Σⱼ e^(xⱼ) along `dim`: positive and sums to 1.

    Shapes: (*) → (*). For a loss use CrossEntropyLoss on x itself, or LogSoftmax with NLLLoss.
    """

    def forward(self, input):
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """Softmax over the channels, for every pixel. Shapes: (N, C, H, W) or (C, H, W)."""

    def forward(self, input):
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D "
                             "instead")
        return F.softmax(input, -3, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """yᵢ = xᵢ − log Σⱼ e^(xⱼ) along `dim`, the logarithm of Softmax without overflow."""

    def forward(self, input):
        return F.log_softmax(input, self.dim, _stacklevel=5)


class MultiheadAttention(Module):
    """concat(head₁ … head_H) Wᵒ + b, head_h = softmax(q_h k_hᵀ / √(E/H) + mask) v_h.

    q, k and v are linear maps of query, key and value, cut into H = num_heads parts of equal
    width. Returns the result and, if `need_weights`, the softmax (averaged over the heads if
    `average_attn_weights`). `dropout` drops weights while training.

    Shapes: query (L, N, E), key (S, N, kdim), value (S, N, vdim), with N first if `batch_first`,
    or without N → the shape of query; weights (N, L, S) or (N, H, L, S). `key_padding_mask`
    (N, S), `attn_mask` (L, S) or (N·H, L, S): True where not to look, or numbers to add.
    Parameters: in_proj_weight (3E, E) or q_proj_weight (E, E), k_proj_weight (E, kdim),
    v_proj_weight (E, vdim), all Xavier uniform; biases 0; with `add_bias_kv` also bias_k and
    bias_v (1, 1, E), one more key and value.
    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2.
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False,
                 add_zero_attn=False, kdim=None, vdim=None, batch_first=False, device=None,
                 dtype=None):
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError("embed_dim and num_heads must be greater than 0, got "
                             f"embed_dim={embed_dim} and num_heads={num_heads} instead")
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError(f"embed_dim must be divisible by num_heads: {num_heads} heads "
                                 f"cannot share {embed_dim} features equally")

        def made(*shape):
            return Parameter(empty(shape, device=device, dtype=dtype))
        same = self._qkv_same_embed_dim
        for name, width in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
            self.register_parameter(name + "_proj_weight",
                                    None if same else made(embed_dim, width))
        self.register_parameter("in_proj_weight", made(3 * embed_dim, embed_dim) if same else None)
        self.register_parameter("in_proj_bias", made(3 * embed_dim) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias,
                                                        device=device, dtype=dtype)
        self.bias_k = made(1, 1, embed_dim) if add_bias_kv else None
        self.bias_v = made(1, 1, embed_dim) if add_bias_kv else None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self):
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight,
                       self.v_proj_weight):
            if weight is not None:
                initialise.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            initialise.zeros_(self.in_proj_bias)
            initialise.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                initialise.xavier_normal_(bias)

    def __setstate__(self, state):
        state.setdefault("_qkv_same_embed_dim", True)       # pickles of PyTorch 1.1
        super().__setstate__(state)

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None,
                average_attn_weights=True, is_causal=False):
        turn = self.batch_first and query.dim() == 3
        if turn:
            query, key, value = _batch_second(query, key, value)
        out, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight,
            self.in_proj_bias, self.bias_k, self.bias_v, self.add_zero_attn, self.dropout,
            self.out_proj.weight, self.out_proj.bias, training=self.training,
            key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight, k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight, average_attn_weights=average_attn_weights,
            is_causal=is_causal)
        return (out.transpose(0, 1) if turn else out), weights

    def merge_masks(self, attn_mask, key_padding_mask, query):
        """(both masks as one, 2), (key_padding_mask, 1) or (None, None), for a query (N, L, E).

        The first has the shape (N, num_heads, L, L).
        """
        if attn_mask is None:
            return key_padding_mask, None if key_padding_mask is None else 1
        n, length, _ = query.shape
        if attn_mask.dim() == 3:
            merged = attn_mask.view(n, -1, length, length)
        else:
            merged = attn_mask.view(1, 1, length, length).expand(n, self.num_heads, -1, -1)
        if key_padding_mask is not None:
            padding = key_padding_mask.view(n, 1, 1, length).expand(-1, self.num_heads, -1, -1)
            merged = merged + padding
        return merged, 2


def _batch_second(query, key, value):
    """The three with the first two dimensions exchanged; what was one tensor stays one.

    One tensor for all three is projected by one product instead of three.
    """
    q = query.transpose(0, 1)
    k = q if key is query else key.transpose(0, 1)
    return q, k, k if value is key else value.transpose(0, 1)
