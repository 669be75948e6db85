"""The graph of a model for TensorBoard: the recorded history, each operation in its module."""

from learntorch import viz
from learntorch.core.graph import Leaf, tick
from learntorch.core.tensor import Tensor
from learntorch.utils.tensorboard import wire


class Scopes:
    """Notes, by hooks, when each call of each module began and ended on the clock of the graph."""

    def __init__(self, model):
        self.calls = []             # (path, began, ended), outer calls after the inner ones
        self.open = []
        self.hooks = []
        self.paths = {}
        self.name(model, type(model).__name__)

    def name(self, module, path):
        """Name a module and those within it as TensorBoard does: Net/Linear[fc]."""
        if module in self.paths:
            return
        self.paths[module] = path
        self.hooks.append(module.register_forward_pre_hook(self.begin))
        self.hooks.append(module.register_forward_hook(self.end))
        for name, child in module.named_children():
            self.name(child, f"{path}/{type(child).__name__}[{name}]")

    def begin(self, module, inputs):
        self.open.append(tick())

    def end(self, module, inputs, output):
        self.calls.append((self.paths[module], self.open.pop(), tick()))

    def of(self, seq):
        """The innermost module that was at work at this time."""
        return next((path for path, began, ended in self.calls if began < seq < ended), "")


def traced(model, inputs):
    """(outputs, scopes, names of the inputs) of a model called with tensors that take part in the
    graph."""
    inputs = inputs if isinstance(inputs, list | tuple) else (inputs,)
    given = [x.detach().requires_grad_() if isinstance(x, Tensor) and x.is_floating_point() else x
             for x in inputs]
    scopes = Scopes(model)
    try:
        out = model(*given)
    finally:
        for hook in scopes.hooks:
            hook.remove()
    outs = [t for t in leaves(out) if t.requires_grad]
    if not outs:
        raise ValueError("the model's output has no history: nothing in it needs a gradient")
    names = {f"input/{i}": x for i, x in enumerate(given) if isinstance(x, Tensor)}
    return outs, scopes, names


def leaves(value):
    """The tensors in a nest of containers."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [t for part in value for t in leaves(part)]
    return []


def in_time(outs):
    """The operations that the outputs come from, in the order in which they ran."""
    met = set()
    waiting = [t.grad_fn for t in outs]
    while waiting:
        node = waiting.pop()
        if node is None or node in met or isinstance(node, Leaf):
            continue
        met.add(node)
        waiting.extend(fn for fn, _ in node.next_functions)
    return sorted(met, key=lambda node: node.seq)


def graph_def(model, inputs):
    """A GraphDef: nodes with name, operation, inputs and the shape of the result."""
    outs, scopes, names = traced(model, inputs)
    for module, path in scopes.paths.items():
        names.update({f"{path}/{name}": p for name, p in module.named_parameters(recurse=False)})
    drawing = viz.graph(outs, names=names, values=False)
    where = {f"n{i + 1}": scopes.of(node.seq) for i, node in enumerate(in_time(outs))}
    called = {}
    for n in drawing["nodes"]:
        label = n["op"] or n["tensor"] or n["kind"]
        path = where.get(n["id"], "")
        called[n["id"]] = f"{path}/{label}_{n['id']}" if path else (
            n["tensor"] or f"{n['kind']}/{label}_{n['id']}")
    out = b""
    for n in drawing["nodes"]:
        sources = [called[e["source"]] for e in drawing["edges"] if e["target"] == n["id"]]
        own = n["kind"] == "leaf" and not called[n["id"]].startswith("input/")
        kind = n["op"] or ("Parameter" if own else "IO Node")
        out += wire.block(1, wire.text(1, called[n["id"]]) + wire.text(2, kind)
                          + b"".join(wire.text(3, s) for s in sources) + shape(n["shape"]))
    return out + wire.block(4, wire.integer(1, 22))         # versions.producer


def shape(sizes):
    """NodeDef.attr["_output_shapes"]: one shape."""
    dims = b"".join(wire.block(2, wire.integer(1, n)) for n in sizes)
    return wire.block(5, wire.block(1, "_output_shapes")
                      + wire.block(2, wire.block(1, wire.block(7, dims))))
