"""GoogLeNet: blocks that look at their input at several scales at once.

Source: Szegedy et al., "Going Deeper with Convolutions", 2014, table 1.
"""

import warnings
from collections import namedtuple

from learntorch import nn
from learntorch.nn import functional as F
from learntorch.nn import init
from learntorch.ops.shape import cat, stack
from learntorch.vision.models._api import WeightsEnum, imagenet, must_agree, register

__all__ = ["GoogLeNet", "GoogLeNetOutputs", "GoogLeNet_Weights", "googlenet"]

GoogLeNetOutputs = namedtuple("GoogLeNetOutputs", ["logits", "aux_logits2", "aux_logits1"])


class BasicConv2d(nn.Module):
    """relu(norm(W ∗ x)); the arguments are those of Conv2d."""

    def __init__(self, in_channels, out_channels, **kwargs):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """Four looks at x, side by side: 1×1; 1×1 then 3×3, twice; the largest of 3×3 then 1×1.

    The third was to be 5×5. It is 3×3 in all published weights, and so it is here.
    """

    def __init__(self, in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj,
                 conv_block=None):
        super().__init__()
        conv = conv_block or BasicConv2d
        self.branch1 = conv(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(conv(in_channels, ch3x3red, kernel_size=1),
                                     conv(ch3x3red, ch3x3, kernel_size=3, padding=1))
        self.branch3 = nn.Sequential(conv(in_channels, ch5x5red, kernel_size=1),
                                     conv(ch5x5red, ch5x5, kernel_size=3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True),
                                     conv(in_channels, pool_proj, kernel_size=1))

    def forward(self, x):
        return cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """Scores from the middle of the network, for a loss that shortens the way of gradients."""

    def __init__(self, in_channels, num_classes, conv_block=None, dropout=0.7):
        super().__init__()
        self.conv = (conv_block or BasicConv2d)(in_channels, 128, kernel_size=1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = self.conv(F.adaptive_avg_pool2d(x, (4, 4))).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(x), inplace=True)))


# Channels in, and those of the branches, for the blocks 3a to 5b.
BLOCKS = {
    "3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64), "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64), "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128), "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}


class GoogLeNet(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes); in training, with `aux_logits`, those of
    two sides too: (logits, aux_logits2, aux_logits1).

    transform_input: pictures come normalised as for other models, and are brought to (x − ½) / ½.
    init_weights: whether to draw weights again as in the paper's time (default, with a warning).
    """

    def __init__(self, num_classes=1000, aux_logits=True, transform_input=False, init_weights=None,
                 blocks=None, dropout=0.2, dropout_aux=0.7):
        super().__init__()
        if init_weights is None:
            warnings.warn("The default weight initialization of GoogleNet will be changed in "
                          "future releases of torchvision. If you wish to keep the old behavior "
                          "(which leads to long initialization times due to scipy/scipy#11299), "
                          "please set init_weights=True.", FutureWarning, stacklevel=2)
        blocks = [BasicConv2d, Inception, InceptionAux] if blocks is None else blocks
        if len(blocks) != 3:
            raise ValueError(f"blocks length should be 3 instead of {len(blocks)}")
        conv, inception, aux = blocks
        self.aux_logits = aux_logits
        self.transform_input = transform_input
        self.conv1 = conv(3, 64, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = conv(64, 64, kernel_size=1)
        self.conv3 = conv(64, 192, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        for name, channels in BLOCKS.items():
            setattr(self, f"inception{name}", inception(*channels))
            if name == "3b":
                self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
            elif name == "4e":
                self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.aux1 = aux(512, num_classes, dropout=dropout_aux) if aux_logits else None
        self.aux2 = aux(528, num_classes, dropout=dropout_aux) if aux_logits else None
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, num_classes)
        if init_weights is None or init_weights:
            for module in self.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    init.trunc_normal_(module.weight, std=0.01, a=-2, b=2)

    def forward(self, x):
        x = renormalised(x) if self.transform_input else x
        x = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(x)))))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        x = early = self.inception4a(x)
        x = late = self.inception4d(self.inception4c(self.inception4b(x)))
        x = self.maxpool4(self.inception4e(x))
        x = self.inception5b(self.inception5a(x))
        if not (self.training and self.aux_logits):
            return self.fc(self.dropout(self.avgpool(x).flatten(1)))
        first, second = self.aux1(early), self.aux2(late)
        return GoogLeNetOutputs(self.fc(self.dropout(self.avgpool(x).flatten(1))), second, first)


def renormalised(x):
    """Pictures normalised by ImageNet's mean and deviation, as (x − ½) / ½."""
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return stack([x[:, i] * (deviation[i] / 0.5) + (mean[i] - 0.5) / 0.5 for i in range(3)], 1)


def with_sides(kind, weights, progress, kwargs, sides):
    """A model of a `kind` whose file holds side scores, too, which are left out unless asked for.

    sides: the modules that make them. Without a file nothing is special.
    """
    if weights is None:
        return kind(**kwargs)
    wanted = kwargs.pop("aux_logits", False)
    kwargs.setdefault("transform_input", True)
    for name, value in (("init_weights", False), ("num_classes", 1000)):
        must_agree(kwargs, name, value)
    made = kind(aux_logits=True, **kwargs)
    made.load_state_dict(weights.get_state_dict(progress=progress, check_hash=True))
    if not wanted:
        made.aux_logits = False
        for name in sides:
            setattr(made, name, None)
    return made


class GoogLeNet_Weights(WeightsEnum):
    """Weights of `googlenet`."""

    IMAGENET1K_V1 = imagenet("googlenet-1378be20", 6624904, (69.778, 89.53), 1.498, 49.731,
                             "tree/main/references/classification#googlenet", min_size=15)
    DEFAULT = IMAGENET1K_V1


@register(GoogLeNet_Weights)
def googlenet(*, weights, progress, **kwargs):
    """GoogLeNet: 6.6 million weights. Its side scores in the file are not trained."""
    if weights is not None and kwargs.get("aux_logits"):
        warnings.warn("auxiliary heads in the pretrained googlenet model are NOT pretrained, so "
                      "make sure to train them", stacklevel=3)
    return with_sides(GoogLeNet, weights, progress, kwargs, ("aux1", "aux2"))
