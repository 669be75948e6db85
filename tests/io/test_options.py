"""How files are written and read: mapped, without numbers, of another machine, into what can
only be written, and which names they may use."""

import gzip
import io
import mmap
import os
import pickle
import tarfile
import zipfile

import numpy as np
import pytest

import learntorch as torch
from learntorch import serialization
from learntorch.utils.serialization import config
from tests import oracle
from tests.oracle import needs_torch

VALUE = {"w": torch.arange(6.0).view(2, 3), "n": torch.arange(3), "b": torch.ones(2).bfloat16()}


def written(obj, library=torch, **options):
    file = io.BytesIO()
    library.save(obj, file, **options)
    return file.getvalue()


def same(found):
    return all(torch.equal(found[k], v) and found[k].dtype is v.dtype for k, v in VALUE.items())


class OnlyWrites:
    """A pipe: it can be written to and nothing else."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += bytes(data)
        return len(data)


class OnlyReads:
    """A file as a user writes one: read, seek, tell."""

    def __init__(self, data):
        self.file = io.BytesIO(data)
        self.read, self.seek, self.tell = self.file.read, self.file.seek, self.file.tell


class InPieces(io.BytesIO):
    """A file that gives less than it is asked for, as sockets do."""

    def readinto(self, view):
        return super().readinto(memoryview(view)[:7])


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("kind", [io.BytesIO, OnlyReads, InPieces])
def test_what_can_be_read_from(kind, zipped):
    data = written(VALUE, _use_new_zipfile_serialization=zipped)
    if kind is not io.BytesIO and not zipped:
        return                      # Python's pickle wants `readline`, and all that it asks for
    assert same(torch.load(kind(data)))


@pytest.mark.parametrize("zipped", [True, False])
def test_what_can_be_written_to(zipped, tmp_path):
    pipe = OnlyWrites()
    torch.save(VALUE, pipe, _use_new_zipfile_serialization=zipped)
    assert same(torch.load(io.BytesIO(pipe.data)))
    if oracle.torch is not None:
        theirs = oracle.torch.load(io.BytesIO(pipe.data))
        assert theirs["w"].tolist() == VALUE["w"].tolist()
    with gzip.open(tmp_path / "w.gz", "wb") as file:
        torch.save(VALUE, file, _use_new_zipfile_serialization=zipped)
    with gzip.open(tmp_path / "w.gz") as file:
        assert same(torch.load(io.BytesIO(file.read())))


def test_a_file_within_a_file():
    """torch.load begins where the file stands."""
    for zipped in (True, False):
        data = written(VALUE, _use_new_zipfile_serialization=zipped)
        file = io.BytesIO(b"a header of the user's" + data)
        file.seek(22)
        assert same(torch.load(file))


def test_two_objects_after_each_other_in_the_old_format():
    file = io.BytesIO()
    for n in range(3):
        torch.save({"n": n, "w": torch.full((3,), n)}, file, _use_new_zipfile_serialization=False)
    file.seek(0)
    for n in range(3):
        found = torch.load(file)
        assert found["n"] == n and found["w"].tolist() == [n] * 3


def test_mapped_memory_private_and_shared(tmp_path):
    path = tmp_path / "w.pt"
    torch.save(VALUE, path)
    torch.load(path, mmap=True)["w"][0, 0] = 9
    assert torch.load(path)["w"][0, 0] == 0
    with serialization.set_default_mmap_options(mmap.MAP_SHARED):
        assert serialization.get_default_mmap_options() == mmap.MAP_SHARED
        torch.load(path, mmap=True)["n"].fill_(0)       # as the numbers' checksum is, then: none
    assert serialization.get_default_mmap_options() == mmap.MAP_PRIVATE
    assert torch.load(path, mmap=True)["n"].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, but got x"):
        serialization.set_default_mmap_options("x")


def test_mapping_by_default(tmp_path):
    path = tmp_path / "w.pt"
    torch.save(VALUE, path)
    config.load.mmap = True
    try:
        found = torch.load(path)
    finally:
        config.load.mmap = False
    assert same(found) and isinstance(memory_of(found["w"]), np.memmap)
    assert not isinstance(memory_of(torch.load(path)["w"]), np.memmap)


def memory_of(t):
    array = t._data
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def turned(data, byteorder):
    """An archive with the numbers of another machine, and what it says of them."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("data/0"):
                content = np.frombuffer(content, "<f4").byteswap().tobytes()
            if not name.endswith("byteorder"):
                new.writestr(name, content)
        if byteorder:
            new.writestr("archive/byteorder", byteorder)
    return out.getvalue()


def test_numbers_of_another_machine():
    data = written(VALUE["w"])
    assert torch.equal(torch.load(io.BytesIO(turned(data, "big"))), VALUE["w"])
    assert not torch.equal(torch.load(io.BytesIO(turned(data, ""))), VALUE["w"])
    serialization.set_default_load_endianness(serialization.LoadEndianness.BIG)
    try:
        assert torch.equal(torch.load(io.BytesIO(turned(data, ""))), VALUE["w"])
        assert torch.equal(torch.load(io.BytesIO(data)), VALUE["w"])    # it says what it is
    finally:
        serialization.set_default_load_endianness(None)
    with pytest.raises(TypeError, match="Invalid argument type in function set_default_load_end"):
        serialization.set_default_load_endianness("big")
    with pytest.raises(ValueError, match="Unknown endianness type: middle"):
        torch.load(io.BytesIO(turned(data, "middle")))


def test_room_without_numbers():
    with serialization.skip_data():
        data = written(VALUE)
    assert len(data) == len(written(VALUE))
    found = torch.load(io.BytesIO(data))
    assert {k: v.shape for k, v in found.items()} == {k: v.shape for k, v in VALUE.items()}
    assert not found["w"].any()
    with serialization.skip_data():
        assert not torch.load(io.BytesIO(written(VALUE)))["w"].any()
    assert same(torch.load(io.BytesIO(written(VALUE))))


@needs_torch
def test_files_of_pytorch_without_numbers_or_checksums():
    theirs = oracle.torch.serialization
    with theirs.skip_data():
        data = written({"w": oracle.torch.ones(3)}, oracle.torch)
    assert torch.load(io.BytesIO(data))["w"].tolist() == [0, 0, 0]
    theirs.set_crc32_options(False)
    try:
        data = written({"w": oracle.torch.ones(3)}, oracle.torch)
    finally:
        theirs.set_crc32_options(True)
    assert torch.load(io.BytesIO(data))["w"].tolist() == [1, 1, 1]


def test_checksums_can_be_left_out():
    serialization.set_crc32_options(False)
    try:
        assert serialization.get_crc32_options() is False
        data = written(VALUE)
    finally:
        serialization.set_crc32_options(True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {info.CRC for info in archive.infolist()} == {0}
    assert same(torch.load(io.BytesIO(data)))
    if oracle.torch is not None:
        assert oracle.torch.load(io.BytesIO(data))["n"].tolist() == [0, 1, 2]


def edited(data, old, new):
    """An archive with other words in its pickle."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(old, new) if "data.pkl" in name else content)
    return io.BytesIO(out.getvalue())


def test_a_place_of_the_users_own():
    def file():
        return edited(written(VALUE["w"]), b"\x03\x00\x00\x00cpu", b"\x03\x00\x00\x00far")

    with pytest.raises(RuntimeError, match="don't know how to restore data location .*far"):
        torch.load(file())
    from learntorch.io import places
    serialization.register_package(5, lambda storage: "far" if storage.nbytes() == 24 else None,
                                   lambda storage, where: storage if where == "far" else None)
    try:
        assert torch.equal(torch.load(file()), VALUE["w"])
        assert b"\x03\x00\x00\x00far" in written(VALUE["w"])
        assert b"\x03\x00\x00\x00cpu" in written(torch.ones(1))
    finally:
        places._kinds.clear()
    assert serialization.location_tag(VALUE["w"].untyped_storage()) == "cpu"


def test_programs_and_very_old_files_are_told():
    script = io.BytesIO()
    with zipfile.ZipFile(script, "w") as archive:
        for name, content in (("data.pkl", pickle.dumps(1, 2)), ("constants.pkl", b""),
                              ("byteorder", b"little")):
            archive.writestr(f"archive/{name}", content)
    script.seek(0)
    with pytest.raises(RuntimeError, match="Cannot use ``weights_only=True`` with TorchScript"):
        torch.load(script)
    old = io.BytesIO()
    with tarfile.open(fileobj=old, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("sys_info"))
    old.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="legacy .tar format"):
        torch.load(old)


def test_numbers_that_only_pytorch_has():
    file = edited(written(VALUE["w"]), b"FloatStorage", b"QInt8Storage")
    with pytest.raises(pickle.UnpicklingError, match="QInt8Storage is a kind of numbers or of "):
        torch.load(file)


def test_names_in_a_file(tmp_path):
    path = tmp_path / "net.pt"
    torch.save({"net": torch.nn.Linear(1, 1), "counted": np.float64(1)}, path)
    names = serialization.get_unsafe_globals_in_checkpoint(path)
    assert names[0] == "torch.nn.modules.linear.Linear"
    assert any(name.startswith("numpy") for name in names)
    with open(path, "rb") as file:
        assert serialization.get_unsafe_globals_in_checkpoint(file) == names
    torch.save(1, path, _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match="Expected input to be a checkpoint returned by torch.sav"):
        serialization.get_unsafe_globals_in_checkpoint(path)
    if oracle.torch is not None:
        theirs = oracle.torch.serialization.get_unsafe_globals_in_checkpoint
        torch.save({"net": torch.nn.Linear(1, 1), "counted": np.float64(1)}, path)
        assert set(theirs(path)) == set(names)


@needs_torch
def test_a_class_is_allowed_by_the_same_word_in_both():
    data = written(torch.nn.Sequential(torch.nn.MaxUnpool1d(2), torch.nn.Linear(1, 1)))
    theirs = oracle.torch
    allowed = [theirs.nn.Sequential, theirs.nn.MaxUnpool1d, theirs.nn.Linear, set]
    with theirs.serialization.safe_globals(allowed):
        assert len(theirs.load(io.BytesIO(data))) == 2
    with serialization.safe_globals([torch.nn.Sequential, torch.nn.MaxUnpool1d, torch.nn.Linear]):
        assert len(torch.load(io.BytesIO(data))) == 2
    with pytest.raises(pickle.UnpicklingError, match="add_safe_globals"):
        torch.load(io.BytesIO(data))


def test_alignment_can_be_chosen(tmp_path):
    config.save.storage_alignment = 4096
    try:
        torch.save(VALUE, tmp_path / "w.pt")
    finally:
        config.save.storage_alignment = 64
    with zipfile.ZipFile(tmp_path / "w.pt") as archive, open(tmp_path / "w.pt", "rb") as file:
        info = archive.getinfo("w/data/1")
        file.seek(info.header_offset + 26)
        lengths = np.frombuffer(file.read(4), "<u2")
        assert (info.header_offset + 30 + int(lengths.sum())) % 4096 == 0
    assert same(torch.load(tmp_path / "w.pt")) and os.path.getsize(tmp_path / "w.pt") > 4096
