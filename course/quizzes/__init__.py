"""The quizzes: four to six questions a chapter, in `quizzes/NN_slug.json`.

A file is a list of questions {"question", "options": [{"text", "right", "why"}]}: exactly one
option is right, and every option says why, because a wrong choice is where something is learnt.
"""

import json
from pathlib import Path

__all__ = ["chapters", "faults", "load"]

HERE = Path(__file__).parent


def chapters():
    """The chapters that have a quiz, as names like `01_tensors`, in order."""
    return sorted(file.stem for file in HERE.glob("[0-9][0-9]_*.json"))


def load(chapter):
    """The questions of a chapter given as `01` or `01_tensors`. KeyError if it has none."""
    for name in chapters():
        if name == chapter or name[:2] == chapter:
            return json.loads((HERE / f"{name}.json").read_text("utf-8"))
    raise KeyError(f"no quiz for chapter {chapter}")


def faults(questions):
    """What is wrong with the form of a quiz, in sentences."""
    wrong = []
    for number, question in enumerate(questions, 1):
        options = question.get("options", [])
        if not question.get("question", "").strip():
            wrong.append(f"question {number} has no text")
        if not 2 <= len(options) <= 5:
            wrong.append(f"question {number} has {len(options)} options")
        right = sum(bool(option.get("right")) for option in options)
        if right != 1:
            wrong.append(f"question {number} has {right} right options")
        for option in options:
            if not option.get("text", "").strip() or not option.get("why", "").strip():
                wrong.append(f"question {number} has an option without a text or without a why")
    return wrong
