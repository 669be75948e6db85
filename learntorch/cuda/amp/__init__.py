"""Old names of mixed precision on GPUs; `torch.amp` is the new place."""

from learntorch.cuda.amp import autocast_mode, grad_scaler
from learntorch.cuda.amp.autocast_mode import autocast, custom_bwd, custom_fwd
from learntorch.cuda.amp.grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "autocast_mode", "custom_bwd", "custom_fwd", "grad_scaler"]
