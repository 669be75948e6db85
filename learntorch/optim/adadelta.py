"""Adadelta: steps in the unit of the parameter, from the sizes of past steps and gradients."""

from learntorch.optim.stepping import (
    RuleOptimizer,
    check_lr,
    check_not_negative,
    count,
    number,
    zeros_like,
)


def descend(xp, p, g, v, u, lr, rho, eps):
    """v ← ρ v + (1 − ρ) g²,  Δ = g √(u + ε) / √(v + ε),  u ← ρ u + (1 − ρ) Δ²,  θ ← θ − γ Δ."""
    v *= rho
    v += (1 - rho) * g * g
    delta = xp.sqrt(u + eps) / xp.sqrt(v + eps) * g
    u *= rho
    u += (1 - rho) * delta * delta
    p -= lr * delta


class Adadelta(RuleOptimizer):
    """θ ← θ − γ Δ, with Δ = g √(u + ε) / √(v + ε); v averages g², u averages Δ².

    `rho` is ρ (how long the averages remember), `eps` ε, `lr` γ scales the step at the end (the
    paper has γ = 1); `weight_decay` λ adds λθ to the gradient.

    `maximize`, `foreach`, `differentiable`: as in SGD. `capturable` needs a device with graphs.

    Raises ValueError for options out of range.
    Source: Zeiler: ADADELTA, an adaptive learning rate method, arXiv:1212.5701, algorithm 1.
    """

    _added_options = {"foreach": None, "maximize": False, "differentiable": False,
                      "capturable": False}
    _counters = ("step",)

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None, *,
                 capturable=False, maximize=False, differentiable=False):
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative(eps=eps, weight_decay=weight_decay)
        defaults = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay,
                    "maximize": maximize, "capturable": capturable, "foreach": foreach,
                    "differentiable": differentiable}
        super().__init__(params, defaults)

    def _begin(self, param, grad, group):
        return {"step": self._counter(group), "square_avg": zeros_like(param),
                "acc_delta": zeros_like(param)}

    def _update(self, group):
        lr, rho, eps = number(group["lr"]), group["rho"], group["eps"]
        for xp, read, p, g, state in self._pending(group):
            count(state)
            v, u = read(state, "square_avg"), read(state, "acc_delta")
            descend(xp, p, g, v, u, lr, rho, eps)
