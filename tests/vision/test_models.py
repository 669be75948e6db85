"""Models against torchvision: the names, weights, scores and gradients that models.json keeps."""
import json
import pathlib
import warnings

import numpy as np
import pytest

import learntorch
from learntorch import nn
from learntorch.vision import models
from tests.vision.model_table import (
    COMPUTED,
    DRAWN,
    SEED,
    V,
    computed,
    described,
    facts,
    filled,
    sampled,
    undrawn,
)

FROZEN = json.loads((pathlib.Path(__file__).parent / "models.json").read_text())


def test_all_models_are_there():
    assert models.list_models(module=models) == sorted(FROZEN["models"])


@pytest.mark.parametrize("name", sorted(FROZEN["models"]))
def test_names_and_shapes(name):
    """What a published file holds is what the model is called, in the same order."""
    with undrawn(nn), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model = models.get_model(name)
    assert described(model) == FROZEN["models"][name]
    weights = models.get_model_weights(name)
    assert facts(weights) == FROZEN["weights"][name]
    count = sum(p.numel() for p in model.parameters())
    sides = sum(p.numel() for n, p in model.named_parameters() if n.startswith("aux"))
    assert count - sides == weights.DEFAULT.meta["num_params"] or name.startswith("vit_h")


@pytest.mark.parametrize("name, make", DRAWN, ids=[case[0] for case in DRAWN])
def test_initial_weights(name, make):
    learntorch.manual_seed(SEED)
    found = [*sampled(make(models)), float(learntorch.rand(1))]
    np.testing.assert_allclose(found, FROZEN["drawn"][name], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name, size, make", COMPUTED, ids=[case[0] for case in COMPUTED])
def test_scores_and_gradients(name, size, make):
    if name.startswith(("convnext", "vit", "swin")):
        pytest.importorskip("scipy", reason="SciPy computes GELU's erf in double precision")
    with undrawn(nn):
        model = filled(learntorch, make(models))
    np.testing.assert_allclose(computed(learntorch, model, size), FROZEN["computed"][name],
                               rtol=1e-6, atol=1e-9)


def test_lenet():
    model = models.LeNet()
    assert sum(p.numel() for p in model.parameters()) == 61706
    assert model(learntorch.zeros(2, 1, 28, 28)).shape == (2, 10)


@pytest.mark.parametrize("make, error, words", [
    (lambda: models.MobileNetV2(inverted_residual_setting=[[1, 2]]), ValueError, "4-element list"),
    (lambda: V(models, "mobilenetv2").InvertedResidual(8, 8, 3, 2), ValueError, "stride should be"),
    (lambda: models.MobileNetV3([], 8), ValueError, "should not be empty"),
    (lambda: models.MobileNetV3([1], 8), TypeError, "InvertedResidualConfig"),
    (lambda: models.resnet18(groups=2), ValueError, "BasicBlock only supports groups=1"),
    (lambda: models.resnet18(replace_stride_with_dilation=[0, 0, 1]), NotImplementedError,
     "Dilation > 1"),
    (lambda: models.resnet50(replace_stride_with_dilation=[True]), ValueError, "3-element tuple"),
    (lambda: models.resnext50_32x4d(groups=8), ValueError, "'groups' expected value 32 but got 8"),
    (lambda: models.SqueezeNet("2"), ValueError, "1_0 or 1_1 expected"),
    (lambda: models.EfficientNet([], 0.1), ValueError, "should not be empty"),
    (lambda: models.EfficientNet([1], 0.1), TypeError, "List\\[MBConvConfig\\]"),
    (lambda: models.ConvNeXt([]), ValueError, "should not be empty"),
    (lambda: models.ConvNeXt([1]), TypeError, "List\\[CNBlockConfig\\]"),
    (lambda: models.VisionTransformer(30, 8, 1, 1, 8, 8), AssertionError, "indivisible by patch"),
    (lambda: models.ShuffleNetV2([1], []), ValueError, "list of 3 positive ints"),
    (lambda: models.MNASNet(0), ValueError, "alpha should be greater than 0.0"),
    (lambda: V(models, "regnet").BlockParams.from_init_params(9, 9, 9, 9, 9), ValueError,
     "Invalid RegNet settings"),
])
def test_what_cannot_be_built(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_vit_takes_pictures_of_one_size():
    model = models.VisionTransformer(16, 8, 1, 1, 8, 8)
    with pytest.raises(AssertionError, match="Wrong image height! Expected 16 but got 24!"):
        model(learntorch.zeros(1, 3, 24, 16))


def test_vit_for_larger_pictures():
    """The grid of places is stretched; the place of the class token stays."""
    T = V(models, "vision_transformer")
    small, large = (models.VisionTransformer(size, 8, 1, 1, 8, 8) for size in (16, 32))
    state = T.interpolate_embeddings(32, 8, small.state_dict(), reset_heads=True)
    missing = large.load_state_dict(state, strict=False).missing_keys
    assert missing == ["heads.head.weight", "heads.head.bias"]
    old, new = small.encoder.pos_embedding[0], large.encoder.pos_embedding[0]
    assert new.shape == (17, 8) and learntorch.equal(new[0], old[0])
    assert learntorch.allclose(new[[1, 4, 13, 16]], old[1:], atol=1e-6)     # the corners


def test_side_scores_only_in_training():
    model = models.googlenet(init_weights=False, num_classes=3)
    x = learntorch.zeros(2, 3, 32, 32)
    assert model(x)._fields == ("logits", "aux_logits2", "aux_logits1")
    assert model.eval()(x).shape == (2, 3)
    with pytest.warns(FutureWarning, match="default weight initialization of GoogleNet"):
        models.GoogLeNet(num_classes=3, aux_logits=False)


def test_files_of_old_densenets():
    """Dots once stood in names: what was "norm.1" is "norm1"."""
    D = V(models, "densenet")
    model = models.DenseNet(8, (2,), 16, num_classes=3)
    state = {k.replace("norm1.", "norm.1.").replace("conv2.", "conv.2."): t
             for k, t in model.state_dict().items()}
    assert state.keys() != model.state_dict().keys()
    assert list(D.undotted(state)) == list(model.state_dict())


def test_parts_of_a_model():
    cut = V(models, "_utils").IntermediateLayerGetter(
        models.ResNet(V(models, "resnet").BasicBlock, [1, 1, 1, 1]),
        {"layer1": "low", "layer2": "high"})
    out = cut(learntorch.zeros(1, 3, 32, 32))
    assert [(k, tuple(t.shape)) for k, t in out.items()] == [("low", (1, 64, 8, 8)),
                                                             ("high", (1, 128, 4, 4))]
    assert "layer3" not in dict(cut.named_children())
    with pytest.raises(ValueError, match="return_layers are not present"):
        V(models, "_utils").IntermediateLayerGetter(models.LeNet(), {"layer9": "x"})
