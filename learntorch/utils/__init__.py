"""Tools around the library: loading data, hooks, checkpoints; loaded when first named."""

_ROOMS = ("checkpoint", "data", "hooks", "model_zoo", "serialization", "tensorboard")


def __getattr__(name):
    if name in _ROOMS:
        import importlib
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_ROOMS])
