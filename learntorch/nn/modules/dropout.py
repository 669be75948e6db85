"""Dropout and its relatives: noise while training, nothing while evaluating."""

import learntorch.nn.functional as F
from learntorch.nn.modules.module import Module

__all__ = ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"]


class _DropoutNd(Module):
    """What the dropouts share: the probability `p`, and whether to write into the input."""

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_DropoutNd):
    """y = x · m / (1 − p) with m = 0 with probability p, else 1; y = x while evaluating.

    The factor keeps the mean, so evaluation needs none. Shapes: (*) → (*).
    Source: Hinton et al. 2012, arXiv:1207.0580.
    """

    def forward(self, input):
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_DropoutNd):
    """Drops whole channels: one decision for each (n, c) of an (N, C, L) or (C, L) input.

    Source: Tompson et al. 2014, arXiv:1411.4280.
    """

    def forward(self, input):
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_DropoutNd):
    """Drops whole feature maps: one decision for each (n, c) of an (N, C, H, W) input.

    Neighbouring pixels are alike, so dropping single ones would hide nothing.
    Source: Tompson et al. 2014, arXiv:1411.4280.
    """

    def forward(self, input):
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_DropoutNd):
    """Drops whole channels: one decision for each (n, c) of an (N, C, D, H, W) input.

    Source: Tompson et al. 2014, arXiv:1411.4280.
    """

    def forward(self, input):
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_DropoutNd):
    """y = a · (x · m + α′ · (1 − m)) + b: dropout that keeps mean and variance of SELU networks.

    α′ = −λα is what SELU tends to for very negative x. Shapes: (*) → (*).
    Source: Klambauer et al. 2017, arXiv:1706.02515.
    """

    def forward(self, input):
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_DropoutNd):
    """AlphaDropout of whole channels: one decision for each (n, c).

    Source: Klambauer et al. 2017, arXiv:1706.02515.
    """

    def forward(self, input):
        return F.feature_alpha_dropout(input, self.p, self.training)
