"""`learntorch course check [chapter…]`: the release gates, one line for each gate and chapter.

A gate that cannot do its work here (no PyTorch) says so; everything else is `ok` or `FAILED` with
the reasons below it. The exit status is 1 if any gate failed.
"""

import argparse
import functools
import time
from concurrent.futures import ThreadPoolExecutor

from course.authoring.gates import GATES, Subject
from course.authoring.notebook import chapters

__all__ = ["examine", "main"]

RUNS = ("outputs", "budget", "kernels", "answers", "names", "pytorch")
ALONE = ("kernels",)                # they use two threads by themselves


def examine(subject, gates, say=None):
    """Hold the named gates on one chapter, a line for each; the verdicts by name."""
    say = say or functools.partial(print, flush=True)
    verdicts = {}
    for name in gates:
        began = time.perf_counter()
        verdict = GATES[name](subject)
        seconds = time.perf_counter() - began
        state = "FAILED" if verdict.problems else "not run" if verdict.skipped else "ok"
        note = verdict.skipped or verdict.note
        say(f"{subject.name:20} {name:9} {state:8} {seconds:6.1f} s  {note}".rstrip())
        for problem in verdict.problems:
            say("    " + problem.replace("\n", "\n    "))
        verdicts[name] = verdict
    return verdicts


def rounds(gates, jobs):
    """(jobs, gates), one after the other: those of ALONE have the machine for themselves."""
    if jobs == 1:
        return [(1, gates)]
    return [(jobs, [name for name in gates if name not in ALONE]),
            (1, [name for name in gates if name in ALONE])]


def all_of(subjects, gates, jobs):
    """The verdicts of all chapters; the lines of one are printed together, in order."""
    def one(subject):
        lines = []
        return list(examine(subject, gates, None if jobs == 1 else lines.append).values()), lines

    verdicts = []
    with ThreadPoolExecutor(jobs) as pool:
        for found, lines in pool.map(one, subjects):
            verdicts += found
            if lines:
                print(*lines, sep="\n", flush=True)
    return verdicts


def main(argv=None):
    parser = argparse.ArgumentParser(prog="learntorch course check", description=__doc__)
    parser.add_argument("chapter", nargs="*", help="numbers or names; all if none is given")
    parser.add_argument("--gate", choices=GATES, action="append", help="only this gate")
    parser.add_argument("--quick", action="store_true", help="only the gates that run no chapter")
    parser.add_argument("--oracle", metavar="PYTHON", help="a Python that has PyTorch")
    parser.add_argument("--strict", action="store_true", help="a gate that cannot run has failed")
    parser.add_argument("--jobs", type=int, default=1, help="chapters at one time (default: 1)")
    wish = parser.parse_args(argv)
    if wish.jobs < 1:
        parser.error(f"--jobs wants a number from 1 on, not {wish.jobs}")
    gates = wish.gate or [name for name in GATES if not (wish.quick and name in RUNS)]
    subjects = [Subject(chapter, wish.oracle) for chapter in chapters(wish.chapter)]
    verdicts = []
    for jobs, names in rounds(gates, wish.jobs):
        verdicts += all_of(subjects, names, jobs)
    failed = sum(bool(v.problems or (wish.strict and v.skipped)) for v in verdicts)
    print(f"{failed} of {len(verdicts)} gates failed" if failed else "every gate is open")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
