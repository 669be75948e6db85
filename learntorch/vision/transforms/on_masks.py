"""The functions of `transforms.functional` on masks: their numbers name things, so none is new.

Places are as for images, always by the nearest; (h, w) is taken as (1, h, w).
"""

from learntorch.core.tensor import Tensor
from learntorch.vision.transforms import grids, on_tensors
from learntorch.vision.tv_tensors import named, wrap


def on_places(function):
    """A function of tensors (…, c, h, w) as one of masks."""
    def on_mask(mask, *args):
        t = named(Tensor, mask)
        out = function(t.unsqueeze(0), *args).squeeze(0) if t.ndim == 2 else function(t, *args)
        return wrap(out, like=mask)
    on_mask.__doc__ = function.__doc__
    return on_mask


hflip = on_places(on_tensors.hflip)
vflip = on_places(on_tensors.vflip)
crop = on_places(on_tensors.crop)


def pad(mask, sides, fill, padding_mode):
    """As for images, with one number as the `fill`. Raises ValueError for several."""
    if isinstance(fill, (tuple, list)):
        raise ValueError("Non-scalar fill value is not supported")
    return on_places(on_tensors.pad)(mask, sides, fill, padding_mode)


def resize(mask, size, mode, antialias):
    """The nearest place, or the exact nearest if that is asked for."""
    mode = mode if mode == "nearest-exact" else "nearest"
    return on_places(on_tensors.resize)(mask, size, mode, False)


def affine(mask, matrix, fill):
    """The mask under an affine map."""
    return on_places(grids.affine)(mask, matrix, "nearest", fill)


def rotate(mask, matrix, expand, fill):
    """The mask turned about a point."""
    return on_places(grids.rotate)(mask, matrix, "nearest", expand, fill)


def perspective(mask, coefficients, fill):
    """The mask as if seen from another side."""
    return on_places(grids.perspective)(mask, coefficients, "nearest", fill)


def elastic(mask, displacement, fill):
    """The mask bent by a field."""
    return on_places(grids.elastic)(mask, displacement, "nearest", fill)
