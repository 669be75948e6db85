"""Fusion: a batch normalisation that only evaluates becomes part of the layer before it.

γ (W x + b − mean) / √(var + eps) + β is again linear: W′ = W s, b′ = (b − mean) s + β with
s = γ / √(var + eps), one factor for each output.
"""

import copy

from learntorch.nn.parameter import Parameter
from learntorch.ops.create import ones_like, zeros_like

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval",
           "fuse_linear_bn_weights"]


def _check(layer, bn):
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """One convolution that does what `conv` and then `bn` do, both in evaluation mode.

    `transpose`: `conv` is a transposed convolution.
    """
    _check(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias,
        transpose)
    return fused


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """(W s, (b − mean) s + β) for a convolution; s = γ / √(var + eps) for each output channel."""
    bias = zeros_like(bn_rm) if conv_b is None else conv_b
    gamma = ones_like(bn_rm) if bn_w is None else bn_w
    beta = zeros_like(bn_rm) if bn_b is None else bn_b
    inverse = (bn_rv + bn_eps).rsqrt()
    channels = [1, -1] if transpose else [-1, 1]
    factor = (gamma * inverse).reshape(channels + [1] * (conv_w.dim() - 2))
    weight = (conv_w * factor).to(conv_w.dtype)
    shift = ((bias - bn_rm) * inverse * gamma + beta).to(
        conv_w.dtype if conv_b is None else conv_b.dtype)
    return Parameter(weight, conv_w.requires_grad), Parameter(shift, bias.requires_grad)


def fuse_linear_bn_eval(linear, bn):
    """One linear layer that does what `linear` and then `bn` do, both in evaluation mode."""
    _check(linear, bn)
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features "
                             f"== 1, got linear.out_features={linear.out_features} and "
                             f"bn.num_features={bn.num_features}")
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    return fused


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """(W s, (b − mean) s + β) for a linear layer; s = γ / √(var + eps) for each output."""
    bias = zeros_like(bn_rm) if linear_b is None else linear_b
    factor = bn_w * (bn_rv + bn_eps).rsqrt()
    weight = linear_w * factor.unsqueeze(-1).to(linear_w.dtype)
    shift = ((bias - bn_rm) * factor + bn_b).to(
        linear_w.dtype if linear_b is None else linear_b.dtype)
    return Parameter(weight, linear_w.requires_grad), Parameter(shift, bias.requires_grad)
