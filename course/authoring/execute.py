"""Run a chapter under the fixed conditions and store its outputs.

    python -m course.authoring.execute 05          # one chapter
    python -m course.authoring.execute             # all of them

A cell that raises stops the run, and the notebook is left as it was. Widget state is not stored
(it would be megabytes of JavaScript): readers without a kernel see the pictures beside it. The
navigation line of each chapter is brought up to date.
"""

import argparse
import json
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from course.authoring import kernel
from course.authoring.notebook import METADATA, chapters, read, write
from course.authoring.prose import refresh_navigation

WIDGET = "application/vnd.jupyter.widget-view+json"

__all__ = ["Cost", "execute", "main", "tidy"]


class Cost:
    """What a run cost: seconds by the wall clock, seconds of CPU, and peak memory in bytes."""

    def __init__(self, wall, cpu, memory):
        self.wall = wall
        self.cpu = cpu
        self.memory = memory

    def __str__(self):
        return f"{self.cpu:.1f} s of CPU, {self.wall:.1f} s, {self.memory / 2**20:.0f} MB"


def execute(notebook, folder, changes=None, timeout=300):
    """A copy of a notebook with fresh outputs, run in `folder`, and its `Cost`.

    `changes` are environment variables that differ from the fixed conditions. RuntimeError with
    the cell and its error if one raises.
    """
    node = nbformat.from_dict({**notebook, "metadata": METADATA})
    client = NotebookClient(
        node,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=False,
        # A new ipykernel warns that it talks over TCP; here it talks to nobody but us.
        extra_arguments=["--log-level=40"],
    )
    began = time.perf_counter()
    with client.setup_kernel(env=kernel.environment(**(changes or {}))):
        for index, cell in enumerate(node.cells):
            try:
                client.execute_cell(cell, index)
            except CellExecutionError as error:
                words = f"cell {cell.get('id', index)} raised {error.ename}: {error.evalue}"
                raise RuntimeError(words) from None
        wall = time.perf_counter() - began
        scales = nbformat.v4.new_code_cell(f"print(*{kernel.USAGE})")
        node.cells.append(scales)
        client.execute_cell(scales, len(node.cells) - 1)
        node.cells.remove(scales)
    cpu, memory = "".join(output["text"] for output in scales.outputs).split()
    return tidy(node), Cost(wall, float(cpu), int(memory))


def tidy(node):
    """A notebook as it is stored: no widget state, no timing, no name of the kernel's version.

    The reference to a widget goes too: its number differs in each session, and where there is no
    kernel it would hide the picture that stands beside it.
    """
    made = json.loads(json.dumps(node))
    made["metadata"] = METADATA
    for cell in made["cells"]:
        kept = {"tags": cell["metadata"]["tags"]} if cell["metadata"].get("tags") else {}
        cell["metadata"] = kept
        if "outputs" in cell:
            cell["outputs"] = _joined(cell["outputs"])
        for output in cell.get("outputs", []):
            output.pop("transient", None)
            if set(output.get("data", {})) - {WIDGET, "text/plain"}:
                output["data"].pop(WIDGET, None)
    return made


def _joined(outputs):
    """Outputs with neighbouring pieces of one stream as one: where it was cut is chance."""
    made = []
    for output in outputs:
        last = made[-1] if made else {}
        if output["output_type"] == "stream" and last.get("name") == output["name"]:
            last["text"] += output["text"]
        else:
            made.append(output)
    return made


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m course.authoring.execute")
    parser.add_argument("chapter", nargs="*", help="numbers or names; all if none is given")
    wish = parser.parse_args(argv)
    failed = 0
    for chapter in chapters(wish.chapter):
        notebook = refresh_navigation(read(chapter.file), chapter)
        try:
            done, cost = execute(notebook, chapter.file.parent)
        except RuntimeError as error:
            failed = 1
            print(f"{chapter.name}: not stored, {error}")
            continue
        write(chapter.file, done)
        print(f"{chapter.name}: {cost}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
