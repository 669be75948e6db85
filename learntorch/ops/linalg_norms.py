"""How long a vector is, how much a matrix stretches, how near it is to a singular one."""

from learntorch.core.dtypes import FLOATS, can_cast, said
from learntorch.core.op import composite
from learntorch.core.shapes import wrap_dim
from learntorch.core.tensor import Tensor
from learntorch.ops.distance import p_norm
from learntorch.ops.linalg_solve import inexact, matrices, solved, square, zero_pivots
from learntorch.ops.linalg_svd import svdvals
from learntorch.ops.reduce import amax, amin, whole

INFINITY = float("inf")


def widened(name, x, dtype):
    """x in the dtype its norm is computed in. Raises RuntimeError where that would lose digits."""
    d = x.dtype if dtype is None else dtype
    if d.numpy not in FLOATS:
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got "
                           f"{said(d)}. Convert it first, for example with .float().")
    if dtype is None:
        return x
    if x.dtype.is_complex != dtype.is_complex:
        kind = "complex" if x.dtype.is_complex else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got "
                           f"{said(dtype)}")
    if not can_cast(x.dtype, dtype) or x._data.dtype.itemsize > dtype.numpy.itemsize:
        raise RuntimeError(f"{name}: the dtype of the input ({said(x.dtype)}) should be convertible"
                           f" without narrowing to the specified dtype ({said(dtype)})")
    return x.to(dtype)


@composite(space="linalg", name="linalg.vector_norm", out="dtype", method=False)
def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None):
    """(Σ |x|^ord)^(1/ord) along `dim`; the largest |x| for ∞, how many are not 0 for 0.

    Raises RuntimeError for whole numbers, and for an empty tensor where no number would be right.
    """
    if not isinstance(x, Tensor):
        raise TypeError("linalg_vector_norm(): argument 'input' (position 1) must be Tensor, not "
                        f"{type(x).__name__}")
    x = widened("linalg.vector_norm", x, dtype)
    dims = whole(x, dim)
    if ord < 0 or ord == INFINITY:
        refuse_empty(x, dims, ord)
    return p_norm(x, ord, dims, keepdim)


def refuse_empty(x, dims, ord):
    """Raise RuntimeError where no number at all is to be compared."""
    shape = x._data.shape
    what = f"linalg.vector_norm cannot compute the {ord} norm on"
    if dims is None and 0 in shape:
        raise RuntimeError(f"{what} an empty tensor because the operation does not have an "
                           "identity")
    for d in dims or ():
        if shape[d] == 0:
            raise RuntimeError(f"{what} the dimension {d} because this dimension is empty and the "
                               "operation does not have an identity")


# ---- of matrices -------------------------------------------------------------------------------


@composite(space="linalg", name="linalg.matrix_norm", method=False,
           out="linalg.matrix_norm expected out tensor dtype {Want} but got: {Got}")
def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None):
    """How large the matrices in the two dimensions `dim` are.

    "fro" √Σ|aᵢⱼ|², "nuc" the sum of the singular values, 2 and −2 the largest and the smallest of
    them, 1 and −1 the largest and smallest sum of a column, ∞ and −∞ those of a row.
    Raises RuntimeError for another `ord`, for whole numbers, unless `dim` are two dimensions.
    """
    name = "linalg.matrix_norm"
    if ord not in ("fro", "nuc", 1, -1, 2, -2, INFINITY, -INFINITY):
        raise RuntimeError(f"{name}: Order {shown(ord)} not supported.")
    matrices(name, A, first="input")
    if not isinstance(dim, (tuple, list)):
        raise TypeError("linalg_matrix_norm(): argument 'dim' must be tuple of ints, not "
                        f"{type(dim).__name__}")
    if len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")
    if ord in ("nuc", 2, -2):
        inexact(name, A)
    rows, columns = (wrap_dim(d, A._data.ndim) for d in dim)
    if rows == columns:
        raise RuntimeError(f"{name}: dims must be different. Got ({dim[0]}, {dim[1]})")
    A = widened(name, A, dtype)
    if ord == "fro":
        return p_norm(A, 2, (rows, columns), keepdim)
    if ord in ("nuc", 2, -2):
        values = svdvals(A.movedim((rows, columns), (-2, -1)))
        r = values.sum(-1) if ord == "nuc" else extreme(values, -1, False, ord > 0)
        return unsqueezed(r, rows, columns) if keepdim else r
    if abs(ord) == INFINITY:
        rows, columns = columns, rows
    sums = p_norm(A, 1, (rows,), keepdim)
    return extreme(sums, columns - (rows < columns and not keepdim), keepdim, ord > 0)


def shown(ord):
    """A number as PyTorch's sentences write it: 3 for 3.0."""
    return int(ord) if isinstance(ord, float) and ord == ord // 1 < INFINITY else ord


def extreme(x, dim, keepdim, largest):
    """The largest or smallest along `dim`; the largest of no lengths is 0."""
    if largest and x._data.shape[dim] == 0:
        return x.sum(dim, keepdim)
    return (amax if largest else amin)(x, dim, keepdim)


def unsqueezed(r, rows, columns):
    """Two dimensions of size 1 put back."""
    first, second = sorted((rows, columns))
    return r.unsqueeze(first).unsqueeze(second)


@composite(space="linalg", name="linalg.norm", method=False,
           out="linalg.norm expected out tensor dtype {Want} but got: {Got}")
def linalg_norm(input, ord=None, dim=None, keepdim=False, *, dtype=None):
    """A vector norm along one dimension, a matrix norm in two; of everything when none is given.

    Without `ord` the root of the sum of squares; see vector_norm and matrix_norm for the others.
    """
    if not isinstance(input, Tensor):
        raise TypeError("linalg_norm(): argument 'input' (position 1) must be Tensor, not "
                        f"{type(input).__name__}")
    ndim = input._data.ndim
    dims = (dim,) if isinstance(dim, int) else dim
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError("linalg.norm: If dim is specified, it must be of length 1 or 2. Got "
                           f"{list(dims)}")
    if dims is None and ord is not None and ndim not in (1, 2):
        raise RuntimeError("linalg.norm: If dim is not specified but ord is, the input must be 1D "
                           f"or 2D. Got {ndim}D.")
    if isinstance(ord, str) or ord is not None and (ndim if dims is None else len(dims)) == 2:
        return matrix_norm(input, ord, (0, 1) if dims is None else dims, keepdim, dtype=dtype)
    return vector_norm(input, 2 if ord is None else ord, dims, keepdim, dtype=dtype)


@composite
def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    """The length of vectors: (Σ |x|ᵖ)^(1/p) along `dim`; "nuc" sums a matrix's singular values."""
    if isinstance(p, str) and p != "fro":
        dims = (dim,) if isinstance(dim, int) else dim
        dims = tuple(range(input._data.ndim)) if dims is None else dims
        return matrix_norm(input, p, dims, keepdim, dtype=dtype, out=out)
    p = 2.0 if p is None or p == "fro" else p
    return vector_norm(input, p, dim, keepdim, dtype=dtype, out=out)


@composite(space="linalg", name="linalg.cond", out="safe:linalg.cond", method=False)
def cond(A, p=None):
    """‖A‖ · ‖A⁻¹‖ in the norm `p`, ∞ if singular: how much an error of b may grow in A x = b.

    p None or 2: the largest singular value by the smallest, also of matrices that are not square.
    Raises RuntimeError for another p, for fewer than two dimensions, and unless square where p is
    not None, 2 or −2.
    """
    matrices("linalg.cond", A, "", "input")
    if p in (None, 2, -2):
        if not A._data.size:
            return A.abs().sum((-2, -1))
        values = svdvals(A)
        largest, smallest = values[..., 0], values[..., -1]
        return smallest / largest if p == -2 else largest / smallest
    if isinstance(p, str):
        square(f"linalg.cond(ord={p})", A)
    if p not in ("fro", "nuc", 1, -1, INFINITY, -INFINITY):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {shown(p)}")
    if not A._data.size:
        return A.abs().sum((-2, -1))
    square(f"linalg.cond(ord={shown(p)})", A)
    if p == "nuc":
        values = svdvals(A)
        return values.sum(-1) * values.reciprocal().sum(-1)
    inexact("linalg.inv", A)
    n = A._data.shape[-1]
    regular = A.new_tensor(zero_pivots(A._data) == 0, dtype=bool)
    one = A.new_ones(n).diag().expand(A._data.shape)
    inverse = solved(A.where(regular[..., None, None], one), one)
    both = matrix_norm(A, p) * matrix_norm(inverse, p)
    return both.where(regular, INFINITY)
