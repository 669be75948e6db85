"""transforms.v2: samples of any form, sequences, and batches mixed with themselves."""
import numpy as np
import pytest

import learntorch as torch
from learntorch.utils.data import default_collate
from learntorch.vision import transforms as T
from learntorch.vision.transforms import v2

Image = pytest.importorskip("PIL.Image")
X = torch.arange(12.0).reshape(1, 3, 4) / 12


def test_only_the_image_of_a_sample_changes():
    sample = {"image": X, "label": torch.tensor(3), "name": "x", "boxes": [torch.zeros(2, 4)]}
    out = v2.RandomHorizontalFlip(p=1.0)(sample)
    assert torch.equal(out["image"], X.flip(-1)) and out["label"] is sample["label"]
    assert out["name"] == "x" and out["boxes"][0] is sample["boxes"][0]


def test_several_parts_and_one():
    image, label = v2.CenterCrop(2)(X, 7)
    assert image.shape == (1, 2, 2) and label == 7
    assert v2.CenterCrop(2)(X).shape == (1, 2, 2)


def test_pictures_come_before_tensors():
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    found, other = v2.RandomVerticalFlip(1.0)((picture, X))
    assert np.array(found)[0, 0] == 8 and other is X


def test_all_pictures_of_a_sample_meet_the_same_chance():
    picture = Image.fromarray(np.arange(400, dtype=np.uint16).astype(np.uint8).reshape(20, 20))
    for seed in range(5):
        torch.manual_seed(seed)
        one, two, label = v2.RandomResizedCrop(7)(picture, picture.copy(), 1)
        assert (np.array(one) == np.array(two)).all() and label == 1
        torch.manual_seed(seed)
        assert (np.array(T.RandomResizedCrop(7)(picture)) == np.array(one)).all()


def test_the_usual_beginning():
    picture = Image.new("RGB", (4, 3), (255, 51, 0))
    chain = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True),
                        v2.Normalize([0.5] * 3, [0.5] * 3)])
    out, label = chain(picture, 2)
    assert out.shape == (3, 3, 4) and label == 2
    assert np.allclose(out[:, 0, 0].numpy(), [1, -0.6, -1])
    assert torch.equal(chain(picture), out)
    with pytest.warns(UserWarning, match="The transform `ToTensor\\(\\)` is deprecated"):
        t = v2.ToTensor()
    assert np.allclose(t(picture)[:, 0, 0].numpy(), [1, 0.2, 0])


def test_conversions():
    a = np.zeros((3, 4), np.uint8)
    assert v2.ToImage()(a).shape == (1, 3, 4)
    out = v2.PILToTensor()({"x": Image.new("L", (2, 2), 5), "y": 1})
    assert out["x"].tolist() == [[[5, 5], [5, 5]]] and out["y"] == 1
    assert v2.ToPILImage()(X).size == (4, 3)
    assert v2.ToDtype(torch.float64)(X.to(torch.uint8)).dtype == torch.float64
    assert v2.ToDtype({torch.Tensor: torch.uint8, "others": None}, scale=True)(X).max() == 234
    assert v2.ToPureTensor()(X) is X and v2.Identity()(X) is X
    assert v2.RGB()(X).shape == (3, 3, 4)
    assert v2.functional.to_image(a).shape == (1, 3, 4)
    assert torch.equal(v2.functional.horizontal_flip(X), X.flip(-1))
    assert v2.functional.get_size(X) == [3, 4]


def test_lambda_on_types():
    assert v2.Lambda(lambda x: x + 1)([1, 2.5]) == [2, 3.5]
    assert v2.Lambda(lambda x: x + 1, int)([1, 2.5]) == [2, 2.5]


def test_choice_and_order_use_torch_s_stream():
    adds = [v2.Lambda(lambda x, i=i: x * 10 + i) for i in range(1, 4)]
    torch.manual_seed(2)
    place = int(torch.multinomial(torch.tensor([0.2, 0.3, 0.5]), 1))
    order = torch.randperm(3).tolist()
    torch.manual_seed(2)
    assert v2.RandomChoice(adds, p=[2, 3, 5])(0) == place + 1
    assert v2.RandomOrder(adds)(0) == int("".join(str(i + 1) for i in order))
    assert v2.RandomApply(adds, p=1.0)(0) == 123 and v2.RandomApply(adds, p=0.0)(0) == 0


def test_noise():
    torch.manual_seed(0)
    noise = torch.randn(1, 3, 4)
    torch.manual_seed(0)
    out = v2.GaussianNoise(0.1, 0.2, clip=False)(X)
    assert torch.allclose(out, X + 0.1 + 0.2 * noise)
    with pytest.raises(ValueError, match="Input tensor is expected to be in float dtype"):
        v2.GaussianNoise()(X.to(torch.uint8))


# ---- mixtures ------------------------------------------------------------------------------------

BATCH = torch.arange(3.0).reshape(3, 1, 1, 1).expand(3, 1, 4, 6)
LABELS = torch.tensor([2, 0, 1])


def test_mixup_by_hand():
    torch.manual_seed(0)
    share = torch.distributions.Beta(torch.tensor([1.0]), torch.tensor([1.0])).sample(()).item()
    torch.manual_seed(0)
    images, labels = v2.MixUp(num_classes=3)(BATCH, LABELS)
    assert np.allclose(images[:, 0, 0, 0].numpy(), [2 * (1 - share), share, 1 + share], atol=1e-6)
    assert np.allclose(labels.numpy(), [[0, 1 - share, share], [share, 0, 1 - share],
                                        [1 - share, share, 0]], atol=1e-6)


def test_cutmix_by_hand():
    torch.manual_seed(1)
    images, labels = v2.CutMix(num_classes=3)(BATCH, LABELS)
    foreign = (images[1, 0] == 0).float().mean().item()
    assert (images[1, 0] == 1).float().mean().item() == pytest.approx(1 - foreign)
    assert np.allclose(labels[1].numpy(), [1 - foreign, 0, foreign], atol=1e-6)


def test_mixtures_in_a_collate_function_and_in_dicts():
    mix = v2.RandomChoice([v2.MixUp(num_classes=3), v2.CutMix(num_classes=3)])
    images, labels = mix(*default_collate([(x, int(y)) for x, y in zip(BATCH, LABELS)]))
    assert images.shape == (3, 1, 4, 6) and torch.allclose(labels.sum(1), torch.ones(3))
    out = v2.MixUp(num_classes=3)({"images": BATCH, "my_labels": LABELS, "id": 5})
    assert out["my_labels"].shape == (3, 3) and out["id"] == 5
    own = v2.MixUp(num_classes=3, labels_getter=lambda s: s[2])((BATCH, "x", LABELS))
    assert own[2].shape == (3, 3) and own[1] == "x"


@pytest.mark.parametrize("call, error, words", [
    (lambda: v2.MixUp()(BATCH, LABELS), ValueError,
     "num_classes must be passed if the labels are index-based (1D)"),
    (lambda: v2.MixUp(num_classes=3)(BATCH, [1]), ValueError,
     "When using the default labels_getter, the input passed to forward must be a dictionary or"),
    (lambda: v2.MixUp(num_classes=3)(BATCH, LABELS[:2]), ValueError,
     "The batch size of the image or video does not match the batch size of the labels: 3 != 2."),
    (lambda: v2.MixUp(num_classes=3)(BATCH[0], LABELS), ValueError,
     "Expected a batched input with 4 dims, but got 3 dimensions instead."),
    (lambda: v2.CutMix(num_classes=4)(BATCH, torch.zeros(3, 3)), ValueError,
     "When passing 2D labels, the number of elements in last dimension must match num_classes: "
     "3 != 4."),
    (lambda: v2.MixUp(num_classes=3, labels_getter="x"), ValueError,
     "labels_getter should either be 'default', a callable, or None, but got x."),
    (lambda: v2.Compose([]), ValueError, "Pass at least one transform"),
    (lambda: v2.Compose(3), TypeError, "Argument transforms should be a sequence of callables"),
    (lambda: v2.RandomApply([len], p=2), ValueError,
     "`p` should be a floating point value in the interval [0.0, 1.0]."),
    (lambda: v2.RandomChoice([len], p=[1, 2]), ValueError,
     "Length of p doesn't match the number of transforms: 2 != 1"),
    (lambda: v2.ToDtype("float32"), ValueError,
     "dtype must be a dict or a torch.dtype, got <class"),
    (lambda: v2.Normalize([0], [1])(Image.new("L", (2, 2))), TypeError,
     "Normalize() does not support PIL images."),
    (lambda: v2.functional.to_image([1]), TypeError,
     "Input can either be a pure Tensor, a numpy array, or a PIL image, but got <class 'list'>"),
])
def test_errors(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize("t, words", [
    (v2.Resize(3), "Resize(size=[3], interpolation=InterpolationMode.BILINEAR, antialias=True)"),
    (v2.RandomHorizontalFlip(), "RandomHorizontalFlip(p=0.5)"),
    (v2.Compose([v2.ToImage(), v2.CenterCrop(3)]),
     "Compose(\n      ToImage()\n      CenterCrop(size=(3, 3))\n)"),
])
def test_reprs(t, words):
    assert repr(t) == words
