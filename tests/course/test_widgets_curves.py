"""Training curves: placing, smoothing, reading off, and the commands of the page."""

import csv
import io
import math
import threading
import time
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("anywidget")

from course.event_files import read_scalars
from course.widgets import LossCurves, loss_curves, poll
from course.widgets import curves_chart as chart


def command(curves, name):
    curves._hear(curves, {"type": "command", "command": name}, [])


def xy(points):
    return [tuple(map(int, p.split(","))) for p in points.split()]


# ---- placing ------------------------------------------------------------------------------------

@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_and_inside(low, width):
    found = chart.ticks(low, low + width, log=False)
    slack = 1e-6 * (abs(low) + width)
    assert 1 <= len(found) <= 8
    assert all(low - slack <= v <= low + width + slack for v in found)


def test_ticks_on_a_log_axis_are_powers_of_ten():
    assert chart.ticks(0.002, 300, log=True) == [0.01, 0.1, 1, 10, 100]
    assert chart.ticks(2, 7, log=True) == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("value, text", [(0.25, "0.25"), (1000, "1000"), (1e-5, "1e-5"),
                                         (2e6, "2e6"), (0, "0"), (-0.5, "-0.5")])
def test_tick_texts(value, text):
    assert chart.tick_text(value) == text


def test_smoothing_is_an_average_with_the_start_corrected():
    assert chart.smooth([2.0, 4.0], 0.5) == [2.0, pytest.approx((0.5 * 2 + 4) / 1.5)]
    assert chart.smooth([5.0] * 4, 0.9) == pytest.approx([5.0] * 4)
    assert chart.smooth([1.0, math.nan, 3.0], 0.0) == [1.0, 1.0, 3.0]


def test_thinning_keeps_peaks_and_the_end():
    points = [(i, 0) for i in range(10_000)]
    points[5000] = (5000, 9)
    kept = chart.thin(points)
    assert len(kept) <= 402 and (5000, 9) in kept and kept[-1] == points[-1]
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)


def test_lines_run_from_left_to_right_and_down_with_the_loss():
    runs = {"a": {"loss": ([0, 1, 2], [3.0, 2.0, 1.0])}}
    drawn = chart.chart(runs, width=500)
    panel = drawn["panels"][0]
    points = xy(panel["lines"][0]["points"])
    assert points[0][0] == panel["x"] and points[-1][0] == panel["x"] + panel["w"]
    assert points[0][1] < points[1][1] < points[2][1] <= panel["y"] + panel["h"]


def test_quantities_have_panels_of_their_own():
    runs = {"a": {"lr": ([0], [0.1]), "loss": ([0], [1.0]), "val_loss": ([0], [2.0]),
                  "grad_norm": ([0], [5.0]), "accuracy": ([0], [0.5])}}
    panels = chart.chart(runs)["panels"]
    assert [p["title"] for p in panels] == ["loss", "learning rate", "gradient norm", "accuracy"]
    assert [line["series"] for line in panels[0]["lines"]] == ["loss", "val_loss"]
    assert panels[0]["lines"][0]["dash"] != panels[0]["lines"][1]["dash"]


def test_what_a_log_axis_cannot_show_is_left_out():
    runs = {"a": {"loss": ([0, 1, 2], [1.0, 0.0, 0.01])}}
    drawn = chart.chart(runs, log_y=True)
    assert len(xy(drawn["panels"][0]["lines"][0]["points"])) == 2
    drawn = chart.chart(runs, log_x=True)
    assert len(xy(drawn["panels"][0]["lines"][0]["points"])) == 2


def test_values_that_are_not_finite_are_marked():
    runs = {"a": {"loss": ([0, 1, 2], [1.0, math.nan, math.inf])}}
    line = chart.chart(runs, width=400)["panels"][0]["lines"][0]
    assert len(line["lost"]) == 2 and len(xy(line["points"])) == 1
    assert "2 not finite" in chart.words(runs)
    assert chart.words({"a": {"loss": ([0], [math.nan])}}) == "a loss: no finite value"


@pytest.mark.parametrize("runs", [{}, {"a": {}}, {"a": {"loss": ([], [])}},
                                  {"a": {"loss": ([3], [2.0])}},
                                  {"a": {"loss": ([0, 1], [math.nan] * 2)}}])
@pytest.mark.parametrize("log", [False, True])
def test_little_data_is_no_error(runs, log):
    drawn = chart.chart(runs, log_x=log, log_y=log, smoothing=0.5)
    ElementTree.fromstring(chart.as_svg(drawn, words=chart.words(runs)))
    assert drawn["panels"]


def test_csv_has_every_digit_and_no_formulas():
    runs = {"=cmd()": {'say "a,b"': ([0, 1.5], [0.1 + 0.2, math.nan])}}
    rows = list(csv.reader(io.StringIO(chart.csv(runs))))
    assert rows == [["run", "step", "series", "value"],
                    ["'=cmd()", "0", 'say "a,b"', "0.30000000000000004"],
                    ["'=cmd()", "1.5", 'say "a,b"', "nan"]]


# ---- logging ------------------------------------------------------------------------------------

def test_logging_by_hand():
    curves = LossCurves()
    for step in range(3):
        curves.log(step, loss=1.0 / (step + 1), lr=0.1)
    curves.log(0, run="other", loss=5)
    assert curves.runs["run"]["loss"] == ([0.0, 1.0, 2.0], [1.0, 0.5, 1 / 3])
    assert set(curves.runs) == {"run", "other"} and curves.status == "idle"
    with pytest.raises((TypeError, ValueError)):
        curves.log(3, loss="low")


def test_tensors_with_one_number_will_do():
    import learntorch as torch
    curves = LossCurves()
    curves.log(0, loss=torch.tensor(0.5, requires_grad=True))
    assert curves.runs["run"]["loss"][1] == [0.5]


def test_a_loop_files_its_points_and_starts_afresh():
    curves = LossCurves()
    for _ in range(2):
        for step in curves.loop(range(4), run="sgd"):
            curves.log(step, loss=step)
    assert curves.runs["sgd"]["loss"][0] == [0, 1, 2, 3] and curves.status == "finished"
    assert curves.chart["legend"][0]["series"][0]["last"] == "3.0000"


def test_an_error_in_the_loop_is_passed_on():
    curves = LossCurves()
    with pytest.raises(ZeroDivisionError):
        for step in curves.loop(range(4)):
            curves.log(step, loss=1 / (2 - step))
    assert len(curves.runs["run"]["loss"][0]) == 2


def test_updates_are_few():
    """A fast loop redraws about ten times a second, not at every step."""
    curves = LossCurves()
    drawn = []
    curves.observe(lambda change: drawn.append(1), ["chart"])
    began = time.monotonic()
    for step in curves.loop(range(3000)):
        curves.log(step, loss=1.0 / (step + 1))
    seconds = time.monotonic() - began
    assert len(drawn) <= 3 + 10 * seconds
    assert "3000 steps" in curves.alt


def test_stop_ends_the_loop():
    curves = LossCurves()
    for step in curves.loop(range(100)):
        curves.log(step, loss=1.0)
        if step == 5:
            command(curves, "stop")
    assert len(curves.runs["run"]["loss"][0]) == 6 and curves.status == "stopped"


def test_pause_step_and_go():
    curves = LossCurves()
    seen = []

    def train():
        for step in curves.loop(range(6)):
            seen.append(step)
            if step == 1:
                command(curves, "pause")

    def wait(count):
        end = time.monotonic() + 5
        while (len(seen) < count or curves.status != "paused") and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)

    thread = threading.Thread(target=train)
    thread.start()
    wait(2)
    assert seen == [0, 1]
    command(curves, "step")
    wait(3)
    assert seen == [0, 1, 2] and curves.status == "paused"
    command(curves, "go")
    thread.join(5)
    assert seen == [0, 1, 2, 3, 4, 5] and curves.status == "finished"


def test_commands_without_a_loop_do_nothing():
    curves = LossCurves()
    command(curves, "pause")
    assert [s for s in curves.loop(range(3))] == [0, 1, 2]
    command(curves, "rm -rf")
    assert curves.status == "finished"


def test_a_reporter_counts_for_itself():
    curves = LossCurves()
    report = curves.reporter("LeNet")
    report(3.0)
    report(2.0, lr=0.1)
    report(val_loss=1.0)
    assert curves.runs["LeNet"]["loss"] == ([0, 1], [3.0, 2.0])
    assert curves.runs["LeNet"]["val_loss"][0] == [2]
    command(curves, "stop")
    with pytest.raises(KeyboardInterrupt):
        report(1.0)
    report(0.5)
    assert curves.status == "running"


def test_a_reporter_begins_its_run_afresh():
    curves = LossCurves()
    for first in (9.0, 5.0):
        report = curves.reporter("net")
        report(first)
        report(first / 2)
    assert curves.runs["net"]["loss"] == ([0, 1], [5.0, 2.5])


# ---- progress and dials --------------------------------------------------------------------------

def test_progress_counts_to_the_total():
    curves = LossCurves()
    texts = []
    curves.observe(lambda change: texts.append(change["new"]), ["progress"])
    for step in curves.loop(range(40)):
        curves.log(step, loss=1.0)
        if step == 9:
            curves._draw()
    assert {"done": 9, "total": 40, "text": "step 9 of 40, 0 s left"} in texts
    assert curves.progress == {"done": 40, "total": 40, "text": "step 40 of 40"}
    for _ in curves.loop(iter(range(3))):
        pass
    assert curves.progress == {"done": 3, "total": None, "text": "3 steps"}
    report = curves.reporter("net", total=2)
    report(1.0)
    curves._draw()
    assert curves.progress["text"].startswith("step 1 of 2")


@pytest.mark.parametrize("seconds, text", [(0.4, "0 s"), (119, "119 s"), (180, "3 min"),
                                           (144_000, "40 h")])
def test_a_stretch_of_time(seconds, text):
    assert loss_curves.about(seconds) == text


def test_pauses_are_not_counted(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(loss_curves.time, "monotonic", lambda: now[0])
    clock = loss_curves.Clock(10)
    for seconds, what in ((2, clock.rest), (50, clock.go), (3, clock.rest), (7, clock.rest)):
        now[0] += seconds
        what()
    assert clock.seconds() == 5
    clock.done = 5
    assert clock.text() == "step 5 of 10, 5 s left"


def seconds_of(curves, steps):
    began = time.monotonic()
    for step in curves.loop(range(steps)):
        curves.log(step, loss=1.0)
    return time.monotonic() - began


def test_the_pace_is_kept_only_where_a_page_looks():
    curves = LossCurves(pace=50)
    assert seconds_of(curves, 40) < 0.5
    curves._hear(curves, {"type": "here"}, [])
    assert 0.35 < seconds_of(curves, 20) < 5
    curves.pace = 0
    assert seconds_of(curves, 40) < 0.5


def test_a_slow_loop_hears_stop_at_once():
    curves = LossCurves(pace=1)
    curves._hear(curves, {"type": "here"}, [])
    curves.observe(lambda change: command(curves, "stop"), ["chart"])
    began = time.monotonic()
    for step in curves.loop(range(100)):
        curves.log(step, loss=1.0)
    assert time.monotonic() - began < 3 and curves.status == "stopped"


def test_stopping_is_told():
    curves = LossCurves()
    for step in curves.loop(range(100)):
        if step == 5:
            command(curves, "stop")
    assert curves.message == "Stopped after 6 steps. What was learned is still there."


def test_a_dial_is_turned_from_the_page():
    curves = LossCurves()
    rate = curves.dial("rate", 0.1, 0.001, 10)
    assert rate() == 0.1 and curves.dials == [{"name": "rate", "at": 0.5, "text": "0.1"}]
    for at, wanted in ((0, 0.001), (1, 10.0), (0.75, 1.0), (0.6, 0.251)):
        curves._hear(curves, {"type": "dial", "name": "rate", "at": at}, [])
        assert rate() == pytest.approx(wanted)
        assert curves.dials[0]["text"] == f"{wanted:.3g}"
    for at in (None, "1", -0.1, 1.1, math.nan):
        curves._hear(curves, {"type": "dial", "name": "rate", "at": at}, [])
    curves._hear(curves, {"type": "dial", "name": "other", "at": 0}, [])
    assert rate() == 0.251
    assert curves.dial("rate", 1, 0.5, 2)() == 1 and len(curves.dials) == 1
    for low, value, high in ((0, 1, 2), (1, 0.5, 2), (1, 3, 2), (1, 1, 1), (-1, 1, 2)):
        with pytest.raises(ValueError, match="0 < low <= value <= high"):
            curves.dial("bad", value, low, high)


# ---- event files --------------------------------------------------------------------------------

def events_of(folder):
    return [point for file in sorted(folder.glob("events*")) for point in read_scalars(file)]


def test_event_files_hold_every_point(tmp_path):
    curves = LossCurves(folder=tmp_path / "runs")
    for name, rate in (("lr = 0.1", 0.1), ("../up/" + "x" * 99, 0.5)):
        for step in curves.loop(range(3), run=name):
            curves.log(step, loss=rate * step, lr=rate)
    folders = sorted(p.name for p in (tmp_path / "runs").iterdir())
    assert folders == ["_up_" + "x" * 76, "lr = 0.1"]
    half = [p for s in range(3) for p in ((s, "loss", 0.5 * s), (s, "lr", 0.5))]
    assert events_of(tmp_path / "runs" / folders[0]) == half
    assert len(events_of(tmp_path / "runs" / "lr = 0.1")) == 6
    assert [p.name for p in tmp_path.iterdir()] == ["runs"]


def test_points_are_on_the_disk_while_the_loop_runs(tmp_path):
    """What a crash leaves: everything up to the last look at the picture."""
    curves = LossCurves(folder=tmp_path)
    report = curves.reporter("net")
    for i in range(5):
        report(1 / (i + 1))
    curves._draw()
    assert [step for step, *_ in events_of(tmp_path / "net")] == [0, 1, 2, 3, 4]


def test_a_run_that_starts_afresh_gets_a_new_event_file(tmp_path):
    curves = LossCurves(folder=tmp_path)
    for _ in range(2):
        for step in curves.loop(range(2), run="a"):
            curves.log(step, loss=1.0)
    assert len(list((tmp_path / "a").iterdir())) == 2


def test_a_loss_that_explodes_is_written_too(tmp_path):
    curves = LossCurves(folder=tmp_path)
    for step, loss in enumerate((1e300, -1e300, math.nan, math.inf)):
        curves.log(step, loss=loss)
    curves.flush()
    numbers = [number for *_, number in events_of(tmp_path / "run")]
    assert numbers[:2] == [math.inf, -math.inf] and math.isnan(numbers[2])


def test_no_folder_no_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    curves = LossCurves()
    curves.log(0, loss=1.0)
    curves._draw()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("run, folder", [("sgd", "sgd"), ("lr=0.1, momentum", "lr=0.1, momentum"),
                                         ("..", "run"), ("a/b\\c:d", "a_b_c_d"), ("", "run")])
def test_folders_of_runs(run, folder):
    assert chart.folder_name(run) == folder


def test_polling_outside_a_kernel_is_nothing():
    assert poll() == 0


# ---- reading off --------------------------------------------------------------------------------

def filled():
    curves = LossCurves()
    for step in (0, 10, 20):
        curves.log(step, loss=step / 10, run="a")
    curves.log(10, loss=7.0, run="b")
    curves._draw()
    return curves


def test_pointing_reads_off_the_nearest_step():
    curves = filled()
    panel = curves.chart["panels"][0]
    curves._hear(curves, {"type": "point", "x": panel["x"] + panel["w"] * 0.55}, [])
    assert curves.cursor == 10
    assert curves.message == "step 10: a loss 1.0000; b loss 7.0000"
    assert curves.readout["x"] == panel["x"] + panel["w"] // 2
    curves.hidden = ["b"]
    assert "b loss" not in curves.message
    curves.hidden = []
    curves.cursor = 20.0
    assert curves.message == "step 20: a loss 2.0000; b loss 7.0000 (step 10)"
    curves.cursor = None
    assert curves.readout["x"] is None


def test_keys_go_from_step_to_step():
    curves = filled()
    for by, wanted in ((1, 0), (1, 10), (1, 20), (1, 20), (-1, 10), (-10, 0), (77, 0)):
        curves._hear(curves, {"type": "move", "by": by}, [])
        assert curves.cursor == wanted


def test_hidden_runs_and_controls_change_the_picture():
    curves = filled()
    assert len(curves.chart["panels"][0]["lines"]) == 2
    curves.hidden = ["a"]
    assert [x["run"] for x in curves.chart["panels"][0]["lines"]] == ["b"]
    assert [r["hidden"] for r in curves.chart["legend"]] == [True, False]
    curves.hidden = []
    curves.smoothing = 0.5
    assert curves.chart["panels"][0]["lines"][0]["raw"]
    curves.width = 400
    assert curves.chart["width"] == 400
