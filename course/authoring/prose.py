"""What a chapter's text must have: its parts, its navigation line, links that lead somewhere."""

import re
from pathlib import Path

from course.authoring.notebook import cells, exercise_of, neighbours

__all__ = ["anatomy", "links", "navigation", "refresh_navigation"]

CELLS = (25, 40)          # a stub and its check count as one
EXERCISES = (3, 6)
QUESTIONS = (4, 6)
HEADINGS = ("Exercises", "Quiz", "In PyTorch", "Summary")
NAVIGATION = "navigation"

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def navigation(chapter, every=None):
    """The last line of a chapter: links to the chapters before and after it."""
    before, after = neighbours(chapter, every)
    parts = []
    if before:
        parts.append(f"← [{before.title}]({before.file.name})")
    if after:
        parts.append(f"[{after.title}]({after.file.name}) →")
    return " · ".join(parts)


def refresh_navigation(notebook, chapter, every=None):
    """The notebook with the navigation line of today."""
    for cell in notebook["cells"]:
        if cell.get("id") == NAVIGATION:
            cell["source"] = navigation(chapter, every)
    return notebook


def links(notebook, chapter, every=None):
    """What is wrong with the links of a chapter, in sentences."""
    wrong = []
    headings = set()
    for cell in cells(notebook):
        if cell.kind == "markdown":
            headings |= {h.strip().replace(" ", "-") for h in HEADING.findall(cell.source)}
    for cell in cells(notebook):
        if cell.kind != "markdown":
            continue
        for target in LINK.findall(cell.source) + [t for _, t in PICTURE.findall(cell.source)]:
            wrong += [f"{cell.name}: {w}" for w in _target(target, chapter.file.parent, headings)]
        wrong += [
            f"{cell.name}: the picture {target} has no text for those who do not see it"
            for words, target in PICTURE.findall(cell.source)
            if not words.strip()
        ]
        if cell.name == NAVIGATION and cell.source != navigation(chapter, every):
            wrong.append(f"{cell.name}: should read {navigation(chapter, every)!r}")
    if NAVIGATION not in [cell.name for cell in cells(notebook)]:
        wrong.append(f"there is no cell {NAVIGATION!r} with links to the chapters beside it")
    return wrong


def _target(target, folder, headings):
    if target.startswith("https://"):
        return []
    if target.startswith("#"):
        return [] if target[1:] in headings else [f"no heading {target} in this chapter"]
    if re.match(r"[a-z]+:", target):
        return [f"{target} is not an https address"]
    file = Path(folder) / target.split("#")[0]
    return [] if file.exists() else [f"{target} does not exist"]


def anatomy(notebook, questions):
    """Which of the parts that every chapter has are missing, in sentences."""
    wrong = []
    every = cells(notebook)
    first = every[0].source if every else ""
    if not re.match(r"# \S", first):
        wrong.append("the first cell does not begin with the title, `# …`")
    aims = len(re.findall(r"^[-*] ", first, re.MULTILINE))
    if not 3 <= aims <= 5:
        wrong.append(f"the first cell lists {aims} aims, in place of 3 to 5")
    told = sum("check" not in c.tags for c in every)
    if not CELLS[0] <= told <= CELLS[1]:
        wrong.append(f"{told} cells without the checks, in place of {CELLS[0]} to {CELLS[1]}")
    stubs = [exercise_of(c) for c in every if "exercise" in c.tags]
    checks = [exercise_of(c) for c in every if "check" in c.tags]
    if not EXERCISES[0] <= len(stubs) <= EXERCISES[1]:
        wrong.append(f"{len(stubs)} exercises, in place of {EXERCISES[0]} to {EXERCISES[1]}")
    if stubs != checks:
        wrong.append(f"the stubs {stubs} are not followed by the checks {checks}")
    if not QUESTIONS[0] <= len(questions) <= QUESTIONS[1]:
        wrong.append(
            f"{len(questions)} quiz questions, in place of {QUESTIONS[0]} to {QUESTIONS[1]}"
        )
    headings = [h for c in every if c.kind == "markdown" for h in HEADING.findall(c.source)]
    wrong += [f"no heading {part!r}" for part in HEADINGS if part not in headings]
    named = [cell.name for cell in every]
    wrong += [
        f"the cell name {n!r} is used twice" for n in sorted(set(named)) if named.count(n) > 1
    ]
    return wrong
