"""One tensor that stands for many: the examples inside `vmap`.

A Batched tensor shows the shape and dtype of one example. The whole, with the batch dimension in
front, is in `.whole`: an ordinary tensor with its ordinary history, or one batched by an outer
`vmap`. An op on examples becomes an op on wholes (see rules.py), so there is one tape, and the
gradients of a loss per example are one backward through the wholes.
"""

from itertools import count

import numpy as np

from learntorch.autograd.forward_ad import innermost, tensors_in
from learntorch.autograd.function import apply_function
from learntorch.core.ambient import State, Switch, ambient, intercepted_by
from learntorch.core.graph import new
from learntorch.core.record import registry
from learntorch.core.tensor import Tensor
from learntorch.core.watched import RANDOM


class ValuesNeeded(RuntimeError):
    """Somebody looked at the numbers of one example: there is not one, but many."""

    def __init__(self, what="the values"):
        super().__init__(f"vmap: {what} of a batched tensor differ from example to example, and "
                         "this function reads them as if there were one.")


class Unseen(np.ndarray):
    """The memory of the first example, to be asked for its shape, strides and dtype only."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        raise ValuesNeeded()

    def __array_function__(self, function, types, args, kwargs):
        if function is np.shape or function is np.ndim or function is np.result_type:
            return function(*[a.view(np.ndarray) if isinstance(a, Unseen) else a for a in args])
        raise ValuesNeeded()

    def __getitem__(self, index):
        raise ValuesNeeded()

    def __setitem__(self, index, value):
        raise ValuesNeeded("the places")

    def item(self, *index, **how):
        raise ValuesNeeded()

    tolist = copy = astype = min = max = sum = any = all = nonzero = take = item
    __bool__ = __iter__ = __float__ = __int__ = __index__ = item


SHOWN = ("vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over "
         "calling .item() on a Tensor, please try to rewrite what you're doing with other "
         "operations. If error is occurring somewhere inside PyTorch internals, please file a bug "
         "report. There are as many numbers as examples, and `if` can take only one way: "
         "torch.where(condition, a, b) computes with all of them.")
BRANCHED = ("vmap: It looks like you're attempting to use a Tensor in some data-dependent control "
            "flow. We don't support that yet, please file an issue at "
            "https://github.com/pytorch/pytorch/issues . `if x > 0` would have to go both ways: "
            "torch.where(condition, a, b) does.")
BACKWARD = ("backward() called inside a functorch transform. This is not supported, please use "
            "functorch.grad or functorch.vjp instead or call backward() outside of functorch "
            "transforms.")


def refused(text):
    def method(self, *args, **kwargs):
        raise RuntimeError(text)
    return method


class Batched(Tensor):
    """The examples of one `vmap` level as one tensor of the shape of a single example."""

    item = __float__ = __int__ = __complex__ = __index__ = refused(SHOWN)
    __bool__ = refused(BRANCHED)
    tolist = numpy = __array__ = refused("Cannot access data pointer of Tensor that doesn't have "
                                         "storage: there is one array for every example here")
    backward = refused(BACKWARD)

    @property
    def requires_grad(self):
        return self.whole.requires_grad

    @property
    def is_leaf(self):
        return self.whole.is_leaf

    @property
    def grad_fn(self):
        return self.whole.grad_fn

    def __getitem__(self, index):
        return self.level.indexed(self, index)

    def __setitem__(self, index, value):
        self.level.assigned(self, index, value)

    def requires_grad_(self, requires_grad=True):
        self.whole.requires_grad_(requires_grad)
        return self

    def detach(self):
        return self.level.wrap(self.whole.detach())

    data = property(lambda self: self.level.wrap(self.whole.data))

    def detach_(self):
        self.whole.detach_()
        return self

    def become(self, other):
        """Look at what `other` looks at, as in-place changes of the shape do."""
        self.whole = other.whole
        self._data = other._data
        return self

    def squeeze_(self, dim=None):
        return self.become(self.squeeze() if dim is None else self.squeeze(dim))

    def unsqueeze_(self, dim):
        return self.become(self.unsqueeze(dim))

    def transpose_(self, dim0, dim1):
        return self.become(self.transpose(dim0, dim1))

    swapaxes_ = swapdims_ = transpose_

    def t_(self):
        return self.become(self.t())

    def __repr__(self, *, tensor_contents=None):
        value = repr(self.whole).replace("\n", "\n    ")
        return f"BatchedTensor(lvl={self.level.number}, bdim=0, value=\n    {value}\n)"


def example(whole):
    """The memory of the first example, not to be looked into."""
    a = whole._data
    if not a.shape[0]:
        return np.empty(a.shape[1:], a.dtype).view(Unseen)
    return np.ndarray.__getitem__(a, (0, Ellipsis)).view(Unseen)


def lift(t, level):
    """`t` with the batch dimension of `level` as an ordinary dimension 0."""
    own = getattr(t, "level", None)
    if own is level:
        return t.whole
    if own is not None and own.depth > level.depth:
        return own.wrap(lift(t.whole, level).transpose(0, 1))
    return t.unsqueeze(0).expand(level.size, *t._data.shape)


def lower(t, level):
    """`t`, whose dimension 0 holds the examples of `level`: undoes `lift`."""
    own = getattr(t, "level", None)
    if own is not None and own.depth > level.depth:
        return own.wrap(lower(t.whole.transpose(0, 1), level))
    return level.wrap(t)


def lift_all(t, levels):
    """`t` with the batch dimensions of `levels` in front, the outermost first."""
    for level in reversed(levels):
        t = lift(t, level)
    return t


def lower_all(t, levels):
    """Undoes `lift_all`."""
    for level in levels:
        t = lower(t, level)
    return t


def vmap_levels():
    """The levels of `vmap` in force, the outermost first."""
    levels = []
    asked = ambient.state.intercept
    while asked is not None:
        if isinstance(asked, VmapLevel):
            levels.append(asked)
        asked = getattr(asked, "outer", None)
    return levels[::-1]


depths = count(1)               # a level made later lies deeper


class VmapLevel:
    """Interceptor of one `vmap`: turns ops on its examples into ops on wholes."""

    transforms = True

    def __init__(self, outer, size, randomness):
        self.outer = outer
        self.size = size
        self.randomness = randomness
        self.depth = next(depths)
        self.number = 1 + len(vmap_levels())

    def wrap(self, whole):
        """The Batched tensor whose examples are the rows of `whole`."""
        t = new(Batched)
        t._data = example(whole)
        t.whole = whole
        t.level = self
        return t

    def __call__(self, function, args, kwargs):
        top = innermost(args, kwargs)
        if top is not None:
            return top.level.batched_call(function, args, kwargs)
        if function.op.key in RANDOM or function.__name__ in RANDOM:
            from learntorch.autograd.transforms.rules import drawn
            return drawn(self, function, args, kwargs)
        plain = getattr(function, "plain", None)
        if plain is not None:
            return plain(*args, **kwargs)
        with intercepted_by(self.outer):
            return function(*args, **kwargs)

    def batched_call(self, function, args, kwargs):
        """A call with examples of this level among its arguments."""
        from learntorch.autograd.transforms.rules import batched_call
        return batched_call(self, function, args, kwargs)

    def indexed(self, x, index):
        """x[index], where x or tensors of the index are batched."""
        top = innermost((x, index), {})
        from learntorch.autograd.transforms import indexing
        return indexing.read(self if top is None else top.level, x, index)

    def assigned(self, x, index, value):
        """x[index] = value, where one of the three is batched."""
        top = innermost((x, index, value), {})
        from learntorch.autograd.transforms import indexing
        return indexing.write(self if top is None else top.level, x, index, value)

    def user_function(self, cls, args, kwargs, found):
        """A user's Function on examples: by its own `vmap` method, or by mapping its two halves."""
        if not any(getattr(t, "level", None) is self for t in tensors_in(args)):
            with intercepted_by(self.outer):
                return apply_function(cls, args, kwargs, found)
        from learntorch.autograd.transforms import functions
        return functions.mapped(self, cls, args)

    def each(self, function, *tensors):
        """`function` of the wholes, its result batched again."""
        return self.wrap(function(*[lift(t, self) for t in tensors]))


class mapped_over(Switch):
    """Inside the block one `vmap` level is in force; `with` gives the level."""

    __slots__ = ("level",)

    def __init__(self, size, randomness="error"):
        self.level = VmapLevel(ambient.state.intercept, size, randomness)

    def state(self, now):
        return State(now.grad, now.inference, self.level)

    def __enter__(self):
        super().__enter__()
        return self.level


def stacked(results):
    """Results of the single examples as one: tensors are stacked, in whatever tuple they come."""
    first = results[0]
    if isinstance(first, Tensor):
        return registry["stack"].op.public(results, 0)
    if isinstance(first, (tuple, list)):
        parts = [stacked([r[i] for r in results]) for i in range(len(first))]
        return first._make(parts) if hasattr(first, "_make") else type(first)(parts)
    return first
