"""The half-Cauchy distribution."""

import math

from learntorch.core.tensor import Tensor
from learntorch.distributions import constraints
from learntorch.distributions.cauchy import Cauchy
from learntorch.distributions.transformed_distribution import TransformedDistribution, rebuilding
from learntorch.distributions.transforms import AbsTransform
from learntorch.ops.compare import where
from learntorch.ops.create import full, tensor, zeros_like

__all__ = ["HalfCauchy"]


class HalfCauchy(TransformedDistribution):
    """|X| of a Cauchy X around 0: p(x) = 2/(π s (1 + x²/s²)), x ≥ 0.

    Parameter: `scale` s > 0.
    """

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    expand = rebuilding()

    def __init__(self, scale, validate_args=None):
        super().__init__(Cauchy(0, scale, validate_args=False), AbsTransform(),
                         validate_args=validate_args)

    @property
    def scale(self):
        """s."""
        return self.base_dist.scale

    @property
    def mean(self):
        """Infinite."""
        return full(self._extended_shape(), math.inf, dtype=self.scale.dtype,
                    device=self.scale.device)

    @property
    def mode(self):
        """0."""
        return zeros_like(self.scale)

    @property
    def variance(self):
        """Infinite."""
        return self.base_dist.variance

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        if not isinstance(value, Tensor):
            value = tensor(value, dtype=self.scale.dtype, device=self.scale.device)
        return where(value >= 0, self.base_dist.log_prob(value) + math.log(2), -math.inf)

    def cdf(self, value):
        """2/π · arctan(x/s)."""
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, prob):
        """s tan(πu/2)."""
        return self.base_dist.icdf((prob + 1) / 2)

    def entropy(self):
        """ln 2πs."""
        return self.base_dist.entropy() - math.log(2)
