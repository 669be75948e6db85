"""What an index chooses, as plain data: `picture("1, ::2", t)` for `t[1, ::2]`.

The text is read, never evaluated: whole numbers, slices, `None`, `...`, lists of places, masks such
as `t > 5`, and `torch.tensor([...])`; nothing else has a meaning here.
"""

import ast
import operator

import numpy as np

import learntorch as torch

LONGEST = 60            # letters of an index
PLACES = 8              # places in one list
CELLS = 300             # numbers of a result that are shown
LARGEST = 10**6         # a number in an index

COMPARE = {ast.Gt: operator.gt, ast.Lt: operator.lt, ast.GtE: operator.ge, ast.LtE: operator.le,
           ast.Eq: operator.eq, ast.NotEq: operator.ne}
COMBINE = {ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.Mod: operator.mod,
           ast.Add: operator.add, ast.Sub: operator.sub}

EXAMPLES = ["1", "1, 2", "-1", "1:", ":, 1", ":, ::2", "1:, :2", "..., -1", "None, 0",
            "[2, 0]", ":, [0, 0, 3]", "[0, 2], [1, 3]", "t > 5", "(t > 2) & (t < 9)", ":, t[0] > 1",
            "3", "0, 1, 2", "::-1", "[0, 1], [0, 1, 2]", "1.5"]


class Unreadable(ValueError):
    """The text is not an index that this widget reads."""


def read(text, t):
    """The index that stands in `t[text]`. Raises Unreadable."""
    if len(text) > LONGEST:
        raise Unreadable(f"an index of at most {LONGEST} letters, please")
    try:
        tree = ast.parse(f"t[{text}]", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Unreadable("Python cannot read this: count the brackets, commas and colons") from None
    # `] + t[` would close the bracket: the whole text must be one index of one t.
    if not isinstance(tree, ast.Subscript) or not isinstance(tree.value, ast.Name):
        raise Unreadable("write what stands between the brackets of t[...]")
    if isinstance(tree.slice, ast.Tuple):
        return tuple(_item(part, t) for part in tree.slice.elts)
    return (_item(tree.slice, t),)


def _item(node, t):
    """One part of an index: an integer, slice, None, Ellipsis, list or tensor."""
    if isinstance(node, ast.Slice):
        ends = (node.lower, node.upper, node.step)
        return slice(*(None if e is None else _whole(_value(e, t)) for e in ends))
    if isinstance(node, ast.List):
        if len(node.elts) > PLACES:
            raise Unreadable(f"a list of at most {PLACES} places, please")
        return [_listed(_value(part, t)) for part in node.elts]
    value = _value(node, t)
    if isinstance(value, bool):
        raise Unreadable("True and False choose places only in a list, or as a mask")
    return value


def _whole(value):
    if value is not None and type(value) is not int:
        raise Unreadable("a slice has whole numbers on both sides of the colon")
    return value


def _listed(value):
    if type(value) not in (int, bool):
        raise Unreadable("a list in an index holds whole numbers, or True and False")
    return value


def _value(node, t):
    if isinstance(node, ast.Constant):
        value = node.value
        plain = value is None or value is Ellipsis or type(value) in (int, float, bool)
        if plain and not (type(value) in (int, float) and abs(value) > LARGEST):
            return value
    elif isinstance(node, ast.Name) and node.id == "t":
        return t
    elif isinstance(node, ast.UnaryOp):
        inner = _value(node.operand, t)
        if isinstance(node.op, ast.USub) and type(inner) in (int, float):
            return -inner
        if isinstance(node.op, ast.Invert) and isinstance(inner, torch.Tensor):
            return ~inner
    elif isinstance(node, ast.BinOp) and type(node.op) in COMBINE:
        return COMBINE[type(node.op)](*_numbers(node.left, node.right, t))
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARE:
        left, right = _numbers(node.left, node.comparators[0], t)
        return COMPARE[type(node.ops[0])](left, right)
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        if node.value.id == "t":
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            inner = t[tuple(_item(part, t) for part in parts)]
            if inner.numel() <= CELLS:
                return inner
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.tensor":
        if len(node.args) == 1 and isinstance(node.args[0], ast.List) and not node.keywords:
            return torch.tensor(_item(node.args[0], t))
    raise Unreadable(f"{ast.unparse(node)[:30]!r} has no meaning here: try 1, -1, 1:3, ::2, "
                     "None, ..., [0, 2] or t > 5")


def _numbers(left, right, t):
    """Both sides of an operator: at least one tensor, and no None."""
    sides = [_value(left, t), _value(right, t)]
    if not any(isinstance(s, torch.Tensor) for s in sides) or any(
            s is None or s is Ellipsis for s in sides):
        raise Unreadable("a mask compares t with a number, as in t > 5")
    return sides


def picture(text, t):
    """What `t[text]` is, as plain data; see `course.widgets.shape_explorer`."""
    shape = list(t.shape)
    places = torch.arange(t.numel()).view(shape)
    shown = {"code": f"t[{text}]", "error": "", "hint": "", "says": [], "aligned": []}
    blocks = [{"name": "t", "shape": shape, "before": ""}]
    chosen = torch.tensor([], dtype=torch.int64)
    try:
        index = read(text, t)
        result, chosen = t[index], places[index]
        if result.numel() > CELLS:
            raise Unreadable(f"{result.numel()} numbers are too many to show: at most {CELLS}")
        shown["says"] = explained(index, shape)
        shares = bool(np.shares_memory(result.numpy(), t.numpy()))
        kind = ("a view: it shares the memory of t" if shares else
                "a copy: it has memory of its own" if result.numel() else "empty")
        shown["says"].append(f"Result: shape {size(result.shape)}, {kind}.")
        blocks.append({"name": shown["code"], "shape": list(result.shape), "before": "→",
                       "cells": [cell(v, "chosen", int(p)) for v, p in
                                 zip(result.flatten().tolist(), chosen.flatten(), strict=True)]})
    except Unreadable as error:
        shown["hint"] = str(error)
        chosen = chosen[:0]
    except (IndexError, ValueError, RuntimeError, TypeError) as error:
        shown["error"] = f"{type(error).__name__}: {error}"
        shown["hint"] = hint(str(error), shape)
    times = [chosen.flatten().tolist().count(p) for p in range(t.numel())]
    blocks[0]["cells"] = [
        cell(v, "chosen" if n else "plain", p, f"×{n}" if n > 1 else "")
        for p, (v, n) in enumerate(zip(t.flatten().tolist(), times, strict=True))]
    shown["blocks"] = blocks
    return shown


def cell(value, kind, key, note=""):
    """A number in a block; cells with the same key light up together."""
    return {"text": f"{value:g}" if isinstance(value, float) else str(value), "kind": kind,
            "key": key, "note": note}


def size(shape):
    return str(tuple(shape))


def explained(index, shape):
    """One sentence for each part of an index that fits the shape."""
    used = sum(_dims(part) for part in index)
    says, dim = [], 0
    for part in index:
        if part is None:
            says.append("None: a new dimension of size 1.")
        elif part is Ellipsis:
            rest = len(shape) - used
            says.append(f"...: {_dims_named(dim, rest)}." if rest else
                        "...: nothing is left for it.")
            dim += rest
        else:
            says.append(_one(part, dim, shape))
            dim += _dims(part)
    lists = [p for p in index if _is_list(p)]
    if len(lists) > 1:
        says.append("The lists are read in pairs, the first place with the first.")
    if dim < len(shape) and Ellipsis not in [p for p in index if not _is_list(p)]:
        says.append(f"{_dims_named(dim, len(shape) - dim)}.")
    return says


def _one(part, dim, shape):
    name, n = f"dim {dim}", shape[dim]
    if isinstance(part, slice):
        kept = list(range(*part.indices(n)))
        what = "all places" if kept == list(range(n)) else f"places {_listing(kept)}"
        return f"{name}: {what}; the dimension stays, with size {len(kept)}."
    if isinstance(part, torch.Tensor) and part.dtype == torch.bool:
        where = name if part.ndim == 1 else f"dims {dim} to {dim + part.ndim - 1}"
        return f"{where}: the {int(part.sum())} places where the mask is True, in one row."
    if _is_list(part):
        chosen = part.tolist() if isinstance(part, torch.Tensor) else list(part)
        if chosen and all(isinstance(p, bool) for p in chosen):
            return f"{name}: the {sum(chosen)} places where the list is True."
        return f"{name}: places {_listing(chosen)}, in this order."
    end = f", which is {part + n} counted from the front" if part < 0 else ""
    return f"{name}: place {part}{end}; the dimension is gone."


def _dims(part):
    """How many dimensions of the tensor a part of an index speaks about."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if isinstance(part, torch.Tensor) and part.dtype == torch.bool else 1


def _dims_named(dim, count):
    which = f"dim {dim}" if count == 1 else f"dims {dim} to {dim + count - 1}"
    return f"{which}: all places"


def _is_list(part):
    return isinstance(part, (list, torch.Tensor))


def _listing(places):
    if not places:
        return "none at all"
    return ", ".join(map(str, places))


HINTS = {
    "out of bounds": "The first place is 0, so the last of {n} is {last}. From the end: -1 to "
                     "-{n}.",
    "too many indices": "t has {dims} dimensions, so at most {dims} numbers fit between the "
                        "brackets.",
    "step must be": "A tensor cannot walk backward: t.flip(0) turns it round, and copies.",
    "mask": "A mask is laid on the tensor: it needs the same size there.",
    "shape mismatch": "The lists are read in pairs, so they must be equally long.",
    "only integers": "A place is a whole number: there is nothing between place 1 and place 2.",
    "must be long": "Places are whole numbers: their dtype must be int64, or bool for a mask.",
}


def hint(message, shape):
    """What an error of the library means for this tensor, or an empty text."""
    found = message.rpartition("with size ")[2]
    n = int(found) if found.isdigit() else 0
    for words, meaning in HINTS.items():
        if words in message:
            return meaning.format(n=n, last=n - 1, dims=len(shape))
    return ""
