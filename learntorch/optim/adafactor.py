"""Adafactor: Adam's second moment of a matrix kept as one row and one column."""

import math

from learntorch.core.tensor import Tensor
from learntorch.optim.stepping import RuleOptimizer, count, number, zeros_like


def rms(x):
    """√(mean of x²), as a Python number."""
    return math.sqrt((x * x).sum()) / math.sqrt(math.prod(x.shape))


def smallest_step(p):
    """The distance from 1 to the next number of the dtype."""
    from ml_dtypes import finfo
    return float(finfo(getattr(p.dtype, "numpy", p.dtype)).eps)


def blend(average, new, weight):
    """a ← a + w (new − a)."""
    average += weight * (new - average)


def factored(g, r, c, weight, eps):
    """r, c average the means of g² along rows and columns; the moment is r c / mean(r)."""
    square = g * g
    blend(r, square.mean(axis=-1, keepdims=True), weight)
    blend(c, square.mean(axis=-2, keepdims=True), weight)
    return r @ c / r.mean(axis=-2, keepdims=True).clip(eps, None)


def clipped(xp, g, v, eps, d):
    """u = g / √v, scaled down where its root mean square is above d."""
    u = g / xp.sqrt(v.clip(eps * eps, None))
    return u / max(1.0, rms(u) / d)


class Adafactor(RuleOptimizer):
    """θ ← θ − α u / max(1, RMS(u)/d), with u = g / √v and α = max(ε₂, RMS(θ)) · min(γ, 1/√t).

    For a matrix v = r c / mean(r), where r and c average the row and column means of g² with the
    weight tᵗᵃᵘ for the new ones; for a vector v averages g² itself. Memory is n + m instead of n·m.

    `lr` is γ, `beta2_decay` τ ≤ 0, `eps` (ε₁, ε₂), where ε₁ = None means the smallest relative
    step of the dtype; `d` ≥ 1 clips the update; `weight_decay` λ shrinks θ by γλθ.

    `maximize`, `foreach`: as in SGD. Raises ValueError for options out of range, RuntimeError for
    complex parameters.
    Source: Shazeer, Stern: Adafactor, adaptive learning rates with sublinear memory cost, ICML
    2018, algorithms 4 and 5.
    """

    _added_options = {"foreach": None}
    _counters = ("step",)

    def __init__(self, params, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0,
                 weight_decay=0.0, *, foreach=None, maximize=False):
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d,
                    "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize}
        super().__init__(params, defaults)

    def _decoupled(self, group):
        return True

    def _begin(self, param, grad, group):
        if param.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        state = {"step": self._counter(group)}
        if grad.dim() > 1:
            state["row_var"] = zeros_like(grad[..., :1].detach())
            state["col_var"] = zeros_like(grad[..., :1, :].detach())
        else:
            state["variance"] = zeros_like(grad)
        return state

    def _update(self, group):
        lr, tau, d = number(group["lr"]), group["beta2_decay"], group["d"]
        decay, (eps1, eps2) = number(group["weight_decay"]), group["eps"]
        for xp, read, p, g, state in self._pending(group):
            t = count(state)
            eps = smallest_step(p) if eps1 is None else eps1
            step_size = max(eps2, rms(p)) * min(lr, 1 / math.sqrt(t))
            if decay != 0:
                p *= 1 - lr * decay
            if g.ndim > 1:
                r, c = read(state, "row_var"), read(state, "col_var")
                v = factored(g, r, c, t ** tau, eps)
            else:
                v = read(state, "variance")
                blend(v, g * g, t ** tau)
            p -= step_size * clipped(xp, g, v, eps, d)
