"""torch.return_types: the named tuples that functions of several results give."""

from learntorch.ops.reduce import RETURNED


def __getattr__(name):
    if name in RETURNED:
        return RETURNED[name]
    raise AttributeError(f"module 'torch.return_types' has no attribute '{name}'")


def __dir__():
    return sorted(RETURNED)
