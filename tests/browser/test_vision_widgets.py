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


# ---- the freeze panel ---------------------------------------------------------------------------

@pytest.fixture
def panel(notebook):
    return open_one(notebook, "freeze", "ice", [f"""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(*[
            nn.Sequential(nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU())
            for i, o in [(3, 8), (8, 16), (16, 16), (16, 32), (32, 32), (32, 64), (64, 64)]])
        self.add_module({HOSTILE!r}.replace(".", ""), nn.Linear(64, 64))
        self.head = nn.Linear(64, 10)
    def forward(self, x):
        return self.head(self.features(x).mean(dim=(2, 3)))
net = Net().requires_grad_(False).eval()
p = FreezePanel(net, sample=torch.randn(4, 3, 16, 16), name="net", budget=40_000)
p"""])


def row(root, path):
    return root.locator(f"[role=option][data-path='{path}']")


LEARNING = "[n for n, q in net.named_parameters() if q.requires_grad]"


def test_switches_presets_and_the_bill(panel):
    book, root = panel
    book.soon(root.locator("[role=option]").count, 9)
    press(root, "Head only")
    book.until(LEARNING, "['head.weight', 'head.bias']")
    book.soon(row(root, "head").locator(".lt-ice-state").inner_text, "● learns")
    row(root, "features.6").locator(".lt-ice-switch").click()
    book.until("p.on, p.selected", "['features.6', 'head'] features.6")
    book.soon(row(root, "features.6").locator(".lt-ice-back").inner_text, "⤒ ends")
    book.soon(root.locator(".lt-ice-budget span").inner_text, "✔ 37,642 of at most 40,000")
    row(root, "features.1").locator(".lt-ice-switch").click()
    row(root, "features.5").locator(".lt-ice-switch").click()
    book.soon(root.locator(".lt-ice-budget span").inner_text, "✘ 57,386 of at most 40,000")
    root.get_by_label("optimizer").select_option("SGD")
    book.until("p.optimizer, p.totals['optimizer']", "SGD 0")
    root.get_by_label("frozen batch norms in eval mode").uncheck()
    book.until("net.features[0][1].training", "True")
    book.soon(row(root, "features.0").locator(".lt-ice-norms").inner_text, "norm moving")
    book.looks("freeze", root)
    press(root, "Measure a step")
    book.soon(lambda: "Just now a step took" in root.locator(".lt-message").inner_text(), True)
    assert book.page.evaluate("window.hacked") is None


def test_keys_choose_switch_and_paste(panel):
    book, root = panel
    root.locator("[role=listbox]").focus()
    for key, wanted in (("Home", "features.0"), ("ArrowDown", "features.1"), ("End", "head")):
        book.page.keyboard.press(key)
        book.until("p.selected", wanted)
    book.page.keyboard.press(" ")
    book.until("p.on", "['head']")
    book.page.keyboard.press("ArrowUp")
    book.page.keyboard.press("ArrowUp")
    book.until("p.selected", "features.6")
    book.page.keyboard.press("b")
    book.until("len(p.on), p.on[0]", "3 features.6")
    book.soon(lambda: row(root, "features.6").get_attribute("aria-selected"), "true")
    book.page.keyboard.press("b")
    book.until("p.on", "[]")
    root.locator(".lt-share summary").click()
    box = root.get_by_label("state of this widget, to copy or paste")
    box.fill('lt:freeze?on=["features.0"]&optimizer=SGD&steady=false&selected=features.0')
    press(root, "Use")
    book.until("p.on, p.optimizer, p.steady", "['features.0'] SGD False")
    book.soon(root.locator(".lt-ice-detail td:last-child").all_text_contents,
              ["gets a gradient"] * 3)
