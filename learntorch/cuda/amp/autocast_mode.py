"""`torch.cuda.amp.autocast`, the old name of `torch.amp.autocast("cuda")`."""

import warnings

from learntorch.amp import autocast_mode
from learntorch.core.dtypes import float16

__all__ = ["autocast", "custom_bwd", "custom_fwd"]


def _deprecated(old, new):
    warnings.warn(f"`torch.cuda.amp.{old}` is deprecated. Please use `torch.amp.{new}` instead.",
                  FutureWarning, stacklevel=3)


class autocast(autocast_mode.autocast):
    """Old name of `torch.amp.autocast("cuda", …)`."""

    def __init__(self, enabled=True, dtype=float16, cache_enabled=True):
        _deprecated("autocast(args...)", "autocast('cuda', args...)")
        super().__init__("cuda", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


def custom_fwd(fwd=None, *, cast_inputs=None):
    """Old name of `torch.amp.custom_fwd(…, device_type="cuda")`."""
    _deprecated("custom_fwd(args...)", "custom_fwd(args..., device_type='cuda')")
    return autocast_mode.custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)


def custom_bwd(bwd):
    """Old name of `torch.amp.custom_bwd(…, device_type="cuda")`."""
    _deprecated("custom_bwd(args...)", "custom_bwd(args..., device_type='cuda')")
    return autocast_mode.custom_bwd(bwd, device_type="cuda")
