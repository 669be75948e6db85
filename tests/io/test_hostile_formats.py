"""Damaged and hostile files of the other formats: safetensors, idx, CIFAR's pickles."""

import gzip
import io
import lzma
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import learntorch as torch
from learntorch.vision.datasets import idx, pickled
from tests.io.hostile import DEEP, HARMLESS, MANY, REFUSED, calls, changed, nest, text

FUZZ = settings(max_examples=60, deadline=None, derandomize=True, database=None,
                suppress_health_check=list(HealthCheck))
CHANGES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8)


def bounded(read, *clear, most=20e6):
    """What `read()` gives, or the clear error it raises; in either case in little memory."""
    tracemalloc.start()
    try:
        found = read()
    except clear as error:
        assert str(error)
        found = error
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most, f"{peak / 1e6:.0f} MB"
    return found


# ---- idx ---------------------------------------------------------------------------------------


def idx_file(shape, content, kind=8):
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


IDX = idx_file((2, 3, 4), bytes(range(24)))
PACKED = [lambda data: data, gzip.compress, lzma.compress]


@FUZZ
@given(st.sampled_from(PACKED), CHANGES)
def test_fuzzed_idx(tmp_path_factory, pack, changes):
    path = tmp_path_factory.getbasetemp() / "fuzzed-idx3-ubyte"
    for data in (changed(pack(IDX), changes), pack(changed(IDX, changes))):
        path.write_bytes(data)
        bounded(lambda: idx.read(path), ValueError)


@pytest.mark.parametrize("pack", PACKED[1:])
def test_a_few_bytes_that_unpack_to_very_many(tmp_path, pack):
    path = tmp_path / "images-idx3-ubyte.gz"
    path.write_bytes(pack(idx_file((75, 1000, 1000), bytes(75 * 10**6))))
    found = bounded(lambda: idx.read(path), ValueError, most=100e6)
    assert "made to fill the memory" in str(found)
    path.write_bytes(pack(idx_file((2**32 - 1,) * 8, bytes(100))))
    assert isinstance(bounded(lambda: idx.read(path), ValueError), ValueError)
    blank = idx_file((100, 28, 28), bytes(78400))         # white paper is no bomb
    path.write_bytes(pack(blank))
    assert idx.read(path).shape == (100, 28, 28)


# ---- CIFAR's pickles --------------------------------------------------------------------------

BATCH = pickle.dumps({"data": np.arange(24, dtype=np.uint8).reshape(2, 12), "labels": [3, 5]}, 2)
ARRAY = (b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85" + text(b"b") + b"tR")
KIND = b"cnumpy\ndtype\n(" + text(b"u1") + b"K\0K\1tR"


def filled(shape, content, kind=KIND):
    return (b"\x80\x02}" + text(b"data") + ARRAY + b"(K\1" + shape + kind + b"\x89" + content
            + b"tbs.")


BATCHES = {
    "a shape beyond the bytes": filled(b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", text(b"abc")),
    "a negative shape": filled(b"J\xff\xff\xff\xff\x85", text(b"abc")),
    "a hundred dimensions": filled(b"(" + b"K\1" * 100 + b"t", text(b"a")),
    "objects as numbers": filled(b"K\1\x85", text(b"a"), KIND.replace(text(b"u1"), text(b"O"))),
    "records as numbers": filled(b"K\1\x85", text(b"a"), KIND.replace(text(b"u1"), text(b"V9"))),
    "no content": b"\x80\x02}" + text(b"data") + ARRAY + b"s.",
    "a list instead of bytes": filled(b"K\1\x85", MANY),
    "arrays again and again": calls(b"_codecs\nencode", text(b"x" * 100_000)),
    "a number, not a dict": b"\x80\x02K\1.",
    "the array's own class": b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R.",
    "a function of NumPy": b"\x80\x02cnumpy\nones\nJ\xff\xff\xff\x7f\x85R.",
    "a key of 2^60 parts": b"\x80\x02}" + nest() + b"K\1s.",
    "a key 200,000 deep": b"\x80\x02}K\1" + b"\x85" * DEEP + b"K\1s.",
}


@pytest.mark.parametrize("name", BATCHES)
def test_hostile_batches(tmp_path, name):
    path = tmp_path / "data_batch_1"
    path.write_bytes(BATCHES[name])
    found = bounded(lambda: pickled.read(path), pickle.UnpicklingError)
    assert isinstance(found, pickle.UnpicklingError)


@pytest.mark.parametrize("name", [n for n in (*REFUSED, *HARMLESS) if "000 deep" not in n])
def test_hostile_files_of_the_other_corpus(tmp_path, name):
    """None of them is a batch, for PyTorch's names mean nothing here."""
    path = tmp_path / "data_batch_1"
    path.write_bytes(REFUSED.get(name) or HARMLESS[name][0])
    assert isinstance(bounded(lambda: pickled.read(path), pickle.UnpicklingError),
                      pickle.UnpicklingError)


@FUZZ
@given(CHANGES)
def test_fuzzed_batches(tmp_path_factory, changes):
    path = tmp_path_factory.getbasetemp() / "fuzzed-batch"
    path.write_bytes(changed(BATCH, changes))
    bounded(lambda: pickled.read(path), pickle.UnpicklingError)


# ---- safetensors --------------------------------------------------------------------------------


def safetensors_file(header, content=bytes(24)):
    return struct.pack("<Q", len(header)) + header + content


W = b'{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'
HEADERS = {
    "offsets beyond the file": W.replace(b"24]", b"2400]"),
    "offsets the wrong way": W.replace(b"[0,24]", b"[24,0]"),
    "a shape that does not fit": W.replace(b"[2,3]", b"[2,4]"),
    "a shape beyond 64 bits": W.replace(b"[2,3]", b"[4294967296,4294967296,4294967296]"),
    "a negative shape": W.replace(b"[2,3]", b"[-2,-3]"),
    "a hole": W.replace(b"[0,24]", b"[4,28]"),
    "two tensors on the same bytes": W[:-1] + b',"v"' + W[4:],
    "an unknown dtype": W.replace(b"F32", b"F33"),
    "a header that is no JSON": b"{" * 100,
    "a header of lists": b'{"w":[[[[]]]]}',
    "deep JSON": b"[" * 100_000,
}


@pytest.mark.parametrize("name", HEADERS)
def test_hostile_safetensors(name):
    package = pytest.importorskip("safetensors", reason="safetensors is not installed")
    from learntorch.io.safetensors import load
    assert load(safetensors_file(W))["w"].shape == (2, 3)
    found = bounded(lambda: load(safetensors_file(HEADERS[name])), package.SafetensorError,
                    ValueError)
    assert isinstance(found, (package.SafetensorError, ValueError)), found


def test_a_safetensors_header_of_two_to_the_63_bytes():
    package = pytest.importorskip("safetensors", reason="safetensors is not installed")
    from learntorch.io.safetensors import load
    for length in (2**63, 2**40, 101, 0):
        with pytest.raises(package.SafetensorError):
            load(struct.pack("<Q", length) + bytes(100))


@FUZZ
@given(CHANGES)
def test_fuzzed_safetensors(changes):
    package = pytest.importorskip("safetensors", reason="safetensors is not installed")
    from learntorch.io.safetensors import load, save
    whole = save({"w": torch.arange(6.0).view(2, 3), "n": torch.arange(3)})
    bounded(lambda: load(changed(whole, changes)), package.SafetensorError, ValueError)


# ---- pictures and labels through the datasets themselves -------------------------------------


def test_a_dataset_with_the_wrong_kind_of_numbers(tmp_path):
    for name, content, error in (
            ("labels", idx_file((2,), bytes(8), kind=12), TypeError),
            ("labels", idx_file((2, 1), bytes(2)), ValueError),
            ("images", idx_file((2,), bytes(2)), ValueError)):
        path = tmp_path / name
        path.write_bytes(content)
        read = idx.read_label_file if name == "labels" else idx.read_image_file
        with pytest.raises(error, match="x should"):
            read(path)


def test_old_tensors_of_mnist_are_not_trusted(tmp_path):
    """`processed/training.pt`, as torchvision once wrote it."""
    from learntorch.vision.datasets import MNIST
    folder = tmp_path / "MNIST" / "processed"
    folder.mkdir(parents=True)
    for name in ("training.pt", "test.pt"):
        (folder / name).write_bytes(io.BytesIO(pickle.dumps(print, 2)).getvalue())
    with pytest.raises((pickle.UnpicklingError, RuntimeError)):
        MNIST(tmp_path)
