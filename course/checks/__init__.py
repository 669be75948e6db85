"""`check.ex_01_2(answer)` – is the answer to exercise 2 of chapter 01 right?

Checks run offline, in the notebook's own kernel. They try the answer on many inputs, smallest
first, and compare what it does with what it should do; they never look at how it is written.
Each chapter's checks are the functions `ex_NN_k` of `course/checks/NN_slug.py`.
"""

import importlib
import pkgutil
import re

from course.checks.framework import Result, run

__all__ = ["Check", "Result", "chapters", "check", "exercises", "module"]

ANSWER = re.compile(r"ex_(\d\d)_(\d+)")


def chapters():
    """The chapters that have checks, as names like `01_tensors`, in order."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name[:2].isdigit())


def module(chapter):
    """The checks of one chapter; `chapter` is `01` or `01_tensors`. KeyError if there is none."""
    for name in chapters():
        if name == chapter or name[:2] == chapter:
            return importlib.import_module(f"{__name__}.{name}")
    raise KeyError(f"no checks for chapter {chapter}; there are checks for {', '.join(chapters())}")


def exercises(chapter):
    """The exercises of one chapter, as names like `ex_01_2`, in order."""
    names = [n for n in vars(module(chapter)) if ANSWER.fullmatch(n)]
    return sorted(names, key=lambda n: int(n.rsplit("_", 1)[1]))


class Check:
    """One attribute for each exercise; calling it prints the verdict on an answer."""

    def __init__(self):
        self.failures = {}
        self.results = {}

    def run(self, name, answer):
        """The verdict on an answer as a `Result`, printing nothing (for graders)."""
        return run(self._find(name), answer)

    def demand(self, name, answer):
        """Raise AssertionError with the verdict unless the answer passes: what nbgrader and otter
        need to tell right from wrong."""
        task = self._find(name)
        result = run(task, answer)
        if result.status != "passed":
            raise AssertionError(result.sentence(task, 1))

    def reset(self):
        """Forget every failure, so that hints start from the first again."""
        self.failures.clear()
        self.results.clear()

    def solution(self, name):
        """Print one solution of an exercise, named `01.2` or `ex_01_2`."""
        from course.solutions import solution

        print(solution(_spelled(name)))

    def _find(self, name):
        chapter = ANSWER.fullmatch(name).group(1)
        try:
            found = getattr(module(chapter), name, None)
        except KeyError as missing:
            raise AttributeError(missing.args[0]) from None
        if found is None:
            known = ", ".join(exercises(chapter))
            raise AttributeError(f"no exercise {name}; chapter {chapter} has {known}")
        return found

    def __getattr__(self, name):
        if not ANSWER.fullmatch(name):
            raise AttributeError(
                f"no check called {name!r}; a check is named after its exercise, such as ex_01_2"
            )
        task = self._find(name)

        def verdict(answer):
            result = run(task, answer)
            if result.status == "failed":
                self.failures[name] = self.failures.get(name, 0) + 1
            self.results[name] = result
            if result.status == "passed":
                from course.progress import exercise_passed

                exercise_passed(name)
            print(result.sentence(task, self.failures.get(name, 0)))

        verdict.__name__ = name
        verdict.__doc__ = task.__doc__
        return verdict

    def __dir__(self):
        return [*super().__dir__(), *(n for c in chapters() for n in exercises(c))]

    def __repr__(self):
        return "check: write check.ex_01_2(ex_01_2) to check exercise 2 of chapter 01"


def _spelled(name):
    return name if name.startswith("ex_") else "ex_" + name.replace(".", "_")


check = Check()
