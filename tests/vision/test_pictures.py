"""utils and io: grids, drawings, and pictures in files."""
import pathlib

import numpy as np
import pytest

import learntorch as torch
from learntorch.vision import io, utils

Image = pytest.importorskip("PIL.Image")


# ---- grids ---------------------------------------------------------------------------------------

def test_grid_by_hand():
    images = torch.arange(3.0).reshape(3, 1, 1, 1) + 1
    grid = utils.make_grid(images, nrow=2, padding=1, pad_value=9)
    assert grid.shape == (3, 5, 5)
    assert grid[0].tolist() == [[9, 9, 9, 9, 9], [9, 1, 9, 2, 9], [9, 9, 9, 9, 9],
                                [9, 3, 9, 9, 9], [9, 9, 9, 9, 9]]
    assert (grid[0] == grid[1]).all() and (grid[0] == grid[2]).all()


@pytest.mark.parametrize("shape, expected", [
    ((4, 5), (3, 4, 5)), ((1, 4, 5), (3, 4, 5)), ((3, 4, 5), (3, 4, 5)), ((2, 4, 5), (2, 4, 5)),
    ((1, 3, 4, 5), (3, 4, 5)), ((9, 3, 4, 5), (3, 14, 58)), ((8, 1, 4, 5), (3, 8, 58)),
])
def test_grid_shapes(shape, expected):
    assert utils.make_grid(torch.zeros(shape)).shape == expected


def test_grid_stretched():
    x = torch.tensor([0.0, 1, 2, 4]).reshape(2, 1, 1, 2)
    all_of_it = utils.make_grid(x, padding=0, normalize=True)
    assert all_of_it[0].tolist() == [[0, 0.25, 0.5, 1]]
    each = utils.make_grid(x, padding=0, normalize=True, scale_each=True)
    assert each[0].tolist() == [[0, 1, 0, 1]]
    known = utils.make_grid(x, padding=0, normalize=True, value_range=(1, 3))
    assert known[0].tolist() == [[0, 0, 0.5, 1]]
    assert x.max() == 4, "the input stays as it was"
    with pytest.raises(TypeError, match="value_range has to be a tuple"):
        utils.make_grid(x, normalize=True, value_range=[0, 1])


def test_grid_of_a_list_and_of_what_is_none():
    grid = utils.make_grid([torch.ones(3, 2, 2, requires_grad=True)] * 2, padding=0)
    assert grid.shape == (3, 2, 4) and not grid.requires_grad
    with pytest.raises(TypeError, match="tensor or list of tensors expected, got <class 'int'>"):
        utils.make_grid(3)
    with pytest.raises(TypeError, match="got a list containing <class 'int'>"):
        utils.make_grid([3])


def test_save_image(tmp_path):
    x = torch.tensor([[[0.0, 0.5, 1.0, 2.0]]])
    utils.save_image(x, tmp_path / "a.png")
    utils.save_image(x, str(tmp_path / "a.img"), format="BMP")
    for name in ("a.png", "a.img"):
        with Image.open(tmp_path / name) as image:
            assert image.mode == "RGB"
            assert np.array(image)[0, :, 0].tolist() == [0, 128, 255, 255]


# ---- drawings ------------------------------------------------------------------------------------

def test_boxes_by_hand():
    image = torch.zeros(3, 6, 7, dtype=torch.uint8)
    out = utils.draw_bounding_boxes(image, torch.tensor([[1, 1, 4, 3]]), colors="red")
    frame = [[0] * 7, [0, 255, 255, 255, 255, 0, 0], [0, 255, 0, 0, 255, 0, 0],
             [0, 255, 255, 255, 255, 0, 0], [0] * 7, [0] * 7]
    assert out[0].tolist() == frame and out[1:].sum() == 0 and image.sum() == 0
    filled = utils.draw_bounding_boxes(image, torch.tensor([[1, 1, 4, 3]]), colors=[(200, 0, 0)],
                                       fill=True)
    assert 70 < filled[0, 2, 2] < 90                    # 200 · 100 / 255
    floats = utils.draw_bounding_boxes(image[:1].float(), torch.tensor([[1, 1, 4, 3]]))
    assert floats.dtype == torch.float32 and floats.shape == (3, 6, 7)


def test_labels_are_written():
    image = torch.zeros(3, 30, 60, dtype=torch.uint8)
    box = torch.tensor([[0, 0, 59, 29]])
    bare = utils.draw_bounding_boxes(image, box, colors="red")
    named = utils.draw_bounding_boxes(image, box, labels=["cat"], colors="red")
    assert (named != bare).sum() > 10
    ground = utils.draw_bounding_boxes(image, box, labels=["cat"], colors="red", fill_labels=True)
    assert (ground[0] == 255).sum() > (named[0] == 255).sum()


def test_masks_by_hand():
    image = torch.full((3, 1, 3), 100, dtype=torch.uint8)
    masks = torch.tensor([[[True, True, False]], [[False, True, False]]])
    out = utils.draw_segmentation_masks(image, masks, alpha=0.5, colors=["red", (0, 0, 200)])
    assert out[:, 0].T.tolist() == [[177, 50, 50], [50, 50, 50], [100, 100, 100]]


def test_points():
    image = torch.zeros(3, 9, 9, dtype=torch.uint8)
    points = torch.tensor([[[2, 2], [6, 6]]])
    out = utils.draw_keypoints(image, points, colors="blue", radius=1)
    assert out[2, 2, 2] == 255 and out[2, 6, 6] == 255 and out[0].sum() == 0
    line = utils.draw_keypoints(image, points, connectivity=[(0, 1)], colors="blue", width=1)
    assert line[:, 4, 4].sum() > 0
    hidden = utils.draw_keypoints(image, points, colors="blue", radius=1,
                                  visibility=torch.tensor([[True, False]]))
    assert hidden[2, 6, 6] == 0


IMAGE = torch.zeros(3, 4, 4, dtype=torch.uint8)
BOX = torch.tensor([[0, 0, 1, 1]])


@pytest.mark.parametrize("call, error, words", [
    (lambda: utils.draw_bounding_boxes([1], BOX), TypeError, "Tensor expected, got <class 'list'>"),
    (lambda: utils.draw_bounding_boxes(IMAGE.int(), BOX), ValueError,
     "The image dtype must be uint8 or float, got torch.int32"),
    (lambda: utils.draw_bounding_boxes(IMAGE[None], BOX), ValueError,
     "Pass individual images, not batches"),
    (lambda: utils.draw_bounding_boxes(IMAGE[:2], BOX), ValueError,
     "Only grayscale and RGB images are supported"),
    (lambda: utils.draw_bounding_boxes(IMAGE, BOX.flip(1)), ValueError,
     "Boxes need to be in (xmin, ymin, xmax, ymax) format."),
    (lambda: utils.draw_bounding_boxes(IMAGE, BOX, labels=["a", "b"]), ValueError,
     "Number of boxes (1) and labels (2) mismatch."),
    (lambda: utils.draw_bounding_boxes(IMAGE, BOX, colors=[]), ValueError,
     "Number of colors must be equal or larger than the number of objects, but got 0 < 1."),
    (lambda: utils.draw_bounding_boxes(IMAGE, BOX, colors=(1, 2)), ValueError,
     "If passed as tuple, colors should be an RGB triplet, but got (1, 2)."),
    (lambda: utils.draw_segmentation_masks(IMAGE, IMAGE), ValueError,
     "The masks must be of dtype bool. Got torch.uint8"),
    (lambda: utils.draw_segmentation_masks(IMAGE, IMAGE[:, :2] > 0), ValueError,
     "The image and the masks must have the same height and width"),
    (lambda: utils.draw_keypoints(IMAGE, BOX), ValueError,
     "keypoints must be of shape (num_instances, K, 2)"),
])
def test_drawing_errors(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(words)


def test_nothing_to_draw():
    with pytest.warns(UserWarning, match="boxes doesn't contain any box. No box was drawn"):
        assert utils.draw_bounding_boxes(IMAGE, torch.zeros(0, 4)) is IMAGE
    with pytest.warns(UserWarning, match="masks doesn't contain any mask. No mask was drawn"):
        assert utils.draw_segmentation_masks(IMAGE, torch.zeros(0, 4, 4) > 0) is IMAGE


# ---- files ---------------------------------------------------------------------------------------

PHOTO = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 5, 6), dtype=np.uint8))


@pytest.mark.parametrize("image", [PHOTO, PHOTO[:1]], ids=["RGB", "grey"])
def test_png_loses_nothing(tmp_path, image):
    io.write_png(image, str(tmp_path / "a.png"))
    for found in (io.read_image(str(tmp_path / "a.png")), io.decode_image(tmp_path / "a.png"),
                  io.decode_png(io.read_file(tmp_path / "a.png")),
                  io.decode_image(io.encode_png(image, 0))):
        assert found.dtype == torch.uint8 and torch.equal(found, image)


def test_jpeg(tmp_path):
    smooth = torch.arange(3 * 16 * 16).reshape(3, 16, 16).div(4).to(torch.uint8)
    io.write_jpeg(smooth, tmp_path / "a.jpg", quality=95)
    found = io.read_image(tmp_path / "a.jpg")
    assert found.shape == smooth.shape and (found.int() - smooth.int()).abs().float().mean() < 8
    assert len(io.encode_jpeg(PHOTO, 10)) < len(io.encode_jpeg(PHOTO, 95))


@pytest.mark.parametrize("mode, channels", [
    ("UNCHANGED", 4), ("GRAY", 1), ("GRAY_ALPHA", 2), ("RGB", 3), ("RGB_ALPHA", 4), ("rgb", 3)])
def test_read_modes(tmp_path, mode, channels):
    Image.new("RGBA", (3, 2), (10, 20, 30, 40)).save(tmp_path / "a.png")
    given = mode if mode == "rgb" else io.ImageReadMode[mode]
    found = io.read_image(tmp_path / "a.png", given)
    assert found.shape == (channels, 2, 3)
    if channels == 4:
        assert found[:, 0, 0].tolist() == [10, 20, 30, 40]


def test_palettes_and_bits(tmp_path):
    Image.new("RGB", (2, 2), (9, 8, 7)).convert("P").save(tmp_path / "p.png")
    assert io.read_image(tmp_path / "p.png").shape == (3, 2, 2)
    Image.new("1", (2, 2), 1).save(tmp_path / "b.png")
    assert io.read_image(tmp_path / "b.png").tolist() == [[[255, 255]] * 2]


def test_a_picture_on_its_side(tmp_path):
    image = Image.new("RGB", (4, 2))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert io.read_image(tmp_path / "a.jpg").shape == (3, 2, 4)
    assert io.read_image(tmp_path / "a.jpg", apply_exif_orientation=True).shape == (3, 4, 2)


def test_what_is_no_picture(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("hello")
    with pytest.raises(RuntimeError, match="Unsupported image file, or a damaged one: .*a.png"):
        io.read_image(path)
    io.write_png(PHOTO, path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(RuntimeError, match="damaged"):
        io.read_image(path)
    with pytest.raises(FileNotFoundError):
        io.read_image(tmp_path / "b.png")
    with pytest.raises(RuntimeError, match="Expected a non empty 1-dimensional tensor"):
        io.decode_image(PHOTO)
    with pytest.raises(RuntimeError, match="Input tensor dtype should be uint8"):
        io.encode_png(PHOTO.float())
    with pytest.raises(RuntimeError, match="number of channels should be 1 or 3, got: 2"):
        io.write_png(PHOTO[:2], path)
    with pytest.raises(ValueError, match="between 1 and 100"):
        io.write_jpeg(PHOTO, path, quality=0)


def test_bytes_of_a_file(tmp_path):
    path = tmp_path / "a"
    io.write_file(str(path), torch.tensor([1, 2, 255], dtype=torch.uint8))
    assert pathlib.Path(path).read_bytes() == b"\x01\x02\xff"
    assert io.read_file(path).tolist() == [1, 2, 255]
    with pytest.raises(RuntimeError, match="uint8 tensor of one dimension"):
        io.write_file(path, PHOTO)
