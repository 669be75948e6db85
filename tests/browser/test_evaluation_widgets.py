"""The widgets of the chapter on evaluation, driven with mouse and keyboard."""

HOSTILE = '<img src=x onerror="window.hacked=1">'


def press(root, name):
    root.get_by_role("button", name=name, exact=True).click()


def open_one(notebook, name, css, cells, **options):
    book = notebook(name, ["import learntorch as torch\nfrom course.widgets import *", *cells],
                    **options)
    root = book.page.locator(f".lt-{css}")
    root.wait_for()
    root.scroll_into_view_if_needed()
    return book, root


# ---- the confusion matrix ------------------------------------------------------------------------

DIGITS = """
torch.manual_seed(0)
labels = torch.arange(400) % 10
scores = 1.6 * torch.randn(400, 10) + 4 * torch.nn.functional.one_hot(labels, 10)
m = ConfusionMatrix(labels, scores=scores, examples=torch.rand(400, 1, 28, 28), ink=True)
m"""
TEXTS = f"""
m = ConfusionMatrix(torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 1, 0]),
                    names=["harmless letter", {HOSTILE!r}],
                    examples=["a", {HOSTILE!r}, "c", "d"])
m"""


def cell(root, row, column):
    return root.locator("[role=gridcell]").nth(10 * row + column)


def test_cells_are_clicked_and_show_their_examples(notebook):
    book, root = open_one(notebook, "confusion", "confusion", [DIGITS])
    chosen = book.ask("list(m.chosen)")
    assert cell(root, *eval(chosen)).get_attribute("aria-selected") == "true"
    cell(root, 3, 3).click()
    book.until("m.chosen", "[3, 3]")
    book.soon(root.locator(".lt-cm-detail h4").inner_text, book.ask("m.detail['title']"))
    book.soon(root.locator(".lt-cm-items img").count, 24)
    assert root.locator(".lt-cm-items img").first.evaluate("(e) => e.naturalWidth") == 28
    book.looks("confusion", root)
    press(root, "by row")
    book.until("m.normalize", "truth")
    book.soon(cell(root, 3, 3).inner_text, book.ask("m.table['cells'][3][3]['text']"))
    press(root, "Next mistake")
    book.until("m.chosen == m.mistakes[0]", "True")
    root.get_by_text("Precision and recall of each class").click()
    book.soon(root.locator(".lt-cm-scores tbody tr").count, 10)
    book.shot("confusion-scores", root)


def test_keys_move_in_the_confusion_matrix(notebook):
    book, root = open_one(notebook, "confusion-keys", "confusion", [DIGITS])
    cell(root, 3, 3).click()
    book.until("m.chosen", "[3, 3]")
    for key, wanted in (("ArrowRight", "[3, 4]"), ("ArrowDown", "[4, 4]"), ("Home", "[4, 0]"),
                        ("ArrowLeft", "[4, 0]"), ("PageUp", "[0, 0]"), ("ArrowUp", "[0, 0]"),
                        ("End", "[0, 9]"), ("PageDown", "[9, 9]"), ("ArrowUp", "[8, 9]")):
        book.page.keyboard.press(key)
        book.until("m.chosen", wanted)
    book.soon(lambda: root.locator("[role=grid]").get_attribute("aria-activedescendant"),
              cell(root, 8, 9).get_attribute("id"))
    book.page.keyboard.press("m")
    book.until("m.chosen in m.mistakes", "True")


def test_texts_in_the_confusion_matrix_stay_texts(notebook):
    book, root = open_one(notebook, "confusion-texts", "confusion", [TEXTS])
    book.soon(root.locator(".lt-cm-text").all_inner_texts, [HOSTILE])
    root.locator(".lt-share summary").click()
    box = root.get_by_label("state of this widget, to copy or paste")
    box.fill("lt:confusion?chosen=[0,0]&normalize=guess")
    press(root, "Use")
    book.until("m.chosen, m.normalize", "[0, 0] guess")
    book.soon(root.locator(".lt-cm-text").all_inner_texts, ["a", "d"])
    assert book.page.evaluate("window.hacked") is None
    book.looks("confusion-texts", root)


# ---- the decision boundary -----------------------------------------------------------------------

def shares(root):
    return root.locator(".lt-db-share").all_inner_texts


def slide(book, root, name, key, times=1):
    slider = root.get_by_label(name, exact=True)
    slider.focus()
    for _ in range(times):
        book.page.keyboard.press(key)


def test_it_is_made_to_overfit_and_mended(notebook):
    book, root = open_one(notebook, "boundary", "boundary-view", ["d = DecisionBoundary()\nd"])
    slide(book, root, "hidden units", "End")
    book.until("d.hidden", "32")
    press(root, "Play")                     # with little motion it goes to the end at once
    book.until("d.steps", "400")
    book.soon(shares(root), ["1.00", "0.71"])
    root.locator(".lt-message", has_text="overfitting").wait_for()
    line = root.locator("path.line").get_attribute("d")
    book.looks("boundary", root)
    slide(book, root, "weight decay", "ArrowRight", 3)
    book.until("d.decay", "2.0")
    slide(book, root, "training steps", "ArrowLeft", 5)
    book.until("d.steps", "80")
    book.soon(shares(root), eval(book.ask("[d.picture['train'], d.picture['valid']]")))
    assert root.locator("path.line").get_attribute("d") != line
    assert root.locator("circle.valid").count() > 50
    root.get_by_label("show validation points").uncheck()
    book.until("d.validation", "False")
    book.soon(root.locator("circle.valid").count, 0)


def test_it_plays_through_the_training(notebook):
    book, root = open_one(notebook, "boundary-play", "boundary-view", ["d = DecisionBoundary()\nd"],
                          reduced=False)
    press(root, "Start")
    book.until("d.steps", "0")
    press(root, "Step")
    book.until("d.steps", "1")
    press(root, "Play")
    book.until("d.steps > 5", "True")
    press(root, "Pause")
    book.soon(root.get_by_role("button", name="Play", exact=True).count, 1)
    press(root, "spirals")
    book.until("d.points", "spirals")
    press(root, "New points")
    book.until("d.seed", "1")
    root.locator(".lt-share summary").click()
    box = root.get_by_label("state of this widget, to copy or paste")
    box.fill("lt:boundary?points=blobs&noise=0.1&count=60&hidden=2&decay=0.0&steps=400&seed=7")
    press(root, "Use")
    book.until("d.points, d.hidden, d.seed", "blobs 2 7")
    book.soon(shares(root), eval(book.ask("[d.picture['train'], d.picture['valid']]")))
