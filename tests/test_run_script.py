"""`python -m learntorch script.py`: a script that imports torch runs on learntorch, as a script."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

NAMES = """
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch import Tensor, autograd
from torch.utils.data import DataLoader, Dataset, TensorDataset
import learntorch
assert torch is learntorch
assert F.relu is learntorch.nn.functional.relu and nn is sys.modules["learntorch.nn"]
assert issubclass(TensorDataset, sys.modules["learntorch.utils.data"].Dataset)
assert torch.__spec__.name == "learntorch" and F.__name__ == "learntorch.nn.functional"
layer = nn.Linear(2, 1)
optimizer = optim.SGD(layer.parameters(), lr=0.1)
layer(torch.ones(3, 2)).sum().backward()
optimizer.step()
print(layer.bias.grad)
"""

SPAWN = """
import multiprocessing
import sys
import torch

class Point:
    pass

def work(x):
    return torch.tensor(x) + 1, Point(), sys.argv[1]

if __name__ == "__main__":
    for method in {methods}:
        with multiprocessing.get_context(method).Pool(1) as pool:
            sums, points, words = zip(*pool.map(work, [1, 2]))
        print(method, [s.item() for s in sums], type(points[0]) is Point, words)
"""


def run(folder, text, *words, name="script.py", cwd=None, program=("-m", "learntorch")):
    """Run `text` as a script in `folder`, from another folder, with learntorch on the path."""
    (folder / name).write_text(text, "utf-8")
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    line = [sys.executable, *program, str(folder / name), *words]
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    return subprocess.run(
        line, cwd=cwd or elsewhere, env=env, capture_output=True, text=True, timeout=120
    )


def test_torch_and_its_parts_are_learntorch(tmp_path):
    said = run(tmp_path, NAMES)
    assert said.stdout == "tensor([3.])\n", said.stderr


def test_the_command_learntorch_run_does_the_same(tmp_path):
    said = run(tmp_path, NAMES, program=("-m", "course.cli", "run"))
    assert said.stdout == "tensor([3.])\n", said.stderr


def test_the_script_sees_what_python_would_show_it(tmp_path):
    text = "import sys, neighbour\nprint(__name__, __file__, sys.argv, sys.path[0], neighbour.x)\n"
    (tmp_path / "neighbour.py").write_text("x = 5\n")
    words = ("--lr", "0.1", "-h", "--", "data")
    ours = run(tmp_path, text, *words)
    assert ours.returncode == 0, ours.stderr
    assert ours.stdout == run(tmp_path, text, *words, program=()).stdout


def test_pickled_classes_are_those_of_main(tmp_path):
    text = (
        "import pickle, sys\n"
        "class A: pass\n"
        "print(A.__module__, type(pickle.loads(pickle.dumps(A()))) is A)\n"
        "print(sys.modules['__main__'].A is A)\n"
    )
    assert run(tmp_path, text).stdout == "__main__ True\nTrue\n"


@pytest.mark.skipif(os.name != "posix", reason="Windows can only spawn")
def test_processes_of_the_script_find_torch_too(tmp_path):
    said = run(tmp_path, SPAWN.format(methods=("fork", "spawn", "forkserver")), "word")
    wanted = [f"{m} [2, 3] True ('word', 'word')" for m in ("fork", "spawn", "forkserver")]
    assert said.stdout.splitlines() == wanted, said.stderr


def test_what_torchvision_lacks_is_said_at_the_scripts_own_line(tmp_path):
    said = run(tmp_path, "import torch\nfrom torchvision.nope import anything\n")
    assert said.returncode == 1
    lines = said.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert 'script.py", line 2' in lines[1]
    assert "ModuleNotFoundError: No module named 'torchvision.nope'" in lines
    assert lines[-1] == "learntorch, which runs this script, does not have this part of " \
        "torchvision yet."
    assert "_script.py" not in said.stderr


def test_a_script_may_ask_for_what_is_not_there(tmp_path):
    text = (
        "import importlib.util\n"
        "print(importlib.util.find_spec('torch.nope'), importlib.util.find_spec('torch.nn.nope'))\n"
        "try:\n    import torch.nope\nexcept ImportError as error:\n    print(error)\n"
    )
    said = run(tmp_path, text)
    assert said.stdout == "None None\nNo module named 'torch.nope'\n", said.stderr


def test_a_part_that_not_even_pytorch_has(tmp_path):
    said = run(tmp_path, "import torch.nope\n")
    assert said.returncode == 1
    assert said.stderr.endswith("does not have this part of torch yet.\n")


@pytest.mark.parametrize(
    ("text", "status", "end"),
    [
        ("import sys; sys.exit(7)", 7, ""),
        ("raise SystemExit('enough')", 1, "enough\n"),
        ("def f():\n    return 1 / 0\nf()", 1, "ZeroDivisionError: division by zero\n"),
        ("x = (", 1, "SyntaxError: '(' was never closed\n"),
    ],
)
def test_a_script_ends_as_under_python(tmp_path, text, status, end):
    ours, pythons = run(tmp_path, text), run(tmp_path, text, program=())
    assert (ours.returncode, ours.stderr) == (pythons.returncode, pythons.stderr)
    assert ours.returncode == status and ours.stderr.endswith(end)


@pytest.mark.parametrize("words", [[], ["--what"], ["absent.py"], ["."]])
def test_no_script_ends_with_2(words):
    line = [sys.executable, "-m", "learntorch", *words]
    said = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert said.returncode == 2
    assert said.stderr.startswith(("usage: python -m learntorch", "python -m learntorch: "))
    assert "Traceback" not in said.stderr


def test_help_is_help():
    line = [sys.executable, "-m", "learntorch", "--help"]
    said = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0
    assert said.stdout.startswith("usage: python -m learntorch script.py")


ABSENT = """
import torch
import torch.distributed as dist
from torch.onnx import export
print(export, callable(dist.init_process_group))
try:
    import torch.no_such_thing
except ModuleNotFoundError as error:
    print("typo:", error.name)
export(None)
"""


def test_what_is_missing_fails_where_it_is_used(tmp_path):
    done = run(tmp_path, ABSENT)
    assert "<torch.onnx.export, which learntorch does not have> True" in done.stdout
    assert "typo: torch.no_such_thing" in done.stdout
    assert done.returncode == 1
    assert "NotImplementedError: torch.onnx.export is not part of learntorch" in done.stderr


def test_what_is_called_missing_is_missing():
    from learntorch._script import ABSENT as names
    from learntorch._script import present
    assert not [name for name in names if present("learntorch" + name.removeprefix("torch"))]


def test_alias_in_a_notebook(tmp_path):
    text = """
import learntorch
learntorch.alias()
import torch
from torch import nn
assert torch is learntorch and nn is learntorch.nn
print("one library")
"""
    done = run(tmp_path, text, program=())
    assert done.stdout == "one library\n", done.stderr


def test_the_tests_of_another_project(tmp_path):
    (tmp_path / "test_theirs.py").write_text(
        "import torch\n\ndef test_it():\n    assert torch.__name__ == 'learntorch'\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "learntorch.as_torch", "test_theirs.py"],
        cwd=tmp_path, env=dict(os.environ, PYTHONPATH=str(ROOT)), capture_output=True, text=True,
        timeout=120)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
