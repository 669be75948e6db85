"""Tensors that say what they are, and transforms that take an image's masks and boxes along."""
import copy
import json
import pathlib
import pickle

import numpy as np
import pytest

import learntorch as torch
from learntorch.vision import ops, tv_tensors
from learntorch.vision.transforms import v2
from learntorch.vision.transforms.v2 import functional as F
from tests.vision.box_table import CASES, FORMATS, H, W, sample, told
from tests.vision.model_table import SEED

FROZEN = json.loads((pathlib.Path(__file__).parent / "boxes.json").read_text())
BOXES = tv_tensors.BoundingBoxes([[1.0, 2.0, 5.0, 6.0]], format="xyxy", canvas_size=(10, 12))


# ---- the classes -----------------------------------------------------------------------------


def test_what_is_computed_is_plain():
    image = tv_tensors.Image(torch.rand(3, 4, 5))
    assert isinstance(image, torch.Tensor)
    for plain in (image + 1, image[0], image.sum(), torch.stack([image, image]), image.float()):
        assert type(plain) is torch.Tensor or plain is image
    for kept in (image.clone(), image.to(torch.float64), image.detach(), copy.deepcopy(image),
                 pickle.loads(pickle.dumps(image)), image.requires_grad_(False)):
        assert type(kept) is tv_tensors.Image
    assert type(tv_tensors.wrap(image * 2, like=image)) is tv_tensors.Image


def test_boxes_keep_what_belongs_to_them():
    for b in (BOXES.clone(), BOXES.to(torch.int64), copy.deepcopy(BOXES),
              pickle.loads(pickle.dumps(BOXES)), tv_tensors.wrap(BOXES * 2, like=BOXES)):
        assert type(b) is tv_tensors.BoundingBoxes and b.canvas_size == (10, 12)
        assert b.format is tv_tensors.BoundingBoxFormat.XYXY and b.clamping_mode == "soft"
    other = tv_tensors.wrap(torch.zeros(1, 4), like=BOXES, format="CXCYWH", canvas_size=(1, 2))
    assert other.format.value == "CXCYWH" and other.canvas_size == (1, 2)
    assert repr(BOXES) == ("BoundingBoxes([[1., 2., 5., 6.]], format=BoundingBoxFormat.XYXY, "
                           "canvas_size=(10, 12), clamping_mode=soft)")
    assert repr(tv_tensors.Mask(torch.zeros(1, 2))) == "Mask([[0., 0.]], )"


def test_making_them():
    assert tv_tensors.Image(torch.zeros(4, 5)).shape == (1, 4, 5)
    assert tv_tensors.Image([[1, 2]]).dtype == torch.int64
    assert tv_tensors.Mask([[1, 2]], dtype=torch.uint8).dtype == torch.uint8
    assert tv_tensors.BoundingBoxes([1, 2, 3, 4], format="XYWH", canvas_size=(9, 9)).shape == (1, 4)
    for make, words in ((lambda: tv_tensors.Image(torch.zeros(3)), "not a torch image"),
                        (lambda: tv_tensors.Video(torch.zeros(3, 4, 5)), "four dimensions"),
                        (lambda: tv_tensors.BoundingBoxes(torch.zeros(1, 1, 4), format="XYXY",
                                                          canvas_size=(1, 1)), "1D or 2D tensor"),
                        (lambda: tv_tensors.BoundingBoxes([1, 2, 3, 4], format="XYXY",
                                                          canvas_size=(1, 1), clamping_mode="x"),
                         "clamping_mode must be"),
                        (lambda: tv_tensors.is_rotated_bounding_format(3), "should be str")):
        with pytest.raises(ValueError, match=words):
            make()
    assert tv_tensors.is_rotated_bounding_format("xywhr")
    assert not tv_tensors.is_rotated_bounding_format(BOXES.format)


def test_pictures_become_them():
    Image = pytest.importorskip("PIL.Image")
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert tv_tensors.Image(picture).shape == tv_tensors.Mask(picture).shape == (1, 3, 4)
    assert type(v2.ToImage()(picture)) is tv_tensors.Image
    assert type(v2.PILToTensor()(picture)) is torch.Tensor


def test_gradients_go_through():
    x = torch.rand(1, 4, 4, requires_grad=True)
    out = F.hflip(tv_tensors.Image(x))
    (out * torch.arange(4.0)).sum().backward()
    assert type(out) is tv_tensors.Image and x.grad[0, 0].tolist() == [3, 2, 1, 0]


# ---- transforms ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name, make", CASES, ids=[name for name, _ in CASES])
def test_as_torchvision(name, make, form):
    torch.manual_seed(SEED)
    found = told(torch, make(v2)(sample(torch, tv_tensors, form)))
    expected = FROZEN[f"{name} {form}"]
    np.testing.assert_allclose(found.pop("boxes"), expected.pop("boxes"), atol=2e-3)
    for key in ("mask", "masks"):       # a point on an edge may fall to the other side
        (shape, total), (their_shape, theirs) = found.pop(key), expected.pop(key)
        assert shape == their_shape and abs(total - theirs) <= 0.02 * theirs
    assert found == expected


@pytest.mark.parametrize("make", [
    lambda: v2.RandomHorizontalFlip(1.0), lambda: v2.RandomVerticalFlip(1.0),
    lambda: v2.Resize((57, 90)), lambda: v2.RandomCrop(35), lambda: v2.CenterCrop(33),
    lambda: v2.Pad((3, 5, 7, 1)), lambda: v2.RandomResizedCrop((40, 50), scale=(0.5, 1.0)),
    lambda: v2.RandomCrop(40, padding=4),
])
def test_boxes_stay_around_their_things(make):
    """A box drawn into a mask is where the box is said to be, whatever happens to both."""
    torch.manual_seed(1)
    mask = torch.zeros(45, 60)
    mask[10:28, 20:41] = 1
    boxes = tv_tensors.BoundingBoxes([[20.0, 10, 41, 28]], format="XYXY", canvas_size=(45, 60))
    mask, boxes = make()(tv_tensors.Mask(mask[None]), boxes)
    left, top, right, bottom = ops.masks_to_boxes(mask)[0].tolist()
    assert mask.shape[-2:] == boxes.canvas_size
    assert np.allclose(boxes[0].tolist(), [left, top, right + 1, bottom + 1], atol=1.0)


@pytest.mark.parametrize("angle", (0, 20, 90, 135))
@pytest.mark.parametrize("expand", (False, True))
def test_turned_boxes_stay_around_their_things(angle, expand):
    mask = torch.zeros(61, 81)
    mask[25:35, 30:50] = 1
    boxes = tv_tensors.BoundingBoxes([[30.0, 25, 50, 35]], format="XYXY", canvas_size=(61, 81))
    mask = F.rotate(tv_tensors.Mask(mask[None]), angle, expand=expand)
    boxes = F.rotate(boxes, angle, expand=expand)
    assert boxes.canvas_size == mask.shape[-2:]
    left, top, right, bottom = ops.masks_to_boxes(mask)[0].tolist()
    assert np.allclose(boxes[0].tolist(), [left, top, right + 1, bottom + 1], atol=1.5)


def test_masks_are_never_interpolated():
    mask = tv_tensors.Mask(torch.randint(0, 2, (9, 9)) * 200)
    for change in (lambda m: F.resize(m, [20, 20]), lambda m: F.rotate(m, 30, fill=0),
                   lambda m: F.affine(m, 10, (1, 2), 1.3, 5, fill=0),
                   lambda m: F.perspective(m, [[0, 0], [8, 0], [8, 8], [0, 8]],
                                           [[1, 0], [7, 1], [8, 8], [0, 7]], fill=0)):
        out = change(mask)
        assert type(out) is tv_tensors.Mask and out.ndim == 2
        assert set(out.unique().tolist()) <= {0, 200}
    with pytest.raises(ValueError, match="Non-scalar fill value"):
        F.pad(mask, 1, fill=[1, 2])


def test_colours_leave_masks_and_boxes_alone():
    whole = sample(torch, tv_tensors, "XYXY")
    for change in (v2.ColorJitter(0.9), v2.GaussianBlur(3, 2.0), v2.Normalize([0.5] * 3, [2.0] * 3),
                   v2.RandomErasing(1.0), v2.GaussianNoise(), v2.ToDtype(torch.float64)):
        out = change(whole)
        assert type(out["image"]) is tv_tensors.Image
        same = torch.equal(out["image"].float(), whole["image"])
        assert not same or out["image"].dtype == torch.float64
        for key in ("boxes", "mask", "masks", "labels"):
            assert out[key] is whole[key]
    with pytest.raises(TypeError, match="masks and boxes have no colours"):
        F.adjust_brightness(whole["mask"], 2)


def test_plain_tensors_beside_images_are_left_alone():
    image, other = tv_tensors.Image(torch.rand(3, 4, 4)), torch.rand(3, 4, 4)
    found, kept = v2.RandomHorizontalFlip(1.0)(image, other)
    assert torch.equal(found, image.flip(-1)) and kept is other
    first, second = v2.RandomHorizontalFlip(1.0)(other, other.clone())
    assert torch.equal(first, other.flip(-1)) and torch.equal(second, other)


def test_types_by_class():
    whole = sample(torch, tv_tensors, "XYXY")
    out = v2.ToDtype({tv_tensors.Mask: torch.int32, tv_tensors.Image: torch.uint8, "others": None},
                     scale=True)(whole)
    assert (out["mask"].dtype, out["image"].dtype, out["boxes"].dtype) == (
        torch.int32, torch.uint8, torch.float32)
    assert out["image"].max() > 200 and type(out["mask"]) is tv_tensors.Mask
    with pytest.raises(ValueError, match="No dtype was specified for type"):
        v2.ToDtype({tv_tensors.Mask: torch.int32})(whole)
    plain = v2.ToPureTensor()(whole)
    assert {type(plain[k]) for k in plain} == {torch.Tensor}


def test_boxes_outside_and_too_small():
    numbers = [[-3.0, 1, 4, 5], [1, 1, 1.5, 9], [2, 2, 8, 9], [1, 1, 30, 4]]
    boxes = tv_tensors.BoundingBoxes(numbers, format="XYXY", canvas_size=(10, 12))
    whole = {"boxes": boxes, "labels": torch.arange(4),
             "masks": tv_tensors.Mask(torch.rand(4, 10, 12))}
    out = v2.SanitizeBoundingBoxes()(whole)
    assert out["labels"].tolist() == [2] and out["masks"].shape == (1, 10, 12)
    assert out["boxes"].tolist() == [[2, 2, 8, 9]]
    out = v2.Compose([v2.ClampBoundingBoxes(), v2.SanitizeBoundingBoxes(min_area=30)])(whole)
    assert out["labels"].tolist() == [2, 3] and out["boxes"].tolist()[1] == [1, 1, 12, 4]
    assert F.clamp_bounding_boxes(boxes, clamping_mode=None).tolist() == boxes.tolist()
    plain, kept = F.sanitize_bounding_boxes(torch.Tensor(boxes.tolist()), "xyxy", (10, 12))
    assert kept.tolist() == [False, False, True, False] and type(plain) is torch.Tensor
    for call, words in (
            (lambda: v2.SanitizeBoundingBoxes(0.5), "min_size must be >= 1"),
            (lambda: v2.SanitizeBoundingBoxes(labels_getter=3), "labels_getter should either"),
            (lambda: v2.SanitizeBoundingBoxes(labels_getter=None)({"x": 1}), "No bounding boxes"),
            (lambda: v2.SanitizeBoundingBoxes()(dict(whole, labels=torch.arange(3))), "must match"),
            (lambda: F.sanitize_bounding_boxes(torch.zeros(1, 4)), "cannot be None"),
            (lambda: F.clamp_bounding_boxes(torch.zeros(1, 4)), "have to be passed"),
            (lambda: F.clamp_bounding_boxes(boxes, "XYXY"), "must not be passed"),
            (lambda: v2.SetClampingMode("x"), "clamping_mode must be")):
        with pytest.raises(ValueError, match=words):
            call()


def test_formats():
    t = torch.tensor([[1.0, 2.0, 5.0, 10.0]])
    assert F.convert_bounding_box_format(t, "XYXY", "CXCYWH").tolist() == [[3, 6, 4, 8]]
    found = F.convert_bounding_box_format(BOXES, new_format="xywh")
    assert found.tolist() == [[1, 2, 4, 4]] and found.format.name == "XYWH"
    with pytest.raises(ValueError, match="`old_format` has to be passed"):
        F.convert_bounding_box_format(t, new_format="XYXY")
    with pytest.raises(ValueError, match="must not be passed"):
        F.convert_bounding_box_format(BOXES, "XYXY", "XYWH")
    with pytest.raises(TypeError, match="missing 1 required argument"):
        F.convert_bounding_box_format(t)
    with pytest.raises(TypeError, match="plain tensor or a bounding box"):
        F.convert_bounding_box_format(3, new_format="XYXY")
    with pytest.raises(ValueError, match="boxes do not turn here"):
        F.convert_bounding_box_format(t, "XYWHR", "XYXY")


def test_what_has_no_boxes():
    whole = sample(torch, tv_tensors, "XYXY")
    with pytest.raises(TypeError, match="are not supported by FiveCrop"):
        v2.FiveCrop(3)(whole)
    with pytest.raises(ValueError, match="does not support PIL images, bounding boxes"):
        v2.CutMix(num_classes=3)(whole)
    with pytest.raises(ValueError, match="'edge' is not supported with bounding boxes"):
        F.pad(BOXES, 1, padding_mode="edge")
    empty = tv_tensors.BoundingBoxes(torch.zeros(0, 4), format="XYXY", canvas_size=(H, W))
    assert F.rotate(empty, 30).shape == F.crop(empty, 0, 0, 3, 3).shape == (0, 4)
