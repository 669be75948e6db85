"""The Pareto distribution."""

from learntorch.distributions import constraints
from learntorch.distributions.exponential import Exponential
from learntorch.distributions.transformed_distribution import TransformedDistribution, rebuilding
from learntorch.distributions.transforms import AffineTransform, ExpTransform
from learntorch.distributions.utils import broadcast_all

__all__ = ["Pareto"]


class Pareto(TransformedDistribution):
    """p(x) = α mᵅ/x^(α+1), x ≥ m: incomes, sizes of cities.

    Parameters: `scale` m > 0, the smallest value; `alpha` α > 0, the smaller the heavier the tail.
    """

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}
    expand = rebuilding("scale", "alpha")

    def __init__(self, scale, alpha, validate_args=None):
        self.scale, self.alpha = broadcast_all(scale, alpha)
        super().__init__(Exponential(self.alpha, validate_args=validate_args),
                         self._transforms(), validate_args=validate_args)

    def _transforms(self):
        return [ExpTransform(), AffineTransform(loc=0, scale=self.scale)]

    @property
    def mean(self):
        """α m/(α − 1) where α > 1, else infinite."""
        a = self.alpha.clamp(min=1)
        return a * self.scale / (a - 1)

    @property
    def mode(self):
        """m."""
        return self.scale

    @property
    def variance(self):
        """m² α/((α − 1)² (α − 2)) where α > 2, else infinite."""
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.greater_than_eq(self.scale)

    def entropy(self):
        """ln(m/α) + 1 + 1/α."""
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())
