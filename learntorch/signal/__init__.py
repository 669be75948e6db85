"""torch.signal: signals and their windows."""

from learntorch.signal import windows

__all__ = ["windows"]
