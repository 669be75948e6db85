"""Histograms with edges: how much falls between given values, in one or more dimensions."""

import numpy as np

from learntorch.core.dtypes import said
from learntorch.core.op import composite
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.reduce import named

histogram_returned = named("histogram", ("hist", "bin_edges"))
histogramdd_returned = named("histogramdd", ("hist", "bin_edges"))


def edges(name, values, bins, low, high):
    """The edges of bins over one dimension: given ones, or `bins` of equal width."""
    if isinstance(bins, Tensor):
        if bins._data.ndim != 1:
            raise RuntimeError(f"{name}(): bins tensor should have one dimension, but got "
                               f"{bins._data.ndim} dimensions in the bins tensor")
        if bins.dtype.numpy != values.dtype:
            raise RuntimeError(f"{name}(): input tensor and bins tensors should have the same "
                               f"dtype, but got input with dtype {said(values.dtype)} and bins "
                               f"with dtype {said(bins.dtype)}")
        return bins._data
    if bins <= 0:
        raise RuntimeError(f"{name}(): bins must be > 0, but got {bins}")
    if low is None:
        low, high = (values.min(), values.max()) if values.size else (0.0, 1.0)
        if not np.isfinite([low, high]).all():
            raise RuntimeError(f"{name}(): dimension 0's inferred range [{low}, {high}] is not "
                               "finite")
    if low > high:
        raise RuntimeError(f"{name}(): min should not exceed max, but got min {low} max {high}")
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1).astype(values.dtype)


def counted(name, points, bins, range, weight, density):
    """The histogram of points (n, d) over d dimensions, and the edges."""
    if points.dtype.kind != "f":
        raise NotImplementedError(f"\"{name}\" not implemented for '{said(points.dtype)}'")
    n, d = points.shape
    bounds = [None] * (2 * d) if range is None else list(range)
    if len(bounds) != 2 * d:
        raise RuntimeError(f"{name}(): for a {d}-dimensional histogram range should have {2 * d} "
                           f"elements, but got {len(bounds)}")
    sides = [edges(name, points[:, i], bins[i], *bounds[2 * i:2 * i + 2]) for i in np.arange(d)]
    if weight is not None and weight._data.size != n:
        raise RuntimeError(f"{name}(): if weight tensor is provided it should have the same shape "
                           "as the input tensor excluding its innermost dimension")
    w = None if weight is None else weight._data.reshape(-1)
    found = tallied(points, sides, w)
    if density:
        volumes = np.ones_like(found, float)
        for i, side in enumerate(sides):
            volumes = volumes * np.diff(side).reshape([-1 if i == j else 1 for j in np.arange(d)])
        found = found / volumes / found.sum()
    return wrap(found.astype(points.dtype)), [wrap(np.array(side)) for side in sides]


def tallied(points, sides, w):
    """How many points (or how much weight) fall into each bin; the last edge counts as inside."""
    inside = np.ones(len(points), bool)
    columns = []
    for values, side in zip(points.T, sides, strict=True):
        inside &= (values >= side[0]) & (values <= side[-1])
        columns.append(np.clip(upper_places(side, values) - 1, 0, max(len(side) - 2, 0)))
    shape = [max(len(side) - 1, 0) for side in sides]
    if 0 in shape:
        return np.zeros(shape)
    flat = np.ravel_multi_index([c[inside] for c in columns], shape)
    return np.bincount(flat, None if w is None else w[inside], int(np.prod(shape))).reshape(shape)


def upper_places(side, values):
    """Where each value would be inserted after its equals, by halving.

    NumPy's own search takes short cuts that give something else for edges that are not in order.
    """
    first = np.zeros(values.shape, np.int64)
    left = np.full(values.shape, len(side))
    while left.any():
        half = left // 2
        up = (left > 0) & ~(values < side[np.minimum(first + half, len(side) - 1)])
        first = np.where(up, first + half + 1, first)
        left = np.where(up, left - half - 1, half)
    return first


@composite(out="torch.histogram: input tensor and hist tensor should have the same dtype, but got "
               "input {want} and hist {got}")
def histogram(input, bins, *, range=None, weight=None, density=False):
    """How many elements (or how much weight) fall into each bin: `hist`, `bin_edges`.

    bins: their number, or their edges in a tensor; density: divided so that the area is 1.
    Shapes: any → (bins), (bins + 1). Raises RuntimeError for no bins, min above max, and a weight
    of another shape, NotImplementedError for whole numbers.
    """
    hist, (side,) = counted("histogramdd", input._data.reshape(-1, 1), [bins], range, weight,
                            density)
    return histogram_returned(hist, side)


@composite(method=False)
def histogramdd(input, bins, range=None, weight=None, density=False, out=None):
    """The histogram of points, one a row, over their dimensions: `hist`, `bin_edges`.

    Shapes: (…, d) → (bins₁, …, bins_d) and d edges. Raises RuntimeError for other shapes and no
    bins, NotImplementedError for whole numbers.
    """
    a = input._data
    if a.ndim < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions, but "
                           f"got {a.ndim}")
    points = a.reshape(-1, a.shape[-1])
    bins = [bins] * points.shape[1] if isinstance(bins, int) else list(bins)
    if len(bins) != points.shape[1]:
        raise RuntimeError("torch.histogramdd: The size of bins must be equal to the innermost "
                           "dimension of the input. There must be one entry for each of the "
                           f"{points.shape[1]} dimensions, but got {len(bins)}")
    hist, sides = counted("histogramdd", points, bins, range, weight, density)
    return histogramdd_returned(hist, tuple(sides))
