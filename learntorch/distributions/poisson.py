"""The Poisson distribution."""

from learntorch.core.ambient import no_grad
from learntorch.distributions import constraints
from learntorch.distributions.distribution import expanding
from learntorch.distributions.exp_family import ExponentialFamily
from learntorch.distributions.utils import broadcast_all
from learntorch.ops.random import poisson
from learntorch.ops.special import xlogy

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """How many events come while λ are expected: P(k) = λᵏ e^(−λ)/k!, k = 0, 1, 2, …

    Parameter: `rate` λ ≥ 0.
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer
    expand = expanding("rate")

    def __init__(self, rate, validate_args=None):
        self.rate, = broadcast_all(rate)
        super().__init__(self.rate.size(), validate_args=validate_args)

    @property
    def mean(self):
        """λ."""
        return self.rate

    @property
    def mode(self):
        """⌊λ⌋."""
        return self.rate.floor()

    @property
    def variance(self):
        """λ."""
        return self.rate

    def sample(self, sample_shape=()):
        with no_grad():
            return poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return xlogy(value, rate) - rate - (value + 1).lgamma()

    @property
    def _natural_params(self):
        return (self.rate.log(),)

    def _log_normalizer(self, x):
        return x.exp()
