"""DenseNet: each layer sees all that layers before it in its block have found.

Source: Huang et al., "Densely Connected Convolutional Networks", 2016.
"""

import re
from collections import OrderedDict

from learntorch import nn
from learntorch.core.tensor import Tensor
from learntorch.nn import functional as F
from learntorch.nn import init
from learntorch.ops.shape import cat
from learntorch.vision.models._api import WeightsEnum, imagenet, model

__all__ = ["DenseNet", "DenseNet121_Weights", "DenseNet161_Weights", "DenseNet169_Weights",
           "DenseNet201_Weights", "densenet121", "densenet161", "densenet169", "densenet201"]


class _DenseLayer(nn.Module):
    """W₂ ∗ f(W₁ f(x)), f a norm and a relu: `growth_rate` new channels from all that there are.

    W₁ is 1×1, to bn_size · growth_rate channels, W₂ 3×3. memory_efficient: f and W₁ are computed
    again in backward instead of kept.
    """

    def __init__(self, num_input_features, growth_rate, bn_size, drop_rate, memory_efficient=False):
        super().__init__()
        between = bn_size * growth_rate
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, between, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(between)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(between, growth_rate, 3, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def _narrowed(self, *features):
        return self.conv1(self.relu1(self.norm1(cat(features, 1))))

    def forward(self, input):
        features = [input] if isinstance(input, Tensor) else input
        if self.memory_efficient and any(t.requires_grad for t in features):
            from learntorch.utils.checkpoint import checkpoint
            x = checkpoint(self._narrowed, *features, use_reentrant=False)
        else:
            x = self._narrowed(*features)
        x = self.conv2(self.relu2(self.norm2(x)))
        return F.dropout(x, self.drop_rate, self.training) if self.drop_rate > 0 else x


class _DenseBlock(nn.ModuleDict):
    """Layers that are each given the input and what all before them made; gives all of it."""

    _version = 2

    def __init__(self, num_layers, num_input_features, bn_size, growth_rate, drop_rate,
                 memory_efficient=False):
        super().__init__()
        for i in range(num_layers):
            self.add_module(f"denselayer{i + 1}", _DenseLayer(
                num_input_features + i * growth_rate, growth_rate, bn_size, drop_rate,
                memory_efficient))

    def forward(self, init_features):
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return cat(features, 1)


class _Transition(nn.Sequential):
    """Between two blocks: fewer channels, and half the picture's height and width."""

    def __init__(self, num_input_features, num_output_features):
        super().__init__(OrderedDict(
            norm=nn.BatchNorm2d(num_input_features),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(num_input_features, num_output_features, 1, bias=False),
            pool=nn.AvgPool2d(2, stride=2)))


class DenseNet(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes), by blocks of `block_config` layers.

    growth_rate: channels that each layer adds ("k" in the paper); num_init_features: channels
    before the first block; bn_size: how many times `growth_rate` a layer has inside.
    """

    def __init__(self, growth_rate=32, block_config=(6, 12, 24, 16), num_init_features=64,
                 bn_size=4, drop_rate=0, num_classes=1000, memory_efficient=False):
        super().__init__()
        channels = num_init_features
        self.features = nn.Sequential(OrderedDict(
            conv0=nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(channels),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(3, stride=2, padding=1)))
        for i, layers in enumerate(block_config, 1):
            self.features.add_module(f"denseblock{i}", _DenseBlock(
                layers, channels, bn_size, growth_rate, drop_rate, memory_efficient))
            channels += layers * growth_rate
            if i < len(block_config):
                self.features.add_module(f"transition{i}", _Transition(channels, channels // 2))
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.Linear):
                init.zeros_(module.bias)

    def forward(self, x):
        x = F.relu(self.features(x), inplace=True)
        return self.classifier(F.adaptive_avg_pool2d(x, 1).flatten(1))


def undotted(state):
    """The files say "norm.1" where modules are called "norm1" since dots divide names."""
    return OrderedDict((re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.", r"\1\2.", key), t)
                       for key, t in state.items())


class DenseNet121_Weights(WeightsEnum):
    """Weights of `densenet121`."""

    IMAGENET1K_V1 = imagenet("densenet121-a639ec97", 7978856, (74.434, 91.972), 2.834, 30.845,
                             "pull/116", min_size=29)
    DEFAULT = IMAGENET1K_V1


class DenseNet161_Weights(WeightsEnum):
    """Weights of `densenet161`."""

    IMAGENET1K_V1 = imagenet("densenet161-8d451a50", 28681000, (77.138, 93.56), 7.728, 110.369,
                             "pull/116", min_size=29)
    DEFAULT = IMAGENET1K_V1


class DenseNet169_Weights(WeightsEnum):
    """Weights of `densenet169`."""

    IMAGENET1K_V1 = imagenet("densenet169-b2777c0a", 14149480, (75.6, 92.806), 3.36, 54.708,
                             "pull/116", min_size=29)
    DEFAULT = IMAGENET1K_V1


class DenseNet201_Weights(WeightsEnum):
    """Weights of `densenet201`."""

    IMAGENET1K_V1 = imagenet("densenet201-c1103571", 20013928, (76.896, 93.37), 4.291, 77.373,
                             "pull/116", min_size=29)
    DEFAULT = IMAGENET1K_V1


@model(DenseNet121_Weights, rename=undotted)
def densenet121(**kwargs):
    """DenseNet of 121 layers: 8 million weights."""
    return DenseNet(32, (6, 12, 24, 16), 64, **kwargs)


@model(DenseNet161_Weights, rename=undotted)
def densenet161(**kwargs):
    """DenseNet of 161 layers, the widest: 28.7 million weights."""
    return DenseNet(48, (6, 12, 36, 24), 96, **kwargs)


@model(DenseNet169_Weights, rename=undotted)
def densenet169(**kwargs):
    """DenseNet of 169 layers: 14.1 million weights."""
    return DenseNet(32, (6, 12, 32, 32), 64, **kwargs)


@model(DenseNet201_Weights, rename=undotted)
def densenet201(**kwargs):
    """DenseNet of 201 layers: 20.0 million weights."""
    return DenseNet(32, (6, 12, 48, 32), 64, **kwargs)
