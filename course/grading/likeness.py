"""Answers that are the same: as another student's, or as the solution of the course."""

import ast
from collections import defaultdict

from course.solutions import solutions

__all__ = ["alike", "normal"]

SHORTEST = 600      # letters of the syntax tree: two correct one-liners are often the same


def normal(source):
    """An answer without comments, docstrings and layout; "" if it is too short to tell anything."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            node.body = node.body[1:]
    words = ast.dump(tree)
    return words if len(words) >= SHORTEST else ""


def alike(results):
    """[(exercise, [students], is it the course's solution)] for answers that passed and that more
    than one student gave, or that are the course's own."""
    groups = defaultdict(set)
    for graded in results:
        for exercise, source in graded.answers.items():
            if graded.verdicts.get(exercise, {}).get("status") == "passed":
                groups[exercise, normal(source)].add(graded.student)
    official = {}
    for chapter in {g.chapter for g in results if g.chapter}:
        for exercise, source in solutions(chapter).items():
            official[exercise] = normal(source)
    found = []
    for (exercise, words), students in sorted(groups.items()):
        ours = bool(words) and words == official.get(exercise)
        if words and (len(students) > 1 or ours):
            found.append((exercise, sorted(students), ours))
    return found
