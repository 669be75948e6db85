"""The process in which one notebook runs: `python -m course.grading.sitting`, a job on stdin.

The answers and the checks meet here, because an answer is a live object. So that a notebook cannot
write its own marks by accident or with a simple trick, the checks are fingerprinted before anything
of the student runs, and a verdict is void if they have changed. This is no wall against somebody
who means harm: grade strangers' notebooks inside a container.
"""

import builtins
import importlib
import json
import os
import sys
import types

__all__ = ["Recorder", "changed", "fingerprint", "main", "sit"]

FILE_SIZE = 256 * 2**20


class Recorder:
    """Stands for `course.check`: every verdict goes to `tell`, none is printed."""

    def __init__(self, checks, framework, tell, sound):
        self._checks = checks
        self._run = framework.run
        self._tell = tell
        self._sound = sound
        self._told = set()

    def __getattr__(self, name):
        task = getattr(self._checks, name, None)
        if not name.startswith("ex_") or task is None:
            raise AttributeError(f"no exercise {name}")

        def verdict(answer):
            void = self._sound()
            if void:
                self._say(name, "void", f"the notebook replaces {', '.join(void)}")
                return
            result = self._run(task, answer)
            self._say(name, result.status, result.reason)

        return verdict

    def _say(self, name, status, reason):
        self._told.add(name)
        self._tell(exercise=name, status=status, reason=reason)

    def forget(self):
        self._told.clear()

    def told(self, name):
        return name in self._told

    def solution(self, name):
        return None

    def reset(self):
        return None


def fingerprint(modules):
    """(module or class, name) → what it is now, for every function, class and method in them."""
    found = {}
    for module in modules:
        for name, value in list(vars(module).items()):
            if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)) or (
                type(value).__name__ == "Exercise"
            ):
                found[module.__name__, name] = _identity(value)
            if isinstance(value, type) and value.__module__ == module.__name__:
                for inner, part in list(vars(value).items()):
                    if isinstance(part, types.FunctionType):
                        found[f"{module.__name__}.{name}", inner] = _identity(part)
    return found


def _identity(value):
    inner = getattr(value, "test", value)
    return id(value), id(inner), id(getattr(inner, "__code__", None))


def changed(before, modules):
    """Names that are another thing now than in `before`, or gone."""
    now = fingerprint(modules)
    return sorted(".".join(key) for key, value in before.items() if now.get(key) != value)


def sit(job, tell):
    """Run the steps of a job in one namespace and tell every verdict."""
    from IPython.core.interactiveshell import InteractiveShell

    import course
    import course.widgets  # what a notebook may import is loaded before it is fingerprinted

    framework = importlib.import_module("course.checks.framework")
    limits = importlib.import_module("course.checks.limits")
    checks = importlib.import_module(f"course.checks.{job['chapter']}")
    watched = [framework, limits, checks, builtins, json]
    before = fingerprint(watched)
    recorder = Recorder(checks, framework, tell, lambda: changed(before, watched))
    course.check = recorder
    importlib.import_module("course.checks").check = recorder

    shell = InteractiveShell.instance()
    shell.colors = "nocolor"
    for number, step in enumerate(job["steps"]):
        exercise = step["exercise"]
        recorder.forget()
        done = shell.run_cell(step["source"], store_history=False)
        error = done.error_before_exec or done.error_in_exec
        if error is None or step["raises"] or (exercise and recorder.told(exercise)):
            continue
        words = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        if exercise:
            missing = isinstance(error, NameError) and error.name == exercise
            tell(exercise=exercise, status="missing" if missing else "failed", reason=words)
        else:
            tell(cell=number, error=words)


def _limit():
    """No file larger than FILE_SIZE and no core dump, where the system can forbid them."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main():
    job = json.load(sys.stdin)
    token = job.pop("token")
    # Verdicts go to the pipe this process was given; what the notebook prints goes nowhere.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    _limit()
    dumps = json.dumps
    write, flush = channel.write, channel.flush

    def tell(**what):
        write(dumps({"token": token, **what}) + "\n")
        flush()

    try:
        sit(job, tell)
    except BaseException as error:  # also SystemExit from an answer: the rest must be told
        tell(error=f"{type(error).__name__}: {error}")
    tell(end=True)
    # A thread of the notebook that never ends must not keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
