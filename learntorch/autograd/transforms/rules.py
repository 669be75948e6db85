"""Batching rules: an op on the examples as an op on the wholes.

Each rule has the form rule(level, function, args): among `args` (by position, all parameters) are
tensors batched at `level`. An elementwise op needs its wholes lined up, a reduction its `dim` moved
by one, a matrix product the product that knows batches. What has no rule is computed example by
example and stacked: slow, but right, and its history is kept.
"""

from learntorch.autograd.forward_ad import tensors_in
from learntorch.autograd.transforms.batched import Batched, ValuesNeeded, lift, stacked
from learntorch.core import pytree
from learntorch.core.ambient import ambient, intercepted_by
from learntorch.core.dtypes import of, of_number, promote, promote_types
from learntorch.core.methods import needs_old_values
from learntorch.core.record import registry
from learntorch.core.tensor import Tensor
from learntorch.core.watched import RANDOM
from learntorch.random import get_rng_state, set_rng_state

RULES = {}              # op.key → rule

RANDOM_ERROR = ("vmap: called random operation while in randomness error mode. Please either use "
                "the 'same' or 'different' randomness flags on vmap or perform the randomness "
                "operation out of vmap")
DYNAMIC = ("vmap: We do not support batching operators that can output dynamic shape. Attempted to "
           "vmap over aten::{}. Please file an issue at https://github.com/pytorch/pytorch/issues "
           "if you need this feature. Its result would have another size for every example.")
NO_ROOM = ("vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a "
           "Tensor `other` in extra_args that has more elements than `self`. This happened due to "
           "`other` being vmapped over but `self` not being vmapped over in a vmap. Please try to "
           "use out-of-place operators instead of inplace arithmetic: x = x + y has room for every "
           "example, x += y has not.")


def rule(*keys):
    """Decorator: this function is the batching rule of the ops with these keys."""
    def register(function):
        for key in keys:
            RULES[key] = function
        return function
    return register


def batched_call(level, function, args, kwargs):
    """The result of `function` for every example of `level`, as a batched tensor."""
    op = function.op
    if function.__name__ in RANDOM or op.key in RANDOM:
        return drawn(level, function, args, kwargs)
    if function is op.written:
        return in_place(level, function, args, kwargs)
    if hasattr(function, "plain"):
        found = WHOLE.get(op.key, one_by_one)
        return found(level, function, args, kwargs)
    if kwargs or len(args) != len(op.params):
        args, out = op.bind(args, kwargs)
        if out is not None:
            return out.copy_(function(*args))
    found = RULES.get(op.key)
    if found is None:
        found = {"unary": simple, "binary": aligned}.get(op.kind, example_by_example)
    return found(level, function, args)


# ---- helpers -----------------------------------------------------------------------------------


def here(t, level):
    """Whether `t` is batched at `level`."""
    return type(t) is Batched and t.level is level


def whole(t, level):
    """The whole of a tensor batched at `level`; anything else as it is."""
    return t.whole if here(t, level) else t


def wrapped(level, result):
    """Every tensor of a result, batched at `level`."""
    if isinstance(result, tuple):
        parts = [wrapped(level, r) for r in result]
        return result._make(parts) if hasattr(result, "_make") else tuple(parts)
    return level.wrap(result) if isinstance(result, Tensor) else result


def ndim(t):
    """The dimensions of one example; 0 for a number."""
    return t._data.ndim if isinstance(t, Tensor) else 0


def padded(t, level, n):
    """The whole of `t` with examples of at least `n` dimensions, ready to broadcast."""
    if not here(t, level):
        return t
    missing = n - ndim(t)
    w = t.whole
    if missing <= 0:
        return w
    return w.reshape(w._data.shape[0], *(1,) * missing, *t._data.shape)


# ---- one example at a time ---------------------------------------------------------------------


def rows(level, value):
    """`value` as a function of the example's number."""
    leaves, spec = pytree.tree_flatten(value)

    def row(i):
        return pytree.tree_unflatten(
            [registry["pick"](leaf.whole, (i,)) if here(leaf, level) else leaf
             for leaf in leaves], spec)
    return row


def one_by_one(level, function, args, kwargs):
    """`function` on each example, the results stacked."""
    if function.op.name in ("nonzero", "argwhere", "masked_select", "unique", "unique_consecutive"):
        raise RuntimeError(DYNAMIC.format(function.op.name))
    if not level.size:
        raise RuntimeError(f"vmap: {function.__name__} has no batching rule of its own, and of no "
                           "examples at all the shape of the result cannot be told")
    row = rows(level, (tuple(args), dict(kwargs)))
    results = []
    for i in range(level.size):
        own, named = row(i)
        results.append(function(*own, **named))
    return wrapped(level, stacked(results))


def example_by_example(level, function, args):
    return one_by_one(level, function, args, {})


def drawn(level, function, args, kwargs):
    """A function that draws random numbers, as `randomness` says."""
    if level.randomness == "error" and draws(function, args, kwargs):
        raise RuntimeError(RANDOM_ERROR)
    state = get_rng_state() if level.randomness == "same" else None
    writes = function.__name__.endswith("_")
    batched = any(here(t, level) for t in tensors_in((args, kwargs)))
    plain = getattr(function, "plain", function)
    if not batched and (state is not None or writes):
        return below(level, function, args, kwargs)
    row = rows(level, (tuple(args), dict(kwargs)))
    results = []
    for i in range(level.size):
        if state is not None:
            set_rng_state(state)
        own, named = row(i)
        results.append(below(level, function if not batched else plain, own, named))
    return args[0] if writes else wrapped(level, stacked(results))


def draws(function, args, kwargs):
    """Whether a call draws at all: dropout outside training does not."""
    if "dropout" not in function.op.name and function.op.name != "rrelu":
        return True
    given = dict(zip(function.op.names, args, strict=False)) | kwargs
    training = given.get("training", given.get("train", "1" if function.op.name == "dropout"
                                               else False))
    return bool(training) and given.get("p", 0.5) != 0


def below(level, function, args, kwargs):
    """A call as the level outside sees it."""
    with intercepted_by(level.outer):
        return function(*args, **kwargs)


# ---- in place ----------------------------------------------------------------------------------


def in_place(level, function, args, kwargs):
    """x.op_(…): the op itself, its result written into the whole of x."""
    x = args[0]
    if not here(x, level):
        raise RuntimeError(NO_ROOM)
    op = function.op
    kept = ambient.state.grad and x.whole.requires_grad and needs_old_values(op)
    source = level.wrap(x.whole.clone()) if kept else x
    result = (op.public or registry[op.key])(source, *args[1:], **kwargs)
    if result._data.shape != x._data.shape:
        raise RuntimeError(f"output with shape {list(x._data.shape)} doesn't match the broadcast "
                           f"shape {list(result._data.shape)}")
    x.whole.copy_(lift(result, level))
    return x


# ---- elementwise -------------------------------------------------------------------------------


def simple(level, function, args):
    """One tensor, treated alike whatever its dimensions: the op on the whole."""
    return wrapped(level, function(*[whole(a, level) for a in args]))


def aligned(level, function, args):
    """Several tensors that broadcast: the wholes, padded to the same number of dimensions."""
    tensors = [a for a in args if isinstance(a, Tensor)]
    n = max(t._data.ndim for t in tensors)
    if len(tensors) == 2 or len(args) == 2:
        args = promoted(args)
    return wrapped(level, function(*[padded(a, level, n) for a in args]))


def promoted(args):
    """Arguments brought to their common dtype while 0-d examples are still seen as 0-d."""
    x, y = args[:2]
    if not isinstance(x, Tensor) or not isinstance(y, Tensor):
        if isinstance(x, Tensor) and not x._data.ndim and isinstance(y, (int, float, complex)):
            d = promote(None, of(x._data.dtype), of_number(y))
            return (x if d is x.dtype else x.to(d), *args[1:])
        return args
    d1, d2 = of(x._data.dtype), of(y._data.dtype)
    if d1 is d2:
        return args
    if (x._data.ndim == 0) == (y._data.ndim == 0):
        d = promote_types(d1, d2)
    else:
        d = promote(d1, d2) if x._data.ndim else promote(d2, d1)
    return (x.to(d), y.to(d), *args[2:])


SIMPLE = """is_positive leaky_relu step elu silu softplus logsigmoid hardtanh strictly_within celu
    selu mish hardsigmoid hardswish hardshrink softshrink threshold to_complex cast cast_real fill
    zero scaled_gradient gelu at_least softplus_of bent x_log_x nan_to_num round clamp_to within
    polygamma logit alias view_as_real view_as_complex as_dtype tril triu nan_to_zero linalg.svdvals
    linalg.det linalg.slogdet linalg.inv linalg.cholesky pixel_shuffle pixel_unshuffle frexp
    copied""".split()
ALIGNED = """leak ge_real lerp make_complex masked_fill clamp_between winner bernoulli_loss
    over_squares share share_of_number sgn_gradient ties filled_by_uniform filled_by_normal
    filled_by_random filled_by_bernoulli filled_by_exponential filled_by_geometric filled_by_cauchy
    filled_by_log_normal""".split()

for _key in SIMPLE:
    RULES[_key] = simple
for _key in ALIGNED:
    RULES[_key] = aligned


@rule("choose")
def choose(level, function, args):
    """where(condition, x, y): the condition takes no part in the dtype."""
    x, y = promoted(args[1:3])
    args = (args[0], x, y)
    n = max(ndim(a) for a in args)
    return wrapped(level, function(*[padded(a, level, n) for a in args]))


@rule("copy")
def copy(level, function, args):
    """copy(x, y) has the shape of x."""
    x, y = args
    return wrapped(level, function(lift(x, level), padded(y, level, ndim(x))))


# ---- one dimension (or several) of one tensor ---------------------------------------------------


def shifted(dim, n):
    """A dimension of an example with n dimensions as one of the whole."""
    return dim % n + 1


def all_dims(n):
    return tuple(range(1, n + 1))


def along(level, function, args):
    """Ops with a parameter `dim`: None means all dimensions but the first."""
    op = function.op
    place = op.params.index("dims" if "dims" in op.params else "dim")
    x, dim = args[0], args[place]
    n = x._data.ndim
    w = x.whole
    if n == 0:
        return on_numbers(level, function, args, place)
    args = [w, *args[1:]]
    if dim is None or (dim == () and op.key != "flip"):
        if op.key in SEVERAL:
            args[place] = all_dims(n)
            return wrapped(level, function(*args))
        args[0], args[place] = w.reshape(w._data.shape[0], -1), 1
        result = function(*args)
        if "keepdim" in op.params and args[op.params.index("keepdim")]:
            result = result.reshape(w._data.shape[0], *(1,) * n)
        elif op.key in ("product_of_others", "cumsum", "flip"):
            result = result.reshape(w._data.shape)
        return wrapped(level, result)
    args[place] = shifted(dim, n) if isinstance(dim, int) else tuple(shifted(d, n) for d in dim)
    return wrapped(level, function(*args))


def on_numbers(level, function, args, place):
    """The same op where an example is a single number: give it a dimension to work along."""
    args = list(args)
    w = args[0].whole
    args[0] = w.reshape(w._data.shape[0], 1)
    dim = args[place]
    if function.op.key == "flip" and not dim:
        args[place] = ()
    else:
        args[place] = (1,) if function.op.key in SEVERAL or isinstance(dim, tuple) else 1
    result = function(*args)
    back = [r.reshape(w._data.shape[0]) if r._data.size == w._data.size else r
            for r in (result if isinstance(result, tuple) else (result,))]
    return wrapped(level, tuple(back) if isinstance(result, tuple) else back[0])


SEVERAL = frozenset("sum mean var peak logsumexp p_norm count_nonzero flip all any".split())
for _key in (*SEVERAL, *"""prod argmax argmin cumsum cumprod logcumsumexp softmax log_softmax
             peak_along cummax cummin sort best ranked middle commonest gated pieces unbind
             product_of_others""".split()):
    RULES[_key] = along


@rule("roll")
def roll(level, function, args):
    """Without dims the numbers are rolled as in one line."""
    x, shifts, dims = args
    n = x._data.ndim
    if dims is None or n == 0:
        return example_by_example(level, function, args)
    dims = (dims,) if isinstance(dims, int) else dims
    return wrapped(level, function(x.whole, shifts, tuple(shifted(d, n) for d in dims)))


# ---- views -------------------------------------------------------------------------------------


@rule("view_shape", "reshape_alias", "reshape_copy")
def reshaped(level, function, args):
    """Where memory allows no view of the whole, a copy."""
    w = args[0].whole
    shape = (w._data.shape[0], *args[1])
    return wrapped(level, w.reshape(shape))


@rule("squeeze_dims")
def squeezed(level, function, args):
    return wrapped(level, function(args[0].whole, tuple(d + 1 for d in args[1]), args[2]))


@rule("unsqueeze")
def unsqueezed(level, function, args):
    return wrapped(level, function(args[0].whole, args[1] % (args[0]._data.ndim + 1) + 1))


@rule("transpose")
def transposed(level, function, args):
    x, a, b = args
    n = x._data.ndim or 1
    w = x.whole
    return wrapped(level, function(w, shifted(a, n), shifted(b, n)) if x._data.ndim
                   else registry["alias"](w))


@rule("t")
def turned(level, function, args):
    w = args[0].whole
    return wrapped(level, w.transpose(1, 2) if args[0]._data.ndim == 2 else registry["alias"](w))


@rule("permute_dims")
def permuted(level, function, args):
    n = args[0]._data.ndim
    return wrapped(level, function(args[0].whole, (0, *(shifted(d, n) for d in args[1]))))


@rule("expand_to")
def expanded(level, function, args):
    x, shape = args
    w = padded(x, level, len(shape))
    return wrapped(level, function(w, (w._data.shape[0], *shape)))


@rule("diagonal")
def diagonal(level, function, args):
    x, offset, a, b = args
    n = x._data.ndim
    return wrapped(level, function(x.whole, offset, shifted(a, n), shifted(b, n)))


@rule("put_diagonal")
def put_diagonal(level, function, args):
    x, shape, offset, a, b = args
    n = len(shape)
    return wrapped(level, function(x.whole, (level.size, *shape), offset, shifted(a, n),
                                   shifted(b, n)))


@rule("unfold")
def unfolded(level, function, args):
    x, dim, size, step = args
    if not x._data.ndim:
        return example_by_example(level, function, args)
    return wrapped(level, function(x.whole, shifted(dim, x._data.ndim), size, step))


@rule("fold_windows")
def fold_windows(level, function, args):
    x, shape, dim, size, step = args
    if not shape:
        return example_by_example(level, function, args)
    return wrapped(level, function(x.whole, (level.size, *shape), shifted(dim, len(shape)), size,
                                   step))


@rule("strided_window")
def strided_window(level, function, args):
    """Offsets count from the beginning of the storage, where the first example lies."""
    x, size, stride, offset, x_stride, first = args
    made = []
    for row in x.whole.unbind(0):
        own = row.storage_offset()
        made.append(function(row, size, stride, offset + own - first, x_stride, own))
    return wrapped(level, stacked(made))


@rule("window", "pick", "widen")
def window(level, function, args):
    return wrapped(level, function(args[0].whole, (slice(None), *args[1])))


@rule("put_window")
def put_window(level, function, args):
    x, shape, index = args
    return wrapped(level, function(x.whole, (level.size, *shape), (slice(None), *index)))


@rule("zeros_of")
def zeros_of(level, function, args):
    return function(*args)


@rule("tiled")
def tiled(level, function, args):
    x, repeats = args
    w = padded(x, level, len(repeats))
    return wrapped(level, function(w, (1, *repeats)))


@rule("cut", "pad_to")
def to_shape(level, function, args):
    return wrapped(level, function(args[0].whole, (level.size, *args[1])))


# ---- lists -------------------------------------------------------------------------------------


@rule("cat", "stack")
def joined(level, function, args):
    tensors, dim = args
    n = tensors[0]._data.ndim + (function.op.key == "stack")
    if function.op.key == "cat":
        n = max(t._data.ndim for t in tensors)
        tensors = [t for t in tensors if t._data.shape != (0,) or n == 1]
    return wrapped(level, function([lift(t, level) for t in tensors], shifted(dim, n)))


@rule("constant_pad_nd")
def padded_by(level, function, args):
    """Pads are counted from the last dimension: the first is not reached."""
    return wrapped(level, function(args[0].whole, *args[1:]))


WHOLE = {}              # op.key → rule(level, function, args, kwargs) of a watched composite


def takes_over(*keys):
    """Decorator: the rule of composites that look at numbers."""
    def register(function):
        for key in keys:
            WHOLE[key] = function
        return function
    return register


@takes_over("zeros_like", "ones_like", "empty_like", "full_like")
def like(level, function, args, kwargs):
    return wrapped(level, function(*[whole(a, level) for a in args],
                                   **{k: whole(v, level) for k, v in kwargs.items()}))


@takes_over("new_zeros", "new_ones", "new_empty", "new_full")
def new(level, function, args, kwargs):
    """A new tensor: the same for all, but with room for every example."""
    fresh = function(*[whole(a, level) for a in args], **kwargs)
    return level.wrap(lift(fresh, level).clone())


@takes_over("equal", "allclose", "is_nonzero")
def one_answer(level, function, args, kwargs):
    raise RuntimeError(f"vmap over torch.{function.op.name} isn't supported yet: there is one "
                       "answer for every example, and `if` can take only one way")


@takes_over("batch_norm", "instance_norm", "quantile", "nanquantile", "cov", "linalg.cond",
            "cholesky", "linalg.cholesky", "linalg.cholesky_ex", "linalg.inv_ex",
            "linalg.solve_ex")
def own_ops(level, function, args, kwargs):
    """Try the composite on examples: most of what it does is made of ops that have rules."""
    try:
        return function.plain(*args, **kwargs)
    except ValuesNeeded:
        return one_by_one(level, function, args, kwargs)

