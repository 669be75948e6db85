"""How new pixels are computed from old ones."""

from enum import Enum


class InterpolationMode(Enum):
    """The ways to interpolate; BOX, HAMMING and LANCZOS are for PIL Images only."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


PILLOW = {InterpolationMode.NEAREST: 0, InterpolationMode.LANCZOS: 1, InterpolationMode.BILINEAR: 2,
          InterpolationMode.BICUBIC: 3, InterpolationMode.BOX: 4, InterpolationMode.HAMMING: 5}
BY_NUMBER = {number: mode for mode, number in PILLOW.items()}
PILLOW[InterpolationMode.NEAREST_EXACT] = 0


def mode_of(interpolation):
    """An InterpolationMode, from itself or from Pillow's number for it. Raises TypeError."""
    if isinstance(interpolation, int):
        return BY_NUMBER[interpolation]
    if not isinstance(interpolation, InterpolationMode):
        raise TypeError("Argument interpolation should be a InterpolationMode or a corresponding "
                        "Pillow integer constant")
    return interpolation
