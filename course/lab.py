"""`learntorch lab`: JupyterLab on a chapter, with what can go wrong said beforehand."""

import errno
import os
import shlex
import socket
import sys
import webbrowser
from pathlib import Path

from course import chapters, problem
from course.problem import Problem
from course.progress import line, progress

SETTINGS = Path(__file__).resolve().parent / "data" / "lab"
TRIES = 50
SOCKET_NAME_LIMIT = 100  # a Unix socket's path holds 104 bytes on macOS, 108 on Linux
KERNEL_SOCKET = len("/kernel-00000000-0000-0000-0000-000000000000-ipc-1")
WIDGET_EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "anywidget")
TEXT_BROWSERS = {"www-browser", "links", "elinks", "lynx", "w3m"}


def free_port(wished: int) -> int:
    """`wished` if nothing listens there, else the next port that is free (0: any).

    Raises Problem when none is, or when the system reserves it.
    """
    for port in range(wished, min(wished + TRIES, 65536)):
        try:
            with socket.socket() as probe:
                if os.name == "posix":  # else a port that was closed a minute ago counts as in use
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
        except PermissionError:
            raise Problem(
                f"port {port} needs the administrator's rights: take 1024 or more"
            ) from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Problem(f"port {port} cannot be used: {error.strerror}") from None
    raise Problem(f"the ports from {wished} on are all in use: name another with --port")


def browser_found() -> bool:
    """Whether a browser that can show JupyterLab is known here; one that shows text cannot."""
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return False
    return os.path.basename(str(getattr(found, "name", ""))) not in TEXT_BROWSERS


def kernel_transport() -> str:
    """ "ipc" (files instead of open ports) where the paths of the sockets fit, else "tcp"."""
    if os.name != "posix":
        return "tcp"
    from jupyter_core.paths import jupyter_runtime_dir

    fits = len(os.fsencode(jupyter_runtime_dir())) + KERNEL_SOCKET < SOCKET_NAME_LIMIT
    return "ipc" if fits else "tcp"


def trust(folder: Path) -> None:
    """Sign the chapters that are as delivered, so that JupyterLab shows their stored pictures
    before they are run."""
    from nbformat import read
    from nbformat.sign import NotebookNotary

    try:
        notary = NotebookNotary()
        for chapter in chapters.listing(chapters.source()):
            mine = folder / chapter.file.name
            if mine.read_bytes() == chapter.file.read_bytes():
                notary.sign(read(mine, as_version=4))
        notary.store.close()
    except Exception as error:  # whatever it is, only pictures are lost: the course must open
        say(f"Stored pictures appear once their cells have run ({error}).")


def arguments(folder: Path, notebook: str, port: int, browser: bool, verbose: bool) -> list[str]:
    """JupyterLab's command line. A token is asked for, as always; nothing is looked up online."""
    words = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{notebook}",
        f"--ServerApp.port={port}",
        f"--ServerApp.open_browser={browser}",
        f"--KernelManager.transport={kernel_transport()}",
        f"--LabApp.app_settings_dir={SETTINGS}",
        "--LabApp.news_url=None",
        f"--Application.log_level={'INFO' if verbose else 'ERROR'}",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        words.append("--allow-root")
    return words


def without_browser(port: int) -> str:
    """What to do with the address that JupyterLab prints."""
    lines = ["Copy the address below that begins with http://127.0.0.1 into a browser here."]
    if os.environ.get("SSH_CONNECTION"):
        here = os.environ["SSH_CONNECTION"].split()[2]
        lines.append("From your own computer, first open a way to this one with")
        lines.append(f"  ssh -L {port}:127.0.0.1:{port} {os.environ.get('USER', 'you')}@{here}")
    return "\n".join(lines)


def without_widgets() -> list[str]:
    """Names of the extensions that show widgets and that JupyterLab does not find, or has off."""
    from jupyter_core.paths import jupyter_path
    from jupyterlab_server.config import get_page_config

    try:
        page = get_page_config(jupyter_path("labextensions"))
    except (OSError, ValueError) as error:
        say(f"JupyterLab's list of extensions cannot be read ({error}).")
        return []
    found = {each["name"] for each in page.get("federated_extensions", [])}
    return [n for n in WIDGET_EXTENSIONS if n not in found or n in page["disabledExtensions"]]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def show(folder: Path) -> int:
    """Print the chapters, one a line, with the exercises done once there are any."""
    made = progress()
    for chapter, row in zip(chapters.listing(folder), made.rows, strict=True):
        done = f"{row[2]}/{row[3]}  " if made.done else ""
        print(f"{chapter.number:02d}  {done}{chapter.slug:<24} {chapter.title}")
    for words in (line(), made.trouble):
        if words:
            print(words)
    return 0


def start(options) -> int:
    """Open JupyterLab as the options of `learntorch lab` say; returns when it is stopped.

    Raises Problem for an unknown chapter, a missing extra, a folder or port that cannot be used.
    """
    delivered = chapters.listing(chapters.source())
    if not delivered:
        raise Problem(f"no chapters in {chapters.source()}: install learntorch again")
    if options.list:
        return show(chapters.source())
    chapter = chapters.find(options.chapter, delivered) if options.chapter else delivered[0]
    lacking = problem.missing("course")
    if lacking:
        names = ", ".join(problem.package(r) for r in lacking)
        how = problem.how_to_install(lacking)
        raise Problem(f"the course needs {names}. Install with\n  {how}")
    for name in without_widgets():
        say(f"JupyterLab lacks {name}, so widgets are only pictures. Try\n"
            f"  jupyter labextension enable {name}\n"
            f"  {problem.install_command(['jupyterlab_widgets', 'anywidget'])} --force-reinstall")
    folder = chapters.workplace(options.dir)
    trust(folder)
    port = free_port(options.port)
    if port != options.port and options.port:
        say(f"Port {options.port} is in use (by another JupyterLab?); this one takes {port}.")
    browser = not options.no_browser and browser_found()
    say(f"Opening {folder / chapter.file.name}")
    if line():
        say(line())
    if not browser:
        if not options.no_browser:
            say("No web browser was found on this machine.")
        say(without_browser(port))
    say("Stop with Ctrl-C, twice.\n")
    # Sets and hashes in the same order as in the printed outputs.
    os.environ.setdefault("PYTHONHASHSEED", "0")
    # The course's matrices are small: a second BLAS thread costs more than it brings.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    words = arguments(folder, chapter.file.name, port, browser, options.verbose) + options.jupyter
    if options.verbose:
        say("jupyter lab " + shlex.join(words))
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance(argv=words)
    return 0
