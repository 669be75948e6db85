"""Parameter and Buffer: the tensors a module owns."""

from collections import OrderedDict

from learntorch.core.ambient import no_grad
from learntorch.core.tensor import Tensor
from learntorch.ops.create import empty


class Parameter(Tensor):
    """A tensor that is to be learned.

    Assigned to an attribute of a module it becomes one of `module.parameters()`, which is what
    an optimizer is given. It looks at the same memory as `data` and starts a history of its own.

    Raises RuntimeError for integer `data`, which no gradient can reach: pass
    `requires_grad=False`, or floating-point numbers.
    """

    def __new__(cls, data=None, requires_grad=True):
        if data is None:
            data = _nothing()
        self = _shared(cls, data, "Parameter")
        if requires_grad and not (self.is_floating_point() or self.is_complex()):
            raise RuntimeError("Only Tensors of floating point and complex dtype can require "
                               f"gradients: this one is {self.dtype}. Call .float() on it, or "
                               "pass requires_grad=False.")
        return self.requires_grad_(requires_grad)

    def __init__(self, data=None, requires_grad=True):
        """`__new__` has made the tensor already."""

    def __deepcopy__(self, memo):
        if id(self) in memo:
            return memo[id(self)]
        with no_grad():
            copied = type(self)(self.detach().clone(), self.requires_grad)
        memo[id(self)] = copied
        return copied

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, protocol):
        state = _attributes(self)
        made = (self.detach(), self.requires_grad, OrderedDict())
        if state:
            return (_rebuild_parameter_with_state, (*made, state))
        return (_rebuild_parameter, made)


class _BufferMeta(type(Tensor)):
    """`isinstance(t, Buffer)` asks for the mark: a buffer is a plain Tensor otherwise."""

    def __instancecheck__(cls, instance):
        return isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that belongs to a module and is not learned, such as a running mean.

    Assigned to an attribute of a module it is registered as `register_buffer` would do it;
    `persistent=False` keeps it out of the state_dict.
    """

    def __new__(cls, data=None, *, persistent=True):
        t = _shared(Tensor, _nothing() if data is None else data, "Buffer")
        if data is not None and data.requires_grad:
            t.requires_grad_()
        t.persistent = persistent
        t._is_buffer = True
        return t


def _nothing():
    """An empty tensor."""
    return empty(0)


def _shared(cls, data, kind):
    """A `cls` that looks at the memory of the tensor `data`, with no history."""
    try:
        source = data.detach()
    except AttributeError:
        raise AttributeError(
            f"'{type(data).__name__}' object has no attribute 'detach'. A {kind} is made from a "
            f"tensor: write nn.{kind}(torch.tensor(...))", name="detach", obj=data) from None
    t = object.__new__(cls)
    t.__dict__.update(source.__dict__)
    return t


def _attributes(t):
    """What the user has hung onto a tensor."""
    return {name: value for name, value in t.__dict__.items() if name[0] != "_"}


def _rebuild_parameter(data, requires_grad, backward_hooks):
    """A Parameter from its pickled parts."""
    return Parameter(data, requires_grad)


def _rebuild_parameter_with_state(data, requires_grad, backward_hooks, state):
    """A Parameter that carries attributes of the user's."""
    param = Parameter(data, requires_grad)
    param.__dict__.update(state)
    return param
