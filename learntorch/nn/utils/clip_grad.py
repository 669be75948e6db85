"""Clipping gradients: a step that would be too long becomes shorter."""

import math
import types
import warnings

from learntorch.core.ambient import no_grad
from learntorch.core.dtypes import promote_types
from learntorch.core.tensor import Tensor
from learntorch.ops.create import tensor
from learntorch.ops.shape import stack

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_",
           "get_total_norm"]


def _listed(parameters):
    """A list of tensors from one tensor or any iterable; warns about an exhausted generator."""
    if isinstance(parameters, Tensor):
        return [parameters]
    found = list(parameters)
    if not found and isinstance(parameters, types.GeneratorType):
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.",
                      stacklevel=4)
    return found


def _norm(t, p):
    """(Σ |x|ᵖ)^(1/p); the largest |x| for p = ∞, the number of non-zeros for p = 0."""
    if p == 2 and not t.is_complex():
        return (t * t).sum().sqrt()
    size = t.abs()
    if p == math.inf:
        return size.max()
    if p == -math.inf:
        return size.min()
    if p == 0:
        return (size != 0).sum().to(t.dtype)
    return (size ** p).sum() ** (1.0 / p)


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The norm of all tensors as if they were one long vector.

    Raises RuntimeError for a norm that is infinite or no number, if `error_if_nonfinite`.
    """
    tensors = _listed(tensors)
    p = float(norm_type)
    if not tensors:
        return tensor(0.0)
    with no_grad():
        total = _norm(stack([_norm(t, p) for t in _same_dtype(tensors)]), p)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(f"The total norm of order {p} for gradients from `parameters` is "
                           "non-finite, so it cannot be clipped. To disable this error and scale "
                           "the gradients by the non-finite norm anyway, set "
                           "`error_if_nonfinite=False`")
    return total


def _same_dtype(tensors):
    """The tensors in the widest of their types, so that their norms stack."""
    widest = tensors[0].dtype
    for t in tensors:
        widest = promote_types(widest, t.dtype)
    return [t if t.dtype == widest else t.to(widest) for t in tensors]


def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """g ← g · min(1, max_norm / (total_norm + 1e-6)) for the gradient of every parameter."""
    grads = [p.grad for p in _listed(parameters) if p.grad is not None]
    with no_grad():
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for g in grads:
            g.mul_(factor.to(g.dtype))


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Shorten all gradients together to the norm `max_norm`, in place; return the norm before.

    Their direction stays. Source: Pascanu et al. 2012, arXiv:1211.5063.
    """
    parameters = _listed(parameters)
    grads = [p.grad for p in parameters if p.grad is not None]
    total = get_total_norm(grads, norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Old name of `clip_grad_norm_`."""
    warnings.warn("`torch.nn.utils.clip_grad_norm` is now deprecated in favor of "
                  "`torch.nn.utils.clip_grad_norm_`.", FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Keep every entry of every gradient inside [−clip_value, clip_value], in place."""
    bound = float(clip_value)
    with no_grad():
        for p in _listed(parameters):
            if p.grad is not None:
                p.grad.clamp_(-bound, bound)
