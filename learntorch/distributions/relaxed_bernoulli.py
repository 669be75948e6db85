"""The Bernoulli distribution made smooth."""

from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.transformed_distribution import TransformedDistribution, rebuilding
from learntorch.distributions.transforms import SigmoidTransform
from learntorch.distributions.utils import ProbsOrLogits, broadcast_all, clamp_probs, either
from learntorch.ops.random import rand

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(ProbsOrLogits, Distribution):
    """The logit of a `RelaxedBernoulli` number: (logit p + logit u)/T, u uniform.

    Parameters: `temperature` T > 0; `probs` p ∈ (0, 1) or `logits` ln p/(1 − p), not both.
    Source: Maddison, Mnih, Teh: The concrete distribution, ICLR 2017, appendix C.3.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    expand = expanding("probs", "logits", "_param", shared=("temperature",))

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self.temperature = temperature
        either(probs, logits)
        if probs is not None:
            self.probs, = broadcast_all(probs)
            self._param = self.probs
        else:
            self.logits, = broadcast_all(logits)
            self._param = self.logits
        super().__init__(self._param.size(), validate_args=validate_args)

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(rand(shape, dtype=probs.dtype, device=probs.device))
        return (u.log() - (-u).log1p() + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value):
        """ln T + d − 2 ln(1 + eᵈ), d = logit p − T y."""
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        d = logits - value * self.temperature
        return self.temperature.log() + d - 2 * d.exp().log1p()


class RelaxedBernoulli(TransformedDistribution):
    """A number in (0, 1) that stands for a coin and has a gradient: σ((logit p + logit u)/T).

    Parameters: `temperature` T > 0, the lower the closer to 0 and 1; `probs` p ∈ (0, 1) or
    `logits` ln p/(1 − p), not both.
    Source: Maddison, Mnih, Teh: The concrete distribution, ICLR 2017; Jang, Gu, Poole: Categorical
    reparameterization with Gumbel-softmax, ICLR 2017.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    expand = rebuilding()

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        super().__init__(LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(),
                         validate_args=validate_args)

    @property
    def temperature(self):
        """T."""
        return self.base_dist.temperature

    @property
    def logits(self):
        """ln p/(1 − p)."""
        return self.base_dist.logits

    @property
    def probs(self):
        """p."""
        return self.base_dist.probs
