"""torch.backends.mkl: Intel's matrix products. NumPy's are computed by the library it came with."""


def is_available():
    """Whether MKL is used."""
    return False
