"""Fisher's F distribution."""

import math

from learntorch.core.dtypes import finfo
from learntorch.core.tensor import Tensor
from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.gamma import Gamma
from learntorch.distributions.utils import broadcast_all
from learntorch.ops.compare import where
from learntorch.ops.create import tensor

__all__ = ["FisherSnedecor"]


class FisherSnedecor(Distribution):
    """F = (X₁/m)/(X₂/n), the quotient of two chi-squared numbers over their degrees of freedom.

    p(x) = (m/n)^(m/2) x^(m/2 − 1) (1 + m x/n)^(−(m + n)/2) / B(m/2, n/2), x > 0.
    Parameters: `df1` m > 0, `df2` n > 0.
    """

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True
    expand = expanding("df1", "df2", "_gamma1", "_gamma2")

    def __init__(self, df1, df2, validate_args=None):
        self.df1, self.df2 = broadcast_all(df1, df2)
        self._gamma1 = Gamma(self.df1 * 0.5, self.df1)          # X₁/m, but for a factor of 2
        self._gamma2 = Gamma(self.df2 * 0.5, self.df2)
        super().__init__(self.df1.size(), validate_args=validate_args)

    @property
    def mean(self):
        """n/(n − 2) where n > 2, else NaN."""
        n = where(self.df2 > 2, self.df2, math.nan)
        return n / (n - 2)

    @property
    def mode(self):
        """(m − 2)/m · n/(n + 2) where m > 2, else NaN."""
        mode = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return where(self.df1 > 2, mode, math.nan)

    @property
    def variance(self):
        """2 n² (m + n − 2)/(m (n − 2)² (n − 4)) where n > 4, else NaN."""
        m, n = self.df1, where(self.df2 > 4, self.df2, math.nan)
        return 2 * n.pow(2) * (m + n - 2) / (m * (n - 2).pow(2) * (n - 4))

    def rsample(self, sample_shape=()):
        sample_shape = tuple(sample_shape)
        numerator = self._gamma1.rsample(sample_shape)
        denominator = self._gamma2.rsample(sample_shape)
        tiny = finfo(denominator.dtype).tiny
        return (numerator / denominator.clamp(min=tiny)).clamp(min=tiny)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        if not isinstance(value, Tensor):
            value = tensor(value, dtype=self.df1.dtype, device=self.df1.device)
        a, b = self.df1 * 0.5, self.df2 * 0.5
        ratio = self.df1 / self.df2
        log_beta = a.lgamma() + b.lgamma() - (a + b).lgamma()
        return (a * ratio.log() + (a - 1) * value.log() - (a + b) * (ratio * value).log1p()
                - log_beta)
