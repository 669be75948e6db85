"""`out=` of another dtype than the result: refused, or filled, as in PyTorch, in its words."""
import importlib.util
import warnings

import pytest

import learntorch
from tests.oracle import needs_torch, outcome

NEEDED = ("torch", "scipy", "expecttest", "hypothesis")
HERE = all(importlib.util.find_spec(name) for name in NEEDED)

if HERE:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

        from tests.conformance import op_list
        from tests.conformance.adapter import Side
        from tests.conformance.limits import Budget
        from tests.conformance.op_run import call, detached
        from tests.conformance.op_tester import OpTester
        OPS = op_list.load_ops()
        REF, LIB = Side("torch"), Side("learntorch")

COUNTED = "PyTorch counts in the dtype of `out`, here in that of the input"
KERNEL = "PyTorch names its kernel for the dtype of `out`; here the result cannot be cast to it"
WORDS = "refused in other words"

# {operator: why it differs}
OTHER = {
    "bernoulli": COUNTED,
    "cumprod": COUNTED,
    "cumsum": COUNTED,
    "bucketize": WORDS,
    "searchsorted": WORDS,
    "heaviside": WORDS,
    "ldexp": WORDS,
    "lerp": "an integer `out` is refused for another reason than a floating-point one",
    "logsumexp": WORDS,
    "lu": "PyTorch writes without looking",
    "max.reduction_no_dim": "an assertion of PyTorch's, asking for a report",
    "min.reduction_no_dim": "an assertion of PyTorch's, asking for a report",
    "mvlgamma.mvlgamma_p_1": "PyTorch names the same dtype twice",
    "mvlgamma.mvlgamma_p_3": "PyTorch names the same dtype twice",
    "mvlgamma.mvlgamma_p_5": "PyTorch names the same dtype twice",
    "nanmean": KERNEL,
    "nansum": KERNEL,
    "narrow_copy": "an assertion of PyTorch's, asking for a report",
    "nonzero": "as_tuple makes several results",
    "normal": "the random kernel wants the shape, too",
}


def operators():
    """Those with an `out`; that of histogramdd holds a list."""
    groups = ("main", "rng", "complex-only")
    for name, op in sorted(OPS.items()) if HERE else ():
        if name != "histogramdd" and op.supports_out and op_list.classify(op) in groups:
            yield name


def written(side, library, function, sample, dtype, several):
    """What a call with `out=` of a dtype answers: "ok", or the exception and its first words."""
    def into(*args, **kwargs):
        fresh = [library.empty(0, dtype=getattr(library, dtype)) for _ in range(several or 1)]
        return function(*args, **kwargs, out=tuple(fresh) if several else fresh[0])
    found = outcome(call, side, into, sample)
    return f"{found.type}: {found.words}" if hasattr(found, "words") else "ok"


@needs_torch
@pytest.mark.parametrize("name", list(operators()))
def test_out_of_another_dtype(name):
    op = OPS[name]
    tester = OpTester(REF, LIB, op, Budget(60))
    samples = tester.samples(op_list.main_dtypes(op)[0], 4)
    sample = detached(samples[len(samples) // 2])
    theirs, ours = REF.function(op.op, op.name), LIB.function(op.op, op.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = call(REF, theirs, sample).out
        several = len(plain) if isinstance(plain, tuple) else 0
        said = []
        for dtype in ("float64", "int64"):
            expected = written(REF, torch, theirs, sample, dtype, several)
            found = written(LIB, learntorch, ours, sample, dtype, several)
            if (found == "ok") != (expected == "ok") or not found.startswith(expected):
                said.append(f"out of {dtype}: {found}, in PyTorch {expected}")
    assert bool(said) == (name in OTHER), said


@pytest.mark.parametrize("call, words", [
    (lambda t, x, o: t.matmul(x, x, out=o),
     "Expected out tensor to have dtype float, but got double instead"),
    (lambda t, x, o: t.floor(x, out=o), "Found dtype Double but expected Float"),
    (lambda t, x, o: t.zeros(2, dtype=t.float32, out=o),
     r"dtype Float does not match dtype of out parameter \(Double\)"),
    (lambda t, x, o: t.linalg.norm(x, out=o),
     "linalg.norm expected out tensor dtype Float but got: Double"),
    (lambda t, x, o: t.linalg.pinv(x, out=o.long()), "linalg.pinv: Expected result to be safely "
     "castable from Float dtype, but got result with dtype Long"),
])
def test_words(call, words):
    with pytest.raises(RuntimeError, match=words):
        call(learntorch, learntorch.eye(2), learntorch.empty(0, dtype=learntorch.float64))


def test_filled_in_its_own_dtype():
    fresh = learntorch.empty(0, dtype=learntorch.float64)
    assert learntorch.zeros(2, out=fresh).dtype is learntorch.float64
    assert learntorch.full((2,), 0.1, out=fresh).tolist() == [0.1, 0.1]
    assert learntorch.add(learntorch.ones(2), 1, out=fresh).tolist() == [2.0, 2.0]
