"""The logistic-normal distribution."""

from learntorch.distributions import constraints
from learntorch.distributions.normal import Normal
from learntorch.distributions.transformed_distribution import TransformedDistribution, rebuilding
from learntorch.distributions.transforms import StickBreakingTransform

__all__ = ["LogisticNormal"]


class LogisticNormal(TransformedDistribution):
    """n + 1 shares of 1 made of n normal numbers by breaking a stick (`StickBreakingTransform`).

    Parameters: `loc` μ (…, n), `scale` σ (…, n) > 0 of the normal numbers.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex
    has_rsample = True
    expand = rebuilding()

    def __init__(self, loc, scale, validate_args=None):
        base = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand([1])
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    @property
    def loc(self):
        """μ."""
        return self.base_dist.base_dist.loc

    @property
    def scale(self):
        """σ."""
        return self.base_dist.base_dist.scale
