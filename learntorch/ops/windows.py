"""Sliding windows: how many there are, and how a convolution lays them out for matrix products.

The layout is what makes a convolution fast on a CPU. Copying every window into a column ("im2col")
copies each number k·k times. Here only the last dimensions of the kernel are unrolled: for each
row of the kernel the numbers that meet it are then one slice of the same columns, so k products on
shifted slices replace one product on k times as many columns. With few channels such products
would be thin, and everything is unrolled after all. Blocks of about a megabyte stay in the cache.
"""

from functools import lru_cache
from math import prod

BLOCK = 1 << 20     # bytes of columns made at a time
THIN = 24           # a product over fewer numbers than this is not worth a pass of its own


def repeat(value, n):
    """An int as n equal ints; a sequence of ints as a tuple."""
    return (value,) * n if isinstance(value, int) else tuple(value)


def counted(size, kernel, stride, low, high, dilation):
    """How many windows fit into `size` numbers with `low` and `high` more around them."""
    return (size + low + high - dilation * (kernel - 1) - 1) // stride + 1


class Windows:
    """The windows of one convolution, block by block, as matrices.

    `shape` (n, c, …) is the input's, `kernel` and `size` the spatial sizes of kernel and output.
    Nothing in it depends on the numbers: `windows` keeps those last used.
    """

    def __init__(self, xp, shape, dtype, kernel, size, stride, padding, dilation, groups):
        self.xp = xp
        self.shape = shape
        self.dtype = dtype
        self.size = size
        self.stride = stride
        self.dilation = dilation
        self.groups = groups
        self.low = tuple(a for a, _ in padding)
        k, s, d = kernel[0], stride[0], dilation[0]
        self.whole = k == 1 or shape[1] // groups * prod(kernel[1:]) < THIN
        self.unrolled = kernel if self.whole else kernel[1:]
        # A row of the kernel: which of the `s` interleaved sets of rows it meets, from which row.
        taps = [(0, 0)] if self.whole else [(i * d % s, i * d // s) for i in range(k)]
        self.phases = sorted({p for p, _ in taps})
        self.taps = [(self.phases.index(p), q) for p, q in taps]
        self.reach = taps[-1][1]
        self.line = prod(size[1:])
        self.depth = shape[1] // groups * prod(self.unrolled)
        self.widths = tuple((m - 1) * t + (k - 1) * d + 1 for m, t, k, d in
                            zip(size[1:], stride[1:], kernel[1:], dilation[1:], strict=True))
        self.tall = d * (k - 1) + 1
        self.inside = not any(self.low) and all(
            m <= n for m, n in zip((self.rows(size[0]), *self.widths), shape[2:], strict=True))
        self.plain = self.inside and prod(self.unrolled) == 1 and self.phases == [0] and (
            set(stride) == {1} and self.widths == tuple(shape[3:]))
        self.blocks = self.divided()
        self.known = {}

    def rows(self, count):
        """How many rows of the padded input `count` rows of the output are made from."""
        if self.whole:
            return (count - 1) * self.stride[0] + self.tall
        return (count + self.reach) * self.stride[0]

    def divided(self):
        """(images, rows of the output) of blocks whose columns take about BLOCK bytes."""
        n, high = self.shape[0], self.size[0]
        row = max(self.depth * self.groups * self.line * len(self.phases) * self.dtype.itemsize, 1)
        image = row * (high + self.reach)
        if image <= 2 * BLOCK or n == 0:
            step = max(BLOCK // max(image, 1), 1)
            return [(slice(i, min(i + step, n)), slice(0, high)) for i in range(0, n, step)]
        step = max(BLOCK // row - self.reach, 2 * self.reach, 1)
        return [(slice(i, i + 1), slice(r, min(r + step, high)))
                for i in range(n) for r in range(0, high, step)]

    def places(self, rows):
        """Where the padded rows of a block and the input meet: (in the input, in the block)."""
        found = self.known.get((rows.start, rows.stop))
        if found is not None:
            return found
        start = rows.start * self.stride[0]
        starts = [start - self.low[0], *[-a for a in self.low[1:]]]
        lengths = (self.rows(rows.stop - rows.start), *self.widths)
        ours = [slice(max(a, 0), max(min(a + n, m), 0))
                for a, n, m in zip(starts, lengths, self.shape[2:], strict=True)]
        theirs = [slice(o.start - a, max(o.stop, o.start) - a)
                  for o, a in zip(ours, starts, strict=True)]
        found = (slice(None), slice(None), *ours), (slice(None), slice(None), *theirs), lengths
        self.known[rows.start, rows.stop] = found
        return found

    def columns(self, x, images, rows):
        """The columns of a block: (images, groups, depth, phases · rows · line)."""
        xp = self.xp
        ours, theirs, lengths = self.places(rows)
        x = x[images]
        m, c = x.shape[:2]
        if self.inside:
            x = x[:, :, rows.start * self.stride[0]:]
        else:
            padded = xp.zeros((m, c, *lengths), self.dtype)
            padded[theirs] = x[ours]
            x = padded
        count = rows.stop - rows.start + self.reach
        if self.plain:
            return x[:, :, :count].reshape(m, self.groups, self.depth, count * self.line)
        made = xp.empty((m, c, *self.unrolled, len(self.phases), count, *self.size[1:]), self.dtype)
        for i, p in enumerate(self.phases):
            made[(slice(None),) * (2 + len(self.unrolled)) + (i,)] = self.seen(x[:, :, p:], count)
        return made.reshape(m, self.groups, self.depth, len(self.phases) * count * self.line)

    def seen(self, x, count):
        """The windows as a view of the padded input: (m, c, unrolled kernel, count, …)."""
        s = x.strides
        inner = s[2:] if self.whole else s[3:]
        skip = self.dilation if self.whole else self.dilation[1:]
        return self.xp.lib.stride_tricks.as_strided(
            x, (*x.shape[:2], *self.unrolled, count, *self.size[1:]),
            (s[0], s[1], *[a * d for a, d in zip(inner, skip, strict=True)],
             *[a * t for a, t in zip(s[2:], self.stride, strict=True)]))

    def flat(self, y):
        """An output as (images, groups, channels of a group, places)."""
        n, c = y.shape[:2]
        return y.reshape(n, self.groups, c // self.groups, self.size[0] * self.line)

    def span(self, rows):
        """The places of rows of the output."""
        return slice(rows.start * self.line, rows.stop * self.line)

    def under(self, columns, i, rows):
        """The part of the columns that meets row i of the kernel: (images, groups, depth, p)."""
        phase, q = self.taps[i]
        count = rows.stop - rows.start
        start = (phase * (count + self.reach) + q) * self.line
        return columns[..., start:start + count * self.line]

    def fold(self, columns, result, images, rows):
        """Add the columns of a block back to where they were copied from: undoes `columns`."""
        xp = self.xp
        ours, theirs, lengths = self.places(rows)
        m = columns.shape[0]
        count = rows.stop - rows.start + self.reach
        made = columns.reshape(m, self.shape[1], *self.unrolled, len(self.phases), count,
                               *self.size[1:])
        padded = xp.zeros((m, self.shape[1], *lengths), self.dtype)
        for i, p in enumerate(self.phases):
            for k in xp.ndindex(*self.unrolled):
                window = self.spots(k, p, count)
                padded[window] += made[(slice(None), slice(None), *k, i)]
        result[images][ours] += padded[theirs]

    def spots(self, k, phase, count):
        """The places in the padded input that meet place k of the unrolled kernel."""
        starts = (k[0], *k[1:]) if self.whole else (0, *k)
        sizes = (count, *self.size[1:])
        starts = [i * d for i, d in zip(starts, self.dilation, strict=True)]
        starts[0] += phase
        return (slice(None), slice(None), *[
            slice(a, a + (n - 1) * t + 1, t)
            for a, n, t in zip(starts, sizes, self.stride, strict=True)])

    def matrices(self, weight):
        """The kernel as one matrix for each tap: (taps, groups, outputs of a group, depth)."""
        o = weight.shape[0] // self.groups
        if self.whole:
            return weight.reshape(1, self.groups, o, self.depth)
        return self.xp.moveaxis(weight, 2, 0).reshape(len(self.taps), self.groups, o, self.depth)

    def kernel(self, matrices, shape):
        """Matrices for each tap as a kernel of `shape`: undoes `matrices`."""
        if self.whole:
            return matrices.reshape(shape)
        tall = matrices.reshape(shape[2], *shape[:2], *shape[3:])
        return self.xp.ascontiguousarray(self.xp.moveaxis(tall, 0, 2))


windows = lru_cache(maxsize=256)(Windows)
