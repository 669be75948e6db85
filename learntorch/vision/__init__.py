"""Pictures: datasets, transforms, models, grids of images and reading them from files.

What learners import from torchvision, under the same names. Pillow reads, writes and changes
pictures; it is asked for only when a picture is met (`pip install learntorch[vision]`).
"""

import importlib

from learntorch.version import __version__
from learntorch.vision import datasets, io, ops, transforms, tv_tensors, utils

__all__ = ["datasets", "get_image_backend", "io", "models", "ops", "set_image_backend",
           "transforms", "tv_tensors", "utils"]


def set_image_backend(backend):
    """Choose the library that opens pictures. There is one: "PIL". Raises ValueError for others."""
    if backend != "PIL":
        raise ValueError(f"Invalid backend '{backend}'. Options are 'PIL' and 'accimage'"
                         "; only 'PIL' is at hand here")


def get_image_backend():
    """The library that opens pictures: "PIL"."""
    return "PIL"


def __getattr__(name):
    if name[0] != "_":      # models and the like are loaded when they are first named
        try:
            return importlib.import_module(f"learntorch.vision.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"learntorch.vision.{name}":
                raise
    raise AttributeError(f"module 'torchvision' has no attribute '{name}'")
