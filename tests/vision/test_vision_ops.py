"""Boxes, losses for boxes, and blocks of layers: numbers that can be seen without a computer."""
import math

import numpy as np
import pytest

import learntorch as torch
from learntorch.vision import ops

A = torch.tensor([[0.0, 0.0, 4.0, 2.0], [2.0, 0.0, 6.0, 2.0], [10.0, 10.0, 11.0, 12.0]])


def near(t, expected):
    return np.allclose(t.detach().numpy(), expected, atol=1e-6)


def test_formats():
    boxes = torch.tensor([[1.0, 2.0, 5.0, 10.0]])
    assert near(ops.box_convert(boxes, "xyxy", "xywh"), [[1, 2, 4, 8]])
    assert near(ops.box_convert(boxes, "xyxy", "cxcywh"), [[3, 6, 4, 8]])
    for one in ("xyxy", "xywh", "cxcywh"):
        for two in ("xyxy", "xywh", "cxcywh"):
            there = ops.box_convert(boxes, one, two)
            assert torch.equal(ops.box_convert(there, two, one), boxes)
    assert ops.box_area(boxes).tolist() == [32] == ops.box_area(
        ops.box_convert(boxes, "xyxy", "cxcywh"), "cxcywh").tolist()
    with pytest.raises(ValueError, match="Unsupported Bounding Box Conversions"):
        ops.box_convert(boxes, "xyxy", "yxyx")
    with pytest.raises(NotImplementedError, match="boxes do not turn here"):
        ops.box_convert(torch.zeros(1, 5), "xywhr", "cxcywhr")


def test_overlaps():
    """Two boxes of 4 × 2 share 2 × 2; the box around both is 6 × 2, their middles 2 apart."""
    iou = 4 / 12
    assert near(ops.box_iou(A, A), [[1, iou, 0], [iou, 1, 0], [0, 0, 1]])
    assert near(ops.box_iou(ops.box_convert(A, "xyxy", "xywh"), ops.box_convert(A, "xyxy", "xywh"),
                            "xywh"), ops.box_iou(A, A).numpy())
    assert near(ops.generalized_box_iou(A[:1], A), [[1, iou, -(11 * 12 - 10) / (11 * 12)]])
    assert near(ops.distance_box_iou(A[:1], A[:2]), [[1, iou - 4 / 40]])
    assert near(ops.complete_box_iou(A[:1], A[:2]), [[1, iou - 4 / 40]])   # their shapes agree
    wide, tall = torch.tensor([[0.0, 0.0, 2.0, 1.0]]), torch.tensor([[0.0, 0.0, 1.0, 2.0]])
    v = 4 / math.pi ** 2 * (math.atan(2) - math.atan(0.5)) ** 2
    distance = 1 / 3 - 0.5 / 8
    assert near(ops.complete_box_iou(wide, tall), [[distance - v / (1 - 1 / 3 + v) * v]])


def test_losses_are_one_minus_overlaps():
    one, two = A[[0, 0, 1]], A[[1, 2, 1]]
    for loss, overlap in ((ops.generalized_box_iou_loss, ops.generalized_box_iou),
                          (ops.distance_box_iou_loss, ops.distance_box_iou),
                          (ops.complete_box_iou_loss, ops.complete_box_iou)):
        expected = 1 - overlap(one, two).numpy().diagonal()
        assert near(loss(one, two), expected)
        assert near(loss(one, two, "mean"), expected.mean())
        assert near(loss(one, two, "sum"), expected.sum())
        assert loss(one[:0], two[:0], "mean").item() == 0
        with pytest.raises(ValueError, match="Supported reduction modes"):
            loss(one, two, "most")


def test_a_loss_pulls_boxes_together():
    guess = torch.tensor([[3.0, 0.0, 5.0, 1.0]], requires_grad=True)
    optimizer = torch.optim.Adam([guess], 0.05)
    for _ in range(200):
        optimizer.zero_grad()
        ops.generalized_box_iou_loss(guess, A[:1], "sum").backward()
        optimizer.step()
    assert ops.box_iou(guess.detach(), A[:1]).item() > 0.9


def test_focal_loss():
    x, y = torch.tensor([2.0, -1.0]), torch.tensor([1.0, 0.0])
    p = 1 / (1 + np.exp([-2.0, -1.0]))          # the probabilities of what is true
    assert near(ops.sigmoid_focal_loss(x, y, alpha=-1, gamma=0), -np.log(p))
    assert near(ops.sigmoid_focal_loss(x, y), -np.array([0.25, 0.75]) * (1 - p) ** 2 * np.log(p))
    with pytest.raises(ValueError, match="Invalid alpha value: 2"):
        ops.sigmoid_focal_loss(x, y, alpha=2)


def test_the_best_of_many():
    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0],
                          [0.0, 0.0, 5.0, 10.0]])
    scores = torch.tensor([0.5, 0.9, 0.3, 0.8])
    assert ops.nms(boxes, scores, 0.6).tolist() == [1, 3, 2]
    assert ops.nms(boxes, scores, 0.35).tolist() == [1, 2]
    assert ops.nms(boxes, scores, 1.0).tolist() == [1, 3, 0, 2]
    assert ops.nms(boxes[:0], scores[:0], 0.5).tolist() == []
    kinds = torch.tensor([0, 1, 0, 1])
    assert ops.batched_nms(boxes, scores, kinds, 0.35).tolist() == [1, 0, 2]
    assert ops.batched_nms(boxes[:0], scores[:0], kinds[:0], 0.4).tolist() == []
    assert ops.remove_small_boxes(A, 1.5).tolist() == [0, 1]
    assert ops.clip_boxes_to_image(A, (1, 5)).tolist() == [[0, 0, 4, 1], [2, 0, 5, 1], [5, 1, 5, 1]]


def test_masks():
    masks = torch.zeros(3, 5, 6)
    masks[0, 1:3, 2:5] = 1
    masks[1, 4, 0] = 1
    assert ops.masks_to_boxes(masks).tolist() == [[2, 1, 4, 2], [0, 4, 0, 4], [0, 0, 0, 0]]
    assert ops.masks_to_boxes(masks[:0]).shape == (0, 4)


def test_squares_are_dropped():
    torch.manual_seed(0)
    x = torch.ones(50, 4, 9, 9)
    y = ops.drop_block2d(x, 0.2, 3)
    share = (y == 0).float().mean().item()
    assert 0.1 < share < 0.25 and abs(y.mean().item() - 1) < 1e-5
    assert ops.DropBlock2d(0.5, 3).eval()(x) is x
    assert ops.drop_block3d(x[None], 0.2, 3).shape == (1, 50, 4, 9, 9)
    again = x.clone()
    assert ops.drop_block2d(again, 0.2, 3, inplace=True) is again and (again == 0).any()
    for p, size, words in ((2, 3, "drop probability"), (0.1, 4, "should be odd")):
        with pytest.raises(ValueError, match=words):
            ops.drop_block2d(x, p, size)
    with pytest.raises(ValueError, match="5 dimensional"):
        ops.drop_block3d(x, 0.1, 3)


def test_branches_are_left_out():
    x = torch.ones(400, 2, 3)
    rows = ops.stochastic_depth(x, 0.25, "row").flatten(1)
    assert set(rows.unique().tolist()) == {0.0, float(np.float32(1 / 0.75))}
    assert (rows == rows[:, :1]).all() and 0.6 < (rows[:, 0] > 0).float().mean() < 0.9
    assert len(ops.stochastic_depth(x, 0.25, "batch").unique()) == 1
    assert (ops.stochastic_depth(x, 1.0, "row") == 0).all()
    assert ops.StochasticDepth(0.5, "row").eval()(x) is x
    with pytest.raises(ValueError, match="mode has to be either"):
        ops.stochastic_depth(x, 0.5, "column")


def test_blocks_of_layers():
    assert ops.Conv2dNormActivation(3, 8, 5, 2)(torch.zeros(2, 3, 9, 9)).shape == (2, 8, 5, 5)
    block = ops.Conv2dNormActivation(3, 8, (3, 5), dilation=2, norm_layer=None,
                                     activation_layer=None)
    assert len(block) == 1 and block[0].padding == (2, 4) and block[0].bias is not None
    assert ops.Conv3dNormActivation(3, 8)(torch.zeros(1, 3, 4, 4, 4)).shape == (1, 8, 4, 4, 4)
    excite = ops.SqueezeExcitation(4, 2)
    x = torch.rand(2, 4, 3, 3)
    y = excite(x).detach()
    assert near(y / x, np.broadcast_to((y / x)[:, :, :1, :1].numpy(), (2, 4, 3, 3)))
    assert [type(layer).__name__ for layer in ops.MLP(3, [4, 5], torch.nn.LayerNorm)] == [
        "Linear", "LayerNorm", "ReLU", "Dropout", "Linear", "Dropout"]
    assert ops.Permute([0, 2, 1])(torch.zeros(2, 3, 4)).shape == (2, 4, 3)


def test_frozen_norm_is_the_norm_of_evaluation():
    norm = torch.nn.BatchNorm2d(4)
    norm(torch.randn(8, 4, 3, 3) * 3 + 1)
    frozen = ops.FrozenBatchNorm2d(4)
    frozen.load_state_dict(norm.state_dict())
    x = torch.randn(2, 4, 3, 3)
    assert torch.allclose(frozen(x), norm.eval()(x), atol=1e-6)
    assert list(frozen.parameters()) == [] and repr(frozen) == "FrozenBatchNorm2d(4, eps=1e-05)"
