"""The front ends: what turns an op's record into the public function that users call.

Each does the same few things in the same order: is anyone watching, take the arrays, compute, wrap
the result, and, where a gradient is wanted, record a node. The common case comes first; whatever
goes wrong is sorted out in failures.py.
"""

import inspect
from functools import update_wrapper
from inspect import Parameter, Signature

import numpy as np

from learntorch.backend import dialects
from learntorch.core import autocast, failures
from learntorch.core.ambient import ambient
from learntorch.core.described import described
from learntorch.core.dtypes import (
    FLOATS,
    HALF,
    get_default_dtype,
    of,
    of_number,
    promote,
    promote_types,
    result_of,
)
from learntorch.core.graph import Node, Pick, cell_of, link, new, tick, vertex
from learntorch.core.outputs import write_out
from learntorch.core.record import (
    Op,
    camel,
    cast,
    entitle,
    face,
    parameters,
    registry,
)
from learntorch.core.tensor import Tensor
from learntorch.core.watched import watched

__all__ = ["Op", "binary", "camel", "composite", "entitle", "face", "listed", "multi", "nary",
           "parameters", "registry", "unary", "view"]


def common_dtype(a, b):
    """Two arrays in PyTorch's common dtype: a 0-d array does not widen one with dimensions."""
    d1, d2 = of(a.dtype), of(b.dtype)
    if (a.ndim == 0) == (b.ndim == 0):
        d = promote_types(d1, d2)
    else:
        d = promote(d1, d2) if a.ndim else promote(d2, d1)
    return a.astype(d.numpy, copy=False), b.astype(d.numpy, copy=False)


def with_number(a, number):
    """The array in the dtype it has after meeting a Python number of a higher category."""
    d = of(a.dtype)
    n = of_number(number)
    d = promote(d, None, n) if a.ndim else promote(None, d, n)
    return a.astype(d.numpy, copy=False)


def signature(op):
    """What `help()` and completion show: PyTorch's parameter names, and `out` where it exists."""
    either = Parameter.POSITIONAL_OR_KEYWORD
    shown = [Parameter(name, either, default=Parameter.empty if i < op.required else op.defaults[i])
             for i, name in enumerate(op.names)]
    return Signature([*shown, OUT] if op.out else shown, __validate_parameters__=False)


OUT = Parameter("out", Parameter.KEYWORD_ONLY, default=None)


def attach(op, call):
    """Give the public function its record, name, documentation and rule setters."""
    call.op = op
    call.__name__ = call.__qualname__ = op.name
    call.__doc__ = described(op, op.forward.__doc__)
    call.__module__ = op.forward.__module__
    if op.kind != "composite":
        call.__signature__ = signature(op)

    def vjp(**rules):
        op.vjps.update(rules)
        return call

    def vjp_all(rule):
        op.joint = rule
        return rule

    def public(function):
        front = function
        if op.out and "out" not in parameters(function):
            front = taking_out(op, function)
        front = watched(op, front)
        front.__doc__ = described(op, function.__doc__)
        front.__name__ = front.__qualname__ = op.name
        front.op = op
        op.public = front
        return front

    def on_tensors(function):
        dialects.learn(op, call, function)
        return function

    call.vjp = vjp
    call.vjp_all = vjp_all
    call.public = public
    call.on_tensors = on_tensors
    registry[op.key] = call
    dialects.learn(op, call)
    return call


# Which Python numbers leave an array's dtype alone, by the dtype's character. `E` is bfloat16.
KEEPS = {float: "efdFDE", int: "bhilqBHILQefdFDE", bool: "?bhilqBHILQefdFDE", complex: "FD"}


def unary(forward=None, **facts):
    """Decorator: one tensor in, one of the same shape out."""
    if forward is None:
        return lambda body: unary(body, **facts)
    op = Op(forward, "unary", ("x",), **facts)
    kernels = op.kernels
    plans = op.plans
    settles = op.result in ("same", "float")
    records = op.result not in ("bool", "index")

    def call(input, *, out=None):
        state = ambient.state
        if state.intercept is not None:
            return state.intercept(call, (input,), {} if out is None else {"out": out})
        try:
            a = input._data
            kind = type(a)
            r = kernels[kind](a)
            if settles and r.dtype is not a.dtype:
                r = op.settle(r, a, (a,))
        except Exception as error:
            return failures.rescue(op, call, error, (input,), out)
        if out is not None:
            return write_out(op, out, r, (input,))
        if type(r) is not kind:
            r = dialects.as_array(r, kind)
        t = new(Tensor)
        t._data = r
        t._base = None
        t._live = False
        if input._live and state.grad and records:
            edge = input._edge if input._base is None else vertex(input)
            if edge is not None:
                plan = plans[1] or op.plan(1)
                link(t, r, plan, (edge,), plan.pack(r, input))
        return t
    return attach(op, call)


INEXACT = "fcVW"


def binary(forward=None, **facts):
    """Decorator: two tensors (or a tensor and a Python number), broadcast against each other."""
    if forward is None:
        return lambda body: binary(body, **facts)
    op = Op(forward, "binary", ("x", "y"), **facts)
    kernels = op.kernels
    plans = op.plans
    settles = op.result in ("same", "float")
    records = op.result not in ("bool", "index")
    numbers = op.numbers
    naming = op.naming
    no_bools = op.name in ("sub", "rsub")

    def call(input, other, *, out=None):
        state = ambient.state
        if state.intercept is not None:
            return state.intercept(call, (input, other), {} if out is None else {"out": out})
        try:
            a = input._data
            d = a.dtype
            if isinstance(other, Tensor):
                b = other._data
                live = input._live or other._live
                if b.dtype is not d:
                    if no_bools:
                        failures.check_no_bools(a, b)
                    a, b = common_dtype(a, b)
                    d = a.dtype
            else:
                b = other
                live = input._live
                if not numbers:
                    raise failures.not_a_tensor(op, 1, b)
                if d.char not in KEEPS[type(b)]:
                    if no_bools:
                        failures.check_no_bools(a)
                    a = with_number(a, b)
                    d = a.dtype
            kind = type(a)
            r = kernels[kind](a, b)
            if settles and r.dtype is not d:
                r = op.settle(r, a, (a, b))
        except Exception as error:
            return failures.rescue(op, call, error, (input, other), out)
        if out is not None:
            return write_out(op, out, r, (input, other))
        if type(r) is not kind:
            r = dialects.as_array(r, kind)
        t = new(Tensor)
        t._data = r
        t._base = None
        t._live = False
        if live and state.grad and records:
            edge = input._edge if input._base is None else vertex(input)
            if b is other:
                edge2 = None
            else:
                edge2 = other._edge if other._base is None else vertex(other)
            need = (edge is not None) + 2 * (edge2 is not None)
            if need:
                n = t._edge = new(Node)
                plan = plans[need] or op.plan(need)
                n.plan = plan if naming is None else plan.called(naming(input, other))
                n.edges = (edge, edge2)
                n.saved = plan.pack(r, input, other)
                n.seq = tick()
                n.shape = r.shape
                n.dtype = r.dtype
                n.cell = n.hooks = None
                t._live = True
        return t
    return attach(op, call)


def nary(forward=None, *, tensors=("x",), **facts):
    """Decorator: any number of tensor parameters (named in `tensors`) and other parameters."""
    if forward is None:
        return lambda body: nary(body, tensors=tensors, **facts)
    op = Op(forward, "nary", tensors, **facts)
    kernels = op.kernels
    arity = len(op.params)
    settles = op.result in ("same", "mask")
    records = op.result not in ("bool", "index")

    def call(*args, **named):
        state = ambient.state
        if state.intercept is not None:
            return state.intercept(call, args, named)
        out = None
        if named or len(args) != arity:
            args, out = op.bind(args, named)
        try:
            values, edges, need, d = operands(op, args, state.grad)
            kind = type(values[0])
            r = kernels[kind](*values)
            if r.dtype is not d and (settles or (op.result == "real" and d in HALF)):
                r = r.astype(d)
        except Exception as error:
            return failures.rescue(op, call, error, args, out)
        if out is not None:
            return write_out(op, out, r, args)
        if type(r) is not kind:
            r = dialects.as_array(r, kind)
        t = new(Tensor)
        t._data = r
        if need and records and op.differentiable:
            plan = op.find(need)
            if op.naming is not None:
                plan = plan.called(op.naming(*args))
            link(t, r, plan, edges, plan.pack(r, *args))
        return t
    return attach(op, call)


def operands(op, args, grad):
    """The raw arrays of a call, the edges of its tensors, and the mask of those that need them."""
    values = list(args)
    edges = []
    need = 0
    bit = 1
    for i in op.places:
        t = args[i]
        edge = None
        if isinstance(t, Tensor):
            values[i] = t._data
            if grad and t._live:
                edge = t._edge if t._base is None else vertex(t)
                if edge is not None:
                    need |= bit
        elif i == 0:
            raise failures.not_a_tensor(op, 0, t)
        edges.append(edge)
        bit += bit
    d = values[0].dtype
    if op.checks:
        prepare(op, values)
        d = values[0].dtype
    if d in HALF and op.halves != "body":    # bodies compute in float32, the result is rounded
        for i in op.places:
            if hasattr(values[i], "dtype") and values[i].dtype in HALF:
                values[i] = values[i].astype(np.float32)
    return values, tuple(edges), need, d


def prepare(op, values):
    """Bring the arrays of a call to the dtype its body computes in, or refuse them."""
    a = values[0]
    if op.refuses and a.dtype not in FLOATS:
        raise failures.not_implemented(op.refuses, a.dtype)
    if op.promotes:
        places = [op.params.index(p) for p in op.promotes]
        d = result_of([values[i] for i in places if values[i] is not None]).numpy
        for i in places:
            values[i] = cast(values[i], d)
    elif op.same_dtype:
        failures.check_same_dtype(op, values)
    if op.result == "float" and values[0].dtype not in FLOATS:
        d = get_default_dtype().numpy
        for i in op.places:
            if hasattr(values[i], "dtype"):
                values[i] = cast(values[i], d)


def view(forward=None, **facts):
    """Decorator: one tensor in; the result looks at the same memory."""
    if forward is None:
        return lambda body: view(body, **facts)
    op = Op(forward, "view", ("x",), out=False, **facts)
    kernels = op.kernels
    arity = len(op.params)

    def call(*args, **named):
        state = ambient.state
        if state.intercept is not None:
            return state.intercept(call, args, named)
        if named or len(args) != arity:
            args, _ = op.bind(args, named)
        input = args[0]
        try:
            a = input._data
            r = kernels[type(a)](a, *args[1:])
        except Exception as error:
            return failures.rescue(op, call, error, args, None)
        t = new(Tensor)
        t._data = r
        window(t, input, op, call, args, state)
        return t
    return attach(op, call)


def window(t, input, op, call, args, state):
    """Make `t` a view of `input`: same cell, same base, one more step in the chain."""
    c = t._cell = input._cell or cell_of(input)
    t._base = input if input._base is None else input._base
    t._chain = (*input._chain, (call, args[1:]))
    t._seen = c.time
    t._made = input._made
    if not state.grad:
        t._made = "no_grad"
        t._live = input._live
        return
    t._live = True
    edge = input._edge if input._base is None else vertex(input)
    if edge is not None and t._data.dtype.kind in INEXACT:
        plan = op.plans[1] or op.plan(1)
        if op.naming is not None:
            plan = plan.called(op.naming(*args))
        link(t, t._data, plan, (edge,), plan.pack(None, *args))


def multi(forward=None, *, tensors=("x",), **facts):
    """Decorator: several outputs. `outputs` names them; those of integer type carry no gradient."""
    if forward is None:
        return lambda body: multi(body, tensors=tensors, **facts)
    op = Op(forward, "multi", tensors, **facts)
    kernels = op.kernels
    arity = len(op.params)

    def call(*args, **named):
        state = ambient.state
        if state.intercept is not None:
            return state.intercept(call, args, named)
        out = None
        if named or len(args) != arity:
            args, out = op.bind(args, named)
        try:
            values, edges, need, d = operands(op, args, state.grad)
            kind = type(values[0])
            arrays = kernels[kind](*values)
            arrays = tuple([r if type(r) is kind else dialects.as_array(r, kind) for r in arrays])
            if d in HALF:
                arrays = tuple([r.astype(d) if r.dtype.kind == "f" else r for r in arrays])
        except Exception as error:
            return failures.rescue(op, call, error, args, out)
        made = several(op, args, arrays, edges, need)
        if op.views:
            windows(made, args, call, state)
        if op.returns is not None:
            made = op.returns(made)
        return made if out is None else write_out(op, out, made, args)
    op.returns = None
    return attach(op, call)


def several(op, args, arrays, edges, need):
    """One tensor per array; recorded as a hub with one Pick for each differentiable output."""
    made = []
    hub = None
    if need and op.differentiable and any(r.dtype.kind in INEXACT for r in arrays):
        plan = op.find(need)
        if op.naming is not None:
            plan = plan.called(op.naming(*args))
        hub = new(Node)
        hub.plan = plan
        hub.edges = edges
        hub.saved = plan.pack(arrays, *args)
        hub.seq = tick()
        hub.shape = tuple(r.shape for r in arrays)
        hub.dtype = tuple(r.dtype for r in arrays)
        hub.cell = None
        hub.hooks = None
    for i, r in enumerate(arrays):
        t = new(Tensor)
        t._data = r
        if hub is not None and r.dtype.kind in INEXACT:
            t._edge = Pick(hub, i, r)
            t._live = True
        made.append(t)
    return tuple(made)


def windows(made, args, call, state):
    """Make each of several outputs a view of the op's first tensor."""
    input = args[0]
    c = input._cell or cell_of(input)
    for i, t in enumerate(made):
        t._cell = c
        t._base = input if input._base is None else input._base
        t._chain = (*input._chain, (part, (call, tuple(args[1:]), i)))
        t._seen = c.time
        t._made = "multi" if state.grad else "no_grad"
        t._live = state.grad


def listed(forward=None, **facts):
    """Decorator: a list of tensors in, one tensor out (cat, stack). Rules return a list."""
    if forward is None:
        return lambda body: listed(body, **facts)
    op = Op(forward, "listed", ("tensors",), **facts)
    kernels = op.kernels
    arity = len(op.params)

    def call(*args, **named):
        state = ambient.state
        if state.intercept is not None:
            return state.intercept(call, args, named)
        out = None
        if named or len(args) != arity:
            args, out = op.bind(args, named)
        try:
            tensors = failures.tensor_list(op, args[0])
            arrays = [t._data for t in tensors]
            if any(a.dtype is not arrays[0].dtype for a in arrays):
                d = result_of(arrays).numpy
                arrays = [a.astype(d, copy=False) for a in arrays]
            kind = type(arrays[0])
            r = kernels[kind](arrays, *args[1:])
        except Exception as error:
            return failures.rescue(op, call, error, args, out)
        if out is not None:
            return write_out(op, out, r, tensors)
        t = new(Tensor)
        t._data = r
        if state.grad and r.dtype.kind in INEXACT:
            edges = tuple([vertex(i) if i._live else None for i in tensors])
            if any(e is not None for e in edges):
                plan = op.find(1)
                shapes = [a.shape for a in arrays]
                link(t, r, plan, edges, plan.pack(shapes, *args))
        return t
    return attach(op, call)


def composite(function=None, **facts):
    """Decorator: an op written with other ops; it needs no rules of its own."""
    if function is None:
        return lambda body: composite(body, **facts)
    op = Op(function, "composite", (), **facts)
    if facts.get("grad"):
        function = entitled(op, function)
    function = autocast.watched(op, function)
    if op.out and "out" not in op.params:
        function = taking_out(op, function)
    return attach(op, watched(op, function))


def entitled(op, function):
    """A composite whose last node has the name that PyTorch's single node has."""
    given = inspect.signature(function).parameters.values()
    places = {p.name: i for i, p in enumerate(given)}
    defaults = [p.default for p in given]

    def call(*args, **named):
        start = tick()
        r = function(*args, **named)
        if op.naming is None:
            title = op.grad_name
        else:
            row = [*args, *defaults[len(args):]]
            for name, value in named.items():
                row[places[dialects.SPELLINGS.get(name, name)]] = value
            title = op.naming(*row)
        for t in r if isinstance(r, tuple) else (r,):
            if isinstance(t, Tensor):
                entitle(t, title, start)
        return r
    return update_wrapper(call, function)


NUMPY_NAMES = ("axis", "keepdims")


def taking_out(op, function):
    """`function` with an `out=` to write its result into."""
    def call(*args, out=None, **named):
        if len(args) > most:
            args, weights = failures.older_order(op, args, most)
            named.update(weights)
        if named:
            named = {dialects.SPELLINGS.get(k, k) if k in NUMPY_NAMES else k: v
                     for k, v in named.items()}
            if "input" in named and shown[0].name == "A":    # PyTorch writes A and takes `input`
                named["A"] = named.pop("input")
        try:
            r = function(*args, **named)
        except (AttributeError, TypeError, ValueError) as error:
            better = failures.misused(op, args, named, error)
            if better is None:
                raise
            raise better from None
        return r if out is None else write_out(op, out, r, args)
    shown = list(inspect.signature(function).parameters.values())
    kinds = [p.kind for p in shown]
    most = kinds.count(Parameter.POSITIONAL_OR_KEYWORD)
    if Parameter.VAR_POSITIONAL in kinds:
        most = float("inf")
    rest = shown[-1:] if shown and shown[-1].kind is Parameter.VAR_KEYWORD else []
    call.__signature__ = Signature([*shown[:len(shown) - len(rest)], OUT, *rest])
    call.__name__ = call.__qualname__ = op.name
    call.__doc__ = function.__doc__
    call.__module__ = function.__module__
    call.__wrapped__ = function
    return call


@view(space="rules")
def part(x, call, args, index):
    """Output `index` of an op that makes several views."""
    return call.op.kernels[type(x)](x, *args)[index]
part.vjp(x=lambda xp, g, x_shape, call, args, index: xp.fill_window(
    g, x_shape, tuple(range(len(x_shape), 0, -1)), ((part, (call, args, index)),)))
