"""Feature maps of colour pictures and of layers deep inside a network, without a browser."""

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("anywidget")

import learntorch as torch
from course import widgets
from course.widgets import feature_maps, pictures
from learntorch import nn


def colour(**options):
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 2, 3, stride=2, padding=1)
    return widgets.FeatureMaps(torch.rand(3, 8, 8), layer, **options)


class Residual(nn.Module):
    """A module whose insides nobody outside knows."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(2)

    def forward(self, x):
        return torch.relu(x + self.norm(self.conv(x)))


def test_a_colour_picture_is_shown_in_colour_first():
    shown = colour()
    assert shown.channel == -1 and shown.picture["channels"] == ["red", "green", "blue"]
    assert shown.picture["colour"].startswith("data:image/png;base64,")
    assert "patch" not in shown.detail and [p["name"] for p in shown.detail["parts"]] == [
        "red", "green", "blue"]
    assert re.fullmatch(r"red \S+ \+ green \S+ \+ blue \S+ \+ bias \S+ = \S+", shown.message)
    total = sum(float(p["sum"]) for p in shown.detail["parts"]) + float(shown.detail["bias"])
    assert total == pytest.approx(float(shown.detail["total"]), abs=0.005)
    shown.channel = 1
    assert len(shown.detail["patch"]) == 3 and shown.detail["channel"] == 1
    shown.channel = 9
    assert shown.channel == 2
    shown.channel = -4
    assert shown.channel == -1


def test_a_grey_picture_has_no_colours():
    shown = widgets.FeatureMaps(torch.ones(1, 5, 5), torch.ones(1, 3, 3))
    assert shown.channel == 0 and "colour" not in shown.picture
    shown.channel = -1
    assert shown.channel == 0
    assert len(shown.detail["parts"]) == 1


def test_the_colours_of_the_picture_are_kept():
    image = torch.zeros(3, 2, 2)
    image[0, 0, 0], image[2, 1, 1] = 1.0, 1.0
    drawn = feature_maps.in_colour(image.numpy().astype(float))
    assert drawn[0, 0].tolist() == [255, 0, 0] and drawn[1, 1].tolist() == [0, 0, 255]
    shown = widgets.FeatureMaps(image, torch.ones(1, 3, 1, 1))
    assert shown.picture["colour"] == pictures.uri(drawn)


def test_kernels_of_one_map_have_one_scale():
    kernels = torch.zeros(1, 3, 1, 1)
    kernels[0, :, 0, 0] = torch.tensor([2.0, -1.0, 0.0])
    shown = widgets.FeatureMaps(torch.ones(3, 2, 2), kernels)
    wanted = [pictures.uri(pictures.signed([[v]], 2.0)) for v in (2.0, -1.0, 0.0)]
    assert [p["kernel"] for p in shown.detail["parts"]] == wanted
    assert shown.message == "red 2.000 + green -1.000 + blue 0.000 = 1.000"


def test_of_many_channels_the_largest_sums_are_shown():
    image = torch.arange(12.0).view(12, 1, 1)
    shown = widgets.FeatureMaps(image, torch.ones(1, 12, 1, 1))
    assert [p["channel"] for p in shown.detail["parts"]] == list(range(4, 12))
    assert shown.detail["hidden"] == 4 and shown.detail["rest"] == "6.000"
    assert shown.message == "12 channels and a bias of 0.000 add up to 66.000"


FRONTS = {
    "conv": (lambda: nn.Conv2d(3, 2, 3), [(0, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)]),
    "stride": (lambda: nn.Conv2d(3, 2, 3, stride=2, padding=1), [(0, 1), (1, 3), (3, 5), (5, 7)]),
    "pool": (lambda: nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.MaxPool2d(2)),
             [(0, 1), (2, 3), (4, 5), (6, 7)]),
    "residual": (lambda: nn.Sequential(nn.Conv2d(3, 2, 1, stride=2), Residual()),
                 [(0, 2), (0, 4), (2, 6), (4, 6)]),
    "all": (lambda: nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(3)),
            [(0, 2), (2, 5), (5, 7)]),
}


@pytest.mark.parametrize("name", FRONTS)
def test_receptive_fields_are_found_by_trying(name):
    make, wanted = FRONTS[name]
    torch.manual_seed(1)
    module = make()
    source = np.random.default_rng(0).normal(size=(3, 8, 8))
    made, fields = feature_maps.looked_through(module, source)
    assert fields == [wanted, wanted]
    module.eval()
    with torch.no_grad():
        same = module(torch.tensor(source[None], dtype=torch.float32))[0]
    assert made == pytest.approx(same.numpy(), abs=1e-6)


def test_the_field_of_a_point_is_the_union_of_its_patch():
    fields = [[(0, 2), (1, 5), (4, 7)]] * 2
    assert feature_maps.seen_by(fields, [0, 1, 2, 2]) == [0, 1, 6, 7]
    assert feature_maps.seen_by(fields, [-1, -1, 3, 3]) == [0, 0, 6, 6]     # the frame counts not
    assert feature_maps.seen_by([[(0, -1)], [(3, 4)]], [0, 0, 1, 1]) == [0, 3, 0, 2]


def test_a_layer_deep_inside():
    torch.manual_seed(0)
    front = nn.Sequential(nn.Conv2d(3, 2, 1, stride=2), Residual())
    front.train()
    before = {k: v.clone() for k, v in front.state_dict().items()}
    shown = widgets.FeatureMaps(torch.rand(3, 8, 8), nn.Conv2d(2, 4, 3, padding=1), through=front)
    assert front.training and front[1].norm.training
    assert all(torch.equal(v, before[k]) for k, v in front.state_dict().items())
    assert shown.channel == 0 and "colour" not in shown.picture and shown.picture["source"]
    shown.chosen = [0, 0, 0]
    assert shown.detail["field"] == [0, 0, 5, 5]
    assert shown.message.endswith("it looks at 5 × 5 points of the picture, rows 0 to 4, "
                                  "columns 0 to 4")
    shown.chosen = [3, 2, 1]
    assert shown.detail["field"] == [0, 0, 7, 7] and shown.picture["source"] in shown.static()


def test_what_comes_out_must_fit_the_layer():
    with pytest.raises(ValueError, match="do not fit"):
        widgets.FeatureMaps(torch.rand(3, 8, 8), nn.Conv2d(3, 4, 3), through=nn.Conv2d(3, 2, 1))


def test_the_state_comes_back_in_colour():
    shown, other = colour(), colour()
    shown.channel, shown.chosen = 2, [1, 0, 3]
    assert shown.state == "lt:maps?chosen=[1,0,3]&channel=2"
    other.state = shown.state
    assert other.channel == 2 and other.chosen == [1, 0, 3]
    other.state = "lt:maps?channel=-1"
    assert other.channel == -1


def test_the_static_picture_is_well_made_and_stable():
    first, second = colour(names=["<b>", "&"]), colour(names=["<b>", "&"])
    assert first.static() == second.static() and repr(first) == "FeatureMaps(2 maps of 4×4)"
    root = ElementTree.fromstring(first.static())
    assert "<b>" in " ".join(root.itertext())
    images = [e for e in root.iter() if e.tag.endswith("image")]
    assert images[0].attrib["href"] == first.picture["colour"]
    assert base64.b64decode(images[0].attrib["href"].partition(",")[2])[:4] == b"\x89PNG"


def test_maps_of_a_training_are_not_in_the_static_picture():
    torch.manual_seed(0)
    layer, image = nn.Conv2d(3, 2, 3), torch.rand(3, 8, 8)
    first = widgets.FeatureMaps(image, layer, trained_here=True).static()
    with torch.no_grad():
        layer.weight += 0.01
    second = widgets.FeatureMaps(image, layer, trained_here=True)
    assert first == second.static() and second.picture["colour"] in first
    assert "2 maps, learned here: run the notebook to see them" in first
    assert all(uri not in first for uri in second.picture["maps"])
    ElementTree.fromstring(first)
