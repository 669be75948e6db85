"""Averaged SGD: plain descent, and beside it the mean of the places it visited."""

from learntorch.core.dtypes import get_default_dtype
from learntorch.optim.stepping import (
    RuleOptimizer,
    check_lr,
    check_not_negative,
    count,
    number,
    zeros_like,
)


def descend(p, g, eta, lambd):
    """θ ← (1 − λ η) θ − η g."""
    p *= 1 - lambd * eta
    p -= eta * g


def average(a, p, mu):
    """ā ← ā + μ (θ − ā)."""
    a += (p - a) * mu


def rate(t, lr, lambd, alpha):
    """ηₜ = γ / (1 + λ γ t)^α."""
    return lr / (1 + lambd * lr * t) ** alpha


class ASGD(RuleOptimizer):
    """θ ← (1 − λ ηₜ) θ − ηₜ g, with ηₜ = γ / (1 + λ γ t)^α; the state's `ax` averages θ.

    `lr` is γ, `lambd` λ, `alpha` α. The mean starts at step `t0`: before, `ax` is θ itself.
    `weight_decay` adds its multiple of θ to the gradient.

    `maximize`, `foreach`, `differentiable`: as in SGD. `capturable` needs a device with graphs.

    Raises ValueError for options out of range.
    Source: Polyak, Juditsky: Acceleration of stochastic approximation by averaging, SIAM J.
    Control Optim. 30, 1992; the rates are Bottou's (Stochastic gradient descent tricks, 2012).
    """

    _added_options = {"foreach": None, "maximize": False, "differentiable": False,
                      "capturable": False}
    _counters = ("step", "eta", "mu")
    _raw_dtypes = "fdFD"

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0,
                 foreach=None, maximize=False, differentiable=False, capturable=False):
        check_lr(lr)
        check_not_negative(weight_decay=weight_decay)
        defaults = {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0,
                    "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
                    "differentiable": differentiable, "capturable": capturable}
        super().__init__(params, defaults)

    def _begin(self, param, grad, group):
        return {"step": self._counter(group), "eta": self._counter(group, float(group["lr"])),
                "mu": self._counter(group, 1.0), "ax": zeros_like(param)}

    def _update(self, group):
        lr, lambd, alpha, t0 = number(group["lr"]), group["lambd"], group["alpha"], group["t0"]
        rounded = get_default_dtype().numpy.type
        for _, read, p, g, state in self._pending(group):
            t = count(state)
            eta, mu = state["eta"]._data, state["mu"]._data
            descend(p, g, eta.item(), lambd)
            a = read(state, "ax")
            if mu == 1:
                a[...] = p
            else:
                average(a, p, mu.item())
            if group["foreach"]:            # PyTorch computes the rate in float32 then
                t = state["step"]._data[()]
            eta[...] = rounded(rate(t, float(lr), lambd, alpha))
            mu[...] = rounded(1 / max(1, t - t0))
