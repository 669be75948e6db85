"""The index and broadcast explorer without a browser: what it says is what the library does."""

import re
from xml.etree import ElementTree

import pytest

pytest.importorskip("anywidget")

import learntorch as torch
from course import widgets
from course.widgets import broadcasting, indexing

T = torch.arange(12).view(3, 4)
HOSTILE = "<img src=x onerror=alert(1)>"
REFUSED = ["3", "0, 1, 2", "::-1", "[0, 1], [0, 1, 2]", "1.5"]


def numbers(block):
    """The numbers of a block as nested tables, and its cells in order."""
    cells = [c for table in block["tables"] for row in table["rows"] for c in row]
    return [int(c["text"]) for c in cells], cells


def at(expression, tensor=None):
    return widgets.ShapeExplorer(tensor, expression=expression)


def sum_of(left, right):
    return widgets.ShapeExplorer(mode="broadcast", left=left, right=right)


# ---- indexing -----------------------------------------------------------------------------------

@pytest.mark.parametrize("expression", [
    *(e for e in indexing.EXAMPLES if e not in REFUSED), "None", "...", "[]", "5:",
    "1:2, None, ...", "[1, 2], [1, 2], None",
    "torch.tensor([2, 0])", "~(t > 3)", "[True, False, True]", "t % 2 == 0", "t[:, 0] > 3",
    "(t < 2) | (t > 9)", "-1, -2"])
def test_the_result_is_what_the_expression_gives(expression):
    viewer = at(expression)
    wanted = eval(f"t[{expression}]", {"t": T, "torch": torch})
    source, result = viewer.picture["blocks"]
    assert result["shape"] == list(wanted.shape)
    assert numbers(result)[0] == wanted.flatten().tolist()
    chosen = {int(c["text"]) for c in numbers(source)[1] if c["kind"] == "chosen"}
    assert chosen == set(wanted.flatten().tolist())
    assert not viewer.picture["error"] and not viewer.picture["hint"]


@pytest.mark.parametrize(("expression", "words"), [
    ("1", "dim 0: place 1; the dimension is gone."),
    ("-1", "place -1, which is 2 counted from the front"),
    (":, ::2", "dim 1: places 0, 2; the dimension stays, with size 2."),
    ("1:", "dim 1: all places."),
    ("None", "dims 0 to 1: all places."),
    ("None, 0", "None: a new dimension of size 1."),
    ("..., 0", "...: dim 0: all places."),
    ("[2, 0]", "dim 0: places 2, 0, in this order."),
    ("[0, 2], [1, 3]", "The lists are read in pairs, the first place with the first."),
    ("t > 5", "dims 0 to 1: the 6 places where the mask is True, in one row."),
    (":, t[0] > 1", "dim 1: the 2 places where the mask is True, in one row."),
    ("[True, False, True]", "dim 0: the 2 places where the list is True."),
    ("5:", "dim 0: places none at all; the dimension stays, with size 0."),
])
def test_each_part_is_explained(expression, words):
    assert any(words in line for line in at(expression).picture["says"])


@pytest.mark.parametrize(("expression", "kind"), [
    ("1", "a view"), (":, ::2", "a view"), ("None", "a view"), ("[0, 1]", "a copy"),
    ("t >= 0", "a copy"), ("0, [1, 2]", "a copy")])
def test_a_view_and_a_copy_are_told_apart(expression, kind):
    assert kind in at(expression).picture["says"][-1]


@pytest.mark.parametrize(("expression", "error", "meaning"), [
    ("3", "IndexError: index 3 is out of bounds", "The first place is 0, so the last of 3 is 2."),
    (":, -5", "IndexError: index -5 is out of bounds", "4 is 3. From the end: -1 to -4."),
    ("0, 1, 2", "IndexError: too many indices", "t has 2 dimensions"),
    ("::-1", "ValueError: step must be greater than zero", "t.flip(0)"),
    ("[0, 1], [0, 1, 2]", "IndexError: shape mismatch", "equally long"),
    ("[True, False]", "IndexError: The shape of the mask [2]", "the same size"),
    ("1.5", "IndexError: only integers", "between place 1 and place 2"),
])
def test_an_error_is_that_of_the_library_and_is_explained(expression, error, meaning):
    viewer = at(expression)
    assert viewer.message.startswith(error) and meaning in viewer.picture["hint"]
    assert len(viewer.picture["blocks"]) == 1 and repr(viewer).endswith("refused)")


@pytest.mark.parametrize("expression", [
    "] + t[0", "1] + t[0", "__import__('os')", "9 ** 9", "t.numpy()", "lambda: 1", "x", "'a'",
    "1,, 2", "[t]", "[[0]]", "t * t", "1:2.5", "t > [1]", "t > None", "True", "(" * 50, "t[(1",
    "1; 2", "*t", "10000000", "[0, 0, 0, 0, 0, 0, 0, 0, 0]", "torch.ones(3)", "torch.tensor(3)",
    "1 if t else 2", "0" * 70, "", "\0"])
def test_nothing_else_is_read(expression):
    viewer = at(expression)
    assert viewer.picture["hint"] and not viewer.picture["error"]
    assert all(c["kind"] == "plain" for c in numbers(viewer.picture["blocks"][0])[1])


def test_a_result_that_is_too_large_is_not_shown():
    wide = torch.arange(64).view(1, 64)
    assert "4096 numbers are too many" in at("t % 1", wide).picture["hint"]
    assert "no meaning here" in at("t[t % 1] > 0", wide).picture["hint"]
    with pytest.raises(ValueError, match="73 numbers are too many"):
        widgets.ShapeExplorer(torch.zeros(73))


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (2, 3, 2), (2, 2, 2, 2)])
def test_odd_shapes_and_history(shape):
    x = torch.zeros(shape, requires_grad=True)
    viewer = at("...", x)
    ElementTree.fromstring(viewer.static())
    assert viewer.picture["blocks"][1]["shape"] == list(shape) and x.grad is None


def test_pointing_tells_where_a_number_comes_from():
    viewer = at(":, [0, 0, 3]")
    viewer.at = [2, 1]
    assert viewer.message == "t[:, [0, 0, 3]][2, 1] is t[2, 0], which is 8"
    assert [c["note"] for c in numbers(viewer.picture["blocks"][0])[1]][:4] == ["×2", "", "", ""]
    viewer.at = [9, 9]
    assert viewer.at == [-1]
    single = at("1, 2")
    single.at = []
    assert single.message == "t[1, 2] is t[1, 2], which is 6"
    refused = at("9")
    refused.at = [0, 0]
    assert refused.at == [-1]


# ---- broadcasting -------------------------------------------------------------------------------

PAIRS = [(a, b) for a in ("", "1", "3", "4", "3, 1", "1, 4", "3, 4", "2, 3, 4", "2, 1, 1")
         for b in ("", "4", "3", "3, 1", "2, 1, 4")]


@pytest.mark.parametrize(("left", "right"), PAIRS)
def test_the_sum_is_that_of_the_library(left, right):
    viewer = sum_of(left, right)
    a, b = (broadcasting.filled(broadcasting.shape_of(s), u) for s, u in ((left, 10), (right, 1)))
    try:
        wanted = a + b
    except RuntimeError as error:
        assert viewer.message == f"RuntimeError: {error}"
        assert not all(row["fits"] for row in viewer.picture["aligned"])
        assert viewer.picture["hint"].startswith("Begin at the right. dim -")
        return
    blocks = viewer.picture["blocks"]
    assert blocks[2]["shape"] == list(wanted.shape) and all(
        row["fits"] for row in viewer.picture["aligned"])
    for block, t in zip(blocks, (a, b, wanted), strict=True):
        found, cells = numbers(block)
        assert found == t.expand(wanted.shape).flatten().tolist()
        assert [int(c["text"]) for c in cells if c["kind"] == "chosen"] == t.flatten().tolist()
    sizes = [row["result"] for row in viewer.picture["aligned"]]
    assert sizes == [str(n) for n in wanted.shape]


def test_each_dimension_gets_its_verdict():
    rows = sum_of("2, 1, 3", "4, 3").picture["aligned"]
    assert [(r["dim"], r["a"], r["b"], r["result"]) for r in rows] == [
        (-3, "2", "none", "2"), (-2, "1", "4", "4"), (-1, "3", "3", "3")]
    assert [r["says"] for r in rows] == [
        "b has none, which counts as 1: it is repeated 2 times",
        "a has size 1: it is repeated 4 times", "equal"]
    wrong = sum_of("3, 4", "3").picture
    assert wrong["aligned"][1]["says"] == "4 and 3 differ, and neither is 1"
    assert "unsqueeze" in wrong["hint"]
    assert "unsqueeze" not in sum_of("2, 3", "3, 2").picture["hint"]


def test_pointing_tells_which_numbers_are_added():
    viewer = sum_of("3, 1", "4")
    viewer.at = [1, 2]
    assert viewer.message == "(a + b)[1, 2] = a[1, 0] + b[2] = 20 + 3 = 23"
    scalar = sum_of("", "")
    scalar.at = []
    assert scalar.message == "a + b = a + b = 10 + 1 = 11"


@pytest.mark.parametrize(("left", "says"), [
    ("x", "written as 3, 4"), ("-1", "written as"), ("3;4", "written as"), ("7", "size 1 to 6"),
    ("0", "size 1 to 6"), ("2, 2, 2, 2", "at most 3 dimensions"), ("²", "written as"),
    ("6, 6, 6", "216 numbers; 72 can be shown")])
def test_a_shape_that_cannot_be_shown_is_said(left, says):
    viewer = sum_of(left, "1")
    assert says in viewer.picture["hint"] and viewer.picture["blocks"] == []
    viewer.at = [0]
    assert viewer.at == [-1]


# ---- what every widget promises -----------------------------------------------------------------

def test_the_state_comes_back():
    viewer, other = sum_of("2, 3", "3"), at("t > 5")
    assert other.state == "lt:shapes?mode=index&expression=t%20%3E%205&left=3,%201&right=4"
    viewer.state = other.state
    assert viewer.state == other.state and viewer.picture == other.picture


@pytest.mark.parametrize("text", [
    "", "lt:storage?x=1", "lt:shapes?mode=both", "lt:shapes?picture={}", "lt:shapes?at=[0]",
    "lt:shapes?expression=" + "1" * 300])
def test_a_bad_state_is_refused_and_changes_nothing(text):
    viewer = at("1, 2")
    before = viewer.state, viewer.picture
    viewer.state = text
    assert (viewer.state, viewer.picture) == before and "cannot be used" in viewer.message


@pytest.mark.parametrize("make", [
    lambda: at("1:, [0, 0]"), lambda: at("9"), lambda: at(HOSTILE), lambda: sum_of("3, 1", "4"),
    lambda: sum_of("3", "4"), lambda: sum_of(HOSTILE, "4")])
def test_text_picture_and_words_are_stable_and_safe(make):
    first, second = make(), make()
    assert repr(first) == repr(second) and "0x" not in repr(first) and "\n" not in repr(first)
    assert first.alt == second.alt and len(first.alt) > 20
    picture = first._repr_mimebundle_()[0]["image/svg+xml"]
    assert picture == second._repr_mimebundle_()[0]["image/svg+xml"] and "<img" not in picture
    root = ElementTree.fromstring(picture)
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on") or a == "id"]


def test_the_view_is_one_module_and_asks_for_nothing():
    code, css = str(widgets.ShapeExplorer._esm), str(widgets.ShapeExplorer._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1 and "export function" not in code
    assert set(re.findall(r"https?://[^\s\"'`]+", code + css)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css
