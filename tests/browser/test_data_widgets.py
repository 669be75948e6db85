"""The widgets of the chapters on loading data and on saving, driven with mouse and keyboard."""

import pytest

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def press(root, name):
    root.get_by_role("button", name=name, exact=True).click()


def open_one(notebook, name, css, cells):
    book = notebook(name, ["import learntorch as torch\nfrom course.widgets import *", *cells])
    root = book.page.locator(f".lt-{css}").first
    root.wait_for()
    root.scroll_into_view_if_needed()
    return book, root


# ---- batches ------------------------------------------------------------------------------------

@pytest.fixture
def viewer(notebook):
    return open_one(notebook, "batches", "batch-view", ["b = BatchViewer()\nb"])


def rows(root):
    return root.locator(".lt-batch-row").count


def test_settings_change_the_batches(viewer):
    book, root = viewer
    book.soon(rows(root), 7)
    book.soon(root.locator(".lt-batch-row .lt-bad").count, 1)
    root.get_by_label("drop_last").check()
    book.until("b.drop_last", "True")
    book.soon(rows(root), 6)
    size = root.get_by_label("batch size")
    size.fill("5")
    size.press("Tab")
    book.until("b.batch_size, len(b.batches)", "5 5")
    root.get_by_label("sampler").select_option("weighted")
    book.until("b.sampler", "weighted")
    book.soon(root.locator("pre").inner_text, book.ask("b.code"))
    root.get_by_label("shuffle").check()
    book.soon(root.locator(".lt-batch-list").inner_text,
              "ValueError: sampler option is mutually exclusive with shuffle")
    root.get_by_label("shuffle").uncheck()
    root.get_by_label("drop_last").uncheck()
    root.get_by_label("sampler").select_option("balanced")
    size.fill("4")
    size.press("Tab")
    book.until("b.batch_size, b.sampler, b.problem", "4 balanced")
    book.soon(root.locator(".lt-batch-row .lt-good").count, 3)


def test_stepping_by_button_and_key(viewer):
    book, root = viewer
    press(root, "Step")
    book.until("b.step", "1")
    book.soon(lambda: root.locator(".lt-batch-row.lt-on").get_attribute("data-number"), "0")
    root.locator(".lt-batch-list").focus()
    for key, wanted in (("ArrowRight", "2"), ("Enter", "3"), ("ArrowLeft", "2"), ("End", "7"),
                        ("Home", "0"), ("ArrowRight", "1")):
        book.page.keyboard.press(key)
        book.until("b.step", wanted)
    asked = root.locator(".lt-batch-held[data-state=asked]")
    book.soon(asked.all_inner_texts, ["2", "4", "1", "3"])
    root.get_by_label("shuffle").check()
    book.until("b.shuffle", "True")
    first = book.ask("b.batches[0]['indices']")
    press(root, "Next epoch")
    book.until("b.epoch, b.step", "2 0")
    assert book.ask("b.batches[0]['indices']") != first
    press(root, "Play")
    book.until("b.step >= 2", "True")
    press(root, "Pause")
    root.locator(".lt-batch-row").nth(4).click()
    book.until("b.step", "5")
    book.looks("batches", root)


def test_a_pasted_situation_and_hostile_labels(notebook):
    book, root = open_one(notebook, "labels", "batch-view", [
        f"b = BatchViewer([{HOSTILE!r}, 'no'] * 20, batch_size=6)\nb"])
    book.soon(rows(root), 7)
    assert book.page.evaluate("window.hacked") is None
    root.locator(".lt-share summary").click()
    box = root.get_by_label("state of this widget, to copy or paste")
    box.fill("lt:batches?batch_size=8&shuffle=true&workers=3&seed=5&step=2&sampler=none")
    press(root, "Use")
    book.until("b.batch_size, b.shuffle, b.workers, b.seed, b.step", "8 True 3 5 2")
    book.soon(rows(root), 5)
    book.soon(root.locator(".lt-batch-lane").count, 3)


# ---- the inside of a file -----------------------------------------------------------------------

FILE = f"""
import io, os, pickle
from learntorch import nn
torch.manual_seed(0)
large = torch.randn(10000)
model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16))
torch.save({{"model": model.state_dict(), "view": large[100:400], "other": large[300:900],
            "epoch": 7, {HOSTILE!r}: [1, 2.5, "three"]}}, "one.pt")
f = FileInspector("one.pt")
f"""


@pytest.fixture
def inspector(notebook):
    return open_one(notebook, "file", "file-view", [FILE])


def line(root, place):
    return root.locator(f"[role=treeitem][data-id='{place}']")


def test_clicking_a_tensor_shows_its_numbers(inspector):
    book, root = inspector
    line(root, "o/1").click()
    book.until("f.selected", "o/1")
    side = root.locator(".lt-file-detail")
    book.soon(side.locator("code").first.inner_text, "loaded['view']")
    book.soon(side.locator(".lt-file-histogram rect").count, 24)
    book.soon(side.locator(".lt-file-look").count, 2)
    assert book.page.evaluate("window.hacked") is None
    book.looks("file", root)
    root.get_by_label("record data/7").click()
    book.until("f.selected == 'f/11', f.detail['title']", "True data/7")
    root.get_by_label("record data.pkl").click()
    book.until("f.selected", "f/0")
    book.soon(side.locator(".lt-file-steps tbody tr").first.inner_text, "0\tPROTO\t2")


def test_keys_walk_fold_and_search(inspector):
    book, root = inspector
    root.locator("[role=tree]").focus()
    for key, wanted in (("ArrowDown", "o/0"), ("ArrowRight", "o/0/0"),
                        ("ArrowDown", "o/0/1"), ("ArrowLeft", "o/0"), ("End", "f/13"),
                        ("Home", "o")):
        book.page.keyboard.press(key)
        book.until("f.selected", wanted)
    book.page.keyboard.press("/")
    book.page.keyboard.type("running")
    book.until("f.query", "running")
    book.soon(root.locator("[role=treeitem]").count, 4)
    book.page.keyboard.press("ArrowDown")
    book.page.keyboard.press("End")
    book.until("f.detail['title']", "loaded['model']['1.running_var']")
    book.page.keyboard.press("/")
    book.page.keyboard.press("Escape")
    book.until("f.query == ''", "True")


def test_a_hostile_file_and_a_truncated_one(notebook):
    book, _ = open_one(notebook, "bad", "file-view", [FILE, """
class Bad:
    def __reduce__(self):
        return (os.system, ("touch ran",))
torch.save({"model": model.state_dict(), "extra": Bad()}, "bad.pt")
g = FileInspector("bad.pt", selected="o/1")
g""", """
data = open("one.pt", "rb").read()
k = FileInspector(io.BytesIO(data[:len(data) // 2]), selected="o/2")
k"""])
    every = book.page.locator(".lt-file-view")
    bad, cut = every.nth(1), every.nth(2)
    book.soon(bad.locator("[data-state=refused]").count, 2)
    assert "torch.load refuses it: it names" in bad.locator(".lt-file-verdict").inner_text()
    book.soon(lambda: "touch ran" in bad.locator(".lt-file-detail").inner_text(), True)
    assert book.ask("os.path.exists('ran')") == "False"
    book.soon(line(cut, "o/2").locator(".lt-file-size").inner_text, "2,400 bytes")
    book.soon(lambda: line(cut, "f").locator(".lt-file-size").inner_text(), "✂ cut")
    book.looks("file-bad", bad)
    book.looks("file-cut", cut)
