"""ResNet and its kin: each block computes a correction that is added to what it was given.

Sources: He et al., "Deep Residual Learning for Image Recognition", 2015; Xie et al., "Aggregated
Residual Transformations", 2016 (ResNeXt: many narrow groups); Zagoruyko and Komodakis, "Wide
Residual Networks", 2016.
"""

from learntorch import nn
from learntorch.nn import init
from learntorch.vision.models._api import WeightsEnum, imagenet, model, must_agree

__all__ = [
    "ResNet", "ResNet101_Weights", "ResNet152_Weights", "ResNet18_Weights", "ResNet34_Weights",
    "ResNet50_Weights", "ResNeXt101_32X8D_Weights", "ResNeXt101_64X4D_Weights",
    "ResNeXt50_32X4D_Weights", "Wide_ResNet101_2_Weights", "Wide_ResNet50_2_Weights", "resnet101",
    "resnet152", "resnet18", "resnet34", "resnet50", "resnext101_32x8d", "resnext101_64x4d",
    "resnext50_32x4d", "wide_resnet101_2", "wide_resnet50_2",
]


def conv3x3(in_planes, out_planes, stride=1, groups=1, dilation=1):
    """A 3×3 convolution that keeps the picture's size, divided by `stride`."""
    return nn.Conv2d(in_planes, out_planes, 3, stride, padding=dilation, dilation=dilation,
                     groups=groups, bias=False)


def conv1x1(in_planes, out_planes, stride=1):
    """A 1×1 convolution: the same linear map of the channels at every place."""
    return nn.Conv2d(in_planes, out_planes, 1, stride, bias=False)


class BasicBlock(nn.Module):
    """relu(x + norm(W₂ ∗ relu(norm(W₁ ∗ x)))), both 3×3; `downsample` brings x into shape.

    (n, inplanes, h, w) → (n, planes, h / stride, w / stride).
    """

    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64,
                 dilation=1, norm_layer=None):
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        if groups != 1 or base_width != 64:
            raise ValueError("BasicBlock only supports groups=1 and base_width=64")
        if dilation > 1:
            raise NotImplementedError("Dilation > 1 not supported in BasicBlock")
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class Bottleneck(nn.Module):
    """relu(x + W₃ · relu(W₂ ∗ relu(W₁ x))), norms left out: the 3×3 map works on fewer channels.

    W₁ and W₃ are 1×1; the stride is that of W₂ ("ResNet v1.5"; in the paper it was W₁'s).
    (n, inplanes, h, w) → (n, 4 · planes, h / stride, w / stride).
    """

    expansion = 4

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64,
                 dilation=1, norm_layer=None):
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


class ResNet(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes), by four stages of `layers` blocks each.

    zero_init_residual: every block begins as x ↦ relu(x). groups, width_per_group: how the inner
    convolutions of Bottlenecks are divided, and how wide they are. replace_stride_with_dilation:
    for each of the last three stages whether it spreads its kernels instead of halving the size.
    """

    def __init__(self, block, layers, num_classes=1000, zero_init_residual=False, groups=1,
                 width_per_group=64, replace_stride_with_dilation=None, norm_layer=None):
        super().__init__()
        spread = replace_stride_with_dilation or [False, False, False]
        if len(spread) != 3:
            raise ValueError("replace_stride_with_dilation should be None or a 3-element tuple, "
                             f"got {replace_stride_with_dilation}")
        self._norm_layer = norm_layer or nn.BatchNorm2d
        self.inplanes = 64
        self.dilation = 1
        self.groups = groups
        self.base_width = width_per_group
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], 2, spread[0])
        self.layer3 = self._make_layer(block, 256, layers[2], 2, spread[1])
        self.layer4 = self._make_layer(block, 512, layers[3], 2, spread[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        self.apply(start)
        if zero_init_residual:
            for module in self.modules():
                if isinstance(module, BasicBlock | Bottleneck):
                    last = module.bn3 if isinstance(module, Bottleneck) else module.bn2
                    init.zeros_(last.weight)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        """One stage; its first block halves the size and changes the number of channels."""
        common = {"groups": self.groups, "base_width": self.base_width,
                  "norm_layer": self._norm_layer}
        before = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        out = planes * block.expansion
        shortcut = None
        if stride != 1 or self.inplanes != out:
            shortcut = nn.Sequential(conv1x1(self.inplanes, out, stride), self._norm_layer(out))
        made = [block(self.inplanes, planes, stride, shortcut, dilation=before, **common)]
        self.inplanes = out
        made += [block(out, planes, dilation=self.dilation, **common) for _ in range(1, blocks)]
        return nn.Sequential(*made)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def start(module):
    """The weights before training: scaled so that gradients keep their variance under relu."""
    if isinstance(module, nn.Conv2d):
        init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
        init.ones_(module.weight)
        init.zeros_(module.bias)


# ---- the files, and the models that have some ---------------------------------------------------

CLASSIC = "tree/main/references/classification#resnet"
NEXT = "tree/main/references/classification#resnext"
WIDE = "pull/912#issue-445437439"
NEW = "issues/3995#new-recipe"


class ResNet18_Weights(WeightsEnum):
    """Weights of `resnet18`."""

    IMAGENET1K_V1 = imagenet("resnet18-f37072fd", 11689512, (69.758, 89.078), 1.814, 44.661,
                             CLASSIC)
    DEFAULT = IMAGENET1K_V1


class ResNet34_Weights(WeightsEnum):
    """Weights of `resnet34`."""

    IMAGENET1K_V1 = imagenet("resnet34-b627a593", 21797672, (73.314, 91.42), 3.664, 83.275,
                             CLASSIC)
    DEFAULT = IMAGENET1K_V1


class ResNet50_Weights(WeightsEnum):
    """Weights of `resnet50`."""

    IMAGENET1K_V1 = imagenet("resnet50-0676ba61", 25557032, (76.13, 92.862), 4.089, 97.781,
                             CLASSIC)
    IMAGENET1K_V2 = imagenet("resnet50-11ad3fa6", 25557032, (80.858, 95.434), 4.089, 97.79,
                             "issues/3995#issuecomment-1013906621", resize_size=232)
    DEFAULT = IMAGENET1K_V2


class ResNet101_Weights(WeightsEnum):
    """Weights of `resnet101`."""

    IMAGENET1K_V1 = imagenet("resnet101-63fe2227", 44549160, (77.374, 93.546), 7.801, 170.511,
                             CLASSIC)
    IMAGENET1K_V2 = imagenet("resnet101-cd907fc2", 44549160, (81.886, 95.78), 7.801, 170.53,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class ResNet152_Weights(WeightsEnum):
    """Weights of `resnet152`."""

    IMAGENET1K_V1 = imagenet("resnet152-394f9c45", 60192808, (78.312, 94.046), 11.514, 230.434,
                             CLASSIC)
    IMAGENET1K_V2 = imagenet("resnet152-f82ba261", 60192808, (82.284, 96.002), 11.514, 230.474,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class ResNeXt50_32X4D_Weights(WeightsEnum):
    """Weights of `resnext50_32x4d`."""

    IMAGENET1K_V1 = imagenet("resnext50_32x4d-7cdf4587", 25028904, (77.618, 93.698), 4.23, 95.789,
                             NEXT)
    IMAGENET1K_V2 = imagenet("resnext50_32x4d-1a0047aa", 25028904, (81.198, 95.34), 4.23, 95.833,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class ResNeXt101_32X8D_Weights(WeightsEnum):
    """Weights of `resnext101_32x8d`."""

    IMAGENET1K_V1 = imagenet("resnext101_32x8d-8ba56ff5", 88791336, (79.312, 94.526), 16.414,
                             339.586, NEXT)
    IMAGENET1K_V2 = imagenet("resnext101_32x8d-110c445d", 88791336, (82.834, 96.228), 16.414,
                             339.673, NEW + "-with-fixres", resize_size=232)
    DEFAULT = IMAGENET1K_V2


class ResNeXt101_64X4D_Weights(WeightsEnum):
    """Weights of `resnext101_64x4d`."""

    IMAGENET1K_V1 = imagenet("resnext101_64x4d-173b62eb", 83455272, (83.246, 96.454), 15.46,
                             319.318, "pull/5935", resize_size=232)
    DEFAULT = IMAGENET1K_V1


class Wide_ResNet50_2_Weights(WeightsEnum):
    """Weights of `wide_resnet50_2`."""

    IMAGENET1K_V1 = imagenet("wide_resnet50_2-95faca4d", 68883240, (78.468, 94.086), 11.398,
                             131.82, WIDE)
    IMAGENET1K_V2 = imagenet("wide_resnet50_2-9ba9bcbe", 68883240, (81.602, 95.758), 11.398,
                             263.124, NEW + "-with-fixres", resize_size=232)
    DEFAULT = IMAGENET1K_V2


class Wide_ResNet101_2_Weights(WeightsEnum):
    """Weights of `wide_resnet101_2`."""

    IMAGENET1K_V1 = imagenet("wide_resnet101_2-32ee1156", 126886696, (78.848, 94.284), 22.753,
                             242.896, WIDE)
    IMAGENET1K_V2 = imagenet("wide_resnet101_2-d733dc28", 126886696, (82.51, 96.02), 22.753,
                             484.747, NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


@model(ResNet18_Weights)
def resnet18(**kwargs):
    """ResNet of 18 layers, in BasicBlocks: 11.7 million weights."""
    return ResNet(BasicBlock, [2, 2, 2, 2], **kwargs)


@model(ResNet34_Weights)
def resnet34(**kwargs):
    """ResNet of 34 layers, in BasicBlocks: 21.8 million weights."""
    return ResNet(BasicBlock, [3, 4, 6, 3], **kwargs)


@model(ResNet50_Weights)
def resnet50(**kwargs):
    """ResNet of 50 layers, in Bottlenecks: 25.6 million weights."""
    return ResNet(Bottleneck, [3, 4, 6, 3], **kwargs)


@model(ResNet101_Weights)
def resnet101(**kwargs):
    """ResNet of 101 layers, in Bottlenecks: 44.5 million weights."""
    return ResNet(Bottleneck, [3, 4, 23, 3], **kwargs)


@model(ResNet152_Weights)
def resnet152(**kwargs):
    """ResNet of 152 layers, in Bottlenecks: 60.2 million weights."""
    return ResNet(Bottleneck, [3, 8, 36, 3], **kwargs)


@model(ResNeXt50_32X4D_Weights)
def resnext50_32x4d(**kwargs):
    """ResNeXt of 50 layers with 32 groups of 4 channels: 25.0 million weights."""
    return grouped([3, 4, 6, 3], 32, 4, kwargs)


@model(ResNeXt101_32X8D_Weights)
def resnext101_32x8d(**kwargs):
    """ResNeXt of 101 layers with 32 groups of 8 channels: 88.8 million weights."""
    return grouped([3, 4, 23, 3], 32, 8, kwargs)


@model(ResNeXt101_64X4D_Weights)
def resnext101_64x4d(**kwargs):
    """ResNeXt of 101 layers with 64 groups of 4 channels: 83.5 million weights."""
    return grouped([3, 4, 23, 3], 64, 4, kwargs)


@model(Wide_ResNet50_2_Weights)
def wide_resnet50_2(**kwargs):
    """ResNet of 50 layers, the inner ones twice as wide: 68.9 million weights."""
    return grouped([3, 4, 6, 3], 1, 128, kwargs)


@model(Wide_ResNet101_2_Weights)
def wide_resnet101_2(**kwargs):
    """ResNet of 101 layers, the inner ones twice as wide: 126.9 million weights."""
    return grouped([3, 4, 23, 3], 1, 128, kwargs)


def grouped(layers, groups, width, kwargs):
    """A ResNet of Bottlenecks with so many groups of such a width. Raises ValueError for others."""
    must_agree(kwargs, "groups", groups)
    must_agree(kwargs, "width_per_group", width)
    return ResNet(Bottleneck, layers, **kwargs)
