"""The newer transforms: the same changes on samples of any form, and mixtures of batches.

Images are PIL Images and tensors; tensors that say what they are (`tv_tensors`) are images, masks
and boxes, which follow their image. Bytes are resized as in the first kind, rounded once at the
end: torchvision's v2 computes them in fixed-point numbers, which moves some of them by one.
"""

from learntorch.vision.transforms.autoaugment import AutoAugmentPolicy
from learntorch.vision.transforms.interpolation import InterpolationMode
from learntorch.vision.transforms.v2 import functional
from learntorch.vision.transforms.v2.boxes import (
    ClampBoundingBoxes,
    ConvertBoundingBoxFormat,
    SanitizeBoundingBoxes,
    SetClampingMode,
)
from learntorch.vision.transforms.v2.images import (
    RGB,
    AugMix,
    AutoAugment,
    CenterCrop,
    ColorJitter,
    ConvertImageDtype,
    ElasticTransform,
    FiveCrop,
    GaussianBlur,
    GaussianNoise,
    Grayscale,
    Identity,
    LinearTransformation,
    Normalize,
    Pad,
    RandAugment,
    RandomAdjustSharpness,
    RandomAffine,
    RandomAutocontrast,
    RandomChannelPermutation,
    RandomCrop,
    RandomEqualize,
    RandomErasing,
    RandomGrayscale,
    RandomHorizontalFlip,
    RandomInvert,
    RandomPerspective,
    RandomPosterize,
    RandomResizedCrop,
    RandomRotation,
    RandomSolarize,
    RandomVerticalFlip,
    Resize,
    TenCrop,
    TrivialAugmentWide,
)
from learntorch.vision.transforms.v2.samples import (
    Compose,
    CutMix,
    Lambda,
    MixUp,
    PILToTensor,
    RandomApply,
    RandomChoice,
    RandomOrder,
    ToDtype,
    ToImage,
    ToPILImage,
    ToPureTensor,
    ToTensor,
)
from learntorch.vision.transforms.v2.transform import Transform

__all__ = [name for name in globals() if name[0].isupper()] + ["functional"]
