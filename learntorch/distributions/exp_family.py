"""Exponential families: entropy from the derivative of one function."""

from learntorch.core.engine import grad
from learntorch.distributions.distribution import Distribution
from learntorch.distributions.utils import _sum_rightmost

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """p(x; θ) = exp(⟨t(x), θ⟩ − F(θ) + k(x)).

    θ are the natural parameters (`_natural_params`), t(x) the sufficient statistic, F the log
    normalizer (`_log_normalizer(*θ)`), k(x) the carrier measure, of which only the expectation is
    needed (`_mean_carrier_measure`). Because ∇F(θ) = E[t(X)], these three give the entropy and the
    divergence from another member of the family.
    Source: Nielsen, Nock: Entropies and cross-entropies of exponential families, ICIP 2010.
    """

    @property
    def _natural_params(self):
        """θ, a tuple of tensors."""
        raise self._no("_natural_params")

    def _log_normalizer(self, *natural_params):
        """F(θ)."""
        raise self._no("_log_normalizer")

    @property
    def _mean_carrier_measure(self):
        """E[k(X)]."""
        raise self._no("_mean_carrier_measure")

    def entropy(self):
        """F(θ) − ⟨θ, ∇F(θ)⟩ − E[k(X)]."""
        result = -self._mean_carrier_measure
        theta = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*theta)
        slopes = grad(normalizer.sum(), theta, create_graph=True)
        result = result + normalizer
        for p, slope in zip(theta, slopes, strict=True):
            result = result - _sum_rightmost(p * slope, p.dim() - len(self.batch_shape))
        return result
