"""Making a module without start values, for one that is loaded at once."""

from learntorch.nn.modules.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls, *args, **kwargs):
    """A module with uninitialised parameters: `load_state_dict` or your own start values follow.

    Raises RuntimeError for a class that is no module, or whose constructor has no `device`.
    """
    import inspect
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    from learntorch.random import get_rng_state, set_rng_state
    device = kwargs.pop("device", "cpu")
    state = get_rng_state()
    module = module_cls(*args, **kwargs)
    set_rng_state(state)            # no start value was drawn, as far as anybody can see
    return module.to_empty(device=device)
