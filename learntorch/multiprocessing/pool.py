"""torch.multiprocessing.pool: the Pool of `multiprocessing`, which tensors pass by handle."""

import gc
import multiprocessing.pool

__all__ = ["Pool", "clean_worker"]


def clean_worker(*args, **kwargs):
    """What a process of the pool does; at its end shared memory in cycles is let go."""
    multiprocessing.pool.worker(*args, **kwargs)
    gc.collect()


class Pool(multiprocessing.pool.Pool):
    """Processes that work off a queue of function calls; see `multiprocessing.pool.Pool`."""

    @staticmethod
    def Process(ctx, *args, **kwargs):
        """A process that runs `clean_worker` where another pool would run `worker`."""
        if kwargs.get("target") is multiprocessing.pool.worker:
            kwargs["target"] = clean_worker
        return ctx.Process(*args, **kwargs)
