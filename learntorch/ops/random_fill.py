"""Tensors filled with random numbers in place: `t.uniform_()`, `t.normal_()` and their kin."""

import numpy as np

from learntorch import random_streams as streams
from learntorch.core import failures
from learntorch.core.ambient import ambient
from learntorch.core.dtypes import FLOATS, finfo, of, said
from learntorch.core.graph import touch, vertex
from learntorch.core.methods import check_writable, written
from learntorch.core.op import composite, nary
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.random import (
    coins,
    integer_range,
    normal_floats,
    only_floats,
    only_real,
    source,
    whole,
)


def forgetting(name):
    """The op that stands in the graph where a tensor with history was filled: it passes on 0."""
    def body(x, y):
        """y, whatever x was."""
        return y
    body.__name__ = f"filled_by_{name}"
    op = nary(body, tensors=("x", "y"), space="rules", grad=name.title().replace("_", ""))
    op.vjp(x=lambda g: g * 0)
    return op


FILLED = {name: forgetting(name) for name in (
    "uniform", "normal", "random", "bernoulli", "exponential", "geometric", "cauchy", "log_normal")}


def fill(self, name, draw, generator):
    """Replace the values of `self` by `draw(generator, shape, dtype)`, in the order of memory.

    Raises RuntimeError where autograd forbids it, or several elements share one place.
    """
    a = self._data
    if not a.flags.writeable and a.size:
        raise RuntimeError(failures.OVERLAP)
    if self._live or self._inference:
        state = ambient.state
        check_writable(self, (), state)
        if state.grad and vertex(self) is not None:
            values = np.empty_like(a)
            memory = streams.in_memory_order(values, a)
            memory[...] = draw(source(generator), memory.shape, a.dtype)
            return written(self, FILLED[name](self, wrap(values)))
    memory = streams.in_memory_order(a)
    memory[...] = draw(source(generator), memory.shape, a.dtype)
    touch(self)
    return self


def method(function):
    """Decorator: a Tensor method whose name ends in `_`."""
    return composite(function, space="Tensor", inplace=False, out=False, name=function.__name__)


@method
def uniform_(self, from_=0.0, to=1.0, *, generator=None, **named):
    """Fill with numbers drawn evenly from [from, to).

    Shapes: any, which stays. Returns the tensor itself. Raises RuntimeError for a leaf that
    requires a gradient, from > to, and whole numbers.
    """
    low = named.pop("from", from_)
    refuse(named, "uniform_")
    d = self._data.dtype
    only_floats(d, "check_uniform_bounds")
    check_interval(d, low, to)
    return fill(self, "uniform", lambda g, shape, d: streams.uniform(g, shape, d, low, to),
                generator)


def refuse(named, name):
    """Raise TypeError for keywords that are left over."""
    for key in named:
        raise TypeError(f"{name}() got an unexpected keyword argument '{key}'")


def check_interval(d, low, high):
    """Raise RuntimeError unless low ≤ high and the dtype can hold both and their distance."""
    top = finfo(of(d)).max
    for name, value in (("from", low), ("to", high)):
        if not -top <= value <= top:
            real = of(d).to_real().numpy
            raise RuntimeError(f"{name} is out of bounds for {failures.c_name(real)}")
    if low > high:
        raise RuntimeError("uniform_ expects to return a [from, to) range, but found "
                           f"from={low:g} > to={high:g}")
    if high - low > top:
        raise RuntimeError(f"uniform_ expects to-from <= std::numeric_limits<{said(d)}>::max(), but"
                           f" found to={high:g} and from={low:g} which result in to-from to exceed "
                           "the limit")


@method
def normal_(self, mean=0.0, std=1.0, *, generator=None):
    """Fill with normal numbers.

    Shapes: any, which stays. Returns the tensor itself. Raises RuntimeError for a leaf that
    requires a gradient and a negative std, NotImplementedError for whole numbers.
    """
    contiguous = self._data.flags.c_contiguous

    def draw(g, shape, d):
        return normal_floats(g, shape, d, mean, std, contiguous)
    return fill(self, "normal", draw, generator)


@method
def random_(self, *bounds, generator=None, **named):
    """Fill with integers: `random_()` all that the dtype holds from 0 on, `random_(n)` 0 … n − 1,
    `random_(low, high)` low … high − 1, `random_(low, None)` low … the dtype's largest.

    Shapes: any, which stays. Returns the tensor itself. Raises RuntimeError for a leaf that
    requires a gradient and an empty range, or one that the dtype cannot hold.
    """
    if "to" in named:
        bounds = (*bounds, named.pop("to"))
    if "from" in named:
        bounds = (named.pop("from"), *bounds)
    refuse(named, "random_")
    if not bounds:
        return fill(self, "random", any_integers, generator)
    low, high = (0, *bounds) if len(bounds) == 1 else bounds
    low = whole("random_", "from", 1, low)
    if high is None:
        return fill(self, "random", lambda g, shape, d: integers_from(g, shape, d, low), generator)
    high = whole("random_", "to", 2, high)
    return fill(self, "random", lambda g, shape, d: streams.integers(
        g, shape, d, *integer_range(d, low, high)), generator)


def any_integers(generator, shape, d):
    if d.kind == "c" or d.name in ("uint16", "uint32", "uint64"):
        raise failures.not_implemented("random_kernel_cpu", d)
    return streams.all_integers(generator, shape, d)


def integers_from(generator, shape, d, low):
    if low == -2**63:
        if d.name not in ("int64", "float64", "float32", "bfloat16"):
            raise RuntimeError("random_full_64_bits_range_kernel_cpu handles only int64, double, "
                               "float and bfloat16")
    else:
        integer_range(d, low, streams.largest(d) + 1)
    return streams.integers_from(generator, shape, d, low)


@method
def bernoulli_(self, p=0.5, *, generator=None):
    """Fill with 1 with probability `p` (a number, or a tensor that broadcasts), else 0.

    Shapes: any, which stays. Returns the tensor itself. Raises RuntimeError for a leaf that
    requires a gradient and for p outside [0, 1].
    """
    if isinstance(p, Tensor):
        p = streams.in_memory_order(p.detach().expand(self._data.shape)._data, self._data)
    return fill(self, "bernoulli", lambda g, shape, d: coins(g, shape, d, p), generator)


@method
def exponential_(self, lambd=1.0, *, generator=None):
    """Fill with numbers of density λ exp(−λx).

    Shapes: any, which stays. Returns the tensor itself. Raises RuntimeError for a leaf that
    requires a gradient, λ ≤ 0, and whole numbers.
    """
    if not lambd > 0.0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    only_continuous("Exponential", self._data.dtype)
    return fill(self, "exponential", lambda g, shape, d: streams.exponential(g, shape, d, lambd),
                generator)


def only_continuous(name, d):
    """Raise RuntimeError for a dtype without fractions, or a complex one."""
    if d not in FLOATS or d.kind == "c":
        raise RuntimeError(f"{name} distribution is a continuous probability distribution. dtype "
                           f"must be a floating point but you specified {said(d)}")


@method
def geometric_(self, p, *, generator=None):
    """Fill with the number of trials until the first success, each succeeding with chance p.

    Shapes: any, which stays. Returns the tensor itself. Raises RuntimeError for a leaf that
    requires a gradient and for p outside (0, 1).
    """
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    if self._data.dtype.kind in "bc":
        raise failures.not_implemented("geometric_cpu", self._data.dtype)
    return fill(self, "geometric", lambda g, shape, d: streams.geometric(g, shape, d, p), generator)


@method
def cauchy_(self, median=0.0, sigma=1.0, *, generator=None):
    """Fill with numbers of the Cauchy distribution, density 1/(πσ(1 + ((x − median)/σ)²)).

    Shapes: any, which stays. Returns the tensor itself. Raises RuntimeError for a leaf that
    requires a gradient, σ ≤ 0, and whole numbers.
    """
    if not sigma > 0.0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    only_continuous("Cauchy", self._data.dtype)
    return fill(self, "cauchy", lambda g, shape, d: streams.cauchy(g, shape, d, median, sigma),
                generator)


@method
def log_normal_(self, mean=1.0, std=2.0, *, generator=None):
    """Fill with exp of normal numbers of the given mean and std.

    Shapes: any, which stays. Returns the tensor itself. Raises RuntimeError for a leaf that
    requires a gradient and for std ≤ 0, NotImplementedError for whole numbers.
    """
    if not std > 0.0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    only_real(self._data.dtype, "log_normal_cpu")
    return fill(self, "log_normal", lambda g, shape, d: streams.log_normal(g, shape, d, mean, std),
                generator)
