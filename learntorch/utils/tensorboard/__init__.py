"""torch.utils.tensorboard: event files that TensorBoard shows, through the package tensorboardX."""

from learntorch.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]
