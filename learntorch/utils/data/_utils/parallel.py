"""The parent's side of worker processes: handing out tasks and collecting batches in order."""

import functools
import itertools
import os
import signal
import time
import warnings
import weakref
from multiprocessing.connection import wait

from learntorch.utils.data._utils import worker
from learntorch.utils.data._utils.fetch import _DatasetKind


class Worker:
    """One process, the queue its tasks go into, the pipe its answers come out of."""

    def __init__(self, context, worker_id, earlier, arguments):
        self.tasks = context.Queue()
        self.tasks.cancel_join_thread()
        self.answers, sender = context.Pipe(duplex=False)
        heard = []
        if context.get_start_method() == "fork":
            heard = [self.answers, *[member.answers for member in earlier]]
        self.process = context.Process(
            target=worker.run, daemon=True,
            args=(worker_id, self.tasks, sender, heard, *arguments))
        try:
            self.process.start()
        finally:
            sender.close()
        self.active = True          # False: its stream has ended
        self.waiting = 0            # tasks sent and not yet handed on

    def stop(self):
        """Ask it to end. What it still wants to say is not listened to."""
        self.answers.close()
        self.tasks.put(None)

    def end(self, patience):
        """Wait until it has ended; after `patience` seconds end it by force."""
        self.process.join(patience)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(patience)
        self.tasks.close()

    def epitaph(self):
        """The error to raise when it has died."""
        self.process.join(1.0)
        code, pid = self.process.exitcode, self.process.pid
        if code is not None and code < 0:
            name = signal.strsignal(-code)
            hint = " It is possible that dataloader's workers are out of memory." \
                if -code == getattr(signal, "SIGKILL", None) else ""
            return RuntimeError(f"DataLoader worker (pid {pid}) is killed by signal: {name}.{hint}")
        return RuntimeError(f"DataLoader worker (pid(s) {pid}) exited unexpectedly")


class Team:
    """All workers of one iterator.

    Each task has a number and goes to the next worker in turn; answers are handed on by number (or,
    where order does not matter, as they come). At most `prefetch` tasks for each worker are out.
    """

    def __init__(self, loader, base_seed):
        context = loader.multiprocessing_context
        if context is None:
            import multiprocessing as context
        make_fetcher = functools.partial(
            _make_fetcher, loader._dataset_kind, loader._auto_collation, loader.collate_fn,
            loader.drop_last)
        arguments = (loader.num_workers, make_fetcher, loader.dataset, base_seed,
                     loader.worker_init_fn)
        self.in_order = loader.in_order
        self.prefetch = loader.prefetch_factor
        self.timeout = loader.timeout
        self.persistent = loader.persistent_workers
        self.workers = []
        # not __del__: when a cycle is collected, the pipes may have been closed before it runs
        self.shut_down_once = weakref.finalize(self, end_all, self.workers, os.getpid())
        try:
            for i in range(loader.num_workers):
                self.workers.append(Worker(context, i, self.workers, arguments))
        except Exception as error:
            self.shut_down()
            _warn_unpicklable(error)
            raise

    def begin(self, indices, again=False):
        """Start a pass over `indices`; `again`: the workers have done one before."""
        if again:
            self._resume()
        self.indices = indices
        self.turn = itertools.cycle(self.workers)
        self.numbers = itertools.count()
        self.owner = {}             # number of a task -> the worker that has it, in order
        self.arrived = {}           # number of a task -> its answer
        for _ in range(self.prefetch * len(self.workers)):
            self._send_next()

    def _resume(self):
        for member in self.workers:
            member.tasks.put(worker.Resume())
            member.active = True
            member.waiting = 0
        for member in self.workers:         # what they still had to say is of the pass before
            while not isinstance(self._receive([member]), worker.Resume):
                pass

    def _send_next(self):
        index = next(self.indices, self)
        if index is self:
            return
        for member in itertools.islice(self.turn, len(self.workers)):
            if member.active and (self.in_order or member.waiting < self.prefetch):
                number = next(self.numbers)
                member.tasks.put((number, index))
                member.waiting += 1
                self.owner[number] = member
                return

    def next(self):
        """The next batch; StopIteration when all are handed on."""
        while self.owner:
            first = next(iter(self.owner))
            if first in self.arrived:
                return self._hand_on(first)
            if not self.owner[first].active:        # its stream ended before it came to this task
                del self.owner[first]
                continue
            number, answer = self._receive(self.workers)
            if isinstance(answer, worker.StreamEnd):
                self._retire(self.owner[number])
                continue
            self.arrived[number] = answer
            if not self.in_order:
                return self._hand_on(number)
        if not self.persistent:
            self.shut_down()
        raise StopIteration

    def _retire(self, member):
        member.active = False
        if not self.persistent:
            member.tasks.put(None)
        self._send_next()

    def _hand_on(self, number):
        self.owner.pop(number).waiting -= 1
        self._send_next()
        answer = self.arrived.pop(number)
        if isinstance(answer, worker.ExceptionWrapper):
            answer.reraise()
        return answer

    def _receive(self, members):
        """The next answer of any of these workers; an error if one dies, or the time is over."""
        pipes = {member.answers: member for member in members if member.active}
        deadline = time.monotonic() + self.timeout if self.timeout > 0 else None
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = wait(list(pipes), left)
            if not ready:
                self.shut_down()
                raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds")
            try:
                return ready[0].recv()
            except (EOFError, ConnectionError):
                error = pipes[ready[0]].epitaph()
                self.shut_down()
                raise error from None

    def shut_down(self):
        """End all workers and give back what they used. A second call does nothing."""
        self.owner = {}
        self.shut_down_once()


def end_all(workers, owner, patience=5.0):
    """End all workers; by force those that are not through after `patience` seconds."""
    if os.getpid() != owner:                    # a forked worker has a copy, and must leave it
        return
    for member in workers:
        member.stop()
    deadline = time.monotonic() + patience
    for member in workers:
        member.end(max(0.1, deadline - time.monotonic()))
    workers.clear()


def _make_fetcher(kind, auto_collation, collate_fn, drop_last, dataset):
    return _DatasetKind.create_fetcher(kind, dataset, auto_collation, collate_fn, drop_last)


def _warn_unpicklable(error):
    from pickle import PicklingError
    if isinstance(error, (TypeError, AttributeError, PicklingError)):
        warnings.warn("Got pickle error when attempting to start a worker Process. This might be "
                      "because the worker Process arguments are not picklable. Python 3.14+ "
                      "changed the multiprocessing start method in non-Mac POSIX platforms to "
                      "'forkserver', which requires the worker Process arguments to be "
                      "picklable. You can also try multiprocessing.set_start_method('fork').",
                      stacklevel=6)
