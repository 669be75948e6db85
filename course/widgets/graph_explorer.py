"""The graph explorer: the history of a computation, step by step forward and backward.

    explore(fn, *inputs)   runs the function and shows every op with its value
    explore(tensor)        shows what a finished computation has kept
"""

import traitlets as t

from course.widgets import explain, recording
from course.widgets.base import Widget, script, style
from learntorch import viz
from learntorch.core.tensor import Tensor
from learntorch.viz.layout import layout
from learntorch.viz.svg import curve, describe, hint

HEIGHT = 70             # of a node: label, shape, value, gradient
FORMATS = {"svg": "image/svg+xml", "dot": "text/vnd.graphviz", "mermaid": "text/plain"}


def explore(what, *inputs, names=None):
    """The graph of `what`: a tensor, or a function (or module) called with `inputs`.

    names: {"w": w, …} or simply `globals()`: tensors to be shown under their names.
    An exception inside the function is not raised again: the explorer shows how far it came, and
    keeps it as `.error`. Raises ValueError for a tensor without history.
    """
    if isinstance(what, Tensor):
        return GraphExplorer(recording.of_tensor(what, names))
    return GraphExplorer(recording.record(what, *inputs, names=names))


class GraphExplorer(Widget):
    """Shows a `Recording`. Click a node or go to it with the arrow keys; step, play and rewind.

    selected: id of a node ("n3"), or "". step: frame of the film, 0 at the beginning.
    collapsed: module paths drawn as one node. groups: those there are.
    """

    kind = "graph"
    shared = ("selected", "step", "collapsed")
    _esm = script("common.js", "graph_view.js", "graph_explorer.js")
    _css = style("graph_explorer.css")

    selected = t.Unicode().tag(sync=True)
    step = t.Int(0).tag(sync=True)
    collapsed = t.List(t.Unicode()).tag(sync=True)
    groups = t.List(t.Unicode()).tag(sync=True)
    picture = t.Dict().tag(sync=True)
    film = t.Dict().tag(sync=True)
    detail = t.Dict().tag(sync=True)

    def __init__(self, found, **traits):
        self.recording = found
        self.flow = explain.flow(found)
        self.whole = explain.film(found, self.flow)
        self.drawing = found.drawing
        super().__init__(groups=groups_in(found.drawing), **traits)
        self._draw()
        self.message = self._opening()
        self.observe(self._draw, ["collapsed"])
        self.observe(self._select, ["selected"])
        self.observe(self._say, ["step"])
        self.on_msg(self._answer)

    @property
    def error(self):
        """The exception that ended the computation, or None."""
        return self.recording.error

    @property
    def result(self):
        """What the function returned; the tensor, when one was given."""
        return self.recording.result

    @t.validate("step")
    def _clamp(self, proposal):
        return max(0, min(proposal["value"], len(self.whole["frames"])))

    @t.validate("selected")
    def _known(self, proposal):
        wanted = proposal["value"]
        ids = {n["id"] for n in self.drawing["nodes"]} | {n["id"] for n in self._drawn()["nodes"]}
        return wanted if wanted in ids else ""

    @t.validate("collapsed")
    def _existing(self, proposal):
        return [g for g in proposal["value"] if g in self.groups]

    def _drawn(self):
        return viz.collapse(self.drawing, self.collapsed)

    def _draw(self, _change=None):
        drawn = self._drawn()
        film = project(self.whole, self.drawing, drawn)
        self.picture = picture(drawn, film)
        self.film = film
        self.alt = "Graph of a computation: " + describe(drawn)
        if self.selected and self.selected not in self.picture["nodes"]:
            self.selected = ""

    def _select(self, _change=None):
        name = self.selected
        if name.startswith("g:"):
            self.detail = group_details(self._drawn(), name)
            return
        self.detail = explain.details(self.recording, self.flow, name) if name else {}

    def _say(self, _change=None):
        frames = self.film["frames"]
        self.message = frames[self.step - 1]["text"] if self.step else self._opening()

    def _opening(self):
        failed = next((n for n in self.drawing["nodes"] if n["kind"] == "broken"), None)
        if failed is not None:
            return f"Stopped at {failed['label']}: {failed['error']}"
        if self.error is not None:
            return f"Stopped after the last op shown: {type(self.error).__name__}: {self.error}"
        return self.flow.reason[:1].upper() + self.flow.reason[1:]

    def _answer(self, _widget, content, _buffers):
        """A request of the view: the picture as text in some format."""
        wanted = content.get("format")
        if content.get("type") == "export" and wanted in (*FORMATS, "png"):
            text = self.export("svg" if wanted == "png" else wanted)
            self.send({"type": "export", "format": wanted, "text": text})

    def export(self, form="svg"):
        """The picture as text: "svg", "dot" or "mermaid". ValueError for another format."""
        drawn = self._drawn()
        if form == "svg":
            return viz.svg(drawn, chosen={self.selected} - {""})
        if form == "dot":
            return viz.dot(drawn)
        if form == "mermaid":
            return viz.mermaid(drawn)
        raise ValueError(f"there is no format {form!r}: svg, dot or mermaid")

    def static(self):
        return viz.svg(self._drawn())

    def __repr__(self):
        ops = sum(n["kind"] == "op" for n in self.drawing["nodes"])
        failed = next((n["label"] for n in self.drawing["nodes"] if n["kind"] == "broken"), None)
        end = f", stopped at {failed}" if failed else ", stopped" if self.error else ""
        return f"GraphExplorer({ops} op{'' if ops == 1 else 's'}{end})"


def groups_in(drawing):
    """All module paths of a drawing, outer before inner, in the order they were entered."""
    found = {}
    for node in drawing["nodes"]:
        parts = node["group"].split(".") if node["group"] else []
        for i in range(len(parts)):
            found.setdefault(".".join(parts[:i + 1]))
    return sorted(found, key=lambda g: g.count("."))


def project(film, whole, drawn):
    """The film of the whole drawing as seen on a collapsed one: same frames, other places."""
    if whole is drawn:
        return film
    home = {m: n["id"] for n in drawn["nodes"] for m in n.get("members", ())}
    place = {(e["source"], e["target"]): i for i, e in reversed(list(enumerate(drawn["edges"])))}

    def at(i):
        edge = whole["edges"][i]
        return place.get((home.get(edge["source"], edge["source"]),
                          home.get(edge["target"], edge["target"])))

    frames = []
    for f in film["frames"]:
        moving = [[at(i), text] for i, text in f["moving"] if at(i) is not None]
        edges = [at(i) for i in f["edges"] if at(i) is not None]
        frames.append(dict(f, node=home.get(f["node"], f["node"]), edges=edges, moving=moving))
    tables = {}
    for key in ("values", "grads"):
        tables[key] = {}
        for name, texts in film[key].items():      # of a group the last op counts
            tables[key][home.get(name, name)] = texts
    return {"frames": frames, **tables}


def picture(drawn, film):
    """What the view draws: places, curves, tooltips, and where the arrow keys lead."""
    letters = {}
    for table in (film["values"], film["grads"]):
        for name, texts in table.items():
            longest = max(len(text) for _, text in texts) + 2
            letters[name] = max(letters.get(name, 0), longest)
    places = layout(drawn, HEIGHT, letters)
    near = neighbours(drawn, places)
    nodes = {}
    for node in drawn["nodes"]:
        nodes[node["id"]] = {**places["nodes"][node["id"]], "kind": node["kind"],
                             "hint": hint(node), "near": near[node["id"]],
                             "label": node["label"], "group": node["group"]}
    edges = [{"d": curve(points), "end": points[-1], "down": points[-2][1] <= points[-1][1],
              "source": e["source"], "target": e["target"]}
             for e, points in zip(drawn["edges"], places["edges"], strict=True)]
    return {"nodes": nodes, "order": [n["id"] for n in drawn["nodes"]], "edges": edges,
            "width": places["width"], "height": places["height"]}


def neighbours(drawn, places):
    """For each node, where ↑ ↓ ← → lead: its first input, first user, and its row."""
    near = {n["id"]: {} for n in drawn["nodes"]}
    rows = {}
    for name, at in places["nodes"].items():
        rows.setdefault(at["y"], []).append((at["x"], name))
    for row in rows.values():
        names = [name for _, name in sorted(row)]
        for left, right in zip(names, names[1:], strict=False):
            near[left]["right"] = right
            near[right]["left"] = left
    for edge in drawn["edges"]:
        near[edge["target"]].setdefault("up", edge["source"])
        near[edge["source"]].setdefault("down", edge["target"])
    return near


def group_details(drawn, name):
    """The panel of a collapsed module: what is inside."""
    node = next((n for n in drawn["nodes"] if n["id"] == name), None)
    if node is None:
        return {}
    return {"id": name, "title": node["label"], "called": "", "kind": "group",
            "facts": [["kind", "module"], ["ops inside", str(len(node["members"]))],
                      ["result", viz.size(node["shape"])]],
            "saved": [], "gradients": [], "note": "", "sources": [], "check": {}}
