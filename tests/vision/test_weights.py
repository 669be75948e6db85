"""Files of trained weights: choosing, fetching, checking and loading them; torch.hub."""
import hashlib
import inspect
import io
import os
import pathlib
from urllib.error import URLError

import pytest

import learntorch
from learntorch import hub
from learntorch.utils import fetch as fetching
from learntorch.vision import models
from learntorch.vision.models import _api
from learntorch.vision.models._api import WeightsEnum, imagenet, model
from tests.vision.server import serving

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOBILENET = ROOT / "course" / "data" / "mobilenet_v2-b0353104.pth"


class Small(learntorch.nn.Module):
    """A model of 3000 numbers."""

    def __init__(self, num_classes=1000, bias=False):
        super().__init__()
        self.fc = learntorch.nn.Linear(3, num_classes, bias)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty folder where files are kept."""
    monkeypatch.setattr(hub, "CHOSEN", {})
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def site(monkeypatch, home):
    """A server that has a file of weights under its name with the right digits."""
    file = io.BytesIO()
    learntorch.save({"fc.weight": learntorch.full((1000, 3), 7.0)}, file)
    content = file.getvalue()
    name = f"small-{hashlib.sha256(content).hexdigest()[:8]}"
    with serving({f"{name}.pth": content}) as site:
        monkeypatch.setattr(_api, "ADDRESS", site.address)
        site.content, site.name = content, name
        yield site


@pytest.fixture
def small(site, monkeypatch):
    """A builder with one file, registered for the time of a test."""
    monkeypatch.setattr(_api, "BUILDERS", dict(_api.BUILDERS))
    monkeypatch.setattr(_api, "ENUMS", dict(_api.ENUMS))

    class Small_Weights(WeightsEnum):
        IMAGENET1K_V1 = imagenet(site.name, 3000, (1.0, 2.0), 0.1, 0.2, "pull/1", resize_size=99)
        DEFAULT = IMAGENET1K_V1

    @model(Small_Weights)
    def small(**kwargs):
        """A small model."""
        return Small(**kwargs)
    small.weights = Small_Weights
    return small


# ---- choosing --------------------------------------------------------------------------------


def test_by_name():
    assert models.get_model_builder("ResNet18") is models.resnet18
    assert models.get_model_weights("resnet18") is models.ResNet18_Weights
    assert models.get_model_weights(models.vit_b_16) is models.ViT_B_16_Weights
    weights = models.get_weight("ResNet50_Weights.DEFAULT")
    assert weights is models.ResNet50_Weights.IMAGENET1K_V2
    assert repr(weights) == "ResNet50_Weights.IMAGENET1K_V2"
    assert weights.url == "https://download.pytorch.org/models/resnet50-11ad3fa6.pth"
    assert weights.meta["num_params"] == 25557032
    assert weights.transforms().resize_size == [232]
    assert models.list_models(include="resnet*") == ["resnet101", "resnet152", "resnet18",
                                                     "resnet34", "resnet50"]
    assert models.list_models(include=["vgg1?", "alexnet"], exclude="*13") == [
        "alexnet", "vgg11", "vgg16", "vgg19"]


@pytest.mark.parametrize("call, words", [
    (lambda: models.get_model("resnet19"), "Unknown model resnet19. Did you mean resnet1"),
    (lambda: models.get_weight("ResNet18_Weights"), "Invalid weight name provided"),
    (lambda: models.get_weight("Nothing.DEFAULT"), "weight enum 'Nothing'"),
    (lambda: models.get_model_weights(print), "couldn't be retrieved"),
])
def test_names_that_are_not_there(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_weights_of_another_model():
    with pytest.raises(TypeError, match="expected ResNet18_Weights but received ResNet34_Weights"):
        models.resnet18(weights=models.ResNet34_Weights.DEFAULT)
    with pytest.raises(KeyError):
        models.resnet18(weights="IMAGENET1K_V9")


def test_names_of_classes_are_not_kept():
    with pytest.raises(KeyError, match="the 1000 names of ImageNet's classes are not part of"):
        assert models.ResNet18_Weights.DEFAULT.meta["categories"]
    assert "categories" not in models.ResNet18_Weights.DEFAULT.meta


def test_signature():
    found = inspect.signature(models.resnet18)
    assert str(found).startswith("(*, weights: ") and list(found.parameters) == [
        "weights", "progress", "kwargs"]
    assert models.resnet18.__doc__ and models.resnet18.__name__ == "resnet18"


# ---- loading ---------------------------------------------------------------------------------


def test_a_file_is_fetched_once(small, site, home, capsys):
    for weights in (small.weights.DEFAULT, "DEFAULT", "Small_Weights.IMAGENET1K_V1"):
        made = small(weights=weights)
        assert (made.fc.weight == 7).all()
    assert os.listdir(home) == [f"{site.name}.pth"] and len(site.asked) == 1
    assert f'Downloading: "{site.address}{site.name}.pth" to' in capsys.readouterr().err
    assert not (small(weights=None).fc.weight == 7).any() and len(site.asked) == 1


def test_a_file_that_was_put_there_by_hand(small, site, home):
    home.mkdir(parents=True)
    learntorch.save({"fc.weight": learntorch.full((1000, 3), 5.0)}, home / f"{site.name}.pth")
    assert (small(weights="DEFAULT").fc.weight == 5).all() and site.asked == []


def test_another_file_under_the_name_is_refused(small, site, home):
    site.files[f"{site.name}.pth"] = site.content[:-1] + b"x"
    with pytest.raises(RuntimeError, match="invalid hash value"):
        small(weights="DEFAULT")
    assert os.listdir(home) == []


def test_progress_can_be_left_out(small, capsys, monkeypatch):
    monkeypatch.setattr(fetching, "progress", None)     # it would be called
    with pytest.raises(TypeError):
        small(weights="DEFAULT")
    monkeypatch.undo()
    capsys.readouterr()


def test_arguments_that_do_not_fit_the_file(small, site):
    with pytest.raises(ValueError, match="'num_classes' expected value 1000 but got 10 instead"):
        small(weights="DEFAULT", num_classes=10)
    assert site.asked == []
    assert small(weights="DEFAULT", num_classes=1000).fc.out_features == 1000


@pytest.mark.parametrize("call, warned", [
    (lambda f: f(pretrained=True), ["The parameter 'pretrained' is deprecated",
                                    "passing `weights=Small_Weights.IMAGENET1K_V1`"]),
    (lambda f: f(True), ["Using 'weights' as positional", "`weights=Small_Weights.DEFAULT`"]),
    (lambda f: f(True, False), ["Using 'weights' and 'progress' as positional", "passing"]),
])
def test_as_it_was_written_before(small, call, warned):
    with pytest.warns(UserWarning) as found:
        assert (call(small).fc.weight == 7).all()
    assert len(found) == len(warned)
    for w, words in zip(found, warned):
        assert words in str(w.message)
        assert w.filename == __file__


def test_without_weights_as_it_was_written_before(small, site):
    for call, first in ((lambda: small(pretrained=False), "'pretrained' is deprecated"),
                        (lambda: small(False), "Using 'weights' as positional")):
        with pytest.warns(UserWarning) as found:
            call()
        assert first in str(found[0].message)
        assert "equivalent to passing `weights=None`" in str(found[1].message)
    assert site.asked == []
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
        small(None, True, 3)
    with pytest.raises(ValueError, match="No weights available for model vit_h_14"):
        models.vit_h_14(pretrained=True)


def test_offline(monkeypatch, home):
    with serving({}) as gone:
        pass
    with pytest.raises(URLError, match="cannot be fetched: .*Is this machine online.*put it there "
                                       "by hand: .*hub.checkpoints.x-00000000.pth"):
        hub.load_state_dict_from_url(gone.address + "x-00000000.pth", check_hash=True)
    assert os.listdir(home) == []


def test_a_file_with_other_digits(site, home):
    site.files["small-12345678.pth"] = site.content
    with pytest.raises(RuntimeError, match='invalid hash value .expected "12345678", got "'):
        hub.load_state_dict_from_url(site.address + "small-12345678.pth", check_hash=True)
    assert os.listdir(home) == []
    state = hub.load_state_dict_from_url(site.address + "small-12345678.pth", file_name="other")
    assert list(state) == ["fc.weight"] and os.listdir(home) == ["other"]


def test_a_cut_connection_is_taken_up_again(small, site):
    site.cuts = [len(site.content) // 2]
    assert (small(weights="DEFAULT").fc.weight == 7).all()
    assert [wanted for _, wanted in site.asked] == [None, f"bytes={len(site.content) // 2}-"]


def test_a_file_that_runs_programs_is_refused(site, home):
    file = io.BytesIO()
    learntorch.save(Small(), file)
    site.files["whole.pth"] = file.getvalue()
    with pytest.raises(Exception, match="Weights only load failed"):
        hub.load_state_dict_from_url(site.address + "whole.pth")
    found = hub.load_state_dict_from_url(site.address + "whole.pth", weights_only=False)
    assert isinstance(found, Small)


# ---- torch.hub -------------------------------------------------------------------------------


def test_where_files_are_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "CHOSEN", {})
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert hub.get_dir() == str(tmp_path / "torch" / "hub")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "x"))
    assert hub.get_dir() == str(tmp_path / "x" / "hub")
    hub.set_dir(tmp_path / "mine")
    assert hub.get_dir() == str(tmp_path / "mine")
    assert learntorch.hub is hub


def test_download_url_to_file(site, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.download_url_to_file(site.address + site.name + ".pth", str(path), "0" * 64)
    assert path.read_bytes() == b"old"
    digits = hashlib.sha256(site.content).hexdigest()
    hub.download_url_to_file(site.address + site.name + ".pth", path, digits, progress=False)
    assert path.read_bytes() == site.content and os.listdir(tmp_path) == ["x"]


def test_hubconf(tmp_path):
    (tmp_path / "hubconf.py").write_text(
        "dependencies = ['json']\ndef thing(n, k=1):\n    '''Makes it.'''\n    return n + k\n")
    assert hub.load(tmp_path, "thing", 2, source="local", k=5) == 7
    assert hub.list(tmp_path, source="local") == ["thing"]
    assert hub.help(str(tmp_path), "thing", source="local") == "Makes it."
    with pytest.raises(RuntimeError, match="Cannot find callable other in hubconf"):
        hub.load(tmp_path, "other", source="local")
    with pytest.raises(ValueError, match="fetches no programs from the network"):
        hub.load("pytorch/vision", "resnet18")
    with pytest.raises(ValueError, match='Unknown source: "x"'):
        hub.load(tmp_path, "thing", source="x")
    (tmp_path / "hubconf.py").write_text("dependencies = ['no_such_module']\n")
    with pytest.raises(RuntimeError, match="Missing dependencies: no_such_module"):
        hub.load(tmp_path, "thing", source="local")


def test_model_zoo(site, home):
    from learntorch.utils.model_zoo import load_url
    assert list(load_url(f"{site.address}{site.name}.pth")) == ["fc.weight"]


@pytest.mark.skipif(not MOBILENET.exists(), reason="the weights are not in this copy")
def test_published_weights_see():
    """A cat and a cup of coffee, by the weights that torchvision publishes."""
    Image = pytest.importorskip("PIL.Image")
    assert hashlib.sha256(MOBILENET.read_bytes()).hexdigest().startswith("b0353104")
    net = models.mobilenet_v2()
    assert str(net.load_state_dict(learntorch.load(MOBILENET))) == "<All keys matched successfully>"
    prepare = models.MobileNet_V2_Weights.IMAGENET1K_V1.transforms()
    photos = MOBILENET.parent / "photos"
    batch = learntorch.stack([prepare(Image.open(photos / f"{name}.jpg"))
                              for name in ("cat", "coffee")])
    with learntorch.no_grad():
        p = net.eval()(batch).softmax(1)
    assert p.argmax(1).tolist() == [285, 967]       # Egyptian cat, espresso
    assert p.amax(1).min() > 0.6
