"""The oracle itself: it sees every kind of difference, and accepts none that is none."""
import numpy as np
import pytest

from tests import oracle
from tests.oracle import Raised, alike, needs_torch, ours, same, same_error, theirs


@needs_torch
@pytest.mark.parametrize("mine, reference, word", [
    (lambda L: L.ones(2), lambda L: L.ones(3), "shape"),
    (lambda L: L.ones(2), lambda L: L.ones(2).double(), "dtype"),
    (lambda L: L.ones(2), lambda L: L.ones(2) * 1.001, "values differ"),
    (lambda L: L.ones(2).requires_grad_(), lambda L: L.ones(2), "requires_grad"),
    (lambda L: [L.ones(2)], lambda L: [L.ones(2), L.ones(2)], "items"),
    (lambda L: {"a": L.ones(2)}, lambda L: {"b": L.ones(2)}, "keys"),
    (lambda L: 1, lambda L: 1.0, "expected"),
    (lambda L: L.float32, lambda L: L.float64, "float64"),
    (lambda L: 2.0, lambda L: 2.001, "values differ"),
    (lambda L: np.ones(2), lambda L: L.ones(2), "not a Tensor"),
])
def test_differences_are_seen(mine, reference, word):
    import learntorch
    with pytest.raises(AssertionError, match=word):
        same(mine(learntorch), reference(oracle.torch))


@needs_torch
def test_what_is_the_same_is_accepted():
    alike(lambda L: (L.ones(2, 3), [L.arange(3), float("nan")], {"a": L.float64}, None, "text"))
    alike(lambda L: L.ones(2) @ L.ones(3))
    nan = oracle.torch.tensor([float("nan"), float("inf")])
    same(ours(nan), nan)


@needs_torch
def test_conversions_go_both_ways():
    import torch
    given = {"a": [torch.arange(6.0).reshape(2, 3).requires_grad_(), torch.bfloat16],
             "b": (torch.ones(2, dtype=torch.bfloat16), torch.tensor([1 + 2j]))}
    made = ours(given)
    same(made, given)
    back = theirs(made)
    assert torch.equal(back["a"][0], given["a"][0]) and back["a"][0].requires_grad
    assert back["a"][1] is torch.bfloat16
    assert torch.equal(back["b"][0], given["b"][0])


@pytest.mark.parametrize("mine, reference, word", [
    (ValueError("no"), RuntimeError("no"), "PyTorch raised RuntimeError"),
    (RuntimeError("other words"), RuntimeError("no"), "PyTorch begins"),
])
def test_other_errors_are_seen(mine, reference, word):
    with pytest.raises(AssertionError, match=word):
        same_error(Raised(mine), Raised(reference))


def test_errors_on_one_side_are_seen():
    with pytest.raises(AssertionError, match="PyTorch gave"):
        same_error(Raised(ValueError("no")), 3)
    with pytest.raises(AssertionError, match="PyTorch raised"):
        same_error(3, Raised(ValueError("no")))


def test_our_message_may_say_more():
    same_error(Raised(RuntimeError("no: the sizes differ")), Raised(RuntimeError("no.\nmore")))
    same_error(Raised(RuntimeError("yes")), Raised(RuntimeError("no")), wording=False)
