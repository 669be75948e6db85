"""SqueezeNet: as right as AlexNet with a fiftieth of its weights.

Source: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016.
"""

from learntorch import nn
from learntorch.nn import init
from learntorch.ops.shape import cat
from learntorch.vision.models._api import WeightsEnum, imagenet, model

__all__ = ["SqueezeNet", "SqueezeNet1_0_Weights", "SqueezeNet1_1_Weights", "squeezenet1_0",
           "squeezenet1_1"]


class Fire(nn.Module):
    """[relu(W₁ s), relu(W₃ ∗ s)] with s = relu(W₀ x): few channels between, then 1×1 and 3×3."""

    def __init__(self, inplanes, squeeze_planes, expand1x1_planes, expand3x3_planes):
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, 1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, 1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, 3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x):
        s = self.squeeze_activation(self.squeeze(x))
        return cat([self.expand1x1_activation(self.expand1x1(s)),
                    self.expand3x3_activation(self.expand3x3(s))], 1)


class SqueezeNet(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes), which are means over the picture.

    version "1_1" pools earlier than "1_0" and is twice as fast. Raises ValueError for others.
    """

    def __init__(self, version="1_0", num_classes=1000, dropout=0.5):
        super().__init__()
        self.num_classes = num_classes
        fires = [(16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256),
                 (64, 256)]
        if version == "1_0":
            layers, channels, pools = [nn.Conv2d(3, 96, 7, stride=2)], 96, (0, 3, 7)
        elif version == "1_1":
            layers, channels, pools = [nn.Conv2d(3, 64, 3, stride=2)], 64, (0, 2, 4)
        else:
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        layers.append(nn.ReLU(inplace=True))
        for i, (narrow, wide) in enumerate(fires):
            if i in pools:
                layers.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
            layers.append(Fire(channels, narrow, wide, wide))
            channels = 2 * wide
        self.features = nn.Sequential(*layers)
        last = nn.Conv2d(512, num_classes, 1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), last, nn.ReLU(inplace=True),
                                        nn.AdaptiveAvgPool2d((1, 1)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is last:
                    init.normal_(module.weight, mean=0.0, std=0.01)
                else:
                    init.kaiming_uniform_(module.weight)
                init.zeros_(module.bias)

    def forward(self, x):
        return self.classifier(self.features(x)).flatten(1)


class SqueezeNet1_0_Weights(WeightsEnum):
    """Weights of `squeezenet1_0`."""

    IMAGENET1K_V1 = imagenet("squeezenet1_0-b66bff10", 1248424, (58.092, 80.42), 0.819, 4.778,
                             "pull/49#issuecomment-277560717", min_size=21)
    DEFAULT = IMAGENET1K_V1


class SqueezeNet1_1_Weights(WeightsEnum):
    """Weights of `squeezenet1_1`."""

    IMAGENET1K_V1 = imagenet("squeezenet1_1-b8a52dc0", 1235496, (58.178, 80.624), 0.349, 4.729,
                             "pull/49#issuecomment-277560717", min_size=17)
    DEFAULT = IMAGENET1K_V1


@model(SqueezeNet1_0_Weights)
def squeezenet1_0(**kwargs):
    """SqueezeNet as in the paper: 1.2 million weights, 0.8 billion multiply-adds a picture."""
    return SqueezeNet("1_0", **kwargs)


@model(SqueezeNet1_1_Weights)
def squeezenet1_1(**kwargs):
    """SqueezeNet by its authors' later recipe: 1.2 million weights, 0.3 billion multiply-adds."""
    return SqueezeNet("1_1", **kwargs)
