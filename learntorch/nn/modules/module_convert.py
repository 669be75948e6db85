"""Moving a module: to another dtype, another device, shared memory."""

import warnings

from learntorch.core.ambient import no_grad
from learntorch.core.devices import device as Device
from learntorch.core.dtypes import dtype as Dtype
from learntorch.core.tensor import Tensor
from learntorch.ops.create import empty_like

_TO_FORMS = """
 * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, \
bool copy = False, *, torch.memory_format memory_format = None)
 * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, \
torch.memory_format memory_format = None)
 * (Tensor tensor, bool non_blocking = False, bool copy = False, *, \
torch.memory_format memory_format = None)
"""


class ModuleConversion:
    """The part of Module that replaces the values of its tensors."""

    def _apply(self, fn, recurse=True):
        """Replace every parameter's value, its gradient and every buffer by `fn` of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in self._parameters.values():
            if param is None:
                continue
            with no_grad():
                changed = fn(param)
            grad = param.grad
            param.data = changed
            if grad is not None:
                with no_grad():
                    grad.data = fn(grad)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def apply(self, fn):
        """Call `fn(module)` on every part and then on the module itself, say to initialise."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def to(self, *args, **kwargs):
        """Convert in place: `to(device)`, `to(dtype)`, `to(device, dtype)` or `to(tensor)`.

        Only floating-point and complex tensors change their dtype. Raises TypeError for an integer
        dtype.
        """
        place, dtype, options = _parse_to(args, kwargs)
        if dtype is not None:
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError("nn.Module.to only accepts floating point or complex dtypes, but "
                                f"got desired dtype={dtype}")
            if dtype.is_complex:
                warnings.warn("Complex modules are a new feature under active development whose "
                              "design may change, and some modules might not work as expected when "
                              "using complex tensors as parameters or buffers.", stacklevel=2)

        def convert(t):
            kind = dtype if t.is_floating_point() or t.is_complex() else None
            chosen = {name: value for name, value in options.items()
                      if name != "memory_format" or t.dim() in (4, 5)}
            if place is None and kind is None:
                return t.to(t.dtype, **chosen) if chosen else t
            if place is None:
                return t.to(kind, **chosen)
            return t.to(place, **chosen) if kind is None else t.to(place, kind, **chosen)
        return self._apply(convert)

    def to_empty(self, *, device, recurse=True):
        """Move to `device` without the values: all memory is fresh and holds anything."""
        return self._apply(lambda t: empty_like(t, device=device), recurse=recurse)

    def type(self, dst_type):
        """Convert every parameter and buffer (integers too) to `dst_type`."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self):
        """Floating-point tensors become float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self):
        """Floating-point tensors become float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self):
        """Floating-point tensors become float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self):
        """Floating-point tensors become bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def cpu(self):
        """Move to main memory."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device=None):
        """Move to a GPU."""
        return self._apply(lambda t: t.cuda(device))

    def share_memory(self):
        """Let other processes see the same values."""
        return self._apply(lambda t: t.share_memory_())


def _parse_to(args, kwargs):
    """(device or None, dtype or None, further keywords) from the arguments of `to`."""
    got = _described(args, kwargs)
    place = kwargs.pop("device", None)
    dtype = kwargs.pop("dtype", None)
    tensor = kwargs.pop("tensor", None)
    options = {name: kwargs.pop(name) for name in ("non_blocking", "memory_format")
               if name in kwargs}
    kwargs.pop("copy", None)
    rest = list(args)
    if rest and isinstance(rest[0], Tensor):
        tensor = rest.pop(0)
    elif rest and isinstance(rest[0], Dtype):
        dtype = rest.pop(0)
    elif rest and (rest[0] is None or isinstance(rest[0], (str, int, Device))):
        place = rest.pop(0)
        if rest and (rest[0] is None or isinstance(rest[0], Dtype)):
            dtype = rest.pop(0)
    if rest and isinstance(rest[0], bool):
        options["non_blocking"] = rest.pop(0)
    if rest and isinstance(rest[0], bool):
        rest.pop(0)
    if rest or kwargs or not (dtype is None or isinstance(dtype, Dtype)):
        raise TypeError(f"to() received an invalid combination of arguments - got ({got}), but "
                        "expected one of:" + _TO_FORMS)
    if tensor is not None:
        place, dtype = tensor.device, tensor.dtype
    return (None if place is None else Device(place)), dtype, options


def _described(args, kwargs):
    """The types of the arguments of a call, as PyTorch's errors show them."""
    named = [f"{name}={_kind(value)}, " for name, value in kwargs.items()]
    return ", ".join([*map(_kind, args), *named])


def _kind(value):
    if isinstance(value, Dtype):
        return "torch.dtype"
    return "NoneType" if value is None else type(value).__name__
