"""The command `learntorch`: open the course, look at the environment, run a PyTorch script."""

import argparse
import importlib
import os
import sys
from pathlib import Path

from course.problem import Problem

AUTHORING = {
    "check": "course.authoring.check",
    "build": "course.authoring.build",
    "grade": "course.grading.grade",
}


def port_number(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is not a port: take 1024 to 65535")
    return port


def parser() -> argparse.ArgumentParser:
    """The command line as `learntorch --help` shows it."""
    top = argparse.ArgumentParser(
        prog="learntorch",
        description="Learn deep learning by reading it.",
        epilog="Start with: learntorch lab",
    )
    commands = top.add_subparsers(dest="command", metavar="command", required=True)

    lab = commands.add_parser("lab", help="open JupyterLab on a chapter")
    lab.add_argument("chapter", nargs="?", help="as 5, 05 or 05_dynamic (default: the first)")
    lab.add_argument("--list", action="store_true", help="list the chapters and stop")
    lab.add_argument("--no-browser", action="store_true", help="print the address only")
    lab.add_argument("--port", type=port_number, default=8888, help="default: 8888")
    lab.add_argument("--dir", type=Path, help="folder for your copy of the chapters")
    lab.add_argument("--verbose", action="store_true", help="show how JupyterLab is called")
    lab.epilog = "What follows -- goes to JupyterLab unchanged."

    doctor = commands.add_parser("doctor", help="what is installed, what is missing, how to get it")
    doctor.add_argument("--json", action="store_true", help="the same as JSON")

    commands.add_parser(
        "run",
        help="run a script that imports torch, on learntorch",
        usage="learntorch run [-m module | -c text | script.py] [arguments...]",
        add_help=False,
    )
    commands.add_parser(
        "course",
        help="for instructors and authors: grade, build or check the notebooks",
        usage="learntorch course {grade,build,check} [arguments...]",
        add_help=False,
    )
    return top


def authoring(words: list[str]) -> int:
    """`learntorch course check|build|grade ...`: the release gates, the builds and the grader."""
    if not words or words[0] not in AUTHORING:
        raise Problem(f"say what to do with the course: {' or '.join(AUTHORING)}", 2)
    try:
        module = importlib.import_module(AUTHORING[words[0]])
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("course"):
            raise
        from course import problem

        needed = problem.missing("course") + problem.missing("test") or [error.name]
        line = problem.how_to_install(needed)
        raise Problem(f"this needs {error.name}. Install with\n  {line}") from None
    return module.main(words[1:]) or 0


def run(words: list[str]) -> int:
    """`learntorch run script.py ...`, the same as `python -m learntorch script.py ...`."""
    from learntorch._script import main as run_script

    return run_script(words, "learntorch run")


def dispatch(words: list[str]) -> int:
    # These two hand everything on, options included, so argparse must not see it.
    if words[:1] == ["run"]:
        return run(words[1:])
    if words[:1] == ["course"]:
        return authoring(words[1:])
    jupyter: list[str] = []
    if "--" in words:
        at = words.index("--")
        words, jupyter = words[:at], words[at + 1 :]
    options = parser().parse_args(words)
    if options.command == "lab":
        from course import lab

        options.jupyter = jupyter
        return lab.start(options)
    from course import doctor

    return doctor.main(options.json)


def main(words: list[str] | None = None) -> int:
    """Run the command line `words` (default: sys.argv); returns the exit status."""
    try:
        status = dispatch(sys.argv[1:] if words is None else words)
        sys.stdout.flush()
        return status
    except Problem as said:
        print(f"learntorch: {said}", file=sys.stderr)
        return said.status
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
