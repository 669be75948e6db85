"""Delivered chapters in JupyterLab, opened by the student's own command.

LEARNTORCH_COMMAND names the `learntorch` to call, such as that of the environment Binder builds;
LEARNTORCH_CHAPTERS the chapters, "all" or numbers with commas between them.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

import pytest

from course.chapters import listing, source
from tests.browser.conftest import ALL_RUN, PATIENCE, READY, RUN_ALL, Lab, Notebook

WISH = os.environ.get("LEARNTORCH_CHAPTERS", "4")
CHAPTERS = [c for c in listing(source())
            if WISH == "all" or str(c.number) in [str(int(w)) for w in WISH.split(",")]]
ERRORS = """() => [...window.jupyterapp.shell.currentWidget.content.model.cells]
    .filter((c) => c.type === 'code')
    .flatMap((c) => c.toJSON().outputs.filter((o) => o.output_type === 'error')
        .map((o) => c.id + ': ' + o.ename + ' ' + o.evalue))"""


class Delivered(Lab):
    """JupyterLab as `learntorch lab` starts it, in a folder of the student's own."""

    def __init__(self, folder):
        self.folder = folder / "mine"
        self.log = folder / "log.txt"
        self.runtime = tempfile.mkdtemp(prefix="lt")
        named = os.environ.get("LEARNTORCH_COMMAND")
        line = [named] if named else [sys.executable, "-m", "course.cli"]
        environment = dict(
            os.environ, HOME=str(folder), JUPYTER_RUNTIME_DIR=self.runtime,
            JUPYTERLAB_WORKSPACES_DIR=str(folder / "w"), JUPYTERLAB_SETTINGS_DIR=str(folder / "s"),
            LEARNTORCH_PROGRESS=str(folder / "progress.json"),
        )
        line += ["lab", "--no-browser", "--dir", str(self.folder), "--verbose", "--",
                 "--IdentityProvider.token=", "--expose-app-in-browser"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                line, env=environment, stdout=log, stderr=log, cwd=folder)
        self.address = f"http://127.0.0.1:{self._port()}"
        self.wait()

    def _port(self):
        for _ in range(int(PATIENCE / 100)):
            found = re.search(r"--ServerApp\.port=(\d+)", self.log.read_text())
            if found:
                return int(found.group(1))
            time.sleep(0.1)
        raise RuntimeError("no port:\n" + self.log.read_text())


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    lab = Delivered(tmp_path_factory.mktemp("student"))
    yield lab
    lab.stop()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=[c.name for c in CHAPTERS])
def test_a_chapter_runs_as_delivered(delivered, browser, shots, chapter):
    context = browser.new_context(viewport={"width": 1150, "height": 950}, reduced_motion="reduce")
    page = context.new_page()
    book = Notebook(page, delivered, shots)
    page.goto(f"{delivered.address}/lab/tree/{chapter.file.name}?reset",
              wait_until="domcontentloaded")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.evaluate(READY)
    page.evaluate(RUN_ALL)
    page.wait_for_function(ALL_RUN, timeout=5 * PATIENCE)
    assert page.evaluate(ERRORS) == []
    assert not book.errors
    context.close()
