"""`transforms.v2.functional`: the functions of `transforms.functional`, and what v2 adds.

A tensor that says what it is (`tv_tensors`) comes back as one of its class. Masks and boxes are
taken wherever places change; colours they have none.
"""

import functools

from learntorch.vision.transforms import functional as first
from learntorch.vision.transforms.functional import (
    InterpolationMode,
    get_dimensions,
    get_image_num_channels,
    get_image_size,
    pil_to_tensor,
    to_grayscale,
    to_pil_image,
    to_tensor,
)
from learntorch.vision.transforms.v2.boxes import (
    clamp_bounding_boxes,
    convert_bounding_box_format,
    sanitize_bounding_boxes,
)
from learntorch.vision.transforms.v2.samples import to_dtype as any_to_dtype
from learntorch.vision.transforms.v2.samples import to_image
from learntorch.vision.transforms.v2.transform import as_it_was
from learntorch.vision.tv_tensors import BoundingBoxes, Mask

MOVING = ("affine", "center_crop", "crop", "elastic_transform", "hflip", "pad", "perspective",
          "resize", "resized_crop", "rotate", "vflip")
COLOURING = ("adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue",
             "adjust_saturation", "adjust_sharpness", "autocontrast", "convert_image_dtype",
             "equalize", "erase", "five_crop", "gaussian_blur", "invert", "normalize", "posterize",
             "rgb_to_grayscale", "solarize", "ten_crop")


def keeping(name, function, moves):
    """A function of images whose result has the class of what it was given."""
    @functools.wraps(function)
    def call(inpt, *args, **kwargs):
        if not moves and isinstance(inpt, BoundingBoxes | Mask):
            raise TypeError(f"F.{name}() supports images and videos, but got {type(inpt)} instead: "
                            "masks and boxes have no colours.")
        return as_it_was(inpt, function(inpt, *args, **kwargs))
    call.__module__ = __name__
    call.__name__ = call.__qualname__ = name
    return call


globals().update({name: keeping(name, getattr(first, name), name in MOVING)
                  for name in MOVING + COLOURING})
to_dtype = keeping("to_dtype", any_to_dtype, True)
horizontal_flip = keeping("horizontal_flip", first.hflip, True)
vertical_flip = keeping("vertical_flip", first.vflip, True)
get_num_channels = get_image_num_channels


def get_size(inpt):
    """[height, width]; of boxes, those of their image."""
    return get_dimensions(inpt)[1:]


__all__ = [
    "InterpolationMode", "clamp_bounding_boxes", "convert_bounding_box_format", "get_dimensions",
    "get_image_num_channels", "get_image_size", "get_num_channels", "get_size", "horizontal_flip",
    "pil_to_tensor", "sanitize_bounding_boxes", "to_dtype", "to_grayscale", "to_image",
    "to_pil_image", "to_tensor", "vertical_flip",
]
__all__.extend(MOVING + COLOURING)
