"""How files are written and read where a call does not say: `config.load.mmap = True`."""


def __getattr__(name):
    if name not in ("load", "save"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from learntorch.io import options
    return getattr(options, name)
