"""The exercises of chapter 15: wrong answers are found out, right ones of any style pass."""

import copy

import pytest

import learntorch as torch
from learntorch import nn
from tests.course.answers import numbered, odd_functions_are_answered, verdict
from tests.course.wrong_answers_15 import WRONG, groups, made, modes, with_head


@pytest.mark.parametrize(("name", "number"), numbered(WRONG))
def test_a_wrong_answer_fails_with_a_counterexample(name, number):
    result = verdict(name, WRONG[name][number])
    assert result.status == "failed" and len(result.reason) > 20, result


def head_by_search(model, classes):
    """Goes through parts and their children by itself."""
    model = copy.deepcopy(model)
    for p in model.parameters():
        p.requires_grad = False
    place = None
    for holder in model.modules():
        for word, part in holder._modules.items():
            if isinstance(part, nn.Linear):
                place = (holder, word, part.in_features)
    holder, word, inputs = place
    holder._modules[word] = nn.Linear(inputs, classes)
    return model


def features_in_a_loop(body, images, size):
    flags = {part: part.training for part in body.modules()}
    rows = []
    with torch.inference_mode():
        for first in range(0, len(images), size):
            body.train(False)
            rows.extend(body(images[first:first + size]))
    for part, flag in flags.items():
        part.training = flag
    return torch.stack(rows)


def steady(model):
    for part in model.modules():
        frozen = isinstance(part, nn.BatchNorm2d) and not part.weight.requires_grad
        part.training = not frozen
    return model


RIGHT = {
    "ex_15_1": [with_head(), head_by_search],
    "ex_15_2": [lambda state, other: dict(
        (k, state[k]) for k in state.keys() & other.keys() if state[k].size() == other[k].size())],
    "ex_15_3": [groups(), groups(generators=True)],
    "ex_15_4": [modes(), steady],
    "ex_15_5": [made(), features_in_a_loop],
}


@pytest.mark.parametrize(("name", "number"), numbered(RIGHT))
def test_right_answers_of_another_style_pass(name, number):
    result = verdict(name, RIGHT[name][number])
    assert result.status == "passed", result


@pytest.mark.parametrize("name", WRONG)
def test_odd_answers_get_a_helpful_line(name, monkeypatch):
    odd_functions_are_answered(name, monkeypatch)


def test_what_is_wrong_is_named():
    assert "training mode" in verdict("ex_15_5", made(mode=False)).reason
    assert "torch.no_grad() is missing" in verdict("ex_15_5", made(record=True)).reason
    assert "1, a BatchNorm2d, is in training mode" in verdict(
        "ex_15_4", lambda model: model.train()).reason
    assert "parameters that learn" in verdict("ex_15_1", with_head(freeze=False)).reason
