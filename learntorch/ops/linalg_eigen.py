"""A v = λ v: directions that a square matrix only stretches."""

import itertools

from learntorch.core.ambient import no_grad
from learntorch.core.dtypes import finfo, said
from learntorch.core.op import composite, multi, nary
from learntorch.ops.linalg_cholesky import adjoint, in_lapack, linalg_cholesky
from learntorch.ops.linalg_qr import linalg_qr
from learntorch.ops.linalg_solve import failed, solve_triangular, square
from learntorch.ops.random import randn
from learntorch.ops.reduce import named
from learntorch.ops.shape import cat

UNCONVERGED = ("The algorithm failed to converge because the input matrix is ill-conditioned or "
               "has too many repeated eigenvalues. A NaN or an infinity in it is the usual reason.")
PHASES = ("{}: The eigenvectors in the complex case are specified up to multiplication by "
          "e^{{i phi}}. The specified loss function depends on this quantity, so it is "
          "ill-defined.")
EIGH_PHASES = PHASES.format("linalg_eigh_backward")
EIG_PHASES = PHASES.format("linalg_eig_backward")


def not_finite(xp, x, name, words):
    """The LinAlgError for the first matrix that holds a NaN or an infinity, else for the first."""
    bad = ~xp.isfinite(x).all(axis=(-2, -1))
    return failed(name, bad if bad.any() else ~bad, words)


@nary(space="rules")
def gaps(xp, x):
    """xⱼ − xᵢ of all pairs, 1 on the diagonal: small where values are close, vectors unsteady."""
    return x[..., None, :] - x[..., :, None] + xp.eye(x.shape[-1], dtype=x.dtype)
gaps.vjp(x=lambda g: g.sum(axis=-2) - g.sum(axis=-1))


def off_diagonal(xp, x):
    """x with 0 on its diagonal."""
    return xp.tril(x, -1) + xp.triu(x, 1)


@nary(tensors=("x", "y"), space="rules")
def if_phase_free(xp, x, y, words):
    """x, provided that y is 0 but for rounding: how a loss moves with the phases of vectors."""
    if (abs(y) > 1e-2).any():
        raise RuntimeError(words)
    return x
if_phase_free.vjp(x=lambda g: g, y=lambda y: y * 0)


def phase(xp, x):
    """The imaginary part, times i, of the diagonal of x; 0 for real numbers."""
    d = xp.diagonal(x, 0, -2, -1)
    return (d - d.conj()) / 2


# ---- Hermitian matrices ------------------------------------------------------------------------


@multi(space="rules", grad="LinalgEigh", outputs=("values", "vectors"))
def eigh_factor(xp, x, triangle):
    """λ ascending and unitary V with V diag(λ) Vᴴ = x, of which one `triangle` is read."""
    try:
        return tuple(xp.linalg.eigh(x, triangle))
    except xp.linalg.LinAlgError:
        raise not_finite(xp, x, "linalg.eigh", UNCONVERGED) from None


def eigh_factor_x(xp, g, values, vectors):
    """V (diag(gλ) + (VᴴgV − gVᴴV) / 2E) Vᴴ, Eᵢⱼ = λⱼ − λᵢ; without E if only λ is used."""
    Vh = adjoint(vectors)
    right = g[0][..., None] * Vh
    if xp.any(g[1]):
        turn = xp.matmul(Vh, g[1].conj())
        turn = xp.if_phase_free(turn, phase(xp, turn), EIGH_PHASES)
        turn = off_diagonal(xp, turn - adjoint(turn)) / (2 * xp.gaps(values))
        right = right + xp.matmul(turn, Vh)
    return xp.matmul(vectors, right).conj()
eigh_factor.vjp(x=eigh_factor_x)


@nary(space="rules", grad="LinalgEigh", result="real")
def eigh_values(xp, x, triangle):
    """λ alone, ascending."""
    try:
        return xp.linalg.eigvalsh(x, triangle)
    except xp.linalg.LinAlgError:
        raise not_finite(xp, x, "linalg.eigh", UNCONVERGED) from None


def eigh_values_x(xp, g, x, triangle):
    """V diag(gλ) Vᴴ."""
    _, V = xp.eigh_factor(x, triangle)
    return xp.matmul(V, g[..., None] * adjoint(V)).conj()
eigh_values.vjp(x=eigh_values_x)


def hermitian(A, UPLO):
    """The triangle to read, after checks."""
    square("linalg.eigh", A, "input")
    triangle = UPLO.upper()
    if triangle not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    in_lapack(A, "linalg_eigh_cpu")
    return triangle


eigh_returned = named("linalg_eigh", ("eigenvalues", "eigenvectors"))


@composite(space="linalg", name="linalg.eigh", out="dtype", method=False)
def eigh(A, UPLO="L"):
    """λ ascending and V with V diag(λ) Vᴴ = A = Aᴴ: (…, n, n) → (…, n), (…, n, n).

    Only the lower (`UPLO` "L") or upper ("U") triangle is read. Raises LinAlgError for NaN. A loss
    on the vectors has no finite gradient where eigenvalues are equal, none at all where it depends
    on the sign or phase of a vector.
    """
    return eigh_returned(*eigh_factor(A, hermitian(A, UPLO)))


@composite(space="linalg", name="linalg.eigvalsh", out="dtype", method=False)
def eigvalsh(A, UPLO="L"):
    """The eigenvalues of Hermitian matrices, ascending: (…, n, n) → (…, n).

    Raises RuntimeError unless square, and for another UPLO than "L" and "U".
    """
    return eigh_values(A, hermitian(A, UPLO))


# ---- any square matrix -------------------------------------------------------------------------


@multi(space="rules", grad="LinalgEig", outputs=("values", "vectors"))
def eig_factor(xp, x):
    """λ and V with V diag(λ) V⁻¹ = x, both complex, each column of V of length 1."""
    if not xp.isfinite(x).all():
        raise RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")
    values, vectors = xp.linalg.eig(x)
    d = xp.result_type(x.dtype, xp.complex64)
    return values.astype(d), vectors.astype(d)


def eig_factor_x(xp, g, values, vectors):
    """V⁻ᴴ (diag(gλ) + (VᴴgV − VᴴV Re diag(VᴴgV)) / E) Vᴴ, Eᵢⱼ = conj(λⱼ − λᵢ)."""
    Vh = adjoint(vectors)
    right = g[0].conj()[..., None] * Vh
    if xp.any(g[1]):
        turn = xp.matmul(Vh, g[1].conj())
        turn = xp.if_phase_free(turn, phase(xp, turn), EIG_PHASES)
        lengths = xp.diagonal(turn, 0, -2, -1)                 # columns keep the length 1
        lengths = (lengths + lengths.conj()) / 2
        turn = turn - xp.matmul(Vh, vectors) * lengths[..., None, :]
        turn = off_diagonal(xp, turn) / xp.gaps(values).conj()
        right = right + xp.matmul(turn, Vh)
    return xp.solved(Vh, right).conj()
eig_factor.vjp(x=eig_factor_x)


def general(name, A):
    """A, checked."""
    square(name, A, "input")
    if A._data.dtype.kind not in "fcV":
        raise RuntimeError(f"Unknown Complex ScalarType for {said(A.dtype)}. Convert the "
                           "tensor first, for example with .float().")
    in_lapack(A, "linalg_eig_out_cpu")
    return A


eig_returned = named("linalg_eig", ("eigenvalues", "eigenvectors"))


@composite(space="linalg", name="linalg.eig", out="safe:torch.linalg.eig:eigenvalues", method=False)
def eig(A):
    """λ and V with V diag(λ) V⁻¹ = A: (…, n, n) → (…, n), (…, n, n), complex, in no order.

    Raises RuntimeError for NaN or infinity. The gradient assumes that all λ differ, and that the
    loss does not depend on the phases of the vectors.
    """
    return eig_returned(*eig_factor(general("linalg.eig", A)))


@composite(space="linalg", name="linalg.eigvals", method=False,
           out="safe:torch.linalg.eigvals:eigenvalues")
def eigvals(A):
    """The eigenvalues of square matrices, complex, in no order: (…, n, n) → (…, n).

    Raises RuntimeError unless square and finite.
    """
    return eig_factor(general("linalg.eigvals", A))[0]


# ---- a few of many -----------------------------------------------------------------------------


def best_in_span(A, B, S, n, largest):
    """The n pairs (E, X) that come nearest to A X = B X E with X in the span of S (Rayleigh and
    Ritz): the eigenproblem of the small matrices QᵀAQ and QᵀBQ, Q an orthonormal basis of S.
    """
    Q = linalg_qr(S).Q
    small = Q.mT @ (A @ Q)
    if B is not None:
        L = linalg_cholesky(Q.mT @ (B @ Q))
        small = solve_triangular(L, solve_triangular(L, small, upper=False).mT, upper=False)
        Q = solve_triangular(L.mT, Q, upper=True, left=False)
    values, vectors = eigh((small + small.mT) / 2)
    if largest:
        values, vectors = values.flip(-1), vectors.flip(-1)
    return values[..., :n], Q @ vectors[..., :n]


def approached(A, B, X, iK, rounds, tol, largest):
    """X turned into eigenvectors: each round looks in the span of X, of what is wrong with it, and
    of its last step.
    """
    n = X._data.shape[-1]
    scale = A.norm(), 1 if B is None else B.norm()
    E, X = best_in_span(A, B, X, n, largest)
    step = None
    for _ in rounds:
        BX = X if B is None else B @ X
        wrong = A @ X - BX * E.unsqueeze(-2)
        allowed = tol * X.norm(dim=-2) * (scale[0] + E.abs() * scale[1])
        if (wrong.norm(dim=-2) <= allowed).all():
            break
        wrong = wrong if iK is None else iK @ wrong
        S = cat([X, wrong] if step is None else [X, wrong, step], -1)
        E, new = best_in_span(A, B, S, n, largest)
        step = new - X @ (BX.mT @ new)
        X = new
    return X


@composite(method=False, out=False)
def lobpcg(A, k=None, B=None, X=None, n=None, iK=None, niter=None, tol=None, largest=None,
           method=None, tracker=None, ortho_iparams=None, ortho_fparams=None, ortho_bparams=None):
    """The k largest (smallest unless `largest`) λ of symmetric A v = λ B v, and their v.

    (…, m, m) → (…, k), (…, m, k), found by the locally optimal block preconditioned conjugate
    gradient method (Knyazev, 2001) to a relative residual of `tol`, √ε by default, in at most
    `niter` rounds (as many as it takes for −1).

    B: positive-definite, the identity unless given. X: a first guess (…, m, n), random unless
    given. iK: a preconditioner, nearly A⁻¹. `method` and the `ortho_` parameters choose between
    PyTorch's ways of orthonormalising; here there is one, QR. The gradient is that of λ alone: v
    carries none. Raises ValueError unless m ≥ 3n.
    """
    shape = A._data.shape
    if shape[-1] != shape[-2]:
        raise AssertionError(f"A must be square, got shape {A.shape}")
    if B is not None and B._data.shape != shape:
        raise AssertionError(f"A and B must have same shape, got {A.shape} vs {B.shape}")
    in_lapack(A, "lobpcg")
    m = shape[-1]
    k = (1 if X is None else X._data.shape[-1]) if k is None else k
    n = (k if X is None else X._data.shape[-1]) if n is None else n
    if m < 3 * n:
        raise ValueError(f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is "
                         f"smaller than 3 x the number of requested eigenpairs (={n})")
    if X is None:
        X = randn(*shape[:-1], n, dtype=A.dtype)
    elif X._data.shape != (*shape[:-1], n):
        raise AssertionError(f"X shape mismatch: got {X.shape}, expected {(*shape[:-1], n)}")
    if tol is None:
        tol = float(finfo(A.dtype).eps) ** 0.5
    rounds = itertools.count() if niter is None or niter < 0 else range(niter)
    with no_grad():
        X = approached(A, B, X, iK, rounds, tol, largest is None or largest)
    X = X[..., :k].detach()
    values = (X * (A @ X)).sum(-2)               # vᵀA v / vᵀB v: its slope in A and B is that of λ
    return (values if B is None else values / (X * (B @ X)).sum(-2)), X
