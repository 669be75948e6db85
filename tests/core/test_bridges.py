"""dtypes and their promotion, memory shared with NumPy, copies, pickles, printing of types."""

import copy
import pickle

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch

NAMES = ("float64", "float32", "float16", "bfloat16", "complex32", "complex64", "complex128",
         "uint8", "int8", "int16", "int32", "int64", "bool")


def kinds(lib, name):
    """A tensor with dimensions, a 0-d one, and a Python number of the category."""
    d = getattr(lib, name)
    number = 1j if "complex" in name else 1.5 if "float" in name else name == "bool" or 2
    return lib.ones(2, dtype=d), lib.ones((), dtype=d), number


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", NAMES)
def test_promotion(first):
    def table(lib):
        rows = []
        for second in NAMES:
            rows.append(str(lib.promote_types(getattr(lib, first), getattr(lib, second))))
            rows.append(lib.can_cast(getattr(lib, first), getattr(lib, second)))
            for a in kinds(lib, first)[:2]:
                for b in kinds(lib, second):
                    rows.append(str((a * b).dtype))
                    rows.append(str(lib.result_type(a, b)))
        return rows
    alike(table)


@needs_torch
@pytest.mark.parametrize("name", NAMES)
def test_facts_of_a_dtype(name):
    def facts(lib):
        d = getattr(lib, name)
        rows = [str(d), d.itemsize, d.is_floating_point, d.is_complex, d.is_signed]
        if d.is_floating_point:
            i = lib.finfo(d)
            rows += [i.bits, i.eps, i.max, i.min, i.tiny]
        elif not d.is_complex and name != "bool":
            i = lib.iinfo(d)
            rows += [i.bits, i.max, i.min]
        return rows
    alike(facts)


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [
    lambda t: [str(t.tensor(v).dtype) for v in (1, 1.5, True, 1j, [1, 2.5], [True, 2], [])],
    lambda t: [str(t.tensor(np.float32(1)).dtype), str(t.tensor(np.ones(2, np.int16)).dtype),
               str(t.tensor([np.float64(1)]).dtype)],
    lambda t: str(t.tensor([1, 2], dtype=t.float16)),
    lambda t: [str(t.device("cuda:1")), repr(t.device("cpu")), t.device("cpu") == t.device("cpu")],
    lambda t: (t.Size([2, 3]).numel(), repr(t.Size([2, 3]) + (4,)), t.Size([2, 3])[0]),
    lambda t: [t.ones(2, 3).stride(), t.ones(2, 3).t().stride(), t.ones(4)[1:].storage_offset()],
    lambda t: t.ones(3).expand(2, 3).stride(),
    lambda t: [t.tensor(3).item(), t.tensor([1.5]).item(), t.tensor([[1, 2]]).tolist()],
    lambda t: [float(t.tensor(2.5)), int(t.tensor(2.5)), [1, 2, 3][t.tensor(1)]],
    lambda t: [len(t.ones(2, 3)), 2 in t.tensor([1, 2]), [v.item() for v in t.tensor([1, 2])]],
    lambda t: t.tensor(np.array([1.0, 2.0])) + np.array([1.0, 2.0]),
    lambda t: np.add(t.ones(2), 1).dtype == t.float32,
    lambda t: [f"{t.tensor(1.23456):.2f}", str(t.tensor(7)), t.LongTensor([1, 2]).type()],
    lambda t: t.tensor([1.7, -1.7]).long(),
    lambda t: t.tensor([1 + 2j]).real,
    lambda t: t.arange(6).view(2, 3).to(t.float64).type_as(t.ones(1)),
    lambda t: t.tensor([300, -1]).to(t.uint8),
])
def test_table(case):
    alike(case)


def test_memory_is_shared_with_numpy():
    a = np.zeros((2, 3), np.float32)
    x = learntorch.from_numpy(a)
    x[0, 1] = 5
    a[1, 2] = 7
    assert a[0, 1] == 5 and x[1, 2].item() == 7
    assert x.numpy() is a or np.shares_memory(x.numpy(), a)
    assert np.asarray(x) is x.numpy()
    assert np.shares_memory(np.from_dlpack(x), a)
    assert learntorch.from_dlpack(a).data_ptr() == x.data_ptr()
    assert learntorch.tensor(a).data_ptr() != x.data_ptr()
    assert learntorch.as_tensor(a).data_ptr() == x.data_ptr()


def test_pickles_and_copies():
    x = learntorch.arange(6.0).view(2, 3).requires_grad_()
    y = pickle.loads(pickle.dumps(x))
    assert y.requires_grad and y.tolist() == x.tolist() and y.data_ptr() != x.data_ptr()
    assert (y @ x.t()).shape == (2, 2), "an unpickled tensor takes part like any other"
    base = learntorch.zeros(4)
    whole, part = copy.deepcopy([base, base[1:3]])
    part.fill_(1)
    assert whole.tolist() == [0, 1, 1, 0] and base.tolist() == [0, 0, 0, 0]
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(x * 2)
    half = pickle.loads(pickle.dumps(learntorch.ones(2, dtype=learntorch.bfloat16)))
    assert half.dtype is learntorch.bfloat16


def test_threads_have_their_own_mode():
    import threading
    seen = []
    with learntorch.no_grad():
        worker = threading.Thread(target=lambda: seen.append(learntorch.is_grad_enabled()))
        worker.start()
        worker.join()
    assert seen == [True]


def test_another_array_class_finds_its_dialect():
    """Bodies are bound to an array library when its arrays first arrive: one code path for all."""
    class Elsewhere(np.ndarray):
        pass
    x = learntorch.core.tensor.wrap(np.arange(3.0).view(Elsewhere)).requires_grad_()
    y = (learntorch.tanh(x) * x).softmax(0)
    assert type(y._data) is Elsewhere
    y[1].backward()
    assert x.grad.shape == (3,)


@needs_torch
@pytest.mark.parametrize("other", [None, "a", [1, 1], object(), (), 1, 1.0])
def test_equality_with_anything(other):
    """`==` and `!=` answer for what is no number, where `torch.eq` refuses."""
    alike(lambda torch: [torch.ones(2) == other, torch.ones(2) != other, other == torch.ones(2)])
    alike(lambda torch: torch.eq(torch.ones(2), other), wording=False)
