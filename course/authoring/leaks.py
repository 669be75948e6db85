"""Does a student's notebook give an answer away?"""

import ast

from course.authoring.notebook import cells, exercise_of, text_of

__all__ = ["leaks"]

SHORT = 12


def leaks(notebook, answers):
    """Cells that hold the solution of an exercise, in sentences.

    A solution leaks where a stub is not a stub, or where all the statements that the solution
    adds to the stub stand in one cell: code, prose or output, whatever the spaces.
    """
    wrong = []
    every = cells(notebook)
    for cell in every:
        name = exercise_of(cell)
        if not name or "exercise" not in cell.tags:
            continue
        if "..." not in cell.source:
            wrong.append(f"{name}: the stub in cell {cell.name} has no `...` to be replaced")
        answer, given = _statements(answers.get(name, "")), _statements(cell.source)
        added = [s for s in answer if s not in given]
        if answer and not added:
            wrong.append(f"{name}: cell {cell.name} gives the solution away")
        added = [s for s in added if len(s) >= SHORT]
        if not added:
            continue
        for other in every:
            words = _packed(other.source + text_of(other.outputs))
            if all(s in words for s in added):
                wrong.append(f"{name}: cell {other.name} gives the solution away")
    return wrong


def _statements(source):
    """Each line of code without its spaces, comments and docstrings left out."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return [_packed(line) for line in ast.unparse(tree).splitlines() if line.strip()]


def _packed(text):
    return "".join(text.split()).replace('"', "'")
