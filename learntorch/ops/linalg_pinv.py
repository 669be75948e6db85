"""Matrices that have no inverse: pseudoinverse, least squares."""

import numpy as np

from learntorch.core.dtypes import FLOATS, HALF, finfo, said
from learntorch.core.op import composite, nary
from learntorch.core.shapes import broadcast
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.linalg_cholesky import adjoint
from learntorch.ops.linalg_solve import failed, square
from learntorch.ops.linalg_svd import kept, limits, svdvals
from learntorch.ops.reduce import named

# ---- pseudoinverse -----------------------------------------------------------------------------


@nary(space="rules", grad="LinalgPinv")
def pseudo_inverted(xp, x, atol=0.0, rtol=0.0, hermitian=False):
    """The inverse of x on what it reaches, 0 elsewhere: from x = u diag(s) v, vᴴ diag(1/s) uᴴ."""
    if hermitian:                        # with the eigenvectors: only one triangle of x is read
        s, u = xp.eigh_factor(x, "L")
        inside = kept(xp, xp.abs(s), atol, rtol)
        left = u
    else:
        u, s, v = xp.svd_factor(x, False)
        inside = kept(xp, s, atol, rtol)
        left = adjoint(v)
    right = adjoint(u)
    inverses = xp.where(inside, 1 / xp.where(inside, s, s.dtype.type(1)), s.dtype.type(0))
    return xp.matmul(left * inverses[..., None, :], right)


def pseudo_inverted_x(xp, g, x, out):
    """The transpose of dx ↦ −P dx P + P Pᴴ dxᴴ (1 − x P) + (1 − P x) dxᴴ Pᴴ P.

    That is how the pseudoinverse P moves with x: Golub and Pereyra, 1973.
    """
    gt = g.swapaxes(-1, -2)
    ph = xp.conj(out.swapaxes(-1, -2))
    inner = -xp.batched(xp.batched(out, gt), out).swapaxes(-1, -2)
    above = xp.batched(xp.batched(gt, out), ph)
    below = xp.batched(xp.batched(ph, out), gt)
    above = above - xp.batched(x, xp.batched(out, above))
    below = below - xp.batched(xp.batched(below, out), x)
    return inner + xp.conj(above + below)
pseudo_inverted.vjp(x=pseudo_inverted_x)


@composite(space="linalg", name="linalg.pinv", out="safe:linalg.pinv", method=False)
def pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None):
    """The pseudoinverse of Moore and Penrose: (…, n, m) → (…, m, n).

    Singular values up to max(atol, rtol · the largest) count as 0. A `hermitian` matrix is taken
    apart by its eigenvectors. Raises RuntimeError unless A holds numbers of at least 32 bits.
    """
    if not isinstance(A, Tensor):
        raise TypeError("linalg_pinv(): argument 'input' (position 1) must be Tensor, not "
                        f"{type(A).__name__}")
    if A._data.ndim < 2 or A._data.dtype not in FLOATS or A._data.dtype in HALF:
        raise RuntimeError(f"linalg.pinv({said(A.dtype)}{{{list(A._data.shape)}}}): expected a "
                           "tensor with 2 or more dimensions of float, double, cfloat or cdouble "
                           "types")
    if rcond is not None:
        rtol = rcond
    atol, rtol = limits("torch.linalg.pinv", A, atol, rtol)
    if hermitian:
        square("linalg.eigh", A)
    return pseudo_inverted(A, atol, rtol, hermitian)


@composite(out=False)
def pinverse(input, rcond=1e-15):
    """The pseudoinverse; singular values up to rcond · the largest count as 0.

    Shapes: (…, n, m) → (…, m, n). Raises RuntimeError for fewer than two dimensions.
    """
    return pinv(input, rcond)


# ---- least squares -----------------------------------------------------------------------------

lstsq_returned = named("linalg_lstsq", ("solution", "residuals", "rank", "singular_values"))
DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@composite(space="linalg", name="linalg.lstsq", method=False, grad="LinalgLstsq",
           out="safe:torch.linalg.lstsq:solution")
def lstsq(A, B, rcond=None, *, driver=None):
    """The X of least Σ |A X − B|², of many the smallest: (…, n, m), (…, n, k) → (…, m, k).

    Also the sums of squares that remain (of more rows than columns and full rank), the rank, the
    singular values. Each driver gives what LAPACK's routine of that name does: "gels" takes the
    rank as full, the others count singular values up to rcond · the largest as 0; "gelsy" gives no
    residuals, and only "gelsd" and "gelss" singular values.
    Raises RuntimeError when shapes or dtypes do not match, LinAlgError by "gels" for less rank.
    """
    vector = fitting(A, B)
    if driver is not None and driver not in DRIVERS:
        raise RuntimeError("torch.linalg.lstsq: parameter `driver` should be one of "
                           f"({', '.join(DRIVERS)})")
    driver = driver or "gelsy"
    n, m = A._data.shape[-2:]
    right = B.unsqueeze(-1) if vector else B
    broadcast(A._data.shape[:-2], right._data.shape[:-2])
    d = A.dtype.to_real()
    cut = finfo(A.dtype).eps * max(n, m) if rcond is None else float(rcond)
    if driver == "gels":
        full_rank(A._data)
        cut = 0.0
    zero = np.zeros((), d.numpy)
    solution = pseudo_inverted(A, zero, np.asarray(cut, d.numpy)) @ right
    values = svdvals(A.detach())
    rank = wrap(np.asarray(kept(np, values._data, zero, cut).sum(-1)))
    residuals = solution.reshape(-1)[:0].abs()
    if n > m and driver != "gelsy" and bool((rank == m).all()):
        away = (A @ solution - right).abs()
        residuals = (away * away).sum(-2)
    if driver == "gels":
        rank = rank.new_empty(0)
    if driver in ("gels", "gelsy"):
        values = values.new_empty(0)
    return lstsq_returned(solution.squeeze(-1) if vector else solution, residuals, rank, values)


def fitting(A, B):
    """Whether B is vectors. Raises RuntimeError unless A X ≈ B has matching shapes and dtypes."""
    name = "torch.linalg.lstsq"
    a, b = A._data, B._data
    if a.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if b.ndim < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    if A.dtype is not B.dtype:
        raise RuntimeError(f"{name}: Expected input and other to have the same dtype, but got "
                           f"input's dtype {said(A.dtype)} and other's dtype {said(B.dtype)}")
    if not 0 <= a.ndim - b.ndim <= 1:
        raise RuntimeError(f"{name}: input.dim() must be greater or equal to other.dim() and "
                           "(input.dim() - other.dim()) <= 1")
    vector = b.ndim == 1 or b.ndim == a.ndim - 1 and b.shape == a.shape[:-1]
    if vector and a.shape[-2] != b.shape[-1]:
        raise RuntimeError(f"{name}: input.size(-2) should match other.size(-1)")
    if not vector and a.shape[-2] != b.shape[-2]:
        raise RuntimeError(f"{name}: input.size(-2) should match other.size(-2)")
    if a.dtype not in FLOATS or a.dtype in HALF:
        raise RuntimeError("This function doesn't handle types other than float and double")
    return vector


def full_rank(a):
    """Raise LinAlgError where the triangle of a's QR factors has a zero on its diagonal, or what
    rounding leaves of one.
    """
    n, m = a.shape[-2:]
    r = np.linalg.qr(a if n >= m else a.swapaxes(-1, -2), mode="r")
    diagonal = np.abs(np.diagonal(r, 0, -2, -1))
    zero = diagonal <= np.finfo(a.dtype).eps * diagonal.max(axis=-1, initial=0)[..., None]
    if zero.any():
        info = np.where(zero.any(-1), zero.argmax(-1) + 1, 0)
        raise failed("torch.linalg.lstsq", info, "The least squares solution could not be computed "
                     "because the input matrix does not have full rank (error code: {}).")
