"""A run that is killed again and again ends in the same bits as one that never was.

Processes are ended by SIGKILL: they cannot notice it, nor tidy up.
"""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import learntorch as torch
from tests.oracle import needs_torch

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("resume.py")
STEPS = 60                  # four epochs less four steps; a file every seven
HERE = ("-m", "learntorch", str(SCRIPT))
THERE = (str(SCRIPT),)
LOSS = re.compile(r"^step (\d+) loss \S+ (\S+)$", re.MULTILINE)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")


def start(folder, *words, program=HERE):
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, *program, "--steps", str(STEPS), "--every", "7", *words], cwd=folder,
        env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1"), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def whole(folder, *words, program=HERE):
    """What an uninterrupted run prints."""
    process = start(folder, *words, program=program)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0 and not err, err[-2000:]
    return out


def losses(text):
    """{step: loss, every bit of it}"""
    return dict(LOSS.findall(text))


def killed(folder, after, wait, *words, program=HERE):
    """What a run prints until, `wait` seconds after `after` lines, it is killed with its workers.

    None if it had ended by then.
    """
    process = start(folder, *words, program=program)
    said = []
    while len(said) < after or not said[-1].startswith(("saving", "step")):
        line = process.stdout.readline()
        if not line:
            break
        said.append(line)
    time.sleep(wait)
    os.killpg(process.pid, signal.SIGKILL)
    rest, err = process.communicate(timeout=60)
    assert not err, err[-2000:]
    assert process.returncode in (0, -signal.SIGKILL)
    return None if process.returncode == 0 else "".join(said) + rest


def interrupted(folder, moments, *words, program=HERE):
    """What a run prints in all its lives."""
    said = []
    for after, wait in moments:
        lived = killed(folder, after, wait, *words, program=program)
        if lived is None:
            break
        said.append(lived)
    said.append(whole(folder, *words, program=program))
    return said


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """An uninterrupted run."""
    return whole(tmp_path_factory.mktemp("whole") / "run")


@pytest.mark.parametrize("workers", ["0", "2"])
def test_killed_in_the_middle_of_epochs(workers, tmp_path, reference):
    said = interrupted(tmp_path / "run", [(10, 0), (13, 0.005), (17, 0)], "--workers",
                       workers)
    wanted = losses(reference)
    assert len(wanted) == STEPS
    seen = {}
    for life in said:
        for step, loss in losses(life).items():
            assert wanted[step] == loss, f"step {step} of life {said.index(life)}"
            seen[step] = loss
    assert seen == wanted
    assert said[-1].splitlines()[-1] == reference.splitlines()[-1]      # every bit of the state
    assert len(said) == 4
    going_on = [re.search(r"going on after step (\d+)", life) for life in said]
    assert going_on[0] is None and int(going_on[-1][1]) % 7 == 0
    assert any(int(m[1]) % 16 for m in going_on[1:])                    # not only between epochs


def test_killed_while_it_saves(tmp_path, reference):
    """At random moments of the save: whatever is on the disk is whole, and goes on to the end."""
    rng = random.Random(1)
    folder = tmp_path / "run"
    loaded = set()
    for life in range(4):
        saving = 8 if life == 0 else 9          # the lines up to the first "saving"
        if killed(folder, saving, rng.uniform(0, 0.01)) is None:
            break
        if (folder / "run.pt").exists():
            loaded.add(torch.load(folder / "run.pt")["step"])
    end = whole(folder)
    assert end.splitlines()[-1] == reference.splitlines()[-1]
    assert all(step % 7 == 0 for step in loaded)
    assert {"run.pt"} <= set(os.listdir(folder)) <= {"run.pt", "run.pt.new"}


@pytest.mark.parametrize("line", ["torch.set_rng_state(states[\"torch\"])",
                                  "self.seeds.set_state(state[\"seeds\"])"])
def test_a_run_that_forgets_a_stream_is_noticed(line, tmp_path, reference):
    """The comparison can fail: without one of the parts, the bits differ."""
    text = SCRIPT.read_text()
    assert text.count(line) == 1
    script = tmp_path / "forgets.py"
    script.write_text(text.replace(line, "pass"))
    program = ("-m", "learntorch", str(script))
    killed(tmp_path / "run", 30, 0, program=program)
    end = whole(tmp_path / "run", program=program)
    assert "going on after step" in end
    assert end.splitlines()[-1] != reference.splitlines()[-1]


@needs_torch
def test_begun_in_one_library_and_ended_in_the_other(tmp_path):
    """The file says all that either needs; the losses are PyTorch's own."""
    full = whole(tmp_path / "full", program=THERE)
    wanted = {step: float.fromhex(loss) for step, loss in losses(full).items()}
    for first, second in ((THERE, HERE), (HERE, THERE)):
        folder = tmp_path / f"{first[0] == '-m'}"
        killed(folder, 36, 0, program=first)
        rest = whole(folder, program=second)
        found = {step: float.fromhex(loss) for step, loss in losses(rest).items()}
        assert "going on after step" in rest and len(found) >= 20
        assert found == pytest.approx({step: wanted[step] for step in found}, abs=1e-5)
