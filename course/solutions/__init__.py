"""One solution of every exercise, by chapter: `solutions/NN_slug.py`.

A file is ordinary Python that runs on its own; a line `# %% ex_01_2` begins the solution of that
exercise. The text from there to the next such line takes the place of the stub cell.
"""

import re
from pathlib import Path

__all__ = ["chapters", "solution", "solutions"]

HERE = Path(__file__).parent
MARK = re.compile(r"^# %% (ex_\d\d_\d+)$", re.MULTILINE)


def chapters():
    """The chapters that have solutions, as names like `01_tensors`, in order."""
    return sorted(file.stem for file in HERE.glob("[0-9][0-9]_*.py"))


def solutions(chapter):
    """Exercise → source of its solution, for a chapter given as `01` or `01_tensors`."""
    for name in chapters():
        if name == chapter or name[:2] == chapter:
            text = (HERE / f"{name}.py").read_text("utf-8")
            parts = MARK.split(text)[1:]
            return {n: s.strip("\n") for n, s in zip(parts[::2], parts[1::2], strict=True)}
    raise KeyError(f"no solutions for chapter {chapter}")


def solution(exercise):
    """The source of one solution. KeyError if there is none."""
    return solutions(exercise.split("_")[1])[exercise]
