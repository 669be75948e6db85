"""Categorical distributions that draw vectors."""

from learntorch.core.shapes import Size
from learntorch.distributions import constraints
from learntorch.distributions.categorical import Categorical
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.ops.create import eye
from learntorch.ops.embedding import one_hot

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(Distribution):
    """One of n categories, drawn as a vector with a 1 in its place: P(eᵢ) = pᵢ.

    Parameters as for `Categorical`: `probs` (…, n), divided by their sum, or `logits` (…, n).
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.one_hot
    has_enumerate_support = True
    expand = expanding("_categorical")

    def __init__(self, probs=None, logits=None, validate_args=None):
        self._categorical = Categorical(probs, logits)
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:],
                         validate_args=validate_args)

    @property
    def _param(self):
        return self._categorical._param

    @property
    def probs(self):
        """pᵢ."""
        return self._categorical.probs

    @property
    def logits(self):
        """ln pᵢ."""
        return self._categorical.logits

    @property
    def mean(self):
        """p."""
        return self._categorical.probs

    @property
    def mode(self):
        """The vector of the likeliest category."""
        return self._vectors(self._categorical.mode)

    @property
    def variance(self):
        """pᵢ (1 − pᵢ)."""
        return self._categorical.probs * (1 - self._categorical.probs)

    @property
    def param_shape(self):
        """The shape of the parameter."""
        return self._categorical.param_shape

    def _vectors(self, categories):
        return one_hot(categories, num_classes=self._categorical._num_events).to(self.probs.dtype)

    def sample(self, sample_shape=()):
        return self._vectors(self._categorical.sample(Size(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self):
        """−Σ pᵢ ln pᵢ."""
        return self._categorical.entropy()

    def enumerate_support(self, expand=True):
        n = self.event_shape[0]
        values = eye(n, dtype=self._param.dtype, device=self._param.device)
        values = values.view((n,) + (1,) * len(self.batch_shape) + (n,))
        return values.expand((n,) + self.batch_shape + (n,)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """A OneHotCategorical whose `rsample` lets the gradient through as if the draw were p.

    Source: Bengio, Léonard, Courville: Estimating or propagating gradients through stochastic
    neurons, 2013.
    """

    has_rsample = True

    def rsample(self, sample_shape=()):
        probs = self._categorical.probs
        return self.sample(sample_shape) + (probs - probs.detach())
