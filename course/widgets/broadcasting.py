"""How two shapes are made to fit, as plain data: `picture("3, 1", "4")`.

The first tensor holds 10, 20, 30, …, the second 1, 2, 3, …, so that each digit of the sum shows
where it comes from.
"""

import learntorch as torch
from course.widgets.indexing import cell, size

MOST, DEEPEST, CELLS = 6, 3, 72      # size of a dimension, dimensions, cells of the result

EXAMPLES = [("3, 1", "4"), ("3, 4", "4"), ("3, 4", "3, 1"), ("3, 4", "3"), ("3", "3, 1"),
            ("2, 3", ""), ("2, 1, 3", "4, 1"), ("2, 3", "3, 2"), ("2, 3, 4", "3, 4")]


def shape_of(text):
    """The shape in a text such as `3, 4`; an empty text is the shape (). Raises ValueError."""
    parts = [p.strip() for p in text.strip().strip("()").split(",")]
    if parts and parts[-1] == "":
        parts.pop()
    if not all(p.isdecimal() and p.isascii() for p in parts):
        raise ValueError("a shape is written as 3, 4: whole numbers with commas between them")
    sizes = [int(p) for p in parts]
    if len(sizes) > DEEPEST or any(not 1 <= n <= MOST for n in sizes):
        raise ValueError(f"at most {DEEPEST} dimensions here, each of size 1 to {MOST}")
    return sizes


def picture(left, right):
    """What `a + b` is for two shapes, as plain data; see `course.widgets.shape_explorer`."""
    shown = {"code": "a + b", "error": "", "hint": "", "says": [], "aligned": [], "blocks": []}
    try:
        shapes = [shape_of(left), shape_of(right)]
    except ValueError as problem:
        return {**shown, "hint": str(problem)}
    a, b = filled(shapes[0], 10), filled(shapes[1], 1)
    shown["aligned"] = aligned(*shapes)
    try:
        result = a + b
    except RuntimeError as error:
        shown["error"] = f"RuntimeError: {error}"
        wrong = [row for row in shown["aligned"] if not row["fits"]][-1]
        shown["hint"] = f"Begin at the right. dim {wrong['dim']}: {wrong['says']}."
        if len(shapes[0]) != len(shapes[1]):
            shown["hint"] += " Should a size 1 stand somewhere? unsqueeze puts it there."
        return {**shown, "blocks": [plain("a", a, ""), plain("b", b, "+")]}
    if result.numel() > CELLS:
        return {**shown, "hint": f"the result has {result.numel()} numbers; {CELLS} can be shown"}
    shown["says"] = [f"{size(shapes[0])} and {size(shapes[1])} give {size(result.shape)}."]
    for name, t in (("a", a), ("b", b)):
        times = result.numel() // t.numel()
        if times > 1:
            shown["says"].append(f"{name} has {count(t.numel())}, each used {times} times. "
                                 "Nothing is copied in memory.")
    sums = [cell(v, "chosen", i) for i, v in enumerate(result.flatten().tolist())]
    shown["blocks"] = [
        repeated("a", a, result.shape, ""), repeated("b", b, result.shape, "+"),
        {"name": "a + b", "shape": list(result.shape), "before": "=", "cells": sums}]
    return shown


def count(n):
    return "1 number" if n == 1 else f"{n} numbers"


def filled(shape, unit):
    n = torch.empty(shape).numel()
    return (torch.arange(1, n + 1) * unit).view(shape)


def plain(name, t, before):
    """A tensor as it is."""
    cells = [cell(v, "plain", -1) for v in t.flatten().tolist()]
    return {"name": name, "shape": list(t.shape), "before": before, "cells": cells}


def repeated(name, t, shape, before):
    """A tensor as it is used: its own numbers, and those that are repeated."""
    places = torch.arange(t.numel()).view(t.shape).expand(*shape).flatten().tolist()
    seen, cells = set(), []
    for key, (place, value) in enumerate(zip(places, t.expand(*shape).flatten().tolist(),
                                             strict=True)):
        cells.append(cell(value, "repeated" if place in seen else "chosen", key))
        seen.add(place)
    title = name if list(t.shape) == list(shape) else f"{name}, shape {size(t.shape)}, as used"
    return {"name": title, "shape": list(shape), "before": before, "cells": cells}


def aligned(left, right):
    """A row for each dimension, counted from the right as it is compared.

    [{"dim": -1, "a": "1", "b": "4", "result": "4", "says": …, "fits": bool}, …], the first
    dimension first.
    """
    rows = []
    for k in range(1, max(len(left), len(right)) + 1):
        sizes = [s[-k] if k <= len(s) else None for s in (left, right)]
        known = [1 if n is None else n for n in sizes]
        fits = known[0] == known[1] or 1 in known
        rows.append({
            "dim": -k, "a": text(sizes[0]), "b": text(sizes[1]),
            "result": str(max(known)) if fits else "?", "says": verdict(*sizes), "fits": fits})
    return rows[::-1]


def text(n):
    return "none" if n is None else str(n)


def verdict(a, b):
    """What happens to one dimension, in words."""
    for name, mine, other in (("a", a, b), ("b", b, a)):
        if mine is None:
            return f"{name} has none, which counts as 1" + (
                f": it is repeated {other} times" if other > 1 else "")
    if a == b:
        return "equal"
    if 1 in (a, b):
        return f"{'a' if a == 1 else 'b'} has size 1: it is repeated {max(a, b)} times"
    return f"{a} and {b} differ, and neither is 1"


def pointed(left, right, index):
    """`(a + b)[1, 2] = a[1, 0] + b[2] = 20 + 3 = 23`."""
    shapes = [shape_of(left), shape_of(right)]
    words, values = [], []
    for name, shape, unit in (("a", shapes[0], 10), ("b", shapes[1], 1)):
        own = [0 if n == 1 else i for n, i in
               zip(shape, index[len(index) - len(shape):], strict=True)]
        value = filled(shape, unit)[tuple(own)].item()
        words.append(f"{name}[{', '.join(map(str, own))}]" if own else name)
        values.append(value)
    at = f"(a + b)[{', '.join(map(str, index))}]" if index else "a + b"
    return f"{at} = {words[0]} + {words[1]} = {values[0]} + {values[1]} = {sum(values)}"
