"""vmap: a function of one example becomes a function of many."""

import functools

from learntorch.autograd.transforms import choices, indexing, products, rules
from learntorch.autograd.transforms.batched import ValuesNeeded, lift, mapped_over, stacked
from learntorch.core import pytree
from learntorch.core.record import registry
from learntorch.core.shapes import wrap_dim
from learntorch.core.tensor import Tensor
from learntorch.random import get_rng_state, set_rng_state

FAMILIES = (choices, indexing, products, rules)         # importing them fills the table of rules


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """`func` for every example at once: `vmap(f)(xs)` is stack([f(x) for x in xs]), without a loop.

    in_dims: which dimension of each input counts the examples (None: the input is the same for
    all); an int or a nest of the form of the inputs. out_dims: where that dimension is to be in the
    results. randomness: "error", "different" (draws of its own for every example) or "same".
    chunk_size: how many examples to compute at a time. Raises ValueError where sizes differ.
    Source: the idea is JAX's, see Bradbury et al., JAX (2018).
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError("Only allowed values for randomness are 'error', 'different', or 'same'."
                           f" Got {randomness}")
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def mapped(*args, **kwargs):
        size, dims, leaves, spec = inputs(func, in_dims, args)
        if chunk_size is not None and chunk_size < size:
            return in_chunks(func, dims, leaves, spec, kwargs, out_dims, randomness, chunk_size,
                             size)
        return at_once(func, size, dims, leaves, spec, kwargs, out_dims, randomness)
    return mapped


def name_of(func):
    return getattr(func, "__name__", repr(func))


def inputs(func, in_dims, args):
    """The number of examples, and for every leaf of the arguments its batch dimension or None."""
    head = f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, (int, tuple, list)):
        raise ValueError(f"{head}expected `in_dims` to be int or a (potentially nested) tuple "
                         f"matching the structure of inputs, got: {type(in_dims)}.")
    if not args:
        raise ValueError(f"vmap({name_of(func)})(<inputs>): got no inputs. Maybe you forgot to add "
                         "inputs, or you are trying to vmap over a function with no inputs. The "
                         "latter is unsupported.")
    leaves, spec = pytree.tree_flatten(args)
    prefix = tuple(in_dims) if isinstance(in_dims, list) else in_dims
    dims = pytree.broadcast_prefix(prefix, args)
    if dims is None:
        raise ValueError(f"{head}in_dims is not compatible with the structure of `inputs`. in_dims "
                         f"has structure {pytree.tree_structure(in_dims)} but inputs has structure "
                         f"{spec}.")
    sizes = []
    for i, (leaf, dim) in enumerate(zip(leaves, dims, strict=True)):
        if dim is None:
            continue
        dims[i] = checked_dim(head, leaf, dim)
        sizes.append(leaf._data.shape[dims[i]])
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError("vmap: Expected all tensors to have the same size in the mapped dimension,"
                         f" got sizes {sizes} for the mapped dimension")
    return sizes[0], dims, leaves, spec


def checked_dim(head, leaf, dim):
    """A batch dimension counted from 0. Raises ValueError where there is none."""
    if not isinstance(dim, int):
        raise ValueError(f"{head}Got in_dim={dim} for an input but in_dim must be either an "
                         "integer dimension or None.")
    if not isinstance(leaf, Tensor):
        raise ValueError(f"{head}Got in_dim={dim} for an input but the input is of type "
                         f"{type(leaf)}. We cannot vmap over non-Tensor arguments, please use None "
                         "as the respective in_dim")
    n = leaf._data.ndim
    if not -n <= dim < n:
        raise ValueError(f"{head}Got in_dim={dim} for some input, but that input is a Tensor of "
                         f"dimensionality {n} so expected in_dim to satisfy -{n} <= in_dim < {n}.")
    return dim % n


def at_once(func, size, dims, leaves, spec, kwargs, out_dims, randomness):
    """All examples in one run of `func`; one run for each where it looks at their numbers."""
    fronts = [leaf if dim is None else leaf.movedim(dim, 0) if dim else leaf
              for leaf, dim in zip(leaves, dims, strict=True)]
    try:
        with mapped_over(size, randomness) as level:
            examples = [t if dim is None else level.wrap(t)
                        for t, dim in zip(fronts, dims, strict=True)]
            result = func(*pytree.tree_unflatten(examples, spec), **kwargs)
            found, form, places = results(func, out_dims, result)
            wholes = [finished(level, t, dim) for t, dim in zip(found, places, strict=True)]
    except ValuesNeeded:
        if not size:
            raise
        found, form, places = results(func, out_dims, one_run_each(
            func, size, dims, fronts, spec, kwargs, randomness))
        wholes = [t if dim == 0 else t[0] if dim is None else t.movedim(0, wrap_dim(
            dim, t._data.ndim)) for t, dim in zip(found, places, strict=True)]
    return pytree.tree_unflatten(wholes, form)


def one_run_each(func, size, dims, fronts, spec, kwargs, randomness):
    """The loop that `vmap` spares us, for functions that cannot do without it."""
    state = get_rng_state() if randomness == "same" else None
    runs = []
    for i in range(size):
        if state is not None:
            set_rng_state(state)
        examples = [t if dim is None else t[i] for t, dim in zip(fronts, dims, strict=True)]
        result = func(*pytree.tree_unflatten(examples, spec), **kwargs)
        leaves, form = pytree.tree_flatten(result)
        runs.append(leaves)
    return pytree.tree_unflatten([stacked([run[k] for run in runs])
                                  for k in range(form.count)], form)


def results(func, out_dims, result):
    """The leaves of the result, its form, and the place of the batch dimension in every leaf."""
    leaves, form = pytree.tree_flatten(result)
    for leaf in leaves:
        if not isinstance(leaf, Tensor) and out_dims is not None:
            raise ValueError(f"vmap({name_of(func)}, ...): `{name_of(func)}` must only return "
                             f"Tensors, got type {type(leaf)}. Did you mean to set out_dims= to "
                             "None for output?")
    head = f"vmap({name_of(func)}, ..., out_dims={out_dims})(<inputs>): "
    if isinstance(out_dims, int) or out_dims is None:
        return leaves, form, [out_dims] * len(leaves)
    one = isinstance(result, Tensor) and len(out_dims) == 1
    places = list(out_dims) if one else pytree.broadcast_prefix(
        tuple(out_dims) if isinstance(out_dims, list) and isinstance(result, tuple) else out_dims,
        result)
    if places is None:
        raise ValueError(f"{head}out_dims is not compatible with the structure of `outputs`. "
                         f"out_dims has structure {pytree.tree_structure(out_dims)} but outputs "
                         f"has structure {form}.")
    return leaves, form, places


def finished(level, t, dim):
    """A result with its batch dimension at `dim`, where the function's caller can see it."""
    if dim is None:
        if getattr(t, "level", None) is level:
            raise ValueError("vmap: can not return a BatchedTensor when out_dim is None: it has "
                             "another value for every example. Say where the examples shall be.")
        return t
    return lift(t, level).movedim(0, wrap_dim(dim, t._data.ndim + 1)) if dim else lift(t, level)


def in_chunks(func, dims, leaves, spec, kwargs, out_dims, randomness, chunk, size):
    """Some examples at a time, the results put together."""
    parts = []
    for start in range(0, size, chunk):
        n = min(chunk, size - start)
        some = [leaf if dim is None else leaf.narrow(dim, start, n)
                for leaf, dim in zip(leaves, dims, strict=True)]
        parts.append(at_once(func, n, dims, some, spec, kwargs, out_dims, randomness))
    rows = [pytree.tree_leaves(part) for part in parts]
    form = pytree.tree_structure(parts[0])
    places = results(func, out_dims, parts[0])[2]
    cat = registry["cat"].op.public
    return pytree.tree_unflatten([column[0] if dim is None else cat(list(column), dim)
                                  for column, dim in zip(zip(*rows, strict=True), places,
                                                         strict=True)], form)
