"""The normal distribution."""

import math

from learntorch.core.ambient import no_grad
from learntorch.distributions import constraints
from learntorch.distributions.distribution import expanding
from learntorch.distributions.exp_family import ExponentialFamily
from learntorch.distributions.utils import _standard_normal, broadcast_all
from learntorch.ops.random import normal

__all__ = ["Normal"]


class Normal(ExponentialFamily):
    """p(x) = 1/(σ√2π) · exp(−(x − μ)²/2σ²): the bell curve.

    Parameters: `loc` μ, `scale` σ > 0.

    >>> Normal(torch.tensor([0.0]), torch.tensor([1.0])).sample()
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _mean_carrier_measure = 0
    expand = expanding("loc", "scale")

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.size(), validate_args=validate_args)

    @property
    def mean(self):
        """μ."""
        return self.loc

    @property
    def mode(self):
        """μ."""
        return self.loc

    @property
    def stddev(self):
        """σ."""
        return self.scale

    @property
    def variance(self):
        """σ²."""
        return self.stddev.pow(2)

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return normal(self.loc.expand(shape), self.scale.expand(shape))

    def rsample(self, sample_shape=()):
        """μ + σ ε, ε standard normal."""
        shape = self._extended_shape(sample_shape)
        eps = _standard_normal(shape, self.loc.dtype, self.loc.device)
        return self.loc + eps * self.scale

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        variance = self.scale ** 2
        log_scale = self.scale.log()
        return (-((value - self.loc) ** 2) / (2 * variance) - log_scale
                - math.log(math.sqrt(2 * math.pi)))

    def cdf(self, value):
        """½ (1 + erf(z/√2)), z = (x − μ)/σ."""
        if self._validate_args:
            self._validate_sample(value)
        return 0.5 * (1 + ((value - self.loc) * self.scale.reciprocal() / math.sqrt(2)).erf())

    def icdf(self, value):
        """μ + σ√2 erf⁻¹(2u − 1)."""
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    def entropy(self):
        """½ ln 2πe + ln σ."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()

    @property
    def _natural_params(self):
        return (self.loc / self.scale.pow(2), -0.5 * self.scale.pow(2).reciprocal())

    def _log_normalizer(self, x, y):
        return -0.25 * x.pow(2) / y + 0.5 * (-math.pi / y).log()
