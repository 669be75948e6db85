"""A computation caught in the act: every op call with its inputs and its result.

`record(fn, *inputs)` runs a function while an interceptor sees each op; `of_tensor(t)` reads what
a finished computation left behind. Both give a `Recording`: the drawing (see `learntorch.viz`),
the calls behind its nodes, and the values. Plain Python and NumPy; no Jupyter here.
"""

import inspect

import numpy as np

from learntorch import viz
from learntorch.core.ambient import ambient, intercepted_by, no_grad
from learntorch.core.graph import Leaf, Pick, vertex
from learntorch.core.op import registry
from learntorch.core.tensor import Tensor, wrap
from learntorch.nn.modules import module
from learntorch.viz.graph import Reader, through
from learntorch.viz.text import host

MOST = 1 << 16          # elements of a value that are kept for looking at; larger: its text only


class Call:
    """One op call: the function, its arguments as they were, and what came of it."""

    def __init__(self, function, args, named, group):
        self.function = function
        self.op = getattr(function, "op", None)
        self.name = function.__name__
        self.group = group
        self.inputs = []            # (parameter, where it came from, the value, a copy of it)
        self.args = args
        self.named = named
        self.results = ()           # tensors
        self.vertices = ()          # their vertices right after the call
        self.values = ()            # their arrays, copied: later in-place writes do not show
        self.error = None


class Recording:
    """What the graph explorer shows."""

    def __init__(self):
        self.drawing = {"nodes": [], "edges": []}
        self.calls = {}             # id → Call, where the call is known
        self.values = {}            # id → array
        self.vertices = {}          # id → list of vertices (several for several outputs)
        self.root = None            # the tensor whose gradient is asked for
        self.result = None          # what the function returned
        self.error = None           # the exception that ended it
        self.again = set()          # ids whose value nobody kept, computed once more


def of_tensor(t, names=None):
    """The recording of a finished computation: values are known where a rule keeps them."""
    found = Recording()
    reader = Reader(tensors_in(names), values=True)
    found.drawing = reader.read([t])
    found.root = found.result = t
    for node, name in reader.ids.items():
        found.vertices[name] = [node]
        value = node.tensor() if isinstance(node, Leaf) else reader.known.get(node)
        if host(value) is not None:
            found.values[name] = host(value)
    for name, value in reader.inputs.items():
        if host(value) is not None:
            found.values[name] = host(value)
    found.values["out1"] = host(t)
    start = vertex(t)
    if type(start) is not Pick:
        found.values[reader.ids[start]] = host(t)
    compute_again(found, reader)
    for node in reader.ids:
        for edge in node.edges:
            if type(edge) is Pick:
                picks = found.vertices[reader.ids[through(edge)]]
                picks[:] = [p for p in picks if type(p) is Pick and p is not edge] + [edge]
    return found


def compute_again(found, reader):
    """Values that no rule needed and nobody kept: where all inputs of an op with no other
    parameters are known, and no leaf was rewritten since, the op is run once more."""
    for node, name in sorted(reader.ids.items(), key=lambda item: item[0].seq):
        op = getattr(node.plan, "op", None)
        if name in found.values or op is None or op.kind not in ("unary", "binary", "nary"):
            continue
        if op.params != op.tensors:
            continue
        kept = dict(zip(node.plan.names, node.saved or (), strict=False))
        inputs = [known(found, reader, node, edge, kept.get(param))
                  for edge, param in zip(node.edges, op.tensors, strict=True)]
        if any(value is None for value in inputs):
            continue
        with intercepted_by(None), no_grad():
            result = host(registry[op.name](*inputs))
        if result.shape == node.shape:
            found.values[name] = result
            found.again.add(name)


def known(found, reader, node, edge, kept):
    """One input of a node as a tensor or number; None where it is not known, or has changed."""
    if edge is None:
        return kept
    if type(edge) is Pick:
        return None
    if isinstance(edge, Leaf):
        leaf = edge.tensor()
        if leaf is None or leaf._cell is not None and leaf._cell.time > node.seq:
            return None
    value = found.values.get(reader.ids[edge])
    return None if value is None else wrap(value)


def tensors_in(names):
    """Of a dictionary such as `globals()`, the tensors under names a person chose."""
    return {n: t for n, t in dict(names or {}).items()
            if isinstance(t, Tensor) and not str(n).startswith("_")}


def record(fn, *inputs, names=None):
    """Run `fn(*inputs)` and keep every op call. An exception ends it, and is kept too."""
    around = variables(fn)
    tape = Tape(names_for(fn, around, inputs, names))
    found = Recording()
    tape.outer = ambient.state.intercept
    try:
        with intercepted_by(tape), ModuleWatch(tape, {**around, type(fn).__name__: fn}):
            found.result = fn(*inputs)
    except Exception as error:
        found.error = error
    tape.finish(found)
    return found


def variables(fn):
    """The variables that a function reads from around it, by name."""
    if not inspect.isfunction(fn):
        return {}
    around = inspect.getclosurevars(fn)
    return {**around.globals, **around.nonlocals}


def names_for(fn, around, inputs, names):
    """Names of tensors: those given, of parameters of modules, of arguments, of variables."""
    table = tensors_in(around)
    for name, thing in around.items():
        if isinstance(thing, module.Module):
            table.update((f"{name}.{n}", p) for n, p in thing.named_parameters())
    if isinstance(fn, module.Module):
        table.update(fn.named_parameters())
    try:
        call = fn.forward if isinstance(fn, module.Module) else fn
        asked = [p.name for p in inspect.signature(call).parameters.values()
                 if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        asked = []
    table.update((n, t) for n, t in zip(asked, inputs, strict=False) if isinstance(t, Tensor))
    table.update(tensors_in(names))
    return table


class Tape:
    """The interceptor: called instead of each op, calls it, and notes what happened."""

    def __init__(self, names):
        self.names = {id(t): n for n, t in names.items()}
        self.calls = []
        self.made_by = {}           # id of a tensor → place of the call that made it last
        self.node_of = {}           # vertex → place of the call that made it
        self.alive = []             # tensors met, so that an id stays theirs
        self.path = []              # modules being called
        self.seen = {}              # module path → how often it was called
        self.outer = None

    def __call__(self, function, args, named):
        call = Call(function, args, named, ".".join(self.path))
        with intercepted_by(self.outer):
            for name, value in inputs_of(call):
                source = (self.source(value) if isinstance(value, Tensor) else
                          ("input", f"{len(self.calls)} {name}"))
                call.inputs.append((name, source, value, snapshot(value)))
            self.calls.append(call)
            try:
                result = function(*args, **named)
            except Exception as error:
                call.error = error
                raise
            call.results = tuple(t for t in flat(result) if isinstance(t, Tensor))
            call.vertices = tuple(vertex(t) for t in call.results)
            call.values = tuple(snapshot(t) for t in call.results)
        for t, v in zip(call.results, call.vertices, strict=True):
            self.alive.append(t)
            self.made_by[id(t)] = len(self.calls) - 1
            if v is not None:
                self.node_of[v] = len(self.calls) - 1
        return result

    def source(self, t):
        """Which call made a tensor: by its history where it has one, else by the object."""
        place = self.node_of.get(vertex(t)) if vertex(t) is not None else None
        if place is None:
            place = self.made_by.get(id(t))
        self.alive.append(t)
        return ("call", place) if place is not None else ("input", id(t))

    def finish(self, found):
        """Write down nodes and edges."""
        nodes = {}
        sources = []
        for call in self.calls:
            for _, source, t, value in call.inputs:
                if source[0] == "input" and source not in nodes:
                    leaf = isinstance(t, Tensor) and vertex(t) is not None
                    name_ = f"{'t' if leaf else 'c'}{len(nodes) + 1}"
                    nodes[source] = name_
                    sources.append(describe_input(name_, t, value, leaf, self.names.get(id(t), "")))
                    found.values[name_] = value
                    if leaf:
                        found.vertices[name_] = [vertex(t)]
        ids = {("call", i): f"n{i + 1}" for i in range(len(self.calls))} | nodes
        drawn = [*sources]
        edges = found.drawing["edges"]
        for place, call in enumerate(self.calls):
            drawn.append(describe_call(f"n{place + 1}", place + 1, call,
                                       [self.names.get(id(t), "") for t in call.results]))
            found.calls[f"n{place + 1}"] = call
            for slot, (name, source, t, _) in enumerate(call.inputs):
                edges.append({"source": ids[source], "target": f"n{place + 1}",
                              "shape": list(np.shape(host(t))) if isinstance(t, Tensor) else [],
                              "slot": slot, "param": name,
                              "output": self.output(source, t)})
            if call.values:
                found.values[f"n{place + 1}"] = call.values[0]
            found.vertices[f"n{place + 1}"] = [v for v in call.vertices if v is not None]
        found.drawing["nodes"] = drawn
        self.outputs(found, ids)

    def output(self, source, t):
        results = self.calls[source[1]].results if source[0] == "call" else ()
        return next((i for i, r in enumerate(results) if r is t), 0)

    def outputs(self, found, ids):
        """A node below the op that made each tensor the function returned."""
        returned = [t for t in flat(found.result) if isinstance(t, Tensor)]
        for place, t in enumerate(returned[:20]):
            source = self.source(t)
            if source not in ids:
                continue
            name = f"out{place + 1}"
            label = "output" if len(returned) == 1 else f"output {place + 1}"
            found.values[name] = snapshot(t)
            found.drawing["nodes"].append(
                {"id": name, "kind": "output", "label": label, "op": "", "name": "",
                 "shape": list(t.shape), "dtype": str(host(t).dtype), "saved": [], "freed": False,
                 "value": viz.preview(t), "seq": 0, "tensor": "", "group": ""})
            found.drawing["edges"].append(
                {"source": ids[source], "target": name, "shape": list(t.shape), "slot": 0,
                 "param": "", "output": self.output(source, t)})
            if found.root is None and vertex(t) is not None:
                found.root = t


class ModuleWatch:
    """A `with` block that keeps the tape's path of module names up to date, so that each op knows
    the module call it belongs to. `known`: modules by the names of their variables."""

    def __init__(self, tape, known):
        self.tape = tape
        self.names = {}
        for variable, thing in known.items():
            if isinstance(thing, module.Module):
                for path, part in thing.named_modules():
                    self.names.setdefault(id(part), path.split(".")[-1] if path else variable)
        self.handles = []

    def __enter__(self):
        self.handles = [module.register_module_forward_pre_hook(self.enter),
                        module.register_module_forward_hook(self.leave)]

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()

    def enter(self, called, _inputs):
        tape = self.tape
        inside = self.names.get(id(called), type(called).__name__)
        path = ".".join([*tape.path, inside])
        tape.seen[path] = tape.seen.get(path, 0) + 1
        again = f" ({tape.seen[path]})" if tape.seen[path] > 1 else ""
        tape.path.append(inside + again)

    def leave(self, _module, _inputs, _output):
        self.tape.path.pop()


def inputs_of(call):
    """The tensors of a call, and the numbers of arithmetic, under the names of the op's body."""
    op = call.op
    names = op.params if op is not None else ()
    found = []
    for place, value in enumerate(call.args):
        name = names[place] if place < len(names) else f"argument {place + 1}"
        found += named_inputs(name, value, op)
    for key, value in call.named.items():
        place = op.where.get(key) if op is not None else None
        found += named_inputs(key if place is None else names[place], value, op)
    return found


def named_inputs(name, value, op):
    if isinstance(value, Tensor):
        return [(name, value)]
    if isinstance(value, (list, tuple)):
        return [(f"{name}[{i}]", t) for i, t in enumerate(value) if isinstance(t, Tensor)]
    arithmetic = op is not None and op.kind == "binary"
    return [(name, value)] if arithmetic and isinstance(value, (int, float, complex)) else []


def flat(result):
    """The parts of a result, whether it is one, a tuple, a list or a dict of them."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (list, tuple)):
        return [part for r in result for part in flat(r)]
    return [result]


def snapshot(value):
    """The values a tensor or number has now, as an array; None where there are too many."""
    array = host(value) if isinstance(value, Tensor) else np.asarray(value)
    return np.array(array) if array.size <= MOST else None


def describe_input(name, t, value, leaf, called):
    """The node of something the computation was given."""
    if not isinstance(t, Tensor):
        return {"id": name, "kind": "constant", "label": repr(t), "op": "", "name": "",
                "shape": [], "dtype": "", "saved": [], "freed": False, "value": repr(t), "seq": 0,
                "tensor": "", "group": ""}
    text = viz.preview(t if value is None else value)
    plain = "tensor" if leaf else text if host(t).size == 1 else "data"
    return {"id": name, "kind": "leaf" if leaf else "constant", "label": called or plain,
            "op": "", "name": "AccumulateGrad" if leaf and isinstance(vertex(t), Leaf) else "",
            "shape": list(t.shape), "dtype": str(host(t).dtype), "saved": [], "freed": False,
            "value": text, "seq": 0, "tensor": called, "group": ""}


def describe_call(name, place, call, called):
    """The node of one call; a failed one says how it failed."""
    node = {"id": name, "kind": "op", "label": call.name, "op": call.op.name if call.op else "",
            "name": "", "shape": None, "dtype": "", "saved": [], "freed": False, "value": "",
            "seq": place, "tensor": next(filter(None, called), ""), "group": call.group}
    if call.error is not None:
        node.update(kind="broken", error=f"{type(call.error).__name__}: {call.error}")
        return node
    shapes = [list(t.shape) for t in call.results]
    node["shape"] = shapes[0] if len(shapes) == 1 else shapes
    if call.results:
        node["dtype"] = str(host(call.results[0]).dtype)
        node["value"] = ", ".join(viz.preview(v) for v in call.values[:3] if v is not None)
    recorded = next((through(v) for v in call.vertices if v is not None), None)
    if recorded is not None and not isinstance(recorded, Leaf):
        node["name"] = recorded.name()
        node["freed"] = recorded.saved is None
        if recorded.saved is not None:
            node["saved"] = [Reader({}, True).describe_saved(n, v) for n, v in
                             zip(getattr(recorded.plan, "names", ()), recorded.saved, strict=False)]
    return node
