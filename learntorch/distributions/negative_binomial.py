"""The negative binomial distribution."""

from learntorch.core.ambient import no_grad
from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.gamma import Gamma
from learntorch.distributions.utils import ProbsOrLogits, broadcast_all, either, lazy_property
from learntorch.ops.activation import logsigmoid, sigmoid
from learntorch.ops.random import poisson

__all__ = ["NegativeBinomial"]


class NegativeBinomial(ProbsOrLogits, Distribution):
    """Successes before the r-th failure: P(k) = Γ(k + r)/(k! Γ(r)) · pᵏ (1 − p)ʳ, k = 0, 1, …

    Parameters: `total_count` r ≥ 0, not only whole numbers; `probs` p ∈ [0, 1) of a success, or
    `logits` ln p/(1 − p), not both. It is a Poisson distribution with a gamma distributed rate.
    """

    arg_constraints = {"total_count": constraints.greater_than_eq(0),
                       "probs": constraints.half_open_interval(0.0, 1.0),
                       "logits": constraints.real}
    support = constraints.nonnegative_integer
    expand = expanding("total_count", "probs", "logits", "_param")

    def __init__(self, total_count, probs=None, logits=None, validate_args=None):
        either(probs, logits)
        if probs is not None:
            total_count, self.probs = broadcast_all(total_count, probs)
            self._param = self.probs
        else:
            total_count, self.logits = broadcast_all(total_count, logits)
            self._param = self.logits
        self.total_count = total_count.to(self._param.dtype)
        super().__init__(self._param.size(), validate_args=validate_args)

    @property
    def mean(self):
        """r p/(1 − p)."""
        return self.total_count * self.logits.exp()

    @property
    def mode(self):
        """⌊(r − 1) p/(1 − p)⌋, at least 0."""
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self):
        """r p/(1 − p)²."""
        return self.mean / sigmoid(-self.logits)

    @lazy_property
    def _gamma(self):
        """The distribution of the Poisson rate."""
        return Gamma(self.total_count, (-self.logits).exp(), validate_args=False)

    def sample(self, sample_shape=()):
        with no_grad():
            return poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        r, k = self.total_count, value
        powers = r * logsigmoid(-self.logits) + k * logsigmoid(self.logits)
        ways = (r + k).lgamma() - (1.0 + k).lgamma() - r.lgamma()
        return powers + ways.masked_fill(r + k == 0.0, 0.0)
