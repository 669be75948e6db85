"""The half-normal distribution."""

import math

from learntorch.distributions import constraints
from learntorch.distributions.normal import Normal
from learntorch.distributions.transformed_distribution import TransformedDistribution, rebuilding
from learntorch.distributions.transforms import AbsTransform
from learntorch.ops.compare import where
from learntorch.ops.create import zeros_like

__all__ = ["HalfNormal"]


class HalfNormal(TransformedDistribution):
    """|X| of a normal X around 0: p(x) = √2/(σ√π) · exp(−x²/2σ²), x ≥ 0.

    Parameter: `scale` σ > 0, the standard deviation of X.
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    expand = rebuilding()

    def __init__(self, scale, validate_args=None):
        super().__init__(Normal(0, scale, validate_args=False), AbsTransform(),
                         validate_args=validate_args)

    @property
    def scale(self):
        """σ."""
        return self.base_dist.scale

    @property
    def mean(self):
        """σ√(2/π)."""
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def mode(self):
        """0."""
        return zeros_like(self.scale)

    @property
    def variance(self):
        """σ² (1 − 2/π)."""
        return self.scale.pow(2) * (1 - 2 / math.pi)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value):
        """erf(x/σ√2)."""
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob):
        """σ√2 erf⁻¹(u)."""
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self):
        """½ ln(πe/2) + ln σ."""
        return self.base_dist.entropy() - math.log(2)
