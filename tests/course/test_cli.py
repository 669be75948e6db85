"""The command `learntorch`: chapters found by any name, and every failure saying what to do."""

import argparse
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from pathlib import Path

import pytest

from course import chapters, cli, doctor, lab, problem
from course.problem import Problem

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("00_welcome", "05_dynamic_graphs", "12_cnn_lenet", "13_cnn_colour")


def notebook(title):
    cell = {"cell_type": "markdown", "id": "t", "metadata": {}, "source": [f"# {title}\n", "Aims."]}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def folder(tmp_path):
    """A folder of four chapters."""
    made = tmp_path / "notebooks"
    made.mkdir()
    for name in NAMES:
        (made / f"{name}.ipynb").write_text(notebook(name[3:].replace("_", " ").title()), "utf-8")
    (made / "scratch.ipynb").write_text(notebook("Not a chapter"), "utf-8")
    return made


@pytest.fixture
def from_wheel(folder, monkeypatch):
    """The course as it lies in an installed wheel, its chapters being those of `folder`."""
    monkeypatch.setattr(chapters, "in_checkout", lambda: False)
    monkeypatch.setattr(chapters, "PACKED", folder)
    return folder


def command(*words, cwd=ROOT, **more):
    """Run `learntorch` as a process of its own."""
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    line = [sys.executable, "-m", "course.cli", *words]
    return subprocess.run(
        line, cwd=cwd, env=env, capture_output=True, text=True, timeout=60, **more
    )


# ---- naming a chapter --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("0", "00_welcome"),
        ("5", "05_dynamic_graphs"),
        ("05", "05_dynamic_graphs"),
        ("05_dyn", "05_dynamic_graphs"),
        ("dynamic_graphs", "05_dynamic_graphs"),
        ("Dynamic Graphs", "05_dynamic_graphs"),
        ("dynamic-graphs", "05_dynamic_graphs"),
        ("05_dynamic_graphs.ipynb", "05_dynamic_graphs"),
        ("notebooks/05_dynamic_graphs.ipynb", "05_dynamic_graphs"),
        (r"notebooks\05_dynamic_graphs.ipynb", "05_dynamic_graphs"),
        ("lenet", "12_cnn_lenet"),
    ],
)
def test_a_chapter_is_found_by_number_name_or_path(folder, wish, name):
    assert chapters.find(wish, chapters.listing(folder)).name == name


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("4", "Did you mean 05, dynamic_graphs?"),
        ("99", "Did you mean 13, cnn_colour?"),
        ("lennet", "Did you mean 12, cnn_lenet?"),
        ("dinamic_graph", "Did you mean 05, dynamic_graphs?"),
        ("zzz", "there is no chapter 'zzz'. The chapters are:"),
        ("²", "there is no chapter '²'. The chapters are:"),
        ("", "there is no chapter ''. The chapters are:"),
        ("cnn", "fits more than one chapter:\n  12  Cnn Lenet\n  13  Cnn Colour"),
    ],
)
def test_an_unknown_chapter_is_answered_with_the_nearest(folder, wish, said):
    with pytest.raises(Problem) as caught:
        chapters.find(wish, chapters.listing(folder))
    assert said in str(caught.value)
    assert caught.value.status == 2
    assert "12  Cnn Lenet" in str(caught.value)


def test_the_listing_has_the_chapters_in_order_with_their_titles(folder):
    found = [(c.number, c.slug, c.title) for c in chapters.listing(folder)]
    assert found[:2] == [(0, "welcome", "Welcome"), (5, "dynamic_graphs", "Dynamic Graphs")]
    assert len(found) == len(NAMES)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": []}', '{"cells": [{"source": "no"}]}'])
def test_a_notebook_without_a_heading_is_called_by_its_name(tmp_path, text):
    (tmp_path / "07_x.ipynb").write_text(text, "utf-8")
    assert chapters.listing(tmp_path)[0].title == "07_x"


# ---- the student's own copy --------------------------------------------------------------------


def test_from_a_wheel_the_chapters_are_copied_and_work_is_kept(from_wheel, tmp_path, monkeypatch):
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.chdir(place)
    copy = chapters.workplace(None)
    assert copy == place / "learntorch-course"
    assert [c.name for c in chapters.listing(copy)] == list(NAMES)
    (copy / "05_dynamic_graphs.ipynb").write_text("my work", "utf-8")
    (copy / "00_welcome.ipynb").unlink()
    assert chapters.workplace(None) == copy
    assert (copy / "05_dynamic_graphs.ipynb").read_text("utf-8") == "my work"
    assert (copy / "00_welcome.ipynb").is_file()


def test_in_a_clone_the_clone_itself_is_opened(folder, monkeypatch):
    monkeypatch.setattr(chapters, "in_checkout", lambda: True)
    monkeypatch.setattr(chapters, "CHECKOUT", folder.parent)
    assert chapters.workplace(None) == folder


def test_a_clone_that_cannot_be_written_is_copied(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(chapters, "in_checkout", lambda: True)
    monkeypatch.setattr(chapters, "CHECKOUT", folder.parent)
    monkeypatch.setattr(chapters, "writable", lambda place: place != folder)
    monkeypatch.chdir(tmp_path)
    assert chapters.workplace(None) == tmp_path / "learntorch-course"


def test_a_folder_that_cannot_be_written_is_said_with_a_way_out(from_wheel, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Problem, match="cannot keep the chapters in .*file.*\n.*--dir"):
        chapters.workplace(tmp_path / "file" / "course")


def test_a_copy_that_can_no_longer_be_written_is_said_too(from_wheel, tmp_path, monkeypatch):
    monkeypatch.setattr(chapters, "writable", lambda place: False)
    with pytest.raises(Problem, match="no file can be made in it"):
        chapters.workplace(tmp_path / "copy")


def test_writable_is_tried_and_leaves_nothing_behind(tmp_path):
    assert chapters.writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert not chapters.writable(tmp_path / "absent")


# ---- requirements ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("numpy>=2.0", "numpy"),
        ("cupy-cuda13x[ctk]>=14.0; sys_platform != 'darwin'", "cupy-cuda13x"),
        ("ml_dtypes", "ml_dtypes"),
        ("torch==2.13.0", "torch"),
    ],
)
def test_the_distribution_of_a_requirement(requirement, name):
    assert problem.package(requirement) == name


def test_requirements_of_a_wheel_are_read_from_its_metadata(monkeypatch):
    lines = [
        "ml-dtypes>=0.5",
        "numpy>=2.0",
        "jupyterlab>=4.4; extra == 'course'",
        "cupy-cuda13x[ctk]>=14.0; (sys_platform != 'darwin') and extra == 'gpu'",
    ]
    monkeypatch.setattr(problem, "in_checkout", lambda: False)
    monkeypatch.setattr(problem.importlib.metadata, "requires", lambda name: lines)
    assert problem.requirements() == {
        "": ["ml-dtypes>=0.5", "numpy>=2.0"],
        "course": ["jupyterlab>=4.4"],
        "gpu": ["cupy-cuda13x[ctk]>=14.0; sys_platform != 'darwin'"],
    }


def test_a_requirement_of_another_system_is_not_wanted(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not problem.wanted("cupy-cuda13x; sys_platform != 'darwin'")
    assert problem.wanted("numpy>=2.0")
    monkeypatch.setattr(sys, "platform", "linux")
    assert problem.wanted("cupy-cuda13x; sys_platform != 'darwin'")


def test_the_install_line_fits_the_environment(monkeypatch):
    here = problem.install_command(["jupyterlab>=4.4", "x; sys_platform != 'darwin'"])
    assert here.endswith('"jupyterlab>=4.4" "x"')
    monkeypatch.setattr(problem.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(problem.shutil, "which", lambda name: "uv")
    assert problem.install_command(["a"]).startswith("uv pip install --python ")
    monkeypatch.setattr(problem.shutil, "which", lambda name: None)
    assert "-m ensurepip" in problem.install_command(["a"])


def test_a_system_python_gets_an_environment_first(monkeypatch):
    monkeypatch.setattr(problem, "belongs_to_system", lambda: True)
    assert "-m venv .venv" in problem.how_to_install(["jupyterlab>=4.4"])
    monkeypatch.setattr(problem, "belongs_to_system", lambda: False)
    assert "venv .venv" not in problem.how_to_install(["jupyterlab>=4.4"])


# ---- before JupyterLab starts ------------------------------------------------------------------


@pytest.fixture
def listener():
    """A port on which something listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_in_use_gives_the_next_free_one(listener):
    assert listener < lab.free_port(listener) < listener + lab.TRIES
    assert lab.free_port(0) > 0


def test_when_all_ports_are_in_use_it_is_said(listener, monkeypatch):
    monkeypatch.setattr(lab, "TRIES", 1)
    with pytest.raises(Problem, match="name another with --port"):
        lab.free_port(listener)


def test_a_reserved_port_is_said(monkeypatch):
    def refuse(self, address):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(Problem, match="port 80 needs the administrator's rights"):
        lab.free_port(80)


@pytest.mark.parametrize("text", ["70000", "-1", "x"])
def test_what_is_no_port_is_refused(text, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["lab", "--port", text])
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


def test_a_text_browser_is_no_browser(monkeypatch):
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("w3m"))
    assert not lab.browser_found()
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("firefox"))
    assert lab.browser_found()

    def none_found():
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", none_found)
    assert not lab.browser_found()


def test_over_ssh_the_tunnel_is_explained(monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.9 50000 10.0.0.1 22")
    monkeypatch.setenv("USER", "ada")
    assert "ssh -L 8890:127.0.0.1:8890 ada@10.0.0.1" in lab.without_browser(8890)
    monkeypatch.delenv("SSH_CONNECTION")
    assert "ssh" not in lab.without_browser(8890)


def options(**more):
    given = dict(
        chapter=None, list=False, no_browser=True, port=0, dir=None, verbose=False, jupyter=[]
    )
    return argparse.Namespace(**{**given, **more})


def test_a_missing_extra_is_said_with_the_line_that_installs_it(from_wheel, monkeypatch):
    monkeypatch.setattr(problem, "missing", lambda extra: ["jupyterlab>=4.4", "anywidget>=0.9"])
    with pytest.raises(Problem) as caught:
        lab.start(options())
    said = str(caught.value)
    assert said.startswith("the course needs jupyterlab, anywidget. Install with\n")
    assert '"jupyterlab>=4.4" "anywidget>=0.9"' in said or "-m venv" in said


def test_no_chapters_at_all_is_said(from_wheel, monkeypatch, tmp_path):
    monkeypatch.setattr(chapters, "PACKED", tmp_path / "none")
    with pytest.raises(Problem, match="install learntorch again"):
        lab.start(options())


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such sockets")
def test_kernels_talk_over_ports_where_a_socket_name_would_be_too_long(monkeypatch):
    paths = pytest.importorskip("jupyter_core.paths", reason="JupyterLab is not installed")
    monkeypatch.setattr(paths, "jupyter_runtime_dir", lambda: "/r")
    assert lab.kernel_transport() == "ipc"
    monkeypatch.setattr(paths, "jupyter_runtime_dir", lambda: "/" + "r" * 60)
    assert lab.kernel_transport() == "tcp"


# ---- as a command ------------------------------------------------------------------------------


def test_help_names_every_command():
    said = command("--help")
    assert said.returncode == 0
    for name in ("lab", "doctor", "run", "course"):
        assert re.search(rf"^ +{name} ", said.stdout, re.MULTILINE), name


def test_an_unknown_command_ends_with_2():
    said = command("labb")
    assert said.returncode == 2
    assert "lab" in said.stderr


def test_lab_list_names_the_chapters_of_this_repository():
    said = command("lab", "--list")
    assert said.returncode == 0, said.stderr
    assert re.match(r"00  welcome +\S", said.stdout)
    listed = [line[:2] for line in said.stdout.splitlines()]
    assert listed == [c.name[:2] for c in chapters.listing(ROOT / "notebooks")]


def test_an_unknown_chapter_ends_with_the_list_and_no_traceback():
    said = command("lab", "welcom_")
    assert said.returncode == 2
    assert said.stderr.startswith("learntorch: there is no chapter 'welcom_'. Did you mean 00")
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("words", [[], ["chek"]])
def test_course_says_what_it_can_do(words):
    said = command("course", *words)
    assert said.returncode == 2
    assert "check or build" in said.stderr


def test_course_hands_its_words_to_the_gates(monkeypatch):
    given = []
    module = argparse.Namespace(main=lambda words: given.append(words))
    monkeypatch.setitem(sys.modules, "course.authoring.check", module)
    assert cli.main(["course", "check", "5", "--quick"]) == 0
    assert given == [["5", "--quick"]]


def test_course_without_its_packages_says_how_to_get_them(monkeypatch, capsys):
    def broken(name):
        raise ModuleNotFoundError("No module named 'nbclient'", name="nbclient")

    monkeypatch.setattr(cli.importlib, "import_module", broken)
    assert cli.main(["course", "check"]) == 1
    assert "this needs nbclient. Install with\n  " in capsys.readouterr().err


def test_doctor_finds_this_environment_sound():
    said = command("doctor")
    assert said.returncode == 0, said.stdout
    assert "self-test   passed: the slope of tanh at 0.5 is 0.7864" in said.stdout
    import numpy

    assert f"numpy       {numpy.__version__}" in said.stdout


@pytest.mark.skipif(os.name != "posix", reason="a pipe as POSIX has it")
def test_a_reader_that_stops_early_gets_no_traceback():
    line = [sys.executable, "-m", "course.cli", "doctor"]
    reader, writer = os.pipe()
    os.close(reader)
    said = subprocess.run(line, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert said.returncode == 1
    assert said.stderr == b""


def test_doctor_as_json_has_the_same_facts():
    said = command("doctor", "--json")
    found = json.loads(said.stdout)
    assert list(found) == ["system", "arithmetic", "self_test", "gpu", "course", "extras"]
    assert found["system"]["executable"] == sys.executable
    assert set(found["extras"]) == set(doctor.FOR) == set(problem.requirements()) - {""}


def test_doctor_names_what_is_missing_and_the_line_that_installs_it(monkeypatch, capsys):
    monkeypatch.setattr(problem, "version", lambda r: None if "jupyterlab" in r else "1.0")
    doctor.main()
    said = capsys.readouterr().out
    assert "[ ] course   JupyterLab and the widgets: jupyterlab missing. Install with\n" in said
    assert '"jupyterlab>=' in said or "-m venv" in said


def test_doctor_fails_when_the_gradient_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "self_test", lambda: {"ok": False, "text": "ImportError: no numpy"})
    assert doctor.main() == 1
    assert "self-test   FAILED: ImportError: no numpy" in capsys.readouterr().out


def test_a_gpu_without_cupy_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "nvidia", lambda: "NVIDIA X, 999.1")
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    assert doctor.gpu()["text"] == "NVIDIA X, 999.1: unused, as CuPy is missing"


# ---- JupyterLab itself -------------------------------------------------------------------------

needs_jupyter = pytest.mark.skipif(
    importlib.util.find_spec("jupyterlab") is None, reason="JupyterLab is not installed"
)


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


@needs_jupyter
def test_a_home_that_cannot_keep_signatures_does_not_keep_the_course_shut(
    from_wheel, tmp_path, monkeypatch, capsys
):
    (tmp_path / "file").write_text("in the way")
    for name in ("JUPYTER_DATA_DIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "file" / "home"))
    lab.trust(chapters.workplace(tmp_path / "copy"))
    assert "Stored pictures appear once their cells have run" in capsys.readouterr().err


@needs_jupyter
def test_extensions_that_are_missing_or_off_are_named(tmp_path, monkeypatch):
    assert lab.without_widgets() == []
    folder = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    here = tmp_path / "labextensions"
    (here / "anywidget").mkdir(parents=True)
    shutil.copy(folder / "anywidget" / "package.json", here / "anywidget")
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *names: [str(here)])
    assert lab.without_widgets() == ["@jupyter-widgets/jupyterlab-manager"]
    off = tmp_path / "config" / "labconfig"
    off.mkdir(parents=True)
    (off / "page_config.json").write_text('{"disabledExtensions": {"anywidget": true}}')
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    assert lab.without_widgets() == ["@jupyter-widgets/jupyterlab-manager", "anywidget"]


@needs_jupyter
@pytest.mark.skipif(os.name != "posix", reason="stops the server by a signal")
def test_lab_opens_the_chapter_asked_for_on_the_next_free_port(listener, tmp_path):
    env = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    env |= {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    env |= {"JUPYTER_RUNTIME_DIR": str(tmp_path / "r"), "JUPYTER_CONFIG_DIR": str(tmp_path / "c")}
    words = ["lab", "0", "--no-browser", "--port", str(listener), "--dir", str(tmp_path / "mine")]
    log = tmp_path / "log"
    with log.open("w") as output:
        line = [sys.executable, "-m", "course.cli", *words]
        server = subprocess.Popen(
            line, cwd=tmp_path, env=env, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        address = None
        until = time.monotonic() + 60
        while address is None and time.monotonic() < until and server.poll() is None:
            time.sleep(0.2)
            address = re.search(r"http://127\.0\.0\.1:(\d+)/(\S+)\?token=(\S+)", log.read_text())
        assert address, log.read_text()
        port, path, token = address.groups()
        assert int(port) > listener
        assert f"Port {listener} is in use (by another JupyterLab?); this one takes {port}." in (
            log.read_text()
        )
        name = chapters.listing(ROOT / "notebooks")[0].file.name
        assert path == f"lab/tree/{name}"
        base = f"http://127.0.0.1:{port}"
        found = json.loads(fetch(f"{base}/api/contents/{name}?token={token}"))
        assert found["writable"] and found["path"] == name
        code = [c for c in found["content"]["cells"] if c["cell_type"] == "code"]
        assert code and all(c["metadata"]["trusted"] for c in code)
        assert (tmp_path / "mine" / name).is_file()
        plugin = "@jupyterlab/apputils-extension:notification"
        settings = json.loads(fetch(f"{base}/lab/api/settings/{plugin}?token={token}"))
        defaults = {k: v["default"] for k, v in settings["schema"]["properties"].items()}
        assert defaults["fetchNews"] == "false" and defaults["checkForUpdates"] is False
        with pytest.raises(urllib.error.HTTPError):
            fetch(f"{base}/api/contents?token=guessed")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
    assert "Traceback" not in log.read_text()
