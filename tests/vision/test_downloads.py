"""Fetching and unpacking, from a server on this machine: resumed, checked, whole or not there."""
import bz2
import gzip
import io
import lzma
import os
import tarfile
import threading
import zipfile
from urllib.error import URLError

import numpy as np
import pytest

from learntorch.utils import fetch as fetching
from learntorch.vision import datasets
from learntorch.vision.datasets.utils import (
    check_integrity,
    download_and_extract_archive,
    download_url,
    extract_archive,
    list_dir,
    list_files,
)
from tests.vision import files
from tests.vision.server import serving

CONTENT = np.random.default_rng(0).integers(0, 256, 200_000, dtype=np.uint8).tobytes()
OTHER = CONTENT[::-1]


@pytest.fixture
def site():
    with serving({"a.bin": CONTENT}) as site:
        yield site


def folder(path):
    return sorted(os.listdir(path))


def test_a_file_is_fetched_once(site, tmp_path):
    for _ in range(2):
        download_url(site.address + "a.bin", tmp_path, md5=files.md5(CONTENT))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT and folder(tmp_path) == ["a.bin"]
    assert site.asked == [("a.bin", None)]


def test_a_file_without_checksum_under_another_name(site, tmp_path):
    download_url(site.address + "a.bin", str(tmp_path / "deep" / "er"), filename="b")
    assert (tmp_path / "deep" / "er" / "b").read_bytes() == CONTENT


def test_a_redirect_is_followed(site, tmp_path):
    site.moved["old"] = site.address + "a.bin"
    download_url(site.address + "old", tmp_path, md5=files.md5(CONTENT))
    assert folder(tmp_path) == ["old"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_connection_is_taken_up_again(site, tmp_path, ranges):
    site.ranges = ranges
    site.cuts = [70_000]
    download_url(site.address + "a.bin", tmp_path, md5=files.md5(CONTENT))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert site.asked == [("a.bin", None), ("a.bin", "bytes=70000-")]


@pytest.mark.parametrize("ranges", [True, False])
def test_what_an_earlier_process_left_is_used(site, tmp_path, ranges):
    site.ranges = ranges
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:150_000])
    download_url(site.address + "a.bin", tmp_path, md5=files.md5(CONTENT))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT and folder(tmp_path) == ["a.bin"]
    assert site.asked == [("a.bin", "bytes=150000-")]


@pytest.mark.parametrize("left", [OTHER[:150_000], OTHER + b"more"])
def test_what_another_file_left_does_no_harm(site, tmp_path, left):
    (tmp_path / "a.bin.part").write_bytes(left)
    download_url(site.address + "a.bin", tmp_path, md5=files.md5(CONTENT))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_without_a_checksum_halves_are_not_put_together(site, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(OTHER[:150_000])
    download_url(site.address + "a.bin", tmp_path)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_connection_that_is_cut_again_and_again(site, tmp_path):
    site.cuts = [10_000] * 10
    with pytest.raises(URLError, match="cannot be fetched: the connection was cut.*by hand"):
        download_url(site.address + "a.bin", tmp_path, md5=files.md5(CONTENT))
    assert folder(tmp_path) == ["a.bin.part"] and len(site.asked) == fetching.TRIES
    site.cuts = []
    download_url(site.address + "a.bin", tmp_path, md5=files.md5(CONTENT))
    assert site.asked[-1] == ("a.bin", f"bytes={10_000 * fetching.TRIES}-")


def test_a_wrong_checksum(site, tmp_path):
    with pytest.raises(RuntimeError, match="File not found or corrupted: .*expected "
                                           f'"{files.md5(OTHER)}", got "{files.md5(CONTENT)}"'):
        download_url(site.address + "a.bin", tmp_path, md5=files.md5(OTHER))
    assert folder(tmp_path) == []


def test_a_file_that_is_wrong_is_replaced(site, tmp_path):
    (tmp_path / "a.bin").write_bytes(OTHER)
    assert not check_integrity(tmp_path / "a.bin", files.md5(CONTENT))
    download_url(site.address + "a.bin", tmp_path, md5=files.md5(CONTENT))
    assert check_integrity(tmp_path / "a.bin", files.md5(CONTENT))


def test_a_file_the_server_does_not_have(site, tmp_path):
    with pytest.raises(URLError, match="answers 404 Not Found.*put it there by hand: .*b.bin"):
        download_url(site.address + "b.bin", tmp_path)
    assert folder(tmp_path) == []


def test_no_server_at_all(tmp_path):
    with serving({}) as gone:
        pass
    with pytest.raises(URLError, match="cannot be fetched: .*refused.*Is this machine online"):
        download_url(gone.address + "a.bin", tmp_path)
    assert folder(tmp_path) == []


def test_processes_that_want_the_same_file_fetch_it_once(site, tmp_path):
    pytest.importorskip("fcntl")
    many = [threading.Thread(target=download_url, args=(site.address + "a.bin", tmp_path),
                             kwargs={"md5": files.md5(CONTENT)}) for _ in range(5)]
    for thread in many:
        thread.start()
    for thread in many:
        thread.join()
    assert (tmp_path / "a.bin").read_bytes() == CONTENT and folder(tmp_path) == ["a.bin"]
    assert len(site.asked) == 1


def test_progress_without_tqdm(capsys):
    lines = fetching.Lines("a.bin", 0, 45_000_000)
    for _ in range(45):
        lines(1_000_000)
    said = capsys.readouterr().err.splitlines()
    assert said == [f"a.bin: {n}.0 of 45.0 MB" for n in (10, 20, 30, 40, 45)]


# ---- whole data sets -------------------------------------------------------------------------

def mnist_on(*mirrors, **changed):
    """MNIST as a class whose mirrors are these, with the checksums of what the last one has."""
    resources = [(name, files.md5(content)) for name, content in changed["contents"].items()]
    return type("MNIST", (datasets.MNIST,), {"mirrors": list(mirrors), "resources": resources})


@pytest.fixture
def contents(tmp_path):
    files.write_mnist(tmp_path / "source", packed=True)
    return {p.name: p.read_bytes() for p in sorted((tmp_path / "source").iterdir())}


def test_mnist_from_the_mirror_that_has_it(tmp_path, contents):
    with serving({"mnist/train-images-idx3-ubyte.gz": b"not it"}) as bad, \
            serving({"mnist/" + name: content for name, content in contents.items()}) as good:
        kind = mnist_on(bad.address + "mnist/", good.address + "mnist/", contents=contents)
        data = kind(str(tmp_path), download=True)
        assert len(data) == 5 and data[0][0].size == (28, 28)
        asked = len(good.asked)
        kind(str(tmp_path), train=False, download=True)
        assert len(good.asked) == asked == 4


def test_mnist_offline(tmp_path, contents):
    with serving({}) as gone:
        pass
    with pytest.raises(RuntimeError, match="Error downloading t10k-images-idx3-ubyte.gz:\nTried "
                                           "http://127.0.0.1:[0-9]+/, got:\n<urlopen error.*\n"
                                           "If you get the file in another way, put it into "
                                           ".*MNIST.raw"):
        mnist_on(gone.address, contents=contents)(str(tmp_path), download=True)


def tar_of(members, mode="w:gz"):
    """The bytes of a tar archive; members are (TarInfo or name, content)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for member, content in members:
            if isinstance(member, str):
                member = tarfile.TarInfo(member)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def test_cifar_is_fetched_and_unpacked(tmp_path):
    small, _ = files.cifar(datasets, "CIFAR10", tmp_path / "source")
    home = tmp_path / "source" / small.base_folder
    content = tar_of([(f"{small.base_folder}/{p.name}", p.read_bytes())
                      for p in sorted(home.iterdir())])
    with serving({"cifar-10-python.tar.gz": content}) as site:
        kind = type("CIFAR10", (small,), {"url": site.address + "cifar-10-python.tar.gz",
                                          "tgz_md5": files.md5(content)})
        assert len(kind(str(tmp_path / "new"), download=True)) == 20
        assert len(kind(str(tmp_path / "new"), train=False, download=True)) == 4
        assert len(site.asked) == 1


def test_emnist_is_a_zip_of_gz(tmp_path):
    folder = tmp_path / "source"
    files.write_mnist(folder, packed=True, names=("train", "test"), pattern="emnist-digits-{}-{}")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"gzip/{path.name}")
    with serving({"gzip.zip": file.getvalue()}) as site:
        kind = type("EMNIST", (datasets.EMNIST,), {"url": site.address + "gzip.zip",
                                                   "md5": files.md5(file.getvalue())})
        assert len(kind(str(tmp_path), "digits", download=True)) == 5
    assert list_dir(tmp_path / "EMNIST" / "raw") == []


# ---- archives --------------------------------------------------------------------------------

@pytest.mark.parametrize("ending, mode", [("tar", "w"), ("tar.gz", "w:gz"), ("tgz", "w:gz"),
                                          ("tar.bz2", "w:bz2"), ("tar.xz", "w:xz")])
def test_tar(tmp_path, ending, mode):
    path = tmp_path / f"a.{ending}"
    path.write_bytes(tar_of([("x/y.txt", b"one"), ("z", b"two")], mode))
    extract_archive(path, tmp_path / "out", remove_finished=True)
    assert (tmp_path / "out" / "x" / "y.txt").read_bytes() == b"one" and not path.exists()
    assert list_files(tmp_path / "out", "z") == ["z"] and list_dir(tmp_path / "out") == ["x"]


@pytest.mark.parametrize("ending, pack", [("gz", gzip.compress), ("bz2", bz2.compress),
                                          ("xz", lzma.compress)])
def test_single_files(tmp_path, ending, pack):
    path = tmp_path / f"a.txt.{ending}"
    path.write_bytes(pack(CONTENT))
    assert extract_archive(path) == str(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == CONTENT
    path.write_bytes(pack(CONTENT)[:-2000])
    (tmp_path / "a.txt").unlink()
    with pytest.raises(RuntimeError, match="is cut or damaged"):
        extract_archive(path)
    assert not (tmp_path / "a.txt").exists()


def link(name, target, kind=tarfile.SYMTYPE):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


@pytest.mark.parametrize("members, words", [
    ([("../out.txt", b"x")], "'../out.txt' in it lies outside the folder"),
    ([("ok", b"x"), ("a/../../out.txt", b"x")], "lies outside the folder"),
    ([("/etc/out.txt", b"x")], "lies outside the folder"),
    ([link("here", "/etc")], "is a link or a device"),
    ([link("here", "passwd", tarfile.LNKTYPE)], "is a link or a device"),
    ([link("null", "", tarfile.CHRTYPE)], "is a link or a device"),
])
def test_a_tar_that_reaches_out_is_refused_whole(tmp_path, members, words):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(tar_of(members))
    with pytest.raises(RuntimeError, match=words):
        extract_archive(path, tmp_path / "inside" / "deep")
    assert not (tmp_path / "inside").exists() or not any((tmp_path / "inside").rglob("*.txt"))
    assert not (tmp_path / "out.txt").exists()


def test_a_zip_that_reaches_out_or_promises_too_much(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../out.txt", "x")
    with pytest.raises(RuntimeError, match="lies outside the folder"):
        extract_archive(path, tmp_path / "inside")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(10_000_000))
    from learntorch.vision.datasets import archives
    space = type("", (), {"free": 9_999_999})
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda folder: space)
    with pytest.raises(RuntimeError, match="unpacks to 10000000 bytes, and the disk has 9999999"):
        extract_archive(path, tmp_path / "inside")


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip", "a.tar"])
def test_archives_that_are_none(tmp_path, name):
    (tmp_path / name).write_bytes(CONTENT[:1000])
    with pytest.raises(RuntimeError, match="is cut or damaged"):
        extract_archive(tmp_path / name)


def test_a_cut_tar(tmp_path):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(tar_of([("a", CONTENT), ("b", OTHER)])[:-150_000])
    with pytest.raises(RuntimeError, match="is cut or damaged"):
        extract_archive(path, tmp_path / "out")


def test_names_that_say_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="has no suffixes that could be used to detect"):
        extract_archive(tmp_path / "archive")
    with pytest.raises(RuntimeError, match="Unknown compression or archive type: '.rar'"):
        extract_archive(tmp_path / "archive.rar")


def test_an_archive_is_fetched_and_unpacked_elsewhere(tmp_path):
    content = tar_of([("a", b"1")])
    with serving({"a.tgz": content}) as site:
        download_and_extract_archive(site.address + "a.tgz", tmp_path / "down", tmp_path / "out",
                                     md5=files.md5(content), remove_finished=True)
    assert folder(tmp_path / "out") == ["a"] and folder(tmp_path / "down") == []
