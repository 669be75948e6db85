"""Starting several processes that run one function, and passing on what goes wrong in them."""

import os
import signal
import sys
import time

from learntorch.multiprocessing.advice import advice, main_is_a_file

ENV_VAR_PARALLEL_START = "TORCH_MP_PARALLEL_START"
_PATIENCE = 30.0                # seconds for a process to end after SIGTERM, before SIGKILL

__all__ = ["ProcessContext", "ProcessException", "ProcessExitedException",
           "ProcessRaisedException", "SpawnContext", "spawn", "start_processes"]


class ProcessException(Exception):
    """What went wrong in process number `error_index`, whose process id was `error_pid`."""

    def __init__(self, msg, error_index, error_pid):
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.error_pid = error_pid

    def __reduce__(self):
        return type(self), (self.msg, self.error_index, self.error_pid)


class ProcessRaisedException(ProcessException):
    """The function raised; the message holds its traceback."""


class ProcessExitedException(ProcessException):
    """The process ended by a signal (`signal_name`), or with an exit code other than 0."""

    def __init__(self, msg, error_index, error_pid, exit_code, signal_name=None):
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code
        self.signal_name = signal_name

    def __reduce__(self):
        return type(self), (self.msg, self.error_index, self.error_pid, self.exit_code,
                            self.signal_name)


class ProcessContext:
    """The processes that `start_processes(join=False)` has started."""

    _hint = ""                  # what to add where one exits

    def __init__(self, processes, error_files):
        self.processes = processes
        self.error_files = error_files
        self.sentinels = {process.sentinel: i for i, process in enumerate(processes)}

    def pids(self):
        """The process ids."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout=None, grace_period=None):
        """Wait until a process ends: True when all have ended, False while some go on.

        `timeout`: seconds to wait at most. Where one has failed the others are ended, by SIGTERM
        after `grace_period` seconds and by SIGKILL after as many more, and its error is raised:
        ProcessRaisedException or ProcessExitedException.
        """
        from multiprocessing.connection import wait
        if not self.sentinels:
            return True
        for sentinel in wait(list(self.sentinels), timeout):
            index = self.sentinels.pop(sentinel)
            process = self.processes[index]
            process.join()
            if process.exitcode != 0:
                self._end(grace_period)
                raise self._error(index, process)
        return not self.sentinels

    def _end(self, grace_period):
        import logging
        log = logging.getLogger(__name__)
        if grace_period is not None:
            self._wait(grace_period)
        for process in self.processes:
            if process.is_alive():
                log.warning("Terminating process %s via signal SIGTERM", process.pid)
                process.terminate()
        self._wait(_PATIENCE if grace_period is None else grace_period)
        for process in self.processes:
            if process.is_alive():
                log.warning("Unable to shutdown process %s via SIGTERM , forcefully exiting via "
                            "SIGKILL", process.pid)
                process.kill()
            process.join()

    def _wait(self, seconds):
        end = time.monotonic() + seconds
        for process in self.processes:
            process.join(max(0.0, end - time.monotonic()))

    def _error(self, index, process):
        who = {"error_index": index, "error_pid": process.pid}
        traces = [_taken(file) for file in self.error_files]
        code = process.exitcode
        if traces[index] is not None:
            return ProcessRaisedException(f"\n\n-- Process {index} terminated with the following "
                                          f"error:\n{traces[index]}", **who)
        if code < 0:
            name = _signal_name(-code)
            return ProcessExitedException(f"process {index} terminated with signal {name}", **who,
                                          exit_code=code, signal_name=name)
        return ProcessExitedException(f"process {index} terminated with exit code {code}"
                                      + self._hint, **who, exit_code=code)


class SpawnContext(ProcessContext):
    """The old name of ProcessContext."""

    def __init__(self, processes, error_files):
        import warnings
        warnings.warn("SpawnContext is renamed to ProcessContext since 1.4 release.", stacklevel=2)
        super().__init__(processes, error_files)


def _taken(file):
    """What is in a file, which is removed; None if it is not there."""
    try:
        with open(file, encoding="utf-8") as opened:
            text = opened.read()
        os.unlink(file)
    except OSError:
        return None
    return text


def _signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"<Unknown signal {number}>"


def end_with_parent():
    """On Linux: SIGINT for this process when its parent ends, in whatever way."""
    if sys.platform != "linux":
        return
    import ctypes
    ctypes.CDLL(None).prctl(1, int(signal.SIGINT))       # PR_SET_PDEATHSIG


def _run(fn, i, args, error_file):
    """In the new process: call the function, and leave its traceback where the parent looks."""
    end_with_parent()
    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass                    # the parent is interrupted as well, or gone
    except Exception:
        import traceback
        with open(error_file, "w", encoding="utf-8") as file:
            file.write(traceback.format_exc())
        sys.exit(1)


def start_processes(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """Run `fn(i, *args)` in processes i = 0 … nprocs − 1; see `spawn`.

    `start_method`: "spawn", "fork" or "forkserver" (the last starts them at the same time where the
    environment variable TORCH_MP_PARALLEL_START is 1).
    """
    import multiprocessing
    context = multiprocessing.get_context(start_method)
    files = [_error_file() for _ in range(nprocs)]
    processes = [context.Process(target=_run, args=(fn, i, args, files[i]), daemon=daemon)
                 for i in range(nprocs)]
    try:
        if start_method == "forkserver" and os.environ.get(ENV_VAR_PARALLEL_START, "0") == "1":
            from concurrent.futures import ThreadPoolExecutor
            with ThreadPoolExecutor(nprocs) as pool:
                list(pool.map(context.Process.start, processes))
        else:
            for process in processes:
                process.start()
    except BaseException:
        for process in processes:
            if process.pid is not None:
                process.terminate()
        raise
    started = ProcessContext(processes, files)
    if start_method != "fork" and _is_local(fn):
        started._hint = ". " + advice(False, "use start_processes(..., start_method=\"fork\")")
    if not join:
        return started
    while not started.join():
        pass


def _is_local(fn):
    """Whether a function was defined where a new process does not find it."""
    return getattr(fn, "__module__", None) == "__main__" and not main_is_a_file()


def _error_file():
    """The path of a file that is not there yet: it will be if the process raises."""
    import tempfile
    name = f"learntorch-errorfile-{os.getpid()}-{os.urandom(6).hex()}.txt"
    return os.path.join(tempfile.gettempdir(), name)


def spawn(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """Run `fn(i, *args)` in new processes i = 0 … nprocs − 1, and wait for them.

    `fn` must be at the top level of a file that can be imported, since the processes begin with
    nothing. With `join=False` a ProcessContext is returned at once. `daemon`: end them when this
    process ends.

    Raises ProcessRaisedException with the traceback if `fn` raises in one of them, and
    ProcessExitedException if one is killed or exits with a code other than 0; the others are ended.
    """
    if start_method != "spawn":
        import warnings
        warnings.warn(f"This method only supports start_method=spawn (got: {start_method}).\nTo "
                      "use a different start_method use:\n\t\t torch.multiprocessing."
                      "start_processes(...)", FutureWarning, stacklevel=2)
    return start_processes(fn, args, nprocs, join, daemon, start_method="spawn")
