"""torch.special: error functions, gammas, Bessel functions and relatives."""

from learntorch.core.op import face as _face

globals().update(_face("special"))

__all__ = sorted(name for name in globals() if name[0] != "_")
