"""Channels become pixels, and back."""

import learntorch.nn.functional as F
from learntorch.nn.modules.module import Module

__all__ = ["PixelShuffle", "PixelUnshuffle"]


class PixelShuffle(Module):
    """y[c, h·r + i, w·r + j] = x[c·r² + i·r + j, h, w], r = upscale_factor.

    Shapes: (*, C·r², H, W) → (*, C, H·r, W·r). Source: Shi et al. 2016, arXiv:1609.05158.
    """

    def __init__(self, upscale_factor):
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input):
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self):
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """y[c·r² + i·r + j, h, w] = x[c, h·r + i, w·r + j]: takes PixelShuffle back.

    Shapes: (*, C, H·r, W·r) → (*, C·r², H, W), r = downscale_factor.
    """

    def __init__(self, downscale_factor):
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input):
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self):
        return f"downscale_factor={self.downscale_factor}"
