"""Instance normalisation: every example's every channel by itself."""

import warnings

import learntorch.nn.functional as F
from learntorch.nn.modules.batchnorm import _LazyNormBase, _NormBase

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LazyInstanceNorm1d",
           "LazyInstanceNorm2d", "LazyInstanceNorm3d"]


class _InstanceNorm(_NormBase):
    """y = (x − mean) / √(variance + eps) · weight + bias, for each (n, c) apart."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=False,
                 track_running_stats=False, device=None, dtype=None, *, bias=True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype,
                         bias=bias)

    def forward(self, input):
        self._check_input_dim(input)
        channel_dim = input.dim() - self._without_batch
        if input.size(channel_dim) != self.num_features:
            self._wrong_channels(input, channel_dim)
        if input.dim() == self._without_batch:
            return self._normalised(input.unsqueeze(0)).squeeze(0)
        return self._normalised(input)

    def _normalised(self, input):
        momentum = 0.0 if self.momentum is None else self.momentum
        return F.instance_norm(input, self.running_mean, self.running_var, self.weight, self.bias,
                               self.training or not self.track_running_stats, momentum, self.eps)

    def _wrong_channels(self, input, channel_dim):
        if self.affine:
            raise ValueError(f"expected input's size at dim={channel_dim} to match num_features "
                             f"({self.num_features}), but got: {input.size(channel_dim)}.")
        warnings.warn(f"input's size at dim={channel_dim} does not match num_features. You can "
                      "silence this warning by not passing in num_features, which is not used "
                      "because affine=False", stacklevel=3)


class InstanceNorm1d(_InstanceNorm):
    """y = (x − E[x]) / √(Var[x] + eps) · γ + β, over the length, for each example and channel.

    Shapes: (N, C, L) or (C, L) → the same; γ and β (C) if affine.
    Source: Ulyanov et al. 2016, arXiv:1607.08022.
    """

    _without_batch = 2

    def _check_input_dim(self, input):
        if input.dim() not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.dim()}D input)")


class InstanceNorm2d(_InstanceNorm):
    """y = (x − E[x]) / √(Var[x] + eps) · γ + β, over the pixels, for each example and channel.

    Shapes: (N, C, H, W) or (C, H, W) → the same; γ and β (C) if affine.
    Source: Ulyanov et al. 2016, arXiv:1607.08022.
    """

    _without_batch = 3

    def _check_input_dim(self, input):
        if input.dim() not in (3, 4):
            raise ValueError(f"expected 3D or 4D input (got {input.dim()}D input)")


class InstanceNorm3d(_InstanceNorm):
    """y = (x − E[x]) / √(Var[x] + eps) · γ + β, over the volume, for each example and channel.

    Shapes: (N, C, D, H, W) or (C, D, H, W) → the same; γ and β (C) if affine.
    Source: Ulyanov et al. 2016, arXiv:1607.08022.
    """

    _without_batch = 4

    def _check_input_dim(self, input):
        if input.dim() not in (4, 5):
            raise ValueError(f"expected 4D or 5D input (got {input.dim()}D input)")


class LazyInstanceNorm1d(_LazyNormBase, _InstanceNorm):
    """An InstanceNorm1d whose num_features is the size of the first input's channel dimension.

    Shapes: as InstanceNorm1d, which it becomes with the first call.
    """

    cls_to_become = InstanceNorm1d
    _without_batch = 2
    _check_input_dim = InstanceNorm1d._check_input_dim


class LazyInstanceNorm2d(_LazyNormBase, _InstanceNorm):
    """An InstanceNorm2d whose num_features is the size of the first input's channel dimension.

    Shapes: as InstanceNorm2d, which it becomes with the first call.
    """

    cls_to_become = InstanceNorm2d
    _without_batch = 3
    _check_input_dim = InstanceNorm2d._check_input_dim


class LazyInstanceNorm3d(_LazyNormBase, _InstanceNorm):
    """An InstanceNorm3d whose num_features is the size of the first input's channel dimension.

    Shapes: as InstanceNorm3d, which it becomes with the first call.
    """

    cls_to_become = InstanceNorm3d
    _without_batch = 4
    _check_input_dim = InstanceNorm3d._check_input_dim
