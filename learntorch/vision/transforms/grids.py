"""Turning, shearing and bending of images: each new pixel is looked up where it was before.

A matrix (a b c; d e f) leads from the new place (x, y) to the old one (ax + by + c, dx + ey + f),
counted from the centre of the image, in pixels, y downwards.
"""

import math

import numpy as np

from learntorch.core.dtypes import float32, float64
from learntorch.ops.create import linspace, ones, tensor
from learntorch.ops.grid import grid_sample
from learntorch.ops.shape import cat, meshgrid, stack
from learntorch.vision.transforms.on_tensors import enter, leave


def inverse_affine_matrix(center, angle, translate, scale, shear):
    """The six numbers that undo: shear, turn by `angle` about `center`, scale, then shift.

    Forward, T being a shift, C that to the centre: M = T · C · R(angle) · S(shear) · scale · C⁻¹,
    where S = (1, −tan sx; −tan sy, 1 + tan sx tan sy). Angles in degrees, clockwise on the screen.
    """
    turn, sx, sy = (math.radians(a) for a in (angle, *shear))
    (cx, cy), (tx, ty) = center, translate
    a = math.cos(turn - sy) / math.cos(sy)
    c = math.sin(turn - sy) / math.cos(sy)
    b = -a * math.tan(sx) - math.sin(turn)
    d = -c * math.tan(sx) + math.cos(turn)
    # the inverse of (a b; c d), whose determinant is 1 before scaling
    m = [x / scale for x in (d, -b, -c, a)]
    return [m[0], m[1], cx - m[0] * (cx + tx) - m[1] * (cy + ty),
            m[2], m[3], cy - m[2] * (cx + tx) - m[3] * (cy + ty)]


def perspective_coefficients(startpoints, endpoints):
    """The numbers (a … h) with (ax + by + c, dx + ey + f) / (gx + hy + 1) leading each end point
    to its start point. Four corners give eight linear equations. Raises ValueError."""
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError("Please provide exactly four corners, got "
                         f"{len(startpoints)} startpoints and {len(endpoints)} endpoints.")
    rows = []
    for (x, y), (u, v) in zip(endpoints, startpoints):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    known = np.array(startpoints, np.float64).reshape(8)
    solution = np.linalg.lstsq(np.array(rows, np.float64), known, rcond=None)[0]
    return solution.astype(np.float32).tolist()


def precision(img):
    """The dtype of places: float32, or float64 for such an image. Half would miss whole pixels."""
    return float64 if img.dtype == float64 else float32


def axes(ow, oh, x0, y0, dtype):
    """x of the columns (1, ow) and y of the rows (oh, 1), from x0 and y0 on, one apart."""
    return (linspace(x0, x0 + ow - 1, ow, dtype=dtype)[None, :],
            linspace(y0, y0 + oh - 1, oh, dtype=dtype)[:, None])


def affine(img, matrix, mode, fill, size=None):
    """The image under an affine map; `size` (ow, oh) of the result defaults to the image's."""
    h, w = img.shape[-2:]
    ow, oh = size or (w, h)
    dtype = precision(img)
    x, y = axes(ow, oh, 0.5 - ow * 0.5, 0.5 - oh * 0.5, dtype)
    rows = tensor(matrix, dtype=dtype).view(2, 3) / tensor([[0.5 * w], [0.5 * h]], dtype=dtype)
    grid = stack([a * x + b * y + c for a, b, c in rows], dim=-1)
    return sampled(img, grid.unsqueeze(0), mode, fill)


def turned_size(matrix, w, h):
    """(ow, oh) of the smallest image that shows all of a turned image of w × h pixels."""
    corners = np.array([[x * w / 2, y * h / 2, 1] for x in (-1, 1) for y in (-1, 1)], np.float32)
    points = corners @ np.array(matrix, np.float32).reshape(2, 3).T
    half = np.array([w * 0.5, h * 0.5], np.float32)
    tolerance = np.float32(1e-4)        # a corner at 5.00001 does not ask for a sixth pixel
    most = np.ceil(np.trunc((points.max(0) + half) / tolerance) * tolerance)
    least = np.floor(np.trunc((points.min(0) + half) / tolerance) * tolerance)
    return tuple(int(n) for n in most - least)


def rotate(img, matrix, mode, expand, fill):
    """The image turned about a point; with `expand` it grows so that nothing is lost."""
    h, w = img.shape[-2:]
    return affine(img, matrix, mode, fill, turned_size(matrix, w, h) if expand else None)


def perspective(img, coefficients, mode, fill):
    """The image as if seen from another side."""
    h, w = img.shape[-2:]
    dtype = precision(img)
    x, y = axes(w, h, 0.5, 0.5, dtype)
    rows = tensor([*coefficients, 1.0], dtype=dtype).view(3, 3)
    rows[:2] /= tensor([[0.5 * w], [0.5 * h]], dtype=dtype)
    u, v, depth = [a * x + b * y + c for a, b, c in rows]
    return sampled(img, stack((u / depth - 1.0, v / depth - 1.0), dim=-1).unsqueeze(0), mode, fill)


def elastic(img, displacement, mode, fill):
    """Each pixel fetched from its own place plus `displacement`, in units of half an image."""
    h, w = img.shape[-2:]
    y, x = meshgrid(linspace((1 - h) / h, (h - 1) / h, h), linspace((1 - w) / w, (w - 1) / w, w),
                    indexing="ij")
    return sampled(img, stack((x, y), dim=-1).unsqueeze(0) + displacement, mode, fill)


def must_fit(img, mode, fill):
    """Raises ValueError for an interpolation or a colour that the tensor cannot have."""
    n = 1 if img.ndim == 2 else img.shape[-3]
    if isinstance(fill, (tuple, list)) and len(fill) not in (1, n):
        raise ValueError("The number of elements in 'fill' cannot broadcast to match the number of "
                         f"channels of the image ({len(fill)} != {n})")
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"Interpolation mode '{mode}' is unsupported with Tensor input")


def sampled(img, grid, mode, fill):
    """The image at the places of `grid` (1, oh, ow, 2), −1 … 1 from edge to edge; `fill` outside.

    A channel of ones that is sampled along tells how much of each new pixel lies inside.
    """
    must_fit(img, mode, fill)
    x = enter(img, grid.dtype)
    n, _, h, w = x.shape
    if fill is not None:
        x = cat((x, ones(n, 1, h, w, dtype=x.dtype)), dim=1)
    out = grid_sample(x, grid.expand(n, *grid.shape[1:]), mode=mode, padding_mode="zeros",
                      align_corners=False)
    if fill is None:
        return leave(out, img)
    out, inside = out[:, :-1], out[:, -1:]
    if mode == "nearest":
        inside = (inside >= 0.5).to(x.dtype)
    colour = tensor(fill if isinstance(fill, (tuple, list)) else [fill], dtype=x.dtype)
    return leave(out * inside + (1.0 - inside) * colour.view(1, -1, 1, 1), img)
