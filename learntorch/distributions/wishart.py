"""The Wishart distribution of positive definite matrices."""

import math
import warnings
from numbers import Number

from learntorch.core.shapes import Size
from learntorch.distributions import constraints
from learntorch.distributions.chi2 import Chi2
from learntorch.distributions.distribution import expanding
from learntorch.distributions.exp_family import ExponentialFamily
from learntorch.distributions.multivariate_normal import factor_of_inverse, inverse_factor
from learntorch.distributions.utils import _standard_normal, lazy_property
from learntorch.linalg import cholesky, slogdet, solve_triangular
from learntorch.ops.compare import where
from learntorch.ops.create import arange, tensor
from learntorch.ops.pieces import broadcast_shapes
from learntorch.ops.special import mvlgamma
from learntorch.ops.triangle import tril_indices

__all__ = ["Wishart"]


def mvdigamma(x, p):
    """d/dx ln Γₚ(x) = Σᵢ ψ(x − i/2), i = 0 … p − 1."""
    steps = arange(p, dtype=x.dtype, device=x.device) / 2
    return (x.unsqueeze(-1) - steps).digamma().sum(-1)


class Wishart(ExponentialFamily):
    """X = Σ zᵢ zᵢᵀ of ν normal vectors zᵢ of covariance V: the covariance of a sample, times ν.

    p(X) = |X|^((ν−p−1)/2) exp(−½ tr V⁻¹X) / (2^(νp/2) |V|^(ν/2) Γₚ(ν/2)).
    Parameters: `df` ν > p − 1, not only whole numbers, and exactly one of `covariance_matrix` V,
    `precision_matrix` V⁻¹, `scale_tril` L with L Lᵀ = V, all (…, p, p).
    Raises ValueError for too few dimensions or degrees of freedom.
    Source of the draws: Bartlett's decomposition; Sawyer: Wishart distributions and
    inverse-Wishart sampling, 2007.
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0
    expand = expanding("df", "covariance_matrix", "precision_matrix", "scale_tril", "_dist_chi2",
                       shared=("_unbroadcasted_scale_tril",))

    def __init__(self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None,
                 validate_args=None):
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix,
                 "scale_tril": scale_tril}
        given = {name: matrix for name, matrix in given.items() if matrix is not None}
        if len(given) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or "
                                 "scale_tril may be specified.")
        (name, matrix), = given.items()
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading "
                             "batch dimensions")
        if isinstance(df, Number):
            df = tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch_shape = broadcast_shapes(matrix.shape[:-2], df.shape)
        self.df = df.expand(batch_shape)
        event_shape = matrix.shape[-2:]
        if self.df.le(event_shape[-1] - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = "
                             f"{event_shape[-1] - 1}.")
        setattr(self, name, matrix.expand(batch_shape + (-1, -1)))
        self._event_shape = event_shape                 # arg_constraints asks for it
        super().__init__(batch_shape, event_shape, validate_args=validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = factor_of_inverse(matrix)
        fewer = arange(event_shape[-1], dtype=matrix.dtype, device=matrix.device)
        self._dist_chi2 = Chi2(self.df.unsqueeze(-1) - fewer)

    @property
    def arg_constraints(self):
        return {"covariance_matrix": constraints.positive_definite,
                "precision_matrix": constraints.positive_definite,
                "scale_tril": constraints.lower_cholesky,
                "df": constraints.greater_than(self._event_shape[-1] - 1)}

    def _matrix(self, matrix):
        return matrix.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self):
        """L."""
        return self._matrix(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self):
        """V = L Lᵀ."""
        L = self._unbroadcasted_scale_tril
        return self._matrix(L @ L.mT)

    @lazy_property
    def precision_matrix(self):
        """V⁻¹ = L⁻ᵀ L⁻¹."""
        inverse = inverse_factor(self._unbroadcasted_scale_tril)
        return self._matrix(inverse.mT @ inverse)

    def _df(self):
        """ν, ready to be multiplied with matrices."""
        return self.df.unsqueeze(-1).unsqueeze(-1)

    @property
    def mean(self):
        """ν V."""
        return self._df() * self.covariance_matrix

    @property
    def mode(self):
        """(ν − p − 1) V where ν > p + 1, else NaN."""
        factor = self._df() - self._event_shape[-1] - 1
        return where(factor > 0, factor, math.nan) * self.covariance_matrix

    @property
    def variance(self):
        """ν (Vᵢⱼ² + Vᵢᵢ Vⱼⱼ)."""
        V = self.covariance_matrix
        diagonal = V.diagonal(dim1=-2, dim2=-1)
        return self._df() * (V.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _bartlett_sampling(self, sample_shape=()):
        """(L A)(L A)ᵀ, Aᵢᵢ² chi-squared with ν − i degrees of freedom, standard normal below."""
        p = self._event_shape[-1]
        A = self._dist_chi2.rsample(sample_shape).sqrt().diag_embed()
        rows, columns = tril_indices(p, p, -1)
        shape = Size(sample_shape) + self._batch_shape + (p * (p - 1) // 2,)
        below = A.new_zeros(A.shape)
        below[..., rows, columns] = _standard_normal(shape, self.df.dtype, self.df.device)
        factor = self._unbroadcasted_scale_tril @ (A + below)
        return factor @ factor.mT

    def rsample(self, sample_shape=(), max_try_correction=None):
        """Draws that are positive definite to rounding.

        Draws that fail are made anew, at most `max_try_correction` times (10); then it warns.
        """
        draws = self._bartlett_sampling(Size(sample_shape))
        # PyTorch draws a second time wherever the first draw was good. Same seed, same draws.
        again = self._any_in_batch(self.support.check(draws))
        for _ in range(10 if max_try_correction is None else max_try_correction):
            if not again.any():
                return draws
            draws[again] = self._bartlett_sampling(again[again].shape)
            again = self._any_in_batch(~self.support.check(draws))
        if again.any():
            warnings.warn("Singular sample detected.", stacklevel=2)
        return draws

    def _any_in_batch(self, truth):
        batch_dims = tuple(range(-len(self._batch_shape), 0))
        return truth.amax(batch_dims) if batch_dims else truth

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        nu, p = self.df, self._event_shape[-1]
        L = self._unbroadcasted_scale_tril
        whitened = solve_triangular(L, cholesky(value), upper=False)    # its squares: tr V⁻¹X
        return (-nu * (p * math.log(2) / 2 + self._log_diagonal()) - mvlgamma(nu / 2, p)
                + (nu - p - 1) / 2 * slogdet(value).logabsdet
                - whitened.pow(2).sum((-2, -1)) / 2)

    def _log_diagonal(self):
        """½ ln |V| = Σ ln Lᵢᵢ."""
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def entropy(self):
        """(p + 1) ln |L| + p(p+1)/2 · ln 2 + ln Γₚ(ν/2) − (ν−p−1)/2 · ψₚ(ν/2) + νp/2."""
        nu, p = self.df, self._event_shape[-1]
        return ((p + 1) * (p * math.log(2) / 2 + self._log_diagonal()) + mvlgamma(nu / 2, p)
                - (nu - p - 1) / 2 * mvdigamma(nu / 2, p) + nu * p / 2)

    @property
    def _natural_params(self):
        p = self._event_shape[-1]
        return (-self.precision_matrix / 2, (self.df - p - 1) / 2)

    def _log_normalizer(self, x, y):
        """(y + (p+1)/2)(p ln 2 − ln |−2x|) + ln Γₚ(y + (p+1)/2)."""
        p = self._event_shape[-1]
        half_nu = y + (p + 1) / 2
        return (half_nu * (math.log(2) * p - slogdet(-2 * x).logabsdet)
                + mvlgamma(half_nu, p))
