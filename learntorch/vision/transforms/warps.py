"""Transforms that turn, shear and bend."""

import numbers
from collections.abc import Sequence

from learntorch.core.tensor import Tensor
from learntorch.nn.modules.module import Module
from learntorch.ops.random import rand
from learntorch.ops.shape import cat
from learntorch.vision.transforms import functional as F
from learntorch.vision.transforms.cuts import interpolation_of
from learntorch.vision.transforms.draws import chance, integer, uniform
from learntorch.vision.transforms.interpolation import InterpolationMode

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def must_have_length(x, name, lengths):
    """Raises TypeError or ValueError unless x is a sequence of one of these lengths."""
    words = " or ".join(str(n) for n in lengths)
    if not isinstance(x, Sequence):
        raise TypeError(f"{name} should be a sequence of length {words}.")
    if len(x) not in lengths:
        raise ValueError(f"{name} should be a sequence of length {words}.")


def angles(x, name, lengths=(2,)):
    """[−x, x] from one number, a list of floats from a sequence."""
    if isinstance(x, numbers.Number):
        if x < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        return [float(-x), float(x)]
    must_have_length(x, name, lengths)
    return [float(d) for d in x]


def colour(fill):
    """The colour outside the image as it was given, None as 0. Raises TypeError."""
    if fill is not None and not isinstance(fill, (Sequence, numbers.Number)):
        raise TypeError("Fill should be either a sequence or a number.")
    return 0 if fill is None else fill


def per_channel(fill, img):
    """For a tensor a list of one number for each channel; for a PIL Image as it is."""
    if not isinstance(img, Tensor):
        return fill
    if isinstance(fill, (int, float)):
        return [float(fill)] * F.get_dimensions(img)[0]
    return [float(x) for x in fill]


class RandomRotation(Module):
    """Turned by an angle from `degrees` (min, max), or from −degrees to degrees.

    Draws: uniform for the angle.
    """

    def __init__(self, degrees, interpolation=NEAREST, expand=False, center=None, fill=0):
        super().__init__()
        self.degrees = angles(degrees, "degrees")
        if center is not None:
            must_have_length(center, "center", (2,))
        self.center = center
        self.interpolation = interpolation_of(interpolation)
        self.expand = expand
        self.fill = colour(fill)

    @staticmethod
    def get_params(degrees):
        """The angle."""
        return uniform(degrees[0], degrees[1])

    def forward(self, img):
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand,
                        self.center, per_channel(self.fill, img))

    def __repr__(self):
        center = "" if self.center is None else f", center={self.center}"
        return (f"{type(self).__name__}(degrees={self.degrees}, interpolation="
                f"{self.interpolation.value}, expand={self.expand}{center}, fill={self.fill})")


class RandomAffine(Module):
    """Turned, shifted, scaled and sheared at random.

    `degrees` as in RandomRotation; `translate` (a, b): by up to a · width and b · height; `scale`
    (min, max); `shear`: degrees along x (one number or (min, max)), or along x and y (four).
    Draws: uniform for the angle; if asked for, uniform for dx and for dy, for the scale, for the
    shear along x, along y.
    """

    def __init__(self, degrees, translate=None, scale=None, shear=None, interpolation=NEAREST,
                 fill=0, center=None):
        super().__init__()
        self.degrees = angles(degrees, "degrees")
        if translate is not None:
            must_have_length(translate, "translate", (2,))
            if not all(0.0 <= t <= 1.0 for t in translate):
                raise ValueError("translation values should be between 0 and 1")
        if scale is not None:
            must_have_length(scale, "scale", (2,))
            if any(s <= 0 for s in scale):
                raise ValueError("scale values should be positive")
        if center is not None:
            must_have_length(center, "center", (2,))
        self.translate = translate
        self.scale = scale
        self.shear = None if shear is None else angles(shear, "shear", (2, 4))
        self.interpolation = interpolation_of(interpolation)
        self.fill = colour(fill)
        self.center = center

    @staticmethod
    def get_params(degrees, translate, scale_ranges, shears, img_size):
        """(angle, (dx, dy), scale, (shear along x, along y)); `img_size` is (width, height)."""
        angle = uniform(degrees[0], degrees[1])
        shift, scale, shear = (0, 0), 1.0, [0.0, 0.0]
        if translate is not None:
            most = [float(t * n) for t, n in zip(translate, img_size)]
            shift = tuple([int(round(uniform(-m, m))) for m in most])
        if scale_ranges is not None:
            scale = uniform(scale_ranges[0], scale_ranges[1])
        if shears is not None:
            for i in range(len(shears) // 2):
                shear[i] = uniform(shears[2 * i], shears[2 * i + 1])
        return angle, shift, scale, tuple(shear)

    def forward(self, img):
        _, h, w = F.get_dimensions(img)
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, [w, h])
        return F.affine(img, *drawn, interpolation=self.interpolation,
                        fill=per_channel(self.fill, img), center=self.center)

    def __repr__(self):
        said = [f"degrees={self.degrees}"]
        said += [f"{name}={value}" for name, value in
                 (("translate", self.translate), ("scale", self.scale), ("shear", self.shear))
                 if value is not None]
        if self.interpolation != NEAREST:
            said.append(f"interpolation={self.interpolation.value}")
        if self.fill != 0:
            said.append(f"fill={self.fill}")
        if self.center is not None:
            said.append(f"center={self.center}")
        return f"{type(self).__name__}({', '.join(said)})"


class RandomPerspective(Module):
    """With probability p seen from another side: each corner moves inwards at random.

    Draws: rand(1); then for the corners, clockwise from the upper left, randint for x and randint
    for y, up to `distortion_scale` of half the width and height.
    """

    def __init__(self, distortion_scale=0.5, p=0.5, interpolation=BILINEAR, fill=0):
        super().__init__()
        self.p = p
        self.interpolation = interpolation_of(interpolation)
        self.distortion_scale = distortion_scale
        self.fill = colour(fill)

    @staticmethod
    def get_params(width, height, distortion_scale):
        """(startpoints, endpoints), four [x, y] each."""
        dx = int(distortion_scale * (width // 2))
        dy = int(distortion_scale * (height // 2))
        x, y = (0, dx + 1), (0, dy + 1)
        far_x, far_y = (width - dx - 1, width), (height - dy - 1, height)
        corners = [(x, y), (far_x, y), (far_x, far_y), (x, far_y)]
        endpoints = [[integer(*across), integer(*down)] for across, down in corners]
        right, bottom = width - 1, height - 1
        return [[0, 0], [right, 0], [right, bottom], [0, bottom]], endpoints

    def forward(self, img):
        fill = per_channel(self.fill, img)
        if not chance(self.p):
            return img
        _, h, w = F.get_dimensions(img)
        return F.perspective(img, *self.get_params(w, h, self.distortion_scale),
                             self.interpolation, fill)

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p})"


class ElasticTransform(Module):
    """Bent by a random field that is blurred with `sigma` and multiplied by `alpha` (x, y).

    Draws: rand(1, 1, h, w) for x, then for y.
    Source: Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks", 2003.
    """

    def __init__(self, alpha=50.0, sigma=5.0, interpolation=BILINEAR, fill=0):
        super().__init__()
        self.alpha = two_floats(alpha, "alpha")
        self.sigma = two_floats(sigma, "sigma")
        self.interpolation = interpolation_of(interpolation)
        if not isinstance(fill, (int, float, list, tuple)):
            raise TypeError("fill should be int or float or a list or tuple of them. "
                            f"Got {type(fill)}")
        self.fill = [float(x) for x in (fill if isinstance(fill, (list, tuple)) else [fill])]

    @staticmethod
    def get_params(alpha, sigma, size):
        """The displacement (1, h, w, 2) for `size` [h, w]."""
        fields = []
        for strength, width, edge in zip(alpha, sigma, (size[1], size[0])):
            field = rand(1, 1, *size) * 2 - 1
            if width > 0.0:
                n = int(8 * width + 1)
                n += 1 - n % 2
                field = F.gaussian_blur(field, [n, n], list(sigma))
            fields.append(field * strength / edge)
        return cat(fields, 1).permute(0, 2, 3, 1)

    def forward(self, tensor):
        _, h, w = F.get_dimensions(tensor)
        displacement = self.get_params(self.alpha, self.sigma, [h, w])
        return F.elastic_transform(tensor, displacement, self.interpolation, self.fill)

    def __repr__(self):
        return (f"{type(self).__name__}(alpha={self.alpha}, sigma={self.sigma}, "
                f"interpolation={self.interpolation}, fill={self.fill})")


def two_floats(x, name):
    """[x, x] from a float, a sequence of two floats as it is. Raises TypeError or ValueError."""
    if not isinstance(x, (float, Sequence)):
        raise TypeError(f"{name} should be float or a sequence of floats. Got {type(x)}")
    if isinstance(x, float):
        return [x, x]
    if len(x) != 2:
        raise ValueError(f"If {name} is a sequence its length should be 2. Got {len(x)}")
    for element in x:
        if not isinstance(element, float):
            raise TypeError(f"{name} should be a sequence of floats. Got {type(element)}")
    return x
