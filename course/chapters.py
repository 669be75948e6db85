"""The chapters: where they lie, how one is named, and a copy that a student may write in."""

import difflib
import json
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from course.problem import CHECKOUT, Problem, in_checkout

PACKED = Path(__file__).resolve().parent / "notebooks"
COPY = "learntorch-course"


@dataclass(frozen=True)
class Chapter:
    """One notebook: `file` NN_slug.ipynb and the title in its first cell."""

    file: Path
    title: str

    @property
    def name(self) -> str:
        return self.file.stem

    @property
    def number(self) -> int:
        return int(self.name[:2])

    @property
    def slug(self) -> str:
        return self.name[3:]


def source() -> Path:
    """The folder of the chapters as they were delivered."""
    return CHECKOUT / "notebooks" if in_checkout() else PACKED


def title(file: Path) -> str:
    """First heading of a notebook; its name when there is none or the file cannot be read."""
    try:
        cells = json.loads(file.read_text("utf-8"))["cells"]
        text = "".join(cells[0]["source"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return file.stem
    for line in text.splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    return file.stem


def listing(folder: Path) -> list[Chapter]:
    """All NN_slug.ipynb of a folder, in order."""
    files = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    return [Chapter(file, title(file)) for file in files]


def find(wish: str, chapters: list[Chapter]) -> Chapter:
    """The chapter a student means by 5, 05, autograd, 05_dyn, 05_dynamic_graphs.ipynb or its path.

    Raises Problem with the nearest name and the list when there is none, or more than one.
    """
    text = re.split(r"[/\\]", wish)[-1].lower().removesuffix(".ipynb")
    text = re.sub(r"[\s-]+", "_", text.strip())
    if text.isascii() and text.isdigit():
        fitting = [c for c in chapters if c.number == int(text)]
    else:
        fitting = [c for c in chapters if text in (c.name.lower(), c.slug.lower())]
        fitting = fitting or [c for c in chapters if text and text in c.name.lower()]
    if len(fitting) == 1:
        return fitting[0]
    listed = "\n".join(f"  {c.number:02d}  {c.title}" for c in fitting or chapters)
    if fitting:
        raise Problem(f"'{wish}' fits more than one chapter:\n{listed}", 2)
    near = nearest(text, chapters)
    hint = f" Did you mean {near.number:02d}, {near.slug}?" if near else ""
    raise Problem(f"there is no chapter '{wish}'.{hint} The chapters are:\n{listed}", 2)


def nearest(text: str, chapters: list[Chapter]) -> Chapter | None:
    """The chapter whose number, or else whose name, is closest to `text`."""
    if text.isascii() and text.isdigit():
        return min(chapters, key=lambda c: abs(c.number - int(text)), default=None)
    words = {word: c for c in chapters for word in (c.name, c.slug, *c.slug.split("_"))}
    close = difflib.get_close_matches(text, words, n=1, cutoff=0.5)
    return words[close[0]] if close else None


def writable(folder: Path) -> bool:
    """Whether a file can be made in `folder`: tried, since permission bits do not tell all."""
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=".learntorch")
    except OSError:
        return False
    os.close(handle)
    os.unlink(name)
    return True


def workplace(folder: Path | None) -> Path:
    """The folder to open: the clone's notebooks, or else a copy of the chapters that is the
    student's own. Files that are already in the copy are kept as they are.

    Raises Problem where nothing can be written.
    """
    if folder is None and in_checkout() and writable(source()):
        return source()
    target = (folder or Path.cwd() / COPY).expanduser().absolute()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for chapter in listing(source()):
            if not (target / chapter.file.name).exists():
                shutil.copyfile(chapter.file, target / chapter.file.name)
    except OSError as error:
        raise cannot_write(target, error.strerror) from None
    if not writable(target):
        raise cannot_write(target, "no file can be made in it")
    return target


def cannot_write(target: Path, why: str | None) -> Problem:
    home = Path.home() / COPY
    return Problem(
        f"cannot keep the chapters in {target} ({why}).\n"
        f"Go to a folder of yours first, or name one: learntorch lab --dir {home}"
    )
