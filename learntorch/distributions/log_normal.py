"""The log-normal distribution."""

from learntorch.distributions import constraints
from learntorch.distributions.normal import Normal
from learntorch.distributions.transformed_distribution import TransformedDistribution, rebuilding
from learntorch.distributions.transforms import ExpTransform

__all__ = ["LogNormal"]


class LogNormal(TransformedDistribution):
    """exp(X) of a normal X: p(y) = 1/(yσ√2π) · exp(−(ln y − μ)²/2σ²), y > 0.

    Parameters: `loc` μ and `scale` σ > 0 of ln y.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive
    has_rsample = True
    expand = rebuilding()

    def __init__(self, loc, scale, validate_args=None):
        super().__init__(Normal(loc, scale, validate_args=validate_args), ExpTransform(),
                         validate_args=validate_args)

    @property
    def loc(self):
        """μ."""
        return self.base_dist.loc

    @property
    def scale(self):
        """σ."""
        return self.base_dist.scale

    @property
    def mean(self):
        """exp(μ + σ²/2)."""
        return (self.loc + self.scale.pow(2) / 2).exp()

    @property
    def mode(self):
        """exp(μ − σ²)."""
        return (self.loc - self.scale.square()).exp()

    @property
    def variance(self):
        """(exp(σ²) − 1) exp(2μ + σ²)."""
        square = self.scale.pow(2)
        return square.expm1() * (2 * self.loc + square).exp()

    def entropy(self):
        """½ ln 2πe + ln σ + μ."""
        return self.base_dist.entropy() + self.loc
