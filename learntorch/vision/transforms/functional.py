"""The transforms as functions without chance, on PIL Images and on tensors (…, c, h, w) alike.

PIL Images are handled by Pillow (`on_pictures`), tensors by the operations of the library
(`on_tensors`, `grids`), so on tensors they are differentiable wherever the mathematics is. Small
differences between the two are those of torchvision: Pillow rounds to bytes at every step. Masks
and boxes (`tv_tensors`) follow their image (`on_masks`, `on_boxes`) wherever it is cut or moved.
"""

import numbers
import warnings

from learntorch.core.tensor import Tensor
from learntorch.vision.pictures import is_picture, kind_of, must_be_picture
from learntorch.vision.transforms import grids, on_boxes, on_masks, on_pictures, on_tensors
from learntorch.vision.transforms.convert import (
    convert_image_dtype,
    normalize,
    pil_to_tensor,
    to_pil_image,
    to_tensor,
)
from learntorch.vision.transforms.interpolation import PILLOW, InterpolationMode, mode_of
from learntorch.vision.tv_tensors import BoundingBoxes, Mask

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue",
    "adjust_saturation", "adjust_sharpness", "affine", "autocontrast", "center_crop",
    "convert_image_dtype", "crop", "elastic_transform", "equalize", "erase", "five_crop",
    "gaussian_blur", "get_dimensions", "get_image_num_channels", "get_image_size", "hflip",
    "invert", "normalize", "pad", "perspective", "pil_to_tensor", "posterize", "resize",
    "resized_crop", "rgb_to_grayscale", "rotate", "solarize", "ten_crop", "to_grayscale",
    "to_pil_image", "to_tensor", "vflip",
]

BILINEAR, NEAREST = InterpolationMode.BILINEAR, InterpolationMode.NEAREST


def side(img):
    """The module whose functions handle this image. Raises TypeError."""
    if isinstance(img, Tensor):
        if isinstance(img, BoundingBoxes):
            return on_boxes
        if isinstance(img, Mask):
            return on_masks
        if img.ndim < 2:
            raise TypeError(f"Tensor is not a torch image. It has {img.ndim} dimensions, and an "
                            "image has two, (h, w), or more")
        return on_tensors
    must_be_picture(img)
    return on_pictures


# ---- size ----------------------------------------------------------------------------------------

def get_dimensions(img):
    """[channels, height, width]."""
    if not kind_of(img):
        return [len(img.getbands()), img.height, img.width]
    if side(img) is on_boxes:
        return [1, *img.canvas_size]
    return [1 if img.ndim == 2 else img.shape[-3], *img.shape[-2:]]


def get_image_size(img):
    """[width, height]."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img):
    """How many channels there are."""
    return get_dimensions(img)[0]


# ---- cutting -------------------------------------------------------------------------------------

def hflip(img):
    """Left and right change places: column j ← column w − 1 − j."""
    return side(img).hflip(img)


def vflip(img):
    """Top and bottom change places: row i ← row h − 1 − i."""
    return side(img).vflip(img)


def crop(img, top, left, height, width):
    """Rows from `top`, columns from `left` on; what lies outside the image is 0."""
    return side(img).crop(img, top, left, height, width)


def pair(size, message="Please provide only two dimensions (h, w) for size."):
    """(h, w) from one number, a sequence of one or of two. Raises ValueError."""
    if isinstance(size, numbers.Number):
        return (int(size), int(size))
    if len(size) == 1:
        return (size[0], size[0])
    if len(size) != 2:
        raise ValueError(message)
    return size


def center_crop(img, output_size):
    """The middle (h, w) of the image; where that is more than there is, zeros around it."""
    th, tw = pair(output_size)
    _, h, w = get_dimensions(img)
    if tw > w or th > h:
        dx, dy = max(tw - w, 0), max(th - h, 0)
        img = pad(img, [dx // 2, dy // 2, (dx + 1) // 2, (dy + 1) // 2])
        _, h, w = get_dimensions(img)
        if (th, tw) == (h, w):
            return img
    return crop(img, int(round((h - th) / 2)), int(round((w - tw) / 2)), th, tw)


def five_crop(img, size):
    """(top left, top right, bottom left, bottom right, centre), each of `size`. ValueError if the
    image is smaller."""
    th, tw = size = pair(size)
    _, h, w = get_dimensions(img)
    if tw > w or th > h:
        raise ValueError(f"Requested crop size {size} is bigger than input size {(h, w)}")
    corners = [(0, 0), (0, w - tw), (h - th, 0), (h - th, w - tw)]
    return (*(crop(img, i, j, th, tw) for i, j in corners), center_crop(img, [th, tw]))


def ten_crop(img, size, vertical_flip=False):
    """The five crops of the image, then those of the mirrored one."""
    size = pair(size)
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def pad(img, padding, fill=0, padding_mode="constant"):
    """Rows and columns added at the edges.

    `padding`: one number, (left and right, top and bottom) or (left, top, right, bottom); a
    negative one cuts. Modes: "constant" (`fill`), "edge" (the last one again), "reflect" (mirrored
    without the edge: 3 2 | 1 2 3), "symmetric" (with it: 2 1 | 1 2 3). TypeError, ValueError.
    """
    if not isinstance(padding, (int, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if fill is not None and not isinstance(fill, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    sides = [padding] if isinstance(padding, int) else list(padding)
    if len(sides) not in (1, 2, 4):
        raise ValueError("Padding must be an int or a 1, 2, or 4 element tuple, not a "
                         f"{len(sides)} element tuple")
    fill = 0 if fill is None else fill
    return side(img).pad(img, sides * (4 // len(sides)), fill, padding_mode)


# ---- resampling ----------------------------------------------------------------------------------

def resized(h, w, size, max_size=None):
    """[h, w] of the result of `resize`: one number is the shorter edge, the other one follows."""
    if len(size) == 2:
        return list(size)
    short, long = size[0], int(size[0] * max(h, w) / min(h, w))
    if max_size is not None:
        if max_size <= size[0]:
            raise ValueError(f"max_size = {max_size} must be strictly greater than the requested "
                             f"size for the smaller edge size = {size}")
        if long > max_size:
            short, long = int(max_size * short / long), max_size
    return [long, short] if w <= h else [short, long]


def resize(img, size, interpolation=BILINEAR, max_size=None, antialias=True):
    """The whole image in another size: (h, w), or one number for the shorter edge.

    `max_size` bounds the longer edge. `antialias` matters for tensors only; Pillow always does it.
    """
    interpolation = mode_of(interpolation)
    size = [size] if isinstance(size, int) else list(size)
    if len(size) not in (1, 2):
        raise ValueError("Size must be an int or a 1 or 2 element tuple/list, not a "
                         f"{len(size)} element tuple/list")
    if max_size is not None and len(size) != 1:
        raise ValueError("max_size should only be passed if size specifies the length of the "
                         "smaller edge, i.e. size should be an int or a sequence of length 1 in "
                         "torchscript mode.")
    _, h, w = get_dimensions(img)
    out = resized(h, w, size, max_size)
    if out == [h, w]:
        return img
    if isinstance(img, Tensor):
        return side(img).resize(img, out, interpolation.value, antialias)
    if antialias is False:
        warnings.warn("Anti-alias option is always applied for PIL Image input. Argument antialias "
                      "is ignored.", stacklevel=2)
    return on_pictures.resize(img, out, PILLOW[interpolation])


def resized_crop(img, top, left, height, width, size, interpolation=BILINEAR, antialias=True):
    """`resize` of a `crop`."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def from_middle(img, center):
    """A point in pixels from the upper left corner → from the middle; None is the middle."""
    if center is None:
        return [0.0, 0.0]
    _, h, w = get_dimensions(img)
    return [center[0] - w * 0.5, center[1] - h * 0.5]


def must_be_point(center):
    """Raises TypeError unless `center` is None or a sequence."""
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")


def rotate(img, angle, interpolation=NEAREST, expand=False, center=None, fill=None):
    """Turned by `angle` degrees, against the clock, about `center` (x, y) or the middle.

    With `expand` the result is as large as the turned image. `fill` is the colour outside.
    """
    interpolation = mode_of(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    must_be_point(center)
    room = side(img)
    if room is on_pictures:
        return on_pictures.rotate(img, angle, PILLOW[interpolation], expand, center, fill)
    if room is on_boxes:
        return on_boxes.rotate(img, angle, expand, center)
    matrix = grids.inverse_affine_matrix(from_middle(img, center), -angle, (0, 0), 1.0, (0.0, 0.0))
    if room is on_masks:
        return on_masks.rotate(img, matrix, expand, fill)
    return grids.rotate(img, matrix, interpolation.value, expand, fill)


def affine(img, angle, translate, scale, shear, interpolation=NEAREST, fill=None, center=None):
    """Sheared, turned clockwise by `angle` degrees, scaled, then shifted by `translate` (dx, dy).

    `shear`: degrees along x, or (along x, along y). Raises TypeError or ValueError.
    """
    interpolation = mode_of(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    if not isinstance(shear, (numbers.Number, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    shear = [shear, 0.0] if isinstance(shear, numbers.Number) else list(shear)
    shear = shear * 2 if len(shear) == 1 else shear
    if len(shear) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    must_be_point(center)
    room = side(img)
    if room is on_pictures:
        center = [img.width * 0.5, img.height * 0.5] if center is None else center
        matrix = grids.inverse_affine_matrix(center, angle, translate, scale, shear)
        return on_pictures.affine(img, matrix, PILLOW[interpolation], fill)
    if room is on_boxes:
        return on_boxes.affine(img, angle, translate, scale, shear, center)
    matrix = grids.inverse_affine_matrix(from_middle(img, center), angle, translate, scale, shear)
    if room is on_masks:
        return on_masks.affine(img, matrix, fill)
    return grids.affine(img, matrix, interpolation.value, fill)


def perspective(img, startpoints, endpoints, interpolation=BILINEAR, fill=None):
    """The corners `startpoints` go to `endpoints`; each four points (x, y), clockwise from the
    upper left."""
    coefficients = grids.perspective_coefficients(startpoints, endpoints)
    interpolation = mode_of(interpolation)
    room = side(img)
    if room is on_pictures:
        return on_pictures.perspective(img, coefficients, PILLOW[interpolation], fill)
    if room is on_boxes:
        return on_boxes.perspective(img, coefficients)
    if room is on_masks:
        return on_masks.perspective(img, coefficients, fill)
    return grids.perspective(img, coefficients, interpolation.value, fill)


def by_tensor(img, function):
    """A function of tensors applied to either kind of image. Raises TypeError."""
    if isinstance(img, Tensor):
        side(img)
        return function(img)
    if not is_picture(img):
        raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
    return to_pil_image(function(pil_to_tensor(img)), mode=img.mode)


def elastic_transform(img, displacement, interpolation=BILINEAR, fill=None):
    """Each pixel fetched from its place plus `displacement` (1, h, w, 2), where 2 is the image."""
    interpolation = mode_of(interpolation)
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    _, h, w = get_dimensions(img)
    if tuple(displacement.shape) != (1, h, w, 2):
        raise ValueError(f"Argument displacement shape should be {(1, h, w, 2)}, but given "
                         f"{displacement.shape}")
    if side(img) is on_boxes:
        return on_boxes.elastic(img, displacement)
    if side(img) is on_masks:
        return on_masks.elastic(img, displacement, fill)
    return by_tensor(img, lambda t: grids.elastic(t, displacement, interpolation.value, fill))


def gaussian_blur(img, kernel_size, sigma=None):
    """Averaged with weights exp(−d²/2σ²) over `kernel_size` (across, down), odd numbers.

    `sigma` defaults to 0.15 · kernel_size + 0.35. Raises TypeError or ValueError.
    """
    if not isinstance(kernel_size, (int, list, tuple)):
        raise TypeError("kernel_size should be int or a sequence of integers. "
                        f"Got {type(kernel_size)}")
    size = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(size) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(size)}")
    if any(n % 2 == 0 or n < 0 for n in size):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {size}")
    if sigma is not None and not isinstance(sigma, (int, float, list, tuple)):
        raise TypeError(f"sigma should be either float or sequence of floats. Got {type(sigma)}")
    if sigma is None:
        sigma = [n * 0.15 + 0.35 for n in size]
    elif isinstance(sigma, (int, float)):
        sigma = [float(sigma)] * 2
    elif len(sigma) == 1:
        sigma = [sigma[0]] * 2
    if len(sigma) != 2:
        raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(sigma)}")
    if any(s <= 0.0 for s in sigma):
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    return by_tensor(img, lambda t: on_tensors.gaussian_blur(t, size, sigma))


# ---- colour --------------------------------------------------------------------------------------

def not_negative(name, factor):
    """Raises ValueError for a negative factor."""
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def adjust_brightness(img, brightness_factor):
    """factor · image: 0 is black, 1 the image, 2 twice as bright."""
    not_negative("brightness_factor", brightness_factor)
    return side(img).adjust_brightness(img, brightness_factor)


def adjust_contrast(img, contrast_factor):
    """factor · image + (1 − factor) · its mean grey."""
    not_negative("contrast_factor", contrast_factor)
    return side(img).adjust_contrast(img, contrast_factor)


def adjust_saturation(img, saturation_factor):
    """factor · image + (1 − factor) · the grey image."""
    not_negative("saturation_factor", saturation_factor)
    return side(img).adjust_saturation(img, saturation_factor)


def adjust_hue(img, hue_factor):
    """The colour wheel turned by `hue_factor`, −0.5 to 0.5 of a whole turn."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    return side(img).adjust_hue(img, hue_factor)


def adjust_gamma(img, gamma, gain=1):
    """x ↦ gain · x^γ on 0 … 1: γ > 1 darkens the shadows, γ < 1 lightens them."""
    room = side(img)
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    return room.adjust_gamma(img, gamma, gain)


def adjust_sharpness(img, sharpness_factor):
    """factor · image + (1 − factor) · the blurred image."""
    not_negative("sharpness_factor", sharpness_factor)
    return side(img).adjust_sharpness(img, sharpness_factor)


def to_grayscale(img, num_output_channels=1):
    """A PIL Image in grey, in one channel or the same in three. Raises TypeError for a tensor."""
    if not is_picture(img):
        raise TypeError("Input should be PIL Image")
    return on_pictures.to_grayscale(img, num_output_channels)


def rgb_to_grayscale(img, num_output_channels=1):
    """0.2989 r + 0.587 g + 0.114 b, in one channel or the same in three."""
    room = side(img)
    if room is on_pictures:
        return on_pictures.to_grayscale(img, num_output_channels)
    return on_tensors.rgb_to_grayscale(img, num_output_channels)


def invert(img):
    """The negative: max − x."""
    return side(img).invert(img)


def posterize(img, bits):
    """Only the upper `bits` bits of each byte. Raises ValueError, TypeError for other types."""
    if not 0 <= bits <= 8:
        raise ValueError(f"The number if bits should be between 0 and 8. Got {bits}")
    return side(img).posterize(img, bits)


def solarize(img, threshold):
    """The negative wherever x ≥ threshold."""
    return side(img).solarize(img, threshold)


def autocontrast(img):
    """Each channel stretched from its darkest to its brightest value."""
    return side(img).autocontrast(img)


def equalize(img):
    """Each channel through its cumulative histogram; uint8."""
    return side(img).equalize(img)


def erase(img, i, j, h, w, v, inplace=False):
    """The rectangle of rows i … i + h − 1 and columns j … j + w − 1 overwritten by `v`."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    side(img)
    return on_tensors.erase(img, i, j, h, w, v, inplace)
