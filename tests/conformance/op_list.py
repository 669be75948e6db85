"""The operators of torch's op_db: which are in scope, under which dtypes they are run."""
import types
import warnings

import torch

from .adapter import dtype_name

FLOATS = ("float32", "float64")
INTS = ("int64", "bool")
OPTIONAL = ("int64", "bool", "float16", "bfloat16", "complex64")

# Operators whose purpose is to draw random numbers.
RNG_OPS = {"bernoulli", "cauchy", "exponential", "geometric", "log_normal", "multinomial",
           "normal", "rand_like", "randint", "randint_like", "randn", "randn_like", "uniform",
           "nn.functional.multi_head_attention_forward"}     # all its samples use dropout

# Groups that are not part of the main score, with the reason (see README.md).
GROUP_REASON = {
    "main": "in scope: dense, CPU, real, deterministic, documented",
    "rng": "draws random numbers: scored as 'rng parity'",
    "complex-only": "accepts complex dtypes only",
    "undocumented": "reachable as torch.X but without documentation (ATen internals)",
    "private": "name starts with an underscore (torch._something)",
    "aten-internal": "torch.ops.aten entry points",
    "masked": "torch.masked prototype namespace",
    "sparse": "sparse layouts",
    "cuda-only": "CUDA just-in-time kernels",
    "no-cpu-dtype": "no ordinary dtype on CPU (e.g. float8 only)",
}
RUNNABLE = {"main", "rng", "complex-only", "undocumented", "masked"}


def load_ops():
    """{unique name: OpInfo}"""
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db
    table = {}
    for op in op_db:
        name, k = op.full_name, 2
        while name in table:
            name, k = f"{op.full_name}#{k}", k + 1
        table[name] = op
    return table


def _documented(op):
    """Is there a public docstring for this operator as function, method or in-place method?"""
    base = op.name
    spots = [base]
    if "." not in base:
        spots += [f"Tensor.{base}", f"Tensor.{base}_", f"nn.functional.{base}"]
    for spot in spots:
        obj = torch
        try:
            for part in spot.split("."):
                obj = getattr(obj, part)
        except AttributeError:
            continue
        if getattr(obj, "__doc__", None):
            return True
    return base.startswith("__") and base.endswith("__")


def classify(op):
    """Group of an OpInfo, one of the keys of GROUP_REASON."""
    fn = op.op
    last = op.name.split(".")[-1]
    if "jiterator" in op.name:
        return "cuda-only"
    if op.name.startswith("sparse.") or op.name == "to_sparse":
        return "sparse"
    if type(fn).__name__ in ("OpOverload", "OpOverloadPacket") or ".ops.aten." in op.name:
        return "private" if last.startswith("_") and not last.startswith("__") else "aten-internal"
    if isinstance(fn, types.FunctionType) and "aten" in fn.__code__.co_names:
        return "aten-internal"
    if op.name.startswith("masked."):
        return "masked"
    if last.startswith("_") and not last.startswith("__"):
        return "private"
    names = {dtype_name(d) for d in op.dtypes}
    if not names & {*FLOATS, *INTS, "complex64", "uint8"}:
        return "no-cpu-dtype"
    if not names & {*FLOATS, *INTS}:
        return "complex-only"
    if not _documented(op):
        return "undocumented"
    return "rng" if op.name in RNG_OPS else "main"


def main_dtypes(op):
    names = {dtype_name(d) for d in op.dtypes}
    picked = [d for d in FLOATS if d in names] or [d for d in INTS if d in names]
    return picked or [d for d in ("complex64",) if d in names]
