"""torch.storage: rows of memory, as bytes and as elements of one dtype."""

from learntorch.core.storage import TypedStorage, UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]
