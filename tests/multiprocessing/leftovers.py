"""What a process may leave behind: child processes, descriptors, files of shared memory."""
import functools
import gc
import multiprocessing
import os
import pickle
import time
from collections import Counter
from multiprocessing.reduction import ForkingPickler

import learntorch
from learntorch import multiprocessing as mp

SHARED = "/dev/shm"


@functools.cache
def open_what_stays():
    """What is opened once in a process, and kept: the counter for descriptors, the tracker."""
    pickle.loads(ForkingPickler.dumps(learntorch.ones(1)))
    strategy = mp.get_sharing_strategy()
    mp.set_sharing_strategy("file_system")
    mp.set_sharing_strategy(strategy)
    time.sleep(0.1)


def descriptors():
    """What the open descriptors of this process stand for, without its logs and terminals."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:                         # the one that lists the folder
            continue
    return sorted(found)


def names(*pids):
    """Files of shared memory that the library has made in these processes (default: this one)."""
    starts = tuple(f"learntorch_{pid}_" for pid in pids or [os.getpid()])
    return {name for name in os.listdir(SHARED) if name.startswith(starts)}


def semaphores():
    """The semaphores that this process has mapped."""
    with open("/proc/self/maps") as file:
        return [line.split()[-2] for line in file if "/sem." in line]


class Nothing:
    """`with Nothing() …` asserts that the block leaves nothing behind."""

    def __enter__(self):
        open_what_stays()
        gc.collect()
        self.before = self.now()
        time.sleep(0.01)
        while self.now() != self.before:        # a thread is still closing its socket
            self.before = self.now()
            time.sleep(0.01)
        return self

    def now(self):
        """Counts of what this process has."""
        children = [f"process {child.pid}" for child in multiprocessing.active_children()]
        return Counter([*children, *descriptors(), *names(), *semaphores()])

    def __exit__(self, kind, error, trace):
        end = time.monotonic() + 5
        while kind is None and self.now() - self.before and time.monotonic() < end:
            gc.collect()
            time.sleep(0.02)                    # a process that was told to end is about to
        left = self.now() - self.before
        assert kind or not left, f"left behind: {left}"


def gone(pids, patience=10.0):
    """Whether all these processes end within some seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if not any(_running(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def _running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
