"""AdamW: Adam with weight decay taken out of the gradient."""

from learntorch.optim.adam import Adam


class AdamW(Adam):
    """θ ← θ − γ λ θ, then θ ← θ − γ m̂ / (√v̂ + ε) as in Adam.

    In Adam the penalty λθ is part of the gradient, and so it is divided by √v̂ too: weights with
    large gradients decay less. Here every weight shrinks by the same factor 1 − γλ.

    `lr` is γ, `betas`, `eps` and the others are Adam's; `weight_decay` is λ.

    Source: Loshchilov, Hutter: Decoupled weight decay regularization, ICLR 2019, algorithm 2.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2,
                 amsgrad=False, *, maximize=False, foreach=None, capturable=False,
                 differentiable=False, fused=None):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach,
                         maximize=maximize, capturable=capturable, differentiable=differentiable,
                         fused=fused, decoupled_weight_decay=True)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
