"""The exercises of chapter 08: wrong answers get a counterexample, right ones of any style pass."""

import warnings

import pytest

import learntorch as torch
from course.checks import module
from course.checks.framework import run
from learntorch import nn
from tests.course.wrong_answers_08 import WRONG


def verdict(name, answer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")     # a wrong order warns; the check must see it anyway
        return run(getattr(module("08"), name), answer)


FUNCTIONS = [name for name in WRONG if name != "ex_08_1"]


@pytest.mark.parametrize(("name", "number"),
                         [(n, i) for n in FUNCTIONS for i in range(len(WRONG[n]))])
def test_a_wrong_answer_is_told_by_a_counterexample(name, number):
    result = verdict(name, WRONG[name][number])
    assert result.status == "failed"
    assert f"{name}(" in result.reason or "start should be" in result.reason, result
    assert "0x" not in result.reason, "an address tells a reader nothing"


def heavy_ball(f, start, rate, mu, steps):
    """Momentum from the last two places, without a velocity."""
    before = now = start.clone()
    for _ in range(steps):
        leaf = now.clone().requires_grad_()
        f(leaf).backward()
        before, now = now, now - rate * leaf.grad + mu * (now - before)
    return now


def by_the_library(f, start, rate, mu, steps):
    w = start.detach().clone().requires_grad_()
    optimizer = torch.optim.SGD([w], lr=rate, momentum=mu)
    for _ in range(steps):
        optimizer.zero_grad()
        f(w).backward()
        optimizer.step()
    return w.detach()


def rmsprop_on_copies(w, g, v, rate, alpha, eps):
    w, v = w.clone(), v.clone()
    v.mul_(alpha).addcmul_(g, g, value=1 - alpha)
    w.addcdiv_(g, v.sqrt().add_(eps), value=-rate)
    return [w, v]


def a_group_for_each(model, rate, decay):
    return torch.optim.AdamW([
        {"params": p, "weight_decay": decay * (p.ndim >= 2), "lr": rate}
        for p in model.parameters() if p.requires_grad])


def added_later(model, rate, decay):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.ndim > 1 and p.requires_grad],
                                  lr=rate, weight_decay=decay)
    biases = [p for p in model.parameters() if p.ndim < 2 and p.requires_grad]
    optimizer.add_param_group({"params": biases, "weight_decay": 0.0})
    return optimizer


def cleared_by_the_model(model, loss_of, optimizer, scheduler, steps, limit):
    losses = []
    while len(losses) < steps:
        loss = loss_of(model)
        model.zero_grad(set_to_none=False)
        loss.backward()
        nn.utils.clip_grad_norm_(list(model.parameters()), max_norm=limit)
        optimizer.step()
        scheduler.step()
        losses += [float(loss)]
    return losses


RIGHT = {
    "ex_08_1": [0.32, 0.4 * 0.4 * 2],
    "ex_08_2": [heavy_ball, by_the_library],
    "ex_08_3": [rmsprop_on_copies],
    "ex_08_4": [a_group_for_each, added_later],
    "ex_08_5": [cleared_by_the_model],
}


@pytest.mark.parametrize(("name", "number"), [(n, i) for n in RIGHT for i in range(len(RIGHT[n]))])
def test_right_answers_of_another_style_pass(name, number):
    result = verdict(name, RIGHT[name][number])
    assert result.status == "passed", result


def endless(*_, **__):
    while True:
        pass


@pytest.mark.parametrize("name", FUNCTIONS)
def test_odd_answers_get_a_helpful_line(name, monkeypatch):
    def silent(*_, **__):
        print("done")

    def crash(*_, **__):
        raise ValueError("oh")

    task = getattr(module("08"), name)
    for answer, words in [(silent, "is a `return` missing?"), (crash, "raised ValueError"),
                          (lambda: 1, "raised TypeError"), (lambda *_, **__: "x", "")]:
        result = run(task, answer)
        assert result.status == "failed" and words in result.reason, result
        assert len(result.reason) < 600
    assert run(task, 3).reason.startswith("this exercise wants a function")
    assert run(task, ...).status == "not attempted"
    monkeypatch.setattr(task, "seconds", 0.3)
    assert "still running" in run(task, endless).reason
