"""The student's, the solution and the instructor's version of a chapter."""

import pytest

from course import solutions
from course.authoring import build
from course.authoring.notebook import cells, chapters, exercise_of, read
from course.authoring.versions import instructor, solved, student

CHAPTERS = chapters()
NAMES = [c.name for c in CHAPTERS]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_the_student_gets_no_outputs_and_all_else(chapter):
    notebook = read(chapter.file)
    made = student(notebook)
    for old, new in zip(cells(notebook), cells(made), strict=True):
        assert (new.name, new.source, new.tags) == (old.name, old.source, old.tags)
        assert new.outputs == [] and new.count is None


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_the_solution_differs_in_the_stubs_only(chapter):
    notebook = read(chapter.file)
    answers = solutions.solutions(chapter.name)
    for old, new in zip(cells(notebook), cells(solved(notebook, chapter.name)), strict=True):
        if "exercise" in old.tags:
            assert new.source == answers[exercise_of(old)]
        else:
            assert new.source == old.source


@pytest.mark.parametrize("chapter", CHAPTERS, ids=NAMES)
def test_the_instructor_sees_hints_and_the_answers_of_the_quiz(chapter):
    made = instructor(read(chapter.file), chapter.name)
    text = "\n".join(cell["source"] for cell in made["cells"])
    assert text.count("**Hints the check gives, in turn**") == len(
        solutions.solutions(chapter.name)
    )
    assert "## Quiz: answers" in text and "**right**" in text
    names = [cell["id"] for cell in made["cells"]]
    assert len(set(names)) == len(names)


def test_the_command_writes_what_it_says(tmp_path, capsys):
    assert build.main(["1", "--out", str(tmp_path)]) == 0
    for version in build.VERSIONS:
        assert (tmp_path / version / "01_tensors.ipynb").exists()
    assert capsys.readouterr().out.count("1 chapters in") == 3


def test_a_full_build_takes_old_chapters_away(tmp_path):
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "99_old.ipynb").write_text("{}")
    (tmp_path / "student" / "notes.txt").write_text("keep")
    assert build.main(["--version", "student", "--out", str(tmp_path)]) == 0
    assert sorted(f.name for f in (tmp_path / "student").iterdir()) == sorted(
        [c.file.name for c in CHAPTERS] + ["notes.txt"]
    )


@pytest.mark.notebooks
def test_a_version_can_be_built_with_its_outputs(tmp_path):
    pytest.importorskip("nbclient")
    file = build.build(CHAPTERS[0], "solution", tmp_path, run=True)
    said = [o["text"] for c in read(file)["cells"] for o in c.get("outputs", []) if "text" in o]
    assert sum(": passed" in text for text in said) == 3
