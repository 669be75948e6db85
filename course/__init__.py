"""The learntorch course: checks, quizzes, data, and the library read aloud.

A notebook needs three names from here: `check` (tells whether an exercise is right), `reveal`
(shows the library's own source of an operation) and `digits` (real handwriting). `progress()`
tells what is done.
The widgets live in `course.widgets`, because they need Jupyter and the rest does not.
"""

from course.checks import check
from course.datasets import digits
from course.progress import progress
from course.reveal import reveal

__all__ = ["check", "digits", "progress", "reveal"]
