"""The widgets of the chapters on losses and optimizers, driven with mouse and keyboard."""

import pytest


def press(root, name):
    root.get_by_role("button", name=name, exact=True).click()


def open_one(notebook, name, css, cells, reduced=True):
    first = "import learntorch as torch\nfrom course.widgets import *"
    book = notebook(name, [first, *cells], reduced=reduced)
    root = book.page.locator(f".lt-{css}")
    root.wait_for()
    root.scroll_into_view_if_needed()
    return book, root


# ---- shapes of losses ---------------------------------------------------------------------------

@pytest.fixture
def shapes(notebook):
    return open_one(notebook, "losses", "shapes-view",
                    ["w = LossShapes('huber', 'squared')\nw"])


def test_the_point_follows_the_keys_and_the_mouse(shapes):
    book, root = shapes
    slopes = root.locator("td.lt-slope").all_text_contents
    book.soon(slopes, ["1.000", "4.000"])
    root.locator(".lt-shape-panels").focus()
    for key, wanted in (("ArrowLeft", "1.9 0.0"), ("PageDown", "0.9 0.0"), ("Home", "-6.0 0.0"),
                        ("ArrowUp", "-6.0 0.5"), ("ArrowDown", "-6.0 0.0"), ("End", "6.0 0.0")):
        book.page.keyboard.press(key)
        book.until("w.x, w.target", wanted)
    panel = root.locator(".lt-shape-panel").first
    box = panel.bounding_box()
    scale = box["width"] / 400
    book.page.mouse.move(box["x"] + 216 * scale, box["y"] + 100 * scale)
    book.page.mouse.down()
    book.until("w.x", "0.0")
    book.page.mouse.move(box["x"] + (216 + 344 / 24) * scale, box["y"] + 100 * scale, steps=5)
    book.page.mouse.up()
    book.until("w.x", "0.5")
    book.soon(slopes, ["0.500", "1.000"])
    root.get_by_label("bend δ or β").focus()
    book.page.keyboard.press("ArrowRight")
    book.until("w.bend", "1.1")
    book.looks("losses", root)


def test_the_wild_number_moves_the_best_guess(shapes):
    book, root = shapes
    guesses = root.locator("td.lt-extra").all_text_contents
    book.soon(guesses, ["0.00", "0.50"])
    root.locator(".lt-shape-strip").focus()
    for _ in range(2):
        book.page.keyboard.press("ArrowLeft")
    book.until("w.outlier", "4.0")
    book.soon(guesses, ["0.00", "0.36"])
    box = root.locator(".lt-shape-strip").bounding_box()
    book.page.mouse.click(box["x"] + (44 + 344 / 12) * box["width"] / 400,
                          box["y"] + box["height"] * 0.7)
    book.until("w.outlier", "-5.0")
    book.soon(guesses, ["-0.50", "-0.93"])


def test_scores_and_classes(shapes):
    book, root = shapes
    root.get_by_label("loss", exact=True).select_option("logits")
    book.until("w.loss, w.other == '', w.x, w.target", "logits True -2.0 1.0")
    root.get_by_label("compare with").select_option("sigmoid-squared")
    book.until("w.other", "sigmoid-squared")
    book.soon(root.locator(".lt-shape-strip").is_visible, False)
    root.get_by_label("score").focus()
    book.page.keyboard.press("Home")
    book.until("w.x", "-6.0")
    book.soon(root.locator("td.lt-slope").all_text_contents, ["-0.998", "-0.005"])
    book.soon(lambda: "Score -6.00, and the truth is yes." in
              root.locator(".lt-message").inner_text(), True)
    book.looks("losses-scores", root)
    root.get_by_label("the truth is yes").uncheck()
    book.until("w.target", "0.0")


# ---- the race -----------------------------------------------------------------------------------

@pytest.fixture
def race(notebook):
    return open_one(notebook, "race", "race-view", ["r = LandscapeRace()\nr"])


def line(root, name):
    return root.locator(f"tr[data-racer='{name}']")


def test_the_race_is_stepped_and_the_start_moved(race):
    book, root = race
    book.soon(root.locator(".lt-race-count").inner_text, "step 0 of 120")
    press(root, "Step")
    book.until("r.at", "1")
    root.locator(".lt-race-map").focus()
    for key, wanted in (("Enter", "2"), ("Backspace", "1"), ("End", "120")):
        book.page.keyboard.press(key)
        book.until("r.at", wanted)
    book.soon(line(root, "SGD").locator(".lt-note").inner_text, "arrived: 96")
    for key, wanted in (("ArrowRight", "[-2.5, 1.5]"), ("ArrowUp", "[-2.5, 1.6]"),
                        ("ArrowLeft", "[-2.6, 1.6]"), ("ArrowDown", "[-2.6, 1.5]")):
        book.page.keyboard.press(key)
        book.until("r.start", wanted)
    book.looks("race", root)
    wide = book.page.viewport_size
    for width in (980, 760):        # between the two layouts that `looks` has seen
        book.page.set_viewport_size({"width": width, "height": wide["height"]})
        book.soon(lambda: book.overflow(root) <= 1 and book.overflow(
            root.locator(".lt-race-side")) <= 1, True)
        book.shot(f"race-{width}", root)
    book.page.set_viewport_size(wide)
    box = root.locator(".lt-race-map").bounding_box()
    scale = box["width"] / 452
    book.page.mouse.click(box["x"] + (26 + 315) * scale, box["y"] + (6 + 84) * scale)
    book.until("r.start", "[1.5, 1.2]")
    press(root, "Reset")
    book.until("r.at", "0")


def test_too_large_a_rate_is_told(race):
    book, root = race
    press(root, "End")
    book.until("r.at", "120")
    rate = root.get_by_label("learning rate of SGD")
    rate.focus()
    for _ in range(10):
        book.page.keyboard.press("ArrowRight")
    book.until("r.rates[0]", "0.1")
    book.soon(lambda: line(root, "SGD").locator(".lt-note").inner_text().startswith("lost"), True)
    root.get_by_label("Adam runs").uncheck()
    book.until("r.racers", "['SGD', 'momentum', 'Nesterov', 'RMSprop']")
    book.soon(root.locator(".lt-race-map polyline").count, 4)
    root.get_by_label("momentum μ").focus()
    book.page.keyboard.press("Home")
    book.until("r.momentum", "0.0")
    root.get_by_label("landscape").select_option("saddle")
    book.until("r.landscape, r.at", "saddle 0")
    book.soon(root.locator(".lt-race-map .low").count, 2)


def test_it_plays_and_stops(notebook):
    book, root = open_one(notebook, "play", "race-view", ["r = LandscapeRace('bowl', steps=60)\nr"],
                          reduced=False)
    press(root, "Play")
    count = root.locator(".lt-race-count")
    book.soon(lambda: int(count.inner_text().split()[1]) > 3, True)
    press(root, "Pause")
    book.soon(lambda: count.inner_text() == f"step {book.ask('r.at')} of 60", True)
    assert 3 < int(book.ask("r.at")) < 60
    root.locator(".lt-race-map").focus()
    book.page.keyboard.press(" ")
    book.until("r.at", "60")
    book.soon(root.get_by_role("button", name="Play", exact=True).is_visible, True)
