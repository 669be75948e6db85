"""MNASNet: a network for telephones whose blocks a search has chosen.

Source: Tan et al., "MnasNet: Platform-Aware Neural Architecture Search for Mobile", 2018.
"""

import warnings

from learntorch import nn
from learntorch.nn import init
from learntorch.vision.models._api import WeightsEnum, imagenet, model
from learntorch.vision.models._utils import _make_divisible

__all__ = ["MNASNet", "MNASNet0_5_Weights", "MNASNet0_75_Weights", "MNASNet1_0_Weights",
           "MNASNet1_3_Weights", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3"]

_BN_MOMENTUM = 1 - 0.9997       # the paper's 0.9997 is how much of the old mean stays
WIDTHS = (32, 16, 24, 40, 80, 96, 192, 320)
# For each stack: kernel, stride, how much wider its blocks are inside, number of blocks.
STACKS = ((3, 2, 3, 3), (5, 2, 3, 3), (5, 2, 6, 3), (3, 1, 6, 2), (5, 2, 6, 4), (3, 1, 6, 1))


def normed(inp, oup, kernel=1, stride=1, groups=1):
    """A convolution and its norm, as a list of layers."""
    return [nn.Conv2d(inp, oup, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(oup, momentum=_BN_MOMENTUM)]


class _InvertedResidual(nn.Module):
    """x + W₃ · relu(W₂ ∗ relu(W₁ x)), norms left out: W₁ widens, W₂ sees single channels."""

    def __init__(self, in_ch, out_ch, kernel_size, stride, expansion_factor):
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        if kernel_size not in (3, 5):
            raise ValueError(f"kernel_size should be 3 or 5 instead of {kernel_size}")
        wide = in_ch * expansion_factor
        self.apply_residual = in_ch == out_ch and stride == 1
        self.layers = nn.Sequential(
            *normed(in_ch, wide), nn.ReLU(inplace=True),
            *normed(wide, wide, kernel_size, stride, wide), nn.ReLU(inplace=True),
            *normed(wide, out_ch))

    def forward(self, input):
        y = self.layers(input)
        return y + input if self.apply_residual else y


def stack(in_ch, out_ch, kernel, stride, widening, blocks):
    """Blocks one after the other, of which the first has the stride."""
    return nn.Sequential(*[
        _InvertedResidual(in_ch if i == 0 else out_ch, out_ch, kernel, stride if i == 0 else 1,
                          widening) for i in range(blocks)])


def stem(widths):
    """The first layers: a convolution, one of single channels, a 1×1 convolution."""
    return [*normed(3, widths[0], 3, 2), nn.ReLU(inplace=True),
            *normed(widths[0], widths[0], 3, 1, widths[0]), nn.ReLU(inplace=True),
            *normed(widths[0], widths[1])]


class MNASNet(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes); `alpha` scales all numbers of channels."""

    _version = 2        # files of version 1 have a stem of fixed width

    def __init__(self, alpha, num_classes=1000, dropout=0.2):
        super().__init__()
        if alpha <= 0.0:
            raise ValueError(f"alpha should be greater than 0.0 instead of {alpha}")
        self.alpha = alpha
        self.num_classes = num_classes
        widths = self._widths()
        stacks = [stack(a, b, *how) for a, b, how in zip(widths[1:], widths[2:], STACKS)]
        self.layers = nn.Sequential(*stem(widths), *stacks, *normed(widths[-1], 1280),
                                    nn.ReLU(inplace=True))
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True),
                                        nn.Linear(1280, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                init.kaiming_uniform_(module.weight, mode="fan_out", nonlinearity="sigmoid")
                init.zeros_(module.bias)

    def _widths(self):
        return [_make_divisible(width * self.alpha, 8) for width in WIDTHS]

    def forward(self, x):
        return self.classifier(self.layers(x).mean([2, 3]))

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
        version = local_metadata.get("version")
        if version not in (1, 2):
            raise ValueError(f"version should be set to 1 or 2 instead of {version}")
        if version == 1 and self.alpha != 1.0:
            first = [*stem(WIDTHS), stack(WIDTHS[1], self._widths()[2], *STACKS[0])]
            for i, layer in enumerate(first):
                self.layers[i] = layer
            self._version = 1
            warnings.warn("A new version of MNASNet model has been implemented. Your checkpoint "
                          "was saved using the previous version. This checkpoint will load and "
                          "work as before, but you may want to upgrade by training a newer model "
                          "or transfer learning from an updated ImageNet checkpoint.", stacklevel=2)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class MNASNet0_5_Weights(WeightsEnum):
    """Weights of `mnasnet0_5`."""

    IMAGENET1K_V1 = imagenet("mnasnet0.5_top1_67.823-3ffadce67e", 2218512, (67.734, 87.49), 0.104,
                             8.591, "https://github.com/1e100/mnasnet_trainer")
    DEFAULT = IMAGENET1K_V1


class MNASNet0_75_Weights(WeightsEnum):
    """Weights of `mnasnet0_75`."""

    IMAGENET1K_V1 = imagenet("mnasnet0_75-7090bc5f", 3170208, (71.18, 90.496), 0.215, 12.303,
                             "pull/6019", resize_size=232)
    DEFAULT = IMAGENET1K_V1


class MNASNet1_0_Weights(WeightsEnum):
    """Weights of `mnasnet1_0`."""

    IMAGENET1K_V1 = imagenet("mnasnet1.0_top1_73.512-f206786ef8", 4383312, (73.456, 91.51), 0.314,
                             16.915, "https://github.com/1e100/mnasnet_trainer")
    DEFAULT = IMAGENET1K_V1


class MNASNet1_3_Weights(WeightsEnum):
    """Weights of `mnasnet1_3`."""

    IMAGENET1K_V1 = imagenet("mnasnet1_3-a4c69d6f", 6282256, (76.506, 93.522), 0.526, 24.246,
                             "pull/6019", resize_size=232)
    DEFAULT = IMAGENET1K_V1


@model(MNASNet0_5_Weights)
def mnasnet0_5(**kwargs):
    """MNASNet of half the width: 2.2 million weights, 0.1 billion multiply-adds a picture."""
    return MNASNet(0.5, **kwargs)


@model(MNASNet0_75_Weights)
def mnasnet0_75(**kwargs):
    """MNASNet of three quarters of the width: 3.2 million weights."""
    return MNASNet(0.75, **kwargs)


@model(MNASNet1_0_Weights)
def mnasnet1_0(**kwargs):
    """MNASNet: 4.4 million weights, 0.3 billion multiply-adds a picture."""
    return MNASNet(1.0, **kwargs)


@model(MNASNet1_3_Weights)
def mnasnet1_3(**kwargs):
    """MNASNet, 1.3 times as wide: 6.3 million weights."""
    return MNASNet(1.3, **kwargs)
