"""Spelling: every word of the prose stands in a list that somebody has read.

    python -m course.authoring.spelling 05         # the words of a chapter that are not in the list
    python -m course.authoring.spelling 05 --add   # add them, after reading them

A dictionary would have to be installed and would not know `dtype`; a list of our own is small, is
the same everywhere, and makes every new word a decision.
"""

import argparse
import re
import sys
from pathlib import Path

from course import quizzes
from course.authoring.notebook import cells, chapters, read

__all__ = ["main", "unknown", "words"]

LIST = Path(__file__).with_name("words.txt")

CODE = re.compile(r"```.*?```|`[^`]*`|\]\([^)]*\)|https?://\S+", re.DOTALL)
WORD = re.compile(r"[A-Za-zÀ-ÿ]+(?:['’][a-z]+)?")


def words(text):
    """The words of a piece of prose in lower case, without code and addresses."""
    return {w.lower().replace("’", "'") for w in WORD.findall(CODE.sub(" ", text)) if len(w) > 1}


def unknown(notebook, questions=()):
    """The words of a chapter's prose and of its quiz that are not in the list, sorted."""
    known = set(LIST.read_text("utf-8").split())
    prose = [c.source for c in cells(notebook) if c.kind == "markdown"]
    for question in questions:
        prose.append(question["question"])
        prose += [text for o in question["options"] for text in (o["text"], o["why"])]
    return sorted(words(" ".join(prose)) - known)


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m course.authoring.spelling")
    parser.add_argument("chapter", nargs="*", help="numbers or names; all if none is given")
    parser.add_argument("--add", action="store_true", help="put the words into the list")
    wish = parser.parse_args(argv)
    found = set()
    for chapter in chapters(wish.chapter):
        found |= set(unknown(read(chapter.file), quizzes.load(chapter.name)))
    found = sorted(found)
    print("\n".join(found))
    if wish.add:
        known = set(LIST.read_text("utf-8").split())
        LIST.write_text("\n".join(sorted(known.union(found))) + "\n", "utf-8")
        return 0
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
