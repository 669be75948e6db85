"""What new processes run in the tests: in a file that imports little, for they import it too."""
import os
import signal
import sys
import time


def fine(i, shared):
    shared[i] = i + 1


def bad(i):
    if i == 1:
        raise ValueError("bad")
    time.sleep(60)


def killed(i):
    os.kill(os.getpid(), signal.SIGKILL)


def leaves(i):
    sys.exit(5)


def echo(inbox, outbox):
    """Add 1 to what comes, in place, and send it back, until None comes."""
    for t in iter(inbox.get, None):
        t += 1
        outbox.put(t)
