"""torch.linalg: norms, products, decompositions, solvers."""

from learntorch.core.failures import LinAlgError  # noqa: F401
from learntorch.core.op import face as _face

globals().update(_face("linalg"))

__all__ = [name for name in sorted(globals()) if name[0] != "_"]
