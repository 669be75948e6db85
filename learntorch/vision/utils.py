"""Pictures made of tensors: grids of images, boxes, masks and points drawn into them, files."""

import math
import warnings

from learntorch.core.ambient import no_grad
from learntorch.core.dtypes import uint8
from learntorch.core.tensor import Tensor
from learntorch.ops.create import tensor as tensor_of
from learntorch.ops.shape import cat, stack
from learntorch.vision.pictures import picture, pillow
from learntorch.vision.transforms.convert import (
    convert_image_dtype,
    pil_to_tensor,
    to_pil_image,
)

__all__ = ["draw_bounding_boxes", "draw_keypoints", "draw_segmentation_masks", "make_grid",
           "save_image"]

# Steps through the colour cube that keep neighbouring numbers far apart.
PALETTE = (2 ** 25 - 1, 2 ** 15 - 1, 2 ** 21 - 1)


def batch_of_colour(tensor):
    """(h, w), (c, h, w), (n, c, h, w) or a list of images → (n, c, h, w), grey ones three times."""
    if isinstance(tensor, list):
        for t in tensor:
            if not isinstance(t, Tensor):
                raise TypeError("tensor or list of tensors expected, got a list containing "
                                f"{type(t)}")
        tensor = stack(tensor)
    elif not isinstance(tensor, Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    while tensor.ndim < 4:
        tensor = tensor.unsqueeze(0)
    return cat((tensor,) * 3, 1) if tensor.size(1) == 1 else tensor


def to_unit(t, value_range):
    """(x − low) / (high − low), x kept between low and high; by default those of the tensor."""
    low, high = value_range or (float(t.min()), float(t.max()))
    return (t.clamp(low, high) - low) / max(high - low, 1e-5)


@no_grad()
def make_grid(tensor, nrow=8, padding=2, normalize=False, value_range=None, scale_each=False,
              pad_value=0.0):
    """Images (n, c, h, w) side by side in one: (c, rows · (h + padding) + padding, …).

    `nrow` images in a row. `normalize` stretches `value_range`, or what there is, to 0 … 1, with
    `scale_each` for each image by itself. A single image is returned as it is. Raises TypeError.
    """
    images = batch_of_colour(tensor)
    if normalize is True:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError("value_range has to be a tuple (min, max) if specified. min and max "
                            "are numbers")
        images = stack([to_unit(t, value_range) for t in images]) if scale_each is True else \
            to_unit(images, value_range)
    n, c, h, w = images.shape
    if n == 1:
        return images.squeeze(0)
    across = min(nrow, n)
    down = math.ceil(n / across)
    h, w = h + padding, w + padding
    grid = images.new_full((c, h * down + padding, w * across + padding), pad_value)
    for k in range(n):
        top, left = k // across * h + padding, k % across * w + padding
        grid[:, top:top + h - padding, left:left + w - padding] = images[k]
    return grid


@no_grad()
def save_image(tensor, fp, format=None, **kwargs):
    """Write an image, or the grid of several (`kwargs`: see `make_grid`), into a file.

    Numbers from 0 to 1. The file's kind follows from its name or from `format`.
    """
    grid = make_grid(tensor, **kwargs)
    a = (grid * 255 + 0.5).clamp(0, 255).permute(1, 2, 0).to("cpu", uint8).numpy()
    picture(a).save(fp, format=format)


def must_be_image(image, channels, words, name="The image must be a tensor"):
    """Raises TypeError or ValueError unless it is one image of bytes or floats."""
    if not isinstance(image, Tensor):
        raise TypeError(f"{name}, got {type(image)}")
    if not (image.dtype == uint8 or image.is_floating_point()):
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.ndim != 3:
        raise ValueError("Pass individual images, not batches")
    if image.size(0) not in channels:
        raise ValueError(words)


def colours(given, n):
    """n colours (r, g, b) in 0 … 255 from None, a name, a triple, or a list of those."""
    if given is None:
        given = [tuple(i * step % 255 for step in PALETTE) for i in range(n)]
    elif isinstance(given, list):
        if len(given) < n:
            raise ValueError("Number of colors must be equal or larger than the number of objects, "
                             f"but got {len(given)} < {n}.")
    elif not isinstance(given, (tuple, str)):
        raise ValueError(f"colors must be a tuple or a string, or a list thereof, but got {given}.")
    elif isinstance(given, tuple) and len(given) != 3:
        raise ValueError(f"If passed as tuple, colors should be an RGB triplet, but got {given}.")
    else:
        given = [given] * n
    named = pillow("ImageColor").getrgb
    return [named(c) if isinstance(c, str) else tuple(int(v) for v in c) for c in given]


def drawn(image, draw, mode=None):
    """The image after `draw(pen)`, in its own dtype; `mode` "RGBA" lets colours shine through."""
    canvas = to_pil_image(convert_image_dtype(image, uint8))
    draw(pillow("ImageDraw").Draw(canvas, mode))
    return convert_image_dtype(pil_to_tensor(canvas), image.dtype)


@no_grad()
def draw_bounding_boxes(image, boxes, labels=None, colors=None, fill=False, width=1, font=None,
                        font_size=None, label_colors=None, label_background_colors=None,
                        fill_labels=False):
    """A copy of the image (3, h, w) with rectangles (n, 4): xmin, ymin, xmax, ymax, in pixels.

    `labels`: texts, `font`: a TrueType file for them. `fill` tints the inside. Raises TypeError or
    ValueError; warns where there is no box.
    """
    must_be_image(image, (1, 3), "Only grayscale and RGB images are supported", "Tensor expected")
    if (boxes[:, 0] > boxes[:, 2]).any() or (boxes[:, 1] > boxes[:, 3]).any():
        raise ValueError("Boxes need to be in (xmin, ymin, xmax, ymax) format. Use "
                         "torchvision.ops.box_convert to convert them")
    n = boxes.shape[0]
    if n == 0:
        warnings.warn("boxes doesn't contain any box. No box was drawn", stacklevel=3)
        return image
    labels = [None] * n if labels is None else labels
    if len(labels) != n:
        raise ValueError(f"Number of boxes ({n}) and labels ({len(labels)}) mismatch. Please "
                         "specify labels for each box.")
    edges = colours(colors, n)
    inks, grounds = edges, edges
    if label_colors or fill_labels:
        inks = colours(label_colors or "black", n)
    if fill_labels and label_background_colors:
        grounds = colours(label_background_colors, n)
    letters = lettering(font, font_size)
    margin = width + 1

    def draw(pen):
        for (x0, y0, x1, y1), edge, label, ink, ground in zip(boxes.long().tolist(), edges, labels,
                                                              inks, grounds):
            pen.rectangle([x0, y0, x1, y1], width=width, outline=edge,
                          fill=edge + (100,) if fill else None)
            if label is None:
                continue
            place = (x0 + margin, y0 + margin)
            if fill_labels:
                left, top, right, bottom = pen.textbbox(place, label, font=letters)
                pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=ground)
            pen.text(place, label, fill=ink, font=letters)

    return drawn(cat((image,) * 3) if image.size(0) == 1 else image, draw, "RGBA" if fill else None)


def lettering(font, size):
    """Pillow's own letters, or those of a TrueType file."""
    if font is not None:
        return pillow("ImageFont").truetype(font=font, size=size or 10)
    if size is not None:
        warnings.warn("Argument 'font_size' will be ignored since 'font' is not set.", stacklevel=4)
    return pillow("ImageFont").load_default()


@no_grad()
def draw_segmentation_masks(image, masks, alpha=0.8, colors=None):
    """(1 − alpha) · image + alpha · colour inside the masks: bool (n, h, w) or (h, w).

    Where masks overlap the colour is black. Raises TypeError or ValueError; warns for no mask.
    """
    must_be_image(image, (3,), "Pass an RGB image. Other Image formats are not supported")
    masks = masks[None] if masks.ndim == 2 else masks
    if masks.ndim != 3:
        raise ValueError("masks must be of shape (H, W) or (batch_size, H, W)")
    if masks.dtype.name != "bool":
        raise ValueError(f"The masks must be of dtype bool. Got {masks.dtype}")
    if masks.shape[-2:] != image.shape[-2:]:
        raise ValueError("The image and the masks must have the same height and width")
    if masks.shape[0] == 0:
        warnings.warn("masks doesn't contain any mask. No mask was drawn", stacklevel=3)
        return image
    painted = image.detach().clone()
    scale = 255 if image.is_floating_point() else 1
    for mask, colour in zip(masks, colours(colors, masks.shape[0])):
        painted[:, mask] = tensor_of([v / scale for v in colour]).to(image.dtype)[:, None]
    painted[:, masks.sum(0) > 1] = 0
    return (image * (1 - alpha) + painted * alpha).to(image.dtype)


@no_grad()
def draw_keypoints(image, keypoints, connectivity=None, colors=None, radius=2, width=3,
                   visibility=None):
    """A copy of the image (3, h, w) with points (n, k, 2) as discs, and lines between those whose
    numbers `connectivity` pairs. `visibility` (n, k) says which are shown. Raises as the others."""
    must_be_image(image, (3,), "Pass an RGB image. Other Image formats are not supported")
    if keypoints.ndim != 3:
        raise ValueError("keypoints must be of shape (num_instances, K, 2)")
    seen = keypoints.new_ones(keypoints.shape[:-1]) if visibility is None else visibility
    seen = seen.squeeze(-1) if seen.ndim == 3 else seen
    if seen.ndim != 2:
        raise ValueError(f"visibility must be of shape (num_instances, K). Got ndim={seen.ndim}")
    if seen.shape != keypoints.shape[:-1]:
        raise ValueError("keypoints and visibility must have the same dimensionality for "
                         f"num_instances and K. Got visibility.shape={seen.shape!r} and "
                         f"keypoints.shape={keypoints.shape!r}")

    def draw(pen):
        for points, shown in zip(keypoints.long().tolist(), seen.bool().tolist()):
            for (x, y), visible in zip(points, shown):
                if visible:
                    pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colors,
                                outline=None, width=0)
            for i, j in connectivity or ():
                if shown[i] and shown[j]:
                    pen.line((tuple(points[i]), tuple(points[j])), width=width)

    return drawn(image, draw)
