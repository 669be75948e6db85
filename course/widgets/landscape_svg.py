"""The static picture of a race: the map with its contour lines, the ways, and the table."""

from learntorch.viz.svg import escape

STYLE = """
.lt-race{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.lt-race .ground{fill:#fff}.lt-race text{fill:#1a1a1a}.lt-race .small{font-size:11px;fill:#666}
.lt-race .mid{text-anchor:middle}.lt-race .end{text-anchor:end}.lt-race .head{font-weight:600}
.lt-race .contour{fill:none;stroke:#8a97a3}.lt-race .edge{fill:none;stroke:#999}
.lt-race .low{stroke:#1a1a1a;stroke-width:1.5}.lt-race .grid{stroke:#ddd}
.lt-race polyline{fill:none;stroke-width:2;stroke-linejoin:round}
.lt-race .k0{stroke:#0072b2}.lt-race .k1{stroke:#b84e00}.lt-race .k2{stroke:#00795a}
.lt-race .k3{stroke:#a0457f}.lt-race .k4{stroke:#1a1a1a}.lt-race .mark{fill:#fff;stroke-width:2.2}
@media (prefers-color-scheme:dark){.lt-race .ground{fill:#14181c}.lt-race text{fill:#f0f0f0}
.lt-race .small{fill:#aaa}.lt-race .contour{stroke:#5a6671}.lt-race .low{stroke:#f0f0f0}
.lt-race .grid{stroke:#333}.lt-race .mark{fill:#14181c}.lt-race .k0{stroke:#56b4e9}
.lt-race .k1{stroke:#ff8c4a}.lt-race .k2{stroke:#2fc79a}.lt-race .k3{stroke:#e39cc5}
.lt-race .k4{stroke:#f0f0f0}}
"""
WIDTH, EDGE, ROW = 900, 30, 21
# One outline for each racer, around (0, 0): colours are not the only difference.
MARKS = ["M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z", "M-5 -5h10v10h-10z", "M0 -6l6 10h-12z",
         "M0 -7l7 7l-7 7l-7 -7z", "M-6 -4h12l-6 10z"]


def race_svg(ground, race, report, at, said):
    """The situation at step `at` as one SVG: no script, no identifiers."""
    right = EDGE + ground["width"] + 24
    height = ground["height"] + 2 * EDGE
    parts = [f'<svg x="{EDGE}" y="{EDGE}" width="{ground["width"]}" height="{ground["height"]}" '
             f'overflow="hidden">', *map_svg(ground, race, at), "</svg>",
             f'<rect class="edge" x="{EDGE}" y="{EDGE}" width="{ground["width"]}" '
             f'height="{ground["height"]}"/>',
             f'<text class="head" x="{EDGE}" y="18">{escape(ground["formula"])}</text>']
    parts += [f'<text class="small mid" x="{EDGE + x}" y="{EDGE + ground["height"] + 16}">{s}'
              "</text>" for x, s in ground["ticks"]["x"]]
    parts += [f'<text class="small end" x="{EDGE - 5}" y="{EDGE + y + 4}">{s}</text>'
              for y, s in ground["ticks"]["y"]]
    heads = [(right + 22, "", "who"), (right + 150, " end", "rate"), (right + 230, " end", "loss")]
    parts += [f'<text class="small{k}" x="{x}" y="{EDGE + 12}">{s}</text>' for x, k, s in heads]
    y = EDGE + 14
    for each in report:
        y += ROW
        parts.append(mark(each["kind"], right + 8, y - 4)
                     + f'<text x="{right + 22}" y="{y}">{escape(each["name"])}</text>'
                     f'<text class="end" x="{right + 150}" y="{y}">{each["rate"]}</text>'
                     f'<text class="end" x="{right + 230}" y="{y}">{escape(each["loss"])}</text>'
                     f'<text class="small" x="{right + 240}" y="{y}">{escape(each["note"])}</text>')
    parts += [f'<g transform="translate({right},{height - EDGE - race["chart"]["height"] + 24})">',
              *chart_svg(race, at), "</g>"]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-race" role="img" width="{WIDTH}" '
        f'height="{height}" viewBox="0 0 {WIDTH} {height}" aria-label="{escape(said)}">',
        f"<title>{escape(ground['formula'])}</title><desc>{escape(said)}</desc>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>', *parts, "</svg>"])


def map_svg(ground, race, at):
    parts = [f'<path class="contour" opacity="{1 - 0.6 * line["tone"]:.2f}" d="{line["d"]}"/>'
             for line in ground["contours"]]
    parts += [f'<path class="low" d="M{x - 5} {y}h10M{x} {y - 5}v10"/>'
              for x, y in ground["lowest"]]
    for path in race["paths"]:
        way = path["points"][:at + 1]
        points = " ".join(f"{x:g},{y:g}" for x, y in way)
        parts.append(f'<polyline class="k{path["kind"]}" points="{points}"/>')
    parts += [mark(path["kind"], *path["points"][:at + 1][-1]) for path in race["paths"]]
    return parts


def mark(kind, x, y):
    return f'<path class="mark k{kind}" transform="translate({x:g},{y:g})" d="{MARKS[kind]}"/>'


def chart_svg(race, at):
    c = race["chart"]
    right, bottom = c["width"] - c["right"], c["height"] - c["bottom"]
    parts = [f'<text class="small" x="{c["left"]}" y="{c["top"] - 8}">'
             "height above the lowest point</text>"]
    for y, said in c["yticks"]:
        parts.append(f'<line class="grid" x1="{c["left"]}" y1="{y}" x2="{right}" y2="{y}"/>'
                     f'<text class="small end" x="{c["left"] - 5}" y="{y + 4}">{said}</text>')
    parts += [f'<text class="small mid" x="{x}" y="{bottom + 15}">{said}</text>'
              for x, said in c["xticks"]]
    for path, line in zip(race["paths"], c["lines"], strict=True):
        shown = " ".join(line.split(" ")[:at + 1])
        parts.append(f'<polyline class="k{path["kind"]}" points="{shown}"/>')
    return parts
