"""The file inspector: what is inside a `.pt` file, without loading it."""

import os
from collections import OrderedDict

import numpy as np
import traitlets as t

from course.widgets.base import Widget, script, style
from learntorch.io.contents import MOST, Contents, Look, Stored, Unrun
from learntorch.viz.svg import escape

OBJECT, FILE = "o", "f"     # where the ids of the two trees begin
NODES = 20_000              # parts of an object that are listed
DEEPEST = 60            # parts within parts that are listed
SHOWN = 600                 # lines of the tree on show
OPEN = 60                   # an object with more parts starts folded below its first level
ROWS = 36                   # lines in the static picture
BARS = 24                   # bars of a histogram
LETTERS = 60                # of a text or a number on one line
LOOKS = 24                  # tensors drawn over one storage
STEPS = 400                 # instructions of a pickle on show


class FileInspector(Widget):
    """Shows the inside of `file`, a path or an open binary file. Nothing in it is run.

    selected: the id of the line on show, "o/0/2" for the third part of the first part of the
    object, "f/0" for the first record of the file. folded: the ids of lines whose parts are hidden.
    query: only lines that hold this text, and what is around them. rows: the visible lines.
    detail: the selected one, with everything. records: the parts of the file from its start on.
    """

    kind = "file"
    shared = ("selected", "folded", "query")
    _esm = script("common.js", "tree.js", "file_inspector.js")
    _css = style("file_inspector.css")

    selected = t.Unicode(OBJECT).tag(sync=True)
    folded = t.List(t.Unicode()).tag(sync=True)
    query = t.Unicode("").tag(sync=True)
    rows = t.List().tag(sync=True)
    detail = t.Dict().tag(sync=True)
    records = t.List().tag(sync=True)
    summary = t.Unicode().tag(sync=True)
    verdict = t.Unicode().tag(sync=True)
    good = t.Bool().tag(sync=True)

    def __init__(self, file, **traits):
        self.name = os.path.basename(os.fspath(file)) if isinstance(file, str | os.PathLike) else (
            "the file")
        self.contents = Contents(file)
        self.nodes = listed(self.contents)
        traits.setdefault("selected", next(iter(self.nodes)))
        if "folded" not in traits:
            many = len(self.nodes) > OPEN
            traits["folded"] = [i for i, n in self.nodes.items()
                                if n["parts"] and (n["depth"] > 1 or many and n["depth"] == 1)]
        super().__init__(**traits)
        self.records = bands(self.contents)
        self.summary = summary(self.name, self.contents, self.nodes)
        self.verdict, self.good = verdict(self.contents)
        self._list()
        self._describe()
        self.observe(self._fold, ["folded"])
        self.observe(self._list, ["query"])
        self.observe(self._describe, ["selected"])

    @t.validate("selected")
    def _known(self, proposal):
        if proposal["value"] not in self.nodes:
            raise t.TraitError(f"there is no line {proposal['value'][:60]!r}")
        return proposal["value"]

    @t.validate("folded")
    def _foldable(self, proposal):
        wanted = set(proposal["value"])
        return [i for i, n in self.nodes.items() if i in wanted and n["parts"]]

    def _fold(self, _change=None):
        shown = self.selected
        while hidden(shown, self.folded):
            shown = parent(shown)
        self.selected = shown
        self._list()

    def _list(self, _change=None):
        if self.query.strip():
            seen = found(self.nodes, self.query)
        else:
            seen = [i for i in self.nodes if not hidden(i, self.folded)]
        self.rows = [row(self.nodes[i], self.folded) for i in seen[:SHOWN]]
        if len(seen) > SHOWN:
            self.message = f"{len(seen):,} lines: the first {SHOWN} are shown. Search, or fold."
        elif self.query.strip():
            hits = sum(matches(self.nodes[i], self.query) for i in seen)
            self.message = f"{hits} {'line' if hits == 1 else 'lines'} with {self.query!r}"

    def _describe(self, _change=None):
        node = self.nodes[self.selected]
        self.detail = detail(self.contents, node, self.nodes)
        said = sentence(node)
        self.alt = f"{self.summary}. {self.verdict} Chosen: {said}"
        self.message = said

    def static(self):
        return file_svg(self.summary, self.verdict, self.good, self.records,
                        [row(n, []) for n in self.nodes.values()])

    def __repr__(self):
        return f"FileInspector({self.summary})"


def parent(place):
    return place.rpartition("/")[0]


def hidden(place, folded):
    """Does one of the lines around this one hide its parts?"""
    while place:
        place = parent(place)
        if place in folded:
            return True
    return False


def matches(node, query):
    wanted = query.strip().casefold()
    return any(wanted in node[k].casefold() for k in ("expression", "text", "kind", "state"))


def found(nodes, query):
    """The lines that hold a text, and the lines around them, in order."""
    wanted = set()
    for place, node in nodes.items():
        if matches(node, query):
            while place and place not in wanted:
                wanted.add(place)
                place = parent(place)
    return [place for place in nodes if place in wanted]


# ---- the lines ----------------------------------------------------------------------------------

def listed(contents):
    """Every line of both trees: {id: facts}.

    Facts: "id", "name", "expression", "kind", "text", "bytes", "state", "depth", "parts", and
    "value", the thing itself. A thing that stands in two places is taken apart in the first.
    """
    nodes = {}
    if contents.kind != "unknown":
        value = contents.value
        add(nodes, contents, OBJECT, "the object", "loaded", value, 0, {})
        if contents.partial and OBJECT in nodes:
            nodes[OBJECT]["state"] = "breaks off"
    holes = [r for r in contents.records if not r.whole]
    nodes[FILE] = fact(FILE, "the file", "file", "file", amount(contents.size), contents.size,
                       "cut" if holes or contents.broken else "", 0, len(contents.records), None)
    for i, record in enumerate(contents.records):
        place = f"{FILE}/{i}"
        said = amount(record.size) if record.size is not None else "size unknown"
        nodes[place] = fact(place, record.name, record.name, "record", said, record.size or 0,
                            "" if record.whole else "cut", 1, 0, record)
    return nodes


def fact(place, name, expression, kind, text, size, state, depth, parts, value):
    return {"id": place, "name": name, "expression": expression, "kind": kind, "text": text,
            "bytes": size, "state": state, "depth": depth, "parts": parts, "value": value}


def add(nodes, contents, place, name, expression, value, depth, seen):
    """The line of one thing, then those of its parts. `seen`: {id of a thing: its expression}."""
    todo = [(place, name, expression, value, depth)]
    while todo and len(nodes) < NODES:
        place, name, expression, value, depth = todo.pop()
        kind, text, size, state = look_at(contents, value)
        parts = []
        if isinstance(value, dict | list | tuple | set | Unrun | Look):
            first = seen.setdefault(id(value), expression)
            if first != expression:
                state = state or "again"
                text = f"the same as {first}"
            elif depth < DEEPEST:
                parts = parts_of(value, expression)
            else:
                text += ", too deep to be listed"
        nodes[place] = fact(place, name, expression, kind, text, size, state, depth, len(parts),
                            value)
        for i in reversed(range(len(parts))):
            todo.append((f"{place}/{i}", *parts[i], depth + 1))


def parts_of(value, expression):
    """(name, expression, part) of everything in a container or a note."""
    if isinstance(value, dict):
        own = vars(value).items() if isinstance(value, OrderedDict) else ()
        return [*[(brief(k), f"{expression}[{brief(k)}]", v) for k, v in value.items()],
                *[(f".{k}", f"{expression}.{k}", v) for k, v in own]]
    if isinstance(value, list | tuple):
        return [(f"[{i}]", f"{expression}[{i}]", v) for i, v in enumerate(value)]
    if isinstance(value, set):
        return [("item", f"{expression}, item {i}", v) for i, v in enumerate(value)]
    if isinstance(value, Look):
        return [(f".{k}", f"{expression}.{k}", v) for k, v in value.attributes.items()]
    given = [(f"argument {i}", f"{expression}, argument {i}", v)
             for i, v in enumerate(value.arguments)]
    given += [(f"item {i}", f"{expression}[{i}]", v) for i, v in enumerate(value.items)]
    given += [(brief(k), f"{expression}[{brief(k)}]", v) for k, v in value.pairs.items()]
    if isinstance(value.state, dict):
        return given + [(f".{k}" if isinstance(k, str) else brief(k), f"{expression}.{k}", v)
                        for k, v in value.state.items()]
    return given + ([("state", f"{expression}, state", value.state)] if value.state is not None
                    else [])


def look_at(contents, value):
    """(kind, text, bytes, state) of one thing."""
    if isinstance(value, Look):
        size = value.numel * value.itemsize
        if value.problem:
            return value.kind, value.problem, 0, "damaged"
        return value.kind, f"{value.dtype} {value.shape}", size, health(value)
    if isinstance(value, Stored):
        return "storage", f"{value.count:,} of {value.dtype or 'bytes'}", value.size, ""
    if isinstance(value, Unrun):
        return ("object" if value.allowed else "refused", value.name, 0,
                "" if value.allowed else "refused")
    if isinstance(value, type) and issubclass(value, Unrun):
        return "name", value.name, 0, "" if value.allowed else "refused"
    if isinstance(value, dict | list | tuple | set):
        n = len(value)
        return type(value).__name__, f"{n:,} {'part' if n == 1 else 'parts'}", 0, ""
    return type(value).__name__, brief(value), 0, ""


def health(look):
    """Whether the file still has the numbers of a tensor: "", "cut" or "lost"."""
    record = look.storage.record
    if look.numel == 0:
        return ""
    if record is None or record.there < (look.offset + 1) * look.itemsize:
        return "lost"
    return "" if (look.last() + 1) * look.itemsize <= record.there else "cut"


def brief(value):
    """A value in a few letters."""
    if isinstance(value, str | bytes | bytearray):      # cut before it is written out
        value = value[:LETTERS + 1]
    if isinstance(value, int) and value.bit_length() > 4 * LETTERS:
        return f"an integer of {value.bit_length():,} bits"
    said = " ".join(repr(value).split())
    return said if len(said) <= LETTERS else said[:LETTERS - 1] + "…"


def amount(n):
    """A number of bytes in words."""
    if n < 10_000:
        return f"{n:,} {'byte' if n == 1 else 'bytes'}"
    for unit in ("kB", "MB", "GB", "TB"):
        n /= 1000
        if n < 999.5 or unit == "TB":
            return f"{n:.3g} {unit}"


def row(node, folded):
    """A visible line as the view draws it."""
    kept = ("id", "name", "kind", "text", "state", "depth")
    arrow = "" if not node["parts"] else "folded" if node["id"] in folded else "open"
    size = amount(node["bytes"]) if node["bytes"] or isinstance(node["value"], Look) else ""
    if node["kind"] in ("record", "file"):
        size = ""               # the text says it
    return {**{k: node[k] for k in kept}, "size": size, "arrow": arrow}


def sentence(node):
    state = {"refused": "torch.load refuses this name", "cut": "not all of it is there",
             "lost": "its numbers are not in the file", "again": "", "": "",
             "damaged": "it makes no sense", "breaks off": "the rest is missing"}[node["state"]]
    return f"{node['expression']}: {node['kind']}, {node['text']}{'; ' if state else ''}{state}."


# ---- the whole file -----------------------------------------------------------------------------

def summary(name, contents, nodes):
    """The file in one line."""
    looks = tensors(nodes)
    kept = {look.storage.key for _, look in looks}
    said = {"archive": "a zip archive", "legacy": "a file of before PyTorch 1.6",
            "pickle": "a bare pickle", "unknown": "no file of torch.save"}[contents.kind]
    held = ""
    if looks:
        held = (f", {len(looks):,} {'tensor' if len(looks) == 1 else 'tensors'} in "
                f"{len(kept):,} {'storage' if len(kept) == 1 else 'storages'}")
    return f"{name}: {said}, {amount(contents.size)}{held}"


def tensors(nodes):
    """(expression, tensor) of every tensor, once."""
    once = {id(n["value"]): (n["expression"], n["value"]) for n in reversed(nodes.values())
            if isinstance(n["value"], Look) and not n["value"].problem}
    return list(reversed(once.values()))


def verdict(contents):
    """(What torch.load will do with the file, whether that is to load it)."""
    if contents.refused:
        names = ", ".join(contents.refused[:4]) + (", …" if len(contents.refused) > 4 else "")
        return f"torch.load refuses it: it names {names}.", False
    if contents.broken:
        return f"torch.load cannot read it. {contents.broken}", False
    cut = [r.name for r in contents.records if not r.whole]
    if cut:
        return f"torch.load cannot read it: {cut[0]} is cut.", False
    return "torch.load reads it: it names nothing that could do harm.", True


def bands(contents):
    """The file from its first byte to its last, a list of dicts: "id", "name", "kind" ….

    begins, size and there are parts of the larger of the file and what it should have been.
    """
    ends = [r.begins + (r.size or r.there) for r in contents.records]
    whole = max([contents.size, *ends, 1])
    made = []
    for i, r in enumerate(contents.records):
        kind = "pickle" if r.name in ("data.pkl", "value") else (
            "numbers" if r.name.startswith("data/") else "other")
        made.append({"id": f"{FILE}/{i}", "name": r.name, "kind": kind, "whole": r.whole,
                     "begins": r.begins / whole, "size": (r.size or r.there) / whole,
                     "there": r.there / whole})
    return made


# ---- one line, with everything ------------------------------------------------------------------

def detail(contents, node, nodes):
    """Everything about one line, as plain data: "title", "facts", and what its kind has to show."""
    value = node["value"]
    made = {"title": node["expression"], "kind": node["kind"], "state": node["state"],
            "facts": [], "note": "", "numbers": {}, "storage": {}, "steps": []}
    if isinstance(value, Look):
        made["facts"] = tensor_facts(value)
        made["numbers"] = numbers(contents, value)
        if not value.problem:
            made["storage"] = over(value.storage, value, nodes)
    elif node["kind"] == "record":
        made["facts"] = record_facts(contents, value)
        stored = contents.storages.get(value.name.removeprefix("data/"))
        if value.name in ("data.pkl", "value"):
            made["steps"] = steps(contents)
            made["note"] = "A pickle is a program. These are its instructions, one after the other."
        elif stored is not None:
            made["storage"] = over(stored, None, nodes)
    elif node["id"] == FILE:
        made["facts"] = [["bytes", f"{contents.size:,}"], ["records", f"{len(contents.records)}"],
                         ["names in the pickle", ", ".join(contents.names[:12]) or "none"],
                         ["refused", ", ".join(contents.refused[:12]) or "none"]]
        made["note"] = contents.broken
    elif node["state"] == "refused":
        made["facts"] = refused_facts(value)
        made["note"] = ("Python's own pickle would look this name up and call it, here, while the "
                        "file is being loaded. torch.load with weights_only=True refuses. This "
                        "viewer only notes it.")
    else:
        made["facts"] = [["kind", node["kind"]], ["value", node["text"]]]
    return made


def tensor_facts(look):
    if look.problem:
        return [["kind", look.kind], ["problem", look.problem]]
    dense = look.stride == contiguous(look.shape)
    return [["kind", look.kind], ["dtype", look.dtype], ["shape", str(look.shape)],
            ["stride", f"{look.stride}{'' if dense else ', not contiguous'}"],
            ["offset", f"{look.offset:,}"],
            ["numbers", f"{look.numel:,}, {amount(look.numel * look.itemsize)}"],
            ["storage", f"data/{look.storage.key}, saved from {look.storage.location}"],
            ["requires_grad", str(look.requires_grad)]]


def contiguous(shape):
    stride, step = [], 1
    for n in reversed(shape):
        stride.append(step)
        step *= max(n, 1)
    return tuple(reversed(stride))


def record_facts(contents, record):
    said = f"{record.size:,}" if record.size is not None else "unknown"
    facts = [["begins at byte", f"{record.begins:,}"], ["bytes", said]]
    if not record.whole:
        facts.append(["of them in the file", f"{record.there:,}"])
    with contents.open() as file:
        file.seek(record.begins)
        start = file.read(min(record.there, 16))
    facts.append(["first bytes", " ".join(f"{b:02x}" for b in start)])
    if record.whole and record.crc is not None:
        changed = contents.changed(record)
        facts.append(["checksum", "differs: changed after it was saved" if changed else "right"])
    return facts


def refused_facts(value):
    if isinstance(value, type):
        return [["names", value.name]]
    given = ", ".join(argument(a) for a in value.arguments[:8])
    return [["would call", f"{value.name}({given})"]]


def argument(value):
    """What stands between the brackets of a call that is not made."""
    if isinstance(value, dict | list | tuple | set):
        return f"a {type(value).__name__}"
    if isinstance(value, Unrun) or isinstance(value, type) and issubclass(value, Unrun):
        return value.name
    return "a tensor" if isinstance(value, Look | Stored) else brief(value)


def steps(contents):
    """The instructions of the pickle, as texts."""
    found = contents.instructions(STEPS)
    lines = [[str(position), name, "" if argument is None else brief(argument)]
             for position, name, argument in found]
    return lines + ([["…", "", ""]] if len(found) == STEPS else [])


def numbers(contents, look):
    """What the numbers of a tensor are like: "first", "facts", "bars", "low", "high"."""
    read = contents.numbers(look)
    if read is None or look.numel == 0:
        return {}
    if not read.size:
        return {"first": "", "bars": [], "facts": [["numbers", "none is in the file"]]}
    wide = np.abs(read) if read.dtype.kind == "c" else read.astype(np.float64)
    sound = wide[np.isfinite(wide)]
    facts = []
    if read.size < look.numel:
        why = "the first ones only" if read.size == MOST else "the others are lost"
        facts.append(["read", f"{read.size:,} of {look.numel:,}: {why}"])
    if sound.size:
        facts += [["least and greatest", f"{sound.min():.4g}, {sound.max():.4g}"],
                  ["mean", f"{sound.mean():.4g}"], ["standard deviation", f"{sound.std():.4g}"],
                  ["zeros", f"{int((sound == 0).sum()):,}"]]
    if sound.size < wide.size:
        facts.append(["NaN and infinite", f"{wide.size - sound.size:,}"])
    first = ", ".join(f"{v:.4g}" for v in wide[:8].tolist()) + (", …" if wide.size > 8 else "")
    made = {"first": first, "facts": facts, "bars": [], "low": "", "high": ""}
    if sound.size > 1 and sound.min() < sound.max():
        span = np.linspace(sound.min(), sound.max(), BARS + 1)
        if np.isfinite(span).all() and (np.diff(span) > 0).all():
            bars, edges = np.histogram(sound, span)
            made.update(bars=[int(b) for b in bars], low=f"{edges[0]:.3g}", high=f"{edges[-1]:.3g}")
    return made


def over(stored, chosen, nodes):
    """A storage and the tensors that look at it, as parts of its length.

    {"name", "text", "used", "looks": [{"expression", "begins", "ends", "on"}]}; used is the share
    of it that somebody looks at.
    """
    looks = [(e, v) for e, v in tensors(nodes) if v.storage is stored and v.numel]
    whole = max(stored.size, 1)
    spans = [(v.offset * v.itemsize / whole, (v.last() + 1) * v.itemsize / whole)
             for _, v in looks]
    used = union(spans)
    who = "1 tensor looks" if len(looks) == 1 else f"{len(looks):,} tensors look"
    return {"name": f"data/{stored.key}", "used": used,
            "text": f"{amount(stored.size)}; {who} at {percent(used)} of it",
            "looks": [{"expression": e, "begins": a, "ends": b, "on": v is chosen}
                      for (e, v), (a, b) in zip(looks[:LOOKS], spans, strict=False)]}


def union(spans):
    """The length that some intervals cover together."""
    total, reached = 0.0, 0.0
    for begins, ends in sorted(spans):
        begins = max(begins, reached)
        if ends > begins:
            total += ends - begins
            reached = ends
    return total


def percent(part):
    return "all" if part > 0.9999 else f"{100 * part:.2g} %" if part else "nothing"


# ---- the static picture -------------------------------------------------------------------------

STYLE = """
.lt-file{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}
.lt-file .ground{fill:#fff}.lt-file text{fill:#1a1a1a}.lt-file .small{font-size:11px;fill:#666}
.lt-file .kind{fill:#0072b2}.lt-file .end{text-anchor:end}.lt-file .head{font-weight:600}
.lt-file .bad{fill:#b84e00}.lt-file .good{fill:#00795a}.lt-file .numbers{fill:#0072b2}
.lt-file .pickle{fill:#a0457f}.lt-file .other{fill:#6b6b6b}.lt-file .line{fill:none;stroke:#999}
@media (prefers-color-scheme:dark){.lt-file .ground{fill:#14181c}.lt-file text{fill:#f0f0f0}
.lt-file .small{fill:#aaa}.lt-file .kind{fill:#56b4e9}.lt-file .bad{fill:#ff8c4a}
.lt-file .good{fill:#2fc79a}.lt-file .numbers{fill:#56b4e9}.lt-file .pickle{fill:#e39cc5}}
"""
HIGH, CHARACTER, WIDE = 20, 7.3, 700


def file_svg(heading, judged, good, records, rows):
    """The static picture: the file as a band, then its object and its records line by line."""
    y = 46
    parts = [f'<text class="head" x="12" y="22">{escape(heading)}</text>',
             f'<text class="{"good" if good else "bad"}" x="12" y="{y - 4}">{escape(judged)}'
             f'</text>',
             f'<rect class="line" x="12" y="{y + 6}" width="{WIDE - 24}" height="14"/>']
    for r in records:
        x, wide = 12 + r["begins"] * (WIDE - 24), max(1.0, r["there"] * (WIDE - 24))
        parts.append(f'<rect class="{r["kind"]}" x="{x:.1f}" y="{y + 6}" width="{wide:.1f}" '
                     f'height="14"/>')
    y += 24
    for r in rows[:ROWS]:
        y += HIGH
        x = 12 + 2 * CHARACTER * r["depth"]
        bad = r["state"] not in ("", "again")
        mark, css = (f" ({r['state']})", ' class="bad"') if bad else ("", "")
        name = r["name"] if len(r["name"]) <= 34 else r["name"][:33] + "…"
        text = r["text"] if len(r["text"]) <= 36 else r["text"][:35] + "…"
        parts.append(f'<text x="{x:.0f}" y="{y}">{escape(name)} '
                     f'<tspan class="kind">{escape(r["kind"])}</tspan></text>'
                     f'<text{css} x="390" y="{y}">{escape(text + mark)}</text>'
                     f'<text class="end" x="{WIDE - 12}" y="{y}">{escape(r["size"])}</text>')
    if len(rows) > ROWS:
        y += HIGH
        parts.append(f'<text class="small" x="12" y="{y}">… and {len(rows) - ROWS} more lines'
                     f'</text>')
    y += 14
    longest = max(len(heading), len(judged))
    wide = max(WIDE, 24 + int(CHARACTER * longest))
    words = "; ".join(" ".join(filter(None, (r["name"], r["kind"], r["text"], r["state"])))
                      for r in rows[:ROWS])
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lt-file" role="img" width="{wide}" '
        f'height="{y}" viewBox="0 0 {wide} {y}" aria-label="{escape(heading)}">',
        f"<title>{escape(heading)}</title><desc>{escape(judged + ' ' + words)}</desc>",
        f"<style>{STYLE}</style>", f'<rect class="ground" width="{wide}" height="{y}" rx="6"/>',
        *parts, "</svg>"])
