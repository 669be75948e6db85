"""Starting processes that run one function: their errors come back as PyTorch words them."""
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import learntorch
from learntorch import multiprocessing as mp
from tests.multiprocessing.leftovers import Nothing
from tests.multiprocessing.targets import bad, fine, killed, leaves
from tests.oracle import alike, needs_torch

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="these tests fork")


def test_all_run_and_write_to_one_tensor():
    shared = learntorch.zeros(3).share_memory_()
    with Nothing():
        assert mp.start_processes(fine, (shared,), 3, start_method="fork") is None
    assert shared.tolist() == [1, 2, 3]


@pytest.mark.slow
def test_spawned_processes_share_the_tensor_too():
    shared = learntorch.zeros(2)
    mp.spawn(fine, (shared,), nprocs=2)
    assert shared.tolist() == [1, 2] and shared.is_shared()


def test_an_error_comes_with_its_traceback_and_ends_the_others():
    begun = time.monotonic()
    with Nothing():
        with pytest.raises(mp.ProcessRaisedException) as caught:
            mp.start_processes(bad, nprocs=2, start_method="fork")
        text = str(caught.value)
        assert text.startswith("\n\n-- Process 1 terminated with the following error:\nTraceback")
        assert "in bad" in text and text.endswith("ValueError: bad\n")
        assert caught.value.error_index == 1 and caught.value.error_pid > 0
        del caught                              # its traceback holds the processes
    assert time.monotonic() - begun < 20
    start = f"learntorch-errorfile-{os.getpid()}-"
    assert not [name for name in os.listdir(tempfile.gettempdir()) if name.startswith(start)]


@needs_torch
@pytest.mark.parametrize("function", [killed, leaves])
def test_how_a_process_ended(function):
    def case(torch):
        try:
            torch.multiprocessing.start_processes(function, nprocs=1, start_method="fork")
        except torch.multiprocessing.ProcessExitedException as error:
            return str(error), error.exit_code, error.signal_name, error.error_index
    alike(case)


def test_the_context():
    context = mp.start_processes(time.sleep, nprocs=2, join=False, start_method="fork")
    assert len(context.pids()) == 2 and context.join() in (True, False)
    while not context.join(timeout=10):
        pass
    assert context.join() is True


def test_errors_pickle():
    for error in (mp.ProcessRaisedException("told", 1, 77),
                  mp.ProcessExitedException("told", 1, 77, -9, "SIGKILL")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and vars(again) == vars(error)
        assert str(again) == "told"


def test_the_old_name_and_a_wrong_method_warn():
    with pytest.warns(UserWarning, match="SpawnContext is renamed to ProcessContext"):
        mp.SpawnContext([], [])
    with pytest.warns(FutureWarning, match="This method only supports start_method=spawn"):
        mp.spawn(fine, nprocs=0, start_method="fork")


NOTEBOOK = """
import learntorch.multiprocessing as mp
def f(i):
    pass
mp.spawn(f, nprocs=1)
"""


@pytest.mark.slow
def test_a_function_of_a_notebook():
    """What is typed at the prompt has no file that a new process could import."""
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    run = subprocess.run([sys.executable, "-c", NOTEBOOK], env=env, capture_output=True, text=True,
                         timeout=60)
    assert "process 0 terminated with exit code 1. A new process cannot import what is defined " \
        "in a notebook or at the prompt: move the class or function into a .py file" in run.stderr


@needs_torch
def test_the_names_are_there():
    def case(torch):
        module = torch.multiprocessing
        return sorted(name for name in module.__all__ if hasattr(module, name))
    alike(case)
    import torch
    for name in ("spawn", "start_processes", "ProcessContext", "ProcessRaisedException", "queue",
                 "ProcessExitedException", "SpawnContext", "reductions", "pool"):
        __import__(f"torch.multiprocessing.{name}" if name in ("queue", "pool") else "torch")
        __import__(f"learntorch.multiprocessing.{name}" if name in ("queue", "pool") else "torch")
        assert hasattr(torch.multiprocessing, name) and hasattr(mp, name)


def test_names_of_threads():
    old = mp._get_thread_name()
    mp._set_thread_name("loader")
    assert mp._get_thread_name() == "loader"
    mp._set_thread_name(old)
