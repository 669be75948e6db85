"""Forward mode: a derivative along one direction, carried along with the values.

Inside `with dual_level():` a tensor may be dual: a primal x and a tangent ẋ. Every op then computes
the tangent of its result, too. No second set of rules is needed for that. A gradient rule is the
linear map u ↦ uᵀJ, so its own gradient in u, weighed with ẋ, is J ẋ: the transpose of the
transpose. Where J is diagonal (elementwise ops on real numbers) rule(ẋ) is J ẋ at once, and a view,
`cat` or `stack` of tangents is the tangent of the view, `cat` or `stack`.

Source: Griewank and Walther, Evaluating Derivatives (2008), chapter 3.
"""

import weakref
from collections import namedtuple

from learntorch.autograd.function import apply_function
from learntorch.backend import tensor_xp
from learntorch.core import engine
from learntorch.core.ambient import State, Switch, ambient, enable_grad, intercepted_by
from learntorch.core.dtypes import FLOATS
from learntorch.core.graph import Leaf, Pick, cell_of, new
from learntorch.core.methods import needs_old_values
from learntorch.core.record import registry
from learntorch.core.tensor import Tensor

UnpackedDualTensor = namedtuple("UnpackedDualTensor", ("primal", "tangent"))


class DualLevel:
    """Interceptor: computes the tangent of every result one of whose inputs has one."""

    transforms = True

    def __init__(self, outer):
        self.outer = outer
        self.by_node = weakref.WeakKeyDictionary()      # node → {which output: tangent}
        self.marked = []                                # who carries a tangent of this level

    def __call__(self, function, args, kwargs):
        top = innermost(args, kwargs)
        if top is not None:                             # batched dimensions come off first
            return top.level.batched_call(function, args, kwargs)
        op = function.op
        plain = getattr(function, "plain", None)
        if plain is not None:                           # a composite: its own ops will be seen
            if not self.below(args, kwargs):
                with intercepted_by(self.outer):
                    return function(*args, **kwargs)
            return plain(*args, **kwargs)
        if function.__name__.endswith("_") and function is op.written:
            return self.in_place(function, args, kwargs)
        with intercepted_by(self.outer):
            if kwargs or len(args) != len(op.params):
                args, out = op.bind(args, kwargs)
                if out is not None:
                    return function(*args, out=out)
            tensors = args[0] if op.kind == "listed" else [args[i] for i in op.places]
            tangents = [self.tangent(t) for t in tensors]
            result = function(*args)
            if any(v is not None for v in tangents):
                for t, v in pushed(op, function, args, result, tensors, tangents):
                    self.give(t, v)
        return result

    def below(self, args, kwargs):
        """Whether an argument carries a tangent of this level."""
        return any(self.tangent(t) is not None for t in tensors_in((args, kwargs)))

    # ---- tangents -------------------------------------------------------------------------

    def tangent(self, t):
        """The tangent of `t` at this level, or None."""
        if not isinstance(t, Tensor):
            return None
        if t._tangents and self in t._tangents:
            return t._tangents[self]
        if t._base is not None:                         # a window of the base's tangent
            v = self.tangent(t._base)
            return None if v is None else follow(v, t._chain)
        edge = t._edge
        if edge is None or type(edge) is Leaf:
            return None
        node, place = (edge.edges[0], edge.index) if type(edge) is Pick else (edge, 0)
        return self.by_node.get(node, {}).get(place)

    def give(self, t, v):
        """Let `t` carry the tangent `v`; its node, too, since rules meet the result again."""
        if t._tangents is None:
            t._tangents = {}
        t._tangents[self] = v
        self.marked.append(weakref.ref(t))
        edge = t._edge
        if edge is not None and type(edge) is not Leaf:
            node, place = (edge.edges[0], edge.index) if type(edge) is Pick else (edge, 0)
            self.by_node.setdefault(node, {})[place] = v

    def in_place(self, function, args, kwargs):
        """x.op_(…): the tangent of the result becomes that of x, and of what x is a window of."""
        x = args[0]
        source = x.clone() if ambient.state.grad and needs_old_values(function.op) else x
        outside = function.op.public or registry[function.op.key]
        result = outside(source, *args[1:], **kwargs)
        v = self.tangent(result)
        had = self.tangent(x)
        with intercepted_by(self.outer):
            function(*args, **kwargs)
            if v is not None or had is not None:
                self.replace(x, zeros_like(x) if v is None else v)
        return x

    def replace(self, x, v):
        base = x._base
        if base is None:
            self.give(x, v)
            return
        whole = self.tangent(base)
        whole = zeros_like(base) if whole is None else whole.clone()
        follow(whole, x._chain).copy_(v)
        self.give(base, whole)
        if x._tangents:
            x._tangents.pop(self, None)

    def close(self):
        """Take every tangent of this level off its tensor."""
        for ref in self.marked:
            t = ref()
            if t is not None and t._tangents:
                t._tangents.pop(self, None)
        self.marked.clear()
        self.by_node.clear()

    # ---- what is no op --------------------------------------------------------------------

    def indexed(self, x, index):
        """x[index]: itself made of ops that are seen."""
        from learntorch.ops.index import basic_view, gather_index, parse, trivial
        top = innermost((x, index), {})
        if top is not None:
            return top.level.indexed(x, index)
        basic, advanced = parse(x._data.shape, index)
        if advanced is None:
            return basic_view(x, basic)
        return gather_index(x if trivial(basic) else basic_view(x, basic), advanced)

    def assigned(self, x, index, value):
        """x[index] = value as the op that writes into a view."""
        from learntorch.ops.index import assign_seen
        top = innermost((x, index, value), {})
        if top is not None:
            return top.level.assigned(x, index, value)
        return assign_seen(x, index, value)

    def user_function(self, cls, args, kwargs, found):
        """A user's Function: its own `jvp` says what the tangents of its results are."""
        top = innermost(args, kwargs)
        if top is not None:
            return top.level.user_function(cls, args, kwargs, found)
        tangents = [self.tangent(a) for a in args]
        with intercepted_by(self.outer):
            result = apply_function(cls, args, kwargs, found)
            if all(v is None for v in tangents):
                return result
            outputs = result if isinstance(result, tuple) else (result,)
            pushed = user_tangents(cls, found[0], args, tangents, outputs)
            for t, v in zip(outputs, pushed, strict=True):
                if v is not None and isinstance(t, Tensor):
                    self.give(t, v)
        return result


def innermost(args, kwargs):
    """The batched tensor of the deepest `vmap` among the arguments, or None."""
    found = None
    for t in tensors_in((args, kwargs)):
        level = getattr(t, "level", None)
        if level is not None and (found is None or level.depth > found.level.depth):
            found = t
    return found


def tensors_in(value):
    """All tensors in nested tuples, lists and dictionaries."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for v in value:
            yield from tensors_in(v)
    elif isinstance(value, dict):
        for v in value.values():
            yield from tensors_in(v)


def follow(v, chain):
    """The window of `v` that a chain of view steps leads to."""
    for step, args in chain:
        v = seen(step, v, args)
    return v


def seen(step, v, args):
    """A view of a tangent: where its memory lies otherwise than the primal's, a copy may do."""
    return v.reshape(args[0]) if step.op.key == "view_shape" else step(v, *args)


def zeros_like(t):
    return registry["zeros_like"](t)


def real_elementwise(op, result, tensors):
    """Whether result[i] depends on the inputs at i only, so that the rule is its own transpose."""
    return (op.kind in ("unary", "binary") and not op.joint and result._data.dtype.kind != "c"
            and all(t._data.dtype.kind != "c" for t in tensors if isinstance(t, Tensor)))


def pushed(op, function, args, result, tensors, tangents):
    """Pairs (output, its tangent) of one call of an op whose inputs have `tangents`."""
    made = result if isinstance(result, tuple) else (result,)
    if (op.kind == "view" or op.views) and op.key != "strided_window":
        found = seen(function, tangents[0], args[1:])
        return zip(made, found if isinstance(found, tuple) else (found,), strict=True)
    if op.kind == "listed":
        full = [zeros_like(t) if v is None else v for t, v in zip(tensors, tangents, strict=True)]
        return ((result, function(full, *args[1:])),)
    if not op.differentiable or op.result in ("bool", "index"):
        return ()
    if real_elementwise(op, made[0], tensors):
        return ((result, elementwise(op, args, result, tangents)),)
    return transposed(op, args, made, tensors, tangents)


def elementwise(op, args, result, tangents):
    """Σᵢ ruleᵢ(ẋᵢ): each rule multiplies by a diagonal Jacobian."""
    total = None
    for i, v in enumerate(tangents):
        if v is None:
            continue
        if v._data.shape != result._data.shape:
            v = v.expand(result._data.shape)
        plan = op.find(1 << i)
        part = plan.run(tensor_xp, v.to(result.dtype), *plan.pack(result, *args))[i]
        if part is not None:
            total = part if total is None else total + part
    if total is None:
        return zeros_like(result)
    return total.to(result.dtype)


# Rules are differentiated at u = 1: a few take logarithms of u, and some leave out what is 0. These
# refuse a u that asks for the phase of a vector.
AT_ZERO = frozenset(("eig_factor", "eigh_factor"))


def transposed(op, args, made, tensors, tangents):
    """J ẋ as the gradient of ⟨rule(u), ẋ⟩ in u: the rule is linear in u.

    On the tape lies conj(gradient), and ⟨a, b⟩ = Re Σ a b pairs it with tangents.
    """
    need = sum(1 << i for i, v in enumerate(tangents) if v is not None)
    plan = op.find(need)
    inexact = [t for t in made if t._data.dtype in FLOATS]
    if not inexact:
        return ()
    start = zeros_like if op.key in AT_ZERO else registry["ones_like"]
    seeds = [start(t.detach()).requires_grad_() for t in inexact]
    with enable_grad():
        u = seeds if op.kind == "multi" and not (len(seeds) == 1 and op.outputs) else seeds[0]
        saved = plan.pack(made if op.kind == "multi" else made[0], *args)
        rules = plan.run(tensor_xp, u, *saved)
        pairs = [(engine.fit_tensor(g, t._data), v.conj() if v._data.dtype.kind == "c" else v)
                 for g, t, v in zip(rules, tensors, tangents, strict=False)
                 if g is not None and v is not None]
    if any(not g.requires_grad and g._data.any() for g, _ in pairs):
        raise NotImplementedError(f"Trying to use forward AD with {op.name} that does not support "
                                  "it because it has not been implemented yet: its gradient rule "
                                  "uses an op that has no rule itself.")
    pairs = [(g, v) for g, v in pairs if g.requires_grad]
    if not pairs:
        return [(t, zeros_like(t)) for t in inexact]
    alive = ambient.state.grad and any(isinstance(t, Tensor) and t.requires_grad
                                       for t in (*tensors, *tangents))
    found = engine.grad([g for g, _ in pairs], seeds, [v for _, v in pairs], create_graph=alive,
                        allow_unused=True)
    return [(t, zeros_like(t) if g is None else g.conj() if g._data.dtype.kind == "c" else g)
            for t, g in zip(inexact, found, strict=True)]


def user_tangents(cls, ctx, args, tangents, outputs):
    """What a user's `jvp(ctx, *tangents)` says, checked: one tangent (or None) per output."""
    given = [zeros_like(a) if v is None and ctx.materialize_grads and isinstance(a, Tensor)
             and a.dtype.is_floating_point else v for a, v in zip(args, tangents, strict=True)]
    answer = cls.jvp(ctx, *given)
    ctx.saved_for_forward = None
    answer = answer if isinstance(answer, tuple) else (answer,)
    if len(answer) != len(outputs):
        raise RuntimeError(f"A custom Function's jvp returned {len(answer)} gradients but its "
                           f"forward {len(outputs)} outputs: {cls.__name__}.jvp gives one tangent "
                           "(or None) for every output")
    for v, t in zip(answer, outputs, strict=True):
        if v is not None and v._data.shape != t._data.shape:
            raise RuntimeError(f"A custom Function's jvp returned a tangent of shape "
                               f"{list(v.shape)} for an output of shape {list(t.shape)}")
    return answer


# ---- what the user calls -----------------------------------------------------------------------

_PUBLIC = []            # the levels entered by hand, newest last


class dual_level(Switch):
    """Inside the block tensors can be dual; when it is left, all tangents are gone.

        with dual_level():
            y = f(make_dual(x, v))
            unpack_dual(y).tangent      # J v
    """

    __slots__ = ("level", "public")

    def __init__(self, public=True):
        self.public = public

    def state(self, now):
        if self.public and _PUBLIC:
            raise RuntimeError("Nested forward mode AD is not supported at the moment: leave the "
                               "outer dual_level first, or use torch.func.jvp, which nests.")
        self.level = DualLevel(now.intercept)
        if self.public:
            _PUBLIC.append(self.level)
        return State(now.grad, now.inference, self.level)

    def __enter__(self):
        super().__enter__()
        return len(_PUBLIC) - 1 if self.public else self.level

    def __exit__(self, *error):
        super().__exit__(*error)
        self.level.close()
        if self.public:
            _PUBLIC.remove(self.level)

    def clone(self):
        return dual_level()


def enter_dual_level():
    """Start a level of forward mode by hand; `exit_dual_level` ends it. Gives its number."""
    ambient.state = dual_level().state(ambient.state)
    return len(_PUBLIC) - 1


def exit_dual_level(*, level=None):
    """End the level that `enter_dual_level` started. Raises RuntimeError where there is none."""
    if not _PUBLIC:
        raise RuntimeError("Dual level must be a positive number.")
    if level is not None and level != len(_PUBLIC) - 1:
        raise RuntimeError("Trying to exit a forward AD level that was not the last one that was "
                           "created. This is not supported.")
    here = _PUBLIC.pop()
    now = ambient.state
    here.close()
    if now.intercept is here:
        ambient.state = State(now.grad, now.inference, here.outer)


def _level(level):
    if not _PUBLIC:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, "
                           "make sure to enter_dual_level() first.")
    return _PUBLIC[-1] if level is None or level < 0 else _PUBLIC[level]


def make_dual(tensor, tangent, *, level=None):
    """A dual tensor: a view of `tensor` that carries `tangent` (of the same shape).

    Raises RuntimeError where the shapes differ, or outside a `dual_level`.
    """
    here = _level(level)
    if not (tensor.is_floating_point() or tensor.is_complex()):
        raise ValueError("Expected primal to be floating point or complex, but got: "
                         f"{tensor.dtype}")
    if not (tangent.is_floating_point() or tangent.is_complex()):
        raise ValueError("Expected tangent to be floating point or complex, but got: "
                         f"{tangent.dtype}")
    return dual(here, tensor, tangent)


def dual(level, tensor, tangent):
    """As `make_dual`, at a given level; a batched primal or tangent makes the result batched."""
    if tangent._data.shape != tensor._data.shape:
        raise RuntimeError("Trying to set a forward gradient that has a different size than that "
                           "of the original Tensor, this is not supported. Tensor is of size "
                           f"{list(tensor.shape)} while the given forward gradient is of size "
                           f"{list(tangent.shape)}.")
    top = innermost((tensor, tangent), {})
    if top is not None:
        return top.level.each(lambda x, v: dual(level, x, v), tensor, tangent)
    with intercepted_by(level.outer):
        t = same_memory(tensor)
    if level.tangent(tensor) is not None:
        raise RuntimeError("Making a dual Tensor based on a Tensor that already has a forward "
                           "gradient at the same level 0 is not supported: unpack_dual it first.")
    level.give(t, tangent)
    return t


def same_memory(tensor):
    """Another tensor on the same memory with the same history and the outer levels' tangents."""
    if tensor._live and ambient.state.grad:
        return registry["alias"](tensor)
    t = new(Tensor)
    t._data = tensor._data
    t._cell = cell_of(tensor)
    t._tangents = dict(tensor._tangents) if tensor._tangents else None
    return t


def unpack_dual(tensor, *, level=None):
    """(primal, tangent) of a dual tensor; the tangent is None where there is none."""
    if not _PUBLIC:
        return UnpackedDualTensor(tensor, None)
    return UnpackedDualTensor(*parts(_level(level), tensor))


def parts(level, t):
    """The primal and the tangent (or None) of `t` at a level."""
    top = getattr(t, "level", None)
    if top is not None:
        primal, tangent = parts(level, t.whole)
        return top.wrap(primal), None if tangent is None else top.wrap(tangent)
    v = level.tangent(t)
    if v is None:
        return t, None
    with intercepted_by(level.outer):
        if t._edge is not None and ambient.state.grad:
            primal = registry["alias"](t)
        else:
            primal = same_memory(t)
    level.give(primal, None)
    return primal, v


__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual",
           "unpack_dual"]
