"""A convolution, one output pixel at a time: patch × kernel, added up."""

import numpy as np
import traitlets as t

from course.widgets import pictures
from course.widgets.base import Widget, script, style
from learntorch.viz.svg import escape
from learntorch.viz.text import host, number

MOST = 32               # maps shown


class FeatureMaps(Widget):
    """`FeatureMaps(image, kernels)` or `FeatureMaps(image, layer)`, layer an nn.Conv2d.

    image: (H, W), (C, H, W) or (1, C, H, W). kernels: (O, kh, kw) or (O, C/groups, kh, kw).
    names: of the maps. chosen: [map, row, column] of the output pixel pointed at; channel: the
    input channel shown. Raises ValueError where the shapes do not fit.
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
                 names=None, **traits):
        if hasattr(kernels, "weight"):
            layer = kernels
            kernels, bias, groups = layer.weight, layer.bias, layer.groups
            stride, padding, dilation = layer.stride, layer.padding, layer.dilation
        self.conv = Convolution(image, kernels, bias, stride, padding, dilation, groups)
        self.names = [str(n) for n in names] if names else [
            f"map {i}" for i in range(len(self.conv.maps))]
        traits.setdefault("chosen", [0, self.conv.maps.shape[1] // 2,
                                     self.conv.maps.shape[2] // 2])
        super().__init__(**traits)
        self.picture = picture(self.conv, self.names)
        self._point()
        self.observe(self._point, ["chosen", "channel"])

    @t.validate("chosen")
    def _within(self, proposal):
        return [max(0, min(v, n - 1)) for v, n in
                zip(proposal["value"], self.conv.maps.shape, strict=True)]

    @t.validate("channel")
    def _existing(self, proposal):
        return max(0, min(proposal["value"], len(self.conv.image) - 1))

    def _point(self, _change=None):
        self.detail = explain(self.conv, *self.chosen, self.channel)
        self.message = self.detail["sentence"]
        height, width = self.conv.maps.shape[1:]
        self.alt = (f"Convolution: {len(self.conv.maps)} maps of {height} by {width}. "
                    f"{self.names[self.chosen[0]]}, row {self.chosen[1]}, column "
                    f"{self.chosen[2]}: {self.detail['sentence']}")

    def static(self):
        return maps_svg(self.conv, self.picture, self.detail)

    def __repr__(self):
        o, height, width = self.conv.maps.shape
        return f"FeatureMaps({o} maps of {height}×{width})"


class Convolution:
    """out[o, r, c] = bias[o] + Σ image[i, r·s + u·d − p, c·s + v·d − p] · kernel[o, i, u, v]"""

    def __init__(self, image, kernels, bias, stride, padding, dilation, groups):
        self.image = as_array(image)
        self.image = self.image.reshape((-1, *self.image.shape[-2:]))
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


def explain(conv, o, r, c, channel):
    """One output pixel: the patch, the kernel, their products, and the sum."""
    inputs = list(conv.inputs(o))
    shown = channel if channel in inputs else inputs[0]
    sums = [float((conv.patch(i, r, c) * conv.kernels[o, k]).sum()) for k, i in enumerate(inputs)]
    patch, kernel = conv.patch(shown, r, c), conv.kernels[o, inputs.index(shown)]
    total = float(conv.maps[o, r, c])
    bias = float(conv.bias[o])
    parts = [number(v, 3) for v in sums[:8]] + (["…"] if len(sums) > 8 else [])
    if bias:
        parts.append(f"bias {number(bias, 3)}")
    what = "the products add up to" if len(parts) == 1 else f"{' + '.join(parts)} ="
    (s, z), (p, q) = conv.stride, conv.padding
    return {"channel": shown, "patch": texts(patch), "kernel": texts(kernel),
            "products": texts(patch * kernel), "sums": [number(v, 3) for v in sums],
            "bias": number(bias, 3), "total": number(total, 3),
            "place": [r * s - p, c * z - q, conv.span[0], conv.span[1]],
            "kernel_uri": pictures.uri(pictures.signed(kernel)),
            "sentence": f"{what} {number(total, 3)}"}


def texts(values):
    return [[number(v, 2) for v in row] for row in values]


def picture(conv, names):
    """Pictures of the input channels and of the maps, each as a small PNG."""
    most = float(np.abs(conv.maps).max(initial=0.0)) or 1.0
    low, high = float(conv.image.min()), float(conv.image.max())
    return {"inputs": [pictures.uri(pictures.grey(c, low, high)) for c in conv.image[:MOST]],
            "maps": [pictures.uri(pictures.signed(m, most)) for m in conv.maps[:MOST]],
            "names": names[:MOST], "size": list(conv.size),
            "image": list(conv.image.shape[1:]), "most": number(most, 2)}


def maps_svg(conv, drawn, detail):
    """The static picture: the image, and up to six maps beside it."""
    cell = 120
    maps = drawn["maps"][:6]
    width = 20 + (1 + len(maps)) * (cell + 14)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="176" '
             f'viewBox="0 0 {width} 176" aria-label="an image and {len(maps)} feature maps">'
             f"<title>an image and {len(maps)} feature maps</title>"
             f"<desc>{escape(detail['sentence'])}</desc>"
             "<style>.lt-maps text{font:11px system-ui,sans-serif;fill:#1a1a1a}</style>"
             f'<g class="lt-maps"><rect width="{width}" height="176" rx="6" fill="#fff"/>']
    titles = ["image", *drawn["names"]]
    for i, address in enumerate([drawn["inputs"][0], *maps]):
        x = 10 + i * (cell + 14)
        parts.append(f'<text x="{x}" y="20">{escape(titles[i][:20])}</text>'
                     f'<image x="{x}" y="28" width="{cell}" height="{cell}" '
                     f'style="image-rendering:pixelated" href="{address}"/>'
                     f'<rect x="{x}" y="28" width="{cell}" height="{cell}" fill="none" '
                     'stroke="#999"/>')
    parts.append(f'<text x="10" y="168">blue: below 0, white: 0, orange: above 0, up to '
                 f"{drawn['most']}</text>")
    return "\n".join([*parts, "</g></svg>"])
