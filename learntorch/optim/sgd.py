"""Stochastic gradient descent, with momentum and Nesterov's variant."""

from learntorch.optim.stepping import (
    RuleOptimizer,
    check_fused,
    check_lr,
    check_not_negative,
    kept,
    number,
)


def descend(p, g, lr):
    """θ ← θ − γ g."""
    p -= lr * g


def gather(b, g, momentum, dampening):
    """b ← μ b + (1 − τ) g: a velocity that remembers earlier gradients."""
    b *= momentum
    b += (1 - dampening) * g


def look_ahead(g, b, momentum):
    """g + μ b: the gradient and where the velocity will carry on to (Nesterov)."""
    return g + momentum * b


class SGD(RuleOptimizer):
    """θ ← θ − γ b, with b ← μ b + (1 − τ) g (or θ ← θ − γ g where μ = 0).

    `lr` is γ, `momentum` μ, `dampening` τ; `weight_decay` λ adds λθ to the gradient g. With
    `nesterov` the step is γ (g + μ b). In the first step b = g, whatever τ is.

    `maximize` climbs instead. `foreach` and `fused` choose how PyTorch runs the same arithmetic;
    they are accepted and change nothing. `differentiable` records the step itself.

    Differs from Sutskever et al. by where γ stands: there b ← μ b + γ g, θ ← θ − b.

    Raises ValueError for options out of range.
    Source: Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum in
    deep learning, ICML 2013.
    """

    _added_options = {"nesterov": False, "maximize": False, "foreach": None,
                      "differentiable": False, "fused": False}
    _raw_dtypes = "fdFD"

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *,
                 maximize=False, foreach=None, differentiable=False, fused=None):
        check_lr(lr)
        check_not_negative(momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = {"lr": lr, "momentum": momentum, "dampening": dampening,
                    "weight_decay": weight_decay, "nesterov": nesterov, "maximize": maximize,
                    "foreach": foreach, "differentiable": differentiable, "fused": fused}
        super().__init__(params, defaults)
        check_fused(self, fused, foreach, differentiable)

    def _begin(self, param, grad, group):
        return {"momentum_buffer": None} if group["momentum"] != 0 else {}

    def _update(self, group):
        lr, momentum = number(group["lr"]), number(group["momentum"])
        dampening, nesterov = group["dampening"], group["nesterov"]
        for _, read, p, g, state in self._pending(group):
            if momentum != 0:
                if state["momentum_buffer"] is None:
                    state["momentum_buffer"] = kept(g)
                    b = read(state, "momentum_buffer")
                else:
                    b = read(state, "momentum_buffer")
                    gather(b, g, momentum, dampening)
                g = look_ahead(g, b, momentum) if nesterov else b
            descend(p, g, lr)
