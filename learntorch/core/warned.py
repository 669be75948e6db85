"""Warnings that point at the user's line, whatever lies between it and us."""

import sys
import warnings


def warn(text, category=UserWarning):
    """Warn `text`, as of the nearest line outside of this library."""
    frame = sys._getframe(1)
    level = 2
    while frame.f_back is not None and ours(frame):
        frame = frame.f_back
        level += 1
    warnings.warn(text, category, stacklevel=level)


def ours(frame):
    """Whether a frame runs code of this library; code run by `exec` may have no name at all."""
    return frame.f_globals.get("__name__", "").startswith("learntorch.")


def deprecated(name, instead, rest=""):
    """The UserWarning for a function that PyTorch is going to remove."""
    warn(f"torch.{name} is deprecated in favor of {instead} and will be removed in a future "
         f"PyTorch release.{rest}")
