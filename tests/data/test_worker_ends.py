"""However workers end, the error says why, it comes in time, and nothing is left behind."""
import faulthandler
import gc
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import learntorch
from learntorch.utils.data import DataLoader, Dataset
from tests.multiprocessing.leftovers import Nothing, gone

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's files")


class Made(Dataset):
    """20 samples that `item(index)` makes."""

    def __init__(self, item):
        self.item = item

    def __len__(self):
        return 20

    def __getitem__(self, i):
        return self.item(i)


def loader(item, batch_size=2, **options):
    return DataLoader(Made(item), batch_size, num_workers=2, multiprocessing_context="fork",
                      **options)


def ones(i):
    return learntorch.ones(3000) * i


def at(where, action):
    """Samples, of which one is made by `action()`."""
    return lambda i: action() if i == where else ones(i)


def limit(what, number):
    return lambda worker_id: resource.setrlimit(what, (number, number))


def fail():
    raise ValueError("bad sample")


def suicide(number):
    def end():
        faulthandler.disable()
        os.kill(os.getpid(), number)
    return end


ENDS = {
    "raises": (at(9, fail), {}, ValueError,
               r"Caught ValueError in DataLoader worker process 0.\nOriginal Traceback (most rec"),
    "killed": (at(9, suicide(signal.SIGKILL)), {}, RuntimeError,
               " is killed by signal: Killed."),
    "terminated": (at(9, suicide(signal.SIGTERM)), {}, RuntimeError,
                   " is killed by signal: Terminated."),
    "bus error": (at(9, suicide(signal.SIGBUS)), {}, RuntimeError,
                  " is killed by signal: Bus error. It is possible that dataloader's workers are "
                  "out of shared memory. Please try to raise your shared memory limit."),
    "exits": (at(9, lambda: sys.exit(4)), {}, RuntimeError,
              ") exited unexpectedly with exit code 4. Details are lost due to multiprocessing. "
              "Rerunning with num_workers=0 may give better error trace."),
    "exits without a word": (at(9, lambda: os._exit(0)), {}, RuntimeError,
                             " exited unexpectedly"),
    "hangs": (at(9, lambda: time.sleep(60)), {"timeout": 0.5}, RuntimeError,
              "DataLoader timed out after 0.5 seconds"),
    "hangs and ignores": (at(9, lambda: [signal.signal(signal.SIGTERM, signal.SIG_IGN),
                                         time.sleep(60)]), {"timeout": 0.5}, RuntimeError,
                          "DataLoader timed out after 0.5 seconds"),
    "no shared memory": (ones, {"worker_init_fn": limit(resource.RLIMIT_FSIZE, 5000)},
                         RuntimeError, "to the right size: File too large (27)"),
    "no descriptors": (ones, {"worker_init_fn": limit(resource.RLIMIT_NOFILE, 3)},
                       RuntimeError, "Too many open files (24)"),
    "cannot begin": (ones, {"worker_init_fn": lambda worker_id: fail()}, ValueError, "bad sample"),
}


@pytest.mark.parametrize("name, persistent", [
    *[(name, False) for name in ENDS], ("raises", True), ("killed", True), ("hangs", True)])
def test_ends(name, persistent):
    item, options, kind, words = ENDS[name]
    begun = time.monotonic()
    with Nothing():
        batches = loader(item, persistent_workers=persistent, **options)
        with pytest.raises(kind) as caught:
            list(batches)
        text = str(caught.value)
        del batches, caught
    assert words.replace(r"\n", "\n") in text
    assert time.monotonic() - begun < 20


def test_persistent_workers_that_were_ended_are_started_again():
    flag = []
    with Nothing():
        batches = loader(lambda i: time.sleep(60) if i == 9 and not flag else i, timeout=0.5,
                         persistent_workers=True)
        with pytest.raises(RuntimeError, match="timed out"):
            list(batches)
        flag.append(True)
        assert len(list(batches)) == 10
        del batches


def test_a_persistent_worker_that_dies_between_two_passes():
    with Nothing():
        batches = loader(ones, persistent_workers=True)
        list(batches)
        victim = batches._iterator._workers[1]
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        with pytest.raises(RuntimeError, match="is killed by signal: Killed"):
            list(batches)
        del batches, victim


@pytest.mark.parametrize("persistent", [False, True], ids=["once", "persistent"])
def test_a_loop_that_is_left_early(persistent):
    with Nothing():
        batches = loader(ones, persistent_workers=persistent)
        for batch in batches:
            del batch
            break
        del batches


def test_an_iterator_that_is_collected():
    with Nothing():
        passing = iter(loader(ones))
        next(passing)
        ring = [passing]
        ring.append(ring)
        del passing, ring
        gc.collect()


def test_an_iterator_that_is_shut_down():
    with Nothing():
        passing = iter(loader(ones))
        next(passing)
        pids = [process.pid for process in passing._workers]
        passing._shutdown_workers()
        assert gone(pids) and passing._workers == []
        del passing


def test_an_interrupt_in_the_loop():
    def interrupt(signum, frame):
        raise KeyboardInterrupt
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with Nothing():
            with pytest.raises(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 0.3)
                list(loader(lambda i: time.sleep(0.2)))
    finally:
        signal.signal(signal.SIGALRM, before)


def test_two_loaders_whose_workers_do_not_hold_each_others_pipes():
    """A worker that was forked later must not keep an earlier one's pipes open."""
    with Nothing():
        first, second = iter(loader(ones)), iter(loader(ones))
        next(first)
        next(second)
        early = first._workers[0]
        os.kill(early.pid, signal.SIGKILL)
        with pytest.raises(RuntimeError, match="is killed by signal: Killed"):
            list(first)
        assert len(list(second)) == 9
        del first, second, early


SCRIPT = """
import os, sys, time
import learntorch as torch
class Slow(torch.utils.data.Dataset):
    def __len__(self):
        return 10_000
    def __getitem__(self, i):
        time.sleep(0.01)
        return torch.ones(1000)
if __name__ == "__main__":
    loader = torch.utils.data.DataLoader(Slow(), 4, num_workers=2, multiprocessing_context="fork",
                                         persistent_workers=len(sys.argv) > 1)
    passing = iter(loader)
    next(passing)
    print(*[process.pid for process in passing._workers], flush=True)
    if os.environ["END"] == "exit":
        sys.exit(0)
    for batch in passing:
        pass
"""


@pytest.mark.parametrize("end, words", [
    ("exit", ["persistent"]), (signal.SIGINT, []), (signal.SIGTERM, []),
    (signal.SIGKILL, ["persistent"])], ids=str)
def test_the_program_ends(end, words, tmp_path):
    """At exit, at Ctrl-C (which all processes get), and when it is killed, its workers end too."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    env = dict(os.environ, PYTHONPATH=str(ROOT), END=str(end), TMPDIR=str(tmp_path))
    program = subprocess.Popen([sys.executable, str(script), *words], env=env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
    workers = [int(pid) for pid in program.stdout.readline().split()]
    if end == signal.SIGINT:
        os.killpg(program.pid, end)
    elif end != "exit":
        os.kill(program.pid, end)
    _, errors = program.communicate(timeout=60)
    assert len(workers) == 2 and gone(workers)
    assert program.returncode == (0 if end == "exit" else -end)
    assert errors.count("Traceback") == (1 if end == signal.SIGINT else 0), errors
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]


# ---- notebooks and prompts ---------------------------------------------------------------------

PROMPT = """
import sys
import learntorch as torch
class Numbers(torch.utils.data.Dataset):
    def __len__(self):
        return 10
    def __getitem__(self, i):
        return i
options = {"collate_fn": lambda batch: batch} if "lambda" in sys.argv else {}
print(len(list(torch.utils.data.DataLoader(Numbers(), num_workers=1, **options,
                                           multiprocessing_context=sys.argv[1]))))
"""
MOVE = ("move the class or function into a .py file beside it and import it from there, or pass "
        "multiprocessing_context=\"fork\" (not on Windows) or num_workers=0.")


def at_the_prompt(*words, script=None):
    """Run the code as a notebook would, as a `__main__` without a file; or as a script."""
    program = [script] if script else ["-c", PROMPT]
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.run([sys.executable, *program, *words], env=env, capture_output=True,
                          text=True, timeout=60)


def test_a_notebook_can_fork():
    run = at_the_prompt("fork")
    assert run.stdout == "10\n", run.stderr


@pytest.mark.slow
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_notebook_is_told_what_to_do(method):
    run = at_the_prompt(method)
    assert run.returncode == 1 and run.stderr.rstrip().endswith(MOVE), run.stderr
    assert "Can't get attribute 'Numbers' on <module '__main__'" in run.stderr
    assert "RuntimeError: DataLoader worker (pid(s) " in run.stderr


def test_what_does_not_pickle_is_explained():
    run = at_the_prompt("spawn", "lambda")
    assert "PicklingError" in run.stderr and run.stderr.rstrip().endswith(MOVE), run.stderr
    assert "Got pickle error when attempting to start a worker Process" in run.stderr


@pytest.mark.slow
def test_a_script_without_a_guard(tmp_path):
    (tmp_path / "script.py").write_text(PROMPT)
    run = at_the_prompt("spawn", script=str(tmp_path / "script.py"))
    last = run.stderr.rstrip().splitlines()[-1]
    assert run.returncode == 1 and "exited unexpectedly with exit code 1." in last, run.stderr
    assert last.endswith("put the main part of the script under `if __name__ == '__main__':`.")
