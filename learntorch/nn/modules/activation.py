"""Activations: the functions between the matrix products, applied to each element."""

import warnings

import learntorch.nn.functional as F
from learntorch.nn import init as initialise
from learntorch.nn.modules.module import Module
from learntorch.nn.parameter import Parameter
from learntorch.ops.create import empty

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh",
    "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU",
    "SiLU", "Sigmoid", "Softmax", "Softmax2d", "Softmin", "Softplus", "Softshrink", "Softsign",
    "Tanh", "Tanhshrink", "Threshold",
]


class _Inplace(Module):
    """An activation without parameters that may write its result into its input."""

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""

    def _tail(self):
        return ", inplace=True" if self.inplace else ""


class Threshold(_Inplace):
    """y = x where x > threshold, else `value`. Shapes: (*) → (*)."""

    def __init__(self, threshold, value, inplace=False):
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input):
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self):
        return f"threshold={self.threshold}, value={self.value}{self._tail()}"


class ReLU(_Inplace):
    """y = max(0, x). Shapes: (*) → (*). Source: Nair & Hinton 2010."""

    def forward(self, input):
        return F.relu(input, inplace=self.inplace)


class RReLU(_Inplace):
    """y = x where x ≥ 0, else a·x with a drawn uniformly from [lower, upper] while training.

    While evaluating a is the middle of the interval. Source: Xu et al. 2015, arXiv:1505.00853.
    """

    def __init__(self, lower=1.0 / 8, upper=1.0 / 3, inplace=False):
        super().__init__(inplace)
        self.lower = lower
        self.upper = upper

    def forward(self, input):
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self):
        return f"lower={self.lower}, upper={self.upper}{self._tail()}"


class Hardtanh(_Inplace):
    """y = x kept inside [min_val, max_val]. Shapes: (*) → (*)."""

    def __init__(self, min_val=-1.0, max_val=1.0, inplace=False, min_value=None, max_value=None):
        super().__init__(inplace)
        for old, new, given in (("min_value", "min_val", min_value),
                                ("max_value", "max_val", max_value)):
            if given is not None:
                warnings.warn(f"keyword argument `{old}` is deprecated and renamed to `{new}`",
                              FutureWarning, stacklevel=2)
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        if self.max_val <= self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val "
                                 f"({self.min_val})")

    def forward(self, input):
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self):
        return f"min_val={self.min_val}, max_val={self.max_val}{self._tail()}"


class ReLU6(Hardtanh):
    """y = min(max(0, x), 6). Shapes: (*) → (*). Source: Howard et al. 2017, arXiv:1704.04861."""

    def __init__(self, inplace=False):
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self):
        return "inplace=True" if self.inplace else ""


class Sigmoid(Module):
    """y = 1 / (1 + e⁻ˣ), between 0 and 1. Shapes: (*) → (*)."""

    def forward(self, input):
        return input.sigmoid()


class Hardsigmoid(_Inplace):
    """y = min(max(0, x/6 + 1/2), 1): straight lines in place of the sigmoid. Shapes: (*) → (*)."""

    def forward(self, input):
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self):
        return ""


class Tanh(Module):
    """y = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), between −1 and 1. Shapes: (*) → (*)."""

    def forward(self, input):
        return input.tanh()


class SiLU(_Inplace):
    """y = x · sigmoid(x), also called swish. Shapes: (*) → (*).

    Source: Elfwing et al. 2017, arXiv:1702.03118.
    """

    def forward(self, input):
        return F.silu(input, inplace=self.inplace)


class Mish(_Inplace):
    """y = x · tanh(log(1 + eˣ)). Shapes: (*) → (*). Source: Misra 2019, arXiv:1908.08681."""

    def forward(self, input):
        return F.mish(input, inplace=self.inplace)


class Hardswish(_Inplace):
    """y = x · min(max(0, x + 3), 6) / 6. Shapes: (*) → (*).

    Source: Howard et al. 2019, arXiv:1905.02244.
    """

    def forward(self, input):
        return F.hardswish(input, self.inplace)

    def extra_repr(self):
        return ""


class ELU(_Inplace):
    """y = x where x > 0, else α (eˣ − 1). Shapes: (*) → (*).

    Source: Clevert et al. 2015, arXiv:1511.07289.
    """

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input):
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self):
        return f"alpha={self.alpha}{self._tail()}"


class CELU(_Inplace):
    """y = max(0, x) + min(0, α (e^(x/α) − 1)): an ELU with a continuous slope.

    Shapes: (*) → (*). Source: Barron 2017, arXiv:1704.07483.
    """

    def __init__(self, alpha=1.0, inplace=False):
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input):
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self):
        return f"alpha={self.alpha}{self._tail()}"


class SELU(_Inplace):
    """y = λ (max(0, x) + min(0, α (eˣ − 1))), λ and α such that mean 0 and variance 1 stay.

    Shapes: (*) → (*). Source: Klambauer et al. 2017, arXiv:1706.02515.
    """

    def forward(self, input):
        return F.selu(input, self.inplace)


class GLU(Module):
    """y = a · sigmoid(b), where a and b are the two halves of x along `dim`.

    Shapes: (*, 2n, *) → (*, n, *). Source: Dauphin et al. 2016, arXiv:1612.08083.
    """

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def forward(self, input):
        return F.glu(input, self.dim)

    def extra_repr(self):
        return f"dim={self.dim}"


class GELU(Module):
    """y = x · Φ(x), Φ the distribution function of the normal distribution.

    `approximate="tanh"`: x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))). Shapes: (*) → (*).
    Source: Hendrycks & Gimpel 2016, arXiv:1606.08415.
    """

    def __init__(self, approximate="none"):
        super().__init__()
        self.approximate = approximate

    def forward(self, input):
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self):
        return f"approximate={self.approximate!r}"


class Hardshrink(Module):
    """y = x where |x| > λ, else 0. Shapes: (*) → (*)."""

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.hardshrink(input, self.lambd)

    def extra_repr(self):
        return f"{self.lambd}"


class Softshrink(Module):
    """y = x − λ where x > λ, x + λ where x < −λ, else 0. Shapes: (*) → (*)."""

    def __init__(self, lambd=0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, input):
        return F.softshrink(input, self.lambd)

    def extra_repr(self):
        return str(self.lambd)


class LeakyReLU(_Inplace):
    """y = x where x ≥ 0, else negative_slope · x. Shapes: (*) → (*). Source: Maas et al. 2013."""

    def __init__(self, negative_slope=1e-2, inplace=False):
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input):
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self):
        return f"negative_slope={self.negative_slope}{self._tail()}"


class LogSigmoid(Module):
    """y = log(1 / (1 + e⁻ˣ)), computed without overflow. Shapes: (*) → (*)."""

    def forward(self, input):
        return F.logsigmoid(input)


class Softplus(Module):
    """y = log(1 + e^(βx)) / β, a smooth max(0, x); x itself where βx > threshold.

    Shapes: (*) → (*).
    """

    def __init__(self, beta=1.0, threshold=20.0):
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input):
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self):
        return f"beta={self.beta}, threshold={self.threshold}"


class PReLU(Module):
    """y = x where x ≥ 0, else a·x; a is learned: one number, or one for each channel.

    Shapes: (N, C, *) → (N, C, *); weight (num_parameters). No weight decay on a.
    Source: He et al. 2015, arXiv:1502.01852.
    """

    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self):
        """Every slope back to its initial value."""
        initialise.constant_(self.weight, self.init)

    def forward(self, input):
        return F.prelu(input, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"


class Softsign(Module):
    """y = x / (1 + |x|). Shapes: (*) → (*)."""

    def forward(self, input):
        return F.softsign(input)


class Tanhshrink(Module):
    """y = x − tanh x. Shapes: (*) → (*)."""

    def forward(self, input):
        return F.tanhshrink(input)


class _AlongDim(Module):
    """An activation that looks at all entries along one dimension."""

    def __init__(self, dim=None):
        super().__init__()
        self.dim = dim

    def extra_repr(self):
        return f"dim={self.dim}"


class Softmin(_AlongDim):
    """yᵢ = e^(−xᵢ) / Σⱼ e^(−xⱼ) along `dim`: positive, sums to 1, largest where x is smallest."""

    def forward(self, input):
        return F.softmin(input, self.dim, _stacklevel=5)


class Softmax(_AlongDim):
    """yᵢ = e^(xᵢ) / Σⱼ e^(xⱼ) along `dim`: positive and sums to 1.

    Shapes: (*) → (*). For a loss use CrossEntropyLoss on x itself, or LogSoftmax with NLLLoss.
    """

    def forward(self, input):
        return F.softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """Softmax over the channels, for every pixel. Shapes: (N, C, H, W) or (C, H, W)."""

    def forward(self, input):
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D "
                             "instead")
        return F.softmax(input, -3, _stacklevel=5)


class LogSoftmax(_AlongDim):
    """yᵢ = xᵢ − log Σⱼ e^(xⱼ) along `dim`, the logarithm of Softmax without overflow."""

    def forward(self, input):
        return F.log_softmax(input, self.dim, _stacklevel=5)
