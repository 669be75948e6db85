"""Files: `.pt` archives read and written as PyTorch does, atomic writes, safetensors."""

from learntorch.io.loading import load
from learntorch.io.safe import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    get_unsafe_globals_in_checkpoint,
    safe_globals,
)
from learntorch.io.saving import save

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals",
           "get_unsafe_globals_in_checkpoint", "load", "safe_globals", "save"]
