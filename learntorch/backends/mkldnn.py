"""torch.backends.mkldnn: Intel's kernels for neural networks (oneDNN). They are not used here."""

from contextlib import contextmanager

enabled = True
deterministic = False
allow_tf32 = True


def is_available():
    """Whether oneDNN is used."""
    return False


@contextmanager
def flags(enabled=False, deterministic=False, allow_tf32=True):
    """A `with` block in which the switches stand like this."""
    names = {"enabled": enabled, "deterministic": deterministic, "allow_tf32": allow_tf32}
    before = {name: globals()[name] for name in names}
    globals().update(names)
    try:
        yield
    finally:
        globals().update(before)
