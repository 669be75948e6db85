"""The widgets of the chapters on colour images and on transfer learning, in a real browser."""

import pytest

HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


def press(root, name):
    root.get_by_role("button", name=name, exact=True).click()


def open_one(notebook, name, css, cells):
    start = "import learntorch as torch\nfrom learntorch import nn\nfrom course.widgets import *"
    book = notebook(name, [start, *cells])
    root = book.page.locator(f".lt-{css}")
    root.wait_for()
    root.scroll_into_view_if_needed()
    return book, root


# ---- feature maps of colour pictures ------------------------------------------------------------

@pytest.fixture
def colour(notebook):
    return open_one(notebook, "colour", "maps", [f"""
torch.manual_seed(0)
from course.photos import pieces
picture = torch.from_numpy(pieces(32, 1, 10)[2][0]).permute(2, 0, 1).float() / 255
layer = nn.Conv2d(3, 8, 3, stride=2, padding=1)
f = FeatureMaps(picture, layer, names=[{HOSTILE!r}] + [f"map {{i}}" for i in range(1, 8)])
f"""])


def test_a_colour_picture_and_its_three_channels(colour):
    book, root = colour
    first = root.locator(".lt-parts th")
    book.soon(first.all_text_contents, ["red", "green", "blue", "bias", "sum"])
    book.soon(root.locator(".lt-sum table").count, 0)
    box = root.locator(".lt-output").bounding_box()
    book.page.mouse.move(box["x"] + box["width"] * 2.5 / 16, box["y"] + box["height"] * 3.5 / 16)
    book.until("f.chosen", "[0, 3, 2]")
    book.soon(lambda: root.locator(".lt-input .mark").get_attribute("x"), "3")
    press(root, "green")
    book.until("f.channel", "1")
    book.soon(root.locator(".lt-sum table").count, 3)
    book.soon(root.locator(".lt-parts .lt-on th").inner_text, "green")
    root.locator(".lt-thumb").nth(5).click()
    book.until("f.chosen", "[5, 3, 2]")
    book.soon(lambda: root.locator(".lt-parts td.lt-mono").last.inner_text(),
              book.ask("f.detail['total']"))
    book.looks("maps-colour", root)
    press(root, "in colour")
    book.until("f.channel", "-1")
    book.soon(root.locator(".lt-sum table").count, 0)
    assert book.page.evaluate("window.hacked") is None


def test_a_layer_deep_inside_and_its_receptive_field(notebook):
    book, root = open_one(notebook, "deep", "maps", ["""
torch.manual_seed(0)
from course.photos import pieces
picture = torch.from_numpy(pieces(32, 1, 10)[2][3]).permute(2, 0, 1).float() / 255
front = nn.Sequential(nn.Conv2d(3, 12, 4, stride=4), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1))
f = FeatureMaps(picture, nn.Conv2d(12, 4, 3, padding=1), through=front)
f"""])
    root.locator(".lt-output").focus()
    field = root.locator(".lt-source .mark")
    book.page.keyboard.press("ArrowUp")
    book.until("f.chosen", "[0, 3, 4]")
    book.soon(lambda: [field.get_attribute(k) for k in ("x", "y", "width", "height")],
              ["8", "4", "20", "20"])
    book.soon(lambda: "20 × 20 points" in root.locator(".lt-message").inner_text(), True)
    root.get_by_label("input channel").select_option("7")
    book.until("f.channel", "7")
    book.soon(root.locator(".lt-parts th").count, 11)
    book.looks("maps-deep", root)
