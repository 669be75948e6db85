"""The random numbers of transforms, drawn from torch's own stream one by one.

The same seed gives the same crops and colours as in torchvision, because each transform asks for
the same kinds of numbers in the same order: its docstring says which.
"""

import math

from learntorch.core.dtypes import float32
from learntorch.ops.create import empty, tensor
from learntorch.ops.random import rand, randint

TRIES = 10


def chance(p):
    """True with probability p: `rand(1) < p`."""
    return bool(rand(1) < p)


def uniform(low, high):
    """One float32 number, as a Python float: `empty(1).uniform_(low, high)`."""
    return empty(1, dtype=float32).uniform_(float(low), float(high)).item()


def integer(low, high):
    """One integer from low to high − 1: `randint(low, high, (1,))`."""
    return randint(low, high, (1,)).item()


def rectangle(area, scale, ratio):
    """Edges (√(A·r), √(A/r)) in whole pixels, A/area uniform in `scale`, log r in log `ratio`.

    Draws: uniform for A, uniform for log r.
    """
    low, high = tensor([float(r) for r in ratio], dtype=float32).log().tolist()
    a = area * uniform(*scale)
    r = tensor(uniform(low, high), dtype=float32).exp().item()
    return int(round(math.sqrt(a * r))), int(round(math.sqrt(a / r)))
