"""What a worker process begins with: its dataset and functions.

A process that is not forked gets them as a pickle. If that cannot be read, because a class of it
was defined in a notebook, say, the process would end before any code of ours runs, and nobody would
learn why. So the pickle comes through the worker's own pipe, and the worker reads it where errors
are caught.
"""

import os
import pickle

from learntorch.multiprocessing.advice import advice, main_is_a_file

INSTEAD = 'pass multiprocessing_context="fork" (not on Windows) or num_workers=0'


class Sealed:
    """The parent's end of it: `contents`, which a fork takes over as they are.

    Where the process is started in another way, `text` is their pickle afterwards.
    """

    def __init__(self, contents):
        self.contents = contents
        self.text = None

    def __reduce__(self):
        # pickled here, while the process is being started: locks and queues insist on that
        from multiprocessing.reduction import ForkingPickler
        self.text = bytes(ForkingPickler.dumps(self.contents))
        return Parcelled, (main_is_a_file(),)

    def fetch(self, pipe):
        """Itself: there is nothing to read."""
        return self

    def open(self):
        """The contents."""
        return self.contents


class Parcelled:
    """The other end of it, in the new process."""

    def __init__(self, main_is_a_file):
        self.main_is_a_file = main_is_a_file
        self.text = None

    def fetch(self, pipe):
        """Read the pickle from the pipe."""
        self.text = pipe.recv_bytes()
        return self

    def open(self):
        """The contents. Raises RuntimeError where a class or function of them is not found."""
        try:
            return pickle.loads(self.text)
        except (AttributeError, ImportError) as error:
            raise RuntimeError(f"DataLoader worker (pid(s) {os.getpid()}) exited unexpectedly: it "
                               f"could not read its dataset or functions. {error}. "
                               + advice(self.main_is_a_file, INSTEAD)) from None
