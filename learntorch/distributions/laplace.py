"""The Laplace distribution."""

from learntorch.core.dtypes import finfo
from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import broadcast_all

__all__ = ["Laplace"]


class Laplace(Distribution):
    """p(x) = 1/2b · exp(−|x − μ|/b): two exponential distributions back to back.

    Parameters: `loc` μ, `scale` b > 0.
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    expand = expanding("loc", "scale")

    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.size(), validate_args=validate_args)

    @property
    def mean(self):
        """μ."""
        return self.loc

    @property
    def mode(self):
        """μ."""
        return self.loc

    @property
    def variance(self):
        """2b²."""
        return 2 * self.scale.pow(2)

    @property
    def stddev(self):
        """√2 b."""
        return (2 ** 0.5) * self.scale

    def rsample(self, sample_shape=()):
        """μ − b sign(u) ln(1 − |u|), u uniform on (−1, 1)."""
        shape = self._extended_shape(sample_shape)
        u = self.loc.new_empty(shape).uniform_(finfo(self.loc.dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def cdf(self, value):
        """½ + ½ sign(x − μ) (1 − e^(−|x − μ|/b))."""
        if self._validate_args:
            self._validate_sample(value)
        d = value - self.loc
        return 0.5 - 0.5 * d.sign() * (-d.abs() / self.scale).expm1()

    def icdf(self, value):
        """μ − b sign(u − ½) ln(1 − 2|u − ½|)."""
        side = value - 0.5
        return self.loc - self.scale * side.sign() * (-2 * side.abs()).log1p()

    def entropy(self):
        """1 + ln 2b."""
        return 1 + (2 * self.scale).log()
