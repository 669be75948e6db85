"""A convolution, one output pixel at a time: patch × kernel, added up."""

import numpy as np
import traitlets as t

import learntorch as torch
from course.widgets import pictures
from course.widgets.base import Widget, script, style
from learntorch.viz.svg import escape
from learntorch.viz.text import host, number

MOST = 32               # maps shown
PARTS = 8               # input channels shown beside each other
COLOURS = ("red", "green", "blue")
WHOLE = -1              # the "channel" that is all three colours at once


class FeatureMaps(Widget):
    """`FeatureMaps(image, kernels)` or `FeatureMaps(image, layer)`, layer an nn.Conv2d.

    image: (H, W), (C, H, W) or (1, C, H, W). kernels: (O, kh, kw) or (O, C/groups, kh, kw).
    names: of the maps. chosen: [map, row, column] of the output pixel pointed at; channel: the
    input channel shown, −1 for a picture in its three colours. through: a module that the image
    goes through first; then the receptive field of the pixel is shown in the image (the module is
    run once for each row and column of it). trained_here: the maps differ from machine to machine,
    so the static picture leaves them out. Raises ValueError where the shapes do not fit.
    """

    kind = "maps"
    shared = ("chosen", "channel")
    _esm = script("common.js", "feature_maps.js")
    _css = style("feature_maps.css")

    chosen = t.List(t.Int(), minlen=3, maxlen=3).tag(sync=True)
    channel = t.Int(0).tag(sync=True)
    picture = t.Dict().tag(sync=True)
    detail = t.Dict().tag(sync=True)

    def __init__(self, image, kernels, bias=None, stride=1, padding=0, dilation=1, groups=1,
                 names=None, through=None, trained_here=False, **traits):
        if hasattr(kernels, "weight"):
            layer = kernels
            kernels, bias, groups = layer.weight, layer.bias, layer.groups
            stride, padding, dilation = layer.stride, layer.padding, layer.dilation
        self.source, self.field, self.trained_here = None, None, trained_here
        if through is not None:
            self.source = planes(image)
            image, self.field = looked_through(through, self.source)
        self.conv = Convolution(image, kernels, bias, stride, padding, dilation, groups)
        self.colour = through is None and len(self.conv.image) == len(COLOURS)
        self.names = [str(n) for n in names] if names else [
            f"map {i}" for i in range(len(self.conv.maps))]
        traits.setdefault("chosen", [0, self.conv.maps.shape[1] // 2,
                                     self.conv.maps.shape[2] // 2])
        traits.setdefault("channel", WHOLE if self.colour else 0)
        super().__init__(**traits)
        self.picture = picture(self.conv, self.names, self.colour, self.source)
        self._point()
        self.observe(self._point, ["chosen", "channel"])

    @t.validate("chosen")
    def _within(self, proposal):
        return [max(0, min(v, n - 1)) for v, n in
                zip(proposal["value"], self.conv.maps.shape, strict=True)]

    @t.validate("channel")
    def _existing(self, proposal):
        lowest = WHOLE if self.colour else 0
        return max(lowest, min(proposal["value"], len(self.conv.image) - 1))

    def _point(self, _change=None):
        self.detail = explain(self.conv, *self.chosen, self.channel, self.colour)
        if self.field is not None:
            place = seen_by(self.field, self.detail["place"])
            self.detail = {**self.detail, "field": place, "sentence":
                           f"{self.detail['sentence']}; it looks at {words_for(place)}"}
        self.message = self.detail["sentence"]
        height, width = self.conv.maps.shape[1:]
        self.alt = (f"Convolution: {len(self.conv.maps)} maps of {height} by {width}. "
                    f"{self.names[self.chosen[0]]}, row {self.chosen[1]}, column "
                    f"{self.chosen[2]}: {self.detail['sentence']}")

    def static(self):
        if self.trained_here:
            said = f"{len(self.conv.maps)} maps, learned here: run the notebook to see them"
            alone = {**self.picture, "maps": []}
            return maps_svg(self.conv, alone, {"sentence": said}, said)
        return maps_svg(self.conv, self.picture, self.detail)

    def __repr__(self):
        o, height, width = self.conv.maps.shape
        return f"FeatureMaps({o} maps of {height}×{width})"


class Convolution:
    """out[o, r, c] = bias[o] + Σ image[i, r·s + u·d − p, c·s + v·d − p] · kernel[o, i, u, v]"""

    def __init__(self, image, kernels, bias, stride, padding, dilation, groups):
        self.image = planes(image)
        self.kernels = as_array(kernels)
        if self.kernels.ndim == 3:
            self.kernels = self.kernels[:, None]
        if self.kernels.ndim != 4 or len(self.image) != self.kernels.shape[1] * groups:
            raise ValueError(f"kernels of shape {list(self.kernels.shape)} do not fit an image "
                             f"with {len(self.image)} channels and {groups} groups")
        count = len(self.kernels)
        self.bias = np.zeros(count) if bias is None else as_array(bias).reshape(count)
        self.stride, self.dilation = pair(stride), pair(dilation)
        self.groups = groups
        self.span = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernels.shape[2:],
                                                     strict=True)]
        if padding == "same":
            padding = [(s - 1) // 2 for s in self.span]
        self.padding = pair(0 if padding == "valid" else padding)
        p, q = self.padding
        self.padded = np.pad(self.image, ((0, 0), (p, p), (q, q)))
        self.size = [(n - s) // k + 1 for n, s, k in zip(self.padded.shape[1:], self.span,
                                                         self.stride, strict=True)]
        if min(self.size) < 1:
            raise ValueError(f"a kernel that spans {self.span} pixels is larger than the image "
                             f"of {list(self.padded.shape[1:])}")
        self.maps = np.stack([self.one_map(o) for o in range(count)])

    def inputs(self, o):
        """The input channels that map `o` looks at."""
        each = self.kernels.shape[1]
        first = o // (len(self.kernels) // self.groups) * each
        return range(first, first + each)

    def one_map(self, o):
        total = np.full(self.size, float(self.bias[o]))
        for k, i in enumerate(self.inputs(o)):
            for u in range(self.kernels.shape[2]):
                for v in range(self.kernels.shape[3]):
                    total += self.kernels[o, k, u, v] * self.window(i, u, v)
        return total

    def window(self, i, u, v):
        (s, z), (d, e), (height, width) = self.stride, self.dilation, self.size
        return self.padded[i, u * d:u * d + height * s:s, v * e:v * e + width * z:z][
            :height, :width]

    def patch(self, i, r, c):
        """The pixels under the kernel for output pixel (r, c)."""
        (s, z), (d, e) = self.stride, self.dilation
        top, left = r * s, c * z
        return self.padded[i, top:top + self.span[0]:d, left:left + self.span[1]:e]


def as_array(value):
    found = host(value)
    return np.asarray(value if found is None else found, dtype=np.float64)


def pair(value):
    return [value, value] if isinstance(value, int) else [int(v) for v in value]


def planes(image):
    """An image as an array (channels, height, width)."""
    made = as_array(image)
    return made.reshape((-1, *made.shape[-2:]))


def looked_through(module, source):
    """What a module makes of an image, and the field of each row and of each column of it.

    A field is the first and the last row (column) of the image on which a row (column) of the
    result depends, found by trying: a row that is made NaN spreads to whatever depends on it.
    """
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        with torch.no_grad():
            made = module(torch.tensor(source[None], dtype=torch.float32))
            fields = [spread(module, source, side) for side in (1, 2)]
    finally:
        for part, mode in modes:
            part.training = mode
    return as_array(made)[0], fields


def spread(module, source, side):
    """Pairs (first, last) for each row (side 1) or column (side 2) of the result."""
    count = source.shape[side]
    probes = np.repeat(source[None].astype(np.float32), count, axis=0)
    for i in range(count):
        probes[i][(slice(None),) * side + (i,)] = np.nan
    reached = np.isnan(as_array(module(torch.from_numpy(probes)))).any(axis=(1, 4 - side))
    ends = [np.flatnonzero(column) for column in reached.T]
    return [(int(e[0]), int(e[-1])) if len(e) else (0, -1) for e in ends]


def seen_by(fields, place):
    """[top, left, height, width] in the image for such a place in what was made of it."""
    found = []
    for (first, span), ends in zip(((place[0], place[2]), (place[1], place[3])), fields,
                                   strict=True):
        inside = [e for e in ends[max(0, first):first + span] if e[1] >= e[0]]
        low = min((e[0] for e in inside), default=0)
        found.append((low, max((e[1] for e in inside), default=low - 1) - low + 1))
    return [found[0][0], found[1][0], found[0][1], found[1][1]]


def words_for(place):
    top, left, height, width = place
    return (f"{height} × {width} points of the picture, rows {top} to {top + height - 1}, "
            f"columns {left} to {left + width - 1}")


def explain(conv, o, r, c, channel, colour=False):
    """One output pixel: the patch, the kernel, their products, and the sum.

    "parts": patch, kernel and sum of each input channel, or of the eight with the largest sums.
    """
    inputs = list(conv.inputs(o))
    shown = channel if channel in inputs or colour and channel == WHOLE else inputs[0]
    sums = [float((conv.patch(i, r, c) * conv.kernels[o, k]).sum()) for k, i in enumerate(inputs)]
    total = float(conv.maps[o, r, c])
    bias = float(conv.bias[o])
    said = [f"{name_of(i, colour)} {number(v, 3)}" if colour else number(v, 3)
            for i, v in zip(inputs, sums, strict=True)]
    if bias:
        said.append(f"bias {number(bias, 3)}")
    what = "the products add up to" if len(said) == 1 else f"{' + '.join(said)} ="
    if len(inputs) > PARTS:
        what = f"{len(inputs)} channels and a bias of {number(bias, 3)} add up to"
    (s, z), (p, q) = conv.stride, conv.padding
    most = float(np.abs(conv.kernels[o]).max(initial=0.0))
    largest = sorted(range(len(inputs)), key=lambda k: -abs(sums[k]))[:PARTS]
    low, high = float(conv.image.min()), float(conv.image.max())
    parts = [{"channel": inputs[k], "name": name_of(inputs[k], colour), "sum": number(sums[k], 3),
              "kernel": pictures.uri(pictures.signed(conv.kernels[o, k], most)),
              "patch": pictures.uri(pictures.grey(conv.patch(inputs[k], r, c), low, high))}
             for k in sorted(largest)]
    rest = sum(v for k, v in enumerate(sums) if k not in largest)
    made = {"channel": shown, "parts": parts, "sums": [number(v, 3) for v in sums],
            "hidden": len(inputs) - len(parts), "rest": number(rest, 3), "bias": number(bias, 3),
            "total": number(total, 3), "place": [r * s - p, c * z - q, conv.span[0], conv.span[1]],
            "sentence": f"{what} {number(total, 3)}"}
    if shown != WHOLE:
        patch, kernel = conv.patch(shown, r, c), conv.kernels[o, inputs.index(shown)]
        made.update(patch=texts(patch), kernel=texts(kernel), products=texts(patch * kernel))
    return made


def name_of(channel, colour):
    return COLOURS[channel] if colour else f"channel {channel}"


def texts(values):
    return [[number(v, 2) for v in row] for row in values]


def picture(conv, names, colour=False, source=None):
    """Pictures of the input channels and of the maps, each as a small PNG."""
    most = float(np.abs(conv.maps).max(initial=0.0)) or 1.0
    low, high = float(conv.image.min()), float(conv.image.max())
    drawn = {"inputs": [pictures.uri(pictures.grey(c, low, high)) for c in conv.image[:MOST]],
             "channels": [name_of(i, colour) for i in range(len(conv.image))][:MOST],
             "maps": [pictures.uri(pictures.signed(m, most)) for m in conv.maps[:MOST]],
             "names": names[:MOST], "size": list(conv.size),
             "image": list(conv.image.shape[1:]), "most": number(most, 2)}
    if colour:
        drawn["colour"] = pictures.uri(in_colour(conv.image))
    if source is not None:
        drawn["source"] = pictures.uri(in_colour(source))
        drawn["source_size"] = list(source.shape[1:])
    return drawn


def in_colour(planes_):
    """One picture of three planes (or the first alone, in grey); bytes (height, width, 3)."""
    if len(planes_) != len(COLOURS):
        return pictures.grey(planes_[0])
    shade = pictures.scaled(planes_, float(planes_.min()), float(planes_.max()))
    return np.rint(255 * shade.transpose(1, 2, 0)).astype(np.uint8)


def maps_svg(conv, drawn, detail, below=""):
    """The static picture: the image, and up to six maps beside it; `below` replaces the legend."""
    cell = 120
    maps = drawn["maps"][:6]
    width = max(20 + (1 + len(maps)) * (cell + 14), 20 + 6 * len(below))
    below = below or f"blue: below 0, white: 0, orange: above 0, up to {drawn['most']}"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="176" '
             f'viewBox="0 0 {width} 176" aria-label="an image and {len(maps)} feature maps">'
             f"<title>an image and {len(maps)} feature maps</title>"
             f"<desc>{escape(detail['sentence'])}</desc>"
             "<style>.lt-maps text{font:11px system-ui,sans-serif;fill:#1a1a1a}</style>"
             f'<g class="lt-maps"><rect width="{width}" height="176" rx="6" fill="#fff"/>']
    titles = ["image", *drawn["names"]]
    first = drawn.get("source") or drawn.get("colour") or drawn["inputs"][0]
    for i, address in enumerate([first, *maps]):
        x = 10 + i * (cell + 14)
        parts.append(f'<text x="{x}" y="20">{escape(titles[i][:20])}</text>'
                     f'<image x="{x}" y="28" width="{cell}" height="{cell}" '
                     f'style="image-rendering:pixelated" href="{address}"/>'
                     f'<rect x="{x}" y="28" width="{cell}" height="{cell}" fill="none" '
                     'stroke="#999"/>')
    parts.append(f'<text x="10" y="168">{below}</text>')
    return "\n".join([*parts, "</g></svg>"])
