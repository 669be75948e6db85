"""The data of the chapters."""

import pytest

import learntorch as torch
from course import digits


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
