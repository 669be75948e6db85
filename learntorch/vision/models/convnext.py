"""ConvNeXt: a ResNet with what vision transformers taught.

Source: Liu et al., "A ConvNet for the 2020s", 2022.
"""

from functools import partial

from learntorch import nn
from learntorch.nn import functional as F
from learntorch.nn import init
from learntorch.ops.create import full
from learntorch.vision.models._api import WeightsEnum, imagenet, model
from learntorch.vision.ops.misc import Conv2dNormActivation, Permute
from learntorch.vision.ops.stochastic_depth import StochasticDepth

__all__ = ["ConvNeXt", "ConvNeXt_Base_Weights", "ConvNeXt_Large_Weights", "ConvNeXt_Small_Weights",
           "ConvNeXt_Tiny_Weights", "convnext_base", "convnext_large", "convnext_small",
           "convnext_tiny"]


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels at each place of (n, c, h, w)."""

    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """x + d(γ · W₂ gelu(W₁ norm(w ∗ x))): w is 7×7 on single channels, W₁ and W₂ mix them.

    W₁ makes four times as many channels; γ (one for each channel) begins at `layer_scale`; d leaves
    the sum out for some pictures in training. (n, dim, h, w) → the same.
    """

    def __init__(self, dim, layer_scale, stochastic_depth_prob, norm_layer=None):
        super().__init__()
        norm = norm_layer or partial(nn.LayerNorm, eps=1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, 7, padding=3, groups=dim),
            Permute([0, 2, 3, 1]),
            norm(dim),
            nn.Linear(dim, 4 * dim),
            nn.GELU(),
            nn.Linear(4 * dim, dim),
            Permute([0, 3, 1, 2]))
        self.layer_scale = nn.Parameter(full((dim, 1, 1), layer_scale))
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input):
        y = self.stochastic_depth(self.layer_scale * self.block(input))
        y += input
        return y


class CNBlockConfig:
    """One stage: its channels, those that it is brought to afterwards (or None), its blocks."""

    def __init__(self, input_channels, out_channels, num_layers):
        self.input_channels = input_channels
        self.out_channels = out_channels
        self.num_layers = num_layers

    def __repr__(self):
        return (f"{type(self).__name__}(input_channels={self.input_channels}, "
                f"out_channels={self.out_channels}, num_layers={self.num_layers})")


class ConvNeXt(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes).

    block_setting: a list of `CNBlockConfig`, one a stage; stochastic_depth_prob: how often the last
    block is left out in training, earlier ones less. Raises ValueError or TypeError.
    """

    def __init__(self, block_setting, stochastic_depth_prob=0.0, layer_scale=1e-6,
                 num_classes=1000, block=None, norm_layer=None, **kwargs):
        super().__init__()
        if not block_setting:
            raise ValueError("The block_setting should not be empty")
        if not isinstance(block_setting, list | tuple) or not all(
                isinstance(s, CNBlockConfig) for s in block_setting):
            raise TypeError("The block_setting should be List[CNBlockConfig]")
        block = block or CNBlock
        norm = norm_layer or partial(LayerNorm2d, eps=1e-6)
        layers = [Conv2dNormActivation(3, block_setting[0].input_channels, 4, 4, 0, norm_layer=norm,
                                       activation_layer=None, bias=True)]
        blocks, done = sum(stage.num_layers for stage in block_setting), 0
        for stage in block_setting:
            c, out = stage.input_channels, stage.out_channels
            made = []
            for _ in range(stage.num_layers):
                made.append(block(c, layer_scale, stochastic_depth_prob * done / (blocks - 1.0)))
                done += 1
            layers.append(nn.Sequential(*made))
            if out is not None:
                layers.append(nn.Sequential(norm(c), nn.Conv2d(c, out, 2, stride=2)))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        last = c if out is None else out
        self.classifier = nn.Sequential(norm(last), nn.Flatten(1), nn.Linear(last, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                init.trunc_normal_(module.weight, std=0.02)
                init.zeros_(module.bias)

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)))


def staged(width, third, probability, kwargs):
    """Stages of width, 2 · width … channels and 3, 3, `third` and 3 blocks."""
    stages = [CNBlockConfig(width, 2 * width, 3), CNBlockConfig(2 * width, 4 * width, 3),
              CNBlockConfig(4 * width, 8 * width, third), CNBlockConfig(8 * width, None, 3)]
    return ConvNeXt(stages, **{"stochastic_depth_prob": probability} | kwargs)


RECIPE = "tree/main/references/classification#convnext"


class ConvNeXt_Tiny_Weights(WeightsEnum):
    """Weights of `convnext_tiny`."""

    IMAGENET1K_V1 = imagenet("convnext_tiny-983f1562", 28589128, (82.52, 96.146), 4.456, 109.119,
                             RECIPE, min_size=32, resize_size=236)
    DEFAULT = IMAGENET1K_V1


class ConvNeXt_Small_Weights(WeightsEnum):
    """Weights of `convnext_small`."""

    IMAGENET1K_V1 = imagenet("convnext_small-0c510722", 50223688, (83.616, 96.65), 8.684, 191.703,
                             RECIPE, min_size=32, resize_size=230)
    DEFAULT = IMAGENET1K_V1


class ConvNeXt_Base_Weights(WeightsEnum):
    """Weights of `convnext_base`."""

    IMAGENET1K_V1 = imagenet("convnext_base-6075fbad", 88591464, (84.062, 96.87), 15.355, 338.064,
                             RECIPE, min_size=32, resize_size=232)
    DEFAULT = IMAGENET1K_V1


class ConvNeXt_Large_Weights(WeightsEnum):
    """Weights of `convnext_large`."""

    IMAGENET1K_V1 = imagenet("convnext_large-ea097f82", 197767336, (84.414, 96.976), 34.361,
                             754.537, RECIPE, min_size=32, resize_size=232)
    DEFAULT = IMAGENET1K_V1


@model(ConvNeXt_Tiny_Weights)
def convnext_tiny(**kwargs):
    """ConvNeXt-T: 28.6 million weights, 4.5 billion multiply-adds a picture."""
    return staged(96, 9, 0.1, kwargs)


@model(ConvNeXt_Small_Weights)
def convnext_small(**kwargs):
    """ConvNeXt-S: 50.2 million weights."""
    return staged(96, 27, 0.4, kwargs)


@model(ConvNeXt_Base_Weights)
def convnext_base(**kwargs):
    """ConvNeXt-B: 88.6 million weights."""
    return staged(128, 27, 0.5, kwargs)


@model(ConvNeXt_Large_Weights)
def convnext_large(**kwargs):
    """ConvNeXt-L: 197.8 million weights."""
    return staged(192, 27, 0.5, kwargs)
