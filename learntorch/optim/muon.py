"""Muon: momentum whose matrix is made orthogonal before it is used as a step."""

import math

from learntorch.core.tensor import Tensor
from learntorch.optim.stepping import RuleOptimizer, number, zeros_like


def orthogonalized(m, coefficients, steps, eps):
    """U S′ Vᵀ with S′ near 1, where m = U S Vᵀ: all directions get steps of about the same size.

    X ← a X + (b A + c A²) X with A = X Xᵀ, `steps` times, in bfloat16, from X = m / ‖m‖.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = m.size(0) > m.size(1)
    x = m.T.bfloat16() if tall else m.bfloat16()
    size = x.float().square().sum().sqrt().bfloat16()       # 8 bits are too few to sum squares in
    x = x / size.clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = rounded(x, rounded(gram, gram, gram, b, c), x, a, 1.0)
    return x.T if tall else x


def rounded(x, y, z, beta, alpha):
    """β x + α y·z of bfloat16 matrices, computed in float32 and rounded once."""
    return (beta * x.float() + alpha * (y.float() @ z.float())).bfloat16()


def average(b, g, momentum):
    """b ← b + (1 − μ) (g − b)."""
    b += (1 - momentum) * (g - b)


def look_ahead(g, b, momentum):
    """g + μ (b − g)."""
    return g + momentum * (b - g)


def scaled_lr(lr, how, shape):
    """The learning rate for a matrix of this shape."""
    rows, columns = shape
    if how == "match_rms_adamw":
        return lr * 0.2 * math.sqrt(max(rows, columns))
    return lr * math.sqrt(max(1, rows / columns))


class Muon(RuleOptimizer):
    """θ ← (1 − γλ) θ − γ′ O, where O ≈ U Vᵀ is the momentum U S Vᵀ made orthogonal.

    Momentum b ← b + (1 − μ)(g − b); with `nesterov` g + μ (b − g) is used. `ns_steps` steps of
    Newton and Schulz with `ns_coefficients` (a, b, c) make it orthogonal; `eps` keeps the norm it
    is divided by off zero. `lr` is γ, `momentum` μ, `weight_decay` λ. `adjust_lr_fn` "original"
    (the default) takes γ′ = γ √max(1, rows/columns), "match_rms_adamw"
    γ′ = 0.2 γ √max(rows, columns).

    For matrices only: give biases, embeddings and the like to another optimizer.

    Raises ValueError for options out of range and for parameters that are no matrices.
    Source: Jordan et al.: Muon, an optimizer for hidden layers in neural networks, 2024; Liu et
    al.: Muon is scalable for LLM training, arXiv:2502.16982.
    """

    # the steps of Newton and Schulz are taken in bfloat16, which needs Tensors
    _raw_dtypes = ""

    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True,
                 ns_coefficients=(3.4445, -4.7750, 2.0315), eps=1e-7, ns_steps=5,
                 adjust_lr_fn=None):
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not 0.0 <= momentum:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum,
                    "nesterov": nesterov, "ns_coefficients": ns_coefficients, "eps": eps,
                    "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn}
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    raise ValueError("Muon only supports 2D parameters whereas we found a "
                                     f"parameter with size: {param.size()}")

    def _decoupled(self, group):
        return True

    def _tensors(self, param, grad, group):
        if param.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        return super()._tensors(param, grad, group)

    def _begin(self, param, grad, group):
        return {"momentum_buffer": zeros_like(grad)}

    def _update(self, group):
        lr, momentum, nesterov = number(group["lr"]), group["momentum"], group["nesterov"]
        decay = number(group["weight_decay"])
        for _, read, p, g, state in self._pending(group):
            b = read(state, "momentum_buffer")
            average(b, g, momentum)
            step = look_ahead(g, b, momentum) if nesterov else b
            step = orthogonalized(step, group["ns_coefficients"], group["ns_steps"], group["eps"])
            p *= 1 - lr * decay
            p -= scaled_lr(lr, group["adjust_lr_fn"], p.shape) * step.to(p.dtype)
