"""Running results along a dimension: sums, products, extremes, differences, areas."""

from learntorch.core.dtypes import get_default_dtype, int64
from learntorch.core.op import composite, entitle, multi, nary
from learntorch.core.shapes import wrap_dim
from learntorch.core.tensor import Tensor
from learntorch.ops.reduce import named


@nary(name="cumsum", grad="Cumsum", out=True, inplace=True)
def running_sum(xp, x, dim):
    """Σ of x up to and including each place along `dim`."""
    return xp.cumsum(x, axis=dim)
running_sum.vjp(x=lambda xp, g, dim: from_the_end(xp, xp.cumsum, g, dim))


def from_the_end(xp, scan, x, dim):
    """A running result that starts at the last place."""
    return xp.flip(scan(xp.flip(x, dim), dim), dim)


@running_sum.public
def cumsum(input, dim, *, dtype=None):
    """Σ of the input up to and including each place along `dim`. Integers sum as int64."""
    input, dim = scanned(input, dim, dtype)
    return running_sum(input, dim) if input._data.ndim else alone(input, "Cumsum")


def alone(input, name):
    """The running result of one number: itself."""
    return entitle(input.clone(), f"{name}Backward0")


def scanned(input, dim, dtype):
    """The tensor in the type its sum has, and `dim` counted from 0."""
    if not isinstance(dim, int):
        raise TypeError(f"argument 'dim' (position 2) must be int, not {type(dim).__name__}")
    if dtype is not None:
        input = input.to(dtype)
    elif input._data.dtype.kind in "iub":
        input = input.long()
    return input, wrap_dim(dim, input._data.ndim)


@nary(name="cumprod", grad="Cumprod", out=True, inplace=True)
def running_product(xp, x, dim):
    """Π of x up to and including each place along `dim`."""
    return xp.cumprod(x, axis=dim)


def cumprod_x(xp, g, x, out, dim):
    """Σ over j ≥ k of gⱼ · Π of x up to j without k: by division, or by all pairs where x has 0."""
    if not xp.any(xp.eq(x, 0)):
        return from_the_end(xp, xp.cumsum, g * out, dim) / x
    n = x.shape[dim]
    x, g, out = (v.swapaxes(dim, -1) for v in (x, g, out))
    before = xp.concatenate([xp.ones_like(x[..., :1]), out[..., :-1]], x.ndim - 1)
    after = xp.places_after(x, n)
    later = xp.where(after, xp.expand_dims(x, -2), xp.ones_like(xp.expand_dims(x, -2)))
    paths = xp.cumprod(later, later.ndim - 1) * xp.places_from(x, n)
    return (before * (paths * xp.expand_dims(g, -2)).sum(axis=-1)).swapaxes(dim, -1)
running_product.vjp(x=cumprod_x)


@nary(space="rules", result="bool")
def places_after(xp, x, n):
    """The n × n matrix that is True where the column lies after the row."""
    return xp.arange(n) > xp.arange(n)[:, None]


@nary(space="rules", result="mask")
def places_from(xp, x, n):
    """The n × n matrix that is 1 where the column is not before the row, else 0."""
    return xp.arange(n) >= xp.arange(n)[:, None]
places_from.vjp(x=lambda xp, g, x_shape: xp.broadcast_to(g.sum() * 0, x_shape))


@running_product.public
def cumprod(input, dim, *, dtype=None):
    """Π of the input up to and including each place along `dim`. Integers multiply as int64."""
    input, dim = scanned(input, dim, dtype)
    return running_product(input, dim) if input._data.ndim else alone(input, "Cumprod")


@nary(name="logcumsumexp", grad="Logcumsumexp", out="scalar", refuses="logcumsumexp_out_cpu")
def running_logsumexp(xp, x, dim):
    """ln Σ eˣ up to and including each place along `dim`, without overflow."""
    return xp.logaddexp.accumulate(x, axis=dim)


def logcumsumexp_x(xp, g, x, out, dim):
    """Σ over j ≥ k of gⱼ · e^(xₖ − outⱼ), summed as logarithms, positive and negative g apart."""
    parts = []
    for sign in (1, -1):
        counts = g * sign > 0
        terms = xp.log(xp.where(counts, g * sign, 1.0)) - out
        terms = xp.where(counts, terms, float("-inf"))
        parts.append(xp.exp(from_the_end(xp, xp.logcumsumexp, terms, dim) + x))
    return parts[0] - parts[1]
running_logsumexp.vjp(x=logcumsumexp_x)


@nary(space="rules", grad="Logcumsumexp")
def running_complex_logsumexp(xp, x, dim):
    """The same for complex numbers, whose angle goes on from place to place."""
    made = []
    for row in xp.moveaxis(x, dim, 0):
        made.append(xp.complex_logaddexp(row, made[-1]) if made else row)
    return xp.stack(made, axis=dim) if made else x.copy()
running_complex_logsumexp.vjp(x=lambda xp, g, x, out, dim: xp.exp(
    from_the_end(xp, xp.running_complex_logsumexp, xp.log(g) - out, dim) + x))


@running_logsumexp.public
def logcumsumexp(input, dim):
    """ln Σ eˣ up to and including each place along `dim`, without overflow."""
    dim = wrap_dim(dim, input._data.ndim)
    if not input._data.ndim:
        return alone(input, "Logcumsumexp")
    return (running_complex_logsumexp if input.dtype.is_complex else running_logsumexp)(input, dim)


@multi(name="cummax", grad="Cummax", outputs=("values", "indices"), out="scalar")
def running_peak(xp, x, dim):
    """The largest element so far along `dim`, and where it last stood."""
    return so_far(xp, xp.maximum, x, dim)
running_peak.vjp(x=lambda xp, g, x_shape, indices, dim: xp.add_along(g, indices, x_shape, dim))


@multi(name="cummin", grad="Cummin", outputs=("values", "indices"), out="scalar")
def running_low(xp, x, dim):
    """The smallest element so far along `dim`, and where it last stood."""
    return so_far(xp, xp.minimum, x, dim)
running_low.vjp(x=lambda xp, g, x_shape, indices, dim: xp.add_along(g, indices, x_shape, dim))


def so_far(xp, better, x, dim):
    """Running extremes and their last places; a NaN stays."""
    values = better.accumulate(x, axis=dim)
    places = xp.arange(x.shape[dim]).reshape([-1 if i == dim else 1 for i in range(x.ndim)])
    hit = (x == values) | (x != x)
    return values, xp.maximum.accumulate(xp.where(hit, places, 0), axis=dim)


cummax_returned = named("cummax", ("values", "indices"))
cummin_returned = named("cummin", ("values", "indices"))


@running_peak.public
def cummax(input, dim):
    """The largest element so far along `dim`, and its place: `values`, `indices`."""
    dim = wrap_dim(dim, input._data.ndim)
    if not input._data.ndim:
        return cummax_returned(alone(input, "Cummax"), input.new_zeros((), dtype=int64))
    return cummax_returned(*running_peak(input, dim))


@running_low.public
def cummin(input, dim):
    """The smallest element so far along `dim`, and its place: `values`, `indices`."""
    dim = wrap_dim(dim, input._data.ndim)
    if not input._data.ndim:
        return cummin_returned(alone(input, "Cummin"), input.new_zeros((), dtype=int64))
    return cummin_returned(*running_low(input, dim))


# ---- differences and areas ------------------------------------------------------------------


@composite(out=True)
def diff(input, n=1, dim=-1, prepend=None, append=None):
    """Differences of neighbours along `dim`, n times; with `prepend` and `append` at the ends."""
    ndim = input._data.ndim
    if not ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    dim = wrap_dim(dim, ndim)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    for extra in (prepend, append):
        if extra is not None:
            _check_extra(input, extra, dim)
    if n == 0:
        return input.clone()
    ends = [t for t in (prepend, input, append) if t is not None]
    if len(ends) > 1:
        from learntorch.ops.shape import cat
        input = cat(ends, dim)
    for _ in range(min(n, input._data.shape[dim])):
        size = input._data.shape[dim]
        high, low = input.narrow(dim, min(1, size), max(size - 1, 0)), \
            input.narrow(dim, 0, max(size - 1, 0))
        input = high.logical_xor(low) if input.dtype.name == "bool" else high - low
    return input


def _check_extra(input, extra, dim):
    a, b = input._data, extra._data
    if a.ndim != b.ndim:
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    for i in range(a.ndim):
        if i != dim and a.shape[i] != b.shape[i]:
            raise RuntimeError("diff expects the shape of tensor to prepend or append to match that"
                               f" of input except along the differencing dimension; "
                               f"input.size({i}) = {a.shape[i]}, but got tensor.size({i}) = "
                               f"{b.shape[i]}")


def _areas(name, y, x, dx, dim):
    """The areas between neighbours, by the trapezium rule."""
    if x is not None and dx is not None:
        raise TypeError(f"{name}() takes x or dx, not both")
    dim = wrap_dim(dim, y._data.ndim)
    if y.dtype.name == "bool":
        raise RuntimeError(f"{name}: received a bool input for `y`, but bool is not supported")
    n = y._data.shape[dim]
    if n == 0:
        return None, dim
    sides = y.narrow(dim, 0, n - 1) + y.narrow(dim, 1, n - 1)
    if x is None:
        return sides * ((1.0 if dx is None else dx) / 2.0), dim
    if x.dtype.name == "bool":
        raise RuntimeError(f"{name}: received a bool input for `x`, but bool is not supported")
    if x._data.ndim == 1:
        if x._data.shape[0] != n:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.reshape([-1 if i == dim else 1 for i in range(y._data.ndim)])
    else:
        x = x.reshape([1] * (y._data.ndim - x._data.ndim) + list(x._data.shape))
        if x._data.shape[dim] != n:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
    m = x._data.shape[dim] - 1
    return sides * (x.narrow(dim, 1, m) - x.narrow(dim, 0, m)) / 2.0, dim


@composite(method=False, aliases=("trapz",),
           grad=lambda x: "MulBackward1" if x is None else "DivBackward1")
def trapezoid(y, x=None, *, dx=None, dim=-1):
    """The area under y along `dim`, by trapezia, at the places `x` or `dx` apart."""
    areas, dim = _areas("trapezoid", y, x, dx, dim)
    return y.sum(dim) * 1.0 if areas is None else areas.sum(dim)


@composite(method=False, grad=lambda x: "CumsumBackward0" if x is None else "DivBackward1")
def cumulative_trapezoid(y, x=None, *, dx=None, dim=-1):
    """The areas under y so far along `dim`: one fewer than places."""
    areas, dim = _areas("cumulative_trapezoid", y, x, dx, dim)
    return y * 1.0 if areas is None else areas.cumsum(dim)


@composite(method=False)
def gradient(input, *, spacing=1, dim=None, edge_order=1):
    """Slopes along each of `dim`: by central differences inside, one-sided ones at the edges.

    spacing: the distance between places (one number or one per dimension), or their coordinates.
    """
    ndim = input._data.ndim
    dims = range(ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    dims = tuple(wrap_dim(d, ndim) for d in dims)
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    if input.dtype.name == "uint8":
        raise RuntimeError("torch.gradient does not support uint8 input.")
    spacing = 1 if spacing is None else spacing
    several = isinstance(spacing, (list, tuple))
    if several and len(spacing) != len(dims):
        raise RuntimeError("torch.gradient expected spacing to be unspecified, a scalar "
                           f"or a list of length {len(dims)}: got {len(spacing)} for {len(dims)} "
                           "dimensions")
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim {max(dims, key=dims.count)} appears multiple times in the list "
                           "of dims")
    for d in dims:
        if input._data.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least "
                               "edge_order+1")
    steps = spacing if several else [spacing] * len(dims)
    return [_slope(input, s, d, edge_order) for s, d in zip(steps, dims, strict=True)]


def _slope(x, step, dim, edge_order):
    """The slope of x along one dimension."""
    n = x._data.shape[dim]
    where = (slice(None),) * dim
    if isinstance(step, Tensor) and step._data.ndim:
        if step._data.shape != (n,):
            raise RuntimeError("torch.gradient expected each element in the spacing list to have "
                               "one coordinate for each place")
        gaps = (step[1:] - step[:-1]).reshape([-1] + [1] * (x._data.ndim - dim - 1))
    else:
        gaps = x.new_full([n - 1] + [1] * (x._data.ndim - dim - 1), 1,
                          dtype=None if x.dtype.is_floating_point or x.dtype.is_complex
                          else get_default_dtype()) * step
    rise = x[(*where, slice(1, None))] - x[(*where, slice(None, -1))]
    slopes = rise / gaps
    left, right = gaps[:-1], gaps[1:]
    inside = (slopes[(*where, slice(None, -1))] * right + slopes[(*where, slice(1, None))] * left
              ) / (left + right)
    first, last = slopes[(*where, slice(0, 1))], slopes[(*where, slice(n - 2, None))]
    if edge_order == 2:
        second = slopes[(*where, slice(1, 2))]
        before = slopes[(*where, slice(n - 3, n - 2))]
        a, b = gaps[:1], gaps[1:2]
        c, d = gaps[-1:], gaps[-2:-1]
        first = first + (first - second) * a / (a + b)
        last = last + (last - before) * c / (c + d)
    from learntorch.ops.shape import cat
    return cat([first, inside, last], dim)
