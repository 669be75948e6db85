"""The Gumbel distribution."""

import math

from learntorch.core.dtypes import finfo
from learntorch.distributions import constraints
from learntorch.distributions.transformed_distribution import TransformedDistribution, rebuilding
from learntorch.distributions.transforms import AffineTransform, ExpTransform
from learntorch.distributions.uniform import Uniform
from learntorch.distributions.utils import broadcast_all, euler_constant
from learntorch.ops.create import full_like, ones_like

__all__ = ["Gumbel"]


class Gumbel(TransformedDistribution):
    """p(x) = 1/β · exp(−z − e⁻ᶻ), z = (x − μ)/β: the largest of many numbers.

    Parameters: `loc` μ, `scale` β > 0. Draws are μ − β ln(−ln u).
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    expand = rebuilding("loc", "scale")

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        limits = finfo(self.loc.dtype)
        base = Uniform(full_like(self.loc, limits.tiny), full_like(self.loc, 1 - limits.eps),
                       validate_args=validate_args)
        super().__init__(base, self._transforms(), validate_args=validate_args)

    def _transforms(self):
        return [ExpTransform().inv, AffineTransform(loc=0, scale=-ones_like(self.scale)),
                ExpTransform().inv, AffineTransform(loc=self.loc, scale=-self.scale)]

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        minus_z = (self.loc - value) / self.scale
        return (minus_z - minus_z.exp()) - self.scale.log()

    @property
    def mean(self):
        """μ + γβ, γ = 0.5772… Euler's constant."""
        return self.loc + self.scale * euler_constant

    @property
    def mode(self):
        """μ."""
        return self.loc

    @property
    def stddev(self):
        """πβ/√6."""
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self):
        """π²β²/6."""
        return self.stddev.pow(2)

    def entropy(self):
        """ln β + γ + 1."""
        return self.scale.log() + (1 + euler_constant)
