"""torch.multiprocessing.queue: the queues of `multiprocessing`, which tensors pass by handle."""

from multiprocessing.queues import Queue, SimpleQueue

__all__ = ["Queue", "SimpleQueue"]
