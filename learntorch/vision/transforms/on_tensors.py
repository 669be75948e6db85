"""The functions of `transforms.functional` on tensors (…, c, h, w): colour, and cutting."""

from learntorch.ops.compare import where
from learntorch.ops.conv import conv2d
from learntorch.ops.create import as_tensor, linspace, ones, tensor, zeros_like
from learntorch.ops.pad import pad as pad_edges
from learntorch.ops.resample import interpolate
from learntorch.ops.shape import stack
from learntorch.ops.sort import bincount
from learntorch.vision.transforms.convert import convert_image_dtype, max_value

GREY = (0.2989, 0.587, 0.114)       # how bright red, green and blue seem
# Which of (v, q, p, t) is red, green and blue in each sixth of the colour wheel.
SIXTHS = [[0, 1, 2, 2, 3, 0], [3, 0, 0, 1, 2, 2], [2, 2, 3, 0, 0, 1]]


def channels(img, least=2):
    """How many channels, if that is one or three. Raises TypeError otherwise."""
    if img.ndim < least:
        raise TypeError("Input image tensor should have at least 3 dimensions, but found "
                        f"{img.ndim}")
    n = 1 if img.ndim == 2 else img.shape[-3]
    if n not in (1, 3):
        raise TypeError(f"Input image tensor permitted channel values are [1, 3], but found {n}")
    return n


def as_floats(img):
    """The dtype to compute in: that of the tensor if it is a float, else float32."""
    return img if img.is_floating_point() else img.float()


def enter(img, dtype):
    """As a batch (n, c, h, w) of this dtype."""
    c = 1 if img.ndim == 2 else img.shape[-3]
    return (img if img.ndim == 4 else img.reshape(-1, c, *img.shape[-2:])).to(dtype)


def leave(out, img):
    """What was computed from the batch, in the form and dtype of `img`; integers are rounded."""
    out = out if img.ndim == 4 else out.reshape(*img.shape[:-2], *out.shape[-2:])
    if out.dtype == img.dtype:
        return out
    return (out if img.is_floating_point() else out.round()).to(img.dtype)


# ---- places --------------------------------------------------------------------------------------

def hflip(img):
    """Column j ← column w − 1 − j."""
    return img.flip(-1)


def vflip(img):
    """Row i ← row h − 1 − i."""
    return img.flip(-2)


def crop(img, top, left, height, width):
    """Rows top … top + height − 1, columns left … left + width − 1; zeros outside the image."""
    h, w = img.shape[-2:]
    bottom, right = top + height, left + width
    inside = img[..., max(top, 0):max(min(bottom, h), 0), max(left, 0):max(min(right, w), 0)]
    if top >= 0 and left >= 0 and bottom <= h and right <= w:
        return inside
    rows, columns = inside.shape[-2:]
    above, before = min(max(-top, 0), height), min(max(-left, 0), width)
    return pad(inside, [before, above, width - columns - before, height - rows - above], 0,
               "constant")


def resize(img, size, mode, antialias):
    """Sampled anew at (h, w) points; with `antialias` the kernel is as wide as the step."""
    smooth = mode in ("bilinear", "bicubic")
    x = enter(img, img.dtype if img.dtype.name in ("float32", "float64") else ones(()).dtype)
    out = interpolate(x, size=list(size), mode=mode, align_corners=False if smooth else None,
                      antialias=bool(antialias) and smooth)
    if mode == "bicubic" and img.dtype.name == "uint8":
        out = out.clamp(0, 255)
    return leave(out, img)


def pad(img, sides, fill, padding_mode):
    """`sides` is [left, top, right, bottom]; a negative one cuts."""
    if not isinstance(fill, (int, float)):
        raise TypeError("Got inappropriate fill arg: for a tensor it is one number")
    left, top, right, bottom = sides
    if padding_mode == "constant":
        return pad_edges(img, [left, right, top, bottom], value=float(fill))
    h, w = img.shape[-2:]
    rows = reflected(h, top, bottom, padding_mode)
    columns = reflected(w, left, right, padding_mode)
    return img[..., as_tensor(rows)[:, None], as_tensor(columns)[None, :]]


def reflected(n, before, after, padding_mode):
    """For each place from −before to n + after − 1 the place in 0 … n − 1 that it repeats."""
    if padding_mode == "edge":
        return [min(max(i, 0), n - 1) for i in range(-before, n + after)]
    again = 0 if padding_mode == "symmetric" else 1     # the edge itself comes once more, or not
    if max(before, after) > n - again:
        raise RuntimeError("Padding size should be less than the corresponding input dimension: "
                           f"{max(before, after)} rows or columns are not there to be mirrored, "
                           f"in {n}")
    places = []
    for i in range(-before, n + after):
        i = again - 1 - i if i < 0 else i
        places.append(2 * n - 1 - again - i if i >= n else i)
    return places


# ---- colour --------------------------------------------------------------------------------------

def blend(img, other, ratio):
    """ratio · img + (1 − ratio) · other, kept between black and full brightness."""
    ratio = float(ratio)
    return (ratio * img + (1.0 - ratio) * other).clamp(0, max_value(img.dtype)).to(img.dtype)


def rgb_to_grayscale(img, num_output_channels=1):
    """y = 0.2989 r + 0.587 g + 0.114 b. Shapes: (…, 3, h, w) → (…, 1 or 3, h, w)."""
    n = channels(img, least=3)
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if n == 3:
        r, g, b = img.unbind(-3)
        grey = (GREY[0] * r + GREY[1] * g + GREY[2] * b).to(img.dtype).unsqueeze(-3)
    else:
        grey = img.clone()
    if num_output_channels == 1:
        return grey
    return grey.expand(*grey.shape[:-3], 3, *grey.shape[-2:])


def adjust_brightness(img, factor):
    """The other end of the scale is black."""
    channels(img)
    return blend(img, zeros_like(img), factor)


def adjust_contrast(img, factor):
    """The other end of the scale is the mean grey of the image."""
    grey = rgb_to_grayscale(img) if channels(img) == 3 else img
    return blend(img, as_floats(grey).mean((-3, -2, -1), keepdim=True), factor)


def adjust_saturation(img, factor):
    """The other end of the scale is the grey image."""
    return img if channels(img) == 1 else blend(img, rgb_to_grayscale(img), factor)


def adjust_hue(img, factor):
    """h ↦ h + factor (mod 1) in the colour space HSV."""
    if channels(img) == 1:
        return img
    h, s, v = hsv(convert_image_dtype(img))
    return convert_image_dtype(rgb((h + factor) % 1.0, s, v), img.dtype)


def hsv(img):
    """Hue (0 and 1 red, 1/3 green, 2/3 blue), saturation and value, each in 0 … 1.

    Source: A. R. Smith, "Color gamut transform pairs", 1978.
    """
    r, g, b = img.unbind(-3)
    v = img.amax(-3)
    c = v - img.amin(-3)
    grey = c == 0
    s = c / where(grey, 1.0, v)
    c = where(grey, 1.0, c)
    red, green, blue = (v - r) / c, (v - g) / c, (v - b) / c
    sixths = where(v == r, blue - green, where(v == g, 2.0 + red - blue, 4.0 + green - red))
    return (sixths / 6.0 + 1.0).fmod(1.0), s, v


def rgb(h, s, v):
    """The inverse of `hsv`, as an image (…, 3, h, w)."""
    sixth = (h * 6.0).floor()
    f = h * 6.0 - sixth
    p = (v * (1.0 - s)).clamp(0.0, 1.0)
    q = (v * (1.0 - s * f)).clamp(0.0, 1.0)
    t = (v * (1.0 - s * (1.0 - f))).clamp(0.0, 1.0)
    four = stack((v, q, p, t), dim=-3)
    places = tensor(SIXTHS)[:, sixth.long() % 6].movedim(0, -3)
    return four.gather(-3, places)


def adjust_gamma(img, gamma, gain):
    """x ↦ gain · x^γ."""
    channels(img)
    x = img if img.is_floating_point() else convert_image_dtype(img)
    return convert_image_dtype((gain * x.pow(gamma)).clamp(0, 1), img.dtype)


def invert(img):
    """max − x."""
    channels(img, least=3)
    return max_value(img.dtype) - img


def must_be_bytes(img):
    """Raises TypeError unless the tensor is of uint8."""
    if img.dtype.name != "uint8":
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")


def posterize(img, bits):
    """The upper `bits` bits of each byte."""
    channels(img, least=3)
    must_be_bytes(img)
    return img & (256 - 2 ** (8 - bits))


def solarize(img, threshold):
    """max − x where x ≥ threshold."""
    channels(img, least=3)
    if threshold > max_value(img.dtype):
        raise TypeError("Threshold should be less than bound of img.")
    return where(img >= threshold, invert(img), img)


def adjust_sharpness(img, factor):
    """The other end of the scale is the image blurred by [1 1 1; 1 5 1; 1 1 1] / 13 inside."""
    channels(img)
    if min(img.shape[-2:]) <= 2:
        return img
    kernel = ones(3, 3, dtype=as_floats(img).dtype)
    kernel[1, 1] = 5.0
    blurred = img.clone()
    blurred[..., 1:-1, 1:-1] = leave(filtered(enter(img, kernel.dtype), kernel / 13.0), img)
    return blend(img, blurred, factor)


def filtered(x, kernel):
    """Each channel correlated with the kernel, without padding."""
    n = x.shape[-3]
    return conv2d(x, kernel.expand(n, 1, *kernel.shape), groups=n)


def autocontrast(img):
    """(x − min) · bound / (max − min) of each channel; a channel of one value stays as it is."""
    channels(img, least=3)
    bound = max_value(img.dtype)
    x = as_floats(img)
    low, high = x.amin((-2, -1), keepdim=True), x.amax((-2, -1), keepdim=True)
    flat = low == high
    scale = where(flat, 1.0, bound / where(flat, 1.0, high - low))
    return ((img - where(flat, 0.0, low)) * scale).clamp(0, bound).to(img.dtype)


def equalize(img):
    """Each channel through its cumulative histogram, so that all levels are equally frequent."""
    if not 3 <= img.ndim <= 4:
        raise TypeError(f"Input image tensor should have 3 or 4 dimensions, but found {img.ndim}")
    must_be_bytes(img)
    channels(img)
    planes = [equalized(plane) for plane in img.reshape(-1, *img.shape[-2:])]
    return stack(planes).reshape(img.shape)


def equalized(plane):
    """One channel: level k ↦ (number of darker pixels + step/2) // step, step ≈ pixels / 255."""
    count = bincount(plane.reshape(-1), minlength=256)
    present = count[count != 0]
    step = int(present[:-1].sum()) // 255
    if step == 0:
        return plane
    darker = count.cumsum(0) - count
    table = ((darker + step // 2).div(step, rounding_mode="floor")).clamp(0, 255)
    return table[plane.long()].to(plane.dtype)


def gaussian_blur(img, kernel_size, sigma):
    """Σ k(i) k(j) x[· + i, · + j] with k(i) ∝ exp(−i²/2σ²), the image mirrored at its edges."""
    dtype = as_floats(img).dtype
    across = bell(kernel_size[0], sigma[0], dtype)
    down = bell(kernel_size[1], sigma[1], dtype)
    m, n = kernel_size[0] // 2, kernel_size[1] // 2
    x = pad_edges(enter(img, dtype), [m, m, n, n], mode="reflect")
    return leave(filtered(x, down[:, None] * across[None, :]), img)


def bell(n, sigma, dtype):
    """n values of exp(−i²/2σ²) around 0, which sum to 1."""
    half = (n - 1) * 0.5
    values = (-0.5 * (linspace(-half, half, n, dtype=dtype) / sigma).pow(2)).exp()
    return values / values.sum()


def erase(img, i, j, h, w, v, inplace=False):
    """img[…, i:i+h, j:j+w] ← v."""
    img = img if inplace else img.clone()
    img[..., i:i + h, j:j + w] = v
    return img
