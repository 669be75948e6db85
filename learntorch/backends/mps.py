"""torch.backends.mps: the GPU of Apple computers. It is not used here."""


def is_available():
    """Whether tensors can be put on it."""
    return False


def is_built():
    """Whether this library was built for it."""
    return False


def is_macos13_or_newer(minor=0):
    """Whether the system is new enough for all of it; False where it is not used."""
    return False
