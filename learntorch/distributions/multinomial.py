"""The multinomial distribution."""

import math

from learntorch.core.shapes import Size
from learntorch.distributions import constraints
from learntorch.distributions.binomial import Binomial
from learntorch.distributions.categorical import Categorical
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import broadcast_all
from learntorch.ops.compare import where
from learntorch.ops.create import ones_like

__all__ = ["Multinomial"]


class Multinomial(Distribution):
    """How often each of n categories comes in N trials: P(x) = N! Πᵢ pᵢ^xᵢ / xᵢ!, Σ xᵢ = N.

    Parameters: `total_count` N, one number for the whole batch; `probs` (…, n) ≥ 0, divided by
    their sum, or `logits` (…, n), not both. `log_prob` does not need N: values of any total do.
    Raises NotImplementedError for a total_count that is not an int.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    expand = expanding("total_count", "_categorical")

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:],
                         validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        return constraints.multinomial(self.total_count)

    @property
    def mean(self):
        """N pᵢ."""
        return self.probs * self.total_count

    @property
    def variance(self):
        """N pᵢ (1 − pᵢ)."""
        return self.total_count * self.probs * (1 - self.probs)

    @property
    def logits(self):
        """ln pᵢ."""
        return self._categorical.logits

    @property
    def probs(self):
        """pᵢ."""
        return self._categorical.probs

    @property
    def param_shape(self):
        """The shape of the parameter."""
        return self._categorical.param_shape

    def sample(self, sample_shape=()):
        """N categorical draws, counted."""
        draws = self._categorical.sample(Size((self.total_count,)) + Size(sample_shape))
        draws = draws.movedim(0, -1)                    # (sample, batch, N)
        counts = draws.new_zeros(self._extended_shape(sample_shape))
        counts.scatter_add_(-1, draws, ones_like(draws))
        return counts.to(self.probs.dtype)

    def entropy(self):
        """N H(p) − ln N! + Σᵢ E[ln xᵢ!], each xᵢ binomial."""
        n = self.total_count
        single = Binomial(total_count=n, probs=self.probs)
        counts = single.enumerate_support(expand=False)[1:]
        log_factorials = (single.log_prob(counts).exp() * (counts + 1).lgamma()).sum((0, -1))
        return n * self._categorical.entropy() - math.lgamma(n + 1) + log_factorials

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        logits = where((value == 0) & (logits == -math.inf), 0.0, logits)       # 0 ln 0 = 0
        return ((value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
                + (logits * value).sum(-1))
