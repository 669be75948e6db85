"""torch.backends.openmp: loops shared out among processor cores. It is not used here."""


def is_available():
    """Whether OpenMP is used."""
    return False
