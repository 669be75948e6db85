"""Start values: functions that fill a tensor in place and return it.

The draws are PyTorch's: the same seed gives the same numbers. Nothing here is recorded.
"""

import math
import warnings

from learntorch.core.ambient import no_grad
from learntorch.core.dtypes import bool_
from learntorch.ops.compare import where
from learntorch.ops.create import empty_like, from_numpy, ones_like
from learntorch.ops.random import randperm

__all__ = [
    "calculate_gain", "uniform_", "normal_", "trunc_normal_", "constant_", "ones_", "zeros_",
    "eye_", "dirac_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_",
    "orthogonal_", "sparse_", "uniform", "normal", "constant", "eye", "dirac", "xavier_uniform",
    "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal", "sparse",
]

_LINEAR = frozenset(("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
                     "conv_transpose2d", "conv_transpose3d", "sigmoid"))


def calculate_gain(nonlinearity, param=None):
    """By how much weights must be larger so that `nonlinearity` keeps the size of a signal.

    linear, convolutions, sigmoid 1; tanh 5/3; relu √2; leaky_relu √(2 / (1 + slope²)); selu 3/4.
    Raises ValueError for another name, or a slope that is no number.
    """
    if nonlinearity in _LINEAR:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "selu":
        return 3.0 / 4
    if nonlinearity != "leaky_relu":
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    if param is None:
        slope = 0.01
    elif isinstance(param, (int, float)) and not isinstance(param, bool):
        slope = param
    else:
        raise ValueError(f"negative_slope {param} not a valid number")
    return math.sqrt(2.0 / (1 + slope ** 2))


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """xᵢ uniform in [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """xᵢ normal with the given mean and standard deviation."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """xᵢ normal with the given mean and standard deviation, drawn again until inside [a, b].

    Where that would reject more than seven in ten, uniform numbers of [a, b] are drawn and kept
    with a probability proportional to the density (rejection sampling: von Neumann 1951).
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn("mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The "
                      "distribution of values may be incorrect.", stacklevel=2)
    inside = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    draw = _redraw_normal if inside > 0.3 else _keep_uniform
    with no_grad():
        return draw(tensor, mean, std, a, b, generator)


def _normal_cdf(z):
    return (1.0 + math.erf(z / math.sqrt(2.0))) / 2.0


def _redraw_normal(tensor, mean, std, a, b, generator):
    tensor.normal_(mean, std, generator=generator)
    while True:
        outside = (tensor < a) | (tensor > b)
        if not outside.any():
            return tensor
        again = empty_like(tensor).normal_(mean, std, generator=generator)
        tensor.copy_(where(outside, again, tensor))


def _keep_uniform(tensor, mean, std, a, b, generator):
    highest = (min(max(mean, a), b) - mean) / std       # where the density on [a, b] is largest
    waiting = ones_like(tensor, dtype=bool_)
    while waiting.any():
        x = empty_like(tensor).uniform_(a, b, generator=generator)
        u = empty_like(tensor).uniform_(0, 1, generator=generator)
        density = (-0.5 * ((x - mean) / std) ** 2 + 0.5 * highest ** 2).exp()
        taken = waiting & (u <= density)
        tensor.copy_(where(taken, x, tensor))
        waiting = waiting & ~taken
    return tensor


def constant_(tensor, val):
    """xᵢ = val."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """xᵢ = 1."""
    with no_grad():
        return tensor.fill_(1.0)


def zeros_(tensor):
    """xᵢ = 0."""
    with no_grad():
        return tensor.zero_()


def eye_(tensor):
    """xᵢⱼ = 1 where i = j, else 0: a Linear layer that passes its input on.

    Raises ValueError unless 2-d.
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with no_grad():
        tensor.zero_()
        for i in range(min(tensor.shape)):
            tensor[i, i] = 1
    return tensor


def dirac_(tensor, groups=1):
    """The convolution weight that passes its channels on: 1 in the middle of kernel (c, c).

    Raises ValueError unless 3-d, 4-d or 5-d, or where the groups do not divide the channels.
    """
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    sizes = tuple(tensor.shape)
    if sizes[0] % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    out_channels = sizes[0] // groups
    middle = tuple(n // 2 for n in sizes[2:])
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for c in range(min(out_channels, sizes[1])):
                tensor[(group * out_channels + c, c, *middle)] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor):
    """(inputs of one output, outputs of one input) of a layer with this weight."""
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 "
                         "dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.size(1) * field, tensor.size(0) * field


def _calculate_correct_fan(tensor, mode):
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return fan_in if mode == "fan_in" else fan_out


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """xᵢ uniform in ±gain·√(6 / (fan_in + fan_out)). Source: Glorot & Bengio 2010."""
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    std = gain * math.sqrt(2.0 / float(fan_in + fan_out))
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """xᵢ normal with deviation gain·√(2 / (fan_in + fan_out)). Source: Glorot & Bengio 2010."""
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / float(fan_in + fan_out)), generator)


def _kaiming_std(tensor, a, mode, nonlinearity):
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _nothing_to_fill(tensor):
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return True
    return False


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """xᵢ uniform in ±gain·√(3 / fan), gain for the nonlinearity (with slope `a`) that follows.

    Source: He et al. 2015, arXiv:1502.01852.
    """
    if _nothing_to_fill(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """xᵢ normal with deviation gain / √fan. Source: He et al. 2015, arXiv:1502.01852."""
    if _nothing_to_fill(tensor):
        return tensor
    return normal_(tensor, 0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor, gain=1, generator=None):
    """X Xᵀ = gain² I (or Xᵀ X): rows (or columns) of length `gain`, at right angles.

    Dimensions after the first count as one. Q of the QR decomposition of a normal matrix, with
    the signs that make every orthogonal matrix equally likely. Raises ValueError below 2-d.
    Source: Saxe et al. 2013, arXiv:1312.6120; signs: Mezzadri 2006, arXiv:math-ph/0609050.
    """
    import numpy as np
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.size(0)
    cols = tensor.numel() // rows
    with no_grad():
        drawn = tensor.new_empty((rows, cols)).normal_(0, 1, generator=generator)
        flat = drawn.t() if rows < cols else drawn
        q, r = np.linalg.qr(flat.cpu().numpy())
        q = q * np.sign(np.diagonal(r))
        q = q.T if rows < cols else q
        tensor.view(rows, cols).copy_(from_numpy(q.copy()))
        return tensor.mul_(gain)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """xᵢⱼ normal with deviation `std`, but in each column a share `sparsity` of zeros.

    Raises ValueError unless 2-d. Source: Martens 2010.
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, cols = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for col in range(cols):
            chosen = randperm(rows)[:zeros]
            tensor[chosen, col] = 0
    return tensor


def _renamed(function):
    """The old name of `function`, without the underscore: warns, then does the same."""
    old = function.__name__[:-1]

    def deprecated(*args, **kwargs):
        warnings.warn(f"`nn.init.{old}` is now deprecated in favor of "
                      f"`nn.init.{function.__name__}`.", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    deprecated.__name__ = old
    deprecated.__qualname__ = old
    deprecated.__doc__ = f"Old name of `{function.__name__}`."
    return deprecated


uniform = _renamed(uniform_)
normal = _renamed(normal_)
constant = _renamed(constant_)
eye = _renamed(eye_)
dirac = _renamed(dirac_)
xavier_uniform = _renamed(xavier_uniform_)
xavier_normal = _renamed(xavier_normal_)
kaiming_uniform = _renamed(kaiming_uniform_)
kaiming_normal = _renamed(kaiming_normal_)
orthogonal = _renamed(orthogonal_)
sparse = _renamed(sparse_)
