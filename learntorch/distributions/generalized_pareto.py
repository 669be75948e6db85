"""The generalized Pareto distribution."""

import math

from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import broadcast_all
from learntorch.ops.compare import isclose, where
from learntorch.ops.create import zeros_like
from learntorch.ops.random import rand

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """What lies beyond a high threshold m: P(X > x) = (1 + k z)^(−1/k), z = (x − m)/s ≥ 0.

    Parameters: `loc` m, `scale` s > 0, `concentration` k: heavy tail for k > 0, exponential for
    k = 0, bounded by m − s/k for k < 0 (uniform for k = −1).
    Source: Pickands: Statistical inference using extreme order statistics, 1975.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive,
                       "concentration": constraints.real}
    has_rsample = True
    expand = expanding("loc", "scale", "concentration")

    def __init__(self, loc, scale, concentration, validate_args=None):
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        end = where(self.concentration < 0, self.loc - self.scale / self.concentration, math.inf)
        return constraints.interval(self.loc, end)

    def rsample(self, sample_shape=()):
        u = rand(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.icdf(u)

    def _is_exponential(self):
        return isclose(self.concentration, zeros_like(self.concentration))

    def _shape(self):
        """k, and 1 in the place of a 0 that would be divided by."""
        return where(self._is_exponential(), 1.0, self.concentration)

    def _z(self, x):
        return (x - self.loc) / self.scale

    def log_prob(self, value):
        """−ln s − (1 + 1/k) ln(1 + k z); −ln s − z where k = 0."""
        if self._validate_args:
            self._validate_sample(value)
        k, z = self._shape(), self._z(value)
        return where(self._is_exponential(), -z, -(1 + 1 / k) * (k * z).log1p()) - self.scale.log()

    def log_survival_function(self, value):
        """ln P(X > x) = −ln(1 + k z)/k; −z where k = 0."""
        if self._validate_args:
            self._validate_sample(value)
        k, z = self._shape(), self._z(value)
        return where(self._is_exponential(), -z, -(k * z).log1p() / k)

    def log_cdf(self, value):
        """ln P(X ≤ x)."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value):
        """1 − (1 + k z)^(−1/k)."""
        return self.log_cdf(value).exp()

    def icdf(self, value):
        """m + s ((1 − u)^(−k) − 1)/k; m − s ln(1 − u) where k = 0."""
        k = self._shape()
        log_left = (-value).log1p()
        return self.loc + self.scale * where(self._is_exponential(), -log_left,
                                             (-k * log_left).expm1() / k)

    @property
    def mean(self):
        """m + s/(1 − k) where k < 1, else NaN (it is infinite)."""
        k = where(self.concentration < 1, self.concentration, 0.0)
        return where(self.concentration < 1, self.loc + self.scale / (1 - k), math.nan)

    @property
    def variance(self):
        """s²/((1 − k)² (1 − 2k)) where k < ½, else NaN (it is infinite)."""
        k = where(self.concentration < 0.5, self.concentration, 0.0)
        value = self.scale ** 2 / ((1 - k) ** 2 * (1 - 2 * k))
        return where(self.concentration < 0.5, value, math.nan)

    def entropy(self):
        """ln s + k + 1."""
        return self.scale.log() + self.concentration + 1

    @property
    def mode(self):
        """m."""
        return self.loc
