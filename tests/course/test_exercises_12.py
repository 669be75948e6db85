"""The exercises of chapter 12: wrong answers are found out, right ones of any style pass."""

import pytest

import learntorch as torch
import learntorch.nn.functional as F
from learntorch import nn
from tests.course.answers import (
    numbered,
    odd_classes_are_answered,
    odd_functions_are_answered,
    verdict,
)
from tests.course.wrong_answers_12 import WRONG, conv, lenet, moved

FUNCTIONS = [name for name in WRONG if name != "ex_12_4"]


@pytest.mark.parametrize(("name", "number"), numbered(WRONG))
def test_a_wrong_answer_fails_with_a_counterexample(name, number):
    result = verdict(name, WRONG[name][number])
    assert result.status == "failed" and len(result.reason) > 30, result


class InOne(nn.Module):
    """A small LeNet of another make: all in one Sequential, no biases in the convolutions."""

    def __init__(self, side, classes):
        super().__init__()
        self.parts = nn.Sequential(
            nn.Conv2d(1, 6, (5, 5), bias=False), nn.MaxPool2d(2), nn.ReLU(inplace=True),
            nn.Conv2d(6, 16, 5, bias=False), nn.MaxPool2d((2, 2)), nn.ReLU(), nn.Flatten())
        with torch.no_grad():
            found = self.parts(torch.zeros(1, 1, side, side)).shape[1]
        self.last = nn.Linear(found, classes)

    def forward(self, x):
        return self.last(self.parts(x))


def by_slices(images, down, right):
    n, _, rows, columns = images.shape
    out = torch.zeros_like(images)
    for i in range(n):
        d, r = down[i], right[i]
        out[i, :, max(d, 0):rows + min(d, 0), max(r, 0):columns + min(r, 0)] = images[
            i, :, max(-d, 0):rows + min(-d, 0), max(-r, 0):columns + min(-r, 0)]
    return out


RIGHT = {
    "ex_12_1": [lambda n, k, padding, stride: len(range(0, n + 2 * padding - k + 1, stride))],
    "ex_12_2": [conv],
    "ex_12_3": [
        lambda table: F.max_pool2d(table[None, None], 2)[0, 0],
        lambda table: table.unfold(0, 2, 2).unfold(1, 2, 2).amax(dim=(2, 3)),
    ],
    "ex_12_4": [lenet(), InOne],
    "ex_12_5": [moved(), by_slices],
}


@pytest.mark.parametrize(("name", "number"), numbered(RIGHT))
def test_right_answers_of_another_style_pass(name, number):
    result = verdict(name, RIGHT[name][number])
    assert result.status == "passed", result


@pytest.mark.parametrize("name", FUNCTIONS)
def test_odd_answers_get_a_helpful_line(name, monkeypatch):
    odd_functions_are_answered(name, monkeypatch)


def test_odd_classes_get_a_helpful_line(monkeypatch):
    odd_classes_are_answered("ex_12_4", lenet(), monkeypatch)


def test_a_changed_batch_is_named():
    assert "changed its input" in verdict("ex_12_5", moved(in_place=True)).reason
