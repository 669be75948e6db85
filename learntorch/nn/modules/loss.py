"""Losses: one number that says how wrong a prediction is.

`reduction` says what becomes of the losses of the single entries: their "mean", their "sum", or
"none": they are returned as they are.
"""

import math
import warnings

import learntorch.nn.functional as F
from learntorch.nn import _reduction
from learntorch.nn.modules.distance import PairwiseDistance
from learntorch.nn.modules.linear import Linear
from learntorch.nn.modules.module import Module

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CrossEntropyLoss",
    "GaussianNLLLoss", "HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss",
    "LinearCrossEntropyLoss", "MSELoss", "MarginRankingLoss", "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss", "MultiMarginLoss", "NLLLoss", "NLLLoss2d", "PoissonNLLLoss",
    "SmoothL1Loss", "SoftMarginLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss",
]


class _Loss(Module):
    """What the losses share."""

    def __init__(self, size_average=None, reduce=None, reduction="mean"):
        super().__init__()
        if size_average is not None or reduce is not None:
            reduction = _reduction.legacy_get_string(size_average, reduce)
        self.reduction = reduction


class _WeightedLoss(_Loss):
    """A loss with a weight for each class."""

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class L1Loss(_Loss):
    """ℓ = |x − y|, the mean absolute error. Shapes: (*), (*) → () (or (*) unreduced)."""

    def forward(self, input, target):
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(_Loss):
    """ℓ = (x − y)², the mean squared error. Shapes: (*), (*) → () (or (*) unreduced)."""

    def forward(self, input, target):
        return F.mse_loss(input, target, reduction=self.reduction)


class LinearCrossEntropyLoss(_WeightedLoss):
    """CrossEntropyLoss of the scores of a linear layer that is part of the loss: x·Wᵀ (+ b).

    out_features (d₁, …): several predictions a sample. `options` (LinearCrossEntropyOptions) saves
    the memory of the scores. Shapes: x (N, in) or (in), target (N, d₁, …) → () (or as target).
    Raises RuntimeError for class weights of another length and label_smoothing outside [0, 1].
    """

    def __init__(self, in_features, num_classes, *, out_features=(), bias=False, device=None,
                 dtype=None, reduction="mean", weight=None, ignore_index=None,
                 label_smoothing=0.0, options=None):
        if weight is not None and weight.shape != (num_classes,):
            raise RuntimeError(f"expected weight shape to be {(num_classes,)}, got "
                               f"{tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError("expected label_smoothing to be in range [0, 1], got "
                               f"{label_smoothing}")
        super().__init__(weight, reduction=reduction)
        self.num_classes = num_classes
        self.out_features = out_features
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.options = options
        self.linear = Linear(in_features, num_classes * math.prod(out_features), bias=bias,
                             device=device, dtype=dtype)

    def forward(self, input, target):
        weight, bias = self.linear.weight, self.linear.bias
        if self.out_features:
            sizes = (self.num_classes, *self.out_features)
            weight = weight.reshape(*sizes, -1)
            bias = None if bias is None else bias.reshape(sizes)
        return F.linear_cross_entropy(
            input, weight, target, linear_bias=bias, weight=self.weight, reduction=self.reduction,
            ignore_index=self.ignore_index, label_smoothing=self.label_smoothing,
            options=self.options)

    def extra_repr(self):
        return (f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
                f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
                f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
                f"label_smoothing={self.label_smoothing}, options={self.options}")


class NLLLoss(_WeightedLoss):
    """ℓ = −w_y · x[y]: x holds log-probabilities, y the right class.

    The mean is weighted: Σ ℓ / Σ w_y. Entries with y = ignore_index do not count.
    Shapes: (N, C) and (N) of integers, or (N, C, *) and (N, *), or (C) and () → () (or that of y).
    """

    def __init__(self, weight=None, size_average=None, ignore_index=-100, reduce=None,
                 reduction="mean"):
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input, target):
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index,
                          reduction=self.reduction)


class NLLLoss2d(NLLLoss):
    """Old name of NLLLoss."""

    def __init__(self, weight=None, size_average=None, ignore_index=-100, reduce=None,
                 reduction="mean"):
        warnings.warn("`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in "
                      "replacement and see https://pytorch.org/docs/main/nn.html#torch.nn.NLLLoss "
                      "for more details.", FutureWarning, stacklevel=2)
        super().__init__(weight, size_average, ignore_index, reduce, reduction)


class PoissonNLLLoss(_Loss):
    """ℓ = eˣ − y·x: −log of a Poisson probability of y, x the log of its mean.

    With log_input=False ℓ = x − y·log(x + eps). `full` adds Stirling's y·log y − y + log(2πy)/2
    for y > 1. Shapes: (*), (*) → () (or (*) unreduced).
    """

    def __init__(self, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None,
                 reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input, target):
        return F.poisson_nll_loss(log_input, target, log_input=self.log_input, full=self.full,
                                  eps=self.eps, reduction=self.reduction)


class GaussianNLLLoss(_Loss):
    """ℓ = (log v + (x − y)² / v) / 2: −log of a normal density with mean x and variance v ≥ eps.

    `full` adds log(2π)/2. Shapes: (*), (*), v (*) or with last dimension 1 → ().
    Source: Nix & Weigend 1994.
    """

    def __init__(self, *, full=False, eps=1e-6, reduction="mean"):
        super().__init__(None, None, reduction)
        self.full = full
        self.eps = eps

    def forward(self, input, target, var):
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps,
                                   reduction=self.reduction)


class KLDivLoss(_Loss):
    """ℓ = y · (log y − x): how far the distribution y is from the one with log-probabilities x.

    With log_target y is given as its logarithm too. "batchmean", the sum over the batch size, is
    the divergence; "mean" also divides by the number of classes.
    Shapes: (*), (*) → () (or (*) unreduced).
    """

    def __init__(self, size_average=None, reduce=None, reduction="mean", log_target=False):
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input, target):
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class BCELoss(_WeightedLoss):
    """ℓ = −w (y·log x + (1 − y)·log(1 − x)), the cross-entropy of two classes; x in [0, 1].

    Logarithms are kept ≥ −100. Shapes: (*), (*) → () (or (*) unreduced).
    """

    def forward(self, input, target):
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """BCELoss of sigmoid(x), computed from x itself, so that nothing overflows.

    ℓ = −w (p·y·log σ(x) + (1 − y)·log(1 − σ(x))), p = pos_weight for each class.
    Shapes: (*), (*) → () (or (*) unreduced).
    """

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean",
                 pos_weight=None):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input, target):
        return F.binary_cross_entropy_with_logits(input, target, self.weight,
                                                  pos_weight=self.pos_weight,
                                                  reduction=self.reduction)


class HingeEmbeddingLoss(_Loss):
    """ℓ = x where y = 1, max(0, margin − x) where y = −1; x is a distance.

    Shapes: (*), (*) → () (or (*) unreduced).
    """

    def __init__(self, margin=1.0, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input, target):
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """ℓ = Σ over wanted j and unwanted i of max(0, 1 − (x[j] − x[i])) / C.

    y lists the wanted classes, ended by −1. Shapes: (N, C), (N, C) or (C), (C) → () (or (N)).
    """

    def forward(self, input, target):
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """ℓ = (x − y)² / (2β) where |x − y| < β, else |x − y| − β/2.

    Shapes: (*), (*) → () (or (*) unreduced). Source: Girshick 2015, arXiv:1504.08083.
    """

    def __init__(self, size_average=None, reduce=None, reduction="mean", beta=1.0):
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input, target):
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    """ℓ = (x − y)² / 2 where |x − y| < δ, else δ (|x − y| − δ/2).

    Shapes: (*), (*) → () (or (*) unreduced). Source: Huber 1964.
    """

    def __init__(self, reduction="mean", delta=1.0):
        super().__init__(reduction=reduction)
        if not isinstance(delta, (float, int)):
            raise TypeError(f"delta must be a float or int, got: {type(delta)}")
        self.delta = delta

    def forward(self, input, target):
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SoftMarginLoss(_Loss):
    """ℓ = log(1 + e^(−y·x)), y = ±1. Shapes: (*), (*) → () (or (*) unreduced)."""

    def forward(self, input, target):
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class CrossEntropyLoss(_WeightedLoss):
    """ℓ = −w_y · log(softmax(x)[y]): x holds scores (logits), y the right class.

    It is LogSoftmax followed by NLLLoss, so x must not be softmaxed before. y may also be a
    probability for each class. `label_smoothing` ε mixes y with ε/C for every class. The mean is
    weighted: Σ ℓ / Σ w_y.

    Shapes: (N, C) and (N) of integers, or (N, C, *) and (N, *), or (C) and () → () (or that of y);
    probabilities have the shape of x. Source of smoothing: Szegedy et al. 2015, arXiv:1512.00567.
    """

    def __init__(self, weight=None, size_average=None, ignore_index=-100, reduce=None,
                 reduction="mean", label_smoothing=0.0):
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input, target):
        return F.cross_entropy(input, target, weight=self.weight, ignore_index=self.ignore_index,
                               reduction=self.reduction, label_smoothing=self.label_smoothing)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """ℓ = −(1/C) Σ_c w_c (y_c·log σ(x_c) + (1 − y_c)·log(1 − σ(x_c))).

    Shapes: (N, C), (N, C) → () (or (N) unreduced).
    """

    def forward(self, input, target):
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight,
                                             reduction=self.reduction)


class CosineEmbeddingLoss(_Loss):
    """ℓ = 1 − cos(x₁, x₂) where y = 1, max(0, cos(x₁, x₂) − margin) where y = −1.

    Shapes: (N, D), (N, D), (N) or (D), (D), () → () (or that of y).
    """

    def __init__(self, margin=0.0, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1, input2, target):
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin,
                                       reduction=self.reduction)


class MarginRankingLoss(_Loss):
    """ℓ = max(0, −y (x₁ − x₂) + margin): y = 1 wants x₁ above x₂, y = −1 below.

    Shapes: (N), (N), (N) or (), (), () → () (or (N) unreduced).
    """

    def __init__(self, margin=0.0, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1, input2, target):
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin,
                                     reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """ℓ = Σ_{i ≠ y} (w_y · max(0, margin − x[y] + x[i]))ᵖ / C, a hinge for several classes.

    Shapes: (N, C), (N) or (C), () → () (or (N) unreduced).
    """

    def __init__(self, p=1, margin=1.0, weight=None, size_average=None, reduce=None,
                 reduction="mean"):
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if weight is not None and weight.dim() != 1:
            raise ValueError("MultiMarginLoss: expected weight to be None or 1D tensor, got "
                             f"{weight.dim()}D instead")
        self.p = p
        self.margin = margin

    def forward(self, input, target):
        return F.multi_margin_loss(input, target, p=self.p, margin=self.margin,
                                   weight=self.weight, reduction=self.reduction)


class TripletMarginLoss(_Loss):
    """ℓ = max(0, d(a, p) − d(a, n) + margin): the anchor's friend must be nearer than its foe.

    d is the p-norm of the difference; `swap` uses the smaller of d(a, n) and d(p, n).
    Shapes: three of (N, D) or (D) → () (or (N) unreduced). Source: Balntas et al. 2016.
    """

    def __init__(self, margin=1.0, p=2.0, eps=1e-6, swap=False, size_average=None, reduce=None,
                 reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError("TripletMarginLoss: expected margin to be greater than 0, got "
                             f"{margin} instead")
        self.margin = margin
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor, positive, negative):
        return F.triplet_margin_loss(anchor, positive, negative, margin=self.margin, p=self.p,
                                     eps=self.eps, swap=self.swap, reduction=self.reduction)


class TripletMarginWithDistanceLoss(_Loss):
    """TripletMarginLoss with a distance of the caller's; without one the Euclidean distance.

    Shapes: three of (N, *) → () (or (N) unreduced).
    """

    def __init__(self, *, distance_function=None, margin=1.0, swap=False, reduction="mean"):
        super().__init__(None, None, reduction)
        if margin <= 0:
            raise ValueError("TripletMarginWithDistanceLoss: expected margin to be greater than "
                             f"0, got {margin} instead")
        self.distance_function = distance_function or PairwiseDistance()
        self.margin = margin
        self.swap = swap

    def forward(self, anchor, positive, negative):
        return F.triplet_margin_with_distance_loss(
            anchor, positive, negative, distance_function=self.distance_function,
            margin=self.margin, swap=self.swap, reduction=self.reduction)


class CTCLoss(_Loss):
    """ℓ = −log Σ over all alignments of the target to the input of their probabilities.

    Shapes: log-probabilities (T, N, C), targets (N, S) or all in one row, lengths (N) → ().
    Source: Graves et al. 2006.
    """

    def __init__(self, blank=0, reduction="mean", zero_infinity=False):
        super().__init__(reduction=reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs, targets, input_lengths, target_lengths):
        return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, self.blank,
                          self.reduction, self.zero_infinity)
