"""Pooling: a window slides over the input and keeps one number of each place."""

import learntorch.nn.functional as F
from learntorch.nn.modules.module import Module
from learntorch.nn.modules.utils import _single

__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d",
    "LPPool2d", "LPPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d",
]


class _MaxPoolNd(Module):
    """What the max-pools share. `stride` is the size of the window unless given."""

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False,
                 ceil_mode=False):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def extra_repr(self):
        return (f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
                f"dilation={self.dilation}, ceil_mode={self.ceil_mode}")


class MaxPool1d(_MaxPoolNd):
    """y[n, c, t] = max over i of x[n, c, t·stride + i·dilation − padding].

    Shapes: (N, C, L) or (C, L) → (N, C, L′), L′ = ⌊(L + 2·padding − dilation·(kernel − 1) − 1) /
    stride⌋ + 1 (⌈…⌉ with `ceil_mode`).
    """

    def forward(self, input):
        return F.max_pool1d(input, self.kernel_size, self.stride, self.padding, self.dilation,
                            ceil_mode=self.ceil_mode, return_indices=self.return_indices)


class MaxPool2d(_MaxPoolNd):
    """y[n, c, u, v] = the largest of x in the window at (u, v).

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, H′, W′), H′ = ⌊(H + 2·padding −
    dilation·(kernel − 1) − 1) / stride⌋ + 1 (⌈…⌉ with `ceil_mode`). The gradient goes to the
    largest entry, the first where several are equal.
    """

    def forward(self, input):
        return F.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation,
                            ceil_mode=self.ceil_mode, return_indices=self.return_indices)


class MaxPool3d(_MaxPoolNd):
    """The largest entry of each window of a volume.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → (N, C, D′, H′, W′), sizes as in MaxPool2d.
    """

    def forward(self, input):
        return F.max_pool3d(input, self.kernel_size, self.stride, self.padding, self.dilation,
                            ceil_mode=self.ceil_mode, return_indices=self.return_indices)


class _AvgPoolNd(Module):
    """What the average-pools share."""

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool1d(_AvgPoolNd):
    """y[n, c, t] = mean over the window at t.

    Shapes: (N, C, L) or (C, L) → (N, C, L′), L′ = ⌊(L + 2·padding − kernel) / stride⌋ + 1.
    """

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False,
                 count_include_pad=True):
        super().__init__()
        self.kernel_size = _single(kernel_size)
        self.stride = _single(kernel_size if stride is None else stride)
        self.padding = _single(padding)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input):
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                            self.count_include_pad)


class _AvgPoolDivided(_AvgPoolNd):
    """An average-pool that may divide by a number of the caller's (`divisor_override`)."""

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False,
                 count_include_pad=True, divisor_override=None):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override


class AvgPool2d(_AvgPoolDivided):
    """y[n, c, u, v] = mean of x over the window at (u, v).

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, H′, W′), H′ = ⌊(H + 2·padding − kernel) / stride⌋
    + 1.
    """

    def forward(self, input):
        return F.avg_pool2d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                            self.count_include_pad, self.divisor_override)


class AvgPool3d(_AvgPoolDivided):
    """The mean of each window of a volume.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → (N, C, D′, H′, W′), sizes as in AvgPool2d.
    """

    def forward(self, input):
        return F.avg_pool3d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
                            self.count_include_pad, self.divisor_override)


class _LPPoolNd(Module):
    """What the power-average pools share."""

    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def extra_repr(self):
        return (f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, "
                f"stride={self.stride}, ceil_mode={self.ceil_mode}")


class LPPool1d(_LPPoolNd):
    """y = (Σ xᵖ)^(1/p) over each window: the sum for p = 1, the maximum for p → ∞.

    Shapes: (N, C, L) or (C, L) → (N, C, L′), L′ = ⌊(L − kernel) / stride⌋ + 1.
    """

    def forward(self, input):
        return F.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride,
                           self.ceil_mode)


class LPPool2d(_LPPoolNd):
    """y = (Σ xᵖ)^(1/p) over each window of an image.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, H′, W′), H′ = ⌊(H − kernel) / stride⌋ + 1.
    """

    def forward(self, input):
        return F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride,
                           self.ceil_mode)


class LPPool3d(_LPPoolNd):
    """y = (Σ xᵖ)^(1/p) over each window of a volume.

    Shapes: (N, C, D, H, W) → (N, C, D′, H′, W′).
    """

    def forward(self, input):
        return F.lp_pool3d(input, float(self.norm_type), self.kernel_size, self.stride,
                           self.ceil_mode)


class _AdaptiveAvgPoolNd(Module):
    """What the adaptive average-pools share: the size of the output is given, not the window's."""

    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def extra_repr(self):
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """y[t] = mean of x over ⌊t·L/L′⌋ … ⌈(t + 1)·L/L′⌉. Shapes: (N, C, L) → (N, C, output_size)."""

    def forward(self, input):
        return F.adaptive_avg_pool1d(input, self.output_size)


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """The mean over windows chosen so that the output has `output_size`; None keeps a size.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, *output_size). `AdaptiveAvgPool2d(1)` is the mean
    of each feature map, so that a network takes images of any size.
    """

    def forward(self, input):
        return F.adaptive_avg_pool2d(input, self.output_size)


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """As AdaptiveAvgPool2d, of volumes. Shapes: (N, C, D, H, W) → (N, C, *output_size)."""

    def forward(self, input):
        return F.adaptive_avg_pool3d(input, self.output_size)


class _AdaptiveMaxPoolNd(_AdaptiveAvgPoolNd):
    """What the adaptive max-pools share."""

    def __init__(self, output_size, return_indices=False):
        super().__init__(output_size)
        self.return_indices = return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """y[t] = max of x over ⌊t·L/L′⌋ … ⌈(t + 1)·L/L′⌉. Shapes: (N, C, L) → (N, C, output_size)."""

    def forward(self, input):
        return F.adaptive_max_pool1d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """The maximum over windows chosen so that the output has `output_size`; None keeps a size.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, *output_size).
    """

    def forward(self, input):
        return F.adaptive_max_pool2d(input, self.output_size, self.return_indices)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """As AdaptiveMaxPool2d, of volumes. Shapes: (N, C, D, H, W) → (N, C, *output_size)."""

    def forward(self, input):
        return F.adaptive_max_pool3d(input, self.output_size, self.return_indices)
