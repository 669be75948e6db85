"""Functions of `torch` whose parameters are not those of their namesakes in `nn.functional`."""

from learntorch.core.op import composite
from learntorch.ops import dropout as drop
from learntorch.ops import embedding as table
from learntorch.ops import norm


@composite(name="torch.layer_norm", method=False)
def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-05, cudnn_enable=True):
    """(x − μ) / √(σ² + eps) · weight + bias, μ and σ² over the last dimensions of each sample."""
    return norm.layer_norm(input, normalized_shape, weight, bias, eps)


@composite(name="torch.rms_norm", method=False)
def rms_norm(input, normalized_shape, weight=None, eps=None):
    """x / √(mean(x²) + eps) · weight over the last dimensions."""
    return norm.rms_norm(input, normalized_shape, weight, eps)


@composite(name="torch.group_norm", method=False)
def group_norm(input, num_groups, weight=None, bias=None, eps=1e-05, cudnn_enabled=True):
    """(x − μ) / √(σ² + eps) · weight + bias for each group of channels of each sample.

    Shapes: (N, C, …), weight and bias (C).
    """
    return norm.group_norm(input, num_groups, weight, bias, eps)


@composite(name="torch.batch_norm", method=False)
def batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps,
               cudnn_enabled):
    """(x − μ) / √(σ² + eps) · weight + bias for each channel of (N, C, …)."""
    return norm.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


@composite(name="torch.instance_norm", method=False)
def instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps,
                  cudnn_enabled):
    """(x − μ) / √(σ² + eps) · weight + bias for each channel of each sample of (N, C, …)."""
    return norm.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats,
                              momentum, eps)


@composite(name="torch.embedding", method=False)
def embedding(weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    """weight[indices]: the rows of a table (n, d) at the indices."""
    return table.embedding(indices, weight, None if padding_idx == -1 else padding_idx, None, 2.0,
                           scale_grad_by_freq, sparse)


@composite(name="torch.dropout", method=False)
def dropout(input, p, train):
    """x · m / (1 − p), m = 0 with probability p and 1 otherwise; x itself when not training.

    Shapes: any; the result has that of the input.
    """
    return drop.dropout(input, p, train)


@composite(name="torch.dropout_", method=False)
def dropout_(input, p, train):
    """In-place version of `dropout`.

    Shapes: any, which stays.
    """
    return drop.dropout(input, p, train, True)


@composite(name="torch.feature_dropout", method=False)
def feature_dropout(input, p, train):
    """Whole channels of (N, C, …) set to 0 with probability p, the others divided by 1 − p.

    Shapes: any, which stays.
    """
    return drop.per_channel(input, p, train, False, True)


@composite(name="torch.feature_dropout_", method=False)
def feature_dropout_(input, p, train):
    """In-place version of `feature_dropout`.

    Shapes: any, which stays.
    """
    return drop.per_channel(input, p, train, True, True)


@composite(name="torch.alpha_dropout", method=False)
def alpha_dropout(input, p, train):
    """Dropout for selu networks: mean 0 and variance 1 stay.

    Shapes: any, which stays.
    """
    return drop.alpha_dropout(input, p, train)


@composite(name="torch.alpha_dropout_", method=False)
def alpha_dropout_(input, p, train):
    """In-place version of `alpha_dropout`.

    Shapes: any, which stays.
    """
    return drop.alpha_dropout(input, p, train, True)


@composite(name="torch.feature_alpha_dropout", method=False)
def feature_alpha_dropout(input, p, train):
    """Alpha dropout of whole channels of (N, C, …).

    Shapes: any, which stays.
    """
    return drop.feature_alpha_dropout(input, p, train)


@composite(name="torch.feature_alpha_dropout_", method=False)
def feature_alpha_dropout_(input, p, train):
    """In-place version of `feature_alpha_dropout`.

    Shapes: any, which stays.
    """
    return drop.feature_alpha_dropout(input, p, train, True)
