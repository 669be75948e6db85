"""Every op: a body, then its gradient rules. One file per family, nothing else."""

from learntorch.ops import (
    arithmetic,
    compare,
    convert,
    create,
    index,
    matmul,
    pointwise,
    reduce,
    shape,
    views,
)

__all__ = ["arithmetic", "compare", "convert", "create", "index", "matmul", "pointwise", "reduce",
           "shape", "views"]
