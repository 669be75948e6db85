"""The parts of a DataLoader: fetching samples, putting them together, pinning, workers."""

from learntorch.utils.data._utils import collate, fetch, pin_memory, worker

__all__ = ["collate", "fetch", "pin_memory", "worker"]
