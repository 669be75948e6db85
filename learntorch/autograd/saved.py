"""Hooks on what is saved for backward: packed when an op is recorded, unpacked when its rule runs.

An interceptor looks at every recorded node and puts packed values in place of the tensors it saved;
the node's plan is replaced by one that unpacks them first. Without hooks nothing of this exists.
"""

import threading
import weakref

from learntorch.backend import tensor_xp
from learntorch.core.ambient import State, Switch, intercepted_by
from learntorch.core.dtypes import HALF
from learntorch.core.graph import Pick, tick, vertex
from learntorch.core.record import Plan, cast
from learntorch.core.tensor import Tensor, wrap

thread = threading.local()          # .refusal: the sentence with which hooks are forbidden now

CHANGED = ("A saved tensor pack hook is modifying its input in place. Tensors provided as input to "
           "pack hook can not be modified by in-place operations as this can lead to unexpected "
           "side-effects. Work on a clone of it.")


class Packed:
    """What the pack hook made of a saved tensor, and the place in the graph the tensor had."""

    __slots__ = ("value", "unpack", "edge", "node", "place")

    def __init__(self, hooks, t, node=None, place=None):
        version = t._version
        self.value = hooks.pack(t)
        if t._version != version:
            raise RuntimeError(CHANGED)
        self.unpack = hooks.unpack
        self.edge = vertex(t)
        self.node = None if node is None else weakref.ref(node)     # of an output: its own node
        self.place = place

    def unpacked(self):
        """The tensor again, with the history it had."""
        t = self.unpack(self.value)
        if not isinstance(t, Tensor):
            raise TypeError("Output of saved tensor unpack_hook expected to be a Tensor but got "
                            f"result of type {type(t).__name__}")
        made = wrap(t._data)
        if self.node is not None:
            node = self.node()
            made._edge = node if self.place is None else Pick(node, self.place, t._data)
            made._live = True
        elif self.edge is not None:
            made._edge = self.edge
            made._live = True
        return made


class UnpackingPlan:
    """A plan whose saved tensors have to be unpacked before its rule sees them."""

    saves_out = False
    keeps = True

    def __init__(self, plan):
        self.plan = plan
        self.op = plan.op
        self.title = plan.title
        self.names = tuple("packed " + name for name in plan.names)

    def run(self, xp, g, *saved):
        """The rule of the plan, on what the unpack hook gives back."""
        values = []
        for v in saved:
            if isinstance(v, Packed):
                v = v.unpacked()
                if xp is not tensor_xp:
                    v = v._data
                    v = cast(v, "float32") if v.dtype in HALF else v
            values.append(v)
        return self.plan.run(xp, g, *values)


class SavedHooks:
    """Interceptor: packs what the nodes recorded by an op have saved."""

    def __init__(self, outer, pack, unpack):
        while isinstance(outer, SavedHooks):        # of several pairs the innermost counts
            outer = outer.outer
        self.outer = outer
        self.pack = pack
        self.unpack = unpack

    def __call__(self, function, args, kwargs):
        start = tick()
        with intercepted_by(self.outer):
            result = function(*args, **kwargs)
        for t in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(t, Tensor) and t._edge is not None:
                node = t._edge.edges[0] if type(t._edge) is Pick else t._edge
                if node.seq > start and type(node.plan) is Plan:
                    self.take(node)
        return result

    def take(self, node):
        """Pack the tensors that `node` has saved."""
        plan = node.plan
        outputs = plan.op.outputs or ()
        packed = []
        with intercepted_by(self.outer):
            for name, v in zip(plan.names, node.saved, strict=True):
                if name == "out" or name in outputs:
                    place = outputs.index(name) if name in outputs else None
                    v = Packed(self, wrap(v), node, place)
                elif isinstance(v, Tensor):
                    v = Packed(self, v)
                packed.append(v)
        if any(isinstance(v, Packed) for v in packed):
            node.plan = UnpackingPlan(plan)
            node.saved = tuple(packed)


def hooks_in(state):
    """The hooks in force, or None."""
    found = state.intercept
    while found is not None and not isinstance(found, SavedHooks):
        found = getattr(found, "outer", None)
    return found


class saved_tensors_hooks(Switch):
    """Inside the block `pack_hook(tensor)` is kept in place of every tensor saved for backward, and
    `unpack_hook` of that is used by backward.

    Raises RuntimeError inside `disable_saved_tensors_hooks`.
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def state(self, now):
        refusal = getattr(thread, "refusal", None)
        if refusal is not None:
            raise RuntimeError(refusal)
        return State(now.grad, now.inference,
                     SavedHooks(now.intercept, self.pack_hook, self.unpack_hook))

    def clone(self):
        return saved_tensors_hooks(self.pack_hook, self.unpack_hook)
