"""The parent's side of worker processes: handing out tasks and collecting batches in order."""

import collections
import functools
import itertools
import os
import signal
import threading
import time
import warnings
import weakref
from multiprocessing.connection import wait
from multiprocessing.reduction import ForkingPickler

from learntorch.multiprocessing.advice import advice, main_is_a_file
from learntorch.utils.data._utils import worker
from learntorch.utils.data._utils.fetch import _DatasetKind
from learntorch.utils.data._utils.sealed import INSTEAD, Sealed
from learntorch.utils.data._utils.transport import Inlet

FITS = 1 << 14                  # bytes of tasks that a pipe holds until they are read
PATIENCE = 5.0                  # seconds for a worker to finish what it is doing at the end
_all_workers = weakref.WeakSet()


class Worker:
    """One process, the pipe its tasks go into, the pipe its answers come out of."""

    def __init__(self, context, worker_id, num_workers, prefetch, sealed):
        self.heard, sender = context.Pipe()         # both ways: a descriptor needs a socket
        task_reader, task_writer = context.Pipe(duplex=False)
        self.tasks = Outbox(task_writer, FITS // prefetch)
        self.inlet = Inlet(self.heard)
        _all_workers.add(self)
        foreign = []
        if context.get_start_method() == "fork":
            foreign = [pipe for other in _all_workers for pipe in (other.heard, other.tasks.pipe)]
        self.process = context.Process(
            target=worker.run, daemon=True,
            args=(worker_id, task_reader, sender, foreign, num_workers, prefetch, sealed))
        try:
            self.process.start()
        except BaseException:
            self.heard.close()
            self.tasks.close()
            raise
        finally:
            sender.close()
            task_reader.close()
        if sealed.text is not None:
            self.tasks.put_bytes(sealed.text)
        self.forked = sealed.text is None
        self.active = True          # False: its stream has ended
        self.due = 0                # tasks it has not answered yet
        self.waiting = 0            # tasks whose batch is not yet handed on

    def resume(self):
        """Have it begin another pass, and say so when it is there."""
        self.tasks.put(worker.RESUME)
        self.active = True
        self.due += 1
        self.waiting = 0

    def give(self, number, index):
        """Send a task, and the pieces of shared memory that may be filled again."""
        self.tasks.put((number, index, self.inlet.back()))
        self.due += 1
        self.waiting += 1

    def stop(self):
        """Ask it to end. What it still wants to say is not listened to."""
        self.heard.close()
        self.tasks.put(None)
        self.tasks.close()

    def end(self, patience):
        """Wait until it has ended; after `patience` seconds end it by force."""
        for force in (self.process.terminate, self.process.kill):
            self.process.join(patience)
            if self.process.is_alive():
                force()
        self.process.join()
        self.process.close()

    def epitaph(self):
        """The error to raise when it has died."""
        self.process.join(1.0)
        code, pid = self.process.exitcode, self.process.pid
        if code is None or code == 0:
            why = "It ended by itself, or closed its pipes."
        elif code > 0:
            why = (f"DataLoader worker (pid {pid}) exited unexpectedly with exit code {code}. "
                   "Details are lost due to multiprocessing. Rerunning with num_workers=0 may give "
                   "better error trace.")
            if not self.forked:
                why += (" If its own message speaks of the bootstrapping phase, put the main part "
                        "of the script under `if __name__ == '__main__':`.")
        else:
            why = (f"DataLoader worker (pid {pid}) is killed by signal: "
                   f"{signal.strsignal(-code)}. {_REASONS.get(-code, '')}").rstrip()
        return RuntimeError(f"DataLoader worker (pid(s) {pid}) exited unexpectedly. {why}")


_REASONS = {
    getattr(signal, "SIGBUS", None): "It is possible that dataloader's workers are out of shared "
                                     "memory. Please try to raise your shared memory limit.",
    getattr(signal, "SIGKILL", None): "It is possible that dataloader's workers are out of memory: "
                                      "try fewer workers, or smaller batches.",
}


class Outbox:
    """Messages into a pipe that never make the sender wait.

    The pipe holds several short ones. Longer ones are sent by a thread: else we could wait for a
    worker to read that waits for us to read.
    """

    def __init__(self, pipe, fits):
        self.pipe = pipe
        self.fits = fits
        self.lock = threading.Lock()
        self.backlog = collections.deque()
        self.sending = False            # whether a thread is at it
        self.closed = False

    def put(self, message):
        """Send an object; nothing happens where the receiver has ended."""
        self.put_bytes(ForkingPickler.dumps(message))

    def put_bytes(self, text):
        """Send a pickle."""
        with self.lock:
            if not self.sending and len(text) <= self.fits:
                self._send(text)
                return
            self.backlog.append(text)
            if not self.sending:
                self.sending = True
                threading.Thread(target=self._send_backlog, daemon=True).start()

    def _send(self, text):
        try:
            self.pipe.send_bytes(text)
        except OSError:
            pass

    def _send_backlog(self):
        while True:
            with self.lock:
                if not self.backlog:
                    self.sending = False
                    if self.closed:
                        self.pipe.close()
                    return
                text = self.backlog.popleft()
            self._send(text)

    def close(self):
        """Close the pipe, when everything is sent."""
        with self.lock:
            self.closed = True
            if not self.sending:
                self.pipe.close()


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
        contents = make_fetcher, loader.dataset, base_seed, loader.worker_init_fn
        self.in_order = loader.in_order
        self.prefetch = loader.prefetch_factor
        self.timeout = loader.timeout
        self.persistent = loader.persistent_workers
        self.workers = []
        # not __del__: when a cycle is collected, the pipes may have been closed before it runs
        self.shut_down_once = weakref.finalize(self, end_all, self.workers, os.getpid())
        try:
            for i in range(loader.num_workers):
                self.workers.append(Worker(context, i, loader.num_workers, self.prefetch,
                                           Sealed(contents)))
        except BaseException as error:
            self.shut_down(0.2)
            _explain(error)
            raise

    def over(self):
        """Whether its workers have ended, because of an error or an interrupt that was told."""
        return any(member.process.exitcode == 0 for member in self.workers) or not self.workers

    def begin(self, indices, again=False):
        """Start a pass over `indices`; `again`: the workers have done one before."""
        if again:
            self._resume()
        self.indices = indices
        self.told = False           # whether the workers know that no more tasks come
        self.turn = itertools.cycle(self.workers)
        self.numbers = itertools.count()
        self.owner = {}             # number of a task -> the worker that has it, in order
        self.arrived = {}           # number of a task -> its answer
        for _ in range(self.prefetch * len(self.workers)):
            self._send_next()

    def _resume(self):
        for member in self.workers:
            member.resume()
        for member in self.workers:         # what they still had to say is of the pass before
            while self._receive([member])[0] != worker.RESUME:
                pass

    def _send_next(self):
        index = next(self.indices, self)
        if index is self:
            if not self.persistent and not self.told:
                self.told = True
                for member in self.workers:     # they end while we work with the last batches
                    member.tasks.put(None)
            return
        for member in itertools.islice(self.turn, len(self.workers)):
            if member.active and (self.in_order or member.waiting < self.prefetch):
                number = next(self.numbers)
                member.give(number, index)
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
        member.due = 0
        if not self.persistent:
            member.tasks.put(None)
        self._send_next()

    def _hand_on(self, number):
        self.owner.pop(number).waiting -= 1
        self._send_next()
        answer = self.arrived.pop(number)
        if isinstance(answer, worker.ExceptionWrapper):
            if answer.fatal:
                self.shut_down(0.2)
            answer.reraise()
        return answer

    def _receive(self, members):
        """(number, answer) that comes next from these workers.

        Raises RuntimeError if one dies, or the time is over; then, and where the user interrupts,
        all workers are ended, for a message may have been cut in two.
        """
        pipes = {member.heard: member for member in members if member.due}
        deadline = time.monotonic() + self.timeout if self.timeout > 0 else None
        try:
            while True:
                left = worker.CHECK_INTERVAL
                if deadline is not None:
                    left = min(left, max(0.0, deadline - time.monotonic()))
                for pipe in wait(list(pipes), left):
                    return self._read(pipes[pipe])
                if deadline is not None and time.monotonic() >= deadline:
                    raise RuntimeError(f"DataLoader timed out after {self.timeout} seconds")
                for member in pipes.values():       # a process it started may keep its pipe open
                    if not member.process.is_alive() and not member.heard.poll():
                        raise member.epitaph()
        except BaseException:
            self.shut_down(0.2)
            raise

    def _read(self, member):
        member.due -= 1
        try:
            return member.inlet.receive(
                lambda: worker.ExceptionWrapper(where="while reading what a DataLoader worker "
                                                      "process sent"))
        except (EOFError, OSError):
            raise member.epitaph() from None

    def shut_down(self, patience=PATIENCE):
        """End all workers and give back what they used. A second call does nothing."""
        self.owner = {}
        ours = self.shut_down_once.detach()
        if ours:
            end_all(*ours[2], patience)


def end_all(workers, owner, patience=PATIENCE):
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


def _explain(error):
    """Say what to do about a worker that could not be started."""
    from pickle import PicklingError
    if isinstance(error, (TypeError, AttributeError, PicklingError)):
        warnings.warn("Got pickle error when attempting to start a worker Process. This might be "
                      "because the worker Process arguments are not picklable. Python 3.14+ "
                      "changed the multiprocessing start method in non-Mac POSIX platforms to "
                      "'forkserver', which requires the worker Process arguments to be "
                      "picklable. You can also try multiprocessing.set_start_method('fork').",
                      stacklevel=6)
        error.add_note(advice(main_is_a_file(), INSTEAD))
