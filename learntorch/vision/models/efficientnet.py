"""EfficientNet, v1 and v2: depth, width and size of pictures that grow together.

Sources: Tan and Le, "EfficientNet: Rethinking Model Scaling", 2019, table 1; "EfficientNetV2:
Smaller Models and Faster Training", 2021, table 4.
"""

from copy import copy
from functools import partial
from math import ceil, sqrt

from learntorch import nn
from learntorch.nn import init
from learntorch.vision.models import mobilenetv2
from learntorch.vision.models._api import WeightsEnum, imagenet, model
from learntorch.vision.models._utils import _make_divisible
from learntorch.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation
from learntorch.vision.ops.stochastic_depth import StochasticDepth
from learntorch.vision.transforms.interpolation import InterpolationMode

__all__ = [
    "EfficientNet", "EfficientNet_B0_Weights", "EfficientNet_B1_Weights",
    "EfficientNet_B2_Weights", "EfficientNet_B3_Weights", "EfficientNet_B4_Weights",
    "EfficientNet_B5_Weights", "EfficientNet_B6_Weights", "EfficientNet_B7_Weights",
    "EfficientNet_V2_L_Weights", "EfficientNet_V2_M_Weights", "EfficientNet_V2_S_Weights",
    "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4",
    "efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "efficientnet_v2_l",
    "efficientnet_v2_m", "efficientnet_v2_s",
]


class _MBConvConfig:
    """One stage: its kind of `block` and their sizes; `num_layers` of them, the first strided."""

    def __init__(self, expand_ratio, kernel, stride, input_channels, out_channels, num_layers,
                 block):
        self.expand_ratio = expand_ratio
        self.kernel = kernel
        self.stride = stride
        self.input_channels = input_channels
        self.out_channels = out_channels
        self.num_layers = num_layers
        self.block = block

    @staticmethod
    def adjust_channels(channels, width_mult, min_value=None):
        """The number of channels, scaled and rounded to a multiple of 8."""
        return _make_divisible(channels * width_mult, 8, min_value)


class MBConvConfig(_MBConvConfig):
    """A stage of `MBConv` blocks, scaled in width and depth."""

    def __init__(self, expand_ratio, kernel, stride, input_channels, out_channels, num_layers,
                 width_mult=1.0, depth_mult=1.0, block=None):
        super().__init__(expand_ratio, kernel, stride,
                         self.adjust_channels(input_channels, width_mult),
                         self.adjust_channels(out_channels, width_mult),
                         self.adjust_depth(num_layers, depth_mult), block or MBConv)

    @staticmethod
    def adjust_depth(num_layers, depth_mult):
        """The number of blocks, scaled and rounded up."""
        return int(ceil(num_layers * depth_mult))


class FusedMBConvConfig(_MBConvConfig):
    """A stage of `FusedMBConv` blocks."""

    def __init__(self, expand_ratio, kernel, stride, input_channels, out_channels, num_layers,
                 block=None):
        super().__init__(expand_ratio, kernel, stride, input_channels, out_channels, num_layers,
                         block or FusedMBConv)


class _Residual(nn.Module):
    """x + d(f(x)): f is `_layers`, d leaves it out for some pictures; f(x) where shapes differ."""

    def __init__(self, cnf, stochastic_depth_prob, layers):
        super().__init__()
        if cnf.stride not in (1, 2):
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input):
        y = self.block(input)
        if self.use_res_connect:
            y = self.stochastic_depth(y)
            y += input
        return y


class MBConv(_Residual):
    """x + d(W₃ · s(silu(W₂ ∗ silu(W₁ x)))), norms left out: wide inside, the channels weighed.

    W₁ (1×1) widens, W₂ sees single channels, s is `SqueezeExcitation`, W₃ (1×1) narrows.
    """

    def __init__(self, cnf, stochastic_depth_prob, norm_layer, se_layer=SqueezeExcitation):
        block = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        c = cnf.input_channels
        wide = cnf.adjust_channels(c, cnf.expand_ratio)
        super().__init__(cnf, stochastic_depth_prob, [
            *([] if wide == c else [block(c, wide, 1)]),
            block(wide, wide, cnf.kernel, cnf.stride, groups=wide),
            se_layer(wide, max(1, c // 4), activation=partial(nn.SiLU, inplace=True)),
            block(wide, cnf.out_channels, 1, activation_layer=None)])


class FusedMBConv(_Residual):
    """x + d(W₂ · silu(W₁ ∗ x)), norms left out: one whole convolution instead of W₁ and W₂."""

    def __init__(self, cnf, stochastic_depth_prob, norm_layer):
        block = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        c = cnf.input_channels
        wide = cnf.adjust_channels(c, cnf.expand_ratio)
        if wide == c:
            layers = [block(c, cnf.out_channels, cnf.kernel, cnf.stride)]
        else:
            layers = [block(c, wide, cnf.kernel, cnf.stride),
                      block(wide, cnf.out_channels, 1, activation_layer=None)]
        super().__init__(cnf, stochastic_depth_prob, layers)


class EfficientNet(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes).

    inverted_residual_setting: a list of `MBConvConfig` and `FusedMBConvConfig`, one a stage;
    stochastic_depth_prob: how often the last block is left out in training, earlier ones less;
    last_channel: the size of the layer before the scores. Raises ValueError or TypeError.
    """

    def __init__(self, inverted_residual_setting, dropout, stochastic_depth_prob=0.2,
                 num_classes=1000, norm_layer=None, last_channel=None):
        super().__init__()
        stages = inverted_residual_setting
        if not stages:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not isinstance(stages, list | tuple) or not all(
                isinstance(s, _MBConvConfig) for s in stages):
            raise TypeError("The inverted_residual_setting should be List[MBConvConfig]")
        norm = norm_layer or nn.BatchNorm2d
        block = partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.SiLU)
        layers = [block(3, stages[0].input_channels, stride=2)]
        blocks, done = sum(stage.num_layers for stage in stages), 0
        for stage in stages:
            made = []
            for i in range(stage.num_layers):
                sizes = copy(stage)
                if i > 0:
                    sizes.input_channels, sizes.stride = sizes.out_channels, 1
                made.append(sizes.block(sizes, stochastic_depth_prob * done / blocks, norm))
                done += 1
            layers.append(nn.Sequential(*made))
        out = stages[-1].out_channels
        last = 4 * out if last_channel is None else last_channel
        self.features = nn.Sequential(*layers, block(out, last, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True),
                                        nn.Linear(last, num_classes))
        self.apply(start)

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def start(module):
    """The weights before training: MobileNet's, but those for classes even in ±1 / √classes."""
    if isinstance(module, nn.Linear):
        bound = 1 / sqrt(module.out_features)
        init.uniform_(module.weight, -bound, bound)
        init.zeros_(module.bias)
    else:
        mobilenetv2.start(module)


# How much wider inside, kernel, stride, channels in and out, blocks.
B0 = [(1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3),
      (6, 5, 1, 80, 112, 3), (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1)]
# Of the second version the first three stages are fused.
V2_S = [(1, 3, 1, 24, 24, 2), (4, 3, 2, 24, 48, 4), (4, 3, 2, 48, 64, 4), (4, 3, 2, 64, 128, 6),
        (6, 3, 1, 128, 160, 9), (6, 3, 2, 160, 256, 15)]
V2_M = [(1, 3, 1, 24, 24, 3), (4, 3, 2, 24, 48, 5), (4, 3, 2, 48, 80, 5), (4, 3, 2, 80, 160, 7),
        (6, 3, 1, 160, 176, 14), (6, 3, 2, 176, 304, 18), (6, 3, 1, 304, 512, 5)]
V2_L = [(1, 3, 1, 32, 32, 4), (4, 3, 2, 32, 64, 7), (4, 3, 2, 64, 96, 7), (4, 3, 2, 96, 192, 10),
        (6, 3, 1, 192, 224, 19), (6, 3, 2, 224, 384, 25), (6, 3, 1, 384, 640, 7)]


def scaled(width, depth, dropout, kwargs, **norm):
    """EfficientNet-B0, its width and depth multiplied; `norm`: what its batch norms are given."""
    stages = [MBConvConfig(*row, width_mult=width, depth_mult=depth) for row in B0]
    return EfficientNet(stages, **{"dropout": dropout} | with_norm(norm) | kwargs)


def second(rows, dropout, kwargs):
    """An EfficientNetV2 of these stages."""
    stages = [FusedMBConvConfig(*row) for row in rows[:3]]
    stages += [MBConvConfig(*row) for row in rows[3:]]
    return EfficientNet(stages, **{"dropout": dropout, "last_channel": 1280}
                        | with_norm({"eps": 0.001}) | kwargs)


def with_norm(how):
    """The argument `norm_layer` for batch norms of some kind."""
    return {"norm_layer": partial(nn.BatchNorm2d, **how)} if how else {}


# ---- the files, and the models that have some ---------------------------------------------------

BICUBIC = InterpolationMode.BICUBIC
FIRST = "tree/main/references/classification#efficientnet-v1"
SECOND = "tree/main/references/classification#efficientnet-v2"


class EfficientNet_B0_Weights(WeightsEnum):
    """Weights of `efficientnet_b0`."""

    IMAGENET1K_V1 = imagenet("efficientnet_b0_rwightman-7f5810bc", 5288548, (77.692, 93.532), 0.386,
                             20.451, FIRST, resize_size=256, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B1_Weights(WeightsEnum):
    """Weights of `efficientnet_b1`."""

    IMAGENET1K_V1 = imagenet("efficientnet_b1_rwightman-bac287d4", 7794184, (78.642, 94.186), 0.687,
                             30.134, FIRST, crop=240, resize_size=256, interpolation=BICUBIC)
    IMAGENET1K_V2 = imagenet("efficientnet_b1-c27df63c", 7794184, (79.838, 94.934), 0.687, 30.136,
                             "issues/3995#new-recipe-with-lr-wd-crop-tuning", crop=240,
                             resize_size=255)
    DEFAULT = IMAGENET1K_V2


class EfficientNet_B2_Weights(WeightsEnum):
    """Weights of `efficientnet_b2`."""

    IMAGENET1K_V1 = imagenet("efficientnet_b2_rwightman-c35c1473", 9109994, (80.608, 95.31), 1.088,
                             35.174, FIRST, crop=288, resize_size=288, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B3_Weights(WeightsEnum):
    """Weights of `efficientnet_b3`."""

    IMAGENET1K_V1 = imagenet("efficientnet_b3_rwightman-b3899882", 12233232, (82.008, 96.054),
                             1.827, 47.184, FIRST, crop=300, resize_size=320, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B4_Weights(WeightsEnum):
    """Weights of `efficientnet_b4`."""

    IMAGENET1K_V1 = imagenet("efficientnet_b4_rwightman-23ab8bcd", 19341616, (83.384, 96.594),
                             4.394, 74.489, FIRST, crop=380, resize_size=384, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B5_Weights(WeightsEnum):
    """Weights of `efficientnet_b5`."""

    IMAGENET1K_V1 = imagenet("efficientnet_b5_lukemelas-1a07897c", 30389784, (83.444, 96.628),
                             10.266, 116.864, FIRST, crop=456, resize_size=456,
                             interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B6_Weights(WeightsEnum):
    """Weights of `efficientnet_b6`."""

    IMAGENET1K_V1 = imagenet("efficientnet_b6_lukemelas-24a108a5", 43040704, (84.008, 96.916),
                             19.068, 165.362, FIRST, crop=528, resize_size=528,
                             interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class EfficientNet_B7_Weights(WeightsEnum):
    """Weights of `efficientnet_b7`."""

    IMAGENET1K_V1 = imagenet("efficientnet_b7_lukemelas-c5b4e57e", 66347960, (84.122, 96.908),
                             37.746, 254.675, FIRST, crop=600, resize_size=600,
                             interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V1


class EfficientNet_V2_S_Weights(WeightsEnum):
    """Weights of `efficientnet_v2_s`."""

    IMAGENET1K_V1 = imagenet("efficientnet_v2_s-dd5fe13b", 21458488, (84.228, 96.878), 8.366,
                             82.704, SECOND, min_size=33, crop=384, resize_size=384)
    DEFAULT = IMAGENET1K_V1


class EfficientNet_V2_M_Weights(WeightsEnum):
    """Weights of `efficientnet_v2_m`."""

    IMAGENET1K_V1 = imagenet("efficientnet_v2_m-dc08266a", 54139356, (85.112, 97.156), 24.582,
                             208.01, SECOND, min_size=33, crop=480, resize_size=480)
    DEFAULT = IMAGENET1K_V1


class EfficientNet_V2_L_Weights(WeightsEnum):
    """Weights of `efficientnet_v2_l`."""

    IMAGENET1K_V1 = imagenet("efficientnet_v2_l-59c71312", 118515272, (85.808, 97.788), 56.08,
                             454.573, SECOND, min_size=33, crop=480, resize_size=480,
                             interpolation=BICUBIC, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    DEFAULT = IMAGENET1K_V1


@model(EfficientNet_B0_Weights)
def efficientnet_b0(**kwargs):
    """EfficientNet-B0: 5.3 million weights, for pictures of 224 × 224."""
    return scaled(1.0, 1.0, 0.2, kwargs)


@model(EfficientNet_B1_Weights)
def efficientnet_b1(**kwargs):
    """EfficientNet-B1: 7.8 million weights, for pictures of 240 × 240."""
    return scaled(1.0, 1.1, 0.2, kwargs)


@model(EfficientNet_B2_Weights)
def efficientnet_b2(**kwargs):
    """EfficientNet-B2: 9.1 million weights, for pictures of 288 × 288."""
    return scaled(1.1, 1.2, 0.3, kwargs)


@model(EfficientNet_B3_Weights)
def efficientnet_b3(**kwargs):
    """EfficientNet-B3: 12.2 million weights, for pictures of 300 × 300."""
    return scaled(1.2, 1.4, 0.3, kwargs)


@model(EfficientNet_B4_Weights)
def efficientnet_b4(**kwargs):
    """EfficientNet-B4: 19.3 million weights, for pictures of 380 × 380."""
    return scaled(1.4, 1.8, 0.4, kwargs)


@model(EfficientNet_B5_Weights)
def efficientnet_b5(**kwargs):
    """EfficientNet-B5: 30.4 million weights, for pictures of 456 × 456."""
    return scaled(1.6, 2.2, 0.4, kwargs, eps=0.001, momentum=0.01)


@model(EfficientNet_B6_Weights)
def efficientnet_b6(**kwargs):
    """EfficientNet-B6: 43.0 million weights, for pictures of 528 × 528."""
    return scaled(1.8, 2.6, 0.5, kwargs, eps=0.001, momentum=0.01)


@model(EfficientNet_B7_Weights)
def efficientnet_b7(**kwargs):
    """EfficientNet-B7: 66.3 million weights, for pictures of 600 × 600."""
    return scaled(2.0, 3.1, 0.5, kwargs, eps=0.001, momentum=0.01)


@model(EfficientNet_V2_S_Weights)
def efficientnet_v2_s(**kwargs):
    """EfficientNetV2-S: 21.5 million weights, for pictures of 384 × 384."""
    return second(V2_S, 0.2, kwargs)


@model(EfficientNet_V2_M_Weights)
def efficientnet_v2_m(**kwargs):
    """EfficientNetV2-M: 54.1 million weights, for pictures of 480 × 480."""
    return second(V2_M, 0.3, kwargs)


@model(EfficientNet_V2_L_Weights)
def efficientnet_v2_l(**kwargs):
    """EfficientNetV2-L: 118.5 million weights, for pictures of 480 × 480."""
    return second(V2_L, 0.4, kwargs)
