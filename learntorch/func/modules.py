"""Modules as functions of their parameters."""

import contextlib

from learntorch.core.record import registry
from learntorch.core.tensor import Tensor


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *,
                    tie_weights=True, strict=False):
    """`module(*args, **kwargs)` with other tensors in place of its parameters and buffers.

    parameter_and_buffer_dicts: {"layer.weight": tensor, …}, or several such dictionaries; names
    that are missing keep the module's own tensor. tie_weights: a tensor the module has under
    several names is replaced under all of them. strict: raise RuntimeError for missing and
    unexpected names.
    Raises ValueError for dictionaries of another form, RuntimeError for names that are not there if
    `strict`.
    Shapes: those of the tensors they stand for.
    """
    if isinstance(parameter_and_buffer_dicts, dict):
        values = parameter_and_buffer_dicts
    elif isinstance(parameter_and_buffer_dicts, (list, tuple)):
        values = merged(parameter_and_buffer_dicts)
    else:
        raise ValueError("Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of "
                         f"dicts, but got {type(parameter_and_buffer_dicts)}")
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with replaced(module, values, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def merged(dicts):
    """Several dictionaries as one. Raises ValueError for a name that is in two of them."""
    values = {}
    for some in dicts:
        if not isinstance(some, dict):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be "
                             "dictionaries")
        for name, value in some.items():
            if name in values:
                raise ValueError(f"{name} appeared in multiple dictionaries; behavior of functional"
                                 " call is ambiguous")
            values[name] = value
    return values


@contextlib.contextmanager
def replaced(module, values, tie_weights, strict):
    """Inside the block the module's parameters and buffers are `values`."""
    own = {**dict(module.named_parameters(remove_duplicate=False)),
           **dict(module.named_buffers(remove_duplicate=False))}
    unexpected = [name for name in values if name not in own]
    if strict:
        missing = [name for name in own if name not in values]
        said = [f"{what} key(s): {', '.join(names)}." for what, names in
                (("Unexpected", unexpected), ("Missing", missing)) if names]
        if said:
            raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t"
                               + "\n\t".join(said))
    if tie_weights:
        values = tied(own, values)
    before = []
    try:
        for name, value in values.items():
            place, last = home(module, name)
            before.append((place, last, place.get(last)))
            place[last] = value
        yield
    finally:
        for place, last, old in reversed(before):
            if old is None and last not in own:
                place.pop(last)
            if old is not None:
                place[last] = old


def tied(own, values):
    """`values`, and each of them also under the other names of the tensor it replaces."""
    names = {}
    for name, t in own.items():
        names.setdefault(id(t), []).append(name)
    full = dict(values)
    for name, value in values.items():
        group = names.get(id(own.get(name)), ()) if name in own else ()
        for other in group:
            if other in values and values[other] is not value:
                raise ValueError(f"functional_call got multiple values for keys {sorted(group)}, "
                                 "which are tied. Consider using tie_weights=False")
            full.setdefault(other, value)
    return full


def home(module, name):
    """The dictionary that holds what is called `name`, and its key there."""
    path, _, last = name.rpartition(".")
    part = module.get_submodule(path)
    for place in (part._parameters, part._buffers):
        if last in place:
            return place, last
    return part.__dict__, last


def stack_module_state(models):
    """(parameters, buffers) of several models of one kind, each stacked along a new dimension 0.

    What `vmap` over `functional_call` wants for an ensemble. Raises RuntimeError for models of
    several kinds, or some in training and some not.
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or all(not m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval "
                           "mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    params = {name: stacked([dict(m.named_parameters())[name] for m in models])
              for name, _ in models[0].named_parameters()}
    buffers = {name: stacked([dict(m.named_buffers())[name] for m in models])
               for name, _ in models[0].named_buffers()}
    return params, buffers


def replace_all_batch_norm_modules_(root):
    """Make every batch norm in `root` use the statistics of the batch, in place; gives `root`.

    Running statistics are written in place, which is one number for all examples of a `vmap`.
    """
    for module in root.modules():
        if hasattr(module, "track_running_stats") and hasattr(module, "running_mean"):
            module.running_mean = None
            module.running_var = None
            module.num_batches_tracked = None
            module.track_running_stats = False
    return root


def stacked(tensors):
    """The tensors as one leaf that requires grad where they do."""
    needs = [t.requires_grad for t in tensors]
    if any(needs) != all(needs):
        raise RuntimeError("Expected parameters from each model to have the same .requires_grad")
    piled = registry["stack"].op.public([t.detach() for t in tensors], 0)
    return piled.requires_grad_() if all(needs) and isinstance(piled, Tensor) else piled
