"""Pooling that is taken back, and pooling by a fraction."""

import learntorch.nn.functional as F
from learntorch.nn.modules.module import Module
from learntorch.nn.modules.utils import _ntuple, _pair, _single, _triple

__all__ = ["FractionalMaxPool2d", "FractionalMaxPool3d", "MaxUnpool1d", "MaxUnpool2d",
           "MaxUnpool3d"]


class _MaxUnpoolNd(Module):
    """What the unpoolings share."""

    _spread = staticmethod(_single)

    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        self.kernel_size = self._spread(kernel_size)
        self.stride = self._spread(kernel_size if stride is None else stride)
        self.padding = self._spread(padding)

    def extra_repr(self):
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    """y[indices] = x, zero elsewhere: takes MaxPool1d with `return_indices` back.

    Shapes: (N, C, L) and the indices → (N, C, L′), L′ = (L − 1)·stride − 2·padding + kernel.
    """

    def forward(self, input, indices, output_size=None):
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding,
                              output_size)


class MaxUnpool2d(_MaxUnpoolNd):
    """y[indices] = x, zero elsewhere: takes MaxPool2d with `return_indices` back.

    Shapes: (N, C, H, W) and the indices → (N, C, H′, W′); give `output_size` where several fit.
    """

    _spread = staticmethod(_pair)

    def forward(self, input, indices, output_size=None):
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding,
                              output_size)


class MaxUnpool3d(_MaxUnpoolNd):
    """y[indices] = x, zero elsewhere: takes MaxPool3d with `return_indices` back.

    Shapes: (N, C, D, H, W) and the indices → (N, C, D′, H′, W′).
    """

    _spread = staticmethod(_triple)

    def forward(self, input, indices, output_size=None):
        return F.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding,
                              output_size)


class _FractionalMaxPoolNd(Module):
    """What the fractional pools share: the output is `output_size`, or `output_ratio` of it."""

    _dims = 2

    def __init__(self, kernel_size, output_size=None, output_ratio=None, return_indices=False,
                 _random_samples=None):
        super().__init__()
        spread = _ntuple(self._dims)
        name = type(self).__name__
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling "
                             "ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        self.kernel_size = spread(kernel_size)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else spread(output_size)
        self.output_ratio = None if output_ratio is None else spread(output_ratio)
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """The maximum of windows whose places are drawn at random, so that a size shrinks by any ratio.

    Shapes: (N, C, H, W) or (C, H, W) → (N, C, *output_size).
    Source: Graham 2014, arXiv:1412.6071.
    """

    def forward(self, input):
        return F.fractional_max_pool2d(input, self.kernel_size, self.output_size,
                                       self.output_ratio, self.return_indices,
                                       _random_samples=self._random_samples)


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """FractionalMaxPool2d of volumes. Shapes: (N, C, D, H, W) → (N, C, *output_size)."""

    _dims = 3

    def forward(self, input):
        return F.fractional_max_pool3d(input, self.kernel_size, self.output_size,
                                       self.output_ratio, self.return_indices,
                                       _random_samples=self._random_samples)
