"""`python -m learntorch script.py`: a script that imports torch runs on learntorch, as a script,
and so do modules (-m) and texts (-c)."""

import os
import signal
import subprocess
import sys
import time
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
    assert not said.stderr


MULTIPROCESSING = """
import torch
import torch.multiprocessing as mp
from torch.multiprocessing import Process, Queue, spawn
from torch.utils.data import DataLoader, Dataset

class Squares(Dataset):
    def __len__(self):
        return 6
    def __getitem__(self, i):
        return torch.tensor(i * i)

def work(i, shared):
    shared[i] = i + 1

if __name__ == "__main__":
    shared = torch.zeros(2)
    spawn(work, (shared,), nprocs=2)
    print(shared, shared.is_shared(), mp is torch.multiprocessing)
    print(list(DataLoader(Squares(), 3, num_workers=1, multiprocessing_context="spawn")))
"""


@pytest.mark.skipif(os.name != "posix", reason="not tried elsewhere")
def test_processes_share_tensors(tmp_path):
    said = run(tmp_path, MULTIPROCESSING)
    assert said.stdout == ("tensor([1., 2.]) True True\n"
                           "[tensor([0, 1, 4]), tensor([ 9, 16, 25])]\n"), said.stderr
    assert not said.stderr


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


@pytest.mark.parametrize("words", [[], ["--what"], ["absent.py"], ["."], ["-m"], ["-c"]])
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


# ---- -m, -c, - -----------------------------------------------------------------------------

SHOWS = """
import sys
print(__name__, __package__, sys.argv, sys.path[0] in ("", FOLDER))
"""


def line(folder, *words, text=None, program=("-m", "learntorch")):
    """Run `python -m learntorch words` in a folder."""
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.run([sys.executable, *program, *words], cwd=folder, env=env, input=text,
                          capture_output=True, text=True, timeout=120)


@pytest.fixture
def package(tmp_path):
    """A folder with the package `pkg`: modules train and __main__, a neighbour, a broken one."""
    inside = tmp_path / "pkg"
    inside.mkdir()
    shows = SHOWS.replace("FOLDER", repr(str(tmp_path)))
    (inside / "__init__.py").write_text("")
    (inside / "neighbour.py").write_text("x = 5\n")
    (inside / "train.py").write_text("from .neighbour import x\n" + shows + "print(__file__, x)\n")
    (inside / "__main__.py").write_text("from . import neighbour\n" + shows)
    (inside / "broken.py").write_text("import torch\n\ndef f():\n    return 1 / 0\n\nf()\n")
    return tmp_path


@pytest.mark.parametrize("words", [
    ("-m", "pkg.train", "--lr", "0.1", "-h"), ("-m", "pkg", "x"),
    ("-c", "import sys; print(__name__, sys.argv, repr(sys.path[0]), __package__)", "a", "-b"),
    ("-c", "print('__file__' in globals()); raise SystemExit(3)")])
def test_modules_and_texts_as_under_python(package, words):
    ours, pythons = line(package, *words), line(package, *words, program=())
    assert (ours.returncode, ours.stdout, ours.stderr) == (
        pythons.returncode, pythons.stdout, pythons.stderr)
    assert ours.stdout


def test_a_program_from_the_pipe(package):
    text = "import sys, torch\nprint(torch.__name__, __name__, sys.argv)\n"
    assert line(package, "-", "a", text=text).stdout == "learntorch __main__ ['-', 'a']\n"


def test_modules_and_texts_have_torch(package):
    (package / "pkg" / "uses.py").write_text("import torch\nprint(torch.__name__)\n")
    assert line(package, "-m", "pkg.uses").stdout == "learntorch\n"
    assert line(package, "-c", "import torch; print(torch.ones(2))").stdout == "tensor([1., 1.])\n"
    assert line(package, "-m", "pkg.uses", program=("-m", "course.cli", "run")
                ).stdout == "learntorch\n"


def test_a_module_that_fails_or_is_not_there(package):
    said = line(package, "-m", "pkg.broken")
    assert said.returncode == 1
    lines = said.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):" and 'broken.py", line 6' in lines[1]
    assert "learntorch/" not in said.stderr and "runpy" not in said.stderr
    for name in ("pkg.absent", "absent", "absent.x"):
        said = line(package, "-m", name)
        assert said.returncode == 1 and "No module named" in said.stderr
        assert "Traceback" not in said.stderr


IN_MODULE = """
import multiprocessing
import torch
from .neighbour import x

def work(n):
    return (torch.tensor(n) + x).item()

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [1, 2]))
"""


def test_processes_that_a_module_spawns_find_torch_and_the_package(package):
    (package / "pkg" / "spawns.py").write_text(IN_MODULE)
    said = line(package, "-m", "pkg.spawns")
    assert said.stdout == "[6, 7]\n", said.stderr
    assert "Warning" not in said.stderr


LOADS = """
import torch
from torch.utils.data import DataLoader, Dataset

class Squares(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, i):
        return torch.tensor(float(i * i))

if __name__ == "__main__":
    for method in {methods}:
        loader = DataLoader(Squares(), batch_size=4, num_workers=2, multiprocessing_context=method)
        print(method, [b.tolist() for b in loader])
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows can only spawn")
def test_workers_of_a_loader(tmp_path):
    """A dataset that the script defines reaches workers that are spawned."""
    said = run(tmp_path, LOADS.format(methods=("fork", "spawn")))
    wanted = "[[0.0, 1.0, 4.0, 9.0], [16.0, 25.0, 36.0, 49.0]]"
    assert said.stdout.splitlines() == [f"fork {wanted}", f"spawn {wanted}"], said.stderr


# ---- how a script ends ------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("text, caught", [
    ("import time\ndef f():\n    print('on', flush=True)\n    time.sleep(60)\nf()\n", False),
    ("import time\ntry:\n    print('on', flush=True)\n    time.sleep(60)\n"
     "except KeyboardInterrupt:\n    print('saved')\n", True)])
def test_ctrl_c(tmp_path, text, caught):
    """The script may catch it; else Python shows where it was and ends by the signal."""
    (tmp_path / "script.py").write_text(text)
    ends = []
    for program in ((), ("-m", "learntorch")):
        process = subprocess.Popen(
            [sys.executable, *program, "script.py"], cwd=tmp_path, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=dict(os.environ, PYTHONPATH=str(ROOT)))
        assert process.stdout.readline() == "on\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        ends.append((process.returncode, out, err.replace(str(tmp_path) + "/", "")))
    assert ends[0] == ends[1]
    assert ("saved" in out) == caught and ("KeyboardInterrupt" in err) != caught


def test_what_runs_at_the_end_runs(tmp_path):
    text = ("import atexit, sys, threading, time\n"
            "atexit.register(lambda: print('at the end'))\n"
            "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()\n"
            "sys.excepthook = lambda *error: print('hook', error[0].__name__)\n"
            "raise ValueError\n")
    said = run(tmp_path, text)
    assert (said.stdout, said.returncode) == ("hook ValueError\nthread\nat the end\n", 1)


# ---- the names that scripts begin with ----------------------------------------------------------

IMPORTS = """
import torch, torchvision
from torch import nn, optim, Tensor, autograd
import torch.nn.functional as F
from torch.nn import Linear, Module
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pack_padded_sequence
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split
from torch.utils.tensorboard import SummaryWriter
from torch.utils.checkpoint import checkpoint
from torch.autograd import Variable, Function
from torch.distributions import Categorical, Normal
from torch.cuda.amp import GradScaler, autocast
from torch.amp import autocast
from torch.serialization import safe_globals
from torch.storage import UntypedStorage
from torchvision import datasets, transforms, models, utils
from torchvision.transforms import ToTensor, v2
from torchvision.datasets import MNIST, FakeData
from torchvision.utils import make_grid, save_image
assert torch.__version__ >= "2.0" and torch.__version__ < (3,)
assert torch.version.cuda is None and not torch.cuda.is_available()
assert torch.device("cuda" if torch.cuda.is_available() else "cpu").type == "cpu"
assert not torch.backends.mps.is_available() and not torch.backends.cudnn.is_available()
torch.backends.cudnn.deterministic = True
torch.backends.cudnn.benchmark = False
torch.cuda.manual_seed_all(0)
assert not torch.distributed.is_available() and not torch.jit.is_scripting()
assert not torch.xpu.is_available() and not torch.mps.is_available()
import torch.distributed as dist
assert dist is torch.distributed and not dist.is_initialized()
assert hasattr(torch, "jit") and not hasattr(torch, "no_such_name")
print("all there")
"""


def test_the_imports_of_tutorials(tmp_path):
    said = run(tmp_path, IMPORTS)
    assert said.stdout == "all there\n", said.stderr


def test_without_the_alias_a_missing_part_is_named():
    import learntorch
    with pytest.raises(AttributeError, match="no attribute 'jit'. PyTorch has it, and learntorch"):
        learntorch.jit  # noqa: B018
    assert not hasattr(learntorch, "jit")
