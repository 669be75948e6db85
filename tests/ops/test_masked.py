"""Reductions under a mask against PyTorch, and by their meaning: select, then reduce."""

import math
import warnings

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch

X = np.random.default_rng(0).standard_normal((3, 4))
MASKS = {"none": None, "some": np.array([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]], bool),
         "row": np.array([True, False, True, True]), "numbers": np.array([[2], [0], [1]])}
REDUCTIONS = ("sum", "prod", "amax", "amin", "mean", "norm", "var", "std", "logsumexp")
SHAPED = ("softmax", "log_softmax", "softmin", "cumsum", "cumprod")


def with_gradient(torch, function, mask, *arrays):
    """The result and its gradients."""
    leaves = [torch.from_numpy(a).clone().requires_grad_() for a in arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = function(*leaves, **mask)
    if not y.requires_grad:
        return y
    return [y.detach(), *torch.autograd.grad(y.sum(), leaves)]


def made(torch, mask):
    return {"mask": None if MASKS[mask] is None else torch.from_numpy(MASKS[mask])}


@needs_torch
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("dim", (None, 0, 1, (0, 1), ()))
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name, dim, mask):
    first = mask == "none" or name not in ("var", "std") or dim not in (0, 1)   # PyTorch: NaN
    for keepdim in (False, True):
        alike(lambda torch, keepdim=keepdim: with_gradient(
            torch, lambda x, **m: getattr(torch.masked, name)(
                x if first else x.detach(), dim=dim, keepdim=keepdim, **m), made(torch, mask), X))


@needs_torch
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("dim", (0, 1))
@pytest.mark.parametrize("name", (*SHAPED, "median"))
def test_along_one_dimension(name, dim, mask):
    alike(lambda torch: with_gradient(
        torch, lambda x, **m: getattr(torch.masked, name)(x, dim, **m), made(torch, mask), X))


@needs_torch
@pytest.mark.parametrize("ord", (0, 1, 2, 3, -1, math.inf, -math.inf))
def test_norms(ord):
    for mask in MASKS:
        alike(lambda torch, mask=mask: torch.masked.norm(
            torch.from_numpy(X), ord, 1, **made(torch, mask)))
        alike(lambda torch, mask=mask: torch.masked.normalize(
            torch.from_numpy(X), ord, 1, **made(torch, mask)))


CALLS = """argmax(x, 1, mask=m) | argmax(x, mask=m) | argmin(i, 1, mask=m, keepdim=True)
    sum(i, 1, mask=m) | prod(i, mask=m) | cumsum(i, 1, mask=m) | amax(i, 1, mask=m)
    amin(i, mask=m) | var(i, 1, mask=m) | var(x, 1, correction=2, mask=m)
    sum(b, 1, mask=m) | amax(b, 1, mask=m) | argmax(b, 1) | mean(i, 1, mask=m) | mean(b, 1, mask=m)
    mean(i, 1, dtype=double, mask=m) | median(i, 1, mask=m) | median(i, 0, mask=v)
    var(x, 1, False, mask=m) | var(x, 1, unbiased=True, correction=1)
    std(x, 1, unbiased=True) | sum(x, 3) | sum(x, (0, 0), mask=m) | sum(x, 1, mask=m[None, None])
    sum(x, 1, mask=v[:2]) | logaddexp(x, x, input_mask=m, other_mask=~m) | sum(i, dtype=double)
    logaddexp(x, 2 * x, input_mask=m, other_mask=m) | amax(x, 1, mask=m, dtype=double)"""


@needs_torch
@pytest.mark.parametrize("call", [c.strip() for s in CALLS.split("\n") for c in s.split("|")])
def test_calls(call):
    def case(torch):
        x = torch.from_numpy(X).float()
        names = dict(vars(torch.masked), x=x, i=(x * 5).long(), b=x > 0, double=torch.float64,
                     m=torch.from_numpy(MASKS["some"]), v=torch.from_numpy(MASKS["row"]))
        return eval(call, names)
    alike(case, wording=call != "sum(x, 1, mask=v[:2])")


@pytest.mark.parametrize("name", ("sum", "prod", "amax", "amin", "mean", "var", "std", "median"))
def test_a_mask_is_a_selection(name):
    x = learntorch.from_numpy(X)
    mask = learntorch.from_numpy(MASKS["some"])
    mine = getattr(learntorch.masked, name)(x, 1, mask=mask)
    for row in (0, 2):
        alone = getattr(learntorch.masked, name)(x[row][mask[row]], 0)
        assert float(mine[row]) == pytest.approx(float(alone), rel=1e-12)


def test_what_is_hidden_gets_no_gradient():
    x = learntorch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    mask = learntorch.tensor([[True, True], [False, False]])
    learntorch.masked.mean(x, 1, mask=mask).sum().backward()
    assert x.grad.tolist() == [[0.5, 0.5], [0.0, 0.0]]         # not NaN, though the mean of none is


def test_where_passes_no_nan_to_what_was_not_chosen():
    x = learntorch.ones(2, requires_grad=True)
    chosen = learntorch.where(learntorch.tensor([True, False]), x, learntorch.zeros(2))
    chosen.backward(learntorch.tensor([1.0, math.nan]))
    assert x.grad.tolist() == [1.0, 0.0]
    y = learntorch.ones(2, requires_grad=True)
    hidden = y.masked_fill(learntorch.tensor([True, False]), 0.0)
    hidden.backward(learntorch.tensor([math.nan, 1.0]))
    assert y.grad.tolist() == [0.0, 1.0]
