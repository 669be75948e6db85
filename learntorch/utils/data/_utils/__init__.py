"""The parts of a DataLoader: fetching samples, putting them together, pinning, workers."""

from learntorch.utils.data._utils import collate, fetch, pin_memory, worker
from learntorch.utils.data._utils.worker import CHECK_INTERVAL as MP_STATUS_CHECK_INTERVAL
from learntorch.utils.data._utils.worker import ExceptionWrapper

__all__ = ["ExceptionWrapper", "MP_STATUS_CHECK_INTERVAL", "collate", "fetch", "pin_memory",
           "worker"]
