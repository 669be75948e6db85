"""The exercises of chapter 14: what a wrong answer is told, and right ones of any style pass."""

import io
import struct

import numpy as np
import pytest

import learntorch as torch
from course.checks import module
from tests.course.answers import numbered, odd_functions_are_answered, verdict
from tests.course.wrong_answers_14 import WRONG, reader


@pytest.mark.parametrize(("name", "number"), numbered(WRONG))
def test_a_wrong_answer_is_told_by_a_counterexample(name, number):
    result = verdict(name, WRONG[name][number])
    assert result.status == "failed"
    assert name in result.reason or "the checkpoint" in result.reason, result


def by_python_loop(tensors):
    seen, total = [], 0
    for t in tensors:
        storage = t.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.append(storage.data_ptr())
            total += storage.nbytes()
    return total


def in_place(model, state):
    own = model.state_dict()
    fits = [n for n in own if n in state and state[n].shape == own[n].shape]
    with torch.no_grad():
        for name in fits:
            own[name].copy_(state[name])
    return [sorted(n for n in own if n not in fits), sorted(n for n in state if n not in fits)]


def through_a_file(model, optimizer):
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                "random": torch.get_rng_state(), "more": 1}, file)
    file.seek(0)
    return torch.load(file)


RIGHT = {"ex_14_1": by_python_loop, "ex_14_2": in_place, "ex_14_3": through_a_file,
         "ex_14_4": reader()}


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_of_another_style_pass(name):
    result = verdict(name, RIGHT[name])
    assert result.status == "passed", result


@pytest.mark.parametrize("name", WRONG)
def test_odd_answers_get_a_helpful_line(name, monkeypatch):
    odd_functions_are_answered(name, monkeypatch)


def test_the_files_of_the_reader_exercise_are_those_of_the_package():
    package = pytest.importorskip("safetensors.numpy")
    made = module("14").safetensors({"w": torch.arange(6.0).reshape(2, 3)}, {"a": "b"}, space=2)
    assert np.array_equal(package.load(made)["w"], np.arange(6.0, dtype=np.float32).reshape(2, 3))
    theirs = package.save({"x": np.array([1, 2], np.int64)})
    assert torch.equal(reader()(theirs)["x"], torch.tensor([1, 2]))
    assert struct.unpack("<Q", made[:8])[0] < len(made)


def test_a_checkpoint_that_changes_later_is_the_reason_told():
    result = verdict("ex_14_3", WRONG["ex_14_3"][0])
    assert "did it change while the training went on?" in result.reason
