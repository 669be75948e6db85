"""Transforms that change colours, blur and erase."""

import numbers
from collections.abc import Sequence

from learntorch.core.dtypes import float32
from learntorch.nn.modules.module import Module
from learntorch.ops.create import tensor
from learntorch.ops.random import randn, randperm
from learntorch.vision.transforms import functional as F
from learntorch.vision.transforms.cuts import must_be_sequences
from learntorch.vision.transforms.draws import TRIES, chance, integer, rectangle, uniform


class ColorJitter(Module):
    """Brightness, contrast, saturation and hue changed at random, in random order.

    Each is (min, max), or one number x for (max(0, 1 − x), 1 + x); hue for (−x, x), in whole turns,
    at most 0.5. Draws: randperm(4) for the order; uniform for each of the four that is asked for.
    """

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0):
        super().__init__()
        self.brightness = self._check_input(brightness, "brightness")
        self.contrast = self._check_input(contrast, "contrast")
        self.saturation = self._check_input(saturation, "saturation")
        self.hue = self._check_input(hue, "hue", center=0, bound=(-0.5, 0.5))

    @staticmethod
    def _check_input(value, name, center=1, bound=(0, float("inf"))):
        """(min, max), or None where nothing would change. Raises TypeError or ValueError."""
        if isinstance(value, numbers.Number):
            if value < 0:
                raise ValueError(f"If {name} is a single number, it must be non negative.")
            low = center - float(value)
            value = [max(low, 0.0) if center else low, center + float(value)]
        elif isinstance(value, (tuple, list)) and len(value) == 2:
            value = [float(value[0]), float(value[1])]
        else:
            raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
        if not bound[0] <= value[0] <= value[1] <= bound[1]:
            raise ValueError(f"{name} values should be between {bound}, but got {value}.")
        return None if value[0] == value[1] == center else tuple(value)

    @staticmethod
    def get_params(brightness, contrast, saturation, hue):
        """(order, a factor or None for each)."""
        order = randperm(4)
        return order, *(None if limits is None else uniform(*limits)
                        for limits in (brightness, contrast, saturation, hue))

    def forward(self, img):
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        functions = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in order.tolist():
            if factors[i] is not None:
                img = functions[i](img, factors[i])
        return img

    def __repr__(self):
        return (f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, "
                f"saturation={self.saturation}, hue={self.hue})")


class Grayscale(Module):
    """Grey, in one channel or the same in three."""

    def __init__(self, num_output_channels=1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img):
        return F.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self):
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class GaussianBlur(Module):
    """Blurred with a bell of `kernel_size` and a width from `sigma` (min, max).

    Draws: uniform for the width.
    """

    def __init__(self, kernel_size, sigma=(0.1, 2.0)):
        super().__init__()
        self.kernel_size = F.pair(kernel_size,
                                  "Kernel size should be a tuple/list of two integers")
        if any(n <= 0 or n % 2 == 0 for n in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        if isinstance(sigma, numbers.Number):
            if sigma <= 0:
                raise ValueError("If sigma is a single number, it must be positive.")
            sigma = (sigma, sigma)
        elif not isinstance(sigma, Sequence) or len(sigma) != 2:
            raise ValueError("sigma should be a single number or a list/tuple with length 2.")
        elif not 0.0 < sigma[0] <= sigma[1]:
            raise ValueError("sigma values should be positive and of the form (min, max).")
        self.sigma = sigma

    @staticmethod
    def get_params(sigma_min, sigma_max):
        """The width."""
        return uniform(sigma_min, sigma_max)

    def forward(self, img):
        return F.gaussian_blur(img, self.kernel_size, [self.get_params(*self.sigma)] * 2)

    def __repr__(self):
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"


class RandomErasing(Module):
    """With probability p a rectangle of a tensor overwritten by `value`, or by noise ("random").

    Draws: rand(1); then, up to ten times until it fits, uniform for the area (`scale`), uniform for
    the logarithm of height/width (`ratio`); randn for the noise, if asked for; randint for the top,
    randint for the left edge. If none fits nothing is erased.
    Source: Zhong et al., "Random Erasing Data Augmentation", 2017.
    """

    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False):
        super().__init__()
        if not isinstance(value, (numbers.Number, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        must_be_sequences(scale, ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if p < 0 or p > 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p = p
        self.scale = scale
        self.ratio = ratio
        self.value = value
        self.inplace = inplace

    @staticmethod
    def get_params(img, scale, ratio, value=None):
        """(top, left, height, width, what to write)."""
        c, height, width = F.get_dimensions(img)
        for _ in range(TRIES):
            h, w = rectangle(height * width, scale, ratio)
            if h < height and w < width:
                v = randn(c, h, w, dtype=float32) if value is None else \
                    tensor(value)[:, None, None]
                return integer(0, height - h + 1), integer(0, width - w + 1), h, w, v
        return 0, 0, height, width, img

    def forward(self, img):
        if not chance(self.p):
            return img
        value = self.value
        if value == "random":
            value = None
        else:
            value = [float(v) for v in (value if isinstance(value, (tuple, list)) else [value])]
            n = F.get_dimensions(img)[0]
            if len(value) not in (1, n):
                raise ValueError("If value is a sequence, it should have either a single value or "
                                 f"{n} (number of input channels)")
        drawn = self.get_params(img, self.scale, self.ratio, value)
        return F.erase(img, *drawn, self.inplace)

    def __repr__(self):
        return (f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, "
                f"value={self.value}, inplace={self.inplace})")


class _Sometimes(Module):
    """A change that happens with probability p. Draws: rand(1)."""

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, img):
        return self.change(img) if chance(self.p) else img

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p})"


class RandomGrayscale(_Sometimes):
    """Grey in as many channels as before, with probability p. Draws: rand(1)."""

    def __init__(self, p=0.1):
        super().__init__(p)

    def change(self, img):
        """What is done to it."""
        return F.rgb_to_grayscale(img, F.get_dimensions(img)[0])


class RandomInvert(_Sometimes):
    """The negative, with probability p. Draws: rand(1)."""

    def change(self, img):
        """What is done to it."""
        return F.invert(img)


class RandomPosterize(_Sometimes):
    """Only the upper `bits` bits, with probability p. Draws: rand(1)."""

    def __init__(self, bits, p=0.5):
        super().__init__(p)
        self.bits = bits

    def change(self, img):
        """What is done to it."""
        return F.posterize(img, self.bits)

    def __repr__(self):
        return f"{type(self).__name__}(bits={self.bits},p={self.p})"


class RandomSolarize(_Sometimes):
    """The negative above `threshold`, with probability p. Draws: rand(1)."""

    def __init__(self, threshold, p=0.5):
        super().__init__(p)
        self.threshold = threshold

    def change(self, img):
        """What is done to it."""
        return F.solarize(img, self.threshold)

    def __repr__(self):
        return f"{type(self).__name__}(threshold={self.threshold},p={self.p})"


class RandomAdjustSharpness(_Sometimes):
    """Sharper or softer by `sharpness_factor`, with probability p. Draws: rand(1)."""

    def __init__(self, sharpness_factor, p=0.5):
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img):
        """What is done to it."""
        return F.adjust_sharpness(img, self.sharpness_factor)

    def __repr__(self):
        return f"{type(self).__name__}(sharpness_factor={self.sharpness_factor},p={self.p})"


class RandomAutocontrast(_Sometimes):
    """Each channel stretched to all of the range, with probability p. Draws: rand(1)."""

    def change(self, img):
        """What is done to it."""
        return F.autocontrast(img)


class RandomEqualize(_Sometimes):
    """Each channel's histogram made flat, with probability p. Draws: rand(1)."""

    def change(self, img):
        """What is done to it."""
        return F.equalize(img)
