"""The confusion matrix, without a browser: counting, dividing, choosing, and what is shown."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("anywidget")

import learntorch as torch
from course import widgets
from course.widgets import base, confusion_matrix

SCRIPT = "<script>alert(1)</script>"
LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 0])
GUESSES = torch.tensor([0, 1, 0, 1, 1, 2, 0, 0, 2, 0])
COUNTS = [[3, 1, 0], [0, 2, 0], [2, 0, 2]]


def shown(**options):
    return widgets.ConfusionMatrix(LABELS, GUESSES, **options)


def texts(matrix):
    return [[cell["text"] for cell in row] for row in matrix.table["cells"]]


def test_rows_are_the_true_classes():
    assert shown().matrix.tolist() == COUNTS
    assert texts(shown()) == [[str(v) for v in row] for row in COUNTS]
    assert shown().table["summary"] == "7 of 10 right, accuracy 0.700."


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=60))
def test_counting_is_counting(pairs):
    labels, guesses = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    found = confusion_matrix.count(labels, guesses, 5)
    for r in range(5):
        for c in range(5):
            assert found[r, c] == pairs.count((r, c))


def test_scores_of_classes_are_the_divisions():
    assert confusion_matrix.per_class(np.array(COUNTS)) == [
        (3 / 5, 3 / 4, 6 / 9, 4), (2 / 3, 2 / 2, 4 / 5, 2), (2 / 2, 2 / 4, 4 / 6, 4)]
    empty = confusion_matrix.per_class(np.array([[0, 0], [2, 0]]))
    assert empty == [(0.0, None, 0.0, 0), (None, 0.0, 0.0, 2)]
    never = widgets.ConfusionMatrix(torch.tensor([0]), torch.tensor([0]), names=["a", "b"])
    assert never.table["scores"][1] == ["b", "–", "–", "–", "0"]


def test_shares_of_rows_and_columns():
    matrix = shown()
    matrix.normalize = "truth"
    assert texts(matrix) == [["0.75", "0.25", "0"], ["0", "1.00", "0"], ["0.50", "0", "0.50"]]
    matrix.normalize = "guess"
    assert texts(matrix) == [["0.60", "0.33", "0"], ["0", "0.67", "0"], ["0.40", "0", "1.00"]]
    matrix.normalize = "count"
    assert texts(matrix)[0] == ["3", "1", "0"]


def test_mistakes_have_a_scale_of_their_own():
    levels = [[cell["level"] for cell in row] for row in shown().table["cells"]]
    assert levels[0][0] == 10 and levels[2][0] == 10 and levels[0][1] == 7 and levels[0][2] == 0


def test_the_largest_mistake_is_chosen_first_and_the_next_on_request():
    matrix = shown()
    assert list(matrix.chosen) == [2, 0]
    assert matrix.message == "2, but called 0: 2 examples."
    for wanted in ([0, 1], [2, 0], [0, 1]):
        matrix._handle_custom_msg({"type": "mistake"}, [])
        assert list(matrix.chosen) == wanted
    matrix.chosen = [1, 1]
    matrix._handle_custom_msg({"type": "mistake"}, [])
    assert list(matrix.chosen) == [2, 0]
    perfect = widgets.ConfusionMatrix(LABELS, LABELS)
    perfect._handle_custom_msg({"type": "mistake"}, [])
    assert list(perfect.chosen) == [0, 0]


def test_the_examples_of_a_cell():
    matrix = shown(examples=torch.rand(10, 1, 4, 4))
    assert [item["caption"] for item in matrix.detail["items"]] == ["no. 6", "no. 7"]
    assert all(i["picture"].startswith("data:image/png;base64,") for i in matrix.detail["items"])
    matrix.chosen = [1, 0]
    assert matrix.detail["items"] == [] and matrix.message == "1, but called 0: 0 examples."
    matrix.chosen = [0, 0]
    assert [i["caption"] for i in matrix.detail["items"]] == ["no. 0", "no. 2", "no. 9"]
    assert matrix.detail["facts"] == [["recall of 0", "3 right of 4 in the row: 0.750"],
                                      ["precision of 0", "3 right of 5 in the column: 0.600"]]
    said = shown(examples=[f"{SCRIPT} {i}" for i in range(10)])
    assert said.detail["items"][0]["text"] == f"{SCRIPT} 6"


def test_many_examples_are_cut():
    zeros = torch.zeros(100, dtype=torch.int64)
    matrix = widgets.ConfusionMatrix(zeros, zeros, examples=torch.rand(100, 3, 3))
    assert len(matrix.detail["items"]) == 24 and matrix.detail["more"] == 76


def test_scores_decide_and_sort_by_how_sure():
    scores = torch.tensor([[0.0, 5.0], [0.0, 0.5], [0.0, 9.0], [1.0, 0.0]])
    matrix = widgets.ConfusionMatrix(torch.zeros(4, dtype=torch.int64), scores=scores)
    assert matrix.guesses.tolist() == [1, 1, 1, 0]
    captions = [item["caption"] for item in matrix.detail["items"]]
    assert captions == ["no. 2, 100 %", "no. 0, 99 %", "no. 1, 62 %"]


def test_pictures_dark_or_light():
    picture = np.array([[0.0, 1.0]])
    assert confusion_matrix.shaded(picture, ink=False)[0, :, 0].tolist() == [0, 255]
    assert confusion_matrix.shaded(picture, ink=True)[0, :, 0].tolist() == [255, 0]
    colour = np.zeros((3, 1, 2))
    colour[0, 0, 1] = 1.0
    assert confusion_matrix.shaded(colour, ink=False)[0].tolist() == [[0, 0, 0], [255, 0, 0]]


@pytest.mark.parametrize("options, words", [
    ({"guesses": GUESSES[:5]}, "10 labels do not fit 5 guesses"),
    ({"guesses": GUESSES.float()}, "guesses should be one row of whole numbers"),
    ({"guesses": GUESSES - 1}, "from 0 on"),
    ({"guesses": GUESSES.reshape(2, 5)}, "one row"),
    ({}, "give guesses, or scores"),
    ({"scores": torch.rand(10)}, "one row of scores for each"),
    ({"scores": torch.rand(9, 3)}, "do not fit 10 labels"),
    ({"guesses": GUESSES, "names": ["a", "b"]}, "at least 3 are in use"),
    ({"guesses": GUESSES + 60}, "at most 40 can be shown"),
    ({"guesses": GUESSES, "examples": torch.rand(9, 4, 4)}, "9 examples do not fit 10 labels"),
    ({"guesses": GUESSES, "examples": torch.rand(10, 4)}, "pictures should have the shape"),
])
def test_what_does_not_fit_is_said(options, words):
    with pytest.raises(ValueError, match=words):
        widgets.ConfusionMatrix(LABELS, **options)


def test_the_choice_stays_inside():
    matrix = shown()
    matrix.chosen = [7, -3]
    assert list(matrix.chosen) == [2, 0]


def test_the_state_comes_back():
    matrix, other = shown(), shown()
    matrix.chosen, matrix.normalize = [0, 1], "truth"
    assert matrix.state == "lt:confusion?chosen=[0,1]&normalize=truth"
    other.state = matrix.state
    assert list(other.chosen) == [0, 1] and other.normalize == "truth"
    for bad in ("lt:confusion?normalize=x", "lt:confusion?chosen=[1]", "lt:maps?chosen=[0,0]"):
        other.state = bad
        assert "cannot be used" in other.message and other.state == matrix.state


def test_text_and_picture_are_stable_and_safe():
    made = shown(names=[SCRIPT, "b", "c"])
    assert repr(made) == repr(shown(names=["a", "b", "c"])) == (
        "ConfusionMatrix(3 classes, 7 of 10 right)")
    picture = made.static()
    assert picture == shown(names=[SCRIPT, "b", "c"]).static() and "<script" not in picture
    root = ElementTree.fromstring(picture)
    words = list(root.itertext())
    assert SCRIPT[:16] in words and "0.667" in words and "7 of 10 right, accuracy 0.700." in words
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on") or a == "id"]
    data, _ = made._repr_mimebundle_()
    assert data["text/plain"] == repr(made) and data["image/svg+xml"] == picture
    assert made.alt.startswith("Confusion matrix. 7 of 10 right") and "but called" in made.alt


def test_view_code_asks_for_nothing():
    code, css = str(widgets.ConfusionMatrix._esm), str(widgets.ConfusionMatrix._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css
    lines = (base.FOLDER / "confusion_matrix.js").read_text("utf-8").splitlines()
    assert max(map(len, lines)) <= 100
