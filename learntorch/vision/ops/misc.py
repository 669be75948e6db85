"""Blocks that many networks for pictures are made of."""

from learntorch.nn import (
    AdaptiveAvgPool2d,
    BatchNorm2d,
    BatchNorm3d,
    Conv2d,
    Conv3d,
    Dropout,
    Linear,
    Module,
    ReLU,
    Sequential,
    Sigmoid,
)
from learntorch.ops.create import ones, zeros

__all__ = ["MLP", "Conv2dNormActivation", "Conv3dNormActivation", "FrozenBatchNorm2d", "Permute",
           "SqueezeExcitation"]


class ConvNormActivation(Sequential):
    """activation(norm(conv x)): a convolution, its normalisation, an activation, in this order.

    `norm_layer` and `activation_layer` are classes, or None for none. By default the size of the
    picture stays (divided by `stride`), and a bias is there only where no norm has its own.
    """

    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, padding=None, groups=1,
                 norm_layer=BatchNorm2d, activation_layer=ReLU, dilation=1, inplace=True, bias=None,
                 conv_layer=Conv2d):
        if padding is None:
            padding = same_size(kernel_size, dilation)
        bias = norm_layer is None if bias is None else bias
        layers = [conv_layer(in_channels, out_channels, kernel_size, stride, padding,
                             dilation=dilation, groups=groups, bias=bias)]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer(**with_inplace(inplace)))
        super().__init__(*layers)
        self.out_channels = out_channels


def same_size(kernel, dilation):
    """The padding (k − 1) // 2 · d that keeps a picture's size, for ints or one per dimension."""
    if isinstance(kernel, int) and isinstance(dilation, int):
        return (kernel - 1) // 2 * dilation
    dims = len(dilation) if isinstance(kernel, int) else len(kernel)
    kernel = (kernel,) * dims if isinstance(kernel, int) else kernel
    dilation = (dilation,) * dims if isinstance(dilation, int) else dilation
    return tuple((k - 1) // 2 * d for k, d in zip(kernel, dilation))


def with_inplace(inplace):
    """The keyword `inplace`, for layers that have it; None is for those that have not."""
    return {} if inplace is None else {"inplace": inplace}


class Conv2dNormActivation(ConvNormActivation):
    """activation(norm(conv x)) of pictures (n, c, h, w); arguments as in `ConvNormActivation`."""

    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, padding=None, groups=1,
                 norm_layer=BatchNorm2d, activation_layer=ReLU, dilation=1, inplace=True,
                 bias=None):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, groups,
                         norm_layer, activation_layer, dilation, inplace, bias, Conv2d)


class Conv3dNormActivation(ConvNormActivation):
    """activation(norm(conv x)) of videos (n, c, t, h, w); arguments as in `ConvNormActivation`."""

    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, padding=None, groups=1,
                 norm_layer=BatchNorm3d, activation_layer=ReLU, dilation=1, inplace=True,
                 bias=None):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, groups,
                         norm_layer, activation_layer, dilation, inplace, bias, Conv3d)


class SqueezeExcitation(Module):
    """x · σ(W₂ δ(W₁ mean x + b₁) + b₂): each channel weighted by what all channels say on average.

    (n, c, h, w) → the same; `squeeze_channels` is the size of the narrow layer between, δ the
    `activation`, σ the `scale_activation`. Source: Hu et al., "Squeeze-and-Excitation Networks",
    2017, eq. 2 to 4.
    """

    def __init__(self, input_channels, squeeze_channels, activation=ReLU, scale_activation=Sigmoid):
        super().__init__()
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc1 = Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def forward(self, input):
        narrow = self.activation(self.fc1(self.avgpool(input)))
        return self.scale_activation(self.fc2(narrow)) * input


class MLP(Sequential):
    """Linear layers of sizes `hidden_channels`, with norm, activation and dropout after each.

    After the last there is dropout only. (…, in_channels) → (…, hidden_channels[-1]).
    """

    def __init__(self, in_channels, hidden_channels, norm_layer=None, activation_layer=ReLU,
                 inplace=None, bias=True, dropout=0.0):
        place = with_inplace(inplace)
        *inner, last = hidden_channels
        layers = []
        for size in inner:
            layers.append(Linear(in_channels, size, bias=bias))
            if norm_layer is not None:
                layers.append(norm_layer(size))
            layers += [activation_layer(**place), Dropout(dropout, **place)]
            in_channels = size
        super().__init__(*layers, Linear(in_channels, last, bias=bias), Dropout(dropout, **place))


class Permute(Module):
    """x with its dimensions in the order `dims`."""

    def __init__(self, dims):
        super().__init__()
        self.dims = dims

    def forward(self, x):
        return x.permute(self.dims)


class FrozenBatchNorm2d(Module):
    """(x − μ) / √(σ² + ε) · γ + β with all four fixed: buffers that training does not change.

    For fine-tuning with batches too small to estimate μ and σ from. (n, c, h, w) → the same.
    """

    def __init__(self, num_features, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", ones(num_features))
        self.register_buffer("bias", zeros(num_features))
        self.register_buffer("running_mean", zeros(num_features))
        self.register_buffer("running_var", ones(num_features))

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        state_dict.pop(prefix + "num_batches_tracked", None)  # which a BatchNorm2d has
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def forward(self, x):
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)

    def __repr__(self):
        return f"{type(self).__name__}({self.weight.shape[0]}, eps={self.eps})"
