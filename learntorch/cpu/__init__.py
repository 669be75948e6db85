"""The CPU, asked in the words of `torch.cuda`: there is one, and it is always ready."""

from learntorch.cpu import amp

__all__ = ["amp", "current_device", "device_count", "is_available", "is_initialized",
           "set_device", "synchronize"]


def is_available():
    """Whether there is a CPU: yes."""
    return True


def is_initialized():
    """Whether the CPU is ready: yes."""
    return True


def device_count():
    """How many CPU devices there are: one, however many cores it has."""
    return 1


def current_device():
    """The device in use: "cpu"."""
    return "cpu"


def set_device(device):
    """Nothing to choose: there is one."""


def synchronize(device=None):
    """Nothing to wait for: every operation is done when its call returns."""
