"""A chapter's notebook as cells with a name, tags and text. No Jupyter is needed to read one."""

import copy
import json
import re
from pathlib import Path

from course.chapters import find, listing, source

__all__ = [
    "Cell",
    "chapters",
    "cells",
    "exercise_of",
    "neighbours",
    "read",
    "tags",
    "text_of",
    "title",
    "tolerance",
    "write",
]

ONLY_HERE = "learntorch-only"
WORDING = "pytorch-wording"
TOLERANCE = "tolerance="
RESULT = "result"       # the last line this cell prints goes into the table of chapters
KNOWN_TAGS = {ONLY_HERE, WORDING, RESULT, "exercise", "check", "raises-exception"}

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class Cell:
    """One cell: `name` (its id), `kind` ("markdown" or "code"), `source`, `tags`, `outputs`."""

    def __init__(self, name, kind, source, tags=(), outputs=(), count=None):
        self.name = name
        self.kind = kind
        self.source = source
        self.tags = list(tags)
        self.outputs = list(outputs)
        self.count = count

    def as_json(self):
        """The cell as it stands in a notebook file of format 4.5."""
        metadata = {"tags": self.tags} if self.tags else {}
        made = {"cell_type": self.kind, "id": self.name, "metadata": metadata}
        if self.kind == "code":
            made["execution_count"] = self.count
            made["outputs"] = copy.deepcopy(self.outputs)
        made["source"] = self.source.splitlines(keepends=True)
        return made


def chapters(wanted=()):
    """The chapters named, or all of them, in order. Problem if there is no such chapter."""
    every = listing(source())
    return [find(str(wish), every) for wish in wanted] or every


def read(file):
    """A notebook file as plain data, with the source and the outputs of cells as single strings."""
    notebook = json.loads(Path(file).read_text("utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = _joined(cell["source"])
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = _joined(output["text"])
            for kind, data in output.get("data", {}).items():
                output["data"][kind] = _joined(data)
    return notebook


def write(file, notebook):
    """Write a notebook as Jupyter does, lines apart so that differences can be read."""
    made = copy.deepcopy(notebook)
    for cell in made["cells"]:
        cell["source"] = _lines(cell["source"])
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = _lines(output["text"])
            for kind, data in output.get("data", {}).items():
                if isinstance(data, str) and not kind.startswith("image/png"):
                    output["data"][kind] = _lines(data)
    words = json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True)
    Path(file).write_text(words + "\n", "utf-8")


def cells(notebook):
    """The cells of a notebook that `read` returned."""
    return [
        Cell(
            cell.get("id", ""),
            cell["cell_type"],
            cell["source"],
            tags(cell),
            cell.get("outputs", []),
            cell.get("execution_count"),
        )
        for cell in notebook["cells"]
    ]


def tags(cell):
    return list(cell["metadata"].get("tags", []))


def tolerance(cell_tags):
    """The numeric tolerance a cell declares with the tag `tolerance=0.01`; 0 without one."""
    for tag in cell_tags:
        if tag.startswith(TOLERANCE):
            return float(tag.removeprefix(TOLERANCE))
    return 0.0


def exercise_of(cell):
    """The exercise, such as `ex_01_2`, of a stub cell or a check cell; None for another cell."""
    if not {"exercise", "check"} & set(cell.tags):
        return None
    found = re.search(r"\bex_\d\d_\d+\b", cell.source)
    return found.group() if found else None


def text_of(outputs):
    """What a reader sees in a cell's outputs as text: printed lines and values, in order."""
    words = []
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] == "stdout":
            words.append(_joined(output["text"]))
        elif "text/plain" in output.get("data", {}):
            words.append(_joined(output["data"]["text/plain"]))
    return "\n".join(word.rstrip("\n") for word in words)


def title(notebook):
    """The first heading."""
    found = re.search(r"^# (.+)$", notebook["cells"][0]["source"], re.MULTILINE)
    return found.group(1).strip() if found else ""


def neighbours(chapter, every=None):
    """The chapters before and after one, None at the ends."""
    every = listing(source()) if every is None else every
    names = [c.name for c in every]
    at = names.index(chapter.name)
    before = every[at - 1] if at else None
    after = every[at + 1] if at + 1 < len(every) else None
    return before, after


def _joined(text):
    return "".join(text) if isinstance(text, list) else text


def _lines(text):
    return text.splitlines(keepends=True) if isinstance(text, str) else text
