"""Which array library goes with an array class, and the ops that bodies and rules may call."""

import types

import numpy as np

from learntorch.backend import numpy_xp, tensor_xp

LIBRARIES = {np.ndarray: numpy_xp}
SPELLINGS = {"axis": "dim", "keepdims": "keepdim", "x": "input", "x1": "input", "x2": "other",
             "a": "input"}


def bind(forward, array_class):
    """A body as a function of arrays of one class: its `xp` filled in."""
    if "xp" not in forward.__code__.co_varnames[:forward.__code__.co_argcount]:
        return forward
    return types.MethodType(forward, library(array_class))


def library(array_class):
    """The dialect for an array class."""
    found = LIBRARIES.get(array_class)
    if found is None:
        found = LIBRARIES[array_class] = next(
            LIBRARIES[c] for c in array_class.__mro__ if c in LIBRARIES)
    return found


def learn(op, call, on_tensors=None):
    """Let bodies and rules say `xp.<op>`: the kernel on arrays, the op itself on tensors.

    `on_tensors` takes the op's place there, where its own history would have no gradient.
    """
    numpy_xp.siblings[op.key] = op
    tensor_xp.siblings[op.key] = on_tensors or call


def as_array(value, array_class):
    """A body's result as an array of the class: NumPy gives scalars for 0-d results."""
    return library(array_class).asarray(value)
