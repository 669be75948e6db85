"""Rprop: only the sign of the gradient counts; step sizes grow while it stays the same."""

from learntorch.optim.stepping import RuleOptimizer, check_lr, count, full_like, number, zeros_like


def resize(xp, s, g, before, etas, limits):
    """s ← s · η₊ where g kept its sign, s · η₋ where it turned; within the limits."""
    smaller, larger = etas
    agreement = g * before
    size = xp.where(agreement > 0, larger * s, xp.where(agreement < 0, smaller * s, s))
    s[...] = size.clip(limits[0], limits[1])
    return agreement


def descend(xp, p, g, s):
    """θ ← θ − sign(g) s."""
    p -= xp.sign(g) * s


class Rprop(RuleOptimizer):
    """θ ← θ − sign(g) s: each number has its own step size s, whatever the size of its gradient.

    s grows by η₊ while the gradient keeps its sign and shrinks by η₋ where it turns, within
    `step_sizes` (smallest, largest); where it turned, the number rests for one step (g is taken
    as 0, and remembered as 0). `etas` is (η₋, η₊); `lr` is the first s. Meant for full batches.

    `maximize`, `foreach`, `differentiable`: as in SGD. `capturable` needs a device with graphs.

    Raises ValueError for options out of range.
    Source: Riedmiller, Braun: A direct adaptive method for faster backpropagation learning, the
    RPROP algorithm, ICNN 1993 (the variant without weight backtracking).
    """

    _added_options = {"foreach": None, "maximize": False, "differentiable": False,
                      "capturable": False}
    _counters = ("step",)

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *,
                 capturable=False, foreach=None, maximize=False, differentiable=False):
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {"lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach,
                    "maximize": maximize, "differentiable": differentiable,
                    "capturable": capturable}
        super().__init__(params, defaults)

    def _begin(self, param, grad, group):
        size = number(group["lr"])
        if param.is_complex():
            size = complex(size, size)
        return {"step": self._counter(group), "prev": zeros_like(param),
                "step_size": full_like(grad, size)}

    def _update(self, group):
        etas, limits = group["etas"], group["step_sizes"]
        for xp, read, p, g, state in self._pending(group):
            count(state)
            s = read(state, "step_size")
            agreement = resize(xp, s, g, read(state, "prev"), etas, limits)
            g = xp.where(agreement < 0, 0.0, g)
            descend(xp, p, g, s)
            read(state, "prev")[...] = g
