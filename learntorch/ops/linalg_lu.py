"""A = P L U: Gauss's elimination with row exchanges kept as factors, and A = L D Lᵀ."""

import numpy as np

from learntorch.core.dtypes import FLOATS, said
from learntorch.core.op import composite, multi, nary
from learntorch.core.shapes import broadcast, count
from learntorch.core.tensor import wrap
from learntorch.core.warned import deprecated
from learntorch.ops.linalg_cholesky import adjoint, in_lapack
from learntorch.ops.linalg_solve import (
    first_failure,
    fitting,
    inexact,
    matrices,
    square,
    substituted,
)
from learntorch.ops.reduce import named

PANEL = 32          # columns eliminated one by one; wider matrices are halved first


# ---- rows exchanged ----------------------------------------------------------------------------


def row_order(xp, pivots, n):
    """Where each of n rows comes from after row k was exchanged with row pivots[k], for every k."""
    orders = []
    for row in pivots.reshape(count(pivots.shape[:-1]), pivots.shape[-1]).tolist():
        order = list(range(n))
        for k, p in enumerate(row):
            order[k], order[p - 1] = order[p - 1], order[k]
        orders.append(order)
    return xp.asarray(orders, dtype=xp.int64).reshape(*pivots.shape[:-1], n)


@nary(tensors=("x", "pivots"), space="rules")
def exchanged(xp, x, pivots, back):
    """Pᵀ x: row k of x exchanged with row pivots[k] (from 1), one k after the other; P x if `back`.
    """
    batch = broadcast(x.shape[:-2], pivots.shape[:-1])
    n = x.shape[-2]
    order = row_order(xp, pivots.astype(xp.int64), n)
    order = xp.argsort(order, axis=-1) if back else order
    order = xp.broadcast_to(order, (*batch, n))
    x = xp.broadcast_to(x, (*batch, *x.shape[-2:]))
    return xp.take_along_axis(x, order[..., None], -2)
exchanged.vjp(x=lambda xp, g, pivots, back: xp.exchanged(g, pivots, not back))


# ---- elimination -------------------------------------------------------------------------------


def size(xp, a):
    """What LAPACK's search for the largest pivot compares: |a|, of complex numbers |Re| + |Im|."""
    return abs(a.real) + abs(a.imag) if a.dtype.kind == "c" else abs(a)


def factored(xp, a):
    """L and U written over a, and the pivots: by LAPACK where SciPy brings it, else as below."""
    try:
        factor = xp.lapack("getrf", a.dtype)
    except ModuleNotFoundError:
        return eliminate(xp, a)
    pivots = xp.zeros((*a.shape[:-2], min(a.shape[-2:])), xp.int64)
    for i in xp.ndindex(a.shape[:-2] if pivots.size else (0,)):
        a[i], places, _ = factor(a[i])
        pivots[i] = places + 1
    return pivots


def eliminate(xp, a):
    """L (below the diagonal) and U (on and above it) written over a; the pivots, from 1."""
    n, m = a.shape[-2:]
    if min(n, m) > PANEL:
        return eliminate_halves(xp, a, min(n, m) // 2)
    pivots = xp.zeros((*a.shape[:-2], min(n, m)), xp.int64)
    for k in range(min(n, m)):
        p = k + size(xp, a[..., k:, k]).argmax(axis=-1, keepdims=True)
        pivots[..., k:k + 1] = p + 1
        p = p[..., None]
        row = xp.take_along_axis(a, p, -2)
        xp.put_along_axis(a, p, a[..., k:k + 1, :].copy(), -2)
        a[..., k:k + 1, :] = row
        pivot = row[..., k:k + 1]
        factors = a[..., k + 1:, k:k + 1]
        factors /= xp.where(pivot == 0, 1, pivot)
        a[..., k + 1:, k + 1:] -= factors * row[..., k + 1:]
    return pivots


def eliminate_halves(xp, a, h):
    """The first h columns, then the others, to which the first were applied by one product."""
    first = eliminate(xp, a[..., :h])
    a[..., h:] = exchange(xp, a[..., h:], first)
    top = substitute_unit(xp, a[..., :h, :h], a[..., :h, h:])
    a[..., :h, h:] = top
    a[..., h:, h:] -= xp.matmul(a[..., h:, :h], top)
    second = eliminate(xp, a[..., h:, h:])
    a[..., h:, :h] = exchange(xp, a[..., h:, :h], second)
    return xp.concatenate([first, second + h], -1)


def exchange(xp, a, pivots):
    """Rows of a exchanged as the pivots say."""
    return xp.take_along_axis(a, row_order(xp, pivots, a.shape[-2])[..., None], -2)


def substitute_unit(xp, low, y):
    """low⁻¹ y, 1 on the diagonal of the lower triangular `low`."""
    return xp.substituted(low, y, False, True)


@multi(space="rules", grad="LinalgLuFactorEx", outputs=("LU", "pivots", "info"))
def lu_packed(xp, x):
    """P L U = x: L without its ones and U in one matrix; the pivots; the first zero on U's
    diagonal, 0 if there is none.
    """
    packed = x.copy()
    pivots = factored(xp, packed)
    zero = xp.diagonal(packed, 0, -2, -1) == 0
    info = xp.where(zero.any(axis=-1), (zero.cumsum(axis=-1) == 0).sum(axis=-1) + 1, 0)
    return packed, pivots.astype(xp.int32), info.astype(xp.int32)


def lu_packed_x(xp, g, LU, pivots):
    """P L⁻ᴴ (tril(LᴴgL) + triu(gU Uᴴ)) U⁻ᴴ for a square matrix; further columns of U are L⁻¹ Pᵀ x,
    further rows of L are x U⁻¹.
    """
    n, m = LU.shape[-2:]
    k = min(n, m)
    g = g.conj()
    L, U = LU[..., :k, :k], xp.triu(LU[..., :k, :k])
    gL, gU = xp.tril(g[..., :k, :k], -1), xp.triu(g[..., :k, :k])
    Lh = adjoint(L)
    lower = xp.matmul(adjoint(xp.tril(L, -1)), gL) + gL
    upper = xp.matmul(gU, adjoint(U))
    if m > k:
        gU2 = g[..., k:]
        lower = lower - xp.matmul(gU2, adjoint(LU[..., k:]))
    if n > k:
        gL2 = g[..., k:, :]
        upper = upper - xp.matmul(adjoint(LU[..., k:, :]), gL2)
    middle = xp.substituted(Lh, xp.tril(lower, -1) + xp.triu(upper), True, True)
    gA = adjoint(xp.substituted(U, adjoint(middle), True))
    if m > k:
        gA = xp.concatenate([gA, xp.substituted(Lh, gU2, True, True)], -1)
    if n > k:
        gA = xp.concatenate([gA, adjoint(xp.substituted(U, adjoint(gL2), True))], -2)
    return xp.exchanged(gA, pivots, True).conj()
lu_packed.vjp(x=lu_packed_x)


def unpacked(LU):
    """L and U as matrices of their own."""
    n, m = LU._data.shape[-2:]
    k = min(n, m)
    one = wrap(np.eye(n, k, dtype=LU._data.dtype))
    return LU[..., :k].tril(-1) + one, LU[..., :k, :].triu()


def permutation(LU, pivots):
    """P: Pᵀ exchanges rows as the pivots say."""
    *batch, n, _ = LU._data.shape
    one = wrap(np.broadcast_to(np.eye(n, dtype=LU._data.dtype), (*batch, n, n)))
    return exchanged(one, pivots, True)


def pivoted(name, A, pivot, kernel="lu_cpu"):
    """A, checked."""
    if A._data.ndim < 2:
        raise RuntimeError(f"{name}: Expected tensor with 2 or more dimensions. Got size: "
                           f"{list(A._data.shape)} instead")
    in_lapack(A, kernel)
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU. "
                           "Exchanging rows is what keeps the elimination accurate.")
    return A


def refuse_zero_pivot(name, info):
    """Raise RuntimeError for the first matrix with a zero on U's diagonal."""
    if info._data.any():
        where, k = first_failure(info._data)
        raise RuntimeError(f"torch.linalg.{name}: {where}U[{k},{k}] is zero and using it on "
                           "lu_solve would result in a division by zero. If you still want to "
                           "perform the factorization, consider calling linalg.lu(A, pivot) or "
                           "linalg.lu_factor_ex(A, pivot)")


lu_returned = named("linalg_lu", ("P", "L", "U"))
lu_factor_returned = named("linalg_lu_factor", ("LU", "pivots"))
lu_factor_ex_returned = named("linalg_lu_factor_ex", ("LU", "pivots", "info"))
lu_with_info_returned = named("_lu_with_info", ("LU", "pivots", "info"))
lu_unpack_returned = named("lu_unpack", ("P", "L", "U"))


@composite(space="linalg", name="linalg.lu", out="dtype", method=False, grad="LinalgLu")
def linalg_lu(A, *, pivot=True):
    """P L U = A: P exchanges rows, L is lower triangular with ones on its diagonal, U upper.

    (…, n, m) → (…, n, n), (…, n, k), (…, k, m), k = min(n, m).
    Raises RuntimeError for fewer than two dimensions, and for `pivot` False, which the CPU has not.
    """
    LU, pivots, _ = lu_packed(pivoted("linalg.lu", A, pivot))
    return lu_returned(permutation(LU, pivots), *unpacked(LU))


@composite(space="linalg", name="linalg.lu_factor", out="dtype", method=False)
def lu_factor(A, *, pivot=True):
    """L (without its ones) and U of P L U = A in one matrix, and the rows exchanged, from 1.

    (…, n, m) → (…, n, m), (…, min(n, m)). Raises RuntimeError where U has a 0 on its diagonal.
    """
    LU, pivots, info = lu_packed(pivoted("torch.lu_factor", A, pivot))
    refuse_zero_pivot("lu_factor", info)
    return lu_factor_returned(LU, pivots)


@composite(space="linalg", name="linalg.lu_factor_ex", out="dtype", method=False)
def lu_factor_ex(A, *, pivot=True, check_errors=False):
    """As linalg.lu_factor, and the number of the first 0 on U's diagonal instead of an error.

    Shapes: (…, n, m) → (…, n, m), (…, min(n, m)), (…). Raises RuntimeError as linalg.lu does.
    """
    LU, pivots, info = lu_packed(pivoted("torch.lu_factor", A, pivot))
    if check_errors:
        refuse_zero_pivot("lu_factor_ex", info)
    return lu_factor_ex_returned(LU, pivots, info)


@composite(out=True)
def lu(A, pivot=True, get_infos=False):
    """LU and pivots as linalg.lu_factor gives them, and with `get_infos` whether U has a 0.

    Shapes: (…, n, m) → (…, n, m), (…, min(n, m)). Raises RuntimeError for fewer than two
    dimensions, and for `pivot` False.
    """
    deprecated("lu", "torch.linalg.lu_factor / torch.linalg.lu_factor_ex",
               "\nLU, pivots = torch.lu(A, compute_pivots)\nshould be replaced with\nLU, pivots = "
               "torch.linalg.lu_factor(A, compute_pivots)\nand\nLU, pivots, info = torch.lu(A, "
               "compute_pivots, get_infos=True)\nshould be replaced with\nLU, pivots, info = "
               "torch.linalg.lu_factor_ex(A, compute_pivots)")
    LU, pivots, info = lu_packed(pivoted("torch.lu_factor", A, pivot))
    return lu_with_info_returned(LU, pivots, info) if get_infos else (LU, pivots)


@composite(method=False, out="dtype", grad="LuUnpack")
def lu_unpack(LU_data, LU_pivots, unpack_data=True, unpack_pivots=True):
    """P, L and U from the two results of linalg.lu_factor; empty ones for what is not unpacked.

    Shapes: (…, n, m), (…, k) → (…, n, n), (…, n, k), (…, k, m), k = min(n, m). Raises RuntimeError
    for fewer than two dimensions, and for pivots that are no int32.
    """
    a = LU_data._data
    if a.ndim < 2:
        raise RuntimeError("torch.lu_unpack: Expected tensor with 2 or more dimensions. Got size: "
                           f"{list(a.shape)} instead")
    if LU_pivots._data.dtype != np.int32:
        raise RuntimeError("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of "
                           "torch.int32 dtype. Note: this function is intended to be used with the "
                           "output produced by torch.linalg.lu_factor")
    empty = wrap(np.zeros(0, a.dtype))
    return lu_unpack_returned(permutation(LU_data, LU_pivots) if unpack_pivots else empty,
                              *(unpacked(LU_data) if unpack_data else (empty, empty)))


# ---- solving with the factors ------------------------------------------------------------------


def lu_solution(LU, pivots, B, adjoint):
    """X of P L U X = B, or of (P L U)ᴴ X = B."""
    if not adjoint:
        return substituted(LU, substituted(LU, exchanged(B, pivots, False), False, True), True)
    LUh = LU.mH
    return exchanged(substituted(LUh, substituted(LUh, B, False), True, True), pivots, True)


@composite(space="linalg", name="linalg.lu_solve", out="dtype", method=False, grad="LinalgLuSolve")
def linalg_lu_solve(LU, pivots, B, *, left=True, adjoint=False):
    """The X of A X = B (X A = B unless `left`; Aᴴ for A if `adjoint`), LU and pivots A's factors.

    (…, n, n), (…, n), (…, n, k) → (…, n, k). Raises RuntimeError when they do not match.
    """
    name = "linalg.lu_solve"
    if LU._data.dtype not in FLOATS:
        raise RuntimeError(f"torch.{name}: Expected a floating point or complex tensor as input. "
                           f"Got {said(LU.dtype)}")
    if LU.dtype is not B.dtype:
        raise RuntimeError(f"{name}: Expected LU and B to have the same dtype, but found LU of "
                           f"type {said(LU.dtype)} and B of type {said(B.dtype)} instead")
    if pivots._data.dtype != np.int32:
        raise RuntimeError(f"{name}: pivots should be a Tensor of scalar type torch.int32")
    square(f"torch.{name}", LU)
    fitting(name, LU, B, left)
    a, p = LU._data.shape, pivots._data.shape
    if p[-1:] != a[-1:]:
        raise RuntimeError(f"{name}: Number of pivots per batch should be same as the dimension of "
                           "the matrix")
    if p[:-1] != a[:-2]:
        raise RuntimeError(f"{name}: Expected LU.shape[:-1] and pivots.shape to be the same, but "
                           f"got pivots with shape {list(p)} instead")
    if left:
        return lu_solution(LU, pivots, B, adjoint)
    return lu_solution(LU, pivots, B.mH, not adjoint).mH      # (X A)ᴴ = Aᴴ Xᴴ


@composite(out="dtype", grad="LinalgLuSolve")
def lu_solve(b, LU_data, LU_pivots):
    """The X of A X = b from A's factors: see linalg.lu_solve.

    Shapes: b (…, n, k), LU_data (…, n, n), LU_pivots (…, n) → (…, n, k). Raises RuntimeError for
    others.
    """
    deprecated("lu_solve", "torch.linalg.lu_solve", "\nNote that torch.linalg.lu_solve has its "
               "arguments reversed.\nX = torch.lu_solve(B, LU, pivots)\nshould be replaced with\n"
               "X = torch.linalg.lu_solve(LU, pivots, B)")
    return linalg_lu_solve(LU_data, LU_pivots, b)


# ---- L D Lᵀ ------------------------------------------------------------------------------------


@multi(space="rules", outputs=("LD", "pivots", "info"))
def ldl_packed(xp, x, hermitian):
    """L D Lᵀ = x (L D Lᴴ if `hermitian`), D of 1 × 1 and 2 × 2 blocks (Bunch & Kaufman, 1977).

    Of 2 × 2 blocks both pivots are negative.
    """
    factor = xp.lapack("hetrf" if hermitian and x.dtype.kind == "c" else "sytrf", x.dtype)
    n = x.shape[-1]
    LD = xp.zeros(x.shape, x.dtype)
    pivots = xp.zeros(x.shape[:-1], xp.int32)
    info = xp.zeros(x.shape[:-2], xp.int32)
    for i in xp.ndindex(info.shape if n else (0,)):
        LD[i], pivots[i], info[i] = factor(x[i], lower=1, lwork=n * PANEL)
    return xp.tril(LD), pivots, info
ldl_packed.vjp(x=lambda xp, g: xp.underivable(
    g, "the derivative for 'linalg_ldl_factor_ex' is not implemented. linalg.lu_factor has one."))


@nary(tensors=("x", "pivots", "y"), space="rules", grad="LinalgLdlSolve")
def ldl_solved(xp, x, pivots, y, hermitian):
    """The solution of A · out = y, x and pivots the factors of A."""
    solve = xp.lapack("hetrs" if hermitian and x.dtype.kind == "c" else "sytrs", x.dtype)
    batch = broadcast(x.shape[:-2], y.shape[:-2])
    x = xp.broadcast_to(x, (*batch, *x.shape[-2:]))
    pivots = xp.broadcast_to(pivots, (*batch, pivots.shape[-1]))
    y = xp.broadcast_to(y, (*batch, *y.shape[-2:]))
    out = xp.zeros(y.shape, y.dtype)
    for i in xp.ndindex(batch if out.size else (0,)):
        out[i] = solve(x[i], pivots[i], y[i], lower=1)[0]
    return out
ldl_solved.vjp_all(lambda xp, g, need: (xp.underivable(
    g, "the derivative for 'linalg_ldl_solve' is not implemented. linalg.lu_solve has one."),
    None, None))


def symmetric(A):
    """A, checked."""
    name = "torch.linalg.ldl_factor_ex"
    square(name, A)
    inexact(name, A, "ldl_factor_kernel_cpu")
    return A


def refuse_singular(name, info):
    """Raise RuntimeError for the first matrix with a zero on D's diagonal."""
    if info._data.any():
        where, k = first_failure(info._data)
        raise RuntimeError(f"torch.linalg.{name}: {where}D[{k},{k}] is zero and using it on "
                           "ldl_solve would result in a division by zero. Call "
                           "linalg.ldl_factor_ex for the factors of a singular matrix.")


ldl_factor_returned = named("linalg_ldl_factor", ("LD", "pivots"))
ldl_factor_ex_returned = named("linalg_ldl_factor_ex", ("LD", "pivots", "info"))


@composite(space="linalg", name="linalg.ldl_factor", out="dtype", method=False)
def ldl_factor(A, *, hermitian=False):
    """L and D of L D Lᵀ = A = Aᵀ (L D Lᴴ = A = Aᴴ if `hermitian`) in one matrix, and the pivots.

    (…, n, n) → (…, n, n), (…, n). Only the lower triangle is read. Raises RuntimeError for a
    singular A. Computed by SciPy.
    """
    LD, pivots, info = ldl_packed(symmetric(A), hermitian)
    refuse_singular("ldl_factor", info)
    return ldl_factor_returned(LD, pivots)


@composite(space="linalg", name="linalg.ldl_factor_ex", out="dtype", method=False)
def ldl_factor_ex(A, *, hermitian=False, check_errors=False):
    """As linalg.ldl_factor, and the number of the first 0 on D's diagonal instead of an error.

    Shapes: (…, n, n) → (…, n, n), (…, n), (…). Raises RuntimeError unless square.
    """
    LD, pivots, info = ldl_packed(symmetric(A), hermitian)
    if check_errors:
        refuse_singular("ldl_factor_ex", info)
    return ldl_factor_ex_returned(LD, pivots, info)


@composite(space="linalg", name="linalg.ldl_solve", out="dtype", method=False)
def ldl_solve(LD, pivots, B, *, hermitian=False):
    """The X of A X = B from the results of linalg.ldl_factor: (…, n, n), (…, n), (…, n, k) → (…, n,
    k). Computed by SciPy. Raises RuntimeError when they do not match.
    """
    name = "torch.linalg.ldl_solve"
    square(name, LD)
    matrices(name, B, "B")
    a, p, b = LD._data.shape, pivots._data.shape, B._data.shape
    if a[-1] != b[-2]:
        raise RuntimeError(f"Incompatible matrix sizes for {name}: each A matrix is {a[-1]} by "
                           f"{a[-1]} but each b matrix is {b[-2]} by {b[-1]}")
    if p != a[:-1]:
        raise RuntimeError(f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but "
                           f"got pivots with shape {list(p)} instead")
    if pivots._data.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {said(pivots.dtype)}")
    if LD.dtype is not B.dtype:
        raise RuntimeError("Expected b and A to have the same dtype, but found b of type "
                           f"{said(B.dtype)} and A of type {said(LD.dtype)} instead.")
    return ldl_solved(LD, pivots, B, hermitian)
