"""Is a gradient rule right at this point? Compare it with the slope measured by two more calls.

    slope along v ≈ (⟨g, f(x + ε v)⟩ − ⟨g, f(x − ε v)⟩) / 2ε,      rule: ⟨gradient of x, v⟩

All in float64, with ε = 1e-6 · max(1, |x|): the error of the difference is then about 1e-9.
"""

import numpy as np

from learntorch.core.ambient import enable_grad, intercepted_by
from learntorch.core.graph import vertex
from learntorch.core.op import registry
from learntorch.core.tensor import Tensor, wrap
from learntorch.viz.text import host, number

STEP = 1e-6
TOLERANCE = 1e-5        # relative to the larger of 1 and the slope
ROWS = 8                # elements listed one by one; of larger inputs, directions are measured


def compare(op, call, node, arrives):
    """The rules of `op` at the point of one call against finite differences.

    call: the recorded call, or None, in which case everything must be in what `node` saved.
    arrives: the gradient that arrives at the result; ones where it is not known.
    Returns {"ok", "text", "rows": [[input, where, rule, measured], …]}; "ok" is None where
    nothing could be measured, and `text` says why.
    """
    prepared = arguments(op, call, node)
    if isinstance(prepared, str):
        return {"ok": None, "text": prepared, "rows": []}
    args, named, inputs = prepared
    function = registry[op.name].op.public or registry[op.name]
    try:
        with intercepted_by(None), enable_grad():
            return measure(function, args, named, inputs, arrives)
    except Exception as error:      # an op may refuse float64, or a point at its border
        return {"ok": None, "text": f"cannot be measured here: {error}", "rows": []}


def arguments(op, call, node):
    """The call's arguments with floats in float64; and the inputs to move. Or why there are none.
    """
    if call is None:
        kept = {} if node is None or node.saved is None else dict(
            zip(getattr(node.plan, "names", ()), node.saved, strict=False))
        if any(p not in kept for p in op.params):
            return ("only what the rules need was kept, not every input: record the computation "
                    "with explore(function, inputs) to measure here")
        rows = [(p, kept[p]) for p in op.params]
        values = [(p, v, host(v)) for p, v in rows]
    else:
        if call.error is not None:
            return "the op failed"
        values = None
    inputs = []
    if call is None:
        args = tuple(double(p, v, a, inputs) for p, v, a in values)
        named = {}
    else:
        if any(value is None for *_, value in call.inputs):
            return "the inputs are too large to be kept for measuring"
        copies = iter(call.inputs)
        args = tuple(replaced(v, copies, inputs, op) for v in call.args)
        named = {k: replaced(v, copies, inputs, op) for k, v in call.named.items() if k != "out"}
    return (args, named, inputs) if inputs else "no input of this op can be moved a little"


def replaced(value, copies, inputs, op):
    """An argument with its tensors exchanged for float64 copies of what they were at the call."""
    if isinstance(value, Tensor):
        name, _, _, array = next(copies)
        return double(name, value, array, inputs)
    if isinstance(value, (list, tuple)) and any(isinstance(v, Tensor) for v in value):
        return type(value)(replaced(v, copies, inputs, op) for v in value)
    if op.kind == "binary" and isinstance(value, (int, float, complex)):
        next(copies)
    return value


def double(name, value, array, inputs):
    if not isinstance(value, (Tensor, np.ndarray)) or array is None:
        return value
    if array.dtype.kind not in "fV":
        return wrap(np.array(array))
    t = wrap(np.array(array, dtype=np.float64))
    t.requires_grad_(True)
    inputs.append((name, t))
    return t


def measure(function, args, named, inputs, arrives):
    result = function(*args, **named)
    if not isinstance(result, Tensor) or vertex(result) is None:
        return {"ok": None, "text": "this op has several results: not measured", "rows": []}
    again = function(*args, **named)
    if not np.array_equal(host(result), host(again), equal_nan=True):
        return {"ok": None, "text": "each call draws new random numbers, so two calls cannot be "
                                    "compared", "rows": []}
    g = np.ones(host(result).shape)
    if arrives is not None and arrives.shape == g.shape:
        g = arrives.astype(np.float64)
    rules = gradients(result, [t for _, t in inputs], g)
    rows, worst = [], 0.0
    for (name, t), rule in zip(inputs, rules, strict=True):
        for where, v in directions(host(t).shape):
            measured = slope(function, args, named, t, v, g)
            ruled = float((rule * v).sum())
            worst = max(worst, abs(measured - ruled) / max(1.0, abs(measured)))
            rows.append([name, where, number(ruled, 6), number(measured, 6)])
    ok = bool(worst <= TOLERANCE)
    text = ("the rule and the measured slope agree" if ok else
            "they differ: a wrong rule, or a point where the function has a corner or a jump")
    return {"ok": ok, "text": text, "rows": rows}


def gradients(result, tensors, g):
    from learntorch.core.engine import run
    found = run([vertex(result)], [wrap(g)], True, False, [vertex(t) for t in tensors])
    return [np.zeros(t.shape) if r is None else host(r)
            for r, t in zip(found, tensors, strict=True)]


def directions(shape):
    """Ways to move an input: each element of a small one by itself, a large one all at once."""
    count = int(np.prod(shape))
    if count <= ROWS:
        for i in range(count):
            v = np.zeros(count)
            v[i] = 1.0
            index = np.unravel_index(i, shape) if shape else ()
            yield ("", v.reshape(shape)) if not shape else (str([int(k) for k in index]),
                                                            v.reshape(shape))
        return
    for i in range(2):
        wave = np.cos(np.arange(count) * (i + 1) * 1.7 + i).reshape(shape)
        yield f"all, direction {i + 1}", wave


def slope(function, args, named, t, v, g):
    """The change of ⟨g, f⟩ when `t` moves along `v`, measured on both sides."""
    point = host(t)
    step = STEP * max(1.0, float(np.abs(point).max(initial=0.0)))
    kept = point.copy()
    sides = []
    for sign in (1.0, -1.0):
        point[...] = kept + sign * step * v
        sides.append(float((host(function(*args, **named)) * g).sum()))
    point[...] = kept
    return (sides[0] - sides[1]) / (2 * step)
