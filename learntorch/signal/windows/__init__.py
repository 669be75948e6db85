"""torch.signal.windows: window functions, for spectra of pieces of a signal."""

from learntorch.core.op import face as _face

globals().update(_face("signal.windows"))

__all__ = [name for name in sorted(globals()) if name[0] != "_"]
