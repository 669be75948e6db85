"""`learntorch doctor`: the environment card. What is here, what is missing, how to get it."""

import importlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from course import chapters, problem

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
FOR = {
    "course": "JupyterLab and the widgets",
    "test": "running the tests",
    "browser": "testing the widgets in a browser",
    "special": "special functions, parts of linalg",
    "files": "safetensors, TensorBoard event files",
    "vision": "pictures",
    "gpu": "tensors on an NVIDIA GPU",
    "fast": "compiled kernels",
    "onnx": "exporting models",
    "weights": "pretrained networks",
}


def system() -> dict:
    """Python and the machine under it."""
    return {
        "learntorch": problem.version("learntorch") or "not installed, run from its folder",
        "python": platform.python_version(),
        "executable": sys.executable,
        "environment": "virtual" if sys.prefix != sys.base_prefix else "the system's own",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "memory": memory(),
    }


def memory() -> str:
    """Memory this process may use: the machine's, or what a container (as on Binder) allows."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    try:
        size = min(size, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no container, or no limit ("max")
        pass
    return f"{size / 2**30:.1f} GiB"


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def arithmetic() -> dict:
    """NumPy, the BLAS under its matrix products, and threads."""
    try:
        import numpy
    except ImportError as error:
        return {"numpy": f"cannot be imported: {error}"}
    blas = numpy.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    blas_name = f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
    settings = [f"{name}={os.environ[name]}" for name in THREADS if name in os.environ]
    return {
        "numpy": numpy.__version__,
        "blas": blas_name,
        "cores": cores(),
        "threads": ", ".join(settings) or "as many as there are cores",
    }


def self_test() -> dict:
    """One gradient, computed and compared with the number known from school calculus."""
    try:
        torch = importlib.import_module("learntorch")
        x = torch.tensor(0.5, requires_grad=True)
        torch.tanh(x).backward()
        slope = x.grad.item()
    except Exception as error:  # whatever it is, the card says it
        return {"ok": False, "text": f"{type(error).__name__}: {error}"}
    right = abs(slope - 0.7864477) < 1e-6
    text = f"the slope of tanh at 0.5 is {slope:.4f}" + ("" if right else ", but should be 0.7864")
    return {"ok": right, "text": text}


def nvidia() -> str | None:
    """Name and driver of the first NVIDIA GPU, or None."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = [program, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip().splitlines()[0] if found.stdout.strip() else None


def gpu() -> dict:
    """The graphics card and whether CuPy can compute on it."""
    card = nvidia()
    if importlib.util.find_spec("cupy") is None:
        if card is None:
            return {"ok": False, "text": "none found; every chapter runs without one"}
        return {"ok": False, "text": f"{card}: unused, as CuPy is missing"}
    try:
        import cupy

        usable = cupy.cuda.is_available()
    except Exception as error:  # a CuPy that does not fit the driver raises errors of many types
        return {"ok": False, "text": f"CuPy fails: {type(error).__name__}: {error}"}
    if usable:
        return {"ok": True, "text": f"{card or 'NVIDIA GPU'}, CuPy {cupy.__version__}"}
    return {"ok": False, "text": f"CuPy {cupy.__version__} is here, but no GPU it can use"}


def extras() -> dict:
    """For every extra: installed versions, what is missing, and the line that installs it."""
    found = {}
    requirements = problem.requirements()
    for extra in FOR:
        needed = [r for r in requirements.get(extra, []) if problem.wanted(r)]
        lacking = [r for r in needed if problem.version(r) is None]
        there = [r for r in needed if r not in lacking]
        found[extra] = {
            "for": FOR[extra],
            "installed": {problem.package(r): problem.version(r) for r in there},
            "missing": [problem.package(r) for r in lacking],
            "install": problem.how_to_install(lacking) if lacking else None,
        }
    return found


def course_files() -> dict:
    """The chapters and the digits that they read."""
    digits = Path(__file__).parent / "data" / "mnist10k.npz"
    return {
        "chapters": len(chapters.listing(chapters.source())),
        "folder": str(chapters.source()),
        "digits": digits.is_file(),
    }


def card() -> dict:
    """Everything the card shows, as plain data."""
    return {
        "system": system(),
        "arithmetic": arithmetic(),
        "self_test": self_test(),
        "gpu": gpu(),
        "course": course_files(),
        "extras": extras(),
    }


def healthy(found: dict) -> bool:
    """Whether the library computes; extras may be missing."""
    files = found["course"]
    return found["self_test"]["ok"] and files["chapters"] > 0 and files["digits"]


def text(found: dict) -> str:
    """The card as lines of text."""
    system, numbers, files = found["system"], found["arithmetic"], found["course"]
    rows = [
        ("learntorch", system["learntorch"]),
        ("python", f"{system['python']}, environment {system['environment']}"),
        ("", system["executable"]),
        ("system", f"{system['system']}; memory {system['memory']}"),
        ("numpy", numbers["numpy"]),
    ]
    if "blas" in numbers:
        rows.append(("blas", numbers["blas"]))
        rows.append(("threads", f"{numbers['threads']}; {numbers['cores']} cores"))
    test = found["self_test"]
    rows.append(("self-test", f"{'passed' if test['ok'] else 'FAILED'}: {test['text']}"))
    rows.append(("gpu", found["gpu"]["text"]))
    digits = "digits at hand" if files["digits"] else "DIGITS MISSING: install learntorch again"
    rows.append(("course", f"{files['chapters']} chapters in {files['folder']}; {digits}"))
    lines = [f"{name:<11} {value}" for name, value in rows]
    lines.append("")
    for extra, state in found["extras"].items():
        names = ", ".join(f"{name} {number}" for name, number in state["installed"].items())
        if not state["missing"]:
            lines.append(f"[x] {extra:<8} {state['for']}: {names}")
            continue
        lacking = ", ".join(state["missing"])
        lines.append(f"[ ] {extra:<8} {state['for']}: {lacking} missing. Install with")
        lines.append(f"      {state['install']}")
    return "\n".join(lines)


def main(as_json: bool = False) -> int:
    """Print the card; 0 if the library works, else 1."""
    found = card()
    print(json.dumps(found, indent=2) if as_json else text(found))
    return 0 if healthy(found) else 1
