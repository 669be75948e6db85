"""The Kumaraswamy distribution."""

import math

from learntorch.distributions import constraints
from learntorch.distributions.transformed_distribution import TransformedDistribution, rebuilding
from learntorch.distributions.transforms import AffineTransform, PowerTransform
from learntorch.distributions.uniform import Uniform
from learntorch.distributions.utils import broadcast_all, euler_constant
from learntorch.ops.compare import where
from learntorch.ops.create import full_like

__all__ = ["Kumaraswamy"]


class Kumaraswamy(TransformedDistribution):
    """p(x) = a b x^(a−1) (1 − x^a)^(b−1) on [0, 1]: much like Beta(a, b), with a simple inverse.

    Parameters: `concentration1` a > 0, `concentration0` b > 0. Draws are (1 − u^(1/b))^(1/a).
    """

    arg_constraints = {"concentration1": constraints.positive,
                       "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True
    expand = rebuilding("concentration1", "concentration0")

    def __init__(self, concentration1, concentration0, validate_args=None):
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        base = Uniform(full_like(self.concentration0, 0), full_like(self.concentration0, 1),
                       validate_args=validate_args)
        super().__init__(base, self._transforms(), validate_args=validate_args)

    def _transforms(self):
        return [PowerTransform(exponent=self.concentration0.reciprocal()),
                AffineTransform(loc=1.0, scale=-1.0),
                PowerTransform(exponent=self.concentration1.reciprocal())]

    def _moment(self, n):
        """E[Xⁿ] = b B(1 + n/a, b)."""
        b = self.concentration0
        first = 1 + n / self.concentration1
        return b * (first.lgamma() + b.lgamma() - (first + b).lgamma()).exp()

    @property
    def mean(self):
        """b B(1 + 1/a, b)."""
        return self._moment(1)

    @property
    def mode(self):
        """((a − 1)/(ab − 1))^(1/a) where a, b ≥ 1, else NaN; PyTorch gives NaN everywhere."""
        a, b = self.concentration1, self.concentration0
        mode = ((a - 1) / (a * b - 1)).pow(a.reciprocal())
        return where((a < 1) | (b < 1), math.nan, mode)

    @property
    def variance(self):
        """E[X²] − E[X]²."""
        return self._moment(2) - self.mean.pow(2)

    def entropy(self):
        """1 − 1/b + (1 − 1/a)(ψ(b + 1) + γ) − ln ab."""
        a, b = self.concentration1, self.concentration0
        harmonic = (b + 1).digamma() + euler_constant
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * harmonic - a.log() - b.log()
