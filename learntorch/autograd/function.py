"""`autograd.Function`: a forward of one's own with a backward of one's own."""

import numpy as np

from learntorch.autograd.saved import Packed, hooks_in
from learntorch.core import graph
from learntorch.core.ambient import ambient, no_grad, transform_in
from learntorch.core.graph import Leaf, Node, Pick, new, tick, vertex
from learntorch.core.op import INEXACT
from learntorch.core.tensor import Tensor, wrap


class FunctionCtx:
    """What `forward` tells `backward`: saved tensors, and anything set as an attribute."""

    def __init__(self):
        self.to_save = ()
        self.saved_for_forward = None
        self.needs_input_grad = ()
        self.materialize_grads = True
        self.dirty_tensors = ()
        self.non_differentiable = ()
        self._saved = ()
        self._times = ()
        self._freed = False

    def save_for_backward(self, *tensors):
        """Keep tensors (inputs, outputs or intermediate ones) for backward."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError("save_for_backward can only save variables, but argument is of "
                                f"type {type(t).__name__}: set other values as attributes of ctx")
        self.to_save = tensors

    def save_for_forward(self, *tensors):
        """Keep tensors for `jvp`, which finds them in `ctx.saved_tensors`."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError("save_for_forward can only save tensors, but argument is of type "
                                f"{type(t).__name__}: set other values as attributes of ctx")
        self.saved_for_forward = tensors

    def mark_dirty(self, *args):
        """Name the inputs that forward changed in place."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args):
        """Name the outputs that carry no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value):
        """Whether missing gradients reach backward as zeros (True) or as None."""
        self.materialize_grads = value

    @property
    def saved_tensors(self):
        """The tensors given to `save_for_backward`. Raises RuntimeError when freed or changed."""
        if self.saved_for_forward is not None:
            return self.saved_for_forward
        if self._freed:
            raise RuntimeError(graph.FREED)
        if any(isinstance(t, Packed) for t in self._saved):
            return tuple(t if t is None else t.unpacked() for t in self._saved)
        for t, time in zip(self._saved, self._times, strict=True):
            if t is not None and t._cell is not None and t._cell.time > time:
                raise RuntimeError(
                    "one of the variables needed for gradient computation has been modified by an "
                    f"inplace operation: [torch.FloatTensor {list(t.shape)}] is at version "
                    f"{t._version}; expected an earlier one instead.")
        return self._saved

    saved_variables = saved_tensors


class FunctionPlan:
    """The plan of a node made by a user's Function: its `run` calls the user's backward."""

    def __init__(self, cls, ctx, inputs, outputs):
        self.op = FunctionOp(cls)
        self.title = self.op.grad_name
        self.names = ()
        self.saves_out = False
        self.keeps = True
        self.ctx = ctx
        self.cls = cls
        self.inputs = inputs
        self.outputs = outputs

    def run(self, xp, g, *saved):
        """The user's backward on tensors; arrays go in and come out when the walk is on arrays."""
        several = isinstance(g, (list, tuple))
        given = list(g) if several else [g]
        raw = not isinstance(given[0], Tensor)
        tensors = [_outside(wrap(a)) if raw else _conj(a) for a in given]
        full = []
        rest = iter(tensors)
        for shape, dtype, counts in self.outputs:
            if counts:
                full.append(next(rest))
            elif self.ctx.materialize_grads:
                full.append(wrap(np.zeros(shape, dtype)))
            else:
                full.append(None)
        backward = getattr(self.cls, "vjp", None)
        if self.cls.backward is not Function.backward:
            backward = self.cls.backward
        answer = backward(self.ctx, *full)
        answer = answer if isinstance(answer, tuple) else (answer,)
        count = len(self.inputs)
        if len(answer) > count and any(a is not None for a in answer[count:]) or (
                len(answer) < count):
            raise RuntimeError(f"function {self.op.grad_name} returned an incorrect number of "
                               f"gradients (expected {count}, got {len(answer)}): backward returns "
                               "one gradient (or None) for every argument of forward")
        return [self._checked(i, a, raw) for i, a in enumerate(answer[:count])
                if self.inputs[i] is not None]

    def _checked(self, i, a, raw):
        if a is None:
            return None
        if not isinstance(a, Tensor):
            raise TypeError(f"expected Variable or None (got {type(a).__name__}): gradient {i} of "
                            f"{self.op.grad_name}")
        shape = self.inputs[i]
        if a._data.shape != shape:
            try:
                np.broadcast_shapes(a._data.shape, shape)
            except ValueError:
                raise RuntimeError(f"Function {self.op.grad_name} returned an invalid gradient at "
                                   f"index {i} - got {list(a._data.shape)} but expected shape "
                                   f"compatible with {list(shape)}") from None
        return _outside(a)._data if raw else _conj(a)


class FunctionOp:
    """The name a user's Function has in the graph."""

    outputs = None
    kind = "function"
    halves = "rules"        # backward sees 16-bit tensors as they are
    vjps = {}
    params = ()

    def __init__(self, cls):
        self.name = cls.__name__
        self.grad_name = cls.__name__ + "Backward"
        self.forward = cls.forward


def _conj(t):
    return t.conj() if t._data.dtype.kind == "c" else t


def _outside(t):
    return wrap(t._data.conj()) if t._data.dtype.kind == "c" else t


class Function:
    """Subclass it, write static methods `forward(ctx, …)` and `backward(ctx, *grads)`, `apply` it.

    Or write `forward(…)` without ctx and `setup_context(ctx, inputs, output)`. Backward returns
    one gradient (or None) per argument of forward; it is itself differentiable when it uses
    differentiable operations.
    """

    def __init__(self, *args, **kwargs):
        raise RuntimeError(f"{type(self)} should not be instantiated. Methods on autograd "
                           "functions are all static, so you should invoke them on the class "
                           f"itself: {type(self).__name__}.apply(...)")

    @staticmethod
    def forward(*args, **kwargs):
        """The result: to be written in the subclass."""
        raise NotImplementedError("You must implement the forward function for custom "
                                  "autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Keep what backward needs, when `forward` has no ctx."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """The gradients of the arguments: to be written in the subclass."""
        raise NotImplementedError("You must implement either the backward or vjp method for your "
                                  "custom autograd.Function to use it with backward mode AD.")

    @staticmethod
    def jvp(ctx, *grad_inputs):
        """The tangents of the results from those of the arguments: to be written in the subclass.
        """
        raise NotImplementedError("You must implement the jvp function for custom "
                                  "autograd.Function to use it with forward mode AD.")

    @staticmethod
    def vmap(info, in_dims, *args):
        """(output, out_dims) for arguments with a batch dimension at `in_dims` (None: without).

        info.batch_size, info.randomness: those of the `vmap` around it.
        """
        raise NotImplementedError("To use autograd.Function with vmap, you must either override "
                                  "the vmap static method or set generate_vmap_rule=True.")

    generate_vmap_rule = False

    @classmethod
    def apply(cls, *args, **kwargs):
        """Run forward; record the call so that backward will be used."""
        return apply_function(cls, args, kwargs, [])


def apply_function(cls, args, kwargs, found):
    """`cls.apply`; the ctx it made is appended to `found`."""
    asked = transform_in(ambient.state)
    if asked is not None:
        return asked.user_function(cls, args, kwargs, found)
    ctx = FunctionCtx()
    found.append(ctx)
    tensors = [a if isinstance(a, Tensor) else None for a in args]
    edges = [vertex(t) if t is not None and ambient.state.grad else None for t in tensors]
    ctx.needs_input_grad = tuple(e is not None for e in edges)
    with no_grad():
        if cls.setup_context is not Function.setup_context:
            output = cls.forward(*args, **kwargs)
            cls.setup_context(ctx, args, output)
        else:
            output = cls.forward(ctx, *args, **kwargs)
    outputs = output if isinstance(output, tuple) else (output,)
    made = _record(cls, ctx, tensors, edges, outputs)
    ctx._saved = tuple(_with_history(t, outputs, made) for t in ctx.to_save)
    now = tick()
    ctx._times = tuple(now for _ in ctx.to_save)
    hooks = hooks_in(ambient.state)
    if hooks is not None:
        ctx._saved = tuple(t if t is None else _packed(hooks, t, made) for t in ctx._saved)
    return made if isinstance(output, tuple) else made[0]


def _packed(hooks, t, made):
    """A saved tensor packed; one of the outputs without a strong hold on the node it came from."""
    if not any(t is out for out in made) or t._edge is None:
        return Packed(hooks, t)
    edge = t._edge
    node, place = (edge.edges[0], edge.index) if type(edge) is Pick else (edge, None)
    return Packed(hooks, wrap(t._data), node, place)


def _with_history(t, outputs, made):
    """A saved output is saved as the tensor the caller gets, so that it can be differentiated."""
    for before, after in zip(outputs, made, strict=True):
        if t is before:
            return after
    return t


def _record(cls, ctx, tensors, edges, outputs):
    """The outputs as tensors with one node (a hub with Picks when there are several)."""
    if not any(e is not None for e in edges):
        return outputs
    counts = [isinstance(t, Tensor) and t._data.dtype.kind in INEXACT
              and not any(t is n for n in ctx.non_differentiable) for t in outputs]
    kept = [i for i, t in enumerate(tensors) if t is not None]
    shapes = [None if t is None else t._data.shape for t in tensors]
    places = [((), None, False) if not isinstance(t, Tensor) else
              (t._data.shape, t._data.dtype, c) for t, c in zip(outputs, counts, strict=True)]
    n = new(Node)
    n.plan = FunctionPlan(cls, ctx, shapes, places)
    n.edges = tuple(edges[i] for i in kept)
    n.saved = ()
    n.seq = tick()
    n.cell = n.hooks = None
    single = len(outputs) == 1
    n.shape = outputs[0]._data.shape if single else tuple(p[0] for p, c in zip(places, counts) if c)
    n.dtype = outputs[0]._data.dtype if single else tuple(p[1] for p, c in zip(places, counts) if c)
    made = []
    place = 0
    for t, c in zip(outputs, counts, strict=True):
        if not c:
            made.append(t)
            continue
        if any(t is d for d in ctx.dirty_tensors):
            from learntorch.core.methods import window_plan
            graph.rebase(t, n, window_plan)
            made.append(t)
            continue
        out = _own(t, tensors)
        out._edge = n if single else Pick(n, place, t._data)
        out._live = True
        place += 1
        made.append(out)
    return tuple(made)


def _own(t, tensors):
    """`t` itself; a fresh tensor on its memory where forward returned an input or has a leaf."""
    if any(t is i for i in tensors) or type(t._edge) is Leaf or t._base is not None:
        return wrap(t._data)
    return t


def once_differentiable(backward):
    """Decorator for a backward whose own operations cannot be differentiated again."""
    def guarded(ctx, *grads):
        with no_grad():
            answer = backward(ctx, *grads)
        if not ambient.state.grad or not any(isinstance(g, Tensor) and g.requires_grad
                                             for g in grads):
            return answer
        several = answer if isinstance(answer, tuple) else (answer,)
        refused = tuple(a if not isinstance(a, Tensor) else _Refusal.apply(a.requires_grad_())
                        for a in several)
        return refused if isinstance(answer, tuple) else refused[0]
    return guarded


class _Refusal(Function):
    """Passes a value on; differentiating it is an error."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        raise RuntimeError("trying to differentiate twice a function that was marked with "
                           "@once_differentiable")


