"""What a student has done: exercises passed and quizzes answered, kept on their own machine.

The file is `.learntorch/progress.json` in the home folder, or the one that the environment variable
LEARNTORCH_PROGRESS names; "off" keeps nothing. It holds names of exercises and numbers, no answers,
and nothing is sent anywhere. Where it cannot be written the course goes on without it.
"""

import html
import json
import os
import tempfile
from pathlib import Path

__all__ = ["Progress", "exercise_passed", "file", "line", "progress", "quiz_answered"]

OFF = "off"
_here = {"exercises": [], "quizzes": {}}     # what this process knows, kept even where no file is
_unsaved = []                                # why the file could not be written, the last time


def file():
    """The file that keeps the progress, or None if it is switched off."""
    named = os.environ.get("LEARNTORCH_PROGRESS", "")
    if named.lower() == OFF:
        return None
    return Path(named) if named else Path.home() / ".learntorch" / "progress.json"


def exercise_passed(name):
    """Remember that an exercise, such as ex_01_2, is done."""
    if name not in _here["exercises"]:
        _here["exercises"].append(name)
        _save()


def quiz_answered(chapter, right):
    """Remember the best number of right answers in the quiz of a chapter, `01`."""
    if right > _here["quizzes"].get(chapter, 0):
        _here["quizzes"][chapter] = right
        _save()


class Progress:
    """What is done: for each chapter one of `rows`, (number, title, exercises done, of how many,
    right in the quiz, of how many); `trouble` says why it will be forgotten, if it will."""

    def __init__(self, rows, trouble=""):
        self.rows = rows
        self.trouble = trouble

    @property
    def done(self):
        return sum(row[2] for row in self.rows)

    @property
    def of(self):
        return sum(row[3] for row in self.rows)

    @property
    def following(self):
        """The first chapter with an exercise that is not done, or None."""
        return next((row[0] for row in self.rows if row[2] < row[3]), None)

    def __repr__(self):
        lines = [f"{self.done} of {self.of} exercises done"]
        for number, title, done, of, right, asked in self.rows:
            bar = "#" * done + "." * (of - done)
            lines.append(f"{number}  [{bar:<6}] {done}/{of}  quiz {right}/{asked}  {title}")
        return "\n".join([*lines, self.trouble] if self.trouble else lines)

    def _repr_html_(self):
        rows = "".join(
            f"<tr><td>{number}</td><td style='text-align:left'>{html.escape(title)}</td>"
            f"<td><meter min='0' max='{of}' value='{done}' "
            f"title='{done} of {of} exercises'></meter> {done}/{of}</td>"
            f"<td>{right}/{asked}</td></tr>"
            for number, title, done, of, right, asked in self.rows
        )
        after = f"<p>{html.escape(self.trouble)}</p>" if self.trouble else ""
        return (
            f"<p>{self.done} of {self.of} exercises done</p><table><thead><tr><th></th>"
            "<th style='text-align:left'>chapter</th><th>exercises</th><th>quiz</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>{after}"
        )


def progress():
    """What you have done so far, as a `Progress` that a notebook shows as a table."""
    from course import quizzes
    from course.chapters import listing, source
    from course.checks import exercises

    known, trouble = _known()
    trouble = trouble or "".join(_unsaved)
    rows = []
    for chapter in listing(source()):
        number = f"{chapter.number:02d}"
        names, asked = exercises(number), len(quizzes.load(number))
        done = sum(name in known["exercises"] for name in names)
        right = min(known["quizzes"].get(number, 0), asked)
        rows.append((number, chapter.title, done, len(names), right, asked))
    return Progress(rows, trouble)


def line():
    """The progress in one sentence for the terminal; "" before anything is done."""
    made = progress()
    if not made.done:
        return ""
    rest = f"; chapter {made.following} is next" if made.following else ": all of them!"
    return f"You have done {made.done} of {made.of} exercises{rest}."


def _known():
    """What the file and this process know together, and why it cannot be kept, if so."""
    path = file()
    if path is None:
        return _here, ""
    try:
        kept = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        kept = {}
    except OSError as error:
        return _here, f"{path} cannot be read ({error.strerror}): progress is not kept."
    except ValueError:
        kept = {}
    return _together(kept, _here), ""


def _together(kept, mine):
    """Both records in one; what is not of the expected form is left out."""
    kept = kept if isinstance(kept, dict) else {}
    names = kept.get("exercises") if isinstance(kept.get("exercises"), list) else []
    quizzes = kept.get("quizzes") if isinstance(kept.get("quizzes"), dict) else {}
    exercises = sorted({n for n in names if isinstance(n, str)} | set(mine["exercises"]))
    best = {k: v for k, v in quizzes.items() if isinstance(v, int)}
    for chapter, right in mine["quizzes"].items():
        best[chapter] = max(right, best.get(chapter, 0))
    return {"exercises": exercises, "quizzes": dict(sorted(best.items()))}


def _save():
    """Write the file whole or not at all. A check must not fail because a disk is full."""
    path = file()
    if path is None:
        return
    known, trouble = _known()
    _unsaved[:] = [trouble] if trouble else []
    if trouble:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not _sound(path):
            os.replace(path, path.with_name(path.name + ".broken"))
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(known, out, indent=1)
        os.replace(part, path)
    except OSError as error:
        _unsaved[:] = [f"{path} cannot be written ({error.strerror}): progress is not kept."]


def _sound(path):
    """Whether the file can be understood; one that cannot be is put aside, not written over."""
    try:
        return isinstance(json.loads(path.read_text("utf-8")), dict)
    except ValueError:
        return False
