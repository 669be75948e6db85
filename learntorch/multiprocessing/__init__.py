"""torch.multiprocessing: Python's `multiprocessing`, between whose processes tensors are shared.

Everything of `multiprocessing` is here under the same name. A tensor that is sent through a queue
or a pipe, or given to a process, is not copied: its memory is moved to where both processes see it,
and what one writes the other reads. So a model whose `share_memory()` was called can be trained by
several processes at once:

    model.share_memory()
    processes = [mp.Process(target=train, args=(model,)) for _ in range(4)]

`spawn(function, args, nprocs)` runs a function in several processes and passes on their errors.
"""

import multiprocessing as _multiprocessing

from learntorch.multiprocessing.memory import Sharing, named, share
from learntorch.multiprocessing.reductions import init_reductions
from learntorch.multiprocessing.spawn import (
    ENV_VAR_PARALLEL_START,
    ProcessContext,
    ProcessExitedException,
    ProcessRaisedException,
    SpawnContext,
    spawn,
    start_processes,
)


def set_sharing_strategy(new_strategy):
    """How tensors are shared from now on: "file_descriptor" or, with named files, "file_system".

    The first leaves nothing behind, but the process that sends a tensor must live until it is
    received. With the second it need not; the names of what is never received are removed when the
    whole program has ended. macOS and Windows know "file_system" only, under which they pass
    descriptors (handles) too. Batches of a DataLoader go their own way under both.

    Raises AssertionError for anything else.
    """
    if new_strategy not in Sharing.strategies:
        raise AssertionError(f"invalid sharing strategy {new_strategy!r}, expected one of "
                             f"{Sharing.strategies}")
    Sharing.strategy = new_strategy
    if named():
        from multiprocessing import resource_tracker
        resource_tracker.ensure_running()       # one for the children that are to come as well


def get_sharing_strategy():
    """The current strategy; see `set_sharing_strategy`."""
    return Sharing.strategy


def get_all_sharing_strategies():
    """The set of strategies this system knows."""
    return set(Sharing.strategies)


def _set_thread_name(name):
    """Name the current thread, for tools such as `top`."""
    import threading
    threading.current_thread().name = name
    try:
        with open("/proc/thread-self/comm", "w") as file:
            file.write(name[:15])
    except OSError:                             # not Linux
        pass


def _get_thread_name():
    """The name of the current thread."""
    try:
        with open("/proc/thread-self/comm") as file:
            return file.read().rstrip("\n")
    except OSError:
        import threading
        return threading.current_thread().name


globals().update({_name: getattr(_multiprocessing, _name) for _name in _multiprocessing.__all__})
init_reductions()

__all__ = ["get_all_sharing_strategies", "get_sharing_strategy", "set_sharing_strategy"]
__all__ += _multiprocessing.__all__
