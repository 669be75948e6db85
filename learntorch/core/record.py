"""The op record: one op's body, its gradient rules, and the plans made from them.

A body is written once on raw arrays; `op.vjp(x=…, y=…)` adds one gradient rule per input. Binding
is by parameter name: what a rule names is exactly what is saved for backward (`g` the incoming
gradient, `out` the result, any parameter of the body, `<tensor>_shape`, `xp` the array library).

On complex numbers the tape carries conj(g), so that rules are plain transposes (`g * y` is right
for real and complex alike); the engine conjugates where a gradient enters and leaves the tape.
"""

import numpy as np

from learntorch.backend import dialects
from learntorch.core import failures
from learntorch.core.dtypes import FLOATS, HALF, get_default_dtype
from learntorch.core.graph import Pick
from learntorch.core.tensor import Tensor

ndarray = np.ndarray
registry = {}


class Plan:
    """How one application of an op is kept and run backward, for one set of inputs needing it.

    names: what is saved, in order. pack(out, x, …) gives those values; run(xp, g, *saved) the
    gradients. saves_out: the result is among them. keeps: any tensor is, so backward frees it.
    title: PyTorch's name of the node; `others` are the same plan under other names.
    """

    __slots__ = ("op", "names", "pack", "run", "saves_out", "keeps", "title", "others")

    def called(self, title):
        """The same plan for a node of another name: "MeanBackward1" where `dim` is given."""
        if title == self.title:
            return self
        made = self.others.get(title)
        if made is None:
            made = self.others[title] = Plan()
            for slot in ("op", "names", "pack", "run", "saves_out", "keeps", "others"):
                setattr(made, slot, getattr(self, slot))
            made.title = title
        return made


class Op:
    """Everything known about one op: its body, its gradient rules, and how it may be called.

    What a decorator may say about its op:

    ufunc       NumPy's own loop that computes the body, with its `out=`
    name, names, aliases   other public names: of the op, of its first parameters, beside its own
    space       where it is public: "torch", "nn.functional", "Tensor" (a method only), "rules"
    method, inplace, out   whether `Tensor.op`, `op_` and `out=` exist; `out` may also say what
                PyTorch demands of that tensor before it writes: words of outputs.DEMANDS
                ("dtype": the result's own), the sentence about a tensor of another dtype, or both
    grad        the name in the graph, without "Backward0", or a function of some parameters that
                gives all of it. Of a composite: the name of the node that it ends with
    result      its dtype: "same" as the first tensor, "float" (integers become the default float),
                "real" (complex becomes real), "mask" (True becomes 1 of the first tensor's dtype),
                "bool" or "index" (no gradient), None (as computed)
    promotes    the parameters brought to one dtype; same_dtype: they must have one already
    refuses     the kernel PyTorch names when it has no version for integers
    identity    the kinds of dtype ("b" bool, "i", "u") that the op leaves as they are
    numbers     whether the second operand may be a Python number; "both": the first one, too
    halves      what sees half types as they are: "body", "rules" (else float32, results rounded)
    outputs     the names of several outputs; views: all of them look into the first tensor
    """

    def __init__(self, forward, kind, tensors, *, ufunc=None, name=None, result="same", grad=None,
                 space="torch", method=True, inplace=None, out=None, outputs=None, promotes=None,
                 aliases=(), refuses=None, same_dtype=False, views=False, numbers=True,
                 halves="", identity="", names=()):
        # "nn.functional.unfold" is the op unfold where Tensor.unfold is another one.
        self.key = name or forward.__name__.rstrip("_")
        self.name = self.key.rpartition(".")[2]
        self.forward = forward
        self.kind = kind
        self.space = space
        self.method = method and bool({"torch", "Tensor"} & set(space.split()))
        self.inplace = kind in ("unary", "binary") if inplace is None else inplace
        self.out = kind in ("unary", "binary") if out is None else bool(out)
        self.demands = out if isinstance(out, tuple) else () if not isinstance(out, str) else \
            (out,) if "{" in out else out.split()
        self.aliases = aliases
        self.grad_name = titled(camel(self.name) if grad is None or callable(grad) else grad)
        self.result = result            # "float", "same", "bool": see settle
        self.outputs = outputs
        self.promotes = promotes
        self.views = views              # several outputs that all look into the first tensor
        self.refuses = refuses
        self.same_dtype = same_dtype
        self.numbers = numbers
        self.halves = halves
        self.identity = identity
        self.checks = bool(promotes or same_dtype or refuses or result == "float")
        self.params = tuple(p for p in parameters(forward) if p != "xp")
        self.naming = self._naming(grad) if callable(grad) else None
        self.tensors = tensors
        self.places = tuple(self.params.index(p) for p in tensors)
        defaults = forward.__defaults__ or ()
        self.required = len(self.params) - len(defaults)
        self.defaults = (None,) * self.required + tuple(defaults)
        public = tuple({"x": "input", "y": "other"}.get(p, p) for p in self.params)
        self.names = (*names, *public[len(names):])
        self.where = {n: i for i, n in enumerate(self.names)}
        self.vjps = {}
        self.joint = None
        self.plans = [None] * (1 << min(len(tensors), 8))
        # Array class → the function that computes the op on it; accelerators replace entries,
        # other array classes are bound when first met (failures.rescue).
        self.kernels = {ndarray: getattr(np, ufunc) if ufunc else self.kernel(ndarray)}
        self.public = None
        self.front = None           # a composite behind `guarded`, as faces show it
        self.written = None         # the in-place variant: see methods.py

    def __repr__(self):
        return f"<op {self.name}>"

    def kernel(self, array_class):
        """The body as a function of arrays of one class, with what the record says about dtypes."""
        body = dialects.bind(self.forward, array_class)
        if self.result == "mask":
            return masked(body)
        if self.kind in ("unary", "binary") and self.result != "bool":
            body = widened(body, self.result == "float")
        return unchanged(body, self.identity) if self.identity else body

    def _naming(self, grad):
        """`naming(x, …)`: the name of the node that a call records, from what `grad` asks for."""
        asked = ", ".join(parameters(grad))
        return eval(f"lambda {', '.join(self.params)}: grad({asked})", {"grad": grad})

    # ---- gradient rules -------------------------------------------------------------------

    @property
    def differentiable(self):
        """Whether there is any gradient rule; without one the result has no history."""
        return bool(self.vjps or self.joint)

    def plan(self, need):
        """The plan for the inputs in bit mask `need`: compiled once, then reused."""
        named = [(p, self.vjps.get(p)) for i, p in enumerate(self.tensors) if need >> i & 1]
        rules = [self.joint] if self.joint else [rule for _, rule in named if rule]
        names = []
        for rule in rules:
            for name in parameters(rule):
                if name not in ("g", "xp", "need") and name not in names:
                    names.append(name)
        plan = Plan()
        plan.op = self
        plan.title = self.grad_name
        plan.others = {}
        plan.names = tuple(names)
        plan.saves_out = "out" in names or any(n in names for n in self.outputs or ())
        plan.keeps = plan.saves_out or any(n in self.tensors for n in names)
        plan.pack = self._pack(names)
        plan.run = self._run(names, need) if rules else self._no_rule
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

    def _no_rule(self, xp, g):
        raise RuntimeError(f"derivative for {self.name} is not implemented: no gradient passes "
                           "through it. Call .detach() on its input if none should.")

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
            return r if r.dtype is d else self.kernels[type(a)](*[cast(v, d) for v in operands])
        return r.astype(d)


def face(space):
    """The public names of one namespace ("torch", "nn.functional") and their functions."""
    names = {}
    module = "learntorch" if space == "torch" else f"learntorch.{space}"
    for call in registry.values():
        op = call.op
        if space in op.space.split():
            function = op.public or call
            if op.kind == "composite" and not op.out and op.key not in UNGUARDED or (
                    op.key == "embedding"):
                function = op.front = op.front or guarded(op, function, module)
            for name in (op.name, *op.aliases):
                names[name] = function
                if op.inplace and space not in ("linalg", "special") and (
                        op.kind == "unary" or "nn.functional" in op.space):
                    names[name + "_"] = op.written
    return names


# They have nothing to compute, or look at their arguments first.
UNGUARDED = frozenset("""tensor as_tensor asarray from_numpy zeros ones empty full arange eye
    dropout detach clone numel is_tensor is_storage is_floating_point is_complex""".split())


def guarded(op, function, module):
    """A composite as users see it: what it says about wrong arguments is said in their words.

    Its method and other ops' calls of it go without this frame.
    """
    def call(*args, **named):
        try:
            return function(*args, **named)
        except (AttributeError, TypeError, ValueError) as error:
            better = failures.misused(op, args, named, error)
            if better is None:
                raise
            raise better from None
    call.__dict__.update(function.__dict__)
    call.__wrapped__ = function
    call.__name__, call.__qualname__, call.__doc__ = op.name, op.name, function.__doc__
    call.__module__ = module
    return call


def parameters(function):
    """The names of a function's parameters."""
    code = function.__code__
    return code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]


def camel(name):
    """`log_softmax` → `LogSoftmax`, `log1p` → `Log1P`."""
    return name.title().replace("_", "")


def titled(name):
    """The name of a node: `Mul` → `MulBackward0`; `MeanBackward1` and the like are whole."""
    whole = "Backward" in name[:-1] and (name[-1].isdigit() or name.endswith("_copy"))
    return name if whole or name == "CopySlices" else name + "Backward0"


def entitle(made, title, since=0):
    """The tensor just made, its node (if it is newer than `since`) under another name."""
    n = made._edge
    if type(n) is Pick:
        n = n.edges[0]
    if n is not None and n.seq > since and type(n.plan) is Plan:
        n.plan = n.plan.called(title)
    return made


def sizes(t):
    """The shape of a tensor argument; () for a Python number."""
    return t._data.shape if isinstance(t, Tensor) else ()


def cast(value, numpy_dtype):
    """An array in another dtype; a Python number stays as it is."""
    return value.astype(numpy_dtype, copy=False) if hasattr(value, "astype") else value


def masked(forward):
    """A body that answers True and False, with 1 and 0 of the first array's dtype instead."""
    def kernel(*arrays):
        return forward(*arrays).astype(arrays[0].dtype)
    return kernel


def unchanged(forward, kinds):
    """A body that copies arrays of some kinds of dtype."""
    def kernel(a, *rest):
        return a.copy() if a.dtype.kind in kinds else forward(a, *rest)
    return kernel


def widened(forward, floating):
    """A body that computes half types in float32 and rounds its result, as PyTorch's kernels do.

    `floating`: it never sees whole numbers, they come in the default floating-point type.
    """
    def kernel(*arrays):
        d = arrays[0].dtype
        if d.itemsize == 2 and d in HALF:
            return forward(*[cast(a, np.float32) for a in arrays]).astype(d)
        if floating and d not in FLOATS:
            d = get_default_dtype().numpy
            return forward(*[cast(a, d) for a in arrays]).astype(d, copy=False)
        return forward(*arrays)
    return kernel
