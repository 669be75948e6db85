"""The Python side of the widgets, without a browser: plain data, stable text, safe names."""

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("anywidget")

import learntorch as torch
from course import widgets
from course.widgets import base, pictures, storage_viewer

SCRIPT = "<script>alert(1)</script>"
QUESTIONS = [{"question": f"{SCRIPT} one?", "options": [
    {"text": "a", "right": False, "why": "no"}, {"text": SCRIPT, "right": True, "why": "yes"}]},
    {"question": "two?", "options": [
        {"text": "a", "right": True, "why": "because"}, {"text": "b", "right": False,
                                                         "why": "why"}]}]
CARD = {"system": {"python": "3.11", "executable": SCRIPT}, "arithmetic": {"numpy": "2.4"},
        "self_test": {"ok": True, "text": "slope 0.7864"}, "gpu": {"ok": False, "text": "none"},
        "extras": {"fast": {"for": "kernels", "installed": {}, "missing": ["numba"],
                            "install": "pip install numba"}}}


def explorer():
    x = torch.tensor([0.5, 2.0], requires_grad=True)
    return widgets.explore((x * 2).tanh().sum(), names={SCRIPT: x})


def curves():
    made = widgets.LossCurves(SCRIPT)
    for step in made.loop(range(5), run=SCRIPT):
        made.log(step, loss=1.0 / (step + 1))
    return made


MADE = {
    "explorer": explorer,
    "curves": curves,
    "storage": lambda: widgets.StorageViewer(torch.arange(6).view(2, 3), name=SCRIPT),
    "card": lambda: widgets.EnvironmentCard(CARD),
    "quiz": lambda: widgets.Quiz(QUESTIONS),
    "digit": lambda: widgets.DrawDigit(lambda x: np.arange(2.0), labels=[SCRIPT, "b"]),
    "maps": lambda: widgets.FeatureMaps(torch.ones(1, 5, 5), torch.ones(1, 3, 3), names=[SCRIPT]),
}


# ---- what every widget promises -----------------------------------------------------------------

@pytest.mark.parametrize("name", MADE)
def test_text_is_stable(name):
    """No address, no time, the same for another object of the same making."""
    first, second = repr(MADE[name]()), repr(MADE[name]())
    assert first == second and not re.search(r"0x[0-9a-f]{6}", first) and "\n" not in first


@pytest.mark.parametrize("name", MADE)
def test_there_is_a_picture_or_text_without_a_kernel(name):
    data, _ = MADE[name]()._repr_mimebundle_()
    assert data["text/plain"] == repr(MADE[name]())
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "image/svg+xml" in data or "text/html" in data


@pytest.mark.parametrize("name", MADE)
def test_names_from_outside_are_text_in_the_static_picture(name):
    data, _ = MADE[name]()._repr_mimebundle_()
    for mime in ("image/svg+xml", "text/html"):
        if mime in data:
            assert "<script" not in data[mime]
            root = ElementTree.fromstring(f"<div>{data[mime]}</div>")
            assert not [a for e in root.iter() for a in e.attrib
                        if a.startswith("on") or a == "id"]


@pytest.mark.parametrize("name", MADE)
def test_the_static_picture_is_the_same_every_time(name):
    first, _ = MADE[name]()._repr_mimebundle_()
    second, _ = MADE[name]()._repr_mimebundle_()
    for mime in ("image/svg+xml", "text/html", "text/plain"):
        assert first.get(mime) == second.get(mime)


@pytest.mark.parametrize("name", MADE)
def test_the_picture_is_told_in_words(name):
    assert len(MADE[name]().alt) > 20


@pytest.mark.parametrize("name", MADE)
def test_the_state_comes_back(name):
    made, other = MADE[name](), MADE[name]()
    changes = {"explorer": {"selected": "n2", "step": 3}, "curves": {"smoothing": 0.5,
                                                                    "log_y": True, "cursor": 2.0},
               "storage": {"slices": [[0, 2, 1], [1, 3, 2]], "order": [1, 0]},
               "quiz": {"chosen": [1, 0]}, "maps": {"chosen": [0, 1, 2]}}.get(name, {})
    for trait, value in changes.items():
        setattr(made, trait, value)
    if name == "digit":
        made.image = np.eye(28)
    other.state = made.state
    assert other.state == made.state
    for trait in made.shared:
        assert getattr(other, trait) == getattr(made, trait)


@pytest.mark.parametrize("text", [
    "", "nonsense", "lt:other?x=1", "lt:curves?smoothing=7", "lt:curves?smoothing=true",
    "lt:curves?log_x=1", "lt:curves?hidden=[1]", "lt:curves?_command=1", "lt:curves?cursor={}",
    "lt:curves?smoothing=1e999", "lt:curves?log_x=true&smoothing=7", f"lt:curves?{SCRIPT}=1",
    "lt:curves?hidden=" + "[" * 3000])
def test_a_bad_state_is_refused_and_changes_nothing(text):
    made = curves()
    before = made.state
    made.state = text
    assert made.state == before and "cannot be used" in made.message


def test_state_strings_are_readable():
    text = base.write_state("graph", {"selected": "n 3&", "step": 5, "collapsed": ["a.b"]})
    assert text == "lt:graph?selected=n%203%26&step=5&collapsed=[%22a.b%22]"
    now = {"selected": "", "step": 0, "collapsed": []}
    assert base.read_state("graph", text, now) == {
        "selected": "n 3&", "step": 5, "collapsed": ["a.b"]}


@pytest.mark.parametrize("name", ["GraphExplorer", "LossCurves", "StorageViewer",
                                  "EnvironmentCard", "Quiz", "DrawDigit", "FeatureMaps"])
def test_view_code_is_one_module_and_asks_for_nothing(name):
    """No import, no address, one default export; and no way for text to become markup."""
    code, css = str(getattr(widgets, name)._esm), str(getattr(widgets, name)._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1 and "export function" not in code
    addresses = re.findall(r"https?://[^\s\"'`]+", code + css)
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css


@pytest.mark.parametrize("file", sorted(base.FOLDER.glob("*.js")), ids=lambda f: f.name)
def test_view_files_are_short(file):
    lines = file.read_text("utf-8").splitlines()
    assert len(lines) <= 600 and max(map(len, lines)) <= 100


def test_the_course_imports_without_jupyter():
    """Only `course.widgets` needs it."""
    code = ("import sys; sys.modules['anywidget'] = sys.modules['ipywidgets'] = None\n"
            "import course, course.reveal, learntorch.viz; print('fine')")
    root = Path(__file__).resolve().parents[2]
    out = subprocess.run([sys.executable, "-c", code], cwd=root, text=True, capture_output=True)
    assert out.stdout.strip() == "fine", out.stderr[-500:]


# ---- the storage viewer -------------------------------------------------------------------------

def test_the_viewer_shows_the_view_that_its_code_makes():
    grid = torch.arange(24).view(4, 6)
    viewer = widgets.StorageViewer(grid)
    viewer.slices = [[1, 4, 1], [0, 6, 2]]
    viewer.order = [1, 0]
    assert viewer.code == "t[1:, ::2].t()"
    wanted = eval(viewer.code, {"t": grid})
    assert viewer.view.tolist() == wanted.tolist()
    rows = viewer.picture["tables"][0]["rows"]
    assert [[int(e["text"]) for e in row] for row in rows] == wanted.tolist()
    assert repr(viewer) == "StorageViewer(shape=(3, 3), stride=(2, 6), offset=6)"


def test_pointing_at_an_element_says_where_it_lies():
    viewer = widgets.StorageViewer(torch.arange(12).view(3, 4))
    viewer.index = [2, 1]
    assert viewer.message == "[2, 1]: cell = 0 + 2·4 + 1·1 = 9"
    viewer.index = [9, 9]
    assert viewer.index == []


def test_nothing_is_copied_and_no_history_is_made():
    t = torch.ones(2, 2, requires_grad=True)
    viewer = widgets.StorageViewer(t)
    viewer.order = [1, 0]
    assert viewer.view.data_ptr() == t.data_ptr() and not viewer.view.requires_grad


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (2, 2, 2, 2)])
def test_odd_shapes(shape):
    viewer = widgets.StorageViewer(torch.zeros(shape))
    ElementTree.fromstring(viewer.static())
    assert sum(len(r) for t in viewer.picture["tables"] for r in t["rows"]) >= viewer.tensor.numel()


def test_leading_dimensions_become_several_tables():
    viewer = widgets.StorageViewer(torch.arange(12).view(2, 3, 2))
    assert [t["title"] for t in viewer.picture["tables"]] == ["[0, :, :]", "[1, :, :]"]
    assert storage_viewer.unravel(7, [2, 3, 2]) == [1, 0, 1]


# ---- quiz and card ------------------------------------------------------------------------------

def test_the_answers_stay_in_python():
    quiz = widgets.Quiz(QUESTIONS)
    sent = json.dumps([quiz.questions, quiz.feedback, quiz.alt, quiz.message])
    assert "right" not in json.dumps(quiz.questions) and "because" not in sent


def test_a_choice_is_judged_and_explained():
    quiz = widgets.Quiz(QUESTIONS)
    quiz.chosen = [0, -1]
    assert quiz.feedback == [{"right": False, "text": "no"}, None]
    assert quiz.message == "Not right: no 0 right of 1 answered, 2 questions."
    quiz.chosen = [1, 0]
    assert quiz.score == "2 right of 2 answered, 2 questions."
    quiz.chosen = [7, -5]
    assert quiz.chosen == [-1, -1]


def test_the_quizzes_of_the_course_open():
    from course import quizzes
    for chapter in quizzes.chapters():
        assert 4 <= len(widgets.Quiz(chapter).questions) <= 6


def test_the_card_does_not_depend_on_the_machine_where_it_is_stored():
    mine, other = widgets.EnvironmentCard(), widgets.EnvironmentCard(CARD)
    assert repr(mine) == repr(other) == "EnvironmentCard: what this machine has for the course"
    assert mine._repr_mimebundle_()[0]["text/html"] == other._repr_mimebundle_()[0]["text/html"]
    assert "slope of tanh" in mine.alt and mine.healthy
    assert ["fast", "kernels: numba missing. Install with", "missing", "pip install numba"
            ] in other.groups[-1]["rows"]


# ---- drawing a digit ----------------------------------------------------------------------------

def test_a_drawing_is_kept_in_sixteen_greys():
    sheet = np.linspace(0, 1, 784).reshape(28, 28)
    from course.widgets.draw_digit import decode, encode
    assert np.abs(decode(encode(sheet)) - sheet).max() <= 0.5 / 15 + 1e-9
    assert encode(np.zeros((28, 28))) == "" and not decode("").any()
    with pytest.raises(ValueError):
        decode("zz")


def test_the_model_sees_what_is_drawn():
    seen = []

    def model(x):
        seen.append(x)
        return torch.tensor([[0.0, 3.0, 1.0]])

    sheet = widgets.DrawDigit(model, labels="abc")
    assert sheet.bars == [] and not seen
    drawing = np.zeros((28, 28))
    drawing[3:10, 5] = 1
    sheet.image = drawing
    assert tuple(seen[-1].shape) == (1, 1, 28, 28) and seen[-1].dtype == torch.float32
    assert seen[-1].numpy()[0, 0].tolist() == drawing.tolist()
    assert [b[0] for b in sheet.bars] == ["a", "b", "c"] and sheet.bars[1][2] == "84 %"
    assert sum(b[1] for b in sheet.bars) == pytest.approx(1, abs=1e-3)
    assert sheet.message == "It reads b (84 %), or c (11 %)."


def test_an_error_in_the_model_is_a_message():
    sheet = widgets.DrawDigit(lambda x: 1 / 0)
    sheet.image = np.ones((28, 28))
    assert sheet.bars == [] and sheet.message.startswith("The model stopped: ZeroDivisionError")
    sheet = widgets.DrawDigit(lambda x: [1.0, 2.0])
    sheet.image = np.ones((28, 28))
    assert "2 scores for 10 labels" in sheet.message


def test_centring_puts_the_weight_in_the_middle():
    from course.widgets.draw_digit import centred
    small = np.zeros((28, 28))
    small[1:6, 20:24] = 1
    moved = centred(small)
    rows, columns = np.nonzero(moved > 0.5)
    assert rows.max() - rows.min() == 19
    assert abs(rows.mean() - 13.5) <= 0.5 and abs(columns.mean() - 13.5) <= 0.5
    assert not centred(np.zeros((28, 28))).any()


# ---- convolutions -------------------------------------------------------------------------------

@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"padding": 1}, {"dilation": 2},
                                     {"stride": (2, 1), "padding": (0, 2), "groups": 2}])
def test_maps_are_those_of_the_library(options):
    rng = np.random.default_rng(0)
    image = rng.normal(size=(2, 9, 8)).astype(np.float32)
    each = 2 // options.get("groups", 1)
    kernels = rng.normal(size=(4, each, 3, 2)).astype(np.float32)
    bias = rng.normal(size=4).astype(np.float32)
    shown = widgets.FeatureMaps(torch.from_numpy(image), torch.from_numpy(kernels),
                                torch.from_numpy(bias), **options)
    wanted = torch.nn.functional.conv2d(torch.from_numpy(image[None]), torch.from_numpy(kernels),
                                        torch.from_numpy(bias), **options)[0]
    assert shown.conv.maps == pytest.approx(wanted.numpy(), abs=1e-4)


def test_a_layer_may_be_given():
    layer = torch.nn.Conv2d(1, 3, 3, padding="same")
    shown = widgets.FeatureMaps(torch.ones(6, 6), layer)
    assert repr(shown) == "FeatureMaps(3 maps of 6×6)"


def test_one_output_pixel_is_explained():
    image = torch.arange(16.0).view(4, 4)
    kernel = torch.tensor([[[0.0, 1.0], [2.0, 0.0]]])
    shown = widgets.FeatureMaps(image, kernel)
    shown.chosen = [0, 1, 2]
    detail = shown.detail
    assert detail["patch"] == [["6.00", "7.00"], ["10.00", "11.00"]]
    assert detail["products"] == [["0.00", "7.00"], ["20.00", "0.00"]]
    assert detail["place"] == [1, 2, 2, 2]
    assert shown.message == "the products add up to 27.000"
    shown.chosen = [5, 99, -1]
    assert shown.chosen == [0, 2, 0]


def test_channels_and_bias_are_added_up():
    shown = widgets.FeatureMaps(torch.ones(2, 3, 3), torch.ones(1, 2, 3, 3), torch.tensor([0.5]))
    assert shown.message == "9.000 + 9.000 + bias 0.500 = 18.500"


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        widgets.FeatureMaps(torch.ones(2, 5, 5), torch.ones(1, 3, 3, 3))
    with pytest.raises(ValueError, match="larger than the image"):
        widgets.FeatureMaps(torch.ones(1, 2, 2), torch.ones(1, 3, 3))


# ---- pictures -----------------------------------------------------------------------------------

def test_png_files_are_right_and_the_same_everywhere():
    """Read back by our own few lines: signature, sizes, check sums, pixels."""
    import struct
    import zlib
    rgb = np.arange(300 * 200 * 3, dtype=np.uint32).astype(np.uint8).reshape(300, 200, 3)
    data = pictures.png(rgb)
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", data[16:24]) == (200, 300)
    at, body = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        part = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(
            kind + part)
        body += part if kind == b"IDAT" else b""
        at += 12 + length
    raw = np.frombuffer(zlib.decompress(body), np.uint8).reshape(300, 601)
    assert (raw[:, 0] == 0).all() and (raw[:, 1:].reshape(300, 200, 3) == rgb).all()


def test_colours_of_signs():
    blue, white, orange = pictures.signed(np.array([[-2.0, 0.0, 2.0]]))[0]
    assert blue.tolist() == [0, 0x72, 0xB2] and orange.tolist() == [0xD5, 0x5E, 0]
    assert white.tolist() == [0xF7] * 3
    assert pictures.grey(np.array([[0.0, 1.0]]))[0].tolist() == [[0, 0, 0], [255, 255, 255]]
