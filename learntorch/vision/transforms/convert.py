"""Between PIL Images, arrays and tensors, and between types of numbers."""

import sys

import numpy as np

from learntorch.core import dtypes
from learntorch.core.tensor import Tensor
from learntorch.ops.create import as_tensor, from_numpy
from learntorch.vision.pictures import is_picture, picture

I16 = "I;16" if sys.byteorder == "little" else "I;16B"
WIDE = {"I": np.int32, I16: np.int16, "F": np.float32}
# modes that an array of so many channels can have; the first is the one it gets for uint8
MODES = {2: ["LA"], 3: ["RGB", "YCbCr", "HSV"], 4: ["RGBA", "CMYK", "RGBX"]}
ONE_CHANNEL = {"uint8": "L", "int16": I16, "int32": "I", "float32": "F"}
MAXIMUM = {"uint8": 255, "int8": 127, "int16": 32767, "uint16": 65535, "int32": 2147483647,
           "int64": 9223372036854775807}


def max_value(dtype):
    """The number that means full brightness: the largest integer, or 1 for floats."""
    return MAXIMUM.get(dtype.name, 1)


def to_tensor(pic):
    """(h, w, c) in 0 … 255 → (c, h, w) in 0 … 1: a PIL Image or an array becomes a float tensor.

    Only bytes are divided by 255; an array of floats, or a picture of mode "I" or "F", keeps its
    numbers and their type. Raises TypeError for other things, ValueError for another rank.
    """
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        a = pic
    elif is_picture(pic):
        a = np.array(pic, WIDE.get(pic.mode, np.uint8))
        a = a * np.uint8(255) if pic.mode == "1" else a
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    t = from_numpy(np.array(channels_first(a), order="C", copy=True))
    return t.to(dtypes.get_default_dtype()).div_(255) if a.dtype == np.uint8 else t


def pil_to_tensor(pic):
    """(h, w, c) → (c, h, w): a PIL Image becomes a tensor with the same numbers, mostly uint8."""
    if not is_picture(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    return as_tensor(np.array(pic)).view(pic.height, pic.width, -1).permute(2, 0, 1)


def channels_first(a):
    """(h, w) or (h, w, c) → (c, h, w)."""
    return a[None] if a.ndim == 2 else a.transpose(2, 0, 1)


def to_pil_image(pic, mode=None):
    """(c, h, w) tensor or (h, w, c) array → PIL Image; floats in 0 … 1 are multiplied by 255.

    Without `mode` it follows from the channels (1: "L", 2: "LA", 3: "RGB", 4: "RGBA") and the type
    of numbers. Raises TypeError or ValueError for what no picture can be.
    """
    if isinstance(pic, Tensor):
        a = pic.numpy(force=True)
        a = a.transpose(1, 2, 0) if a.ndim == 3 else a
    elif isinstance(pic, np.ndarray):
        a = pic
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    a = a[:, :, None] if a.ndim == 2 else a
    if a.ndim != 3:
        raise ValueError(f"pic should be 2/3 dimensional. Got {a.ndim} dimensions.")
    n = a.shape[2]
    if n > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {n} channels.")
    if a.dtype.kind == "f" and mode != "F":
        a = (a * 255).astype(np.int64).astype(np.uint8)     # by way of integers: −1 becomes 255
    if n == 1:
        a, fitting = a[:, :, 0], ONE_CHANNEL.get(a.dtype.name)
        if mode is not None and mode != fitting:
            raise ValueError(f"Incorrect mode ({mode}) supplied for input type {np.dtype}. "
                             f"Should be {fitting}")
        mode = fitting
    elif mode is not None and mode not in MODES[n]:
        raise ValueError(f"Only modes {MODES[n]} are supported for {n}D inputs")
    elif mode is None and a.dtype == np.uint8:
        mode = MODES[n][0]
    if mode is None:
        raise TypeError(f"Input type {a.dtype} is not supported")
    return picture(a, mode)


def convert_image_dtype(image, dtype=dtypes.float32):
    """Numbers of another type for the same brightness: 255 of uint8 is 1.0 of float32.

    From float to integer x ↦ ⌊x · (max + 0.999)⌋, so that all levels are equally wide. Raises
    RuntimeError where a float is too coarse for the integers.
    """
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    if image.dtype == dtype:
        return image
    low, high = float(max_value(image.dtype)), float(max_value(dtype))
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        if (image.dtype.name, dtype.name) in (("float32", "int32"), ("float32", "int64"),
                                              ("float64", "int64")):
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed "
                               "safely.")
        return (image * (high + 1.0 - 1e-3)).to(dtype)
    if dtype.is_floating_point:
        return image.to(dtype) / low
    if low > high:
        return image.div(int((low + 1) // (high + 1)), rounding_mode="floor").to(dtype)
    return image.to(dtype) * int((high + 1) // (low + 1))


def normalize(tensor, mean, std, inplace=False):
    """(x − mean) / std, channel by channel. Shapes: (…, c, h, w) → the same.

    Raises TypeError for integers, ValueError for a tensor without channels or a std of 0.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}. "
                        "ToTensor or ConvertImageDtype before it gives one.")
    if tensor.ndim < 3:
        raise ValueError("Expected tensor to be a tensor image of size (..., C, H, W). "
                         f"Got tensor.size() = {tensor.size()}")
    mean = as_tensor(mean, dtype=tensor.dtype, device=tensor.device)
    std = as_tensor(std, dtype=tensor.dtype, device=tensor.device)
    if not std.all():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to "
                         "division by zero.")
    mean = mean.view(-1, 1, 1) if mean.ndim == 1 else mean
    std = std.view(-1, 1, 1) if std.ndim == 1 else std
    # in place also on a copy: three means for one channel are a mistake, not three channels
    return (tensor if inplace else tensor.clone()).sub_(mean).div_(std)
