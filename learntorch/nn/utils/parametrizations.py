"""Ready-made parametrizations: orthogonal weights, weight and spectral normalisation."""

from enum import Enum, auto

import learntorch.nn.functional as F
from learntorch.core.ambient import no_grad
from learntorch.core.dtypes import finfo, int32
from learntorch.core.tensor import Tensor
from learntorch.nn.modules.module import Module
from learntorch.nn.utils import parametrize
from learntorch.nn.utils.spectral_norm import as_matrix, outputs_dim, random_unit
from learntorch.nn.utils.weight_norm import norm_except_dim, scaled
from learntorch.ops.create import eye, zeros_like
from learntorch.ops.matmul import mv
from learntorch.ops.random import randn
from learntorch.ops.shape import cat

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _OrthMaps(Enum):
    """Maps from all matrices to the orthogonal ones."""

    matrix_exp = auto()
    cayley = auto()
    householder = auto()


def _is_orthogonal(q):
    """Whether Qᴴ Q is the identity, up to rounding."""
    n, k = q.shape[-2:]
    return (q.mH @ q).allclose(eye(k, dtype=q.dtype, device=q.device),
                               atol=10.0 * n * finfo(q.dtype).eps)


def _make_orthogonal(a):
    """Q of A = QR with the diagonal of R positive, so that an orthogonal A stays what it is."""
    from learntorch import geqrf, linalg
    x, tau = geqrf(a)
    return linalg.householder_product(x, tau) * x.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


class _Orthogonal(Module):
    """Q = base · map(X): the columns (or, of a wide matrix, the rows) of Q are orthonormal.

    matrix_exp: exp(A), cayley: (I + A/2)(I − A/2)⁻¹, with A = X − Xᴴ skew; householder: a product
    of reflections. `base` is the start value, so that X starts at the map's preimage of I.
    """

    def __init__(self, weight, orthogonal_map, *, use_trivialization=True):
        super().__init__()
        if weight.is_complex() and orthogonal_map is _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X):
        wide = X.size(-2) < X.size(-1)
        if wide:
            X = X.mT
        if self.orthogonal_map is _OrthMaps.householder:
            q = self._reflections(X)
        else:
            q = self._skew_map(X)[..., :X.size(-1)]
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def _skew_map(self, x):
        """A square orthogonal matrix from the lower triangle of a tall one."""
        from learntorch import linalg, matrix_exp
        n, k = x.shape[-2:]
        x = x.tril()
        if n != k:
            x = cat([x, x.new_zeros(n, n - k).expand(*x.shape[:-2], -1, -1)], dim=-1)
        a = x - x.mH
        if self.orthogonal_map is _OrthMaps.matrix_exp:
            return matrix_exp(a)
        identity = eye(n, dtype=a.dtype, device=a.device)
        return linalg.solve(identity - 0.5 * a, identity + 0.5 * a)

    def _reflections(self, x):
        """The product of the reflections in the columns of x below its diagonal of ±1."""
        from learntorch import linalg
        a = x.tril(-1)
        tau = 2.0 / (1.0 + (a * a).sum(dim=-2))
        q = linalg.householder_product(a, tau)
        return q * x.diagonal(dim1=-2, dim2=-1).to(int32).unsqueeze(-2)

    @no_grad()
    def right_inverse(self, Q):
        """X with forward(X) = Q; a Q that is not orthogonal is made so first."""
        if Q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got a "
                             f"tensor of shape {Q.shape}.")
        wide = Q.size(-2) < Q.size(-1)
        tall = Q.mT if wide else Q
        if not hasattr(self, "base"):
            x = self._as_reflections(tall)
            return x.mT if wide else x
        n, k = tall.shape[-2:]
        if n != k:                              # fill up to a square matrix
            more = randn(*tall.shape[:-2], n, n - k, dtype=Q.dtype, device=Q.device)
            self.base = _make_orthogonal(cat([tall, more], dim=-1))
        else:
            self.base = tall.clone() if _is_orthogonal(tall) else _make_orthogonal(tall)
        x = zeros_like(Q)                       # −I: no rotation, and as reflections the identity
        x.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return x

    def _as_reflections(self, q):
        from learntorch import geqrf
        if self.orthogonal_map is not _OrthMaps.householder:
            raise NotImplementedError("It is not possible to assign to the matrix exponential or "
                                      "the Cayley parametrizations when use_trivialization=False.")
        a, tau = geqrf(q)
        diagonal = a.diagonal(dim1=-2, dim2=-1)
        diagonal.sign_()
        diagonal[tau == 0.0] *= -1              # LAPACK's way to say that there is no reflection
        return a


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Keep the weight orthogonal: QᵀQ = I (QQᵀ = I where it is wide), for every matrix of a batch.

    `orthogonal_map`: "matrix_exp" (for square and complex weights), "cayley" or "householder".
    Source: Lezcano-Casado 2019, arXiv:1909.09501.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError("Expected a matrix or batch of matrices. Got a tensor of "
                         f"{weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in _OrthMaps.__members__:
        raise ValueError('orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
                         f"Got: {orthogonal_map}")
    function = _Orthogonal(weight, _OrthMaps[orthogonal_map],
                           use_trivialization=use_trivialization)
    parametrize.register_parametrization(module, name, function, unsafe=True)
    return module


class _WeightNorm(Module):
    """w = g · v / ‖v‖, the norm taken over all dimensions but `dim`."""

    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return scaled(weight_v, weight_g, self.dim)

    def right_inverse(self, weight):
        """g = ‖w‖, v = w."""
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    """w = g · v / ‖v‖: length g (`original0`) and direction v (`original1`) are learned apart.

    The norm is over all dimensions but `dim` (None: over all).
    Source: Salimans & Kingma 2016, arXiv:1602.07868.
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def from_old_form(state_dict, prefix, *rest):
        """Load what the hook of the old form has saved."""
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)
    module._register_load_state_dict_pre_hook(from_old_form)
    return module


class _SpectralNorm(Module):
    """w / σ, σ = uᵀ W v, with u and v improved by the power method at each use while training."""

    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError("Dimension out of range (expected to be in range of "
                             f"[-{ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError("Expected n_power_iterations to be positive, but got "
                             f"n_power_iterations={n_power_iterations}")
        self.dim = dim % ndim
        self.eps = eps
        if ndim > 1:                            # of a vector σ is its length
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight, self.dim)
            self.register_buffer("_u", random_unit(matrix, matrix.size(0), eps))
            self.register_buffer("_v", random_unit(matrix, matrix.size(1), eps))
            self._power_method(matrix, 15)

    @no_grad()
    def _power_method(self, matrix, n):
        for _ in range(n):
            self._u.copy_(F.normalize(mv(matrix, self._v), dim=0, eps=self.eps))
            self._v.copy_(F.normalize(mv(matrix.mH, self._u), dim=0, eps=self.eps))

    def forward(self, weight):
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        # clones: a later use writes into the buffers, and backward still needs these
        u, v = self._u.clone(), self._v.clone()
        return weight / u.conj().dot(mv(matrix, v))

    def right_inverse(self, value):
        """The value itself: it counts as normalised already."""
        return value


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """w / σ(w), σ the largest singular value: the layer makes no vector longer.

    `dim` is the dimension of the outputs: 1 for transposed convolutions, else 0.
    Source: Miyato et al. 2018, arXiv:1802.05957.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    dim = outputs_dim(module) if dim is None else dim
    function = _SpectralNorm(weight, n_power_iterations, dim, eps)
    parametrize.register_parametrization(module, name, function)
    return module
