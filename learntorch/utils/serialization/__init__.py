"""torch.utils.serialization: its `config` says how files are written and read."""

from learntorch.utils.serialization import config

__all__ = ["config"]
