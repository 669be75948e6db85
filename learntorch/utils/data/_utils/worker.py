"""What runs inside a worker process of a DataLoader."""

import math
import os
import sys

CHECK_INTERVAL = 5.0        # seconds after which the other side is looked at: is it still there?
_this_worker = []           # in a worker process its WorkerInfo, and the Outlet for its batches


class WorkerInfo:
    """A worker: its `id` among `num_workers`, its random `seed`, its copy of the `dataset`."""

    __slots__ = ("id", "num_workers", "seed", "dataset", "rng", "worker_method")

    def __init__(self, id, num_workers, seed, dataset, rng=None, worker_method="multiprocessing"):
        for name, value in zip(self.__slots__, (id, num_workers, seed, dataset, rng,
                                                worker_method), strict=True):
            object.__setattr__(self, name, value)

    def __setattr__(self, name, value):
        raise AttributeError(f"cannot assign to field {name!r}")

    def __repr__(self):
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"WorkerInfo({fields})"


def get_worker_info():
    """The WorkerInfo of this process, or None where it is no worker."""
    return _this_worker[0] if _this_worker else None


def room(shape, dtype):
    """In a worker process: an array in shared memory for the batch that is being made, or None."""
    import numpy as np
    outlet = _this_worker[1]
    row = outlet.room(math.prod(shape) * dtype.itemsize)
    return None if row is None else np.ndarray(shape, dtype, row)


class KeyErrorMessage(str):
    """A text that a KeyError shows with its line breaks, not as one quoted line."""

    __slots__ = ()

    def __repr__(self):
        return self


class ExceptionWrapper:
    """An exception on its way to the parent process, with its traceback as text."""

    fatal = False               # True: the worker cannot do anything else

    def __init__(self, exc_info=None, where="in background"):
        import traceback
        kind, error, trace = exc_info or sys.exc_info()
        self.exc_type = kind
        self.exc_msg = "".join(traceback.format_exception(kind, error, trace))
        self.where = where

    def reraise(self):
        """Raise it here: the same type, with a message that holds the worker's traceback.

        A type that cannot be made from one text becomes RuntimeError.
        """
        message = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            message = KeyErrorMessage(message)
        elif getattr(self.exc_type, "message", None):
            raise self.exc_type(message=message)
        # nothing here may hold the error: its traceback holds this frame, and so the workers
        raise _error(self.exc_type, message)


def _error(kind, message):
    try:
        return kind(message)
    except Exception:
        return RuntimeError(message)


class StreamEnd:
    """A worker's answer when its copy of the stream has no more samples."""


RESUME = "resume"           # sent to a worker that lives on: begin anew; it answers the same


def seed_worker(base_seed, worker_id):
    """Give Python, NumPy and the library random numbers of this worker's own; returns its seed."""
    import random

    import numpy as np

    from learntorch.random import manual_seed
    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    entropy = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(entropy).generate_state(4))
    return seed


def run(worker_id, tasks, answers, foreign, num_workers, prefetch, sealed):
    """Fetch what `tasks` (a pipe) asks for and send it through `answers` until told to stop.

    A task is (number, index, pieces), RESUME or None (stop); an answer (number, batch). An error
    is answered too, as an ExceptionWrapper. A worker whose parent has gone stops. `foreign` are the
    parent's ends of pipes, if a fork has copied them: while they are open here, neither side of
    such a pipe would notice that the other is gone.
    """
    for pipe in foreign:
        pipe.close()
    from learntorch.core.settings import set_num_threads
    from learntorch.utils.data._utils.transport import Outlet
    set_num_threads(1)              # the processors are shared out among the workers
    where = f"in DataLoader worker process {worker_id}"
    outlet = Outlet(answers, prefetch)
    try:
        job = begin(worker_id, num_workers, sealed.fetch(tasks), outlet, where)
        for task in _tasks(tasks):
            if task == RESUME:
                job.restart()
                outlet.begin()
                outlet.send(RESUME, None)
            elif job.going_on:
                number, index, pieces = task
                outlet.begin(*pieces)
                _send(outlet, number, job.answer(index), where)
    except (KeyboardInterrupt, ConnectionError, EOFError):
        pass                # the parent is being interrupted as well, or does not listen any more
    finally:
        outlet.finish()


def begin(worker_id, num_workers, sealed, outlet, where):
    """The Job of this worker; a Failed one if it cannot begin."""
    try:
        make_fetcher, dataset, base_seed, init_fn = sealed.open()
        seed = seed_worker(base_seed, worker_id)
        _this_worker[:] = [WorkerInfo(worker_id, num_workers, seed, dataset), outlet]
        if init_fn is not None:
            init_fn(worker_id)
        return Job(make_fetcher, dataset, where)
    except Exception:
        failure = ExceptionWrapper(where=where)
        failure.fatal = True
        return Failed(failure)


class Job:
    """Fetching from a dataset: one answer to each index, until the stream ends."""

    def __init__(self, make_fetcher, dataset, where):
        self.make = make_fetcher, dataset
        self.where = where
        self.restart()

    def restart(self):
        """Begin a pass over the dataset."""
        make_fetcher, dataset = self.make
        self.going_on = True
        self.fetcher = self.failure = None
        try:
            self.fetcher = make_fetcher(dataset)
        except Exception:
            self.failure = ExceptionWrapper(where=self.where)

    def answer(self, index):
        """A batch, StreamEnd, or what went wrong."""
        if self.failure is not None:
            return self.failure
        try:
            return self.fetcher.fetch(index)
        except Exception as error:
            if isinstance(error, StopIteration) and hasattr(self.fetcher, "stream"):
                self.going_on = False
                return StreamEnd()
            return ExceptionWrapper(where=self.where)


class Failed:
    """The job of a worker that could not begin: its error is the answer to everything."""

    going_on = True

    def __init__(self, error):
        self.error = error

    def restart(self):
        pass

    def answer(self, index):
        return self.error


def _send(outlet, number, answer, where):
    """Send an answer; if it cannot be pickled, say so instead of leaving the parent waiting."""
    try:
        outlet.send(number, answer)
    except ConnectionError:
        raise
    except Exception:
        if isinstance(answer, ExceptionWrapper):        # of a type that the parent does not know
            answer.exc_type = RuntimeError
        else:
            answer = ExceptionWrapper(where=where)
        outlet.send(number, answer)


def _tasks(pipe):
    """The tasks that come through the pipe, until None comes or the parent process is gone."""
    from multiprocessing import parent_process
    begun_by = os.getppid()
    while True:
        try:
            while not pipe.poll(CHECK_INTERVAL):
                if os.getppid() != begun_by or not parent_process().is_alive():
                    return
            task = pipe.recv()
        except (EOFError, OSError):
            return
        if task is None:
            return
        yield task
