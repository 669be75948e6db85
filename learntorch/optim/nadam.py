"""NAdam: Adam that looks ahead as Nesterov's momentum does."""

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


def momentum_at(t, beta1, psi):
    """μₜ = β₁ (1 − ½ · 0.96^(t ψ)): momentum that grows towards β₁."""
    return beta1 * (1.0 - 0.5 * 0.96 ** (t * psi))


def descend(xp, p, g, m, v, t, lr, beta2, eps, mu, mu_next, product):
    """θ ← θ − γ (μₜ₊₁ m / (1 − Π μ₁…μₜ₊₁) + (1 − μₜ) g / (1 − Π μ₁…μₜ)) / (√v̂ + ε)."""
    size = xp.sqrt(v / (1 - beta2 ** t)) + eps
    p -= lr * (1 - mu) / (1 - product) * g / size
    p -= lr * mu_next / (1 - product * mu_next) * m / size


class NAdam(RuleOptimizer):
    """θ ← θ − γ (μₜ₊₁ m / (1 − Π μ₁…μₜ₊₁) + (1 − μₜ) g / (1 − Π μ₁…μₜ)) / (√v̂ + ε).

    m and v are Adam's averages, v̂ = v / (1 − β₂ᵗ), μₜ = β₁ (1 − ½ · 0.96^(t ψ)). `lr` is γ,
    `betas` (β₁, β₂), `eps` ε, `momentum_decay` ψ. `weight_decay` λ adds λθ to the gradient, or with
    `decoupled_weight_decay` shrinks θ by γλθ.

    `maximize`, `foreach`, `differentiable`: as in SGD. `capturable` needs a device with graphs.

    Raises ValueError for options out of range.
    Source: Dozat: Incorporating Nesterov momentum into Adam, ICLR 2016 workshop.
    """

    _added_options = {"maximize": False, "foreach": None, "capturable": False,
                      "differentiable": False, "decoupled_weight_decay": False}
    _counters = ("step", "mu_product")

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0,
                 momentum_decay=4e-3, decoupled_weight_decay=False, *, foreach=None,
                 maximize=False, capturable=False, differentiable=False):
        check_lr(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                    "momentum_decay": momentum_decay,
                    "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize,
                    "foreach": foreach, "capturable": capturable,
                    "differentiable": differentiable}
        super().__init__(params, defaults)

    def _begin(self, param, grad, group):
        return {"step": self._counter(group), "mu_product": self._counter(group, 1.0),
                "exp_avg": zeros_like(param), "exp_avg_sq": zeros_like(param)}

    def _update(self, group):
        lr, eps, psi = number(group["lr"]), group["eps"], group["momentum_decay"]
        beta1, beta2 = map(number, group["betas"])
        decay = number(group["weight_decay"]) if group["decoupled_weight_decay"] else 0
        for xp, read, p, g, state in self._pending(group):
            t = count(state)
            if decay != 0:
                shrink(p, lr, decay)
            mu, mu_next = momentum_at(t, beta1, psi), momentum_at(t + 1, beta1, psi)
            product = state["mu_product"]._data
            product *= mu
            m, v = read(state, "exp_avg"), read(state, "exp_avg_sq")
            average_moments(g, m, v, beta1, beta2)
            descend(xp, p, g, m, v, t, lr, beta2, eps, mu, mu_next, product.item())
