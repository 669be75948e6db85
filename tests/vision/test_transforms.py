"""Transforms: what is worked out by hand, on images of a few pixels, and what errors say."""
import random

import numpy as np
import pytest

import learntorch as torch
from learntorch.vision import transforms as T
from learntorch.vision.transforms import functional as F

Image = pytest.importorskip("PIL.Image")
SMALL = [[1, 2, 3], [4, 5, 6]]


def grey(rows):
    """A PIL Image of mode "L" with these bytes."""
    return Image.fromarray(np.array(rows, np.uint8))


def plane(rows, dtype=torch.uint8):
    """A tensor (1, h, w) with these numbers."""
    return torch.tensor([rows], dtype=dtype)


def rows(img):
    """The numbers of an image of one channel, as nested lists."""
    return img[0].tolist() if isinstance(img, torch.Tensor) else np.array(img).tolist()


# ---- places: the same by hand for a picture and a tensor -----------------------------------------

BY_HAND = [
    (F.hflip, [[3, 2, 1], [6, 5, 4]]),
    (F.vflip, [[4, 5, 6], [1, 2, 3]]),
    (lambda x: F.crop(x, 0, 1, 2, 2), [[2, 3], [5, 6]]),
    (lambda x: F.crop(x, 1, -1, 2, 3), [[0, 4, 5], [0, 0, 0]]),
    (lambda x: F.crop(x, -3, 0, 2, 2), [[0, 0], [0, 0]]),
    (lambda x: F.center_crop(x, (2, 1)), [[2], [5]]),
    (lambda x: F.center_crop(x, 4), [[0, 0, 0, 0], [1, 2, 3, 0], [4, 5, 6, 0], [0, 0, 0, 0]]),
    (lambda x: F.pad(x, 1), [[0] * 5, [0, 1, 2, 3, 0], [0, 4, 5, 6, 0], [0] * 5]),
    (lambda x: F.pad(x, (1, 0), 9), [[9, 1, 2, 3, 9], [9, 4, 5, 6, 9]]),
    (lambda x: F.pad(x, (0, 1, 1, 0), padding_mode="edge"),
     [[1, 2, 3, 3], [1, 2, 3, 3], [4, 5, 6, 6]]),
    (lambda x: F.pad(x, (2, 0, 1, 1), padding_mode="reflect"),
     [[3, 2, 1, 2, 3, 2], [6, 5, 4, 5, 6, 5], [3, 2, 1, 2, 3, 2]]),
    (lambda x: F.pad(x, (2, 0, 1, 1), padding_mode="symmetric"),
     [[2, 1, 1, 2, 3, 3], [5, 4, 4, 5, 6, 6], [5, 4, 4, 5, 6, 6]]),
    (lambda x: F.pad(x, (-1, 0)), [[2], [5]]),
    (lambda x: F.rotate(F.crop(x, 0, 0, 2, 2), 90), [[2, 5], [1, 4]]),
    (lambda x: F.rotate(F.pad(x, (0, 0, 1, 0)), 90, expand=True), [[0, 0], [3, 6], [2, 5], [1, 4]]),
    (lambda x: F.rotate(x, 180), [[6, 5, 4], [3, 2, 1]]),
    (lambda x: F.affine(x, 0, [1, 0], 1.0, 0), [[0, 1, 2], [0, 4, 5]]),
    (lambda x: F.affine(x, 0, [0, -1], 1.0, 0, fill=[7]), [[4, 5, 6], [7, 7, 7]]),
    (lambda x: F.resize(x, (4, 6), T.InterpolationMode.NEAREST),
     [[1, 1, 2, 2, 3, 3]] * 2 + [[4, 4, 5, 5, 6, 6]] * 2),
    (lambda x: F.resize(F.vflip(F.adjust_brightness(x, 2.0)), (1, 3)), [[5, 7, 9]]),
    (lambda x: F.perspective(x, [[0, 0], [2, 0], [2, 1], [0, 1]], [[1, 0], [3, 0], [3, 1], [1, 1]],
                             T.InterpolationMode.NEAREST), [[0, 1, 2], [0, 4, 5]]),
    (F.invert, [[254, 253, 252], [251, 250, 249]]),
    (lambda x: F.posterize(x, 7), [[0, 2, 2], [4, 4, 6]]),
    (lambda x: F.solarize(x, 4), [[1, 2, 3], [251, 250, 249]]),
    (lambda x: F.adjust_brightness(x, 2.0), [[2, 4, 6], [8, 10, 12]]),
    (lambda x: F.autocontrast(x), [[0, 51, 102], [153, 204, 255]]),
]


@pytest.mark.parametrize("number", range(len(BY_HAND)))
def test_by_hand(number):
    function, expected = BY_HAND[number]
    for img in (grey(SMALL), plane(SMALL)):
        assert rows(function(img)) == expected, type(img)


def test_ten_crop_is_five_and_five_of_the_mirror():
    x = plane(np.arange(20).reshape(4, 5).tolist())
    first = [rows(c) for c in F.five_crop(x, 2)]
    assert first == [[[0, 1], [5, 6]], [[3, 4], [8, 9]], [[10, 11], [15, 16]],
                     [[13, 14], [18, 19]], [[7, 8], [12, 13]]]     # 1.5 is rounded to 2
    assert [rows(c) for c in F.ten_crop(x, 2)[5:]] == \
        [rows(c) for c in F.five_crop(F.hflip(x), 2)]


def test_colours_by_hand():
    red = torch.tensor([[[255]], [[0]], [[0]]], dtype=torch.uint8)
    assert F.rgb_to_grayscale(red).item() == 76                     # ⌊0.2989 · 255⌋
    assert F.adjust_hue(red, 1 / 3).flatten().tolist() == [0, 255, 0]
    assert F.adjust_hue(red, -1 / 3).flatten().tolist() == [0, 0, 255]
    assert F.adjust_saturation(red, 0.0).flatten().tolist() == [76, 76, 76]
    assert F.adjust_gamma(torch.tensor([[[0.25]]]), 0.5).item() == 0.5
    two = plane([[0, 100]])
    assert rows(F.adjust_contrast(two, 0.0)) == [[50, 50]]
    assert rows(F.equalize(plane([[0, 0, 7, 7]]))) == [[0, 0, 7, 7]]


def test_blur_by_hand():
    x = torch.zeros(1, 5, 5)
    x[0, 2, 2] = 1
    side = np.exp(-0.5)
    k = np.array([side, 1, side]) / (1 + 2 * side)
    out = F.gaussian_blur(x, 3, 1.0)
    assert np.allclose(out[0, 1:4, 1:4].numpy(), np.outer(k, k), atol=1e-7)
    assert out[0, 0].sum() == 0


@pytest.mark.parametrize("size, expected", [(2, (2, 3)), ([4], (4, 6)), ((5, 4), (5, 4))])
def test_the_shorter_edge_leads(size, expected):
    for img in (Image.new("L", (9, 6)), torch.zeros(1, 6, 9)):
        assert tuple(F.get_dimensions(F.resize(img, size))[1:]) == expected


FORMS = [lambda x: F.resize(x, (5, 3)), lambda x: F.rotate(x, 30, fill=1),
         lambda x: F.affine(x, 10, (1, 0), 1.1, 5, T.InterpolationMode.BILINEAR),
         lambda x: F.gaussian_blur(x, 3), lambda x: F.adjust_sharpness(x, 2), F.autocontrast,
         lambda x: F.pad(x, 1, padding_mode="symmetric"), lambda x: F.adjust_hue(x, 0.1)]


@pytest.mark.parametrize("number", range(len(FORMS)))
def test_batches_are_their_images(number):
    torch.manual_seed(0)
    x = torch.rand(2, 2, 3, 6, 7)
    for batch in (x, x[0]):
        out = FORMS[number](batch)
        for part, image in zip(out.reshape(-1, *out.shape[-3:]), batch.reshape(-1, 3, 6, 7)):
            assert torch.allclose(part, FORMS[number](image), atol=1e-6)
    if number < 5:
        assert torch.allclose(FORMS[number](x[0, 0, 0]), FORMS[number](x[0, 0, :1])[0], atol=1e-6)


def test_tensors_keep_their_history():
    x = torch.rand(3, 6, 7, requires_grad=True)
    chain = T.Compose([T.Resize(5), T.RandomRotation(20, T.InterpolationMode.BILINEAR),
                       T.ColorJitter(0.3, 0.3, 0.3), T.Normalize([0.5] * 3, [0.5] * 3)])
    chain(x).sum().backward()
    assert x.grad.shape == x.shape and x.grad.abs().sum() > 0


# ---- pictures, arrays, tensors -------------------------------------------------------------------

def test_to_tensor():
    t = T.ToTensor()(np.array([[[0, 51, 255]]], np.uint8))
    assert t.shape == (3, 1, 1) and t.flatten().tolist() == [0.0, np.float32(51 / 255), 1.0]
    assert F.to_tensor(np.array([[1, 300]], np.int32)).tolist() == [[[1, 300]]]
    assert F.to_tensor(grey([[0, 255]])).tolist() == [[[0.0, 1.0]]]
    assert F.to_tensor(Image.new("1", (2, 1), 1)).tolist() == [[[1.0, 1.0]]]
    assert F.to_tensor(Image.new("F", (1, 1), 3.5)).item() == 3.5
    assert F.to_tensor(Image.new("I", (1, 1), 70000)).item() == 70000


@pytest.mark.parametrize("mode, bands", [("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4)])
def test_pictures_there_and_back(mode, bands):
    a = np.random.default_rng(0).integers(0, 256, (3, 4, bands), dtype=np.uint8)
    image = F.to_pil_image(a)
    assert image.mode == mode and F.get_dimensions(image) == [bands, 3, 4]
    assert (F.pil_to_tensor(image).permute(1, 2, 0).numpy() == a).all()
    assert (np.array(F.to_pil_image(F.to_tensor(image))).reshape(a.shape) == a).all()


def test_other_modes():
    hsv = F.to_pil_image(torch.zeros(3, 2, 2, dtype=torch.uint8) + 9, "HSV")
    assert hsv.mode == "HSV" and hsv.getpixel((1, 1)) == (9, 9, 9)
    assert F.to_pil_image(torch.tensor([[1000]], dtype=torch.int16)).mode == "I;16"
    assert F.to_pil_image(torch.tensor([[2.5]]), "F").getpixel((0, 0)) == 2.5


@pytest.mark.parametrize("value, dtype, expected", [
    (torch.tensor([0, 255], dtype=torch.uint8), torch.float32, [0.0, 1.0]),
    (torch.tensor([0.0, 0.5, 1.0]), torch.uint8, [0, 127, 255]),
    (torch.tensor([0, 255], dtype=torch.uint8), torch.int16, [0, 255 * 128]),
    (torch.tensor([256, 32767], dtype=torch.int16), torch.uint8, [2, 255]),
])
def test_types_by_hand(value, dtype, expected):
    out = T.ConvertImageDtype(dtype)(value)
    assert out.dtype == dtype and out.tolist() == expected


def test_normalize():
    x = torch.tensor([[[1.0]], [[4.0]]])
    assert F.normalize(x, (0, 2), (2, 4)).flatten().tolist() == [0.5, 0.5]
    assert x.flatten().tolist() == [1, 4]
    out = F.normalize(x, [1.0], [2.0], inplace=True)
    assert out is x and x.flatten().tolist() == [0, 1.5]


# ---- chance: the numbers that torch's public functions give for the same seed --------------------

def test_flip_draws_one_number():
    x = plane(SMALL)
    for seed in range(6):
        torch.manual_seed(seed)
        flips = torch.rand(1).item() < 0.3
        after = torch.rand(1).item()
        torch.manual_seed(seed)
        out = T.RandomHorizontalFlip(0.3)(x)
        assert rows(out) == (rows(F.hflip(x)) if flips else SMALL)
        assert torch.rand(1).item() == after


def test_crop_draws_top_then_left():
    torch.manual_seed(3)
    top = torch.randint(0, 32 - 24 + 1, (1,)).item()
    left = torch.randint(0, 40 - 20 + 1, (1,)).item()
    torch.manual_seed(3)
    assert T.RandomCrop.get_params(torch.zeros(3, 32, 40), (24, 20)) == (top, left, 24, 20)
    before = torch.get_rng_state()
    assert T.RandomCrop.get_params(torch.zeros(3, 5, 6), (5, 6)) == (0, 0, 5, 6)
    assert (torch.get_rng_state() == before).all()


def test_resized_crop_draws_area_ratio_top_left():
    torch.manual_seed(4)
    area = 40 * 50 * torch.empty(1).uniform_(0.08, 1.0).item()
    low, high = torch.log(torch.tensor((3 / 4, 4 / 3)))
    ratio = torch.exp(torch.empty(1).uniform_(low.item(), high.item())).item()
    w, h = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
    assert w <= 50 and h <= 40, "choose a seed whose first try fits"
    top = torch.randint(0, 40 - h + 1, (1,)).item()
    left = torch.randint(0, 50 - w + 1, (1,)).item()
    torch.manual_seed(4)
    found = T.RandomResizedCrop.get_params(torch.zeros(3, 40, 50), (0.08, 1.0), (3 / 4, 4 / 3))
    assert found == (top, left, h, w)


def test_resized_crop_when_nothing_fits():
    wide, tall = torch.zeros(1, 10, 100), torch.zeros(1, 100, 10)
    get = T.RandomResizedCrop.get_params
    assert get(wide, (1.0, 1.0), (3 / 4, 4 / 3)) == (0, 43, 10, 13)
    assert get(tall, (1.0, 1.0), (3 / 4, 4 / 3)) == (43, 0, 13, 10)
    assert get(torch.zeros(1, 10, 10), (2.0, 2.0), (3 / 4, 4 / 3)) == (0, 0, 10, 10)


def test_jitter_draws_order_then_factors():
    torch.manual_seed(0)
    order = torch.randperm(4).tolist()
    b = torch.empty(1).uniform_(0.6, 1.4).item()
    h = torch.empty(1).uniform_(-0.1, 0.1).item()
    torch.manual_seed(0)
    found = T.ColorJitter.get_params((0.6, 1.4), None, None, (-0.1, 0.1))
    assert [found[0].tolist(), *found[1:]] == [order, b, None, None, h]


def test_affine_draws_angle_shift_scale_shear():
    torch.manual_seed(1)
    numbers = [torch.empty(1).uniform_(low, high).item() for low, high in
               [(-10, 10), (-0.2 * 30, 0.2 * 30), (-0.1 * 20, 0.1 * 20), (0.5, 1.5), (-3, 3)]]
    torch.manual_seed(1)
    found = T.RandomAffine.get_params((-10, 10), (0.2, 0.1), (0.5, 1.5), (-3, 3), (30, 20))
    assert found == (numbers[0], (round(numbers[1]), round(numbers[2])), numbers[3],
                     (numbers[4], 0.0))


def test_erasing_writes_a_rectangle():
    torch.manual_seed(0)
    out = T.RandomErasing(p=1, value=(1, 2, 3))(torch.zeros(3, 12, 14))
    places = out[0].nonzero()
    (top, left), (bottom, right) = places.amin(0).tolist(), places.amax(0).tolist()
    assert len(places) == (bottom - top + 1) * (right - left + 1)
    assert (out == torch.tensor([1.0, 2, 3])[:, None, None] * (out[:1] != 0)).all()
    x = torch.zeros(1, 8, 8)
    assert T.RandomErasing(p=1, inplace=True, value=5)(x) is x and x.max() == 5
    assert T.RandomErasing(p=0)(x) is x


def test_choice_and_order_use_python_s_random():
    random.seed(0)
    expected = random.choices([0, 1, 2], weights=None)[0]
    random.seed(0)
    chosen = T.RandomChoice([T.Lambda(lambda x, i=i: i) for i in range(3)])(None)
    assert chosen == expected
    random.seed(1)
    order = [0, 1, 2]
    random.shuffle(order)
    random.seed(1)
    added = T.RandomOrder([T.Lambda(lambda x, i=i: x + [i]) for i in range(3)])([])
    assert added == order


def test_apply():
    t = T.RandomApply([T.Lambda(lambda x: x + 1), T.Lambda(lambda x: x * 2)], p=1.0)
    assert t(1) == 4
    assert T.RandomApply([T.Lambda(lambda x: x + 1)], p=0.0)(1) == 1


def test_whitening():
    t = T.LinearTransformation(torch.eye(4) * 2, torch.ones(4))
    assert t(torch.tensor([[[1.0, 2], [3, 4]]])).tolist() == [[[0, 2], [4, 6]]]


# ---- reprs and errors ----------------------------------------------------------------------------

@pytest.mark.parametrize("t, words", [
    (T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))]),
     "Compose(\n    ToTensor()\n    Normalize(mean=(0.5,), std=(0.5,))\n)"),
    (T.Resize(3), "Resize(size=3, interpolation=bilinear, max_size=None, antialias=True)"),
    (T.RandomCrop(32, padding=4), "RandomCrop(size=(32, 32), padding=4)"),
    (T.RandomResizedCrop(224), "RandomResizedCrop(size=(224, 224), scale=(0.08, 1.0), "
     "ratio=(0.75, 1.3333), interpolation=bilinear, antialias=True)"),
    (T.ColorJitter(0.1, hue=0.2), "ColorJitter(brightness=(0.9, 1.1), contrast=None, "
     "saturation=None, hue=(-0.2, 0.2))"),
    (T.RandomRotation(10), "RandomRotation(degrees=[-10.0, 10.0], interpolation=nearest, "
     "expand=False, fill=0)"),
    (T.RandomAffine(5, scale=(1, 2)), "RandomAffine(degrees=[-5.0, 5.0], scale=(1, 2))"),
    (T.RandomApply([T.CenterCrop(2)], 0.3),
     "RandomApply(\n    p=0.3\n    CenterCrop(size=(2, 2))\n)"),
    (T.AutoAugment(), "AutoAugment(policy=AutoAugmentPolicy.IMAGENET, fill=None)"),
    (T.RandomPosterize(2), "RandomPosterize(bits=2,p=0.5)"), (T.ToPILImage(), "ToPILImage()"),
])
def test_reprs(t, words):
    assert repr(t) == words


IMAGE = torch.zeros(3, 4, 4)
BYTES = IMAGE.to(torch.uint8)


@pytest.mark.parametrize("call, error, words", [
    (lambda: F.to_tensor([1]), TypeError,
     "pic should be PIL Image or ndarray. Got <class 'list'>"),
    (lambda: F.to_tensor(IMAGE), TypeError, "pic should be PIL Image or ndarray. Got <class"),
    (lambda: F.to_tensor(np.zeros(3)), ValueError,
     "pic should be 2/3 dimensional. Got 1 dimensions."),
    (lambda: F.pil_to_tensor(IMAGE), TypeError, "pic should be PIL Image. Got <class"),
    (lambda: F.to_pil_image([1]), TypeError,
     "pic should be Tensor or ndarray. Got <class 'list'>."),
    (lambda: F.to_pil_image(torch.zeros(1, 2, 3, 4)), ValueError,
     "pic should be 2/3 dimensional. Got 4 dimensions."),
    (lambda: F.to_pil_image(torch.zeros(5, 2, 2)), ValueError,
     "pic should not have > 4 channels. Got 5 channels."),
    (lambda: F.to_pil_image(IMAGE, "L"), ValueError,
     "Only modes ['RGB', 'YCbCr', 'HSV'] are supported for 3D inputs"),
    (lambda: F.to_pil_image(torch.zeros(2, 2, dtype=torch.int64)), TypeError,
     "Input type int64 is not supported"),
    (lambda: F.normalize(BYTES, [0], [1]), TypeError,
     "Input tensor should be a float tensor. Got torch.uint8."),
    (lambda: F.normalize(grey(SMALL), [0], [1]), TypeError,
     "img should be Tensor Image. Got <class"),
    (lambda: F.normalize(IMAGE, [0], [0]), ValueError,
     "std evaluated to zero after conversion to torch.float32, leading to division by zero."),
    (lambda: F.normalize(IMAGE[:1], [0] * 3, [1] * 3), RuntimeError,
     "output with shape [1, 4, 4] doesn't match the broadcast shape [3, 4, 4]"),
    (lambda: F.normalize(IMAGE[0], [0], [1]), ValueError,
     "Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = "
     "torch.Size([4, 4])"),
    (lambda: F.hflip("x"), TypeError, "img should be PIL Image. Got <class 'str'>"),
    (lambda: F.hflip(torch.zeros(3)), TypeError, "Tensor is not a torch image."),
    (lambda: F.get_dimensions([1]), TypeError, "Unexpected type <class 'list'>"),
    (lambda: F.resize(IMAGE, [1, 2, 3]), ValueError,
     "Size must be an int or a 1 or 2 element tuple/list, not a 3 element tuple/list"),
    (lambda: F.resize(IMAGE, 2, "bilinear"), TypeError,
     "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer"),
    (lambda: F.resize(IMAGE, 2, max_size=2), ValueError,
     "max_size = 2 must be strictly greater than the requested size for the smaller edge size"),
    (lambda: F.five_crop(IMAGE, 9), ValueError,
     "Requested crop size (9, 9) is bigger than input size (4, 4)"),
    (lambda: F.pad(IMAGE, "1"), TypeError, "Got inappropriate padding arg"),
    (lambda: F.pad(IMAGE, (1, 2, 3)), ValueError,
     "Padding must be an int or a 1, 2, or 4 element tuple, not a 3 element tuple"),
    (lambda: F.pad(IMAGE, 1, padding_mode="wrap"), ValueError,
     "Padding mode should be either constant, edge, reflect or symmetric"),
    (lambda: F.pad(IMAGE, 4, padding_mode="reflect"), RuntimeError,
     "Padding size should be less than the corresponding input dimension"),
    (lambda: F.rotate(IMAGE, "1"), TypeError, "Argument angle should be int or float"),
    (lambda: F.rotate(IMAGE, 1, fill=[1, 2]), ValueError, "The number of elements in 'fill' cannot "
     "broadcast to match the number of channels of the image (2 != 3)"),
    (lambda: F.rotate(IMAGE, 1, T.InterpolationMode.BICUBIC), ValueError,
     "Interpolation mode 'bicubic' is unsupported with Tensor input"),
    (lambda: F.affine(IMAGE, 0, [1], 1, 0), ValueError,
     "Argument translate should be a sequence of length 2"),
    (lambda: F.affine(IMAGE, 0, [1, 1], 0, 0), ValueError, "Argument scale should be positive"),
    (lambda: F.perspective(IMAGE, [[0, 0]], [[0, 0]]), ValueError,
     "Please provide exactly four corners, got 1 startpoints and 1 endpoints."),
    (lambda: F.adjust_hue(IMAGE, 0.6), ValueError, "hue_factor (0.6) is not in [-0.5, 0.5]."),
    (lambda: F.adjust_brightness(IMAGE, -1), ValueError,
     "brightness_factor (-1) is not non-negative."),
    (lambda: F.adjust_contrast(torch.zeros(2, 4, 4), 1), TypeError,
     "Input image tensor permitted channel values are [1, 3], but found 2"),
    (lambda: F.posterize(IMAGE, 3), TypeError,
     "Only torch.uint8 image tensors are supported, but found torch.float32"),
    (lambda: F.posterize(BYTES, 9), ValueError,
     "The number if bits should be between 0 and 8. Got 9"),
    (lambda: F.gaussian_blur(IMAGE, 2), ValueError,
     "kernel_size should have odd and positive integers. Got [2, 2]"),
    (lambda: F.convert_image_dtype(IMAGE, torch.int64), RuntimeError,
     "The cast from torch.float32 to torch.int64 cannot be performed safely."),
    (lambda: F.erase(grey(SMALL), 0, 0, 1, 1, 0), TypeError,
     "img should be Tensor Image. Got <class"),
    (lambda: F.to_grayscale(IMAGE), TypeError, "Input should be PIL Image"),
    (lambda: T.RandomCrop(9)(IMAGE), ValueError,
     "Required crop size (9, 9) is larger than input image size (4, 4)"),
    (lambda: T.CenterCrop((1, 2, 3)), ValueError,
     "Please provide only two dimensions (h, w) for size."),
    (lambda: T.Resize(3.5), TypeError, "Size should be int or sequence. Got <class 'float'>"),
    (lambda: T.ColorJitter(-1), ValueError,
     "If brightness is a single number, it must be non negative."),
    (lambda: T.ColorJitter(hue=0.7), ValueError,
     "hue values should be between (-0.5, 0.5), but got [-0.7, 0.7]."),
    (lambda: T.RandomRotation(-3), ValueError,
     "If degrees is a single number, it must be positive."),
    (lambda: T.RandomAffine(0, (2, 0)), ValueError, "translation values should be between 0 and 1"),
    (lambda: T.RandomErasing(p=2), ValueError,
     "Random erasing probability should be between 0 and 1"),
    (lambda: T.RandomErasing(p=1, value=(1, 2))(IMAGE), ValueError, "If value is a sequence, it "
     "should have either a single value or 3 (number of input channels)"),
    (lambda: T.GaussianBlur(4), ValueError, "Kernel size value should be an odd and positive"),
    (lambda: T.Lambda(3), TypeError, "Argument lambd should be callable, got 'int'"),
    (lambda: T.RandomChoice(3), TypeError, "Argument transforms should be a sequence"),
    (lambda: T.AugMix(severity=11), ValueError,
     "The severity must be between [1, 10]. Got 11 instead."),
    (lambda: T.LinearTransformation(torch.zeros(2, 3), torch.zeros(3)), ValueError,
     "transformation_matrix should be square. Got (2, 3) rectangular matrix."),
])
def test_errors(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(words)


def test_without_pillow(monkeypatch):
    import importlib

    from learntorch.vision import pictures
    real = importlib.import_module

    def without(name, *more):
        if name.startswith("PIL"):
            raise ModuleNotFoundError(f"No module named '{name}'", name="PIL")
        return real(name, *more)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(ImportError, match="Pictures are handled by Pillow, which is not installed. "
                                          "Get it with: pip install pillow"):
        pictures.pillow()
