"""Tables of vectors, looked up by number."""

import numpy as np

from learntorch.core.op import composite, nary
from learntorch.core.tensor import Tensor, wrap


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
    check_indices(input, "embedding")
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


def check_indices(input, name):
    """Raise RuntimeError for indices that are not integers."""
    if input._data.dtype not in (np.int64, np.int32):
        raise RuntimeError("Expected tensor for argument #1 'indices' to have one of the following "
                           f"scalar types: Long, Int; but got {input.type()} instead (while "
                           f"checking arguments for {name})")


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


# ---- bags ------------------------------------------------------------------------------------


@composite(space="nn.functional", grad="EmbeddingBag")
def embedding_bag(input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False,
                  mode="mean", sparse=False, per_sample_weights=None, include_last_offset=False,
                  padding_idx=None):
    """The sum, mean or largest of the rows weight[i] over the indices i of each bag.

    Shapes: input (B, n), bags of one size; or (n) with `offsets` (B), where each bag begins;
    weight (V, d) → (B, d). An empty bag gives zeros. `per_sample_weights` (as input) multiply the
    rows, for mode "sum"; indices `padding_idx` do not count. Raises ValueError otherwise.
    """
    check_bags(input, weight, offsets, mode, scale_grad_by_freq, sparse, per_sample_weights)
    check_indices(input, "embedding_bag")
    indices = input._data.reshape(-1)
    if offsets is None:
        starts = np.arange(0, indices.size, max(input._data.shape[1], 1))
        starts = np.zeros(input._data.shape[0], np.int64) if not indices.size else starts
    else:
        starts = offsets._data[:-1] if include_last_offset else offsets._data
        check_offsets(offsets._data, indices.size)
    n = weight._data.shape[0]
    if indices.size and (indices.min() < 0 or indices.max() >= n):
        i = int(((indices < 0) | (indices >= n)).argmax())
        raise RuntimeError(f"Index {i} of input takes value {indices[i]} which is not in the valid "
                           f"range [0, {n})")
    if max_norm is not None:
        shrink_rows(weight, indices, max_norm, norm_type)
    if scale_grad_by_freq:
        weight = scale_by_count(weight, indices)
    bags = np.searchsorted(starts, np.arange(indices.size), side="right") - 1
    scales = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    if padding_idx is not None:
        counted = indices != padding_rows(padding_idx, n)
        indices, bags = indices[counted], bags[counted]
        scales = None if scales is None else scales[wrap(counted)]
    if mode == "max":
        return largest_rows(weight, indices, bags, len(starts))
    found = rows(weight, indices.copy(), None)
    if scales is not None:
        found = found * scales.unsqueeze(1)
    if offsets is None and padding_idx is None and indices.size:        # bags of one size
        total = found.reshape(*input._data.shape, -1).sum(1)
    else:
        total = add_rows(found, bags, len(starts), None)
    if mode == "sum":
        return total
    sizes = np.maximum(np.bincount(bags, minlength=len(starts)), 1)[:, None]
    return total / wrap(sizes.astype(weight._data.dtype))


def padding_rows(padding_idx, n):
    """`padding_idx` counted from 0. Raises RuntimeError when there is no such row."""
    if not -n <= padding_idx < n:
        raise RuntimeError(f"padding_idx must be within the number of embeddings, {-n} through "
                           f"{n - 1}, but got {padding_idx}")
    return padding_idx % n


def check_bags(input, weight, offsets, mode, scale_grad_by_freq, sparse, per_sample_weights):
    """Raise PyTorch's errors for arguments of embedding_bag that do not fit together."""
    if per_sample_weights is not None and input._data.shape != per_sample_weights._data.shape:
        raise ValueError(f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is "
                         f"not None, then it must have the same shape as the input ({input.shape})")
    if weight._data.ndim != 2:
        raise ValueError("weight has to be a 2D Tensor, but got Tensor of dimension "
                         f"{weight._data.ndim}")
    ndim = input._data.ndim
    if ndim == 2 and offsets is not None:
        raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a "
                         "mini-batch of fixed length sequences. However, found offsets of type "
                         f"{type(offsets)}")
    if ndim == 1 and (offsets is None or offsets._data.ndim != 1):
        raise ValueError("offsets has to be a 1D Tensor" + " but got None" * (offsets is None))
    if ndim not in (1, 2):
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {ndim}")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError("embedding_bag: per_sample_weights was not None. "
                                  "per_sample_weights is only supported for mode='sum' (got mode='"
                                  f"{mode}'). Please open a feature request on GitHub.")


def check_offsets(offsets, n):
    """Raise RuntimeError unless offsets begin at 0 and end within the n indices."""
    if not offsets.size:
        return
    if offsets[0]:
        raise RuntimeError("offsets[0] has to be 0, i.e., the first sequence in the mini-batch has "
                           f"to start from position 0. However, got {offsets[0]}")
    if offsets[-1] > n:
        raise RuntimeError(f"offsets[-1] can not be greater than input's length {n} but got "
                           f"offsets[-1] of {offsets[-1]}")


def largest_rows(weight, indices, bags, n):
    """In each column the largest number among the rows of each bag; 0 for an empty bag."""
    width = weight._data.shape[1]
    where = np.zeros((n, width), np.int64)
    filled = np.zeros((n, 1), bool)
    for bag in np.unique(bags):
        inside = indices[bags == bag]
        where[bag] = inside[weight._data[inside].argmax(axis=0)]
        filled[bag] = True
    return weight[wrap(where), wrap(np.arange(width))] * wrap(filled)


@composite(space="nn.functional")
def one_hot(tensor, num_classes=-1):
    """A vector of zeros with a 1 at the index, for every index: (*) → (*, num_classes).

    Raises RuntimeError for indices that are no int64, negative, or not below num_classes.
    """
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
    return wrap((a[..., None] == np.arange(num_classes)).astype(np.int64))
