"""What nbval lacks: `pytest -p course.authoring.nbval_plugin --nbval notebooks`.

nbval compares stored with fresh outputs strictly, but it passes a notebook that was cleared, never
looks at pictures, and has no tolerance for numbers. With this plugin a code cell also fails when
it has not run or ran out of order, when a picture has changed, and when a number differs by more
than the tag `tolerance=…` of the cell allows. Kernels run under the fixed conditions of `kernel`;
`--chapter-report FILE` writes what each chapter cost.
"""

import copy
import json
import os
import time
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from course.authoring import kernel
from course.authoring.compare import PLACE, aligned, picture_difference
from course.authoring.notebook import tolerance

PICTURES = ("image/png", "image/jpeg")


def pytest_addoption(parser):
    group = parser.getgroup("nbval")
    group.addoption("--chapter-report", help="write seconds and peak memory of each notebook here")
    group.addoption("--chapter-haswell", action="store_true", help="run as on another processor")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    found = yield
    return [
        ChapterFile.from_parent(parent, path=file_path) if type(each) is IPyNbFile else each
        for each in found
    ]


class ChapterFile(IPyNbFile):
    """A notebook whose kernel runs under the fixed conditions, and is weighed at the end."""

    def setup(self):
        before = dict(os.environ)
        other = kernel.elsewhere() if self.config.getoption("--chapter-haswell") else {}
        os.environ.update(kernel.environment(**other))
        try:
            super().setup()
        finally:
            os.environ.clear()
            os.environ.update(before)
        self.sanitize_patterns[PLACE.pattern] = r"\1:LINE"
        self.began = time.perf_counter()

    def collect(self):
        expected = 0
        for cell in super().collect():
            expected += 1
            made = ChapterCell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )
            made.expected = expected
            yield made

    def teardown(self):
        report = self.config.getoption("--chapter-report")
        if report and self.kernel is not None and self.kernel.is_alive():
            wall = time.perf_counter() - self.began
            cpu, memory = self.weigh()
            known = json.loads(Path(report).read_text()) if Path(report).exists() else {}
            known[self.path.stem] = {"wall": wall, "cpu": cpu, "memory": memory}
            Path(report).write_text(json.dumps(known))
        super().teardown()

    def weigh(self):
        """Seconds of CPU and peak bytes of the kernel, asked of itself."""
        client = self.kernel.kc
        ask = client.execute("", silent=True, user_expressions={"usage": kernel.USAGE})
        while True:
            answer = client.get_shell_msg(timeout=30)
            if answer["parent_header"].get("msg_id") == ask:
                words = answer["content"]["user_expressions"]["usage"]["data"]["text/plain"]
                return json.loads(words.replace("(", "[").replace(")", "]"))


class ChapterCell(IPyNbCell):
    """A code cell that must have run, in its turn."""

    expected = None

    def runtest(self):
        count = self.cell.execution_count
        if count is None:
            self.raise_cell_error("This cell has not run: its outputs were cleared or never made")
        if count != self.expected:
            self.raise_cell_error(f"This cell ran as number {count}, in place of {self.expected}")
        super().runtest()

    def compare_outputs(self, test, ref, skip_compare=None):
        limit = tolerance(self.cell.metadata.get("tags", []))
        if not super().compare_outputs(_aligned(test, ref, limit), ref, skip_compare):
            return False
        for fresh, stored in zip(_pictures(test), _pictures(ref), strict=False):
            difference = picture_difference(fresh, stored)
            if difference:
                self.comparison_traceback.append(difference)
                return False
        if len(_pictures(test)) != len(_pictures(ref)):
            self.comparison_traceback.append("the number of pictures changed")
            return False
        return True


def _aligned(fresh, stored, limit):
    """The fresh outputs, with numbers close enough to the stored ones written as those."""
    if not limit:
        return fresh
    made = copy.deepcopy(fresh)
    for new, old in zip(made, stored, strict=False):
        if "text" in new and "text" in old:
            new["text"] = aligned(new["text"], old["text"], limit)
        for kind, words in new.get("data", {}).items():
            if isinstance(words, str) and kind not in PICTURES and kind in old.get("data", {}):
                new["data"][kind] = aligned(words, old["data"][kind], limit)
    return made


def _pictures(outputs):
    return [
        output["data"][kind]
        for output in outputs
        for kind in PICTURES
        if kind in output.get("data", {})
    ]
