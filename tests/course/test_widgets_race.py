"""The race of optimizers, without a browser: the ways are the optimizers' own, the map is right."""

import math
import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("anywidget")

import traitlets

import learntorch as torch
from course import widgets
from course.widgets import base
from course.widgets import landscapes as land
from course.widgets.landscape_race import NAMES, written
from course.widgets.landscape_svg import MARKS


def walk(racer, landscape="ravine", start=(-2.6, 1.5), rate=0.03, m=0.9, b=0.99, steps=40):
    return land.walk(landscape, racer, tuple(start), rate, m, b, steps)


def test_gradient_descent_by_hand():
    found = walk("SGD")
    x, y = -2.6, 1.5
    for mine_x, mine_y, loss in zip(found["xs"], found["ys"], found["losses"], strict=True):
        assert (mine_x, mine_y) == pytest.approx((x, y))
        assert loss == pytest.approx((x * x + 25 * y * y) / 2)
        x, y = x - 0.03 * x, y - 0.03 * 25 * y
    assert len(found["xs"]) == 41 and found["lost"] is None


def test_momentum_and_nesterov_by_hand():
    for name in ("momentum", "Nesterov"):
        found = walk(name, "bowl", (1.0, 0.5), 0.1, 0.8)
        x, velocity = 1.0, None
        for mine in found["xs"]:
            assert mine == pytest.approx(x)
            velocity = x if velocity is None else 0.8 * velocity + x
            x -= 0.1 * (x + 0.8 * velocity if name == "Nesterov" else velocity)


def test_rmsprop_and_adam_by_hand():
    found = walk("RMSprop", "bowl", (1.0, 0.5), 0.1, b=0.9)
    x, v = 1.0, 0.0
    for mine in found["xs"]:
        assert mine == pytest.approx(x)
        v = 0.9 * v + 0.1 * x * x
        x -= 0.1 * x / (math.sqrt(v) + 1e-8)
    found = walk("Adam", "bowl", (1.0, 0.5), 0.1, 0.8, 0.9)
    x = 1.0
    m = v = 0.0
    for step, mine in enumerate(found["xs"], 1):
        assert mine == pytest.approx(x)
        m, v = 0.8 * m + 0.2 * x, 0.9 * v + 0.1 * x * x
        x -= 0.1 * m / (1 - 0.8**step) / (math.sqrt(v / (1 - 0.9**step)) + 1e-8)


def test_nesterov_without_momentum_is_plain_descent():
    assert walk("Nesterov", m=0.0) == walk("SGD") == walk("momentum", m=0.0)


def test_the_ravine_lets_go_at_two_over_its_steepness():
    assert walk("SGD", rate=0.0799, steps=400)["losses"][-1] < 30
    assert walk("SGD", rate=0.0801, steps=400)["losses"][-1] > 30
    lost = walk("SGD", rate=0.1, steps=400)
    assert lost["lost"] == len(lost["losses"]) == len(lost["xs"])
    # 1 − 0.1 · 25 = −1.5 : after k steps y = 1.5 · 1.5^k, and beyond 1000 it is lost
    assert lost["lost"] == math.ceil(math.log(1000 / 1.5) / math.log(1.5))


@pytest.mark.parametrize("name", land.LANDSCAPES)
def test_the_lowest_points_are_lowest_and_the_start_is_on_the_map(name):
    facts = land.LANDSCAPES[name]
    left, right, low, high = facts["box"]
    assert left < facts["start"][0] < right and low < facts["start"][1] < high
    assert (right - left) / (high - low) == pytest.approx(land.WIDTH / land.HEIGHT)
    for x, y in facts["minima"]:
        place = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (x, y)]
        facts["f"](*place).backward()
        assert [p.grad.item() for p in place] == pytest.approx([0.0, 0.0], abs=1e-9)
        bottom = land.height(name, x, y)
        for i in range(21):
            for j in range(21):
                at = left + (right - left) * i / 20, low + (high - low) * j / 20
                assert land.height(name, *at) >= bottom - 1e-9
    assert len(facts["rates"]) == len(NAMES) == len(MARKS)


def test_every_optimizer_comes_down_with_the_rates_given():
    for name, facts in land.LANDSCAPES.items():
        for racer, rate in zip(NAMES, facts["rates"], strict=True):
            losses = walk(racer, name, facts["start"], rate, steps=120)["losses"]
            assert losses[-1] < losses[0], (name, racer)


def test_arrived_means_for_good():
    assert land.arrived("bowl", [1.0, 0.001, 0.5, 0.01, 0.0]) == 3
    assert land.arrived("bowl", [1.0, 0.5]) is None
    assert land.arrived("saddle", [0.0, -0.495]) == 1


@pytest.mark.parametrize("name", land.LANDSCAPES)
def test_contours_pass_where_the_height_is_that_of_the_line(name):
    left, right, low, high = land.LANDSCAPES[name]["box"]
    lines = land.contours(name)
    tops = [c["level"] for c in lines]
    assert tops == sorted(tops) and len(lines) == land.LEVELS
    spread = tops[-1] - tops[0]
    for line in lines[3:]:
        points = [tuple(map(float, p.split())) for p in re.split("[ML]", line["d"]) if p]
        assert len(points) > 3
        for px, py in points[::7]:
            assert 0 <= px <= land.WIDTH and 0 <= py <= land.HEIGHT
            x = left + px / land.WIDTH * (right - left)
            y = high - py / land.HEIGHT * (high - low)
            assert land.height(name, x, y) == pytest.approx(line["level"], abs=0.05 * spread)


def test_contour_lines_are_long_and_use_each_side_once():
    flat = [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    (ring,) = land.level_lines(flat, 0.5)
    assert ring[0] == ring[-1] and len(ring) == 7
    slope = [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
    (line,) = land.level_lines(slope, 0.25)
    assert sorted(line) == [(0.25, 0), (0.25, 1), (0.25, 2)]


def test_two_corners_crosswise_are_joined_through_a_high_middle():
    """The middle is 0.5. A line at 0.4 cuts off the low corners, one at 0.6 the high ones."""
    for heights in ([[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]):
        for level, cut_off in ((0.4, 0.0), (0.6, 1.0)):
            lines = land.level_lines(heights, level)
            assert len(lines) == 2
            for line in lines:      # from a side that is up or down to one left or right
                column = next(x for x, _ in line if x in (0, 1))
                row = next(y for _, y in line if y in (0, 1))
                assert heights[row][column] == cut_off


def test_the_report_and_the_sentence():
    shown = widgets.LandscapeRace("ravine", racers=["SGD", "Adam"], at=60)
    assert shown.message == ("ravine, from (-2.6, 1.5), step 60 of 120: SGD (rate 0.03) at 0.0874; "
                             "Adam (rate 0.1) at 0.0195.")
    shown.at = 120
    assert [r["note"] for r in shown.report] == ["arrived at step 96", "arrived at step 76"]
    shown.rates = [0.1, *shown.rates[1:]]
    assert shown.report[0]["loss"] == "—" and shown.report[0]["note"] == "lost at step 17"
    assert [r["brief"] for r in shown.report] == ["lost: 17", "arrived: 76"]
    shown.at = 5
    assert shown.report[0]["note"] == "higher than its start"
    shown.racers = []
    assert shown.message.endswith("nobody runs.") and shown.static()
    assert written(1e-9) == "0" and written(-0.5) == "-0.5"


def test_another_landscape_begins_anew():
    shown = widgets.LandscapeRace("ravine", at=60, start=[1.0, 1.0])
    shown.landscape = "banana"
    facts = land.LANDSCAPES["banana"]
    assert shown.start == list(facts["start"]) and shown.rates == list(facts["rates"])
    assert shown.at == 0 and shown.ground["formula"] == facts["formula"]
    assert shown.ground["box"] == list(facts["box"])


def test_values_out_of_range():
    shown = widgets.LandscapeRace(start=[99.0, -99.0], rates=[1e-9, 99.0, 1.0, 1.0, 1.0], at=999)
    assert shown.start == [3.0, -2.4] and shown.rates[:2] == [1e-4, 10.0] and shown.at == 120
    shown.steps = 20
    assert shown.at == 20 and len(shown.race["paths"][0]["points"]) <= 21
    for name, value in (("start", [1.0]), ("start", [math.nan, 0.0]), ("rates", [0.1]),
                        ("racers", ["Adam", "nobody"])):
        with pytest.raises(traitlets.TraitError):
            setattr(shown, name, value)
    with pytest.raises(ValueError, match="no landscape called 'x'"):
        widgets.LandscapeRace("x")


def test_the_state_comes_back():
    first = widgets.LandscapeRace("saddle", start=[1.0, 0.5], racers=["Nesterov"], momentum=0.5,
                                  beta=0.9, steps=50, at=20)
    other = widgets.LandscapeRace()
    other.state = first.state
    assert other.state == first.state
    assert other.message == first.message and other.race == first.race
    other.state = "lt:race?racers=[%22nobody%22]"
    assert "cannot be used" in other.message and other.racers == ["Nesterov"]


def test_the_static_picture_stands_alone():
    first = widgets.LandscapeRace("bowl", at=20)
    assert first.static() == widgets.LandscapeRace("bowl", at=20).static()
    root = ElementTree.fromstring(first.static())
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on") or a == "id"]
    ways = [e for e in root.iter() if e.tag.endswith("polyline")]
    assert len(ways) == 10 and all(len(w.get("points").split()) == 21 for w in ways)
    assert repr(first) == f"LandscapeRace({first.message})"


def test_view_code_asks_for_nothing():
    code, css = str(widgets.LandscapeRace._esm), str(widgets.LandscapeRace._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css
    lines = (base.FOLDER / "landscape_race.js").read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 100
    # The names and the outlines stand in both languages: they must be the same.
    for each in [*NAMES, *MARKS]:
        assert f'"{each}"' in code
