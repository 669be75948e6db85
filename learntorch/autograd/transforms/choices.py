"""Batching rules of what picks by numbers: gather and scatter, embeddings, class targets."""

from learntorch.autograd.transforms.batched import lift
from learntorch.autograd.transforms.rules import (
    example_by_example,
    here,
    one_by_one,
    rule,
    shifted,
    takes_over,
    whole,
    wrapped,
)
from learntorch.core.record import registry
from learntorch.core.tensor import Tensor


def bound(op, args, kwargs):
    """The arguments of a watched function by name, defaults filled in."""
    from inspect import signature
    given = signature((op.public or registry[op.key]).plain).bind(*args, **kwargs)
    given.apply_defaults()
    return given.arguments


# ---- along one dimension -------------------------------------------------------------------------


@rule("gather", "add_along", "put_along", "scatter_places", "scatter_number", "scatter_plus",
      "scatter_times", "scatter_peak")
def along_places(level, function, args):
    """All tensors get a dimension in front; `dim` and `shape` are moved with it."""
    op = function.op
    lifted = []
    n = args[0]._data.ndim
    if not n:
        return example_by_example(level, function, args)
    for name, value in zip(op.params, args, strict=True):
        if isinstance(value, Tensor):
            value = lift(value, level)
        elif name == "dim":
            value = shifted(value, n)
        elif name == "shape":
            value = (level.size, *value)
        lifted.append(value)
    return wrapped(level, function(*lifted))


@takes_over("gather", "scatter", "scatter_add", "scatter_reduce")
def scattered(level, function, args, kwargs):
    """gather, scatter and their kin: the same with `dim` moved by one."""
    given = dict(bound(function.op, args, kwargs))
    n = given["input"]._data.ndim
    if not n or any(isinstance(v, Tensor) and v._data.ndim != n for v in given.values()):
        return one_by_one(level, function, args, kwargs)
    rest = given.pop("value", None)
    for name, value in given.items():
        if isinstance(value, Tensor):
            given[name] = lift(value, level)
    given["dim"] = shifted(given["dim"], n)
    if rest is not None:
        given["value"] = rest
    extra = given.pop("kwargs", {})
    return wrapped(level, function(**given, **extra))


@rule("index_select", "add_slices", "added_slices", "copied_slices", "filled_slices")
def slices(level, function, args):
    """Index tensors that are the same for all examples."""
    op = function.op
    x, dim, index = args[:3]
    n = x._data.ndim
    if here(index, level) or not n:
        return example_by_example(level, function, args)
    rest = [lift(v, level) if isinstance(v, Tensor) else (level.size, *v) if name == "shape" else v
            for name, v in zip(op.params[3:], args[3:], strict=True)]
    return wrapped(level, function(lift(x, level), shifted(dim, n), index, *rest))


@takes_over("index_select", "index_add", "index_copy", "index_fill")
def chosen(level, function, args, kwargs):
    given = dict(bound(function.op, args, kwargs))
    x, index = given["input"], given["index"]
    if here(index, level) and function.op.key == "index_select" and index._data.ndim == 1:
        dim = given["dim"] % max(x._data.ndim, 1)
        return x[(slice(None),) * dim + (index,)] if x._data.ndim else one_by_one(
            level, function, args, kwargs)
    if here(index, level) or not x._data.ndim or not isinstance(given["dim"], int):
        return one_by_one(level, function, args, kwargs)
    given["input"] = lift(x, level)
    given["dim"] = shifted(given["dim"], x._data.ndim)
    if "source" in given:
        given["source"] = lift(given["source"], level)
    if any(here(v, level) for v in given.values()):
        return one_by_one(level, function, args, kwargs)
    return wrapped(level, function(**given))


# ---- tables and classes --------------------------------------------------------------------------


@takes_over("embedding")
def embedding(level, function, args, kwargs):
    """Indices of all examples at once; tables of their own are laid under each other."""
    given = bound(function.op, args, kwargs)
    indices, weight = given["input"], given["weight"]
    if not here(weight, level):
        rest = {k: v for k, v in given.items() if k not in ("input", "weight")}
        return wrapped(level, function(indices.whole, weight, **rest))
    if given["padding_idx"] is not None or given["max_norm"] is not None:
        return one_by_one(level, function, args, kwargs)
    rows, width = weight._data.shape
    first = registry["arange"](level.size) * rows
    places = lift(indices, level)
    places = places + first.reshape(level.size, *(1,) * indices._data.ndim)
    return wrapped(level, function(places, weight.whole.reshape(level.size * rows, width)))


@rule("embedding")
def rows_of_table(level, function, args):
    """The op below `embedding`, whose indices are numbers by now: the same for all examples."""
    weight, indices, padding_idx = args
    table = weight.whole.transpose(0, 1)
    return wrapped(level, function(table.reshape(table._data.shape[0], -1), indices, padding_idx)
                   .reshape(*indices.shape, level.size, -1).movedim(-2, 0))


@takes_over("one_hot")
def one_hot(level, function, args, kwargs):
    given = bound(function.op, args, kwargs)
    first, classes = given.values()
    if classes == -1:
        raise RuntimeError("vmap: one_hot(tensor, num_classes=-1) would have another size for "
                           "every example: say num_classes")
    return wrapped(level, function(first.whole, classes))


@takes_over("cross_entropy", "nll_loss")
def class_loss(level, function, args, kwargs):
    """The losses of all samples of all examples at once, then their mean for each example."""
    given = dict(bound(function.op, args, kwargs))
    x, target, weight = given["input"], given["target"], given["weight"]
    if target.dtype.is_floating_point or given["size_average"] is not None or (
            given["reduce"] is not None) or here(weight, level) or x._data.ndim == 0:
        return function.plain(*args, **kwargs)
    reduction = given["reduction"]
    given["reduction"] = "none"
    single = x._data.ndim == 1
    x, target = lift(x, level), lift(target, level)
    if not single:
        x = x.reshape(x._data.shape[0] * x._data.shape[1], *x._data.shape[2:])
        target = target.reshape(-1, *target._data.shape[2:])
    given["input"], given["target"] = x, target
    loss = function(**given)
    loss = loss if single else loss.reshape(level.size, -1, *loss._data.shape[1:])
    if reduction == "none":
        return level.wrap(loss)
    target = target.reshape(level.size, -1)
    loss = loss.reshape(level.size, -1).sum(1)
    if reduction == "sum":
        return level.wrap(loss)
    kept = (target != given["ignore_index"]).to(loss.dtype)
    if weight is not None:
        kept = kept * weight[registry["where"](kept != 0, target, 0)]
    return level.wrap(loss / kept.sum(1))


@takes_over("binary_cross_entropy")
def bernoulli(level, function, args, kwargs):
    """As for classes; every sample has the same weight."""
    given = dict(bound(function.op, args, kwargs))
    reduction = given["reduction"]
    if given["size_average"] is not None or given["reduce"] is not None or (
            given["input"]._data.shape != given["target"]._data.shape):
        return one_by_one(level, function, args, kwargs)
    given["input"], given["target"] = lift(given["input"], level), lift(given["target"], level)
    if given["weight"] is not None:
        given["weight"] = whole(given["weight"], level)
    given["reduction"] = "none"
    loss = level.wrap(function(**given))
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


@rule("mean_squares")
def mean_squares(level, function, args):
    x, y, reduction = args
    loss = level.wrap(function(lift(x, level), lift(y, level), "none"))
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()


@rule("nll", "softmax_nll")
def class_losses(level, function, args):
    """Scores of all examples for one list of targets, which are numbers by now."""
    x, weight, target, ignore_index, reduction = args
    if here(weight, level):
        return example_by_example(level, function, args)
    w = x.whole
    shape = w._data.shape
    flat = w.reshape(shape[0] * shape[1], *shape[2:])
    many = target.repeat(1, 0) if shape[0] == 1 else stack_of(target, shape[0])
    loss = function(flat, weight, many, ignore_index, "none").reshape(shape[0], *target.shape)
    if reduction == "none":
        return level.wrap(loss)
    loss = loss.reshape(shape[0], -1).sum(1)
    if reduction == "sum":
        return level.wrap(loss)
    kept = (target != ignore_index)
    share = kept.sum() if weight is None else (weight._data[target * kept] * kept).sum()
    return level.wrap(loss / float(share))


def stack_of(target, n):
    """An array of class numbers n times under each other."""
    return target.reshape(1, *target.shape).repeat(n, 0).reshape(-1, *target.shape[1:])
