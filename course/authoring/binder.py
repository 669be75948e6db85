"""What Binder makes of this repository, without Binder and without Docker.

    python -m course.authoring.binder FOLDER      # builds in FOLDER, prints what it cost

1. repo2docker, the program behind Binder, reads the repository and writes its build file.
2. The environment is built as that file says: the Python of runtime.txt, the requirements,
   postBuild, in a copy of the tree.
3. Time and size are held against the budget, and the notebook extensions are looked for.

The gate ends with the path of the environment's `learntorch`; the browser test opens a chapter with
it (`LEARNTORCH_COMMAND=… pytest tests/browser/test_chapters.py`).
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from course.problem import CHECKOUT

__all__ = ["build", "faults_of_plan", "interpreter", "main", "plan", "runtime"]

SECONDS = 600.0         # Binder gives up on slow builds, and a class waits for the first one
MEGABYTES = 1500.0      # what must be sent to each machine that starts it
EXTENSIONS = ("anywidget", "@jupyter-widgets/jupyterlab-manager")


class Fault(Exception):
    """Something Binder would stumble on; the message says what."""


def runtime(repo):
    """The Python version that binder/runtime.txt asks for, such as "3.12"."""
    text = (Path(repo) / "binder" / "runtime.txt").read_text("utf-8").strip()
    found = re.fullmatch(r"python-(3\.\d+)", text)
    if not found:
        raise Fault(f"binder/runtime.txt says {text!r}, not python-3.x: Binder would take its own")
    return found.group(1)


def plan(repo, tools):
    """The build file that repo2docker writes for a repository, with what it says beside it."""
    program = Path(tools) / "bin" / "jupyter-repo2docker"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(tools)], check=True)
        pip = [str(Path(tools) / "bin" / "python"), "-m", "pip", "install", "-q"]
        subprocess.run([*pip, "jupyter-repo2docker>=2025"], check=True)
    done = subprocess.run(
        [str(program), "--no-build", "--debug", str(repo)], capture_output=True, text=True,
        check=False, timeout=300,
    )
    said = done.stdout + done.stderr
    if done.returncode:
        raise Fault(f"repo2docker refuses the repository:\n{said[-1500:]}")
    return said


def faults_of_plan(said, version):
    """What is missing in the build file, in sentences."""
    wanted = {
        f"Python {version}": rf"environment for python={re.escape(version)}\b",
        "the copy of the repository": r"COPY [^\n]*\bsrc/ ",
        "the requirements": r"pip install [^\n]*binder/requirements\.txt",
        "postBuild": r"RUN \./binder/postBuild",
    }
    places = {name: re.search(pattern, said) for name, pattern in wanted.items()}
    wrong = [f"the build file lacks {name}" for name, found in places.items() if not found]
    # the version is told beside the build file, not in it
    order = [found.start() for found in list(places.values())[1:] if found]
    if order != sorted(order):
        wrong.append("the build file copies, installs and builds in another order")
    return wrong


def interpreter(version):
    """A Python of this version: this one, one of pyenv, or one on the path; else None."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    pyenv = Path.home() / ".pyenv" / "versions"
    for folder in sorted(pyenv.glob(f"{version}.*"), reverse=True):
        if (folder / "bin" / "python").exists():
            return str(folder / "bin" / "python")
    return shutil.which(f"python{version}")


def build(repo, folder, python):
    """Build the environment of a repository in a folder: (its bin folder, seconds, megabytes)."""
    began = time.monotonic()
    room = Path(folder) / "environment"
    subprocess.run([python, "-m", "venv", str(room)], check=True)
    binaries = room / "bin"
    environment = {
        **os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(room),
    }
    environment.pop("PYTHONPATH", None)
    steps = (
        [str(binaries / "python"), "-m", "pip", "install", "-q", "--no-cache-dir", "-r",
         "binder/requirements.txt"],
        ["bash", "binder/postBuild"],
    )
    for step in steps:
        done = subprocess.run(
            step, cwd=repo, env=environment, capture_output=True, text=True, check=False,
            timeout=SECONDS,
        )
        if done.returncode:
            raise Fault(f"{' '.join(step[-2:])} fails:\n{(done.stdout + done.stderr)[-1500:]}")
    size = sum(f.lstat().st_size for f in room.rglob("*") if f.is_file())
    said = subprocess.run(
        [str(binaries / "jupyter"), "labextension", "list"], env=environment, capture_output=True,
        text=True, check=False,
    )
    for name in EXTENSIONS:
        if not re.search(rf"{re.escape(name)} v\S+ .*OK", said.stdout + said.stderr):
            raise Fault(f"JupyterLab does not find {name}:\n{said.stdout}{said.stderr}")
    return binaries, time.monotonic() - began, size / 2**20


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m course.authoring.binder", description=__doc__)
    parser.add_argument("folder", type=Path, help="an empty folder to build in")
    wish = parser.parse_args(argv)
    wish.folder.mkdir(parents=True, exist_ok=True)
    try:
        version = runtime(CHECKOUT)
        wrong = faults_of_plan(plan(CHECKOUT, wish.folder / "tools"), version)
        if wrong:
            raise Fault("\n".join(wrong))
        print(f"build file: Python {version}, requirements, postBuild")
        python = interpreter(version)
        if python is None:
            print(f"Python {version} NOT FOUND here: built with {sys.version.split()[0]} instead")
        binaries, seconds, size = build(CHECKOUT, wish.folder, python or sys.executable)
        print(f"environment: {seconds:.0f} s (at most {SECONDS:.0f}), "
              f"{size:.0f} MB (at most {MEGABYTES:.0f})")
        if seconds > SECONDS or size > MEGABYTES:
            raise Fault("over the budget")
    except Fault as fault:
        print(f"binder: {fault}", file=sys.stderr)
        return 1
    print(binaries / "learntorch")
    return 0


if __name__ == "__main__":
    sys.exit(main())
