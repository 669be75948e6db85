"""Runs one submission in a process of its own, within its time and memory."""

import json
import os
import queue
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field

from course.authoring import kernel
from course.authoring.notebook import chapters, read
from course.checks import exercises
from course.grading.merging import merge

__all__ = ["Graded", "grade", "watch"]

LONGEST_LINE = 100_000
KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass
class Graded:
    """What came of a submission. `verdicts`: exercise → {"status", "reason"}; a status is passed,
    failed, not attempted, missing, not reached or void. `answers`: exercise → source."""

    student: str
    chapter: str
    file: str
    verdicts: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    answers: dict = field(default_factory=dict, repr=False)
    problem: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0

    @property
    def passed(self):
        return sum(v["status"] == "passed" for v in self.verdicts.values())

    @property
    def of(self):
        return len(self.verdicts)


def grade(submission, seconds=180.0, megabytes=1500.0):
    """The `Graded` of a submission. Whatever the notebook is or does, nothing is raised."""
    made = Graded(submission.student, submission.chapter, str(submission.file))
    if submission.chapter:
        made.verdicts = {
            name: {"status": "not reached", "reason": ""} for name in exercises(submission.chapter)
        }
    if submission.problem:
        made.problem = submission.problem
        return made
    chapter = next(c for c in chapters() if c.name == submission.chapter)
    try:
        merged = merge(read(chapter.file), submission.notebook)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        made.problem = f"its cells are not those of a notebook: {type(error).__name__} {error}"
        return made
    made.answers = merged.answers
    made.notes = list(merged.notes)
    job = {"chapter": chapter.name, "steps": [asdict(step) for step in merged.steps]}
    for told in watch(job, seconds, megabytes, made):
        if "exercise" in told:
            if told["exercise"] in made.verdicts:
                verdict = {"status": told["status"], "reason": told["reason"]}
                made.verdicts[told["exercise"]] = verdict
        elif "cell" in told:
            made.notes.append(f"a cell raised {told['error']}")
        elif "error" in told:
            made.notes.append(f"it ended early: {told['error']}")
    wrong = [n for n in sorted(merged.claims) if made.verdicts[n]["status"] != "passed"]
    if wrong:
        made.notes.append(f"the stored output says passed, this run does not: {', '.join(wrong)}")
    return made


def watch(job, seconds, megabytes, made):
    """Start the process for a job and yield what it tells, until it ends or breaks a limit."""
    token = secrets.token_hex(16)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as room:
        home, desk = os.path.join(room, "home"), os.path.join(room, "desk")
        os.mkdir(home)
        os.mkdir(desk)
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "course.grading.sitting"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=desk,
            env=_environment(home),
            start_new_session=True,
        )
        lines = queue.Queue()
        threading.Thread(target=_listen, args=(process.stdout, lines), daemon=True).start()
        ended = False
        try:
            _send(process, {**job, "token": token})
            while not ended:
                told = _next(lines)
                if told is _CLOSED:
                    made.notes.append(f"its process ended by itself ({process.wait()})")
                    break
                if told is not None and told.pop("token", None) == token:
                    ended = "end" in told
                    yield told
                made.megabytes = max(made.megabytes, _memory(process.pid))
                made.seconds = time.monotonic() - began
                if made.seconds > seconds:
                    made.notes.append(f"stopped after {seconds:.0f} s: an endless loop?")
                    break
                if made.megabytes > megabytes:
                    made.notes.append(f"stopped at {made.megabytes:.0f} MB of memory")
                    break
        finally:
            _end(process)


_CLOSED = object()


def _environment(home):
    """What the notebook's process knows: no settings and no secrets of the grader's account."""
    fixed = kernel.environment()
    names = [n for n in fixed if n in KEPT or n in kernel.ONE_CORE or n == "PYTHONPATH"]
    own = {"HOME": home, "USERPROFILE": home, "IPYTHONDIR": home, "MPLBACKEND": "agg"}
    return {**{n: fixed[n] for n in names}, **own}


def _send(process, job):
    try:
        with process.stdin as pipe:
            pipe.write(json.dumps(job).encode())
    except OSError:
        pass  # it has ended already, which the closed channel tells


def _listen(pipe, lines):
    with pipe:
        while line := pipe.readline(LONGEST_LINE):
            lines.put(line)
    lines.put(_CLOSED)


def _next(lines):
    """The next thing told, None if there is none yet or it is not to be understood."""
    try:
        line = lines.get(timeout=0.1)
    except queue.Empty:
        return None
    if line is _CLOSED:
        return line
    try:
        told = json.loads(line)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _memory(pid):
    """Memory of a process and all its children, in MB."""
    import psutil

    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(p.memory_info().rss for p in family) / 2**20
    except psutil.Error:
        return 0.0


def _end(process):
    """End a process with all its children, and those that outlived their parent."""
    import signal

    import psutil

    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        family = []
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            pass
    for member in family:
        try:
            member.kill()
        except psutil.Error:
            pass
    process.kill()
    process.wait()
