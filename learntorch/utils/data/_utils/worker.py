"""What runs inside a worker process of a DataLoader."""

import sys

_this_worker = []           # in a worker process its WorkerInfo


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


class KeyErrorMessage(str):
    """A text that a KeyError shows with its line breaks, not as one quoted line."""

    __slots__ = ()

    def __repr__(self):
        return self


class ExceptionWrapper:
    """An exception on its way to the parent process, with its traceback as text."""

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


class Resume:
    """Sent to a worker that lives on: begin the dataset anew; the worker answers with it."""


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


def run(worker_id, tasks, answers, heard, num_workers, make_fetcher, dataset, base_seed, init_fn):
    """Fetch what `tasks` (a queue) asks for and send it through `answers` until told to stop.

    A task is (number, index), `Resume` or None (stop); an answer (number, batch). An error is
    answered too, as an ExceptionWrapper. A worker whose parent has gone stops. `heard` are the
    parent's ends of pipes, if a fork has copied them: while one is open here, a worker would go on
    talking to a parent that does not listen any more.
    """
    for pipe in heard:
        pipe.close()
    where = f"in DataLoader worker process {worker_id}"
    seed = seed_worker(base_seed, worker_id)
    _this_worker[:] = [WorkerInfo(worker_id, num_workers, seed, dataset)]
    try:
        if init_fn is not None:
            init_fn(worker_id)
        job = Job(make_fetcher, dataset, where)
    except Exception:
        job = Failed(ExceptionWrapper(where=where))
    try:
        for task in _tasks(tasks):
            if isinstance(task, Resume):
                job.restart()
                answers.send(task)
            elif job.going_on:
                _send(answers, task[0], job.answer(task[1]), where)
    except (KeyboardInterrupt, BrokenPipeError):
        pass                # the parent is being interrupted as well, or does not listen any more


class Job:
    """Fetching from a dataset: one answer to each index, until the stream ends."""

    def __init__(self, make_fetcher, dataset, where):
        self.make = make_fetcher, dataset
        self.where = where
        self.going_on = True
        self.fetcher = make_fetcher(dataset)

    def restart(self):
        """Begin another pass over the dataset."""
        make_fetcher, dataset = self.make
        self.going_on = True
        self.fetcher = make_fetcher(dataset)

    def answer(self, index):
        """A batch, StreamEnd, or what went wrong."""
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


def _send(answers, number, answer, where):
    """Send an answer; if it cannot be pickled, say so instead of leaving the parent waiting."""
    try:
        answers.send((number, answer))
    except BrokenPipeError:
        raise
    except Exception:
        if isinstance(answer, ExceptionWrapper):        # of a type that the parent does not know
            answer.exc_type = RuntimeError
        else:
            answer = ExceptionWrapper(where=where)
        answers.send((number, answer))


def _tasks(queue):
    """The tasks from the queue, until None comes or the parent process is gone."""
    import multiprocessing
    from queue import Empty
    parent = multiprocessing.parent_process()
    while True:
        try:
            task = queue.get(timeout=5.0)
        except Empty:
            if parent is not None and not parent.is_alive():
                return
            continue
        if task is None:
            return
        yield task
