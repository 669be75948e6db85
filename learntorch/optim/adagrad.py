"""Adagrad: each number gets a step of its own, smaller the more its gradient has moved it."""

from learntorch.optim.stepping import (
    RuleOptimizer,
    check_fused,
    check_lr,
    check_not_negative,
    count,
    full_like,
    number,
)


def descend(xp, p, g, s, t, lr, lr_decay, eps):
    """s ← s + g²,  θ ← θ − γₜ g / (√s + ε), with γₜ = γ / (1 + (t − 1) η)."""
    s += g * g
    lr = lr / (1 + (t - 1) * lr_decay)
    p -= lr * g / (xp.sqrt(s) + eps)


class Adagrad(RuleOptimizer):
    """θ ← θ − γₜ g / (√s + ε), where s is the sum of all g² so far.

    `lr` is γ, `lr_decay` η in γₜ = γ / (1 + (t − 1) η), `eps` ε, `initial_accumulator_value` the
    start of s; `weight_decay` λ adds λθ to the gradient. The state is made at construction.

    `maximize`, `foreach`, `fused`, `differentiable`: as in SGD.

    Raises ValueError for options out of range.
    Source: Duchi, Hazan, Singer: Adaptive subgradient methods for online learning and stochastic
    optimization, JMLR 12, 2011.
    """

    _added_options = {"foreach": None, "maximize": False, "differentiable": False, "fused": None}
    _counters = ("step",)

    def __init__(self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0,
                 eps=1e-10, foreach=None, *, maximize=False, differentiable=False, fused=None):
        check_lr(lr)
        check_not_negative(lr_decay=lr_decay, weight_decay=weight_decay,
                           initial_accumulator_value=initial_accumulator_value, eps=eps)
        defaults = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
                    "initial_accumulator_value": initial_accumulator_value, "foreach": foreach,
                    "maximize": maximize, "differentiable": differentiable, "fused": fused}
        super().__init__(params, defaults)
        check_fused(self, fused, foreach, differentiable)
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param] = self._begin(param, None, group)

    def _begin(self, param, grad, group):
        start = self.defaults["initial_accumulator_value"]
        if param.is_complex():
            start = complex(start, start)
        return {"step": self._counter(group), "sum": full_like(param, start)}

    def share_memory(self):
        """Put the sums into shared memory, for several processes that train one model."""
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["sum"].share_memory_()

    def _update(self, group):
        lr, lr_decay, eps = number(group["lr"]), group["lr_decay"], group["eps"]
        for xp, read, p, g, state in self._pending(group):
            t = count(state)
            descend(xp, p, g, read(state, "sum"), t, lr, lr_decay, eps)
