"""The shapes of losses: a value, its slope, and what one wild number does to the best guess."""

import math

import traitlets as t

import learntorch as torch
import learntorch.nn.functional as F
from course.widgets.base import Widget, script, style
from course.widgets.loss_shapes_svg import shapes_svg

LOW, HIGH = -6.0, 6.0       # the range of predictions, scores and targets
GRID = 0.05                 # between two points of a curve
USUAL = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0)       # the numbers beside the wild one
FRAME = {"width": 400, "height": 232, "left": 44, "right": 12, "top": 26, "bottom": 28}
STRIP = {"width": 400, "height": 92, "left": 44, "right": 12, "top": 40, "bottom": 30}


def three(x):
    """Scores of three classes: x for the first, 0 for the others."""
    return torch.stack([x, torch.zeros_like(x), torch.zeros_like(x)], 1)


def chosen(x, truth):
    """The number of the right class for each x: the first if the truth is yes."""
    return torch.full(x.shape, 0 if truth else 1, dtype=torch.int64)


# x: predictions or scores, y: targets of the same shape. Each gives one loss for each x.
LOSSES = {
    "squared": {
        "group": "numbers", "label": "squared error", "code": "F.mse_loss(x, target)",
        "run": lambda x, y, bend, smoothing: F.mse_loss(x, y, reduction="none"),
    },
    "absolute": {
        "group": "numbers", "label": "absolute error", "code": "F.l1_loss(x, target)",
        "run": lambda x, y, bend, smoothing: F.l1_loss(x, y, reduction="none"),
    },
    "huber": {
        "group": "numbers", "label": "Huber", "code": "F.huber_loss(x, target, delta={bend:g})",
        "run": lambda x, y, bend, smoothing: F.huber_loss(x, y, reduction="none", delta=bend),
    },
    "smooth": {
        "group": "numbers", "label": "smooth L1",
        "code": "F.smooth_l1_loss(x, target, beta={bend:g})",
        "run": lambda x, y, bend, smoothing: F.smooth_l1_loss(x, y, reduction="none", beta=bend),
    },
    "logits": {
        "group": "scores", "label": "binary cross-entropy of the score",
        "code": "F.binary_cross_entropy_with_logits(x, target)",
        "run": lambda x, y, bend, smoothing:
            F.binary_cross_entropy_with_logits(x, y, reduction="none"),
    },
    "sigmoid-squared": {
        "group": "scores", "label": "squared error after sigmoid",
        "code": "F.mse_loss(torch.sigmoid(x), target)",
        "run": lambda x, y, bend, smoothing: F.mse_loss(torch.sigmoid(x), y, reduction="none"),
    },
    "classes": {
        "group": "scores", "label": "cross-entropy, scores (x, 0, 0)",
        "code": "F.cross_entropy(scores, target, label_smoothing={smoothing:g})",
        "run": lambda x, y, bend, smoothing: F.cross_entropy(
            three(x), chosen(x, bool(y[0])), reduction="none", label_smoothing=smoothing),
    },
    "softmax-twice": {
        "group": "scores", "label": "softmax, then cross-entropy (a mistake)",
        "code": "F.cross_entropy(torch.softmax(scores, 1), target)",
        "run": lambda x, y, bend, smoothing: F.cross_entropy(
            torch.softmax(three(x), 1), chosen(x, bool(y[0])), reduction="none"),
    },
}
GROUPS = {
    "numbers": {"x": "prediction", "loss": (0.0, 10.0), "slope": (-4.0, 4.0), "start": (2.0, 0.0)},
    "scores": {"x": "score", "loss": (0.0, 6.5), "slope": (-1.1, 1.1), "start": (-2.0, 1.0)},
}


class LossShapes(Widget):
    """Shows a loss and its slope as curves; a point on them moves.

    loss: a name in LOSSES. other: a second one to compare with, "" for none. x: the prediction, or
    the score. target: the number to be hit, or 1 and 0 for yes and no. bend: δ of Huber and β of
    smooth L1. smoothing: of the labels, for cross-entropy. outlier: the wild one of seven numbers.
    """

    kind = "losses"
    shared = ("loss", "other", "x", "target", "bend", "smoothing", "outlier")
    _esm = script("common.js", "loss_shapes.js")
    _css = style("loss_shapes.css")

    loss = t.Enum(list(LOSSES), default_value="squared").tag(sync=True)
    other = t.Enum(["", *LOSSES], default_value="").tag(sync=True)
    x = t.Float(2.0).tag(sync=True)
    target = t.Float(0.0).tag(sync=True)
    bend = t.Float(1.0, min=0.1, max=4.0).tag(sync=True)
    smoothing = t.Float(0.0, min=0.0, max=0.5).tag(sync=True)
    outlier = t.Float(5.0).tag(sync=True)
    choices = t.List().tag(sync=True)
    picture = t.Dict().tag(sync=True)

    def __init__(self, loss="squared", other="", **traits):
        for name in filter(None, (loss, other)):
            if name not in LOSSES:
                raise ValueError(f"no loss called {name!r}; there are {', '.join(LOSSES)}")
        self._group = group = LOSSES[loss]["group"]
        x, target = GROUPS[group]["start"]
        super().__init__(loss=loss, other=other if fits(loss, other) else "",
                         choices=[[n, d["group"], d["label"]] for n, d in LOSSES.items()],
                         **{"x": x, "target": target, **traits})
        self._draw()
        self.observe(self._change_loss, ["loss", "other"])
        self.observe(self._draw, ["x", "target", "bend", "smoothing", "outlier"])

    @t.validate("x", "outlier")
    def _inside(self, proposal):
        return inside(proposal["value"])

    @t.validate("target")
    def _possible(self, proposal):
        value = inside(proposal["value"])
        return value if self._group == "numbers" else float(value > 0.5)

    def _change_loss(self, _change=None):
        group = LOSSES[self.loss]["group"]
        if not fits(self.loss, self.other):
            self.other = ""
            return
        if group != self._group:
            self._group = group
            with self.hold_trait_notifications():
                self.x, self.target = GROUPS[group]["start"]
        self._draw()

    def _draw(self, _change=None):
        self.picture = describe(self.loss, self.other, self.x, self.target, self.bend,
                                self.smoothing, self.outlier)
        self.message = self.picture["said"]
        self.alt = f"{self.picture['code']}. {self.picture['said']}"

    def static(self):
        return shapes_svg(self.picture)

    def __repr__(self):
        return f"LossShapes({self.picture['said']})"


def fits(loss, other):
    """May two losses be drawn in one picture? Not one of numbers with one of scores."""
    return other == "" or LOSSES[loss]["group"] == LOSSES[other]["group"]


def inside(value):
    if math.isnan(value):
        raise t.TraitError("it must be a number")
    return max(LOW, min(HIGH, value))


def evaluate(name, xs, target, bend=1.0, smoothing=0.0):
    """The loss and the slope at each of a list of predictions, by the library itself."""
    x = torch.tensor(xs, dtype=torch.float64, requires_grad=True)
    y = torch.full(x.shape, float(target), dtype=torch.float64)
    losses = LOSSES[name]["run"](x, y, bend, smoothing)
    losses.sum().backward()
    return losses.tolist(), x.grad.tolist()


def best_guess(name, numbers, bend=1.0):
    """The one number c for which Σ loss(c, number) is smallest, to two digits after the point."""
    many = round((HIGH - LOW) / 0.01) + 1
    c = torch.linspace(LOW, HIGH, many, dtype=torch.float64)
    n = torch.tensor(numbers, dtype=torch.float64)
    pairs = c[:, None].expand(many, len(n)), n[None].expand(many, len(n))
    total = LOSSES[name]["run"](*pairs, bend, 0.0).sum(1)
    lowest = c[total <= total.min() + 1e-9]         # several, where the bottom is flat
    return round((lowest[0].item() + lowest[-1].item()) / 2, 2)


def truth(x, y):
    """The probability that a score gives to the truth, for two classes and for three."""
    sign = 1.0 if y else -1.0
    two = 1 / (1 + math.exp(-sign * x))
    three_of_them = (math.exp(x) if y else 1.0) / (math.exp(x) + 2)
    return {"logits": two, "sigmoid-squared": two, "classes": three_of_them,
            "softmax-twice": three_of_them}


def describe(loss, other, x, target, bend, smoothing, outlier):
    """Everything the views draw, as plain data: panels, rows of numbers, the strip, a sentence."""
    group = LOSSES[loss]["group"]
    names = [n for n in (loss, other) if n]
    xs = [round(LOW + GRID * i, 2) for i in range(round((HIGH - LOW) / GRID) + 1)]
    curves = {n: evaluate(n, xs, target, bend, smoothing) for n in names}
    here = {n: [v[0] for v in evaluate(n, [x], target, bend, smoothing)] for n in names}
    words = {"bend": bend, "smoothing": smoothing}
    rows = []
    for kind, n in zip(("one", "two"), names, strict=False):
        row = {"kind": kind, "label": label(n, bend, smoothing), "loss": text(here[n][0]),
               "slope": text(here[n][1]), "code": LOSSES[n]["code"].format(**words)}
        if group == "numbers":
            row["extra"] = text(best_guess(n, [*USUAL, outlier], bend), 2)
        else:
            row["extra"] = text(truth(x, target)[n])
        rows.append(row)
    panels = [panel(part, group, target, x, [(xs, curves[n][k], here[n]) for n in names])
              for k, part in enumerate(("loss", "slope"))]
    uses = LOSSES[loss]["code"] + (LOSSES[other]["code"] if other else "")
    return {
        "group": group, "x_name": GROUPS[group]["x"], "low": LOW, "high": HIGH, "frame": FRAME,
        "panels": panels, "rows": rows, "code": "; ".join(row["code"] for row in rows),
        "extra": "best guess" if group == "numbers" else "p(truth)",
        "strip": strip(rows, outlier) if group == "numbers" else {},
        "uses": [n for n in ("bend", "smoothing") if "{" + n in uses],
        "said": sentence(group, x, target, rows),
    }


def label(name, bend, smoothing):
    """`Huber, δ = 1`: a loss with the setting it uses."""
    said = LOSSES[name]["label"]
    sign = {"huber": f", δ = {bend:g}", "smooth": f", β = {bend:g}"}.get(name, "")
    if name == "classes" and smoothing:
        sign = f", ε = {smoothing:g}"
    return said + sign


def sentence(group, x, target, rows):
    if group == "numbers":
        start = f"Prediction {text(x, 2)}, target {text(target, 2)}, {text(x - target, 2)} apart."
    else:
        start = f"Score {text(x, 2)}, and the truth is {'yes' if target else 'no'}."
    each = [f"{row['label']}: loss {row['loss']}, slope {row['slope']}." for row in rows]
    if group == "numbers":
        each.append("Best single guess for the seven numbers: "
                    + ", ".join(row["extra"] for row in rows) + ".")
    return " ".join([start, *(e[0].upper() + e[1:] for e in each)])


def text(value, digits=3):
    """A fixed number of digits, no minus before zero; rounded twice, so that noise cannot show."""
    return f"{round(round(value, digits + 4), digits) + 0.0:.{digits}f}"


def minus(said):
    """A number as it is printed beside an axis."""
    return said.replace("-", "−")


# ---- places in the picture ----------------------------------------------------------------------


def across(x, frame=FRAME):
    """The pixel of a prediction."""
    wide = frame["width"] - frame["left"] - frame["right"]
    return round(frame["left"] + (x - LOW) / (HIGH - LOW) * wide, 1)


def panel(part, group, target, x, curves):
    """One of the two pictures: {"title", "xticks", "yticks", "zero", "curves", "dots", …}."""
    low, high = GROUPS[group][part]
    tall = FRAME["height"] - FRAME["top"] - FRAME["bottom"]

    def up(v):
        return round(FRAME["top"] + (high - v) / (high - low) * tall, 1)

    drawn, dots, tangents = [], [], []
    for kind, (xs, values, (value, slope)) in zip(("one", "two"), curves, strict=False):
        drawn.append({"kind": kind, "lines": pieces(xs, values, low, high, up)})
        shown = value if part == "loss" else slope
        dots.append({"kind": kind, "x": across(x), "y": up(max(low, min(high, shown))),
                     "outside": not low <= shown <= high})
        if part == "loss" and low <= value <= high:
            ends = [x - 1.2, x + 1.2]
            line = pieces(ends, [value + slope * (e - x) for e in ends], low, high, up)
            tangents += [{"kind": kind, "line": each} for each in line]
    step = {"loss": 2, "slope": 1}[part] if group == "numbers" else {"loss": 1, "slope": 0.5}[part]
    marks = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return {"title": {"loss": "loss", "slope": "slope of the loss"}[part], "zero": up(0.0),
            "xticks": [[across(v), minus(f"{v:g}")] for v in range(int(LOW), int(HIGH) + 1, 2)],
            "yticks": [[up(v), minus(f"{v:g}")] for v in marks],
            "curves": drawn, "dots": dots, "tangents": tangents,
            "target": across(target) if group == "numbers" else None}


def pieces(xs, values, low, high, up):
    """The parts of a curve that lie between low and high, each as "x,y x,y …" in pixels."""
    found, points = [], []
    for i, (x, v) in enumerate(zip(xs, values, strict=True)):
        within = low <= v <= high
        if i and within != (low <= values[i - 1] <= high):
            edge = high if max(v, values[i - 1]) > high else low
            part = (edge - values[i - 1]) / (v - values[i - 1])
            points.append((xs[i - 1] + part * (x - xs[i - 1]), edge))
        if within:
            points.append((x, v))
        elif points:
            found.append(points)
            points = []
    found += [points] if points else []
    return [" ".join(f"{across(max(LOW, min(HIGH, x))):g},{up(v):g}" for x, v in p) for p in found]


def strip(rows, outlier):
    """The seven numbers on a line, and the best guess of each loss above them."""
    return {"frame": STRIP, "line": STRIP["height"] - STRIP["bottom"],
            "dots": [across(n, STRIP) for n in USUAL], "outlier": across(outlier, STRIP),
            "ticks": [[across(v, STRIP), minus(f"{v:g}")]
                      for v in range(int(LOW), int(HIGH) + 1, 2)],
            "best": [{"kind": row["kind"], "x": across(float(row["extra"]), STRIP),
                      "text": row["extra"]} for row in rows]}
