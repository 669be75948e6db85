"""A = L Lᴴ, the square root of a positive-definite matrix, and what is solved with it.

The rules of the decompositions are written for the gradient itself, conj(g): their formulas mix a
factor with its adjoint.
"""

import numpy as np

from learntorch.core import failures
from learntorch.core.dtypes import FLOATS, HALF, said
from learntorch.core.op import composite, multi
from learntorch.core.shapes import broadcast
from learntorch.core.tensor import wrap
from learntorch.core.warned import deprecated
from learntorch.ops.linalg_solve import UNINVERTED, failed, inexact, square, substituted
from learntorch.ops.reduce import named

INDEFINITE = ("The factorization could not be completed because the input is not positive-definite "
              "(the leading minor of order {} is not positive-definite). "
              "A @ A.mT plus a little on the diagonal is.")


def adjoint(x):
    """The conjugate transpose of matrices."""
    return x.swapaxes(-1, -2).conj()


def in_lapack(A, kernel):
    """Raise NotImplementedError unless LAPACK knows A's dtype; `kernel` is PyTorch's name."""
    d = A._data.dtype
    if d not in FLOATS or d in HALF:
        raise failures.not_implemented(kernel, d)


def column_by_column(xp, a):
    """As far as it goes: L up to the first pivot that is not positive, and that pivot's number."""
    low = xp.tril(a)
    for j in range(len(a)):
        row = low[j, :j].conj()
        low[j, j] -= (low[j, :j] * row).sum()
        if not low[j, j].real > 0:
            return low, j + 1
        low[j, j] = xp.sqrt(low[j, j].real)
        low[j + 1:, j] = (low[j + 1:, j] - xp.matmul(low[j + 1:, :j], row)) / low[j, j]
    return low, 0


@multi(space="rules", grad="LinalgCholeskyEx", outputs=("L", "info"))
def cholesky_factor(xp, x, upper):
    """The lower triangular L with L Lᴴ = x (Lᴴ with `upper`, when x's upper triangle is read), and
    the order of the first leading minor that is not positive: 0 for a positive-definite x.
    """
    a = adjoint(x) if upper else x
    info = xp.zeros(a.shape[:-2], xp.int32)
    try:
        factor = xp.linalg.cholesky(a)
    except xp.linalg.LinAlgError:
        factor = None
    if factor is None or xp.isnan(factor).any():
        pairs = [column_by_column(xp, one) for one in a.reshape(-1, *a.shape[-2:])]
        factor = xp.stack([one for one, _ in pairs]).reshape(a.shape)
        info = xp.asarray([order for _, order in pairs], xp.int32).reshape(a.shape[:-2])
    return (adjoint(factor) if upper else factor), info


def cholesky_factor_x(xp, g, L, upper):
    """L⁻ᴴ φ(Lᴴ g) L⁻¹ made Hermitian; φ keeps the lower triangle and half of the diagonal."""
    raised = L if upper else adjoint(L)                       # Lᴴ
    g = adjoint(g.conj()) if upper else g.conj()
    p = xp.matmul(raised, g)
    p = (xp.tril(p) + xp.tril(p, -1)) / 2
    p = xp.substituted(raised, adjoint(xp.substituted(raised, p, True)), True)
    return ((p + adjoint(p)) / 2).conj()
cholesky_factor.vjp(x=cholesky_factor_x)


def positive(name, A, upper):
    """The Cholesky factor of A. Raises LinAlgError for the operation `name` where there is none."""
    L, info = cholesky_factor(A, upper)
    if info._data.any():
        raise failed(name, info._data, INDEFINITE)
    return L


@composite(space="linalg", name="linalg.cholesky", out="dtype", method=False)
def linalg_cholesky(A, *, upper=False):
    """The lower triangular L with L Lᴴ = A, or the `upper` one, Lᴴ: (…, n, n) → (…, n, n).

    Only one triangle of A is read. Raises LinAlgError where A is not positive-definite.
    """
    square("linalg.cholesky", A, "input")
    inexact("linalg.cholesky", A, "cholesky_cpu")
    return positive("linalg.cholesky", A, upper)


cholesky_ex_returned = named("linalg_cholesky_ex", ("L", "info"))


@composite(space="linalg", name="linalg.cholesky_ex", out="dtype", method=False)
def cholesky_ex(A, *, upper=False, check_errors=False):
    """L with L Lᴴ = A, and for each matrix the order of the first leading minor that is not
    positive (0 if it is positive-definite), instead of an error.

    Shapes: (…, n, n) → (…, n, n), (…). Raises RuntimeError unless the matrices are square, float32,
    float64 or complex.
    """
    square("linalg.cholesky", A, "input")
    inexact("linalg.cholesky", A, "cholesky_cpu")
    L, info = cholesky_factor(A, upper)
    if check_errors and info._data.any():
        raise failed("linalg.cholesky_ex", info._data, INDEFINITE)
    return cholesky_ex_returned(L, info)


@composite(out="safe:cholesky", grad="Cholesky")
def cholesky(input, upper=False):
    """The lower triangular L with L Lᴴ = input: see linalg.cholesky.

    Shapes: (…, n, n) → (…, n, n). Raises LinAlgError unless positive-definite, RuntimeError unless
    square.
    """
    deprecated("cholesky", "torch.linalg.cholesky", "\nL = torch.cholesky(A)\nshould be replaced "
               "with\nL = torch.linalg.cholesky(A)\nand\nU = torch.cholesky(A, upper=True)\nshould "
               "be replaced with\nU = torch.linalg.cholesky(A).mH\nThis transform will produce "
               "equivalent results for all valid (symmetric positive definite) inputs.")
    square("cholesky", input, "input")
    in_lapack(input, "cholesky_cpu")
    return positive("cholesky", input, upper)


# ---- with the factor ---------------------------------------------------------------------------


@composite(out="safe:cholesky_solve", grad="CholeskySolve")
def cholesky_solve(B, L, upper=False):
    """The X of L Lᴴ X = B (LᴴL X = B if L is `upper`): (…, n, k), (…, n, n) → (…, n, k).

    Raises RuntimeError for other shapes, or two dtypes.
    """
    b, a = B._data.shape, L._data.shape
    for shape, which in ((b, "b"), (a, "u")):
        if len(shape) < 2:
            raise RuntimeError(f"{which} should have at least 2 dimensions, but has {len(shape)} "
                               "dimensions instead")
    broadcast(b[:-2], a[:-2])
    if a[-1] != a[-2]:
        raise RuntimeError(f"A must be batches of square matrices, but they are {a[-2]} by {a[-1]} "
                           "matrices")
    if a[-1] != b[-2]:
        raise RuntimeError("Incompatible matrix sizes for cholesky_solve: each A matrix is "
                           f"{a[-1]} by {a[-1]} but each b matrix is {b[-2]} by {b[-1]}")
    if B.dtype is not L.dtype:
        raise RuntimeError("Expected b and A to have the same dtype, but found b of type "
                           f"{said(B.dtype)} and A of type {said(L.dtype)} instead.")
    in_lapack(B, "cholesky_solve_cpu")
    L = L.mH if upper else L
    return substituted(L.mH, substituted(L, B, False), True)


@composite(out="safe:cholesky_inverse", grad="CholeskyInverse")
def cholesky_inverse(L, upper=False):
    """(L Lᴴ)⁻¹, or (LᴴL)⁻¹ if L is `upper`: (…, n, n) → (…, n, n). Raises LinAlgError."""
    square("cholesky_inverse", L, "input")
    in_lapack(L, "cholesky_inverse_out_cpu")
    a = L._data
    zero = np.diagonal(a, 0, -2, -1) == 0
    if zero.any():
        info = np.where(zero.any(-1), zero.argmax(-1) + 1, 0)
        raise failed("cholesky_inverse", info, UNINVERTED)
    one = wrap(np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape))
    inverse = substituted(L.mH if upper else L, one, False)
    return inverse.mH @ inverse
