"""Every op: a body, then its gradient rules. One file per family, nothing else."""

from learntorch.ops import (
    activation,
    arithmetic,
    compare,
    convert,
    create,
    dropout,
    embedding,
    index,
    loss,
    matmul,
    pointwise,
    reduce,
    shape,
    views,
)

__all__ = [
    "activation",
    "arithmetic",
    "compare",
    "convert",
    "create",
    "dropout",
    "embedding",
    "index",
    "loss",
    "matmul",
    "pointwise",
    "reduce",
    "shape",
    "views",
]
