"""The binomial distribution."""

from learntorch.core.ambient import no_grad
from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import ProbsOrLogits, broadcast_all, either
from learntorch.ops.activation import logsigmoid
from learntorch.ops.create import arange
from learntorch.ops.random import binomial

__all__ = ["Binomial"]


class Binomial(ProbsOrLogits, Distribution):
    """Successes in n trials: P(k) = n! / (k! (n − k)!) · pᵏ (1 − p)ⁿ⁻ᵏ, k = 0 … n.

    Parameters: `total_count` n, and `probs` p ∈ [0, 1] or `logits` ln p/(1 − p), not both.
    """

    arg_constraints = {"total_count": constraints.nonnegative_integer,
                       "probs": constraints.unit_interval, "logits": constraints.real}
    has_enumerate_support = True
    expand = expanding("total_count", "probs", "logits", "_param")

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        either(probs, logits)
        if probs is not None:
            total_count, self.probs = broadcast_all(total_count, probs)
            self._param = self.probs
        else:
            total_count, self.logits = broadcast_all(total_count, logits)
            self._param = self.logits
        self.total_count = total_count.to(self._param.dtype)
        super().__init__(self._param.size(), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self):
        """n p."""
        return self.total_count * self.probs

    @property
    def mode(self):
        """⌊(n + 1) p⌋, at most n."""
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self):
        """n p (1 − p)."""
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value):
        """k·logit p + n ln(1 − p) + ln n! − ln k! − ln(n − k)!."""
        if self._validate_args:
            self._validate_sample(value)
        n, logits = self.total_count, self.logits
        return (value * logits + n * logsigmoid(-logits) + (n + 1).lgamma()
                - (value + 1).lgamma() - (n - value + 1).lgamma())

    def entropy(self):
        """−Σₖ P(k) ln P(k). Raises NotImplementedError when the counts of the batch differ."""
        self._common_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def _common_count(self, purpose):
        n = int(self.total_count.max())
        if self.total_count.min() != n:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{purpose}`.")
        return n

    def enumerate_support(self, expand=True):
        n = self._common_count("enumerate_support")
        values = arange(1 + n, dtype=self._param.dtype, device=self._param.device)
        values = values.view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + self._batch_shape) if expand else values
