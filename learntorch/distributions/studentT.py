"""Student's t distribution."""

import math

from learntorch.core.shapes import Size
from learntorch.distributions import constraints
from learntorch.distributions.chi2 import Chi2
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import _standard_normal, broadcast_all
from learntorch.ops.compare import where

__all__ = ["StudentT"]


class StudentT(Distribution):
    """μ + σ Z √(ν/V), Z standard normal, V chi-squared: a bell with heavy tails.

    p(x) = Γ((ν+1)/2) / (σ √(νπ) Γ(ν/2)) · (1 + z²/ν)^(−(ν+1)/2), z = (x − μ)/σ.
    Parameters: `df` ν > 0, the degrees of freedom; `loc` μ; `scale` σ > 0.
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real,
                       "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    expand = expanding("df", "loc", "scale", "_chi2")

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.size(), validate_args=validate_args)

    @property
    def mean(self):
        """μ where ν > 1, else NaN."""
        return where(self.df > 1, self.loc, math.nan)

    @property
    def mode(self):
        """μ."""
        return self.loc

    @property
    def variance(self):
        """σ² ν/(ν − 2) where ν > 2, infinite where ν > 1, else NaN."""
        v = where(self.df > 2, self.df, 3.0)
        finite = self.scale.pow(2) * v / (v - 2)
        return where(self.df > 2, finite, where(self.df > 1, math.inf, math.nan))

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(Size(sample_shape))
        z = _standard_normal(shape, self.df.dtype, self.df.device)
        v = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * z * (v / self.df).rsqrt()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        z = (value - self.loc) / self.scale
        half = 0.5 * (self.df + 1.0)
        log_norm = (self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi)
                    + (0.5 * self.df).lgamma() - half.lgamma())
        return -half * (z ** 2.0 / self.df).log1p() - log_norm

    def entropy(self):
        """ln σ√ν B(ν/2, ½) + (ν+1)/2 · (ψ((ν+1)/2) − ψ(ν/2))."""
        half = 0.5 * (self.df + 1.0)
        log_beta = (0.5 * self.df).lgamma() + math.lgamma(0.5) - half.lgamma()
        return (self.scale.log() + half * (half.digamma() - (0.5 * self.df).digamma())
                + 0.5 * self.df.log() + log_beta)
