"""The Weibull distribution."""

from learntorch.distributions import constraints
from learntorch.distributions.exponential import Exponential
from learntorch.distributions.transformed_distribution import TransformedDistribution, rebuilding
from learntorch.distributions.transforms import AffineTransform, PowerTransform
from learntorch.distributions.utils import broadcast_all, euler_constant
from learntorch.ops.create import ones_like

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """p(x) = k/λ (x/λ)^(k−1) exp(−(x/λ)ᵏ), x > 0: lifetimes; failures get rarer with age if k < 1.

    Parameters: `scale` λ > 0, `concentration` k > 0. Draws are λ E^(1/k), E exponential.
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive
    expand = rebuilding("scale", "concentration", "concentration_reciprocal")

    def __init__(self, scale, concentration, validate_args=None):
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self.concentration_reciprocal = self.concentration.reciprocal()
        super().__init__(Exponential(ones_like(self.scale), validate_args=validate_args),
                         self._transforms(), validate_args=validate_args)

    def _transforms(self):
        return [PowerTransform(exponent=self.concentration_reciprocal),
                AffineTransform(loc=0, scale=self.scale)]

    @property
    def mean(self):
        """λ Γ(1 + 1/k)."""
        return self.scale * (1 + self.concentration_reciprocal).lgamma().exp()

    @property
    def mode(self):
        """λ ((k − 1)/k)^(1/k)."""
        k = self.concentration
        return self.scale * ((k - 1) / k) ** k.reciprocal()

    @property
    def variance(self):
        """λ² (Γ(1 + 2/k) − Γ(1 + 1/k)²)."""
        r = self.concentration_reciprocal
        return self.scale.pow(2) * ((1 + 2 * r).lgamma().exp() - (2 * (1 + r).lgamma()).exp())

    def entropy(self):
        """γ (1 − 1/k) + ln(λ/k) + 1."""
        r = self.concentration_reciprocal
        return euler_constant * (1 - r) + (self.scale * r).log() + 1
