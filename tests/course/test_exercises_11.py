"""The exercises of chapter 11: wrong answers are found out, right ones of any style pass."""

import numpy as np
import pytest

import learntorch as torch
from course.checks import module
from course.checks.framework import run
from learntorch.utils.data import Dataset
from tests.course.wrong_answers_11 import WRONG, collate, weights_by_hand, windows


def verdict(name, answer):
    return run(getattr(module("11"), name), answer)


@pytest.mark.parametrize(("name", "number"), [(n, i) for n in WRONG for i in range(len(WRONG[n]))])
def test_a_wrong_answer_fails_with_a_counterexample(name, number):
    result = verdict(name, WRONG[name][number])
    assert result.status == "failed"
    assert name in result.reason or "pieces" in result.reason, result


def padded_by_torch(samples):
    turned = [row.flip(0) for row, _ in samples]
    rows = torch.nn.utils.rnn.pad_sequence(turned, batch_first=True, padding_value=-1).flip(1)
    lengths = torch.tensor([len(row) for row in turned])
    mask = torch.arange(rows.shape[1]) >= rows.shape[1] - lengths[:, None]
    return [rows, mask, torch.as_tensor([y for _, y in samples])]


RIGHT = {
    "ex_11_1": [
        lambda n, b, drop: ((n // b, b * (n >= b)) if drop or n % b == 0 else (n // b + 1, n % b)),
    ],
    "ex_11_2": [windows(), windows(base=object)],
    "ex_11_3": [collate(), padded_by_torch],
    "ex_11_4": [
        lambda n, w, k: np.array_split(np.arange(n), k)[w].tolist(),
        lambda n, w, k: range(w * n // k, (w + 1) * n // k),
    ],
    "ex_11_5": [
        weights_by_hand,
        lambda labels, share: (torch.tensor(share, dtype=torch.float64)
                               / torch.bincount(labels, minlength=len(share)).clamp(min=1))[labels],
    ],
}


@pytest.mark.parametrize(("name", "number"), [(n, i) for n in RIGHT for i in range(len(RIGHT[n]))])
def test_right_answers_of_another_style_pass(name, number):
    result = verdict(name, RIGHT[name][number])
    assert result.status == "passed", result


def endless(*_):
    while True:
        pass


@pytest.mark.parametrize("name", [n for n in WRONG if n != "ex_11_2"])
def test_odd_answers_get_a_helpful_line(name, monkeypatch):
    assert verdict(name, None).status == "not attempted"
    assert "wants a function" in verdict(name, 3).reason
    assert "returned nothing" in verdict(name, lambda *_: print()).reason
    assert "ZeroDivisionError" in verdict(name, lambda *_: 1 / 0).reason
    task = getattr(module("11"), name)
    monkeypatch.setattr(task, "seconds", 0.3)
    assert "does its loop end?" in verdict(name, endless).reason


def test_odd_classes_get_a_helpful_line(monkeypatch):
    assert verdict("ex_11_2", Dataset()).status == "failed"
    assert "wants a class" in verdict("ex_11_2", windows()(torch.ones(3), 1)).reason
    stub = type("ex_11_2", (Dataset,), {"__getitem__": lambda self, i: ...})
    assert verdict("ex_11_2", stub).status == "not attempted"
    monkeypatch.setattr(module("11").ex_11_2, "seconds", 0.3)
    slow = type("Slow", (windows(),), {"__len__": endless})
    assert "does its loop end?" in verdict("ex_11_2", slow).reason
