"""The data of the chapters."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

import learntorch as torch
from course import digits, photos, weights
from learntorch.vision.datasets import CIFAR10
from learntorch.vision.models import mobilenet_v2


def test_digits_are_what_they_say():
    images, labels, test_images, test_labels = digits()
    assert images.shape == (8500, 1, 28, 28) and test_images.shape == (1500, 1, 28, 28)
    assert images.dtype == torch.float32 and labels.dtype == torch.int64
    assert images.min() == 0 and images.max() == 1
    assert sorted(set(labels.tolist())) == list(range(10))


def test_every_digit_is_held_out_about_equally_often():
    *_, labels = digits()
    counts = [(labels == digit).sum().item() for digit in range(10)]
    assert min(counts) > 100 and max(counts) < 200


def test_the_choice_is_fixed_and_nothing_is_in_both_parts():
    first, second = digits(), digits()
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert first[1][:8].tolist() == [1, 8, 1, 5, 9, 3, 2, 5]
    seen = {bytes((image * 255).round().to(torch.uint8).numpy()) for image in first[0]}
    assert not any(bytes((i * 255).round().to(torch.uint8).numpy()) in seen for i in first[2])


@pytest.mark.parametrize("held_out", [0, 10])
def test_another_share_can_be_held_out(held_out):
    images, _, test_images, _ = digits(held_out)
    assert len(images) == 10000 - held_out and len(test_images) == held_out


# ---- photographs and their pieces ---------------------------------------------------------------

def test_pieces_of_the_photographs():
    images, labels, test_images, test_labels = photos.pieces(32)
    assert images.shape == test_images.shape == (1080, 32, 32, 3) and images.dtype == np.uint8
    assert np.bincount(labels).tolist() == np.bincount(test_labels).tolist() == [108] * 10
    large = photos.pieces(96)
    assert large[0].shape == large[2].shape == (120, 96, 96, 3)
    few = photos.pieces(32, 3, 5)
    assert np.bincount(few[1]).tolist() == [3] * 10 and len(few[2]) == 50
    with pytest.raises(ValueError, match="do not fill"):
        photos.pieces(33)


def test_no_point_of_a_photograph_is_in_both_parts():
    marked = np.arange(384 * 576).reshape(384, 576, 1)
    black, white = photos.cut(marked, 32)
    assert len(set(black.ravel()) & set(white.ravel())) == 0
    assert sorted([*black.ravel(), *white.ravel()]) == list(range(384 * 576))


def test_the_choice_of_pieces_is_fixed():
    first, second = photos.pieces(32, 40, 60), photos.pieces(32, 40, 60)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert first[1][:10].tolist() == [3, 4, 5, 1, 9, 6, 1, 1, 8, 4]


def test_the_files_are_those_of_cifar(tmp_path):
    assert photos.cifar(tmp_path) != str(tmp_path)
    photos.write(tmp_path)
    assert photos.cifar(tmp_path) == str(tmp_path)

    class Pieces(CIFAR10):
        train_list = [[f"data_batch_{i}", None] for i in range(1, 6)]
        test_list = [["test_batch", None]]
        meta = {**CIFAR10.meta, "md5": None}

    images, labels, test_images, test_labels = photos.pieces(32, 40, 60)
    train, test = Pieces(tmp_path), Pieces(tmp_path, train=False)
    assert np.array_equal(train.data, images) and train.targets == labels.tolist()
    assert np.array_equal(test.data, test_images) and test.targets == test_labels.tolist()
    assert train.classes == list(photos.CLASSES)
    with open(tmp_path / photos.FOLDER / "data_batch_2", "rb") as file:
        batch = pickle.load(file, encoding="latin1")
    assert sorted(batch) == ["batch_label", "data", "filenames", "labels"]
    assert batch["batch_label"] == "training batch 2 of 5" and batch["data"].shape == (80, 3072)
    with pytest.raises(RuntimeError, match="not found or corrupted"):
        CIFAR10(tmp_path)       # the real one has published checksums


# ---- weights ------------------------------------------------------------------------------------

def test_the_weights_are_torchvisions_file_unchanged():
    content = Path(weights.mobilenet()).read_bytes()
    assert hashlib.sha256(content).hexdigest().startswith("b0353104")


def test_the_weights_fit_the_model_of_their_name():
    state = torch.load(weights.mobilenet(), weights_only=True)
    assert len(state) == 314
    model = mobilenet_v2()
    assert str(model.load_state_dict(state)) == "<All keys matched successfully>"
    whole = photos.photograph("coffee")[:, 96:480].transpose(2, 0, 1) / 255
    mean, std = (np.array(v)[:, None, None] for v in
                 ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    x = torch.tensor(((whole - mean) / std)[None, :, ::2, ::2].copy(), dtype=torch.float32)
    with torch.no_grad():
        sure, number = torch.softmax(model.eval()(x), dim=1).max(dim=1)
    assert number.item() == 967 and sure.item() > 0.8      # espresso
