"""Dropout of squares: neighbouring places say the same, so single ones are not missed.

Source: Ghiasi et al., "DropBlock: A regularization method for convolutional networks", 2018.
"""

from math import prod

from learntorch.nn import Module
from learntorch.nn import functional as F
from learntorch.ops.create import empty

__all__ = ["DropBlock2d", "DropBlock3d", "drop_block2d", "drop_block3d"]


def drop_block(input, p, block_size, inplace, eps, training, dims):
    """`drop_block2d` and `drop_block3d`."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}.")
    if input.ndim != dims + 2:
        raise ValueError(f"input should be {dims + 2} dimensional. Got {input.ndim} dimensions.")
    if not training or p == 0.0:
        return input
    size = input.shape[2:]
    block = min(block_size, *size)
    if block % 2 == 0:
        raise ValueError(f"block size should be odd. Got {block} which is even.")
    middles = [n - block + 1 for n in size]
    often = p * prod(size) / (block ** dims * prod(middles))
    dropped = empty((*input.shape[:2], *middles), dtype=input.dtype).bernoulli_(often)
    dropped = F.pad(dropped, [block // 2] * (2 * dims))
    pool = F.max_pool2d if dims == 2 else F.max_pool3d
    kept = 1 - pool(dropped, block, 1, block // 2)
    scale = kept.numel() / (eps + kept.sum())
    return input.mul_(kept).mul_(scale) if inplace else input * kept * scale


def drop_block2d(input, p, block_size, inplace=False, eps=1e-6, training=True):
    """Squares of (n, c, h, w) set to 0, about a share p of all; the rest is scaled up for it.

    Draws: bernoulli for each possible middle of a square. Raises ValueError for an even size.
    """
    return drop_block(input, p, block_size, inplace, eps, training, 2)


def drop_block3d(input, p, block_size, inplace=False, eps=1e-6, training=True):
    """Cubes of (n, c, d, h, w) set to 0, about a share p of all; the rest is scaled up for it."""
    return drop_block(input, p, block_size, inplace, eps, training, 3)


class DropBlock2d(Module):
    """`drop_block2d` as a module: it drops in training only."""

    _dims = 2

    def __init__(self, p, block_size, inplace=False, eps=1e-6):
        super().__init__()
        self.p = p
        self.block_size = block_size
        self.inplace = inplace
        self.eps = eps

    def forward(self, input):
        return drop_block(input, self.p, self.block_size, self.inplace, self.eps, self.training,
                          self._dims)

    def __repr__(self):
        return (f"{type(self).__name__}(p={self.p}, block_size={self.block_size}, "
                f"inplace={self.inplace})")


class DropBlock3d(DropBlock2d):
    """`drop_block3d` as a module: it drops in training only."""

    _dims = 3
