"""Batching rules of what multiplies: matrix products, convolutions, layers that normalise."""

from math import prod

from learntorch.autograd.transforms.batched import lift
from learntorch.autograd.transforms.rules import (
    example_by_example,
    here,
    ndim,
    padded,
    rule,
    whole,
    wrapped,
)
from learntorch.core.record import registry


def matmul(x, y):
    return registry["matmul"](x, y)


# ---- matrices ----------------------------------------------------------------------------------


@rule("mm")
def mm(level, function, args):
    x, y = args
    if here(x, level) and here(y, level):
        return wrapped(level, registry["bmm"](x.whole, y.whole))
    return wrapped(level, matmul(whole(x, level), whole(y, level)))


@rule("mv")
def mv(level, function, args):
    x, y = args
    if not here(y, level):
        return wrapped(level, matmul(x.whole, y))
    if not here(x, level):
        return wrapped(level, matmul(y.whole, x.transpose(0, 1)))
    return wrapped(level, matmul(x.whole, y.whole.unsqueeze(-1)).squeeze(-1))


@rule("dot")
def dot(level, function, args):
    x, y = args
    if here(x, level) and here(y, level):
        return wrapped(level, (x.whole * y.whole).sum(-1))
    return wrapped(level, matmul(x.whole, y) if here(x, level) else matmul(y.whole, x))


@rule("bmm", "batched")
def batched(level, function, args):
    x, y = args
    n = max(ndim(x), ndim(y))
    return wrapped(level, registry["batched"](padded(x, level, n), padded(y, level, n)))


@rule("linear")
def linear(level, function, args):
    """A weight of its own for every example: one product of batches of matrices."""
    x, weight, bias = args
    if not here(weight, level) and not here(bias, level):
        return wrapped(level, function(x.whole, weight, bias))
    if ndim(weight) == 1:
        return example_by_example(level, function, args)
    n = ndim(x)
    if not here(weight, level):
        y = function(whole(x, level), weight, None)
    elif n == 1:
        y = matmul(whole(x, level).unsqueeze(-2), weight.whole.mT).squeeze(-2)
    else:
        shape = x._data.shape
        w = whole(x, level)
        lead = (level.size,) if here(x, level) else ()
        y = matmul(w.reshape(*lead, prod(shape[:-1]), shape[-1]), weight.whole.mT)
        y = y.reshape(level.size, *shape[:-1], y._data.shape[-1])
    return wrapped(level, y if bias is None else y + padded(bias, level, n))


# ---- convolutions ------------------------------------------------------------------------------
# Many inputs, one weight: the examples are more images. Many weights: they are more groups.


def into_images(t, level):
    """(examples, n, …) as (examples · n, …)."""
    w = lift(t, level)
    return w.reshape(w._data.shape[0] * w._data.shape[1], *w._data.shape[2:])


def out_of_images(level, y):
    return level.wrap(y.reshape(level.size, y._data.shape[0] // max(level.size, 1),
                                *y._data.shape[1:]))


def into_channels(t, level):
    """(examples, n, c, …) as (n, examples · c, …)."""
    w = lift(t, level).transpose(0, 1)
    return w.reshape(w._data.shape[0], w._data.shape[1] * w._data.shape[2], *w._data.shape[3:])


def out_of_channels(level, y):
    n, c = y._data.shape[:2]
    return level.wrap(y.reshape(n, level.size, c // level.size, *y._data.shape[2:]).transpose(0, 1))


def with_bias(level, y, bias):
    """y plus a bias for each channel, batched or not."""
    if bias is None:
        return y
    spatial = (1,) * (y._data.ndim - 2)
    return y + bias.reshape(*bias._data.shape, *spatial)


@rule("conv_forward")
def conv_forward(level, function, args):
    x, weight, bias, *how = args
    if not here(weight, level):
        if not here(x, level):
            return with_bias(level, function(x, weight, None, *how), bias)
        own = here(bias, level)
        y = out_of_images(level, function(into_images(x, level), weight, None if own else bias,
                                          *how))
        return with_bias(level, y, bias) if own else y
    *how, groups = how
    w = into_images(weight, level)
    if not here(x, level) and groups == 1:
        y = function(x, w, None, *how, 1)
    else:
        y = function(into_channels(x, level), w, None, *how, level.size * groups)
    return with_bias(level, out_of_channels(level, y), bias)


@rule("conv_to_input")
def conv_to_input(level, function, args):
    x, weight, bias, shape, *how, groups = args
    if not here(weight, level):
        if not here(x, level):
            return with_bias(level, function(x, weight, None, shape, *how, groups), bias)
        y = function(into_images(x, level), weight, None, (level.size * shape[0], *shape[1:]), *how,
                     groups)
        return with_bias(level, out_of_images(level, y), bias)
    y = function(into_channels(x, level), into_images(weight, level), None,
                 (shape[0], level.size * shape[1], *shape[2:]), *how, level.size * groups)
    return with_bias(level, out_of_channels(level, y), bias)


@rule("conv_to_weight")
def conv_to_weight(level, function, args):
    x, y, shape, *how, groups = args
    w = function(into_channels(x, level), into_channels(y, level),
                 (level.size * shape[0], *shape[1:]), *how, level.size * groups)
    return out_of_images(level, w)


IMAGES = """pool_max pool_max_3d pool_avg pool_avg_3d adapt_avg adapt_avg_3d adapt_max adapt_max_3d
    adapt_places im2col col2im reflection_pad1d reflection_pad2d reflection_pad3d
    replication_pad1d replication_pad2d replication_pad3d pad_edges resample resample_nearest1d
    resample_nearest2d resample_nearest3d resample_exact1d resample_exact2d resample_exact3d
    resample_linear1d resample_linear2d resample_linear3d resample_cubic2d resample_triangle2d
    resample_hump2d resample_lanczos2d channel_shuffle""".split()


@rule(*IMAGES)
def images(level, function, args):
    """What treats every image alike: the examples are more images."""
    if args[0]._data.ndim < 2:
        return example_by_example(level, function, args)
    result = function(into_images(args[0], level), *args[1:])
    if isinstance(result, tuple):
        return tuple(out_of_images(level, r) for r in result)
    return out_of_images(level, result)


# ---- layers that normalise ---------------------------------------------------------------------


def scaled(y, weight, bias, spread):
    """y · weight + bias, each spread out to broadcast against y."""
    if weight is not None:
        y = y * spread(weight)
    return y if bias is None else y + spread(bias)


@rule("layer_norm")
def layer_norm(level, function, args):
    """The examples are more rows; weights of their own are multiplied in afterwards."""
    x, weight, bias, shape, eps = args
    own = here(weight, level) or here(bias, level)
    given = (None, None) if own else (weight, bias)
    w = whole(x, level)
    y, mean, var = function(w, *given, shape, eps)
    if not here(x, level):
        return scaled(y, weight, bias, lambda t: t), mean, var
    rows = level.size, mean._data.size // max(level.size, 1)
    made = level.wrap(y), level.wrap(mean.reshape(rows)), level.wrap(var.reshape(rows))
    return (scaled(made[0], weight, bias, lambda t: t), *made[1:]) if own else made


@rule("batch_norm")
def batch_norm(level, function, args):
    """The examples are more channels."""
    x, weight, bias, eps = args
    y, mean, var = function(into_channels(x, level), None, None, eps)
    spatial = (1,) * (ndim(x) - 2)
    y = scaled(out_of_channels(level, y), weight, bias,
               lambda t: t.reshape(*t._data.shape, *spatial))
    size = level.size, mean._data.size // max(level.size, 1)
    return y, level.wrap(mean.reshape(size)), level.wrap(var.reshape(size))


@rule("group_norm")
def group_norm(level, function, args):
    """The examples are more images."""
    x, weight, bias, groups, eps = args
    own = here(weight, level) or here(bias, level)
    given = (None, None) if own else (weight, bias)
    if not here(x, level):
        y, mean, var = function(x, *given, groups, eps)
    else:
        y, *parts = function(into_images(x, level), *given, groups, eps)
        y = out_of_images(level, y)
        mean, var = (level.wrap(p.reshape(level.size, -1)) for p in parts)
    if own:
        spatial = (1,) * (ndim(x) - 2)
        y = scaled(y, weight, bias, lambda t: t.reshape(*t._data.shape, *spatial))
    return y, mean, var
