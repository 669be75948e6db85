"""`torch.__version__`: what scripts ask of it."""

import itertools

import pytest

import learntorch
from learntorch.torch_version import TorchVersion
from tests.oracle import needs_torch, torch

VERSIONS = ["2.13.0+cpu", "2.13.0", "2.13", "2.13.0a0", "2.13.0a0+git123", "2.13.0.post1", "2.9",
            "2.13.0rc1", "2.13.0rc2", "2.13.0.dev20260101", "1!1.0", "2.13.0+1", "2.13.0+a.2",
            "parrot", "", "v2.13", "2.13.1", "2.13.0-1", (2, 13), (2, 13, 0), [2, 9], (2, 13, 1),
            None, 2]
SIGNS = ["__lt__", "__le__", "__eq__", "__ne__", "__ge__", "__gt__"]


@needs_torch
@pytest.mark.parametrize("sign", SIGNS)
def test_comparisons(sign):
    from torch.torch_version import TorchVersion as Theirs
    for a, b in itertools.product(VERSIONS[:18], VERSIONS):
        mine = getattr(TorchVersion(a), sign)(b)
        assert mine == getattr(Theirs(a), sign)(b), (a, sign, b)


def test_the_librarys_own():
    version = learntorch.__version__
    assert version >= "2.0" and version > (2, 9) and version < "2.14" and not version < (2, 13)
    assert version.startswith("2.13.0+learntorch") and version.split(".")[0] == "2"
    assert version == str(version) and hash(version) == hash(str(version))
    assert learntorch.version.__version__ == version and learntorch.version.cuda is None
    assert learntorch.version.hip is None and learntorch.version.debug is False


@needs_torch
def test_it_is_the_version_of_the_oracle():
    assert learntorch.__version__.split("+")[0] == torch.__version__.split("+")[0]
