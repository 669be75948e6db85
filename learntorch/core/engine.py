"""Backward: walk the recorded nodes from the result to the leaves, newest first.

Two walks over the same graph and the same rules. `walk_arrays` runs the rules on raw arrays: the
fast, usual one. `walk_tensors` runs them on tensors, leaving history, so that gradients can be
differentiated again (`create_graph=True`) or seen by hooks as part of the graph.

Between nodes the tape carries conj(gradient): see op.py.
"""

from operator import attrgetter

import numpy as np

from learntorch.backend import dialects, tensor_xp
from learntorch.core import anomaly, graph, record
from learntorch.core.ambient import ambient, no_grad, set_grad_enabled, transform_in
from learntorch.core.dtypes import COMPLEX, HALF, bfloat16, float16, of, said
from learntorch.core.graph import FREED, Cells, Leaf, Pick, vertex
from learntorch.core.tensor import Tensor, wrap
from learntorch.core.warned import warn

by_seq = attrgetter("seq")
FLOAT16, BFLOAT16 = float16.numpy, bfloat16.numpy


def order(roots):
    """All nodes that `roots` depend on, newest first: a topological order by the clock."""
    seen = set(roots)
    stack = list(roots)
    nodes = list(roots)
    while stack:
        for e in stack.pop().edges:
            if e is not None and e not in seen:
                seen.add(e)
                stack.append(e)
                nodes.append(e)
    nodes.sort(key=by_seq, reverse=True)
    return nodes


def leading_to(nodes, targets):
    """Those of `nodes` from which one of `targets` can be reached."""
    useful = set(targets)
    for n in reversed(nodes):
        if n not in useful and any(e in useful for e in n.edges):
            useful.add(n)
    return useful


def run(roots, grads, keep, create_graph, targets=None):
    """Propagate `grads` (tensors) from `roots` (vertices) to the leaves, or to `targets`.

    With `targets` (vertices) nothing is deposited: the gradients that reach them are returned,
    None where none does.
    """
    nodes = order(dict.fromkeys(roots))
    useful = None if targets is None else leading_to(nodes, targets)
    tensors = create_graph or transform_in(ambient.state) is not None
    walk = walk_tensors if tensors else walk_arrays
    caught = {}
    watch = anomaly.watching(ambient.state)
    outer = ambient.walk
    ambient.walk = nodes if useful is None else useful
    try:
        with set_grad_enabled(create_graph), np.errstate(all="ignore"):
            walk(nodes, roots, grads, keep, useful, None if targets is None else frozenset(targets),
                 caught, watch is not None and watch.check_nan)
    finally:
        ambient.walk = outer
    return None if targets is None else [caught.get(n) for n in targets]


def narrowed(n, plan, useful):
    """The plan that computes only those gradients of node `n` that lead to a target, or None."""
    if type(plan) is not record.Plan or plan.op.kind == "listed":
        return plan
    need = wanted = 0
    for i, e in enumerate(n.edges):
        if e is not None:
            need |= 1 << i
            if e in useful:
                wanted |= 1 << i
    if wanted == need:
        return plan
    return plan.op.find(wanted) if wanted else None


def walk_arrays(nodes, roots, grads, keep, useful, targets, caught, check_nan):
    """The usual walk: rules on raw arrays."""
    tape = {}
    owned = set()
    xp = graph_library(grads[0]._data)
    for n, g in zip(roots, grads, strict=True):
        a = g._data
        if a.dtype.kind in COMPLEX:
            a = a.astype(np.complex64, copy=False) if a.dtype.kind == "W" else a
            a = a.conj()
        a = a.astype(np.float32) if a.dtype in HALF else a
        tape[n] = a if n not in tape else tape[n] + a
    for n in nodes:
        g = tape.pop(n, None)
        if g is None:
            continue
        if useful is not None and n not in useful:
            continue
        if n.hooks is not None:
            g = _before_arrays(n, g)
        if targets is not None and n in targets:
            caught[n] = wrap(_plain(g, n))
        plan = n.plan
        if plan is None:
            if type(n) is Pick:
                collect(tape, n, g)
            elif targets is None:
                deposit(n, g, n in owned)
            continue
        rule = plan
        if useful is not None:
            rule = narrowed(n, plan, useful)
            if rule is None:
                continue
        if type(g) is dict:
            g = _gather(n, g)
        saved = n.saved
        if plan.keeps:
            saved = unpack(n, plan, saved)
            if not keep:
                n.saved = None
        if rule is not plan:
            saved = [saved[plan.names.index(name)] for name in rule.names]
        gradients = rule.run(xp, g, *saved)
        if check_nan:
            anomaly.check(n, gradients)
        if n.hooks is not None and n.hooks.after:
            gradients = _after_arrays(n, gradients, g)
        for e, gi in zip(n.edges, gradients):
            if gi is None or e is None:
                continue
            if gi.shape != e.shape or gi.dtype is not e.dtype:
                gi = fit(gi, e)
            old = tape.get(e)
            if old is None:
                tape[e] = gi
            elif type(old) is dict:
                raise RuntimeError("a hub received a gradient that no output asked for")
            elif e in owned:
                old += gi
            else:
                tape[e] = np.asarray(old + gi)
                owned.add(e)


def collect(tape, pick, g):
    """Add the gradient of one output to those its hub has received: the output may have been used
    directly and, under create_graph, by a rule that saved it.
    """
    parts = tape.setdefault(pick.edges[0], {})
    parts[pick.index] = parts[pick.index] + g if pick.index in parts else g


def fit(g, e):
    """A gradient in the shape and dtype of the vertex it lands on.

    Broadcasting copied a value, so its gradient is the sum over the copies; a real input of a
    complex op keeps the real part.
    """
    if g.shape != e.shape:
        xp = graph_library(g)
        g = xp.unbroadcast(g, e.shape)
        if g.shape != e.shape:
            g = g.reshape(e.shape)
    if g.dtype is not e.dtype:
        if g.dtype.kind == "c" and e.dtype.kind not in COMPLEX:
            g = g.real
        if e.dtype.kind == "W":         # complex32 is added up in complex64
            return g.astype(np.complex64, copy=False)
        if e.dtype not in HALF:
            return g.astype(e.dtype)
        if g.dtype in HALF:             # halves are added up in float32, and rounded at the leaf
            g = g.astype(np.float32)
    return g


def unpack(n, plan, saved):
    """What node `n` saved, as raw arrays. Raises RuntimeError when freed or since overwritten."""
    if saved is None:
        raise RuntimeError(FREED)
    values = []
    for v in saved:
        if isinstance(v, Tensor):
            c = v._cell
            if c is not None and c.time >= n.seq:
                stale(n, v)
            v = v._data
        values.append(v)
    c = n.cell
    if c is not None and c.time > n.seq and plan.saves_out:
        stale(n, None)
    d = n.dtype
    if (d is FLOAT16 or d is BFLOAT16) and plan.op.halves != "rules":
        return [record.cast(v, np.float32) if getattr(v, "dtype", None) is d else v
                for v in values]
    return values


def stale(n, t):
    """Raise the error for a saved tensor that was changed in place before backward used it."""
    cell, index = n.cell if t is None else t._cell, 0
    if t is not None:
        shape, d = t._data.shape, t._data.dtype
    elif type(cell) is Cells:               # n has several outputs, and saved this one
        cell, index = cell.last.cell, cell.last.index
        shape, d = n.shape[index], n.dtype[index]
    else:
        shape, d = n.shape, n.dtype
    maker = n if t is None else vertex(t)
    which = ""
    if maker is not None and type(maker) is not Leaf:
        index = getattr(maker, "index", index)
        which = f", which is output {index} of {maker.name().removesuffix('Backward0')},"
    raise RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [torch.{said(d)}Tensor {list(shape)}]{which} is at version {cell.count}; "
        f"expected version {max(cell.count - 1, 0)} instead. Hint: enable anomaly detection to "
        "find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False). "
        f"`{n.plan.op.name}` had saved it for backward: write x = x + 1 instead of x += 1, or "
        "clone() it before the change.")


def _gather(n, parts):
    """The gradients of a hub's outputs as the rule wants them: zeros where none arrived."""
    inexact = [i for i, d in enumerate(n.dtype) if d.kind in "fcVW"]
    full = [parts[i] if i in parts else _zeros(n.shape[i], n.dtype[i], parts) for i in inexact]
    return full[0] if len(full) == 1 and n.plan.op.outputs else full


def _zeros(shape, dtype, parts):
    if isinstance(next(iter(parts.values())), Tensor):
        return wrap(np.zeros(shape, dtype))
    return np.zeros(shape, dtype)


def graph_library(g):
    """The dialect for a raw array or a tensor."""
    return tensor_xp if isinstance(g, Tensor) else dialects.library(type(g))


def _plain(a, n=None):
    """A gradient as PyTorch shows it: conjugated back, and in the dtype of its vertex."""
    if a.dtype.kind == "c":
        a = a.conj()
    return a if n is None or a.dtype is n.dtype else a.astype(n.dtype)


def deposit(leaf, g, own):
    """Add a gradient to a leaf's `.grad`; its memory is the leaf's own."""
    t = leaf.tensor()
    if t is None:
        return
    if g.dtype.kind == "c":
        g = g.conj()
    if g.dtype is not leaf.dtype:
        g = g.astype(leaf.dtype)
    old = t._grad
    if old is None:
        t._grad = wrap(g if own else np.array(g))
    elif vertex(old) is not None:
        t._grad = old.detach() + wrap(g)
    else:
        old._data += g
        graph.touch(old)
    if leaf.hooks is not None:
        for hook in list(leaf.hooks.deposited.values()):
            hook(t)


def _before_arrays(n, g):
    """Let the hooks of a tensor (and of its node) see and replace the gradient that arrives."""
    if type(g) is dict:
        return g
    return _plain(_before(n, wrap(_plain(g, n)))._data)


def _before(n, g):
    hooks = n.hooks
    for hook in list(hooks.tensor.values()):
        answer = hook(g)
        if answer is not None:
            g = _checked(answer, g)
    for hook in list(hooks.before.values()):
        answer = hook((g,))
        if answer is not None:
            g = _checked(answer[0] if isinstance(answer, tuple) else answer, g)
    if hooks.retain is not None:
        t = hooks.retain()
        if t is not None:
            kept = g.detach() if not ambient.state.grad else g
            t._grad = kept if t._grad is None else t._grad + kept
    return g


def _checked(answer, g):
    if not isinstance(answer, Tensor):
        raise TypeError(f"hook has returned an invalid type: a gradient must be a Tensor, not "
                        f"{type(answer).__name__}")
    if answer._data.shape != g._data.shape:
        raise RuntimeError(f"hook has changed the size of value: from {list(g._data.shape)} to "
                           f"{list(answer._data.shape)}")
    return answer


def _after(n, gradients, g):
    """Let the hooks of a node see and replace the gradients it computed."""
    gradients = tuple(gradients)
    outputs = tuple(g) if isinstance(g, (list, tuple)) else (g,)
    for hook in list(n.hooks.after.values()):
        answer = hook(gradients, outputs)
        if answer is not None:
            gradients = answer if isinstance(answer, tuple) else (answer,)
    return gradients


def _after_arrays(n, gradients, g):
    fitted = [None if a is None or e is None else wrap(_plain(fit(np.asarray(a), e)))
              for a, e in zip(gradients, n.edges, strict=False)]
    outputs = [wrap(_plain(a)) for a in g] if isinstance(g, list) else wrap(_plain(g))
    return [None if t is None else _plain(t._data) for t in _after(n, fitted, outputs)]


def walk_tensors(nodes, roots, grads, keep, useful, targets, caught, check_nan):
    """The walk that leaves history: the same rules on tensors."""
    tape = {}
    for n, g in zip(roots, grads, strict=True):
        g = _conj(g)
        tape[n] = g if n not in tape else tape[n] + g
    for n in nodes:
        g = tape.pop(n, None)
        if g is None or (useful is not None and n not in useful):
            continue
        if n.hooks is not None and type(g) is not dict:
            g = _conj(_before(n, _conj(g)))
        if targets is not None and n in targets:
            caught[n] = _conj(g)
        plan = n.plan
        if plan is None:
            if type(n) is Pick:
                collect(tape, n, g)
            elif targets is None:
                deposit_tensor(n, _conj(g))
            continue
        rule = plan
        if useful is not None:
            rule = narrowed(n, plan, useful)
            if rule is None:
                continue
        if type(g) is dict:
            g = _gather(n, g)
        values = as_tensors(n)
        if rule is not plan:
            values = [values[plan.names.index(name)] for name in rule.names]
        gradients = rule.run(tensor_xp, g, *values)
        if check_nan:
            anomaly.check(n, gradients)
        if not keep and plan.keeps:
            n.saved = None
        if n.hooks is not None and n.hooks.after:
            gradients = [None if t is None else _conj(t) for t in _after(
                n, [None if t is None else _conj(t) for t in gradients],
                [_conj(t) for t in g] if isinstance(g, list) else _conj(g))]
        for e, gi in zip(n.edges, gradients):
            if gi is None or e is None:
                continue
            gi = fit_tensor(gi, e)
            tape[e] = gi if e not in tape else tape[e] + gi


def _conj(t):
    return t.conj() if t._data.dtype.kind in COMPLEX else t


def fit_tensor(g, e):
    """As `fit`, on tensors."""
    if not isinstance(g, Tensor):
        g = wrap(np.asarray(g))
    if g._data.shape != e.shape:
        g = tensor_xp.unbroadcast(g, e.shape)
        if g._data.shape != e.shape:
            g = g.reshape(e.shape)
    if g._data.dtype is not e.dtype:
        if g._data.dtype.kind in COMPLEX and e.dtype.kind not in COMPLEX:
            g = g.real
        g = g.to(of(e.dtype))
    return g


def as_tensors(n):
    """What node `n` saved as tensors with their history; its own result as the node's tensor."""
    unpack(n, n.plan, n.saved)
    values = []
    for name, v in zip(n.plan.names, n.saved, strict=True):
        outputs = n.plan.op.outputs or ()
        if name == "out" or name in outputs:
            v = wrap(v)
            if v._data.dtype.kind in "fcVW":
                v._edge = n if name == "out" else Pick(n, outputs.index(name), v._data)
                v._live = True
        values.append(v)
    return values


def deposit_tensor(leaf, g):
    t = leaf.tensor()
    if t is None:
        return
    t._grad = g if t._grad is None else t._grad + g
    if leaf.hooks is not None:
        for hook in list(leaf.hooks.deposited.values()):
            hook(t)


# ---- what the user calls ---------------------------------------------------------------------


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False,
             grad_variables=None, inputs=None):
    """Add d(Σ tensors · grad_tensors)/d(leaf) to `.grad` of every leaf (or of `inputs`).

    `grad_variables` is the old name of `grad_tensors`.
    Shapes: each of grad_tensors as its tensor; without them one number. Raises RuntimeError for
    others, for tensors without history, and for a history already used up.
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError("`grad_tensors` and `grad_variables` (deprecated) arguments both "
                               "passed to `backward()`. Please only use `grad_tensors`.")
        warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning)
        grad_tensors = grad_variables
    tensors = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    if isinstance(grad_tensors, Tensor) or grad_tensors is None:
        grad_tensors = (grad_tensors,) * len(tensors)
    roots, grads = starts(tensors, tuple(grad_tensors))
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        run(roots, grads, keep, create_graph)
        return
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if not inputs:
        raise RuntimeError("'inputs' argument to backward() cannot be empty.")
    targets = [_target(t) for t in inputs]
    found = run(roots, grads, keep, create_graph, targets)
    for t, g in zip(inputs, found, strict=True):
        if g is not None:
            if not create_graph:
                g = wrap(np.array(g._data))
            t._grad = g if t._grad is None else t._grad + g


def backward_from(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    """Add d self/d leaf to `.grad` of every leaf (or of `inputs`).

    gradient: weighs a `self` that is not one number; same shape. retain_graph: keep what backward
    needs, to call it again. create_graph: record the gradients' own history. Raises RuntimeError
    where there is no history, or when it was freed or spoilt by an in-place write.
    """
    backward((self,), (gradient,), retain_graph, create_graph, None, inputs)


def starts(tensors, grad_tensors):
    """Where backward begins, and with which gradients (1 for a scalar). Raises RuntimeError."""
    if len(tensors) != len(grad_tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(grad_tensors)} gradients")
    roots = []
    grads = []
    for i, (t, g) in enumerate(zip(tensors, grad_tensors, strict=True)):
        if isinstance(t, graph.GradientEdge):
            roots.append(t.node)
            grads.append(wrap(np.ones(t.node.shape, t.node.dtype)) if g is None else g)
            continue
        if not isinstance(t, Tensor):
            raise TypeError(f"element {i} of tensors must be a Tensor, not {type(t).__name__}")
        root = vertex(t)
        if root is None:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a "
                               "grad_fn. Nothing it was computed from has requires_grad=True, or "
                               "it was computed under torch.no_grad() or after .detach().")
        roots.append(root)
        grads.append(_start(t, g))
    return roots, grads


def _start(t, g):
    a = t._data
    if g is None:
        if a.size != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs. This one "
                               f"has shape {list(a.shape)}: reduce it first (.sum(), .mean()), or "
                               "pass gradient=, one number per element.")
        if a.dtype.kind in COMPLEX:
            raise RuntimeError("grad can be implicitly created only for real scalar outputs but "
                               f"got torch.{t.dtype.name}")
        return wrap(np.ones_like(a))
    if not isinstance(g, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
    if g._data.shape != a.shape:
        raise RuntimeError(f"Mismatch in shape: grad_output[0] has a shape of {g.shape} and "
                           f"output[0] has a shape of {t.shape}. The gradient needs one number per "
                           "element of the output.")
    if g._data.dtype is not a.dtype and not ambient.state.grad:
        return wrap(g._data.astype(a.dtype))
    return g if g._data.dtype is a.dtype else g.to(t.dtype)


def _target(t):
    root = t.node if isinstance(t, graph.GradientEdge) else vertex(t)
    if root is None:
        raise RuntimeError("One of the differentiated Tensors does not require grad")
    return root


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False,
         only_inputs=True, allow_unused=None, materialize_grads=False):
    """The gradients of Σ outputs · grad_outputs with respect to `inputs`, as a tuple of tensors.

    Raises RuntimeError where an input was not used, unless `allow_unused` (then None) or
    `materialize_grads` (then zeros).
    Shapes: grad_outputs as the outputs, the gradients as the inputs.
    """
    outputs = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None or isinstance(grad_outputs, Tensor):
        grad_outputs = (grad_outputs,) * len(outputs)
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when "
                         "materialize_grads=True, but got: allow_unused=False.")
    roots, grads = starts(outputs, tuple(grad_outputs))
    keep = create_graph if retain_graph is None else retain_graph
    found = run(roots, grads, keep, create_graph, [_target(t) for t in inputs])
    for i, g in enumerate(found):
        if g is None and materialize_grads:
            found[i] = wrap(np.zeros(_target(inputs[i]).shape, _target(inputs[i]).dtype))
        elif g is None and not allow_unused:
            raise RuntimeError(f"The differentiated Tensor at index {i} appears to not have been "
                               "used in the graph. Set allow_unused=True if this is the desired "
                               "behavior.")
    if not create_graph:
        found = [g if g is None else _own(g) for g in found]
    return tuple(found)


def _own(g):
    """A gradient in memory of its own."""
    return wrap(np.array(g._data)) if type(g) is Tensor and not g._tangents else g.clone()


__all__ = ["backward", "grad", "no_grad", "run"]
