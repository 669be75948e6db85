"""The exponential distribution."""

from learntorch.distributions import constraints
from learntorch.distributions.distribution import expanding
from learntorch.distributions.exp_family import ExponentialFamily
from learntorch.distributions.utils import broadcast_all
from learntorch.ops.create import zeros_like

__all__ = ["Exponential"]


class Exponential(ExponentialFamily):
    """p(x) = λ e^(−λx), x ≥ 0: the time until an event that comes at rate λ.

    Parameter: `rate` λ > 0.
    """

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0
    expand = expanding("rate")

    def __init__(self, rate, validate_args=None):
        self.rate, = broadcast_all(rate)
        super().__init__(self.rate.size(), validate_args=validate_args)

    @property
    def mean(self):
        """1/λ."""
        return self.rate.reciprocal()

    @property
    def mode(self):
        """0."""
        return zeros_like(self.rate)

    @property
    def stddev(self):
        """1/λ."""
        return self.rate.reciprocal()

    @property
    def variance(self):
        """1/λ²."""
        return self.rate.pow(-2)

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        return self.rate.new_empty(shape).exponential_() / self.rate

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return self.rate.log() - self.rate * value

    def cdf(self, value):
        """1 − e^(−λx)."""
        if self._validate_args:
            self._validate_sample(value)
        return 1 - (-self.rate * value).exp()

    def icdf(self, value):
        """−ln(1 − u)/λ."""
        return -(-value).log1p() / self.rate

    def entropy(self):
        """1 − ln λ."""
        return 1.0 - self.rate.log()

    @property
    def _natural_params(self):
        return (-self.rate,)

    def _log_normalizer(self, x):
        return -(-x).log()
