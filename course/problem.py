"""What goes wrong on a student's machine, said so that the student can mend it."""

import importlib.metadata
import importlib.util
import shutil
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


class Problem(Exception):
    """An expected failure: its text is all that the student sees. `status` ends the program."""

    def __init__(self, text: str, status: int = 1):
        super().__init__(text)
        self.status = status


def in_checkout() -> bool:
    """Whether the course runs from a clone of the repository rather than from a wheel."""
    return (CHECKOUT / "pyproject.toml").is_file() and (CHECKOUT / "notebooks").is_dir()


def requirements() -> dict[str, list[str]]:
    """Requirement strings by extra; "" holds those of the library. Source: the installed metadata,
    or pyproject.toml where nothing is installed."""
    if in_checkout():
        import tomllib

        project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
        return {"": project["dependencies"], **project["optional-dependencies"]}
    found: dict[str, list[str]] = {"": []}
    for text in importlib.metadata.requires("learntorch") or []:
        requirement, _, marker = text.partition(";")
        extra = marker.partition("extra ==")[2].strip().strip("'\") ")
        condition = marker.partition("extra ==")[0].strip().removesuffix("and").strip(" ()")
        requirement = f"{requirement.strip()}; {condition}" if condition else requirement.strip()
        found.setdefault(extra, []).append(requirement)
    return found


def package(requirement: str) -> str:
    """The distribution that a requirement names: 'cupy-cuda13x[ctk]>=14' -> 'cupy-cuda13x'."""
    for at, letter in enumerate(requirement):
        if not (letter.isalnum() or letter in "-_."):
            return requirement[:at]
    return requirement


def version(requirement: str) -> str | None:
    """Installed version of the distribution that a requirement names, or None."""
    try:
        return importlib.metadata.version(package(requirement))
    except importlib.metadata.PackageNotFoundError:
        return None


def wanted(requirement: str) -> bool:
    """Whether the marker of a requirement, if it has one, asks for it on this system."""
    marker = requirement.partition(";")[2].strip()
    name, _, value = marker.partition("!=")
    if name.strip() != "sys_platform":
        return True
    return sys.platform != value.strip(" '\"")


def missing(extra: str) -> list[str]:
    """Requirements of an extra that are not installed here."""
    return [r for r in requirements()[extra] if wanted(r) and version(r) is None]


def install_command(needed: list[str]) -> str:
    """The line that installs `needed` into the Python that is running."""
    quoted = " ".join(f'"{r.partition(";")[0].strip()}"' for r in needed)
    if importlib.util.find_spec("pip") is not None:
        return f'"{sys.executable}" -m pip install {quoted}'
    if shutil.which("uv"):
        return f'uv pip install --python "{sys.executable}" {quoted}'
    return f'"{sys.executable}" -m ensurepip && "{sys.executable}" -m pip install {quoted}'


def belongs_to_system() -> bool:
    """Whether this Python is the system's own, which refuses pip (PEP 668)."""
    import sysconfig

    if sys.prefix != sys.base_prefix:
        return False
    return (Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED").is_file()


def how_to_install(needed: list[str]) -> str:
    """The install line, after the line that makes an environment where the system wants one."""
    if not belongs_to_system():
        return install_command(needed)
    where = r".venv\Scripts\python" if sys.platform == "win32" else ".venv/bin/python"
    name = f"{CHECKOUT}[course]" if in_checkout() else "learntorch[course]"
    return f'"{sys.executable}" -m venv .venv && {where} -m pip install "{name}"'
