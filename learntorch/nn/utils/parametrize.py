"""Parametrizations: a weight that is a function of what is learned.

`register_parametrization(layer, "weight", f)` makes `layer.weight` the value f(original), computed
anew at each use, and `original` the parameter. Assigning to `layer.weight` sets original to
f.right_inverse(value). Gradients reach original through f, and the optimizer need not know.
"""

import threading
from collections.abc import Sequence
from contextlib import contextmanager
from copy import deepcopy

from learntorch.core.ambient import no_grad
from learntorch.core.tensor import Tensor
from learntorch.nn.modules.container import ModuleDict, ModuleList
from learntorch.nn.parameter import Parameter

__all__ = ["ParametrizationList", "cached", "is_parametrized", "register_parametrization",
           "remove_parametrizations", "transfer_parametrizations_and_params",
           "type_before_parametrizations"]


class _Computed(threading.local):
    """Inside `cached()`: the tensors that have been computed already, by module and name."""

    depth = 0

    def __init__(self):
        self.tensors = {}


_computed = _Computed()


@contextmanager
def cached():
    """Inside the block each parametrized tensor is computed once, however often it is used."""
    _computed.depth += 1
    try:
        yield
    finally:
        _computed.depth -= 1
        if not _computed.depth:
            _computed.tensors = {}


class ParametrizationList(ModuleList):
    """The functions behind one tensor, fₙ ∘ … ∘ f₁, and the tensors they start from.

    `original` is kept, or `original0`, `original1`, … where `right_inverse` returns several.
    """

    def __init__(self, modules, original, unsafe=False):
        if not len(modules):
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        new = self._inverse_of(original)
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if self.is_tensor:
            if new.dtype != dtype:
                raise ValueError("When `right_inverse` outputs one tensor, it may not change the "
                                 f"dtype.\noriginal.dtype: {dtype}\n"
                                 f"right_inverse(original).dtype: {new.dtype}")
            _keep_value(original, new)
            _register(self, "original", original)
        else:
            self._register_all(new, original)
        if not unsafe:
            self._check(shape, dtype)

    def _inverse_of(self, original):
        """What the functions have to start from to give `original`."""
        new = original
        with no_grad():
            for module in reversed(self):
                if hasattr(module, "right_inverse"):
                    try:
                        new = module.right_inverse(new)
                    except NotImplementedError:     # then it counts as the identity
                        continue
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors "
                             f"(list, tuple...). Got {type(new).__name__}")
        return new

    def _register_all(self, tensors, original):
        for i, t in enumerate(tensors):
            if not isinstance(t, Tensor):
                raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors "
                                 f"(list, tuple...). Got element {i} of the sequence with type "
                                 f"{type(t).__name__}.")
            if isinstance(original, Parameter):
                t = Parameter(t, original.requires_grad)
            t.requires_grad_(original.requires_grad)
            _register(self, f"original{i}", t)

    def _check(self, shape, dtype):
        made = self()
        if not isinstance(made, Tensor):
            raise ValueError("A parametrization must return a tensor. "
                             f"Got {type(made).__name__}.")
        for what, before, after in (("dtype", dtype, made.dtype), ("shape", shape, made.shape)):
            if before != after:
                raise ValueError(f"Registering a parametrization may not change the {what} of the "
                                 "tensor, unless `unsafe` flag is enabled.\n"
                                 f"unparametrized {what}: {before}\n"
                                 f"parametrized {what}: {after}")

    def right_inverse(self, value):
        """Set the original tensors such that the result is `value`.

        Raises RuntimeError where a function has no `right_inverse`.
        """
        with no_grad():
            for module in reversed(self):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not "
                                       "implement right_inverse.")
                value = module.right_inverse(value)
            if not self.is_tensor:
                self._set_all(value)
                return
            if not isinstance(value, Tensor):
                raise ValueError("`right_inverse` should return a tensor. "
                                 f"Got {type(value).__name__}")
            if value.dtype != self.original.dtype:
                raise ValueError(f"The tensor returned by `right_inverse` has dtype {value.dtype} "
                                 f"while `original` has dtype {self.original.dtype}")
            _keep_value(self.original, value)

    def _set_all(self, values):
        if not isinstance(values, Sequence):
            raise ValueError("'right_inverse' must return a sequence of tensors. "
                             f"Got {type(values).__name__}.")
        if len(values) != self.ntensors:
            raise ValueError("'right_inverse' must return a sequence of tensors of length "
                             f"{self.ntensors}. Got a sequence of length {len(values)}.")
        for i, t in enumerate(values):
            original = getattr(self, f"original{i}")
            if not isinstance(t, Tensor):
                raise ValueError("'right_inverse' must return a sequence of tensors or "
                                 f"reference-type opaques. Got element {i} of type "
                                 f"{type(t).__name__}.")
            if t.dtype != original.dtype:
                raise ValueError(f"Tensor {i} returned by `right_inverse` has dtype {t.dtype} "
                                 f"while `original{i}` has dtype {original.dtype}")
            _keep_value(original, t)

    def forward(self):
        if self.is_tensor:
            originals = (self.original,)
        else:
            originals = [getattr(self, f"original{i}") for i in range(self.ntensors)]
        first, *rest = self
        x = first(*originals)
        for function in rest:
            x = function(x)
        return x


def _register(module, name, t):
    if isinstance(t, Parameter):
        module.register_parameter(name, t)
    else:
        module.register_buffer(name, t)


def _keep_value(t, value):
    """Let `t`, which an optimizer may hold, look at the memory of `value`."""
    if value is not t:
        t.data = value.data


def _as_parametrized(module):
    """Give `module` a class of its own, below its old one, that properties can be put on."""
    kind = type(module)

    def __getstate__(self):
        raise RuntimeError("Serialization of parametrized modules is only supported through "
                           "state_dict(). See:\nhttps://pytorch.org/tutorials/beginner/"
                           "saving_loading_models.html#saving-loading-a-general-checkpoint-for-"
                           "inference-and-or-resuming-training")

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            copied = memo[id(self)] = object.__new__(type(self))
            copied.__dict__ = deepcopy(self.__dict__, memo)
        return memo[id(self)]
    body = {"__getstate__": __getstate__}
    if not hasattr(kind, "__deepcopy__"):
        body["__deepcopy__"] = __deepcopy__
    module.__class__ = type("Parametrized" + kind.__name__, (kind,), body)


def _add_property(module, name):
    """`module.name` is computed by the functions registered for it."""
    def get(self):
        functions = self.parametrizations[name]
        if not _computed.depth:
            return functions()
        key = (id(self), name)
        if key not in _computed.tensors:
            _computed.tensors[key] = functions()
        return _computed.tensors[key]

    def put(self, value):
        self.parametrizations[name].right_inverse(value)
    setattr(type(module), name, property(get, put))


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    """Let the tensor `tensor_name` of `module` be `parametrization` of what it was.

    A further one is put behind those that are there. `unsafe` leaves out the checks that shape
    and dtype stay. Raises ValueError for a name that is no parameter or buffer.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_further(module, tensor_name, parametrization)
        functions = module.parametrizations[tensor_name]
        functions.append(parametrization)
        functions.unsafe |= unsafe
        return module
    if tensor_name not in module._buffers and tensor_name not in module._parameters:
        raise ValueError(f"Module '{module}' does not have a parameter, a buffer, or a "
                         f"parametrized element with name '{tensor_name}'")
    functions = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe=unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _as_parametrized(module)
        module.parametrizations = ModuleDict()
    _add_property(module, tensor_name)
    module.parametrizations[tensor_name] = functions
    return module


def _check_further(module, name, function):
    """Raise ValueError where one more function changes the shape or the type of the tensor."""
    before = getattr(module, name)
    after = function(before)
    if not isinstance(after, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(after).__name__}.")
    for what in ("dtype", "shape"):
        x, y = getattr(before, what), getattr(after, what)
        if x != y:
            raise ValueError(f"Registering a parametrization may not change the {what} of the "
                             "tensor, unless the `unsafe` flag is enabled.\n"
                             f"module.{name}.{what}: {x}\nparametrization(module.{name}).{what}: "
                             f"{y}")
    if not hasattr(function, "right_inverse"):
        return
    try:
        back = function.right_inverse(after)
    except NotImplementedError:
        return
    if not isinstance(back, Tensor):
        raise ValueError("parametrization.right_inverse must return a tensor. Got: "
                         f"{type(back).__name__}")
    for what in ("dtype", "shape"):
        x, y = getattr(before, what), getattr(back, what)
        if x != y:
            raise ValueError("The tensor returned by parametrization.right_inverse must have the "
                             f"same {what} as module.{name}, unless the `unsafe` flag is enabled.\n"
                             f"module.{name}.{what}: {x}\nreturned {what}: {y}")


def is_parametrized(module, tensor_name=None):
    """Whether `module` has a parametrized tensor, or its tensor `tensor_name` is one."""
    found = getattr(module, "parametrizations", None)
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    """Make `tensor_name` an ordinary tensor again.

    It keeps its present value, or with `leave_parametrized=False` becomes the original one.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    functions = module.parametrizations[tensor_name]
    if functions.is_tensor:
        left = functions.original
        if leave_parametrized:
            with no_grad():
                _keep_value(left, getattr(module, tensor_name))
    elif leave_parametrized:
        t = getattr(module, tensor_name)
        left = Parameter(t) if t.requires_grad else t
    else:
        raise ValueError("Cannot leave unparametrized (`leave_parametrized=False`) a tensor that "
                         "is parametrized in terms of a sequence of tensors.")
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, left)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module):
    """The class `module` had before it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module, to_module, tensor_name=None):
    """Give `to_module` the functions and the original tensors of `from_module`; return it."""
    if not is_parametrized(from_module):
        return to_module
    for name in from_module.parametrizations if tensor_name is None else [tensor_name]:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        source = from_module.parametrizations[name]
        for function in source:
            register_parametrization(to_module, name, function)
        target = to_module.parametrizations[name]
        for own in ("original", *(f"original{i}" for i in range(source.ntensors))):
            if hasattr(source, own):
                setattr(target, own, getattr(source, own))
    return to_module
