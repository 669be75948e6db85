"""The loss explorer, without a browser: values, slopes, best guesses, what it says and shares."""

import math
import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("anywidget")

import traitlets

from course import widgets
from course.widgets import base
from course.widgets.loss_shapes import (
    GRID,
    HIGH,
    LOSSES,
    LOW,
    USUAL,
    best_guess,
    evaluate,
    label,
    pieces,
    text,
    truth,
)

FORMULAS = {
    "squared": lambda x, y: (x - y) ** 2,
    "absolute": lambda x, y: abs(x - y),
    "huber": lambda x, y: (x - y) ** 2 / 2 if abs(x - y) < 1.5 else 1.5 * (abs(x - y) - 0.75),
    "smooth": lambda x, y: (x - y) ** 2 / 3 if abs(x - y) < 1.5 else abs(x - y) - 0.75,
    "logits": lambda x, y: math.log(1 + math.exp(-x if y else x)),
    "sigmoid-squared": lambda x, y: (1 / (1 + math.exp(-x)) - y) ** 2,
    "classes": lambda x, y: math.log(math.exp(x) + 2) - (x if y else 0),
    "softmax-twice": lambda x, y: twice(x, y),
}


def twice(x, y):
    first = [math.exp(x) / (math.exp(x) + 2)] + [1 / (math.exp(x) + 2)] * 2
    return math.log(sum(map(math.exp, first))) - first[0 if y else 1]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_values_and_slopes_are_those_of_the_formula(name, target):
    xs = [-4.3, -1.0, 0.2, 2.7]
    values, slopes = evaluate(name, xs, target, bend=1.5)
    formula = FORMULAS[name]
    assert values == pytest.approx([formula(x, target) for x in xs])
    measured = [(formula(x + 1e-6, target) - formula(x - 1e-6, target)) / 2e-6 for x in xs]
    assert slopes == pytest.approx(measured, abs=1e-5)


def test_the_slope_of_huber_stops_growing_at_its_bend():
    distances = [0.5, 1.0, 1.5, 2.0, 2.5, 4.0]
    _, slopes = evaluate("huber", distances, 0.0, bend=2.0)
    assert slopes == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.0, 2.0])


def test_smoothed_labels_make_certainty_expensive():
    (plain,), _ = evaluate("classes", [6.0], 1.0)
    (smooth,), (slope,) = evaluate("classes", [6.0], 1.0, smoothing=0.1)
    assert smooth > plain + 0.3 and slope > 0


@pytest.mark.parametrize("outlier", [-6.0, 0.25, 5.0, 6.0])
def test_best_guesses_are_mean_and_median(outlier):
    seven = [*USUAL, outlier]
    assert best_guess("squared", seven) == pytest.approx(sum(seven) / 7, abs=0.006)
    assert best_guess("absolute", seven) == pytest.approx(sorted(seven)[3], abs=0.006)
    assert best_guess("smooth", seven, 0.7) == best_guess("huber", seven, 0.7)


def test_the_middle_is_taken_where_the_bottom_is_flat():
    assert best_guess("absolute", [-1.0, 3.0]) == 1.0


def test_probability_of_the_truth():
    assert truth(0.0, 1)["logits"] == 0.5
    assert truth(2.0, 0)["logits"] == pytest.approx(1 / (1 + math.exp(2)))
    assert truth(0.0, 0)["classes"] == pytest.approx(1 / 3)


def test_what_is_drawn_stays_in_the_panel():
    shown = widgets.LossShapes("squared", "huber", x=6.0, target=-6.0)
    frame = shown.picture["frame"]
    for panel in shown.picture["panels"]:
        for curve in panel["curves"]:
            assert curve["lines"]
            for line in curve["lines"]:
                for point in line.split():
                    x, y = map(float, point.split(","))
                    assert frame["left"] <= x <= frame["width"] - frame["right"]
                    assert frame["top"] <= y <= frame["height"] - frame["bottom"]
    assert [d["outside"] for d in shown.picture["panels"][0]["dots"]] == [True, True]
    assert [d["outside"] for d in shown.picture["panels"][1]["dots"]] == [True, False]


def test_pieces_are_cut_at_the_edges():
    assert pieces([-6.0, 0.0, 6.0], [-1.0, 1.0, -1.0], 0.0, 2.0, lambda v: v) == [
        "130,0 216,1 302,0"]
    assert pieces([-6.0, 6.0], [3.0, 4.0], 0.0, 2.0, lambda v: v) == []


def test_the_sentence():
    shown = widgets.LossShapes("huber", "squared", x=2.5)
    assert shown.message == (
        "Prediction 2.50, target 0.00, 2.50 apart. Huber, δ = 1: loss 2.000, slope 1.000. "
        "Squared error: loss 6.250, slope 5.000. Best single guess for the seven numbers: "
        "0.00, 0.50.")
    assert repr(shown) == f"LossShapes({shown.message})"
    assert shown.alt.startswith("F.huber_loss(x, target, delta=1); F.mse_loss(x, target).")


def test_changing_the_kind_of_loss_starts_at_a_sensible_place():
    shown = widgets.LossShapes("squared", "huber", x=3.0, target=2.0)
    shown.loss = "logits"
    assert (shown.other, shown.x, shown.target) == ("", -2.0, 1.0)
    assert shown.picture["group"] == "scores" and shown.picture["strip"] == {}
    shown.other = "sigmoid-squared"
    assert len(shown.picture["rows"]) == 2
    shown.other = "huber"
    assert shown.other == ""
    shown.target = 0.3
    assert shown.target == 0.0 and "the truth is no" in shown.message
    assert widgets.LossShapes("squared", "logits").other == ""


def test_only_the_settings_that_are_used_are_offered():
    assert widgets.LossShapes("squared").picture["uses"] == []
    assert widgets.LossShapes("squared", "smooth").picture["uses"] == ["bend"]
    assert widgets.LossShapes("classes").picture["uses"] == ["smoothing"]


def test_values_out_of_range_are_moved_into_it():
    shown = widgets.LossShapes(x=99.0)
    assert shown.x == HIGH
    shown.outlier = -99.0
    assert shown.outlier == LOW
    with pytest.raises(traitlets.TraitError):
        shown.x = float("nan")
    with pytest.raises(ValueError, match="no loss called 'x'"):
        widgets.LossShapes("x")


def test_the_state_comes_back():
    first = widgets.LossShapes("classes", "softmax-twice", x=3.5, target=0.0, smoothing=0.1)
    other = widgets.LossShapes()
    other.state = first.state
    assert other.picture == first.picture and other.state == first.state
    other.state = "lt:losses?loss=nothing"
    assert "cannot be used" in other.message and other.loss == "classes"
    other.state = "lt:losses?bend=900"
    assert "cannot be used" in other.message


def test_numbers_are_printed_without_noise():
    assert text(-1e-12) == "0.000" and text(0.1234999999999) == "0.123"
    assert label("huber", 0.5, 0.0) == "Huber, δ = 0.5"
    assert round((HIGH - LOW) / GRID) == 240


def test_the_static_picture_stands_alone():
    first = widgets.LossShapes("huber", "squared").static()
    assert first == widgets.LossShapes("huber", "squared").static()
    root = ElementTree.fromstring(first)
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on") or a == "id"]
    assert "Huber, δ = 1" in " ".join(root.itertext())
    data, _ = widgets.LossShapes()._repr_mimebundle_()
    assert "image/svg+xml" in data and data["text/plain"].startswith("LossShapes(")


def test_view_code_asks_for_nothing():
    code, css = str(widgets.LossShapes._esm), str(widgets.LossShapes._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css
    lines = (base.FOLDER / "loss_shapes.js").read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 100
