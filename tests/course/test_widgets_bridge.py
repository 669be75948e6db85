"""The shared-memory viewer without a browser: what it says is measured on a real pair."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("anywidget")

import learntorch as torch
from course import widgets
from course.widgets import shared_memory
from course.widgets.shared_memory import WAYS

SHARING = {"from_numpy", "numpy", "as_tensor", "double", "part", "stepped"}
WRITABLE = [how for how in WAYS if how != "backward"]


def made(how="from_numpy"):
    return widgets.SharedMemory(how)


def run(viewer):
    """The code on show, run as a reader would: the names it makes."""
    space = {"np": np, "torch": torch}
    exec("\n".join(viewer.picture["lines"]), space)
    return space


# ---- what is shown is true ----------------------------------------------------------------------

@pytest.mark.parametrize("how", WRITABLE)
@pytest.mark.parametrize("name", ["a", "t"])
def test_the_code_on_show_makes_the_numbers_on_show(how, name):
    viewer = made(how)
    viewer.write(name, 1, 9)
    space = run(viewer)
    for memory in viewer.picture["memories"]:
        for cell in memory["cells"]:
            for called in (n["text"] for n in cell["names"] if n):
                assert float(eval(called, space)) == float(cell["text"])


@pytest.mark.parametrize("how", WRITABLE)
def test_every_number_of_both_has_its_cell(how):
    viewer = made(how)
    space = run(viewer)
    shown = [n["text"] for m in viewer.picture["memories"] for c in m["cells"]
             for n in c["names"] if n]
    wanted = [f"{name}[{i}]" for name in "at" for i in range(len(space[name]))]
    assert sorted(shown) == sorted(wanted)


@pytest.mark.parametrize("how", WAYS)
def test_sharing_is_what_the_chapter_says(how):
    viewer = made(how)
    assert viewer.picture["shared"] == (how in SHARING)
    assert len(viewer.picture["memories"]) == (1 if how in SHARING or how == "backward" else 2)


@pytest.mark.parametrize("how", WRITABLE)
def test_a_write_is_seen_by_the_other_where_they_share(how):
    first = WAYS[how].first
    viewer = made(how)
    viewer.write(first, 2, -4)
    assert ("too" in viewer.message) == (how in SHARING)
    other = run(viewer)["t" if first == "a" else "a"]
    assert (-4.0 in other.tolist()) == (how in SHARING)
    written = [c for m in viewer.picture["memories"] for c in m["cells"] if c["written"]]
    assert [c["text"] for c in written] == ["-4"]


def test_a_part_is_numbered_from_its_own_beginning():
    viewer = made("part")
    viewer.write("t", 0, 8)
    assert viewer.message == "t[0] = 8 was written, and a[1] is 8 too."
    viewer.write("a", 0, 6)
    assert viewer.message == "a[0] = 6 was written, and no number of t has changed."


def test_writing_what_is_there_already_changes_nothing():
    viewer = made()
    viewer.write("t", 2, 3)
    assert viewer.message == "t[2] = 3 was written. a[2] is the same place; nothing changed."


def test_a_refused_array_is_explained():
    viewer = made("backward")
    assert viewer.message.startswith("ValueError: At least one stride in the given numpy array is")
    assert "copy" in viewer.picture["why"] and not viewer.picture["shared"]
    viewer.target = [1, 0]
    assert viewer.target == [0, 0]


def test_another_way_begins_anew():
    viewer = made()
    viewer.write("a", 3, 9)
    viewer.how = "numpy"
    assert viewer.writes == [] and viewer.target == [1, 0]
    assert viewer.picture["lines"][1] == "a = t.numpy()"


# ---- what is written ----------------------------------------------------------------------------

def test_a_later_write_to_the_same_memory_replaces_the_earlier_one():
    viewer = made()
    for value in range(40):
        viewer.write("at"[value % 2], 1, value)
    assert viewer.writes == [[1, 1, 39.0]]
    apart = made("tensor")
    apart.write("a", 1, 5)
    apart.write("t", 1, 6)
    assert len(apart.writes) == 2


@pytest.mark.parametrize("write", [
    [2, 0, 1.0], [0, 5, 1.0], [0, -1, 1.0], [0, 0.5, 1.0], [0, 0, float("inf")],
    [0, 0, float("nan")], [0, 0, 1e9], [0, 0], [0, 0, "1"], [0, 0, None], [True, 0, 1.0]])
def test_an_impossible_write_is_refused(write):
    import traitlets

    viewer = made()
    with pytest.raises(traitlets.TraitError):
        viewer.writes = [write]
    assert viewer.writes == [] and viewer.picture["lines"][2:] == []


def test_the_target_stays_inside():
    viewer = made("part")
    viewer.target = [1, 99]
    assert viewer.target == [1, 2]
    viewer.target = [7, -3]
    assert viewer.target == [0, 0]


# ---- what every widget promises -----------------------------------------------------------------

def test_the_state_comes_back():
    viewer, other = made("stepped"), made("numpy")
    viewer.write("t", 1, 2.5)
    viewer.write("a", 1, -7)
    assert viewer.state == "lt:memory?how=stepped&writes=[[1,1,2.5],[0,1,-7.0]]"
    other.state = viewer.state
    assert other.state == viewer.state and other.picture == viewer.picture


@pytest.mark.parametrize("text", [
    "", "lt:storage?x=1", "lt:memory?how=never", "lt:memory?writes=[[0,9,1]]",
    "lt:memory?writes=7", "lt:memory?writes=[7]", "lt:memory?picture={}",
    "lt:memory?how=backward&writes=[[1,0,1]]", "lt:memory?writes=" + "[" * 3000])
def test_a_bad_state_is_refused_and_changes_nothing(text):
    viewer = made("numpy")
    viewer.write("t", 0, 4)
    before = viewer.state, viewer.picture
    viewer.state = text
    assert (viewer.state, viewer.picture) == before and "cannot be used" in viewer.message


@pytest.mark.parametrize("how", WAYS)
def test_text_picture_and_words_are_the_same_every_time(how):
    first, second = made(how), made(how)
    assert repr(first) == repr(second) and "0x" not in repr(first) and "\n" not in repr(first)
    assert first.alt == second.alt and WAYS[how].why in first.alt
    data, _ = first._repr_mimebundle_()
    assert data["image/svg+xml"] == second._repr_mimebundle_()[0]["image/svg+xml"]
    root = ElementTree.fromstring(data["image/svg+xml"])
    assert not [a for e in root.iter() for a in e.attrib if a.startswith("on") or a == "id"]
    texts = ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("text")]
    assert set(first.picture["lines"]) <= set(texts)


def test_long_reasons_are_folded():
    lines = shared_memory.folded("one two three four", 8)
    assert lines == ["one two", "three", "four"] and shared_memory.folded("", 8) == [""]


def test_the_view_is_one_module_and_asks_for_nothing():
    code, css = str(widgets.SharedMemory._esm), str(widgets.SharedMemory._css)
    assert not re.search(r"^\s*import\b|\bimport\(", code, re.MULTILINE)
    assert code.count("export default") == 1 and "export function" not in code
    assert set(re.findall(r"https?://[^\s\"'`]+", code + css)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", code)
    assert "@import" not in css and "url(" not in css
