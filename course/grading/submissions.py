"""Which notebooks a folder holds, whose they are, and which chapter each of them is."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from course.authoring.notebook import chapters, read

__all__ = ["Submission", "find"]

LARGEST = 64 * 2**20
EXERCISE = re.compile(r"\bex_(\d\d)_\d+\b")
SKIPPED = {".ipynb_checkpoints", "__MACOSX", ".git"}
# What learning platforms put round a name: Moodle "Ann Lee_123_assignsubmission_file",
# Canvas "leeann_LATE_123_456_06_modules-1".
PLATFORM = re.compile(r"(_LATE|_late)?(_\d+)*(_assignsubmission_.*)?$")


@dataclass
class Submission:
    """One notebook: the `student`, its `chapter` (NN_slug), the `file`, and its `notebook` as data.

    `problem` says why it cannot be graded, and is empty where it can.
    """

    student: str
    file: Path
    chapter: str = ""
    notebook: dict = field(default_factory=dict, repr=False)
    problem: str = ""


def find(folder, wanted=()):
    """Every submission in a folder, by student and chapter.

    The student is the name of the first folder inside it, or what stands before the chapter's
    name in the name of the file: `ann/06_modules.ipynb`, `ann_06_modules.ipynb`. `wanted` are names
    of chapters to keep; a notebook that cannot be read belongs to all of them.
    """
    folder = Path(folder)
    every = [chapter.name for chapter in chapters()]
    found = []
    for file in sorted(folder.rglob("*.ipynb")):
        inside = file.relative_to(folder)
        if SKIPPED & set(inside.parts) or file.name.startswith("._"):
            continue
        entry = _read(file, folder)
        entry.chapter = entry.chapter or _by_name(file.stem, every)
        entry.student = student(inside, entry.chapter)
        if not entry.problem and not entry.chapter:
            entry.problem = "no exercise of this course is in it"
        if not wanted or entry.chapter in wanted or not entry.chapter:
            found.append(entry)
    return sorted(found, key=lambda s: (s.student.casefold(), s.chapter, str(s.file)))


def student(inside, chapter):
    """Whose notebook this is, by its path inside the folder; "unknown" if the path does not say."""
    if len(inside.parts) > 1:
        name = inside.parts[0]
    else:
        stem = inside.stem
        at = stem.find(chapter) if chapter else -1
        name = stem[:at] if at >= 0 else stem
    return PLATFORM.sub("", name.strip(" _-.")).strip(" _-.") or "unknown"


def _read(file, folder):
    entry = Submission("", file)
    try:
        if not file.resolve().is_relative_to(folder.resolve()):
            entry.problem = "it is a link to a file elsewhere"
            return entry
        size = file.stat().st_size
        if size > LARGEST:
            entry.problem = f"it has {size / 2**20:.0f} MB, at most {LARGEST // 2**20} are read"
            return entry
        entry.notebook = read(file)
        entry.chapter = _by_exercises(entry.notebook)
    except OSError as error:
        entry.problem = f"it cannot be read: {error.strerror}"
    except (ValueError, RecursionError) as error:
        entry.problem = f"it is no notebook, or is cut off: {str(error)[:120]}"
    except (KeyError, TypeError, AttributeError) as error:
        entry.problem = f"it lacks what every notebook has: {type(error).__name__} {error}"
    return entry


def _by_exercises(notebook):
    """The chapter most of whose exercises a notebook names, as NN_slug; "" if it names none."""
    count = Counter(
        number
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
        for number in set(EXERCISE.findall(cell["source"]))
    )
    if not count:
        return ""
    number = count.most_common(1)[0][0]
    return next((c.name for c in chapters() if c.name.startswith(number + "_")), "")


def _by_name(stem, every):
    return next((name for name in every if name in stem), "")
