"""One model on several devices: with one device, which is what there is here, the model itself."""

from learntorch.nn.parallel.data_parallel import DataParallel, data_parallel

__all__ = ["DataParallel", "data_parallel"]
