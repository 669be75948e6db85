"""Swin: transformers whose words attend to those of the same window; then the windows shift.

Sources: Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows",
2021; "Swin Transformer V2: Scaling Up Capacity and Resolution", 2021.
"""

from functools import partial
from math import log

from learntorch import nn
from learntorch.core import dtypes
from learntorch.nn import functional as F
from learntorch.nn import init
from learntorch.ops.create import arange, ones, zeros
from learntorch.ops.shape import cat, meshgrid, stack
from learntorch.vision.models._api import WeightsEnum, imagenet, model
from learntorch.vision.ops.misc import MLP, Permute
from learntorch.vision.ops.stochastic_depth import StochasticDepth
from learntorch.vision.transforms.interpolation import InterpolationMode

__all__ = ["SwinTransformer", "Swin_B_Weights", "Swin_S_Weights", "Swin_T_Weights",
           "Swin_V2_B_Weights", "Swin_V2_S_Weights", "Swin_V2_T_Weights", "swin_b", "swin_s",
           "swin_t", "swin_v2_b", "swin_v2_s", "swin_v2_t"]


# ---- windows ---------------------------------------------------------------------------------


def into_windows(x, size):
    """(n, h, w, c) → (n · windows, places of a window, c)."""
    n, h, w, c = x.shape
    x = x.view(n, h // size[0], size[0], w // size[1], size[1], c)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, size[0] * size[1], c)


def from_windows(x, size, h, w):
    """(n · windows, places of a window, c) → (n, h, w, c): undoes `into_windows`."""
    x = x.view(-1, h // size[0], w // size[1], *size, x.shape[-1])
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, h, w, x.shape[-1])


def apart(h, w, size, shift, like):
    """(windows, 1, places, places): −100 for two places that only the shift has brought together.

    A shifted picture goes on at its other side: the windows there hold up to four parts of it.
    """
    part = like.new_zeros((1, h, w, 1))
    for axis, (k, s) in enumerate(zip(size, shift), 1):
        for start in (-k, -s) if s else ():
            part.narrow(axis, part.shape[axis] + start, -start).add_(10 ** (axis - 1))
    part = into_windows(part, size).squeeze(-1)
    return ((part[:, :, None] != part[:, None, :]) * -100.0).to(like.dtype).unsqueeze(1)


def shifted_window_attention(input, qkv_weight, proj_weight, relative_position_bias, window_size,
                             num_heads, shift_size, attention_dropout=0.0, dropout=0.0,
                             qkv_bias=None, proj_bias=None, logit_scale=None, training=True):
    """softmax(q kᵀ / √d + bias) v within windows that are `shift_size` away from the usual ones.

    input (n, h, w, c) → the same; relative_position_bias (1, heads, places, places). With
    `logit_scale` q and k have length 1 and are scaled by it instead (Swin v2).
    """
    _, h, w, c = input.shape
    size = window_size
    x = F.pad(input, (0, 0, 0, -w % size[1], 0, -h % size[0]))
    tall, wide = x.shape[1:3]
    shift = [0 if k >= n else s for s, k, n in zip(shift_size, size, (tall, wide))]
    if any(shift):
        x = x.roll((-shift[0], -shift[1]), (1, 2))
    x = into_windows(x, size)
    if logit_scale is not None and qkv_bias is not None:
        qkv_bias = cat([qkv_bias[:c], zeros(c, dtype=qkv_bias.dtype), qkv_bias[2 * c:]])
    qkv = F.linear(x, qkv_weight, qkv_bias)
    q, k, v = qkv.reshape(*x.shape[:2], 3, num_heads, c // num_heads).permute(2, 0, 3, 1, 4)
    if logit_scale is None:
        scores = (q * (c // num_heads) ** -0.5) @ k.transpose(-2, -1)
    else:
        scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        scores = scores * logit_scale.clamp(max=log(100.0)).exp()
    scores = scores + relative_position_bias
    if any(shift):
        mask = apart(tall, wide, size, shift, scores)
        scores = (scores.view(-1, len(mask), *scores.shape[1:]) + mask).view(scores.shape)
    weights = F.dropout(scores.softmax(-1), attention_dropout, training)
    x = (weights @ v).transpose(1, 2).reshape(x.shape)
    x = F.dropout(F.linear(x, proj_weight, proj_bias), dropout, training)
    x = from_windows(x, size, tall, wide)
    if any(shift):
        x = x.roll(tuple(shift), (1, 2))
    return x[:, :h, :w].contiguous()


class ShiftedWindowAttention(nn.Module):
    """`shifted_window_attention` with a number for each distance of two places, and each head."""

    def __init__(self, dim, window_size, shift_size, num_heads, qkv_bias=True, proj_bias=True,
                 attention_dropout=0.0, dropout=0.0):
        super().__init__()
        if len(window_size) != 2 or len(shift_size) != 2:
            raise ValueError("window_size and shift_size must be of length 2")
        self.window_size = window_size
        self.shift_size = shift_size
        self.num_heads = num_heads
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=proj_bias)
        self.define_relative_position_bias_table()
        self.define_relative_position_index()

    def define_relative_position_bias_table(self):
        """A row for each distance, (2h − 1)(2w − 1) of them, a column for each head."""
        h, w = self.window_size
        self.relative_position_bias_table = nn.Parameter(
            zeros((2 * h - 1) * (2 * w - 1), self.num_heads))
        init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def define_relative_position_index(self):
        """The row for each pair of places."""
        h, w = self.window_size
        y, x = (t.flatten() for t in meshgrid(arange(h), arange(w), indexing="ij"))
        down, right = y[:, None] - y + h - 1, x[:, None] - x + w - 1
        self.register_buffer("relative_position_index", (down * (2 * w - 1) + right).flatten())

    def get_relative_position_bias(self):
        """(1, heads, places, places)."""
        return self._looked_up(self.relative_position_bias_table)

    def _looked_up(self, table):
        places = self.window_size[0] * self.window_size[1]
        found = table[self.relative_position_index].view(places, places, -1)
        return found.permute(2, 0, 1).contiguous().unsqueeze(0)

    def forward(self, x):
        return shifted_window_attention(
            x, self.qkv.weight, self.proj.weight, self.get_relative_position_bias(),
            self.window_size, self.num_heads, self.shift_size, self.attention_dropout, self.dropout,
            self.qkv.bias, self.proj.bias, getattr(self, "logit_scale", None), self.training)


class ShiftedWindowAttentionV2(ShiftedWindowAttention):
    """The bias is a small network's answer to the distance; q and k have length 1 (Swin v2)."""

    def __init__(self, dim, window_size, shift_size, num_heads, qkv_bias=True, proj_bias=True,
                 attention_dropout=0.0, dropout=0.0):
        super().__init__(dim, window_size, shift_size, num_heads, qkv_bias, proj_bias,
                         attention_dropout, dropout)
        self.logit_scale = nn.Parameter((10 * ones((num_heads, 1, 1))).log())
        self.cpb_mlp = nn.Sequential(nn.Linear(2, 512), nn.ReLU(inplace=True),
                                     nn.Linear(512, num_heads, bias=False))
        if qkv_bias:
            self.qkv.bias.data[dim:2 * dim].zero_()

    def define_relative_position_bias_table(self):
        """Distances as the network is asked for them: sign(t) · log₂(1 + |t|) / 3, t in −8 … 8."""
        h, w = self.window_size
        y, x = (arange(-(k - 1), k, dtype=dtypes.float32) / (k - 1) for k in (h, w))
        table = stack(meshgrid(y, x, indexing="ij"), -1).unsqueeze(0) * 8
        self.register_buffer("relative_coords_table",
                             table.sign() * (table.abs() + 1.0).log2() / 3.0)

    def get_relative_position_bias(self):
        """(1, heads, places, places), from 0 to 16."""
        table = self.cpb_mlp(self.relative_coords_table).view(-1, self.num_heads)
        return 16 * self._looked_up(table).sigmoid()


# ---- blocks ----------------------------------------------------------------------------------


class SwinTransformerBlock(nn.Module):
    """y = x + d(attention(norm x)), then y + d(mlp(norm y)); d leaves out branches in training."""

    def __init__(self, dim, num_heads, window_size, shift_size, mlp_ratio=4.0, dropout=0.0,
                 attention_dropout=0.0, stochastic_depth_prob=0.0, norm_layer=nn.LayerNorm,
                 attn_layer=ShiftedWindowAttention):
        super().__init__()
        self.norm1 = norm_layer(dim)
        self.attn = attn_layer(dim, window_size, shift_size, num_heads,
                               attention_dropout=attention_dropout, dropout=dropout)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.norm2 = norm_layer(dim)
        self.mlp = MLP(dim, [int(dim * mlp_ratio), dim], activation_layer=nn.GELU, dropout=dropout)
        for module in self.mlp.modules():
            if isinstance(module, nn.Linear):
                init.xavier_uniform_(module.weight)
                init.normal_(module.bias, std=1e-6)

    def forward(self, x):
        x = x + self.stochastic_depth(self.attn(self.norm1(x)))
        return x + self.stochastic_depth(self.mlp(self.norm2(x)))


class SwinTransformerBlockV2(SwinTransformerBlock):
    """y = x + d(norm(attention x)), then y + d(norm(mlp y)): norms after, not before (Swin v2)."""

    def __init__(self, dim, num_heads, window_size, shift_size, mlp_ratio=4.0, dropout=0.0,
                 attention_dropout=0.0, stochastic_depth_prob=0.0, norm_layer=nn.LayerNorm,
                 attn_layer=ShiftedWindowAttentionV2):
        super().__init__(dim, num_heads, window_size, shift_size, mlp_ratio, dropout,
                         attention_dropout, stochastic_depth_prob, norm_layer, attn_layer)

    def forward(self, x):
        x = x + self.stochastic_depth(self.norm1(self.attn(x)))
        return x + self.stochastic_depth(self.norm2(self.mlp(x)))


class PatchMerging(nn.Module):
    """W norm[four neighbours]: (n, h, w, dim) → (n, h / 2, w / 2, 2 · dim)."""

    def __init__(self, dim, norm_layer=nn.LayerNorm):
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(4 * dim)

    def forward(self, x):
        return self.reduction(self.norm(neighbours(x)))


class PatchMergingV2(nn.Module):
    """norm(W [four neighbours]): the norm after, not before (Swin v2)."""

    def __init__(self, dim, norm_layer=nn.LayerNorm):
        super().__init__()
        self.dim = dim
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = norm_layer(2 * dim)

    def forward(self, x):
        return self.norm(self.reduction(neighbours(x)))


def neighbours(x):
    """The four of each square of 2 × 2 places, one after the other: (…, h / 2, w / 2, 4c)."""
    h, w = x.shape[-3:-1]
    x = F.pad(x, (0, 0, 0, w % 2, 0, h % 2))
    return cat([x[..., i::2, j::2, :] for j in (0, 1) for i in (0, 1)], -1)


class SwinTransformer(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes).

    patch_size: pixels of a word; embed_dim: numbers of a word, which each stage doubles; depths,
    num_heads: blocks and heads of each stage; every second block's windows are shifted by half;
    stochastic_depth_prob: how often the last block is left out in training, earlier ones less.
    """

    def __init__(self, patch_size, embed_dim, depths, num_heads, window_size, mlp_ratio=4.0,
                 dropout=0.0, attention_dropout=0.0, stochastic_depth_prob=0.1, num_classes=1000,
                 norm_layer=None, block=None, downsample_layer=PatchMerging):
        super().__init__()
        self.num_classes = num_classes
        block = block or SwinTransformerBlock
        norm = norm_layer or partial(nn.LayerNorm, eps=1e-5)
        layers = [nn.Sequential(nn.Conv2d(3, embed_dim, tuple(patch_size), tuple(patch_size)),
                                Permute([0, 2, 3, 1]), norm(embed_dim))]
        done, dim = 0, embed_dim
        for i, (depth, heads) in enumerate(zip(depths, num_heads)):
            made = []
            for j in range(depth):
                made.append(block(
                    dim, heads, window_size, [k // 2 if j % 2 else 0 for k in window_size],
                    mlp_ratio, dropout, attention_dropout,
                    stochastic_depth_prob * float(done) / (sum(depths) - 1), norm_layer=norm))
                done += 1
            layers.append(nn.Sequential(*made))
            if i < len(depths) - 1:
                layers.append(downsample_layer(dim, norm))
                dim *= 2
        self.features = nn.Sequential(*layers)
        self.norm = norm(dim)
        self.permute = Permute([0, 3, 1, 2])
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten(1)
        self.head = nn.Linear(dim, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    init.zeros_(module.bias)

    def forward(self, x):
        x = self.norm(self.features(x))
        return self.head(self.flatten(self.avgpool(self.permute(x))))


TINY = {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24]}
SMALL = {"embed_dim": 96, "depths": [2, 2, 18, 2], "num_heads": [3, 6, 12, 24]}
BASE = {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32]}
FIRST = {"patch_size": [4, 4], "window_size": [7, 7]}
SECOND = {"patch_size": [4, 4], "window_size": [8, 8], "block": SwinTransformerBlockV2,
          "downsample_layer": PatchMergingV2}
BICUBIC = InterpolationMode.BICUBIC


class Swin_T_Weights(WeightsEnum):
    """Weights of `swin_t`."""

    IMAGENET1K_V1 = imagenet("swin_t-704ceda3", 28288354, (81.474, 95.776), 4.491, 108.19,
                             "tree/main/references/classification#swintransformer", min_size=224,
                             resize_size=232, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class Swin_S_Weights(WeightsEnum):
    """Weights of `swin_s`."""

    IMAGENET1K_V1 = imagenet("swin_s-5e29d889", 49606258, (83.196, 96.36), 8.741, 189.786,
                             "tree/main/references/classification#swintransformer", min_size=224,
                             resize_size=246, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class Swin_B_Weights(WeightsEnum):
    """Weights of `swin_b`."""

    IMAGENET1K_V1 = imagenet("swin_b-68c6b09e", 87768224, (83.582, 96.64), 15.431, 335.364,
                             "tree/main/references/classification#swintransformer", min_size=224,
                             resize_size=238, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class Swin_V2_T_Weights(WeightsEnum):
    """Weights of `swin_v2_t`."""

    IMAGENET1K_V1 = imagenet("swin_v2_t-b137f0e2", 28351570, (82.072, 96.132), 5.94, 108.626,
                             "tree/main/references/classification#swintransformer-v2", min_size=256,
                             crop=256, resize_size=260, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class Swin_V2_S_Weights(WeightsEnum):
    """Weights of `swin_v2_s`."""

    IMAGENET1K_V1 = imagenet("swin_v2_s-637d8ceb", 49737442, (83.712, 96.816), 11.546, 190.675,
                             "tree/main/references/classification#swintransformer-v2", min_size=256,
                             crop=256, resize_size=260, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class Swin_V2_B_Weights(WeightsEnum):
    """Weights of `swin_v2_b`."""

    IMAGENET1K_V1 = imagenet("swin_v2_b-781e5279", 87930848, (84.112, 96.864), 20.325, 336.372,
                             "tree/main/references/classification#swintransformer-v2", min_size=256,
                             crop=256, resize_size=272, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


@model(Swin_T_Weights)
def swin_t(**kwargs):
    """Swin-T: 28.3 million weights."""
    return SwinTransformer(**TINY | FIRST, stochastic_depth_prob=0.2, **kwargs)


@model(Swin_S_Weights)
def swin_s(**kwargs):
    """Swin-S: 49.6 million weights."""
    return SwinTransformer(**SMALL | FIRST, stochastic_depth_prob=0.3, **kwargs)


@model(Swin_B_Weights)
def swin_b(**kwargs):
    """Swin-B: 87.8 million weights."""
    return SwinTransformer(**BASE | FIRST, stochastic_depth_prob=0.5, **kwargs)


@model(Swin_V2_T_Weights)
def swin_v2_t(**kwargs):
    """Swin v2 T: 28.4 million weights."""
    return SwinTransformer(**TINY | SECOND, stochastic_depth_prob=0.2, **kwargs)


@model(Swin_V2_S_Weights)
def swin_v2_s(**kwargs):
    """Swin v2 S: 49.7 million weights."""
    return SwinTransformer(**SMALL | SECOND, stochastic_depth_prob=0.3, **kwargs)


@model(Swin_V2_B_Weights)
def swin_v2_b(**kwargs):
    """Swin v2 B: 87.9 million weights."""
    return SwinTransformer(**BASE | SECOND, stochastic_depth_prob=0.5, **kwargs)
