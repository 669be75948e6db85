"""Gradients: `backward`, `grad`, functions of one's own, and checks against finite differences."""

from learntorch.autograd import functional, graph
from learntorch.autograd.function import Function
from learntorch.autograd.gradcheck import gradcheck, gradgradcheck
from learntorch.autograd.gradients import grad
from learntorch.core.ambient import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from learntorch.core.anomaly import detect_anomaly, set_detect_anomaly
from learntorch.core.engine import backward
from learntorch.core.tensor import Tensor


class Variable(Tensor):
    """The old name of a tensor that can require grad: `Variable(t)` is `t` itself."""

    def __new__(cls, data, requires_grad=False, volatile=False):
        if requires_grad:
            data.requires_grad_()
        return data


class set_multithreading_enabled(set_grad_enabled):
    """Kept for compatibility: backward here runs in one thread, whatever is asked for."""

    def state(self, now):
        return now

    def clone(self):
        return set_multithreading_enabled(self.mode)


_LATER = ("forward_ad", "profiler")         # loaded when first named


def __getattr__(name):
    if name in _LATER:
        import importlib
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["Function", "Variable", "backward", "detect_anomaly", "enable_grad", "functional",
           "grad", "gradcheck", "gradgradcheck", "graph", "inference_mode", "no_grad",
           "set_detect_anomaly", "set_grad_enabled", "set_multithreading_enabled"]
