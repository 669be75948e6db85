"""Training curves while the loop runs: paused, stepped, stopped from the page.

JupyterLab 4.4 with ipykernel 7 sends widget messages to a thread of their own; `comms="disabled"`
is the other way, where the loop itself must look for them.
"""

import pathlib

import pytest

WIDGET = "from course.widgets import LossCurves\ncurves = LossCurves()\ncurves"
LOOP = """
import math, time
for step in curves.loop(range(5000), run="sgd"):
    time.sleep(0.01)
    curves.log(step, loss=math.exp(-0.01 * step) + 0.1 * math.sin(step) ** 2, lr=0.99 ** step)
"""
RUNS = """
import math
for name, rate in (("slow", 0.01), ("fast", 0.05)):
    for step in curves.loop(range(120), run=name):
        curves.log(step, loss=math.exp(-rate * step), val_loss=0.2 + math.exp(-rate * step),
                   lr=0.1 * 0.98 ** step, grad_norm=2 * math.exp(-rate * step))
"""
DIALLED = """
from course.widgets import LossCurves
curves = LossCurves(folder={folder!r}, pace=20)
rate = curves.dial("learning rate", 0.1, 0.001, 10)
curves"""
NESTED = """
history = []
report = curves.reporter("net", total=3000)
try:
    for epoch in range(30):
        for i in range(100):
            history.append(rate())
            report(loss=rate(), lr=rate())
except KeyboardInterrupt:
    print("kept", len(history) > 0)
"""
LINE = "polyline[data-run=sgd][data-series=loss]"


def status(book, wanted):
    book.page.wait_for_function(
        "(s) => document.querySelector('.lt-status')?.textContent === s", arg=wanted)


def points(book):
    return len((book.page.locator(LINE).get_attribute("points") or "").split())


def last(book):
    return book.page.locator(".lt-last").first.inner_text()


def stands_still(book):
    before = last(book)
    book.page.wait_for_timeout(400)
    return last(book) == before


def press(root, name):
    root.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize("comms", ["perCommTarget", "disabled"])
def test_pause_step_go_and_stop_while_a_cell_runs(notebook, comms):
    book = notebook(f"training-{comms}", [WIDGET, LOOP, "after = curves.status"], comms,
                    wait=False)
    root = book.page.locator(".lt-losses")
    root.wait_for()
    book.page.wait_for_function(
        f"() => document.querySelector('{LINE}')?.getAttribute('points').split(' ').length > 20")
    book.page.evaluate(f"() => {{ document.querySelector('{LINE}').mine = true; }}")
    press(root, "Pause")
    status(book, "paused")
    book.soon(lambda: stands_still(book), True)
    frozen = last(book)
    press(root, "Step")
    book.page.wait_for_function(
        "(old) => document.querySelector('.lt-last').textContent !== old", arg=frozen)
    status(book, "paused")
    root.get_by_label("log y").check()          # the other controls answer too, while it waits
    book.page.wait_for_function("() => [...document.querySelectorAll('.lt-chart text')]"
                                ".some((t) => t.textContent === '0.8')")
    press(root, "Continue")
    status(book, "running")
    before = points(book)
    book.soon(lambda: points(book) > before, True)
    assert book.page.evaluate(f"document.querySelector('{LINE}').mine")     # changed, not replaced
    press(root, "Stop")
    status(book, "stopped")
    book.finish()               # the cell that was waiting behind the loop has run
    book.until("after, curves.status, curves.log_y", "stopped stopped True")
    assert 20 < int(book.ask("len(curves.runs['sgd']['loss'][0])")) < 5000


def test_a_paused_loop_is_interrupted_by_the_kernels_own_button(notebook):
    book = notebook("interrupted", [WIDGET, LOOP], wait=False)
    root = book.page.locator(".lt-losses")
    root.wait_for()
    status(book, "running")
    press(root, "Pause")
    status(book, "paused")
    book.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:interrupt-kernel'); }")
    book.page.locator(".jp-OutputArea-output", has_text="KeyboardInterrupt").first.wait_for()
    book.until("curves.status", "finished")


def test_a_reporter_in_nested_loops_is_held_turned_and_stopped_by_keys(notebook, tmp_path):
    """The training function of chapter 09: it keeps what it has when it is stopped."""
    book = notebook("reporter", [DIALLED.format(folder=str(tmp_path)), NESTED, "done = True"],
                    wait=False)
    root = book.page.locator(".lt-losses")
    root.wait_for()
    status(book, "running")
    chart = root.locator(".lt-chart")
    chart.focus()
    book.page.keyboard.press("p")
    status(book, "paused")
    book.soon(lambda: stands_still(book), True)
    frozen = root.locator(".lt-told").inner_text()
    assert " of 3000, " in frozen
    root.locator(".lt-message", has_text="Paused after").wait_for()
    slider = root.get_by_label("learning rate")
    slider.focus()
    book.page.keyboard.press("End")
    root.locator(".lt-dials .lt-last", has_text="10").wait_for()
    book.page.keyboard.press("s")
    book.page.wait_for_function(
        "(old) => document.querySelector('.lt-told').textContent !== old", arg=frozen)
    book.page.wait_for_function("() => [...document.querySelectorAll('.lt-legend .lt-last')]"
                                ".every((e) => e.textContent === '10.0000')")
    status(book, "paused")
    book.looks("curves-paused", root)
    root.get_by_label("speed").select_option("full speed")
    book.soon(root.get_by_label("speed").input_value, "0")
    chart.focus()
    book.page.keyboard.press("x")
    status(book, "stopped")
    book.page.locator(".jp-OutputArea-output", has_text="kept True").first.wait_for()
    book.finish()
    book.until("done, history[0], history[-1]", "True 0.1 10.0")
    book.until("len(list(curves.folder.rglob('events*')))", "1")


def test_runs_smoothing_axes_and_reading_off(notebook):
    book = notebook("curves", [WIDGET, RUNS])
    root = book.page.locator(".lt-losses")
    root.wait_for()
    book.soon(root.locator("polyline[data-run=fast]").count, 4)
    book.until("curves.status", "finished")
    chart = root.locator(".lt-chart")
    box = chart.bounding_box()
    book.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    root.locator(".lt-message", has_text="slow loss").wait_for()
    chart.focus()
    book.until("curves.cursor is not None", "True")
    now = float(book.ask("curves.cursor"))
    book.page.keyboard.press("ArrowRight")
    book.until("curves.cursor", str(now + 1))
    book.page.keyboard.press("Escape")
    book.until("curves.cursor", "None")
    slider = root.get_by_label("smoothing").last
    slider.focus()
    for _ in range(5):
        book.page.keyboard.press("PageUp")
    book.until("curves.smoothing > 0.3", "True")
    root.get_by_label("log y").check()
    book.until("curves.log_y", "True")
    book.looks("curves", root)
    root.get_by_label("slow").uncheck()
    book.until("curves.hidden", "['slow']")
    book.soon(root.locator("polyline[data-run=slow]").count, 0)
    book.page.set_viewport_size({"width": 500, "height": 950})
    book.until("curves.width < 500", "True")


def test_saving(notebook):
    book = notebook("saving", [WIDGET, RUNS])
    root = book.page.locator(".lt-losses")
    root.wait_for()
    for form, start in (("csv", b"run,step,series,value\nslow,0,loss,1.0\n"), ("svg", b"<svg"),
                        ("png", b"\x89PNG")):
        with book.page.expect_download() as caught:
            root.get_by_label("save as a file").select_option(form)
        assert pathlib.Path(caught.value.path()).read_bytes().startswith(start)
    root.locator(".lt-share summary").click()
    box = root.get_by_label("state of this widget, to copy or paste")
    box.fill("")
    box.press_sequentially("lt:curves?smoothing=0.5")    # with letters that are keys elsewhere
    box.press("Enter")
    book.until("curves.smoothing", "0.5")
