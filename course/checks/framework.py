"""How an exercise is checked: many cases, a counterexample, and hints that get more concrete.

A check is a function of a `Trial`. The trial holds the answer, calls it with a guard around it,
and compares the result with what it should be; the first difference ends the check:

    @exercise("function", hints=["Look at ...", "Use ...", "Write `x.sum() / ...`"])
    def ex_01_3(trial):
        \"\"\"The mean of a tensor.\"\"\"
        for n in range(1, 9):
            x = torch.arange(float(n))
            trial.equal(trial.call(x), x.sum() / n)

Cases come smallest first, so that the counterexample shown is the simplest one found.
"""

import contextlib
import copy
import io
import traceback

from course.checks.limits import TimeUp, time_limit

__all__ = ["Exercise", "Failed", "Result", "Trial", "exercise", "run"]

SECONDS = 5.0

ARTICLE = {
    "function": "a function",
    "class": "a class",
    "module": "an nn.Module",
    "tensor": "a tensor",
    "number": "a number",
    "text": "a string",
    "list": "a list or a tuple",
    "bool": "True or False",
}


class Failed(Exception):
    """The answer is wrong; the message is the counterexample."""


class NotAttempted(Exception):
    """The answer is still the stub."""


class Exercise:
    """A check, what kind of answer it takes, its hints and its time limit in seconds."""

    def __init__(self, test, kind, hints, seconds):
        self.test = test
        self.name = test.__name__
        self.kind = kind
        self.hints = hints
        self.seconds = seconds
        self.__doc__ = test.__doc__

    @property
    def number(self):
        return self.name[3:].replace("_", ".")


def exercise(kind, hints, seconds=SECONDS):
    """Turn a function of a `Trial` into an exercise that takes answers of one kind."""
    if kind not in ARTICLE:
        raise ValueError(f"no kind of answer called {kind!r}; there are {', '.join(ARTICLE)}")
    return lambda test: Exercise(test, kind, list(hints), seconds)


class Result:
    """`status` is "not attempted", "passed" or "failed"; `cases` counts comparisons made."""

    def __init__(self, status, cases=0, reason=""):
        self.status = status
        self.cases = cases
        self.reason = reason

    def sentence(self, task, failures=0):
        """What the notebook prints: one line, and below a failure a hint."""
        start = f"exercise {task.number}: {self.status}"
        if self.status == "not attempted":
            return f"{start} (replace the `...` in the cell above, run it, then this cell again)"
        if self.status == "passed":
            return f"{start} ({self.cases} case{'s' if self.cases != 1 else ''})"
        lines = [f"{start}: {self.reason}"]
        if task.hints:
            step = min(max(failures, 1), len(task.hints))
            lines.append(f"  hint {step} of {len(task.hints)}: {task.hints[step - 1]}")
        if failures > len(task.hints):
            lines.append(f'  one solution: check.solution("{task.number}")')
        return "\n".join(lines)

    def __repr__(self):
        return f"<{self.status}, {self.cases} cases{': ' + self.reason if self.reason else ''}>"


def run(task, answer):
    """The `Result` of one exercise for one answer. Nothing the answer does can raise from here."""
    trial = Trial(task, answer)
    silence = io.StringIO()
    try:
        with time_limit(task.seconds), contextlib.redirect_stdout(silence):
            trial.look()
            task.test(trial)
    except NotAttempted:
        return Result("not attempted")
    except Failed as wrong:
        return Result("failed", trial.cases, str(wrong))
    except TimeUp:
        return Result("failed", trial.cases, trial.endless())
    return Result("passed", trial.cases)


class Trial:
    """An answer being tried."""

    def __init__(self, task, answer):
        self.task = task
        self.answer = answer
        self.cases = 0
        self.said = f"your {task.name}"

    def look(self):
        """Is there an answer, and is it of the right kind? NotAttempted or Failed if not."""
        answer, kind = self.answer, self.task.kind
        if answer is None or answer is ...:
            raise NotAttempted
        if not _is(answer, kind):
            raise Failed(f"this exercise wants {ARTICLE[kind]}, and got {_kind_of(answer, kind)}")
        if _is_stub(answer):
            raise NotAttempted

    def call(self, *args, **kwargs):
        """Call the answer; a crash, a missing `return` or a changed input is a failure."""
        return self.do(self.answer, *args, shown=self.task.name, **kwargs)

    def do(self, function, *args, shown, **kwargs):
        """Call something made from the answer, shown in the counterexample as `shown(...)`."""
        before = [_copy(a) for a in args]
        words = [_show(a) for a in args] + [f"{k}={_show(v)}" for k, v in kwargs.items()]
        self.said = f"{shown}({', '.join(words)})"
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            raise Failed(f"{self.said} raised {type(error).__name__}: {_where(error)}") from None
        for old, new in zip(before, args, strict=True):
            if old is not None and _difference(new, old):
                raise Failed(f"{self.said} changed its input to {_show(new)}")
        if result is ...:
            raise NotAttempted
        if result is None:
            raise Failed(f"{self.said} returned nothing: is a `return` missing?")
        return result

    def equal(self, got, want, about=None, tolerance=1e-5):
        """Fail, showing both, unless `got` has the kind, shape, dtype and values of `want`."""
        self.cases += 1
        difference = _difference(got, want, tolerance)
        if difference:
            raise Failed(f"{about or self.said} {difference}")

    def true(self, condition, otherwise):
        """Fail with the sentence `otherwise` unless the condition holds."""
        self.cases += 1
        if not condition:
            raise Failed(otherwise)

    def endless(self):
        return f"{self.said} was still running after {self.task.seconds:g} s: does its loop end?"


def _is_stub(answer):
    """Does a function, or what a class is there for, consist of `...` only?"""
    if isinstance(answer, type):
        own = vars(answer)
        answer = next((own[n] for n in ("forward", "__getitem__", "__iter__") if n in own), answer)
    code = getattr(answer, "__code__", None)
    if code is None:
        return False
    return code.co_code in (_dots.__code__.co_code, _return_dots.__code__.co_code) and not any(
        constant not in (None, ..., answer.__doc__) for constant in code.co_consts
    )


def _dots():
    ...


def _return_dots():
    return ...


def _is(answer, kind):
    import learntorch as torch

    number = isinstance(answer, (int, float)) and not isinstance(answer, bool)
    return {
        "function": callable(answer) and not isinstance(answer, type),
        "class": isinstance(answer, type),
        "module": isinstance(answer, torch.nn.Module),
        "tensor": isinstance(answer, torch.Tensor),
        "number": number,
        "text": isinstance(answer, str),
        "list": isinstance(answer, (list, tuple)),
        "bool": isinstance(answer, bool),
    }[kind]


def _kind_of(answer, wanted):
    """The kind of a wrong answer in words, with the likely slip when there is one."""
    name = type(answer).__name__
    if callable(answer) and not isinstance(answer, type) and wanted != "function":
        return "a function: did you mean its result?"
    if wanted == "function":
        return f"{_show(answer)}: give the function itself, without calling it"
    if wanted == "tensor" and isinstance(answer, (int, float, list, tuple)):
        return f"{_show(answer)}, a {name}: torch.tensor(...) makes a tensor of it"
    if wanted == "number" and hasattr(answer, "item"):
        return f"{_show(answer)}, a {name}: .item() takes the number out"
    if wanted == "module" and isinstance(answer, type):
        return f"the class {name if name != 'type' else answer.__name__}: call it to make a module"
    return f"{_show(answer)}, a {name}"


def _difference(got, want, tolerance=1e-5):
    """The first difference as words that follow a subject, or an empty string."""
    import learntorch as torch

    if isinstance(want, torch.Tensor):
        if not isinstance(got, torch.Tensor):
            return f"should be a tensor, and is {_show(got)}, a {type(got).__name__}"
        if tuple(got.shape) != tuple(want.shape):
            return f"should have shape {_size(want)}, and has {_size(got)}: {_show(got)}"
        if got.dtype != want.dtype:
            return f"should have dtype {want.dtype}, and has {got.dtype}"
        if not _close(got, want, tolerance):
            return f"should be {_show(want)}, and is {_show(got)}"
        return ""
    if isinstance(want, bool) or want is None or isinstance(want, str):
        same = type(got) is type(want) and got == want
        return "" if same else f"should be {want!r}, and is {_show(got)}"
    if isinstance(want, (int, float)):
        if isinstance(got, bool) or not isinstance(got, (int, float)):
            return f"should be the number {want}, and is {_show(got)}, a {type(got).__name__}"
        near = abs(got - want) <= tolerance * max(1.0, abs(want))
        return "" if near else f"should be {want}, and is {got}"
    if isinstance(want, (list, tuple)):
        if not isinstance(got, (list, tuple)):
            return f"should be {_show(want)}, and is {_show(got)}"
        if len(got) != len(want):
            return f"should have {len(want)} items, and has {len(got)}: {_show(got)}"
        for i, (mine, right) in enumerate(zip(got, want, strict=True)):
            inner = _difference(mine, right, tolerance)
            if inner:
                return f"is wrong at [{i}], which {inner}"
        return ""
    if isinstance(want, dict):
        if not isinstance(got, dict) or list(got) != list(want):
            return f"should have the keys {_show(list(want))}, and is {_show(got)}"
        for key, right in want.items():
            inner = _difference(got[key], right, tolerance)
            if inner:
                return f"is wrong at [{key!r}], which {inner}"
        return ""
    return "" if got == want else f"should be {_show(want)}, and is {_show(got)}"


def _close(got, want, tolerance):
    """Equal within the tolerance, NaN equal to NaN; exact for integers and bools."""
    import numpy as np

    a, b = got.detach().numpy(), want.detach().numpy()
    if b.dtype.kind not in "fc":
        return bool(np.array_equal(a, b))
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True))


def _size(t):
    return str(tuple(t.shape))


def _copy(value):
    import learntorch as torch

    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, (list, dict)):
        return copy.deepcopy(value)
    return None


def _show(value):
    """A short repr on one line."""
    words = " ".join(repr(value).split())
    words = words.replace("[ ", "[").replace("( ", "(")
    return words if len(words) <= 160 else words[:100] + " ... " + words[-40:]


def _where(error):
    """The message of an error in an answer, with the line of the answer that raised it."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
    inner = [f for f in frames if "ipykernel" in f.filename or f.filename.startswith("<")]
    words = str(error).strip().split("\n")[0]
    if not inner:
        return words
    return f"{words} (in line {inner[-1].lineno} of your answer)"
