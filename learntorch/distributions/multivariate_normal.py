"""The normal distribution of vectors."""

import math

from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.utils import _standard_normal, lazy_property
from learntorch.linalg import cholesky, solve_triangular
from learntorch.ops.create import eye
from learntorch.ops.pieces import broadcast_shapes

__all__ = ["MultivariateNormal"]


def squared_distance(L, d):
    """|L⁻¹d|², the squared Mahalanobis distance of vectors d (…, n) for a factor L (…, n, n)."""
    if L.dim() == 2:
        columns = solve_triangular(L, d.reshape(-1, d.shape[-1]).mT, upper=False)
        return columns.pow(2).sum(0).reshape(d.shape[:-1])
    return solve_triangular(L, d.unsqueeze(-1), upper=False).squeeze(-1).pow(2).sum(-1)


def times_vector(L, x):
    """L x for matrices L (…, n, m) and vectors x (…, m)."""
    return (L @ x.unsqueeze(-1)).squeeze(-1)


def inverse_factor(L):
    """L⁻¹ of a lower triangular L."""
    identity = eye(L.shape[-1], dtype=L.dtype, device=L.device)
    return solve_triangular(L, identity, upper=False)


def factor_of_inverse(P):
    """The lower triangular L with L Lᵀ = P⁻¹.

    With J the reversal of rows and columns, J P J = C Cᵀ gives P = U Uᵀ for the upper triangular
    U = J C J, and L = U⁻ᵀ. P itself is never inverted.
    """
    flipped = cholesky(P.flip((-2, -1))).flip((-2, -1))
    return inverse_factor(flipped.mT)


class MultivariateNormal(Distribution):
    """p(x) = exp(−½ (x − μ)ᵀ Σ⁻¹ (x − μ)) / √((2π)ⁿ det Σ).

    Parameters: `loc` μ (…, n), and exactly one of `covariance_matrix` Σ, `precision_matrix` Σ⁻¹,
    `scale_tril` L with L Lᵀ = Σ, all (…, n, n). L is what is computed with: giving it saves a
    decomposition.
    Raises ValueError for too few dimensions, or not exactly one matrix.
    """

    arg_constraints = {"loc": constraints.real_vector,
                       "covariance_matrix": constraints.positive_definite,
                       "precision_matrix": constraints.positive_definite,
                       "scale_tril": constraints.lower_cholesky}
    support = constraints.real_vector
    has_rsample = True
    expand = expanding("loc", "covariance_matrix", "precision_matrix", "scale_tril",
                       shared=("_unbroadcasted_scale_tril",))

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None,
                 validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix,
                 "scale_tril": scale_tril}
        given = {name: matrix for name, matrix in given.items() if matrix is not None}
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril "
                             "may be specified.")
        (name, matrix), = given.items()
        if matrix.dim() < 2:
            kind = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(f"{kind} must be at least two-dimensional, with optional leading "
                             "batch dimensions")
        batch_shape = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand(batch_shape + (-1, -1)))
        self.loc = loc.expand(batch_shape + (-1,))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        # without the batch dimensions that only loc has
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = factor_of_inverse(matrix)

    @lazy_property
    def scale_tril(self):
        """L."""
        return self._unbroadcasted_scale_tril.expand(
            self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def covariance_matrix(self):
        """Σ = L Lᵀ."""
        L = self._unbroadcasted_scale_tril
        return (L @ L.mT).expand(self._batch_shape + self._event_shape + self._event_shape)

    @lazy_property
    def precision_matrix(self):
        """Σ⁻¹ = L⁻ᵀ L⁻¹."""
        inverse = inverse_factor(self._unbroadcasted_scale_tril)
        return (inverse.mT @ inverse).expand(
            self._batch_shape + self._event_shape + self._event_shape)

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
        """The diagonal of Σ."""
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand(
            self._batch_shape + self._event_shape)

    def rsample(self, sample_shape=()):
        """μ + L ε, ε standard normal."""
        eps = _standard_normal(self._extended_shape(sample_shape), self.loc.dtype,
                               self.loc.device)
        return self.loc + times_vector(self._unbroadcasted_scale_tril, eps)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        distance = self._squared_distance(value - self.loc)
        n = self._event_shape[0]
        return -0.5 * (n * math.log(2 * math.pi) + distance) - self._half_log_det()

    def entropy(self):
        """n/2 · ln 2πe + ½ ln det Σ."""
        n = self._event_shape[0]
        return (0.5 * n * (1.0 + math.log(2 * math.pi))
                + self._half_log_det()).expand(self._batch_shape)

    # ---- what the divergence of two normal distributions asks -----------------------------------

    def _squared_distance(self, d):
        """dᵀ Σ⁻¹ d."""
        return squared_distance(self._unbroadcasted_scale_tril, d)

    def _half_log_det(self):
        """½ ln det Σ = Σ ln Lᵢᵢ."""
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def _factor_and_diagonal(self):
        """F and D with Σ = F Fᵀ + diag D; D is None where there is none."""
        return self._unbroadcasted_scale_tril, None

    def _precision_diagonal(self):
        """The diagonal of Σ⁻¹."""
        return inverse_factor(self._unbroadcasted_scale_tril).pow(2).sum(-2)
