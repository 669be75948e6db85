"""File descriptors on their way to other processes.

A message that goes through a queue can hold numbers only, and a descriptor is no more than a number
to whoever did not open the file. So the sender keeps a duplicate at a counter of its own, served by
a thread; the message says where the counter is and what to ask for, and the receiver fetches it.
"""

import errno
import os
import signal
import sys
import threading
import time
from itertools import count
from multiprocessing.util import Finalize, register_after_fork

ALL_ACCESS = 0xF001F            # Windows' FILE_MAP_ALL_ACCESS
_PATIENCE = 5.0                 # seconds that an ending process waits for what is not yet fetched


class Courier:
    """The counter of this process: descriptors that others may fetch, once each."""

    def __init__(self):
        self.lock = threading.Lock()
        self.waiting = {}               # number -> descriptor
        self.numbers = count()
        self.listener = None

    def offer(self, fd):
        """Keep a duplicate of `fd`; returns the address and the number to ask for."""
        with self.lock:
            if self.listener is None:
                self._open()
            number = next(self.numbers)
            self.waiting[number] = os.dup(fd)
            return self.listener.address, number

    def _open(self):
        from multiprocessing import process
        from multiprocessing.connection import Listener
        address = None
        if sys.platform == "linux":     # a socket without a file, which nobody has to remove
            address = f"\0learntorch-{os.getpid()}-{os.urandom(6).hex()}"
        self.listener = Listener(address, backlog=128, authkey=process.current_process().authkey)
        threading.Thread(target=self._serve, name="learntorch courier", daemon=True).start()

    def _serve(self):
        if hasattr(signal, "pthread_sigmask"):      # Ctrl-C is to wake the main thread
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            try:
                with self.listener.accept() as visitor:
                    self._hand_out(visitor)
            except Exception:
                # a visitor that was killed, or does not know our key; or no descriptor is free
                time.sleep(0.01)

    def _hand_out(self, visitor):
        from multiprocessing.reduction import send_handle
        number, pid = visitor.recv()
        fd = self.waiting[number]
        try:
            send_handle(visitor, fd, pid)
        finally:                                # only now may `linger` let the process end
            if self.waiting.pop(number, None) is not None:
                os.close(fd)

    def settle(self):
        """At the begin of a process: have `linger` called at its end."""
        # after the queues have sent what they hold, which is at priority −5
        Finalize(None, self.linger, exitpriority=-10)

    def linger(self):
        """At the end of a child process: let the receivers fetch what it has just sent."""
        from multiprocessing import parent_process
        parent = parent_process()
        end = time.monotonic() + _PATIENCE
        while self.waiting and parent is not None and parent.is_alive():
            if time.monotonic() > end:
                return
            time.sleep(0.005)

    def abandon(self):
        """Give up on what nobody has fetched."""
        while self.waiting:
            os.close(self.waiting.popitem()[1])

    def after_fork(self):
        """In a forked child: the parent's counter is not ours."""
        self.abandon()
        listener = self.listener
        self.__init__()
        if listener is not None:
            listener.close()


courier = Courier()
courier.settle()
register_after_fork(courier, Courier.settle)        # a child begins with an empty list of these
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=courier.after_fork)


class Parcel:
    """A descriptor inside a message: `detach()` gives the receiver a descriptor of its own."""

    def __init__(self, fd):
        self.address, self.number = courier.offer(fd)

    def detach(self):
        """Fetch the descriptor; it can be done once.

        Raises ConnectionError where the process that sent it has ended.
        """
        from multiprocessing import process
        from multiprocessing.connection import Client
        from multiprocessing.reduction import recv_handle
        try:
            with Client(self.address, authkey=process.current_process().authkey) as counter:
                counter.send((self.number, os.getpid()))
                return recv_handle(counter)
        except (EOFError, OSError):
            raise ConnectionRefusedError(
                errno.ECONNREFUSED, "Connection refused: the process that sent "
                "this tensor has ended (or the message was read twice), and its memory with it. A "
                "process must live until what it has sent is received: join it after get().",
            ) from None


def parcel(fd):
    """A descriptor (on Windows a handle) as something that pickles, for one receiver."""
    from multiprocessing import context, reduction
    if sys.platform == "win32":
        return reduction.DupHandle(fd, ALL_ACCESS)
    if context.get_spawning_popen() is not None:        # a process that starts inherits it
        return reduction.DupFd(fd)
    return Parcel(fd)
