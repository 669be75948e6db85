"""Tables of vectors, looked up by number."""

import numpy as np

from learntorch.core.op import composite, nary
from learntorch.core.tensor import Tensor


@nary(space="nn.functional", name="embedding")
def rows(x, indices, padding_idx):
    """The rows of the table x at `indices`."""
    return x[indices]
rows.vjp(x=lambda xp, g, x_shape, indices, padding_idx:
         xp.add_rows(g, indices, x_shape[0], padding_idx))


@nary(space="rules")
def add_rows(xp, x, indices, n, padding_idx):
    """A table of n rows in which each row of x is added at its index, but for `padding_idx`."""
    width = x.shape[-1]
    table = xp.zeros((n, width), x.dtype)
    flat = indices.reshape(-1)
    if not flat.size:
        return table
    values = x.reshape(-1, width)
    order = xp.argsort(flat, kind="stable")
    ordered = flat[order]
    first = xp.concatenate([[True], ordered[1:] != ordered[:-1]]).nonzero()[0]
    table[ordered[first]] = xp.add.reduceat(values[order], first, axis=0)
    if padding_idx is not None:
        table[padding_idx] = 0
    return table
add_rows.vjp(x=lambda xp, g, indices, padding_idx: xp.rows_but(g, indices, padding_idx))


@nary(space="rules")
def rows_but(x, indices, padding_idx):
    """The rows of x at `indices`, zeros for `padding_idx`."""
    found = x[indices]
    if padding_idx is not None:
        found[indices == padding_idx] = 0
    return found
rows_but.vjp(x=lambda xp, g, x_shape, indices, padding_idx:
             xp.add_rows(g, indices, x_shape[0], padding_idx))


@rows.public
def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0,
              scale_grad_by_freq=False, sparse=False):
    """weight[input]: the rows of a table (n, d) at the indices `input`, of shape (*, d).

    Row `padding_idx` gets no gradient. Raises IndexError for an index outside the table.
    """
    if input._data.dtype not in (np.int64, np.int32):
        raise RuntimeError("Expected tensor for argument #1 'indices' to have one of the following "
                           f"scalar types: Long, Int; but got {input.type()} instead (while "
                           "checking arguments for embedding)")
    if weight._data.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    indices = input._data
    n = weight._data.shape[0]
    if indices.size and (indices.min() < 0 or indices.max() >= n):
        raise IndexError(f"index out of range in self: the table has {n} rows, the indices go from "
                         f"{indices.min()} to {indices.max()}")
    if padding_idx is not None:
        if not -n <= padding_idx < n:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= n
    if max_norm is not None:
        shrink_rows(weight, indices, max_norm, norm_type)
    if scale_grad_by_freq:
        weight = scale_by_count(weight, indices)
    return rows(weight, indices.copy(), padding_idx)


def shrink_rows(weight, indices, max_norm, norm_type):
    """Scale the rows that are looked up, in place, to a norm of at most `max_norm`."""
    from learntorch.core.graph import touch
    used = np.unique(indices)
    norms = np.linalg.norm(weight._data[used], norm_type, axis=1, keepdims=True)
    scale = np.where(norms > max_norm, max_norm / (norms + 1e-7), 1).astype(weight._data.dtype)
    weight._data[used] *= scale
    touch(weight)


def scale_by_count(weight, indices):
    """`weight`, whose gradient will be divided by how often each row was looked up."""
    counts = np.bincount(indices.reshape(-1), minlength=weight._data.shape[0])
    return scaled_gradient(weight, 1 / np.maximum(counts, 1).astype(weight._data.dtype)[:, None])


@nary(space="rules")
def scaled_gradient(x, scale):
    """x itself; its gradient is multiplied by `scale`."""
    return x
scaled_gradient.vjp(x=lambda g, scale: g * scale)


@composite(space="nn.functional")
def one_hot(tensor, num_classes=-1):
    """A vector of zeros with a 1 at the index, for every index: (*) → (*, num_classes)."""
    if not isinstance(tensor, Tensor) or tensor._data.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    a = tensor._data
    if not a.size and num_classes < 1:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if a.size and a.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(a.max()) + 1
    elif a.size and a.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    from learntorch.core.tensor import wrap
    return wrap((a[..., None] == np.arange(num_classes)).astype(np.int64))
