"""Variants made from the records: methods, operators, `op_` in place, aliases.

Nothing here is written per op. An in-place op is the op itself, its result written into the first
tensor's memory, and that tensor's history replaced by the op's node.
"""

from functools import wraps
from inspect import Parameter, Signature, signature
from types import FunctionType

import numpy as np

from learntorch.core import failures
from learntorch.core.ambient import ambient
from learntorch.core.dtypes import can_cast, of, said
from learntorch.core.engine import backward_from
from learntorch.core.graph import Leaf, cell_of, new, rebase, touch, vertex
from learntorch.core.record import parameters, registry
from learntorch.core.spellings import attach_spellings
from learntorch.core.storage import storage, typed_storage, untyped_storage
from learntorch.core.storage_kinds import storage_type
from learntorch.core.tensor import Tensor

OPERATORS = {
    "__add__": "add", "__mul__": "mul", "__sub__": "sub",
    "__truediv__": "div", "__rtruediv__": "rdiv", "__neg__": "neg",
    "__pow__": "pow", "__rpow__": "rpow", "__matmul__": "matmul", "__rmatmul__": "rmatmul",
    "__floordiv__": "floor_divide", "__rfloordiv__": "rfloordiv", "__mod__": "remainder",
    "__rmod__": "rmod", "__abs__": "abs", "__invert__": "bitwise_not", "__pos__": "positive",
    "__and__": "bitwise_and", "__or__": "bitwise_or",
    "__xor__": "bitwise_xor",
    "__lshift__": "bitwise_left_shift", "__rlshift__": "rlshift",
    "__rshift__": "bitwise_right_shift", "__rrshift__": "rrshift",
    "__eq__": "eq", "__ne__": "ne", "__lt__": "lt", "__le__": "le", "__gt__": "gt", "__ge__": "ge",
    "__iadd__": "add_", "__isub__": "sub_", "__imul__": "mul_", "__itruediv__": "div_",
    "__ipow__": "pow_", "__ifloordiv__": "floor_divide_", "__imod__": "remainder_",
    "__iand__": "bitwise_and_", "__ior__": "bitwise_or_", "__ixor__": "bitwise_xor_",
    "__ilshift__": "bitwise_left_shift_", "__irshift__": "bitwise_right_shift_",
}


PROPERTIES = {"T": "reversed_dims", "mT": "matrix_transpose", "H": "hermitian", "mH": "adjoint",
              "real": "real", "imag": "imag"}


def equality(function):
    """`==` or `!=`: a tensor is not equal to None, a text or a list, which `torch.eq` refuses."""
    @wraps(function)
    def call(self, other):
        try:
            return function(self, other)
        except TypeError:
            return NotImplemented
    return call


def attach_all():
    """Give Tensor every method, in-place variant, alias and operator the registry knows."""
    attach_spellings()
    for call in list(registry.values()):
        op = call.op
        function = op.public or call
        names = (op.name, *op.aliases)
        if op.method:
            method = as_method(function)
            for name in names:
                setattr(Tensor, name, method)
        if op.inplace:
            op.written = in_place(function)
            method = as_method(op.written)
            for name in names if op.method or "Tensor" in op.space else ():
                setattr(Tensor, name + "_", method)
    Tensor.where = registry["where_method"]
    Tensor.backward = backward_from
    Tensor.untyped_storage = untyped_storage
    Tensor.storage = storage
    Tensor._typed_storage = typed_storage
    Tensor.storage_type = storage_type
    for name in VIEWS_IN_PLACE:
        setattr(Tensor, name + "_", reshaped(getattr(Tensor, name)))
    for name, function in PROPERTIES.items():
        setattr(Tensor, name, property(registry[function].op.forward))
    for special, name in OPERATORS.items():
        function = registry[name] if name in registry else getattr(Tensor, name, None)
        if function is not None:
            setattr(Tensor, special, equality(function) if name in ("eq", "ne") else function)


SELF = Parameter("self", Parameter.POSITIONAL_OR_KEYWORD)


def as_method(function):
    """The same function once more, for `Tensor.op`: `help()` shows it with `self`, without `out=`.

    It is a copy and not a wrapper, so that calling it costs nothing more.
    """
    method = FunctionType(function.__code__, function.__globals__, function.__name__,
                          function.__defaults__, function.__closure__)
    method.__kwdefaults__ = function.__kwdefaults__
    method.__dict__.update(function.__dict__)
    method.__doc__ = function.__doc__
    method.__module__ = Tensor.__module__
    method.__qualname__ = f"Tensor.{function.__name__}"
    method.__signature__ = method_signature(function)
    return method


def shown(function):
    """The signature of a function; what was put on it costs no time to find."""
    return function.__dict__.get("__signature__") or signature(function)


def method_signature(function):
    """A function's signature as that of a method: `self` comes first, `out` is gone."""
    own = shown(function).parameters
    tensor = "input" if "input" in own else next(iter(own))
    rest = [p for p in own.values() if p.name not in (tensor, "out")]
    return Signature([SELF, *rest], __validate_parameters__=False)


def in_place(function):
    """The `op_` variant: the op's result written into its first tensor."""
    op = function.op
    kernels = op.kernels
    direct = op.kind in ("unary", "binary") and isinstance(kernels.get(np.ndarray), np.ufunc)
    direct = direct and op.result != "bool"

    arity = len(op.tensors) - 1

    def call_(self, *args, **named):
        state = ambient.state
        if state.intercept is not None:
            return state.intercept(call_, (self, *args), named)
        live = state.grad and (self._live or any(isinstance(t, Tensor) and t._live for t in args))
        if live or self._inference:
            check_writable(self, args, state)
        elif direct and not named and len(args) == arity and _plain(self._data, args):
            a = self._data
            try:
                kernels[type(a)](a, *[t._data if isinstance(t, Tensor) else t for t in args], out=a)
            except (TypeError, ValueError, OverflowError, RuntimeWarning):
                return written(self, function(self, *args))
            touch(self)
            return self
        source = keepsake(self) if live and needs_old_values(op) else self
        return written(self, function(source, *args, **named))
    call_.op = op
    call_.__name__ = call_.__qualname__ = op.name + "_"
    own = shown(function).parameters.values()
    call_.__signature__ = Signature([p for p in own if p.name not in ("out", "inplace")],
                                    __validate_parameters__=False)
    call_.__doc__ = WRITTEN.format(op.name)
    return call_


WRITTEN = """In-place version of `{0}`: the result replaces this tensor's values.

    Shapes: the result must have the shape of this tensor. Returns the tensor itself.
    Raises RuntimeError for a leaf that requires a gradient, a result of another shape, or one of a
    dtype that this tensor cannot hold; and whatever `{0}` raises.
    """
LOOKED_AT = """In-place version of `{0}`: this tensor gets the new shape.

    Shapes: as `{0}` gives them. Returns the tensor itself. Raises RuntimeError for a leaf that
    requires a gradient; and whatever `{0}` raises.
    """
VIEWS_IN_PLACE = ("squeeze", "unsqueeze", "transpose", "swapaxes", "swapdims", "t", "as_strided")


def reshaped(view):
    """The in-place variant of a view (`squeeze_`): the tensor itself looks another way."""
    def call_(self, *args, **named):
        if ambient.state.grad:
            check_writable(self, (), ambient.state)
        r = view(self, *args, **named)
        self._data = r._data
        if r._edge is not None:
            self._edge = r._edge
        elif type(self._edge) is Leaf:
            self._edge.shape = r._data.shape
        touch(self)
        return self
    call_.__name__ = call_.__qualname__ = view.__name__ + "_"
    call_.__signature__ = method_signature(view)
    call_.__doc__ = LOOKED_AT.format(view.__name__)
    return call_


def needs_old_values(op):
    """Whether a rule names the first tensor: then its values before the write must be kept."""
    rules = [op.joint] if op.joint else op.vjps.values()
    return not rules or any(op.params[0] in parameters(rule) for rule in rules)


def _plain(a, args):
    """Whether NumPy's own `out=` loop does what PyTorch does: same float dtype, or a number."""
    if a.dtype.kind not in "f":
        return False
    for t in args:
        if isinstance(t, Tensor):
            if t._data.dtype is not a.dtype:
                return False
        elif type(t) not in (float, int):
            return False
    return True


def check_writable(self, args, state):
    """Raise RuntimeError where an in-place write would spoil recorded history."""
    if self._inference and not state.inference:
        raise RuntimeError("Inplace update to inference tensor outside InferenceMode is not "
                           "allowed.You can make a clone to get a normal tensor before doing "
                           "inplace update.See https://github.com/pytorch/rfcs/pull/17 for more "
                           "details.")
    if not state.grad:
        return
    edge = vertex(self)
    if type(edge) is Leaf:
        what = "a view of a leaf Variable" if self._base is not None else "a leaf Variable"
        raise RuntimeError(f"{what} that requires grad is being used in an in-place operation. "
                           "Its gradient would belong to a value that is gone: write x = x + 1, "
                           "or update it inside torch.no_grad().")
    base = self._base
    if base is None:
        return
    if type(base._edge) is Leaf:
        raise RuntimeError("a view of a leaf Variable that requires grad is being used in an "
                           "in-place operation. Update it inside torch.no_grad().")
    needs = edge is not None or vertex(base) is not None or any(
        isinstance(t, Tensor) and vertex(t) is not None for t in args)
    if self._made is not None and needs:
        raise RuntimeError(_forbidden_view(self, edge))


def _forbidden_view(self, edge):
    """PyTorch's sentence for an in-place write to a view that must not be written."""
    if self._made == "no_grad":
        return ("A view was created in no_grad mode and is being modified inplace with grad mode "
                "enabled. Given that this use case is ambiguous and error-prone, it is forbidden. "
                "You can clarify your code by moving both the view and the inplace either both "
                "inside the no_grad block (if you don't want the inplace to be tracked) or both "
                "outside (if you want the inplace to be tracked).")
    place = getattr(edge, "index", 0)
    name = "multiple views" if edge is None else edge.name().removesuffix("Backward0")
    return (f"Output {place} of {name} is a view and is being modified inplace. This view is the "
            "output of a function that returns multiple views. Such functions do not allow the "
            "output views to be modified inplace. You should replace the inplace operation by an "
            "out-of-place one.")


def keepsake(self):
    """A tensor with the values and history `self` has now, for rules that need them later."""
    t = new(Tensor)
    t._data = self._data.copy()
    t._edge = vertex(self)
    t._live = True
    return t


def written(self, result):
    """Write `result` into `self`'s memory and take over its history."""
    a = self._data
    r = result._data
    if r.dtype is not a.dtype and not can_cast(of(r.dtype), of(a.dtype)):
        raise RuntimeError(f"result type {said(r.dtype)} can't be cast to the desired output type "
                           f"{said(a.dtype)}")
    if r.shape != a.shape:
        raise RuntimeError(f"output with shape {list(a.shape)} doesn't match the broadcast shape "
                           f"{list(r.shape)}")
    if not a.flags.writeable and a.size:
        raise RuntimeError(failures.OVERLAP)
    edge = result._edge if ambient.state.grad else None
    a[...] = r
    if edge is None:
        touch(self)
        return self
    if type(edge) is Leaf or r.dtype is not a.dtype or edge.seq == 0:
        edge = result.to(of(a.dtype))._edge if r.dtype is not a.dtype else result.clone()._edge
    cell_of(self)
    rebase(self, edge, window_plan)
    return self


def window_plan(base_needs):
    """The plan of the node that replaces a window of a base by new values."""
    return registry["write_window"].op.find(3 if base_needs else 2)
