"""The exercises of chapter 13: wrong answers are found out, right ones of any style pass."""

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
from tests.course.wrong_answers_13 import WRONG, block, child, cost, folded, normalised

FUNCTIONS = [name for name in WRONG if name != "ex_13_4"]


@pytest.mark.parametrize(("name", "number"), numbered(WRONG))
def test_a_wrong_answer_fails_with_a_counterexample(name, number):
    result = verdict(name, WRONG[name][number])
    assert result.status == "failed" and len(result.reason) > 30, result


class InOne(nn.Module):
    """A residual block of another make: its parts in a list, batch norm on the way past as well."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.parts = nn.ModuleDict({"body": nn.Sequential(
            nn.Conv2d(inputs, outputs, (3, 3), padding="same", bias=False), nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True), nn.Conv2d(outputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs))})
        if inputs != outputs:
            past = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
            self.parts["past"] = past

    def forward(self, x):
        past = self.parts["past"](x) if "past" in self.parts else x
        return (past + self.parts["body"](x)).clamp(min=0)


def by_running(layer, height, width):
    out = layer(torch.zeros(1, layer.in_channels, height, width))
    return out.numel() * layer.weight[0].numel()


def folded_by_trying(conv, norm):
    shift = norm(torch.zeros(1, norm.num_features, 1, 1)).reshape(-1)
    factor = norm(torch.ones(1, norm.num_features, 1, 1)).reshape(-1) - shift
    return torch.einsum("o...,o->o...", conv.weight, factor), shift


RIGHT = {
    "ex_13_1": [
        normalised(),
        lambda images, training: torch.stack(
            [(images[:, c] - training[:, c].mean()) / training[:, c].std()
             for c in range(images.shape[1])], dim=1),
    ],
    "ex_13_2": [
        child(),
        lambda picture, top, left, mirror: torch.flip(
            F.pad(picture, (4,) * 4).narrow(1, top, picture.shape[1])
            .narrow(2, left, picture.shape[2]), [2] if mirror else []),
    ],
    "ex_13_3": [cost(), by_running],
    "ex_13_4": [block(), InOne],
    "ex_13_5": [folded(), folded_by_trying, lambda conv, norm: list(folded()(conv, norm))],
}


@pytest.mark.parametrize(("name", "number"), numbered(RIGHT))
def test_right_answers_of_another_style_pass(name, number):
    result = verdict(name, RIGHT[name][number])
    assert result.status == "passed", result


@pytest.mark.parametrize("name", FUNCTIONS)
def test_odd_answers_get_a_helpful_line(name, monkeypatch):
    odd_functions_are_answered(name, monkeypatch)


def test_odd_classes_get_a_helpful_line(monkeypatch):
    odd_classes_are_answered("ex_13_4", block(), monkeypatch)


def test_the_last_relu_and_the_way_past_are_named():
    assert "is the last ReLU missing?" in verdict("ex_13_4", block(relu=False)).reason
    assert "never used" in verdict("ex_13_4", WRONG["ex_13_4"][6]).reason
    assert "changed conv or norm" in verdict("ex_13_5", WRONG["ex_13_5"][6]).reason
