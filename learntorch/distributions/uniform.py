"""The uniform distribution."""

import math

from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import broadcast_all
from learntorch.ops.random import rand

__all__ = ["Uniform"]


class Uniform(Distribution):
    """p(x) = 1/(b − a) on [a, b).

    Parameters: `low` a, `high` b > a.
    """

    has_rsample = True
    expand = expanding("low", "high")

    def __init__(self, low, high, validate_args=None):
        self.low, self.high = broadcast_all(low, high)
        super().__init__(self.low.size(), validate_args=validate_args)

    @property
    def arg_constraints(self):
        return {"low": constraints.less_than(self.high),
                "high": constraints.greater_than(self.low)}

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.interval(self.low, self.high)

    @property
    def mean(self):
        """(a + b)/2."""
        return (self.high + self.low) / 2

    @property
    def mode(self):
        """NaN: no value is likelier than another."""
        return math.nan * self.high

    @property
    def stddev(self):
        """(b − a)/√12."""
        return (self.high - self.low) / 12 ** 0.5

    @property
    def variance(self):
        """(b − a)²/12."""
        return (self.high - self.low).pow(2) / 12

    def rsample(self, sample_shape=()):
        """a + (b − a) u."""
        u = rand(self._extended_shape(sample_shape), dtype=self.low.dtype, device=self.low.device)
        return self.low + u * (self.high - self.low)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        inside = self.low.le(value) & self.high.gt(value)
        return inside.to(self.low.dtype).log() - (self.high - self.low).log()

    def cdf(self, value):
        """(x − a)/(b − a), between 0 and 1."""
        if self._validate_args:
            self._validate_sample(value)
        return ((value - self.low) / (self.high - self.low)).clamp(min=0, max=1)

    def icdf(self, value):
        """a + (b − a) u."""
        return value * (self.high - self.low) + self.low

    def entropy(self):
        """ln(b − a)."""
        return (self.high - self.low).log()
