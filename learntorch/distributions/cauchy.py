"""The Cauchy distribution."""

import math

from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import broadcast_all
from learntorch.ops.create import full

__all__ = ["Cauchy"]


class Cauchy(Distribution):
    """p(x) = 1 / (π s (1 + z²)), z = (x − m)/s: the ratio of two normal numbers, with heavy tails.

    Parameters: `loc` m, the median; `scale` s > 0, half the width at half the height. It has no
    mean and no variance.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    expand = expanding("loc", "scale")

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.size(), validate_args=validate_args)

    @property
    def mean(self):
        """NaN: the integral does not exist."""
        return self._filled(math.nan)

    @property
    def mode(self):
        """m."""
        return self.loc

    @property
    def variance(self):
        """Infinite."""
        return self._filled(math.inf)

    def _filled(self, value):
        return full(self._extended_shape(), value, dtype=self.loc.dtype, device=self.loc.device)

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        return self.loc + self.scale * self.loc.new_empty(shape).cauchy_()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return -math.log(math.pi) - self.scale.log() - (z ** 2).log1p()

    def cdf(self, value):
        """½ + arctan(z)/π."""
        if self._validate_args:
            self._validate_sample(value)
        return ((value - self.loc) / self.scale).atan() / math.pi + 0.5

    def icdf(self, value):
        """m + s tan(π(u − ½))."""
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self):
        """ln 4πs."""
        return math.log(4 * math.pi) + self.scale.log()
