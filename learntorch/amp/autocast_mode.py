"""`torch.autocast`: the block in which products run in 16 bits, and what can be asked about it.

The lists of ops and the casting itself are in `learntorch.core.autocast`.
"""

import functools
import warnings
from collections.abc import Iterable, Mapping

from learntorch.core.autocast import DEFAULTS, put_on, settings, take_off
from learntorch.core.dtypes import bfloat16, float16, float64
from learntorch.core.tensor import Tensor

__all__ = [
    "autocast", "autocast_decorator", "clear_autocast_cache", "custom_bwd", "custom_fwd",
    "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype",
    "is_autocast_available", "is_autocast_cache_enabled", "is_autocast_cpu_enabled",
    "is_autocast_enabled", "set_autocast_cache_enabled", "set_autocast_dtype",
    "set_autocast_enabled",
]

_TYPES = ("cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga",
          "maia", "xla", "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone")
_SHORT = {**DEFAULTS, "xpu": float16, "mps": float16, "hpu": bfloat16, "xla": bfloat16,
          "mtia": float16, "ipu": float16, "maia": bfloat16, "privateuseone": float16}


def _check_type(device_type, asker):
    if not isinstance(device_type, str):
        raise TypeError(f"{asker}(): argument 'device_type' (position 1) must be str, not "
                        f"{type(device_type).__name__}")
    if device_type not in _TYPES:
        raise RuntimeError(f"Expected one of {', '.join(_TYPES)} device type at start of device "
                           f"string: {device_type}")


def is_autocast_available(device_type):
    """Whether there is an autocast for this type of device (not: whether there is a device)."""
    _check_type(device_type, "is_autocast_available")
    return device_type in _SHORT


def is_autocast_enabled(device_type="cuda"):
    """Whether autocast is on for this type of device."""
    _check_type(device_type, "is_autocast_enabled")
    return settings().enabled.get(device_type, False)


def get_autocast_dtype(device_type):
    """The short type autocast uses on this type of device. Raises RuntimeError for others."""
    _check_type(device_type, "get_autocast_dtype")
    if device_type not in _SHORT:
        raise RuntimeError(f"unsupported scalarType: there is no autocast for '{device_type}'")
    return settings().dtypes.get(device_type, _SHORT[device_type])


def set_autocast_enabled(device_type, enabled):
    """Autocast on or off for this type of device, at once. `with torch.autocast(…)` is safer."""
    _check_type(device_type, "set_autocast_enabled")
    put_on(enabled={**settings().enabled, device_type: bool(enabled)})


def set_autocast_dtype(device_type, dtype):
    """Another short type for this type of device, at once."""
    _check_type(device_type, "set_autocast_dtype")
    put_on(dtypes={**settings().dtypes, device_type: dtype})


def is_autocast_cache_enabled():
    """Whether weights are cast once and kept, rather than at each use."""
    return settings().cache_enabled


def set_autocast_cache_enabled(enabled):
    """Keep cast weights, or cast them at each use."""
    put_on(cache_enabled=bool(enabled))


def clear_autocast_cache():
    """Forget the cast weights."""
    settings().cache.clear()


def _old_name(old, new):
    warnings.warn(f"torch.{old} is deprecated. Please use torch.{new} instead.",
                  DeprecationWarning, stacklevel=3)


def is_autocast_cpu_enabled():
    """Old name of `is_autocast_enabled("cpu")`."""
    _old_name("is_autocast_cpu_enabled()", "is_autocast_enabled('cpu')")
    return is_autocast_enabled("cpu")


def get_autocast_cpu_dtype():
    """Old name of `get_autocast_dtype("cpu")`."""
    _old_name("get_autocast_cpu_dtype()", "get_autocast_dtype('cpu')")
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype():
    """Old name of `get_autocast_dtype("cuda")`."""
    _old_name("get_autocast_gpu_dtype()", "get_autocast_dtype('cuda')")
    return get_autocast_dtype("cuda")


class autocast:
    """Inside the block (or the decorated function) products run in a 16-bit type.

    Linear layers, convolutions, matrix products and attention compute in `dtype` (bfloat16 on the
    CPU), losses and the like in float32; the lists are in `learntorch.core.autocast`. Parameters
    stay float32 and so do their gradients. Only forward belongs into the block; backward uses
    the types that forward used. `enabled=False` switches it off within an outer block.

        with torch.autocast("cpu"):
            loss = loss_of(model(x), y)
        loss.backward()

    Source: Micikevicius et al. 2018, arXiv:1710.03740.
    """

    def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
        if not isinstance(device_type, str):
            raise ValueError("Expected `device_type` of type `str`, got: "
                             f"`{type(device_type)}`")
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        self.device = device_type
        if not is_autocast_available(device_type):
            raise RuntimeError("User specified an unsupported autocast device_type "
                               f"'{device_type}'")
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None \
            else cache_enabled
        self._enabled = enabled and self._possible()
        self._inside = []

    def _possible(self):
        """Whether there is such a device, and a version in this type; warns if not."""
        if self.device == "cuda" and not _cuda():
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast. "
                          "Write torch.autocast('cpu') to compute in bfloat16 on the CPU.",
                          stacklevel=3)
            return False
        if self.fast_dtype not in (bfloat16, float16):
            name = self.device.upper()
            warnings.warn(f"In {name} autocast, but the target dtype is not supported. Disabling "
                          f"autocast.\n{name} Autocast only supports dtypes of torch.bfloat16, "
                          "torch.float16 currently.", stacklevel=3)
            return False
        return True

    def __enter__(self):
        old = settings()
        self._inside.append(put_on(dtypes={**old.dtypes, self.device: self.fast_dtype},
                                   enabled={**old.enabled, self.device: self._enabled},
                                   cache_enabled=self._cache_enabled))
        return self

    def __exit__(self, *error):
        casting = self._inside.pop()
        if casting is not None:
            take_off(casting)
        return False

    def __call__(self, func):
        if not callable(func):
            raise TypeError(f"autocast()(func) requires a callable, but got {type(func).__name__}. "
                            "Did you mean to use autocast as a context manager? For example:\n"
                            "    with torch.autocast(device_type=...):\n"
                            "        output = model(input)")
        return autocast_decorator(self, func)


def autocast_decorator(autocast_instance, func):
    """`func`, run inside the block."""
    @functools.wraps(func)
    def inside(*args, **kwargs):
        with autocast_instance:
            return func(*args, **kwargs)
    return inside


def _cuda():
    """Whether there is a GPU."""
    import learntorch
    return learntorch.cuda.is_available()


def _cast(value, device_type, dtype):
    """`value` with all floating-point tensors in it (but float64 ones) in `dtype`."""
    if isinstance(value, Tensor):
        fits = value.is_floating_point() and value.device.type == device_type
        return value.to(dtype) if fits and value.dtype is not float64 else value
    if isinstance(value, (str, bytes)) or hasattr(value, "__array__"):
        return value
    if isinstance(value, Mapping):
        return {_cast(k, device_type, dtype): _cast(v, device_type, dtype)
                for k, v in value.items()}
    if isinstance(value, Iterable):
        parts = (_cast(v, device_type, dtype) for v in value)
        return type(value)(parts) if isinstance(value, (list, tuple)) else parts
    return value


def _check_str(device_type):
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def custom_fwd(fwd=None, *, device_type, cast_inputs=None):
    """Decorator for the forward of an `autograd.Function` that is used under autocast.

    `cast_inputs`: under autocast the inputs come in this type, and autocast is off inside.
    """
    _check_str(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(*args, **kwargs):
        ctx = args[0]
        on = is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = on and cast_inputs is None
        if not on or cast_inputs is None:
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(*_cast(args, device_type, cast_inputs),
                       **_cast(kwargs, device_type, cast_inputs))
    return forward


def custom_bwd(bwd=None, *, device_type):
    """Decorator for the backward of an `autograd.Function`: it runs in the mode of its forward."""
    _check_str(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(*args, **kwargs):
        ctx = args[0]
        with autocast(device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(*args, **kwargs)
    return backward
