"""`.pt` files: written here and read by PyTorch, written by PyTorch and read here."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

import learntorch as torch
from learntorch import nn
from learntorch.core.dtypes import ALL
from tests import oracle
from tests.oracle import needs_torch

pytestmark = pytest.mark.filterwarnings("ignore:TypedStorage is deprecated",
                                        "ignore:ComplexHalf support is experimental")
KINDS = [d for d in ALL if d.name != "bool"] + [torch.bool]


def written(library, obj, **options):
    """A file in memory that one of the libraries wrote."""
    file = io.BytesIO()
    library.save(obj, file, **options)
    file.seek(0)
    return file


def through(obj, zipped=True, **options):
    """What comes back from a file."""
    return torch.load(written(torch, obj, _use_new_zipfile_serialization=zipped), **options)


def plain(value):
    """Any nest of containers with tensors of either library as NumPy arrays and plain values."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if "Storage" in type(value).__name__:
        return type(value).__name__, str(value.dtype), value.tolist()
    if hasattr(value, "detach"):
        t = value.detach()
        kind = str(t.dtype)
        if kind in ("torch.bfloat16", "torch.complex32"):       # which NumPy does not have
            t = t.float() if kind == "torch.bfloat16" else t.cfloat()
        return kind, tuple(t.shape), tuple(t.stride()), value.requires_grad, t.numpy().tolist()
    return str(value) if type(value).__module__ != "builtins" else value


def cases(t):
    """A table of things to save, made by either library `t`."""
    base = t.arange(12.0).reshape(3, 4)
    net = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.BatchNorm1d(3))
    with t.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(t.arange(float(p.numel())).view(p.shape) + i)
    opt = t.optim.Adam(net.parameters(), lr=0.1)
    net(t.ones(4, 2)).square().mean().backward()
    opt.step()
    tied = t.nn.Linear(2, 2)
    with t.no_grad():
        tied.weight.fill_(0.5)
        tied.bias.fill_(0.25)
    yield "tensor", base
    yield "a view with an offset", base[1:, 1::2]
    yield "transposed", base.t()
    yield "expanded", t.ones(1, 3).expand(4, 3)
    yield "no dimension", t.tensor(2.5)
    yield "no element", t.zeros(0, 3)
    yield "shared", {"all": base, "row": base[1], "again": base}
    yield "containers", {"a": [1, 2.5, None, True, "text", b"\x00\xff", (1, (2,))],
                         3: {"b": {1, 2}}, "o": OrderedDict(x=1), "big": 1 << 80, "z": 1 + 2j}
    yield "what describes tensors", [t.float32, t.bfloat16, t.Size([2, 3]), t.device("cpu")]
    yield "parameter", t.nn.Parameter(base.clone())
    yield "requires grad", t.ones(2, requires_grad=True)
    yield "state_dict", net.state_dict()
    yield "optimizer", opt.state_dict()
    yield "tied", OrderedDict(a=tied.weight, b=tied.weight)
    yield "storages", [base._typed_storage(), base, t.arange(3)._typed_storage()]
    yield "empty containers", [[], (), {}, set(), OrderedDict(), ""]
    deep = base
    for _ in range(50):
        deep = {"inner": [deep]}
    yield "fifty deep", deep
    scaler = t.amp.GradScaler("cpu", init_scale=8.0)
    schedule = t.optim.lr_scheduler.StepLR(opt, 2)
    yield "a whole run", {"net": net.state_dict(), "opt": opt.state_dict(), "epoch": 3,
                          "schedule": schedule.state_dict(), "scaler": scaler.state_dict(),
                          "rng": t.Generator().manual_seed(1).get_state(), "best": 0.5}
    for kind in KINDS:
        yield str(kind), t.tensor([0, 1, 3]).to(getattr(t, kind.name))


NAMES = [name for name, _ in cases(torch)]


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_saved_comes_back(name, zipped):
    value = dict(cases(torch))[name]
    for weights_only in (True, False):
        assert plain(through(value, zipped, weights_only=weights_only)) == plain(value)


@needs_torch
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_pytorch_reads_what_is_saved_here(name, zipped):
    file = io.BytesIO()
    if not zipped and name in ("torch.uint16", "torch.uint32", "torch.uint64", "torch.complex32"):
        return                      # nor does PyTorch read those of its own: they have no old name
    value = dict(cases(torch))[name]
    torch.save(value, file, _use_new_zipfile_serialization=zipped)
    for weights_only in (True, False):
        file.seek(0)
        assert plain(oracle.torch.load(file, weights_only=weights_only)) == plain(value)


@needs_torch
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_what_pytorch_saves_is_read_here(name, zipped):
    file = io.BytesIO()
    value = dict(cases(oracle.torch))[name]
    oracle.torch.save(value, file, _use_new_zipfile_serialization=zipped)
    for weights_only in (True, False):
        file.seek(0)
        assert plain(torch.load(file, weights_only=weights_only)) == plain(value)


@needs_torch
def test_no_bytes_at_all():
    """PyTorch's restricted machine does not read how Python's pickle says b""; ours writes it so
    that it does, and reads both."""
    assert oracle.torch.load(written(torch, [b""])) == [b""]
    assert torch.load(written(oracle.torch, [b""])) == [b""]


@needs_torch
@pytest.mark.parametrize("part", ["", ".imag"])
def test_conjugated_tensors_of_pytorch(part):
    file = io.BytesIO()
    oracle.torch.save(eval(f"torch.tensor([1 + 2j]).conj(){part}", {"torch": oracle.torch}), file)
    file.seek(0)
    assert torch.load(file).tolist() == ([-2.0] if part else [1 - 2j])


def test_memory_that_was_shared_is_shared_again():
    base = torch.arange(6.0).view(2, 3)
    found = through({"all": base, "row": base[1], "p": nn.Parameter(base)})
    found["all"][1, 0] = 99
    assert found["row"][0] == 99 and found["p"][1, 0] == 99
    assert found["all"].untyped_storage().data_ptr() == found["row"].untyped_storage().data_ptr()


def test_a_view_brings_its_whole_storage_a_clone_does_not():
    big = torch.zeros(1000)
    sizes = []
    for t in (big[:2], big[:2].clone()):
        file = io.BytesIO()
        torch.save(t, file)
        sizes.append(len(file.getvalue()))
    assert sizes[0] > 4000 > sizes[1]


def test_memory_seen_as_two_types_is_refused():
    t = torch.zeros(4)
    with pytest.raises(RuntimeError, match="Cannot save multiple tensors or storages that view"):
        torch.save([t, t.view(torch.int32)], io.BytesIO())


def test_attributes_of_a_tensor_come_along():
    t = torch.ones(2)
    t.label = "ones"
    assert through(t).label == "ones"


@needs_torch
def test_whole_modules_both_ways():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    x = torch.arange(16.0).view(1, 1, 4, 4)
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    theirs = oracle.torch.load(file, weights_only=False)
    assert repr(theirs) == repr(net)
    want = theirs(oracle.torch.from_numpy(x.numpy())).detach().numpy()
    np.testing.assert_allclose(net(x).detach().numpy(), want, rtol=1e-5)
    back = io.BytesIO()
    oracle.torch.save(theirs, back)
    back.seek(0)
    ours = torch.load(back, weights_only=False)
    assert type(ours) is nn.Sequential
    np.testing.assert_allclose(ours(x).detach().numpy(), want, rtol=1e-5)


def test_whole_modules_are_refused_unless_trusted():
    file = io.BytesIO()
    torch.save(nn.Linear(1, 1), file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="GLOBAL torch.nn.modules.linear.Linear"):
        torch.load(file)
    with torch.serialization.safe_globals([nn.Linear]):
        file.seek(0)
        assert isinstance(torch.load(file), nn.Linear)
    assert torch.serialization.get_safe_globals() == []


class Note:
    """A class of the user's."""

    def __init__(self, text):
        self.text = text


def test_classes_of_the_user_by_permission(tmp_path):
    path = tmp_path / "note.pt"
    torch.save({"note": Note("hello")}, path)
    name = f"{Note.__module__}.Note"
    with pytest.raises(pickle.UnpicklingError, match=f"GLOBAL {name} was not an allowed global"):
        torch.load(path)
    assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == [name]
    with torch.serialization.safe_globals([Note]):
        assert torch.load(path)["note"].text == "hello"
    assert torch.load(path, weights_only=False)["note"].text == "hello"


def test_paths_file_objects_and_mmap(tmp_path):
    path = tmp_path / "a.pt"
    t = torch.arange(1000.0)
    torch.save(t, str(path))
    found = torch.load(path, mmap=True)
    assert found.sum() == t.sum()
    found[0] = 5                    # on a private page: the file stays as it was
    assert torch.load(path)[0] == 0
    with open(path, "rb") as file:
        assert torch.equal(torch.load(file), t)
    with pytest.raises(ValueError, match="f must be a file path"):
        torch.load(io.BytesIO(), mmap=True)


def test_records_are_aligned_and_not_compressed(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"a": torch.ones(3), "b": torch.ones(5, dtype=torch.int8)}, path)
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        assert archive.testzip() is None
        assert "model/data.pkl" in archive.namelist()
        for info in archive.infolist():
            file.seek(info.header_offset + 26)
            lengths = np.frombuffer(file.read(4), "<u2")
            assert (info.header_offset + 30 + int(lengths.sum())) % 64 == 0
            assert info.compress_type == zipfile.ZIP_STORED


@pytest.mark.parametrize("n", [(1 << 31) + 100, (1 << 32) + 100])
def test_files_larger_than_two_and_four_gigabytes(tmp_path, n):
    """Zeros that nobody has written to take no room in memory, and none in a file with holes."""
    path = tmp_path / "large.pt"
    large = torch.zeros(n, dtype=torch.uint8)
    large[-1] = 7
    torch.serialization.set_crc32_options(False)
    try:
        with open(path, "wb") as file:
            torch.save([large, torch.arange(3)], Holes(file))
    finally:
        torch.serialization.set_crc32_options(True)
    assert os.path.getsize(path) > n > os.stat(path).st_blocks * 512
    for library in (torch, oracle.torch):
        if library is not None:
            found, behind = library.load(path, mmap=True)
            assert found.shape == (n,) and behind.tolist() == [0, 1, 2]
            assert [int(found[i]) for i in (-1, 0, n // 2)] == [7, 0, 0]


class Holes:
    """A file that skips over zeros instead of writing them."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        view = memoryview(data).cast("B")
        for i in range(0, len(view), 1 << 20):
            part = view[i:i + (1 << 20)]
            if len(part) == 1 << 20 and not np.frombuffer(part, np.uint64).any():
                self.file.seek(len(part), os.SEEK_CUR)
            else:
                self.file.write(part)
        return len(view)


@pytest.mark.parametrize("where", ["cpu", torch.device("cpu"), {"cuda:0": "cpu"},
                                   lambda storage, location: storage])
def test_map_location(where):
    file = io.BytesIO()
    torch.save(torch.ones(2), file)
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(other := io.BytesIO(), "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data.replace(b"\x03\x00\x00\x00cpu", b"\x06\x00\x00\x00cuda:0"))
    other.seek(0)
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        torch.load(other)
    other.seek(0)
    assert torch.load(other, map_location=where).tolist() == [1, 1]


def test_random_state_in_a_file():
    torch.manual_seed(3)
    state = through(torch.get_rng_state())
    first = torch.rand(3)
    torch.set_rng_state(state)
    assert torch.equal(torch.rand(3), first)


@pytest.mark.parametrize("call, kind, words", [
    (lambda p: torch.load(io.BytesIO(b"")), EOFError, "Ran out of input"),
    (lambda p: torch.load(io.BytesIO(b"hello, world")), RuntimeError, "Invalid magic number"),
    (lambda p: torch.load(p / "none.pt"), FileNotFoundError, "none.pt"),
    (lambda p: torch.save(1, p / "no" / "x.pt"), RuntimeError,
     "Parent directory .* does not exist"),
    (lambda p: torch.save(1, 5), AttributeError, "expected 'f' to be string, path"),
    (lambda p: torch.load(5), AttributeError, "'int' object has no attribute 'seek'"),
    (lambda p: torch.load(io.BytesIO(pickle.dumps(1))), RuntimeError, "Invalid magic number"),
    (lambda p: torch.load(io.BytesIO(), weights_only=True, pickle_module=pickle), RuntimeError,
     "Can not safely load weights when explicit pickle_module"),
    (lambda p: torch.save(lambda: 1, p / "f.pt"), Exception, "lambda"),
])
def test_mistakes(tmp_path, call, kind, words):
    with pytest.raises(kind, match=words):
        call(tmp_path)
    assert list(tmp_path.iterdir()) == []           # and nothing half-written is left


def test_storages():
    t = torch.arange(6, dtype=torch.int16).view(2, 3)
    s = t[1].untyped_storage()
    assert s.nbytes() == 12 and s.data_ptr() == t.data_ptr()
    typed = t.t()._typed_storage()
    assert typed.tolist() == [0, 1, 2, 3, 4, 5] and typed.dtype is torch.int16
    typed[0] = 9
    assert t[0, 0] == 9
    assert torch.UntypedStorage(3).tolist() == [0, 0, 0]
    assert s[-12] == s[0] and s[:2].tolist() == s.tolist()[:2]
    with pytest.raises(IndexError, match="index 12 out of range for storage of size 12"):
        s[12] = 1
    with pytest.raises(TypeError, match="can't index a torch.UntypedStorage with str"):
        s["a"]
    with pytest.raises(RuntimeError, match="slices are only supported in UntypedStorage"):
        typed[:2]
    with pytest.raises(RuntimeError, match="Trying to resize storage that is not resizable"):
        s.resize_(24)
    assert s.resize_(12) is s


def test_tensors_on_storages():
    t = torch.arange(6, dtype=torch.int16)
    looks = torch.empty(0, dtype=torch.int16).set_(t.untyped_storage())
    looks[0] = 9
    assert t[0] == 9 and looks.tolist() == t.tolist()
    assert looks.set_(t._typed_storage(), 1, (2, 2), (2, 1)).tolist() == [[1, 2], [3, 4]]
    assert looks.set_().tolist() == []
    with pytest.raises(RuntimeError, match="Expected a Storage of type float or an UntypedStorage, "
                                           "but got type Short"):
        torch.empty(0).set_(t._typed_storage())
    with pytest.raises(RuntimeError, match="Could not set tensor of type short int to a tens"):
        torch.empty(0).set_(t)
    with pytest.raises(TypeError, match=r"set_\(\) received an invalid combination"):
        looks.set_(3)
