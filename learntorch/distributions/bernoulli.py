"""The Bernoulli distribution."""

from learntorch.core.ambient import no_grad
from learntorch.distributions import constraints
from learntorch.distributions.distribution import expanding
from learntorch.distributions.exp_family import ExponentialFamily
from learntorch.distributions.utils import ProbsOrLogits, broadcast_all, either
from learntorch.ops.compare import where
from learntorch.ops.create import arange
from learntorch.ops.loss import binary_cross_entropy_with_logits
from learntorch.ops.random import bernoulli

__all__ = ["Bernoulli"]


class Bernoulli(ProbsOrLogits, ExponentialFamily):
    """1 with probability p, else 0: P(x) = pˣ (1 − p)¹⁻ˣ.

    Parameters: `probs` p ∈ [0, 1], or `logits` ln p/(1 − p), not both.

    >>> Bernoulli(torch.tensor([0.3])).sample()    # 30% chance 1; 70% chance 0
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0
    expand = expanding("probs", "logits", "_param")

    def __init__(self, probs=None, logits=None, validate_args=None):
        either(probs, logits)
        if probs is not None:
            self.probs, = broadcast_all(probs)
            self._param = self.probs
        else:
            self.logits, = broadcast_all(logits)
            self._param = self.logits
        super().__init__(self._param.size(), validate_args=validate_args)

    @property
    def mean(self):
        """p."""
        return self.probs

    @property
    def mode(self):
        """1 where p > ½, 0 where p < ½, NaN (both) where p = ½."""
        likelier = (self.probs >= 0.5).to(self.probs.dtype)
        return where(self.probs == 0.5, float("nan"), likelier)

    @property
    def variance(self):
        """p (1 − p)."""
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape=()):
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self):
        """−p ln p − (1 − p) ln(1 − p)."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand=True):
        values = arange(2, dtype=self._param.dtype, device=self._param.device)
        values = values.view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + self._batch_shape) if expand else values

    @property
    def _natural_params(self):
        return (self.logits,)

    def _log_normalizer(self, x):
        return x.exp().log1p()
