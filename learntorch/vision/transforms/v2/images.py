"""The transforms of the first kind as Transforms: the same chance, on any sample with an image.

Each class is its namesake in `transforms` with `forward` replaced; what it draws is said there.
"""

from learntorch.core import dtypes
from learntorch.core.tensor import Tensor
from learntorch.ops.random import randn_like, randperm
from learntorch.vision import transforms as first
from learntorch.vision.pictures import is_picture
from learntorch.vision.transforms import functional as F
from learntorch.vision.transforms.draws import integer
from learntorch.vision.transforms.v2.transform import Transform
from learntorch.vision.tv_tensors import BoundingBoxes, Mask


def renewed(old, moves=False):
    """The class `old` as a Transform: its own `forward` is what happens to one image.

    moves: whether it changes where things are, so that masks and boxes follow.
    """
    def transform(self, image):
        return old.forward(self, image)
    transform.__doc__ = "What happens to one image."
    return type(old.__name__, (Transform, old), {
        "__doc__": old.__doc__, "__module__": __name__, "transform": transform, "_moves": moves})


class Normalize(renewed(first.Normalize)):
    """(x − mean) / std, channel by channel, of a float tensor (…, c, h, w). TypeError for PIL."""

    def __init__(self, mean, std, inplace=False):
        super().__init__(list(mean), list(std), inplace)

    def check_inputs(self, flat):
        if any(is_picture(x) for x in flat):
            raise TypeError(f"{type(self).__name__}() does not support PIL images.")


class RandomCrop(renewed(first.RandomCrop, moves=True)):
    """As `transforms.RandomCrop`, but an edge with nothing left to choose draws nothing."""

    @staticmethod
    def get_params(img, output_size):
        _, h, w = F.get_dimensions(img)
        th, tw = output_size
        if h < th or w < tw:
            raise ValueError(f"Required crop size {(th, tw)} is larger than input image size "
                             f"{(h, w)}.")
        top = integer(0, h - th + 1) if h > th else 0
        left = integer(0, w - tw + 1) if w > tw else 0
        return top, left, th, tw


class Resize(renewed(first.Resize, moves=True)):
    """As `transforms.Resize`."""

    def __init__(self, size, interpolation=F.BILINEAR, max_size=None, antialias=True):
        super().__init__(size, interpolation, max_size, antialias)
        self.size = [size] if isinstance(size, int) else size


class ConvertImageDtype(renewed(first.ConvertImageDtype)):
    """Numbers of another type for the same brightness: 255 of uint8 is 1.0 of float32."""

    def __init__(self, dtype=dtypes.float32):
        super().__init__(dtype)


class RandomErasing(renewed(first.RandomErasing)):
    """As `transforms.RandomErasing`; PIL Images pass through it unchanged."""

    def _takes_pictures(self):
        return False


class _Crops:
    """Several images from one: where masks and boxes would be is not defined."""

    def check_inputs(self, flat):
        if any(isinstance(x, BoundingBoxes | Mask) for x in flat):
            raise TypeError("BoundingBoxes'es and Mask's are not supported by "
                            f"{type(self).__name__}()")


class FiveCrop(_Crops, renewed(first.FiveCrop)):
    """As `transforms.FiveCrop`."""


class TenCrop(_Crops, renewed(first.TenCrop)):
    """As `transforms.TenCrop`."""


CenterCrop = renewed(first.CenterCrop, moves=True)
Pad = renewed(first.Pad, moves=True)
RandomHorizontalFlip = renewed(first.RandomHorizontalFlip, moves=True)
RandomVerticalFlip = renewed(first.RandomVerticalFlip, moves=True)
RandomResizedCrop = renewed(first.RandomResizedCrop, moves=True)
RandomRotation = renewed(first.RandomRotation, moves=True)
RandomAffine = renewed(first.RandomAffine, moves=True)
RandomPerspective = renewed(first.RandomPerspective, moves=True)
ElasticTransform = renewed(first.ElasticTransform, moves=True)
LinearTransformation = renewed(first.LinearTransformation)
ColorJitter = renewed(first.ColorJitter)
Grayscale = renewed(first.Grayscale)
RandomGrayscale = renewed(first.RandomGrayscale)
GaussianBlur = renewed(first.GaussianBlur)
RandomInvert = renewed(first.RandomInvert)
RandomPosterize = renewed(first.RandomPosterize)
RandomSolarize = renewed(first.RandomSolarize)
RandomAdjustSharpness = renewed(first.RandomAdjustSharpness)
RandomAutocontrast = renewed(first.RandomAutocontrast)
RandomEqualize = renewed(first.RandomEqualize)
AutoAugment = renewed(first.AutoAugment)
RandAugment = renewed(first.RandAugment)
TrivialAugmentWide = renewed(first.TrivialAugmentWide)
AugMix = renewed(first.AugMix)


class Identity(Transform):
    """x ↦ x."""

    def transform(self, image):
        return image


class RandomChannelPermutation(Transform):
    """The channels in another order. Draws: randperm(c)."""

    def transform(self, image):
        order = randperm(F.get_dimensions(image)[0])
        if isinstance(image, Tensor):
            return image[..., order, :, :]
        return F.to_pil_image(F.pil_to_tensor(image)[order], image.mode)


class RGB(Transform):
    """Three channels: grey ones three times, without transparency."""

    def transform(self, image):
        if not isinstance(image, Tensor):
            return image.convert("RGB")
        n = image.shape[-3]
        return image if n == 3 else image[..., :1, :, :].expand(*image.shape[:-3], 3,
                                                                *image.shape[-2:])


class GaussianNoise(Transform):
    """x + mean + sigma · n with n normal, of a float tensor; with `clip` kept in 0 … 1.

    Draws: randn of the image's shape. Raises ValueError for other types.
    """

    def __init__(self, mean=0.0, sigma=0.1, clip=True):
        super().__init__()
        self.mean = mean
        self.sigma = sigma
        self.clip = clip

    def transform(self, image):
        if not isinstance(image, Tensor) or not image.is_floating_point():
            kind = image.dtype if isinstance(image, Tensor) else type(image)
            raise ValueError(f"Input tensor is expected to be in float dtype, got dtype={kind}")
        if self.sigma < 0:
            raise ValueError(f"sigma shouldn't be negative. Got {self.sigma}")
        out = image + self.mean + randn_like(image) * self.sigma
        return out.clamp(0, 1) if self.clip else out

