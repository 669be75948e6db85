"""The functions of `transforms.functional` on PIL Images: Pillow does the work."""

import numpy as np

from learntorch.vision.pictures import must_be_picture, picture, pillow


def hflip(img):
    """Left and right change places."""
    return img.transpose(pillow().Transpose.FLIP_LEFT_RIGHT)


def vflip(img):
    """Top and bottom change places."""
    return img.transpose(pillow().Transpose.FLIP_TOP_BOTTOM)


def crop(img, top, left, height, width):
    """A rectangle; outside the picture there is black."""
    return img.crop((left, top, left + width, top + height))


def resize(img, size, number):
    """`size` is (h, w), `number` Pillow's for the interpolation."""
    return img.resize((size[1], size[0]), number)


def filling(fill, img):
    """The colour outside the picture, as Pillow wants it. Raises ValueError."""
    n = len(img.getbands())
    fill = 0 if fill is None else fill
    if isinstance(fill, (list, tuple)):
        if len(fill) not in (1, n):
            raise ValueError("The number of elements in 'fill' does not match the number of "
                             f"channels of the image ({len(fill)} != {n})")
        fill = tuple(fill) * (n if len(fill) == 1 else 1)
    elif n > 1:
        fill = (fill,) * n
    if img.mode == "F":
        return fill
    return tuple(int(x) for x in fill) if isinstance(fill, tuple) else int(fill)


def pad(img, sides, fill, padding_mode):
    """`sides` is [left, top, right, bottom]; a negative one cuts."""
    palette = img.getpalette() if img.mode == "P" else None
    if padding_mode == "constant":
        out = pillow("ImageOps").expand(img, border=tuple(sides), fill=filling(fill, img))
    else:
        cut = [-min(n, 0) for n in sides]
        if any(cut):
            img = img.crop((cut[0], cut[1], img.width - cut[2], img.height - cut[3]))
        left, top, right, bottom = (max(n, 0) for n in sides)
        a = np.asarray(img)
        wide = [(top, bottom), (left, right)] + [(0, 0)] * (a.ndim - 2)
        out = pillow().fromarray(np.pad(a, wide, mode=padding_mode))
    if palette is not None:
        out.putpalette(palette)
    return out


def affine(img, matrix, number, fill):
    """`matrix` leads from new places to old ones."""
    return img.transform(img.size, pillow().Transform.AFFINE, matrix, number,
                         fillcolor=filling(fill, img))


def rotate(img, angle, number, expand, center, fill):
    """Degrees against the clock."""
    return img.rotate(angle, number, expand, center, fillcolor=filling(fill, img))


def perspective(img, coefficients, number, fill):
    """The eight coefficients lead from new places to old ones."""
    return img.transform(img.size, pillow().Transform.PERSPECTIVE, coefficients, number,
                         fillcolor=filling(fill, img))


def enhance(kind, img, factor):
    """factor · picture + (1 − factor) · (black, mean grey, grey picture or blurred picture)."""
    return getattr(pillow("ImageEnhance"), kind)(img).enhance(factor)


def adjust_brightness(img, factor):
    """The other end of the scale is black."""
    return enhance("Brightness", img, factor)


def adjust_contrast(img, factor):
    """The other end of the scale is mean grey."""
    return enhance("Contrast", img, factor)


def adjust_saturation(img, factor):
    """The other end of the scale is the grey picture."""
    return enhance("Color", img, factor)


def adjust_sharpness(img, factor):
    """The other end of the scale is the blurred picture."""
    return enhance("Sharpness", img, factor)


def adjust_hue(img, factor):
    """H of HSV turns by factor · 255, modulo 256. Grey pictures stay as they are."""
    if img.mode in ("L", "1", "I", "F"):
        return img
    h, s, v = img.convert("HSV").split()
    turned = np.asarray(h) + np.int32(factor * 255).astype(np.uint8)
    return pillow().merge("HSV", (picture(turned, "L"), s, v)).convert(img.mode)


def adjust_gamma(img, gamma, gain):
    """x ↦ gain · x^γ of each channel, by a table of 256 entries."""
    table = [int((255 + 1 - 1e-3) * gain * (x / 255.0) ** gamma) for x in range(256)]
    return img.convert("RGB").point(table * 3).convert(img.mode)


def to_grayscale(img, num_output_channels):
    """Y = 0.299 r + 0.587 g + 0.114 b, once or three times."""
    must_be_picture(img)
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    grey = img.convert("L")
    return grey if num_output_channels == 1 else pillow().merge("RGB", (grey,) * 3)


def invert(img):
    """255 − x."""
    return pillow("ImageOps").invert(img)


def posterize(img, bits):
    """The upper `bits` bits of each byte."""
    return pillow("ImageOps").posterize(img, bits)


def solarize(img, threshold):
    """255 − x where x ≥ threshold."""
    return pillow("ImageOps").solarize(img, threshold)


def autocontrast(img):
    """Each channel stretched to 0 … 255."""
    return pillow("ImageOps").autocontrast(img)


def equalize(img):
    """Each channel such that its levels are equally frequent."""
    return pillow("ImageOps").equalize(img)
