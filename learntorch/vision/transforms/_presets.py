"""What is done to a picture before a trained network sees it: `weights.transforms()` makes one."""

from learntorch.core import dtypes
from learntorch.core.tensor import Tensor
from learntorch.nn.modules.module import Module
from learntorch.vision.transforms import functional as F
from learntorch.vision.transforms.interpolation import InterpolationMode

__all__ = ["ImageClassification"]


class ImageClassification(Module):
    """(crop(resize(img)) / 255 − mean) / std, of a PIL Image or a tensor (…, c, h, w).

    The shorter edge becomes `resize_size`, the middle `crop_size` × `crop_size` stays. Pictures
    that a network was trained on were treated so; it understands others only if they are too.
    """

    def __init__(self, *, crop_size, resize_size=256, mean=(0.485, 0.456, 0.406),
                 std=(0.229, 0.224, 0.225), interpolation=InterpolationMode.BILINEAR,
                 antialias=True):
        super().__init__()
        self.crop_size = [crop_size]
        self.resize_size = [resize_size]
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = interpolation
        self.antialias = antialias

    def forward(self, img):
        img = F.resize(img, self.resize_size, interpolation=self.interpolation,
                       antialias=self.antialias)
        img = F.center_crop(img, self.crop_size)
        img = img if isinstance(img, Tensor) else F.pil_to_tensor(img)
        return F.normalize(F.convert_image_dtype(img, dtypes.float32), self.mean, self.std)

    def __repr__(self):
        said = [f"\n    {name}={getattr(self, name)}" for name in
                ("crop_size", "resize_size", "mean", "std", "interpolation")]
        return f"{type(self).__name__}({''.join(said)}\n)"

    def describe(self):
        """The same in words."""
        return ("Accepts ``PIL.Image``, batched ``(B, C, H, W)`` and single ``(C, H, W)`` image "
                "``torch.Tensor`` objects. The images are resized to "
                f"``resize_size={self.resize_size}`` using ``interpolation={self.interpolation}``, "
                f"followed by a central crop of ``crop_size={self.crop_size}``. Finally the values "
                "are first rescaled to ``[0.0, 1.0]`` and then normalized using "
                f"``mean={self.mean}`` and ``std={self.std}``.")
