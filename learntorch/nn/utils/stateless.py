"""Calling a module with other tensors in place of its parameters, for one call."""

import warnings
from contextlib import contextmanager

__all__ = ["functional_call"]


def functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights=True,
                    strict=False):
    """module(*args, **kwargs), computed with the tensors of the dictionary in place of its own.

    Old form of `torch.func.functional_call`.
    """
    warnings.warn("`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and "
                  "will be removed in a future version of PyTorch. Please use "
                  "`torch.func.functional_call` instead which is a drop-in replacement.",
                  FutureWarning, stacklevel=2)
    return _functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights,
                            strict=strict)


def _functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights=True,
                     strict=False):
    """As `functional_call`, without its warning.

    `tie_weights`: a tensor that the module holds under several names is replaced under all.
    `strict`: every parameter and buffer must be given, and nothing else.
    """
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _reparametrize_module(module, parameters_and_buffers, tie_weights, strict):
        return module(*args, **(kwargs or {}))


@contextmanager
def _reparametrize_module(module, parameters_and_buffers, tie_weights=False, strict=False):
    """Inside the block the module has the given tensors."""
    given = parameters_and_buffers
    if tie_weights:
        given = _tied(module, given)
    if strict:
        _check_names(module, given)
    before = {}
    try:
        for path, t in given.items():
            before[path] = _swapped(module, path, t)
        yield
    finally:
        for path, t in before.items():
            now = _swapped(module, path, t)
            if path in parameters_and_buffers:      # a buffer that forward has replaced
                parameters_and_buffers[path] = now


_NOTHING = object()


def _swapped(module, path, t):
    """Put `t` at the dotted path; return what was there, `_NOTHING` where the name is new."""
    parent, _, name = path.rpartition(".")
    part = module.get_submodule(parent)
    for table in (part._parameters, part._buffers):
        if name in table:
            old, table[name] = table[name], t
            return old
    old = getattr(part, name, _NOTHING)
    if t is _NOTHING:
        delattr(part, name)
    else:
        setattr(part, name, t)
    return old


def _all_names(module):
    return {**dict(module.named_parameters(remove_duplicate=False)),
            **dict(module.named_buffers(remove_duplicate=False))}


def _check_names(module, given):
    names = _all_names(module)
    found = []
    for what, some in (("Unexpected", [n for n in given if n not in names]),
                       ("Missing", [n for n in names if n not in given])):
        if some:
            found.append(f"{what} key(s): {', '.join(map(repr, some))}.")
    if found:
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t"
                           + "\n\t".join(found))


def _tied(module, given):
    """`given`, with an entry for each further name of a tensor that is named in it."""
    groups = {}
    for name, t in _all_names(module).items():
        groups.setdefault(id(t), set()).add(name)
    full = dict(given)
    for names in groups.values():
        values = {id(given[n]): given[n] for n in names if n in given}
        if len(values) > 1:
            raise ValueError(f"functional_call got multiple values for keys {sorted(names)}, which "
                             "are tied. Consider using tie_weights=False")
        for t in values.values():
            full.update(dict.fromkeys(names, t))
    return full
