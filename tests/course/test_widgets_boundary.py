"""The decision boundary, without a browser: points, training, the picture and the controls."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("anywidget")

import learntorch as torch
from course import widgets
from course.widgets import base, boundary_picture, decision_boundary, toy_points

ROOT = Path(__file__).resolve().parents[2]


def turn(made, name, at):
    made._handle_custom_msg({"type": "turn", "name": name, "at": at}, [])


# ---- points --------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", toy_points.KINDS)
def test_points_are_in_two_classes_and_in_the_picture(kind):
    x, y = toy_points.make(kind, 200, 0.0, torch.Generator().manual_seed(0))
    assert x.shape == (200, 2) and x.dtype == torch.float64
    assert torch.bincount(y).tolist() == [100, 100]
    assert x.abs().max() <= 1.0
    again, _ = toy_points.make(kind, 200, 0.0, torch.Generator().manual_seed(0))
    other, _ = toy_points.make(kind, 200, 0.0, torch.Generator().manual_seed(1))
    assert torch.equal(x, again) and not torch.equal(x, other)


@pytest.mark.parametrize("kind", toy_points.KINDS)
def test_without_noise_a_network_can_learn_them(kind):
    run = decision_boundary.train(kind, 0.0, 120, 16, 0.0, 0)
    assert run.share("train", -1) == 1.0 and run.share("valid", -1) > 0.97


def test_the_moons_lie_as_their_formula_says():
    x = toy_points.moons(torch.tensor([0.0, 0.5, 1.0, 0.5]), torch.tensor([0.0, 0.0, 0.0, 1.0]))
    assert x.tolist() == [pytest.approx(p) for p in
                          ([0.25, -0.14], [-0.25, 0.41], [-0.75, -0.14], [0.25, -0.41])]


# ---- training ------------------------------------------------------------------------------------

def test_the_task_of_the_chapter():
    """It can be made to overfit, and mended in three ways; more points are not always enough."""
    bad = widgets.DecisionBoundary(hidden=32, steps=400)
    train, valid = float(bad.picture["train"]), float(bad.picture["valid"])
    assert train == 1.0 and valid < 0.75 and "overfitting" in bad.message
    for name, value in (("steps", 20), ("decay", 3.0), ("hidden", 2)):
        mended = widgets.DecisionBoundary(**{"hidden": 32, "steps": 400, name: value})
        assert float(mended.picture["valid"]) > 0.82, name
    more = widgets.DecisionBoundary(hidden=32, steps=400, count=240)
    assert float(more.picture["train"]) > 0.99 and valid < float(more.picture["valid"]) < 0.8


def test_the_first_weights_know_nothing_and_the_last_more():
    run = decision_boundary.train("moons", 0.1, 60, 8, 0.0, 0)
    assert run.train_loss[0] > 0.5 > run.train_loss[-1]
    assert len(run.maps) == len(decision_boundary.SCALES["steps"])
    probe = np.asarray(run.maps[-1])
    assert probe.shape == (40, 40) and probe.min() >= 0 and probe.max() <= 1


def test_the_map_is_what_the_network_says_there():
    """Rows from the top: blob 1 is on the right, so the right half is more likely class 1."""
    run = decision_boundary.train("blobs", 0.1, 60, 4, 0.0, 0)
    probe = np.asarray(run.maps[-1])
    assert probe[:, 30:].mean() > 0.8 > 0.2 > probe[:, :10].mean()
    x = decision_boundary.grid()
    assert x[0].tolist() == pytest.approx([-1.2675, 1.2675])
    assert x[1, 0] > x[0, 0] and x[40, 1] < x[0, 1]


def test_the_readers_random_numbers_are_left_alone():
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    widgets.DecisionBoundary(seed=1234)
    assert torch.equal(torch.rand(2), wanted)


# ---- the picture ---------------------------------------------------------------------------------

def test_the_line_is_where_both_are_equally_likely():
    chances = np.tile(np.linspace(0, 1, 40), (40, 1))
    found = [float(v) for v in re.findall(r"[\d.]+", boundary_picture.boundary(chances))]
    assert found[0::2] and all(x == pytest.approx(160, abs=0.1) for x in found[0::2])
    assert boundary_picture.boundary(np.zeros((40, 40))) == ""
    saddle = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert boundary_picture.boundary(saddle).count("M") == 2


def test_marks_are_where_the_points_are():
    marks = boundary_picture.points(
        torch.tensor([[0.0, 0.0], [1.3, 1.3], [9.0, 0.0]]), torch.tensor([0, 1, 1]),
        torch.tensor([True, False, True]), "train")
    assert marks == [
        {"x": 160.0, "y": 160.0, "kind": 0, "part": "train", "right": True},
        {"x": 320.0, "y": 0.0, "kind": 1, "part": "train", "right": False}]


@pytest.mark.parametrize("train, valid, word", [(0.6, 0.6, "underfitting"), (1.0, 0.8, "overfitt"),
                                                (0.9, 0.88, "as good on new points")])
def test_the_verdict(train, valid, word):
    assert word in boundary_picture.verdict(train, valid)


def test_validation_points_can_be_hidden():
    made = widgets.DecisionBoundary()
    both = len(made.picture["marks"])
    made.validation = False
    assert {m["part"] for m in made.picture["marks"]} == {"train"}
    assert len(made.picture["marks"]) < both - 100


def test_the_picture_is_the_same_with_another_matrix_product():
    code = ("from course.widgets import DecisionBoundary; import zlib\n"
            "for points in ('moons', 'spirals'):\n"
            "    made = DecisionBoundary(points, hidden=32, steps=400)\n"
            "    print(zlib.crc32(made.static().encode()), made)")
    said = set()
    for kernel in ("Haswell", "Sandybridge"):
        environment = dict(os.environ, PYTHONPATH=str(ROOT), OPENBLAS_CORETYPE=kernel,
                           OPENBLAS_NUM_THREADS="1")
        done = subprocess.run([sys.executable, "-c", code], env=environment, text=True,
                              capture_output=True, check=True)
        said.add(done.stdout)
    assert len(said) == 1


# ---- controls ------------------------------------------------------------------------------------

def test_sliders_go_through_their_scales():
    made = widgets.DecisionBoundary()
    assert [c["name"] for c in made.controls] == list(decision_boundary.SCALES)
    for name, scale in decision_boundary.SCALES.items():
        control = next(c for c in made.controls if c["name"] == name)
        assert len(control["texts"]) == len(scale)
        assert control["texts"][control["at"]] == f"{getattr(made, name):g}"
    turn(made, "hidden", 0)
    assert made.hidden == 1
    turn(made, "steps", 999)
    assert made.steps == 400 and made.controls[-1]["at"] == 17
    for name, at in (("lr", 0), ("steps", None), ("steps", "0"), (None, 1)):
        turn(made, name, at)
    assert made.steps == 400


def test_values_between_take_the_nearest():
    made = widgets.DecisionBoundary(noise=0.17, count=1000, hidden=5, decay=0.1, steps=100)
    assert (made.noise, made.count, made.hidden, made.decay, made.steps) == (0.15, 240, 4, 0.0, 110)


def test_the_state_comes_back():
    made, other = widgets.DecisionBoundary(), widgets.DecisionBoundary()
    made.points, made.seed, made.steps, made.validation = "blobs", 3, 20, False
    assert made.state.startswith("lt:boundary?points=blobs&noise=0.2&count=30&hidden=4&decay=0.0")
    other.state = made.state
    assert other.state == made.state and other.picture == made.picture
    for bad in ("lt:boundary?points=stars", "lt:boundary?seed=-1", "lt:boundary?hidden=[1]"):
        other.state = bad
        assert "cannot be used" in other.message and other.points == "blobs"


def test_text_and_picture_are_stable():
    first, second = widgets.DecisionBoundary(), widgets.DecisionBoundary()
    assert repr(first) == repr(second) and first.static() == second.static()
    assert repr(first).startswith("DecisionBoundary(moons, hidden=4, decay=0, steps=80, training ")
    root = ElementTree.fromstring(first.static())
    words = " ".join(root.itertext())
    assert f"training {first.picture['train']}" in words
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on") or a == "id"]
    assert first.alt.startswith("30 training points, moons with noise 0.2; two layers of 4 hidden")
    assert len(first.static()) < 60_000


def test_view_code_asks_for_nothing():
    code, css = str(widgets.DecisionBoundary._esm), str(widgets.DecisionBoundary._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css
    lines = (base.FOLDER / "decision_boundary.js").read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 100
