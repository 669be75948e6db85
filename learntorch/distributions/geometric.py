"""The geometric distribution."""

from learntorch.core.ambient import no_grad
from learntorch.core.dtypes import finfo
from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import ProbsOrLogits, broadcast_all, either
from learntorch.ops.compare import where
from learntorch.ops.create import zeros_like
from learntorch.ops.loss import binary_cross_entropy_with_logits

__all__ = ["Geometric"]


class Geometric(ProbsOrLogits, Distribution):
    """Failures before the first success: P(k) = (1 − p)ᵏ p, k = 0, 1, 2, …

    Parameters: `probs` p ∈ (0, 1], or `logits` ln p/(1 − p), not both.
    Raises ValueError for p = 0. `Tensor.geometric_` counts the success too.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer
    expand = expanding("probs", "logits")

    def __init__(self, probs=None, logits=None, validate_args=None):
        either(probs, logits)
        if probs is not None:
            self.probs, = broadcast_all(probs)
        else:
            self.logits, = broadcast_all(logits)
        given = self.logits if probs is None else self.probs
        super().__init__(given.size(), validate_args=validate_args)
        if self._validate_args and probs is not None and not (self.probs > 0).all():
            raise ValueError(
                f"Expected parameter probs (Tensor of shape {tuple(self.probs.shape)}) of "
                f"distribution {self!r} to be positive but found invalid values:\n"
                f"{self.probs[self.probs <= 0]}")

    @property
    def mean(self):
        """(1 − p)/p."""
        return 1.0 / self.probs - 1.0

    @property
    def mode(self):
        """0."""
        return zeros_like(self.probs)

    @property
    def variance(self):
        """(1 − p)/p²."""
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape=()):
        """⌊ln u / ln(1 − p)⌋."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            tiny = finfo(self.probs.dtype).tiny         # ln 0 would be an infinite count
            u = self.probs.new_empty(shape).uniform_(tiny, 1)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value):
        """k ln(1 − p) + ln p; 0 · ln 0 counts as 0."""
        if self._validate_args:
            self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        miss = where((probs == 1) & (value == 0), 0.0, probs)
        return value * (-miss).log1p() + self.probs.log()

    def entropy(self):
        """(−p ln p − (1 − p) ln(1 − p))/p."""
        return binary_cross_entropy_with_logits(self.logits, self.probs,
                                                reduction="none") / self.probs
