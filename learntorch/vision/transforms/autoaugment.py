"""Augmentation by policies: which changes, how strong and how often, was itself searched for.

A change has a name, a probability and a strength: a place on its scale from weak to strong.
"""

import math
from enum import Enum

from learntorch.core.tensor import Tensor
from learntorch.nn.modules.module import Module
from learntorch.ops.create import arange, linspace, tensor
from learntorch.ops.random import rand, randint, sample_dirichlet
from learntorch.vision.transforms import functional as F
from learntorch.vision.transforms.draws import integer
from learntorch.vision.transforms.interpolation import InterpolationMode

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


class AutoAugmentPolicy(Enum):
    """The data set for which a policy of AutoAugment was found."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


# Pairs of "name probability strength", as the paper's appendix lists them.
POLICIES = {
    AutoAugmentPolicy.IMAGENET: """
        Posterize 0.4 8, Rotate 0.6 9; Solarize 0.6 5, AutoContrast 0.6;
        Equalize 0.8, Equalize 0.6; Posterize 0.6 7, Posterize 0.6 6; Equalize 0.4, Solarize 0.2 4;
        Equalize 0.4, Rotate 0.8 8; Solarize 0.6 3, Equalize 0.6; Posterize 0.8 5, Equalize 1;
        Rotate 0.2 3, Solarize 0.6 8; Equalize 0.6, Posterize 0.4 6; Rotate 0.8 8, Color 0.4 0;
        Rotate 0.4 9, Equalize 0.6; Equalize 0, Equalize 0.8; Invert 0.6, Equalize 1;
        Color 0.6 4, Contrast 1 8; Rotate 0.8 8, Color 1 2; Color 0.8 8, Solarize 0.8 7;
        Sharpness 0.4 7, Invert 0.6; ShearX 0.6 5, Equalize 1; Color 0.4 0, Equalize 0.6;
        Equalize 0.4, Solarize 0.2 4; Solarize 0.6 5, AutoContrast 0.6; Invert 0.6, Equalize 1;
        Color 0.6 4, Contrast 1 8; Equalize 0.8, Equalize 0.6""",
    AutoAugmentPolicy.CIFAR10: """
        Invert 0.1, Contrast 0.2 6; Rotate 0.7 2, TranslateX 0.3 9;
        Sharpness 0.8 1, Sharpness 0.9 3; ShearY 0.5 8, TranslateY 0.7 9;
        AutoContrast 0.5, Equalize 0.9; ShearY 0.2 7, Posterize 0.3 7;
        Color 0.4 3, Brightness 0.6 7; Sharpness 0.3 9, Brightness 0.7 9;
        Equalize 0.6, Equalize 0.5; Contrast 0.6 7, Sharpness 0.6 5; Color 0.7 7, TranslateX 0.5 8;
        Equalize 0.3, AutoContrast 0.4; TranslateY 0.4 3, Sharpness 0.2 6;
        Brightness 0.9 6, Color 0.2 8; Solarize 0.5 2, Invert 0; Equalize 0.2, AutoContrast 0.6;
        Equalize 0.2, Equalize 0.6; Color 0.9 9, Equalize 0.6; AutoContrast 0.8, Solarize 0.2 8;
        Brightness 0.1 3, Color 0.7 0; Solarize 0.4 5, AutoContrast 0.9;
        TranslateY 0.9 9, TranslateY 0.7 9; AutoContrast 0.9, Solarize 0.8 3;
        Equalize 0.8, Invert 0.1; TranslateY 0.7 9, AutoContrast 0.9""",
    AutoAugmentPolicy.SVHN: """
        ShearX 0.9 4, Invert 0.2; ShearY 0.9 8, Invert 0.7; Equalize 0.6, Solarize 0.6 6;
        Invert 0.9, Equalize 0.6; Equalize 0.6, Rotate 0.9 3; ShearX 0.9 4, AutoContrast 0.8;
        ShearY 0.9 8, Invert 0.4; ShearY 0.9 5, Solarize 0.2 6; Invert 0.9, AutoContrast 0.8;
        Equalize 0.6, Rotate 0.9 3; ShearX 0.9 4, Solarize 0.3 3; ShearY 0.8 8, Invert 0.7;
        Equalize 0.9, TranslateY 0.6 6; Invert 0.9, Equalize 0.6; Contrast 0.3 3, Rotate 0.8 4;
        Invert 0.8, TranslateY 0 2; ShearY 0.7 6, Solarize 0.4 8; Invert 0.6, Rotate 0.8 4;
        ShearY 0.3 7, TranslateX 0.9 3; ShearX 0.1 6, Invert 0.6; Solarize 0.7 2, TranslateY 0.6 7;
        ShearY 0.8 4, Invert 0.8; ShearX 0.7 9, TranslateY 0.8 3; ShearY 0.8 5, AutoContrast 0.7;
        ShearX 0.7 2, Invert 0.1""",
}
ADJUST = {"Brightness": F.adjust_brightness, "Color": F.adjust_saturation,
          "Contrast": F.adjust_contrast, "Sharpness": F.adjust_sharpness}
PLAIN = {"AutoContrast": F.autocontrast, "Equalize": F.equalize, "Invert": F.invert,
         "Identity": lambda img: img}


def changed(img, name, strength, interpolation, fill):
    """The image after one change. Raises ValueError for an unknown name."""
    if name in PLAIN:
        return PLAIN[name](img)
    if name in ADJUST:
        return ADJUST[name](img, 1.0 + strength)
    if name == "Posterize":
        return F.posterize(img, int(strength))
    if name == "Solarize":
        return F.solarize(img, strength)
    if name == "Rotate":
        return F.rotate(img, strength, interpolation, fill=fill)
    if name in ("TranslateX", "TranslateY"):
        shift = [int(strength), 0] if name[-1] == "X" else [0, int(strength)]
        return F.affine(img, 0.0, shift, 1.0, [0.0, 0.0], interpolation, fill)
    if name in ("ShearX", "ShearY"):        # about the corner, as in the authors' program
        angle = math.degrees(math.atan(strength))
        shear = [angle, 0.0] if name[-1] == "X" else [0.0, angle]
        return F.affine(img, 0.0, [0, 0], 1.0, shear, interpolation, fill, center=[0, 0])
    raise ValueError(f"The provided operator {name} is not recognized.")


def scales(n, *, shear, across, down, turn, adjust, bits, levels, without=()):
    """{name: (n strengths or one, whether the sign is drawn)}, in the order of their numbers.

    `bits`: Posterize keeps from bits down to bits − levels of them. `without`: names to leave out.
    """
    lost = (arange(n) / ((n - 1) / levels)).round().int()
    none = tensor(0.0)
    space = {
        "Identity": (none, False),
        "ShearX": (linspace(0.0, shear, n), True), "ShearY": (linspace(0.0, shear, n), True),
        "TranslateX": (linspace(0.0, across, n), True),
        "TranslateY": (linspace(0.0, down, n), True),
        "Rotate": (linspace(0.0, turn, n), True),
        **{name: (linspace(0.0, adjust, n), True)
           for name in ("Brightness", "Color", "Contrast", "Sharpness")},
        "Posterize": (bits - lost, False), "Solarize": (linspace(255.0, 0.0, n), False),
        "AutoContrast": (none, False), "Equalize": (none, False),
    }
    return {name: value for name, value in space.items() if name not in without}


class _Policy(Module):
    """What the four have in common: how to interpolate, and the colour outside the image."""

    def __init__(self, interpolation, fill):
        super().__init__()
        self.interpolation = interpolation
        self.fill = fill

    def _colour(self, img):
        """For a tensor a list of one number for each channel."""
        if self.fill is None or not isinstance(img, Tensor):
            return self.fill
        if isinstance(self.fill, (int, float)):
            return [float(self.fill)] * F.get_dimensions(img)[0]
        return [float(x) for x in self.fill]

    def _one(self, img, space, fill, place):
        """One change at random. Draws: randint for which, `place()` for how strong, randint(2)."""
        name = list(space)[integer(0, len(space))]
        strengths, signed = space[name]
        strength = float(strengths[place(len(strengths))]) if strengths.ndim else 0.0
        if signed and integer(0, 2):
            strength = -strength
        return changed(img, name, strength, self.interpolation, fill)


class AutoAugment(_Policy):
    """One of 25 pairs of changes, each with its own probability and strength.

    Draws: randint for the pair, rand(2) for whether, randint(2, (2,)) for the signs.
    Source: Cubuk et al., "AutoAugment", 2018.
    """

    def __init__(self, policy=AutoAugmentPolicy.IMAGENET, interpolation=NEAREST, fill=None):
        super().__init__(interpolation, fill)
        self.policy = policy
        self.policies = self._get_policies(policy)

    def _get_policies(self, policy):
        if policy not in POLICIES:
            raise ValueError(f"The provided policy {policy} is not recognized.")
        return [tuple(self._read(change) for change in pair.split(","))
                for pair in POLICIES[policy].split(";")]

    @staticmethod
    def _read(change):
        name, p, *strength = change.split()
        return name, float(p), int(strength[0]) if strength else None

    def _augmentation_space(self, num_bins, image_size):
        h, w = image_size
        space = scales(num_bins, shear=0.3, across=150.0 / 331.0 * w, down=150.0 / 331.0 * h,
                       turn=30.0, adjust=0.9, bits=8, levels=4, without=("Identity",))
        return {**space, "Invert": (tensor(0.0), False)}

    @staticmethod
    def get_params(transform_num):
        """(number of the pair, two numbers from 0 to 1, two signs as 0 and 1)."""
        return integer(0, transform_num), rand(2), randint(2, (2,))

    def forward(self, img):
        fill = self._colour(img)
        _, h, w = F.get_dimensions(img)
        number, chances, signs = self.get_params(len(self.policies))
        space = self._augmentation_space(10, (h, w))
        for i, (name, p, place) in enumerate(self.policies[number]):
            if chances[i] <= p:
                strengths, signed = space[name]
                strength = 0.0 if place is None else float(strengths[place])
                if signed and signs[i] == 0:
                    strength = -strength
                img = changed(img, name, strength, self.interpolation, fill)
        return img

    def __repr__(self):
        return f"{type(self).__name__}(policy={self.policy}, fill={self.fill})"


class RandAugment(_Policy):
    """`num_ops` changes at random, all of the same strength `magnitude` out of num_magnitude_bins.

    Draws, for each change: randint for which; randint(2) for the sign, where it has one.
    Source: Cubuk et al., "RandAugment", 2019.
    """

    def __init__(self, num_ops=2, magnitude=9, num_magnitude_bins=31, interpolation=NEAREST,
                 fill=None):
        super().__init__(interpolation, fill)
        self.num_ops = num_ops
        self.magnitude = magnitude
        self.num_magnitude_bins = num_magnitude_bins

    def _augmentation_space(self, num_bins, image_size):
        h, w = image_size
        return scales(num_bins, shear=0.3, across=150.0 / 331.0 * w, down=150.0 / 331.0 * h,
                      turn=30.0, adjust=0.9, bits=8, levels=4)

    def forward(self, img):
        fill = self._colour(img)
        _, h, w = F.get_dimensions(img)
        space = self._augmentation_space(self.num_magnitude_bins, (h, w))
        for _ in range(self.num_ops):
            img = self._one(img, space, fill, lambda n: self.magnitude)
        return img

    def __repr__(self):
        return (f"{type(self).__name__}(num_ops={self.num_ops}, magnitude={self.magnitude}, "
                f"num_magnitude_bins={self.num_magnitude_bins}, "
                f"interpolation={self.interpolation}, fill={self.fill})")


class TrivialAugmentWide(_Policy):
    """One change at random, of random strength, on wide scales.

    Draws: randint for which, randint for how strong, randint(2) for the sign, where it has them.
    Source: Müller, Hutter, "TrivialAugment", 2021.
    """

    def __init__(self, num_magnitude_bins=31, interpolation=NEAREST, fill=None):
        super().__init__(interpolation, fill)
        self.num_magnitude_bins = num_magnitude_bins

    def _augmentation_space(self, num_bins):
        return scales(num_bins, shear=0.99, across=32.0, down=32.0, turn=135.0, adjust=0.99, bits=8,
                      levels=6)

    def forward(self, img):
        space = self._augmentation_space(self.num_magnitude_bins)
        return self._one(img, space, self._colour(img), lambda n: integer(0, n))

    def __repr__(self):
        return (f"{type(self).__name__}(num_magnitude_bins={self.num_magnitude_bins}, "
                f"interpolation={self.interpolation}, fill={self.fill})")


class AugMix(_Policy):
    """m₀ · x + m₁ · Σ wᵢ · chainᵢ(x): the image mixed with several chains of one to three changes.

    Draws, for each image of a batch: Dirichlet for m, Dirichlet for w; for each chain randint for
    its length, unless `chain_depth` says it, then for each change as TrivialAugmentWide.
    Source: Hendrycks et al., "AugMix", 2019.
    """

    _PARAMETER_MAX = 10

    def __init__(self, severity=3, mixture_width=3, chain_depth=-1, alpha=1.0, all_ops=True,
                 interpolation=BILINEAR, fill=None):
        super().__init__(interpolation, fill)
        if not 1 <= severity <= self._PARAMETER_MAX:
            raise ValueError(f"The severity must be between [1, {self._PARAMETER_MAX}]. "
                             f"Got {severity} instead.")
        self.severity = severity
        self.mixture_width = mixture_width
        self.chain_depth = chain_depth
        self.alpha = alpha
        self.all_ops = all_ops

    def _augmentation_space(self, num_bins, image_size):
        h, w = image_size
        adjust = ("Brightness", "Color", "Contrast", "Sharpness")
        space = scales(num_bins, shear=0.3, across=w / 3.0, down=h / 3.0, turn=30.0, adjust=0.9,
                       bits=4, levels=4, without=("Identity",))
        last = {name: space.pop(name) for name in adjust}
        return {**space, **last} if self.all_ops else space

    def _sample_dirichlet(self, params):
        return sample_dirichlet(params)

    def forward(self, orig_img):
        fill = self._colour(orig_img)
        img = orig_img if isinstance(orig_img, Tensor) else F.pil_to_tensor(orig_img)
        _, h, w = F.get_dimensions(img)
        space = self._augmentation_space(self._PARAMETER_MAX, (h, w))
        batch = img.reshape([1] * max(4 - img.ndim, 0) + list(img.shape))
        n, ones = batch.size(0), [batch.size(0)] + [1] * (batch.ndim - 1)
        m = self._sample_dirichlet(tensor([[float(self.alpha)] * 2] * n))
        weights = self._sample_dirichlet(tensor([[float(self.alpha)] * self.mixture_width] * n))
        weights = weights * m[:, 1:]
        mix = m[:, 0].reshape(ones) * batch
        for i in range(self.mixture_width):
            chain = batch
            for _ in range(self.chain_depth if self.chain_depth > 0 else integer(1, 4)):
                chain = self._one(chain, space, fill, lambda n: integer(0, self.severity))
            mix = mix + weights[:, i].reshape(ones) * chain
        mix = mix.reshape(img.shape).to(img.dtype)
        return mix if isinstance(orig_img, Tensor) else F.to_pil_image(mix)

    def __repr__(self):
        return (f"{type(self).__name__}(severity={self.severity}, "
                f"mixture_width={self.mixture_width}, chain_depth={self.chain_depth}, "
                f"alpha={self.alpha}, all_ops={self.all_ops}, "
                f"interpolation={self.interpolation}, fill={self.fill})")
