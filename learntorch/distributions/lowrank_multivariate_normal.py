"""The normal distribution of vectors whose covariance has few strong directions."""

import math

from learntorch.distributions import constraints
from learntorch.distributions.distribution import Distribution, expanding
from learntorch.distributions.multivariate_normal import squared_distance, times_vector
from learntorch.distributions.utils import _standard_normal, lazy_property
from learntorch.linalg import cholesky, solve_triangular
from learntorch.ops.create import eye
from learntorch.ops.pieces import broadcast_shapes

__all__ = ["LowRankMultivariateNormal"]


def capacitance_factor(W, D):
    """The Cholesky factor of I + Wᵀ D⁻¹ W, an m × m matrix."""
    K = (W.mT / D.unsqueeze(-2)) @ W
    return cholesky(K + eye(K.shape[-1], dtype=K.dtype, device=K.device))


class LowRankMultivariateNormal(Distribution):
    """A MultivariateNormal with Σ = W Wᵀ + diag D.

    Parameters: `loc` μ (…, n), `cov_factor` W (…, n, m), `cov_diag` D (…, n) > 0. With m far below
    n the n × n matrix is never built: Woodbury's identity Σ⁻¹ = D⁻¹ − D⁻¹ W C⁻¹ Wᵀ D⁻¹ and the
    determinant lemma det Σ = det C · det D need the m × m capacitance C = I + Wᵀ D⁻¹ W only.
    Raises ValueError for shapes that do not fit.
    """

    arg_constraints = {"loc": constraints.real_vector,
                       "cov_factor": constraints.independent(constraints.real, 2),
                       "cov_diag": constraints.independent(constraints.positive, 1)}
    support = constraints.real_vector
    has_rsample = True
    expand = expanding("loc", "cov_factor", "cov_diag",
                       shared=("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag",
                               "_capacitance_tril"))

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading "
                             "batch dimensions")
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError("cov_factor must be a batch of matrices with shape "
                             f"{event_shape[0]} x m")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        try:
            batch_shape = broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2],
                                           cov_diag.shape[:-1])
        except RuntimeError as error:
            raise ValueError(f"Incompatible batch shapes: loc {loc.shape}, cov_factor "
                             f"{cov_factor.shape}, cov_diag {cov_diag.shape}") from error
        self.loc = loc.expand(batch_shape + event_shape)
        self.cov_factor = cov_factor.expand(batch_shape + cov_factor.shape[-2:])
        self.cov_diag = cov_diag.expand(batch_shape + event_shape)
        # without the batch dimensions that only loc has
        self._unbroadcasted_cov_factor = cov_factor
        self._unbroadcasted_cov_diag = cov_diag
        self._capacitance_tril = capacitance_factor(cov_factor, cov_diag)
        super().__init__(batch_shape, event_shape, validate_args=validate_args)

    def _matrix(self, matrix):
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    @property
    def mean(self):
        """μ."""
        return self.loc

    @property
    def mode(self):
        """μ."""
        return self.loc

    @lazy_property
    def variance(self):
        """The diagonal of Σ."""
        rows = self._unbroadcasted_cov_factor.pow(2).sum(-1)
        return (rows + self._unbroadcasted_cov_diag).expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self):
        """The Cholesky factor of Σ: √D times that of I + D^(−½) W Wᵀ D^(−½)."""
        root = self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        V = self._unbroadcasted_cov_factor / root
        n = self._event_shape[0]
        return self._matrix(root * cholesky(V @ V.mT + eye(n, dtype=V.dtype, device=V.device)))

    @lazy_property
    def covariance_matrix(self):
        """Σ = W Wᵀ + diag D."""
        W = self._unbroadcasted_cov_factor
        return self._matrix(W @ W.mT + self._unbroadcasted_cov_diag.diag_embed())

    @lazy_property
    def precision_matrix(self):
        """Σ⁻¹ = D⁻¹ − D⁻¹ W C⁻¹ Wᵀ D⁻¹."""
        A = self._whitened_rows()
        return self._matrix(self._unbroadcasted_cov_diag.reciprocal().diag_embed() - A.mT @ A)

    def _whitened_rows(self):
        """A with Aᵀ A = D⁻¹ W C⁻¹ Wᵀ D⁻¹: the factor of C solved for Wᵀ D⁻¹."""
        Wt_Dinv = (self._unbroadcasted_cov_factor.mT
                   / self._unbroadcasted_cov_diag.unsqueeze(-2))
        return solve_triangular(self._capacitance_tril, Wt_Dinv, upper=False)

    def rsample(self, sample_shape=()):
        """μ + W ε₁ + √D ε₂."""
        shape = self._extended_shape(sample_shape)
        few = shape[:-1] + self.cov_factor.shape[-1:]
        eps_w = _standard_normal(few, self.loc.dtype, self.loc.device)
        eps_d = _standard_normal(shape, self.loc.dtype, self.loc.device)
        return (self.loc + times_vector(self._unbroadcasted_cov_factor, eps_w)
                + self._unbroadcasted_cov_diag.sqrt() * eps_d)

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
        """dᵀ Σ⁻¹ d = dᵀ D⁻¹ d − |C^(−½) Wᵀ D⁻¹ d|²."""
        D = self._unbroadcasted_cov_diag
        inner = times_vector(self._unbroadcasted_cov_factor.mT, d / D)
        return (d.pow(2) / D).sum(-1) - squared_distance(self._capacitance_tril, inner)

    def _half_log_det(self):
        """½ ln det Σ = ½ ln det C + ½ Σ ln Dᵢ."""
        return (self._capacitance_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
                + 0.5 * self._unbroadcasted_cov_diag.log().sum(-1))

    def _factor_and_diagonal(self):
        """F and D with Σ = F Fᵀ + diag D."""
        return self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag

    def _precision_diagonal(self):
        """The diagonal of Σ⁻¹."""
        return self._unbroadcasted_cov_diag.reciprocal() - self._whitened_rows().pow(2).sum(-2)
