"""A drawing as SVG text: stands alone, no script, no identifiers, light and dark.

Nothing in it is numbered or named, so two pictures on one page cannot collide, and the same
drawing is the same text everywhere. Kinds of nodes differ in outline as well as in colour.
"""

from learntorch.viz.layout import layout
from learntorch.viz.text import size

# Okabe and Ito's palette: told apart by readers with any kind of colour vision.
STYLE = """
.lt-graph{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.lt-graph .ground{fill:#fff}.lt-graph text{fill:#1a1a1a;text-anchor:middle}
.lt-graph .small{font-size:10px;fill:#555}
.lt-graph .edge{fill:none;stroke:#6b6b6b;stroke-width:1.3}
.lt-graph .tip{fill:#6b6b6b}
.lt-graph .box{stroke-width:1.6;fill:#e6f2fa;stroke:#0072b2}
.lt-graph .leaf .box{fill:#e2f3ec;stroke:#009e73}
.lt-graph .constant .box{fill:#f4f4f4;stroke:#767676;stroke-dasharray:4 3}
.lt-graph .output .box{fill:#fdf1dc;stroke:#b87700;stroke-width:2.6}
.lt-graph .group .box{fill:#f6e7f0;stroke:#a8518a;stroke-width:2.6}
.lt-graph .broken .box{fill:#fbe6d9;stroke:#d55e00;stroke-width:2.6;stroke-dasharray:7 3}
.lt-graph .chosen .box{stroke-width:4}
@media (prefers-color-scheme:dark){
.lt-graph .ground{fill:#14181c}.lt-graph text{fill:#f0f0f0}.lt-graph .small{fill:#b8b8b8}
.lt-graph .edge{stroke:#a0a0a0}.lt-graph .tip{fill:#a0a0a0}
.lt-graph .box{fill:#10304a;stroke:#56b4e9}
.lt-graph .leaf .box{fill:#0c3a2d;stroke:#2fc79a}
.lt-graph .constant .box{fill:#26292c;stroke:#9a9a9a}
.lt-graph .output .box{fill:#3d2e0c;stroke:#e69f00}
.lt-graph .group .box{fill:#3c2233;stroke:#cc79a7}
.lt-graph .broken .box{fill:#45230f;stroke:#f0823c}}
"""


def svg(drawing, title="Computational graph", description=None, chosen=(), places=None):
    """The SVG text of a dictionary made by `graph`.

    title, description: for readers who hear the picture; the description defaults to a count of
    what is in it and the list of ops in order. chosen: ids to be drawn with a thick outline.
    places: what `layout` returned, where it is already known.
    """
    places = places or layout(drawing)
    width, height = places["width"], places["height"]
    said = describe(drawing) if description is None else description
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-graph" role="img" '
             f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
             f'aria-label="{escape(title)}">',
             f"<title>{escape(title)}</title><desc>{escape(said)}</desc>",
             f"<style>{STYLE}</style>",
             f'<rect class="ground" width="{width}" height="{height}" rx="6"/>']
    for points in places["edges"]:
        parts.append(f'<path class="edge" d="{curve(points)}"/>{tip(points)}')
    for node in drawing["nodes"]:
        parts.append(box(node, places["nodes"][node["id"]], node["id"] in chosen))
    parts.append("</svg>")
    return "\n".join(parts)


def box(node, place, chosen):
    """One node: outline by kind, label, shape, and the rest as a tooltip."""
    x, y, w, h = place["x"], place["y"], place["w"], place["h"]
    round_ = {"op": 6, "group": 6, "broken": 6}.get(node["kind"], h // 2)
    label, shape = (escape(text) for text in place["lines"])
    kind = escape(node["kind"]) + (" chosen" if chosen else "")
    return (f'<g class="{kind}"><title>{escape(hint(node))}</title>'
            f'<rect class="box" x="{x - w // 2}" y="{y - h // 2}" width="{w}" height="{h}" '
            f'rx="{round_}"/>'
            f'<text x="{x}" y="{y - 2}">{label}</text>'
            f'<text class="small" x="{x}" y="{y + 13}">{shape}</text></g>')


def hint(node):
    """What a node is, in one line: name, shape, dtype, value, what it keeps."""
    parts = [node["name"] or node["kind"], f"{size(node['shape'])} {node['dtype']}".strip()]
    if node.get("value"):
        parts.append(f"= {node['value']}")
    if node.get("freed"):
        parts.append("saved values freed")
    elif node["saved"]:
        parts.append("keeps " + ", ".join(s["name"] for s in node["saved"]))
    return "; ".join(parts)


def describe(drawing):
    """The drawing in words: how much of what, then the ops in the order they ran."""
    count = {}
    for node in drawing["nodes"]:
        count[node["kind"]] = count.get(node["kind"], 0) + 1
    words = {"op": "op", "leaf": "leaf", "constant": "constant", "output": "output",
             "group": "module", "broken": "failed op"}
    plural = {"leaf": "leaves"}
    parts = [f"{n} {words.get(k, k) if n == 1 else plural.get(k, words.get(k, k) + 's')}"
             for k, n in count.items()]
    ops = [n["label"] for n in drawing["nodes"] if n["kind"] in ("op", "group", "broken")]
    shown = ", ".join(str(o) for o in ops[:20]) + (" and more" if len(ops) > 20 else "")
    return ", ".join(parts) + (f". In order: {shown}." if ops else ".")


def curve(points):
    """A path through the points that leaves and arrives straight down."""
    (x, y), *rest = points
    d = [f"M{x} {y}"]
    for x2, y2 in rest:
        middle = (y + y2) // 2
        d.append(f"V{y2}" if x == x2 else f"C{x} {middle} {x2} {middle} {x2} {y2}")
        x, y = x2, y2
    return "".join(d)


def tip(points):
    """The arrow head at the end of an edge."""
    x, y = points[-1]
    up = -1 if points[-2][1] <= y else 1
    return f'<path class="tip" d="M{x} {y}l-4 {7 * up}h8z"/>'


def escape(text):
    """Text made safe inside SVG, in content and in attributes; control characters are dropped."""
    text = "".join(c for c in str(text) if c >= " " or c in "\n\t")
    return (text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            .replace('"', "&quot;").replace("'", "&#39;"))
