"""Gradients: `backward`, `grad`, functions of one's own, and checks against finite differences."""

from learntorch.autograd import functional, graph
from learntorch.autograd.function import Function
from learntorch.autograd.gradcheck import gradcheck, gradgradcheck
from learntorch.core.ambient import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from learntorch.core.anomaly import detect_anomaly, set_detect_anomaly
from learntorch.core.engine import backward, grad
from learntorch.core.tensor import Tensor


class Variable(Tensor):
    """The old name of a tensor that can require grad: `Variable(t)` is `t` itself."""

    def __new__(cls, data, requires_grad=False, volatile=False):
        if requires_grad:
            data.requires_grad_()
        return data


__all__ = ["Function", "Variable", "backward", "detect_anomaly", "enable_grad", "functional",
           "grad", "gradcheck", "gradgradcheck", "graph", "inference_mode", "no_grad",
           "set_detect_anomaly", "set_grad_enabled"]
