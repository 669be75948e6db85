"""Layers that add a border."""

import learntorch.nn.functional as F
from learntorch.nn.modules.module import Module
from learntorch.nn.modules.utils import _ntuple

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d",
    "ConstantPad3d", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d",
    "ReplicationPad2d", "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]


class _PadNd(Module):
    """What the paddings share. `padding`: (left, right, top, bottom, front, back), or one number.

    The first pair is for the last dimension; a negative number cuts off.
    """

    _ends = 2               # how many numbers: two for each dimension

    def __init__(self, padding):
        super().__init__()
        self.padding = _ntuple(self._ends)(padding)

    def extra_repr(self):
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """A border of `value`. Shapes: (*, L) → (*, left + L + right)."""


class ConstantPad2d(_ConstantPadNd):
    """A border of `value`. Shapes: (*, H, W) → (*, top + H + bottom, left + W + right)."""

    _ends = 4


class ConstantPad3d(_ConstantPadNd):
    """A border of `value`. Shapes: (*, D, H, W) → each with both its ends added."""

    _ends = 6


class ZeroPad1d(ConstantPad1d):
    """A border of zeros. Shapes: (*, L) → (*, left + L + right)."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ZeroPad2d(ConstantPad2d):
    """A border of zeros. Shapes: (*, H, W) → (*, top + H + bottom, left + W + right)."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ZeroPad3d(ConstantPad3d):
    """A border of zeros. Shapes: (*, D, H, W) → each with both its ends added."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class _ReflectionPadNd(_PadNd):
    def forward(self, input):
        return F.pad(input, self.padding, "reflect")


class ReflectionPad1d(_ReflectionPadNd):
    """The border mirrors the inside, without its edge: 1 2 3 → 3 2 1 2 3 2 1.

    Shapes: (N, C, L) or (C, L) → (…, left + L + right).
    """


class ReflectionPad2d(_ReflectionPadNd):
    """The border mirrors the image. Shapes: (N, C, H, W) or (C, H, W) → padded H and W."""

    _ends = 4


class ReflectionPad3d(_ReflectionPadNd):
    """The border mirrors the volume. Shapes: (N, C, D, H, W) or (C, D, H, W) → padded."""

    _ends = 6


class _ReplicationPadNd(_PadNd):
    def forward(self, input):
        return F.pad(input, self.padding, "replicate")


class ReplicationPad1d(_ReplicationPadNd):
    """The border repeats the edge: 1 2 3 → 1 1 1 2 3 3 3.

    Shapes: (N, C, L) or (C, L) → (…, left + L + right).
    """


class ReplicationPad2d(_ReplicationPadNd):
    """The border repeats the edge. Shapes: (N, C, H, W) or (C, H, W) → padded H and W."""

    _ends = 4


class ReplicationPad3d(_ReplicationPadNd):
    """The border repeats the edge. Shapes: (N, C, D, H, W) or (C, D, H, W) → padded."""

    _ends = 6


class _CircularPadNd(_PadNd):
    def forward(self, input):
        least = self._ends // 2 + 1
        if input.dim() not in (least, least + 1):
            raise ValueError(f"expected {least}D or {least + 1}D input (got {input.dim()}D input)")
        return F.pad(input, self.padding, "circular")


class CircularPad1d(_CircularPadNd):
    """The border comes from the other end: 1 2 3 → 2 3 1 2 3 1 2.

    Shapes: (N, C, L) or (C, L) → (…, left + L + right).
    """


class CircularPad2d(_CircularPadNd):
    """The border comes from the other side. Shapes: (N, C, H, W) or (C, H, W) → padded."""

    _ends = 4


class CircularPad3d(_CircularPadNd):
    """The border comes from the other side. Shapes: (N, C, D, H, W) or (C, D, H, W) → padded."""

    _ends = 6
