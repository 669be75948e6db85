"""The release gates. Each takes a `Subject` (one chapter) and returns a `Verdict`."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from course import quizzes, solutions
from course.authoring import kernel, prose
from course.authoring.compare import first_difference, same_start
from course.authoring.ideas import early
from course.authoring.leaks import leaks
from course.authoring.names import used
from course.authoring.notebook import (
    KNOWN_TAGS,
    ONLY_HERE,
    TOLERANCE,
    WORDING,
    cells,
    exercise_of,
    read,
    text_of,
    tolerance,
)
from course.authoring.spelling import unknown
from course.authoring.versions import solved
from course.chapters import listing
from course.checks import chapters as checked
from course.checks import exercises

__all__ = ["GATES", "Subject", "Verdict"]

WIDGET = "application/vnd.jupyter.widget-view+json"
SECONDS = 60.0
MEGABYTES = 800.0


class Verdict:
    """`problems`, in sentences; `note`, a figure worth seeing; `skipped`, why nothing was done."""

    def __init__(self, problems=(), note="", skipped=""):
        self.problems = list(problems)
        self.note = note
        self.skipped = skipped


class Subject:
    """A chapter under examination, and the runs that several gates share."""

    def __init__(self, chapter, oracle=None):
        self.chapter = chapter
        self.notebook = read(chapter.file)
        self.oracle = oracle or os.environ.get("LEARNTORCH_ORACLE") or sys.executable
        self._runs = {}

    @property
    def name(self):
        return self.chapter.name

    @property
    def folder(self):
        return self.chapter.file.parent

    def nbval(self, haswell=False):
        """(problems, cost) of one nbval run of the stored notebook."""
        if haswell not in self._runs:
            self._runs[haswell] = _nbval(self.chapter.file, haswell)
        return self._runs[haswell]

    def pytorch(self):
        """What PyTorch says: {"cells", "missing"}, or a sentence why there is no answer."""
        if "pytorch" not in self._runs:
            self._runs["pytorch"] = _pytorch(self)
        return self._runs["pytorch"]


def pairing(subject):
    """A chapter has a notebook, checks, solutions and a quiz, and none of them is alone."""
    have = {
        "notebook": [c.name for c in listing(subject.folder)],
        "checks": checked(),
        "solutions": solutions.chapters(),
        "quiz": quizzes.chapters(),
    }
    wrong = [f"no {what} called {subject.name}" for what in have if subject.name not in have[what]]
    for what, names in have.items():
        # A file without its notebook belongs to no chapter: the first chapter reports it.
        if have["notebook"][:1] == [subject.name]:
            wrong += [f"{what} {n} without a notebook" for n in names if n not in have["notebook"]]
    if not wrong:
        stubs = [exercise_of(c) for c in cells(subject.notebook) if "exercise" in c.tags]
        for what, names in (
            ("checks", exercises(subject.name)),
            ("solutions", list(solutions.solutions(subject.name))),
        ):
            if names != stubs:
                wrong.append(f"the notebook has {stubs}, the {what} {names}")
    return Verdict(wrong)


def anatomy(subject):
    """The chapter has the parts, and as many cells, exercises and questions, as it should."""
    try:
        questions = quizzes.load(subject.name)
    except KeyError as missing:
        return Verdict([missing.args[0]])
    wrong = prose.anatomy(subject.notebook, questions) + quizzes.faults(questions)
    for cell in cells(subject.notebook):
        for tag in cell.tags:
            if tag not in KNOWN_TAGS and not tag.startswith(TOLERANCE):
                wrong.append(f"cell {cell.name} has the tag {tag!r}, which means nothing")
    return Verdict(wrong, f"{len(cells(subject.notebook))} cells, {len(questions)} questions")


def ran(subject):
    """Every code cell has run, in order 1..n, and none stores an error or a warning."""
    wrong = []
    code = [c for c in cells(subject.notebook) if c.kind == "code"]
    for number, cell in enumerate(code, 1):
        if cell.count is None:
            wrong.append(f"cell {cell.name} has not run")
        elif cell.count != number:
            wrong.append(f"cell {cell.name} ran as number {cell.count}, in place of {number}")
        for output in cell.outputs:
            if output["output_type"] == "error" and "raises-exception" not in cell.tags:
                wrong.append(f"cell {cell.name} stores an error: {output['ename']}")
            if output.get("name") == "stderr":
                wrong.append(f"cell {cell.name} stores a warning: {output['text'].strip()[:80]!r}")
            kinds = set(output.get("data", {}))
            if WIDGET in kinds and kinds - {WIDGET, "text/plain"}:
                wrong.append(f"cell {cell.name} stores a widget's number, which hides its picture")
    if "widgets" in subject.notebook["metadata"]:
        wrong.append("the notebook stores the state of widgets: strip metadata.widgets")
    return Verdict(wrong, f"{len(code)} code cells")


def spelling(subject):
    """Every word of the prose is in the list of words that somebody has read."""
    try:
        found = unknown(subject.notebook, quizzes.load(subject.name))
    except KeyError as missing:
        return Verdict([missing.args[0]])
    return Verdict([f"the word {word!r} is not in the list" for word in found])


def ideas(subject):
    """Nothing is used that a later chapter explains."""
    return Verdict(early(subject.notebook, subject.name))


def outputs(subject):
    """nbval, with our plugin, finds every stored output again."""
    problems, cost = subject.nbval()
    return Verdict(problems, f"{cost['wall']:.1f} s" if cost else "")


def budget(subject):
    """One core needs no more than 60 s and 800 MB."""
    _, cost = subject.nbval()
    if not cost:
        return Verdict(["no run to weigh: see the gate `outputs`"])
    wrong = []
    size = cost["memory"] / 2**20
    if cost["cpu"] > SECONDS:
        wrong.append(f"{cost['cpu']:.1f} s of CPU, at most {SECONDS:.0f}")
    if size > MEGABYTES:
        wrong.append(f"{size:.0f} MB, at most {MEGABYTES:.0f}")
    return Verdict(wrong, f"{cost['cpu']:.1f} s of CPU, {cost['wall']:.1f} s, {size:.0f} MB")


def kernels(subject):
    """Another matrix product, two threads and older instructions give the same outputs."""
    problems, cost = subject.nbval(haswell=True)
    return Verdict(problems, f"{cost['wall']:.1f} s" if cost else "")


def stubs(subject):
    """Nothing is attempted in the student's notebook, and each check says so."""
    wrong = []
    for cell in cells(subject.notebook):
        if "check" in cell.tags and "not attempted" not in text_of(cell.outputs):
            said = text_of(cell.outputs).split("\n")[0]
            wrong.append(f"{exercise_of(cell)}: the check of the stub says {said!r}")
    return Verdict(wrong)


def answers(subject):
    """With the solutions in place the whole chapter runs and every check passes."""
    from course.authoring.execute import execute

    try:
        notebook = solved(subject.notebook, subject.name)
        done, cost = execute(notebook, subject.folder)
    except KeyError as missing:
        return Verdict([f"no solution of {missing.args[0]}"])
    except RuntimeError as error:
        return Verdict([str(error)])
    wrong = []
    for cell in cells(done):
        said = text_of(cell.outputs)
        if "check" in cell.tags and ": passed" not in said:
            wrong.append(f"{exercise_of(cell)}: the check of the solution says {said!r}")
    return Verdict(wrong, f"{cost.wall:.1f} s")


def leaked(subject):
    """No solution stands in the student's notebook."""
    try:
        return Verdict(leaks(subject.notebook, solutions.solutions(subject.name)))
    except KeyError as missing:
        return Verdict([missing.args[0]])


def links(subject):
    """Every link leads somewhere, and the navigation line to the chapters beside this one."""
    return Verdict(prose.links(subject.notebook, subject.chapter, listing(subject.folder)))


def names(subject):
    """Every name used exists in PyTorch."""
    answer = subject.pytorch()
    if isinstance(answer, str):
        return Verdict(skipped=answer)
    wrong = [f"PyTorch has no {name}" for name in answer["missing"]]
    return Verdict(wrong, f"{len(used(subject.notebook))} names")


def pytorch(subject):
    """The real PyTorch prints the same."""
    answer = subject.pytorch()
    if isinstance(answer, str):
        return Verdict(skipped=answer)
    theirs = {cell["name"]: cell for cell in answer["cells"]}
    wrong = []
    for cell in _shared(subject.notebook):
        said = theirs.get(cell.name, {"error": "did not run"})
        if "error" in said:
            wrong.append(f"cell {cell.name} fails in PyTorch: {said['error'].strip()}")
            break
        ours = text_of(cell.outputs)
        if WORDING in cell.tags:
            difference = same_start(ours, said["text"])
        else:
            names = ("PyTorch", "learntorch")
            difference = first_difference(said["text"], ours, tolerance(cell.tags), names)
        if difference:
            wrong.append(f"cell {cell.name}: {difference}")
    return Verdict(wrong, f"{len(_shared(subject.notebook))} cells")


GATES = {
    "pairing": pairing,
    "anatomy": anatomy,
    "ran": ran,
    "stubs": stubs,
    "leaks": leaked,
    "links": links,
    "spelling": spelling,
    "ideas": ideas,
    "outputs": outputs,
    "budget": budget,
    "kernels": kernels,
    "answers": answers,
    "names": names,
    "pytorch": pytorch,
}


def _shared(notebook):
    """The code cells that are PyTorch code."""
    return [c for c in cells(notebook) if c.kind == "code" and ONLY_HERE not in c.tags]


def _nbval(file, haswell):
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--color=no", "-p"]
        command += ["course.authoring.nbval_plugin", "-p", "no:cacheprovider", "-p", "no:xdist"]
        command += ["-o", "addopts=", "--nbval", "--nbval-current-env", "--tb=short"]
        command += ["--chapter-report", str(report)]
        command += ["--chapter-haswell"] if haswell else []
        done = subprocess.run(
            [*command, str(file)],
            capture_output=True,
            text=True,
            cwd=file.parent,
            env=kernel.environment(),
            check=False,
        )
        cost = json.loads(report.read_text())[file.stem] if report.exists() else None
    if done.returncode == 0:
        return [], cost
    said = done.stdout.strip() or done.stderr.strip()
    return [_failures(said)], cost


def _failures(said):
    """What pytest says of failed cells, without the summary that repeats it."""
    body = said.split("short test summary")[0].split("FAILURES =")[-1]
    lines = [line for line in body.splitlines() if line.strip(" =.F") and "[100%]" not in line]
    return "nbval: " + "\n".join(lines[:60])


def _pytorch(subject):
    shared = [{"name": c.name, "source": c.source} for c in _shared(subject.notebook)]
    probe = [subject.oracle, "-c", "import torch"]
    try:
        found = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except OSError as error:
        return f"{subject.oracle} does not start: {error.strerror}"
    if not found:
        return f"PyTorch is not installed in {Path(subject.oracle).name} (give --oracle PYTHON)"
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "cells.json", Path(folder) / "answers.json"
        question.write_text(json.dumps({"cells": shared, "names": used(subject.notebook)}))
        script = Path(__file__).with_name("plain.py")
        done = subprocess.run(
            [subject.oracle, "-P", str(script), str(question), str(answer)],
            capture_output=True,
            text=True,
            cwd=subject.folder,
            env={**kernel.environment(), "MPLBACKEND": "agg"},
            check=False,
        )
        if not answer.exists():
            return {"cells": [{"name": shared[0]["name"], "error": done.stderr}], "missing": []}
        return json.loads(answer.read_text())
