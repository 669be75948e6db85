"""Chapters for nbgrader and otter: what those tools look for stands where they look for it.

Both were run on them by hand (nbgrader 0.9.6: generate_assignment, autograde, export; otter 7.0:
assign, run): the stub gets no point and the solutions get all.
"""

import ast
import re

import pytest

from course import check, solutions
from course.authoring import build, exports
from course.authoring.notebook import chapters, exercise_of, read
from course.checks import exercises

CHAPTERS = chapters()
every = pytest.mark.parametrize("chapter", CHAPTERS, ids=[c.name for c in CHAPTERS])


def marks(made):
    return [(c, c["metadata"]["nbgrader"]) for c in made["cells"] if "nbgrader" in c["metadata"]]


@every
def test_nbgrader_finds_answers_and_tests(chapter):
    made = exports.nbgrader(read(chapter.file), chapter.name)
    found = marks(made)
    names = exercises(chapter.name)
    solved = [c for c, m in found if m["solution"]]
    graded = [(c, m) for c, m in found if m["grade"]]
    assert len(solved) == len(graded) == len(names)
    assert all(m["points"] == 1 and m["locked"] and not m["solution"] for _, m in graded)
    ids = [m["grade_id"] for _, m in found]
    assert len(set(ids)) == len(ids)
    for cell, name in zip(solved, names, strict=True):
        # what a student gets: all but the part between the marks, which is Python and no solution
        kept = re.sub(r"### BEGIN SOLUTION.*### END SOLUTION", "", cell["source"], flags=re.S)
        ast.parse(kept)
        assert solutions.solution(name) in cell["source"]
        assert solutions.solution(name) not in kept and name in kept


@every
def test_otter_finds_questions(chapter):
    made = exports.otter(read(chapter.file), chapter.name)
    raw = [c["source"].split("\n")[0] for c in made["cells"] if c["cell_type"] == "raw"]
    names = exercises(chapter.name)
    one = ["# BEGIN QUESTION", "# BEGIN SOLUTION", "# END SOLUTION", "# BEGIN TESTS", "# END TESTS",
           "# END QUESTION"]
    assert raw == ["# ASSIGNMENT CONFIG", *one * len(names)]
    ids = [c["id"] for c in made["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in made["cells"]:
        assert exercise_of_source(cell) is None or "BEGIN SOLUTION NO PROMPT" in cell["source"]


def exercise_of_source(cell):
    from course.authoring.notebook import Cell

    tags = cell["metadata"].get("tags", [])
    if "exercise" not in tags:
        return None
    return exercise_of(Cell(cell["id"], cell["cell_type"], cell["source"], tags))


def test_an_answer_is_demanded_by_raising():
    check.demand("ex_01_3", lambda t: t.numel() * t.element_size())
    with pytest.raises(AssertionError, match=r"exercise 01\.3: failed: .*\n  hint 1 of"):
        check.demand("ex_01_3", lambda t: 0)
    with pytest.raises(AssertionError, match="not attempted"):
        check.demand("ex_01_3", ...)


def test_the_command_writes_what_the_tools_expect(tmp_path):
    line = ["1", "--out", str(tmp_path), "--version", "nbgrader", "--version", "otter"]
    assert build.main(line) == 0
    assert (tmp_path / "nbgrader" / "source" / "01_tensors" / "01_tensors.ipynb").exists()
    assert (tmp_path / "otter" / "01_tensors.ipynb").exists()
    ast.parse((tmp_path / "nbgrader" / "nbgrader_config.py").read_text())
