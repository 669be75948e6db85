"""Damaged and hostile files: always a clear error, no code runs, no memory is filled."""

import io
import os
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import learntorch as torch
from tests.io.hostile import (
    ARCHIVES,
    DATA,
    HARMLESS,
    NAMES,
    OLD,
    PICKLED,
    REFUSED,
    WHOLE,
    archive,
    changed,
    rebuilt,
    renamed,
    tensor,
    text,
    zipped,
)

ROOT = Path(__file__).resolve().parents[2]
# What a reader may be told; anything else is a crash.
CLEAR = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError)
TOLD = (pickle.UnpicklingError, RuntimeError)


def attempt(data, most=20e6):
    """Load, with a limit on memory; the value, or the error, which must be a clear one."""
    tracemalloc.start()
    try:
        value = torch.load(io.BytesIO(data))
    except CLEAR as error:
        value = error
        assert str(error)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most, f"{peak / 1e6:.0f} MB for a file of {len(data)} bytes"
    return value


class Runs:
    """What Python's own pickle would run."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("function, arguments", [
    (os.system, ("touch {path}",)), (eval, ("open({path!r}, 'w')",)),
    (exec, ("open({path!r}, 'w')",)), (getattr, ("", "join")), (open, ("{path}", "w"))])
def test_no_code_runs(tmp_path, protocol, function, arguments):
    path = str(tmp_path / "ran")
    arguments = tuple(a.replace("{path}", path).replace("{path!r}", repr(path)) for a in arguments)
    for data in (archive(pickle.dumps(Runs(function, *arguments), protocol)),
                 pickle.dumps(Runs(function, *arguments), protocol)):
        assert isinstance(attempt(data), CLEAR)
    assert not os.path.exists(path)


def test_the_honest_files_among_them_load():
    """So that what is refused is not refused for another reason."""
    assert torch.equal(attempt(archive(tensor(), **{"data/0": DATA})),
                       torch.arange(6.0).view(2, 3))
    for data in (WHOLE, OLD, zipped(lambda entries: entries)):
        assert attempt(data)["n"] == [1, "two", (3.0, None)]
    assert attempt(archive(b"\x80\x02" + rebuilt(more=b"}" + text(b"neg") + b"\x88s") + b".",
                           **{"data/0": DATA})).tolist() == [[0, -1, -2], [-3, -4, -5]]


# ---- the corpus ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in REFUSED if "000 deep" not in n])
def test_hostile_pickles(name):
    before = torch.Tensor.add
    found = attempt(archive(REFUSED[name], **{"data/0": DATA}))
    assert isinstance(found, TOLD), found
    assert torch.Tensor.add is before


@pytest.mark.parametrize("name", [n for n in HARMLESS if "000 deep" not in n])
def test_strange_pickles_that_do_no_harm(name):
    pickled, wanted = HARMLESS[name]
    found = attempt(archive(pickled, **{"data/0": DATA}))
    if wanted is not None:
        assert torch.equal(found, wanted) if hasattr(wanted, "shape") else found == wanted
    assert not isinstance(found, CLEAR)


@pytest.mark.parametrize("name", [n for n in REFUSED if n.startswith(("a text", "a number"))])
def test_hostile_pickles_in_real_files(name, tmp_path):
    """A file in memory gives what it has; one on the disk makes room for what it is asked for."""
    path = tmp_path / "w.pt"
    path.write_bytes(REFUSED[name])
    tracemalloc.start()
    with pytest.raises(CLEAR):
        torch.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


@pytest.mark.parametrize("name", ARCHIVES)
def test_hostile_archives(name):
    found = attempt(ARCHIVES[name])
    assert isinstance(found, CLEAR), found


@pytest.mark.parametrize("name", NAMES)
def test_names_that_lead_elsewhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = attempt(zipped(renamed(name)))
    assert isinstance(found, RuntimeError) or found["n"] == [1, "two", (3.0, None)]
    assert not list(tmp_path.parent.rglob("*outside*"))


CHILD = """
import gc
import io
import resource
import sys
sys.path.insert(0, {root!r})
import learntorch as torch
from tests.io import hostile
from tests.io.test_hostile import CLEAR

now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (300 << 20),) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (100, 100))
files = {{**hostile.ARCHIVES, "whole": hostile.WHOLE}}
for name, pickled in hostile.REFUSED.items():
    files[name] = hostile.archive(pickled, **{{"data/0": hostile.DATA}})
for name, (pickled, _) in hostile.HARMLESS.items():
    files[name] = hostile.archive(pickled, **{{"data/0": hostile.DATA}})
for name, data in files.items():
    print(name, end=": ", flush=True)
    try:
        value = torch.load(io.BytesIO(data))
    except CLEAR as error:
        value = error
    print(type(value).__name__, flush=True)
    del value
    gc.collect()
print("all")
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="limits are set as Linux does")
def test_the_corpus_in_a_process_of_little_memory(tmp_path):
    """300 MB more than Python takes by itself, and what would end the process ends only that one:
    a chain of 200,000 tuples as a key is a crash of the interpreter's own."""
    done = subprocess.run([sys.executable, "-X", "faulthandler", "-c",
                           CHILD.format(root=str(ROOT))], cwd=tmp_path, capture_output=True,
                          text=True, timeout=200)
    said = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines()[:-1])
    assert done.stdout.endswith("all\n"), done.stdout[-200:] + done.stderr[-800:]
    told = {kind.__name__ for kind in CLEAR} | {"StorageError"}
    for name, kind in said.items():
        assert (kind in told) == (name not in HARMLESS and name != "whole"), (name, kind)
    assert not list(tmp_path.iterdir())


def test_a_record_that_is_missing_or_short():
    for records, words in (({}, "locating file data/0"), ({"data/0": DATA[:-1]}, "23 bytes where"),
                           ({"data/0": b""}, "0 bytes where")):
        found = attempt(archive(tensor(), **records))
        assert isinstance(found, RuntimeError) and words in str(found)
    assert "compressed" in str(attempt(ARCHIVES["a compressed bomb"]))
    assert "overlap" in str(attempt(ARCHIVES["a thousand records on the same bytes"]))


def test_a_changed_byte_is_noticed():
    place = WHOLE.index(DATA)
    found = attempt(WHOLE[:place] + b"\x01" + WHOLE[place + 1:])
    assert isinstance(found, RuntimeError) and "CRC" in str(found)


@pytest.mark.parametrize("data", [WHOLE, OLD], ids=["zip", "old"])
def test_a_file_cut_short(data):
    for kept in range(0, len(data) - 1, 13):
        assert isinstance(attempt(data[:kept]), CLEAR), kept


def test_a_damaged_file_that_is_mapped(tmp_path):
    path = tmp_path / "w.pt"
    for data in ARCHIVES.values():
        path.write_bytes(data)
        with pytest.raises(CLEAR):
            torch.load(path, mmap=True)


# ---- and what nobody thought of ---------------------------------------------------------------

FUZZ = settings(max_examples=100, deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck))
CHANGES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8)
NUMBERS = st.sampled_from([0, 1, 2, 63, 64, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1])


@FUZZ
@given(st.sampled_from([WHOLE, OLD]), CHANGES)
def test_fuzzed_files(data, changes):
    attempt(changed(data, changes))


@FUZZ
@given(CHANGES)
def test_fuzzed_pickles(changes):
    """The checksums are right: the restricted machine itself is what is tried."""
    attempt(archive(changed(PICKLED, changes), **{"data/0": DATA}))


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([6, 8, 10, 16, 20, 24, 28, 30, 42]),
                          NUMBERS), min_size=1, max_size=4))
def test_fuzzed_directories(changes):
    """Each number of the archive's directory, changed to those that programs stumble over."""
    def edit(entries):
        for which, place, n in changes:
            entry = entries[which % len(entries)]
            width = 2 if place < 16 or 28 <= place < 42 else 4
            entry[place:place + width] = (n & (1 << 8 * width) - 1).to_bytes(width, "little")
        return entries
    attempt(zipped(edit))


@FUZZ
@given(st.binary(max_size=200))
@example(b"\x80\x02]r\xff\xff\xff\x7f.")
def test_any_bytes(data):
    attempt(data)
    attempt(archive(b"\x80\x02" + data))
    attempt(OLD[:OLD.index(b"\x80\x02}")] + data)


# the instructions a pickle is made of, whole, so that long programs of them get far
WORDS = [b"(", b")", b"]", b"}", b"N", b"\x88", b"K\x01", b"K\x02", b"J\xff\xff\xff\x7f",
         b"J\xff\xff\xff\xff", b"\x8a\x01\x05", b"G?\xf0\0\0\0\0\0\0", text(b"a"), text(b"0"),
         text(b"cpu"), text(b"storage"), text(b"latin1"), b"\x85", b"\x86", b"\x87", b"t", b"l",
         b"d", b"a", b"e", b"s", b"u", b"0", b"1", b"2", b"R", b"b", b"\x81", b"\x8f", b"\x90",
         b"\x91", b"\x93", b"\x94", b"q\0", b"h\0", b"q\1", b"h\1", b"Q", b".",
         *[b"c" + name.encode() + b"\n" for name in (
             "torch\nFloatStorage", "torch\nTensor", "torch\nSize", "torch\nfloat32",
             "torch\ndevice", "torch._utils\n_rebuild_tensor_v2", "torch._utils\n_rebuild_tensor",
             "torch._utils\n_rebuild_tensor_v3", "torch._utils\n_rebuild_parameter",
             "torch._utils\n_rebuild_parameter_with_state", "torch.nn.parameter\nParameter",
             "torch._tensor\n_rebuild_from_type_v2", "torch.storage\nUntypedStorage",
             "torch.serialization\n_get_layout", "collections\nOrderedDict", "collections\nCounter",
             "builtins\nset", "builtins\ncomplex", "builtins\nbytearray", "builtins\nbytes",
             "_codecs\nencode")],
         rebuilt(), b"(ctorch._utils\n_rebuild_tensor_v2\n(" + rebuilt() + b"K\0)t"]


@settings(FUZZ, max_examples=250)
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40))
def test_programs_of_any_instructions(words):
    attempt(archive(b"\x80\x02" + b"".join(words) + b".", **{"data/0": DATA}))
