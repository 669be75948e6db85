"""The von Mises distribution."""

import math

from learntorch.core.ambient import no_grad
from learntorch.core.dtypes import float64
from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import broadcast_all, lazy_property
from learntorch.ops.compare import where
from learntorch.ops.create import empty, zeros
from learntorch.ops.random import rand
from learntorch.ops.special import i0e, i1e

__all__ = ["VonMises"]


class VonMises(Distribution):
    """A direction: p(x) = exp(κ cos(x − μ)) / (2π I₀(κ)), x an angle in [−π, π).

    Parameters: `loc` μ, an angle in radians; `concentration` κ > 0, about 1/variance.
    Source of the draws: Best, Fisher: Efficient simulation of the von Mises distribution, 1979.
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False
    expand = expanding("loc", "concentration")

    def __init__(self, loc, concentration, validate_args=None):
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        kappa = self.concentration
        log_i0 = i0e(kappa).log() + kappa
        return kappa * (value - self.loc).cos() - math.log(2 * math.pi) - log_i0

    @lazy_property
    def _loc(self):
        return self.loc.to(float64)

    @lazy_property
    def _concentration(self):
        return self.concentration.to(float64)

    @lazy_property
    def _proposal_r(self):
        """r of the wrapped Cauchy density that lies closest above; for κ → 0 it is κ + 1/κ."""
        kappa = self._concentration
        tau = 1 + (1 + 4 * kappa ** 2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        r = (1 + rho ** 2) / (2 * rho)
        return where(kappa < 1e-5, 1 / kappa + kappa, r)

    def sample(self, sample_shape=()):
        """Angles drawn from a wrapped Cauchy density until all are accepted, in float64."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            loc, kappa, r = (p.expand(shape) for p in (
                self._loc, self._concentration, self._proposal_r))
            angle = empty(shape, dtype=loc.dtype, device=loc.device)
            done = zeros(shape, dtype=loc.dtype) > 0
            while not done.all():
                u1, u2, u3 = rand((3,) + shape, dtype=loc.dtype, device=loc.device).unbind()
                z = (math.pi * u1).cos()
                f = (1 + r * z) / (r + z)
                c = kappa * (r - f)
                accept = ((c * (2 - c) - u2) > 0) | ((c / u2).log() + 1 - c >= 0)
                # an angle accepted before may be replaced: it is as good
                angle = where(accept, (u3 - 0.5).sign() * f.acos(), angle)
                done = done | accept
            turned = (angle + math.pi + loc) % (2 * math.pi) - math.pi
            return turned.to(self.loc.dtype)

    @property
    def mean(self):
        """μ, the mean direction."""
        return self.loc

    @property
    def mode(self):
        """μ."""
        return self.loc

    @lazy_property
    def variance(self):
        """1 − I₁(κ)/I₀(κ), the circular variance."""
        return 1 - i1e(self.concentration) / i0e(self.concentration)
