"""Sliding blocks of an image as columns, and columns added back into an image."""

from learntorch.core.op import composite, nary
from learntorch.ops.pool import met
from learntorch.ops.windows import counted


@nary(space="rules", grad="Im2Col")
def im2col(xp, x, kernel, dilation, padding, stride):
    """Column p holds the numbers x[c, p·stride + k·dilation − padding] for all c and k.

    (n, c, h, w) → (n, c · kh · kw, places).
    """
    size = blocks(x.shape[2:], kernel, dilation, padding, stride)
    x = xp.pad(x, ((0, 0), (0, 0), *[(p, p) for p in padding]))
    y = xp.empty((*x.shape[:2], *kernel, *size), x.dtype)
    for k in xp.ndindex(*kernel):
        y[(slice(None), slice(None), *k)] = x[met(k, size, stride, dilation)]
    return y.reshape(x.shape[0], x.shape[1] * kernel[0] * kernel[1], size[0] * size[1])


def im2col_x(xp, g, x_shape, kernel, dilation, padding, stride):
    return xp.col2im(g, x_shape[2:], kernel, dilation, padding, stride)
im2col.vjp(x=im2col_x)


@nary(space="rules", grad="Col2Im")
def col2im(xp, x, size, kernel, dilation, padding, stride):
    """Every column added to the place of its block in an image of `size`: undoes im2col by adding.

    (n, c · kh · kw, places) → (n, c, h, w).
    """
    n = x.shape[0]
    c = x.shape[1] // (kernel[0] * kernel[1])
    counts = blocks(size, kernel, dilation, padding, stride)
    x = x.reshape(n, c, *kernel, *counts)
    y = xp.zeros((n, c, *[m + 2 * p for m, p in zip(size, padding, strict=True)]), x.dtype)
    for k in xp.ndindex(*kernel):
        y[met(k, counts, stride, dilation)] += x[(slice(None), slice(None), *k)]
    return y[:, :, padding[0]:padding[0] + size[0], padding[1]:padding[1] + size[1]]


def col2im_x(xp, g, kernel, dilation, padding, stride):
    return xp.im2col(g, kernel, dilation, padding, stride)
col2im.vjp(x=col2im_x)


def blocks(size, kernel, dilation, padding, stride):
    """How many blocks there are down and across."""
    return tuple(counted(n, k, s, p, p, d) for n, k, s, p, d in
                 zip(size, kernel, stride, padding, dilation, strict=True))


@composite(space="nn.functional", method=False, name="nn.functional.unfold")
def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """All sliding blocks of images as columns: (n, c, h, w) → (n, c · kh · kw, places).

    A convolution is a product of its weight, as a matrix, with these columns.
    Raises RuntimeError for other shapes, and where no block fits.
    """
    kernel, dilation, padding, stride = pairs(kernel_size, dilation, padding, stride)
    shape = input._data.shape
    check(kernel, dilation, padding, stride)
    if len(shape) == 2:
        raise IndexError("Dimension out of range (expected to be in range of [-2, 1], but got 2). "
                         "unfold wants images: (n, c, h, w), or (c, h, w) for one.")
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise RuntimeError("Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and "
                           f"other non-zero dimensions for input, but got: {list(shape)}")
    counts = blocks(shape[-2:], kernel, dilation, padding, stride)
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(shape[-2:])}, kernel_size={kernel}, "
            f"dilation={dilation}, padding={padding}, calculated shape of the array of sliding "
            f"blocks as {counts}, but its components must be at least one.")
    if len(shape) == 3:
        return im2col(input.unsqueeze(0), kernel, dilation, padding, stride).squeeze(0)
    return im2col(input, kernel, dilation, padding, stride)


@composite(space="nn.functional", method=False)
def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Columns added back to the places of their blocks: (n, c · kh · kw, places) → (n, c, h, w).

    Where blocks overlap, their numbers add up: fold(unfold(x)) counts each number of x as often as
    blocks contain it.
    Raises RuntimeError for other shapes, and for a number of places that does not fit.
    """
    kernel, dilation, padding, stride = pairs(kernel_size, dilation, padding, stride)
    size = pair("output_size", output_size)
    shape = input._data.shape
    check(kernel, dilation, padding, stride)
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError("Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch "
                           f"size and non-zero dimensions for input, but got: {list(shape)}")
    if shape[-2] % (kernel[0] * kernel[1]):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, "
            f"but got input.size(1)={shape[-2]} and kernel_size={kernel}.")
    counts = blocks(size, kernel, dilation, padding, stride)
    if counts[0] * counts[1] != shape[-1] or min(counts) < 1:
        raise RuntimeError(
            f"Given output_size={size}, kernel_size={kernel}, dilation={dilation}, "
            f"padding={padding}, stride={stride}, expected size of input's dimension 2 to match the"
            f" calculated number of sliding blocks {counts[0]} * {counts[1]} = "
            f"{counts[0] * counts[1]}, but got input.size(2)={shape[-1]}.")
    if len(shape) == 2:
        return col2im(input.unsqueeze(0), size, kernel, dilation, padding, stride).squeeze(0)
    return col2im(input, size, kernel, dilation, padding, stride)


def pairs(kernel_size, dilation, padding, stride):
    return (pair("kernel_size", kernel_size), pair("dilation", dilation), pair("padding", padding),
            pair("stride", stride))


def pair(name, value):
    """Two ints. Raises RuntimeError for another number of them."""
    if isinstance(value, int):
        return (value, value)
    if len(value) not in (1, 2):
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(value)}")
    return tuple(value) * (2 // len(value))


def check(kernel, dilation, padding, stride):
    """Raise RuntimeError for values that make no sense."""
    for what, values in (("kernel size", kernel), ("dilation", dilation), ("stride", stride)):
        if min(values) <= 0:
            word = what.split()[0]
            raise RuntimeError(f"{what} should be greater than zero, but got {word}_height: "
                               f"{values[0]} {word}_width: {values[1]}")
    if min(padding) < 0:
        raise RuntimeError("padding should be non-negative, but got pad_height: "
                           f"{padding[0]} pad_width: {padding[1]}")
