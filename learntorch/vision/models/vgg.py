"""VGG: nothing but 3×3 convolutions, which get deeper and narrower picture by picture.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", 2014, table 1.
"""

from learntorch import nn
from learntorch.nn import init
from learntorch.vision.models._api import WeightsEnum, imagenet, model

__all__ = ["VGG", "VGG11_BN_Weights", "VGG11_Weights", "VGG13_BN_Weights", "VGG13_Weights",
           "VGG16_BN_Weights", "VGG16_Weights", "VGG19_BN_Weights", "VGG19_Weights", "vgg11",
           "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]

# Channels of each convolution; "M" halves the picture.
cfgs = {
    "A": [64, "M", 128, "M", *[256] * 2, "M", *[512] * 2, "M", *[512] * 2, "M"],
    "B": [*[64] * 2, "M", *[128] * 2, "M", *[256] * 2, "M", *[512] * 2, "M", *[512] * 2, "M"],
    "D": [*[64] * 2, "M", *[128] * 2, "M", *[256] * 3, "M", *[512] * 3, "M", *[512] * 3, "M"],
    "E": [*[64] * 2, "M", *[128] * 2, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"],
}


class VGG(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes): `features`, and three linear layers.

    init_weights: whether to begin with weights for deep networks, or with those of each layer.
    """

    def __init__(self, features, num_classes=1000, init_weights=True, dropout=0.5):
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(4096, num_classes))
        if init_weights:
            self.apply(start)

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def start(module):
    """The weights before training: scaled to keep the variance of gradients; small for classes."""
    if isinstance(module, nn.Conv2d):
        init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        init.normal_(module.weight, 0, 0.01)
    else:
        return      # a norm begins with ones and zeros by itself
    if module.bias is not None:
        init.zeros_(module.bias)


def make_layers(cfg, batch_norm=False):
    """The convolutions of a list such as those in `cfgs`, each with a relu after it."""
    layers, channels = [], 3
    for v in cfg:
        if v == "M":
            layers.append(nn.MaxPool2d(2, stride=2))
            continue
        layers.append(nn.Conv2d(channels, v, 3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(v))
        layers.append(nn.ReLU(inplace=True))
        channels = v
    return nn.Sequential(*layers)


def unstarted(weights):
    """What is loaded from a file need not be drawn before."""
    return {"init_weights": False}


RECIPE = "tree/main/references/classification#alexnet-and-vgg"


class VGG11_Weights(WeightsEnum):
    """Weights of `vgg11`."""

    IMAGENET1K_V1 = imagenet("vgg11-8a719046", 132863336, (69.02, 88.628), 7.609, 506.84, RECIPE,
                             min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG11_BN_Weights(WeightsEnum):
    """Weights of `vgg11_bn`."""

    IMAGENET1K_V1 = imagenet("vgg11_bn-6002323d", 132868840, (70.37, 89.81), 7.609, 506.881, RECIPE,
                             min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG13_Weights(WeightsEnum):
    """Weights of `vgg13`."""

    IMAGENET1K_V1 = imagenet("vgg13-19584684", 133047848, (69.928, 89.246), 11.308, 507.545, RECIPE,
                             min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG13_BN_Weights(WeightsEnum):
    """Weights of `vgg13_bn`."""

    IMAGENET1K_V1 = imagenet("vgg13_bn-abd245e5", 133053736, (71.586, 90.374), 11.308, 507.59,
                             RECIPE, min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG16_Weights(WeightsEnum):
    """Weights of `vgg16`."""

    IMAGENET1K_V1 = imagenet("vgg16-397923af", 138357544, (71.592, 90.382), 15.47, 527.796, RECIPE,
                             min_size=32)
    IMAGENET1K_FEATURES = imagenet("vgg16_features-amdegroot-88682ab5", 138357544,
                                   (float("nan"), float("nan")), 15.47, 527.802,
                                   "https://github.com/amdegroot/ssd.pytorch#training-ssd",
                                   min_size=32, mean=(0.48235, 0.45882, 0.40784),
                                   std=(1 / 255, 1 / 255, 1 / 255))
    DEFAULT = IMAGENET1K_V1


class VGG16_BN_Weights(WeightsEnum):
    """Weights of `vgg16_bn`."""

    IMAGENET1K_V1 = imagenet("vgg16_bn-6c64b313", 138365992, (73.36, 91.516), 15.47, 527.866,
                             RECIPE, min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG19_Weights(WeightsEnum):
    """Weights of `vgg19`."""

    IMAGENET1K_V1 = imagenet("vgg19-dcbb9e9d", 143667240, (72.376, 90.876), 19.632, 548.051, RECIPE,
                             min_size=32)
    DEFAULT = IMAGENET1K_V1


class VGG19_BN_Weights(WeightsEnum):
    """Weights of `vgg19_bn`."""

    IMAGENET1K_V1 = imagenet("vgg19_bn-c79401a0", 143678248, (74.218, 91.842), 19.632, 548.143,
                             RECIPE, min_size=32)
    DEFAULT = IMAGENET1K_V1


@model(VGG11_Weights, unstarted)
def vgg11(**kwargs):
    """VGG of 11 layers, "A" in the paper: 133 million weights."""
    return VGG(make_layers(cfgs["A"]), **kwargs)


@model(VGG11_BN_Weights, unstarted)
def vgg11_bn(**kwargs):
    """VGG of 11 layers with batch norm."""
    return VGG(make_layers(cfgs["A"], True), **kwargs)


@model(VGG13_Weights, unstarted)
def vgg13(**kwargs):
    """VGG of 13 layers, "B" in the paper: 133 million weights."""
    return VGG(make_layers(cfgs["B"]), **kwargs)


@model(VGG13_BN_Weights, unstarted)
def vgg13_bn(**kwargs):
    """VGG of 13 layers with batch norm."""
    return VGG(make_layers(cfgs["B"], True), **kwargs)


@model(VGG16_Weights, unstarted)
def vgg16(**kwargs):
    """VGG of 16 layers, "D" in the paper: 138 million weights."""
    return VGG(make_layers(cfgs["D"]), **kwargs)


@model(VGG16_BN_Weights, unstarted)
def vgg16_bn(**kwargs):
    """VGG of 16 layers with batch norm."""
    return VGG(make_layers(cfgs["D"], True), **kwargs)


@model(VGG19_Weights, unstarted)
def vgg19(**kwargs):
    """VGG of 19 layers, "E" in the paper: 144 million weights."""
    return VGG(make_layers(cfgs["E"]), **kwargs)


@model(VGG19_BN_Weights, unstarted)
def vgg19_bn(**kwargs):
    """VGG of 19 layers with batch norm."""
    return VGG(make_layers(cfgs["E"], True), **kwargs)
