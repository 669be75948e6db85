"""The plan of the house as tests: who may import whom, how long a file may be, what text may say.

Every rule is a function from a file to the list of its sentences of complaint, so that the second
half of this file can show each rule a file that breaks it.
"""
import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
LINES, COLUMNS = 600, 100
LONGER = {}                     # file: lines it may have, with the reason in a comment beside it

# Rooms of the library from the ground up. A room imports rooms below it; rooms that are not named
# share the floor FACES, where they may import each other as long as no circle arises.
FLOORS = {"backend": 0, "core": 1, "multiprocessing": 1, "random": 2, "random_streams": 2,
          "random_rejection": 2, "ops": 3, "autograd": 4}
FACES, DOOR = 5, 6
REGISTERED_FROM_OUTSIDE = {"accel"}       # only learntorch/__init__.py may import it
FIRM = {"numpy", "ml_dtypes"}             # what the library may import at once
# lazily, and only there (a file, or a room ending in "/"); scipy anywhere, inside a function
OPTIONAL = {"scipy": ("",), "cupy": ("backend/cupy_xp.py", "accel/"), "numba": ("accel/",),
            "safetensors": ("io/",), "onnx": ("onnx/",), "onnxruntime": ("onnx/",),
            "mpi4py": ("distributed/",), "PIL": ("vision/",),
            "tqdm": ("utils/fetch.py",)}
FOREIGN = {"torch", "torchvision", "IPython", "ipywidgets", "matplotlib", "course", "tests"}
NOT_AT_START = ("scipy", "matplotlib", "IPython", "ipywidgets", "torch", "cupy", "numba", "onnx",
                "safetensors", "PIL", "pandas", "jax", "course", "pytest", "multiprocessing")

# Written in pieces so that this file does not accuse itself.
MACHINE = re.compile(
    r"(?<![\w.~:/-])/(?:" + "|".join(("work", "tmp", "root", "farm", "home", "Users")) + r")/[\w.]"
    r"|" + "/opt" + r"/env/|[A-Z]:\\Users\\|"
    + "|".join(("py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.", "index-" + "url",
                r"\bregistry" + r"\.[\w.-]+\.(?:org|com|io|net|dev)")))
TEXT = {".py", ".md", ".toml", ".txt", ".json", ".ipynb", ".yml", ".yaml", ".cfg", ".ini", ".sh",
        ".js", ".css", ".html", ".svg", ".csv", ".tsv", ""}


def tracked():
    """Files git knows or would add; where there is no git, all of them."""
    try:
        out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT,
                             capture_output=True, check=True, text=True).stdout
        names = [name for name in out.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*")
                 if not any(part.startswith((".", "__pycache__")) for part in
                            p.relative_to(ROOT).parts)]
    return sorted(n for n in names if (ROOT / n).is_file())


FILES = tracked()
SOURCES = [f for f in FILES if f.endswith(".py")]
LIBRARY = [f for f in SOURCES if f.startswith("learntorch/")]
TEXTS = [f for f in FILES if pathlib.Path(f).suffix in TEXT]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


# ---- imports -----------------------------------------------------------------------------------

def imports(source):
    """(module, line, is inside a function) of every import, `TYPE_CHECKING` blocks included."""
    found = []

    def walk(node, inside):
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if isinstance(node, ast.Import):
            found.extend((alias.name, node.lineno, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            if base == "learntorch":
                found.extend((f"learntorch.{a.name}", node.lineno, inside) for a in node.names)
            else:
                found.append((base, node.lineno, inside))
        for child in ast.iter_child_nodes(node):
            walk(child, inside)

    walk(ast.parse(source), False)
    return found


def room(name):
    """'core' for learntorch/core/op.py and learntorch.core.op; '' for the package's own files."""
    parts = re.sub(r"\.py$", "", name).replace(".", "/").split("/")[1:]
    return parts[0] if parts and parts[0] not in ("__init__", "__main__") else ""


def floor(name):
    return FLOORS.get(name, FACES) if name else DOOR


def exists(name):
    return (ROOT / "learntorch" / name).is_dir() or (ROOT / "learntorch" / f"{name}.py").is_file()


def wrong_way(name, source):
    """Imports that run up the house, or into a room that registers itself from outside.

    The rooms on the top floor may use the package's face, `learntorch.relu`, inside a function.
    """
    here, said = room(name), []
    for module, line, lazy in imports(source):
        there = room(module)
        if module.startswith("."):
            said.append(f"{name}:{line}: relative import; the house imports absolutely")
        elif not module.startswith("learntorch") or not here:
            continue
        elif there in REGISTERED_FROM_OUTSIDE and here != there:
            said.append(f"{name}:{line}: only the package itself imports {there}")
        elif not exists(there) or not there:
            if floor(here) < FACES or not lazy:
                said.append(f"{name}:{line}: imports the package's face ({module}); "
                            "import the name from the room that makes it")
        elif floor(there) > floor(here):
            said.append(f"{name}:{line}: {here} imports {module}, which lies above it")
    return said


def unwanted(name, source):
    """Libraries that learntorch never imports, or not here, or not before they are needed."""
    said = []
    inside_library = name.removeprefix("learntorch/")
    for module, line, lazy in imports(source):
        top = module.split(".")[0]
        if top in ("", "learntorch", "__future__") or top in FIRM or top in sys.stdlib_module_names:
            continue
        if top in FOREIGN:
            said.append(f"{name}:{line}: the library never imports {top}")
        elif top not in OPTIONAL:
            said.append(f"{name}:{line}: {top} is no dependency of the library")
        elif not inside_library.startswith(OPTIONAL[top]):
            said.append(f"{name}:{line}: {top} belongs in {' or '.join(OPTIONAL[top])}")
        elif not lazy:
            said.append(f"{name}:{line}: import {top} inside the function that needs it")
    return said


def circles(edges):
    """A list of rooms that import each other in a ring, or None. `edges`: {room: rooms}."""
    done, path = set(), []

    def visit(here):
        if here in path:
            return path[path.index(here):] + [here]
        if here in done:
            return None
        path.append(here)
        for there in sorted(edges.get(here, ())):
            ring = visit(there)
            if ring:
                return ring
        done.add(path.pop())
        return None

    return next((ring for start in sorted(edges) for ring in [visit(start)] if ring), None)


# ---- style -------------------------------------------------------------------------------------

def too_long(name, source):
    """More lines than the ceiling, or a line wider than the page."""
    lines, ceiling = source.splitlines(), LONGER.get(name, LINES)
    said = [f"{name}:{i}: {len(line)} columns, {COLUMNS} fit" for i, line in enumerate(lines, 1)
            if len(line) > COLUMNS]
    if len(lines) > ceiling:
        said.append(f"{name}: {len(lines)} lines, the ceiling is {ceiling}: split it by idea")
    return said


def stars(name, source):
    """`from x import *`."""
    return [f"{name}:{node.lineno}: import *" for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names)]


def crowded(name, source):
    """Two statements on one line: after a semicolon, or behind the colon of a block."""
    said = []
    for node in ast.walk(ast.parse(source)):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if not isinstance(block, list):
                continue
            last = getattr(node, "lineno", 0)
            for statement in block:
                if isinstance(statement, ast.stmt) and statement.lineno == last:
                    said.append(f"{name}:{last}: two statements on one line")
                last = getattr(statement, "end_lineno", last)
    return said


def machine_paths(name, text):
    """Paths of somebody's machine, hosts of package registries."""
    return [f"{name}:{i}: {match.group(0)!r} is a path or host of one machine"
            for i, line in enumerate(text.splitlines(), 1)
            for match in [MACHINE.search(line)] if match]


# ---- the rules, over the house -------------------------------------------------------------------

def complaints(rule, files):
    return [sentence for name in files for sentence in rule(name, read(name))]


@pytest.mark.parametrize("rule", [wrong_way, unwanted], ids=lambda rule: rule.__name__)
def test_library_imports(rule):
    said = complaints(rule, LIBRARY)
    assert not said, "\n".join(said)


def test_rooms_do_not_import_in_a_circle():
    edges = {}
    for name in LIBRARY:
        for module, _, lazy in imports(read(name)):
            here, there = room(name), room(module) if module.startswith("learntorch.") else ""
            if here and there and here != there and not lazy:
                edges.setdefault(here, set()).add(there)
    ring = circles(edges)
    assert ring is None, "rooms import each other in a circle: " + " -> ".join(ring)


def test_course_imports_neither_tests_nor_notebooks():
    said = [f"{name}:{line}: imports {module}" for name in SOURCES if name.startswith("course/")
            for module, line, _ in imports(read(name))
            if module.split(".")[0] in ("tests", "notebooks")]
    assert not said, "\n".join(said)


@pytest.mark.parametrize("rule", [too_long, stars, crowded], ids=lambda rule: rule.__name__)
def test_style(rule):
    said = complaints(rule, SOURCES)
    assert not said, "\n".join(said)


def test_texts_name_no_machine():
    said = complaints(machine_paths, TEXTS)
    assert not said, "\n".join(said)


def test_import_needs_no_optional_library():
    """With every optional library hidden, `import learntorch` works and loads none of them."""
    code = f"""
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {NOT_AT_START!r} and name != "multiprocessing":
            raise ImportError(name + " was asked for")
sys.meta_path.insert(0, Hidden())
before = set(sys.modules)
import learntorch
print(*sorted({{m.split(".")[0] for m in set(sys.modules) - before}}))
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-800:]
    loaded = set(run.stdout.split())
    assert "learntorch" in loaded
    assert not loaded & set(NOT_AT_START), f"import learntorch loads {loaded & set(NOT_AT_START)}"


# ---- and each rule sees what breaks it ----------------------------------------------------------

BROKEN = [
    (wrong_way, "learntorch/core/tensor.py", "from learntorch.ops.pointwise import add"),
    (wrong_way, "learntorch/core/tensor.py", "def f():\n    import learntorch.ops"),
    (wrong_way, "learntorch/backend/numpy_xp.py", "from learntorch.core import dtypes"),
    (wrong_way, "learntorch/ops/pointwise.py", "from learntorch import nn"),
    (wrong_way, "learntorch/ops/pointwise.py", "from .reduce import sum"),
    (wrong_way, "learntorch/nn/functional.py", "import learntorch"),
    (wrong_way, "learntorch/ops/reduce.py", "def f():\n    from learntorch import relu"),
    (wrong_way, "learntorch/ops/conv.py", "from learntorch.accel import numba_conv"),
    (unwanted, "learntorch/core/tensor.py", "import torch"),
    (unwanted, "learntorch/viz/svg.py", "def f():\n    import matplotlib.pyplot"),
    (unwanted, "learntorch/viz/svg.py", "def f():\n    from course import reveal"),
    (unwanted, "learntorch/ops/special.py", "import scipy.special"),
    (unwanted, "learntorch/ops/conv.py", "def f():\n    import numba"),
    (unwanted, "learntorch/ops/conv.py", "import pandas"),
    (too_long, "learntorch/a.py", "x = 1\n" * (LINES + 1)),
    (too_long, "learntorch/a.py", "x = '" + "y" * COLUMNS + "'"),
    (stars, "learntorch/a.py", "from math import *"),
    (crowded, "learntorch/a.py", "x = 1; y = 2"),
    (crowded, "learntorch/a.py", "if x: y = 2"),
    (crowded, "learntorch/a.py", "def f(x): return x"),
    (machine_paths, "README.md", "see " + "/ro" + "ot/notes.txt"),
    (machine_paths, "README.md", "pip install -i https://py" + "pi.org/simple"),
]
SOUND = [
    (wrong_way, "learntorch/ops/pointwise.py", "from learntorch.core.op import unary"),
    (wrong_way, "learntorch/optim/sgd.py", "def f():\n    from learntorch import relu"),
    (wrong_way, "learntorch/__init__.py", "from learntorch.accel import off"),
    (unwanted, "learntorch/ops/special.py", "def f():\n    from scipy import special"),
    (unwanted, "learntorch/core/tensor.py", "import numpy as np\nimport weakref\nimport ml_dtypes"),
    (crowded, "learntorch/a.py", "if x:\n    y = 1\nelse:\n    y = 2\nf = lambda x: x\n"),
    (machine_paths, "README.md", "https://example.com/home/page and a/tmp/b and ./root/x"),
]


@pytest.mark.parametrize("rule, name, source", BROKEN)
def test_rule_sees_what_breaks_it(rule, name, source):
    assert rule(name, source), f"{rule.__name__} says nothing about {source!r} in {name}"


@pytest.mark.parametrize("rule, name, source", SOUND)
def test_rule_accepts_what_is_right(rule, name, source):
    assert rule(name, source) == []


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circles({"a": {"b", "c"}, "b": {"c"}}) is None
