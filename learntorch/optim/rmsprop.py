"""RMSprop: the gradient divided by a running average of its size."""

from learntorch.optim.stepping import (
    RuleOptimizer,
    check_lr,
    check_not_negative,
    count,
    number,
    zeros_like,
)


def average_square(v, g, alpha):
    """v ← α v + (1 − α) g²."""
    v *= alpha
    v += (1 - alpha) * g * g


def average(a, g, alpha):
    """a ← a + (1 − α) (g − a)."""
    a += (1 - alpha) * (g - a)


def descend(p, g, size, lr):
    """θ ← θ − γ g / (√v + ε)."""
    p -= lr * g / size


def descend_with_momentum(p, b, g, size, lr, momentum):
    """b ← μ b + g / (√v + ε),  θ ← θ − γ b."""
    b *= momentum
    b += g / size
    p -= lr * b


class RMSprop(RuleOptimizer):
    """θ ← θ − γ g / (√v + ε), with v ← α v + (1 − α) g².

    `lr` is γ, `alpha` α (how long the average of g² remembers), `eps` ε; `weight_decay` λ adds λθ
    to the gradient. With `centered` the average ḡ of g is kept too and √(v − ḡ²), an estimate of
    the standard deviation, is divided by; with `momentum` μ the quotients are gathered in a
    velocity. ε is added after the root, as in PyTorch (TensorFlow adds it before).

    `maximize`, `foreach`, `differentiable`: as in SGD. `capturable` needs a device with graphs.

    Raises ValueError for options out of range.
    Source: Hinton, Srivastava, Swersky: Neural networks for machine learning, lecture 6e, 2012;
    centered: Graves, Generating sequences with recurrent neural networks, 2013, eq. 40.
    """

    _added_options = {"momentum": 0, "centered": False, "foreach": None, "maximize": False,
                      "differentiable": False, "capturable": False}
    _counters = ("step",)

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0,
                 centered=False, capturable=False, foreach=None, maximize=False,
                 differentiable=False):
        check_lr(lr)
        check_not_negative(eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps,
                    "centered": centered, "weight_decay": weight_decay, "capturable": capturable,
                    "foreach": foreach, "maximize": maximize, "differentiable": differentiable}
        super().__init__(params, defaults)

    def _begin(self, param, grad, group):
        state = {"step": self._counter(group), "square_avg": zeros_like(param)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = zeros_like(param)
        if group["centered"]:
            state["grad_avg"] = zeros_like(param)
        return state

    def _update(self, group):
        lr, alpha, eps = number(group["lr"]), group["alpha"], group["eps"]
        momentum, centered = group["momentum"], group["centered"]
        for xp, read, p, g, state in self._pending(group):
            count(state)
            v = read(state, "square_avg")
            average_square(v, g, alpha)
            if centered:
                a = read(state, "grad_avg")
                average(a, g, alpha)
                v = v - a * a
            size = xp.sqrt(v) + eps
            if momentum > 0:
                b = read(state, "momentum_buffer")
                descend_with_momentum(p, b, g, size, lr, momentum)
            else:
                descend(p, g, size, lr)
