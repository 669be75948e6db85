"""ShuffleNet v2: half the channels pass each block untouched, then the halves are shuffled.

Source: Ma et al., "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
2018.
"""

from learntorch import nn
from learntorch.ops.shape import cat
from learntorch.vision.models._api import WeightsEnum, imagenet, model

__all__ = ["ShuffleNetV2", "ShuffleNet_V2_X0_5_Weights", "ShuffleNet_V2_X1_0_Weights",
           "ShuffleNet_V2_X1_5_Weights", "ShuffleNet_V2_X2_0_Weights", "shufflenet_v2_x0_5",
           "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0"]


def channel_shuffle(x, groups):
    """The channels of all groups in turn: 0 1 2 | 3 4 5 → 0 3 1 4 2 5."""
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


def pointwise(inp, oup):
    """relu(norm(W x)), W 1×1, as a list of layers."""
    return [nn.Conv2d(inp, oup, 1, bias=False), nn.BatchNorm2d(oup), nn.ReLU(inplace=True)]


class InvertedResidual(nn.Module):
    """[x₁, f(x₂)] shuffled, x₁ and x₂ halves of the channels; with a stride [f₁(x), f₂(x)].

    (n, inp, h, w) → (n, oup, h / stride, w / stride). Raises ValueError where sizes do not fit.
    """

    def __init__(self, inp, oup, stride):
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError("illegal stride value")
        half = oup // 2
        if stride == 1 and inp != 2 * half:
            raise ValueError(f"Invalid combination of stride {stride}, inp {inp} and oup {oup} "
                             "values. If stride == 1 then inp should be equal to oup // 2 << 1.")
        self.stride = stride
        self.branch1 = nn.Sequential()
        if stride > 1:
            self.branch1 = nn.Sequential(self.depthwise_conv(inp, inp, 3, stride, 1),
                                         nn.BatchNorm2d(inp), *pointwise(inp, half))
        self.branch2 = nn.Sequential(*pointwise(inp if stride > 1 else half, half),
                                     self.depthwise_conv(half, half, 3, stride, 1),
                                     nn.BatchNorm2d(half), *pointwise(half, half))

    @staticmethod
    def depthwise_conv(i, o, kernel_size, stride=1, padding=0, bias=False):
        """A convolution that handles each channel by itself."""
        return nn.Conv2d(i, o, kernel_size, stride, padding, bias=bias, groups=i)

    def forward(self, x):
        if self.stride == 1:
            kept, x = x.chunk(2, dim=1)
        else:
            kept = self.branch1(x)
        return channel_shuffle(cat([kept, self.branch2(x)], 1), 2)


class ShuffleNetV2(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes).

    stages_repeats: blocks of the three stages; stages_out_channels: channels after the first layer,
    the three stages and the last layer. Raises ValueError for other numbers of them.
    """

    def __init__(self, stages_repeats, stages_out_channels, num_classes=1000,
                 inverted_residual=InvertedResidual):
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("expected stages_out_channels as list of 5 positive ints")
        self._stage_out_channels = stages_out_channels
        first, *stages, last = stages_out_channels
        self.conv1 = nn.Sequential(nn.Conv2d(3, first, 3, stride=2, padding=1, bias=False),
                                   nn.BatchNorm2d(first), nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = first
        for i, (repeats, out) in enumerate(zip(stages_repeats, stages), 2):
            setattr(self, f"stage{i}", nn.Sequential(
                inverted_residual(channels, out, 2),
                *[inverted_residual(out, out, 1) for _ in range(repeats - 1)]))
            channels = out
        self.conv5 = nn.Sequential(*pointwise(channels, last))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x):
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.stage4(self.stage3(self.stage2(x))))
        return self.fc(x.mean([2, 3]))


TRAINER = "https://github.com/ericsun99/Shufflenet-v2-Pytorch"


class ShuffleNet_V2_X0_5_Weights(WeightsEnum):
    """Weights of `shufflenet_v2_x0_5`."""

    IMAGENET1K_V1 = imagenet("shufflenetv2_x0.5-f707e7126e", 1366792, (60.552, 81.746), 0.04, 5.282,
                             TRAINER)
    DEFAULT = IMAGENET1K_V1


class ShuffleNet_V2_X1_0_Weights(WeightsEnum):
    """Weights of `shufflenet_v2_x1_0`."""

    IMAGENET1K_V1 = imagenet("shufflenetv2_x1-5666bf0f80", 2278604, (69.362, 88.316), 0.145, 8.791,
                             TRAINER)
    DEFAULT = IMAGENET1K_V1


class ShuffleNet_V2_X1_5_Weights(WeightsEnum):
    """Weights of `shufflenet_v2_x1_5`."""

    IMAGENET1K_V1 = imagenet("shufflenetv2_x1_5-3c479a10", 3503624, (72.996, 91.086), 0.296, 13.557,
                             "pull/5906", resize_size=232)
    DEFAULT = IMAGENET1K_V1


class ShuffleNet_V2_X2_0_Weights(WeightsEnum):
    """Weights of `shufflenet_v2_x2_0`."""

    IMAGENET1K_V1 = imagenet("shufflenetv2_x2_0-8be3c8ee", 7393996, (76.23, 93.006), 0.583, 28.433,
                             "pull/5906", resize_size=232)
    DEFAULT = IMAGENET1K_V1


@model(ShuffleNet_V2_X0_5_Weights)
def shufflenet_v2_x0_5(**kwargs):
    """ShuffleNet v2 of half the width: 1.4 million weights, 0.04 billion multiply-adds."""
    return ShuffleNetV2([4, 8, 4], [24, 48, 96, 192, 1024], **kwargs)


@model(ShuffleNet_V2_X1_0_Weights)
def shufflenet_v2_x1_0(**kwargs):
    """ShuffleNet v2: 2.3 million weights, 0.15 billion multiply-adds a picture."""
    return ShuffleNetV2([4, 8, 4], [24, 116, 232, 464, 1024], **kwargs)


@model(ShuffleNet_V2_X1_5_Weights)
def shufflenet_v2_x1_5(**kwargs):
    """ShuffleNet v2, 1.5 times as wide: 3.5 million weights."""
    return ShuffleNetV2([4, 8, 4], [24, 176, 352, 704, 1024], **kwargs)


@model(ShuffleNet_V2_X2_0_Weights)
def shufflenet_v2_x2_0(**kwargs):
    """ShuffleNet v2, twice as wide: 7.4 million weights."""
    return ShuffleNetV2([4, 8, 4], [24, 244, 488, 976, 2048], **kwargs)
