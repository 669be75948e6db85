"""The parameter names PyTorch's parser takes, from the type stubs and schemas in its wheel.

The documentation writes other names for some functions: `Tensor.mul(value)`, where only `other=`
is taken. The stubs in turn write an `out` for some methods, and no method takes one.
"""
import ast
import functools
import pathlib

import torch

_C = pathlib.Path(torch.__file__).parent / "_C"
_FILES = {"torch": ("_VariableFunctions.pyi", None), "torch.Tensor": ("__init__.pyi", "TensorBase"),
          "torch.nn.functional": ("_nn.pyi", None)}
_SCHEMAS = ("torch.linalg", "torch.fft", "torch.special")


@functools.cache
def _stub(space):
    file, within = _FILES[space]
    body = ast.parse((_C / file).read_text()).body
    if within:
        body = next(n for n in body if isinstance(n, ast.ClassDef) and n.name == within).body
    found = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            a = node.args
            found.setdefault(node.name, []).append(
                (tuple(x.arg for x in a.posonlyargs + a.args),
                 tuple(x.arg for x in a.kwonlyargs if not (within and x.arg == "out")),
                 a.vararg is not None, a.kwarg is not None))
    return found


def overloads(space, name):
    """[(positional names, keyword-only names, has *args, has **kwargs)] of one function."""
    if space in _FILES:
        return _stub(space).get(name, [])
    if space not in _SCHEMAS:
        return []
    try:
        schemas = torch._C._jit_get_schemas_for_operator(f"aten::{space[6:]}_{name}")
    except RuntimeError:
        return []
    rows = []
    for s in schemas:
        names = [("input" if a.name == "self" else a.name, a.kwarg_only) for a in s.arguments
                 if not a.is_out and a.name not in ("pin_memory", "layout")]
        rows.append((tuple(n for n, only in names if not only),
                     tuple(n for n, only in names if only), False, False))
    return rows


def longest(rows):
    """The overloads that no other one begins with."""
    return [r for r in rows if not any(o[0][:len(r[0])] == r[0] and len(o[0]) > len(r[0])
                                       for o in rows)]
