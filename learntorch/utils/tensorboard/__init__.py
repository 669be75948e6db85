"""torch.utils.tensorboard: event files that TensorBoard shows. Writing them needs no package."""

from learntorch.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
