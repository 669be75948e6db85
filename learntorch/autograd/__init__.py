"""Gradients: `backward`, `grad`, functions of one's own, and checks against finite differences."""

from learntorch.core.ambient import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from learntorch.core.engine import backward, grad

__all__ = ["backward", "enable_grad", "grad", "inference_mode", "no_grad", "set_grad_enabled"]
