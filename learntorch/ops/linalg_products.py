"""Powers and exponentials of matrices, tensors as matrices, powers of vectors."""

import math

from learntorch.core import failures
from learntorch.core.dtypes import FLOATS, HALF, said
from learntorch.core.op import composite, nary
from learntorch.core.shapes import count, wrap_dim
from learntorch.ops.linalg_solve import inverse_of, matrices, solve, square
from learntorch.ops.matmul import matmul
from learntorch.ops.pieces import cat

# ---- powers ------------------------------------------------------------------------------------


@composite(space="linalg", name="linalg.matrix_power", out="safe:matrix_power dtype", method=False)
def linalg_matrix_power(A, n):
    """A · A · … · A, n times, by squaring; A⁻¹ · … · A⁻¹ for negative n, the identity for 0.

    Shapes: (…, n, n) → (…, n, n). Raises RuntimeError unless square, LinAlgError for a negative
    power of a singular matrix, TypeError for an n that is no int.
    """
    name = "linalg.matrix_power"
    matrices(name, A)
    square(name, A)
    if not isinstance(n, int):
        raise TypeError(f"linalg_matrix_power(): argument 'n' (position 2) must be int, not "
                        f"{type(n).__name__}")
    if A.dtype.name == "bool" and n > 1:
        raise failures.not_implemented("addmm_impl_cpu_", A._data.dtype)
    if n == 0:
        return A.clone().copy_(A.new_ones(A._data.shape[-1]).diag())      # a gradient of zeros
    first = A
    if n < 0:
        A, n = inverse_of(A, "linalg.inv"), -n
    result = None
    while True:
        if n % 2:
            result = A if result is None else matmul(result, A)
        n //= 2
        if not n:
            return result.clone() if result is first else result
        A = matmul(A, A)


@composite(out="safe:matrix_power dtype")
def matrix_power(input, n):
    """The n-th power of each matrix: another name of linalg.matrix_power.

    Shapes: (…, n, n) → (…, n, n). Raises what linalg.matrix_power raises.
    """
    return linalg_matrix_power(input, n)


# Numerator of Padé's approximation of degree 13 to eˣ (its denominator is the same at −x), and the
# norm up to which it is exact in double precision: Higham, SIAM J. Matrix Anal. Appl. 26 (2005).
PADE = tuple(math.comb(13, k) * math.factorial(26 - k) // math.factorial(13) for k in range(14))
EXACT = 5.371920351148152


@nary(space="rules", grad="LinalgMatrixExp")
def exponential(xp, x):
    """Σ xᵏ / k!: e^(x / 2ˢ) by Padé's quotient, exact for large s, then squared s times."""
    if not x.size:
        return x.copy()
    size = xp.maximum.reduce(xp.add.reduce(xp.abs(x), axis=-2), axis=-1)
    finite = xp.where(xp.isfinite(size), size, 0)
    s = xp.ceil(xp.log2(xp.maximum(finite / EXACT, 1)))[..., None, None]
    a = x / (2 ** s).astype(size.dtype)
    one = xp.eye(x.shape[-1], dtype=x.dtype)
    c = [x.dtype.type(k / PADE[0]) for k in PADE]
    a2 = xp.matmul(a, a)
    a4 = xp.matmul(a2, a2)
    a6 = xp.matmul(a4, a2)
    odd = xp.matmul(a6, c[13] * a6 + c[11] * a4 + c[9] * a2)
    odd = xp.matmul(a, odd + c[7] * a6 + c[5] * a4 + c[3] * a2 + c[1] * one)
    even = xp.matmul(a6, c[12] * a6 + c[10] * a4 + c[8] * a2)
    even = even + c[6] * a6 + c[4] * a4 + c[2] * a2 + c[0] * one
    r = xp.linalg.solve(even - odd, even + odd)
    for k in range(int(s.max())):
        r = xp.where(k < s, xp.matmul(r, r), r)
    return r


def exponential_x(xp, g, x):
    """The upper right block of exp [[xᵀ, g], [0, xᵀ]] (Najfeld and Havel, 1995)."""
    n = x.shape[-1]
    t = x.swapaxes(-1, -2)
    above = xp.concatenate([t, g], -1)
    below = xp.concatenate([xp.zeros_like(t), t], -1)
    return xp.exponential(xp.concatenate([above, below], -2))[..., :n, n:]
exponential.vjp(x=exponential_x)


@composite(space="linalg", name="linalg.matrix_exp", out=False, method=False)
def linalg_matrix_exp(A):
    """eᴬ = Σ Aᵏ / k! of each matrix: (…, n, n) → (…, n, n).

    Raises RuntimeError unless square, and for whole numbers.
    """
    name = "linalg.matrix_exp"
    matrices(name, A, first="input")
    if A._data.dtype not in FLOATS:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got "
                           f"{said(A.dtype)}. Convert it first, for example with .float().")
    square(name, A)
    return exponential(A)


@composite(out=False)
def matrix_exp(A):
    """eᴬ of each matrix: another name of linalg.matrix_exp."""
    return linalg_matrix_exp(A)


# ---- tensors as matrices -----------------------------------------------------------------------


@composite(space="linalg", name="linalg.tensorinv", out="safe:tensorinv", method=False)
def tensorinv(A, ind=2):
    """The inverse of A read as a matrix, its first `ind` dimensions the rows: shapes a + b → b + a.

    Raises RuntimeError unless the sizes before and after `ind` have the same product.
    """
    if ind < 1:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    before, after = A._data.shape[:ind], A._data.shape[ind:]
    if count(before) != count(after):
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[ind:]) == "
                           f"prod(self.shape[:ind]), but got {count(after)} != {count(before)}")
    flat = A.reshape(count(before), count(after))
    return inverse_of(flat, "inv").reshape(*after, *before)


@composite(space="linalg", name="linalg.tensorsolve", out="safe:tensorsolve", method=False)
def tensorsolve(A, B, dims=None):
    """The X with Σ A · X = B, summed over all dimensions of X: shapes b + x, b → x.

    `dims` of A are moved to its end first.
    Raises RuntimeError where the sizes of b and x have different products, LinAlgError for a
    singular A.
    """
    a = A
    if dims is not None:
        ndim = A._data.ndim
        moved = [wrap_dim(d, ndim) for d in dims]
        a = A.movedim(moved, list(range(ndim - len(moved), ndim)))
    n = B._data.ndim
    rows, columns = B._data.size, count(a._data.shape[n:])
    if rows != columns:
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[other.ndim:]) "
                           f"== prod(self.shape[:other.ndim]), but got {columns} != {rows}")
    flat = a.reshape(rows, columns)
    return solve(flat, B.reshape(-1)).reshape(a._data.shape[n:])


# ---- of vectors --------------------------------------------------------------------------------


@composite(space="linalg", name="linalg.vander", out=False, method=False)
def linalg_vander(x, *, N=None):
    """The powers x⁰, x¹, … xᴺ⁻¹ of every element: (…, n) → (…, n, N), N = n by default.

    Raises RuntimeError for N < 2, and for bools.
    """
    d = x.dtype
    if d.name == "bool" or d.numpy in HALF:
        raise RuntimeError("linalg.vander supports floating point, complex, and integer tensors, "
                           f"but got {said(d)}")
    if not x._data.ndim:
        x = x.reshape(1)
    n = x._data.shape[-1] if N is None else N
    if n < 2:
        raise RuntimeError("N must be greater than 1.")
    shape = x._data.shape
    powers = x.unsqueeze(-1).expand(*shape, n - 1).cumprod(-1)
    return cat([x.new_ones(*shape, 1), powers], -1)
