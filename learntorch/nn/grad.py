"""The two gradients of a convolution, as functions: with respect to its input and its weight."""

from learntorch.nn.modules.utils import _pair, _single, _triple
from learntorch.ops.conv import conv_to_input, conv_to_weight

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input",
           "conv3d_weight"]


def _settings(tuple_of, stride, padding, dilation):
    """(stride, padding before and after, dilation) for each dimension."""
    return tuple_of(stride), tuple((p, p) for p in tuple_of(padding)), tuple_of(dilation)


def conv1d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """∂/∂x Σ g · conv1d(x, weight): the transposed convolution of g = `grad_output`.

    `input_size` is the whole shape of x: several sizes give an output of one size.
    """
    return conv_to_input(grad_output, weight, None, tuple(input_size),
                         *_settings(_single, stride, padding, dilation), groups)


def conv1d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """∂/∂w Σ g · conv1d(input, w), g = `grad_output`: each weight sums what it was multiplied by.

    `weight_size` is the whole shape of w.
    """
    return conv_to_weight(input, grad_output, tuple(weight_size),
                          *_settings(_single, stride, padding, dilation), groups)


def conv2d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """∂/∂x Σ g · conv2d(x, weight): the transposed convolution of g = `grad_output`.

    `input_size` is the whole shape of x: several sizes give an output of one size.
    """
    return conv_to_input(grad_output, weight, None, tuple(input_size),
                         *_settings(_pair, stride, padding, dilation), groups)


def conv2d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """∂/∂w Σ g · conv2d(input, w), g = `grad_output`: each weight sums what it was multiplied by.

    `weight_size` is the whole shape of w.
    """
    return conv_to_weight(input, grad_output, tuple(weight_size),
                          *_settings(_pair, stride, padding, dilation), groups)


def conv3d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """∂/∂x Σ g · conv3d(x, weight): the transposed convolution of g = `grad_output`.

    `input_size` is the whole shape of x: several sizes give an output of one size.
    """
    return conv_to_input(grad_output, weight, None, tuple(input_size),
                         *_settings(_triple, stride, padding, dilation), groups)


def conv3d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """∂/∂w Σ g · conv3d(input, w), g = `grad_output`: each weight sums what it was multiplied by.

    `weight_size` is the whole shape of w.
    """
    return conv_to_weight(input, grad_output, tuple(weight_size),
                          *_settings(_triple, stride, padding, dilation), groups)
