"""Tensors that say what they are: an image, a video, a mask, boxes. `transforms.v2` reads it.

What is computed from one is a plain tensor; `clone`, `to` and `detach` keep the class, and `wrap`
gives it back. Transforms return what they were given.
"""

from enum import Enum

from learntorch.core.tensor import Tensor
from learntorch.ops.create import as_tensor
from learntorch.vision.pictures import is_picture
from learntorch.vision.transforms.convert import pil_to_tensor

__all__ = ["BoundingBoxFormat", "BoundingBoxes", "Image", "Mask", "TVTensor", "Video",
           "is_rotated_bounding_format", "wrap"]


class TVTensor(Tensor):
    """The base of these classes; it adds nothing to a tensor but the name."""

    def __new__(cls, data, *, dtype=None, device=None, requires_grad=None):
        return named(cls, made(data, dtype, device, requires_grad))

    def __init__(self, data=None, **facts):
        """`__new__` has made the tensor already."""

    @classmethod
    def wrap(cls, tensor, like, **kwargs):
        """The tensor as one of this class; `like` and `kwargs` say what belongs to it besides."""
        return named(cls, tensor)

    def _again(self, t):
        return t if isinstance(t, type(self)) else wrap(t, like=self)

    def clone(self, *args, **kwargs):
        """A copy of the same class."""
        return self._again(super().clone(*args, **kwargs))

    def to(self, *args, **kwargs):
        """Of another type or on another device, of the same class."""
        return self._again(super().to(*args, **kwargs))

    def detach(self):
        """Without history, of the same class."""
        return self._again(super().detach())

    def __deepcopy__(self, memo):
        return self.detach().clone().requires_grad_(self.requires_grad)

    def __reduce_ex__(self, proto):
        return rebuilt, (type(self), named(Tensor, Tensor.detach(self)), self._facts(),
                         self.requires_grad)

    def _facts(self):
        """What belongs to it besides the numbers, by name."""
        return {}

    def __repr__(self):
        said = "".join(f", {name}={value}" for name, value in self._facts().items()) or ", "
        numbers = Tensor.__repr__(named(Tensor, self)).partition("(")[2]
        return f"{type(self).__name__}({numbers[:-1]}{said})"


def made(data, dtype, device, requires_grad):
    """A tensor of any data; its history, and whether it wants gradients, are those of the data."""
    wants = data.requires_grad if isinstance(data, Tensor) else False
    t = as_tensor(data, dtype=dtype, device=device)
    wants = wants if requires_grad is None else requires_grad
    return t if t.requires_grad == wants else t.detach().requires_grad_(wants)


def named(cls, t):
    """The same numbers with the same history, as a tensor of class `cls`."""
    t = t.view(t.shape) if t.requires_grad else Tensor.detach(t)
    t.__class__ = cls
    return t


def rebuilt(cls, t, facts, requires_grad):
    """What a file or another process sends: undoes `__reduce_ex__`."""
    return cls(t, requires_grad=requires_grad, **facts)


class Image(TVTensor):
    """An image (…, c, h, w), from a tensor, a PIL Image or other data; (h, w) gets one channel."""

    def __new__(cls, data, *, dtype=None, device=None, requires_grad=None):
        data = pil_to_tensor(data) if is_picture(data) else data
        t = made(data, dtype, device, requires_grad)
        if t.ndim < 2:
            raise ValueError(f"Tensor is not a torch image. It has {t.ndim} dimensions, and an "
                             "image has two, (h, w), or more")
        return named(cls, t.unsqueeze(0) if t.ndim == 2 else t)


class Video(TVTensor):
    """A video (…, t, c, h, w). Raises ValueError for fewer dimensions."""

    def __new__(cls, data, *, dtype=None, device=None, requires_grad=None):
        t = made(data, dtype, device, requires_grad)
        if t.ndim < 4:
            raise ValueError(f"A video has four dimensions, (t, c, h, w), or more; not {t.ndim}")
        return named(cls, t)


class Mask(TVTensor):
    """A number for each place, (…, h, w): of which thing, or whether. It is never interpolated."""

    def __new__(cls, data, *, dtype=None, device=None, requires_grad=None):
        data = pil_to_tensor(data) if is_picture(data) else data
        return named(cls, made(data, dtype, device, requires_grad))


class BoundingBoxFormat(Enum):
    """What the four numbers of a box are: corners, or a corner or the middle and the sides.

    The last three are boxes that are turned, which transforms here do not know.
    """

    XYXY = "XYXY"
    XYWH = "XYWH"
    CXCYWH = "CXCYWH"
    XYWHR = "XYWHR"
    CXCYWHR = "CXCYWHR"
    XYXYXYXY = "XYXYXYXY"


def is_rotated_bounding_format(format):
    """Whether boxes of this format may be turned. Raises ValueError for another type."""
    if not isinstance(format, str | BoundingBoxFormat):
        raise ValueError(f"format should be str or BoundingBoxFormat, got {type(format)}")
    return format_of(format) in (BoundingBoxFormat.XYWHR, BoundingBoxFormat.CXCYWHR,
                                 BoundingBoxFormat.XYXYXYXY)


def format_of(format):
    """A format from itself or its name, in any case."""
    return BoundingBoxFormat[format.upper()] if isinstance(format, str) else format


class BoundingBoxes(TVTensor):
    """Boxes (n, 4) in an image of `canvas_size` (height, width).

    clamping_mode: whether transforms cut off what lies outside the image ("soft", "hard") or not
    (None). Raises ValueError for another shape or mode.
    """

    def __new__(cls, data, *, format, canvas_size, clamping_mode="soft", dtype=None, device=None,
                requires_grad=None):
        return cls._with(made(data, dtype, device, requires_grad), format, canvas_size,
                         clamping_mode)

    @classmethod
    def _with(cls, t, format, canvas_size, clamping_mode):
        if t.ndim not in (1, 2):
            raise ValueError(f"Expected a 1D or 2D tensor, got {t.ndim}D")
        if clamping_mode not in (None, "hard", "soft"):
            raise ValueError(f"clamping_mode must be None, hard or soft, got {clamping_mode}.")
        self = named(cls, t.unsqueeze(0) if t.ndim == 1 else t)
        self.format = format_of(format)
        self.canvas_size = canvas_size
        self.clamping_mode = clamping_mode
        return self

    @classmethod
    def wrap(cls, tensor, like, **kwargs):
        """The tensor as boxes like `like`; `kwargs` replace its format, canvas_size, …"""
        return cls._with(tensor, **like._facts() | kwargs)

    def _facts(self):
        return {"format": self.format, "canvas_size": self.canvas_size,
                "clamping_mode": self.clamping_mode}


def wrap(wrappee, *, like, **kwargs):
    """A tensor as one of the class of `like`, with all that belongs to it unless `kwargs` say."""
    return type(like).wrap(wrappee, like, **kwargs)
