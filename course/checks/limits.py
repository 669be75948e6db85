"""A time limit for code that may never end, on every system and without a second process."""

import ctypes
import threading
from contextlib import contextmanager

__all__ = ["TimeUp", "time_limit"]


class TimeUp(BaseException):
    """The time is over. Not an Exception, so that `except Exception` cannot swallow it."""


@contextmanager
def time_limit(seconds):
    """Raise `TimeUp` in this thread once `seconds` have passed inside the block.

    A watcher thread asks the interpreter to raise; this ends loops written in Python, and waits
    for a single long call into C. Where no thread can be started there is no limit.
    """
    here = ctypes.c_ulong(threading.get_ident())
    lock = threading.Lock()
    done = threading.Event()

    def watch():
        pause = seconds
        # A bare `except:` in the answer may catch the first one, so it is raised until it is over.
        while not done.wait(pause):
            with lock:
                if not done.is_set():
                    _ask_to_raise(here, ctypes.py_object(TimeUp))
            pause = 0.2

    watcher = threading.Thread(target=watch, daemon=True)
    try:
        watcher.start()
    except RuntimeError:
        yield
        return
    try:
        yield
    finally:
        while not done.is_set():
            # The watcher may have spoken just before the end: what it says now is too late.
            try:
                with lock:
                    done.set()
                    _ask_to_raise(here, None)
            except TimeUp:
                continue


def _ask_to_raise(thread, exception):
    ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, exception)
