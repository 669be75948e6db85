"""Two names on one row of memory, or on two: what a write through one does to the other."""

import math

import numpy as np
import traitlets as t

import learntorch as torch
from course.widgets.base import Widget, script, style
from learntorch.viz.svg import escape

NAMES = ("a", "t")      # the array, the tensor
MOST = 9999             # a written number is at most this large
CELL, ROW = 58, 74      # width of a memory cell in the static picture, height of a row of them


class Way:
    """One way to make the second object from the first.

    code: its expression. first: "a" if the array is there first, "t" if the tensor is. make: the
    expression as a function. why: what happens, in words that do not depend on what is written.
    """

    def __init__(self, code, first, make, why):
        self.code = code
        self.first = first
        self.make = make
        self.why = why

    @property
    def second(self):
        return "t" if self.first == "a" else "a"

    @property
    def line(self):
        return f"{self.second} = {self.code}"


WAYS = {
    "from_numpy": Way(
        "torch.from_numpy(a)", "a", torch.from_numpy,
        "from_numpy makes a tensor that looks at the array's memory. No number is copied."),
    "numpy": Way(
        "t.numpy()", "t", lambda x: x.numpy(),
        "numpy() makes an array that looks at the tensor's memory. No number is copied."),
    "tensor": Way(
        "torch.tensor(a)", "a", torch.tensor,
        "torch.tensor always copies, so the tensor has memory of its own."),
    "as_tensor": Way(
        "torch.as_tensor(a)", "a", torch.as_tensor,
        "as_tensor shares where it can. Here no other dtype is asked for, so it can."),
    "float": Way(
        "torch.from_numpy(a).float()", "a", lambda x: torch.from_numpy(x).float(),
        "float() changes the dtype to float32. The numbers get another size, so they need "
        "memory of their own."),
    "double": Way(
        "torch.from_numpy(a).double()", "a", lambda x: torch.from_numpy(x).double(),
        "The numbers are float64 already, so double() has nothing to do and gives the same "
        "tensor back."),
    "copy": Way(
        "torch.from_numpy(a.copy())", "a", lambda x: torch.from_numpy(x.copy()),
        "copy() made a new array first. The tensor shares the memory of that one, not of a."),
    "clone": Way(
        "t.clone().numpy()", "t", lambda x: x.clone().numpy(),
        "clone() made a new tensor first. The array shares the memory of that one, not of t."),
    "part": Way(
        "torch.from_numpy(a[1:4])", "a", lambda x: torch.from_numpy(x[1:4]),
        "A slice is a view: t looks at three of the five numbers, and t[0] is a[1]."),
    "stepped": Way(
        "torch.from_numpy(a[::2])", "a", lambda x: torch.from_numpy(x[::2]),
        "Every second number: t looks at the same memory with a stride of 2."),
    "backward": Way(
        "torch.from_numpy(a[::-1])", "a", lambda x: torch.from_numpy(x[::-1]),
        "An array may walk backward through its memory, and a tensor may not. Copy first: "
        "torch.from_numpy(a[::-1].copy())."),
    "turned": Way(
        "torch.from_numpy(a[::-1].copy())", "a", lambda x: torch.from_numpy(x[::-1].copy()),
        "The copy lies in memory in its own order, so it can become a tensor; it shares nothing "
        "with a."),
}


class SharedMemory(Widget):
    """A tensor `t` and an array `a` of five numbers, one made from the other.

    how: a key of `WAYS`. writes: [name, index, value] of each write, 0 for `a` and 1 for `t`; a
    later write to the same memory replaces an earlier one. target: the [name, index] that the
    view writes to. Everything shown is measured on a real array and a real tensor.
    """

    kind = "memory"
    shared = ("how", "writes")
    _esm = script("common.js", "shared_memory.js")
    _css = style("shared_memory.css")

    how = t.Enum(list(WAYS), "from_numpy").tag(sync=True)
    writes = t.List(t.List()).tag(sync=True)
    target = t.List(t.Int(), [0, 0], minlen=2, maxlen=2).tag(sync=True)
    picture = t.Dict().tag(sync=True)

    def __init__(self, how="from_numpy", **traits):
        super().__init__(how=how, **traits)
        self._draw()
        self.observe(self._begin, ["how"])
        self.observe(self._wrote, ["writes"])

    @t.validate("writes")
    def _possible(self, proposal):
        objects = build(self.how)[0]
        kept = []
        for write in proposal["value"]:
            write = checked(write, objects)
            kept = [w for w in kept if cell_of(objects, w) != cell_of(objects, write)]
            kept.append(write)
        return kept

    @t.validate("target")
    def _existing(self, proposal):
        which, place = proposal["value"]
        objects = build(self.how)[0]
        which = which if which in (0, 1) and objects[which] is not None else first_of(self.how)
        return [which, max(0, min(place, len(objects[which]) - 1))]

    def write(self, name, place, value):
        """Write `value` into `name[place]`; name is "a" or "t"."""
        self.writes = [*self.writes, [NAMES.index(name), place, value]]

    def _begin(self, _change=None):
        self.writes = []
        self.target = [first_of(self.how), 0]
        self._draw()

    def _wrote(self, change):
        self._draw()
        if change["new"]:
            self.target = self.writes[-1][:2]

    def _draw(self, _change=None):
        self.picture = picture(self.how, self.writes)
        self.message = self.picture["sentence"]
        self.alt = words(self.picture)

    def static(self):
        return memory_svg(self.picture)

    def __repr__(self):
        sharing = "shared" if self.picture["shared"] else "not shared"
        return f"SharedMemory({WAYS[self.how].line}, {sharing}, {len(self.writes)} writes)"


def first_of(how):
    """The number of the object that is there first: 0 for the array, 1 for the tensor."""
    return NAMES.index(WAYS[how].first)


def build(how):
    """([array, tensor], error): the two objects, None for one that cannot be made."""
    way = WAYS[how]
    made = {"a": np.array([1.0, 2.0, 3.0, 4.0, 5.0])}
    if way.first == "t":
        made = {"t": torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])}
    try:
        made[way.second] = way.make(made[way.first])
    except (ValueError, RuntimeError, TypeError) as error:
        return [made.get(name) for name in NAMES], f"{type(error).__name__}: {error}".strip()
    return [made[name] for name in NAMES], ""


def checked(write, objects):
    """A write as [0 or 1, index, number]; TraitError where it is none."""
    if len(write) != 3 or any(isinstance(v, bool) or not isinstance(v, (int, float))
                              for v in write):
        raise t.TraitError("a write is [name, index, value]")
    which, place, value = write
    if which not in (0, 1) or objects[which] is None:
        raise t.TraitError("a write names 0, the array, or 1, the tensor")
    if place != int(place) or not 0 <= place < len(objects[which]):
        raise t.TraitError(f"{NAMES[which]} has the places 0 to {len(objects[which]) - 1}")
    if not math.isfinite(value) or abs(value) > MOST:
        raise t.TraitError(f"a number between -{MOST} and {MOST} can be written")
    return [int(which), int(place), round(float(value), 3)]


def raw(thing):
    return thing.numpy() if isinstance(thing, torch.Tensor) else thing


def address(thing, place):
    """The address in memory of the number at an index."""
    values = raw(thing)
    return values.ctypes.data + place * values.strides[0]


def cell_of(objects, write):
    return address(objects[write[0]], write[1])


def picture(how, writes):
    """What is shown, as plain data.

    {"how", "ways": [[key, line]…], "lines": [code…], "memories": [{"title", "cells": [{"text",
    "names": [label, label], "written": bool}…]}…], "shared", "why", "sentence", "error"}
    A label is {"text": "t[1]", "index": 1}, or {} where that name does not reach.
    """
    way = WAYS[how]
    objects, error = build(how)
    before = [None if o is None else raw(o).copy() for o in objects]
    for which, place, value in writes:
        before = [None if o is None else raw(o).copy() for o in objects]
        objects[which][place] = value
    last = cell_of(objects, writes[-1]) if writes else None
    sharing = not error and bool(np.shares_memory(*map(raw, objects)))
    make = ("a = np.array([1., 2., 3., 4., 5.])" if way.first == "a" else
            "t = torch.tensor([1., 2., 3., 4., 5.])")
    return {
        "how": how, "ways": [[key, w.line] for key, w in WAYS.items()],
        "lines": [make, way.line, *(f"{NAMES[w]}[{p}] = {v:g}" for w, p, v in writes)],
        "memories": memories(objects, first_of(how), sharing, last),
        "shared": sharing, "error": error, "why": way.why,
        "sentence": sentence(objects, before, writes, error),
    }


def memories(objects, first, sharing, last):
    """The rows of memory: that of the first object, and that of the second if it has its own."""
    rows = []
    owners = [first] if sharing else [first, 1 - first]
    for owner in owners:
        thing = objects[owner]
        if thing is None:
            continue
        values = raw(thing)
        cells = []
        for place, value in enumerate(values):
            at = address(thing, place)
            names = [label(objects[k], NAMES[k], at) if sharing or k == owner else {}
                     for k in (0, 1)]
            cells.append({"text": f"{float(value):g}", "names": names, "written": at == last})
        whose = "a and t" if sharing else NAMES[owner]
        rows.append({
            "title": f"Memory of {whose}: {len(values)} numbers, {values.dtype}, "
                     f"{values.itemsize} bytes each", "cells": cells})
    return rows


def label(thing, name, at):
    """What the number at an address is called, as text and index; empty if it is not reached."""
    for place in range(len(thing)):
        if address(thing, place) == at:
            return {"text": f"{name}[{place}]", "index": place}
    return {}


def sentence(objects, before, writes, error):
    """What the last write did to the other object, read off the two objects."""
    if error:
        return error
    if not writes:
        return "Nothing is written yet. Choose a name and a place, and write a number."
    which, place, value = writes[-1]
    other = 1 - which
    mine, name = f"{NAMES[which]}[{place}]", NAMES[other]
    changed = np.flatnonzero(before[other] != raw(objects[other]))
    if len(changed):
        same = f"{name}[{changed[0]}]"
        return f"{mine} = {value:g} was written, and {same} is {value:g} too."
    twin = label(objects[other], name, address(objects[which], place))
    if twin:
        return f"{mine} = {value:g} was written. {twin['text']} is the same place; nothing changed."
    return f"{mine} = {value:g} was written, and no number of {name} has changed."


def words(shown):
    """The picture in words."""
    rows = []
    for memory in shown["memories"]:
        cells = (f"{' and '.join(n['text'] for n in c['names'] if n)}: {c['text']}"
                 for c in memory["cells"])
        rows.append(f"{memory['title']}. {', '.join(cells)}.")
    return f"{'; '.join(shown['lines'])}. {' '.join(rows)} {shown['why']}"


STYLE = """
.lt-shared{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.lt-shared .ground{fill:#fff}.lt-shared text{fill:#1a1a1a}.lt-shared .mid{text-anchor:middle}
.lt-shared .faint{fill:#555}.lt-shared .cell{fill:#e6f2fa;stroke:#0072b2}
.lt-shared .written{fill:#fdf1dc;stroke:#9a6400;stroke-width:3}
.lt-shared .array{fill:#00795a}.lt-shared .tensor{fill:#a0457f}
@media (prefers-color-scheme:dark){.lt-shared .ground{fill:#14181c}.lt-shared text{fill:#f0f0f0}
.lt-shared .faint{fill:#b8b8b8}.lt-shared .cell{fill:#10304a;stroke:#56b4e9}
.lt-shared .written{fill:#3d2e0c;stroke:#f0b429}
.lt-shared .array{fill:#2fc79a}.lt-shared .tensor{fill:#e39cc5}}
"""


def memory_svg(shown):
    """The static picture: the code, then each row of memory with the names on it."""
    parts, y = [], 22
    for line in shown["lines"]:
        parts.append(f'<text x="12" y="{y}">{escape(line)}</text>')
        y += 18
    for memory in shown["memories"]:
        y += 10
        parts.append(f'<text class="faint" x="12" y="{y}">{escape(memory["title"])}</text>')
        for i, cell in enumerate(memory["cells"]):
            above, below = (escape(n.get("text", "")) for n in cell["names"])
            x = 12 + i * CELL
            middle = x + CELL // 2
            kind = "cell written" if cell["written"] else "cell"
            parts += [
                f'<text class="mid array" x="{middle}" y="{y + 20}">{above}</text>',
                f'<rect class="{kind}" x="{x + 1}" y="{y + 26}" width="{CELL - 3}" height="28"/>',
                f'<text class="mid" x="{middle}" y="{y + 45}">{escape(cell["text"])}</text>',
                f'<text class="mid tensor" x="{middle}" y="{y + 68}">{below}</text>']
        y += ROW
    y += 8
    for line in folded(shown["error"] or shown["why"], 72):
        y += 16
        parts.append(f'<text class="faint" x="12" y="{y}">{escape(line)}</text>')
    height, width = y + 14, 560
    code = escape("; ".join(shown["lines"]))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-shared" role="img" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" aria-label="{code}">',
        f"<title>{code}</title><desc>{escape(words(shown))}</desc>", f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{width}" height="{height}" rx="6"/>', *parts, "</svg>"])


def folded(text, most):
    """A text in lines of at most `most` letters."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) > most and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = joined
    return lines
