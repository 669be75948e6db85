"""The loss of a linear classifier in one call, on demand without ever holding all its scores."""

from learntorch.core.op import composite, multi, nary
from learntorch.core.warned import warn
from learntorch.ops.loss import check_reduction, check_targets, cross_entropy
from learntorch.ops.matmul import linear


@composite(space="nn.functional")
def linear_cross_entropy(input, linear_weight, target, *, linear_bias=None, weight=None,
                         reduction="mean", ignore_index=None, label_smoothing=0.0, options=None):
    """cross_entropy(input · linear_weightᵀ + linear_bias, target).

    Shapes: input (N, in) or (in), linear_weight (C, in) or (C, d₁, …, in), target as for
    cross_entropy. `options` (nn.LinearCrossEntropyOptions): take some rows at a time, which needs
    the memory of their scores only; warns where that cannot be done.
    Raises RuntimeError for other shapes, ValueError for an unknown `reduction`.
    """
    w = linear_weight
    sizes = w._data.shape[:-1]
    check_linear(input, w, linear_bias)
    probabilities = target._data.dtype.kind in "fV"
    if ignore_index is not None and probabilities:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    ignore_index = -100 if ignore_index is None else ignore_index
    if options is not None:
        check_reduction(reduction)
        if not (label_smoothing or probabilities or w._data.ndim > 2):
            return in_chunks(input, w, linear_bias, weight, target, ignore_index, reduction,
                             options)
        warn("linear_cross_entropy: ``options`` ignored; chunked path needs reduction in "
             "{'mean','sum','none'}, label_smoothing == 0, target.dtype == int64, "
             f"out_features == (). Got reduction={reduction!r}, label_smoothing="
             f"{label_smoothing}, target.dtype={target.dtype}, out_features="
             f"{sizes[1:]}.")
    scores = linear(input, w.reshape(-1, w._data.shape[-1]) if w._data.ndim > 2 else w,
                    None if linear_bias is None else linear_bias.reshape(-1))
    if w._data.ndim > 2:
        scores = scores.reshape(-1, *sizes)
    return cross_entropy(scores, target, weight=weight, reduction=reduction,
                         ignore_index=ignore_index, label_smoothing=label_smoothing)


def check_linear(input, linear_weight, linear_bias):
    """Raise RuntimeError for shapes that linear_cross_entropy cannot use."""
    x, w = input._data.shape, linear_weight._data.shape
    if len(x) not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {len(x)}")
    if len(w) < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {len(w)}")
    if x[-1] != w[-1]:
        raise RuntimeError("expected equal input and linear_weight last dimensions (in_features), "
                           f"got {x[-1]} and {w[-1]}, respectively")
    if len(w) > 2 and len(x) == 1:
        raise RuntimeError(f"K-dimensional loss defined by linear_weight shape {w} requires "
                           f"batched input, (N, {w[-1]}), got unbatched input with shape {x}")
    if linear_bias is not None and linear_bias._data.shape != w[:-1]:
        raise RuntimeError(f"expected linear_bias shape {w[:-1]}, got {linear_bias._data.shape}")


def in_chunks(input, linear_weight, linear_bias, weight, target, ignore_index, reduction, options):
    """The loss with class numbers as targets, some rows at a time."""
    single = input._data.ndim == 1
    if single:
        input, target = input.unsqueeze(0), target.unsqueeze(0)
    n, width = input._data.shape
    classes = linear_weight._data.shape[0]
    check_targets("linear_cross_entropy", input.new_empty(0).expand(n, classes) if not n else
                  input[:, :1].expand(n, classes), target, ignore_index)
    rows = options.batch_chunk_size or rows_at_once(options.chunking_method, n, width, classes)
    loss = chunked(input, linear_weight, linear_bias, weight, target._data.copy(), ignore_index,
                   reduction, rows)
    return loss.squeeze(0) if single and reduction == "none" else loss


def rows_at_once(method, n, width, classes):
    """How many of `n` rows: the power of two from which scores outweigh inputs `ratio` times."""
    if method is None:
        return n
    ratio = 2 if method == "auto" else int(method.partition(":")[2] or 1)
    return 1 << max(-(-n * width // (ratio * classes)) - 1, 0).bit_length()


def chunks(n, rows):
    """The slices of `rows` rows that make up `n`; one at least."""
    return [slice(i, i + rows) for i in range(0, max(n, 1), max(rows, 1))]


@nary(tensors=("x", "linear_weight", "linear_bias", "weight"), space="rules",
      grad="LinearCrossEntropy")
def chunked(xp, x, linear_weight, linear_bias, weight, target, ignore_index, reduction, rows):
    """softmax_nll(x · Wᵀ + b) of `rows` rows at a time."""
    losses = []
    for part in chunks(len(x), rows):
        scores = xp.linear(x[part], linear_weight, linear_bias)
        losses.append(xp.softmax_nll(scores, weight, target[part], ignore_index, "none"))
    losses = xp.concatenate(losses)
    if reduction == "none":
        return losses
    total = xp.add.reduce(losses)
    return total if reduction == "sum" else total / weight_of_targets(
        xp, x, weight, target, ignore_index)


def weight_of_targets(xp, x, weight, target, ignore_index):
    """What a mean divides by: the weights of the targets that count."""
    kept = target != ignore_index
    if weight is None:
        return xp.count_nonzero(kept)
    return xp.add.reduce(weight[xp.where(kept, target, 0)] * kept)


@multi(tensors=("x", "inputs", "linear_weight", "linear_bias", "weight"), space="rules",
       outputs=("to_inputs", "to_weight", "to_bias"))
def chunked_to_all(xp, x, inputs, linear_weight, linear_bias, weight, target, ignore_index,
                   reduction, rows):
    """The gradients of `chunked`: the scores of each chunk are computed again. x: one per row."""
    if reduction == "mean":
        x = x / weight_of_targets(xp, x, weight, target, ignore_index)
    x = xp.broadcast_to(x, target.shape)
    to_inputs = []
    to_weight = xp.zeros_like(linear_weight)
    to_bias = xp.zeros(linear_weight.shape[:1], linear_weight.dtype)
    for part in chunks(len(inputs), rows):
        scores = xp.linear(inputs[part], linear_weight, linear_bias)
        g = xp.nll_to_input(x[part], weight, scores.shape, target[part], ignore_index, "none")
        g = g - xp.softmax(scores, 1) * xp.add.reduce(g, axis=1, keepdims=True)
        to_inputs.append(g @ linear_weight)
        to_weight = to_weight + g.T @ inputs[part]
        to_bias = to_bias + xp.add.reduce(g, axis=0)
    return xp.concatenate(to_inputs), to_weight, to_bias


@chunked.vjp_all
def chunked_gradients(xp, g, x, linear_weight, linear_bias, weight, target, ignore_index,
                      reduction, rows):
    """The three gradients at once, as all of them need the scores."""
    return (*xp.chunked_to_all(g, x, linear_weight, linear_bias, weight, target, ignore_index,
                               reduction, rows), None)
