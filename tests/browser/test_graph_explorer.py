"""The graph explorer, driven: clicked, stepped, played, collapsed, saved."""

import pathlib

import pytest

SETUP = """
import learntorch as torch
from learntorch import nn
from course.widgets import explore
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
x, target = torch.randn(5, 3), torch.ones(5, 1)

def loss(x):
    return ((net(x) - target) ** 2).mean()
"""
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


@pytest.fixture
def book(notebook):
    return notebook("explorer", [SETUP, "g = explore(loss, x)\ng"])


def explorer(book):
    root = book.page.locator(".lt-explorer")
    root.wait_for()
    return root


def press(root, name):
    root.get_by_role("button", name=name, exact=True).click()


def test_clicking_a_node_shows_it(book):
    root = explorer(book)
    root.locator(".node[data-id=n2]").click()
    root.locator(".lt-net-detail h4", has_text="tanh").wait_for()
    book.soon(lambda: root.locator(".node.chosen").get_attribute("data-id"), "n2")
    book.until("g.selected", "n2")
    for part in ("TanhBackward0", "Kept for backward", "arrives", "the rule and the measured "
                 "slope agree", "xp.tanh", "learntorch/ops/"):
        root.locator(".lt-net-detail", has_text=part).wait_for()
    book.looks("explorer", root)


def test_keys_walk_through_the_graph(book):
    """And they stay in the widget: B and C would add cells and copy them in JupyterLab."""
    root = explorer(book)
    cells = book.page.locator(".jp-Notebook .jp-Cell").count()
    root.locator(".node[data-id=n1]").click()
    book.until("g.selected", "n1")
    root.locator(".lt-net-scroll").focus()
    for key, wanted in (("ArrowDown", "n2"), ("ArrowDown", "n3"), ("ArrowUp", "n2"),
                        ("Escape", "")):
        book.page.keyboard.press(key)
        book.until("g.selected", wanted)
    for key, wanted in (("]", "1"), ("]", "2"), ("[", "1"), ("Home", "0"), ("b", "6")):
        book.page.keyboard.press(key)
        book.until("g.step", wanted)
    for key in ("c", "x", "v", "d", "d", "a"):
        book.page.keyboard.press(key)
    book.page.wait_for_timeout(300)
    assert book.page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_step_back_rewind_and_slider(book):
    root = explorer(book)
    value = root.locator(".node[data-id=n2] .value")
    book.soon(value.text_content, "")
    press(root, "Step")
    press(root, "Step")
    book.until("g.step", "2")
    book.soon(lambda: value.text_content()[:1], "[")
    book.soon(lambda: root.locator(".node.active").get_attribute("data-id"), "n2")
    book.soon(root.locator(".lt-message").inner_text, book.ask("g.message"))
    press(root, "Back")
    book.until("g.step", "1")
    book.soon(value.text_content, "")
    press(root, "To backward")
    book.until("g.film['frames'][g.step]['way']", "backward")
    press(root, "Step")
    press(root, "Step")
    book.soon(lambda: root.locator(".node[data-id=n5] .grad").text_content()[:1], "∇")
    slider = root.locator("input[type=range]")
    slider.focus()
    book.page.keyboard.press("End")
    book.until("g.step == len(g.film['frames'])", "True")
    grads = root.locator(".node.leaf .grad")
    book.soon(lambda: [g[:1] for g in grads.all_text_contents()], ["∇"] * 4)
    press(root, "Rewind")
    book.until("g.step", "0")


def test_numbers_travel_while_it_plays(notebook):
    book = notebook("film", [SETUP, "g = explore(loss, x)\ng"], reduced=False)
    root = explorer(book)
    press(root, "Play")
    root.locator(".token").first.wait_for(state="attached")
    book.shot("explorer-playing", root)
    book.until("g.step >= 2", "True")
    press(root, "Pause")
    book.page.wait_for_timeout(300)
    stopped = int(book.ask("g.step"))
    book.page.wait_for_timeout(1500)
    assert int(book.ask("g.step")) <= stopped + 1       # a step that was under way may end
    book.soon(root.locator(".token").count, 0)


def test_with_reduced_motion_nothing_travels(book):
    root = explorer(book)
    press(root, "Step")
    book.page.wait_for_timeout(50)
    assert root.locator(".token").count() == 0


def test_modules_collapse(book):
    root = explorer(book)
    press(root, "net")
    root.locator(".node.group").wait_for()
    book.until("g.collapsed", "['net']")
    book.soon(root.locator(".node[data-id=n2]").count, 0)
    book.shot("explorer-collapsed", root)
    root.locator(".node.group").dblclick()
    root.locator(".node[data-id=n2]").wait_for()
    book.until("g.collapsed", "[]")


@pytest.mark.parametrize("form, start", [("svg", b"<svg"), ("png", b"\x89PNG"),
                                         ("dot", b"digraph"), ("mermaid", b"flowchart")])
def test_saving(book, form, start):
    root = explorer(book)
    with book.page.expect_download() as caught:
        root.locator("select").select_option(form)
    data = pathlib.Path(caught.value.path()).read_bytes()
    assert data.startswith(start) and len(data) > 300


def test_a_situation_is_copied_and_pasted(book):
    root = explorer(book)
    press(root, "Step")
    root.locator(".node[data-id=n3]").click()
    root.locator("summary").click()
    box = root.locator(".lt-share input")
    book.until("g.selected, g.step", "n3 1")
    book.soon(box.input_value, "lt:graph?selected=n3&step=1&collapsed=[]")
    box.fill("lt:graph?selected=n1&step=4&collapsed=[]")
    press(root, "Use")
    book.until("g.selected, g.step", "n1 4")
    box.fill("lt:curves?step=1")
    press(root, "Use")
    root.locator(".lt-message", has_text="cannot be used").wait_for()
    book.until("g.step", "4")


def test_two_views_show_the_same(notebook):
    book = notebook("twice", [SETUP, "g = explore(loss, x)\ng", "g"])
    book.page.locator(".lt-explorer").nth(1).wait_for()
    first, second = (book.page.locator(".lt-explorer").nth(i) for i in (0, 1))
    first.locator(".node[data-id=n2]").click()
    second.locator(".node.chosen[data-id=n2]").wait_for()


def test_names_from_outside_stay_text(notebook):
    book = notebook("hostile", [
        SETUP, f"h = {HOSTILE!r}\nt = torch.tensor([1.0], requires_grad=True)\n"
        "g = explore((t * 2).tanh(), names={h: t})\ng",
        "def bad(t):\n    raise ValueError(h)\ne = explore(bad, t)\ne"])
    root = book.page.locator(".lt-explorer").first
    root.locator(".node.leaf").click()
    root.locator(".lt-net-detail h4", has_text="<img").wait_for()
    book.page.locator(".lt-message", has_text="<script>").wait_for()
    assert book.page.evaluate("window.hacked") is None


def test_a_failed_computation_is_drawn_to_where_it_broke(notebook):
    book = notebook("broken", [SETUP, """
def program(x):
    h = (x * 2).tanh()
    return torch.mm(h, torch.ones(2, 2))
g = explore(program, x)
g"""])
    root = explorer(book)
    root.locator(".node.broken").click()
    root.locator(".lt-net-detail", has_text="cannot be multiplied").wait_for()
    root.locator(".lt-message", has_text="Stopped at mm").wait_for()
    book.looks("explorer-broken", root)


def test_two_thousand_nodes_stay_usable(notebook):
    book = notebook("large", [SETUP, """
y = t = torch.tensor([1.0, 2.0], requires_grad=True)
for _ in range(1000):
    y = y * 1.0001 + t
g = explore(y)
g"""])
    root = explorer(book)
    book.soon(lambda: root.locator(".node").count() > 2000, True)
    for _ in range(5):
        press(root, "Step")
    book.until("g.step", "5")
    root.locator(".lt-net-scroll").focus()
    book.page.keyboard.press("ArrowDown")
    book.until("g.selected != ''", "True")
    book.shot("explorer-large", root)
