"""Losses for finding things in pictures: how far two boxes are apart, and rare classes."""

from learntorch.core.ambient import no_grad
from learntorch.core.dtypes import float32, float64
from learntorch.nn import functional as F
from learntorch.vision.ops.boxes import around, shared, unlike_shapes

__all__ = ["complete_box_iou_loss", "distance_box_iou_loss", "generalized_box_iou_loss",
           "sigmoid_focal_loss"]


def reduced(loss, reduction):
    """The losses themselves, their mean or their sum. Raises ValueError for another word."""
    if reduction == "none":
        return loss
    if reduction == "mean":
        return loss.mean() if loss.numel() else 0.0 * loss.sum()
    if reduction == "sum":
        return loss.sum()
    raise ValueError(f"Invalid Value for arg 'reduction': '{reduction} \n Supported reduction "
                     "modes: 'none', 'mean', 'sum'")


def sigmoid_focal_loss(inputs, targets, alpha=0.25, gamma=2, reduction="none"):
    """−αₜ (1 − pₜ)^γ ln pₜ, pₜ the probability given to what is true: easy examples count little.

    inputs: logits; targets: 0 and 1, of the same shape; αₜ is α for 1 and 1 − α for 0, or left out
    for α = −1. Source: Lin et al., "Focal Loss for Dense Object Detection", 2017.
    """
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 "
                         "for ignore.")
    p = inputs.sigmoid()
    right = p * targets + (1 - p) * (1 - targets)
    loss = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    loss = loss * (1 - right) ** gamma
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return reduced(loss, reduction)


def corners_of(boxes):
    """The corners (…, 2) of boxes (…, 4) as "xyxy", in float32 at least."""
    boxes = boxes if boxes.dtype in (float32, float64) else boxes.float()
    return boxes[..., :2], boxes[..., 2:]


def overlap(low1, high1, low2, high2, eps):
    """(IoU, union) of boxes one by one; nothing is shared where a side is."""
    sides = shared(low1, high1, low2, high2)
    inter = sides[..., 0] * sides[..., 1]
    areas = [(high - low)[..., 0] * (high - low)[..., 1] for low, high in ((low1, high1),
                                                                           (low2, high2))]
    union = areas[0] + areas[1] - inter
    return inter / (union + eps), union


def generalized_box_iou_loss(boxes1, boxes2, reduction="none", eps=1e-7):
    """1 − generalized IoU of boxes (n, 4) with boxes (n, 4), one by one."""
    corners = *corners_of(boxes1), *corners_of(boxes2)
    iou, union = overlap(*corners, eps)
    sides = around(*corners)
    area = sides[..., 0] * sides[..., 1]
    return reduced(1 - (iou - (area - union) / (area + eps)), reduction)


def distance_loss(low1, high1, low2, high2, eps):
    """(1 − distance IoU, IoU), one by one."""
    iou, _ = overlap(low1, high1, low2, high2, eps)
    diagonal = (around(low1, high1, low2, high2) ** 2).sum(-1) + eps
    between = (((low1 + high1) / 2 - (low2 + high2) / 2) ** 2).sum(-1)
    return 1 - iou + between / diagonal, iou


def distance_box_iou_loss(boxes1, boxes2, reduction="none", eps=1e-7):
    """1 − distance IoU of boxes (n, 4) with boxes (n, 4), one by one."""
    loss, _ = distance_loss(*corners_of(boxes1), *corners_of(boxes2), eps)
    return reduced(loss, reduction)


def complete_box_iou_loss(boxes1, boxes2, reduction="none", eps=1e-7):
    """1 − complete IoU of boxes (n, 4) with boxes (n, 4), one by one."""
    low1, high1, low2, high2 = *corners_of(boxes1), *corners_of(boxes2)
    loss, iou = distance_loss(low1, high1, low2, high2, eps)
    v = unlike_shapes(high1 - low1, high2 - low2)
    with no_grad():
        alpha = v / (1 - iou + v + eps)
    return reduced(loss + alpha * v, reduction)
