"""Batches on their way from a worker to the process that asked for them: through shared memory.

The worker collates a batch into a *piece* of shared memory, then sends the piece's number and what
lies where. The parent looks at the piece as it is; when nobody looks at it any more the piece goes
back with the next task, and is filled again. So a piece is mapped once, and its pages are touched
for the first time once, however many batches it carries.
"""

import io
import pickle
import socket
import sys
import weakref
from functools import partial
from itertools import count
from multiprocessing import reduction

import numpy as np

from learntorch.core import dtypes
from learntorch.core.storage import in_shared_memory
from learntorch.core.tensor import Tensor, owner, wrap
from learntorch.multiprocessing import memory, reductions
from learntorch.multiprocessing.courier import courier

LINE = 64                       # bytes to which every place in a piece is aligned
LONG = 1 << 14                  # bytes of a pickle that does not go through the pipe
TOO_MANY = ("Too many open files. Communication with the workers is no longer possible. Please "
            "increase the limit using `ulimit -n` in the shell or change the sharing strategy by "
            "calling `torch.multiprocessing.set_sharing_strategy('file_system')` at the beginning "
            "of your code. What has opened so many files is not the DataLoader: it needs a few.")
NUMPY = {d.name: d.numpy for d in dtypes.ALL}


class Piece:
    """A block of the worker's, and how full it is."""

    __slots__ = ("number", "block", "size", "full", "loan")

    def __init__(self, number, size):
        self.number = number
        self.block = memory.new_block(size)
        self.size = size
        self.full = 0
        self.loan = lambda: None        # a weak reference to the loan that its arrays hold

    def begin(self, lost):
        """Start to fill it anew; returns the loan. `lost(True)` is called if it never comes back.
        """
        loan = memory.Loan(lost)
        self.loan = weakref.ref(loan)
        self.full = 0
        return loan

    def row(self, loan, nbytes):
        """The next `nbytes` bytes."""
        row = memory.lot(self.block, loan, self.full, nbytes)
        self.full += -(-nbytes // LINE) * LINE
        return row


class Outlet:
    """The worker's end: makes room for batches, and sends them."""

    def __init__(self, pipe, prefetch):
        self.pipe = pipe
        self.most = 2 * prefetch + 4        # pieces that the parent may keep
        self.numbers = count()
        self.pieces = {}                    # all there are, by number
        self.away = set()                   # numbers of those that the parent has
        self.open = []                      # (piece, loan) of the batch that is being made
        self.fresh = []                     # pieces that the parent has not heard of
        self.gone = []                      # numbers that the parent may forget
        self.usual = 0                      # bytes of the largest batch so far

    def begin(self, returned=(), kept=()):
        """Start a batch. The parent has returned some pieces, and lost others for good."""
        self.open = []
        self.away.difference_update(returned, kept)
        for number in kept:
            self.pieces.pop(number, None)

    def room(self, nbytes):
        """`nbytes` bytes for the batch that is being made; None where it has to live without.

        Raises RuntimeError where the system has no shared memory left.
        """
        for piece, loan in self.open:
            if piece.full + nbytes <= piece.size:
                return piece.row(loan, nbytes)
        piece = self._piece(nbytes)
        if piece is None:
            return None
        loan = piece.begin(partial(_lose, self.pieces, piece.number))
        self.open.append((piece, loan))
        return piece.row(loan, nbytes)

    def _piece(self, nbytes):
        """A piece that nobody looks at: one that came back, or a new one."""
        here = [piece for piece in self.pieces.values()
                if piece.number not in self.away and piece.loan() is None]
        wide = [piece for piece in here if piece.size >= nbytes]
        if wide:
            return min(wide, key=lambda piece: piece.size)
        for piece in here:                  # too small by now
            self._drop(piece)
        if len(self.pieces) >= 2 * self.most:
            return None                     # the dataset itself keeps batches: enough of that
        piece = Piece(next(self.numbers), max(nbytes + nbytes // 8 + 4096, self.usual))
        self.pieces[piece.number] = piece
        self.fresh.append(piece)
        return piece

    def _drop(self, piece):
        del self.pieces[piece.number]
        if piece in self.fresh:
            self.fresh.remove(piece)
        else:
            self.gone.append(piece.number)

    def send(self, number, answer):
        """Send the answer to task `number`. Raises what pickling it raises, and sends nothing."""
        cargo = Cargo(self)
        text = cargo.packed(answer)
        used = {place[0] for place in cargo.places}
        self.usual = max(self.usual, sum(piece.full for piece, _ in self.open))
        keeps = len(self.away) + len(used) <= self.most
        fresh = [(piece.number, piece.size, piece.block.name) for piece in self.fresh]
        self.pipe.send_bytes(pickle.dumps(
            (number, text, cargo.places, fresh, self.gone, keeps), 5))
        for piece in self.fresh:
            if sys.platform != "win32":
                _send_descriptor(self.pipe, piece.block.fd)
        self.away |= used
        self.fresh = []
        self.gone = []

    def finish(self):
        """At the end: what went as a handle can be fetched as long as the parent listens."""
        try:
            while courier.waiting and not self.pipe.poll(0.005):    # True: the parent closed it
                pass
        except OSError:
            pass
        courier.abandon()


class Cargo:
    """The rows of numbers of one answer.

    `places`: (piece, offset, bytes) of each, in the order in which the pickle asks for them.
    """

    def __init__(self, outlet):
        self.outlet = outlet
        self.places = []
        self.known = {}                 # (address, bytes) of a row -> its place
        self.sources = []               # keeps those addresses from being used again

    def packed(self, answer):
        """The pickle of an answer; None where it is long: then it lies at the last place."""
        file = io.BytesIO()
        Packer(file, 5, True, self.put).dump(answer)
        text = file.getvalue()
        place = self.place(np.frombuffer(text, np.uint8)) if len(text) > LONG else None
        if place is None:
            return text
        self.places.append(place)
        return None

    def put(self, buffer):
        """Find a place for a buffer; True if it is to stay in the pickle."""
        raw = buffer.raw()
        place = self.place(np.frombuffer(raw, np.uint8)) if raw.nbytes else None
        if place is not None:
            self.places.append(place)
        return place is None

    def place(self, source):
        """Where a row of bytes lies in a piece, into which it is copied if need be, or None."""
        address, nbytes = _address(source), source.size
        for piece, _ in self.outlet.open:
            offset = address - piece.block.address
            if 0 <= offset < piece.size:        # it was made there
                return piece.number, offset, nbytes
        place = self.known.get((address, nbytes))
        if place is None:
            row = self.outlet.room(nbytes)
            if row is None:
                return None
            row[...] = source
            piece = next(piece for piece, loan in self.outlet.open if loan is row.loan)
            place = piece.number, _address(row) - piece.block.address, nbytes
            self.known[address, nbytes] = place
            self.sources.append(source)
        return place


class Packer(reduction.ForkingPickler):
    """Pickles tensors so that their numbers are buffers, which a Cargo finds places for."""

    def reducer_override(self, x):
        if type(x) is not Tensor:
            return NotImplemented
        root = owner(x._data)
        if in_shared_memory(root) and getattr(root, "loan", None) is None:
            return NotImplemented       # the dataset has shared it: it goes as a handle
        reductions.refuse_history(x)
        row, a = _row(x._data, root)
        begin = _address(a) - _address(row) if a.size else 0
        return look, (pickle.PickleBuffer(row), x.dtype.name, begin, a.shape, a.strides,
                      x.requires_grad)


def _address(a):
    return a.__array_interface__["data"][0]


def _row(a, root):
    """(bytes, array in them) for sending an array: all of its memory, if it fills most of that.

    So tensors that share memory share it again where they arrive, and a row of a large matrix comes
    without the matrix.
    """
    if root.nbytes > 2 * a.nbytes + LINE or not root.flags.c_contiguous:
        low, high = np.lib.array_utils.byte_bounds(a)
        if high - low > 2 * a.nbytes:
            a = np.ascontiguousarray(a)
        root = a
    if not root.flags.c_contiguous:
        root = root.transpose(sorted(range(root.ndim), key=lambda d: -root.strides[d]))
    if not root.flags.c_contiguous:
        root = a = np.ascontiguousarray(a)
    return root.reshape(-1).view(np.uint8), a


def look(row, dtype, begin, shape, strides, requires_grad):
    """The tensor that lies in a row of bytes."""
    if not len(row):
        row = np.empty(LINE, np.uint8)
    if not isinstance(row, np.ndarray):         # it stayed in the pickle
        row = np.frombuffer(bytearray(row), np.uint8)
    t = wrap(np.ndarray(shape, NUMPY[dtype], row, begin, strides))
    return t.requires_grad_() if requires_grad else t


class Inlet:
    """The parent's end: opens the pieces of one worker and takes batches out of them."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.blocks = {}                # number of a piece -> its block
        self.returned = []              # numbers of pieces that may be filled again
        self.kept = []                  # numbers of pieces that other processes look at as well

    def receive(self, wrong):
        """(number, answer) that comes next; `wrong()` makes the answer where it cannot be read.

        Raises EOFError, OSError where the worker has ended, RuntimeError where this process has no
        file descriptor left.
        """
        number, text, places, fresh, gone, keeps = pickle.loads(self.pipe.recv_bytes())
        for piece, size, name in fresh:
            fd = (memory.open_handle(name) if sys.platform == "win32"
                  else _receive_descriptor(self.pipe))
            try:
                self.blocks[piece] = memory.map_block(fd, size, name)
            except OSError as error:
                raise RuntimeError(TOO_MANY) from error
        for piece in gone:
            self.blocks.pop(piece, None)
        rows = self._lent(places) if keeps else self._copied(places)
        try:
            return number, pickle.loads(rows.pop() if text is None else text, buffers=rows)
        except Exception:
            return number, wrong()

    def _lent(self, places):
        loans = {piece: memory.Loan(partial(_over, piece, self.returned, self.kept))
                 for piece in {place[0] for place in places}}
        rows = {place: memory.lot(self.blocks[place[0]], loans[place[0]], *place[1:])
                for place in places}
        return [rows[place] for place in places]

    def _copied(self, places):
        """Copies, where the user keeps so many batches that pieces would run out."""
        rows = {(piece, offset, nbytes):
                np.ndarray(nbytes, np.uint8, self.blocks[piece], offset).copy()
                for piece, offset, nbytes in places}
        self.returned.extend({place[0] for place in places})
        return [rows[place] for place in places]

    def back(self):
        """The pieces (to be filled again, lost) since the last call, for the worker to know."""
        returned, kept = _taken(self.returned), _taken(self.kept)
        for piece in kept:
            self.blocks.pop(piece, None)
        return returned, kept


def _send_descriptor(pipe, fd):
    """Send a descriptor through a socket that `multiprocessing` made."""
    end = socket.socket(fileno=pipe.fileno())
    try:
        socket.send_fds(end, [b"!"], [fd])
    finally:
        end.detach()


def _receive_descriptor(pipe):
    end = socket.socket(fileno=pipe.fileno())
    try:
        text, fds, _, _ = socket.recv_fds(end, 1, 1)
    finally:
        end.detach()
    if not text:
        raise EOFError
    if not fds:                     # the system had no number left for it
        raise RuntimeError(TOO_MANY)
    return fds[0]


def _lose(pieces, number, is_kept):
    """A dataset has sent what lies in a piece to a process of its own."""
    if is_kept:
        pieces.pop(number, None)


def _over(piece, returned, kept, is_kept):
    (kept if is_kept else returned).append(piece)


def _taken(numbers):
    """What is in a list, taken out; another thread may be appending to it."""
    n = len(numbers)
    taken = numbers[:n]
    del numbers[:n]
    return taken
