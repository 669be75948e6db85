"""A chapter as one plain text, easy to write and to review, and back into a notebook.

    %% markdown intro
    # Tensors
    %% code make-one
    x = torch.rand(2, 3)
    %% code look tolerance=0.001
    print(x)

A line `%% kind name tags…` begins a cell; `name` becomes the cell's id, which must not change once
it is published. The notebook is the source of truth; unchanged cells keep their outputs.

    python -m course.authoring.text 05                  # print chapter 05 as text
    python -m course.authoring.text 05 --read 05.txt    # make the notebook from a text
"""

import argparse
import re
import sys
from pathlib import Path

from course.authoring.notebook import METADATA, Cell, cells, chapters, read, write
from course.authoring.prose import refresh_navigation
from course.chapters import source

__all__ = ["from_text", "main", "merge", "to_text"]

HEAD = re.compile(r"^%% (markdown|code) ([A-Za-z0-9_-]+)((?: \S+)*)$")


def to_text(notebook):
    """All cells of a notebook as one text."""
    parts = []
    for cell in cells(notebook):
        head = " ".join(["%%", cell.kind, cell.name, *cell.tags])
        parts.append(f"{head}\n{cell.source.rstrip()}\n")
    return "\n".join(parts)


def from_text(text):
    """The cells of a text. ValueError, with the line, where it is not in the format."""
    made = []
    for number, line in enumerate(text.splitlines(), 1):
        head = HEAD.match(line)
        if head:
            kind, name, tags = head.groups()
            made.append(Cell(name, kind, "", tags.split()))
        elif line.startswith("%% "):
            raise ValueError(f"line {number}: not a cell head: {line!r}")
        elif made:
            made[-1].source += line + "\n"
        elif line.strip():
            raise ValueError(f"line {number}: text before the first cell")
    names = [cell.name for cell in made]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two cells have the same name: {', '.join(twice)}")
    for cell in made:
        cell.source = cell.source.strip("\n")
    return made


def merge(made, notebook=None):
    """A notebook of these cells, with the outputs an older one has for unchanged cells."""
    old = {cell.name: cell for cell in cells(notebook)} if notebook else {}
    for cell in made:
        same = old.get(cell.name)
        if same is not None and same.source == cell.source and same.kind == cell.kind == "code":
            cell.outputs, cell.count = same.outputs, same.count
    contents = [cell.as_json() for cell in made]
    for cell in contents:
        cell["source"] = "".join(cell["source"])
    return {"cells": contents, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m course.authoring.text")
    parser.add_argument("chapter", help="number or name; with --read it may be a new NN_slug")
    parser.add_argument("--read", type=Path, help="make the notebook from this text")
    wish = parser.parse_args(argv)
    if wish.read is None:
        sys.stdout.write(to_text(read(chapters([wish.chapter])[0].file)))
        return 0
    made = from_text(wish.read.read_text("utf-8"))
    if re.fullmatch(r"\d\d_\w+", wish.chapter):
        file = source() / f"{wish.chapter}.ipynb"
    else:
        file = chapters([wish.chapter])[0].file
    notebook = merge(made, read(file) if file.exists() else None)
    write(file, notebook)
    (chapter,) = chapters([file.stem])
    write(file, refresh_navigation(notebook, chapter))
    print(f"{file.name}: {len(made)} cells")
    return 0


if __name__ == "__main__":
    sys.exit(main())
