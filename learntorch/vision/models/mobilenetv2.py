"""MobileNetV2: networks for telephones, of convolutions that look at one channel at a time.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018.
"""

from learntorch import nn
from learntorch.nn import init
from learntorch.nn.functional import adaptive_avg_pool2d
from learntorch.vision.models._api import WeightsEnum, imagenet, model
from learntorch.vision.models._utils import _make_divisible
from learntorch.vision.ops.misc import Conv2dNormActivation

__all__ = ["MobileNetV2", "MobileNet_V2_Weights", "mobilenet_v2"]

# For each stage: how much wider it is inside, its channels, its blocks, the first one's stride.
STAGES = [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1],
          [6, 160, 3, 2], [6, 320, 1, 1]]


class InvertedResidual(nn.Module):
    """x + W₃ · ReLU6(W₂ ∗ ReLU6(W₁ x)): wide inside, narrow outside, with norms after each.

    W₁ (1×1) widens `expand_ratio` times, W₂ (3×3) handles each channel by itself, W₃ (1×1) narrows
    to `oup` without an activation. x is added where shapes allow. (n, inp, h, w) → (n, oup, h /
    stride, w / stride).
    """

    def __init__(self, inp, oup, stride, expand_ratio, norm_layer=None):
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm = norm_layer or nn.BatchNorm2d
        wide = int(round(inp * expand_ratio))
        common = {"norm_layer": norm, "activation_layer": nn.ReLU6}
        layers = [] if expand_ratio == 1 else [Conv2dNormActivation(inp, wide, 1, **common)]
        layers += [Conv2dNormActivation(wide, wide, stride=stride, groups=wide, **common),
                   nn.Conv2d(wide, oup, 1, bias=False),
                   norm(oup)]
        self.stride = stride
        self.use_res_connect = stride == 1 and inp == oup
        self.conv = nn.Sequential(*layers)
        self.out_channels = oup

    def forward(self, x):
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes).

    width_mult scales all numbers of channels, which are then rounded to multiples of
    `round_nearest`; inverted_residual_setting replaces `STAGES`.
    """

    def __init__(self, num_classes=1000, width_mult=1.0, inverted_residual_setting=None,
                 round_nearest=8, block=None, norm_layer=None, dropout=0.2):
        super().__init__()
        block = block or InvertedResidual
        norm = norm_layer or nn.BatchNorm2d
        stages = STAGES if inverted_residual_setting is None else inverted_residual_setting
        if not stages or len(stages[0]) != 4:
            raise ValueError("inverted_residual_setting should be non-empty or a 4-element list, "
                             f"got {inverted_residual_setting}")
        common = {"norm_layer": norm, "activation_layer": nn.ReLU6}
        channels = _make_divisible(32 * width_mult, round_nearest)
        self.last_channel = _make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features = [Conv2dNormActivation(3, channels, stride=2, **common)]
        for widening, out, blocks, stride in stages:
            out = _make_divisible(out * width_mult, round_nearest)
            for i in range(blocks):
                features.append(block(channels, out, stride if i == 0 else 1,
                                      expand_ratio=widening, norm_layer=norm))
                channels = out
        features.append(Conv2dNormActivation(channels, self.last_channel, 1, **common))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(dropout),
                                        nn.Linear(self.last_channel, num_classes))
        self.apply(start)

    def forward(self, x):
        x = adaptive_avg_pool2d(self.features(x), 1)
        return self.classifier(x.flatten(1))


def start(module):
    """The weights before training: scaled to keep the variance of gradients; small for classes."""
    if isinstance(module, nn.Conv2d):
        init.kaiming_normal_(module.weight, mode="fan_out")
    elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
        init.ones_(module.weight)
    elif isinstance(module, nn.Linear):
        init.normal_(module.weight, 0, 0.01)
    else:
        return
    if module.bias is not None:
        init.zeros_(module.bias)


class MobileNet_V2_Weights(WeightsEnum):
    """Weights of `mobilenet_v2`."""

    IMAGENET1K_V1 = imagenet("mobilenet_v2-b0353104", 3504872, (71.878, 90.286), 0.301, 13.555,
                             "tree/main/references/classification#mobilenetv2")
    IMAGENET1K_V2 = imagenet("mobilenet_v2-7ebf99e0", 3504872, (72.154, 90.822), 0.301, 13.598,
                             "issues/3995#new-recipe-with-reg-tuning", resize_size=232)
    DEFAULT = IMAGENET1K_V2


@model(MobileNet_V2_Weights)
def mobilenet_v2(**kwargs):
    """MobileNetV2 of the usual width: 3.5 million weights, 0.3 billion multiply-adds a picture."""
    return MobileNetV2(**kwargs)
