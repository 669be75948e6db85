"""MobileNetV3: MobileNetV2 with squeeze-and-excitation, hard swish, and sizes found by a search.

Source: Howard et al., "Searching for MobileNetV3", 2019, tables 1 and 2.
"""

from functools import partial

from learntorch import nn
from learntorch.vision.models._api import WeightsEnum, imagenet, model
from learntorch.vision.models._utils import _make_divisible
from learntorch.vision.models.mobilenetv2 import start
from learntorch.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation

__all__ = ["MobileNetV3", "MobileNet_V3_Large_Weights", "MobileNet_V3_Small_Weights",
           "mobilenet_v3_large", "mobilenet_v3_small"]

# A block a row: channels in, kernel, inner channels, channels out, squeeze-and-excitation,
# activation ("RE" relu, "HS" hard swish), stride. Three more follow, made by `settings`.
LARGE = [
    (16, 3, 16, 16, False, "RE", 1), (16, 3, 64, 24, False, "RE", 2),
    (24, 3, 72, 24, False, "RE", 1), (24, 5, 72, 40, True, "RE", 2),
    (40, 5, 120, 40, True, "RE", 1), (40, 5, 120, 40, True, "RE", 1),
    (40, 3, 240, 80, False, "HS", 2), (80, 3, 200, 80, False, "HS", 1),
    (80, 3, 184, 80, False, "HS", 1), (80, 3, 184, 80, False, "HS", 1),
    (80, 3, 480, 112, True, "HS", 1), (112, 3, 672, 112, True, "HS", 1),
]
SMALL = [
    (16, 3, 16, 16, True, "RE", 2), (16, 3, 72, 24, False, "RE", 2),
    (24, 3, 88, 24, False, "RE", 1), (24, 5, 96, 40, True, "HS", 2),
    (40, 5, 240, 40, True, "HS", 1), (40, 5, 240, 40, True, "HS", 1),
    (40, 5, 120, 48, True, "HS", 1), (48, 5, 144, 48, True, "HS", 1),
]


HARD = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)


class InvertedResidualConfig:
    """The sizes of one block, multiplied by `width_mult` and rounded to multiples of 8."""

    def __init__(self, input_channels, kernel, expanded_channels, out_channels, use_se, activation,
                 stride, dilation, width_mult):
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride = stride
        self.dilation = dilation

    @staticmethod
    def adjust_channels(channels, width_mult):
        """The number of channels, scaled and rounded."""
        return _make_divisible(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """x + W₃ · s(f(W₂ ∗ f(W₁ x))), norms left out: W₁ widens, W₂ sees single channels, W₃ narrows.

    s weighs the channels (`SqueezeExcitation`), f is relu or hard swish; x is added where shapes
    allow. All sizes are those of `cnf`.
    """

    def __init__(self, cnf, norm_layer, se_layer=HARD):
        super().__init__()
        if cnf.stride not in (1, 2):
            raise ValueError("illegal stride value")
        wide = cnf.expanded_channels
        activation = nn.Hardswish if cnf.use_hs else nn.ReLU
        block = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=activation)
        layers = [] if wide == cnf.input_channels else [block(cnf.input_channels, wide, 1)]
        layers.append(block(wide, wide, cnf.kernel, 1 if cnf.dilation > 1 else cnf.stride,
                            dilation=cnf.dilation, groups=wide))
        if cnf.use_se:
            layers.append(se_layer(wide, _make_divisible(wide // 4, 8)))
        layers.append(block(wide, cnf.out_channels, 1, activation_layer=None))
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels

    def forward(self, input):
        y = self.block(input)
        return y + input if self.use_res_connect else y


class MobileNetV3(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes).

    inverted_residual_setting: a list of `InvertedResidualConfig`, one a block; last_channel: the
    size of the layer before the scores. Raises ValueError or TypeError for other settings.
    """

    def __init__(self, inverted_residual_setting, last_channel, num_classes=1000, block=None,
                 norm_layer=None, dropout=0.2, **kwargs):
        super().__init__()
        settings = inverted_residual_setting
        if not settings:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not isinstance(settings, list | tuple) or not all(
                isinstance(s, InvertedResidualConfig) for s in settings):
            raise TypeError("The inverted_residual_setting should be List[InvertedResidualConfig]")
        block = block or InvertedResidual
        norm = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        common = {"norm_layer": norm, "activation_layer": nn.Hardswish}
        out = settings[-1].out_channels
        self.features = nn.Sequential(
            Conv2dNormActivation(3, settings[0].input_channels, stride=2, **common),
            *[block(setting, norm) for setting in settings],
            Conv2dNormActivation(out, 6 * out, 1, **common))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * out, last_channel),
            nn.Hardswish(inplace=True),
            nn.Dropout(dropout, inplace=True),
            nn.Linear(last_channel, num_classes))
        self.apply(start)

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def settings(rows, inside, out, width_mult, reduced_tail, dilated):
    """The blocks of `rows`, and a tail of three with `inside` and `out` channels.

    reduced_tail halves the tail's channels; dilated: it spreads its kernels instead of halving the
    picture.
    """
    part, spread = 2 if reduced_tail else 1, 2 if dilated else 1
    before, out = rows[-1][3], out // part
    tail = [(before, 5, inside[0], out, True, "HS", 2)]
    tail += [(out, 5, inside[1] // part, out, True, "HS", 1)] * 2
    return [InvertedResidualConfig(*row, 1, width_mult) for row in rows] + [
        InvertedResidualConfig(*row, spread, width_mult) for row in tail]


class MobileNet_V3_Large_Weights(WeightsEnum):
    """Weights of `mobilenet_v3_large`."""

    IMAGENET1K_V1 = imagenet("mobilenet_v3_large-8738ca79", 5483032, (74.042, 91.34), 0.217,
                             21.114, "tree/main/references/classification#mobilenetv3-large--small")
    IMAGENET1K_V2 = imagenet("mobilenet_v3_large-5c1a4163", 5483032, (75.274, 92.566), 0.217,
                             21.107, "issues/3995#new-recipe-with-reg-tuning", resize_size=232)
    DEFAULT = IMAGENET1K_V2


class MobileNet_V3_Small_Weights(WeightsEnum):
    """Weights of `mobilenet_v3_small`."""

    IMAGENET1K_V1 = imagenet("mobilenet_v3_small-047dcff4", 2542856, (67.668, 87.402), 0.057,
                             9.829, "tree/main/references/classification#mobilenetv3-large--small")
    DEFAULT = IMAGENET1K_V1


@model(MobileNet_V3_Large_Weights)
def mobilenet_v3_large(width_mult=1.0, reduced_tail=False, dilated=False, **kwargs):
    """The larger MobileNetV3: 5.5 million weights, 0.2 billion multiply-adds a picture."""
    last = InvertedResidualConfig.adjust_channels(1280 // (1 + reduced_tail), width_mult)
    return MobileNetV3(settings(LARGE, (672, 960), 160, width_mult, reduced_tail, dilated),
                       last, **kwargs)


@model(MobileNet_V3_Small_Weights)
def mobilenet_v3_small(width_mult=1.0, reduced_tail=False, dilated=False, **kwargs):
    """The smaller MobileNetV3: 2.5 million weights, 0.06 billion multiply-adds a picture."""
    last = InvertedResidualConfig.adjust_channels(1024 // (1 + reduced_tail), width_mult)
    return MobileNetV3(settings(SMALL, (288, 576), 96, width_mult, reduced_tail, dilated),
                       last, **kwargs)
