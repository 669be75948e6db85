"""Pictures as files and as bytes, to uint8 tensors (c, h, w) and back. Pillow does the work."""

import io
import os
from enum import Enum

import numpy as np

from learntorch.core.dtypes import uint8
from learntorch.core.tensor import Tensor
from learntorch.io.atomic import writing
from learntorch.ops.create import from_numpy
from learntorch.vision.pictures import pillow
from learntorch.vision.transforms.convert import pil_to_tensor, to_pil_image


class ImageReadMode(Enum):
    """Which channels a picture is read with; UNCHANGED: those that it has."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


MODES = {ImageReadMode.GRAY: "L", ImageReadMode.GRAY_ALPHA: "LA", ImageReadMode.RGB: "RGB",
         ImageReadMode.RGB_ALPHA: "RGBA"}


def read_file(path):
    """The bytes of a file, as a uint8 tensor (n,)."""
    with open(path, "rb") as file:
        return from_numpy(np.frombuffer(bytearray(file.read()), np.uint8))


def write_file(filename, data):
    """Write the bytes of a uint8 tensor (n,) into a file, all of them or none."""
    if not isinstance(data, Tensor) or data.dtype != uint8 or data.ndim != 1:
        raise RuntimeError("Input data should be a uint8 tensor of one dimension")
    with writing(filename) as file:
        file.write(data.numpy().tobytes())


def read_mode(mode):
    """A read mode from itself or from its name. Raises ValueError."""
    if isinstance(mode, str):
        if mode.upper() not in ImageReadMode.__members__:
            raise ValueError(f"Unknown mode '{mode}'. Known ones: "
                             f"{', '.join(ImageReadMode.__members__)}")
        return ImageReadMode[mode.upper()]
    return mode


def natural(image):
    """The mode to read a picture in if none is asked for: its own, without a palette."""
    if image.mode == "P":
        return "RGBA" if "transparency" in image.info else "RGB"
    return {"1": "L", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB",
            "HSV": "RGB"}.get(image.mode, image.mode)


def decoded(file, mode, apply_exif_orientation, what):
    """The picture in an open file as a tensor (c, h, w)."""
    mode = read_mode(mode)
    Image = pillow()
    try:
        with Image.open(file) as image:
            if apply_exif_orientation:
                image = pillow("ImageOps").exif_transpose(image)
            return pil_to_tensor(image.convert(MODES.get(mode) or natural(image))).contiguous()
    except (OSError, SyntaxError) as error:         # Pillow's own errors are of these kinds
        raise RuntimeError(f"Unsupported image file, or a damaged one: {what}: {error}") from None


def decode_image(input, mode=ImageReadMode.UNCHANGED, apply_exif_orientation=False):
    """The picture whose file is `input`, a path or a uint8 tensor (n,). Shape (c, h, w), uint8.

    Raises RuntimeError for what is no picture, FileNotFoundError for a path that is not there.
    """
    if isinstance(input, (str, os.PathLike)):
        return read_image(input, mode, apply_exif_orientation)
    if not isinstance(input, Tensor) or input.dtype != uint8 or input.ndim != 1 or not len(input):
        raise RuntimeError("Expected a non empty 1-dimensional tensor of dtype torch.uint8: the "
                           "bytes of a file")
    return decoded(io.BytesIO(input.numpy().tobytes()), mode, apply_exif_orientation,
                   f"{len(input)} bytes")


decode_png = decode_jpeg = decode_image


def read_image(path, mode=ImageReadMode.UNCHANGED, apply_exif_orientation=False):
    """The picture in the file `path`. Shape (c, h, w), uint8."""
    with open(path, "rb") as file:
        return decoded(file, mode, apply_exif_orientation, path)


def must_be_writable(input):
    """Raises RuntimeError unless it is a uint8 tensor (1 or 3, h, w)."""
    if not isinstance(input, Tensor) or input.dtype != uint8:
        raise RuntimeError("Input tensor dtype should be uint8")
    if input.ndim != 3:
        raise RuntimeError("Input data should be a 3-dimensional tensor")
    if input.size(0) not in (1, 3):
        raise RuntimeError(f"The number of channels should be 1 or 3, got: {input.size(0)}")


def encoded(input, kind, **options):
    """The bytes of a file of this kind."""
    must_be_writable(input)
    file = io.BytesIO()
    to_pil_image(input).save(file, kind, **options)
    return from_numpy(np.frombuffer(bytearray(file.getvalue()), np.uint8))


def encode_png(input, compression_level=6):
    """The image (c, h, w) as the bytes of a PNG file, a uint8 tensor (n,). Nothing is lost."""
    if not 0 <= compression_level <= 9:
        raise RuntimeError("Compression level should be between 0 and 9")
    return encoded(input, "PNG", compress_level=compression_level)


def encode_jpeg(input, quality=75):
    """The image (c, h, w) as the bytes of a JPEG file, a uint8 tensor (n,)."""
    if quality < 1 or quality > 100:
        raise ValueError("Image quality should be a positive number between 1 and 100")
    return encoded(input, "JPEG", quality=quality)


def write_png(input, filename, compression_level=6):
    """Write the image (c, h, w) as a PNG file."""
    write_file(filename, encode_png(input, compression_level))


def write_jpeg(input, filename, quality=75):
    """Write the image (c, h, w) as a JPEG file."""
    write_file(filename, encode_jpeg(input, quality))
