"""The table of chapters in `course/CHAPTERS.md`: made from the chapters, not typed.

    python -m course.authoring.table               # write it anew
    python -m course.authoring.table --measure     # … after measuring what each chapter costs

Time and memory are those of the last measurement (`course/authoring/costs.json`); all else is read
from the notebooks, the checks and the quizzes. The result of a chapter is the last line that its
cell with the tag `result` printed.
"""

import argparse
import ast
import json
import re
from pathlib import Path

from course import quizzes
from course.authoring.notebook import RESULT, cells, chapters, read, text_of
from course.checks import exercises

__all__ = ["COSTS", "FILE", "main", "measure", "minutes", "result", "table", "widgets"]

HERE = Path(__file__).parent
FILE = HERE.parent / "CHAPTERS.md"
COSTS = HERE / "costs.json"
EVERYWHERE = {"Quiz"}       # every chapter has one


def minutes(notebook):
    """The minutes that the first cell says a chapter takes; 0 if it does not."""
    found = re.search(r"\*\*Time:\*\*\s+(\d+)\s+minutes", notebook["cells"][0]["source"])
    return int(found.group(1)) if found else 0


def widgets(notebook):
    """The widgets a chapter takes from `course.widgets`, in order of appearance."""
    found = []
    for cell in cells(notebook):
        if cell.kind != "code" or "course.widgets" not in cell.source:
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.ImportFrom) and node.module == "course.widgets":
                found += [alias.name for alias in node.names if alias.name not in found]
    return [name for name in found if name not in EVERYWHERE]


def result(notebook):
    """What the chapter's result cell printed last, or an empty text."""
    for cell in cells(notebook):
        if RESULT in cell.tags:
            lines = text_of(cell.outputs).strip().splitlines()
            return lines[-1].strip() if lines else ""
    return ""


def measure(wanted=()):
    """Run chapters and remember what they cost: {name: {"cpu", "wall", "memory"}}."""
    from course.authoring.gates import Subject

    costs = known()
    for chapter in chapters(wanted):
        problems, cost = Subject(chapter).nbval()
        if problems or not cost:
            raise RuntimeError(f"{chapter.name} does not hold: {problems}")
        costs[chapter.name] = {key: round(value, 1) for key, value in cost.items()}
        print(f"{chapter.name}: {cost['cpu']:.1f} s, {cost['memory'] / 2**20:.0f} MB", flush=True)
    names = {c.name for c in chapters()}
    costs = {name: cost for name, cost in sorted(costs.items()) if name in names}
    COSTS.write_text(json.dumps(costs, indent=1) + "\n", "utf-8")


def known():
    return json.loads(COSTS.read_text("utf-8")) if COSTS.exists() else {}


def table():
    """The whole text of the file."""
    costs = known()
    rows, total, questions = [], 0, 0
    for chapter in chapters():
        notebook = read(chapter.file)
        number = f"{chapter.number:02d}"
        tasks, asked = len(exercises(number)), len(quizzes.load(number))
        total, questions = total + tasks, questions + asked
        cost = costs.get(chapter.name)
        weight = (
            f"{cost['cpu']:.0f} s | {cost['memory'] / 2**20:.0f} MB" if cost else "– | –"
        )
        rows.append(
            f"| {number} | [{chapter.title}](../notebooks/{chapter.file.name}) "
            f"| {minutes(notebook)} min | {weight} | {tasks} | {asked} "
            f"| {', '.join(widgets(notebook)) or '–'} | {escaped(result(notebook)) or '–'} |"
        )
    return "\n".join([*HEAD, *rows, "", FOOT.format(
        chapters=len(rows), exercises=total, questions=questions,
    )]) + "\n"


def escaped(text):
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


HEAD = [
    "# The chapters",
    "",
    "Written by `python -m course.authoring.table`; a test compares it with the chapters.",
    "",
    "| | chapter | to read | runs for | memory | exercises | questions | widgets | result |",
    "|---|---|---|---|---|---|---|---|---|",
]
FOOT = """{chapters} chapters, {exercises} exercises, {questions} quiz questions. *Runs for* is the
time of one processor core for all cells, *memory* the most the kernel held; at most 60 s and 800 MB
are allowed, so that Binder can run it. A result is what the chapter's own cell printed last."""


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m course.authoring.table", description=__doc__)
    parser.add_argument("chapter", nargs="*", help="what to measure; all if none is given")
    parser.add_argument("--measure", action="store_true", help="run the chapters first")
    wish = parser.parse_args(argv)
    if wish.measure:
        measure(wish.chapter)
    FILE.write_text(table(), "utf-8")
    print(FILE)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
