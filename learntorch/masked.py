"""torch.masked: reductions over the numbers that a mask lets through."""

from learntorch.core.op import face as _face

globals().update(_face("masked"))

__all__ = [name for name in sorted(globals()) if name[0] != "_"]
