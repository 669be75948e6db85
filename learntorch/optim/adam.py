"""Adam: momentum and RMSprop at once, each freed of the bias of its start at zero."""

from learntorch.core.tensor import Tensor
from learntorch.optim.stepping import (
    RuleOptimizer,
    check_betas,
    check_fused,
    check_not_negative,
    count,
    number,
    zeros_like,
)


def average_moments(g, m, v, beta1, beta2):
    """m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²."""
    m += (1 - beta1) * (g - m)
    v *= beta2
    v += (1 - beta2) * g * g


def descend(xp, p, m, v, t, lr, beta1, beta2, eps):
    """θ ← θ − γ m̂ / (√v̂ + ε), with m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)."""
    unbiased_lr = lr / (1 - beta1 ** t)
    size = xp.sqrt(v) / (1 - beta2 ** t) ** 0.5
    p -= unbiased_lr * m / (size + eps)


def shrink(p, lr, weight_decay):
    """θ ← θ − γ λ θ: weight decay that the averages do not see."""
    p *= 1 - lr * weight_decay


class Adam(RuleOptimizer):
    """θ ← θ − γ m̂ / (√v̂ + ε), with m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g².

    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) make up for the averages' start at 0; t counts the
    steps of the parameter from 1. `lr` is γ, `betas` (β₁, β₂), `eps` ε. `weight_decay` λ adds λθ to
    the gradient, or with `decoupled_weight_decay` shrinks θ by γλθ (AdamW). With `amsgrad` the
    largest v so far takes the place of v.

    `maximize`, `foreach`, `fused`, `differentiable`: as in SGD. `capturable` needs a device with
    graphs. `lr` and `betas` may be tensors of one number.

    Raises ValueError for options out of range.
    Source: Kingma, Ba: Adam, a method for stochastic optimization, ICLR 2015, algorithm 1;
    amsgrad: Reddi, Kale, Kumar: On the convergence of Adam and beyond, ICLR 2018.
    """

    _added_options = {"amsgrad": False, "maximize": False, "foreach": None, "capturable": False,
                      "differentiable": False, "decoupled_weight_decay": False, "fused": None}
    _counters = ("step",)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0,
                 amsgrad=False, *, foreach=None, maximize=False, capturable=False,
                 differentiable=False, fused=None, decoupled_weight_decay=False):
        if isinstance(lr, Tensor):
            _check_tensor("lr", lr, foreach and not capturable)
        if not 0.0 <= lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        betas = _checked_kind(betas, foreach and not capturable)
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                    "amsgrad": amsgrad, "maximize": maximize, "foreach": foreach,
                    "capturable": capturable, "differentiable": differentiable, "fused": fused,
                    "decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, defaults)
        check_fused(self, fused, foreach, differentiable)

    def _begin(self, param, grad, group):
        state = {"step": self._counter(group), "exp_avg": zeros_like(param),
                 "exp_avg_sq": zeros_like(param)}
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = zeros_like(param)
        return state

    def _check_group(self, group):
        super()._check_group(group)
        if group["foreach"] and isinstance(group["lr"], Tensor) and not group["capturable"]:
            raise RuntimeError("lr as a Tensor is not supported for capturable=False "
                               "and foreach=True")

    def _update(self, group):
        lr, eps, decay = number(group["lr"]), group["eps"], number(group["weight_decay"])
        beta1, beta2 = map(number, group["betas"])
        decoupled, amsgrad = group["decoupled_weight_decay"], group["amsgrad"]
        for xp, read, p, g, state in self._pending(group):
            t = count(state)
            if decoupled and decay != 0:
                shrink(p, lr, decay)
            m, v = read(state, "exp_avg"), read(state, "exp_avg_sq")
            average_moments(g, m, v, beta1, beta2)
            if amsgrad:
                v = xp.maximum(read(state, "max_exp_avg_sq"), v)
                read(state, "max_exp_avg_sq")[...] = v
            descend(xp, p, m, v, t, lr, beta1, beta2, eps)


def _check_tensor(name, value, several):
    if several:
        raise ValueError(f"{name} as a Tensor is not supported for capturable=False "
                         "and foreach=True")
    if value.numel() != 1:
        raise ValueError(f"Tensor {name} must be 1-element")


def _checked_kind(betas, several):
    if not (all(isinstance(beta, float) for beta in betas)
            or all(isinstance(beta, Tensor) for beta in betas)):
        raise ValueError("betas must be either both floats or both Tensors")
    for i, beta in enumerate(betas):
        if isinstance(beta, Tensor):
            _check_tensor(f"betas[{i}]", beta, several)
    return tuple(beta.squeeze() if isinstance(beta, Tensor) and beta.dim() else beta
                 for beta in betas)
