"""The student's, the solution and the instructor's version of a chapter, made from one notebook."""

import copy

from course.authoring.notebook import Cell, cells, exercise_of
from course.checks import module
from course.quizzes import load
from course.solutions import solutions

__all__ = ["instructor", "solved", "student"]


def student(notebook):
    """The chapter as the repository has it, with no outputs: to be run by the student."""
    made = copy.deepcopy(notebook)
    for cell in made["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
    return made


def solved(notebook, chapter):
    """The chapter with every stub replaced by its solution. KeyError if one is missing."""
    answers = solutions(chapter)
    made = student(notebook)
    for cell, data in zip(cells(notebook), made["cells"], strict=True):
        name = exercise_of(cell)
        if name and "exercise" in cell.tags:
            data["source"] = answers[name]
    return made


def instructor(notebook, chapter):
    """The solved chapter with the hints of each exercise and the answers of the quiz."""
    made = solved(notebook, chapter)
    result = []
    for cell, data in zip(cells(notebook), made["cells"], strict=True):
        name = exercise_of(cell)
        if name and "exercise" in cell.tags:
            hints = getattr(module(chapter[:2]), name).hints
            lines = "\n".join(f"{i}. {hint}" for i, hint in enumerate(hints, 1))
            result.append(
                _note(f"hints-{cell.name}", f"**Hints the check gives, in turn**\n\n{lines}")
            )
        result.append(data)
    result.append(_note("quiz-answers", _answers(load(chapter[:2]))))
    made["cells"] = result
    return made


def _answers(questions):
    lines = ["## Quiz: answers"]
    for number, question in enumerate(questions, 1):
        lines.append(f"\n{number}. {question['question']}")
        for option in question["options"]:
            mark = "**right**" if option["right"] else "wrong"
            lines.append(f"   - {option['text']} – {mark}: {option['why']}")
    return "\n".join(lines)


def _note(name, text):
    made = Cell(name, "markdown", text).as_json()
    made["source"] = text
    return made
