"""The one place where Pillow is met: is this a picture, and which library makes one?"""

import sys

import numpy as np

from learntorch.core.tensor import Tensor


def pillow(part="Image"):
    """A module of Pillow, such as "Image" or "ImageOps". ImportError says how to get it."""
    import importlib
    try:
        return importlib.import_module(f"PIL.{part}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "PIL":
            raise
        raise ImportError("Pictures are handled by Pillow, which is not installed. "
                          "Get it with: pip install pillow", name="PIL") from None


def is_picture(x):
    """Whether x is a PIL Image. Nobody has one where Pillow was never imported."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(x, module.Image)


def picture(a, mode=None):
    """A PIL Image of the array `a`, (h, w) or (h, w, c), whose values are those of `mode`.

    Pillow finds out the mode from type and shape; another one is only a name for the same bytes.
    """
    image = pillow().fromarray(np.ascontiguousarray(a))
    if mode is None or image.mode == mode:
        return image
    return pillow().frombuffer(mode, image.size, np.ascontiguousarray(a), "raw", mode, 0, 1).copy()


def must_be_picture(x, name="img"):
    """Raises TypeError unless x is a PIL Image."""
    if not is_picture(x):
        raise TypeError(f"{name} should be PIL Image. Got {type(x)}")


def kind_of(x):
    """Raises TypeError unless x is a tensor or a PIL Image; True for a tensor."""
    if isinstance(x, Tensor):
        return True
    if is_picture(x):
        return False
    raise TypeError(f"Unexpected type {type(x)}")
