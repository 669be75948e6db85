"""Training curves as a placed drawing: panels, ticks, lines. Pure functions, no Jupyter.

The same dictionary is drawn by the view and by `as_svg`; every number in it is a whole pixel or a
finished text.
"""

import math
import re

from learntorch.viz.svg import escape
from learntorch.viz.text import number

# Okabe and Ito, without yellow (too faint on white); dark and light tones of the same hues.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b87700", "#56b4e9", "#767676")
DASHES = ("", "7 4", "2 3", "9 3 2 3")
DASH_NAMES = ("", " (dashed)", " (dotted)", " (dash-dot)")
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 22, 26
MAIN, SIDE = 210, 84        # heights of the first and of the other panels' plotting areas
POINTS = 400                # per line: more cannot be seen


def panel_of(series):
    """Which panel a series belongs to, by its name."""
    name = series.lower()
    if "loss" in name:
        return "loss"
    if "acc" in name:
        return "accuracy"
    if name in ("lr", "learning_rate") or name.startswith("lr"):
        return "learning rate"
    if "grad" in name:
        return "gradient norm"
    return series


def smooth(values, strength):
    """Exponential average with the start corrected: sᵢ = Σ βᵏ vᵢ₋ₖ / Σ βᵏ. NaN is passed over."""
    total = weight = 0.0
    found = []
    for v in values:
        if math.isfinite(v):
            total = strength * total + v
            weight = strength * weight + 1.0
        found.append(total / weight if weight else math.nan)
    return found


def thin(points, most=POINTS):
    """At most about `most` points: of each stretch its lowest and highest, in order."""
    if len(points) <= most:
        return points
    width = math.ceil(len(points) / (most // 2))
    kept = []
    for i in range(0, len(points), width):
        part = points[i:i + width]
        ends = {min(range(len(part)), key=lambda k: part[k][1]),
                max(range(len(part)), key=lambda k: part[k][1])}
        kept += [part[k] for k in sorted(ends)]
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept


def ticks(low, high, log, most=6):
    """Round numbers in a range: 1, 2, 5 times powers of ten; whole powers on a log axis."""
    if log:
        first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
        if last - first >= 1:
            step = max(1, math.ceil((last - first) / most))
            return [10.0 ** k for k in range(first, last + 1, step)]
    if high <= low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value):
    """`0.25`, `1000`, `1e-05`: as short as it can be."""
    text = f"{value:.4g}"
    return text.replace("e-0", "e-").replace("e+0", "e")


class Axis:
    """A range of numbers on a range of pixels."""

    def __init__(self, values, start, end, log, air=0.0):
        good = [v for v in values if math.isfinite(v) and (v > 0 or not log)]
        self.log = log
        self.low, self.high = (min(good), max(good)) if good else (1.0, 10.0)
        if self.low == self.high:
            wider = abs(self.low) * 0.5 or 0.5
            self.low, self.high = (self.low / 2, self.high * 2) if log else (
                self.low - wider, self.high + wider)
        elif air and not log:       # a little room above and below, down to 0 where that is near
            room = air * (self.high - self.low)
            near = 0 <= self.low < 0.3 * self.high
            self.low, self.high = (0.0 if near else self.low - room), self.high + room
        self.start, self.end = start, end

    def at(self, v):
        """The pixel of a number; None where the axis cannot show it."""
        if not math.isfinite(v) or (self.log and v <= 0):
            return None
        low, high = self.low, self.high
        if self.log:
            v, low, high = math.log10(v), math.log10(low), math.log10(high)
        return round(self.start + (v - low) / (high - low) * (self.end - self.start))

    def marks(self, most):
        return [[self.at(v), tick_text(v)] for v in ticks(self.low, self.high, self.log, most)]


def chart(runs, width=720, smoothing=0.0, log_x=False, log_y=False, hidden=()):
    """Place everything: {"width", "height", "panels", "legend"}.

    runs: {run: {series: (steps, values)}}. A panel has a title, its plotting area, xticks and
    yticks as [pixel, text], lines with `points` ("x,y x,y …") and, when smoothed, `raw` behind
    them; `lost` are the pixels of steps whose value is not a finite number.
    """
    names = list(runs)
    titles = {}
    for name in names:
        for series in runs[name]:
            titles.setdefault(panel_of(series), {}).setdefault(series)
    order = sorted(titles, key=lambda p: (p != "loss", list(titles).index(p)))
    shown = [n for n in names if n not in hidden]
    xs = [s for n in shown for steps, _ in runs[n].values() for s in (steps[:1] + steps[-1:])]
    if log_x:
        xs = [s for n in shown for steps, _ in runs[n].values() for s in steps if s > 0]
    panels = []
    y = 0
    for i, title in enumerate(order or ["loss"]):
        high = MAIN if i == 0 else SIDE
        place = {"x": LEFT, "y": y + TOP, "w": max(60, width - LEFT - RIGHT), "h": high}
        x_axis = Axis(xs, place["x"], place["x"] + place["w"], log_x)
        panels.append(panel(title, list(titles.get(title, ())), runs, names, shown, place, x_axis,
                            smoothing, log_y and title not in ("accuracy",)))
        y += TOP + high + BOTTOM
    return {"width": width, "height": y, "panels": panels, "legend": legend(runs, names, hidden)}


def panel(title, series, runs, names, shown, place, x_axis, smoothing, log_y):
    lines = []
    values = []
    drawn = []
    for run in shown:
        for s in series:
            if s in runs[run]:
                steps, raw = runs[run][s]
                smoothed = smooth(raw, smoothing) if smoothing else raw
                drawn.append((run, s, steps, raw, smoothed))
                values += smoothed if smoothing else raw
    y_axis = Axis(values, place["y"] + place["h"], place["y"], log_y, air=0.05)
    for run, s, steps, raw, smoothed in drawn:
        lost = sorted({x_axis.at(k) for k, v in zip(steps, raw, strict=True)
                       if not math.isfinite(v)} - {None})
        lines.append({"run": run, "series": s, "colour": names.index(run) % len(COLOURS),
                      "dash": series.index(s) % len(DASHES), "lost": lost,
                      "points": points(steps, smoothed, x_axis, y_axis),
                      "raw": points(steps, raw, x_axis, y_axis, place) if smoothing else ""})
    return {"title": title, **place, "xticks": x_axis.marks(7 if place["w"] > 400 else 4),
            "yticks": y_axis.marks(5 if place["h"] > 100 else 3), "lines": lines,
            "log": [x_axis.log, log_y]}


def points(steps, values, x_axis, y_axis, place=None):
    """A line as text for `<polyline points>`; kept inside `place`, where one is given."""
    found = []
    for s, v in zip(steps, values, strict=True):
        x, y = x_axis.at(s), y_axis.at(v)
        if x is None or y is None:
            continue
        if place is not None:
            y = min(max(y, place["y"]), place["y"] + place["h"])
        found.append((x, y))
    return " ".join(f"{x},{y}" for x, y in thin(found))


def legend(runs, names, hidden):
    """One entry for each run: its colour, its series with their dashes and last values."""
    rows = []
    for i, name in enumerate(names):
        groups = {}
        series = []
        for s, (_, values) in runs[name].items():
            place = groups.setdefault(panel_of(s), {}).setdefault(s, len(groups[panel_of(s)]))
            series.append({"name": s, "dash": place % len(DASHES),
                           "last": number(values[-1]) if values else ""})
        rows.append({"run": name, "colour": i % len(COLOURS), "hidden": name in hidden,
                     "series": series})
    return rows


def readout(runs, step, hidden=()):
    """The values of every run at the recorded step nearest to `step`: [[run, series, text], …]."""
    rows = []
    for run, table in runs.items():
        for series, (steps, values) in table.items():
            if steps and run not in hidden:
                i = min(range(len(steps)), key=lambda k: abs(steps[k] - step))
                elsewhere = "" if steps[i] == step else f" (step {steps[i]:g})"
                rows.append([run, series, number(values[i]) + elsewhere])
    return rows


def folder_name(run):
    """A run's name as the name of a folder: `lr = 0.1`, `a/b` becomes `a_b`."""
    return re.sub(r"[^\w =+,.-]", "_", run).strip(" .")[:80] or "run"


def csv(runs):
    """All data as comma-separated text: run, step, series, value; every digit of every value."""
    lines = ["run,step,series,value"]
    for run, table in runs.items():
        for series, (steps, values) in table.items():
            lines += [f"{_cell(run)},{s:g},{_cell(series)},{v!r}"
                      for s, v in zip(steps, values, strict=True)]
    return "\n".join(lines) + "\n"


def _cell(text):
    """A quoted cell where needed; one that a spreadsheet would take for a formula is made text."""
    text = "'" + text if text[:1] in "=+-@\t\r" else text
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text


STYLE = """
.lt-curves{font:11px system-ui,'DejaVu Sans',sans-serif}
.lt-curves .ground{fill:#fff}.lt-curves text{fill:#333}.lt-curves .title{font-weight:600}
.lt-curves .grid{stroke:#ddd;stroke-width:1}.lt-curves .axis{stroke:#888;fill:none}
.lt-curves polyline{fill:none;stroke-width:1.8;stroke-linejoin:round}
.lt-curves .raw{stroke-width:1;opacity:.35}
@media (prefers-color-scheme:dark){.lt-curves .ground{fill:#14181c}.lt-curves text{fill:#ddd}
.lt-curves .grid{stroke:#333a40}.lt-curves .axis{stroke:#999}}
"""


def as_svg(drawing, title="Training curves", words=""):
    """The SVG text of a chart: panels one below the other, then the legend."""
    width = drawing["width"]
    rows = drawing["legend"]
    height = drawing["height"] + 18 * len(rows) + 4
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-curves" role="img" '
             f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
             f'aria-label="{escape(title)}"><title>{escape(title)}</title>'
             f"<desc>{escape(words)}</desc><style>{STYLE}</style>"
             f'<rect class="ground" width="{width}" height="{height}" rx="6"/>']
    for p in drawing["panels"]:
        parts += panel_svg(p)
    for i, row in enumerate(rows):
        y = drawing["height"] + 12 + 18 * i
        text = ", ".join(f"{s['name']}{DASH_NAMES[s['dash']]} {s['last']}" for s in row["series"])
        parts.append(f'<path d="M{LEFT} {y - 4}h24" stroke="{COLOURS[row["colour"]]}" '
                     f'stroke-width="3"/><text x="{LEFT + 30}" y="{y}">{escape(row["run"])}: '
                     f"{escape(text)}</text>")
    return "\n".join([*parts, "</svg>"])


def panel_svg(p):
    x, y, w, h = p["x"], p["y"], p["w"], p["h"]
    parts = [f'<text class="title" x="{x}" y="{y - 7}">{escape(p["title"])}</text>']
    for at, text in p["yticks"]:
        parts.append(f'<path class="grid" d="M{x} {at}h{w}"/>'
                     f'<text x="{x - 6}" y="{at + 4}" text-anchor="end">{text}</text>')
    for at, text in p["xticks"]:
        parts.append(f'<path class="grid" d="M{at} {y}v{h}"/>'
                     f'<text x="{at}" y="{y + h + 15}" text-anchor="middle">{text}</text>')
    parts.append(f'<rect class="axis" x="{x}" y="{y}" width="{w}" height="{h}"/>')
    for line in p["lines"]:
        colour = COLOURS[line["colour"]]
        if line["raw"]:
            parts.append(f'<polyline class="raw" stroke="{colour}" points="{line["raw"]}"/>')
        parts.append(f'<polyline stroke="{colour}" stroke-dasharray="{DASHES[line["dash"]]}" '
                     f'points="{line["points"]}"/>')
        parts += [f'<text x="{at}" y="{y + 10}" text-anchor="middle" fill="{colour}">×</text>'
                  for at in line["lost"]]
    return parts


def words(runs):
    """The curves in a sentence for each run: first, lowest and last value of each series."""
    parts = []
    for run, table in runs.items():
        for series, (_steps, values) in table.items():
            good = [v for v in values if math.isfinite(v)]
            if not good:
                parts.append(f"{run} {series}: no finite value")
                continue
            lost = len(values) - len(good)
            parts.append(f"{run} {series}: from {number(good[0])} to {number(good[-1])} in "
                         f"{len(values)} steps, lowest {number(min(good))}"
                         + (f", {lost} not finite" if lost else ""))
    return "; ".join(parts) or "no data yet"
