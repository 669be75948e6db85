"""grad, vjp, jvp and the matrices made of them, for functions of nested tensors.

Levels nest because the tape is one: the argument of an inner `grad` is a new leaf, or an alias that
carries on the history of the outer one. Inside `vmap` the wholes are differentiated: no example
takes part in the loss of another, so one backward gives every example its own gradient.
"""

import functools

from learntorch.autograd.forward_ad import DualLevel, dual, dual_level, parts
from learntorch.autograd.transforms.batched import Batched, lift_all, lower_all, vmap_levels
from learntorch.autograd.transforms.vmap import vmap
from learntorch.core import engine, pytree
from learntorch.core.ambient import ambient, enable_grad, intercepted_by, no_grad, transform_in
from learntorch.core.graph import Leaf, cell_of, new, vertex
from learntorch.core.record import registry
from learntorch.core.tensor import Tensor

ones_like = registry["ones_like"]
zeros_like = registry["zeros_like"]


# ---- arguments -----------------------------------------------------------------------------------


def chosen(argnums, args):
    """The arguments to differentiate: one for an int, a tuple of them for several."""
    for i in argnums if isinstance(argnums, tuple) else (argnums,):
        if not isinstance(i, int):
            raise RuntimeError(f"argnum must be int, got: {type(i)}")
        if not -len(args) <= i < len(args):
            raise RuntimeError(f"Got argnum={i}, but only {len(args)} positional inputs")
    if isinstance(argnums, tuple):
        if not argnums:
            raise RuntimeError("argnums must be non-empty")
        return tuple(args[i] for i in argnums)
    return args[argnums]


def put_back(argnums, args, values):
    """The arguments with those chosen replaced."""
    args = list(args)
    if isinstance(argnums, tuple):
        for i, value in zip(argnums, values, strict=True):
            args[i] = value
    else:
        args[argnums] = values
    return args


def check_tensors(leaves):
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(leaf)}")


def check_results(head, leaves):
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise RuntimeError(f"{head}: expected f(*primals) to return only tensors, got "
                               f"unsupported type {type(leaf)}")


# ---- reverse mode --------------------------------------------------------------------------------


class Reverse:
    """One differentiation of a function: where it starts, and how to pull cotangents back.

    The leaves of the arguments become vertices of their own: wholes with every batch dimension in
    force, since each example shall have its own gradient.
    """

    def __init__(self, leaves):
        check_tensors(leaves)
        self.levels = vmap_levels()
        self.grad = ambient.state.grad
        self.starts = [self.start(lift_all(t, self.levels)) for t in leaves]
        self.given = [lower_all(t, self.levels) for t in self.starts]

    def start(self, t):
        """A tensor on the same memory whose history starts here, or goes on from here."""
        if t._live and self.grad and vertex(t) is not None:
            return registry["alias"](t)
        fresh = new(Tensor)
        fresh._data = t._data
        fresh._cell = cell_of(t)
        fresh._tangents = dict(t._tangents) if t._tangents else None
        return fresh.requires_grad_() if t.is_floating_point() or t.is_complex() else fresh

    def leads_out(self, roots):
        """Whether somebody outside waits for gradients of the gradients."""
        own = {vertex(t) for t in self.starts}
        return self.grad and any(
            (type(n) is Leaf and n not in own) or (n in own and n.edges)
            for n in engine.order(dict.fromkeys(roots)))

    def pull(self, outputs, cotangents, keep=False, create_graph=None):
        """Σ outputs · cotangents differentiated in the starts: one gradient per argument leaf."""
        pairs = []
        for t, g in zip(outputs, cotangents, strict=True):
            whole = lift_all(t, self.levels)
            if vertex(whole) is not None:
                pairs.append((whole, lift_all(g, self.levels)))
        inputs = [t for t in self.starts if vertex(t) is not None]
        if not pairs:
            found = [None] * len(inputs)
        else:
            if create_graph is None:
                create_graph = self.leads_out([vertex(t) for t, _ in pairs])
            with self.walking([g for _, g in pairs]):
                found = engine.grad([t for t, _ in pairs], inputs, [g for _, g in pairs],
                                    retain_graph=keep or None, create_graph=create_graph,
                                    allow_unused=True)
        rest = iter(found)
        made = [next(rest) if vertex(t) is not None else None for t in self.starts]
        return [lower_all(zeros_like(t.detach()) if g is None else g, self.levels)
                for t, g in zip(self.starts, made, strict=True)]

    def walking(self, cotangents):
        """Rules run on raw arrays unless a batched or dual tensor comes along."""
        asked = ambient.state.intercept
        while asked is not None and not isinstance(asked, DualLevel):
            asked = getattr(asked, "outer", None)
        plain = asked is None and not any(isinstance(g, Batched) for g in cotangents)
        return intercepted_by(None if plain and transform_in(ambient.state)
                              else ambient.state.intercept)

    def settled(self, tree):
        """A result as the caller may have it: without the history that only we needed."""
        def cut(t):
            if not isinstance(t, Tensor) or not t.requires_grad:
                return t
            root = vertex(lift_all(t, self.levels))
            return t if root is not None and self.leads_out([root]) else t.detach()
        return pytree.tree_map(cut, tree)


def grad_and_value(func, argnums=0, has_aux=False):
    """A function that gives (gradient of `func` in argument `argnums`, its value).

    `func` returns one number as a tensor; with `has_aux` a pair of it and anything else.
    Raises RuntimeError for another output.
    """
    @functools.wraps(func)
    def differentiated(*args, **kwargs):
        leaves, spec = pytree.tree_flatten(chosen(argnums, args))
        reverse = Reverse(leaves)
        inner = put_back(argnums, args, pytree.tree_unflatten(reverse.given, spec))
        with enable_grad():
            output = func(*inner, **kwargs)
        aux = None
        if has_aux:
            if not (isinstance(output, tuple) and len(output) == 2):
                raise RuntimeError("grad_and_value(f)(*args): output of function f should be a "
                                   "tuple: (output, aux) if has_aux is True")
            output, aux = output
        if not isinstance(output, Tensor):
            raise RuntimeError("grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got"
                               f" {type(output)}")
        if output._data.ndim:
            raise RuntimeError("grad_and_value(f)(*args): Expected f(*args) to return a scalar "
                               f"Tensor, got tensor with {output._data.ndim} dims. Maybe you "
                               "wanted to use the vjp or jacrev APIs instead?")
        found = pytree.tree_unflatten(
            reverse.pull([output], [ones_like(output.detach())]), spec)
        value = reverse.settled(output)
        return (found, (value, reverse.settled(aux))) if has_aux else (found, value)
    return differentiated


def grad(func, argnums=0, has_aux=False):
    """A function that gives the gradient of `func` in argument `argnums` (an int or several).

    `func` returns one number as a tensor; with `has_aux` a pair of it and anything else, and the
    new function gives (gradient, that). `grad(grad(f))` and `vmap(grad(f))` mean what they say.
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def differentiated(*args, **kwargs):
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found
    return differentiated


def vjp(func, *primals, has_aux=False):
    """(func(*primals), pull): `pull(cotangents)` is vᵀJ, a tuple with one entry per primal.

    With `has_aux`, `func` returns (output, anything) and the result is (output, pull, anything).
    Raises RuntimeError for cotangents of another form or shape than the output.
    """
    leaves, spec = pytree.tree_flatten(primals)
    reverse = Reverse(leaves)
    with enable_grad():
        output = func(*pytree.tree_unflatten(reverse.given, spec))
    aux = None
    if has_aux:
        if not (isinstance(output, tuple) and len(output) == 2):
            raise RuntimeError("vjp(f, *primals): output of function f should be a tuple: (output, "
                               "aux) if has_aux is True")
        output, aux = output
    outputs, form = pytree.tree_flatten(output)
    check_results("vjp(f, *primals)", outputs)

    def pull(cotangents, retain_graph=True, create_graph=None):
        given, their = pytree.tree_flatten(cotangents)
        if their != form:
            raise RuntimeError("Expected pytree structure of cotangents to be the same as pytree "
                               f"structure of outputs to the function. cotangents: "
                               f"{pytree.shown(their)}, primal output: {pytree.shown(form)}")
        for i, (g, t) in enumerate(zip(given, outputs, strict=True)):
            if g._data.shape != t._data.shape:
                raise RuntimeError(f"Mismatch in shape: grad_output[{i}] has a shape of {g.shape} "
                                   f"and output[{i}] has a shape of {t.shape}.")
        found = reverse.pull(outputs, given, keep=retain_graph, create_graph=create_graph)
        return pytree.tree_unflatten(found, spec)

    shown = reverse.settled(output)
    return (shown, pull, reverse.settled(aux)) if has_aux else (shown, pull)


# ---- forward mode --------------------------------------------------------------------------------


def jvp(func, primals, tangents, *, strict=False, has_aux=False):
    """(func(*primals), J v): the output and its derivative along `tangents`, by forward mode.

    Both are tuples of the same form. strict: raise RuntimeError where an output does not depend
    on the primals. With `has_aux`, `func` returns (output, anything).
    Raises RuntimeError for tangents of another form than the primals.
    Shapes: tangents as the primals, J v as the output.
    """
    head = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{head}: Expected primals to be a tuple. E.g. it should be valid to "
                           "call f(*primals).")
    leaves, spec = pytree.tree_flatten(primals)
    along, their = pytree.tree_flatten(tangents)
    if spec != their:
        raise RuntimeError(f"{head}: Expected primals and tangents to have the same python "
                           "structure. For example, if primals is a tuple of 3 tensors, tangents "
                           f"also must be. Got primals with structure {spec} and tangents with "
                           f"structure {their}")
    check_tensors(leaves)
    check_tensors(along)
    with dual_level(public=False) as level:
        duals = [dual(level, t, v) for t, v in zip(leaves, along, strict=True)]
        output = func(*pytree.tree_unflatten(duals, spec))
        aux = None
        if has_aux:
            if not (isinstance(output, tuple) and len(output) == 2):
                raise RuntimeError(f"{head}: output of function f should be a tuple: (output, aux) "
                                   "if has_aux is True")
            output, aux = output
            aux = pytree.tree_map(lambda t: parts(level, t)[0] if isinstance(t, Tensor) else t, aux)
        outputs, form = pytree.tree_flatten(output)
        check_results(head, outputs)
        pairs = [parts(level, t) for t in outputs]
    if strict and any(v is None for _, v in pairs):
        raise RuntimeError("jvp(f, primals, tangents, strict=True): The output of f is independent "
                           "of the inputs. This is not allowed with strict=True.")
    value = pytree.tree_unflatten([p for p, _ in pairs], form)
    found = pytree.tree_unflatten(
        [zeros_like(p.detach()) if v is None else v for p, v in pairs], form)
    return (value, found, aux) if has_aux else (value, found)


def linearize(func, *primals):
    """(func(*primals), push): `push(*tangents)` is J v, without running `func` again.

    The pullback u ↦ uᵀJ is recorded once; J v is its gradient in u, weighed with v.
    Raises RuntimeError for tangents of another form or shape than the primals.
    """
    output, pull = vjp(func, *primals)
    outputs, form = pytree.tree_flatten(output)
    leaves, spec = pytree.tree_flatten(primals)
    with enable_grad():
        seeds = [zeros_like(t.detach()).requires_grad_() for t in outputs]
        pulled = pytree.tree_leaves(pull(pytree.tree_unflatten(seeds, form), create_graph=True))

    def push(*tangents):
        along, their = pytree.tree_flatten(tangents)
        if their != spec:
            raise RuntimeError("Expected the tangents to have the same structure as the primals: "
                               f"got {their}, expected {spec}")
        pairs = [(g, v) for g, v in zip(pulled, along, strict=True) if g.requires_grad]
        for t, v in zip(leaves, along, strict=True):
            if v._data.shape != t._data.shape:
                raise RuntimeError(f"Expected tangents of the shapes of the primals: "
                                   f"{list(t.shape)}, got {list(v.shape)}")
        found = [None] * len(seeds) if not pairs else engine.grad(
            [g for g, _ in pairs], seeds, [v for _, v in pairs], retain_graph=True,
            allow_unused=True)
        return pytree.tree_unflatten(
            [zeros_like(u.detach()) if g is None else g for g, u in zip(found, seeds, strict=True)],
            form)
    return output, push


# ---- matrices ------------------------------------------------------------------------------------


def basis(leaves):
    """The unit vectors of all leaves together: for each leaf one tensor of shape (n, *leaf)."""
    sizes = [t._data.size for t in leaves]
    n = sum(sizes)
    made = []
    start = 0
    for t, size in zip(leaves, sizes, strict=True):
        rows = registry["zeros"](n, size, dtype=t.dtype)
        with no_grad():
            rows[start:start + size] = registry["eye"](size, dtype=t.dtype)
        made.append(rows.reshape(n, *t._data.shape))
        start += size
    return made


def split_rows(t, leaves):
    """The rows of `t`, one part for each leaf, with the leaf's shape instead of their number."""
    pieces = t.split([leaf._data.size for leaf in leaves], 0)
    return [p.reshape(*leaf._data.shape, *t._data.shape[1:])
            for p, leaf in zip(pieces, leaves, strict=True)]


def jacrev(func, argnums=0, *, has_aux=False, chunk_size=None, _preallocate_and_copy=False):
    """A function that gives ∂ output / ∂ argument `argnums`, row by row in reverse mode.

    The shape of every block is that of the output followed by that of the argument. chunk_size:
    how many rows at a time.
    Raises ValueError for a chunk_size below 1.
    """
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def jacobian(*args, **kwargs):
        wanted = chosen(argnums, args)
        single = not isinstance(argnums, tuple)
        primals = (wanted,) if single else wanted

        def partial(*given):
            return func(*put_back(argnums, args, given[0] if single else given), **kwargs)
        answer = vjp(partial, *primals, has_aux=has_aux)
        outputs, form = pytree.tree_flatten(answer[0])
        rows = vmap(lambda *units: answer[1](pytree.tree_unflatten(list(units), form)),
                    randomness="same", chunk_size=chunk_size)(*basis(outputs))
        columns, inside = pytree.tree_flatten(rows[0] if single else rows)
        table = [split_rows(t, outputs) for t in columns]
        blocks = [pytree.tree_unflatten([row[k] for row in table], inside)
                  for k in range(len(outputs))]
        found = pytree.tree_unflatten(blocks, form)
        return (found, answer[2]) if has_aux else found
    return jacobian


def jacfwd(func, argnums=0, has_aux=False, *, chunk_size=None, randomness="error"):
    """A function that gives ∂ output / ∂ argument `argnums`, column by column in forward mode.

    Shapes: that of the output followed by that of the argument. Raises ValueError for a chunk_size
    below 1.
    """
    @functools.wraps(func)
    def jacobian(*args, **kwargs):
        wanted = chosen(argnums, args)
        single = not isinstance(argnums, tuple)
        primals = (wanted,) if single else wanted
        leaves, spec = pytree.tree_flatten(primals)
        check_tensors(leaves)

        def partial(*given):
            return func(*put_back(argnums, args, given[0] if single else given), **kwargs)

        def push(*units):
            answer = jvp(partial, primals, pytree.tree_unflatten(list(units), spec),
                         has_aux=has_aux)
            check_results("jvp(f, primals, tangents)", pytree.tree_leaves(answer[0]))
            return (answer[1], answer[2]) if has_aux else answer[1]
        columns = vmap(push, randomness=randomness, chunk_size=chunk_size)(*basis(leaves))
        aux = None
        if has_aux:
            columns, aux = columns
            aux = pytree.tree_map(lambda t: t[0], aux)      # the same for all columns

        def block(t):
            tree = pytree.tree_unflatten(split_columns(t, leaves), spec)
            return tree[0] if single else tree
        found = pytree.tree_map(block, columns)
        return (found, aux) if has_aux else found
    return jacobian


def split_columns(t, leaves):
    """Columns counted by dimension 0, one part for each leaf, its shape behind the output's."""
    pieces = t.movedim(0, -1).split([leaf._data.size for leaf in leaves], -1)
    return [p.reshape(*t._data.shape[1:], *leaf._data.shape)
            for p, leaf in zip(pieces, leaves, strict=True)]


def hessian(func, argnums=0):
    """A function that gives the second derivatives of `func`: forward mode over reverse mode.

    Shapes: that of the output followed by that of the argument, twice.
    """
    return jacfwd(jacrev(func, argnums), argnums)


def functionalize(func, *, remove="mutations"):
    """`func` itself: writing in place is part of every transform here, nothing is to be removed.

    Raises RuntimeError for another `remove` than "mutations" and "mutations_and_views".
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError("functionalize(f, remove='mutations'): received invalid argument for "
                           f"remove={remove}. Valid options are: remove='mutations', "
                           "remove='mutations_and_views'")

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        return func(*args, **kwargs)
    return wrapped


def debug_unwrap(tensor, *, recurse=True):
    """The tensor below a batched one: the whole, with the examples in front."""
    while isinstance(tensor, Batched):
        tensor = tensor.whole
        if not recurse:
            break
    return tensor

