"""The Dirichlet distribution."""

from learntorch.distributions import constraints
from learntorch.distributions.distribution import expanding
from learntorch.distributions.exp_family import ExponentialFamily
from learntorch.ops.compare import where
from learntorch.ops.embedding import one_hot
from learntorch.ops.random import sample_dirichlet
from learntorch.ops.special import xlogy

__all__ = ["Dirichlet"]


class Dirichlet(ExponentialFamily):
    """n shares of 1: p(x) = Γ(Σ αᵢ) Πᵢ xᵢ^(αᵢ−1) / Γ(αᵢ) on the simplex.

    Parameter: `concentration` α (…, n), αᵢ > 0. α = 1 is uniform, small α gives nearly all to one
    share, large α shares out evenly.
    Raises ValueError for a concentration without dimensions.
    Source of the draws' gradient: Figurnov, Mohamed, Mnih: Implicit reparameterization gradients,
    2018.
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True
    expand = expanding("concentration")

    def __init__(self, concentration, validate_args=None):
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:],
                         validate_args=validate_args)

    def rsample(self, sample_shape=()):
        return sample_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        alpha = self.concentration
        return (xlogy(alpha - 1.0, value).sum(-1)
                + alpha.sum(-1).lgamma() - alpha.lgamma().sum(-1))

    @property
    def mean(self):
        """αᵢ / Σ α."""
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self):
        """(αᵢ − 1) / Σ (α − 1), shares with αᵢ < 1 at 0; all at a corner where every αᵢ < 1."""
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        corner = one_hot(mode.argmax(-1), mode.shape[-1]).to(mode.dtype)
        return where((self.concentration < 1).all(-1, True), corner, mode)

    @property
    def variance(self):
        """αᵢ (α₀ − αᵢ) / (α₀² (α₀ + 1)), α₀ = Σ α."""
        total = self.concentration.sum(-1, True)
        return (self.concentration * (total - self.concentration)
                / (total.pow(2) * (total + 1)))

    def entropy(self):
        """ln B(α) + (α₀ − n) ψ(α₀) − Σ (αᵢ − 1) ψ(αᵢ)."""
        alpha = self.concentration
        n = alpha.size(-1)
        total = alpha.sum(-1)
        return (alpha.lgamma().sum(-1) - total.lgamma() + (total - n) * total.digamma()
                - ((alpha - 1.0) * alpha.digamma()).sum(-1))

    @property
    def _natural_params(self):
        return (self.concentration,)

    def _log_normalizer(self, x):
        return x.lgamma().sum(-1) - x.sum(-1).lgamma()
