"""Reading the pickles that CIFAR consists of, without trusting them.

A pickle is a program. These make a dict of texts, lists and NumPy arrays, so the only calls that
are allowed are the four below, which build an array from its bytes and can do nothing else.
"""

import math
import os
import re
from pickle import UnpicklingError

import numpy as np

from learntorch.io.restricted import Machine, limit_for

NUMBERS = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248])")
MAX_RANK = 32


class Kind:
    """A type of numbers in the making: `numpy.dtype(code)`, then its byte order."""

    def __init__(self, code, align=False, copy=False):
        if not isinstance(code, str) or not NUMBERS.fullmatch(code):
            raise UnpicklingError(f"the pickle has an array of {code!r}, which are not numbers")
        self.dtype = np.dtype(code)

    def build(self, state):
        """state[1] is the byte order: "<", ">" or "|"."""
        if state[1] not in ("<", ">", "|", "="):
            raise UnpicklingError(f"the pickle has an unknown byte order {state[1]!r}")
        self.dtype = self.dtype.newbyteorder(state[1])


class Array:
    """An array in the making: `_reconstruct(ndarray, (0,), "b")`, then its state."""

    def __init__(self, kind, shape, code):
        if kind is not NDARRAY:
            raise UnpicklingError("the pickle makes an array of a class that is not ndarray")
        self.array = None

    def build(self, state):
        """state is (version, shape, type, whether column-major, bytes)."""
        _, shape, kind, fortran, raw = state
        raw = raw.encode("latin1") if isinstance(raw, str) else raw
        self.array = shaped(raw, kind, shape, "F" if fortran else "C")


def shaped(raw, kind, shape, order):
    """The array of these bytes, if they are just as many as it needs."""
    if not isinstance(kind, Kind) or not isinstance(raw, (bytes, bytearray)):
        raise UnpicklingError("the pickle has an array that is no array of numbers")
    if type(shape) is not tuple or len(shape) > MAX_RANK or \
            not all(type(n) is int and n >= 0 for n in shape):
        raise UnpicklingError(f"the pickle has an array of the impossible shape {shape!r}")
    needed = math.prod(shape) * kind.dtype.itemsize
    if needed != len(raw):
        raise UnpicklingError(f"the pickle has an array of shape {shape}, which needs {needed} "
                              f"bytes, and gives {len(raw)}")
    return np.frombuffer(raw, kind.dtype).reshape(shape, order=order)


def from_buffer(raw, kind, shape, order):
    """An array as pickles of protocol 5 have it."""
    made = Array(NDARRAY, (0,), b"b")
    made.array = shaped(bytes(raw), kind, shape, order)
    return made


def encoded(text, coding="latin1"):
    """Bytes, as Python 3 writes them into old protocols."""
    if coding not in ("latin1", "latin-1"):
        raise UnpicklingError(f"the pickle has bytes in the unexpected coding {coding!r}")
    return text.encode("latin1")


NDARRAY = object()
NAMES = {"numpy ndarray": NDARRAY, "numpy dtype": Kind, "_codecs encode": encoded,
         **{f"numpy.{core}.multiarray _reconstruct": Array for core in ("core", "_core")},
         **{f"numpy.{core}.numeric _frombuffer": from_buffer for core in ("core", "_core")}}


def known(module, name):
    """What a name in the pickle stands for. Raises UnpicklingError for any other name."""
    try:
        return NAMES[f"{module} {name}"]
    except KeyError:
        raise UnpicklingError(f"the pickle asks for {module}.{name}, which data needs "
                              "not") from None


def outside(key):
    raise UnpicklingError("the pickle refers to something outside itself")


def read(path):
    """The dict in the pickle `path`, arrays among its values. Raises UnpicklingError.

    Texts of Python 2 are read as latin1. Memory is bounded by the size of the file.
    """
    machine = Machine(known, outside, (Kind, Array, encoded, from_buffer),
                      {Kind: Kind.build, Array: Array.build}, limit_for(os.path.getsize(path)))
    with open(path, "rb") as file:
        try:
            entry = machine.load(file)
        except UnpicklingError as error:
            raise UnpicklingError(f"{path} is refused: {error}") from None
    if type(entry) is not dict:
        raise UnpicklingError(f"{path} is refused: it holds a {type(entry).__name__}, not a dict")
    return {key: finished(value, path) for key, value in entry.items()}


def finished(value, path):
    """The array that was in the making; anything else as it is."""
    if not isinstance(value, Array):
        return value
    if value.array is None:
        raise UnpicklingError(f"{path} is refused: it has an array without content")
    return value.array
