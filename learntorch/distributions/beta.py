"""The beta distribution."""

from learntorch.core.tensor import Tensor
from learntorch.distributions import constraints
from learntorch.distributions.dirichlet import Dirichlet
from learntorch.distributions.distribution import expanding
from learntorch.distributions.exp_family import ExponentialFamily
from learntorch.distributions.utils import broadcast_all
from learntorch.ops.shape import stack

__all__ = ["Beta"]


class Beta(ExponentialFamily):
    """A share of 1: p(x) = x^(α−1) (1 − x)^(β−1) / B(α, β) on [0, 1].

    Parameters: `concentration1` α > 0, `concentration0` β > 0. The pair (x, 1 − x) is Dirichlet
    distributed: all is computed by that distribution.
    """

    arg_constraints = {"concentration1": constraints.positive,
                       "concentration0": constraints.positive}
    support = constraints.unit_interval
    has_rsample = True
    expand = expanding("_dirichlet")

    def __init__(self, concentration1, concentration0, validate_args=None):
        both = stack(broadcast_all(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(both, validate_args=validate_args)
        super().__init__(self._dirichlet._batch_shape, validate_args=validate_args)

    @property
    def concentration1(self):
        """α."""
        return self._dirichlet.concentration[..., 0]

    @property
    def concentration0(self):
        """β."""
        return self._dirichlet.concentration[..., 1]

    @property
    def mean(self):
        """α / (α + β)."""
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self):
        """(α − 1) / (α + β − 2) where both are above 1, else an end of the interval."""
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self):
        """α β / ((α + β)² (α + β + 1))."""
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total.pow(2) * (total + 1))

    def rsample(self, sample_shape=()):
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        if not isinstance(value, Tensor):
            value, = broadcast_all(value)
        return self._dirichlet.log_prob(stack([value, 1.0 - value], -1))

    def entropy(self):
        """ln B(α, β) − (α − 1) ψ(α) − (β − 1) ψ(β) + (α + β − 2) ψ(α + β)."""
        return self._dirichlet.entropy()

    @property
    def _natural_params(self):
        return (self.concentration1, self.concentration0)

    def _log_normalizer(self, x, y):
        return x.lgamma() + y.lgamma() - (x + y).lgamma()
