"""The recorded history: nodes, the leaves where gradients land, and shared memory.

A `Node` is one application of an op. Its edges point at the nodes (or leaves) that made its
inputs, never at tensors, so a finished step leaves no cycle for the garbage collector. One clock
numbers nodes and in-place writes alike: sorting by it is a topological order, and "was this saved
tensor rewritten since" is one comparison of integers.
"""

import weakref
from collections import namedtuple
from itertools import count

from learntorch.core.ambient import enable_grad
from learntorch.core.handles import RemovableHandle

tick = count(1).__next__
new = object.__new__

# Where a gradient goes: a node (or leaf), and which of its outputs.
GradientEdge = namedtuple("GradientEdge", ("node", "output_nr"))


class Cell:
    """Shared by all tensors that look at the same memory: how often, and when last, written."""

    __slots__ = ("count", "time")

    def __init__(self):
        self.count = 0
        self.time = 0


class Cells:
    """The cells of several outputs of a hub, as one: the one that was written last."""

    __slots__ = ("rest", "cell", "index")

    def __init__(self, rest, cell, index):
        self.rest = rest            # the Cells of other outputs, or None
        self.cell = cell
        self.index = index

    @property
    def last(self):
        """Itself, or what of `rest` was written later."""
        if self.rest is None:
            return self
        other = self.rest.last
        return other if other.cell.time > self.cell.time else self

    @property
    def time(self):
        """When one of the outputs was written last."""
        return self.last.cell.time


class Hooks:
    """Functions to call when a gradient passes a node; made only where somebody asks."""

    __slots__ = ("tensor", "before", "after", "deposited", "retain")

    def __init__(self):
        self.tensor = {}            # tensor.register_hook: gradient -> gradient
        self.before = {}            # node.register_prehook: (gradients out) -> the same
        self.after = {}             # node.register_hook: (gradients in, gradients out) -> in
        self.deposited = {}         # tensor.register_post_accumulate_grad_hook
        self.retain = None          # weak reference to a tensor that wants its .grad


class Node:
    """One recorded application of an op: what it saved, and which nodes made its inputs."""

    __slots__ = ("plan", "edges", "saved", "seq", "shape", "dtype", "cell", "hooks", "__weakref__")

    def name(self):
        """PyTorch's name of the gradient function, such as "MulBackward0"."""
        return self.plan.title

    def __repr__(self):
        return f"<{self.name()} object at {id(self):#x}>"

    @property
    def next_functions(self):
        """The edges as PyTorch shows them: pairs of (node, which of its outputs)."""
        return tuple(_as_function(e) for e in self.edges)

    @property
    def metadata(self):
        """A dictionary for the user's own notes about this node."""
        return _METADATA.setdefault(self, {})

    @property
    def saved_tensors(self):
        """What the op kept for backward, in the order of its rules' names."""
        if self.saved is None:
            raise RuntimeError(FREED)
        return tuple(self.saved)

    def __getattr__(self, name):
        if name.startswith("_saved_"):
            plan = Node.plan.__get__(self)
            wanted = {"self": "x", "input": "x", "other": "y", "result": "out"}.get(name[7:])
            for key, value in zip(plan.names, self.saved_tensors, strict=True):
                key = key.removeprefix("packed ")
                if key == wanted or key == name[7:]:
                    return _as_tensor(value)
        raise AttributeError(f"'{self.name()}' object has no attribute '{name}'")

    def register_hook(self, hook):
        """Call `hook(grads of inputs, grads of outputs)` after this node has run."""
        return _handle(hooks_of(self).after, hook)

    def register_prehook(self, hook):
        """Call `hook(grads of outputs)` before this node runs."""
        return _handle(hooks_of(self).before, hook)


_METADATA = weakref.WeakKeyDictionary()


def _as_tensor(value):
    """A saved value as PyTorch shows it: arrays that a rule keeps are tensors without history."""
    if hasattr(value, "unpacked"):
        value = value.unpacked()
    if not hasattr(value, "dtype") or hasattr(value, "_data"):
        return value
    from learntorch.core.tensor import wrap
    return wrap(value)


class Leaf(Node):
    """Where the gradient of a leaf tensor lands. Holds its tensor weakly."""

    __slots__ = ("tensor",)

    def __init__(self, tensor):
        self.plan = None
        self.edges = ()
        self.saved = ()
        self.seq = 0
        self.shape = tensor._data.shape
        self.dtype = tensor._data.dtype
        self.cell = None
        self.hooks = None
        self.tensor = weakref.ref(tensor)

    def name(self):
        return "torch::autograd::AccumulateGrad"

    def __repr__(self):
        return f"<AccumulateGrad object at {id(self):#x}>"

    @property
    def variable(self):
        """The leaf tensor itself, or None when nobody holds it any more."""
        return self.tensor()


class Pick(Node):
    """One output of an op that has several: passes its gradient to place `index` of the hub."""

    __slots__ = ("index",)

    def __init__(self, hub, index, array):
        self.plan = None
        self.edges = (hub,)
        self.saved = ()
        self.seq = tick()
        self.shape = array.shape
        self.dtype = array.dtype
        self.cell = None
        self.hooks = None
        self.index = index

    def watch(self, cell):
        """The hub may have saved this output: it is to notice when the memory is rewritten."""
        hub = self.edges[0]
        op = hub.plan.op
        if op.outputs and op.outputs[self.index] in hub.plan.names:
            hub.cell = Cells(hub.cell, cell, self.index)

    def name(self):
        return self.edges[0].name()

    @property
    def next_functions(self):
        return self.edges[0].next_functions


FREED = ("Trying to backward through the graph a second time (or directly access saved tensors "
         "after they have already been freed). Saved intermediate values of the graph are freed "
         "when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to "
         "backward through the graph a second time or if you need to access saved tensors after "
         "calling backward.")


def _as_function(edge):
    if edge is None:
        return (None, 0)
    if type(edge) is Pick:
        return (edge.edges[0], edge.index)
    return (edge, 0)


def hooks_of(node):
    """The node's Hooks, made on first use."""
    if node.hooks is None:
        node.hooks = Hooks()
    return node.hooks


def _handle(hooks, hook):
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


register = _handle


def cell_of(t):
    """The cell of a tensor: made the first time anyone could rewrite or alias its memory."""
    c = t._cell
    if c is None:
        c = t._cell = Cell()
        if t._edge is not None:
            t._edge.cell = c
            if type(t._edge) is Pick:
                t._edge.watch(c)
    return c


def vertex(t):
    """The node that made `t`, its leaf, or None: where the gradient of `t` goes."""
    if t._base is not None and t._cell.time > t._seen:
        refresh(t)
    return t._edge


def refresh(t):
    """The memory under a view was rewritten: replay the view on its base as it is now."""
    t._seen = t._cell.time
    if t._made is not None or (t._edge is None and vertex(t._base) is None):
        return
    v = t._base
    with enable_grad():
        for step, args in t._chain:
            v = step(v, *args)
    t._edge = v._edge
    t._live = True
    t._seen = t._cell.time


def touch(t):
    """Note an in-place write that leaves no history."""
    c = cell_of(t)
    c.count += 1
    c.time = tick()


def link(t, array, plan, edges, saved):
    """Record that `plan` made tensor `t` (whose memory is `array`) from what `edges` point at."""
    n = new(Node)
    n.plan = plan
    n.edges = edges
    n.saved = saved
    n.seq = tick()
    n.shape = array.shape
    n.dtype = array.dtype
    n.cell = t._cell
    n.hooks = None
    t._edge = n
    t._live = True


def rebase(t, n, window_plan):
    """`t` was rewritten in place by node `n`: that is its history now, and its base's too.

    When `t` is a view, the base becomes "the base as it was, with this window replaced"; other
    views of it notice by the clock and replay themselves on the new base.
    """
    c = cell_of(t)
    c.count += 1
    n.seq = c.time = tick()
    n.cell = c
    n.hooks = None
    base = t._base
    t._edge = n
    t._live = True
    if base is None:
        return
    t._seen = n.seq
    edge = base._edge
    link(base, base._data, window_plan(edge is not None), (edge, n),
         (base._data.strides, t._chain))
    t._seen = c.time = n.seq
