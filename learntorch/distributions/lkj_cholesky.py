"""The LKJ distribution of correlation matrices."""

import math

from learntorch.core.dtypes import finfo
from learntorch.core.shapes import Size
from learntorch.distributions import constraints
from learntorch.distributions.beta import Beta
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import _standard_normal, broadcast_all
from learntorch.ops.compare import where
from learntorch.ops.create import arange
from learntorch.ops.shape import cat
from learntorch.ops.special import mvlgamma

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Cholesky factors L of correlation matrices M = L Lᵀ, p(M) ∝ det(M)^(η − 1).

    Parameters: `dim` n ≥ 2, the size of the matrices; `concentration` η > 0: all correlation
    matrices alike for η = 1, closer to the identity for a larger η.
    Raises ValueError for dim < 2.
    Source: Lewandowski, Kurowicka, Joe: Generating random correlation matrices based on vines and
    extended onion method, 2009, section 3.
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    expand = expanding("dim", "concentration", "_beta")

    def __init__(self, dim, concentration=1.0, validate_args=None):
        if dim < 2:
            raise ValueError("Expected dim to be an integer greater than or equal to 2. "
                             f"Found dim={dim}.")
        self.dim = dim
        self.concentration, = broadcast_all(concentration)
        # The squared length of row i left of the diagonal is Beta(i/2, η + (n − 1 − i)/2).
        row = arange(dim - 1, dtype=self.concentration.dtype, device=self.concentration.device)
        row = cat([row.new_zeros((1,)), row])
        left = self.concentration + 0.5 * (dim - 2)
        self._beta = Beta(row + 0.5, left.unsqueeze(-1) - 0.5 * row)
        super().__init__(self.concentration.size(), Size((dim, dim)), validate_args=validate_args)

    def sample(self, sample_shape=()):
        """Row by row: a direction on the sphere, drawn evenly, times a length."""
        squared_length = self._beta.sample(sample_shape).unsqueeze(-1)
        normal = _standard_normal(self._extended_shape(sample_shape), self.concentration.dtype,
                                  self.concentration.device).tril(-1)
        direction = normal / normal.norm(dim=-1, keepdim=True)
        first = arange(self.dim).unsqueeze(-1) == 0             # has nothing left of its diagonal
        rows = squared_length.sqrt() * where(first, 0.0, direction)
        tiny = finfo(rows.dtype).tiny
        rest = (1 - (rows ** 2).sum(-1)).clamp(min=tiny).sqrt()
        return rows + rest.diag_embed()

    def log_prob(self, value):
        """Σᵢ (2(η − 1) + n − i) ln Lᵢᵢ − ln c, i = 2 … n; c from page 1999 of the source."""
        if self._validate_args:
            self._validate_sample(value)
        n, eta = self.dim, self.concentration
        powers = 2 * (eta - 1).unsqueeze(-1) + n - arange(2, n + 1, device=eta.device)
        density = (powers * value.diagonal(dim1=-1, dim2=-2)[..., 1:].log()).sum(-1)
        m = n - 1
        alpha = eta + 0.5 * m
        log_norm = 0.5 * m * math.log(math.pi) + mvlgamma(alpha - 0.5, m) - alpha.lgamma() * m
        return density - log_norm
