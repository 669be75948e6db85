"""The inside of a file, looked at: right for whole files, all that is there for broken ones, and
nothing is run whatever the file says."""

import io
import os
import pickle
import tracemalloc
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

import learntorch as torch
from learntorch.io.contents import Contents, Look, Unrun, salvaged
from learntorch.io.restricted import MARK
from tests.io.hostile import (
    ARCHIVES,
    DATA,
    HARMLESS,
    NAMES,
    REFUSED,
    archive,
    renamed,
    saved,
    tensor,
    zipped,
)
from tests.oracle import needs_torch


def inside(data):
    return Contents(io.BytesIO(data))


def model():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    return {"net": net.state_dict(), "epoch": 3, "words": ["a", None, (2.5, True)]}


def looks(value):
    """The tensors in what a file describes, a hundred at most."""
    found, todo = [], [value]
    for _ in range(1000):
        if todo:
            value = todo.pop()
            if isinstance(value, Look):
                found.append(value)
            elif isinstance(value, dict):
                todo += list(value.values())[100::-1]
            elif isinstance(value, list | tuple):
                todo += value[100::-1]
    return found


def described_as_saved(found, value):
    """Is a description what was saved?"""
    if isinstance(value, torch.Tensor):
        return (found.shape == tuple(value.shape) and found.stride == value.stride()
                and found.dtype == value.dtype.name and found.offset == value.storage_offset()
                and found.requires_grad == value.requires_grad)
    if isinstance(value, dict):
        return list(found) == list(value) and all(
            described_as_saved(found[k], value[k]) for k in value)
    if isinstance(value, list | tuple):
        return type(found) is type(value) and all(map(described_as_saved, found, value))
    return type(found) is type(value) and found == value


class Runs:
    """What Python's own pickle would run."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_a_whole_file_and_its_numbers():
    value = model()
    value["view"] = torch.arange(40.0).view(5, 8)[1:, ::2].t()
    found = inside(saved(value))
    assert found.kind == "archive" and not found.broken and not found.refused
    assert described_as_saved(found.value, value)
    flat = found.numbers(found.value["view"])
    assert flat.tolist() == value["view"].reshape(-1).tolist()
    for name, t in value["net"].items():
        assert np.array_equal(found.numbers(found.value["net"][name]), t.reshape(-1).numpy())
    assert [r.name for r in found.records][0] == "data.pkl" and all(r.whole for r in found.records)
    assert not any(found.changed(r) for r in found.records)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "int8", "bool", "complex64",
                                   "uint16"])
def test_every_kind_of_numbers(dtype):
    t = torch.tensor([0, 1, 1, 0, 1]).to(getattr(torch, dtype))
    found = inside(saved([t, t[1:3]]))
    assert found.value[0].dtype == dtype and len(found.storages) == 1
    assert found.numbers(found.value[1]).astype(np.complex64).tolist() == [1, 1]


def test_shared_storages_parameters_and_attributes():
    t = torch.nn.Parameter(torch.ones(3))
    marked = torch.zeros(2)
    marked.why = "because"
    found = inside(saved({"p": t, "same": t, "part": t.detach()[1:], "marked": marked}))
    assert found.value["p"] is found.value["same"] and found.value["p"].kind == "Parameter"
    assert found.value["part"].storage is found.value["p"].storage
    assert found.value["marked"].attributes == {"why": "because"}
    assert found.value["p"].requires_grad and not found.value["part"].requires_grad


def test_a_whole_module_is_noted_and_refused():
    found = inside(saved(torch.nn.Sequential(torch.nn.Linear(2, 1))))
    assert [name.rpartition(".")[2] for name in found.refused] == ["Sequential", "Linear"]
    inner = found.value.state["_modules"]["0"]
    assert isinstance(inner, Unrun) and inner.name == found.refused[1]
    assert found.numbers(inner.state["_parameters"]["weight"]).size == 2


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_nothing_is_run(tmp_path, protocol):
    path = str(tmp_path / "ran")
    evil = {"a": Runs(os.system, f"touch {path}"), "b": Runs(eval, f"open({path!r}, 'w')"),
            "c": Runs(Runs, Runs(getattr, "", "join")), "d": 5}
    for data in (archive(pickle.dumps(evil, protocol)), pickle.dumps(evil, protocol)):
        found = inside(data)
        assert {f"{os.system.__module__}.system", "builtins.eval"} <= set(found.refused)
        assert found.value["a"].arguments == (f"touch {path}",) and found.value["d"] == 5
        assert found.value["c"].arguments[0].arguments == ("", "join")
        assert {i[1] for i in found.instructions()} >= {"STOP"}
    assert not os.path.exists(path)


def test_notes_of_calls_can_be_called_and_filled():
    class Odd(dict):
        pass

    class Row(list):
        pass

    for module in (Odd, Row):
        module.__module__, module.__qualname__ = "odd", module.__name__
    import sys
    sys.modules["odd"] = type(sys)("odd")
    sys.modules["odd"].Odd, sys.modules["odd"].Row = Odd, Row
    try:
        found = inside(pickle.dumps([Odd(a=1, b=2), Row([3, 4])], 2))
    finally:
        del sys.modules["odd"]
    assert found.value[0].pairs == {"a": 1, "b": 2} and found.value[1].items == [3, 4]
    twice = b"\x80\x02cos\nsystem\n)R(X\x01\x00\x00\x00atR."
    found = inside(twice)
    assert found.refused == ["os.system"] and found.value.arguments[1] == "a"


def measured(data):
    """The inside of a file and the numbers of its tensors, with a limit on memory."""
    tracemalloc.start()
    found = inside(data)
    for look in looks(found.value):
        numbers = found.numbers(look, most=1000)
        assert numbers is None or numbers.size <= 1000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * len(data) + 20e6, f"{peak / 1e6:.0f} MB for a file of {len(data)} bytes"
    return found


def loads(data):
    try:
        torch.load(io.BytesIO(data))
    except Exception:
        return False
    return True


SHALLOW = [n for n in REFUSED if "000 deep" not in n]


@pytest.mark.parametrize("name", SHALLOW)
def test_what_is_refused_does_no_harm_here(name):
    before = torch.Tensor.add
    for data in (archive(REFUSED[name], **{"data/0": DATA}), REFUSED[name]):
        found = measured(data)
        found.instructions(50)
    assert torch.Tensor.add is before


@pytest.mark.parametrize("name", [n for n in HARMLESS if "000 deep" not in n])
def test_what_is_harmless_is_seen(name):
    data = archive(HARMLESS[name][0], **{"data/0": DATA})
    found = measured(data)
    assert loads(data) and not found.broken and not found.refused


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_that_cannot_be_loaded_say_why(name):
    found = measured(ARCHIVES[name])
    assert not loads(ARCHIVES[name]) and (found.broken or found.refused)


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_of_records(name):
    found = measured(zipped(renamed(name)))
    assert not found.broken and found.numbers(found.value["w"]).size == 6


def test_a_tensor_of_very_many_elements_is_not_made():
    for size in (b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f", b"K\x01K\x06"):
        found = measured(archive(tensor(size=size + b"\x86", stride=b"K\x00K\x00\x86"),
                                 **{"data/0": DATA}))
        assert not found.value.problem and found.numbers(found.value, most=100).size in (6, 100)


def test_a_file_cut_anywhere_tells_what_is_left():
    value = model()
    data = saved(value)
    whole = inside(data)
    seen = set()
    for end in range(0, len(data), 13):
        found = inside(data[:end])
        assert found.broken
        names = list(found.value) if isinstance(found.value, dict) else []
        assert names == list(value)[:len(names)]
        for mine, right in zip(looks(found.value), looks(whole.value), strict=False):
            assert mine.shape == right.shape
            have = found.numbers(mine)
            if have is not None:
                assert np.array_equal(have, whole.numbers(right)[:have.size])
                seen.add(have.size == right.numel)
    assert seen == {True, False}


def test_a_changed_byte_is_noticed():
    data = bytearray(saved([torch.arange(4)]))
    found = inside(data)
    record = found.record("data/0")
    data[record.begins] ^= 1
    after = inside(bytes(data))
    assert after.changed(after.record("data/0")) and not after.broken
    data[after.record("data.pkl").begins + 3] ^= 1
    assert "checksum" in inside(bytes(data)).broken


def test_what_is_no_file_of_ours():
    assert inside(b"").kind == "unknown"
    found = inside(b"just some text, nothing else\n" * 3)
    assert found.kind == "unknown" and "neither" in found.broken
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("readme.txt", "hello")
    found = inside(file.getvalue())
    assert "locating file data.pkl" in found.broken
    assert found.value is None and len(found.records) == 1


def test_salvage_fills_what_was_ready():
    stack = [{}, MARK, "a", 1, "b", OrderedDict(), MARK, "x", 2, "half"]
    assert salvaged(stack) == {"a": 1, "b": OrderedDict(x=2)}
    assert salvaged([[], MARK, 1, 2]) == [1, 2] and salvaged([]) is None


def test_a_path_is_opened_when_needed(tmp_path):
    file = tmp_path / "a.pt"
    torch.save({"t": torch.ones(3)}, file)
    found = Contents(file)
    assert found.numbers(found.value["t"]).tolist() == [1.0, 1.0, 1.0]
    os.unlink(file)
    with pytest.raises(FileNotFoundError):
        found.numbers(found.value["t"])


@needs_torch
@pytest.mark.parametrize("new", [True, False])
def test_files_of_pytorch_whole_and_cut(new):
    import torch as real
    real.manual_seed(0)
    value = {"w": real.randn(50, 3), "n": [1, "two"]}
    value["row"] = value["w"][3]
    file = io.BytesIO()
    real.save(value, file, _use_new_zipfile_serialization=new)
    data = file.getvalue()
    found = inside(data)
    assert found.kind == ("archive" if new else "legacy") and not found.broken
    assert np.array_equal(found.numbers(found.value["w"]), value["w"].numpy().reshape(-1))
    assert np.array_equal(found.numbers(found.value["row"]), value["row"].numpy())
    whole = found.numbers(found.value["w"])
    partial = set()
    for end in range(1, len(data), 37):
        found = inside(data[:end])
        assert found.broken
        if isinstance(found.value, dict) and "w" in found.value:
            have = found.numbers(found.value["w"])
            if have is not None:
                assert np.array_equal(have, whole[:have.size])
                partial.add(0 < have.size < 150)
    assert partial == {True, False}
