"""RegNet: networks whose widths follow a straight line, the best of a space of such networks.

Source: Radosavovic et al., "Designing Network Design Spaces", 2020. Y is X with weighed channels
(`SqueezeExcitation`); the numbers in the names are multiply-adds for a picture.
"""

from collections import OrderedDict
from functools import partial
from math import log, sqrt

from learntorch import nn
from learntorch.nn import init
from learntorch.vision.models._api import WeightsEnum, imagenet, model
from learntorch.vision.models._utils import _make_divisible
from learntorch.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation
from learntorch.vision.transforms.interpolation import InterpolationMode

__all__ = [
    "RegNet", "RegNet_X_16GF_Weights", "RegNet_X_1_6GF_Weights", "RegNet_X_32GF_Weights",
    "RegNet_X_3_2GF_Weights", "RegNet_X_400MF_Weights", "RegNet_X_800MF_Weights",
    "RegNet_X_8GF_Weights", "RegNet_Y_128GF_Weights", "RegNet_Y_16GF_Weights",
    "RegNet_Y_1_6GF_Weights", "RegNet_Y_32GF_Weights", "RegNet_Y_3_2GF_Weights",
    "RegNet_Y_400MF_Weights", "RegNet_Y_800MF_Weights", "RegNet_Y_8GF_Weights", "regnet_x_16gf",
    "regnet_x_1_6gf", "regnet_x_32gf", "regnet_x_3_2gf", "regnet_x_400mf", "regnet_x_800mf",
    "regnet_x_8gf", "regnet_y_128gf", "regnet_y_16gf", "regnet_y_1_6gf", "regnet_y_32gf",
    "regnet_y_3_2gf", "regnet_y_400mf", "regnet_y_800mf", "regnet_y_8gf",
]


class SimpleStemIN(Conv2dNormActivation):
    """The first layer: a 3×3 convolution with stride 2."""

    def __init__(self, width_in, width_out, norm_layer, activation_layer):
        super().__init__(width_in, width_out, 3, 2, norm_layer=norm_layer,
                         activation_layer=activation_layer)


class BottleneckTransform(nn.Sequential):
    """W₃ · s(relu(W₂ ∗ relu(W₁ x))), norms left out: W₂ (3×3) in groups of `group_width` channels.

    s weighs the channels, in a layer of `se_ratio` times the width of x; it may be left out.
    """

    def __init__(self, width_in, width_out, stride, norm_layer, activation_layer, group_width,
                 bottleneck_multiplier, se_ratio):
        block = partial(Conv2dNormActivation, norm_layer=norm_layer,
                        activation_layer=activation_layer)
        inside = int(round(width_out * bottleneck_multiplier))
        layers = OrderedDict(
            a=block(width_in, inside, 1),
            b=block(inside, inside, 3, stride, groups=inside // group_width))
        if se_ratio:
            layers["se"] = SqueezeExcitation(inside, int(round(se_ratio * width_in)),
                                             activation=activation_layer)
        layers["c"] = block(inside, width_out, 1, activation_layer=None)
        super().__init__(layers)


class ResBottleneckBlock(nn.Module):
    """relu(x + f(x)), f a `BottleneckTransform`; `proj` brings x into shape where it must."""

    def __init__(self, width_in, width_out, stride, norm_layer, activation_layer, group_width=1,
                 bottleneck_multiplier=1.0, se_ratio=None):
        super().__init__()
        self.proj = None
        if width_in != width_out or stride != 1:
            self.proj = Conv2dNormActivation(width_in, width_out, 1, stride, norm_layer=norm_layer,
                                             activation_layer=None)
        self.f = BottleneckTransform(width_in, width_out, stride, norm_layer, activation_layer,
                                     group_width, bottleneck_multiplier, se_ratio)
        self.activation = activation_layer(inplace=True)

    def forward(self, x):
        return self.activation((x if self.proj is None else self.proj(x)) + self.f(x))


class AnyStage(nn.Sequential):
    """`depth` blocks of one width, of which the first has the stride."""

    def __init__(self, width_in, width_out, stride, depth, block_constructor, norm_layer,
                 activation_layer, group_width, bottleneck_multiplier, se_ratio=None,
                 stage_index=0):
        super().__init__(OrderedDict(
            (f"block{stage_index}-{i}", block_constructor(
                width_out if i else width_in, width_out, 1 if i else stride, norm_layer,
                activation_layer, group_width, bottleneck_multiplier, se_ratio))
            for i in range(depth)))


class BlockParams:
    """For each stage: how many blocks, their width, width of groups, widening inside, stride."""

    def __init__(self, depths, widths, group_widths, bottleneck_multipliers, strides,
                 se_ratio=None):
        self.depths = depths
        self.widths = widths
        self.group_widths = group_widths
        self.bottleneck_multipliers = bottleneck_multipliers
        self.strides = strides
        self.se_ratio = se_ratio

    @classmethod
    def from_init_params(cls, depth, w_0, w_a, w_m, group_width, bottleneck_multiplier=1.0,
                         se_ratio=None, **kwargs):
        """The stages of a network of `depth` blocks, block j about w_0 + w_a · j wide.

        Widths are rounded to the nearest w_0 · w_m^s with a whole number s, then to a multiple of 8
        and to whole groups; blocks of one width are one stage. Raises ValueError. (eq. 2 to 4)
        """
        if w_a < 0 or w_0 <= 0 or w_m <= 1 or w_0 % 8 != 0:
            raise ValueError("Invalid RegNet settings")
        steps = [round(log((w_0 + w_a * j) / w_0) / log(w_m)) for j in range(depth)]
        every = [round(w_0 * w_m ** s / 8) * 8 for s in steps]
        widths, groups = [], []
        for width in sorted(set(every)):
            inside = int(width * bottleneck_multiplier)
            groups.append(min(group_width, inside))
            widths.append(int(_make_divisible(inside, groups[-1]) / bottleneck_multiplier))
        n = len(widths)
        return cls([every.count(width) for width in sorted(set(every))], widths, groups,
                   [bottleneck_multiplier] * n, [2] * n, se_ratio)

    def stages(self):
        """(width, stride, depth, width of groups, widening) of each stage."""
        return zip(self.widths, self.strides, self.depths, self.group_widths,
                   self.bottleneck_multipliers)


class RegNet(nn.Module):
    """Pictures (n, 3, h, w) → scores (n, num_classes), by the stages of `block_params`."""

    def __init__(self, block_params, num_classes=1000, stem_width=32, stem_type=None,
                 block_type=None, norm_layer=None, activation=None):
        super().__init__()
        norm, activation = norm_layer or nn.BatchNorm2d, activation or nn.ReLU
        self.stem = (stem_type or SimpleStemIN)(3, stem_width, norm, activation)
        stages, width = OrderedDict(), stem_width
        for i, (out, stride, depth, *how) in enumerate(block_params.stages(), 1):
            stages[f"block{i}"] = AnyStage(width, out, stride, depth,
                                           block_type or ResBottleneckBlock, norm, activation, *how,
                                           block_params.se_ratio, stage_index=i)
            width = out
        self.trunk_output = nn.Sequential(stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                k = module.kernel_size
                init.normal_(module.weight, std=sqrt(2 / (k[0] * k[1] * module.out_channels)))
            elif isinstance(module, nn.Linear):
                init.normal_(module.weight, std=0.01)
                init.zeros_(module.bias)

    def forward(self, x):
        return self.fc(self.avgpool(self.trunk_output(self.stem(x))).flatten(1))


def designed(depth, w_0, w_a, w_m, group_width, se_ratio, kwargs):
    """The RegNet of these five numbers, the design of a network."""
    params = BlockParams.from_init_params(depth, w_0, w_a, w_m, group_width, se_ratio=se_ratio,
                                          **kwargs)
    return RegNet(params, **kwargs)


# ---- the files, and the models that have some ---------------------------------------------------

BICUBIC = InterpolationMode.BICUBIC
SMALL = "tree/main/references/classification#small-models"
MEDIUM = "tree/main/references/classification#medium-models"
LARGE = "tree/main/references/classification#large-models"
NEW = "issues/3995#new-recipe"
FIXRES = "issues/3995#new-recipe-with-fixres"
SWAG = "https://github.com/facebookresearch/SWAG/blob/main/LICENSE"
SWAG_RECIPE = "https://github.com/facebookresearch/SWAG"


class RegNet_Y_400MF_Weights(WeightsEnum):
    """Weights of `regnet_y_400mf`."""

    IMAGENET1K_V1 = imagenet("regnet_y_400mf-c65dace8", 4344144, (74.046, 91.716), 0.402, 16.806,
                             SMALL)
    IMAGENET1K_V2 = imagenet("regnet_y_400mf-e6988f5f", 4344144, (75.804, 92.742), 0.402, 16.806,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class RegNet_Y_800MF_Weights(WeightsEnum):
    """Weights of `regnet_y_800mf`."""

    IMAGENET1K_V1 = imagenet("regnet_y_800mf-1b27b58c", 6432512, (76.42, 93.136), 0.834, 24.774,
                             SMALL)
    IMAGENET1K_V2 = imagenet("regnet_y_800mf-58fc7688", 6432512, (78.828, 94.502), 0.834, 24.774,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class RegNet_Y_1_6GF_Weights(WeightsEnum):
    """Weights of `regnet_y_1_6gf`."""

    IMAGENET1K_V1 = imagenet("regnet_y_1_6gf-b11a554e", 11202430, (77.95, 93.966), 1.612, 43.152,
                             SMALL)
    IMAGENET1K_V2 = imagenet("regnet_y_1_6gf-0d7bc02a", 11202430, (80.876, 95.444), 1.612, 43.152,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class RegNet_Y_3_2GF_Weights(WeightsEnum):
    """Weights of `regnet_y_3_2gf`."""

    IMAGENET1K_V1 = imagenet("regnet_y_3_2gf-b5a9779c", 19436338, (78.948, 94.576), 3.176, 74.567,
                             MEDIUM)
    IMAGENET1K_V2 = imagenet("regnet_y_3_2gf-9180c971", 19436338, (81.982, 95.972), 3.176, 74.567,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class RegNet_Y_8GF_Weights(WeightsEnum):
    """Weights of `regnet_y_8gf`."""

    IMAGENET1K_V1 = imagenet("regnet_y_8gf-d0d0e4a8", 39381472, (80.032, 95.048), 8.473, 150.701,
                             MEDIUM)
    IMAGENET1K_V2 = imagenet("regnet_y_8gf-dc2b1b54", 39381472, (82.828, 96.33), 8.473, 150.701,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class RegNet_Y_16GF_Weights(WeightsEnum):
    """Weights of `regnet_y_16gf`."""

    IMAGENET1K_V1 = imagenet("regnet_y_16gf-9e6ed7dd", 83590140, (80.424, 95.24), 15.912, 319.49,
                             LARGE)
    IMAGENET1K_V2 = imagenet("regnet_y_16gf-3e4a00f9", 83590140, (82.886, 96.328), 15.912, 319.49,
                             NEW, resize_size=232)
    IMAGENET1K_SWAG_E2E_V1 = imagenet("regnet_y_16gf_swag-43afe44d", 83590140, (86.012, 98.054),
                                      46.735, 319.49, SWAG_RECIPE, crop=384, license=SWAG,
                                      resize_size=384, interpolation=BICUBIC)
    IMAGENET1K_SWAG_LINEAR_V1 = imagenet("regnet_y_16gf_lc_swag-f3ec0043", 83590140,
                                         (83.976, 97.244), 15.912, 319.49, "pull/5793",
                                         license=SWAG, resize_size=224, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V2


class RegNet_Y_32GF_Weights(WeightsEnum):
    """Weights of `regnet_y_32gf`."""

    IMAGENET1K_V1 = imagenet("regnet_y_32gf-4dee3f7a", 145046770, (80.878, 95.34), 32.28, 554.076,
                             LARGE)
    IMAGENET1K_V2 = imagenet("regnet_y_32gf-8db6d4b5", 145046770, (83.368, 96.498), 32.28, 554.076,
                             NEW, resize_size=232)
    IMAGENET1K_SWAG_E2E_V1 = imagenet("regnet_y_32gf_swag-04fdfa75", 145046770, (86.838, 98.362),
                                      94.826, 554.076, SWAG_RECIPE, crop=384, license=SWAG,
                                      resize_size=384, interpolation=BICUBIC)
    IMAGENET1K_SWAG_LINEAR_V1 = imagenet("regnet_y_32gf_lc_swag-e1583746", 145046770,
                                         (84.622, 97.48), 32.28, 554.076, "pull/5793", license=SWAG,
                                         resize_size=224, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_V2


class RegNet_Y_128GF_Weights(WeightsEnum):
    """Weights of `regnet_y_128gf`."""

    IMAGENET1K_SWAG_E2E_V1 = imagenet("regnet_y_128gf_swag-c8ce3e52", 644812894, (88.228, 98.682),
                                      374.57, 2461.564, SWAG_RECIPE, crop=384, license=SWAG,
                                      resize_size=384, interpolation=BICUBIC)
    IMAGENET1K_SWAG_LINEAR_V1 = imagenet("regnet_y_128gf_lc_swag-cbe8ce12", 644812894,
                                         (86.068, 97.844), 127.518, 2461.564, "pull/5793",
                                         license=SWAG, resize_size=224, interpolation=BICUBIC)
    DEFAULT = IMAGENET1K_SWAG_E2E_V1


class RegNet_X_400MF_Weights(WeightsEnum):
    """Weights of `regnet_x_400mf`."""

    IMAGENET1K_V1 = imagenet("regnet_x_400mf-adf1edd5", 5495976, (72.834, 90.95), 0.414, 21.258,
                             SMALL)
    IMAGENET1K_V2 = imagenet("regnet_x_400mf-62229a5f", 5495976, (74.864, 92.322), 0.414, 21.257,
                             FIXRES, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class RegNet_X_800MF_Weights(WeightsEnum):
    """Weights of `regnet_x_800mf`."""

    IMAGENET1K_V1 = imagenet("regnet_x_800mf-ad17e45c", 7259656, (75.212, 92.348), 0.8, 27.945,
                             SMALL)
    IMAGENET1K_V2 = imagenet("regnet_x_800mf-94a99ebd", 7259656, (77.522, 93.826), 0.8, 27.945,
                             FIXRES, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class RegNet_X_1_6GF_Weights(WeightsEnum):
    """Weights of `regnet_x_1_6gf`."""

    IMAGENET1K_V1 = imagenet("regnet_x_1_6gf-e3633e7f", 9190136, (77.04, 93.44), 1.603, 35.339,
                             SMALL)
    IMAGENET1K_V2 = imagenet("regnet_x_1_6gf-a12f2b72", 9190136, (79.668, 94.922), 1.603, 35.339,
                             FIXRES, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class RegNet_X_3_2GF_Weights(WeightsEnum):
    """Weights of `regnet_x_3_2gf`."""

    IMAGENET1K_V1 = imagenet("regnet_x_3_2gf-f342aeae", 15296552, (78.364, 93.992), 3.177, 58.756,
                             MEDIUM)
    IMAGENET1K_V2 = imagenet("regnet_x_3_2gf-7071aa85", 15296552, (81.196, 95.43), 3.177, 58.756,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class RegNet_X_8GF_Weights(WeightsEnum):
    """Weights of `regnet_x_8gf`."""

    IMAGENET1K_V1 = imagenet("regnet_x_8gf-03ceed89", 39572648, (79.344, 94.686), 7.995, 151.456,
                             MEDIUM)
    IMAGENET1K_V2 = imagenet("regnet_x_8gf-2b70d774", 39572648, (81.682, 95.678), 7.995, 151.456,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class RegNet_X_16GF_Weights(WeightsEnum):
    """Weights of `regnet_x_16gf`."""

    IMAGENET1K_V1 = imagenet("regnet_x_16gf-2007eb11", 54278536, (80.058, 94.944), 15.941, 207.627,
                             MEDIUM)
    IMAGENET1K_V2 = imagenet("regnet_x_16gf-ba3796d7", 54278536, (82.716, 96.196), 15.941, 207.627,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


class RegNet_X_32GF_Weights(WeightsEnum):
    """Weights of `regnet_x_32gf`."""

    IMAGENET1K_V1 = imagenet("regnet_x_32gf-9d47f8d0", 107811560, (80.622, 95.248), 31.736, 412.039,
                             LARGE)
    IMAGENET1K_V2 = imagenet("regnet_x_32gf-6eb8fdc6", 107811560, (83.014, 96.288), 31.736, 412.039,
                             NEW, resize_size=232)
    DEFAULT = IMAGENET1K_V2


@model(RegNet_Y_400MF_Weights)
def regnet_y_400mf(**kwargs):
    """RegNetY-400MF: 4.3 million weights."""
    return designed(16, 48, 27.89, 2.09, 8, 0.25, kwargs)


@model(RegNet_Y_800MF_Weights)
def regnet_y_800mf(**kwargs):
    """RegNetY-800MF: 6.4 million weights."""
    return designed(14, 56, 38.84, 2.4, 16, 0.25, kwargs)


@model(RegNet_Y_1_6GF_Weights)
def regnet_y_1_6gf(**kwargs):
    """RegNetY-1.6GF: 11.2 million weights."""
    return designed(27, 48, 20.71, 2.65, 24, 0.25, kwargs)


@model(RegNet_Y_3_2GF_Weights)
def regnet_y_3_2gf(**kwargs):
    """RegNetY-3.2GF: 19.4 million weights."""
    return designed(21, 80, 42.63, 2.66, 24, 0.25, kwargs)


@model(RegNet_Y_8GF_Weights)
def regnet_y_8gf(**kwargs):
    """RegNetY-8GF: 39.4 million weights."""
    return designed(17, 192, 76.82, 2.19, 56, 0.25, kwargs)


@model(RegNet_Y_16GF_Weights)
def regnet_y_16gf(**kwargs):
    """RegNetY-16GF: 83.6 million weights."""
    return designed(18, 200, 106.23, 2.48, 112, 0.25, kwargs)


@model(RegNet_Y_32GF_Weights)
def regnet_y_32gf(**kwargs):
    """RegNetY-32GF: 145 million weights."""
    return designed(20, 232, 115.89, 2.53, 232, 0.25, kwargs)


@model(RegNet_Y_128GF_Weights)
def regnet_y_128gf(**kwargs):
    """RegNetY-128GF: 645 million weights."""
    return designed(27, 456, 160.83, 2.52, 264, 0.25, kwargs)


@model(RegNet_X_400MF_Weights)
def regnet_x_400mf(**kwargs):
    """RegNetX-400MF: 5.5 million weights."""
    return designed(22, 24, 24.48, 2.54, 16, None, kwargs)


@model(RegNet_X_800MF_Weights)
def regnet_x_800mf(**kwargs):
    """RegNetX-800MF: 7.3 million weights."""
    return designed(16, 56, 35.73, 2.28, 16, None, kwargs)


@model(RegNet_X_1_6GF_Weights)
def regnet_x_1_6gf(**kwargs):
    """RegNetX-1.6GF: 9.2 million weights."""
    return designed(18, 80, 34.01, 2.25, 24, None, kwargs)


@model(RegNet_X_3_2GF_Weights)
def regnet_x_3_2gf(**kwargs):
    """RegNetX-3.2GF: 15.3 million weights."""
    return designed(25, 88, 26.31, 2.25, 48, None, kwargs)


@model(RegNet_X_8GF_Weights)
def regnet_x_8gf(**kwargs):
    """RegNetX-8GF: 39.6 million weights."""
    return designed(23, 80, 49.56, 2.88, 120, None, kwargs)


@model(RegNet_X_16GF_Weights)
def regnet_x_16gf(**kwargs):
    """RegNetX-16GF: 54.3 million weights."""
    return designed(22, 216, 55.59, 2.1, 128, None, kwargs)


@model(RegNet_X_32GF_Weights)
def regnet_x_32gf(**kwargs):
    """RegNetX-32GF: 107.8 million weights."""
    return designed(23, 320, 69.86, 2.0, 168, None, kwargs)
