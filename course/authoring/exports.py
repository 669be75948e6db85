"""Chapters in the forms that nbgrader and otter take: `learntorch course build --version nbgrader`.

Both keep their own book of who has passed what; the checks stay those of the course. In each form a
stub stands before its solution, between the marks that the tool cuts out, and the check cell raises
unless the answer passes, because that is how these tools tell right from wrong.
"""

import copy

from course.authoring.notebook import Cell, cells, exercise_of
from course.authoring.versions import student
from course.solutions import solutions

__all__ = ["NBGRADER_CONFIG", "nbgrader", "otter"]

NBGRADER_CONFIG = '''# In this folder: nbgrader generate_assignment NAME, then release it.

c = get_config()  # noqa: F821 (nbgrader defines it)
# What stands in place of a solution: the stub above it asks for the answer.
c.ClearSolutions.code_stub = {"python": "# YOUR ANSWER ABOVE"}
c.ClearSolutions.enforce_metadata = False
c.ExecutePreprocessor.timeout = 300
c.Execute.timeout = 300
'''


def nbgrader(notebook, chapter):
    """The source version of a chapter for nbgrader: one point for each exercise."""
    made = copy.deepcopy(student(notebook))
    answers = solutions(chapter)
    for cell, data in zip(cells(notebook), made["cells"], strict=True):
        name = exercise_of(cell)
        marks = {"schema_version": 3, "grade_id": cell.name, "task": False, "grade": False,
                 "solution": False, "locked": False}
        if name and "exercise" in cell.tags:
            data["source"] = _both(cell, answers[name], "### BEGIN SOLUTION", "### END SOLUTION")
            marks["solution"] = True
        elif name:
            data["source"] = _demand(name)
            marks.update(grade=True, locked=True, points=1)
        elif cell.kind == "markdown":
            marks["locked"] = True
        else:
            continue
        data["metadata"]["nbgrader"] = marks
    return made


def otter(notebook, chapter):
    """The master notebook of a chapter for `otter assign`: one point for each exercise."""
    made = student(notebook)
    answers = solutions(chapter)
    result = [_raw("config", f"# ASSIGNMENT CONFIG\nname: {chapter}\ninit_cell: true\n"
                             "check_all_cell: true\nexport_cell: false")]
    for cell, data in zip(cells(notebook), made["cells"], strict=True):
        name = exercise_of(cell)
        if name and "exercise" in cell.tags:
            begin, end = "# BEGIN SOLUTION NO PROMPT", "# END SOLUTION"
            data["source"] = _both(cell, answers[name], begin, end)
            result += [
                _raw(f"{cell.name}-begin", f"# BEGIN QUESTION\nname: {name}\npoints: 1"),
                _raw(f"{cell.name}-answer", "# BEGIN SOLUTION"),
                data,
                _raw(f"{cell.name}-answered", "# END SOLUTION"),
            ]
        elif name:
            data["source"] = _demand(name)
            result += [
                _raw(f"{cell.name}-begin", "# BEGIN TESTS"),
                data,
                _raw(f"{cell.name}-end", "# END TESTS"),
                _raw(f"{cell.name}-done", "# END QUESTION"),
            ]
        else:
            result.append(data)
    made["cells"] = result
    return made


def _both(cell, answer, begin, end):
    return f"{cell.source.rstrip()}\n\n{begin}\n{answer.rstrip()}\n{end}"


def _demand(name):
    return f"from course import check\n\ncheck.demand({name!r}, {name})"


def _raw(name, text):
    return Cell(name, "raw", text).as_json() | {"source": text}
