"""A = U diag(S) Vᴴ: any matrix stretches between two turns. Ranks, low-rank approximations."""

import numpy as np

from learntorch.core.dtypes import FLOATS, HALF, finfo, said
from learntorch.core.op import composite, multi, nary
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.linalg_cholesky import adjoint
from learntorch.ops.linalg_eigen import eigvalsh, not_finite, off_diagonal, phase
from learntorch.ops.linalg_qr import linalg_qr
from learntorch.ops.linalg_solve import inexact, matrices
from learntorch.ops.random import randn
from learntorch.ops.reduce import named

UNCONVERGED = ("The algorithm failed to converge because the input matrix contained non-finite "
               "values.")
SVD_PHASES = ("svd_backward: The singular vectors in the complex case are specified up to "
              "multiplication by e^{i phi}. The specified loss function depends on this phase "
              "term, making it ill-defined.")


@multi(space="rules", grad="LinalgSvd", outputs=("U", "S", "Vh"))
def svd_factor(xp, x, full):
    """U, S and Vᴴ of x; U and V square with `full`, else as many vectors as there are values."""
    try:
        return tuple(xp.linalg.svd(x, full_matrices=full))
    except xp.linalg.LinAlgError:
        raise not_finite(xp, x, "linalg.svd", UNCONVERGED) from None


def svd_factor_x(xp, g, U, S, Vh):
    """U gS Vᴴ for the values, and what moves the vectors, if a loss depends on them."""
    k = S.shape[-1]
    gU, gV = g[0][..., :k].conj(), adjoint(g[2][..., :k, :].conj())
    U, V = U[..., :k], adjoint(Vh[..., :k, :])
    gA = xp.matmul(U, g[1][..., None] * adjoint(V))
    if xp.any(gU) or xp.any(gV):
        gA = gA + svd_turned(xp, gU, gV, U, S, V)
    return gA.conj()


def svd_turned(xp, gU, gV, U, S, V):
    """U (skew(UᴴgU) S + S skew(VᴴgV)) / E Vᴴ, Eᵢⱼ = Sⱼ² − Sᵢ²: turns within the vectors; and out of
    their span, (I − UUᴴ) gU S⁻¹ Vᴴ and U S⁻¹ gVᴴ (I − VVᴴ).
    """
    Vh = adjoint(V)
    u, v = xp.matmul(adjoint(U), gU), xp.matmul(Vh, gV)
    u = xp.if_phase_free(u, phase(xp, u) + phase(xp, v), SVD_PHASES)
    columns, rows = S[..., None, :], S[..., :, None]
    turn = (u - adjoint(u)) * columns + rows * (v - adjoint(v))
    right = xp.matmul(off_diagonal(xp, turn) / xp.gaps(S * S), Vh)
    if xp.any(phase(xp, u)):
        right = right + phase(xp, u)[..., None] / rows * Vh
    if V.shape[-2] > V.shape[-1]:
        right = right + adjoint((gV - xp.matmul(V, v)) / columns)
    gA = xp.matmul(U, right)
    if U.shape[-2] > U.shape[-1]:
        gA = gA + xp.matmul((gU - xp.matmul(U, u)) / columns, Vh)
    return gA
svd_factor.vjp(x=svd_factor_x)


@nary(space="rules", grad="LinalgSvd", result="real")
def svd_values(xp, x):
    """S alone, largest first."""
    try:
        return xp.linalg.svd(x, compute_uv=False)
    except xp.linalg.LinAlgError:
        raise not_finite(xp, x, "linalg.svd", UNCONVERGED) from None


def svd_values_x(xp, g, x):
    """U diag(gS) Vᴴ."""
    U, _, Vh = xp.svd_factor(x, False)
    return xp.matmul(U, g[..., None] * Vh).conj()
svd_values.vjp(x=svd_values_x)


def checked(A, driver=None):
    """A, checked."""
    matrices("linalg.svd", A)
    inexact("linalg.svd", A, "linalg_svd_cpu")
    if driver is not None:
        raise RuntimeError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA "
                           "inputs with cuSOLVER backend.")
    return A


linalg_svd_returned = named("linalg_svd", ("U", "S", "Vh"))
svd_returned = named("svd", ("U", "S", "V"))


@composite(space="linalg", name="linalg.svd", out="dtype", method=False)
def linalg_svd(A, full_matrices=True, *, driver=None):
    """U diag(S) Vᴴ = A with orthonormal U, V and S ≥ 0, largest first.

    (…, n, m) → (…, n, n), (…, k), (…, m, m), k = min(n, m); unless `full_matrices` only the first k
    columns of U and rows of Vᴴ. Raises LinAlgError for NaN. A loss on U or V has no finite gradient
    where values are equal (or 0), none at all where it depends on the sign or phase of a vector.
    """
    return linalg_svd_returned(*svd_factor(checked(A, driver), full_matrices))


@composite(space="linalg", name="linalg.svdvals", out="dtype", method=False)
def svdvals(A, *, driver=None):
    """The singular values of each matrix, largest first: (…, n, m) → (…, min(n, m)).

    Raises RuntimeError for fewer than two dimensions, and for whole numbers.
    """
    return svd_values(checked(A, driver))


@composite(out="dtype")
def svd(input, some=True, compute_uv=True):
    """U, S, V of input = U diag(S) Vᴴ, V itself and not Vᴴ: see linalg.svd.

    `some`: only as many vectors as values. Without `compute_uv` U and V are zeros.
    Shapes: (…, n, m) → (…, n, k), (…, k), (…, m, k), k = min(n, m). Raises RuntimeError for fewer
    than two dimensions.
    """
    shape = input._data.shape
    if len(shape) < 2:
        raise RuntimeError("linalg.svd: input should have at least 2 dimensions, but has "
                           f"{len(shape)} dimensions instead")
    if compute_uv:
        U, S, Vh = svd_factor(checked(input), not some)
        return svd_returned(U, S, Vh.mH)
    *batch, n, m = shape
    empty = [wrap(np.zeros((*batch, side, side), input._data.dtype)) for side in (n, m)]
    return svd_returned(empty[0], svd_values(checked(input)), empty[1])


# ---- what counts as zero -----------------------------------------------------------------------


def limits(name, A, atol, rtol):
    """The absolute and the relative limit (arrays) up to which a singular value counts as 0.

    By default nothing and eps · max(n, m); nothing relative beside a positive absolute one.
    """
    n, m = A._data.shape[-2:]
    d = A.dtype.to_real()
    floor = None if atol is None else limit(f"{name}: atol", atol, d)
    if rtol is not None:
        return np.zeros((), d.numpy) if floor is None else floor, limit(f"{name}: rtol", rtol, d)
    usual = np.asarray(finfo(A.dtype).eps * max(n, m), d.numpy)
    if floor is None:
        return np.zeros((), d.numpy), usual
    return floor, np.where(floor > 0, usual.dtype.type(0), usual)


def limit(name, value, dtype):
    """A tolerance, number or tensor, as an array."""
    if not isinstance(value, Tensor):
        return np.asarray(value, dtype.numpy)
    if value.dtype.is_complex:
        raise RuntimeError(f"{name} tensor of complex type is not supported. Got "
                           f"{said(value.dtype)}")
    return value._data.astype(dtype.numpy)


def kept(xp, s, atol, rtol):
    """Which of the singular values s count as more than 0."""
    if not s.shape[-1]:
        return s > 0
    largest = xp.maximum.reduce(s, axis=-1)
    return s > xp.maximum(atol, rtol * largest)[..., None]


@composite(space="linalg", name="linalg.matrix_rank", method=False,
           out="safe:torch.linalg.matrix_rank")
def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None):
    """How many singular values exceed max(atol, rtol · the largest): (…, n, m) → (…).

    `rtol` is ε · max(n, m) unless a tolerance is given; `tol` is `atol` alone. Of a `hermitian` A
    eigenvalues are computed instead. Raises RuntimeError for complex tolerances.
    """
    name = "torch.linalg.matrix_rank"
    matrices(name, A, "input", "input")
    if A._data.dtype not in FLOATS or A._data.dtype in HALF:
        raise RuntimeError("This function doesn't handle types other than float and double. "
                           "Convert the tensor first, for example with .float().")
    if tol is not None:
        atol, rtol = tol, 0.0
    atol, rtol = limits(name, A, atol, rtol)
    A = A.detach()
    S = eigvalsh(A).abs() if hermitian else svdvals(A)
    return wrap(np.asarray(kept(np, S._data, atol, rtol).sum(-1)))


# ---- low rank ----------------------------------------------------------------------------------


def basis(A, q, niter):
    """Orthonormal columns that nearly span A's range: of A Ω, Ω random, after `niter` rounds of
    powers (Halko, Martinsson & Tropp 2011, algorithms 4.1 and 4.4).
    """
    Q = linalg_qr(A @ randn(A._data.shape[-1], q, dtype=A.dtype)).Q
    for _ in range(niter):
        Q = linalg_qr(A.mH @ Q).Q
        Q = linalg_qr(A @ Q).Q
    return Q


@composite(method=False, out=False)
def svd_lowrank(A, q=6, niter=2, M=None):
    """U, S, V with U diag(S) Vᴴ ≈ A, the first q singular values and vectors, by random projection.

    (…, n, m) → (…, n, q), (…, q), (…, m, q). M, if given, is subtracted from A first.
    """
    q = 6 if q is None else q
    n, m = A._data.shape[-2:]
    if M is not None:
        A = A - M.expand(A._data.shape)
    if n < m:
        A = A.mH
    Q = basis(A, q, 2 if niter is None else niter)
    U, S, Vh = linalg_svd(Q.mH @ A, False)
    U, V = Q @ U, Vh.mH
    return (V, S, U) if n < m else (U, S, V)


@composite(method=False, out=False)
def pca_lowrank(A, q=None, center=True, niter=2):
    """Principal components: U, S, V of A, its columns' means subtracted if `center`, by
    svd_lowrank. The columns of V are the directions; q is min(6, n, m) unless given.

    Raises ValueError for an impossible q or niter.
    Shapes: (…, n, m) → (…, n, q), (…, q), (…, m, q).
    """
    n, m = A._data.shape[-2:]
    q = min(6, n, m) if q is None else q
    if not 0 <= q <= min(n, m):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)="
                         f"{min(n, m)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, True) if center else A, q, niter)
