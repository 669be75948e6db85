"""GPUs: there is none in this version, and every question about them says so honestly."""

from learntorch.core.failures import OutOfMemoryError
from learntorch.cuda import amp


def is_available():
    """Whether tensors can be put on a GPU."""
    return False


def device_count():
    """How many GPUs there are."""
    return 0


def is_initialized():
    """Whether the GPU library has been started."""
    return False


def manual_seed(seed):
    """Seed the GPU's generator: nothing to do without one."""


def manual_seed_all(seed):
    """Seed the generators of all GPUs: nothing to do without one."""


def synchronize(device=None):
    """Wait for the GPU. Raises AssertionError where there is none."""
    raise AssertionError("Torch not compiled with CUDA enabled. There is no GPU to wait for.")


def current_device():
    """The index of the GPU in use. Raises AssertionError where there is none."""
    raise AssertionError("Torch not compiled with CUDA enabled. Ask torch.cuda.is_available() "
                         "first.")


def empty_cache():
    """Give unused GPU memory back: nothing to do without one."""
