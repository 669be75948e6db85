"""A chapter as text and back: nothing is lost, and outputs stay where nothing changed."""

import pytest

from course.authoring.notebook import cells, chapters, read, write
from course.authoring.text import from_text, merge, to_text

TEXT = """%% markdown intro
# Title

Some *text*.

%% code one tolerance=0.01 learntorch-only
x = 1
print(x)

%% code two
print(2)
"""


def test_cells_names_and_tags():
    made = from_text(TEXT)
    assert [c.name for c in made] == ["intro", "one", "two"]
    assert [c.kind for c in made] == ["markdown", "code", "code"]
    assert made[1].tags == ["tolerance=0.01", "learntorch-only"]
    assert made[1].source == "x = 1\nprint(x)"


def test_text_to_notebook_and_back():
    assert to_text(merge(from_text(TEXT))) == TEXT


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.name)
def test_every_chapter_survives_the_way_through_text(chapter):
    notebook = read(chapter.file)
    made = merge(from_text(to_text(notebook)), notebook)
    assert [c.as_json() for c in cells(made)] == [c.as_json() for c in cells(notebook)]


@pytest.mark.parametrize("chapter", chapters(), ids=lambda c: c.name)
def test_files_are_written_as_they_are_read(chapter, tmp_path):
    write(tmp_path / "again.ipynb", read(chapter.file))
    assert (tmp_path / "again.ipynb").read_bytes() == chapter.file.read_bytes()


def test_outputs_stay_only_with_unchanged_cells():
    notebook = merge(from_text(TEXT))
    for number, cell in enumerate(notebook["cells"][1:], 1):
        cell["execution_count"] = number
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": f"{number}\n"}]
    changed = merge(from_text(TEXT.replace("print(2)", "print(3)")), notebook)
    first, second = cells(changed)[1:]
    assert first.outputs and first.count == 1
    assert not second.outputs and second.count is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello\n%% code a\n", "line 1: text before the first cell"),
        ("%% cod a\n", "line 1: not a cell head"),
        ("%% code a\n1\n%% code a\n2\n", "two cells have the same name: a"),
    ],
)
def test_what_is_not_in_the_format(text, words):
    with pytest.raises(ValueError, match=words):
        from_text(text)
