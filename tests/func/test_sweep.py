"""Every operator under forward mode (against PyTorch's) and under vmap (against a loop).

One operator in `EVERY` as a rule; LEARNTORCH_SWEEP=all tests all of them.
"""
import importlib.util
import os
import warnings

import pytest

missing = [name for name in ("torch", "scipy", "expecttest", "hypothesis")
           if importlib.util.find_spec(name) is None]
if missing:
    pytest.skip(f"live oracle not run: {', '.join(missing)} not installed",
                allow_module_level=True)

from tests.func import sweep  # noqa: E402

pytestmark = pytest.mark.oracle
EVERY = 7

TRIANGLE = "a random direction leaves the set of triangular or symmetric matrices"
GAUGE = "unique up to a sign or phase only"
VALUES = "PyTorch refuses it, too: the values of an example are looked at"
DYNAMIC = "the result has another size for every example"
MEMORY = "uninitialised memory"
KNOWN = {
    "jvp": {
        "as_strided_scatter": "its gradient for the input is PyTorch's, which is not the transpose",
        "cholesky_inverse": TRIANGLE, "cholesky_solve": TRIANGLE, "linalg.cholesky": TRIANGLE,
        "linalg.cholesky_ex": TRIANGLE, "triangular_solve": TRIANGLE, "linalg.eig": GAUGE,
        "linalg.eigh": GAUGE, "pca_lowrank": GAUGE,
        "svd_lowrank": GAUGE,
        "linalg.norm.subgradients_at_zero": "the rule divides by the norm before it chooses",
        "nn.functional.max_unpool2d": "places named twice: which one wins is left open",
        "nn.functional.max_unpool3d": "places named twice: which one wins is left open",
    },
    "vmap": {
        "__getitem__": DYNAMIC, "argwhere": DYNAMIC, "masked_select": DYNAMIC, "nonzero": DYNAMIC,
        "unique": DYNAMIC, "unique_consecutive": DYNAMIC, "nn.functional.one_hot": DYNAMIC,
        "tensor_split": DYNAMIC, "allclose": VALUES, "equal": VALUES, "istft": VALUES,
        "linspace.tensor_overload": VALUES, "logspace.tensor_overload": VALUES, "narrow": VALUES,
        "empty_like": MEMORY, "new_empty": MEMORY, "new_empty_strided": MEMORY, "empty": MEMORY,
        "as_strided_scatter": "the storage of all examples is seen",
    },
}


def part(aspect):
    """The operators to test."""
    names = list(sweep.cases(aspect))
    if os.environ.get("LEARNTORCH_SWEEP") == "all":
        return names
    return names[::EVERY]


CASES = [(aspect, name) for aspect in sweep.ASPECTS for name in part(aspect)]


@pytest.mark.parametrize("aspect, name", CASES, ids=[f"{a}-{n}" for a, n in CASES])
def test_op(aspect, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = sweep.ASPECTS[aspect](name, cap=2)
    if said is None:
        pytest.skip("no sample of PyTorch's database applies")
    if said and name in KNOWN[aspect]:
        pytest.xfail(KNOWN[aspect][name])
    assert not said, f"{aspect} of {name}: " + "; ".join(said)


def test_known_failures_are_operators():
    for names in KNOWN.values():
        assert set(names) <= set(sweep.OPS), set(names) - set(sweep.OPS)


def test_the_comparison_can_fail():
    import numpy as np
    a = np.ones(3)
    assert sweep.close(a, a) is None
    assert sweep.close(a, a + 0.1) and sweep.close(a, a[:2]) and sweep.close(a, a.astype("f4"))
