"""torch.special: error functions, gammas, Bessel functions and relatives."""

from learntorch.core.op import face as _face

globals().update(_face("special"))

__all__ = [name for name in sorted(globals()) if name[0] != "_"]
