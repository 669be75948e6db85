"""torch.backends.cpu: what the processor can do."""


def get_cpu_capability():
    """The widest instructions that kernels were built for; NumPy chooses its own when it runs."""
    return "DEFAULT"
