"""Rectangles: their areas and overlaps, the best of many, between pictures, masks and formats.

A box is four numbers: two corners (x1, y1, x2, y2), "xyxy"; a corner, width and height, "xywh"; or
the middle, width and height, "cxcywh".
"""

from math import pi

from learntorch.core.ambient import no_grad
from learntorch.core.dtypes import float32, float64, int32, int64
from learntorch.ops.arithmetic import maximum, minimum
from learntorch.ops.create import arange, zeros
from learntorch.ops.shape import cat, stack

__all__ = ["batched_nms", "box_area", "box_convert", "box_iou", "clip_boxes_to_image",
           "complete_box_iou", "distance_box_iou", "generalized_box_iou", "masks_to_boxes", "nms",
           "remove_small_boxes"]

FORMATS = ("xyxy", "xywh", "cxcywh")
ROTATED = ("xywhr", "cxcywhr", "xyxyxyxy")


def wide(t):
    """The numbers in a type in which areas do not overflow: float32 or int32 at least."""
    if t.is_floating_point():
        return t if t.dtype in (float32, float64) else t.float()
    return t if t.dtype in (int32, int64) else t.int()


def corners(boxes, fmt):
    """(…, 4) in a format → the two corners, (…, 2) each."""
    first, second = boxes[..., :2], boxes[..., 2:]
    if fmt == "xyxy":
        return first, second
    if fmt == "xywh":
        return first, first + second
    return first - 0.5 * second, first + 0.5 * second


def box_convert(boxes, in_fmt, out_fmt):
    """Boxes (…, 4) in another of the formats "xyxy", "xywh" and "cxcywh". Raises ValueError."""
    known = FORMATS + ROTATED
    if in_fmt not in known or out_fmt not in known:
        raise ValueError("Unsupported Bounding Box Conversions for given in_fmt "
                         f"{in_fmt} and out_fmt {out_fmt}")
    if in_fmt == out_fmt:
        return boxes.clone()
    if in_fmt in ROTATED or out_fmt in ROTATED:
        raise NotImplementedError("Unsupported Bounding Box Conversions for given in_fmt "
                                  f"{in_fmt} and out_fmt {out_fmt}: boxes do not turn here")
    low, high = corners(boxes, in_fmt)
    if out_fmt == "xyxy":
        return cat([low, high], -1)
    return cat([low if out_fmt == "xywh" else (low + high) / 2, high - low], -1)


def box_area(boxes, fmt="xyxy"):
    """Width · height: (…, 4) → (…). Raises ValueError for another format."""
    if fmt not in FORMATS:
        raise ValueError(f"Unsupported Bounding Box area for given format {fmt}")
    boxes = wide(boxes)
    sides = boxes[..., 2:] - boxes[..., :2] if fmt == "xyxy" else boxes[..., 2:]
    return sides[..., 0] * sides[..., 1]


def shared(low1, high1, low2, high2):
    """Width and height of what two boxes share, 0 where they do not touch: (…, 2)."""
    return wide(minimum(high1, high2) - maximum(low1, low2)).clamp(min=0)


def around(low1, high1, low2, high2):
    """Width and height of the smallest box around two: (…, 2)."""
    return wide(maximum(high1, high2) - minimum(low1, low2)).clamp(min=0)


def pairs(boxes1, boxes2, fmt="xyxy"):
    """The corners of all pairs: (…, n, 1, 2) twice and (…, 1, m, 2) twice."""
    (low1, high1), (low2, high2) = corners(boxes1, fmt), corners(boxes2, fmt)
    return (low1[..., :, None, :], high1[..., :, None, :],
            low2[..., None, :, :], high2[..., None, :, :])


def overlaps(boxes1, boxes2, fmt="xyxy"):
    """(area of the intersection, area of the union) of all pairs: (…, n, m) each."""
    sides = shared(*pairs(boxes1, boxes2, fmt))
    inter = sides[..., 0] * sides[..., 1]
    areas = box_area(boxes1, fmt)[..., :, None] + box_area(boxes2, fmt)[..., None, :]
    return inter, areas - inter


def box_iou(boxes1, boxes2, fmt="xyxy"):
    """Intersection / union of all pairs: (…, n, 4), (…, m, 4) → (…, n, m), from 0 to 1."""
    if fmt not in FORMATS:
        raise ValueError(f"Unsupported format '{fmt}'. Supported axis-aligned formats: {FORMATS}. "
                         f"Supported rotated formats: (); boxes do not turn here.")
    inter, union = overlaps(boxes1, boxes2, fmt)
    return inter / union


def generalized_box_iou(boxes1, boxes2):
    """IoU − (C − union) / C, C the area of the smallest box around both: −1 to 1, for all pairs.

    Source: Rezatofighi et al., "Generalized Intersection over Union", 2019.
    """
    inter, union = overlaps(boxes1, boxes2)
    sides = around(*pairs(boxes1, boxes2))
    area = sides[..., 0] * sides[..., 1]
    return inter / union - (area - union) / area


def distance_box_iou(boxes1, boxes2, eps=1e-7):
    """IoU − (distance of the middles)² / (diagonal of the box around both)², for all pairs.

    Source: Zheng et al., "Distance-IoU Loss", 2019.
    """
    boxes1, boxes2 = wide(boxes1), wide(boxes2)
    low1, high1, low2, high2 = pairs(boxes1, boxes2)
    diagonal = (around(low1, high1, low2, high2) ** 2).sum(-1) + eps
    between = (wide((low1 + high1) / 2 - (low2 + high2) / 2) ** 2).sum(-1)
    return box_iou(boxes1, boxes2) - between / diagonal


def complete_box_iou(boxes1, boxes2, eps=1e-7):
    """Distance IoU − α v, v = 4 / π² (atan w₁/h₁ − atan w₂/h₂)²: shapes count too. All pairs.

    α = v / (1 − IoU + v) is held fixed by gradients. Source: Zheng et al., "Distance-IoU", 2019.
    """
    boxes1, boxes2 = wide(boxes1), wide(boxes2)
    low1, high1, low2, high2 = pairs(boxes1, boxes2)
    v = unlike_shapes(high1 - low1, high2 - low2)
    with no_grad():
        alpha = v / (1 - box_iou(boxes1, boxes2) + v + eps)
    return distance_box_iou(boxes1, boxes2, eps) - alpha * v


def unlike_shapes(sides1, sides2):
    """4 / π² (atan w₁/h₁ − atan w₂/h₂)²: 0 for boxes of one shape, below 1 for all."""
    angle1, angle2 = ((s[..., 0] / s[..., 1]).atan() for s in (sides1, sides2))
    return 4 / pi ** 2 * (angle1 - angle2) ** 2


# ---- choosing --------------------------------------------------------------------------------


@no_grad()
def nms(boxes, scores, iou_threshold):
    """The places of boxes that no better box overlaps by more than the threshold, best first.

    boxes (n, 4) as "xyxy", scores (n). Greedy: the best is kept, what overlaps it is left out, then
    the best of the rest, and so on ("non-maximum suppression").
    """
    order = scores.sort(descending=True, stable=True)[1]
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[box_iou(boxes[best][None], boxes[order])[0] <= iou_threshold]
    return stack(kept) if kept else zeros(0, dtype=int64)


@no_grad()
def batched_nms(boxes, scores, idxs, iou_threshold):
    """`nms` for each class by itself: idxs (n) says which class a box is of.

    Classes are moved so far apart that boxes of two of them never overlap.
    """
    if boxes.numel() == 0:
        return zeros(0, dtype=int64)
    away = idxs.to(boxes.dtype) * (boxes.max() + 1)
    return nms(boxes + away[:, None], scores, iou_threshold)


def remove_small_boxes(boxes, min_size):
    """The places of boxes whose width and height are at least `min_size`."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return (sides >= min_size).all(-1).nonzero(as_tuple=True)[0]


def clip_boxes_to_image(boxes, size):
    """What of boxes (…, 4) lies inside a picture of `size` (height, width)."""
    height, width = size
    x, y = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)
    return stack([x, y], -1).reshape(boxes.shape)


def masks_to_boxes(masks):
    """The smallest box around each mask: (n, h, w) → float (n, 4); zeros for an empty mask."""
    if masks.numel() == 0:
        return zeros((0, 4))
    n, h, w = masks.shape
    edges = []
    for seen, length in ((masks.bool().any(1), w), (masks.bool().any(2), h)):
        places = arange(length)
        edges.append((seen.logical_not() * length + places).amin(1))
        edges.append((seen * (places + 1) - 1).amax(1))
    left, right, top, bottom = edges
    boxes = stack([left, top, right, bottom], 1).float()
    return boxes * masks.reshape(n, -1).bool().any(1)[:, None]
