"""The op record, and the front ends that turn a body and its rules into a public function.

A body is written once on raw arrays; `op.vjp(x=…, y=…)` adds one gradient rule per input. Binding
is by parameter name: what a rule names is exactly what is saved for backward (`g` the incoming
gradient, `out` the result, any parameter of the body, `<tensor>_shape`, `xp` the array library).

On complex numbers the tape carries conj(g), so that rules are plain transposes (`g * y` is right
for real and complex alike); the engine conjugates where a gradient enters and leaves the tape.
"""

import numpy as np

from learntorch.backend import dialects
from learntorch.core import failures
from learntorch.core.ambient import ambient
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
from learntorch.core.tensor import Tensor

ndarray = np.ndarray
registry = {}


class Plan:
    """How one application of an op is kept and run backward, for one set of inputs needing it."""

    __slots__ = ("op", "need", "names", "pack", "run", "saves_out", "saves_x", "keeps")


class Op:
    """Everything known about one op: its body, its gradient rules, and how it may be called."""

    def __init__(self, forward, kind, tensors, *, ufunc=None, name=None, result="same", grad=None,
                 space="torch", method=True, inplace=None, out=None, outputs=None, promotes=None,
                 aliases=(), refuses=None, same_dtype=False, views=False):
        self.name = name or forward.__name__.rstrip("_")
        self.forward = forward
        self.kind = kind
        self.space = space
        self.method = method and bool({"torch", "Tensor"} & set(space.split()))
        self.inplace = kind in ("unary", "binary") if inplace is None else inplace
        self.out = kind in ("unary", "binary") if out is None else out
        self.aliases = aliases
        self.grad_name = (grad or camel(self.name)) + "Backward0"
        self.result = result            # "float", "same", "bool": see settle
        self.outputs = outputs
        self.promotes = promotes
        self.views = views              # several outputs that all look into the first tensor
        self.refuses = refuses
        self.same_dtype = same_dtype
        self.checks = bool(promotes or same_dtype or refuses or result == "float")
        self.takes_xp = "xp" in parameters(forward)
        self.params = tuple(p for p in parameters(forward) if p != "xp")
        self.tensors = tensors
        self.places = tuple(self.params.index(p) for p in tensors)
        defaults = forward.__defaults__ or ()
        self.required = len(self.params) - len(defaults)
        self.defaults = (None,) * self.required + tuple(defaults)
        self.names = tuple({"x": "input", "y": "other"}.get(p, p) for p in self.params)
        self.where = {n: i for i, n in enumerate(self.names)}
        self.vjps = {}
        self.joint = None
        self.plans = [None] * (1 << min(len(tensors), 8))
        # Array class → the function that computes the op on it; accelerators replace entries,
        # other array classes are bound when first met (failures.rescue).
        self.kernels = {ndarray: getattr(np, ufunc) if ufunc else dialects.bind(forward, ndarray)}
        self.public = None
        self.written = None         # the in-place variant: see methods.py

    def __repr__(self):
        return f"<op {self.name}>"

    # ---- gradient rules -------------------------------------------------------------------

    def plan(self, need):
        """The plan for the inputs in bit mask `need`: compiled once, then reused."""
        named = [(p, self.vjps.get(p)) for i, p in enumerate(self.tensors) if need >> i & 1]
        rules = [self.joint] if self.joint else [rule for _, rule in named if rule]
        if not rules:
            raise RuntimeError(f"derivative for {self.name} is not implemented")
        names = []
        for rule in rules:
            for name in parameters(rule):
                if name not in ("g", "xp", "need") and name not in names:
                    names.append(name)
        plan = Plan()
        plan.op = self
        plan.need = tuple(bool(need >> i & 1) for i in range(len(self.tensors)))
        plan.names = tuple(names)
        plan.saves_out = "out" in names or any(n in names for n in self.outputs or ())
        plan.saves_x = self.params[0] in names
        plan.keeps = plan.saves_out or any(n in self.tensors for n in names)
        plan.pack = self._pack(names)
        plan.run = self._run(names, need)
        if len(self.plans) > need:
            self.plans[need] = plan
        return plan

    def _pack(self, names):
        """`pack(out, x, y, …)` → the tuple of what is saved, in the order of `names`."""
        source = f"lambda out, {', '.join(self.params)}: ({''.join(self._value(n) for n in names)})"
        return eval(source, {"sizes": sizes})

    def _value(self, name):
        if name == "shapes" and self.kind == "listed":
            return "out, "
        if name in self.params or name == "out":
            return name + ", "
        if self.outputs and name in self.outputs:
            return f"out[{self.outputs.index(name)}], "
        if name.endswith("_shape") and name[:-6] in self.params:
            return f"sizes({name[:-6]}), "
        raise TypeError(f"the rule of {self.name} names {name!r}, which is none of its parameters")

    def _run(self, names, need):
        """`run(xp, g, *saved)` → one gradient (or None) per tensor parameter."""
        head = f"lambda xp, g{''.join(', ' + n for n in names)}: "
        if self.joint:
            flags = tuple(bool(need >> i & 1) for i in range(len(self.tensors)))
            call = ", ".join(f"{p}={'flags' if p == 'need' else p}" for p in parameters(self.joint))
            return eval(f"{head}rule({call})", {"rule": self.joint, "flags": flags})
        if self.kind == "listed":
            rule = self.vjps["tensors"]
            return eval(f"{head}rule({', '.join(parameters(rule))})", {"rule": rule})
        terms = []
        for i, p in enumerate(self.tensors):
            rule = self.vjps.get(p) if need >> i & 1 else None
            terms.append(f"{p}_({', '.join(parameters(rule))})" if rule else "None")
        return eval(f"{head}({', '.join(terms)},)", {p + "_": r for p, r in self.vjps.items()})

    def find(self, need):
        """The plan for `need`, compiled when it is met for the first time."""
        return (self.plans[need] if need < len(self.plans) else None) or self.plan(need)

    # ---- arguments ------------------------------------------------------------------------

    def bind(self, args, named):
        """All parameters by position, from arguments by position and by name; and `out`."""
        if len(args) > len(self.params):
            raise TypeError(f"{self.name}() takes {len(self.params)} positional arguments but "
                            f"{len(args)} were given")
        row = [*args, *self.defaults[len(args):]]
        given = len(args)
        out = None
        for name, value in named.items():
            place = self.where.get(name)
            if place is None:
                if name == "out" and self.out:
                    out = value
                    continue
                place = self.where.get(dialects.SPELLINGS.get(name))
            if place is None or place < len(args):
                raise failures.wrong_keyword(self, name, place)
            row[place] = value
            if place < self.required:
                given += 1
        if given < self.required:
            raise failures.missing_argument(self, args, named)
        return row, out

    # ---- dtypes ---------------------------------------------------------------------------

    def settle(self, r, a, operands):
        """The result in PyTorch's dtype, where NumPy's rule for ints and halves gave another."""
        d = a.dtype
        if self.result == "float" and d not in FLOATS:
            d = get_default_dtype().numpy
            return self.kernels[type(a)](*[cast(v, d) for v in operands])
        return r.astype(d)


def face(space):
    """The public names of one namespace ("torch", "nn.functional", "linalg") and their functions."""
    names = {}
    for call in registry.values():
        op = call.op
        if space in op.space.split():
            function = op.public or call
            for name in (op.name, *op.aliases):
                names[name] = function
                if op.inplace and op.kind == "unary" and space != "linalg":
                    names[name + "_"] = op.written
    return names


def parameters(function):
    """The names of a function's parameters."""
    code = function.__code__
    return code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]


def camel(name):
    """`log_softmax` → `LogSoftmax`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def sizes(t):
    """The shape of a tensor argument; () for a Python number."""
    return t._data.shape if isinstance(t, Tensor) else ()


def cast(value, numpy_dtype):
    """An array in another dtype; a Python number stays as it is."""
    return value.astype(numpy_dtype, copy=False) if hasattr(value, "astype") else value


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


def attach(op, call):
    """Give the public function its record, name, documentation and rule setters."""
    call.op = op
    call.__name__ = call.__qualname__ = op.name
    call.__doc__ = op.forward.__doc__
    call.__module__ = op.forward.__module__

    def vjp(**rules):
        op.vjps.update(rules)
        return call

    def vjp_all(rule):
        op.joint = rule
        return rule

    def public(function):
        front = taking_out(op, function) if op.out and "out" not in parameters(function) else function
        front.op = op
        op.public = front
        return front

    call.vjp = vjp
    call.vjp_all = vjp_all
    call.public = public
    registry[op.name] = call
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


INEXACT = "fcV"


def binary(forward=None, **facts):
    """Decorator: two tensors (or a tensor and a Python number), broadcast against each other."""
    if forward is None:
        return lambda body: binary(body, **facts)
    op = Op(forward, "binary", ("x", "y"), **facts)
    kernels = op.kernels
    plans = op.plans
    settles = op.result in ("same", "float")
    records = op.result not in ("bool", "index")

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
                    a, b = common_dtype(a, b)
                    d = a.dtype
            else:
                b = other
                live = input._live
                if d.char not in KEEPS[type(b)]:
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
                n.plan = plan = plans[need] or op.plan(need)
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
    records = op.result not in ("bool", "index")

    def call(*args, **named):
        state = ambient.state
        if state.intercept is not None:
            return state.intercept(call, args, named)
        out = None
        if named or len(args) != arity:
            args, out = op.bind(args, named)
        try:
            values, edges, need = operands(op, args, state.grad)
            a = values[0]
            kind = type(a)
            r = kernels[kind](*values)
            if op.result == "same" and r.dtype is not a.dtype:
                r = r.astype(a.dtype)
        except Exception as error:
            return failures.rescue(op, call, error, args, out)
        if out is not None:
            return write_out(op, out, r, args)
        if type(r) is not kind:
            r = dialects.as_array(r, kind)
        t = new(Tensor)
        t._data = r
        if need and records:
            plan = op.find(need)
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
    if op.checks or values[0].dtype in HALF:
        prepare(op, values)
    return values, tuple(edges), need


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
        return
    t._live = True
    edge = input._edge if input._base is None else vertex(input)
    if edge is not None and t._data.dtype.kind in INEXACT:
        plan = op.plans[1] or op.plan(1)
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
            values, edges, need = operands(op, args, state.grad)
            kind = type(values[0])
            arrays = kernels[kind](*values)
            arrays = tuple(r if type(r) is kind else dialects.as_array(r, kind) for r in arrays)
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
    if need and any(r.dtype.kind in INEXACT for r in arrays):
        plan = op.find(need)
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
    return attach(op, taking_out(op, function) if op.out else function)


def taking_out(op, function):
    """`function` with an `out=` to write its result into."""
    def call(*args, out=None, **named):
        r = function(*args, **named)
        return r if out is None else write_out(op, out, r, args)
    call.__wrapped__ = function
    call.__name__ = call.__qualname__ = op.name
    call.__doc__ = function.__doc__
    call.__module__ = function.__module__
    return call


@view(space="rules")
def part(x, call, args, index):
    """Output `index` of an op that makes several views."""
    return call.op.kernels[type(x)](x, *args)[index]
part.vjp(x=lambda xp, g, x_shape, call, args, index: xp.fill_window(
    g, x_shape, tuple(range(len(x_shape), 0, -1)), ((part, (call, args, index)),)))
