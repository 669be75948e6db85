"""The inverse gamma distribution."""

import math

from learntorch.distributions import constraints
from learntorch.distributions.gamma import Gamma
from learntorch.distributions.transformed_distribution import TransformedDistribution, rebuilding
from learntorch.distributions.transforms import PowerTransform
from learntorch.ops.compare import where

__all__ = ["InverseGamma"]


class InverseGamma(TransformedDistribution):
    """1/X of a gamma distributed X: p(x) = βᵅ/Γ(α) · x^(−α−1) e^(−β/x), x > 0.

    Parameters: `concentration` α > 0, `rate` β > 0.
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True
    expand = rebuilding()

    def __init__(self, concentration, rate, validate_args=None):
        base = Gamma(concentration, rate, validate_args=validate_args)
        super().__init__(base, PowerTransform(-base.rate.new_ones(())),
                         validate_args=validate_args)

    @property
    def concentration(self):
        """α."""
        return self.base_dist.concentration

    @property
    def rate(self):
        """β."""
        return self.base_dist.rate

    @property
    def mean(self):
        """β/(α − 1) where α > 1, else infinite."""
        result = self.rate / (self.concentration - 1)
        return where(self.concentration > 1, result, math.inf)

    @property
    def mode(self):
        """β/(α + 1)."""
        return self.rate / (self.concentration + 1)

    @property
    def variance(self):
        """β²/((α − 1)² (α − 2)) where α > 2, else infinite."""
        alpha = self.concentration
        result = self.rate.square() / ((alpha - 1).square() * (alpha - 2))
        return where(alpha > 2, result, math.inf)

    def entropy(self):
        """α + ln β + ln Γ(α) − (1 + α) ψ(α)."""
        alpha = self.concentration
        return alpha + self.rate.log() + alpha.lgamma() - (1 + alpha) * alpha.digamma()
