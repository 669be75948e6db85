"""Losses that stop when the right answer is ahead by a margin."""

import numpy as np

from learntorch.core.dtypes import said
from learntorch.core.op import composite
from learntorch.core.tensor import wrap
from learntorch.ops.compare import where
from learntorch.ops.distance import pairwise_distance
from learntorch.ops.loss import check_reduction, legacy_reduction, reduce_, softplus_of


@composite(space="torch nn.functional", method=False)
def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None,
                         reduction="mean"):
    """Mean of x where the target is 1, max(0, margin − x) where it is −1; x is a distance.

    Shapes: any two that broadcast; the result is one number unless `reduction` is "none". Raises
    ValueError for another `reduction` than "mean", "sum" and "none".
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    zero = input.new_zeros(())
    apart = where(target != 1, (margin - input).clamp_min(0), zero)
    return reduce_(apart + where(target != -1, input, zero), reduction)


@composite(space="torch nn.functional", method=False)
def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None,
                          reduction="mean"):
    """Mean of 1 − cos(x₁, x₂) where the target is 1, max(0, cos(x₁, x₂) − margin) where it is −1.

    Shapes: (N, D), (N, D) and target (N); or (D), (D) and ().
    Raises RuntimeError for other shapes, ValueError for an unknown `reduction`.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    ndim = target._data.ndim
    if ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input1._data.ndim != ndim + 1 or input2._data.ndim != ndim + 1:
        raise RuntimeError(f"{ndim}D target tensor expects {ndim + 1}D input tensors, but found "
                           f"inputs with sizes {list(input1._data.shape)} and "
                           f"{list(input2._data.shape)}.")
    tiny = 1e-12
    squares = ((input1 * input1).sum(ndim) + tiny) * ((input2 * input2).sum(ndim) + tiny)
    cosine = (input1 * input2).sum(ndim) / squares.sqrt()
    zero = cosine.new_zeros(())
    loss = where(target == 1, 1 - cosine, zero)
    return reduce_(loss + where(target == -1, (cosine - margin).clamp_min(0), zero), reduction)


@composite(space="torch nn.functional", method=False)
def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None,
                        reduction="mean"):
    """Mean of max(0, −y · (x₁ − x₂) + margin): y = 1 says that x₁ should be larger, −1 x₂.

    Shapes: (N), (N) and (N), or (). The result is one number unless `reduction` is "none". Raises
    RuntimeError for different numbers of dimensions, ValueError for an unknown `reduction`.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    if not input1._data.ndim == input2._data.ndim == target._data.ndim:
        raise RuntimeError("margin_ranking_loss : All input tensors should have same dimension but "
                           f"got sizes: input1: {input1.size()}, input2: {input2.size()}, target: "
                           f"{target.size()} ")
    return reduce_((-target * (input1 - input2) + margin).clamp_min(0), reduction)


# ---- classes ---------------------------------------------------------------------------------


@composite(space="nn.functional", grad="MultiMarginLoss")
def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None,
                      reduction="mean"):
    """Mean of Σ max(0, margin − x[t] + x[j])ᵖ · weight[t] / C over the classes j other than t.

    Shapes: (N, C) and target (N), or (C) and (). Raises IndexError for a class that is not there.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight._data.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    x, rows, t = class_rows(input, target, weight)
    classes = x.shape[1]
    picked = np.arange(classes) == t[:, None]
    if t.size and not ((t >= 0) & (t < classes)).all():
        raise RuntimeError(f"target out of range: there are {classes} classes, numbered 0 to "
                           f"{classes - 1}.")
    right = (rows * wrap(picked)).sum(1, keepdim=True)
    loss = (margin - right + rows).clamp_min(0)
    if p == 2:
        loss = loss * loss
    if weight is not None:
        loss = loss * weight[wrap(t)].unsqueeze(1)
    loss = (loss * wrap(~picked)).sum(1) / classes
    return as_given(loss, input, target, reduction)


def class_rows(input, target, weight):
    """The input's array and the input as (N, C); the target's array as (N). Raises RuntimeError."""
    x, t = input._data, target._data
    classes = x.shape[-1] if x.ndim else 1
    samples = x.shape[0] if x.ndim > 1 else 1
    if x.ndim > 2 or (x.ndim == 2 and not classes) or (x.ndim < 2 and not x.size):
        raise RuntimeError("Expected non-empty vector or matrix with optional 0-dim batch size, "
                           f"but got: {list(x.shape)}")
    if t.ndim > 1 or t.size != samples:
        raise RuntimeError("multi_margin_loss: target tensor should be 1-D with size equal to the "
                           "number of input samples (batch size). Expected target size "
                           f"[{samples}], but got {list(t.shape)}. Input has shape "
                           f"{list(x.shape)}.")
    if weight is not None and weight._data.shape[0] != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got "
                           f"{list(weight._data.shape)}")
    if t.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {said(target.dtype)}: class "
                           "targets are class numbers, convert them with .long().")
    rows = input.reshape(samples, classes)
    return rows._data, rows, t.reshape(samples)


def as_given(loss, input, target, reduction):
    """One loss for each sample, reduced; without reduction in the shape of the target."""
    if reduction == "none" and input._data.ndim < 2:
        return loss.reshape(target._data.shape)
    return reduce_(loss, reduction)


@composite(space="nn.functional", grad="MultilabelMarginLoss")
def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """Mean of Σ max(0, 1 − (x[t] − x[j])) / C, t among the right classes, j among the others.

    Shapes: input and target (N, C) or (C). A target row lists class numbers up to the first −1.
    Raises RuntimeError for other shapes, targets that are no int64 and classes that are not there.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    x, t = input._data, target._data
    if x.ndim > 2 or not x.size and (x.ndim != 2 or not x.shape[1]):
        raise RuntimeError("Expected non-empty vector or matrix with optional 0-dim batch size, "
                           f"but got: {list(x.shape)}")
    if t.shape != x.shape and not t.size == x.size == 1:
        raise RuntimeError(f"inconsistent target size: {list(t.shape)} for input of size: "
                           f"{list(x.shape)}")
    classes = x.shape[-1] if x.ndim else 1
    rows = input.reshape(x.size // classes, classes)
    t = t.reshape(rows._data.shape)
    if t.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {said(target.dtype)}: class "
                           "targets are class numbers, convert them with .long().")
    if ((t < -1) | (t >= classes)).any():
        raise RuntimeError(f"argument #2 'target' is out of range: there are {classes} classes, "
                           f"numbered 0 to {classes - 1}; −1 ends the list.")
    listed = np.logical_and.accumulate(t >= 0, axis=1)
    hits = (t[..., None] == np.arange(classes)) & listed[..., None]         # (N, place, class)
    right = (rows.unsqueeze(1) * wrap(hits)).sum(2).unsqueeze(2)
    others = ~hits.any(axis=1)
    counts = wrap(listed[..., None] & others[:, None, :])
    loss = ((1 - right + rows.unsqueeze(1)).clamp_min(0) * counts).sum((1, 2)) / classes
    return reduce_(loss.reshape(x.shape[:-1]), reduction)


@composite(space="nn.functional")
def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None,
                                reduction="mean"):
    """Mean over classes and samples of −y ln σ(x) − (1 − y) ln σ(−x), σ the sigmoid.

    Shapes: input and target (N, C); weight (C). The result is one number unless `reduction` is
    "none". Raises ValueError for another `reduction` than "mean", "sum" and "none".
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    loss = target * softplus_of(-input) + (1 - target) * softplus_of(input)
    if weight is not None:
        loss = loss * weight
    return reduce_(loss.mean(-1), reduction)


@composite(space="nn.functional", grad="SoftMarginLoss")
def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """Mean of ln(1 + e^{−y x}), y = 1 or −1.

    Shapes: any two that broadcast; the result is one number unless `reduction` is "none". Raises
    ValueError for another `reduction` than "mean", "sum" and "none".
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    return reduce_(softplus_of(input * -target), reduction)


# ---- triplets --------------------------------------------------------------------------------


def far_enough(positive, negative, margin, reduction):
    """max(0, margin + positive − negative), reduced."""
    return reduce_((margin + positive - negative).clamp_min(0), reduction)


def check_triplet(margin, anchor, positive, negative):
    """Raise ValueError or RuntimeError for a margin or dimensions that make no sense."""
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    a, p, n = (t._data.ndim for t in (anchor, positive, negative))
    if not a == p == n:
        raise RuntimeError("The anchor, positive, and negative tensors are expected to have the "
                           f"same number of dimensions, but got: anchor {a}D, positive {p}D, and "
                           f"negative {n}D inputs")


@composite(space="torch nn.functional", method=False)
def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-06, swap=False,
                        size_average=None, reduce=None, reduction="mean"):
    """Mean of max(0, ‖a − p‖ − ‖a − n‖ + margin): p should be nearer to a than n is.

    `swap` takes ‖p − n‖ where it is smaller than ‖a − n‖. Source: Balntas et al., Learning local
    feature descriptors with triplets (2016).
    Shapes: (N, D) or (D), all three. The result is one number unless `reduction` is "none". Raises
    ValueError unless margin > 0, RuntimeError for different numbers of dimensions.
    """
    reduction = legacy_reduction(size_average, reduce, reduction)
    check_reduction(reduction)
    check_triplet(margin, anchor, positive, negative)
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = far.minimum(pairwise_distance(positive, negative, p, eps))
    return far_enough(near, far, margin, reduction)


@composite(space="nn.functional")
def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None,
                                      margin=1.0, swap=False, reduction="mean"):
    """Mean of max(0, d(a, p) − d(a, n) + margin) for any distance d.

    Shapes: (N, D), all three. The result is one number unless `reduction` is "none". Raises
    ValueError unless margin > 0, RuntimeError for different numbers of dimensions.
    """
    check_reduction(reduction)
    check_triplet(margin, anchor, positive, negative)
    distance = pairwise_distance if distance_function is None else distance_function
    near = distance(anchor, positive)
    far = distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return far_enough(near, far, margin, reduction)
