"""The categorical distribution made smooth."""

import math

from learntorch.distributions import constraints
from learntorch.distributions.categorical import Categorical
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.transformed_distribution import TransformedDistribution, rebuilding
from learntorch.distributions.transforms import ExpTransform
from learntorch.distributions.utils import broadcast_all, clamp_probs
from learntorch.ops.random import rand

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


class ExpRelaxedCategorical(Distribution):
    """The logarithm of a `RelaxedOneHotCategorical` vector: log softmax((ln pᵢ + gᵢ)/T).

    gᵢ = −ln(−ln uᵢ) are Gumbel numbers. Parameters: `temperature` T > 0; `probs` (…, n) or
    `logits` (…, n), not both.
    Source: Maddison, Mnih, Teh: The concrete distribution, ICLR 2017, appendix C.2.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector               # within it, where Σ exp(y) = 1
    has_rsample = True
    expand = expanding("_categorical", shared=("temperature",))

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        super().__init__(self._categorical.batch_shape, self._categorical.param_shape[-1:],
                         validate_args=validate_args)

    @property
    def param_shape(self):
        """The shape of the parameter."""
        return self._categorical.param_shape

    @property
    def logits(self):
        """ln pᵢ."""
        return self._categorical.logits

    @property
    def probs(self):
        """pᵢ."""
        return self._categorical.probs

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        u = clamp_probs(rand(shape, dtype=self.logits.dtype, device=self.logits.device))
        gumbel = -(-u.log()).log()
        return ((self.logits + gumbel) / self.temperature).log_softmax(-1)

    def log_prob(self, value):
        """ln (n − 1)! + (n − 1) ln T + Σ log softmax(ln pᵢ − T yᵢ)."""
        if self._validate_args:
            self._validate_sample(value)
        n = self._categorical._num_events
        logits, value = broadcast_all(self.logits, value)
        score = (logits - value * self.temperature).log_softmax(-1).sum(-1)
        return score + (math.lgamma(n) + (n - 1) * self.temperature.log())


class RelaxedOneHotCategorical(TransformedDistribution):
    """A point of the simplex that stands for a category and has a gradient (Gumbel-softmax).

    softmax((ln pᵢ + gᵢ)/T), gᵢ Gumbel numbers. Parameters: `temperature` T > 0, the lower the
    closer to a corner; `probs` (…, n) or `logits` (…, n), not both.
    Source: Maddison, Mnih, Teh: The concrete distribution, ICLR 2017; Jang, Gu, Poole: Categorical
    reparameterization with Gumbel-softmax, ICLR 2017.
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex
    has_rsample = True
    expand = rebuilding()

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    @property
    def temperature(self):
        """T."""
        return self.base_dist.temperature

    @property
    def logits(self):
        """ln pᵢ."""
        return self.base_dist.logits

    @property
    def probs(self):
        """pᵢ."""
        return self.base_dist.probs
