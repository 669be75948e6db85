"""What the graph explorer says about a recording: gradients, frames of the film, one node's facts.

Pure functions from a `Recording` to plain data.
"""

import inspect

import numpy as np

from learntorch import viz
from learntorch.core import engine
from learntorch.core.graph import Hooks, vertex
from learntorch.core.op import registry
from learntorch.core.tensor import wrap
from learntorch.viz.graph import through
from learntorch.viz.text import host, summary

FREED = ("the saved values are gone, backward() frees them, so no gradient can be computed here. "
         "Run the computation again, or call backward(retain_graph=True)")


class Flow:
    """One backward pass, caught: what arrives at each node, and what it passes to each input."""

    def __init__(self):
        self.arrives = {}           # id → array: d output / d result of the node
        self.passes = {}            # (id, slot) → array: the node's share for that input
        self.order = []             # ids of ops in the order backward runs them
        self.seed = None
        self.reason = ""            # why there is none, or what to know about it


def short(value):
    """A value for the inside of a node."""
    return viz.preview(value, most=3, digits=3)


def flow(found):
    """Run the backward pass of a recording once, without leaving a trace in any `.grad`."""
    caught = Flow()
    root = None if found.root is None else vertex(found.root)
    if root is None:
        caught.reason = "no gradient: no input requires grad, so nothing was recorded for backward"
        return caught
    kinds = {n["id"]: n["kind"] for n in found.drawing["nodes"]}
    ops, targets = {}, {}
    for name, vertices in found.vertices.items():
        for v in vertices:
            if kinds.get(name) == "leaf":
                targets[v] = name
            else:
                ops[through(v)] = name
    caught.seed = np.ones_like(host(found.root))
    if caught.seed.size > 1:
        caught.reason = (f"the output has {caught.seed.size} elements: shown are the gradients of "
                         "their sum")
    kept = {node: node.hooks for node in [*ops, *targets]}
    try:
        for node, name in ops.items():
            node.hooks = Hooks()        # only ours: the reader's own hooks are not called
            node.hooks.after[0] = catcher(caught, found, node, name)
        for leaf in targets:
            leaf.hooks = None
        arrived = engine.run([root], [wrap(caught.seed)], True, False, list(targets))
    except RuntimeError as error:
        freed = any(n.get("freed") for n in found.drawing["nodes"])
        caught.reason = FREED if freed else f"backward stopped: {error}"
        return caught
    finally:
        for node, hooks in kept.items():
            node.hooks = hooks
    for leaf, g in zip(targets, arrived, strict=True):
        if g is not None:
            caught.arrives[targets[leaf]] = host(g)
    return caught


def catcher(caught, found, node, name):
    """The hook that notes what passes through one node."""
    def hook(to_inputs, at_output):
        arrays = [np.array(host(g)) for g in at_output]
        caught.arrives[name] = arrays[0] if len(arrays) == 1 else arrays
        caught.order.append(name)
        for slot, place in slots(found, name, node):
            if place < len(to_inputs) and to_inputs[place] is not None:
                caught.passes[name, slot] = np.array(host(to_inputs[place]))
    return hook


def slots(found, name, node):
    """Pairs (input of the drawn node, input of the recorded node)."""
    call = found.calls.get(name)
    if call is None:
        return [(i, i) for i in range(len(node.edges))]
    op = getattr(node.plan, "op", None)
    if op is None or call.op is not op:
        return []
    if op.kind == "listed":
        return [(i, i) for i in range(len(call.inputs))]
    return [(i, op.tensors.index(param)) for i, (param, *_) in enumerate(call.inputs)
            if param in op.tensors]


def film(found, caught):
    """The frames of the film, and when each node's value and gradient appear.

    Returns {"frames": [{"node", "edges", "way", "text", "moving"}, …],
             "values": {id: [[frame, text], …]}, "grads": {id: [[frame, text], …]}};
    frame 0 is the beginning, before frames[0]; the last text at or before a frame holds.
    """
    drawing = found.drawing
    labels = {n["id"]: n["label"] for n in drawing["nodes"]}
    into, out_of = {}, {}
    for i, e in enumerate(drawing["edges"]):
        into.setdefault(e["target"], []).append(i)
        out_of.setdefault(e["source"], []).append(i)
    outputs = {n["id"]: n for n in drawing["nodes"] if n["kind"] == "output"}
    frames = []
    values, grads = {}, {}
    for n in drawing["nodes"]:
        if n["kind"] in ("leaf", "constant"):
            values[n["id"]] = [[0, shown_value(found, n)]]
    for n in drawing["nodes"]:
        if n["kind"] not in ("op", "broken"):
            continue
        edges = into.get(n["id"], [])
        texts = {i: last(values, drawing["edges"][i]["source"]) for i in edges}
        value = shown_value(found, n)
        ends = [drawing["edges"][i]["target"] for i in out_of.get(n["id"], [])]
        values[n["id"]] = [[len(frames) + 1, value]]
        for name in ends:
            if name in outputs:
                values[name] = [[len(frames) + 1, shown_value(found, outputs[name])]]
        frames.append({"node": n["id"], "edges": edges, "way": "forward",
                       "moving": [[i, texts[i]] for i in edges if texts[i]],
                       "text": said_forward(n, [texts[i] for i in edges], value)})
    if caught.arrives:
        backward_frames(found, caught, frames, grads, labels, into)
    return {"frames": frames, "values": values, "grads": grads}


def said_forward(n, inputs, value):
    if n["kind"] == "broken":
        return f"{n['label']} failed: {n.get('error', '')}"
    given = ", ".join(t or "?" for t in inputs)
    return f"{n['label']}({given}) = {value or '? (not kept)'}"


def last(table, name):
    return table[name][-1][1] if table.get(name) else ""


def shown_value(found, n):
    value = found.values.get(n["id"])
    if n["kind"] == "constant" and not n["dtype"]:
        return n["value"]
    return "" if value is None else short(value)


def backward_frames(found, caught, frames, grads, labels, into):
    """Append the way back: the seed, then every op from last to first, adding up as it goes."""
    drawing = found.drawing
    total = {}
    outputs = [n for n in drawing["nodes"] if n["kind"] == "output"]
    root = through(vertex(found.root))
    seeded = next((n for n in outputs if root in
                   [through(v) for v in found.vertices.get(maker(drawing, n), [])]), None)
    start = len(frames) + 1
    if seeded is not None:
        name = seeded["id"]
        grads[name] = [[start, short(caught.seed)]]
        edges = into.get(name, [])
        source = drawing["edges"][edges[0]]["source"]
        total[source] = caught.seed
        grads[source] = [[start, short(caught.seed)]]
        frames.append({"node": name, "edges": edges, "way": "backward",
                       "moving": [[i, short(caught.seed)] for i in edges],
                       "text": f"backward begins: the gradient of {seeded['label']} by itself is "
                               f"{short(caught.seed)}"})
    for name in caught.order:
        here = len(frames) + 1
        moving, said = [], []
        for i in into.get(name, []):
            edge = drawing["edges"][i]
            share = caught.passes.get((name, edge["slot"]))
            if share is None:
                continue
            moving.append([i, short(share)])
            said.append(f"{labels[edge['source']]}: {short(share)}")
            source = edge["source"]
            total[source] = share if source not in total else add(total[source], share)
            grads.setdefault(source, []).append([here, short(total[source])])
        frames.append({"node": name, "edges": [i for i, _ in moving], "way": "backward",
                       "moving": moving, "text": f"{labels[name]} receives "
                       f"{short_of(caught.arrives[name])} and passes on {', '.join(said) or '–'}"})


def maker(drawing, node):
    """The id of the op that made an output."""
    return next((e["source"] for e in drawing["edges"] if e["target"] == node["id"]), "")


def add(a, b):
    return a + b if a.shape == b.shape else b


def short_of(value):
    return ", ".join(map(short, value)) if isinstance(value, list) else short(value)


def details(found, caught, name):
    """Everything about one node, as tables of text: what the panel shows when it is selected."""
    node = next((n for n in found.drawing["nodes"] if n["id"] == name), None)
    if node is None:
        return {}
    call = found.calls.get(name)
    op = op_of(found, name)
    value = found.values.get(name)
    facts = [["kind", {"leaf": "leaf: a gradient lands here", "constant": "input without gradient",
                       "group": "module", "broken": "op that failed"}.get(node["kind"],
                                                                        node["kind"])]]
    if node["name"]:
        facts.append(["recorded as", node["name"]])
    if node["group"]:
        facts.append(["in module", node["group"]])
    if node["shape"] is not None:
        facts.append(["shape", viz.size(node["shape"])])
    if node["dtype"]:
        facts.append(["dtype", node["dtype"]])
    if call is not None:
        facts += [["argument", text] for text in plain_arguments(call)]
    facts += input_rows(found, name)
    if node["kind"] != "broken":
        facts.append(value_row(found, node))
    if value is not None and np.size(value) > 6:
        facts.append(["", summary(value)])
    if node.get("error"):
        facts.append(["error", node["error"]])
    return {"id": name, "title": node["label"], "called": node["tensor"], "kind": node["kind"],
            "facts": facts, "saved": saved_rows(node),
            "gradients": gradient_rows(found, caught, name), "note": caught.reason,
            "sources": sources(op), "check": check(found, caught, name)}


def value_row(found, node):
    """The value of a node, and how it is known where no one kept it."""
    value = found.values.get(node["id"])
    if node["id"] in found.again:
        return ["value", f"{viz.preview(value)} (not kept: computed once more)"]
    known = node["value"] or ("" if value is None else viz.preview(value))
    return ["value", known or "not kept: no gradient rule needs it"]


def input_rows(found, name):
    """Where the inputs of an op come from, and their shapes."""
    labels = {n["id"]: n["label"] for n in found.drawing["nodes"]}
    return [[f"input {e['param']}".strip(), f"{labels[e['source']]} {viz.size(e['shape'])}"]
            for e in found.drawing["edges"] if e["target"] == name and e["param"]]


def plain_arguments(call):
    """The arguments of a call that are not tensors, as `dim = 1`."""
    names = call.op.names if call.op is not None else ()
    rows = []
    for place, value in enumerate(call.args):
        if isinstance(value, (int, float, bool, str, tuple)) and not hasattr(value, "_data"):
            rows.append(f"{names[place] if place < len(names) else place} = {viz.preview(value)}")
    rows += [f"{k} = {viz.preview(v)}" for k, v in call.named.items() if not hasattr(v, "_data")]
    return rows


def saved_rows(node):
    if node["kind"] in ("leaf", "constant", "output", "group", "broken"):
        return []
    if node["freed"]:
        return [["freed", "", "backward() has let go of it"]]
    return [[s["name"], "" if s["shape"] is None else viz.size(s["shape"]), s["preview"]]
            for s in node["saved"]] or [["nothing", "", "its rules need no value"]]


def gradient_rows(found, caught, name):
    """First what arrives, then the share that each input gets."""
    if name.startswith("out") and caught.seed is not None:
        return [["arrives", short(caught.seed)]]
    if name not in caught.arrives:
        return []
    arrives = caught.arrives[name]
    rows = [["arrives", ", ".join(viz.preview(a) for a in arrives) if isinstance(arrives, list)
             else viz.preview(arrives)]]
    for edge in found.drawing["edges"]:
        share = caught.passes.get((name, edge["slot"])) if edge["target"] == name else None
        if share is not None:
            label = next(n["label"] for n in found.drawing["nodes"] if n["id"] == edge["source"])
            known = f"{edge['param']} ({label})" if edge["param"] else label
            rows.append([f"to {known}", viz.preview(share)])
    return rows


def op_of(found, name):
    """The op record behind a node of the drawing, or None."""
    call = found.calls.get(name)
    if call is not None:
        return call.op
    for v in found.vertices.get(name, []):
        return getattr(through(v).plan, "op", None)
    return None


def sources(op):
    """The body and the gradient rules of an op as [{"title", "source", "where"}]."""
    if op is None:
        return []
    try:
        from course.reveal import source_of
        found = source_of(registry[op.name])
        return [{"title": p["title"], "source": p["source"], "where": f"{p['file']}:{p['line']}"}
                for p in found["parts"]]
    except (ImportError, LookupError, TypeError, OSError):
        pass
    try:
        return [{"title": "body", "source": inspect.getsource(op.forward), "where": ""}]
    except (TypeError, OSError):
        return []


def check(found, caught, name):
    """Finite differences against the rules of one op: see `course.widgets.differences`."""
    from course.widgets.differences import compare
    op = op_of(found, name)
    if op is None or not op.vjps and not op.joint:
        return {}
    arrives = caught.arrives.get(name)
    if isinstance(arrives, list):
        arrives = None
    return compare(op, found.calls.get(name), node_of(found, name), arrives)


def node_of(found, name):
    for v in found.vertices.get(name, []):
        return through(v)
    return None
