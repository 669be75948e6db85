"""A = Q R: orthonormal columns times an upper triangle; and Q as a product of reflections.

A reflection H = I − τ v vᴴ turns one column into a multiple of the first axis (Householder, 1958).
"""

import numpy as np

from learntorch.core.dtypes import said
from learntorch.core.op import composite, multi, nary
from learntorch.core.tensor import wrap
from learntorch.core.warned import deprecated
from learntorch.ops.linalg_cholesky import adjoint, in_lapack
from learntorch.ops.linalg_solve import inexact, matrices
from learntorch.ops.reduce import named

MODES = ("reduced", "r", "complete")


@nary(space="rules")
def underivable(x, words):
    """No gradient: the error in PyTorch's words, raised by backward."""
    if words.startswith("the derivative for"):
        raise NotImplementedError(words)
    raise RuntimeError(words)


@multi(space="rules", grad="LinalgQr", outputs=("Q", "R"))
def qr_factor(xp, x, mode):
    """Q R = x, Q with orthonormal columns: min(n, m) of them, or n when "complete"; "r" leaves Q
    out.
    """
    if mode == "r":
        return xp.zeros((0,), x.dtype), xp.linalg.qr(x, mode="r")
    return tuple(xp.linalg.qr(x, mode=mode))


def qr_factor_x(xp, g, Q, R, mode):
    """For tall x; the further columns Y of a wide one are Q V, V the further columns of R."""
    if mode == "r":
        return xp.underivable(
            g[1], "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
            "Please use linalg.qr(A, mode='reduced') if you are going to differentiate through "
            "linalg.qr.")
    n, m = Q.shape[-2], R.shape[-1]
    if mode == "complete" and n > m:
        return xp.underivable(g[1], "The QR decomposition is not differentiable when "
                                    "mode='complete' and nrows > ncols.")
    gQ, gR = g[0].conj(), g[1].conj()
    if n >= m:
        return qr_tall(xp, gQ, gR, Q, R).conj()
    U, V, gV = R[..., :n], R[..., n:], gR[..., n:]
    gQ = gQ + xp.matmul(xp.matmul(Q, V), adjoint(gV))
    gX = qr_tall(xp, gQ, gR[..., :n], Q, U)
    return xp.concatenate([gX, xp.matmul(Q, gV)], -1).conj()


def qr_tall(xp, gQ, gR, Q, R):
    """(gQ + Q s(gR Rᴴ − Qᴴ gQ)) R⁻ᴴ; s makes the upper triangle Hermitian."""
    z = xp.matmul(gR, adjoint(R)) - xp.matmul(adjoint(Q), gQ)
    upper = (xp.triu(z) + xp.triu(z, 1)) / 2
    z = gQ + xp.matmul(Q, upper + adjoint(upper))
    return adjoint(xp.substituted(R, adjoint(z), True))
qr_factor.vjp(x=qr_factor_x)


def factored(A, mode):
    """Q and R of A, checked."""
    matrices("linalg.qr", A)
    inexact("linalg.qr", A, "geqrf_cpu")
    if mode not in MODES:
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' "
                           "(default), 'r', or 'complete'")
    return qr_factor(A, mode)


linalg_qr_returned = named("linalg_qr", ("Q", "R"))
qr_returned = named("qr", ("Q", "R"))


@composite(space="linalg", name="linalg.qr", out="dtype", method=False)
def linalg_qr(A, mode="reduced"):
    """Q R = A, the columns of Q orthonormal, R upper triangular.

    (…, n, m) → (…, n, k), (…, k, m) with k = min(n, m), or k = n when mode is "complete"; "r"
    leaves Q empty. Raises RuntimeError for another mode.
    """
    return linalg_qr_returned(*factored(A, mode))


@composite(out="dtype")
def qr(input, some=True):
    """Q R = input, Q square unless `some`: see linalg.qr.

    Shapes: (…, n, m) → (…, n, k), (…, k, m), k = min(n, m), n unless `some`. Raises RuntimeError
    for fewer than two dimensions.
    """
    deprecated("qr", "torch.linalg.qr", "\nThe boolean parameter 'some' has been replaced with a "
               "string parameter 'mode'.\nQ, R = torch.qr(A, some)\nshould be replaced with\n"
               "Q, R = torch.linalg.qr(A, 'reduced' if some else 'complete')")
    return qr_returned(*factored(input, "reduced" if some else "complete"))


# ---- reflections -------------------------------------------------------------------------------


@multi(space="rules", grad="Geqrf", outputs=("a", "tau"))
def reflections(xp, x):
    """R in the upper triangle, below it in column k the vₖ of the reflections, and their τₖ."""
    packed, tau = xp.linalg.qr(x, mode="raw")
    return packed.swapaxes(-1, -2), tau
reflections.vjp(x=lambda xp, g: xp.underivable(
    g[0], "the derivative for 'geqrf' is not implemented. Use torch.linalg.qr."))


geqrf_returned = named("geqrf", ("a", "tau"))


@composite(out="safe:torch.geqrf:a")
def geqrf(input):
    """R and the reflections that lead to it: (…, n, m) → (…, n, m), (…, min(n, m)).

    R is the upper triangle of the first result; below it stand the vectors vₖ of the reflections
    H = I − τₖ vₖ vₖᴴ without their first element, which is 1.
    Raises RuntimeError for fewer than two dimensions.
    """
    at_least_matrices("torch.geqrf", input, "input")
    in_lapack(input, "geqrf_cpu")
    return geqrf_returned(*reflections(input))


def at_least_matrices(name, A, argument):
    """Raise RuntimeError for a tensor with fewer than two dimensions."""
    if A._data.ndim < 2:
        raise RuntimeError(f"{name}: {argument} must have at least 2 dimensions.")


def reflected(x, A, tau, order, turned=False):
    """x after the reflections in A's columns, in `order`; `turned`, their adjoints."""
    n, m = A._data.shape[-2:]
    v = A.tril(-1) + wrap(np.eye(n, m, dtype=A._data.dtype))
    tau = tau.conj() if turned else tau
    for k in order:
        column = v[..., k:k + 1]
        x = x - tau[..., k, None, None] * (column @ (column.mH @ x))
    return x


def fitting_reflections(name, A, tau):
    """Raise RuntimeError unless tau has one number for each of A's reflections."""
    a, t = A._data.shape, tau._data.shape
    if len(a) - len(t) != 1:
        raise RuntimeError(f"{name}: Expected tau to have one dimension less than input, but got "
                           f"tau.ndim equal to {len(t)} and input.ndim is equal to {len(a)}")
    if t[:-1] != a[:-2]:
        raise RuntimeError(f"{name}: Expected batch dimensions of tau to be equal to "
                           f"input.shape[:-2], but got {list(t[:-1])}")


def product(A, tau):
    """H₁ H₂ … Hₖ applied to the first columns of the identity."""
    name = "torch.linalg.householder_product"
    at_least_matrices(name, A, "input")
    *batch, n, m = A._data.shape
    if n < m:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to "
                           "input.shape[-1]")
    k = tau._data.shape[-1]
    if m < k:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to "
                           "tau.shape[-1]")
    fitting_reflections(name, A, tau)
    if A.dtype is not tau.dtype:
        raise RuntimeError(f"{name}: tau dtype {said(tau.dtype)} does not match input dtype "
                           f"{said(A.dtype)}")
    in_lapack(A, "orgqr_cpu")
    one = wrap(np.broadcast_to(np.eye(n, m, dtype=A._data.dtype), (*batch, n, m)))
    if not k:
        return A.where(wrap(np.zeros((), bool)), one)    # constant, yet with history as PyTorch's
    return reflected(one, A, tau, reversed(range(k)))


@composite(space="linalg", name="linalg.householder_product", method=False,
           grad="LinalgHouseholderProduct",
           out="safe:torch.linalg.householder_product")
def householder_product(A, tau):
    """The first columns of H₁ H₂ … Hₖ, Hᵢ = I − τᵢ vᵢ vᵢᴴ, vᵢ below the diagonal of A's column i.

    (…, n, m), (…, k) → (…, n, m), n ≥ m ≥ k: with torch.geqrf's result the Q of A = Q R.
    Raises RuntimeError for other shapes, or two dtypes.
    """
    return product(A, tau)


@composite(out=True, grad="LinalgHouseholderProduct")
def orgqr(input, tau):
    """H₁ H₂ … Hₖ: another name of linalg.householder_product.

    Shapes: (…, n, m), (…, k) → (…, n, m). Raises RuntimeError for others, or two dtypes.
    """
    return product(input, tau)


@composite(grad="Ormqr",
           out="torch.ormqr: Expected input and result to have the same dtype, but input has "
               "dtype{Want} and result has dtype {Got}")
def ormqr(input, tau, other, left=True, transpose=False):
    """Q · other (other · Q unless `left`), Q the product of torch.geqrf's reflections or, with
    `transpose`, its adjoint.

    Raises RuntimeError when shapes or dtypes do not match.
    """
    name = "torch.ormqr"
    at_least_matrices(name, input, "input")
    at_least_matrices(name, other, "other")
    a, t, c = input._data.shape, tau._data.shape, other._data.shape
    side = -2 if left else -1
    if c[side] != a[-2]:
        raise RuntimeError(f"{name}: other.shape[{side}] must be equal to input.shape[-2]")
    if t[-1] != min(c[side], a[-1]):
        raise RuntimeError(f"{name}: tau.shape[-1] must be equal to min(other.shape[{side}], "
                           "input.shape[-1])")
    fitting_reflections(name, input, tau)
    if len(c) != len(a):
        raise RuntimeError(f"{name}: Expected other to have the same number of dimensions as input,"
                           f" but got other.ndim equal to {len(c)} and input.ndim is equal to "
                           f"{len(a)}")
    if c[:-2] != a[:-2]:
        raise RuntimeError(f"{name}: Expected batch dimensions of other to be equal to "
                           f"input.shape[:-2], but got {list(c[:-2])}")
    for t, what in ((tau, "tau"), (other, "other")):
        if t.dtype is not input.dtype:
            raise RuntimeError(f"{name}: Expected input and {what} to have the same dtype, but "
                               f"input has dtype{said(input.dtype)} and {what} has dtype "
                               f"{said(t.dtype)}")
    in_lapack(input, "ormqr_cpu")
    order = range(tau._data.shape[-1])
    turned = transpose if left else not transpose             # (other Q)ᴴ = Qᴴ otherᴴ
    order = order if turned else reversed(order)
    if left:
        return reflected(other, input, tau, order, turned)
    return reflected(other.mH, input, tau, order, turned).mH
