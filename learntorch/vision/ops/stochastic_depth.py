"""Leaving out branches of a residual network at random, so that it trains as a shorter one."""

from learntorch.nn import Module
from learntorch.ops.create import empty

__all__ = ["StochasticDepth", "stochastic_depth"]


def stochastic_depth(input, p, mode, training=True):
    """input · b / (1 − p) with b = 0 of probability p, else 1; outside training the input itself.

    mode "row": one b for each of the n pictures; "batch": one b for all. Draws: bernoulli of n or
    of one number. Raises ValueError. Source: Huang et al., "Deep Networks with Stochastic Depth",
    2016.
    """
    if p < 0.0 or p > 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}")
    if mode not in ("batch", "row"):
        raise ValueError(f"mode has to be either 'batch' or 'row', but got {mode}")
    if not training or p == 0.0:
        return input
    rows = input.shape[0] if mode == "row" else 1
    kept = empty((rows,) + (1,) * (input.ndim - 1), dtype=input.dtype, device=input.device)
    kept.bernoulli_(1.0 - p)
    if p < 1.0:
        kept.div_(1.0 - p)
    return input * kept


class StochasticDepth(Module):
    """`stochastic_depth` as a module: it leaves its input out in training only."""

    def __init__(self, p, mode):
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, input):
        return stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self):
        return f"{type(self).__name__}(p={self.p}, mode={self.mode})"
