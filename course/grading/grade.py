"""`learntorch course grade FOLDER`: every notebook in a folder, graded.

Each runs in a process of its own, with limits on time and memory, over the delivered chapter and
with the delivered checks. A notebook that is broken, changed or endless is reported and stops
nothing. Written to the folder `--out`: grades.csv (a line for each notebook), gradebook.csv (a line
for each student), report.html, and results.jsonl, from which an interrupted run goes on.
"""

import argparse
import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from course.authoring.notebook import chapters
from course.grading import report
from course.grading.runner import Graded, grade
from course.grading.submissions import find
from course.problem import Problem

__all__ = ["grade_folder", "main"]


def grade_folder(submissions, seconds, megabytes, jobs, journal, tell):
    """The `Graded` of each submission, in order. `journal` is the file that remembers them; those
    it has of the same bytes are not run again. `tell` hears a line for each."""
    known = _known(journal)
    keys = [_key(s) for s in submissions]

    def one(submission, key):
        if key in known:
            return Graded(**known[key]), False
        return grade(submission, seconds, megabytes), True

    results = []
    with open(journal, "a", encoding="utf-8") as file, ThreadPoolExecutor(jobs) as pool:
        pending = [pool.submit(one, s, k) for s, k in zip(submissions, keys, strict=True)]
        try:
            for key, future in zip(keys, pending, strict=True):
                graded, new = future.result()
                if new:
                    file.write(json.dumps({"key": key, **asdict(graded)}) + "\n")
                    file.flush()
                results.append(graded)
                tell(len(results), len(pending), graded, new)
        except KeyboardInterrupt:
            for future in pending:
                future.cancel()
            raise
    return results


def line(number, total, graded, new):
    """What is printed of one notebook."""
    said = graded.problem or f"{graded.passed} of {graded.of}"
    notes = f" ({len(graded.notes)} notes)" if graded.notes and not graded.problem else ""
    cost = f", {graded.seconds:.0f} s" if new and graded.seconds else "" if new else ", as before"
    name = graded.chapter or "unknown chapter"
    return f"[{number}/{total}] {graded.student}, {name}: {said}{notes}{cost}"


def _key(submission):
    """What makes a submission the same: whose, where, its bytes, and the chapter's checks."""
    from course import checks

    digest = hashlib.sha256(f"{submission.student}\n{submission.file}\n".encode())
    try:
        digest.update(submission.file.read_bytes())
        if submission.chapter:
            folder = Path(checks.__file__).parent
            digest.update((folder / f"{submission.chapter}.py").read_bytes())
    except OSError as error:
        digest.update(str(error).encode())
    return digest.hexdigest()


def _known(journal):
    """What an earlier run has written; a line that was cut off is passed over."""
    found = {}
    if not journal.exists():
        return found
    for text in journal.read_text("utf-8", "replace").splitlines():
        try:
            entry = json.loads(text)
            found[entry.pop("key")] = entry
        except (ValueError, KeyError, AttributeError):
            continue
    return found


def _write(file, text):
    """Write a report whole or not at all."""
    part = file.with_name(file.name + ".part")
    part.write_text(text, "utf-8")
    os.replace(part, file)


def parser():
    top = argparse.ArgumentParser(prog="learntorch course grade", description=__doc__)
    top.add_argument("folder", type=Path, help="the students' notebooks, a folder for each student")
    top.add_argument("--chapter", action="append", help="only this one, as 5 or 05_dynamic")
    top.add_argument("--out", type=Path, default=Path("grades"), help="default: grades")
    top.add_argument("--time", type=float, default=180, help="seconds a notebook (default: 180)")
    top.add_argument("--memory", type=float, default=1500, help="MB a notebook (default: 1500)")
    top.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2),
                     help="notebooks at a time (default: half the cores)")
    top.add_argument("--again", action="store_true", help="run also what an earlier run has graded")
    return top


def main(argv=None):
    wish = parser().parse_args(argv)
    if not wish.folder.is_dir():
        raise Problem(f"{wish.folder} is not a folder: unpack the students' notebooks into one", 2)
    if wish.time <= 0 or wish.memory <= 0 or wish.jobs < 1:
        raise Problem("--time, --memory and --jobs must be more than 0", 2)
    wanted = {c.name for c in chapters(wish.chapter)} if wish.chapter else ()
    submissions = [s for s in find(wish.folder, wanted) if not s.file.is_relative_to(wish.out)]
    if not submissions:
        raise Problem(f"there is no notebook (*.ipynb) in {wish.folder}", 2)
    try:
        wish.out.mkdir(parents=True, exist_ok=True)
        journal = wish.out / "results.jsonl"
        if wish.again:
            journal.unlink(missing_ok=True)
        results = grade_folder(
            submissions, wish.time, wish.memory, wish.jobs, journal,
            lambda *what: print(line(*what), flush=True),
        )
        _write(wish.out / "grades.csv", report.grades(results))
        _write(wish.out / "gradebook.csv", report.gradebook(results))
        _write(wish.out / "report.html", report.page(results, f"Grades of {wish.folder.name}"))
    except KeyboardInterrupt:
        print("\nInterrupted. What is graded is kept: the same command goes on.", file=sys.stderr)
        return 130
    except OSError as error:
        why = f"cannot write to {wish.out}: {error.strerror}. Name another folder with --out"
        raise Problem(why) from None
    print(f"{len(results)} notebooks: {wish.out / 'report.html'}")
    return 0
