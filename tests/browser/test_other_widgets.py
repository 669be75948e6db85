"""The smaller widgets, driven with the mouse and with the keyboard."""

import pytest

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def press(root, name):
    root.get_by_role("button", name=name, exact=True).click()


def open_one(notebook, name, css, cells):
    book = notebook(name, ["import learntorch as torch\nfrom course.widgets import *", *cells])
    root = book.page.locator(f".lt-{css}")
    root.wait_for()
    root.scroll_into_view_if_needed()
    return book, root


# ---- storage ------------------------------------------------------------------------------------

@pytest.fixture
def storage(notebook):
    return open_one(notebook, "storage", "storage-view",
                    ["v = StorageViewer(torch.arange(12).view(3, 4))\nv"])


def lit(root, where):
    return root.locator(f"{where} .lt-on").evaluate_all("(e) => e.map((x) => x.dataset.cell)")


def test_pointing_at_an_element_lights_its_cell(storage):
    book, root = storage
    root.locator("td[data-index='2,1']").hover()
    book.until("v.index", "[2, 1]")
    book.soon(lambda: (lit(root, ".lt-memory"), lit(root, ".lt-view")), (["9"], ["9"]))
    book.soon(root.locator(".lt-message").inner_text, "[2, 1]: cell = 0 + 2·4 + 1·1 = 9")
    root.locator(".lt-cell[data-cell='7']").hover()
    book.until("v.index", "[1, 3]")
    book.looks("storage", root)


def test_transposing_and_slicing_move_no_number(storage):
    book, root = storage
    cells = root.locator(".lt-memory").inner_text()
    press(root, "Transpose")
    book.until("v.code", "t.t()")
    slider = root.get_by_label("step of dim 1")
    slider.focus()
    book.page.keyboard.press("ArrowRight")
    book.until("v.code", "t[:, ::2].t()")
    book.soon(root.locator(".lt-view td").all_text_contents, ["0", "4", "8", "2", "6", "10"])
    assert root.locator(".lt-memory").inner_text() == cells
    root.locator(".lt-facts", has_text="stride (2, 4)").wait_for()
    book.soon(root.locator(".lt-cell.used").count, 6)
    press(root, "Reset")
    book.until("v.code", "t")


def test_keys_walk_through_the_view(storage):
    book, root = storage
    root.locator(".lt-view").focus()
    for key, wanted in (("ArrowRight", "[0, 0]"), ("ArrowRight", "[0, 1]"),
                        ("ArrowDown", "[1, 1]"), ("ArrowLeft", "[1, 0]"), ("ArrowUp", "[0, 0]")):
        book.page.keyboard.press(key)
        book.until("v.index", wanted)


# ---- quiz ---------------------------------------------------------------------------------------

@pytest.fixture
def quiz(notebook):
    asked = [{"question": f"Is `{HOSTILE}` text?", "options": [
        {"text": "no", "right": False, "why": f"Look again: {HOSTILE}"},
        {"text": "yes", "right": True, "why": "Yes, nothing ran."}]},
        {"question": "What is the shape of `torch.ones(2, 3).t()`?", "options": [
            {"text": "(2, 3)", "right": False, "why": "Rows and columns are swapped."},
            {"text": "(3, 2)", "right": True, "why": "Yes."},
            {"text": "(6,)", "right": False, "why": "It stays a table."}]}]
    return open_one(notebook, "quiz", "quiz", [f"q = Quiz({asked!r})\nq"])


def test_choosing_checking_and_reading_why(quiz):
    book, root = quiz
    first = root.locator(".lt-question").first
    check = first.get_by_role("button", name="Check")
    assert check.is_disabled()
    first.get_by_label("no", exact=True).check()
    assert book.ask("q.chosen") == "[-1, -1]"       # nothing is judged before Check
    check.click()
    first.locator(".lt-why", has_text="Look again").wait_for()
    book.until("q.chosen, q.score", "[0, -1] 0 right of 1 answered, 2 questions.")
    first.get_by_label("yes", exact=True).check()
    book.soon(first.locator(".lt-why").inner_text, "")
    check.click()
    first.locator(".lt-why.lt-good").wait_for()
    book.until("q.chosen", "[1, -1]")
    assert book.page.evaluate("window.hacked") is None
    book.looks("quiz", root)
    press(root, "Start again")
    book.until("q.chosen", "[-1, -1]")
    book.soon(root.locator("input:checked").count, 0)


def test_the_quiz_by_keyboard(quiz):
    book, root = quiz
    root.locator(".lt-question").nth(1).locator("input").first.focus()
    book.page.keyboard.press("Space")
    book.page.keyboard.press("ArrowDown")
    book.page.keyboard.press("Enter")
    book.until("q.chosen", "[-1, 1]")
    root.locator(".lt-message", has_text="Right: Yes.").wait_for()


# ---- environment card ---------------------------------------------------------------------------

def test_the_card_shows_this_machine(notebook):
    book, root = open_one(notebook, "card", "environment", ["c = EnvironmentCard()\nc"])
    assert "the slope of tanh at 0.5 is 0.7864" in root.inner_text()
    book.ask("setattr(c, 'groups', [])")
    press(root, "Look again")
    root.locator("h4", has_text="Arithmetic").wait_for()
    book.looks("card", root)


# ---- drawing ------------------------------------------------------------------------------------

@pytest.fixture
def sheet(notebook):
    return open_one(notebook, "sheet", "digit", ["""
class Halves:
    def __call__(self, x):
        return torch.stack([x[0, 0, :, :14].sum(), x[0, 0, :, 14:].sum()])
d = DrawDigit(Halves(), labels=["left", "right"], examples=torch.eye(28)[None])
d"""])


def test_drawing_with_the_mouse(sheet):
    book, root = sheet
    box = root.locator("canvas").bounding_box()
    mouse = book.page.mouse
    mouse.move(box["x"] + 60, box["y"] + 60)
    mouse.down()
    mouse.move(box["x"] + 60, box["y"] + 200, steps=5)
    mouse.up()
    root.locator(".lt-best", has_text="left").wait_for()
    book.until("d.bars[0][1] > 0.9", "True")
    book.until("int((d.image > 0.3).sum()) > 25", "True")
    book.until("d.image[:, 14:].any()", "False")
    book.looks("digit", root)
    press(root, "Rubber")
    mouse.move(box["x"] + 60, box["y"] + 50)
    mouse.down()
    mouse.move(box["x"] + 60, box["y"] + 220, steps=5)
    mouse.up()
    book.until("int((d.image > 0.3).sum())", "0")


def test_drawing_with_the_keyboard(sheet):
    book, root = sheet
    root.locator("canvas").focus()
    for _ in range(6):
        book.page.keyboard.press("ArrowRight")
    book.page.keyboard.press("Space")
    for _ in range(8):
        book.page.keyboard.press("ArrowDown")
    book.page.keyboard.press("Space")
    book.until("d.bars[1][1] > 0.9 if d.bars else None", "True")
    book.until("'rows 12 to 22, columns 18 to 20' in d.alt", "True")
    book.page.keyboard.press("Delete")
    book.until("d.ink", "")


def test_examples_and_pasted_drawings(sheet):
    book, root = sheet
    press(root, "Example")
    book.until("int(d.image.sum())", "28")
    corner = "(c) => [...c.getContext('2d').getImageData(5, 5, 1, 1).data]"
    book.soon(lambda: root.locator("canvas").evaluate(corner)[:3], [0, 0, 0])
    book.ask("setattr(d, 'ink', '')")
    book.page.wait_for_function(
        f"() => ({corner})(document.querySelector('canvas.lt-sheet'))[0] === 255")


# ---- convolution --------------------------------------------------------------------------------

@pytest.fixture
def maps(notebook):
    return open_one(notebook, "maps", "maps", [f"""
image = torch.zeros(1, 10, 10)
image[0, 2:8, 4:6] = 1
kernels = torch.tensor([[[-1.0, 0.0, 1.0]] * 3, [[1.0, 1.0, 1.0]] * 3])
f = FeatureMaps(image, kernels, names=["edges", {HOSTILE!r}])
f"""])


def test_hovering_an_output_pixel_shows_its_patch(maps):
    book, root = maps
    box = root.locator(".lt-output").bounding_box()
    book.page.mouse.move(box["x"] + box["width"] * 2.5 / 8, box["y"] + box["height"] * 3.5 / 8)
    book.until("f.chosen", "[0, 3, 2]")
    root.locator("h5", has_text="edges, row 3, column 2").wait_for()
    book.soon(lambda: root.locator(".lt-input .mark").get_attribute("x"), "2")
    products = root.locator("figure", has_text="products").locator("td")
    book.soon(products.all_text_contents, ["0.00", "0.00", "1.00"] * 3)
    book.soon(root.locator(".lt-message").inner_text, "the products add up to 3.000")
    assert book.page.evaluate("window.hacked") is None
    book.looks("maps", root)


def test_keys_move_the_pixel_and_change_the_map(maps):
    book, root = maps
    root.locator(".lt-output").focus()
    for key, wanted in (("ArrowLeft", "[0, 4, 3]"), ("ArrowUp", "[0, 3, 3]"),
                        ("PageDown", "[1, 3, 3]"), ("PageDown", "[1, 3, 3]")):
        book.page.keyboard.press(key)
        book.until("f.chosen", wanted)
    root.locator(".lt-thumb").first.click()
    book.until("f.chosen", "[0, 3, 3]")
