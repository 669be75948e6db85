"""RAdam: Adam that trusts its second moment only once it has seen enough gradients."""

from learntorch.optim.adam import average_moments, shrink
from learntorch.optim.stepping import (
    RuleOptimizer,
    check_betas,
    check_lr,
    check_not_negative,
    count,
    number,
    zeros_like,
)


def samples(t, beta2):
    """(ρₜ, ρ∞): to how many equally weighted gradients the average v amounts, now and at last."""
    last = 2 / (1 - beta2) - 1
    return last - 2 * t * beta2 ** t / (1 - beta2 ** t), last


def rectification(rho, last):
    """r = √((ρₜ−4)(ρₜ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρₜ)): makes up for the spread of 1/√v̂."""
    return ((rho - 4) * (rho - 2) * last / ((last - 4) * (last - 2) * rho)) ** 0.5


def descend(p, m, t, lr, beta1):
    """θ ← θ − γ m̂: plain momentum, while v̂ cannot be trusted."""
    p -= m / (1 - beta1 ** t) * lr


def descend_adaptively(xp, p, m, v, t, lr, beta1, beta2, eps, r):
    """θ ← θ − γ r m̂ / √v̂ (with ε beside √v)."""
    size = (1 - beta2 ** t) ** 0.5 / (xp.sqrt(v) + eps)
    p -= m / (1 - beta1 ** t) * lr * size * r


class RAdam(RuleOptimizer):
    """θ ← θ − γ r m̂ / √v̂ where ρₜ > 5, else θ ← θ − γ m̂.

    m̂ and v̂ are Adam's; ρₜ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ), ρ∞ = 2 / (1 − β₂) − 1, and
    r = √((ρₜ−4)(ρₜ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρₜ)). `lr` is γ, `betas` (β₁, β₂), `eps` ε.
    `weight_decay` λ adds λθ to the gradient, or with `decoupled_weight_decay` shrinks θ by γλθ.

    `maximize`, `foreach`, `differentiable`: as in SGD. `capturable` needs a device with graphs.

    Raises ValueError for options out of range.
    Source: Liu et al.: On the variance of the adaptive learning rate and beyond, ICLR 2020,
    algorithm 2 (with ρₜ > 5 as in the authors' program).
    """

    _added_options = {"foreach": None, "maximize": False, "differentiable": False,
                      "decoupled_weight_decay": False, "capturable": False}
    _counters = ("step",)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0,
                 decoupled_weight_decay=False, *, foreach=None, maximize=False, capturable=False,
                 differentiable=False):
        check_lr(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                    "maximize": maximize, "foreach": foreach, "capturable": capturable,
                    "decoupled_weight_decay": decoupled_weight_decay,
                    "differentiable": differentiable}
        super().__init__(params, defaults)

    def _begin(self, param, grad, group):
        return {"step": self._counter(group), "exp_avg": zeros_like(param),
                "exp_avg_sq": zeros_like(param)}

    def _update(self, group):
        lr, eps = number(group["lr"]), group["eps"]
        beta1, beta2 = map(number, group["betas"])
        decay = number(group["weight_decay"]) if group["decoupled_weight_decay"] else 0
        for xp, read, p, g, state in self._pending(group):
            t = count(state)
            if decay != 0:
                shrink(p, lr, decay)
            m, v = read(state, "exp_avg"), read(state, "exp_avg_sq")
            average_moments(g, m, v, beta1, beta2)
            rho, last = samples(t, beta2)
            if rho > 5.0:
                r = rectification(rho, last)
                descend_adaptively(xp, p, m, v, t, lr, beta1, beta2, eps, r)
            else:
                descend(p, m, t, lr, beta1)
