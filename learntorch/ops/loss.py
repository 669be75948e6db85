"""How wrong is the answer? One number to make small."""

import math

import numpy as np

from learntorch.core.dtypes import said
from learntorch.core.op import composite, entitle, nary
from learntorch.core.tensor import Tensor
from learntorch.core.warned import warn
from learntorch.ops.compare import where


def reduce(loss, reduction):
    """The losses as they are ("none"), summed, or averaged."""
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction != "none":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return loss


def legacy_reduction(size_average, reduce_, reduction):
    """`reduction` from the two old flags, with PyTorch's warning when they are used."""
    if size_average is None and reduce_ is None:
        return reduction
    average = size_average is None or size_average
    chosen = "none" if reduce_ is False else ("mean" if average else "sum")
    warn("size_average and reduce args will be deprecated, please use "
         f"reduction='{chosen}' instead.")
    return chosen


def same_size(name, input, target):
    """Warn, as PyTorch does, when input and target only match by broadcasting."""
    if not isinstance(target, Tensor):
        raise TypeError(f"{name}(): argument 'target' must be Tensor, not {type(target).__name__}")
    if target._data.shape != input._data.shape:
        warn(
            f"Using a target size ({target.size()}) that is different to the input size "
            f"({input.size()}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.")


@nary(tensors=("x", "y"), space="rules", grad="MseLoss", promotes=("x", "y"))
def mean_squares(xp, x, y, reduction):
    """(x − y)², averaged or summed in the same step."""
    d = x - y
    if reduction == "none":
        return d * d
    total = xp.add.reduce(d * d, axis=None)
    return total if reduction == "sum" else total / d.size


def mean_squares_x(g, x, y, reduction):
    d = x - y
    return d * (g * (2 / max(counted(d.shape), 1))) if reduction == "mean" else d * (g * 2)


def counted(shape):
    n = 1
    for size in shape:
        n *= size
    return n


mean_squares.vjp(x=mean_squares_x, y=lambda g, x, y, reduction: -mean_squares_x(g, x, y, reduction))


@composite(space="nn.functional")
def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """Mean of (input − target)². Shapes: any, equal; the result is one number unless "none".

    Warns when the shapes differ and only match by broadcasting.
    Raises ValueError for another `reduction` than "mean", "sum" and "none", TypeError for a target
    that is no tensor.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    same_size("mse_loss", input, target)
    if weight is not None:
        return weighted(mean_squares(input, target, "none"), weight, reduction)
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return mean_squares(input, target, reduction)


def weighted(loss, weight, reduction):
    """Losses times weights; the mean is over the sum of weights."""
    if weight._data.shape != loss._data.shape:
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    if reduction == "mean":
        return loss.sum() / weight.sum()
    return loss.sum() if reduction == "sum" else loss


# ---- classes --------------------------------------------------------------------------------


@nary(tensors=("x", "weight"), space="rules", name="nll",
      grad=lambda x: "NllLoss2DBackward0" if x.ndim > 2 else "NllLossBackward0")
def nll(xp, x, weight, target, ignore_index, reduction):
    """−w[t] · x[t] for the target class t of each row: dimension 1 of x holds the classes."""
    picked, w = picked_weights(xp, x, weight, target, ignore_index)
    loss = -picked * w
    if reduction == "none":
        return loss
    total = xp.add.reduce(loss, axis=None)
    return total if reduction == "sum" else total / xp.add.reduce(w, axis=None)


def picked_weights(xp, x, weight, target, ignore_index):
    """x at each target, and the weight of each target: 0 where it is to be ignored."""
    kept = target != ignore_index
    safe = xp.where(kept, target, 0)
    if x.ndim == 2:
        picked = x[xp.arange(len(x)), safe]
    else:
        picked = xp.take_along_axis(x, xp.expand_dims(safe, 1), axis=1).squeeze(1)
    w = kept.astype(x.dtype) if weight is None else weight[safe] * kept
    return xp.where(kept, picked, 0).astype(x.dtype), w


def nll_x(xp, g, x_shape, weight, target, ignore_index, reduction):
    return xp.nll_to_input(g, weight, x_shape, target, ignore_index, reduction)
nll.vjp(x=nll_x)


@nary(tensors=("x", "weight"), space="rules", grad="NllLossBackward")
def nll_to_input(xp, x, weight, shape, target, ignore_index, reduction):
    """The gradient of `nll` in its input: −w[t] at each target, 0 elsewhere."""
    kept = target != ignore_index
    safe = xp.where(kept, target, 0)
    w = kept.astype(x.dtype) if weight is None else (weight[safe] * kept).astype(x.dtype)
    g = x * w / (xp.add.reduce(w, axis=None) if reduction == "mean" else 1)
    fresh = xp.zeros(shape, x.dtype)
    xp.put_along_axis(fresh, xp.expand_dims(safe, 1), -xp.expand_dims(g, 1).astype(x.dtype), axis=1)
    return fresh


def nll_to_input_x(xp, g, weight, target, ignore_index, reduction):
    return xp.nll(g, weight, target, ignore_index, reduction)
nll_to_input.vjp(x=nll_to_input_x)


@nary(tensors=("x", "weight"), space="rules",
      grad=lambda x: "NllLoss2DBackward0" if x.ndim > 2 else "NllLossBackward0")
def softmax_nll(xp, x, weight, target, ignore_index, reduction):
    """nll(log_softmax(x)) in one step: ln Σ eˣ − x[t], weighted, averaged or summed."""
    z = x - xp.maximum.reduce(x, axis=1, keepdims=True)
    picked, w = picked_weights(xp, z, weight, target, ignore_index)
    loss = (xp.log(xp.add.reduce(xp.exp(z), axis=1)) - picked) * w
    if reduction == "none":
        return loss
    total = xp.add.reduce(loss, axis=None)
    return total if reduction == "sum" else total / xp.add.reduce(w, axis=None)


def softmax_nll_x(xp, g, x, weight, target, ignore_index, reduction):
    """softmax(x) − one-hot(target), each row times its weight."""
    gi = xp.nll_to_input(g, weight, x.shape, target, ignore_index, reduction)
    return gi - xp.softmax(x, 1) * gi.sum(axis=1, keepdims=True)
softmax_nll.vjp(x=softmax_nll_x)


def check_targets(name, input, target, ignore_index):
    """Raise PyTorch's errors for class targets of a wrong dtype, shape or value."""
    x, t = input._data, target._data
    if x.ndim == 0:
        raise ValueError(f"{name}(): expected input with at least one dimension, got a number")
    if x.ndim > 1 and t.ndim and t.shape[0] != x.shape[0]:
        raise ValueError(f"Expected input batch_size ({x.shape[0]}) to match target batch_size "
                         f"({t.shape[0]}).")
    if t.dtype not in (np.int64, np.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {said(t.dtype)}. "
                           "Class targets are class numbers: convert them with .long().")
    expected = (*x.shape[:1], *x.shape[2:]) if x.ndim > 1 else ()
    if t.shape != expected:
        raise RuntimeError(f"Expected target size {list(expected)}, got {list(t.shape)}")
    classes = x.shape[1] if x.ndim > 1 else x.shape[0]
    wrong = (t != ignore_index) & ((t < 0) | (t >= classes))
    if wrong.any():
        raise IndexError(f"Target {t[wrong].reshape(-1)[0]} is out of bounds. There are {classes} "
                         f"classes, numbered 0 to {classes - 1}.")


def check_weight(input, weight):
    """Raise RuntimeError for weights of another number than the classes, or of another dtype."""
    if weight is None:
        return
    w = weight._data
    shape = input._data.shape
    classes = shape[1 if len(shape) > 1 else 0]
    if len(shape) > 2 and w.size != classes:
        raise RuntimeError("weight tensor should be defined either for all or no classes: there "
                           f"are {classes}, and {w.size} weights")
    if len(shape) < 3 and w.shape != (classes,):
        raise RuntimeError(f"weight tensor should be defined either for all {classes} classes or "
                           f"no classes but got weight tensor of shape: {list(w.shape)}")
    if w.dtype != input._data.dtype:
        raise RuntimeError(f"expected scalar type {said(input.dtype)} but found "
                           f"{said(weight.dtype)}. Weights have the dtype of the input: convert "
                           "them with .to(input.dtype).")


def with_batch(input, target):
    """A single sample as a batch of one, and whether that was needed."""
    if input._data.ndim == 1:
        return input.unsqueeze(0), target.unsqueeze(0), True
    return input, target, False


def alone(loss):
    """The loss of a batch of one sample as that of the sample."""
    return entitle(loss.squeeze(0), "NllLossBackward0")


@composite(space="nn.functional")
def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
             reduction="mean"):
    """Mean of −input[target]: input holds log-probabilities (N, C) or (N, C, d₁, …).

    target: class numbers (N) or (N, d₁, …). Raises IndexError for a class that is not there.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    check_targets("nll_loss", input, target, ignore_index)
    check_weight(input, weight)
    input, target, single = with_batch(input, target)
    loss = nll(input, weight, target._data.copy(), ignore_index, reduction)
    return alone(loss) if single and reduction == "none" else loss


def check_reduction(reduction):
    """Raise ValueError for a reduction that is none of mean, sum, none."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")


@composite(space="nn.functional")
def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
                  reduction="mean", label_smoothing=0.0):
    """Mean of ln Σ eˣ − x[target] over the classes x of each sample: (N, C) or (N, C, d₁, …).

    target: class numbers (N) or (N, d₁, …), or probabilities in the shape of the input. Give raw
    scores, not softmax outputs. Raises IndexError for a class that is not there.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError("label_smoothing must be between 0.0 and 1.0. Got: "
                           f"{label_smoothing}")
    if target._data.dtype.kind in "fV" and target._data.shape == input._data.shape:
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target: a "
                               "probability for each class has no class to ignore.")
        return _with_probabilities(input, target, weight, reduction, label_smoothing)
    check_targets("cross_entropy", input, target, ignore_index)
    check_weight(input, weight)
    input, target, single = with_batch(input, target)
    if label_smoothing:
        loss = _smoothed(input, target, weight, ignore_index, reduction, label_smoothing)
    else:
        loss = softmax_nll(input, weight, target._data.copy(), ignore_index, reduction)
    return alone(loss) if single and reduction == "none" else loss


def _with_probabilities(input, target, weight, reduction, label_smoothing):
    dim = 0 if input._data.ndim == 1 else 1
    classes = input._data.shape[dim]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    terms = input.log_softmax(dim) * target
    if weight is not None:
        if weight._data.shape != (classes,):
            raise RuntimeError(f"cross_entropy: weight tensor should be defined either for all "
                               f"{classes} classes or no classes but got weight tensor of shape: "
                               f"{list(weight._data.shape)}")
        terms = terms * weight.reshape([-1 if i == dim else 1 for i in range(input._data.ndim)])
    loss = -terms.sum(dim)
    if reduction == "mean":
        mean = loss.sum() / max(input._data.size // classes, 1)
        return entitle(mean, "DivBackward1")
    return entitle(loss.sum(), "NegBackward0") if reduction == "sum" else loss


def _smoothed(input, target, weight, ignore_index, reduction, smoothing):
    """(1 − ε) · nll + ε · the mean over all classes."""
    logs = input.log_softmax(1)
    classes = input._data.shape[1]
    hard = nll(logs, weight, target._data.copy(), ignore_index, reduction)
    terms = -logs
    if weight is not None:
        terms = terms * weight.reshape([-1 if i == 1 else 1 for i in range(input._data.ndim)])
    kept = target != ignore_index
    soft = terms.sum(1) * kept
    if reduction == "mean":
        w = kept if weight is None else weight[target * kept] * kept
        soft = soft.sum() / w.sum()
    elif reduction == "sum":
        soft = soft.sum()
    return hard * (1 - smoothing) + soft * (smoothing / classes)


# ---- distances ------------------------------------------------------------------------------


@composite(space="nn.functional")
def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """Mean of |input − target|. Warns when the shapes differ.

    Shapes: any two that broadcast; the result is one number unless `reduction` is "none". Raises
    ValueError for another `reduction` than "mean", "sum" and "none", TypeError for a target
    that is no tensor.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    same_size("l1_loss", input, target)
    loss = (input - target).abs()
    return reduce_(loss, reduction) if weight is None else weighted(loss, weight, reduction)


reduce_ = reduce


@composite(space="nn.functional", grad="BinaryCrossEntropy")
def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None,
                         reduction="mean"):
    """Mean of −y ln x − (1 − y) ln(1 − x), logarithms cut off at −100; x must lie in [0, 1].

    Shapes: any, equal; the result is one number unless `reduction` is "none". Raises RuntimeError
    for an x outside [0, 1], ValueError for other shapes or an unknown `reduction`.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target._data.shape != input._data.shape:
        raise ValueError(f"Using a target size ({target.size()}) that is different to the input "
                         f"size ({input.size()}) is deprecated. Please ensure they have the same "
                         "size.")
    a = input._data
    if a.size and not ((a >= 0) & (a <= 1)).all():
        raise RuntimeError("all elements of input should be between 0 and 1: apply sigmoid first, "
                           "or use binary_cross_entropy_with_logits.")
    loss = bernoulli_loss(input, target)
    return reduce_(loss if weight is None else loss * weight, reduction)


@nary(tensors=("x", "y"), space="rules", grad="BinaryCrossEntropy", promotes=("x", "y"))
def bernoulli_loss(xp, x, y):
    """−y ln x − (1 − y) ln(1 − x), logarithms cut off at −100."""
    return -(y * xp.maximum(xp.log(x), -100) + (1 - y) * xp.maximum(xp.log1p(-x), -100))
bernoulli_loss.vjp(x=lambda xp, g, x, y: g * (x - y) / xp.at_least(x * (1 - x), 1e-12),
                   y=lambda xp, g, x: g * (xp.log1p(-x) - xp.log(x)))


@nary(space="rules")
def at_least(xp, x, low):
    """x, but not below `low`."""
    return xp.maximum(x, low)
at_least.vjp(x=lambda g, x, low: g * (x >= low))


@composite(space="nn.functional", grad="BinaryCrossEntropyWithLogits")
def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None,
                                     reduction="mean", pos_weight=None):
    """Mean of −y ln σ(x) − (1 − y) ln(1 − σ(x)), σ the sigmoid, computed from the scores x.

    Shapes: any, equal; the result is one number unless `reduction` is "none". Raises ValueError for
    other shapes or an unknown `reduction`.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if target._data.shape != input._data.shape:
        raise ValueError(f"Target size ({target.size()}) must be the same as input size "
                         f"({input.size()})")
    logs = softplus_of(-input)
    if pos_weight is None:
        loss = (1 - target) * input + logs
    else:
        loss = (1 - target) * input + (1 + (pos_weight - 1) * target) * logs
    return reduce_(loss if weight is None else loss * weight, reduction)


@nary(space="rules")
def softplus_of(xp, x):
    """ln(1 + eˣ) for any x, without overflow."""
    return xp.logaddexp(x, 0)
softplus_of.vjp(x=lambda xp, g, x: g * xp.sigmoid(x))


@composite(space="nn.functional", grad="SmoothL1Loss")
def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """Mean of ½ d² / β for |d| < β, |d| − ½ β beyond, d = input − target.

    Source: Girshick, Fast R-CNN (2015).
    Shapes: any two that broadcast; the result is one number unless `reduction` is "none". Warns
    when they differ. Raises RuntimeError for a negative beta, ValueError for an unknown
    `reduction`.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    same_size("smooth_l1_loss", input, target)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    d = (input - target).abs()
    if beta == 0:
        return reduce_(d, reduction)
    return reduce_(bent(d, beta), reduction)


@nary(space="rules", grad="SmoothL1Loss")
def bent(xp, x, beta):
    """½ x² / β below β, x − ½ β above."""
    return xp.where(x < beta, 0.5 * x * x / beta, x - 0.5 * beta)
bent.vjp(x=lambda xp, g, x, beta: g * xp.clamp_to(x / beta, None, 1))


@composite(space="nn.functional", grad="HuberLoss")
def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """Mean of ½ d² for |d| ≤ δ, δ · (|d| − ½ δ) beyond, d = input − target.

    Source: Huber, Robust estimation of a location parameter (1964).
    Shapes: any two that broadcast; the result is one number unless `reduction` is "none". Warns
    when they differ. Raises RuntimeError unless delta > 0, ValueError for an unknown
    `reduction`.
    """
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    same_size("huber_loss", input, target)
    loss = bent((input - target).abs(), delta) * delta
    return reduce_(loss, reduction) if weight is None else weighted(loss, weight, reduction)


@composite(space="nn.functional")
def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """Mean of target · (ln target − input): input holds log-probabilities.

    "batchmean" divides the sum by the batch size, which is the mathematical definition.
    Shapes: any two that broadcast; the result is one number unless `reduction` is "none". Raises
    ValueError for another `reduction` than "mean", "sum" and "none", or "batchmean".
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    if reduction == "mean":
        warn("reduction: 'mean' divides the total loss by both the batch size and the "
             "support size.'batchmean' divides only by the batch size, and aligns with "
             "the KL div math definition.'mean' will be changed to behave the same as "
             "'batchmean' in the next major release.")
    if log_target:
        loss = target.exp() * (target - input)
    else:
        loss = x_log_x(target) - target * input
    if reduction == "batchmean":
        return loss.sum() / input._data.shape[0] if input._data.ndim else loss.sum()
    return reduce_(loss, reduction)


@nary(space="rules")
def x_log_x(xp, x):
    """x ln x, 0 at 0, NaN below."""
    return xp.where(x == 0, 0, x * xp.log(xp.where(x == 0, 1, x)))
x_log_x.vjp(x=lambda xp, g, x: g * (xp.log(x) + 1))


# ---- likelihoods ----------------------------------------------------------------------------


@composite(space="torch nn.functional", method=False)
def poisson_nll_loss(input, target, log_input=True, full=False, size_average=None, eps=1e-08,
                     reduce=None, reduction="mean"):
    """Mean of eˣ − y x (x the logarithm of the rate), or of x − y ln(x + eps) (x the rate).

    `full` adds Stirling's y ln y − y + ½ ln(2πy) where y > 1.
    Shapes: any two that broadcast; the result is one number unless `reduction` is "none". Raises
    ValueError for another `reduction` than "mean", "sum" and "none".
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    if log_input:
        loss = input.exp() - target * input
    else:
        loss = input - target * (input + eps).log()
    if full:
        y = where(target > 1, target, 1)
        loss = loss + (y * y.log() - y + 0.5 * (2 * math.pi * y).log()) * (target > 1)
    return reduce_(loss, reduction)


@composite(space="nn.functional")
def gaussian_nll_loss(input, target, var, full=False, eps=1e-06, reduction="mean"):
    """Mean of ½ (ln v + (x − y)² / v), v = max(var, eps); `full` adds ½ ln 2π.

    var: a number, or a tensor in the shape of the input, or without its last dimension, or with
    one size 1. Raises ValueError for other shapes and for negative variances.
    """
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = input.new_full(input._data.shape, var)
    elif (var._data < 0).any():
        raise ValueError("var has negative entry/entries")
    x, v = input._data.shape, var._data.shape
    if v != x:
        if v == x[:-1]:
            var = var.unsqueeze(-1)
        elif len(v) != len(x) or sum(b for a, b in zip(x, v, strict=True) if a != b) != 1:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    floor = (var.detach().clamp_min(eps) - var.detach())
    var = var + floor                       # as in PyTorch the gradient does not notice the limit
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduce_(loss, reduction)


# ---- the same as functions of torch, the reduction a number -----------------------------------

REDUCTIONS = ("none", "mean", "sum")


@composite(name="torch.kl_div", method=False)
def kl_div_numbered(input, target, reduction=0, *, log_target=False):
    """target · (ln target − input): 0 all terms, 1 their mean, 2 their sum.

    Shapes: any two that broadcast. Raises ValueError for another `reduction`.
    """
    terms = kl_div(input, target, reduction="none", log_target=log_target)
    return reduce_(terms, REDUCTIONS[reduction])


@composite(name="torch.binary_cross_entropy_with_logits", method=False)
def binary_cross_entropy_with_logits_numbered(input, target, weight=None, pos_weight=None,
                                              reduction=0):
    """−y ln σ(x) − (1 − y) ln(1 − σ(x)): 0 all terms, 1 their mean, 2 their sum.

    Shapes: any, equal. Raises ValueError for others.
    """
    return binary_cross_entropy_with_logits(input, target, weight, pos_weight=pos_weight,
                                            reduction=REDUCTIONS[reduction])
