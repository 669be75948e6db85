"""Every operator of the library against PyTorch, on the samples of PyTorch's own database.

One test for each operator and aspect. The machinery is that of tests/conformance; here every
operator that exists is expected to pass, and a failure shows the samples that differ.
`CONFORMANCE_LIB=torch` runs PyTorch against itself, to test these tests.
"""
import importlib.util
import os
import warnings

import pytest

from tests.known_gaps import KNOWN

NEEDED = ("torch", "scipy", "expecttest", "hypothesis")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if missing:
    pytest.skip(f"live oracle not run: {', '.join(missing)} not installed "
                "(tests/test_ops_frozen.py stands in)", allow_module_level=True)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")              # what PyTorch says while it builds its database
    import torch

    from tests.conformance import op_list
    from tests.conformance.adapter import Side, function_name
    from tests.conformance.limits import Budget
    from tests.conformance.op_tester import OpTester

    OPS = op_list.load_ops()

pytestmark = pytest.mark.oracle
torch.set_num_threads(1)
REF, LIB = Side("torch"), Side(os.environ.get("CONFORMANCE_LIB", "learntorch"))
GROUPS = ("main", "rng", "complex-only", "undocumented")
SECONDS = 60

# {(operator, aspect): reason}: expected to fail, and a failure of the suite once it passes


def exists(op):
    """Does the library have this operator, under the name the database or PyTorch knows it by?"""
    own = function_name(op.op, op.name)
    names = [own] if own else [op.name, f"Tensor.{op.name}", f"Tensor.{op.name}_",
                               f"nn.functional.{op.name}"]
    return any(LIB.has(name) for name in names)


def variant(op, which):
    """Is this variant of the operator another function than the operator itself?"""
    fn = getattr(op, which)
    return fn is not None and function_name(fn) != function_name(op.op, op.name)


def first(op):
    return op_list.main_dtypes(op)[0]


def last(op):
    return op_list.main_dtypes(op)[-1]


def values(tester, op):
    return [tester.unit(d, 6) for d in op_list.main_dtypes(op)]


def other_dtypes(tester, op):
    names = {op_list.dtype_name(d) for d in op.dtypes} - set(op_list.main_dtypes(op))
    return [tester.unit(d, 3) for d in op_list.OPTIONAL if d in names]


def shaped(source):
    return lambda tester, op: [tester.unit(first(op), 4, source=source)]


# aspect: (does it apply to this operator, function giving the harness's tallies)
ASPECTS = {
    "values and gradients": (lambda op: True, values),
    "dtypes": (lambda op: True, other_dtypes),
    "second order": (lambda op: op.supports_gradgrad and last(op) in op_list.FLOATS,
                     lambda t, op: [t.second_order(last(op), 3)]),
    "method": (lambda op: variant(op, "method_variant"),
               lambda t, op: [t.unit(first(op), 4, "method_variant")]),
    "in-place": (lambda op: op.inplace_variant is not None,
                 lambda t, op: [t.unit(first(op), 4, "inplace_variant", inplace=True)]),
    "operator": (lambda op: op.operator_variant is not None,
                 lambda t, op: [t.unit(first(op), 4, "operator_variant")]),
    "out=": (lambda op: op.supports_out, lambda t, op: [t.out_variant(first(op), 3)]),
    "non-contiguous": (lambda op: True, shaped("noncontiguous")),
    "0-d": (lambda op: True, shaped("0-d")),
    "empty": (lambda op: True, shaped("empty")),
    "edge values": (lambda op: op.reference_inputs_func is not None,
                    lambda t, op: [t.unit(first(op), 5, source="reference_inputs")]),
    "errors": (lambda op: op.error_inputs_func is not None, lambda t, op: [t.error_inputs(24)]),
}


def cases():
    for name, op in sorted(OPS.items()):
        if op_list.classify(op) not in GROUPS or not exists(op):
            continue
        for aspect, (applies, _) in ASPECTS.items():
            if applies(op):
                reason = KNOWN.get((name, aspect))
                marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
                yield pytest.param(name, aspect, id=f"{name}-{aspect}", marks=marks)


CASES = list(cases())


def complaints(tallies):
    """The sentences of the harness about samples that fail, wording of errors included."""
    said = []
    for tally in tallies:
        bad = tally["n"] - tally["ok"] + tally.get("rng_n", 0) - tally.get("rng_ok", 0)
        if bad:
            said.append(f"{bad} of {tally['n'] + tally.get('rng_n', 0)} samples fail:")
            said.extend(f"  sample {i} {kind}: {text}" for i, kind, text in tally["fail"])
        said.extend(f"  sample {i} {kind}: {text}"
                    for i, kind, text in tally.get("msg_fail", ()))
    return said


@pytest.mark.parametrize("name, aspect", CASES)
def test_op(name, aspect):
    op = OPS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tallies = ASPECTS[aspect][1](OpTester(REF, LIB, op, Budget(SECONDS)), op)
    if not any(tally["n"] + tally.get("rng_n", 0) for tally in tallies):
        pytest.skip("PyTorch's database has no sample of this kind for the operator")
    said = complaints(tallies)
    assert not said, f"{name}, {aspect}:\n" + "\n".join(said)


def test_the_library_has_operators():
    assert len({case.values[0] for case in CASES}) >= 150


def test_known_failures_are_cases():
    assert set(KNOWN) <= {tuple(case.values) for case in CASES}
