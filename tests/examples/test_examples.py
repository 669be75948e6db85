"""The example programs run unchanged, and print what they print on PyTorch.

The comparison is of everything they print: the words must be the same, the numbers may differ by
TOLERANCE: float32 sums are added up in another order, and training carries that on.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import learntorch as torch
from tests.examples.make_mnist import write
from tests.oracle import needs_torch

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
TORCHVISION = "0.28.0"
TOLERANCE = {"rel": 1e-3, "abs": 2e-4}
# name → (arguments, whether it needs torchvision, files it leaves behind, what its end says)
RUNS = {
    "mnist": (["mnist.py", "--data", "{data}", "--save", "w.pt"], True, ["w.pt"], r"accuracy: \d+"),
    "mnist, with workers": (["mnist.py", "--data", "{data}", "--workers", "2"], True, [],
                            r"accuracy: \d+"),
    "vae": (["vae.py", "--data", "{data}"], True,
            ["results/guessed_1.png", "results/drawn_1.png"], r"test loss: [\d.]+$"),
    "dcgan": (["dcgan.py", "--data", "{data}"], True,
              ["gan/drawn_000.png", "gan/netG_0.pth", "gan/netD_0.pth"], r"D\(x\): [\d.]+$"),
    "dcgan, fake data": (["dcgan.py", "--dataset", "fake"], True, ["gan/netG_0.pth"], r"D\(x\)"),
    "lstm": (["language_model.py"], False, ["language_model.pt"], r"^\S+( \S+){19}$"),
    "rnn, tied": (["language_model.py", "--model", "RNN_TANH", "--tied"], False,
                  ["language_model.pt"], r"^\S+( \S+){19}$"),
    "transformer": (["language_model.py", "--model", "Transformer"], False, ["language_model.pt"],
                    r"^\S+( \S+){19}$"),
    "time sequence": (["time_sequence.py"], False, [], r"then:( -?\d\.\d{4}){5}$"),
    "reinforce": (["reinforce.py"], False, [], r"episode 12 reward"),
}
PICTURES = importlib.util.find_spec("PIL") is not None


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with 400 digits to train on and 100 to test, in MNIST's own files."""
    folder = tmp_path_factory.mktemp("data")
    write(folder, 400, 100)
    return folder


def line(name, data):
    """Script and arguments of a run."""
    script, *arguments = [w.format(data=data) for w in RUNS[name][0]]
    return [str(HERE / script), "--quick", *arguments]


def python(*words, folder):
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True,
                          env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1"),
                          timeout=400)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Warning" not in done.stderr, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def ours(tmp_path_factory, data):
    """A function of a name: (what the program prints here, its folder, seconds); run once."""
    done = {}

    def of(name):
        if RUNS[name][1] and not PICTURES:
            pytest.skip("Pillow is not installed")
        if name not in done:
            folder = tmp_path_factory.mktemp("ours")
            began = time.time()
            said = python("-m", "learntorch", *line(name, data), folder=folder)
            done[name] = said, folder, time.time() - began
        return done[name]

    return of


NUMBER = re.compile(r"-?\d+\.\d+")


def numbers(text):
    return [float(n) for n in NUMBER.findall(text)]


@pytest.mark.parametrize("name", RUNS)
def test_runs_on_learntorch(name, ours):
    said, folder, _ = ours(name)
    files, end = RUNS[name][2:]
    assert not [file for file in files if not (folder / file).stat().st_size]
    assert re.search(end, said.strip().splitlines()[-1]), said
    assert all(abs(n) < 1e6 for n in numbers(said)) and "nan" not in said


def torchvision(folder):
    """Where torchvision lies, or None. The packages of PyTorch for the CPU do not bring it."""
    found = importlib.util.find_spec("torchvision")
    if found is not None:
        return str(Path(found.origin).parents[1])
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", f"torchvision=={TORCHVISION}", "--no-deps",
         "--only-binary", ":all:", "--retries", "0", "--timeout", "10", "-d", str(folder)],
        capture_output=True, timeout=120)
    wheels = list(folder.glob("torchvision-*.whl"))
    if not wheels:
        return None
    with zipfile.ZipFile(wheels[0]) as archive:
        archive.extractall(folder)
    return str(folder)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory, data):
    """name → (what the program prints on PyTorch, its folder, seconds)."""
    folder = tmp_path_factory.mktemp("theirs")
    found = torchvision(tmp_path_factory.mktemp("torchvision")) if PICTURES else None
    names = [name for name in RUNS if found or not RUNS[name][1]]
    plan = {"torchvision": found,
            "runs": [[str(folder / name), *line(name, data)] for name in names]}
    (folder / "plan").write_text(json.dumps(plan))
    python("-m", "tests.examples.on_pytorch", str(folder / "plan"), folder=folder)
    return {name: ((folder / name / "said").read_text(), folder / name,
                   float((folder / name / "seconds").read_text())) for name in names}


@needs_torch
@pytest.mark.parametrize("name", RUNS)
def test_prints_what_it_prints_on_pytorch(name, ours, theirs):
    if name not in theirs:
        pytest.skip(f"live oracle not run: torchvision {TORCHVISION} is neither installed nor can "
                    "pip fetch it")
    mine, my_folder, my_seconds = ours(name)
    reference, folder, seconds = theirs[name]
    assert NUMBER.sub("#", mine) == NUMBER.sub("#", reference)
    assert numbers(mine) == pytest.approx(numbers(reference), **TOLERANCE)
    worst = max((abs(a - b) for a, b in zip(numbers(mine), numbers(reference))), default=0.0)
    print(f"{name}: {len(numbers(mine))} numbers, worst difference {worst:.1e}; "
          f"{my_seconds:.1f} s here with the import, {seconds:.1f} s on PyTorch without")
    for file in RUNS[name][2]:
        if file.endswith((".pt", ".pth")):
            same_weights(my_folder / file, folder / file)


def same_weights(mine, theirs):
    """What both programs saved is the same, read by either library."""
    import torch as oracle
    for load in (torch.load, oracle.load):
        a, b = load(mine, weights_only=True), load(theirs, weights_only=True)
        assert list(a) == list(b)
        for name in a:
            assert str(a[name].dtype) == str(b[name].dtype)
            assert a[name].flatten().tolist() == pytest.approx(b[name].flatten().tolist(),
                                                               rel=1e-2, abs=2e-3)
