"""The functions of `transforms.functional` on boxes: where a box is after its image has changed.

Boxes become corners (x1, y1, x2, y2), are moved, cut at the edges of the image, and get their
format back. A turned box is the smallest upright one around it.
"""

import numpy as np

from learntorch.core.tensor import Tensor
from learntorch.ops.create import tensor
from learntorch.ops.shape import cat, stack
from learntorch.vision.ops.boxes import corners
from learntorch.vision.transforms import grids
from learntorch.vision.tv_tensors import BoundingBoxFormat, is_rotated_bounding_format, named, wrap


def converted(t, old, new):
    """Plain boxes (n, 4) in another format; whole numbers stay whole, rounded down."""
    if old == new:
        return t
    if is_rotated_bounding_format(old) or is_rotated_bounding_format(new):
        raise ValueError("Cannot convert between rotated and unrotated bounding boxes: boxes do "
                         "not turn here")
    low, high = corners(t, old.value.lower())
    low, high = low.to(t.dtype), high.to(t.dtype)
    if new == BoundingBoxFormat.XYXY:
        return cat([low, high], -1)
    if new == BoundingBoxFormat.XYWH:
        return cat([low, high - low], -1)
    middle = (low + high) / 2
    middle = middle if t.is_floating_point() else middle.floor().to(t.dtype)
    return cat([middle, high - low], -1)


def plain(boxes):
    """The corners of boxes as a plain tensor of floats (n, 4)."""
    t = named(Tensor, boxes)
    t = t if t.is_floating_point() else t.float()
    return converted(t, boxes.format, BoundingBoxFormat.XYXY)


def clamped(t, canvas, mode):
    """Corners inside an image of (height, width); as they are for mode None."""
    if mode is None:
        return t
    x, y = t[..., 0::2].clamp(0, canvas[1]), t[..., 1::2].clamp(0, canvas[0])
    return stack([x, y], -1).reshape(t.shape)


def as_before(t, boxes, canvas=None, cut=True):
    """Corners in the format and type of `boxes`, in an image of size `canvas`."""
    canvas = boxes.canvas_size if canvas is None else tuple(canvas)
    t = clamped(t, canvas, boxes.clamping_mode) if cut else t
    t = converted(t, BoundingBoxFormat.XYXY, boxes.format).to(boxes.dtype)
    return wrap(t, like=boxes, canvas_size=canvas)


# ---- cutting -------------------------------------------------------------------------------------

def hflip(boxes):
    """x ← width − x: left and right edges change places."""
    x1, y1, x2, y2 = plain(boxes).unbind(-1)
    w = boxes.canvas_size[1]
    return as_before(stack([w - x2, y1, w - x1, y2], -1), boxes, cut=False)


def vflip(boxes):
    """y ← height − y: upper and lower edges change places."""
    x1, y1, x2, y2 = plain(boxes).unbind(-1)
    h = boxes.canvas_size[0]
    return as_before(stack([x1, h - y2, x2, h - y1], -1), boxes, cut=False)


def moved(boxes, left, top):
    """Corners after the origin has moved to (left, top)."""
    t = plain(boxes)
    return t - tensor([left, top, left, top], dtype=t.dtype)


def crop(boxes, top, left, height, width):
    """What the rectangle shows of the boxes."""
    return as_before(moved(boxes, left, top), boxes, (height, width))


def pad(boxes, sides, fill, padding_mode):
    """The boxes in the larger image. Raises ValueError where its edges repeat things."""
    if padding_mode != "constant":
        raise ValueError(f"Padding mode '{padding_mode}' is not supported with bounding boxes")
    left, top, right, bottom = sides
    h, w = boxes.canvas_size
    return as_before(moved(boxes, -left, -top), boxes, (h + top + bottom, w + left + right))


def resize(boxes, size, mode, antialias):
    """Each number times the new over the old size."""
    (h, w), (nh, nw) = boxes.canvas_size, size
    ratios = tensor([nw / w, nh / h, nw / w, nh / h])
    t = named(Tensor, boxes)
    return wrap((t * ratios).to(t.dtype), like=boxes, canvas_size=(nh, nw))


# ---- turning -------------------------------------------------------------------------------------

def around_points(boxes, move, canvas=None):
    """The upright boxes around the four corners of each box, which `move` takes elsewhere.

    move: (k, 2) → (k, 2), in pixels.
    """
    if boxes.numel() == 0:
        return wrap(named(Tensor, boxes), like=boxes, canvas_size=canvas or boxes.canvas_size)
    points = plain(boxes)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]
    points = move(points.reshape(-1, 2)).reshape(-1, 4, 2)
    return as_before(cat([points.amin(1), points.amax(1)], 1), boxes, canvas)


def forward_matrix(boxes, angle, translate, scale, shear, center):
    """The map (2, 3) that takes points of the old image to the new one."""
    h, w = boxes.canvas_size
    center = [w * 0.5, h * 0.5] if center is None else center
    inverse = grids.inverse_affine_matrix(center, angle, translate, scale, shear)
    return np.linalg.inv(np.vstack([np.reshape(inverse, (2, 3)), [0, 0, 1]]))[:2]


def linear(matrix):
    """The function (k, 2) → (k, 2) of a map (2, 3)."""
    def move(points):
        m = tensor(matrix.tolist(), dtype=points.dtype)
        return points @ m[:, :2].T + m[:, 2]
    return move


def affine(boxes, angle, translate, scale, shear, center):
    """As the image: sheared, turned clockwise, scaled, shifted."""
    return around_points(boxes, linear(forward_matrix(boxes, angle, translate, scale, shear,
                                                      center)))


def rotate(boxes, angle, expand, center):
    """As the image: turned against the clock; with `expand` in the larger image."""
    matrix = forward_matrix(boxes, -angle, (0, 0), 1.0, (0.0, 0.0), center)
    if not expand:
        return around_points(boxes, linear(matrix))
    h, w = boxes.canvas_size
    edges = matrix @ np.array([[0, 0, 1], [0, h, 1], [w, h, 1], [w, 0, 1]], float).T
    matrix[:, 2] -= edges.min(1)
    inverse = grids.inverse_affine_matrix([0, 0], -angle, (0, 0), 1.0, (0.0, 0.0))
    ow, oh = grids.turned_size(inverse, w, h)
    return around_points(boxes, linear(matrix), (oh, ow))


def perspective(boxes, coefficients):
    """As the image, seen from another side."""
    back = np.append(coefficients, 1.0).reshape(3, 3)
    there = np.linalg.inv(back)

    def move(points):
        m = tensor(there.tolist(), dtype=points.dtype)
        p = points @ m[:, :2].T + m[:, 2]
        return p[:, :2] / p[:, 2:]
    return around_points(boxes, move)


def elastic(boxes, displacement):
    """As the image, whose points fetch theirs from `displacement` away: moved the other way."""
    h, w = boxes.canvas_size

    def move(points):
        x, y = (p.ceil().long().clamp(0, n - 1) for p, n in zip(points.unbind(-1), (w, h)))
        size = tensor([w, h], dtype=points.dtype)
        place = stack([x, y], -1).to(points.dtype)
        return place - displacement[0, y, x].to(points.dtype) * 0.5 * size
    return around_points(boxes, move)


# ---- formats and choice --------------------------------------------------------------------------

def valid(t, canvas, min_size, min_area):
    """Which corners (n, 4) are boxes inside the image, and not smaller than asked for."""
    w, h = t[:, 2] - t[:, 0], t[:, 3] - t[:, 1]
    inside = (t >= 0).all(-1) & (t[:, 0::2] <= canvas[1]).all(-1) & (
        t[:, 1::2] <= canvas[0]).all(-1)
    return inside & (w >= min_size) & (h >= min_size) & (w * h >= min_area)
