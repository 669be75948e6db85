"""Which cells does an index choose, and which numbers are repeated when two shapes meet?"""

import traitlets as t

import learntorch as torch
from course.widgets import broadcasting, indexing
from course.widgets.base import Widget, script, style
from course.widgets.storage_viewer import unravel
from learntorch.viz.svg import escape

CELL, ROW = 40, 30      # width and height of a cell in the static picture
MOST = 72               # numbers of a tensor that can be shown
LONGEST = 200           # letters of a text that is looked at


class ShapeExplorer(Widget):
    """Indexing: `t[expression]`. Broadcasting: `a + b` of the shapes `left` and `right`.

    mode: "index" or "broadcast". at: the index of the element of the result that is pointed at,
    or [-1] for none. Raises ValueError for a tensor of more than 72 numbers.
    """

    kind = "shapes"
    shared = ("mode", "expression", "left", "right")
    _esm = script("common.js", "shape_explorer.js")
    _css = style("shape_explorer.css")

    mode = t.Enum(["index", "broadcast"], "index").tag(sync=True)
    expression = t.Unicode("1").tag(sync=True)
    left = t.Unicode("3, 1").tag(sync=True)
    right = t.Unicode("4").tag(sync=True)
    at = t.List(t.Int(), [-1]).tag(sync=True)
    picture = t.Dict().tag(sync=True)
    examples = t.Dict().tag(sync=True)

    def __init__(self, tensor=None, **traits):
        tensor = torch.arange(12).view(3, 4) if tensor is None else tensor.detach()
        if tensor.numel() > MOST:
            raise ValueError(f"{tensor.numel()} numbers are too many to look at: at most {MOST}")
        self.tensor = tensor
        super().__init__(**traits)
        self.examples = {"index": indexing.EXAMPLES,
                         "broadcast": [list(pair) for pair in broadcasting.EXAMPLES]}
        self._draw()
        self.observe(self._draw, list(self.shared))
        self.observe(self._point, ["at"])

    @t.validate("expression", "left", "right")
    def _short(self, proposal):
        if len(proposal["value"]) > LONGEST:
            raise t.TraitError(f"a text of at most {LONGEST} letters is needed")
        return " ".join(proposal["value"].split())

    def _draw(self, _change=None):
        if self.mode == "index":
            shown = indexing.picture(self.expression, self.tensor)
        else:
            shown = broadcasting.picture(self.left, self.right)
        self.picture = {**shown, "blocks": [arranged(b) for b in shown["blocks"]]}
        self.at = [-1]
        self.message = shown["error"]
        self.alt = words(self.picture)

    def _point(self, _change=None):
        blocks = self.picture["blocks"]
        shape = blocks[-1]["shape"] if blocks else [0]
        ready = blocks and not self.picture["error"] and not self.picture["hint"]
        fits = len(self.at) == len(shape) and all(
            0 <= i < n for i, n in zip(self.at, shape, strict=True))
        if not ready or not fits:
            if self.at != [-1]:
                self.at = [-1]
            return
        if self.mode == "broadcast":
            self.message = broadcasting.pointed(self.left, self.right, list(self.at))
            return
        cells = (c for table in blocks[-1]["tables"] for row in table["rows"] for c in row)
        found = next(c for c in cells if c["index"] == list(self.at))
        home = unravel(found["key"], list(self.tensor.shape))
        result = f"{self.picture['code']}[{', '.join(map(str, self.at))}]".replace("[]", "")
        self.message = f"{result} is t[{', '.join(map(str, home))}], which is {found['text']}"

    def static(self):
        return shapes_svg(self.picture)

    def __repr__(self):
        last = self.picture["blocks"][-1:]
        failed = self.picture["error"] or self.picture["hint"]
        shape = "refused" if failed or not last else f"shape={tuple(last[0]['shape'])}"
        if self.mode == "index":
            return f"ShapeExplorer(t[{self.expression}], {shape})"
        return f"ShapeExplorer(({self.left}) + ({self.right}), {shape})"


def arranged(block):
    """A block with its cells as tables, one for each index of the leading dimensions.

    {"name", "shape", "before", "caption", "tables": [{"title", "rows": [[cell…]…]}…]}; each cell
    gets its `index`.
    """
    shape, cells = block["shape"], block["cells"]
    columns = shape[-1] if shape else 1
    rows = shape[-2] if len(shape) > 1 else 1
    tables = []
    for start in range(0, len(cells), max(1, rows * columns)):
        body = [[{**cells[start + r * columns + c],
                  "index": unravel(start + r * columns + c, shape)} for c in range(columns)]
                for r in range(rows)]
        lead = body[0][0]["index"][:-2]
        title = f"[{', '.join([*map(str, lead), ':', ':'])}]" if lead else ""
        tables.append({"title": title, "rows": body})
    return {"name": block["name"], "shape": shape, "before": block["before"],
            "caption": f"shape {tuple(shape)}", "tables": tables}


def words(shown):
    """The picture in words."""
    parts = [shown["code"] + "."]
    for block in shown["blocks"]:
        numbers = "; ".join(
            ", ".join(c["text"] for c in row) for table in block["tables"] for row in table["rows"])
        parts.append(f"{block['name']}, {block['caption']}: {numbers or 'no numbers'}.")
    return " ".join([*parts, *shown["says"], shown["error"], shown["hint"]]).strip()


STYLE = """
.lt-shapes{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.lt-shapes .ground{fill:#fff}.lt-shapes text{fill:#1a1a1a}.lt-shapes .mid{text-anchor:middle}
.lt-shapes .faint{fill:#555}.lt-shapes .note{font-size:9px;text-anchor:end}
.lt-shapes .bad{fill:#b84e00}.lt-shapes rect.plain{fill:#f4f4f4;
stroke:#999}.lt-shapes rect.chosen{fill:#e6f2fa;stroke:#0072b2;stroke-width:2}
.lt-shapes rect.repeated{fill:none;stroke:#0072b2;stroke-dasharray:3 3}
.lt-shapes text.plain,.lt-shapes text.repeated{fill:#666}
@media (prefers-color-scheme:dark){.lt-shapes .ground{fill:#14181c}.lt-shapes text{fill:#f0f0f0}
.lt-shapes .faint{fill:#b8b8b8}.lt-shapes .bad{fill:#ff8c4a}.lt-shapes rect.plain{fill:#26292c;
stroke:#777}.lt-shapes rect.chosen{fill:#10304a;stroke:#56b4e9}
.lt-shapes rect.repeated{stroke:#56b4e9}
.lt-shapes text.plain,.lt-shapes text.repeated{fill:#aaa}}
"""


def shapes_svg(shown):
    """The static picture: the blocks side by side, and below them what is said of them."""
    parts = [f'<text x="12" y="22">{escape(shown["code"])}</text>']
    x, low = 12, 44
    for block in shown["blocks"]:
        if block["before"]:
            parts.append(f'<text class="mid" x="{x + 8}" y="76">{escape(block["before"])}</text>')
            x += 26
        drawn, wide, bottom = block_svg(block, x)
        parts += drawn
        x += wide + 14
        low = max(low, bottom)
    for line in [*shown["says"], shown["error"], shown["hint"]]:
        if line:
            kind = "bad" if line == shown["error"] else "faint"
            low += 18
            parts.append(f'<text class="{kind}" x="12" y="{low}">{escape(line)}</text>')
            x = max(x, 24 + round(7.3 * len(line)))
    height, width = low + 14, max(x, 300)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-shapes" role="img" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" aria-label="{escape(shown["code"])}">',
        f"<title>{escape(shown['code'])}</title><desc>{escape(words(shown))}</desc>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}" rx="6"/>', *parts, "</svg>"])


def block_svg(block, x):
    """(elements, width, bottom) of one block of numbers that begins at x."""
    parts = [f'<text class="faint" x="{x}" y="44">{escape(block["name"])}</text>']
    wide, y = 7.3 * len(block["name"]), 54
    for table in block["tables"]:
        if table["title"]:
            title = escape(table["title"])
            parts.append(f'<text class="faint" x="{x}" y="{y + 10}">{title}</text>')
            y += 16
        for row in table["rows"]:
            for k, c in enumerate(row):
                left, middle = x + k * CELL, x + k * CELL + CELL // 2 - 1
                parts.append(f'<rect class="{c["kind"]}" x="{left + 1}" y="{y}" '
                             f'width="{CELL - 4}" height="{ROW - 4}"/>'
                             f'<text class="mid {c["kind"]}" x="{middle}" y="{y + 17}">'
                             f'{escape(c["text"])}</text>')
                if c["note"]:
                    parts.append(f'<text class="faint note" x="{left + CELL - 5}" y="{y + 25}">'
                                 f'{escape(c["note"])}</text>')
            wide = max(wide, len(row) * CELL)
            y += ROW
        y += 6
    parts.append(f'<text class="faint" x="{x}" y="{y + 10}">{escape(block["caption"])}</text>')
    return parts, round(max(wide, 7.3 * len(block["caption"]))), y + 12
