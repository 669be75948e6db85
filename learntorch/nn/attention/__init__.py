"""Which kernel computes `scaled_dot_product_attention`: here there is one, whatever is asked for.

PyTorch chooses between fused kernels that give the same numbers at different speed. learntorch
has a single body, so the choice is accepted, can be asked back, and changes nothing.
"""

import threading
from contextlib import contextmanager
from enum import Enum

from learntorch.nn.attention import bias

__all__ = ["SDPBackend", "bias", "sdpa_kernel"]


class SDPBackend(Enum):
    """The kernels that PyTorch knows; learntorch computes as `MATH` says."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __int__(self):
        return self.value


_ALL = (SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION,
        SDPBackend.MATH, SDPBackend.OVERRIDEABLE)


class _Chosen(threading.local):
    """The kernels that the innermost `sdpa_kernel` of this thread allows."""

    backends = _ALL


_chosen = _Chosen()


@contextmanager
def sdpa_kernel(backends, set_priority=False):
    """Inside the block only these kernels are wanted: `SDPBackend.MATH`, or a list of them.

    It changes no number and no speed here. Raises AssertionError for what is no SDPBackend.
    """
    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError("Backend must be an instance of SDPBackend or a list of SDPBackend "
                             f"instances, got {type(backends).__name__}")
    wanted = [backends] if isinstance(backends, SDPBackend) else list(dict.fromkeys(backends))
    before = _chosen.backends
    _chosen.backends = tuple(b for b in _ALL if b in wanted)
    try:
        yield {}
    finally:
        _chosen.backends = before


def _cur_sdpa_kernel_backends():
    """The kernels that are allowed now."""
    return list(_chosen.backends)
