"""The continuous Bernoulli distribution."""

import math

from learntorch.distributions import constraints
from learntorch.distributions.distribution import expanding
from learntorch.distributions.exp_family import ExponentialFamily
from learntorch.distributions.utils import ProbsOrLogits, broadcast_all, clamp_probs, either
from learntorch.ops.compare import where
from learntorch.ops.loss import binary_cross_entropy_with_logits
from learntorch.ops.random import rand

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(ProbsOrLogits, ExponentialFamily):
    """p(x) = C(λ) λˣ (1 − λ)¹⁻ˣ on [0, 1], C(λ) = 2 artanh(1 − 2λ)/(1 − 2λ), C(½) = 2.

    Parameters: `probs` λ ∈ (0, 1), or `logits` ln λ/(1 − λ), not both; λ is not the mean.
    Values of λ outside (0, 1) are moved inside, or refused with `validate_args=True`.
    Around λ = ½, within `lims`, the quotients are 0/0: there Taylor series stand in for them.
    Source: Loaiza-Ganem, Cunningham: The continuous Bernoulli, NeurIPS 2019.
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0
    expand = expanding("_lims", "probs", "logits", "_param")

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        either(probs, logits)
        if probs is not None:
            self.probs, = broadcast_all(probs)
            # Later all would pass. Without being asked PyTorch does not look here either.
            if validate_args and not self.arg_constraints["probs"].check(self.probs).all():
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
            self._param = self.probs
        else:
            self.logits, = broadcast_all(logits)
            self._param = self.logits
        self._lims = lims
        super().__init__(self._param.size(), validate_args=validate_args)

    def _is_stable(self):
        """Where λ is far enough from ½ for the closed forms."""
        low, high = self._lims
        return (self.probs <= low) | (self.probs > high)

    def _stable_probs(self):
        """λ, and near ½ a harmless value: what `where` discards must not be NaN either."""
        return where(self._is_stable(), self.probs, self._lims[0])

    def _log_norm(self):
        """ln C(λ); near ½ the series ln 2 + 4/3 d² + 104/45 d⁴, d = λ − ½."""
        p = self._stable_probs()
        log_ratio = ((-p).log1p() - p.log()).abs().log() - (1 - 2 * p).abs().log()
        d2 = (self.probs - 0.5) ** 2
        return where(self._is_stable(), log_ratio,
                     math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * d2) * d2)

    @property
    def mean(self):
        """λ/(2λ − 1) + 1/(2 artanh(1 − 2λ)); near ½ the series ½ + d/3 + 16/45 d³."""
        p = self._stable_probs()
        value = p / (2.0 * p - 1.0) + 1.0 / ((-p).log1p() - p.log())
        d = self.probs - 0.5
        return where(self._is_stable(), value, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * d ** 2) * d)

    @property
    def variance(self):
        """λ(λ − 1)/(1 − 2λ)² + 1/(2 artanh(1 − 2λ))²; near ½ 1/12 − d²/15 + 128/945 d⁴."""
        p = self._stable_probs()
        value = (p * (p - 1.0) / (1.0 - 2.0 * p) ** 2
                 + 1.0 / ((-p).log1p() - p.log()) ** 2)
        d2 = (self.probs - 0.5) ** 2
        return where(self._is_stable(), value,
                     1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * d2) * d2)

    def rsample(self, sample_shape=()):
        u = rand(self._extended_shape(sample_shape), dtype=self.probs.dtype,
                 device=self.probs.device)
        return self.icdf(u)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return (-binary_cross_entropy_with_logits(logits, value, reduction="none")
                + self._log_norm())

    def cdf(self, value):
        """(λˣ (1 − λ)¹⁻ˣ + λ − 1)/(2λ − 1); near ½ x."""
        if self._validate_args:
            self._validate_sample(value)
        p = self._stable_probs()
        inside = (p ** value * (1.0 - p) ** (1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        inside = where(self._is_stable(), inside, value)
        return where(value <= 0.0, 0.0, where(value >= 1.0, 1.0, inside))

    def icdf(self, value):
        """ln(1 + u (2λ − 1)/(1 − λ)) / ln(λ/(1 − λ)); near ½ u."""
        p = self._stable_probs()
        x = (((-p + value * (2.0 * p - 1.0)).log1p() - (-p).log1p())
             / (p.log() - (-p).log1p()))
        return where(self._is_stable(), x, value)

    def entropy(self):
        """−E[X] ln λ − (1 − E[X]) ln(1 − λ) − ln C(λ)."""
        log_0 = (-self.probs).log1p()
        log_1 = self.probs.log()
        return self.mean * (log_0 - log_1) - self._log_norm() - log_0

    @property
    def _natural_params(self):
        return (self.logits,)

    def _log_normalizer(self, x):
        """ln((eˣ − 1)/x); near 0 the series x/2 + x²/24 − x⁴/2880."""
        low, high = self._lims[0] - 0.5, self._lims[1] - 0.5
        is_stable = (x <= low) | (x > high)
        safe = where(is_stable, x, low)
        exact = (safe.exp() - 1.0).abs().log() - safe.abs().log()
        series = 0.5 * x + x.pow(2) / 24.0 - x.pow(4) / 2880.0
        return where(is_stable, exact, series)
