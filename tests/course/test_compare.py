"""When two outputs count as the same."""

import base64
import io

import pytest

from course.authoring.compare import (
    aligned,
    clean,
    first_difference,
    picture_difference,
    same_start,
)


def test_text_is_compared_strictly():
    assert first_difference("a\nb\n", "a\nb") == ""
    assert first_difference("a\nc", "a\nb") == "stored 'b', now 'c'"
    assert first_difference("a", "a\nb") == "stored 2 lines, now 1"
    assert first_difference("0.1001", "0.1000") != ""


def test_line_numbers_of_sources_do_not_matter_and_the_file_does():
    assert (
        clean("tanh · learntorch/ops/pointwise.py:159") == "tanh · learntorch/ops/pointwise.py:LINE"
    )
    assert first_difference("learntorch/ops/a.py:3", "learntorch/ops/a.py:9") == ""
    assert first_difference("learntorch/ops/a.py:3", "learntorch/ops/b.py:3") != ""


@pytest.mark.parametrize(
    ("fresh", "stored", "tolerance", "same"),
    [
        ("loss 0.11", "loss 0.12", 0.02, True),
        ("loss 0.11", "loss 0.16", 0.02, False),
        ("loss 105", "loss 100", 0.05, True),
        ("loss 106", "loss 100", 0.05, False),
        ("loss -0.5", "loss 0.5", 0.1, False),
        ("1 of 3", "1 of 3", 0.0, True),
        ("loss 0.11 good", "loss 0.11 bad", 0.5, False),
        ("a 1 2", "a 1", 0.5, False),
        ("1.2e-3", "1.3e-3", 0.01, True),
        ("conv1: 5", "conv2: 5", 1.0, False),
    ],
)
def test_tolerance(fresh, stored, tolerance, same):
    assert (first_difference(fresh, stored, tolerance) == "") is same


def test_without_a_tolerance_nothing_is_touched():
    assert aligned("0.11", "0.12", 0.0) == "0.11"


def test_ours_may_say_more_than_pytorch():
    assert same_start("shapes differ: 3 and 4", "shapes differ") == ""
    assert "PyTorch says" in same_start("the shapes differ", "shapes differ")
    assert "lines" in same_start("a", "a\nb")


def picture(draw=None, size=(96, 64)):
    image = pytest.importorskip("PIL.Image").new("RGB", size, "white")
    if draw:
        draw(pytest.importorskip("PIL.ImageDraw").Draw(image))
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_pictures_that_look_alike():
    box = picture(lambda pen: pen.rectangle((10, 10, 40, 30), fill="black"))
    moved = picture(lambda pen: pen.rectangle((10, 10, 40, 30), fill="#0a0a0a"))
    assert picture_difference(box, box) == ""
    assert picture_difference(moved, box) == ""
    assert picture_difference(picture(size=(97, 64)), picture()) == ""


def test_pictures_that_do_not():
    box = picture(lambda pen: pen.rectangle((10, 10, 40, 30), fill="black"))
    assert "the picture changed" in picture_difference(picture(), box)
    line = picture(lambda pen: pen.line((0, 0, 96, 64), fill="black", width=3))
    assert "the picture changed" in picture_difference(line, picture())
    assert "96×64" in picture_difference(picture(size=(196, 64)), picture())
