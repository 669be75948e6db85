"""JupyterLab in a headless Chromium: a server, a browser, and notebooks made of a few cells.

Settings, kernels and browser profiles lie in temporary folders. Nothing outside this machine is
asked for; a request that leaves it is an error of the page. Pictures go to the folder named by
LEARNTORCH_SCREENSHOTS, else to pytest's temporary folder.
"""

import importlib.util
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = ("--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-dev-shm-usage "
         "--disable-background-networking --disable-component-update --disable-sync").split()
PATIENCE = 60_000       # milliseconds: continuous integration can be slow
READY = """async () => {
    const w = window.jupyterapp.shell.currentWidget;
    await w.context.ready; await w.sessionContext.ready; await w.sessionContext.session.kernel.info;
}"""
RUN_ALL = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
ALL_RUN = """() => {
    const n = window.jupyterapp.shell.currentWidget;
    const code = [...n.content.model.cells].filter((c) => c.type === 'code');
    return code.every((c) => c.executionCount) &&
        n.sessionContext.session.kernel.status === 'idle';
}"""
ASK = """async (code) => {
    const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute({ code, store_history: false });
    let text = '';
    future.onIOPub = (m) => {
        if (m.header.msg_type === 'stream') text += m.content.text;
        if (m.header.msg_type === 'error') text += m.content.ename + ': ' + m.content.evalue;
    };
    await future.done;
    return text.trim();
}"""


def chromium():
    """The browser to drive, or None."""
    named = os.environ.get("LEARNTORCH_CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)


def pytest_collection_modifyitems(items):
    here = pathlib.Path(__file__).parent
    missing = [m for m in ("playwright", "jupyterlab", "anywidget")
               if importlib.util.find_spec(m) is None]
    reason = f"not installed: {', '.join(missing)}" if missing else "no Chromium found"
    for item in items:
        if here in pathlib.Path(item.fspath).parents:
            item.add_marker(pytest.mark.browser)
            if missing or not chromium():
                item.add_marker(pytest.mark.skip(reason=reason))


class Lab:
    """A running JupyterLab server and the folder of its notebooks."""

    def __init__(self, folder, comms):
        self.folder = folder / "notebooks"
        self.folder.mkdir(parents=True)
        settings = folder / "app"
        settings.mkdir()
        (settings / "overrides.json").write_text(json.dumps({
            "@jupyterlab/apputils-extension:notification": {
                "fetchNews": "false", "checkForUpdates": False},
            "@jupyterlab/apputils-extension:kernels-settings": {"commsOverSubshells": comms}}))
        self.log = folder / "log.txt"
        private = {f"JUPYTER{name}": str(folder / name.lower()) for name in
                   ("LAB_SETTINGS_DIR", "LAB_WORKSPACES_DIR", "_CONFIG_DIR", "_DATA_DIR")}
        # The runtime folder holds sockets, whose paths must be short.
        self.runtime = tempfile.mkdtemp(prefix="lt")
        environment = dict(os.environ, **private, JUPYTER_RUNTIME_DIR=self.runtime,
                           PYTHONPATH=str(ROOT), PYTHONHASHSEED="0", PYTHONWARNINGS="ignore")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        line = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
                "--ip=127.0.0.1", f"--port={port}", "--IdentityProvider.token=",
                f"--ServerApp.root_dir={self.folder}", f"--LabApp.app_settings_dir={settings}",
                "--LabApp.news_url=None", "--expose-app-in-browser",
                "--KernelManager.transport=ipc"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(line, env=environment, stdout=log, stderr=log)
        self.wait()

    def wait(self):
        for _ in range(600):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.address + "/api/status", timeout=2)
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("JupyterLab did not start:\n" + self.log.read_text()[-3000:])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.runtime, ignore_errors=True)


class Notebook:
    """A notebook open in the browser, its cells run."""

    def __init__(self, page, lab, shots):
        self.page = page
        self.lab = lab
        self.shots = shots
        self.errors = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.on("request", self.watch)

    def watch(self, request):
        if not request.url.startswith((self.lab.address, "ws://127.0.0.1", "data:", "blob:")):
            self.errors.append(f"request to {request.url}")

    def open(self, name, cells):
        """Write a notebook of code cells, open it and run it."""
        code = [{"cell_type": "code", "id": f"c{i}", "metadata": {}, "outputs": [],
                 "execution_count": None, "source": text} for i, text in enumerate(cells)]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        text = json.dumps({"cells": code, "metadata": {"kernelspec": kernel}, "nbformat": 4,
                           "nbformat_minor": 5})
        (self.lab.folder / f"{name}.ipynb").write_text(text)
        self.page.goto(f"{self.lab.address}/lab/tree/{name}.ipynb?reset",
                       wait_until="domcontentloaded")
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        self.page.evaluate("() => { const a = window.jupyterapp; "
                           "if (!a.shell.leftCollapsed) a.shell.collapseLeft(); }")
        self.page.evaluate(READY)
        self.page.evaluate(RUN_ALL)     # its promise is not returned: it would have no time limit

    def finish(self):
        """Wait until every cell has run."""
        self.page.wait_for_function(ALL_RUN)

    def ask(self, expression):
        """The value of a Python expression in the kernel, as printed text."""
        return self.page.evaluate(ASK, f"print({expression})")

    def until(self, expression, wanted):
        """Wait until an expression in the kernel prints `wanted`."""
        self.soon(lambda: self.ask(expression), wanted, expression)

    def soon(self, look, wanted, what="the page"):
        """Wait until `look()` gives `wanted`: the page and the kernel follow each other, not at
        once, so nothing that one does to the other may be looked at only one time."""
        end = time.monotonic() + PATIENCE / 1000
        while True:
            found = look()
            if found == wanted:
                return
            assert time.monotonic() < end, f"{what} is {found!r}, not {wanted!r}"
            self.page.wait_for_timeout(100)

    def theme(self, dark):
        """Change JupyterLab's theme and wait until it is there."""
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.page.evaluate("(theme) => { window.jupyterapp.commands.execute("
                           "'apputils:change-theme', { theme }); }", name)
        self.page.wait_for_function("(light) => document.body.dataset.jpThemeLight === light",
                                    arg="false" if dark else "true")
        self.page.wait_for_timeout(300)

    def shot(self, name, locator=None):
        """Keep a picture of the page, or of one element."""
        target = self.page if locator is None else locator
        target.screenshot(path=str(self.shots / f"{name}.png"))

    def looks(self, name, locator, narrow=420):
        """Pictures of a widget in light and dark, and in a narrow window."""
        self.shot(f"{name}-light", locator)
        self.theme(dark=True)
        self.shot(f"{name}-dark", locator)
        wide = self.page.viewport_size
        self.page.set_viewport_size({"width": narrow, "height": wide["height"]})
        self.page.wait_for_timeout(400)
        self.shot(f"{name}-narrow", locator)
        assert self.overflow(locator) <= 1, "the widget is wider than its place"
        self.page.set_viewport_size(wide)
        self.theme(dark=False)

    def overflow(self, locator):
        """Pixels by which the content of an element is wider than the element."""
        return locator.evaluate("(e) => e.scrollWidth - e.clientWidth")


@pytest.fixture(scope="session")
def labs(tmp_path_factory):
    """`labs()` is a running JupyterLab; `labs("disabled")` one that sends widget messages on the
    main channel, as JupyterLab before 4.4 and VS Code do."""
    running = {}

    def lab(comms="perCommTarget"):
        if comms not in running:
            running[comms] = Lab(tmp_path_factory.mktemp("lab"), comms)
        return running[comms]

    yield lab
    for server in running.values():
        server.stop()


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield program
        program.close()


@pytest.fixture(scope="session")
def shots(tmp_path_factory):
    named = os.environ.get("LEARNTORCH_SCREENSHOTS")
    folder = pathlib.Path(named) if named else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def notebook(browser, labs, shots):
    """`notebook("name", cells)` opens and runs a notebook, and gives it back."""
    opened = []

    def start(name, cells, comms="perCommTarget", wait=True, reduced=True):
        motion = "reduce" if reduced else "no-preference"
        context = browser.new_context(viewport={"width": 1150, "height": 950},
                                      accept_downloads=True, reduced_motion=motion)
        book = Notebook(context.new_page(), labs(comms), shots)
        opened.append((context, book))
        book.open(name, cells)
        if wait:
            book.finish()
        return book

    yield start
    for context, book in opened:
        context.close()
        assert not book.errors, book.errors
