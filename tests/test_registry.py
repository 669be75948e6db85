"""What every op of the registry owes: a sentence, PyTorch's signature, legal rules in the dialect.

The body and the rules are read as syntax trees: a rule runs on arrays, and on tensors under
`create_graph=True`, so it may say only what both understand.
"""
import ast
import builtins
import functools
import inspect
import sys
import types
import weakref

import numpy as np
import pytest

import learntorch
from learntorch.backend import numpy_xp, tensor_xp
from learntorch.core.op import registry
from tests.oracle import needs_torch

MATHEMATICS = {m for m in sys.modules if m.startswith("learntorch.ops.")}
OPS = {name: function.op for name, function in sorted(registry.items())}
RULED = {name: op for name, op in OPS.items() if op.vjps or op.joint}

# What a rule may ask of an array: arrays and tensors answer alike.
ATTRIBUTES = set("shape ndim dtype sum reshape swapaxes real imag conj T".split())
# Python around the arrays: sizes, tuples, loops over dimensions.
PYTHON = set("""len tuple list range enumerate zip reversed sorted set min max int float bool
    complex isinstance hasattr slice None Ellipsis all any sum abs map divmod next""".split())
MODULES = {"math"}
# Rules that leave the dialect, and why.
OUTSIDE = {"part": "a view's rule hands its own call to fill_window, as data"}
# Bodies that draw from the generator of the host: its streams are NumPy's.
HOST = ("learntorch.ops.random", "learntorch.ops.random_fill")
CONTAINERS = {"append", "extend", "insert", "index", "copy", "items", "pop"}


# ---- syntax trees of bodies and rules ------------------------------------------------------------

@functools.lru_cache(maxsize=None)
def tree(file):
    with open(file, encoding="utf-8") as source:
        return ast.parse(source.read())


def syntax(function):
    """The Lambda or FunctionDef that a function was compiled from."""
    code = function.__code__
    names = set(code.co_varnames[:code.co_argcount + code.co_kwonlyargcount])
    spots = [(line, column) for line, _, column, end in code.co_positions()
             if line is not None and end]                    # the first instruction has no place
    found = []
    for node in ast.walk(tree(code.co_filename)):
        if isinstance(node, (ast.Lambda, ast.FunctionDef)):
            arguments = {a.arg for a in (*node.args.posonlyargs, *node.args.args,
                                         *node.args.kwonlyargs)}
            start, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
            if arguments == names and all(start <= spot <= end for spot in spots) and \
                    (isinstance(node, ast.Lambda) or node.name == code.co_name):
                found.append((end[0] - start[0], end[1] - start[1], node))
    assert found, f"no source found for {function} in {code.co_filename}"
    return min(found, key=lambda entry: entry[:2])[2]


def inside(function):
    """Every node of a function's signature and body; decorators stand outside."""
    node = syntax(function)
    body = node.body if isinstance(node.body, list) else [node.body]
    return [n for part in (node.args, *body) for n in ast.walk(part)]


def plain(nodes):
    """Names that a function gives to Python's own things: numbers to count with, lists to fill."""
    numbers, lists = set(), set()
    for n in nodes:
        if isinstance(n, ast.Assign):
            names = {t.id for t in n.targets if isinstance(t, ast.Name)}
            if isinstance(n.value, ast.Constant):
                numbers |= names
            elif isinstance(n.value, (ast.List, ast.ListComp, ast.Dict)) or \
                    isinstance(n.value, ast.BinOp) and isinstance(n.value.left, ast.List) or \
                    isinstance(n.value, ast.Call) and getattr(n.value.func, "id", "") == "list":
                lists |= names
    return numbers, lists


def writes(n, numbers, lists):
    """Does this node write into an array: `a[i] = …`, `a += …`, `del a[i]`, `a.x = …`?"""
    if isinstance(n, ast.AugAssign):
        return getattr(n.target, "id", "") not in numbers | lists
    if isinstance(n, (ast.Subscript, ast.Attribute)) and not isinstance(n.ctx, ast.Load):
        return isinstance(n, ast.Attribute) or getattr(n.value, "id", "") not in lists
    return False


def outside_dialect(function, seen=None):
    """Sentences about what a rule says that arrays and tensors do not both understand.

    Helper functions of the module that a rule calls are read as well.
    """
    seen = set() if seen is None else seen
    if function in seen:
        return []
    seen.add(function)
    nodes, said = inside(function), []
    home = function.__globals__
    own = {n.arg for n in nodes if isinstance(n, ast.arg)}
    own |= {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    own |= {n.name for n in nodes if isinstance(n, ast.FunctionDef)}
    numbers, lists = plain(nodes)
    for n in nodes:
        where = f"{function.__code__.co_filename.rsplit('/', 1)[-1]}:{getattr(n, 'lineno', 0)}"
        if writes(n, numbers, lists):
            said.append(f"{where}: writes into an array")
        elif isinstance(n, ast.Attribute):
            said.extend(f"{where}: {text}" for text in attribute(n, own, lists, home))
        elif isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id not in own:
            value = home.get(n.id, getattr(builtins, n.id, None))
            if isinstance(value, types.FunctionType) and not hasattr(value, "op") and \
                    value.__module__ in (function.__module__, *MATHEMATICS):
                said.extend(outside_dialect(value, seen))
            elif n.id not in PYTHON | MODULES and not constant(value) and not helper(value):
                said.append(f"{where}: the name {n.id}")
    return said


def constant(value):
    return isinstance(value, (int, float, complex, str, tuple, frozenset, dict))


def helper(value):
    """A function about numbers, shapes or dtypes, which touches no array."""
    return getattr(value, "__module__", "") in (
        "math", "learntorch.core.shapes", "learntorch.core.dtypes")


def attribute(n, own, lists, home):
    """What is wrong with `value.attr` in a rule."""
    if isinstance(n.value, ast.Name) and n.value.id == "xp":
        if n.attr not in dialect():
            yield f"xp.{n.attr} is in the NumPy dialect only, not in that of tensors"
    elif isinstance(n.value, ast.Name) and n.value.id in MODULES and n.value.id not in own:
        if not hasattr(home[n.value.id], n.attr):
            yield f"{n.value.id}.{n.attr} does not exist"
    elif n.attr in CONTAINERS and isinstance(n.value, ast.Name) and n.value.id in lists:
        return
    elif n.attr not in ATTRIBUTES:
        yield f".{n.attr} is not among {', '.join(sorted(ATTRIBUTES))}"


@functools.lru_cache(maxsize=1)
def dialect():
    """Names that a rule may take from `xp`: those of tensor_xp, and the ops of the library."""
    own = {name for name, value in vars(tensor_xp).items()
           if isinstance(value, types.FunctionType) and not name.startswith("_")}
    return own | set(registry)


# ---- names -------------------------------------------------------------------------------------

def rules(op):
    return [op.joint] if op.joint else list(op.vjps.values())


def parameters(function):
    code = function.__code__
    return code.co_varnames[:code.co_argcount + code.co_kwonlyargcount]


def legal_names(op):
    """What a rule of this op may have as parameters."""
    own = {"g", "out", "xp", "need", *op.params, *(op.outputs or ())}
    if op.kind == "listed":
        own.add("shapes")
    return own | {f"{p}_shape" for p in op.params}


@pytest.mark.parametrize("name", OPS)
def test_docstring(name):
    doc = (OPS[name].public or registry[name]).__doc__
    assert doc and doc.strip(), f"{name} has no docstring: the maths in one line"
    sentence = doc.strip().split("\n\n")[0].rstrip()
    assert sentence.endswith((".", ":", "…")), f"{name}: the first sentence has no end: {sentence}"


@pytest.mark.parametrize("name", RULED)
def test_rules_name_only_legal_things(name):
    op = RULED[name]
    for rule in rules(op):
        wrong = set(parameters(rule)) - legal_names(op)
        assert not wrong, f"the rule of {name} names {wrong}, legal are {legal_names(op)}"
    assert set(op.vjps) <= {*op.tensors, "tensors"}, f"{name} has rules for {set(op.vjps)}"


@pytest.mark.parametrize("name", RULED)
def test_rules_stay_in_the_dialect(name):
    said = [sentence for rule in rules(RULED[name]) for sentence in outside_dialect(rule)]
    if name in OUTSIDE:
        assert said, f"{name} is in the dialect now: strike it off OUTSIDE"
        return
    assert not said, f"the rules of {name} leave the dialect:\n" + "\n".join(said)


@pytest.mark.parametrize("name", OPS)
def test_body_takes_only_what_array_libraries_have(name):
    op = OPS[name]
    if op.kind == "composite":
        assert "xp" not in parameters(op.forward), f"{name} is a composite: it is made of ops"
        return
    if op.forward.__module__ in HOST:
        return
    said = []
    for n in inside(op.forward):
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name):
            if n.value.id == "xp" and not hasattr(numpy_xp, n.attr):
                said.append(f"line {n.lineno}: xp.{n.attr} does not exist")
            elif n.value.id == "np" and n.attr not in np.sctypeDict:
                said.append(f"line {n.lineno}: np.{n.attr}; arrays come through xp")
        elif isinstance(n, ast.Name) and n.id == "Tensor":
            said.append(f"line {n.lineno}: Tensor; a body sees arrays")
    assert not said, f"the body of {name}: " + "; ".join(said)


# ---- what is saved -------------------------------------------------------------------------------

def fresh(rng, name):
    low = 1.2 if name == "acosh" else 0.2
    a = rng.uniform(low, low + 0.6, (3, 3)).astype(np.float32)
    return learntorch.from_numpy(a).requires_grad_()


def applied(name, *inputs):
    """The op on some tensors; skips where SciPy computes it and is not installed."""
    try:
        return registry[name](*inputs)
    except ModuleNotFoundError as error:
        if error.name != "scipy":
            raise
        pytest.skip("SciPy is not installed")


SIMPLE = [name for name, op in RULED.items() if op.kind in ("unary", "binary")]


@pytest.mark.parametrize("name", SIMPLE)
def test_what_rules_name_is_what_is_saved(name):
    """Of the leaves x and y and the result, exactly what a rule names stays alive."""
    op, rng = RULED[name], np.random.default_rng(0)
    inputs = [fresh(rng, name) for _ in op.tensors]
    out = applied(name, *inputs)
    node = out.grad_fn
    if node is None:
        assert op.result in ("bool", "index"), f"{name} left no history"
        return
    assert type(node).__name__ == "Node" and node.plan.op is op
    named = [n for rule in rules(op) for n in parameters(rule)]
    expected = list(dict.fromkeys(n for n in named if n not in ("g", "xp", "need")))
    assert sorted(node.plan.names) == sorted(expected)
    assert len(node.saved) == len(expected)
    values = dict(zip(op.params, inputs))
    for what, saved in zip(node.plan.names, node.saved):
        if what.endswith("_shape"):
            assert tuple(saved) == tuple(values[what[:-6]].shape)
        else:
            array = getattr(saved, "_data", saved)
            wanted = out._data if what == "out" else values[what]._data
            assert np.shares_memory(array, wanted), f"{name} saves another {what}"


@pytest.mark.parametrize("name", SIMPLE)
def test_what_no_rule_names_is_freed(name):
    """An intermediate that no rule asks for is gone as soon as the learner lets go of it."""
    op, rng = RULED[name], np.random.default_rng(0)
    leaf = fresh(rng, name)
    middle = leaf + 0.0                               # the sum's own rule saves nothing
    others = [fresh(rng, name) for _ in op.tensors[1:]]
    out = applied(name, middle, *others)
    if out.grad_fn is None:
        return
    named = "x" in out.grad_fn.plan.names
    same = np.shares_memory(out._data, middle._data) or \
        any(getattr(s, "_data", s) is middle._data for s in out.grad_fn.saved)
    array = weakref.ref(middle._data)
    del middle
    alive = array() is not None
    assert alive == (named or same), \
        f"{name}: rules name {out.grad_fn.plan.names}, x is {'alive' if alive else 'gone'}"


# ---- signatures --------------------------------------------------------------------------------

# {op: why its parameters are not those that PyTorch documents}
OTHER_SIGNATURE = {"linalg.vander": "PyTorch takes N by keyword only, whatever its page says",
                   "true_divide": "PyTorch takes input and other, whatever its page says",
                   "random_": "`from` is a word of Python",
                   "uniform_": "`from` is a word of Python"}
ROOMS = {name: op for name, op in OPS.items()
         if "rules" not in op.space.split() and not name.startswith("__")}


def counterpart(torch, op):
    """PyTorch's function of the same name, or None."""
    for space in op.space.split():
        home = torch
        for part in [] if space in ("torch", "Tensor") else space.split("."):
            home = getattr(home, part, None)
        if space == "Tensor":
            home = torch.Tensor
        if hasattr(home, op.name):
            return getattr(home, op.name)
    return getattr(torch.Tensor, op.name, None) or getattr(torch.Tensor, f"{op.name}_", None)


@needs_torch
@pytest.mark.parametrize("name", ROOMS)
def test_signature_is_pytorchs(name):
    """`help()` and keywords: the parameters have PyTorch's names in PyTorch's order."""
    import torch

    from tests.conformance.adapter import signature_names
    from tests.conformance.api import same_parameters
    theirs = counterpart(torch, OPS[name])
    assert theirs is not None, f"PyTorch has no {name}: say space='rules' if it is internal"
    reference = signature_names(theirs)
    if reference is None or reference[2:] == (True, True):
        return                                        # PyTorch does not say
    mine = signature_names(OPS[name].public or registry[name])
    if mine and mine[0] and mine[0][0] == "input" and reference[0][:1] != ("input",):
        mine = (mine[0][1:], *mine[1:])               # a method: its first parameter is the tensor
    agrees = mine is not None and same_parameters(reference, mine)
    assert agrees != (name in OTHER_SIGNATURE), \
        f"{name}{inspect.signature(OPS[name].public or registry[name])}: " \
        f"PyTorch's parameters are {reference[0] + reference[1]}"


# ---- and these tests see what they look for ------------------------------------------------------

def wrong_store(g, x):
    x[0] = g
    return x


def wrong_call(g, x):
    return np.exp(g) * x


def wrong_helper(g, x):
    return wrong_store(g, x)


def right(xp, g, out, x_shape):
    sizes = [1 if n == 1 else n for n in x_shape]
    sizes[0] = len(sizes)
    return xp.broadcast_to(g * out[..., None].sum(axis=-1), tuple(sizes))


@pytest.mark.parametrize("rule, word", [
    (wrong_store, "writes"), (wrong_call, "np"), (wrong_helper, "writes"),
    (lambda xp, g: xp.busday_count(g), "busday"), (lambda g, x: g * x.astype(float), "astype"),
    (lambda g, x: g * x.numpy(), "numpy")])
def test_the_dialect_check_sees(rule, word):
    assert any(word in sentence for sentence in outside_dialect(rule))


@pytest.mark.parametrize("rule", [right, lambda g, out: g * (1 - out * out),
                                  lambda xp, g, x: xp.where(x > 0, g, g * 0)])
def test_the_dialect_check_accepts(rule):
    assert outside_dialect(rule) == []


def test_there_is_something_to_check():
    assert len(OPS) > 150 and len(RULED) > 80 and len(SIMPLE) > 40
