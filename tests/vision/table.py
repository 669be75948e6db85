"""What transforms are compared on: each line is run here and, when frozen.npz is made, there.

A case is (name, the images it is for, function of (T, X, img) that gives the result); T stands for
`transforms` of either library, X for what `images` gives besides the image. What it draws starts
from SEEDS.
"""
import numpy as np

SEEDS = (0, 1, 2)
H, W = 18, 23


def photo():
    """A picture with slopes, edges and some noise, the same everywhere: uint8 (H, W, 3)."""
    y, x = np.mgrid[0:H, 0:W].astype(np.float64)
    noise = (np.arange(H * W * 3).reshape(H, W, 3) * 7919 % 101).astype(np.float64)
    planes = np.stack([x * 9 + 20, 230 - y * 11, 128 + 90 * np.sin(x / 3) * np.cos(y / 4)], -1)
    planes[4:9, 5:12] = (250, 10, 60)
    return np.clip(planes + noise / 4 - 12, 0, 255).astype(np.uint8)


def images(lib, kind, name=""):
    """(functional's place, image) that a case of this kind is called with, in `lib`'s tensors.

    Cases of v2 find there what else they need: a dtype, or a batch with labels.
    """
    from PIL import Image
    t = lib.from_numpy(photo().transpose(2, 0, 1).copy())
    floats = t.float() / 255
    made = {"pil": Image.fromarray(photo()), "bytes": t, "floats": floats}
    made["grey"] = made["pil"].convert("L")
    if name in ("MixUp", "CutMix"):
        return (lib.stack([floats, floats.flip(-1), floats * 0.5]), lib.tensor([0, 3, 1])), floats
    return lib.float32, made[kind]


def quantised(a):
    """What is kept of a result: bytes as they are, floats in steps of 1/8192 from −4 to 4."""
    if a.dtype.kind in "iu":
        return a
    return np.round(np.clip(a, -3.99, 3.99) * 8192).astype(np.int16)


def draws(make):
    """A case that constructs one transform and applies it."""
    return lambda T, X, img: make(T)(img)


ALL = ("pil", "bytes", "floats")
TENSORS = ("bytes", "floats")
WHOLE = ("pil", "bytes")
PIL = ("pil",)
FLOATS = ("floats",)
GREY = ("grey",)
CORNERS = ([[0, 0], [22, 0], [22, 17], [0, 17]], [[3, 2], [20, 1], [18, 14], [1, 16]])

FIXED = [
    ("to_tensor", PIL + GREY, lambda T, X, img: T.functional.to_tensor(img)),
    ("pil_to_tensor", PIL + GREY, lambda T, X, img: T.functional.pil_to_tensor(img)),
    ("to_pil_image", TENSORS, lambda T, X, img: T.functional.to_pil_image(img)),
    ("normalize", FLOATS,
     lambda T, X, img: T.functional.normalize(img, [0.4, 0.5, 0.6], [0.2, 0.3, 0.25])),
    ("hflip", ALL, lambda T, X, img: T.functional.hflip(img)),
    ("vflip", ALL, lambda T, X, img: T.functional.vflip(img)),
    ("crop outside", ALL, lambda T, X, img: T.functional.crop(img, -2, 15, 8, 20)),
    ("crop beyond", ALL, lambda T, X, img: T.functional.crop(img, 20, -3, 3, 5)),
    ("center_crop", ALL, lambda T, X, img: T.functional.center_crop(img, [7, 10])),
    ("center_crop large", ALL, lambda T, X, img: T.functional.center_crop(img, [21, 10])),
    ("five_crop", ALL, lambda T, X, img: T.functional.five_crop(img, 5)),
    ("ten_crop", ALL, lambda T, X, img: T.functional.ten_crop(img, (4, 6), vertical_flip=True)),
    ("resize down", ALL, lambda T, X, img: T.functional.resize(img, [7, 9])),
    ("resize short edge", ALL, lambda T, X, img: T.functional.resize(img, 9)),
    ("resize max_size", ALL, lambda T, X, img: T.functional.resize(img, 15, max_size=17)),
    ("resize up", ALL, lambda T, X, img: T.functional.resize(img, [25, 40])),
    ("resize nearest", ALL,
     lambda T, X, img: T.functional.resize(img, [7, 9], T.InterpolationMode.NEAREST)),
    ("resize exact", TENSORS,
     lambda T, X, img: T.functional.resize(img, [7, 9], T.InterpolationMode.NEAREST_EXACT)),
    ("resize bicubic", ALL,
     lambda T, X, img: T.functional.resize(img, [9, 9], T.InterpolationMode.BICUBIC)),
    ("resize lanczos", PIL,
     lambda T, X, img: T.functional.resize(img, [9, 9], T.InterpolationMode.LANCZOS)),
    ("resize no antialias", TENSORS,
     lambda T, X, img: T.functional.resize(img, [7, 9], antialias=False)),
    ("resized_crop", ALL, lambda T, X, img: T.functional.resized_crop(img, 2, 3, 9, 12, [6, 6])),
    *((f"pad {mode}", ALL,
       lambda T, X, img, m=mode: T.functional.pad(img, [1, 2, 3, 4], padding_mode=m))
      for mode in ("constant", "edge", "reflect", "symmetric")),
    ("pad one", ALL, lambda T, X, img: T.functional.pad(img, 2, fill=1)),
    ("pad two", ALL, lambda T, X, img: T.functional.pad(img, (1, 2), padding_mode="edge")),
    ("pad negative", ALL, lambda T, X, img: T.functional.pad(img, (-1, 2, 3, -4))),
    ("pad colour", PIL, lambda T, X, img: T.functional.pad(img, 2, fill=(1, 2, 3))),
    ("rotate", ALL, lambda T, X, img: T.functional.rotate(img, 17.0)),
    ("rotate right", ALL, lambda T, X, img: T.functional.rotate(img, 90, expand=True)),
    ("rotate expand", TENSORS,
     lambda T, X, img: T.functional.rotate(img, 33.0, expand=True, fill=[1.0])),
    ("rotate bilinear", ALL,
     lambda T, X, img: T.functional.rotate(
         img, -40.0, T.InterpolationMode.BILINEAR, fill=[5, 6, 7])),
    ("rotate center", ALL, lambda T, X, img: T.functional.rotate(img, 25, center=[2, 3])),
    ("affine", ALL, lambda T, X, img: T.functional.affine(img, 20.0, [3, -2], 1.2, [10.0, 5.0])),
    ("affine bilinear", ALL, lambda T, X, img: T.functional.affine(
        img, -15, (1, 2), 0.8, 12, T.InterpolationMode.BILINEAR, [9, 8, 7], [1, 2])),
    ("perspective", ALL, lambda T, X, img: T.functional.perspective(img, *CORNERS)),
    ("perspective nearest", ALL, lambda T, X, img: T.functional.perspective(
        img, *CORNERS, T.InterpolationMode.NEAREST, [1, 2, 3])),
    ("adjust_brightness", ALL, lambda T, X, img: T.functional.adjust_brightness(img, 1.4)),
    ("adjust_contrast", ALL, lambda T, X, img: T.functional.adjust_contrast(img, 0.6)),
    ("adjust_saturation", ALL, lambda T, X, img: T.functional.adjust_saturation(img, 1.7)),
    ("adjust_hue", ALL, lambda T, X, img: T.functional.adjust_hue(img, 0.2)),
    ("adjust_hue back", ALL, lambda T, X, img: T.functional.adjust_hue(img, -0.35)),
    ("adjust_gamma", ALL, lambda T, X, img: T.functional.adjust_gamma(img, 1.8, 0.9)),
    ("adjust_sharpness", ALL, lambda T, X, img: T.functional.adjust_sharpness(img, 1.9)),
    ("adjust_sharpness soft", ALL, lambda T, X, img: T.functional.adjust_sharpness(img, 0.2)),
    ("grayscale 1", ALL, lambda T, X, img: T.functional.rgb_to_grayscale(img)),
    ("grayscale 3", ALL, lambda T, X, img: T.functional.rgb_to_grayscale(img, 3)),
    ("invert", ALL, lambda T, X, img: T.functional.invert(img)),
    ("posterize", WHOLE, lambda T, X, img: T.functional.posterize(img, 3)),
    ("solarize", WHOLE, lambda T, X, img: T.functional.solarize(img, 120)),
    ("autocontrast", ALL, lambda T, X, img: T.functional.autocontrast(img)),
    ("equalize", WHOLE + GREY, lambda T, X, img: T.functional.equalize(img)),
    ("gaussian_blur", ALL, lambda T, X, img: T.functional.gaussian_blur(img, [5, 3], [1.5, 0.7])),
    ("gaussian_blur sigma", ALL, lambda T, X, img: T.functional.gaussian_blur(img, 3)),
]

DRAWN = [
    ("RandomCrop", ALL, draws(lambda T: T.RandomCrop((9, 7), padding=2))),
    ("RandomCrop pad_if_needed", ALL,
     draws(lambda T: T.RandomCrop(21, pad_if_needed=True, fill=3))),
    ("RandomHorizontalFlip", ALL, draws(lambda T: T.RandomHorizontalFlip())),
    ("RandomVerticalFlip", ALL, draws(lambda T: T.RandomVerticalFlip())),
    ("RandomResizedCrop", ALL, draws(lambda T: T.RandomResizedCrop(8))),
    ("RandomResizedCrop none fits", ALL,
     draws(lambda T: T.RandomResizedCrop(8, scale=(0.9, 1.0), ratio=(3.0, 4.0)))),
    ("ColorJitter", ALL, draws(lambda T: T.ColorJitter(0.4, 0.4, 0.4, 0.1))),
    ("ColorJitter part", ALL, draws(lambda T: T.ColorJitter(contrast=(0.2, 0.9), hue=0.3))),
    ("RandomRotation", ALL, draws(lambda T: T.RandomRotation(30))),
    ("RandomAffine", ALL, draws(lambda T: T.RandomAffine(
        20, translate=(0.2, 0.3), scale=(0.7, 1.3), shear=(-10, 10, -5, 5), fill=7))),
    ("RandomAffine shear", ALL, draws(lambda T: T.RandomAffine(0, shear=15))),
    ("RandomGrayscale", ALL, draws(lambda T: T.RandomGrayscale(0.5))),
    ("RandomPerspective", ALL, draws(lambda T: T.RandomPerspective(p=0.9))),
    ("RandomErasing", TENSORS, draws(lambda T: T.RandomErasing(p=0.9))),
    ("RandomErasing colours", TENSORS,
     draws(lambda T: T.RandomErasing(p=0.9, value=(1, 2, 3), scale=(0.1, 0.9)))),
    ("RandomErasing random", FLOATS, draws(lambda T: T.RandomErasing(p=1, value="random"))),
    ("GaussianBlur", ALL, draws(lambda T: T.GaussianBlur(5))),
    ("RandomInvert", ALL, draws(lambda T: T.RandomInvert())),
    ("RandomPosterize", WHOLE, draws(lambda T: T.RandomPosterize(2))),
    ("RandomSolarize", WHOLE, draws(lambda T: T.RandomSolarize(100))),
    ("RandomAdjustSharpness", ALL, draws(lambda T: T.RandomAdjustSharpness(2))),
    ("RandomAutocontrast", ALL, draws(lambda T: T.RandomAutocontrast())),
    ("RandomEqualize", WHOLE, draws(lambda T: T.RandomEqualize())),
    ("RandomApply", ALL, draws(lambda T: T.RandomApply([T.ColorJitter(0.5), T.Resize(9)], p=0.6))),
    ("ElasticTransform", ALL, draws(lambda T: T.ElasticTransform(alpha=40.0, sigma=2.0))),
    *((f"AutoAugment {policy}", WHOLE,
       draws(lambda T, p=policy: T.AutoAugment(T.AutoAugmentPolicy[p])))
      for policy in ("IMAGENET", "CIFAR10", "SVHN")),
    ("RandAugment", WHOLE, draws(lambda T: T.RandAugment(num_ops=3, magnitude=12))),
    ("TrivialAugmentWide", WHOLE, draws(lambda T: T.TrivialAugmentWide())),
    ("AugMix", WHOLE, draws(lambda T: T.AugMix())),
    ("Compose", PIL, draws(lambda T: T.Compose([
        T.RandomResizedCrop(12), T.RandomHorizontalFlip(), T.ToTensor(),
        T.Normalize([0.5] * 3, [0.5] * 3), T.RandomErasing(0.8)]))),
]

V2 = [
    ("RandomCrop", ALL, draws(lambda T: T.RandomCrop((9, 7), padding=2))),
    ("RandomHorizontalFlip", ALL, draws(lambda T: T.RandomHorizontalFlip())),
    ("RandomResizedCrop", ALL, draws(lambda T: T.RandomResizedCrop(8))),
    ("ColorJitter", ALL, draws(lambda T: T.ColorJitter(0.4, 0.4, 0.4, 0.1))),
    ("RandomRotation", ALL, draws(lambda T: T.RandomRotation(30))),
    ("RandomAffine", ALL, draws(lambda T: T.RandomAffine(20, (0.2, 0.3), (0.7, 1.3), 10))),
    ("RandomPerspective", ALL, draws(lambda T: T.RandomPerspective(p=0.9))),
    ("RandomErasing", TENSORS, draws(lambda T: T.RandomErasing(p=0.9))),
    ("RandomGrayscale", ALL, draws(lambda T: T.RandomGrayscale(0.5))),
    ("GaussianBlur", ALL, draws(lambda T: T.GaussianBlur(5))),
    ("RandomApply", ALL, draws(lambda T: T.RandomApply([T.RandomRotation(10)], p=0.6))),
    ("RandomChoice", ALL, draws(lambda T: T.RandomChoice([T.Grayscale(3), T.RandomInvert(1.0)]))),
    ("RandomOrder", ALL, draws(lambda T: T.RandomOrder([T.RandomCrop(15), T.RandomRotation(30)]))),
    ("RandomPosterize", WHOLE, draws(lambda T: T.RandomPosterize(2))),
    ("Compose", PIL, lambda T, X, img: T.Compose([
        T.ToImage(), T.RandomResizedCrop(12, antialias=True), T.RandomHorizontalFlip(),
        T.ToDtype(X, scale=True), T.Normalize([0.5] * 3, [0.5] * 3)])(img)),
    ("MixUp", FLOATS, lambda T, X, img: T.MixUp(num_classes=4)(*X)),
    ("CutMix", FLOATS, lambda T, X, img: T.CutMix(num_classes=4)(*X)),
]


def values(result):
    """The numbers in a result: a list of arrays, whatever library they come from."""
    if isinstance(result, (tuple, list)):
        return [a for part in result for a in values(part)]
    if hasattr(result, "numpy"):
        return [np.ascontiguousarray(result.detach().numpy())]
    return [np.array(result)]
