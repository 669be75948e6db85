"""What the table of names left out says is true: none of them is there."""

import importlib

import pytest

from tests.conformance.left_out import LEFT_OUT


@pytest.mark.parametrize("name", LEFT_OUT)
def test_absent(name):
    path, _, last = name.rpartition(".")
    home = importlib.import_module("learntorch")
    for part in path.split(".")[1:]:
        home = getattr(home, part)
    own = vars(home) if isinstance(home, type) else dir(home)
    assert last not in own, f"{name} exists: take it off the list"
    assert len(LEFT_OUT[name]) > 10
