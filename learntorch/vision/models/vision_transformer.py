"""ViT: a picture as a sentence whose words are patches of 16 × 16 pixels.

Source: Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at
Scale", 2020.
"""

from collections import OrderedDict, namedtuple
from functools import partial
from math import isqrt, sqrt

from learntorch import nn
from learntorch.nn import functional as F
from learntorch.nn import init
from learntorch.ops.create import empty, zeros
from learntorch.ops.shape import cat
from learntorch.vision.models._api import WeightsEnum, imagenet, model
from learntorch.vision.ops.misc import MLP, Conv2dNormActivation
from learntorch.vision.transforms.interpolation import InterpolationMode

__all__ = ["ViT_B_16_Weights", "ViT_B_32_Weights", "ViT_H_14_Weights", "ViT_L_16_Weights",
           "ViT_L_32_Weights", "VisionTransformer", "vit_b_16", "vit_b_32", "vit_h_14", "vit_l_16",
           "vit_l_32"]

NORM = partial(nn.LayerNorm, eps=1e-6)
ConvStemConfig = namedtuple(
    "ConvStemConfig", "out_channels kernel_size stride norm_layer activation_layer",
    defaults=(nn.BatchNorm2d, nn.ReLU))


class MLPBlock(MLP):
    """W₂ gelu(W₁ x + b₁) + b₂ with dropout after both: (…, in_dim) → the same."""

    _version = 2        # in files of version 1 the linear layers have the names below

    def __init__(self, in_dim, mlp_dim, dropout):
        super().__init__(in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, dropout=dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                init.xavier_uniform_(module.weight)
                init.normal_(module.bias, std=1e-6)

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
        if (local_metadata.get("version") or 1) < 2:
            for old, new in (("linear_1", "0"), ("linear_2", "3")):
                for kind in ("weight", "bias"):
                    if f"{prefix}{old}.{kind}" in state_dict:
                        state_dict[f"{prefix}{new}.{kind}"] = state_dict.pop(
                            f"{prefix}{old}.{kind}")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class EncoderBlock(nn.Module):
    """y = x + attention(norm x), then y + mlp(norm y): (n, words, hidden_dim) → the same."""

    def __init__(self, num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer=NORM):
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(hidden_dim, num_heads, attention_dropout,
                                                    batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, input):
        must_be(input.dim() == 3,
                f"Expected (batch_size, seq_length, hidden_dim) got {input.shape}")
        x = self.ln_1(input)
        x, _ = self.self_attention(x, x, x, need_weights=False)
        x = self.dropout(x) + input
        return x + self.mlp(self.ln_2(x))


def must_be(condition, words):
    """Raises AssertionError, as PyTorch does here, also where Python leaves out assertions."""
    if not condition:
        raise AssertionError(words)


class Encoder(nn.Module):
    """norm(blocks(x + places)): `pos_embedding` tells the words where they stood."""

    def __init__(self, seq_length, num_layers, num_heads, hidden_dim, mlp_dim, dropout,
                 attention_dropout, norm_layer=NORM):
        super().__init__()
        self.pos_embedding = nn.Parameter(empty(1, seq_length, hidden_dim).normal_(std=0.02))
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.Sequential(OrderedDict(
            (f"encoder_layer_{i}", EncoderBlock(num_heads, hidden_dim, mlp_dim, dropout,
                                                attention_dropout, norm_layer))
            for i in range(num_layers)))
        self.ln = norm_layer(hidden_dim)

    def forward(self, input):
        must_be(input.dim() == 3,
                f"Expected (batch_size, seq_length, hidden_dim) got {input.shape}")
        return self.ln(self.layers(self.dropout(input + self.pos_embedding)))


class VisionTransformer(nn.Module):
    """Pictures (n, 3, image_size, image_size) → scores (n, num_classes).

    Each patch becomes a word of `hidden_dim` numbers by one linear map, a convolution whose stride
    is its size. Before them stands a word of its own, `class_token`, from which the scores are
    read. representation_size: one more layer before the scores. conv_stem_configs: several small
    convolutions instead of the one (Xiao et al., "Early Convolutions Help Transformers", 2021).
    """

    def __init__(self, image_size, patch_size, num_layers, num_heads, hidden_dim, mlp_dim,
                 dropout=0.0, attention_dropout=0.0, num_classes=1000, representation_size=None,
                 norm_layer=NORM, conv_stem_configs=None):
        super().__init__()
        must_be(image_size % patch_size == 0, "Input shape indivisible by patch size!")
        self.image_size = image_size
        self.patch_size = patch_size
        self.hidden_dim = hidden_dim
        self.mlp_dim = mlp_dim
        self.attention_dropout = attention_dropout
        self.dropout = dropout
        self.num_classes = num_classes
        self.representation_size = representation_size
        self.norm_layer = norm_layer
        if conv_stem_configs is None:
            self.conv_proj = nn.Conv2d(3, hidden_dim, patch_size, stride=patch_size)
        else:
            self.conv_proj = stem(conv_stem_configs, hidden_dim)
        self.seq_length = (image_size // patch_size) ** 2 + 1
        self.class_token = nn.Parameter(zeros(1, 1, hidden_dim))
        self.encoder = Encoder(self.seq_length, num_layers, num_heads, hidden_dim, mlp_dim, dropout,
                               attention_dropout, norm_layer)
        heads = OrderedDict()
        if representation_size is not None:
            heads["pre_logits"] = nn.Linear(hidden_dim, representation_size)
            heads["act"] = nn.Tanh()
        heads["head"] = nn.Linear(representation_size or hidden_dim, num_classes)
        self.heads = nn.Sequential(heads)
        self._start()

    def _start(self):
        """The weights before training: of variance 1 / inputs; those for classes are 0."""
        first = self.conv_proj
        if isinstance(first, nn.Conv2d):
            init.trunc_normal_(first.weight, std=sqrt(1 / (3 * self.patch_size ** 2)))
            init.zeros_(first.bias)
        else:
            init.normal_(first.conv_last.weight, std=sqrt(2 / first.conv_last.out_channels))
            init.zeros_(first.conv_last.bias)
        if self.representation_size is not None:
            init.trunc_normal_(self.heads.pre_logits.weight, std=sqrt(1 / self.hidden_dim))
            init.zeros_(self.heads.pre_logits.bias)
        init.zeros_(self.heads.head.weight)
        init.zeros_(self.heads.head.bias)

    def forward(self, x):
        n, _, h, w = x.shape
        must_be(h == self.image_size,
                f"Wrong image height! Expected {self.image_size} but got {h}!")
        must_be(w == self.image_size, f"Wrong image width! Expected {self.image_size} but got {w}!")
        words = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = self.encoder(cat([self.class_token.expand(n, -1, -1), words], dim=1))
        return self.heads(x[:, 0])


def stem(configs, hidden_dim):
    """Convolutions of the given sizes, then a 1×1 convolution to `hidden_dim` channels."""
    layers, channels = OrderedDict(), 3
    for i, how in enumerate(configs):
        layers[f"conv_bn_relu_{i}"] = Conv2dNormActivation(
            channels, how.out_channels, how.kernel_size, how.stride, norm_layer=how.norm_layer,
            activation_layer=how.activation_layer)
        channels = how.out_channels
    layers["conv_last"] = nn.Conv2d(channels, hidden_dim, 1)
    return nn.Sequential(layers)


def interpolate_embeddings(image_size, patch_size, model_state, interpolation_mode="bicubic",
                           reset_heads=False):
    """A state dict for pictures of another size: its grid of places is stretched.

    reset_heads: leave out the layers for classes. Raises ValueError where places are no square.
    """
    places = model_state["encoder.pos_embedding"]
    n, length, dim = places.shape
    if n != 1:
        raise ValueError(f"Unexpected position embedding shape: {places.shape}")
    old, new = isqrt(length - 1), image_size // patch_size
    if new ** 2 + 1 == length:
        return model_state
    if old ** 2 + 1 != length:
        raise ValueError("seq_length is not a perfect square! Instead got seq_length_1d * "
                         f"seq_length_1d = {old ** 2} and seq_length = {length - 1}")
    grid = places[:, 1:].transpose(1, 2).reshape(1, dim, old, old)
    grid = F.interpolate(grid, size=new, mode=interpolation_mode, align_corners=True)
    model_state["encoder.pos_embedding"] = cat([places[:, :1], grid.flatten(2).transpose(1, 2)], 1)
    if reset_heads:
        return OrderedDict((k, t) for k, t in model_state.items() if not k.startswith("heads"))
    return model_state


def sized(weights):
    """A file belongs to pictures of one size."""
    return {"image_size": weights.meta["min_size"][0]}


BICUBIC = InterpolationMode.BICUBIC
SWAG = "https://github.com/facebookresearch/SWAG/blob/main/LICENSE"
SWAG_RECIPE = "https://github.com/facebookresearch/SWAG"


class ViT_B_16_Weights(WeightsEnum):
    """Weights of `vit_b_16`."""

    IMAGENET1K_V1 = imagenet("vit_b_16-c867db91", 86567656, (81.072, 95.318), 17.564, 330.285,
                             "tree/main/references/classification#vit_b_16", min_size=224)
    IMAGENET1K_SWAG_E2E_V1 = imagenet("vit_b_16_swag-9ac1b537", 86859496, (85.304, 97.65), 55.484,
                                      331.398, SWAG_RECIPE, min_size=384, crop=384, license=SWAG,
                                      resize_size=384, interpolation=BICUBIC)
    IMAGENET1K_SWAG_LINEAR_V1 = imagenet("vit_b_16_lc_swag-4e70ced5", 86567656, (81.886, 96.18),
                                         17.564, 330.285, "pull/5793", min_size=224, license=SWAG,
                                         resize_size=224, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class ViT_B_32_Weights(WeightsEnum):
    """Weights of `vit_b_32`."""

    IMAGENET1K_V1 = imagenet("vit_b_32-d86f8d99", 88224232, (75.912, 92.466), 4.409, 336.604,
                             "tree/main/references/classification#vit_b_32", min_size=224)
    DEFAULT = IMAGENET1K_V1


class ViT_L_16_Weights(WeightsEnum):
    """Weights of `vit_l_16`."""

    IMAGENET1K_V1 = imagenet("vit_l_16-852ce7e3", 304326632, (79.662, 94.638), 61.555, 1161.023,
                             "tree/main/references/classification#vit_l_16", min_size=224,
                             resize_size=242)
    IMAGENET1K_SWAG_E2E_V1 = imagenet("vit_l_16_swag-4f3808c9", 305174504, (88.064, 98.512),
                                      361.986, 1164.258, SWAG_RECIPE, min_size=512, crop=512,
                                      license=SWAG, resize_size=512, interpolation=BICUBIC)
    IMAGENET1K_SWAG_LINEAR_V1 = imagenet("vit_l_16_lc_swag-4d563306", 304326632, (85.146, 97.422),
                                         61.555, 1161.023, "pull/5793", min_size=224, license=SWAG,
                                         resize_size=224, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class ViT_L_32_Weights(WeightsEnum):
    """Weights of `vit_l_32`."""

    IMAGENET1K_V1 = imagenet("vit_l_32-c7638314", 306535400, (76.972, 93.07), 15.378, 1169.449,
                             "tree/main/references/classification#vit_l_32", min_size=224)
    DEFAULT = IMAGENET1K_V1


class ViT_H_14_Weights(WeightsEnum):
    """Weights of `vit_h_14`."""

    IMAGENET1K_SWAG_E2E_V1 = imagenet("vit_h_14_swag-80465313", 633470440, (88.552, 98.694),
                                      1016.717, 2416.643, SWAG_RECIPE, min_size=518, crop=518,
                                      license=SWAG, resize_size=518, interpolation=BICUBIC)
    IMAGENET1K_SWAG_LINEAR_V1 = imagenet("vit_h_14_lc_swag-c1eb923e", 632045800, (85.708, 97.73),
                                         167.295, 2411.209, "pull/5793", min_size=224, license=SWAG,
                                         resize_size=224, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_SWAG_E2E_V1


@model(ViT_B_16_Weights, sized)
def vit_b_16(image_size=224, **kwargs):
    """ViT-B/16: 12 layers of 768 numbers a word, patches of 16 × 16; 86.6 million weights."""
    return VisionTransformer(image_size, 16, 12, 12, 768, 3072, **kwargs)


@model(ViT_B_32_Weights, sized)
def vit_b_32(image_size=224, **kwargs):
    """ViT-B/32: 12 layers of 768 numbers a word, patches of 32 × 32; 88.2 million weights."""
    return VisionTransformer(image_size, 32, 12, 12, 768, 3072, **kwargs)


@model(ViT_L_16_Weights, sized)
def vit_l_16(image_size=224, **kwargs):
    """ViT-L/16: 24 layers of 1024 numbers a word, patches of 16 × 16; 304 million weights."""
    return VisionTransformer(image_size, 16, 24, 16, 1024, 4096, **kwargs)


@model(ViT_L_32_Weights, sized)
def vit_l_32(image_size=224, **kwargs):
    """ViT-L/32: 24 layers of 1024 numbers a word, patches of 32 × 32; 307 million weights."""
    return VisionTransformer(image_size, 32, 24, 16, 1024, 4096, **kwargs)


@model(ViT_H_14_Weights, sized)
def vit_h_14(image_size=224, **kwargs):
    """ViT-H/14: 32 layers of 1280 numbers a word, patches of 14 × 14; 632 million weights."""
    return VisionTransformer(image_size, 14, 32, 16, 1280, 5120, **kwargs)
