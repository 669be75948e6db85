"""Diagonals and triangles of matrices."""

import numpy as np

from learntorch.core.devices import check_cpu
from learntorch.core.dtypes import int64
from learntorch.core.op import composite, nary
from learntorch.core.shapes import wrap_dim
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.create import finish, numpy_type
from learntorch.ops.shape import cat
from learntorch.ops.views import diagonal as take_diagonal
from learntorch.ops.views import put_diagonal


@nary(out="dtype", inplace=True)
def tril(xp, x, diagonal=0):
    """The elements on and below a diagonal of each matrix, 0 above it.

    Shapes: (…, n, m), which stays. Raises RuntimeError for fewer than two dimensions.
    """
    refuse_vectors("tril", x)
    return xp.tril(x, diagonal)
tril.vjp(x=lambda xp, g, diagonal: xp.tril(g, diagonal))


@nary(out="dtype", inplace=True)
def triu(xp, x, diagonal=0):
    """The elements on and above a diagonal of each matrix, 0 below it.

    Shapes: (…, n, m), which stays. Raises RuntimeError for fewer than two dimensions.
    """
    refuse_vectors("triu", x)
    return xp.triu(x, diagonal)
triu.vjp(x=lambda xp, g, diagonal: xp.triu(g, diagonal))


def refuse_vectors(name, x):
    """Raise RuntimeError for fewer than two dimensions."""
    if x.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")


@composite(grad="DiagEmbed")
def diag_embed(input, offset=0, dim1=-2, dim2=-1):
    """Matrices, in new dimensions dim1 and dim2, with the last dimension on a diagonal."""
    ndim = input._data.ndim + 1
    a, b = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    *rest, n = input._data.shape
    side = n + abs(offset)
    shape = tuple(side if i in (a, b) else rest.pop(0) for i in range(ndim))
    return put_diagonal(input, shape, offset, a, b)


@composite(out="dtype",
           grad=lambda input: "DiagEmbedBackward0" if input.ndim == 1 else "DiagonalBackward0_copy")
def diag(input, diagonal=0):
    """A vector as the diagonal of a matrix; of a matrix its diagonal.

    Shapes: (n) → (n + |diagonal|, the same); (n, m) → its diagonal. Raises RuntimeError for others.
    """
    ndim = input._data.ndim
    if ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")
    return diag_embed(input, diagonal) if ndim == 1 else take_diagonal(input, diagonal).clone()


@composite
def diagflat(input, offset=0):
    """All elements on the diagonal of one matrix."""
    return diag_embed(input.reshape(-1), offset)


@nary(name="trace")
def sum_of_diagonal(xp, x):
    """Σ xᵢᵢ."""
    if x.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {x.ndim}")
    return xp.add.reduce(x.diagonal())
sum_of_diagonal.vjp(x=lambda xp, g, x_shape: xp.put_diagonal(
    xp.broadcast_to(g, (min(x_shape),)), x_shape, 0, 0, 1))


@sum_of_diagonal.public
def trace(input):
    """Σ xᵢᵢ: the sum of the diagonal of a matrix. Integers sum as int64.

    Shapes: (n, m) → (). Raises RuntimeError for others.
    """
    return sum_of_diagonal(input.long() if input._data.dtype.kind in "iub" else input)


@composite(out=False, space="linalg", name="linalg.diagonal", method=False)
def diagonal_of(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonal of the last two dimensions."""
    return take_diagonal(A, offset, dim1, dim2)


def _corner(places, row, col, offset, dtype, device, requires_grad):
    check_cpu(device)
    for size, what in ((row, "row"), (col, "col")):
        if size < 0:
            raise RuntimeError(f"{what} must be non-negative, got{size}")
    return finish(np.stack(places(row, offset, col)).astype(numpy_type(dtype, int64)),
                  requires_grad)


@composite(method=False, out=False)
def tril_indices(row, col, offset=0, *, dtype=None, device=None, layout=None,
                 requires_grad=False):
    """The places on and below a diagonal of a row × col matrix: their rows, their columns.

    Shapes: (2, how many). Raises RuntimeError for a negative size.
    """
    return _corner(np.tril_indices, row, col, offset, dtype, device, requires_grad)


@composite(method=False, out=False)
def triu_indices(row, col, offset=0, *, dtype=None, device=None, layout=None,
                 requires_grad=False):
    """The places on and above a diagonal of a row × col matrix: their rows, their columns.

    Shapes: (2, how many). Raises RuntimeError for a negative size.
    """
    return _corner(np.triu_indices, row, col, offset, dtype, device, requires_grad)


@composite(space="Tensor", name="fill_diagonal_", inplace=False)
def fill_diagonal_(self, fill_value, wrap=False):
    """Write `fill_value` where all indices are equal, in place.

    With `wrap` the diagonal of a high matrix begins anew below its end, one row left out.
    Raises RuntimeError for vectors, and for more than two dimensions of different sizes.
    """
    shape = self._data.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1: a vector has no diagonal")
    if len(shape) > 2:
        if len(set(shape)) > 1:
            raise RuntimeError("all dimensions of input must be of equal length")
        self.as_strided(shape[:1], (sum(self.stride()),)).fill_(fill_value)
        return self
    high, wide = shape
    for top in range(0, high if wrap else min(high, 1), wide + 1):
        take_diagonal(self[top:top + wide]).fill_(fill_value)
    return self


@composite(method=False)
def vander(x, N=None, increasing=False):
    """The powers of each element of a vector, a row each: x^(N−1) … x⁰, or x⁰ … x^(N−1).

    Shapes: (n) → (n, N). Raises RuntimeError for what is no vector, and N < 0.
    """
    if x._data.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor")
    n = x._data.size if N is None else N
    if n < 0:
        raise RuntimeError("N must be non-negative.")
    powers = [x.new_ones(x._data.size, 1)] if n else []
    if n > 1:
        powers.append(x.unsqueeze(1).expand(-1, n - 1).cumprod(1).to(x.dtype))
    made = cat(powers, 1) if powers else x.new_empty(x._data.size, 0)
    return made if increasing else made.flip(1)


@composite(method=False, out=False, grad="BlockDiag")
def block_diag(*tensors):
    """One matrix with the given ones along its diagonal, 0 elsewhere.

    Shapes: (n₁, m₁), …, vectors are rows → (Σ nᵢ, Σ mᵢ). Raises RuntimeError for more than two
    dimensions.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    if not tensors:
        return wrap(np.zeros((1, 0), np.float32))
    for i, t in enumerate(tensors):
        if not isinstance(t, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got "
                            f"{type(t).__name__}")
        if t._data.ndim > 2:
            raise RuntimeError("torch.block_diag: Input tensors must have 2 or fewer dimensions. "
                               f"Input {i} has {t._data.ndim} dimensions")
    blocks = [t.reshape(1, -1) if t._data.ndim < 2 else t for t in tensors]
    width = sum(t._data.shape[1] for t in blocks)
    rows = []
    left = 0
    for t in blocks:
        n, m = t._data.shape
        rows.append(cat([t.new_zeros(n, left), t, t.new_zeros(n, width - left - m)], 1))
        left += m
    return cat(rows, 0)
