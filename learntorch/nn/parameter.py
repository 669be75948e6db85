"""Parameter and Buffer: the tensors a module owns, also before their shape is known."""

from collections import OrderedDict

from learntorch.core.ambient import no_grad
from learntorch.core.tensor import Tensor
from learntorch.ops.create import empty

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


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

    def __reduce_ex__(self, proto):
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


class UninitializedTensorMixin:
    """A tensor that has a type and a device, but no shape and no values yet.

    `materialize(shape)` turns it into the real thing, in place, so that whoever holds it need not
    look again. Until then every operation on it raises ValueError.
    """

    cls_to_become = None

    def _without_values(self, requires_grad, device, dtype):
        self._blank = empty(0, device=device, dtype=dtype)
        self._wanted = requires_grad
        return self

    def materialize(self, shape, device=None, dtype=None):
        """Become a tensor of this shape, with any values."""
        made = empty(shape, device=device or self.device, dtype=dtype or self.dtype)
        wanted = self._wanted
        del self._blank, self._wanted
        self.__class__ = self.cls_to_become
        self._data = made._data
        self.requires_grad_(wanted)

    @property
    def _data(self):
        raise ValueError("Attempted to use an uninitialized parameter in an operation. This error "
                         "happens when you are using a `LazyModule` or explicitly manipulating "
                         f"`torch.nn.parameter.{type(self).__name__}` objects. When using "
                         "LazyModules Call `forward` with a dummy batch to initialize the "
                         "parameters before calling torch functions")

    @property
    def shape(self):
        """Raises RuntimeError: it is not known yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes.")

    def size(self, dim=None):
        """(0,): there are no values."""
        return self._blank.size(dim)

    @property
    def dtype(self):
        """The type its values will have."""
        return self._blank.dtype

    @property
    def device(self):
        """Where its values will lie."""
        return self._blank.device

    @property
    def data(self):
        """A tensor without elements, of the same type."""
        return self._blank

    @data.setter
    def data(self, value):
        self._blank = value._blank if is_lazy(value) else value

    @property
    def requires_grad(self):
        """Whether gradients will be computed for it."""
        return self._wanted

    def requires_grad_(self, requires_grad=True):
        """Decide whether gradients will be computed for it."""
        self._wanted = requires_grad
        return self

    def is_floating_point(self):
        """Whether its values will be floating-point numbers."""
        return self._blank.is_floating_point()

    def is_complex(self):
        """Whether its values will be complex numbers."""
        return self._blank.is_complex()

    def _with(self, blank):
        """One of the same kind, of the type and device of `blank`."""
        return type(self)(self._wanted, blank.device, blank.dtype)

    def share_memory_(self):
        """Raises RuntimeError: there is no memory yet."""
        raise RuntimeError("Can't share memory on an uninitialized parameter or buffer. Call "
                           "`forward` to initialize the parameters before calling "
                           "`module.share_memory()`.")

    def __repr__(self):
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return memo[id(self)]

    def __reduce_ex__(self, proto):
        return (type(self), (self.requires_grad, None, self.dtype))


def _conversion(name):
    """A conversion such as `half` of what has no values yet."""
    def convert(self, *args, **kwargs):
        return self._with(getattr(self._blank, name)(*args, **kwargs))
    convert.__name__ = name
    convert.__doc__ = f"As `Tensor.{name}`: one of that type or device, which waits too."
    return convert


for _name in ("to", "type", "half", "float", "double", "bfloat16", "char", "short", "int", "long",
              "cuda", "cpu"):
    setattr(UninitializedTensorMixin, _name, _conversion(_name))


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter of a lazy module: its shape is known when the first input has been seen."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        return object.__new__(cls)._without_values(requires_grad, device, dtype)

    def __init__(self, requires_grad=True, device=None, dtype=None):
        """`__new__` has made it already."""


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer of a lazy module: its shape is known when the first input has been seen."""

    cls_to_become = Tensor

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        t = object.__new__(cls)._without_values(requires_grad, device, dtype)
        t.persistent = persistent
        t._is_buffer = True
        return t

    def __init__(self, requires_grad=False, device=None, dtype=None, persistent=True):
        """`__new__` has made it already."""


def is_lazy(param):
    """Whether it waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)


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
