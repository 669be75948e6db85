"""A student's notebook laid over the delivered one: what is to be run, and what was changed.

The delivered chapter gives the order. Where the student has the cell, theirs is taken; a given cell
that was deleted is put back; cells of their own follow the cell they stood after. So a notebook
with cells moved, doubled or lost is graded as well as it can be.
"""

import re
from dataclasses import dataclass, field

from course.authoring.notebook import cells, exercise_of, text_of

__all__ = ["Merged", "Step", "merge"]

DEFINED = re.compile(r"^(?:def|class)\s+(ex_\d\d_\d+)\b|^(ex_\d\d_\d+)\s*=", re.MULTILINE)
PEEKS = re.compile(r"check\.solution\s*\(|course\.solutions|course import solutions")


@dataclass
class Step:
    """One cell to run: its `source`, the `exercise` it checks if it is a check cell, and whether
    it `raises` on purpose."""

    source: str
    exercise: str = ""
    raises: bool = False


@dataclass
class Merged:
    """`steps` to run, `answers` (exercise → source), `claims` (exercises whose stored output says
    passed), and `notes`, what was changed, in sentences."""

    steps: list = field(default_factory=list)
    answers: dict = field(default_factory=dict)
    claims: set = field(default_factory=set)
    notes: list = field(default_factory=list)


def merge(delivered, handed_in):
    """What to run of a student's notebook; both are notebooks as `read` returns them."""
    made = Merged()
    given = [c for c in cells(delivered) if c.kind == "code"]
    theirs = [c for c in cells(handed_in) if c.kind == "code"]
    match = _match(given, theirs)
    follow = _followers(theirs, match)
    edited, deleted = [], []
    made.steps += [Step(c.source) for c in follow.get(None, [])]
    for cell in given:
        mine = match.get(cell.name)
        exercise = exercise_of(cell)
        if exercise and "check" in cell.tags:
            # The delivered check is what runs, whatever became of the student's copy of it.
            if mine is None:
                deleted.append(f"check {exercise}")
            else:
                if _plain(mine.source) != _plain(cell.source):
                    edited.append(f"check {exercise}")
                if ": passed" in text_of(mine.outputs):
                    made.claims.add(exercise)
            made.steps.append(Step(cell.source, exercise))
        else:
            if mine is None:
                deleted.append(exercise or cell.name)
            if exercise:
                made.answers[exercise] = mine.source if mine else ""
            made.steps.append(Step((mine or cell).source, raises="raises-exception" in cell.tags))
        made.steps += [Step(c.source) for c in follow.get(cell.name, [])]
    if edited:
        made.notes.append(f"edited: {', '.join(edited)} (the delivered checks were used)")
    if deleted:
        made.notes.append(f"deleted: {', '.join(deleted)} (put back as delivered)")
    order = [c.name for c in theirs if c.name in match]
    if order != [c.name for c in given if c.name in order]:
        made.notes.append("cells were moved (run in the delivered order)")
    if any(PEEKS.search(c.source) for c in theirs):
        made.notes.append("asks for the solutions")
    return made


def _match(given, theirs):
    """Name of a delivered cell → the student's copy: by its id; else by the exercise it defines,
    or by its text, since some tools give cells new ids."""
    by_name = {}
    for cell in theirs:
        by_name.setdefault(cell.name, cell)
    match = {c.name: by_name[c.name] for c in given if c.name and c.name in by_name}
    used = {id(c) for c in match.values()}
    rest = [c for c in theirs if id(c) not in used]
    for cell in given:
        if cell.name in match:
            continue
        exercise = exercise_of(cell) if "exercise" in cell.tags else None
        for other in rest:
            if (exercise and exercise in _defines(other)) or (
                _plain(other.source) == _plain(cell.source)
            ):
                match[cell.name] = other
                other.name = cell.name
                rest.remove(other)
                break
    return match


def _followers(theirs, match):
    """The student's own cells by the name of the delivered cell they stand after; None: the top."""
    copies = {id(c): name for name, c in match.items()}
    after, last = {}, None
    for cell in theirs:
        if id(cell) in copies:
            last = copies[id(cell)]
        else:
            after.setdefault(last, []).append(cell)
    return after


def _defines(cell):
    return {a or b for a, b in DEFINED.findall(cell.source)}


def _plain(source):
    return "\n".join(line.rstrip() for line in source.strip().splitlines())
