"""Inception v3: large windows taken apart, 5×5 into two of 3×3 and 7×7 into 1×7 and 7×1.

Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2015.
"""

import warnings
from collections import namedtuple

from learntorch import nn
from learntorch.nn import functional as F
from learntorch.nn import init
from learntorch.ops.shape import cat
from learntorch.vision.models._api import WeightsEnum, imagenet, register
from learntorch.vision.models.googlenet import BasicConv2d, renormalised, with_sides

__all__ = ["Inception3", "InceptionOutputs", "Inception_V3_Weights", "inception_v3"]

InceptionOutputs = namedtuple("InceptionOutputs", ["logits", "aux_logits"])
LINE = {"kernel_size": (1, 7), "padding": (0, 3)}
COLUMN = {"kernel_size": (7, 1), "padding": (3, 0)}
SHORT_LINE = {"kernel_size": (1, 3), "padding": (0, 1)}
SHORT_COLUMN = {"kernel_size": (3, 1), "padding": (1, 0)}


class InceptionA(nn.Module):
    """Four looks side by side: 1×1, 5×5, 3×3 twice, the mean of 3×3."""

    def __init__(self, in_channels, pool_features, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1x1 = conv(in_channels, 64, kernel_size=1)
        self.branch5x5_1 = conv(in_channels, 48, kernel_size=1)
        self.branch5x5_2 = conv(48, 64, kernel_size=5, padding=2)
        self.branch3x3dbl_1 = conv(in_channels, 64, kernel_size=1)
        self.branch3x3dbl_2 = conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, kernel_size=3, padding=1)
        self.branch_pool = conv(in_channels, pool_features, kernel_size=1)

    def forward(self, x):
        return cat([self.branch1x1(x),
                    self.branch5x5_2(self.branch5x5_1(x)),
                    self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
                    self.branch_pool(mean_around(x))], 1)


def mean_around(x):
    """The mean of each place and its eight neighbours."""
    return F.avg_pool2d(x, 3, stride=1, padding=1)


class InceptionB(nn.Module):
    """Half the height and width: 3×3, 3×3 twice, the largest of 3×3."""

    def __init__(self, in_channels, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch3x3 = conv(in_channels, 384, kernel_size=3, stride=2)
        self.branch3x3dbl_1 = conv(in_channels, 64, kernel_size=1)
        self.branch3x3dbl_2 = conv(64, 96, kernel_size=3, padding=1)
        self.branch3x3dbl_3 = conv(96, 96, kernel_size=3, stride=2)

    def forward(self, x):
        return cat([self.branch3x3(x),
                    self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),
                    F.max_pool2d(x, 3, stride=2)], 1)


class InceptionC(nn.Module):
    """Four looks side by side: 1×1, 7×7, 7×7 twice, the mean of 3×3; 7×7 is a line and a column."""

    def __init__(self, in_channels, channels_7x7, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        c = channels_7x7
        self.branch1x1 = conv(in_channels, 192, kernel_size=1)
        self.branch7x7_1 = conv(in_channels, c, kernel_size=1)
        self.branch7x7_2 = conv(c, c, **LINE)
        self.branch7x7_3 = conv(c, 192, **COLUMN)
        self.branch7x7dbl_1 = conv(in_channels, c, kernel_size=1)
        self.branch7x7dbl_2 = conv(c, c, **COLUMN)
        self.branch7x7dbl_3 = conv(c, c, **LINE)
        self.branch7x7dbl_4 = conv(c, c, **COLUMN)
        self.branch7x7dbl_5 = conv(c, 192, **LINE)
        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def forward(self, x):
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        return cat([self.branch1x1(x),
                    self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x))),
                    self.branch7x7dbl_5(self.branch7x7dbl_4(twice)),
                    self.branch_pool(mean_around(x))], 1)


class InceptionD(nn.Module):
    """Half the height and width: 3×3, 7×7 and 3×3, the largest of 3×3."""

    def __init__(self, in_channels, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch3x3_1 = conv(in_channels, 192, kernel_size=1)
        self.branch3x3_2 = conv(192, 320, kernel_size=3, stride=2)
        self.branch7x7x3_1 = conv(in_channels, 192, kernel_size=1)
        self.branch7x7x3_2 = conv(192, 192, **LINE)
        self.branch7x7x3_3 = conv(192, 192, **COLUMN)
        self.branch7x7x3_4 = conv(192, 192, kernel_size=3, stride=2)

    def forward(self, x):
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return cat([self.branch3x3_2(self.branch3x3_1(x)),
                    self.branch7x7x3_4(seven),
                    F.max_pool2d(x, 3, stride=2)], 1)


class InceptionE(nn.Module):
    """Six looks side by side: 1×1, a line and a column, the same after 3×3, the mean of 3×3."""

    def __init__(self, in_channels, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1x1 = conv(in_channels, 320, kernel_size=1)
        self.branch3x3_1 = conv(in_channels, 384, kernel_size=1)
        self.branch3x3_2a = conv(384, 384, **SHORT_LINE)
        self.branch3x3_2b = conv(384, 384, **SHORT_COLUMN)
        self.branch3x3dbl_1 = conv(in_channels, 448, kernel_size=1)
        self.branch3x3dbl_2 = conv(448, 384, kernel_size=3, padding=1)
        self.branch3x3dbl_3a = conv(384, 384, **SHORT_LINE)
        self.branch3x3dbl_3b = conv(384, 384, **SHORT_COLUMN)
        self.branch_pool = conv(in_channels, 192, kernel_size=1)

    def forward(self, x):
        one = self.branch3x3_1(x)
        two = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        return cat([self.branch1x1(x),
                    self.branch3x3_2a(one), self.branch3x3_2b(one),
                    self.branch3x3dbl_3a(two), self.branch3x3dbl_3b(two),
                    self.branch_pool(mean_around(x))], 1)


class InceptionAux(nn.Module):
    """Scores from the middle of the network, for a loss that shortens the way of gradients."""

    def __init__(self, in_channels, num_classes, conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        self.conv0 = conv(in_channels, 128, kernel_size=1)
        self.conv1 = conv(128, 768, kernel_size=5)
        self.conv1.stddev = 0.01
        self.fc = nn.Linear(768, num_classes)
        self.fc.stddev = 0.001

    def forward(self, x):
        x = self.conv1(self.conv0(F.avg_pool2d(x, 5, stride=3)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Inception3(nn.Module):
    """Pictures (n, 3, h, w), at least 75 × 75, → scores (n, num_classes); in training, with
    `aux_logits`, those of a side too: (logits, aux_logits).

    transform_input: pictures come normalised as for other models, and are brought to (x − ½) / ½.
    init_weights: whether to draw weights again as in the paper's time (default, with a warning).
    """

    def __init__(self, num_classes=1000, aux_logits=True, transform_input=False,
                 inception_blocks=None, init_weights=None, dropout=0.5):
        super().__init__()
        if init_weights is None:
            warnings.warn("The default weight initialization of inception_v3 will be changed in "
                          "future releases of torchvision. If you wish to keep the old behavior "
                          "(which leads to long initialization times due to scipy/scipy#11299), "
                          "please set init_weights=True.", FutureWarning, stacklevel=2)
        blocks = inception_blocks or [BasicConv2d, InceptionA, InceptionB, InceptionC, InceptionD,
                                      InceptionE, InceptionAux]
        if len(blocks) != 7:
            raise ValueError(f"length of inception_blocks should be 7 instead of {len(blocks)}")
        conv, a, b, c, d, e, aux = blocks
        self.aux_logits = aux_logits
        self.transform_input = transform_input
        self.Conv2d_1a_3x3 = conv(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = conv(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = conv(32, 64, kernel_size=3, padding=1)
        self.maxpool1 = nn.MaxPool2d(3, stride=2)
        self.Conv2d_3b_1x1 = conv(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = conv(80, 192, kernel_size=3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2)
        self.Mixed_5b = a(192, pool_features=32)
        self.Mixed_5c = a(256, pool_features=64)
        self.Mixed_5d = a(288, pool_features=64)
        self.Mixed_6a = b(288)
        self.Mixed_6b = c(768, channels_7x7=128)
        self.Mixed_6c = c(768, channels_7x7=160)
        self.Mixed_6d = c(768, channels_7x7=160)
        self.Mixed_6e = c(768, channels_7x7=192)
        self.AuxLogits = aux(768, num_classes) if aux_logits else None
        self.Mixed_7a = d(768)
        self.Mixed_7b = e(1280)
        self.Mixed_7c = e(2048)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2048, num_classes)
        if init_weights is None or init_weights:
            for module in self.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    init.trunc_normal_(module.weight, std=getattr(module, "stddev", 0.1), a=-2, b=2)

    def forward(self, x):
        x = renormalised(x) if self.transform_input else x
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(self.maxpool1(x)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(self.maxpool2(x))))
        x = self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x))))
        x = self.Mixed_6e(x)
        sided = self.training and self.aux_logits
        side = self.AuxLogits(x) if sided else None
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        x = self.fc(self.dropout(self.avgpool(x)).flatten(1))
        return InceptionOutputs(x, side) if sided else x


class Inception_V3_Weights(WeightsEnum):
    """Weights of `inception_v3`."""

    IMAGENET1K_V1 = imagenet("inception_v3_google-0cc3c7bd", 27161264, (77.294, 93.45), 5.713,
                             103.903, "tree/main/references/classification#inception-v3",
                             min_size=75, crop=299, resize_size=342)
    DEFAULT = IMAGENET1K_V1


@register(Inception_V3_Weights)
def inception_v3(*, weights, progress, **kwargs):
    """Inception v3: 27.2 million weights, for pictures of 299 × 299."""
    kwargs.setdefault("aux_logits", True)
    return with_sides(Inception3, weights, progress, kwargs, ("AuxLogits",))
