"""Tensors that several processes see: what one writes the others read, and nothing is left over."""
import copy
import gc
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest

import learntorch
from learntorch import multiprocessing as mp
from tests.multiprocessing.leftovers import SHARED, Nothing, gone, names
from tests.multiprocessing.targets import echo
from tests.oracle import alike, needs_torch

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(not os.path.isdir(SHARED) or not hasattr(os, "fork"),
                                reason="these tests look at Linux's files")


class Marked(learntorch.Tensor):
    """A subclass with an attribute."""


@pytest.fixture(autouse=True)
def nothing_left_behind(request):
    strategy = mp.get_sharing_strategy()
    if request.node.get_closest_marker("oracle"):
        yield                                   # what PyTorch leaves behind is not ours
        return
    with Nothing():
        yield
        mp.set_sharing_strategy(strategy)


def forked(function, *args):
    """Run a function in a forked child, and wait for its end; returns the exit code."""
    process = mp.get_context("fork").Process(target=function, args=args)
    process.start()
    process.join(20)
    code = process.exitcode
    process.close()
    return code


def sent(thing):
    """What another process would make of the message with `thing`."""
    return pickle.loads(ForkingPickler.dumps(thing))


# ---- moving to shared memory ----------------------------------------------------------------

def test_a_child_writes_and_the_parent_sees_it():
    own, shared = learntorch.zeros(3), learntorch.zeros(3).share_memory_()

    def work():
        own.add_(1)
        shared.add_(1)
    assert forked(work) == 0
    assert own.tolist() == [0, 0, 0] and shared.tolist() == [1, 1, 1]


def test_all_that_look_at_the_memory_move_with_it():
    base = learntorch.arange(6.)
    view, turned, detached = base[2:], base.reshape(2, 3).t(), base.detach()
    bytes_, elements = base.untyped_storage(), base._typed_storage()
    assert not any(t.is_shared() for t in (base, view, turned, detached, bytes_, elements))
    view.share_memory_()
    assert all(t.is_shared() for t in (base, view, turned, detached, bytes_, elements))
    assert forked(lambda: base.fill_(7)) == 0
    assert base.tolist() == [7.0] * 6 and view.tolist() == [7.0] * 4
    assert turned.tolist() == [[7.0, 7.0]] * 3 and detached[0] == 7
    assert elements[5] == 7 and bytes_.data_ptr() == base.data_ptr()
    assert view.storage_offset() == 2 and turned.stride() == (1, 3)
    view.add_(1)
    assert base.tolist() == [7, 7, 8, 8, 8, 8] and base._version == view._version


def test_gradients_flow_as_before():
    w = learntorch.nn.Parameter(learntorch.ones(3))
    y = (w * w).sum()
    w.share_memory_()
    y.backward()
    assert w.grad.tolist() == [2, 2, 2] and not w.grad.is_shared() and w.is_leaf


def test_an_array_lent_before_keeps_the_old_memory():
    array = np.zeros(2)
    t = learntorch.from_numpy(array).share_memory_()
    t.fill_(1)
    assert array.tolist() == [0, 0] and t.numpy().tolist() == [1, 1]


def test_shared_memory_cannot_be_resized():
    t = learntorch.ones(3).share_memory_()
    with pytest.raises(RuntimeError, match="Trying to resize storage that is not resizable"):
        t.resize_(10)
    with pytest.raises(RuntimeError, match="Trying to resize storage that is not resizable"):
        t.untyped_storage().resize_(100)


IS_SHARED = {
    "at first": lambda torch: torch.ones(2).is_shared(),
    "itself": lambda torch: torch.ones(2).share_memory_().is_shared(),
    "twice": lambda torch: torch.ones(2).share_memory_().share_memory_().is_shared(),
    "a clone": lambda torch: torch.ones(2).share_memory_().clone().is_shared(),
    "a result": lambda torch: (torch.ones(2).share_memory_() + 1).is_shared(),
    "a view": lambda torch: torch.ones(2).share_memory_()[1:].is_shared(),
    "detached": lambda torch: torch.ones(2).share_memory_().detach().is_shared(),
    "a deep copy": lambda torch: copy.deepcopy(torch.ones(2).share_memory_()).is_shared(),
    "without elements": lambda torch: torch.empty(0).share_memory_().is_shared(),
    "with history": lambda torch: (torch.ones(2, requires_grad=True) * 2).share_memory_(),
    "a storage": lambda torch: torch.ones(2).untyped_storage().share_memory_().is_shared(),
    "a new storage": lambda torch: torch.UntypedStorage._new_shared(4).tolist(),
    "the same": lambda torch: (lambda t: t.share_memory_() is t)(torch.ones(1)),
    "modules": lambda torch: [p.is_shared() for p in torch.nn.Linear(2, 2).share_memory()
                              .parameters()],
    "gradients of a module": lambda torch: _shared_gradient(torch),
    "lazy": lambda torch: torch.nn.LazyLinear(2).share_memory(),
    "strategies": lambda torch: sorted(torch.multiprocessing.get_all_sharing_strategies()),
    "strategy": lambda torch: torch.multiprocessing.get_sharing_strategy(),
}


def _shared_gradient(torch):
    m = torch.nn.Linear(2, 2)
    m(torch.ones(2)).sum().backward()
    before = m.weight.grad
    m.share_memory()
    return m.weight.grad.is_shared(), m.weight.grad is before


@needs_torch
@pytest.mark.parametrize("name", IS_SHARED)
def test_what_is_shared(name):
    alike(IS_SHARED[name])


def test_a_wrong_strategy():
    with pytest.raises(AssertionError, match="invalid sharing strategy 'foo', expected one of {"):
        mp.set_sharing_strategy("foo")


def test_two_processes_train_one_model():
    learntorch.manual_seed(0)
    model = learntorch.nn.Linear(1, 1).share_memory()
    x = learntorch.linspace(-1, 1, 20).reshape(20, 1)

    def train():
        optimizer = learntorch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(200):
            optimizer.zero_grad()
            learntorch.nn.functional.mse_loss(model(x), 3 * x + 1).backward()
            optimizer.step()
    processes = [mp.get_context("fork").Process(target=train) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        process.close()
    assert abs(model.weight.item() - 3) < 1e-2 and abs(model.bias.item() - 1) < 1e-2
    assert model.weight.grad is None            # a gradient stays in its process


def test_memory_that_runs_out():
    def work(pipe):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            learntorch.ones(10000).share_memory_()
        except RuntimeError as error:
            pipe.send(str(error))
        pipe.close()
    here, there = mp.Pipe(duplex=False)
    assert forked(work, there) == 0
    text = here.recv()
    assert text.startswith("unable to resize file <") and "File too large (27)" in text
    assert "no 40000 bytes of shared memory left" in text
    here.close()
    there.close()


# ---- sending --------------------------------------------------------------------------------

def test_a_message_holds_a_handle_and_no_numbers():
    t = learntorch.ones(100_000)
    text = ForkingPickler.dumps(t)
    assert len(text) < 1000 and t.is_shared()
    got = pickle.loads(text)
    got[0] = 5
    assert t[0] == 5 and got.tolist() == t.tolist() and got.data_ptr() == t.data_ptr()


def test_views_of_one_memory_arrive_as_such():
    base = learntorch.arange(10)
    tail, even, again = sent([base[3:], base[::2], base])
    again[4] = 77
    assert tail.tolist() == [3, 77, 5, 6, 7, 8, 9] and even.tolist() == [0, 2, 77, 6, 8]
    assert base[4] == 77 and tail.storage_offset() == 3 and even.stride() == (2,)
    assert tail.untyped_storage().nbytes() == 80


SENT = {
    "scalar": lambda torch: sent(torch.tensor(2.5)),
    "empty": lambda torch: sent(torch.empty(0, 3)),
    "transposed": lambda torch: (lambda t: (t, t.stride()))(sent(torch.arange(6).view(2, 3).t())),
    "bfloat16": lambda torch: sent(torch.ones(3).bfloat16()),
    "complex": lambda torch: sent(torch.ones(2, dtype=torch.complex64)),
    "bool": lambda torch: sent(torch.tensor([True, False])),
    "a leaf": lambda torch: sent(torch.ones(2, requires_grad=True)),
    "no leaf": lambda torch: sent(torch.ones(2, requires_grad=True) * 2),
    "no leaf, without history": lambda torch: sent((torch.ones(2, requires_grad=True) * 2)
                                                   .detach()),
    "a gradient": lambda torch: sent(_with_gradient(torch)).grad,
    "a parameter": lambda torch: type(sent(_with_gradient(torch))).__name__,
    "a parameter's memory": lambda torch: (lambda p: sent(p).data_ptr() == p.data_ptr())(
        _with_gradient(torch)),
    "bytes": lambda torch: sent(torch.arange(2, dtype=torch.uint8).untyped_storage()).tolist(),
    "elements": lambda torch: sent(torch.arange(3.)._typed_storage()).dtype,
    "no bytes": lambda torch: len(sent(torch.empty(0).untyped_storage())),
    "a module": lambda torch: sent(torch.nn.Linear(2, 2)).weight.is_shared(),
}


def _with_gradient(torch):
    p = torch.nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)
    return p


@needs_torch
@pytest.mark.parametrize("name", SENT)
def test_what_arrives(name):
    alike(SENT[name])


def test_a_subclass_keeps_its_class_and_attributes():
    t = learntorch.ones(2).as_subclass(Marked) if hasattr(learntorch.Tensor, "as_subclass") \
        else learntorch.Tensor.__new__(Marked, [1., 1.])
    t.note = "kept"
    got = sent(t)
    got[0] = 5
    assert type(got) is Marked and got.note == "kept" and t[0] == 5 and t.is_shared()
    plain = pickle.loads(pickle.dumps(t))
    plain[0] = 9
    assert type(plain) is Marked and plain.note == "kept" and t[0] == 5


def test_a_file_that_is_mapped_is_opened_again(tmp_path):
    t = learntorch.from_file(str(tmp_path / "numbers"), shared=True, size=4)
    t.fill_(0)
    assert t.is_shared()
    got = sent(t[1:])
    got.fill_(3)
    assert t.tolist() == [0, 3, 3, 3]
    assert not learntorch.from_file(str(tmp_path / "numbers"), size=4).is_shared()


@pytest.mark.parametrize("method, strategy", [
    ("fork", "file_descriptor"), ("fork", "file_system"),
    pytest.param("spawn", "file_system", marks=pytest.mark.slow),
    pytest.param("forkserver", "file_descriptor", marks=pytest.mark.slow)])
def test_queues_of_every_kind_of_process(method, strategy):
    mp.set_sharing_strategy(strategy)
    context = mp.get_context(method)
    inbox, outbox = context.Queue(), context.Queue()
    process = context.Process(target=echo, args=(inbox, outbox))
    process.start()
    t, w = learntorch.zeros(4), learntorch.zeros(2)
    inbox.put(t)
    inbox.put(w[1:])
    assert outbox.get(timeout=30).data_ptr() == t.data_ptr() and t.tolist() == [1, 1, 1, 1]
    assert outbox.get(timeout=30).tolist() == [1] and w.tolist() == [0, 1]
    inbox.put(None)
    process.join()
    assert process.exitcode == 0
    process.close()
    for queue in (inbox, outbox):
        queue.close()
        queue.join_thread()
    if method == "forkserver":
        from multiprocessing.forkserver import _forkserver
        _forkserver._stop()


@pytest.mark.parametrize("strategy", ["file_descriptor", "file_system"])
def test_a_process_may_end_at_once_after_sending(strategy):
    mp.set_sharing_strategy(strategy)
    queue = mp.get_context("fork").SimpleQueue()

    def work():
        queue.put(learntorch.full((3,), 4.))
    process = mp.get_context("fork").Process(target=work)
    process.start()
    time.sleep(0.2)
    assert queue.get().tolist() == [4, 4, 4]
    process.join()
    process.close()
    queue.close()


def test_a_process_that_is_killed_before_its_tensor_is_received():
    queue = mp.get_context("fork").SimpleQueue()

    def work():
        queue.put(learntorch.ones(3))
        os.kill(os.getpid(), signal.SIGKILL)
    assert forked(work) == -signal.SIGKILL
    with pytest.raises(ConnectionRefusedError, match="the process that sent this tensor has ended"):
        queue.get()
    queue.close()


def test_a_pool():
    with mp.get_context("fork").Pool(2) as pool:
        got = pool.map(double, [learntorch.full((2,), float(i)) for i in range(4)])
        assert [t.tolist() for t in got] == [[2 * i, 2 * i] for i in range(4)]
        pool.close()
        pool.join()
    del got


def double(t):
    return t * 2


def test_sending_on_what_was_received():
    t = learntorch.zeros(2)
    inbox, outbox = mp.Pipe()

    def work():
        outbox.send(outbox.recv())
    process = mp.get_context("fork").Process(target=work)
    process.start()
    inbox.send(t)
    got = inbox.recv()
    process.join()
    process.close()
    got.fill_(3)
    assert t.tolist() == [3, 3] and got.data_ptr() == t.data_ptr()
    inbox.close()
    outbox.close()


# ---- names under "file_system" ----------------------------------------------------------------

def test_names_are_removed():
    mp.set_sharing_strategy("file_system")
    t = learntorch.ones(3).share_memory_()
    assert len(names()) == 1
    text = ForkingPickler.dumps(t)
    assert len(names()) == 2                    # one is for the receiver
    got = pickle.loads(text)
    assert len(names()) == 1 and got.data_ptr() == t.data_ptr()
    del t, got
    gc.collect()
    assert names() == set()


KILLED = """
import os, signal, sys, time
import learntorch as torch
import learntorch.multiprocessing as mp
mp.set_sharing_strategy(sys.argv[1])
shared = [torch.ones(1000).share_memory_() for _ in range(3)]
queue = mp.get_context("fork").SimpleQueue()
def work():
    kept = torch.zeros(10).share_memory_()
    queue.put(kept)
    time.sleep(60)
child = mp.get_context("fork").Process(target=work)
child.start()
queue.put(shared[0])
while queue._poll() is False:
    pass
time.sleep(0.2)
print(child.pid, flush=True)
os.kill(child.pid, signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("strategy", ["file_descriptor", "file_system"])
def test_processes_that_are_killed_leave_no_names(strategy, tmp_path):
    env = dict(os.environ, PYTHONPATH=str(ROOT), TMPDIR=str(tmp_path))
    parent = subprocess.Popen([sys.executable, "-c", KILLED, strategy], env=env, text=True,
                              stdout=subprocess.PIPE)
    child = int(parent.communicate(timeout=60)[0])
    assert parent.returncode == -signal.SIGKILL and gone([child])
    end = time.monotonic() + 10
    while names(parent.pid, child) and time.monotonic() < end:
        time.sleep(0.05)
    assert names(parent.pid, child) == set() and list(tmp_path.iterdir()) == []
