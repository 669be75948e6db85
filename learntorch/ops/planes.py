"""Convolutions in many small groups, depthwise ones above all, as products of long rows.

With a channel or a few in a group, im2col (`windows`) makes thin matrices at a high price: each
number is copied k·k times, in runs as short as the picture is wide. Here a picture stays one long
row of numbers. The k copies of it that meet the k lines of the kernel are multiplied by all columns
of the kernel in one product; its k results, each shifted by a place, are added up, and the places
where a window would reach over the end of a line are left out. So copies, products and sums run
along the whole picture.
"""

from functools import lru_cache
from math import prod

BLOCK = 1 << 21     # bytes of rows at a time: what is made is used again while it is in the cache
THIN = 24           # from so many numbers on, what meets a line of the kernel is no thin matrix


def fits(shape, groups, dtype):
    """Whether the groups of a convolution with a weight of `shape` are too small for windows."""
    return groups > 1 and 0 < shape[1] * prod(shape[3:]) < THIN and dtype.char in "fdFD"


class Planes:
    """The rows of one convolution, block by block.

    `shape` (n, c, …) is the input's, `weight` (o, c / groups, …) the kernel's, `size` the spatial
    size of the output. Nothing in it depends on the numbers: `planes` keeps those last used.
    """

    def __init__(self, xp, shape, dtype, weight, size, stride, padding, dilation, groups):
        self.xp = xp
        self.dtype = dtype
        self.groups = groups
        self.inputs = shape[1] // groups
        self.outputs = weight[0] // groups
        self.lines = weight[2:-1]
        self.columns = weight[-1]
        self.size = size
        self.stride = stride
        self.step = dilation
        self.padded = tuple((m - 1) * s + (k - 1) * d + 1 for m, s, k, d in zip(
            size, stride, weight[2:], dilation, strict=True))
        self.depth = self.inputs * prod(self.lines)
        self.length = prod(size[:-1]) * self.padded[-1]
        starts = [max(low, 0) for low, _ in padding]
        stops = [min(low + n, m) for (low, _), n, m in zip(padding, shape[2:], self.padded)]
        self.theirs = (Ellipsis, *[slice(a, max(b, a)) for a, b in zip(starts, stops)])
        self.ours = (Ellipsis, *[slice(a - low, max(b, a) - low) for a, b, (low, _) in zip(
            starts, stops, padding)])
        self.blocks = self.divided(shape[0])

    def divided(self, n):
        """(images, groups) of blocks whose rows and products take about BLOCK bytes."""
        group = self.length * (self.depth + self.outputs * self.columns) * self.dtype.itemsize
        some = max(BLOCK // group, 1)
        many = max(some // self.groups, 1)
        some = min(some, self.groups)
        return [(slice(i, min(i + many, n)), slice(g, min(g + some, self.groups)))
                for i in range(0, n, many) for g in range(0, self.groups, some)]

    def part(self, x, images, some, channels):
        """A block of an input or output: (images, groups, channels of a group, …), a view."""
        part = x[images, some.start * channels:some.stop * channels]
        return part.reshape(len(part), -1, channels, *x.shape[2:])

    def rows(self, x, images, some):
        """What meets each line of the kernel: (images, groups, depth, length)."""
        part = self.part(x, images, some, self.inputs)
        padded = self.xp.zeros((*part.shape[:3], *self.padded), self.dtype)
        padded[self.theirs] = part[self.ours]
        s = padded.strides
        seen = self.xp.lib.stride_tricks.as_strided(
            padded, (*part.shape[:3], *self.lines, *self.size[:-1], self.padded[-1]),
            (*s[:3], *[p * d for p, d in zip(s[3:-1], self.step)],
             *[p * t for p, t in zip(s[3:-1], self.stride)], s[-1]))
        return self.xp.ascontiguousarray(seen).reshape(*part.shape[:2], self.depth, self.length)

    def fold(self, rows, y, images, some):
        """Add rows up where they were copied from, in an input `y`: undoes `rows`."""
        part = self.part(y, images, some, self.inputs)
        rows = rows.reshape(*part.shape[:3], *self.lines, *self.size[:-1], self.padded[-1])
        padded = self.xp.zeros((*part.shape[:3], *self.padded), self.dtype)
        for line in self.xp.ndindex(*self.lines):
            here = [slice(i * d, i * d + (m - 1) * s + 1, s) for i, d, m, s in zip(
                line, self.step, self.size, self.stride)]
            padded[(Ellipsis, *here, slice(None))] += rows[(slice(None),) * 3 + line]
        part[self.ours] = padded[self.theirs]

    def window(self, row, column):
        """The output's places in what a column of the kernel gave: (…, length) → (…, *size)."""
        start = column * self.step[-1]
        stop = start + (self.size[-1] - 1) * self.stride[-1] + 1
        row = row.reshape(*row.shape[:-1], *self.size[:-1], self.padded[-1])
        return row[..., start:stop:self.stride[-1]]

    def matrices(self, weight):
        """The kernel as matrices (groups, outputs · columns, depth)."""
        parted = weight.reshape(self.groups, self.outputs, self.depth, self.columns)
        return parted.swapaxes(2, 3).reshape(self.groups, -1, self.depth)

    def weight(self, matrices, shape):
        """Matrices as a kernel (o, c / groups, …): undoes `matrices`."""
        parted = matrices.reshape(self.groups, self.outputs, self.columns, self.depth)
        return self.xp.ascontiguousarray(parted.swapaxes(2, 3)).reshape(shape)


planes = lru_cache(maxsize=256)(Planes)


def forward(xp, x, weight, bias, size, stride, padding, dilation, groups):
    """`conv_forward` for thin groups."""
    seen = planes(xp, x.shape, x.dtype, weight.shape, size, stride, padding, dilation, groups)
    y = xp.empty((x.shape[0], weight.shape[0], *size), x.dtype)
    w = seen.matrices(weight)
    for images, some in seen.blocks:
        z = xp.matmul(w[some], seen.rows(x, images, some))
        z = z.reshape(*z.shape[:2], seen.outputs, seen.columns, seen.length)
        part = seen.part(y, images, some, seen.outputs)
        last = seen.columns - 1
        if last:
            total = shifted_sum(xp, [z[:, :, :, j] for j in range(last)], dilation[-1])
            xp.add(seen.window(total, 0), seen.window(z[:, :, :, last], last), out=part)
        else:
            part[...] = seen.window(z[:, :, :, 0], 0)
    if bias is not None:
        y += bias.reshape(bias.size, *(1,) * len(stride))
    return y


def shifted_sum(xp, rows, step):
    """y[p] = Σ_j rows[j][p + j·step], as far as there are numbers in the rows."""
    if len(rows) == 1:
        return rows[0]
    y = xp.empty(rows[0].shape, rows[0].dtype)
    xp.add(rows[0][..., :-step], rows[1][..., step:], out=y[..., :-step])
    for j in range(2, len(rows)):
        y[..., :-j * step] += rows[j][..., j * step:]
    y[..., -step:] = 0
    return y


def shifted(xp, seen, part):
    """Gradient of an output for what each column of the kernel gave: undoes the sum of columns."""
    z = xp.zeros((*part.shape[:3], seen.columns, seen.length), seen.dtype)
    for j in range(seen.columns):
        seen.window(z[:, :, :, j], j)[...] = part
    return z.reshape(*part.shape[:2], -1, seen.length)


def to_input(xp, x, weight, bias, shape, stride, padding, dilation, groups):
    """`conv_to_input` for thin groups."""
    seen = planes(xp, shape, x.dtype, weight.shape, x.shape[2:], stride, padding, dilation, groups)
    y = xp.zeros(shape, x.dtype)
    w = seen.matrices(weight).swapaxes(1, 2)
    for images, some in seen.blocks:
        z = shifted(xp, seen, seen.part(x, images, some, seen.outputs))
        seen.fold(xp.matmul(w[some], z), y, images, some)
    if bias is not None:
        y += bias.reshape(bias.size, *(1,) * len(stride))
    return y


def to_weight(xp, x, y, shape, stride, padding, dilation, groups):
    """`conv_to_weight` for thin groups."""
    seen = planes(xp, x.shape, x.dtype, shape, y.shape[2:], stride, padding, dilation, groups)
    w = xp.zeros((groups, seen.outputs * seen.columns, seen.depth), x.dtype)
    for images, some in seen.blocks:
        z = shifted(xp, seen, seen.part(y, images, some, seen.outputs))
        rows = seen.rows(x, images, some)
        w[some] += xp.add.reduce(xp.matmul(z, rows.swapaxes(-1, -2)), axis=0)
    return seen.weight(w, shape)
