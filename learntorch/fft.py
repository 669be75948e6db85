"""torch.fft: Fourier transforms of real, complex and mirrored numbers, in any dimensions."""

from learntorch.core.op import face as _face

globals().update(_face("fft"))

__all__ = [name for name in sorted(globals()) if name[0] != "_"]
