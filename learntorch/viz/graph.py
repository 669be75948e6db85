"""The recorded history of a tensor as a plain dictionary of nodes and edges.

    {"nodes": [{"id", "kind", "label", "op", "name", "shape", "dtype", "saved", "freed", "value",
                "seq", "tensor", "group"}, …],
     "edges": [{"source", "target", "shape", "slot", "param", "output"}, …]}

kind    op (one application), leaf (where a gradient lands), constant (an input that needs no
        gradient and that an op keeps for its rules), output (the tensor that was asked about)
seq     place in the order of execution, 1, 2, 3 …; 0 for what is not an op
saved   what the op keeps for backward: [{"name", "shape", "dtype", "preview"}], exactly the names
        in its gradient rules; `freed` says that a backward pass has let go of it
slot    which input of the target an edge feeds, `param` its name in the op's body, and `output`
        which result of the source it carries

Identifiers come from the order of execution, never from addresses, so that the same program gives
the same dictionary in every process.
"""

from learntorch.core.graph import Leaf, Node, Pick
from learntorch.viz.text import host, preview


def graph(root, names=None, values=True):
    """The history of a tensor (or node, or a list of them) as nodes and edges.

    names:  {"w": w, …}: tensors to be shown under a name.
    values: whether numbers are included; shapes always are.
    Raises ValueError for a tensor without history.
    """
    roots = list(root) if isinstance(root, (list, tuple)) else [root]
    return Reader(names or {}, values).read(roots)


class Reader:
    """Walks from the roots to the leaves, then names and describes what it met."""

    def __init__(self, names, values):
        self.names = dict(names)
        self.values = values
        self.ids = {}               # node → id
        self.nodes = []
        self.edges = []
        self.constants = {}         # constant, by the id() of its array → its id in the drawing
        self.known = {}             # node → its value, where somebody saved it
        self.inputs = {}            # id of a constant → its value

    def read(self, roots):
        starts = [start_of(r) for r in roots]
        met = reachable([s for s in starts if s is not None])
        ops = sorted((n for n in met if not isinstance(n, Leaf)), key=lambda n: n.seq)
        leaves = in_order_of_use(ops, starts)
        for place, leaf in enumerate(leaves):
            self.ids[leaf] = f"t{place + 1}"
        for place, node in enumerate(ops):
            self.ids[node] = f"n{place + 1}"
            if self.values:
                self.learn(node)
        called = self.called()
        for leaf in leaves:
            self.nodes.append(self.describe_leaf(leaf, called))
        for place, node in enumerate(ops):
            self.nodes.append(self.describe(node, place + 1, called))
            self.link(node)
        for place, (r, start) in enumerate(zip(roots, starts, strict=True)):
            if start is not None and not isinstance(r, Node):
                self.finish(r, start, place, len(roots))
        return {"nodes": self.nodes, "edges": self.edges}

    def called(self):
        """node → the name the caller gave to a tensor it made."""
        table = {}
        for name, t in self.names.items():
            node = through(getattr(t, "grad_fn", None) or getattr(t, "_edge", None))
            if node is not None:
                table[node] = str(name)
        return table

    def learn(self, node):
        """Note the values that `node` keeps: of its own result and of its inputs."""
        op = getattr(node.plan, "op", None)
        if op is None or node.saved is None:
            return
        for name, value in zip(node.plan.names, node.saved, strict=True):
            if name == "out":
                self.known[node] = value
            elif name in op.tensors and op.kind != "listed":
                source = node.edges[op.tensors.index(name)]
                if source is not None and type(source) is not Pick:
                    self.known.setdefault(source, value)

    def describe_leaf(self, leaf, called):
        t = leaf.tensor()
        name = called.get(leaf, "")
        value = preview(t) if self.values and t is not None else ""
        return {"id": self.ids[leaf], "kind": "leaf",
                "label": name or (type(t).__name__ if t is not None else "leaf"), "op": "",
                "name": "AccumulateGrad", "shape": list(leaf.shape), "dtype": str(leaf.dtype),
                "saved": [], "freed": False, "value": value, "seq": 0, "tensor": name,
                "group": ""}

    def describe(self, node, place, called):
        op = getattr(node.plan, "op", None)
        freed = node.saved is None
        shape = node.shape
        several = bool(shape) and isinstance(shape[0], tuple)
        value = self.known.get(node)
        return {"id": self.ids[node], "kind": "op", "label": op.name if op else node.name(),
                "op": op.name if op else "", "name": node.name(),
                "shape": [list(s) for s in shape] if several else list(shape),
                "dtype": str(node.dtype[0] if several else node.dtype),
                "saved": [] if freed else self.saved(node), "freed": freed,
                "value": "" if value is None else preview(value), "seq": place,
                "tensor": called.get(node, ""), "group": ""}

    def saved(self, node):
        names = getattr(node.plan, "names", ())
        return [self.describe_saved(n, v) for n, v in zip(names, node.saved, strict=False)]

    def describe_saved(self, name, value):
        array = host(value)
        return {"name": name, "shape": None if array is None else list(array.shape),
                "dtype": "" if array is None else str(array.dtype),
                "preview": preview(value) if self.values else ""}

    def link(self, node):
        op = getattr(node.plan, "op", None)
        kept = {} if op is None or node.saved is None else dict(
            zip(node.plan.names, node.saved, strict=True))
        single = op is not None and op.kind != "listed"
        for slot, edge in enumerate(node.edges):
            param = op.tensors[slot] if single and slot < len(op.tensors) else ""
            if edge is None:
                if param in kept:
                    self.constant(kept[param], node, slot, param)
                continue
            source = through(edge)
            self.edges.append({"source": self.ids[source], "target": self.ids[node],
                               "shape": list(edge.shape), "slot": slot, "param": param,
                               "output": edge.index if type(edge) is Pick else 0})

    def constant(self, value, node, slot, param):
        """An input without gradient, known because a rule keeps it."""
        array = host(value)
        shape = [] if array is None else list(array.shape)
        key = ("number", len(self.constants)) if array is None else id(array)
        if key not in self.constants:
            name = f"c{len(self.constants) + 1}"
            self.constants[key] = name
            self.inputs[name] = value
            self.nodes.append(self.describe_constant(name, value, array, shape))
        self.edges.append({"source": self.constants[key], "target": self.ids[node],
                           "shape": shape, "slot": slot, "param": param, "output": 0})

    def describe_constant(self, name, value, array, shape):
        called = text = ""
        if array is None:
            label = text = repr(value) if isinstance(value, (int, float, complex)) else "data"
        else:
            called = next((str(n) for n, t in self.names.items() if host(t) is array), "")
            text = preview(array) if self.values else ""
            label = called or (text if array.size == 1 and text else "data")
        return {"id": name, "kind": "constant", "label": label, "op": "", "name": "",
                "shape": shape, "dtype": "" if array is None else str(array.dtype), "saved": [],
                "freed": False, "value": text, "seq": 0, "tensor": called, "group": ""}

    def finish(self, t, start, place, count):
        """The asked-for tensor itself, below the op that made it."""
        name = next((str(n) for n, v in self.names.items() if v is t), "")
        label = name or ("output" if count == 1 else f"output {place + 1}")
        shape = list(start.shape)
        self.nodes.append({"id": f"out{place + 1}", "kind": "output", "label": label, "op": "",
                           "name": "", "shape": shape, "dtype": str(start.dtype), "saved": [],
                           "freed": False, "value": preview(t) if self.values else "", "seq": 0,
                           "tensor": name, "group": ""})
        self.edges.append({"source": self.ids[through(start)], "target": f"out{place + 1}",
                           "shape": shape, "slot": 0, "param": "",
                           "output": start.index if type(start) is Pick else 0})


def start_of(root):
    """The node a walk starts at. Raises ValueError for a tensor without history."""
    if isinstance(root, Node):
        return root
    node = getattr(root, "grad_fn", None)
    if node is None and getattr(root, "requires_grad", False):
        node = root._edge
    if node is None:
        raise ValueError("this tensor has no history to draw: it does not require grad, so no op "
                         "was recorded. Make an input with requires_grad=True")
    return node


def through(edge):
    """The node behind an edge: an output of several stands for the op that made it."""
    return edge.edges[0] if type(edge) is Pick else edge


def reachable(starts):
    """Every node from which a start was made, each once; picks are replaced by their op."""
    met = dict.fromkeys(through(s) for s in starts)
    waiting = list(met)
    while waiting:
        for edge in waiting.pop().edges:
            node = through(edge)
            if node is not None and node not in met:
                met[node] = None
                waiting.append(node)
    return met


def in_order_of_use(ops, starts):
    """The leaves, by the first op that used them."""
    found = {}
    for node in [*ops, *starts]:
        for edge in (node, *node.edges):
            if isinstance(edge, Leaf):
                found.setdefault(edge)
    return list(found)


def collapse(drawing, groups=()):
    """The same drawing with every op whose `group` lies in one of `groups` merged into one node.

    A group is a dotted module path: `collapse(g, ["block"])` also swallows `block.conv`.
    """
    chosen = sorted(set(groups), key=lambda g: (g.count("."), g))
    home = {}
    for node in drawing["nodes"]:
        inside = next((g for g in chosen if within(node["group"], g)), None)
        if inside is not None and node["kind"] in ("op", "group"):
            home[node["id"]] = inside
    if not home:
        return drawing
    nodes = []
    made = {}
    for node in drawing["nodes"]:
        name = home.get(node["id"])
        if name is None:
            nodes.append(node)
        elif name not in made:
            made[name] = dict(node, id=f"g:{name}", kind="group", label=name, op="", saved=[],
                              name=f"module {name}", members=[node["id"]], group=name)
            nodes.append(made[name])
        else:
            group = made[name]
            group.update(shape=node["shape"], value=node["value"], dtype=node["dtype"])
            group["members"].append(node["id"])
    rename = {member: f"g:{name}" for member, name in home.items()}
    edges = {}
    for edge in drawing["edges"]:
        source = rename.get(edge["source"], edge["source"])
        target = rename.get(edge["target"], edge["target"])
        if source != target:
            edges.setdefault((source, target, edge["slot"] if target not in made else 0),
                             dict(edge, source=source, target=target))
    return {**drawing, "nodes": nodes, "edges": list(edges.values())}


def within(path, group):
    """Whether a dotted path is `group` or lies inside it."""
    return path == group or path.startswith(group + ".")
