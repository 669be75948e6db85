"""Operators against samples frozen from PyTorch: what a run without PyTorch still knows."""
import json
import pathlib
import warnings

import numpy as np
import pytest

import learntorch
from tests import frozen
from tests.known_gaps import KNOWN
from tests.oracle import needs_torch, same_values

READER = frozen.Reader()
RATCHET = pathlib.Path(__file__).parent / "conformance" / "ratchet.json"


def exists(case):
    try:
        return bool(frozen.resolve(learntorch, case["call"]))
    except AttributeError:
        return False


# PyTorch's gradients have numbers in the triangle that is not read, where the value does not depend
# on it; ours are 0 there, and only the other triangle is compared.
ONE_TRIANGLE = ("cholesky_inverse", "cholesky_solve")
CASES = [(i, case) for i, case in enumerate(READER.cases) if exists(case)]


def compare(got, expected, path):
    """Arrays of one result (or gradient): dtype, shape and values."""
    assert got.dtype == expected.dtype, f"{path}: {got.dtype}, expected {expected.dtype}"
    assert got.shape == expected.shape, f"{path}: {got.shape}, expected {expected.shape}"
    same_values(got, expected, frozen.RTOL, frozen.ATOL, path)


def replay(lib, case):
    """Run one frozen call on a library and compare all it gives."""
    leaves = []
    args = [READER.value(v, lib, leaves) for v in case["args"]]
    kwargs = {k: READER.value(v, lib, leaves) for k, v in case["kwargs"].items()}
    call = f"{case['call']}({', '.join(f'{v!s:.60}' for v in args)}, {kwargs!s:.100})"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                  # some of PyTorch's names are deprecated
        outs, grads = frozen.run(lib, frozen.resolve(lib, case["call"]), args, kwargs, leaves)
    assert len(outs) == len(case["outs"]), f"{call}: {len(outs)} results"
    for i, spec in enumerate(case["outs"]):
        compare(outs[i], READER.array(spec), f"{call}: result {i}")
    assert len(grads) == len(case["grads"]), f"{call}: {len(grads)} inputs want gradients"
    for i, spec in enumerate(case["grads"]):
        path = f"{call}: gradient of input {i}"
        if spec is None:
            assert grads[i] is None or not np.any(grads[i]), f"{path}: PyTorch gives none"
        else:
            assert grads[i] is not None, f"{path}: missing"
            wanted = READER.array(spec)
            if case["op"] in ONE_TRIANGLE:
                wanted = np.where(grads[i] == 0, 0, wanted).astype(wanted.dtype)
            compare(grads[i], wanted, path)


def known(case):
    """The reason why an operator differs from PyTorch, as a mark."""
    reason = KNOWN.get((case["op"], "values and gradients"))
    return [pytest.mark.xfail(reason=reason, strict=False)] if reason else []


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c['op']}-{i}", marks=known(c))
                                  for i, c in CASES])
def test_frozen_sample(case):
    try:
        replay(learntorch, case)
    except ModuleNotFoundError as error:
        if error.name != "scipy":
            raise
        pytest.skip("SciPy is not installed")


def test_what_the_ratchet_lists_is_there():
    """An operator that once passed has not lost its name, and most of them are frozen."""
    listed = {n for n, aspects in json.loads(RATCHET.read_text())["ops"].items()
              if "main" in aspects.split()}
    frozen_ops = {case["op"] for case in READER.cases}
    replayed = {case["op"] for _, case in CASES}
    assert not listed & frozen_ops - replayed, "listed in ratchet.json, but gone"
    assert len(listed & replayed) >= 0.8 * len(listed)


def test_a_wrong_value_is_seen():
    case = next(c for _, c in CASES if c["op"] == "exp")
    wrong = {**case, "call": "sin"}
    with pytest.raises(AssertionError, match="values differ"):
        replay(learntorch, wrong)


@needs_torch
def test_pytorch_still_agrees():
    """The file is what the installed PyTorch computes; else run tests/make_frozen.py again."""
    import torch
    for case in READER.cases:
        replay(torch, case)
