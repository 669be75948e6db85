"""Where things are: under torchvision's names, and not before somebody asks for them."""
import pathlib
import pickle
import subprocess
import sys

import pytest

from learntorch import hub, vision
from learntorch.vision import datasets, models, ops, transforms, tv_tensors
from learntorch.vision.transforms import v2

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
import torch
print(any(name.startswith("learntorch.vision") for name in sys.modules))
import torchvision
import torchvision.transforms as T
import torchvision.transforms.functional as TF
from torchvision import datasets, transforms, utils
from torchvision.datasets import MNIST, ImageFolder
from torchvision.datasets.folder import IMG_EXTENSIONS, default_loader
from torchvision.datasets.mnist import read_image_file, read_label_file
from torchvision.datasets.utils import download_url, extract_archive
from torchvision.io import read_image, ImageReadMode
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.transforms import RandomCrop
from torchvision.utils import make_grid, save_image
from torchvision import models, ops, tv_tensors
from torchvision.models import MobileNet_V2_Weights, get_model, mobilenet_v2, resnet18
from torchvision.models._api import WeightsEnum
from torchvision.models.resnet import BasicBlock, ResNet
import torchvision.models.mobilenet
from torchvision.ops import box_iou, nms
from torchvision.ops.misc import Conv2dNormActivation
from torchvision.transforms.v2 import functional as F2
from torch.hub import load_state_dict_from_url
import torch.utils.model_zoo as model_zoo
print(torchvision.models.resnet18 is resnet18, isinstance(ResNet(BasicBlock, [1, 1, 1, 1]),
      torch.nn.Module), torch.hub.load_state_dict_from_url is load_state_dict_from_url)
print(T.RandomCrop is RandomCrop, isinstance(T.Resize(3), torch.nn.Module))
print("PIL" in sys.modules, T.CenterCrop(2)(torch.zeros(1, 4, 4)).shape)
"""


def test_a_script_finds_torchvision(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    run = subprocess.run([sys.executable, "-m", "learntorch", str(tmp_path / "script.py")],
                         cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert run.stdout.splitlines() == ["False", "True True True", "True True",
                                       "False torch.Size([1, 2, 2])"], \
        run.stderr


def test_what_is_not_there():
    with pytest.raises(AttributeError, match="module 'torchvision' has no attribute 'nothing'"):
        assert vision.nothing
    with pytest.raises(AttributeError, match="'torchvision.transforms' has no attribute 'Nothing'"):
        assert transforms.Nothing
    with pytest.raises(ValueError, match="Invalid backend 'cv2'"):
        vision.set_image_backend("cv2")
    assert vision.get_image_backend() == "PIL"


@pytest.mark.parametrize("module", [datasets, transforms, transforms.functional, v2, v2.functional,
                                    vision.utils, vision.io, models, ops, tv_tensors, hub],
                         ids=lambda m: m.__name__)
def test_public_names_exist_and_say_what_they_are(module):
    for name in module.__all__:
        thing = getattr(module, name)
        if callable(thing):
            assert thing.__doc__, f"{module.__name__}.{name} has no docstring"


@pytest.mark.parametrize("t", [
    transforms.Compose([transforms.RandomCrop(3), transforms.ToTensor()]), transforms.AutoAugment(),
    v2.Compose([v2.RandomResizedCrop(3), v2.Normalize([0], [1])]), v2.ColorJitter(0.1),
], ids=lambda t: type(t).__module__ + "." + type(t).__name__)
def test_worker_processes_get_their_own(t):
    assert repr(pickle.loads(pickle.dumps(t))) == repr(t)
