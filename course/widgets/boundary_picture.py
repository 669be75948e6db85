"""A decision boundary as a placed drawing: a heat map, the line at one half, points, a history.

The same dictionary is drawn by the view and by `as_svg`. Classes differ in shape as well as in
colour: circles and triangles.
"""

import numpy as np

from course.widgets import pictures
from learntorch.viz.svg import escape

SIDE = 320              # pixels of the square
REACH = 1.3
SHADES = 10             # steps of colour on each side of one half
HISTORY = {"x": 34, "y": 12, "w": 270, "h": 84}


def picture(run, at, validation=True):
    """Everything the view draws, for place `at` of the scale of steps."""
    train, valid = run.share("train", at), run.share("valid", at)
    known = np.asarray(run.maps[at])
    losses = run.train_loss[at], run.valid_loss[at]
    marks = points(run.x, run.y, run.train_right[at], "train")
    if validation:
        marks = points(run.vx, run.vy, run.valid_right[at], "valid") + marks
    return {"uri": pictures.uri(heat(known)), "line": boundary(known), "marks": marks,
            "side": SIDE, "train": f"{train:.2f}", "valid": f"{valid:.2f}",
            "losses": [f"{v:.2f}" for v in losses], "history": history(run, at),
            "result": f"Training accuracy {train:.2f}, validation accuracy {valid:.2f}.",
            "verdict": verdict(train, valid)}


def verdict(train, valid):
    """What the two accuracies say together."""
    if train < 0.75:
        said = "It has not even learned the training points: underfitting, or not done yet."
    elif train - valid > 0.1:
        said = "Much better on the points it learned from: overfitting."
    else:
        said = "About as good on new points as on those it learned from."
    return f"Training {train:.2f}, validation {valid:.2f}. {said}"


def heat(chances):
    """Colours of the map: blue where class 0 is likely, orange where class 1 is."""
    steps = np.round((2 * chances - 1) * SHADES) / SHADES
    return pictures.signed(0.55 * steps, 1.0)


def pixel(x, y):
    """Where a point of the plane stands in the square."""
    half = SIDE / 2
    return round(half + x / REACH * half, 1), round(half - y / REACH * half, 1)


def points(x, y, right, part):
    """Marks inside the square: {"x", "y", "kind", "part", "right"}."""
    made = []
    for (px, py), kind, good in zip(x.tolist(), y.tolist(), right.tolist(), strict=True):
        if abs(px) <= REACH and abs(py) <= REACH:
            left, top = pixel(px, py)
            made.append({"x": left, "y": top, "kind": kind, "part": part, "right": good})
    return made


def boundary(chances):
    """The line where both classes are equally likely, as the `d` of a path (marching squares)."""
    n = len(chances)
    cell = SIDE / n
    over = chances - 0.5
    pieces = []
    for r in range(n - 1):
        for c in range(n - 1):
            corners = [over[r, c], over[r, c + 1], over[r + 1, c + 1], over[r + 1, c]]
            places = [(c, r), (c + 1, r), (c + 1, r + 1), (c, r + 1)]
            cuts = []
            for i in range(4):
                a, b = corners[i], corners[(i + 1) % 4]
                if (a < 0) != (b < 0):
                    part = a / (a - b)
                    (x0, y0), (x1, y1) = places[i], places[(i + 1) % 4]
                    cuts.append(((x0 + part * (x1 - x0) + 0.5) * cell,
                                 (y0 + part * (y1 - y0) + 0.5) * cell))
            for (x0, y0), (x1, y1) in zip(cuts[::2], cuts[1::2], strict=True):
                pieces.append(f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}")
    return "".join(pieces)


def history(run, at):
    """Accuracy over the places of the scale of steps: two lines, and where we are."""
    place = HISTORY
    count = len(run.maps)

    def spot(i, share):
        x = place["x"] + place["w"] * i / (count - 1)
        return f"{x:.1f},{place['y'] + place['h'] * (1 - (share - 0.4) / 0.6):.1f}"

    lines = {part: " ".join(spot(i, max(0.4, run.share(part, i))) for i in range(count))
             for part in ("train", "valid")}
    return {**place, **lines, "now": round(place["x"] + place["w"] * at / (count - 1), 1)}


STYLE = """
.lt-boundary{font:12px system-ui,'DejaVu Sans',sans-serif}
.lt-boundary .ground{fill:#fff}.lt-boundary text{fill:#1a1a1a}
.lt-boundary .line{fill:none;stroke:#1a1a1a;stroke-width:1.6}
.lt-boundary .mark{stroke:#fff;stroke-width:1}.lt-boundary .k0{fill:#00527f}
.lt-boundary .k1{fill:#a34700}.lt-boundary .valid{fill:none;stroke-width:1.2}
.lt-boundary .valid.k0{stroke:#00527f}.lt-boundary .valid.k1{stroke:#a34700}
.lt-boundary .miss{fill:none;stroke:#1a1a1a;stroke-width:1.2}
.lt-boundary .frame{fill:none;stroke:#999}.lt-boundary polyline{fill:none;stroke-width:2}
.lt-boundary polyline.train{stroke:#0072b2}
.lt-boundary .dashed{stroke:#d55e00;stroke-dasharray:6 4}
@media (prefers-color-scheme:dark){.lt-boundary .ground{fill:#14181c}
.lt-boundary text{fill:#f0f0f0}.lt-boundary polyline.train{stroke:#56b4e9}}
"""


def shape(mark):
    """One mark as SVG: a circle for class 0, a triangle for class 1; a ring where it is wrong."""
    x, y, small = mark["x"], mark["y"], mark["part"] == "valid"
    kind = f'class="mark k{mark["kind"]} {mark["part"]}"'
    size = 3 if small else 5
    drawn = (f'<circle {kind} cx="{x}" cy="{y}" r="{size}"/>' if mark["kind"] == 0 else
             f'<path {kind} d="M{x} {y - size - 1:.1f}l{size + 1} {2 * size}h{-2 * size - 2}z"/>')
    ring = "" if mark["right"] or small else f'<circle class="miss" cx="{x}" cy="{y}" r="9"/>'
    return drawn + ring


def as_svg(drawn, words):
    """The static picture."""
    side, past = drawn["side"], drawn["history"]
    left = side + 34
    width, height = left + past["x"] + past["w"] + 26, side + 24
    low = past["y"] + past["h"]
    marks = [f'<path class="frame" d="M{past["x"]} {past["y"]}v{past["h"]}h{past["w"]}"/>',
             f'<polyline class="train" points="{past["train"]}"/>',
             f'<polyline class="dashed" points="{past["valid"]}"/>',
             f'<path class="frame" d="M{past["now"]} {past["y"]}v{past["h"]}"/>',
             f'<text x="4" y="{past["y"] + 8}">1.0</text><text x="4" y="{low}">0.4</text>',
             f'<text x="{past["x"]}" y="{low + 20}">accuracy, from 0 to 400 steps</text>',
             f'<text x="{past["x"]}" y="{low + 50}">training {drawn["train"]} (line)</text>',
             f'<text x="{past["x"]}" y="{low + 70}">validation {drawn["valid"]} (dashed)</text>',
             f'<text x="{past["x"]}" y="{low + 100}">filled: training points</text>',
             f'<text x="{past["x"]}" y="{low + 120}">hollow: validation points</text>',
             f'<text x="{past["x"]}" y="{low + 140}">ring: a training point called wrong</text>']
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-boundary" role="img" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'aria-label="{escape(drawn["result"])}">',
        f"<title>{escape(drawn['result'])}</title><desc>{escape(words)}</desc>",
        f"<style>{STYLE}</style>", f'<rect class="ground" width="{width}" height="{height}" '
        'rx="6"/>',
        f'<g transform="translate(12 12)"><image width="{side}" height="{side}" '
        f'preserveAspectRatio="none" href="{drawn["uri"]}"/>'
        f'<path class="line" d="{drawn["line"]}"/>', *map(shape, drawn["marks"]),
        f'<rect class="frame" width="{side}" height="{side}"/></g>',
        f'<g transform="translate({left} 12)">', *marks, "</g></svg>"])
