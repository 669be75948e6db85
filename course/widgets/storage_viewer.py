"""The storage viewer: a tensor's numbers in memory, and how shape, stride and offset find them."""

import traitlets as t

from course.widgets.base import Widget, script, style
from learntorch import viz
from learntorch.core.ambient import no_grad
from learntorch.viz.storage import caption, sentence
from learntorch.viz.svg import escape

CELL, ROW = 44, 34      # width and height of a memory cell in the static picture
ACROSS = 16             # memory cells in a row of it


class StorageViewer(Widget):
    """Shows `tensor`, and the view made of it by slices and swapped dimensions.

    slices: [start, stop, step] for each dimension of the tensor. order: which dimension of the
    tensor stands first, second, … in the view. index: the element pointed at, or [].
    """

    kind = "storage"
    shared = ("slices", "order", "index")
    _esm = script("common.js", "storage_viewer.js")
    _css = style("storage_viewer.css")

    slices = t.List(t.List(t.Int(), minlen=3, maxlen=3)).tag(sync=True)
    order = t.List(t.Int()).tag(sync=True)
    index = t.List(t.Int()).tag(sync=True)
    name = t.Unicode("t").tag(sync=True)
    picture = t.Dict().tag(sync=True)

    def __init__(self, tensor, name="t", **traits):
        self.tensor = tensor
        sizes = list(tensor.shape)
        traits.setdefault("slices", [[0, n, 1] for n in sizes])
        traits.setdefault("order", list(range(len(sizes))))
        super().__init__(name=name, **traits)
        self._draw()
        self.observe(self._draw, ["slices", "order"])
        self.observe(self._point, ["index"])

    @t.validate("slices")
    def _within(self, proposal):
        sizes = list(self.tensor.shape)
        if len(proposal["value"]) != len(sizes):
            raise t.TraitError(f"slices for {len(sizes)} dimensions are needed")
        return [[max(0, min(a, n)), max(0, min(b, n)), max(1, min(k, max(1, n)))]
                for (a, b, k), n in zip(proposal["value"], sizes, strict=True)]

    @t.validate("order")
    def _permutation(self, proposal):
        if sorted(proposal["value"]) != list(range(len(self.tensor.shape))):
            raise t.TraitError("order must name every dimension once")
        return proposal["value"]

    @property
    def view(self):
        """The view on show, as a tensor."""
        shown = self.tensor
        with no_grad():
            if self.tensor.ndim:
                shown = shown[tuple(slice(*s) for s in self.slices)]
            if self.order != sorted(self.order):
                shown = shown.permute(*self.order)
        return shown

    @property
    def code(self):
        """The expression that makes the view: `t[1:3].t()`."""
        return expression(self.name, list(self.tensor.shape), self.slices, self.order)

    def _draw(self, _change=None):
        described = viz.storage(self.view)
        sizes = list(self.tensor.shape)
        self.picture = {**described, "code": self.code, "caption": caption(described),
                        "tables": tables(described),
                        "sizes": sizes, "moves": list(range(max(0, len(sizes) - 1)))}
        self.alt = f"{self.code}: {caption(described)}"
        self.index = []
        self.message = ("" if described["complete"] else
                        f"Only the first {len(described['cells'])} cells are shown.")

    def _point(self, _change=None):
        shape = self.picture["shape"]
        if not self.index:
            return
        if len(self.index) != len(shape) or any(
                not 0 <= i < n for i, n in zip(self.index, shape, strict=True)):
            self.index = []
            return
        self.message = f"{list(self.index)}: {sentence(self.picture, self.index)}"

    def static(self):
        return storage_svg(self.picture)

    def __repr__(self):
        described = self.picture
        return (f"StorageViewer(shape={tuple(described['shape'])}, "
                f"stride={tuple(described['stride'])}, offset={described['offset']})")


def expression(name, sizes, slices, order):
    """The Python that slices and permutes, as short as a person would write it."""
    parts = []
    for (start, stop, step), n in zip(slices, sizes, strict=True):
        first = "" if start == 0 else str(start)
        last = "" if stop == n else str(stop)
        parts.append(f"{first}:{last}" + (f":{step}" if step > 1 else ""))
    while parts and parts[-1] == ":":
        parts.pop()
    text = name + (f"[{', '.join(parts)}]" if parts else "")
    if list(order) == [1, 0]:
        return text + ".t()"
    return text if list(order) == sorted(order) else f"{text}.permute({', '.join(map(str, order))})"


def tables(described):
    """The elements as tables, one for each index of the leading dimensions.

    [{"title": "[0, :, :]", "rows": [[{"index", "cell", "text"}, …], …]}, …]
    """
    shape = described["shape"]
    rows, columns = (shape[-2] if len(shape) > 1 else 1), (shape[-1] if shape else 1)
    found = []
    flat = 0
    cells = described["cells"]
    while flat < len(described["places"]):
        body = []
        for _ in range(rows):
            row = []
            for _ in range(columns):
                if flat < len(described["places"]):
                    cell = described["places"][flat]
                    text = cells[cell] if cell < len(cells) else ""
                    row.append({"index": unravel(flat, shape), "cell": cell, "text": text})
                flat += 1
            body.append(row)
        lead = body[0][0]["index"][:-2]
        title = f"[{', '.join([*map(str, lead), ':', ':'])}]" if lead else ""
        found.append({"title": title, "rows": body})
    return found


def unravel(flat, shape):
    """The index of an element from its place in row-major order."""
    index = []
    for n in reversed(shape):
        index.append(flat % n)
        flat //= n
    return index[::-1]


STYLE = """
.lt-storage{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.lt-storage .ground{fill:#fff}.lt-storage text{fill:#1a1a1a;text-anchor:middle}
.lt-storage .left{text-anchor:start}.lt-storage .small{font-size:9px;fill:#666}
.lt-storage .cell{fill:#f4f4f4;stroke:#999}.lt-storage .used{fill:#e6f2fa;stroke:#0072b2}
@media (prefers-color-scheme:dark){.lt-storage .ground{fill:#14181c}.lt-storage text{fill:#f0f0f0}
.lt-storage .small{fill:#aaa}.lt-storage .cell{fill:#26292c;stroke:#777}
.lt-storage .used{fill:#10304a;stroke:#56b4e9}}
"""


def storage_svg(picture):
    """The static picture: the memory cells, those of the view filled, then the view as tables."""
    cells = picture["cells"][:ACROSS * 8]
    parts = [f'<text class="left" x="10" y="20">{escape(picture["code"])}</text>',
             f'<text class="left small" x="10" y="36">{escape(picture["caption"])}</text>']
    y = 46
    for i, text in enumerate(cells):
        x, row = 10 + i % ACROSS * CELL, y + i // ACROSS * (ROW + 12)
        kind = "cell used" if picture["visited"][i] else "cell"
        parts.append(f'<text class="small" x="{x + CELL // 2}" y="{row + 9}">{i}</text>'
                     + box(x, row + 12, kind, text))
    y += (len(cells) + ACROSS - 1) // ACROSS * (ROW + 12) + 16
    right = 10 + min(max(len(cells), 1), ACROSS) * CELL
    for table in picture["tables"][:4]:
        if table["title"]:
            parts.append(f'<text class="left" x="10" y="{y + 10}">{escape(table["title"])}</text>')
            y += 16
        for row in table["rows"][:12]:
            for k, element in enumerate(row[:ACROSS]):
                parts.append(box(10 + k * CELL, y, "cell used", element["text"]))
                parts.append(f'<text class="small" x="{10 + k * CELL + CELL // 2}" '
                             f'y="{y + 29}">{element["cell"]}</text>')
            y += ROW
        y += 10
    width = max(right + 10, 20 + 6 * len(picture["caption"]))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-storage" role="img" width="{width}" '
        f'height="{y}" viewBox="0 0 {width} {y}" aria-label="{escape(picture["code"])}">',
        f"<title>{escape(picture['code'])}</title><desc>{escape(picture['caption'])}</desc>",
        f"<style>{STYLE}</style>", f'<rect class="ground" width="{width}" height="{y}" rx="6"/>',
        *parts, "</svg>"])


def box(x, y, kind, text):
    return (f'<rect class="{kind}" x="{x}" y="{y}" width="{CELL}" height="{ROW - 2}"/>'
            f'<text x="{x + CELL // 2}" y="{y + 18}">{escape(text[:6])}</text>')
