"""The categorical distribution."""

from learntorch.core.dtypes import finfo
from learntorch.core.shapes import Size
from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import ProbsOrLogits, either
from learntorch.ops.create import arange, full
from learntorch.ops.random import multinomial
from learntorch.ops.views import broadcast_tensors

__all__ = ["Categorical"]


class Categorical(ProbsOrLogits, Distribution):
    """One of n categories: P(i) = pᵢ, i = 0 … n − 1.

    Parameters: `probs` (…, n) ≥ 0, divided by their sum, or `logits` (…, n), any numbers, pᵢ their
    softmax; not both. Draws are int64.
    Raises ValueError for parameters without dimensions.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    _is_binary = False
    expand = expanding("probs", "logits", "_param", "_num_events")

    def __init__(self, probs=None, logits=None, validate_args=None):
        either(probs, logits)
        name, given = ("probs", probs) if probs is not None else ("logits", logits)
        if given.dim() < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
            self._param = self.probs
        else:
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
            self._param = self.logits
        self._num_events = given.size(-1)
        super().__init__(given.size()[:-1], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self):
        """NaN: categories are names, not numbers."""
        return self._nan()

    @property
    def mode(self):
        """The category of largest probability."""
        return self.probs.argmax(dim=-1)

    @property
    def variance(self):
        """NaN: categories are names, not numbers."""
        return self._nan()

    def _nan(self):
        return full(self._extended_shape(), float("nan"), dtype=self.probs.dtype,
                    device=self.probs.device)

    def sample(self, sample_shape=()):
        sample_shape = Size(sample_shape)
        rows = self.probs.reshape(-1, self._num_events)
        draws = multinomial(rows, sample_shape.numel(), True).T
        return draws.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        value, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self):
        """−Σ pᵢ ln pᵢ; a category of probability 0 adds nothing."""
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand=True):
        values = arange(self._num_events, device=self._param.device)
        values = values.view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + self._batch_shape) if expand else values
