"""What the tables of names left out say is true, and they leave nothing out."""

import functools
import importlib
import types

import pytest

from tests.conformance.left_out import LEFT_OUT, OTHER_PARAMETERS
from tests.oracle import needs_torch

# Namespaces of which nearly every name and every parameter name must be there.
SPACES = ["torch", "torch.Tensor", "torch.linalg", "torch.fft", "torch.special",
          "torch.nn.functional", "torch.func", "torch.autograd", "torch.autograd.functional",
          "torch.distributions", "torch.random", "torch.nn", "torch.optim"]


@pytest.mark.parametrize("name", LEFT_OUT)
def test_absent(name):
    path, _, last = name.rpartition(".")
    home = importlib.import_module("learntorch")
    for part in path.split(".")[1:]:
        home = getattr(home, part)
    own = vars(home) if isinstance(home, type) else dir(home)
    assert last not in own, f"{name} exists: take it off the list"
    assert len(LEFT_OUT[name]) > 10


@functools.lru_cache(maxsize=None)
def measured(space):
    from tests.conformance import api
    api.prepare()
    return api.start(types.SimpleNamespace(lib="learntorch", device=None, match=""))(space)


@needs_torch
@pytest.mark.parametrize("space", SPACES)
def test_names(space):
    """At least 95 % of the names and of the parameter names; the rest stands in the tables."""
    found = measured(space)
    assert found["present"] >= 0.95 * found["total"] > 0
    assert found["sig_ok"] >= 0.95 * found["sig_n"] > 0
    assert {f"{space}.{name}" for name in found["missing"]} <= set(LEFT_OUT)
    other = {f"{space}.{name}" for name, _, _ in found["sig_bad"]}
    listed = {name for name in OTHER_PARAMETERS if name.rpartition(".")[0] == space}
    assert other == listed
