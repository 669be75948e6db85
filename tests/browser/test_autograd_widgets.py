"""The widgets of the chapters on autograd and modules, driven with mouse and keyboard."""

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


# ---- the vector-Jacobian product ----------------------------------------------------------------

@pytest.fixture
def stepper(notebook):
    return open_one(notebook, "vjp", "vjp-view", ["s = VJPStepper(v=[2.0, -1.0])\ns"])


def cells(root, kind):
    return root.locator(f"td.{kind}").all_text_contents


def test_stepping_shows_one_number_after_the_other(stepper):
    book, root = stepper
    book.soon(cells(root, "lt-slope"), ["?"] * 4)
    press(root, "Step")
    book.until("s.step", "1")
    book.soon(cells(root, "lt-slope"), ["3.00", "2.00", "2.00", "2.00"])
    book.soon(cells(root, "lt-one"), ["?", "?"])
    for _ in range(2):
        press(root, "Step")
    book.until("s.step", "3")
    book.soon(cells(root, "lt-one"), ["6.00", "4.00"])
    book.soon(cells(root, "lt-two"), ["-2.00", "-2.00"])
    book.soon(cells(root, "lt-grad"), ["?", "?"])
    press(root, "All")
    book.soon(cells(root, "lt-sum"), ["4.00", "2.00"])
    book.soon(cells(root, "lt-grad"), ["4.00", "2.00"])
    book.soon(root.get_by_role("button", name="Step", exact=True).is_disabled, True)
    book.looks("vjp", root)
    press(root, "Back")
    book.until("s.step", "4")
    press(root, "Start")
    book.soon(cells(root, "lt-slope"), ["?"] * 4)


def test_sliders_and_keys_move_v(stepper):
    book, root = stepper
    press(root, "All")
    book.until("s.step", "5")
    slider = root.get_by_label("v[0]", exact=True)
    slider.focus()
    book.page.keyboard.press("ArrowLeft")
    book.until("s.v", "[1.5, -1.0]")
    book.soon(cells(root, "lt-grad"), ["2.50", "1.00"])
    root.locator(".lt-vjp-tables").focus()
    for key, wanted in (("ArrowRight", "[2.0, -1.0]"), ("ArrowUp", "[2.0, -0.5]"),
                        ("ArrowDown", "[2.0, -1.0]"), ("ArrowLeft", "[1.5, -1.0]")):
        book.page.keyboard.press(key)
        book.until("s.v", wanted)
    for key, wanted in (("Home", "0"), ("Enter", "1"), ("Enter", "2"), ("Backspace", "1"),
                        ("End", "5")):
        book.page.keyboard.press(key)
        book.until("s.step", wanted)


def test_another_function_and_a_pasted_state(stepper):
    book, root = stepper
    root.get_by_label("function").select_option("chain")
    book.until("s.function, s.x", "chain [1.0, 2.0, 3.0]")
    press(root, "All")
    book.soon(cells(root, "lt-grad"), ["4.00", "-1.00", "-2.00"])
    book.soon(root.locator(".lt-vjp-sliders input").count, 5)
    book.looks("vjp-three", root)
    root.locator(".lt-share summary").click()
    box = root.get_by_label("state of this widget, to copy or paste")
    box.fill("lt:vjp?function=squares&x=[1.0,3.0]&v=[1.0,1.0]&step=5")
    press(root, "Use")
    book.until("s.x", "[1.0, 3.0]")
    book.soon(cells(root, "lt-grad"), ["2.00", "6.00"])
    book.soon(root.locator("pre").inner_text, "y[0] = x[0] ** 2\ny[1] = x[1] ** 2")


# ---- the tree of modules ------------------------------------------------------------------------

@pytest.fixture
def tree(notebook):
    return open_one(notebook, "tree", "tree-view", [f"""
from learntorch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Tanh())
        self.heads = nn.ModuleList([nn.Linear(16, 3), nn.Linear(16, 2)])
        self.unused = nn.Linear(100, 1000)
        for p in self.body[0].parameters():
            p.requires_grad_(False)
        self.add_module({HOSTILE!r}.replace(".", ""), nn.Identity())
    def forward(self, x):
        x = self.body(x)
        return self.heads[0](x), self.heads[1](x)
model = Net()
m = ModuleTree(model, torch.ones(5, 4))
m"""])


def row(root, path):
    return root.locator(f"[role=treeitem][data-path='{path}']")


def test_clicking_a_module_shows_it(tree):
    book, root = tree
    book.soon(row(root, "body.0").locator(".lt-tree-output").inner_text, "(5, 16)")
    book.soon(row(root, "body.0").locator(".lt-tree-state").inner_text, "❄ frozen")
    book.soon(row(root, "unused").locator(".lt-tree-output").inner_text, "not called")
    row(root, "body.1").click()
    book.until("m.selected", "body.1")
    book.soon(root.locator(".lt-tree-detail code").inner_text, "model.body[1]")
    book.soon(root.locator(".lt-tree-detail pre").inner_text,
              book.ask("repr(model.body[1])"))
    book.soon(lambda: row(root, "body.1").get_attribute("aria-selected"), "true")
    assert book.page.evaluate("window.hacked") is None
    book.looks("tree", root)


def test_keys_walk_fold_and_unfold(tree):
    book, root = tree
    rows = root.locator("[role=treeitem]")
    book.soon(rows.count, 10)
    root.locator("[role=tree]").focus()
    for key, wanted in (("ArrowDown", "body"), ("ArrowRight", "body.0"), ("ArrowDown", "body.1"),
                        ("ArrowUp", "body.0"), ("ArrowLeft", "body")):
        book.page.keyboard.press(key)
        book.until("m.selected", wanted)
    book.page.keyboard.press("ArrowLeft")
    book.until("m.folded", "['body']")
    book.soon(rows.count, 7)
    book.soon(lambda: row(root, "body").get_attribute("aria-expanded"), "false")
    book.page.keyboard.press("ArrowDown")
    book.until("m.selected", "heads")
    book.page.keyboard.press("ArrowUp")
    book.until("m.selected", "body")
    book.page.keyboard.press("ArrowRight")
    book.until("m.folded", "[]")
    book.page.keyboard.press("Home")
    book.until("m.selected == ''", "True")
    book.soon(lambda: root.locator("[role=tree]").get_attribute("aria-activedescendant"),
              rows.first.get_attribute("id"))


def test_buttons_fold_and_look_again(tree):
    book, root = tree
    rows = root.locator("[role=treeitem]")
    press(root, "Fold all")
    book.until("m.folded", "['body', 'heads']")
    book.soon(rows.count, 5)
    press(root, "Unfold all")
    book.soon(rows.count, 10)
    row(root, "heads").locator(".lt-tree-arrow").click()
    book.until("m.folded", "['heads']")
    book.ask("model.body[0].requires_grad_(True)")
    press(root, "Look again")
    book.soon(row(root, "body.0").locator(".lt-tree-state").inner_text, "● trainable")
