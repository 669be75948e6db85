"""safetensors files, through the package."""

import pytest

import learntorch as torch

package = pytest.importorskip("safetensors", reason="safetensors is not installed")

from learntorch.io.safetensors import KINDS, load, load_file, save, save_file  # noqa: E402


@pytest.mark.parametrize("kind", KINDS.values())
def test_there_and_back(tmp_path, kind):
    t = torch.tensor([[0, 1, 1], [1, 0, 1]]).to(getattr(torch, kind))
    save_file({"t": t, "turned": t.t().clone().t()}, tmp_path / "a.safetensors", {"made": "here"})
    found = load_file(tmp_path / "a.safetensors")
    assert found["t"].dtype is t.dtype and torch.equal(found["t"], t)
    assert torch.equal(found["turned"], t)
    found["t"][0] = 1               # its memory is its own and may be written


def test_the_package_reads_them(tmp_path):
    from safetensors.numpy import load_file as theirs
    save_file({"w": torch.arange(3.0)}, tmp_path / "a.safetensors")
    assert theirs(tmp_path / "a.safetensors")["w"].tolist() == [0, 1, 2]


def test_mistakes():
    t = torch.ones(4)
    with pytest.raises(RuntimeError, match="Some tensors share memory"):
        save({"a": t, "b": t[:2]})
    with pytest.raises(ValueError, match="expected torch.Tensor but received"):
        save({"a": [1, 2]})
    with pytest.raises(package.SafetensorError):
        load(b"\xff" * 100)
