"""The exercises of chapter 07: wrong answers get a counterexample, right ones of any style pass."""

import pytest

import learntorch as torch
import learntorch.nn.functional as F
from course.checks import module
from course.checks.framework import run
from tests.course.wrong_answers_07 import WRONG, one_maximum


def verdict(name, answer):
    return run(getattr(module("07"), name), answer)


FUNCTIONS = [name for name in WRONG if name != "ex_07_1"]


@pytest.mark.parametrize(("name", "number"),
                         [(n, i) for n in FUNCTIONS for i in range(len(WRONG[n]))])
def test_a_wrong_answer_is_told_by_a_counterexample(name, number):
    result = verdict(name, WRONG[name][number])
    assert result.status == "failed"
    assert f"{name}(tensor(" in result.reason, result


def by_clamping(output, target, delta):
    d = output - target
    inner = d.clamp(-delta, delta)
    return (inner * (d - inner / 2)).mean()


def row_by_row(scores, target):
    found = []
    for row, t in zip(scores, target.tolist()):
        found.append(torch.logsumexp(row, 0) - row[t])
    return torch.stack(found)


def with_autograd(scores, target):
    leaf = scores.clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(leaf, target), leaf)[0]


def in_two_steps(scores, target):
    g = torch.softmax(scores, 1)
    g[torch.arange(len(target)), target] -= 1
    return g / g.shape[0]


RIGHT = {
    "ex_07_1": [1.0397, 1.04, 1.0397207708],
    "ex_07_2": [by_clamping, lambda o, t, d: F.huber_loss(o, t, delta=d),
                lambda o, t, d: d * F.smooth_l1_loss(o, t, beta=d)],
    "ex_07_3": [lambda o, t: F.mse_loss(o.flatten(), t.flatten()),
                lambda o, t: F.mse_loss(o.view(1, -1), t.view(1, -1)),
                lambda o, t: ((o.reshape(t.shape) - t) ** 2).sum() / t.numel()],
    "ex_07_4": [row_by_row, lambda s, t: F.cross_entropy(s, t, reduction="none"),
                lambda s, t: -F.log_softmax(s, 1)[range(len(t)), t]],
    "ex_07_5": [with_autograd, in_two_steps],
}


@pytest.mark.parametrize(("name", "number"), [(n, i) for n in RIGHT for i in range(len(RIGHT[n]))])
def test_right_answers_of_another_style_pass(name, number):
    result = verdict(name, RIGHT[name][number])
    assert result.status == "passed", result


def endless(*_):
    while True:
        pass


@pytest.mark.parametrize("name", FUNCTIONS)
def test_odd_answers_get_a_helpful_line(name):
    def silent(*_):
        print("done")

    def crash(*_):
        raise ValueError("oh")

    task = getattr(module("07"), name)
    for answer, words in [(silent, "is a `return` missing?"), (crash, "raised ValueError"),
                          (lambda *_: "x", "should be a tensor"), (lambda: 1, "raised TypeError"),
                          (lambda *_: torch.zeros(10**6), "should have shape")]:
        result = run(task, answer)
        assert result.status == "failed" and words in result.reason, result
        assert len(result.reason) < 500
    assert run(task, 3).reason.startswith("this exercise wants a function")
    assert run(task, ...).status == "not attempted"


def test_a_loop_without_end_is_stopped(monkeypatch):
    task = module("07").ex_07_4
    monkeypatch.setattr(task, "seconds", 0.3)
    assert "still running" in run(task, endless).reason


def test_the_counterexample_of_a_common_maximum_is_its_smallest():
    """Rows far apart are what tells a maximum for each row from one for all."""
    assert "-1000." in verdict("ex_07_4", one_maximum).reason
