"""How far apart are two vectors? Norms, distances, angles."""

import numpy as np

from learntorch.core.dtypes import FLOATS, result_of, said
from learntorch.core.op import composite, nary
from learntorch.core.shapes import broadcast
from learntorch.core.tensor import wrap
from learntorch.ops.reduce import axes, restore


@nary(space="rules", grad="LinalgVectorNorm", result="real")
def p_norm(xp, x, p, dim, keepdim):
    """(Σ |x|ᵖ)^{1/p} along `dim`; the largest |x| for p = ∞, how many are not 0 for p = 0."""
    a = xp.abs(x)
    if p == 2:
        return xp.sqrt(xp.add.reduce(a * a, axis=dim, keepdims=keepdim))
    if p == 1:
        return xp.add.reduce(a, axis=dim, keepdims=keepdim)
    if p == 0:
        return xp.add.reduce(a != 0, axis=dim, keepdims=keepdim).astype(a.dtype)
    if p in (float("inf"), -float("inf")):
        extreme = xp.maximum if p > 0 else xp.minimum
        return extreme.reduce(a, axis=dim, keepdims=keepdim)
    return xp.add.reduce(a ** a.dtype.type(p), axis=dim, keepdims=keepdim) ** a.dtype.type(1 / p)


def p_norm_x(xp, g, x, out, p, dim, keepdim):
    """sign x · (|x| / ‖x‖)^{p−1}; 0 where x or its norm is 0, where the norm has no slope."""
    g = restore(xp, g, x.shape, dim, keepdim)
    out = restore(xp, out, x.shape, dim, keepdim)
    if p == 0:
        return xp.zeros_like(x)
    if p == 2:
        return xp.where(out == 0, xp.zeros_like(x), xp.conj(x) * (g / out))
    sign = xp.conj(xp.sgn(x))
    if p == 1:
        return g * sign
    a = xp.abs(x)
    if p in (float("inf"), -float("inf")):
        ties = xp.ties(a, out)
        return sign * (g * (ties / ties.sum(axis=dim, keepdims=True)))
    safe = xp.where(out == 0, xp.ones_like(out), out)
    if p < 1:
        a = xp.where(a == 0, xp.ones_like(a), a)
    return sign * a ** (p - 1) * (g * safe ** (1 - p))
p_norm.vjp(x=p_norm_x)


def inexact(x1, x2):
    """Two tensors in their common dtype and shape. Raises RuntimeError unless it has fractions."""
    d = result_of([x1._data, x2._data])
    if d.numpy not in FLOATS:
        raise RuntimeError("expected common dtype to be floating point, yet common dtype is "
                           f"{said(d)}: call .float() first.")
    shape = broadcast(x1._data.shape, x2._data.shape)
    return x1.to(d).expand(shape), x2.to(d).expand(shape)


@composite(space="torch nn.functional", method=False)
def cosine_similarity(x1, x2, dim=1, eps=1e-08):
    """x₁ · x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)) along `dim`: the cosine of the angle."""
    x1, x2 = inexact(x1, x2)
    return (unit(x1, dim, eps) * unit(x2, dim, eps)).sum(dim)


def unit(x, dim, eps):
    """x / max(‖x‖, eps); as in PyTorch the gradient does not notice the limit."""
    length = p_norm(x, 2, axes(dim), True)
    limited = length.detach().clamp_min(eps)
    return x / (length + (limited - length.detach()))


@composite(space="torch nn.functional", method=False, grad="NormBackward1")
def pairwise_distance(x1, x2, p=2.0, eps=1e-06, keepdim=False):
    """‖x₁ − x₂ + eps‖ₚ over the last dimension."""
    difference = x1 - x2 + eps
    return p_norm(difference, p, -1, keepdim) if difference._data.ndim else difference.abs()


@composite(space="torch nn.functional", method=False, grad="Pdist")
def pdist(input, p=2):
    """‖xᵢ − xⱼ‖ₚ for all pairs i < j of rows: (n, m) → (n(n − 1)/2).

    Raises RuntimeError unless the input is a matrix of floats and p ≥ 0.
    """
    if input._data.ndim != 2:
        raise RuntimeError("pdist only supports 2D tensors, got: "
                           f"{input._data.ndim}D")
    if input._data.dtype not in FLOATS:
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    first, second = np.triu_indices(input._data.shape[0], 1)
    return p_norm(input[wrap(first)] - input[wrap(second)], p, -1, False)
