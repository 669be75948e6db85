"""`learntorch course build [chapter…]`: student, solution and instructor versions of chapters.

The notebook in the repository is the student's version; the others are made from it and from
`course/solutions`. They are written to `build/course/student`, `…/solution`, `…/instructor`.
Asked for by name, `--version nbgrader` and `--version otter` write what those tools take.
"""

import argparse
from pathlib import Path

from course.authoring import exports
from course.authoring.notebook import chapters, read, write
from course.authoring.versions import instructor, solved, student

__all__ = ["build", "main"]

VERSIONS = ("student", "solution", "instructor")
FOREIGN = ("nbgrader", "otter")


def build(chapter, version, folder, run=False):
    """Write one version of a chapter into a folder and return the file; `run` stores outputs."""
    notebook = read(chapter.file)
    made = {
        "student": lambda: student(notebook),
        "solution": lambda: solved(notebook, chapter.name),
        "instructor": lambda: instructor(notebook, chapter.name),
        "nbgrader": lambda: exports.nbgrader(notebook, chapter.name),
        "otter": lambda: exports.otter(notebook, chapter.name),
    }[version]()
    if run:
        from course.authoring.execute import execute

        made, _ = execute(made, chapter.file.parent)
    if version == "nbgrader":     # an assignment is a folder in `source`, beside the settings
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "nbgrader_config.py").write_text(exports.NBGRADER_CONFIG, "utf-8")
        folder = folder / "source" / chapter.name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / chapter.file.name
    write(file, made)
    return file


def main(argv=None):
    parser = argparse.ArgumentParser(prog="learntorch course build", description=__doc__)
    parser.add_argument("chapter", nargs="*", help="numbers or names; all if none is given")
    parser.add_argument("--version", choices=VERSIONS + FOREIGN, action="append",
                        help="only this version")
    parser.add_argument("--out", type=Path, default=Path("build/course"), help="folder to write to")
    parser.add_argument("--run", action="store_true", help="run them, so that outputs are stored")
    wish = parser.parse_args(argv)
    for version in wish.version or VERSIONS:
        folder = wish.out / version
        if not wish.chapter:
            for old in [*folder.glob("*.ipynb"), *folder.glob("source/*/*.ipynb")]:
                old.unlink()
        made = [build(c, version, folder, wish.run) for c in chapters(wish.chapter)]
        print(f"{version}: {len(made)} chapters in {folder}")
    return 0
