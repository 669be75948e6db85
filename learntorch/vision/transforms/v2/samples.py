"""Transforms of whole samples and batches: sequences of transforms, conversions, mixtures."""

from collections.abc import Mapping, Sequence

import numpy as np

from learntorch.core.dtypes import dtype as Dtype
from learntorch.core.pytree import tree_flatten, tree_unflatten
from learntorch.core.tensor import Tensor
from learntorch.nn.modules.container import ModuleList
from learntorch.ops.create import from_numpy, tensor
from learntorch.ops.embedding import one_hot
from learntorch.ops.random import multinomial, rand, randperm
from learntorch.vision.pictures import is_picture
from learntorch.vision.transforms import functional as F
from learntorch.vision.transforms.draws import integer
from learntorch.vision.transforms.v2.transform import Transform, as_it_was, is_plain, whole
from learntorch.vision.tv_tensors import BoundingBoxes, Image, Mask, TVTensor, Video, named


def must_be_some(transforms, kinds=(Sequence,), words="Argument transforms should be a sequence of "
                                                      "callables"):
    """Raises TypeError unless it is a sequence, ValueError for an empty one."""
    if not isinstance(transforms, kinds):
        raise TypeError(words)
    if not transforms:
        raise ValueError("Pass at least one transform")


class _Several(Transform):
    """Applies some of its `transforms` to a sample, one after the other."""

    def _chosen(self):
        raise NotImplementedError

    def forward(self, *inputs):
        several = len(inputs) > 1
        for transform in self._chosen():
            out = transform(*inputs)
            inputs = out if several else (out,)
        return whole(inputs)

    def extra_repr(self):
        return "\n".join(f"    {t}" for t in self.transforms)


class Compose(_Several):
    """One transform after the other, of a sample of one or several parts."""

    def __init__(self, transforms):
        super().__init__()
        must_be_some(transforms)
        self.transforms = transforms

    def _chosen(self):
        return self.transforms


class RandomApply(_Several):
    """All of the transforms with probability p, else none. Draws: rand(1)."""

    def __init__(self, transforms, p=0.5):
        super().__init__()
        must_be_some(transforms, (Sequence, ModuleList), "Argument transforms should be a sequence "
                     "of callables or a `nn.ModuleList`")
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        self.transforms = transforms
        self.p = p

    def _chosen(self):
        return () if rand(1) >= self.p else self.transforms


class RandomChoice(_Several):
    """One of the transforms, with the probabilities p. Draws: multinomial(p, 1)."""

    def __init__(self, transforms, p=None):
        super().__init__()
        must_be_some(transforms)
        p = [1] * len(transforms) if p is None else p
        if len(p) != len(transforms):
            raise ValueError("Length of p doesn't match the number of transforms: "
                             f"{len(p)} != {len(transforms)}")
        self.transforms = transforms
        self.p = [x / sum(p) for x in p]

    def _chosen(self):
        return (self.transforms[int(multinomial(tensor(self.p), 1))],)

    def extra_repr(self):
        return Transform.extra_repr(self)


class RandomOrder(_Several):
    """All of the transforms, in random order. Draws: randperm(n)."""

    def __init__(self, transforms):
        super().__init__()
        must_be_some(transforms)
        self.transforms = transforms

    def _chosen(self):
        return [self.transforms[i] for i in randperm(len(self.transforms)).tolist()]

    def extra_repr(self):
        return Transform.extra_repr(self)


class Lambda(Transform):
    """x ↦ lambd(x) for every part of a sample, or for those of the given types."""

    def __init__(self, lambd, *types):
        super().__init__()
        self.lambd = lambd
        self.types = types or (object,)

    def forward(self, *inputs):
        flat, structure = tree_flatten(whole(inputs))
        return tree_unflatten([self.lambd(x) if isinstance(x, self.types) else x for x in flat],
                              structure)

    def extra_repr(self):
        name = getattr(self.lambd, "__name__", None)
        extra = [name] if name else []
        return ", ".join([*extra, f"types={[t.__name__ for t in self.types]}"])


class _Conversion(Transform):
    """Turns every part of some types into another."""

    def _fits(self, x):
        raise NotImplementedError

    def _wanted(self, flat):
        return [self._fits(x) for x in flat]


class ToImage(Transform):
    """PIL Images and arrays (h, w, c) → `tv_tensors.Image` (c, h, w), the values as they are."""

    def _wanted(self, flat):
        if any(is_picture(x) or isinstance(x, np.ndarray) for x in flat):
            return [is_picture(x) or isinstance(x, np.ndarray) for x in flat]
        return super()._wanted(flat)

    def transform(self, image):
        return to_image(image)


def to_image(inpt):
    """A PIL Image, an array (h, w, c) or a tensor as `tv_tensors.Image`. Raises TypeError."""
    if isinstance(inpt, np.ndarray):
        a = inpt[:, :, None] if inpt.ndim == 2 else inpt
        return Image(from_numpy(np.ascontiguousarray(a.transpose(2, 0, 1))))
    if is_picture(inpt) or isinstance(inpt, Tensor):
        return Image(inpt)
    raise TypeError("Input can either be a pure Tensor, a numpy array, or a PIL image, but got "
                    f"{type(inpt)} instead.")


class PILToTensor(_Conversion):
    """PIL Images → tensors (c, h, w) with the same numbers."""

    def _fits(self, x):
        return is_picture(x)

    def transform(self, image):
        return F.pil_to_tensor(image)


class ToTensor(_Conversion):
    """PIL Images and arrays (h, w, c) of bytes → float tensors (c, h, w) in 0 … 1."""

    def __init__(self):
        import warnings
        warnings.warn("The transform `ToTensor()` is deprecated and will be removed in a future "
                      "release. Instead, please use `v2.Compose([v2.ToImage(), v2.ToDtype("
                      "torch.float32, scale=True)])`.Output is equivalent up to float precision.",
                      stacklevel=2)
        super().__init__()

    def _fits(self, x):
        return is_picture(x) or isinstance(x, np.ndarray)

    def transform(self, image):
        return F.to_tensor(image)


class ToPILImage(Transform):
    """A tensor (c, h, w) or arrays (h, w, c) → PIL Images."""

    _transformed_types = (Tensor, np.ndarray)

    def __init__(self, mode=None):
        super().__init__()
        self.mode = mode

    def _takes_pictures(self):
        return False

    def transform(self, image):
        return F.to_pil_image(image, self.mode)


class ToPureTensor(Transform):
    """Tensors that say what they are → plain tensors, with the same numbers."""

    def forward(self, *inputs):
        flat, structure = tree_flatten(whole(inputs))
        return tree_unflatten([named(Tensor, x) if isinstance(x, TVTensor) else x for x in flat],
                              structure)


class ToDtype(Transform):
    """The image in another type; with `scale` 255 of uint8 becomes 1.0, else the number stays.

    `dtype` may be {torch.Tensor: …, tv_tensors.Mask: …, "others": …}; None there changes nothing.
    """

    _moves = True       # with a dictionary it changes all that has an entry

    def __init__(self, dtype, scale=False):
        super().__init__()
        if not isinstance(dtype, (dict, Dtype)):
            raise ValueError(f"dtype must be a dict or a torch.dtype, got {type(dtype)} instead")
        self.dtype = dtype
        self.scale = scale

    def _takes_pictures(self):
        return False

    def transform(self, image):
        is_image = is_plain(image) or isinstance(image, Image | Video)
        dtype = self.dtype
        if not isinstance(dtype, dict):
            dtype = {type(image): dtype} if is_image else {"others": None}
        if type(image) not in dtype and "others" not in dtype:
            raise ValueError(f"No dtype was specified for type {type(image)}. With \"others\" "
                             "as a key it is for the rest of the inputs")
        dtype = dtype.get(type(image), dtype.get("others"))
        return image if dtype is None else to_dtype(image, dtype, self.scale and is_image)


def to_dtype(inpt, dtype, scale=False):
    """The tensor in another type; with `scale` full brightness stays full brightness."""
    return F.convert_image_dtype(inpt, dtype) if scale else inpt.to(dtype)


# ---- mixtures of a batch with itself -------------------------------------------------------------

def find_labels(inputs):
    """The labels in a sample: its second part, there the entry whose name says so. ValueError."""
    part = inputs[1] if isinstance(inputs, (tuple, list)) else inputs
    if isinstance(part, Tensor):
        return part
    if not isinstance(part, Mapping):
        raise ValueError("When using the default labels_getter, the input passed to forward must "
                         "be a dictionary or a two-tuple whose second item is a dictionary or a "
                         f"tensor, but got {part} instead.")
    named = [k for k in part if k.lower() == "labels"] + [k for k in part if "label" in k.lower()]
    if not named:
        raise ValueError("Could not infer where the labels are in the sample. Try passing a "
                         "callable as the labels_getter parameter?")
    return part[named[0]]


class _Mixture(Transform):
    """Mixes each image of a batch with the one before it, and their labels in the same proportion.

    `alpha` of the Beta(α, α) that λ is drawn from; `num_classes` if labels are numbers.
    """

    def __init__(self, *, alpha=1.0, num_classes=None, labels_getter="default"):
        super().__init__()
        self.alpha = float(alpha)
        self.num_classes = num_classes
        if labels_getter != "default" and not callable(labels_getter):
            raise ValueError("labels_getter should either be 'default', a callable, or None, but "
                             f"got {labels_getter}.")
        self._labels_getter = find_labels if labels_getter == "default" else labels_getter

    def _share(self):
        """λ. Draws: Beta(α, α) as torch.distributions draws it."""
        from learntorch.distributions import Beta
        return float(Beta(tensor([self.alpha]), tensor([self.alpha])).sample(()))

    def _check(self, labels):
        if not isinstance(labels, Tensor):
            raise ValueError(f"The labels must be a tensor, but got {type(labels)} instead.")
        if labels.ndim not in (1, 2):
            raise ValueError("labels should be index based with shape (batch_size,) or probability "
                             "based with shape (batch_size, num_classes), but got a tensor of "
                             f"shape {labels.shape} instead.")
        if labels.ndim == 2 and self.num_classes not in (None, labels.shape[-1]):
            raise ValueError("When passing 2D labels, the number of elements in last dimension "
                             f"must match num_classes: {labels.shape[-1]} != {self.num_classes}. "
                             "You can Leave num_classes to None.")
        if labels.ndim == 1 and self.num_classes is None:
            raise ValueError("num_classes must be passed if the labels are index-based (1D)")

    def forward(self, *inputs):
        inputs = whole(inputs)
        flat, structure = tree_flatten(inputs)
        if any(is_picture(x) or isinstance(x, BoundingBoxes | Mask) for x in flat):
            raise ValueError(f"{type(self).__name__}() does not support PIL images, bounding "
                             "boxes, keypoints and masks.")
        labels = self._labels_getter(inputs)
        self._check(labels)
        place = next(i for i, x in enumerate(flat) if isinstance(x, Tensor))
        images = flat[place]
        if images.ndim != 4:
            raise ValueError("Expected a batched input with 4 dims, but got "
                             f"{images.ndim} dimensions instead.")
        if images.shape[0] != labels.shape[0]:
            raise ValueError("The batch size of the image or video does not match the batch size "
                             f"of the labels: {images.shape[0]} != {labels.shape[0]}.")
        mixed, share = self.mixed(images)
        out = [self._labels(x, share) if x is labels else x for x in flat]
        out[place] = as_it_was(images, mixed)
        return tree_unflatten(out, structure)

    def _labels(self, labels, share):
        """λ · label + (1 − λ) · label of the one before, as probabilities (n, classes)."""
        rows = one_hot(labels, self.num_classes) if labels.ndim == 1 else labels
        rows = rows if rows.is_floating_point() else rows.float()
        return rows.roll(1, 0) * (1.0 - share) + rows * share


class MixUp(_Mixture):
    """λ · x + (1 − λ) · the one before. Draws: λ from Beta(α, α).

    Source: Zhang et al., "mixup", 2017.
    """

    def mixed(self, images):
        """(images, λ)."""
        share = self._share()
        return images.roll(1, 0) * (1.0 - share) + images * share, share


class CutMix(_Mixture):
    """A rectangle of area 1 − λ is cut from the one before; λ is what is left of x.

    Draws: λ from Beta(α, α), randint for the middle's x, randint for its y.
    Source: Yun et al., "CutMix", 2019.
    """

    def mixed(self, images):
        """(images, λ)."""
        share = self._share()
        h, w = images.shape[-2:]
        x, y = integer(0, w), integer(0, h)
        half = 0.5 * (1.0 - share) ** 0.5
        across, down = int(half * w), int(half * h)
        left, right = max(x - across, 0), min(x + across, w)
        top, bottom = max(y - down, 0), min(y + down, h)
        out = images.clone()
        out[..., top:bottom, left:right] = images.roll(1, 0)[..., top:bottom, left:right]
        return out, 1.0 - (right - left) * (bottom - top) / (w * h)
