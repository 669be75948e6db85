"""The gamma distribution."""

from learntorch.core.dtypes import finfo
from learntorch.core.tensor import Tensor
from learntorch.distributions import constraints
from learntorch.distributions.distribution import expanding
from learntorch.distributions.exp_family import ExponentialFamily
from learntorch.distributions.utils import broadcast_all
from learntorch.ops.create import tensor
from learntorch.ops.random import standard_gamma
from learntorch.ops.special import igamma, xlogy

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """p(x) = βᵅ / Γ(α) · x^(α−1) e^(−βx), x ≥ 0: waiting time for α events that come at rate β.

    Parameters: `concentration` α > 0, `rate` β > 0.
    Source of the draws: Marsaglia, Tsang: A simple method for generating gamma variables, 2000; of
    their gradient: Figurnov, Mohamed, Mnih: Implicit reparameterization gradients, 2018.
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0
    expand = expanding("concentration", "rate")

    def __init__(self, concentration, rate, validate_args=None):
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.size(), validate_args=validate_args)

    @property
    def mean(self):
        """α/β."""
        return self.concentration / self.rate

    @property
    def mode(self):
        """(α − 1)/β, or 0 where α < 1."""
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self):
        """α/β²."""
        return self.concentration / self.rate.pow(2)

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        value = standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        return value.clamp(min=finfo(value.dtype).tiny)         # a 0 would have no log_prob

    def log_prob(self, value):
        if not isinstance(value, Tensor):
            value = tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        if self._validate_args:
            self._validate_sample(value)
        alpha, beta = self.concentration, self.rate
        return xlogy(alpha, beta) + xlogy(alpha - 1, value) - beta * value - alpha.lgamma()

    def entropy(self):
        """α − ln β + ln Γ(α) + (1 − α) ψ(α)."""
        alpha = self.concentration
        return alpha - self.rate.log() + alpha.lgamma() + (1.0 - alpha) * alpha.digamma()

    def cdf(self, value):
        """The regularised lower incomplete gamma function of α and βx."""
        if self._validate_args:
            self._validate_sample(value)
        return igamma(self.concentration, self.rate * value)

    @property
    def _natural_params(self):
        return (self.concentration - 1, -self.rate)

    def _log_normalizer(self, x, y):
        return (x + 1).lgamma() - (x + 1) * (-y).log()
