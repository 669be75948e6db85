"""Linear equations: solve, triangular solve, inverse."""

import numpy as np

from learntorch.core import failures
from learntorch.core.dtypes import FLOATS, HALF, said
from learntorch.core.op import composite, nary
from learntorch.core.shapes import broadcast
from learntorch.core.tensor import Tensor, wrap
from learntorch.core.warned import deprecated
from learntorch.ops.reduce import named

# ---- what may be asked of a matrix -------------------------------------------------------------


def matrices(name, A, argument="A", first="A"):
    """Raise unless A is a tensor of at least two dimensions; `name` is the operation's."""
    if not isinstance(A, Tensor):
        raise TypeError(f"{name.replace('.', '_')}(): argument '{first}' (position 1) must be "
                        f"Tensor, not {type(A).__name__}")
    if A._data.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {argument}{' ' * bool(argument)}must have at "
                           "least 2 dimensions.")


def square(name, A, first="A"):
    """Raise RuntimeError unless A is one or many square matrices."""
    matrices(name, A, first=first)
    n, m = A._data.shape[-2:]
    if n != m:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {n} by {m} "
                           "matrices. torch.linalg.lstsq and pinv take other shapes, too.")


def inexact(name, A, kernel=None):
    """Raise RuntimeError for whole numbers, and for 16-bit ones, which LAPACK does not know."""
    d = A._data.dtype
    if d not in FLOATS:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got "
                           f"{said(A.dtype)}. Convert it first, for example with .float().")
    if d in HALF:
        if kernel:
            raise failures.not_implemented(kernel, d)
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {said(A.dtype)}. "
                           "Convert it first, for example with .float().")


def fitting(name, A, B, left):
    """Raise RuntimeError unless A X = B (with `left` X A = B) has matching shapes."""
    matrices(name, B, "B")
    square(name, A)
    a, b = A._data.shape, B._data.shape
    if a[-1] != b[-2 if left else -1]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation {'AX' if left else 'XA'} = B "
            f"({a[-2]}x{a[-1]} and {b[-2]}x{b[-1]})")
    broadcast(b[:-2], a[:-2])


# ---- singular matrices -------------------------------------------------------------------------


def eliminated(a, b):
    """Gauss's elimination of one matrix a with row exchanges: U, the same done to b, and the number
    of the first zero pivot (from 1; 0 where there is none, the matrix is regular).
    """
    u, c, info = a.copy(), b.copy(), 0
    for i in range(len(u)):
        p = i + int(abs(u[i:, i]).argmax())
        u[[i, p]], c[[i, p]] = u[[p, i]], c[[p, i]]
        if u[i, i] == 0:
            info = info or i + 1
            continue
        factors = u[i + 1:, i:i + 1] / u[i, i]
        u[i + 1:] -= factors * u[i]
        c[i + 1:] -= factors * c[i]
    return u, c, info


def zero_pivots(a):
    """For each matrix the number of the first zero pivot, 0 for a regular one: LAPACK's `info`."""
    sign = np.linalg.slogdet(a)[0]
    info = np.zeros(sign.shape, np.int32)
    for i in np.argwhere(sign == 0):
        one = a[tuple(i)]
        info[tuple(i)] = eliminated(one, one[:, :0])[2] or len(one)
    return info


def first_failure(info):
    """Which matrix of a batch, in words, is the first whose `info` is not 0, and that number."""
    place = tuple(np.argwhere(info)[0])
    where = f"(Batch element {np.ravel_multi_index(place, info.shape)}): " if place else ""
    return where, info[place]


def failed(name, info, words):
    """The LinAlgError for the first matrix whose `info` is not 0."""
    where, k = first_failure(info)
    return failures.LinAlgError(f"{name}: {where}{words.format(k)}")


UNSOLVED = "The solver failed because the input matrix is singular."
UNINVERTED = ("The diagonal element {} is zero, the inversion could not be completed because the "
              "input matrix is singular. torch.linalg.pinv inverts what can be inverted.")


# ---- triangular systems ------------------------------------------------------------------------


@nary(tensors=("x", "y"), space="rules", grad="LinalgSolveTriangular",
      refuses="triangular_solve_cpu")
def substituted(xp, x, y, upper, unit=False):
    """x⁻¹ y where x is triangular, its other triangle (with `unit` its diagonal, too) not read.

    A zero on the diagonal gives inf or NaN.
    """
    if not upper:                        # both dimensions turned round make it an upper triangle
        turned = x[..., ::-1, ::-1].copy()          # BLAS does not read backward
        return backward_substituted(xp, turned, y[..., ::-1, :], unit)[..., ::-1, :]
    return backward_substituted(xp, x, y, unit)


def backward_substituted(xp, u, y, unit, leaf=32):
    """The lower half of the unknowns first, then the upper half without what those contribute.

    Up to `leaf` unknowns are found by elimination, which changes nothing in a triangle; but where
    it meets zeros or infinities the halves are halved down to single unknowns.
    """
    n = u.shape[-1]
    if n < 2:
        return xp.broadcast_to(y, (*broadcast(u.shape[:-2], y.shape[:-2]), *y.shape[-2:])).copy() \
            if unit or not n else y / u
    if n <= leaf:
        x = solved_block(xp, xp.triu(u, 1) + xp.eye(n, dtype=u.dtype) if unit else xp.triu(u), y)
        if x is not None:
            return x
        leaf = 1
    h = n // 2
    low = backward_substituted(xp, u[..., h:, h:], y[..., h:, :], unit, leaf)
    rest = y[..., :h, :] - xp.matmul(u[..., :h, h:], low)
    return xp.concatenate([backward_substituted(xp, u[..., :h, :h], rest, unit, leaf), low], -2)


def solved_block(xp, u, y):
    """u⁻¹ y by elimination; None where it met a zero or something infinite."""
    try:
        x = xp.linalg.solve(u, y)
    except xp.linalg.LinAlgError:
        return None
    return x if xp.isfinite(x).all() else None


def substituted_both(xp, g, x, out, upper, unit, need):
    """g's own triangular system with xᵀ; for x −gy outᵀ, on the triangle that was read."""
    gy = xp.substituted(x.swapaxes(-1, -2), g, not upper, unit)
    if not need[0]:
        return None, gy
    gx = -xp.batched(gy, out.swapaxes(-1, -2))
    return (xp.triu(gx, int(unit)) if upper else xp.tril(gx, -int(unit))), gy
substituted.vjp_all(substituted_both)


@composite(space="linalg", name="linalg.solve_triangular", method=False,
           grad="LinalgSolveTriangular",
           out="expected scalar type {Want} but found {Got}")
def solve_triangular(A, B, *, upper, left=True, unitriangular=False):
    """The X of A X = B (X A = B unless `left`), A triangular: (…, n, n), (…, n, k) → (…, n, k).

    Only the `upper` (or lower) triangle is read, with `unitriangular` not even its diagonal. A zero
    on the diagonal gives inf or NaN. Raises RuntimeError when shapes do not match.
    """
    fitting("linalg.solve_triangular", A, B, left)
    B = B.to(A.dtype)
    if left:
        return substituted(A, B, upper, unitriangular)
    return substituted(A.mT, B.mT, not upper, unitriangular).mT


# ---- any square matrix -------------------------------------------------------------------------


@nary(tensors=("x", "y"), space="rules", grad="LinalgSolveEx")
def solved(xp, x, y, name=None):
    """x⁻¹ y. Where x is singular inf or NaN, or LinAlgError for the operation `name`."""
    try:
        return xp.linalg.solve(x, y)
    except xp.linalg.LinAlgError:
        if name:
            raise failed(name, zero_pivots(x), UNSOLVED) from None
        batch = broadcast(x.shape[:-2], y.shape[:-2])
        return xp.stack([solved_alone(xp, a, b) for a, b in zip(
            xp.broadcast_to(x, (*batch, *x.shape[-2:])).reshape(-1, *x.shape[-2:]),
            xp.broadcast_to(y, (*batch, *y.shape[-2:])).reshape(-1, *y.shape[-2:]), strict=True)
            ]).reshape(*batch, *y.shape[-2:])


def solved_alone(xp, a, b):
    """a⁻¹ b of one matrix that may be singular."""
    try:
        return xp.linalg.solve(a, b)
    except xp.linalg.LinAlgError:
        return backward_substituted(xp, *eliminated(a, b)[:2], False)


def solved_both(xp, g, x, out, need):
    """From x · out = y: gy solves xᵀ gy = g, and gx = −gy outᵀ."""
    gy = xp.solved(x.swapaxes(-1, -2), g)
    return (-xp.batched(gy, out.swapaxes(-1, -2)) if need[0] else None), gy
solved.vjp_all(solved_both)


def is_vector(A, B):
    """Whether B holds right-hand sides that are vectors: one, or one for each matrix."""
    b = B._data.shape
    return len(b) == 1 or (len(b) == A._data.ndim - 1 and b == A._data.shape[:-1])


def solution(A, B, left, name):
    """The solution of a system, its arguments checked; for a singular A see `solved`."""
    matrices("linalg.solve", A)
    inexact("linalg.solve", A, "lu_cpu")
    square("linalg.solve", A)
    if A.dtype is not B.dtype:
        raise RuntimeError("linalg.solve: Expected A and B to have the same dtype, but found A of "
                           f"type {said(A.dtype)} and B of type {said(B.dtype)} instead")
    vector = is_vector(A, B)
    right = B.unsqueeze(-1) if vector else B
    fitting("linalg.solve", A, right, left)
    result = solved(A, right, name) if left else solved(A.mT, right.mT, name).mT
    return result.squeeze(-1) if vector else result


solve_ex_returned = named("linalg_solve_ex", ("result", "info"))


@composite(space="linalg", name="linalg.solve", out="dtype", method=False, grad="LinalgSolveEx")
def solve(A, B, *, left=True):
    """The X of A X = B (X A = B unless `left`): (…, n, n), (…, n, k) → (…, n, k).

    A vector B of n, or one for each matrix, gives vectors.

    Raises LinAlgError for a singular A, RuntimeError when shapes do not match.
    """
    return solution(A, B, left, "torch.linalg.solve")


@composite(space="linalg", name="linalg.solve_ex", out="dtype", method=False, grad="LinalgSolveEx")
def solve_ex(A, B, *, left=True, check_errors=False):
    """The X of A X = B, and for each matrix the number of the first zero pivot (0 if regular).

    Shapes as in linalg.solve. Raises RuntimeError when they do not match, and for two dtypes; with
    `check_errors` LinAlgError for a singular A.
    """
    result = solution(A, B, left, "torch.linalg.solve_ex" if check_errors else None)
    return solve_ex_returned(result, wrap(zero_pivots(A._data)))


# ---- inverses ----------------------------------------------------------------------------------


@nary(space="rules", grad="LinalgInvEx")
def inverted(xp, x, name=None):
    """x⁻¹. Where x is singular inf or NaN, or LinAlgError for the operation `name`."""
    try:
        return xp.linalg.inv(x)
    except xp.linalg.LinAlgError:
        if name:
            raise failed(name, zero_pivots(x), UNINVERTED) from None
        one = xp.broadcast_to(xp.eye(x.shape[-1], dtype=x.dtype), x.shape)
        return xp.solved(x, one)


def inverted_x(xp, g, out):
    """−out·dx·out is how the inverse moves: −outᵀ g outᵀ."""
    t = out.swapaxes(-1, -2)
    return -xp.batched(t, xp.batched(g, t))
inverted.vjp(x=inverted_x)


def inverse_of(A, name, first="A"):
    """The inverse, its argument checked; for a singular A see `inverted`."""
    matrices("linalg.inv", A, first=first)
    inexact("linalg.inv", A)
    square("linalg.inv", A)
    return inverted(A, name)


inv_ex_returned = named("linalg_inv_ex", ("inverse", "info"))


@composite(space="linalg", name="linalg.inv", out="dtype", method=False)
def inv(A):
    """A⁻¹: (…, n, n) → (…, n, n). Raises LinAlgError for a singular matrix."""
    return inverse_of(A, "linalg.inv")


@composite(space="linalg", name="linalg.inv_ex", out="dtype", method=False)
def inv_ex(A, *, check_errors=False):
    """A⁻¹, and for each matrix the number of the first zero pivot (0 if it is regular).

    Shapes: (…, n, n) → (…, n, n), (…). Raises RuntimeError unless square; with `check_errors`
    LinAlgError for a singular A.
    """
    result = inverse_of(A, "linalg.inv_ex" if check_errors else None)
    return inv_ex_returned(result, wrap(zero_pivots(A._data)))


# ---- the older names -------------------------------------------------------------------------


@composite(out="dtype")
def inverse(input):
    """input⁻¹: another name of linalg.inv.

    Shapes: (…, n, n) → (…, n, n). Raises LinAlgError for a singular matrix, RuntimeError unless
    square.
    """
    return inverse_of(input, "linalg.inv", "input")


triangular_solve_returned = named("triangular_solve", ("solution", "cloned_coefficient"))


@composite(out="dtype", grad="TriangularSolve")
def triangular_solve(b, A, upper=True, transpose=False, unitriangular=False):
    """The X of A X = b (with `transpose` Aᵀ X = b) for a triangular A, and a copy of A.

    The older form of linalg.solve_triangular.
    Shapes: b (…, n, k), A (…, n, n) → (…, n, k), (…, n, n). Raises RuntimeError for others, or two
    dtypes.
    """
    deprecated("triangular_solve", "torch.linalg.solve_triangular",
               "\ntorch.linalg.solve_triangular has its arguments reversed and does not return a "
               "copy of one of the inputs.\nX = torch.triangular_solve(B, A).solution\nshould be "
               "replaced with\nX = torch.linalg.solve_triangular(A, B).")
    for name, t in (("b", b), ("A", A)):
        if t._data.ndim < 2:
            raise RuntimeError(f"torch.triangular_solve: Expected {name} to have at least 2 "
                               f"dimensions, but it has {t._data.ndim} dimensions instead")
    n, m = A._data.shape[-2:]
    if n != m:
        raise RuntimeError(f"A must be batches of square matrices, but they are {n} by {m} "
                           "matrices")
    if b._data.shape[-2] != n:
        raise RuntimeError(f"Incompatible matrix sizes for triangular_solve: each A matrix is {n} "
                           f"by {n} but each b matrix is {b._data.shape[-2]} by "
                           f"{b._data.shape[-1]}")
    if b.dtype is not A.dtype:
        raise RuntimeError(f"Expected b and A to have the same dtype, but found b of type "
                           f"{said(b.dtype)} and A of type {said(A.dtype)} instead.")
    batch = broadcast(b._data.shape[:-2], A._data.shape[:-2])
    x = substituted(A.mT if transpose else A, b, upper != transpose, unitriangular)
    return triangular_solve_returned(x, A.expand(*batch, n, n).clone())
