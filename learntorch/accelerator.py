"""torch.accelerator: the GPU, of whatever make. There is none here."""


def is_available():
    """Whether there is one."""
    return False


def device_count():
    """How many there are."""
    return 0


def current_accelerator(check_available=False):
    """Its device: None without one."""
    return None


def synchronize(device=None, /):
    """Wait for it. Raises RuntimeError without one."""
    raise RuntimeError("Cannot access accelerator device when none is available.")
