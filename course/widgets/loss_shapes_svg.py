"""The static picture of the loss explorer: both panels, the numbers, and the strip of data."""

from learntorch.viz.svg import escape

STYLE = """
.lt-shape{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.lt-shape .ground{fill:#fff}.lt-shape text{fill:#1a1a1a}.lt-shape .small{font-size:11px;fill:#666}
.lt-shape .mid{text-anchor:middle}.lt-shape .end{text-anchor:end}.lt-shape .head{font-weight:600}
.lt-shape .grid{stroke:#ddd}.lt-shape .axis{stroke:#999;fill:none}
.lt-shape .target{stroke:#6b6b6b;stroke-dasharray:3 3}.lt-shape polyline{fill:none;stroke-width:2}
.lt-shape .one{stroke:#0072b2}.lt-shape .two{stroke:#b84e00;stroke-dasharray:7 4}
.lt-shape .tangent{stroke-width:1.2;opacity:.7}.lt-shape .datum{fill:#6b6b6b}
.lt-shape circle.one,.lt-shape .best.one{fill:#0072b2}
.lt-shape circle.two,.lt-shape .best.two{fill:#b84e00}
.lt-shape circle,.lt-shape .best{stroke:none}.lt-shape .wild{fill:#a0457f}
@media (prefers-color-scheme:dark){.lt-shape .ground{fill:#14181c}.lt-shape text{fill:#f0f0f0}
.lt-shape .small{fill:#aaa}.lt-shape .grid{stroke:#333}.lt-shape .axis{stroke:#888}
.lt-shape .target,.lt-shape .datum{stroke:#a8a8a8}.lt-shape .datum{fill:#a8a8a8}
.lt-shape .one{stroke:#56b4e9}.lt-shape .two{stroke:#ff8c4a}
.lt-shape circle.one,.lt-shape .best.one{fill:#56b4e9}.lt-shape .wild{fill:#e39cc5}
.lt-shape circle.two,.lt-shape .best.two{fill:#ff8c4a}}
"""
WIDTH, ROW = 820, 20


def shapes_svg(picture):
    """The whole situation as one SVG: no script, no identifiers."""
    frame = picture["frame"]
    parts = []
    for i, each in enumerate(picture["panels"]):
        shown = panel_svg(each, frame, picture["x_name"])
        parts += [f'<g transform="translate({i * 410},0)">', *shown, "</g>"]
    y = frame["height"] + 22
    parts += rows_svg(picture, y)
    y += ROW * (len(picture["rows"]) + 1)
    if picture["strip"]:
        parts += [f'<g transform="translate(0,{y - 10})">', *strip_svg(picture["strip"]), "</g>"]
        y += picture["strip"]["frame"]["height"]
    title = f"loss and slope: {picture['code']}"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-shape" role="img" width="{WIDTH}" '
        f'height="{y}" viewBox="0 0 {WIDTH} {y}" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title><desc>{escape(picture['said'])}</desc>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{y}" rx="6"/>', *parts, "</svg>"])


def panel_svg(each, frame, x_name):
    left, right = frame["left"], frame["width"] - frame["right"]
    top, bottom = frame["top"], frame["height"] - frame["bottom"]
    parts = [f'<text class="head" x="{left}" y="{top - 9}">{escape(each["title"])}</text>',
             f'<text class="small end" x="{right}" y="{top - 9}">{escape(x_name)} →</text>']
    for y, said in each["yticks"]:
        parts.append(f'<line class="grid" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>'
                     f'<text class="small end" x="{left - 6}" y="{y + 4}">{said}</text>')
    for x, said in each["xticks"]:
        parts.append(f'<text class="small mid" x="{x}" y="{bottom + 16}">{said}</text>')
    parts.append(f'<line class="axis" x1="{left}" y1="{each["zero"]}" x2="{right}" '
                 f'y2="{each["zero"]}"/>')
    if each["target"] is not None:
        parts.append(f'<line class="target" x1="{each["target"]}" y1="{top}" '
                     f'x2="{each["target"]}" y2="{bottom}"/>')
    for curve in each["curves"]:
        parts += [f'<polyline class="{curve["kind"]}" points="{line}"/>' for line in curve["lines"]]
    parts += [f'<polyline class="tangent {each_one["kind"]}" points="{each_one["line"]}"/>'
              for each_one in each["tangents"]]
    parts += [f'<circle class="{dot["kind"]}" cx="{dot["x"]}" cy="{dot["y"]}" r="5"/>'
              for dot in each["dots"]]
    return parts


def rows_svg(picture, y):
    heads = [(12, "", "the loss"), (530, " end", "loss"), (620, " end", "slope"),
             (740, " end", picture["extra"])]
    parts = [f'<text class="small{k}" x="{x}" y="{y}">{escape(s)}</text>' for x, k, s in heads]
    for i, row in enumerate(picture["rows"]):
        at = y + ROW * (i + 1)
        parts.append(f'<line class="{row["kind"]}" stroke-width="3" x1="12" y1="{at - 4}" x2="40" '
                     f'y2="{at - 4}"/><text x="48" y="{at}">{escape(row["label"])}</text>')
        parts += [f'<text class="end" x="{x}" y="{at}">{row[key]}</text>'
                  for x, key in ((530, "loss"), (620, "slope"), (740, "extra"))]
    return parts


def strip_svg(strip):
    frame, line = strip["frame"], strip["line"]
    parts = [f'<text class="small" x="{frame["left"]}" y="12">'
             "seven numbers, and the best single guess for them</text>",
             f'<line class="axis" x1="{frame["left"]}" y1="{line}" '
             f'x2="{frame["width"] - frame["right"]}" y2="{line}"/>']
    parts += [f'<text class="small mid" x="{x}" y="{line + 20}">{said}</text>'
              for x, said in strip["ticks"]]
    parts += [f'<circle class="datum" cx="{x}" cy="{line}" r="4.5"/>' for x in strip["dots"]]
    parts.append(f'<path class="wild" d="{diamond(strip["outlier"], line)}"/>')
    for i, best in enumerate(strip["best"]):
        parts.append(f'<path class="best {best["kind"]}" d="{arrow(best["x"], line - 8)}"/>'
                     f'<text class="small mid" x="{best["x"]}" y="{line - 22 - 12 * i}">'
                     f'{best["text"]}</text>')
    return parts


def diamond(x, y):
    return f"M{x} {y - 8}l7 8l-7 8l-7 -8z"


def arrow(x, y):
    return f"M{x} {y}l-5 -9h10z"
