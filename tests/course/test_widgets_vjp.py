"""The stepper for the vector-Jacobian product, without a browser."""

import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("anywidget")

import traitlets

from course import widgets
from course.widgets import base, vjp_stepper
from course.widgets.vjp_stepper import FUNCTIONS, LAST, describe, gradient, slopes

SLOPES = {
    "rectangle": [[3, 2], [2, 2]],
    "squares": [[4, 0], [0, -2]],
    "circle": [[0.8775825619, -0.9588510772], [0.4794255386, 1.7551651238]],
    "matrix": [[1, 2, -1], [3, 0, 1]],
    "chain": [[2, 1, 0], [0, 3, 2]],
}


def test_slopes_are_written_down_for_every_function():
    assert sorted(SLOPES) == sorted(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_table_is_measured_right(name):
    table = slopes(name, FUNCTIONS[name]["start"])
    for row, wanted in zip(table, SLOPES[name], strict=True):
        assert row == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("v", [(1.0, 0.0), (0.0, 1.0), (2.5, -0.5), (0.0, 0.0)])
def test_backward_gives_v_times_the_table(name, v):
    """Measured slopes on one side, the library's rules on the other."""
    x = [0.5, -1.25, 2.0][:len(FUNCTIONS[name]["start"])]
    picture = describe(name, x, v)
    assert picture["sum"] == picture["grad"]
    table = slopes(name, x)
    wanted = [sum(v[i] * table[i][j] for i in range(2)) for j in range(len(x))]
    assert gradient(name, x, v) == pytest.approx(wanted, abs=1e-6)


def test_the_numbers_of_the_chapter():
    """Area and fence of 2 by 3; grass at 10, fence at 4 — here in tenths."""
    shown = widgets.VJPStepper(v=[1.0, 0.4])
    assert [row["slopes"] for row in shown.picture["rows"]] == [["3.00", "2.00"], ["2.00", "2.00"]]
    assert shown.picture["rows"][1]["weighted"] == ["0.80", "0.80"]
    assert shown.picture["sum"] == ["3.80", "2.80"]
    assert repr(shown) == "VJPStepper(rectangle: v = (1.00, 0.40), backward(v) gives (3.80, 2.80))"


def test_each_step_says_its_numbers():
    shown = widgets.VJPStepper(v=[2.0, -1.0])
    said = []
    for step in range(LAST + 1):
        shown.step = step
        said.append(shown.message)
    assert said[0] == "At x[0] = 2.00, x[1] = 3.00: y[0] is 6.00 and y[1] is 10.00."
    assert "y[0] moves 3.00 times as much" in said[1]
    assert said[2] == "v[0] times row y[0]: 2.00 · (3.00, 2.00) = (6.00, 4.00)."
    assert said[3] == "v[1] times row y[1]: -1.00 · (2.00, 2.00) = (-2.00, -2.00)."
    assert "(4.00, 2.00)" in said[4] and "x.grad = (4.00, 2.00)" in said[5]


def test_steps_and_sliders_stay_in_their_range():
    shown = widgets.VJPStepper()
    shown.step = 99
    assert shown.step == LAST
    shown.v = [7.0, -7.0]
    assert shown.v == [3.0, -3.0]
    for bad in ([1.0], [1.0, 2.0, 3.0], [float("nan"), 0.0]):
        with pytest.raises(traitlets.TraitError):
            shown.v = bad


def test_another_function_starts_at_its_own_place():
    shown = widgets.VJPStepper(step=3)
    shown.function = "chain"
    assert shown.x == [1.0, 2.0, 3.0] and len(shown.picture["inputs"]) == 3
    assert shown.message.startswith("v[1] times row y[1]")
    shown.function = "squares"
    assert shown.x == [2.0, -1.0] and shown.picture["code"][0] == "y[0] = x[0] ** 2"
    with pytest.raises(ValueError, match="there are rectangle"):
        widgets.VJPStepper("no such")


def test_equal_starts_are_drawn_too():
    """A new function at the same place must still be drawn anew."""
    shown = widgets.VJPStepper("rectangle", x=[2.0, -1.0])
    shown.function = "squares"
    assert shown.picture["code"][0] == "y[0] = x[0] ** 2"


def test_the_state_comes_back_with_the_function_first():
    shown, other = widgets.VJPStepper(), widgets.VJPStepper()
    shown.function, shown.x, shown.v, shown.step = "matrix", [0.5, 1.0, -2.0], [1.5, -0.5], 4
    assert shown.state == "lt:vjp?function=matrix&x=[0.5,1.0,-2.0]&v=[1.5,-0.5]&step=4"
    other.state = shown.state
    assert (other.function, other.x, other.v, other.step) == (
        "matrix", [0.5, 1.0, -2.0], [1.5, -0.5], 4)
    assert other.picture == shown.picture


@pytest.mark.parametrize("text", ["lt:vjp?function=none", "lt:vjp?v=[1]", "lt:vjp?v=[\"a\",1]",
                                  "lt:vjp?function=matrix&x=[1,2]", "lt:vjp?v=[NaN,0]"])
def test_a_bad_state_changes_nothing(text):
    shown = widgets.VJPStepper(v=[2.0, 1.0])
    before = shown.state
    shown.state = text
    assert shown.state == before and "cannot be used" in shown.message
    assert shown.picture["sum"] == ["8.00", "6.00"]


def test_bars_reach_from_zero_and_stay_inside():
    picture = describe("rectangle", [2.0, 3.0], [1.0, -1.0])
    first = picture["bars"][0]["parts"]
    assert [p["text"] for p in first] == ["3.00", "-2.00", "1.00"]
    assert (first[0]["start"], first[0]["end"]) == (0.5, 1.0)
    assert first[1]["end"] == 0.5 and first[1]["start"] == pytest.approx(0.167)
    flat = describe("rectangle", [2.0, 3.0], [0.0, 0.0])
    assert all(p["start"] == p["end"] == 0.5 for b in flat["bars"] for p in b["parts"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_static_picture_is_whole_and_stable(name):
    shown = widgets.VJPStepper(name, v=[1.0, -0.5])
    picture = shown.static()
    root = ElementTree.fromstring(picture)
    words = " ".join(root.itertext())
    for number in [*shown.picture["sum"], *shown.picture["rows"][0]["slopes"]]:
        assert number in words
    width = float(root.get("width"))
    right = [float(r.get("x")) + float(r.get("width")) for r in root.iter()
             if r.tag.endswith("rect") and r.get("x")]
    assert max(right) <= width and picture == widgets.VJPStepper(name, v=[1.0, -0.5]).static()
    assert "lt-vjp" in picture and " id=" not in picture


def test_no_minus_before_zero():
    assert vjp_stepper.text(-0.0001) == "0.00" and vjp_stepper.text(-0.5) == "-0.50"


def test_text_and_picture_in_words():
    shown = widgets.VJPStepper()
    assert "Table of slopes, row y[0]: 3.00, 2.00; row y[1]: 2.00, 2.00" in shown.alt
    data, _ = shown._repr_mimebundle_()
    assert data["text/plain"] == repr(shown) and "image/svg+xml" in data


def test_view_code_asks_for_nothing():
    code, css = str(widgets.VJPStepper._esm), str(widgets.VJPStepper._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css
    lines = (base.FOLDER / "vjp_stepper.js").read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 100
