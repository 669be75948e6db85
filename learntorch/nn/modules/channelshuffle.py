"""Channels change places."""

import learntorch.nn.functional as F
from learntorch.nn.modules.module import Module

__all__ = ["ChannelShuffle"]


class ChannelShuffle(Module):
    """y[i·g + j] = x[j·(C/g) + i]: channels of the g groups alternate.

    Shapes: (N, C, *) → the same. Source: Zhang et al. 2017, arXiv:1707.01083.
    """

    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, input):
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self):
        return f"groups={self.groups}"
