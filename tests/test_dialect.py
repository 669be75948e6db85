"""One name, one meaning: what `xp.<name>` is where NumPy and the library both have that name.

A body gets NumPy's function, a rule gets NumPy's on arrays and the library's op on tensors. Where
the two are the same loop nothing can go wrong. Every other name stands in a table here: those that
rules use must give the same values both ways, those that only bodies use are NumPy's on purpose.
"""
import ast
import types

import numpy as np
import pytest

import learntorch
from learntorch.backend import numpy_xp, tensor_xp
from learntorch.core.op import registry
from tests.test_registry import MATHEMATICS, OPS, inside, rules

a = np.linspace(0.3, 2.7, 9).reshape(3, 3)
b = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.5], [2.0, 1.0, 0.0]])
cube = np.arange(24.0).reshape(2, 3, 4)
yes = a > 1

# name: the arguments with which rules use it
IN_RULES = {
    "any": [(yes,)],
    "conj": [(a + 1j * b,)],
    "cumprod": [(a, 1)],
    "cumsum": [(cube, -1)],
    "diagonal": [(a,), (cube, 1, -2, -1)],
    "flip": [(a, 1), (cube, (0, 2))],
    "floor_divide": [(a, b), (-a, b)],
    "i0": [(a,)],
    "matmul": [(a, b), (cube, cube.swapaxes(1, 2))],
    "ones_like": [(a,)],
    "permute_dims": [(cube, (2, 0, 1))],
    "pow": [(a, b), (a, 2), (a, -0.5)],
    "prod": [(a, {"axis": -1, "keepdims": True})],
    "roll": [(a, 1, 0), (cube, (1, -2), (0, 2))],
    "stack": [([a, b], 1)],
    "tril": [(a,), (cube, -1)],
    "triu": [(a,), (cube, 1)],
    "where": [(yes, a, b), (yes, a, 0)],
    "zeros_like": [(a,)],
}
# Names that bodies use with NumPy's arguments, while an op of the library takes others.
IN_BODIES = set("""
    arange argmax argmin argsort asarray bincount count_nonzero diff dot einsum empty equal eye
    frexp full full_like isin nan_to_num nonzero ones repeat searchsorted sign sinc take
    tensordot tile trace unique zeros
""".split())


def said(function, seen):
    """The names that a body or rule takes from `xp`, its helper functions included."""
    if function in seen:
        return set()
    seen.add(function)
    names = set()
    for n in inside(function):
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "xp":
            names.add(n.attr)
        elif isinstance(n, ast.Name):
            value = function.__globals__.get(n.id)
            if isinstance(value, types.FunctionType) and not hasattr(value, "op") and \
                    value.__module__ in (function.__module__, *MATHEMATICS):
                names |= said(value, seen)
    return names


def ambiguous(names):
    """Those of the names that mean a function of NumPy's and another one of the library's."""
    return {n for n in names if hasattr(np, n) and n in registry
            and registry[n].op.kernels[np.ndarray] is not getattr(np, n)
            and getattr(vars(numpy_xp).get(n), "__module__", "") != numpy_xp.__name__}


@pytest.mark.parametrize("name", OPS)
def test_names_with_two_meanings_are_known(name):
    op = OPS[name]
    for rule in rules(op):
        unknown = ambiguous(said(rule, set())) - set(IN_RULES)
        assert not unknown, (f"a rule of {name} says {unknown}, which NumPy and the library both "
                             "have: show in IN_RULES that they agree, or take another name")
    if op.kind != "composite":
        unknown = ambiguous(said(op.forward, set())) - set(IN_RULES) - IN_BODIES
        assert not unknown, (f"the body of {name} gets NumPy's {unknown}, not the op of that name: "
                             "if this is meant, enter it in IN_BODIES")


@pytest.mark.parametrize("name", IN_RULES)
def test_arrays_and_tensors_agree(name):
    """What a rule computes on raw arrays it computes under create_graph, too."""
    if name == "i0":
        pytest.importorskip("scipy", reason="SciPy computes Bessel functions")
    for args in IN_RULES[name]:
        named = args[-1] if isinstance(args[-1], dict) else {}
        args = args[:-1] if named else args
        with np.errstate(all="ignore"):
            on_arrays = getattr(numpy_xp, name)(*args, **named)
        on_tensors = getattr(tensor_xp, name)(*[tensors(v) for v in args], **named)
        assert np.asarray(on_arrays).dtype == on_tensors._data.dtype
        np.testing.assert_allclose(on_arrays, on_tensors._data, rtol=1e-6)


def tensors(value):
    if isinstance(value, np.ndarray):
        return learntorch.tensor(value)
    return [tensors(v) for v in value] if isinstance(value, list) else value


def test_tables_hold_only_ambiguous_names():
    """A name that has come to mean one thing is struck off."""
    assert set(IN_RULES) | IN_BODIES == ambiguous(set(IN_RULES) | IN_BODIES)


def test_the_check_sees_helpers():
    """`xp.take` in a function that a rule calls is found, and known to be ambiguous."""
    def rule(xp, g):
        return helper_of_a_rule(xp, g)
    assert said(rule, set()) == {"take", "exp"}
    assert ambiguous({"take", "exp", "concatenate"}) == {"take"}


def helper_of_a_rule(xp, g):
    return xp.take(xp.exp(g), 0)
