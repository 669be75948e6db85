"""Scores into probabilities: softmax and its relatives."""

from learntorch import random, random_streams
from learntorch.core.op import composite, nary
from learntorch.core.tensor import wrap
from learntorch.core.warned import warn


@nary(space="torch nn.functional special", name="softmax", out="dtype", grad="Softmax",
      refuses="softmax_lastdim_kernel_impl")
def normalised_exp(xp, x, dim):
    """eˣ / Σ eˣ along `dim`, shifted by the maximum so that eˣ cannot overflow."""
    if not x.size:
        return x.copy()
    z = xp.exp(x - xp.maximum.reduce(x, axis=dim, keepdims=True))
    z /= xp.add.reduce(z, axis=dim, keepdims=True)
    return z
normalised_exp.vjp(x=lambda g, out, dim: out * (g - (g * out).sum(axis=dim, keepdims=True)))


@nary(space="torch nn.functional special", name="log_softmax", out="dtype", grad="LogSoftmax",
      refuses="log_softmax_lastdim_kernel_impl")
def log_normalised_exp(xp, x, dim):
    """x − ln Σ eˣ along `dim`, shifted by the maximum so that eˣ cannot overflow."""
    if not x.size:
        return x.copy()
    z = x - xp.maximum.reduce(x, axis=dim, keepdims=True)
    return z - xp.log(xp.add.reduce(xp.exp(z), axis=dim, keepdims=True))
log_normalised_exp.vjp(x=lambda xp, g, out, dim: g - xp.exp(out) * g.sum(axis=dim, keepdims=True))


def _chosen_dim(name, dim, ndim):
    """The dimension of softmax when nobody says one: PyTorch's old guess, with its warning."""
    if dim is not None:
        return dim
    warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
         "dim=X as an argument.")
    return 0 if ndim in (0, 1, 3) else 1


@normalised_exp.public
def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """eˣⁱ / Σⱼ eˣʲ along `dim`: positive numbers that sum to 1. Same shape as the input."""
    if dtype is not None:
        input = input.to(dtype)
    return normalised_exp(input, _chosen_dim("softmax", dim, input._data.ndim))


@log_normalised_exp.public
def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """xᵢ − ln Σⱼ eˣʲ along `dim`: the logarithm of softmax, computed safely. Same shape."""
    if dtype is not None:
        input = input.to(dtype)
    return log_normalised_exp(input, _chosen_dim("log_softmax", dim, input._data.ndim))


@composite(space="nn.functional")
def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """Softmax of −x."""
    return softmax(-input, _chosen_dim("softmin", dim, input._data.ndim), dtype=dtype)


@composite(space="nn.functional")
def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """softmax((logits + G) / tau), G = −ln(−ln u): a soft sample of one category along `dim`.

    `hard` gives the one-hot vector of the largest, with the gradient of the soft sample.
    Source: Jang et al., Categorical reparameterization with Gumbel-softmax (2017).
    """
    a = logits._data
    if eps != 1e-10:
        warn("`eps` parameter is deprecated and has no effect.")
    waits = random_streams.exponential(random.default_generator, a.shape, a.dtype)
    soft = softmax((logits - wrap(waits).log()) / tau, dim)
    if not hard:
        return soft
    chosen = soft.argmax(dim, keepdim=True)._data
    places = wrap(chosen == _positions(a.shape, dim))
    return places.to(soft.dtype) - soft.detach() + soft


def _positions(shape, dim):
    """0, 1, 2, … along `dim`, of size 1 in the other dimensions."""
    import numpy as np
    line = [1] * len(shape)
    line[dim] = -1
    return np.arange(shape[dim]).reshape(line)
