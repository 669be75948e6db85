"""A save that is interrupted leaves the old file or the new one, whole."""

import os
import signal
import stat
import time

import pytest

import learntorch as torch


def keep_saving(path):
    """A process that saves to `path`, again and again; its number."""
    pid = os.fork()
    if pid:
        return pid
    try:
        for n in range(1_000_000):
            torch.save({"n": n, "w": torch.full((50_000,), float(n))}, path)
    finally:
        os._exit(1)


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_a_hundred_times(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"n": -1, "w": torch.full((50_000,), -1.0)}, path)
    seen = set()
    for i in range(100):
        pid = keep_saving(path)
        time.sleep(0.001 + 0.0007 * i)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        found = torch.load(path)
        assert (found["w"] == found["n"]).all() and len(found["w"]) == 50_000
        seen.add(found["n"])
    assert len(seen) > 1
    torch.save(1, path)
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]     # leftovers are swept up


def test_an_error_in_the_middle_keeps_the_old_file(tmp_path):
    path = tmp_path / "model.pt"
    torch.save("old", path)

    class Fails:
        def __reduce__(self):
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        torch.save([torch.ones(1000), Fails()], path)
    assert torch.load(path) == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["model.pt"]


def test_links_and_permissions_are_kept(tmp_path):
    real = tmp_path / "real.pt"
    torch.save(1, real)
    os.chmod(real, 0o640)
    link = tmp_path / "link.pt"
    link.symlink_to(real)
    torch.save(2, link)
    assert link.is_symlink() and torch.load(real) == 2
    assert os.stat(real).st_mode & 0o777 == 0o640


def test_a_device_is_written_to():
    torch.save(torch.ones(3), os.devnull)
    # a file moved over it would have taken the device's place
    assert os.name != "posix" or stat.S_ISCHR(os.stat(os.devnull).st_mode)
