"""The widgets of chapters 02 and 03, driven with the mouse and with the keyboard."""

import pytest


def press(root, name):
    root.get_by_role("button", name=name, exact=True).click()


def open_one(notebook, name, css, cells):
    book = notebook(name, ["import learntorch as torch\nfrom course.widgets import *", *cells])
    root = book.page.locator(f".lt-{css}")
    root.wait_for()
    root.scroll_into_view_if_needed()
    return book, root


# ---- shared memory ------------------------------------------------------------------------------

@pytest.fixture
def memory(notebook):
    return open_one(notebook, "memory", "shared-memory", ["m = SharedMemory()\nm"])


def numbers(root):
    return lambda: root.locator(".lt-number").all_text_contents()


def test_a_number_written_through_one_name_is_seen_through_the_other(memory):
    book, root = memory
    press(root, "t[2]")
    book.until("m.target", "[1, 2]")
    book.soon(root.locator(".lt-target").inner_text, "t[2] =")
    root.get_by_label("the number to write").fill("9.5")
    press(root, "Write")
    book.until("m.writes", "[[1, 2, 9.5]]")
    book.soon(numbers(root), ["1", "2", "9.5", "4", "5"])
    book.soon(root.locator(".lt-message").inner_text,
              "t[2] = 9.5 was written, and a[2] is 9.5 too.")
    book.soon(root.locator(".lt-written").all_text_contents, ["9.5"])
    book.soon(lambda: root.locator(".lt-story").inner_text().splitlines()[-1], "t[2] = 9.5")
    book.looks("memory", root)
    press(root, "Start again")
    book.soon(numbers(root), ["1", "2", "3", "4", "5"])


def test_a_copy_has_a_row_of_its_own(memory):
    book, root = memory
    root.locator("select").select_option(label="t = torch.tensor(a)")
    book.until("m.how", "tensor")
    book.soon(root.locator(".lt-row").count, 2)
    press(root, "Write")
    book.until("m.writes", "[[0, 0, 9.0]]")
    book.soon(numbers(root), ["9", "2", "3", "4", "5", "1", "2", "3", "4", "5"])
    book.soon(root.locator(".lt-message").inner_text,
              "a[0] = 9 was written, and no number of t has changed.")
    book.looks("memory-copy", root)


def test_what_is_refused_is_said(memory):
    book, root = memory
    root.locator("select").select_option("backward")
    book.until("m.how", "backward")
    root.locator(".lt-reason.lt-bad", has_text="may walk backward").wait_for()
    root.locator(".lt-message", has_text="At least one stride").wait_for()
    book.soon(root.locator(".lt-tensor").count, 0)
    book.looks("memory-refused", root)


def test_the_memory_by_keyboard(memory):
    book, root = memory
    root.locator("select").select_option("part")
    book.until("m.how", "part")
    root.locator(".lt-rows").focus()
    for key, wanted in (("ArrowRight", "[0, 1]"), ("ArrowDown", "[1, 1]"),
                        ("ArrowRight", "[1, 2]"), ("ArrowRight", "[1, 2]"),
                        ("ArrowUp", "[0, 2]"), ("ArrowLeft", "[0, 1]"), ("ArrowDown", "[1, 1]")):
        book.page.keyboard.press(key)
        book.until("m.target", wanted)
    book.page.keyboard.press("Enter")
    book.page.keyboard.press("Control+a")
    book.page.keyboard.type("-3")
    book.page.keyboard.press("Enter")
    book.until("m.writes", "[[1, 1, -3.0]]")
    book.soon(numbers(root), ["1", "2", "-3", "4", "5"])


def test_a_pasted_state_comes_back_and_a_bad_one_does_not(memory):
    book, root = memory
    root.locator("summary").click()
    box = root.get_by_label("state of this widget")
    box.fill("lt:memory?how=stepped&writes=[[1,1,7]]")
    box.press("Enter")
    book.until("m.how, m.writes", "stepped [[1, 1, 7.0]]")
    book.soon(numbers(root), ["1", "2", "7", "4", "5"])
    box.fill("lt:memory?how=stepped&writes=[[1,9,7]]")
    box.press("Enter")
    root.locator(".lt-message", has_text="cannot be used").wait_for()
    book.until("m.writes", "[[1, 1, 7.0]]")


# ---- indexing and broadcasting ------------------------------------------------------------------

@pytest.fixture
def shapes(notebook):
    return open_one(notebook, "shapes", "shape-explorer", ["s = ShapeExplorer()\ns"])


def texts(root, selector):
    return lambda: root.locator(selector).all_text_contents()


def test_a_typed_index_shows_what_it_chooses(shapes):
    book, root = shapes
    root.locator("[data-trait=expression]").fill(":, [0, 0, 3]")
    book.until("s.expression", ":, [0, 0, 3]")
    result = root.locator("figure").last
    book.soon(result.locator("td").all_text_contents, "0 0 3 4 4 7 8 8 11".split())
    book.soon(texts(root, "figure:first-child td.lt-chosen"), ["0×2", "3", "4×2", "7", "8×2", "11"])
    book.soon(lambda: texts(root, ".lt-says li")()[-1],
              "Result: shape (3, 3), a copy: it has memory of its own.")
    root.locator("figure").first.locator("td").nth(4).hover()
    book.until("s.at", "[1, 0]")
    book.soon(texts(root, "td.lt-on"), ["4×2", "4", "4"])
    book.soon(root.locator(".lt-message").inner_text,
              "t[:, [0, 0, 3]][1, 0] is t[1, 0], which is 4")
    book.looks("shapes-index", root)


def test_an_index_that_does_not_fit_is_explained(shapes):
    book, root = shapes
    root.get_by_label("examples").first.select_option(label="t[::-1]")
    book.until("s.expression", "::-1")
    root.locator(".lt-message", has_text="step must be greater than zero").wait_for()
    root.locator(".lt-hint", has_text="cannot walk backward").wait_for()
    book.soon(root.locator("figure").count, 1)
    box = root.locator("[data-trait=expression]")
    book.soon(box.input_value, "::-1")
    box.fill("<b>[")
    root.locator(".lt-hint", has_text="count the brackets").wait_for()
    book.looks("shapes-refused", root)


def test_two_shapes_meet(shapes):
    book, root = shapes
    press(root, "Broadcasting")
    book.until("s.mode", "broadcast")
    book.soon(texts(root, "td.lt-repeated"), ["10"] * 3 + ["20"] * 3 + ["30"] * 3
              + ["1", "2", "3", "4"] * 2)
    book.soon(texts(root, ".lt-aligned td"), ["dim -2", "dim -1", "3", "1", "none", "4", "3", "4"])
    root.locator(".lt-blocks").focus()
    for key, wanted in (("ArrowRight", "[0, 0]"), ("ArrowRight", "[0, 1]"),
                        ("ArrowRight", "[0, 2]"), ("ArrowDown", "[1, 2]")):
        book.page.keyboard.press(key)
        book.until("s.at", wanted)
    book.soon(texts(root, "td.lt-on"), ["20", "3", "23"])
    book.soon(root.locator(".lt-message").inner_text,
              "(a + b)[1, 2] = a[1, 0] + b[2] = 20 + 3 = 23")
    book.looks("shapes-broadcast", root)


def test_shapes_that_do_not_fit(shapes):
    book, root = shapes
    press(root, "Broadcasting")
    book.until("s.mode", "broadcast")
    root.locator("[data-trait=left]").fill("3, 4")
    root.locator("[data-trait=right]").fill("3")
    book.until("s.left, s.right", "3, 4 3")
    root.locator(".lt-message", has_text="must match the size of tensor b (3)").wait_for()
    book.soon(texts(root, ".lt-aligned li.lt-bad"), ["dim -1: 4 and 3 differ, and neither is 1"])
    book.looks("shapes-unfit", root)
    root.locator("[data-trait=right]").fill("3, 1")
    book.soon(texts(root, "figure:last-child .lt-size"), ["shape (3, 4)"])


def test_three_dimensions_and_a_pasted_state(shapes):
    book, root = shapes
    root.locator("summary").click()
    box = root.get_by_label("state of this widget")
    box.fill("lt:shapes?mode=broadcast&left=2,1,3&right=4,1")
    box.press("Enter")
    book.until("s.mode, s.left, s.right", "broadcast 2,1,3 4,1")
    book.soon(root.locator("[data-trait=right]").input_value, "4,1")
    book.soon(texts(root, "figure:last-child caption"), ["[0, :, :]", "[1, :, :]"])
    book.page.mouse.move(1, 1)          # where it lay, a cell may have come to lie under it
    root.locator(".lt-blocks").focus()
    book.page.keyboard.press("Escape")
    book.until("s.at", "[-1]")
    for key, wanted in (("PageDown", "[0, 0, 0]"), ("PageDown", "[1, 0, 0]"), ("Escape", "[-1]")):
        book.page.keyboard.press(key)
        book.until("s.at", wanted)
    book.looks("shapes-deep", root)
