"""Draw a digit, and a model says at once what it thinks it is."""

import base64

import numpy as np
import traitlets as t

from course.widgets import pictures
from course.widgets.base import Widget, script, style
from learntorch.core.ambient import no_grad
from learntorch.viz.svg import escape
from learntorch.viz.text import host

SIDE = 28
LEVELS = 15             # shades of grey in the state string: two pixels in a byte


class DrawDigit(Widget):
    """A sheet of 28 × 28 pixels. `model(x)` gets x of shape (1, 1, 28, 28), 0 paper to 1 ink, and
    returns one score for each of `labels`; their softmax is shown as bars.

    centre:   move and scale the drawing as MNIST does before the model sees it.
    examples: images (n, 28, 28) or (n, 1, 28, 28) to look through with a button.
    An error in the model is shown as a message and does not end anything.
    """

    kind = "digit"
    shared = ("ink",)
    _esm = script("common.js", "draw_digit.js")
    _css = style("draw_digit.css")

    ink = t.Unicode().tag(sync=True)
    labels = t.List(t.Unicode()).tag(sync=True)
    bars = t.List().tag(sync=True)
    seen = t.Unicode().tag(sync=True)
    has_examples = t.Bool().tag(sync=True)

    def __init__(self, model=None, labels=None, centre=False, examples=None, **traits):
        self.model = model
        self.centre = centre
        self.examples = None if examples is None else np.asarray(
            host(examples) if host(examples) is not None else examples,
            dtype=np.float64).reshape(-1, SIDE, SIDE)
        self._next = 0
        labels = [str(i) for i in range(10)] if labels is None else [str(v) for v in labels]
        super().__init__(labels=labels, has_examples=self.examples is not None, **traits)
        self._look()
        self.observe(self._look, ["ink"])
        self.on_msg(self._hear)

    @property
    def image(self):
        """The drawing as numbers, (28, 28), 0 paper to 1 ink."""
        return decode(self.ink)

    @image.setter
    def image(self, pixels):
        self.ink = encode(pixels)

    @t.validate("ink")
    def _drawing(self, proposal):
        return encode(decode(proposal["value"]))

    def _look(self, _change=None):
        image = self.image
        given = centred(image) if self.centre else image
        self.seen = pictures.uri(pictures.grey(1 - given, 0, 1)) if image.any() else ""
        error = ""
        if image.any() and self.model is not None:
            self.bars, error = judge(self.model, given, self.labels)
        else:
            self.bars = []
        self.message = error or said(self.bars)
        self.alt = f"{in_words(image)} {said(self.bars)}".strip()

    def _hear(self, _widget, content, _buffers):
        if content.get("type") == "example" and self.examples is not None:
            self.image = self.examples[self._next % len(self.examples)]
            self._next += 1

    def static(self):
        image = self.image
        if not image.any() and self.examples is not None:
            image = self.examples[0]
        return sheet_svg(image, self.bars if self.image.any() else [], in_words(image))

    def __repr__(self):
        return f"DrawDigit({len(self.labels)} labels)"


def encode(pixels):
    """28 × 28 numbers from 0 to 1 as a short text; "" for an empty sheet."""
    shades = np.rint(np.clip(np.asarray(pixels, np.float64), 0, 1) * LEVELS).astype(np.uint8)
    if shades.shape != (SIDE, SIDE):
        raise ValueError(f"a drawing has {SIDE} × {SIDE} pixels, not {shades.shape}")
    if not shades.any():
        return ""
    flat = shades.reshape(-1)
    return base64.urlsafe_b64encode((flat[::2] << 4 | flat[1::2]).tobytes()).decode().rstrip("=")


def decode(text):
    """The numbers in a text made by `encode`. Raises ValueError for another text."""
    if not text:
        return np.zeros((SIDE, SIDE))
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise ValueError("this text is not a drawing") from None
    if len(packed) != SIDE * SIDE // 2:
        raise ValueError("this text is not a drawing of 28 × 28 pixels")
    both = np.frombuffer(packed, np.uint8)
    return np.stack([both >> 4, both & 15], axis=1).reshape(SIDE, SIDE) / LEVELS


def judge(model, image, labels):
    """What the model says of an image: ([[label, probability, text], …], error message)."""
    import learntorch as torch
    try:
        with no_grad():
            answer = model(torch.tensor(image[None, None].astype(np.float32)))
        scores = host(answer) if host(answer) is not None else np.asarray(answer)
        scores = np.asarray(scores, np.float64).reshape(-1)
        if len(scores) != len(labels):
            raise ValueError(f"{len(scores)} scores for {len(labels)} labels")
    except Exception as error:      # the model is the reader's: whatever it raises is shown
        return [], f"The model stopped: {type(error).__name__}: {error}"
    grown = np.exp(scores - scores.max())
    share = grown / grown.sum()
    return [[label, round(float(p), 4), f"{100 * p:.0f} %"]
            for label, p in zip(labels, share, strict=True)], ""


def said(bars):
    """The verdict in a sentence."""
    if not bars:
        return ""
    first, second = sorted(bars, key=lambda b: -b[1])[:2] if len(bars) > 1 else (bars[0], None)
    text = f"It reads {first[0]} ({first[2]})"
    return text + (f", or {second[0]} ({second[2]})." if second and second[1] >= 0.01 else ".")


def in_words(image):
    """Where the ink is."""
    rows, columns = np.nonzero(image > 0.3)
    if not len(rows):
        return "An empty sheet of 28 by 28 pixels."
    return (f"A drawing of {len(rows)} inked pixels, rows {rows.min()} to {rows.max()}, columns "
            f"{columns.min()} to {columns.max()}.")


def centred(image):
    """The drawing in a box of 20 pixels, its centre of mass in the middle of the sheet.

    So MNIST was made: LeCun, Bottou, Bengio, Haffner (1998), section III.
    """
    rows, columns = np.nonzero(image > 0.05)
    if not len(rows):
        return image
    part = image[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
    scale = 20 / max(part.shape)
    part = resized(part, [max(1, round(n * scale)) for n in part.shape])
    mass = part.sum()
    middle = [float((part.sum(axis=1 - k) * np.arange(part.shape[k])).sum() / mass) for k in (0, 1)]
    corner = [min(max(round(SIDE / 2 - 0.5 - m), 0), SIDE - n)
              for m, n in zip(middle, part.shape, strict=True)]
    sheet = np.zeros((SIDE, SIDE))
    sheet[corner[0]:corner[0] + part.shape[0], corner[1]:corner[1] + part.shape[1]] = part
    return sheet


def resized(image, size):
    """A picture in another size: each new pixel is the mean of the area it covers."""
    for axis in (0, 1):
        weights = coverage(image.shape[axis], size[axis])
        image = np.moveaxis(np.tensordot(weights, image, axes=(1, axis)), 0, axis)
    return image


def coverage(old, new):
    """W of shape (new, old): how much of each old pixel lies in each new one; rows sum to 1."""
    edges = np.linspace(0, old, new + 1)
    left = np.maximum(edges[:-1, None], np.arange(old)[None])
    right = np.minimum(edges[1:, None], np.arange(1, old + 1)[None])
    overlap = np.clip(right - left, 0, None)
    return overlap / overlap.sum(axis=1, keepdims=True)


def sheet_svg(image, bars, words):
    """The static picture: the sheet, and the bars if there are any."""
    width = 420 if bars else 180
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="190" '
             f'viewBox="0 0 {width} 190" aria-label="{escape(words)}">'
             f"<title>{escape(words)}</title>"
             '<style>.lt-sheet text{font:11px system-ui,sans-serif;fill:#1a1a1a}</style>'
             f'<g class="lt-sheet"><rect width="{width}" height="190" rx="6" fill="#fff"/>'
             f'<image x="10" y="10" width="168" height="168" style="image-rendering:pixelated" '
             f'href="{pictures.uri(pictures.grey(1 - image, 0, 1))}"/>'
             '<rect x="10" y="10" width="168" height="168" fill="none" stroke="#999"/>']
    for i, (label, p, text) in enumerate(bars[:10]):
        y = 14 + 17 * i
        parts.append(f'<text x="196" y="{y + 10}">{escape(label)}</text>'
                     f'<rect x="220" y="{y}" width="{round(150 * p)}" height="12" fill="#0072b2"/>'
                     f'<text x="{226 + round(150 * p)}" y="{y + 10}">{escape(text)}</text>')
    return "\n".join([*parts, "</g></svg>"])
