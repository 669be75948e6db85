"""Adamax: Adam with the largest recent gradient in place of the root mean square."""

from learntorch.optim.stepping import (
    RuleOptimizer,
    check_betas,
    check_lr,
    check_not_negative,
    count,
    number,
    zeros_like,
)


def average(m, g, beta1):
    """m ← β₁ m + (1 − β₁) g."""
    m += (1 - beta1) * (g - m)


def largest(xp, u, g, beta2, eps):
    """max(β₂ u, |g| + ε): the largest gradient, slowly forgotten."""
    return xp.maximum(beta2 * u, xp.abs(g) + eps)


def descend(p, m, u, t, lr, beta1):
    """θ ← θ − γ / (1 − β₁ᵗ) · m / u."""
    p -= lr / (1 - beta1 ** t) * m / u


class Adamax(RuleOptimizer):
    """θ ← θ − γ / (1 − β₁ᵗ) · m / u, with m ← β₁ m + (1 − β₁) g, u ← max(β₂ u, |g| + ε).

    `lr` is γ, `betas` (β₁, β₂), `eps` ε; `weight_decay` λ adds λθ to the gradient; t counts steps
    from 1.

    `maximize`, `foreach`, `differentiable`: as in SGD. `capturable` needs a device with graphs.

    Raises ValueError for options out of range.
    Source: Kingma, Ba: Adam, a method for stochastic optimization, ICLR 2015, algorithm 2.
    """

    _added_options = {"foreach": None, "maximize": False, "differentiable": False,
                      "capturable": False}
    _counters = ("step",)

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None,
                 *, maximize=False, differentiable=False, capturable=False):
        check_lr(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                    "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
                    "capturable": capturable}
        super().__init__(params, defaults)

    def _begin(self, param, grad, group):
        return {"step": self._counter(group), "exp_avg": zeros_like(param),
                "exp_inf": zeros_like(param)}

    def _update(self, group):
        lr, eps = number(group["lr"]), group["eps"]
        beta1, beta2 = map(number, group["betas"])
        for xp, read, p, g, state in self._pending(group):
            t = count(state)
            m, u = read(state, "exp_avg"), read(state, "exp_inf")
            average(m, g, beta1)
            u[...] = largest(xp, u, g, beta2, eps)
            descend(p, m, u, t, lr, beta1)
