"""Automatic mixed precision: products in 16 bits, and gradients scaled so that none vanishes."""

from learntorch.amp import autocast_mode, grad_scaler
from learntorch.amp.autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from learntorch.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "autocast_mode", "custom_bwd", "custom_fwd", "grad_scaler",
           "is_autocast_available"]
