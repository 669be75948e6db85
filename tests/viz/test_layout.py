"""The layered layout: nothing overlaps, arrows point down, long edges pass between nodes."""

import time

import pytest

from learntorch.viz.layout import HEIGHT, layout
from tests.viz.drawings import drawing, residual, scattered

DRAWINGS = {
    "chain": drawing(["a", "b", "c"], ["a-b", "b-c"]),
    "diamond": drawing(["a", "b", "c", "d"], ["a-b", "a-c", "b-d", "c-d"]),
    "twice": drawing(["x:leaf", "m"], ["x-m", "x-m"]),
    "small": scattered(20, 5, seed=0),
    "middle": scattered(150, 20, seed=1),
    "residual": residual(8),
    "lonely": drawing(["a", "b:leaf"], []),
}


def box(place):
    return (place["x"] - place["w"] / 2, place["x"] + place["w"] / 2,
            place["y"] - place["h"] / 2, place["y"] + place["h"] / 2)


@pytest.mark.parametrize("name", DRAWINGS)
def test_nodes_lie_apart_and_inside(name):
    places = layout(DRAWINGS[name])
    boxes = [box(p) for p in places["nodes"].values()]
    for i, (left, right, top, bottom) in enumerate(boxes):
        assert left >= 0 and top >= 0
        assert right <= places["width"] and bottom <= places["height"]
        for left2, right2, top2, bottom2 in boxes[i + 1:]:
            assert right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top


@pytest.mark.parametrize("name", DRAWINGS)
def test_edges_join_their_nodes_downwards(name):
    drawn = DRAWINGS[name]
    places = layout(drawn)
    for e, points in zip(drawn["edges"], places["edges"], strict=True):
        source, target = places["nodes"][e["source"]], places["nodes"][e["target"]]
        assert points[0] == [source["x"], source["y"] + HEIGHT // 2]
        assert points[-1] == [target["x"], target["y"] - HEIGHT // 2]
        heights = [y for _, y in points]
        assert heights == sorted(heights)


@pytest.mark.parametrize("name", DRAWINGS)
def test_long_edges_pass_between_nodes(name):
    """Where an edge goes straight down through a row, no node stands there."""
    places = layout(DRAWINGS[name])
    boxes = [box(p) for p in places["nodes"].values()]
    for points in places["edges"]:
        for (x, y), (x2, y2) in zip(points, points[1:], strict=False):
            if x == x2 and y2 - y >= HEIGHT:
                for left, right, top, bottom in boxes:
                    assert not (left < x < right and y < bottom - 1 and y2 > top + 1)


def test_a_chain_is_straight_and_its_weights_stand_beside_it():
    places = layout(residual(20))["nodes"]
    ops = [p["x"] for name, p in places.items() if name.startswith("b")]
    assert max(ops) - min(ops) <= 40
    for name, place in places.items():
        if name.startswith("w") and name != "w0_0":
            assert place["y"] < places["b" + name[1:]]["y"]


def test_inputs_stand_just_above_their_first_use():
    drawn = drawing(["a", "b", "c", "late:leaf"], ["a-b", "b-c", "late-c"])
    places = layout(drawn)["nodes"]
    assert places["late"]["y"] == places["b"]["y"]


def test_a_needless_crossing_is_undone():
    drawn = drawing(["a", "b", "c", "d"], ["a-d", "b-c"])
    places = layout(drawn)["nodes"]
    assert (places["a"]["x"] < places["b"]["x"]) == (places["d"]["x"] < places["c"]["x"])


def test_the_same_drawing_gives_the_same_numbers():
    assert layout(scattered(60, 9, seed=3)) == layout(scattered(60, 9, seed=3))


def test_a_cycle_is_survived():
    drawn = drawing(["a", "b", "c"], ["a-b", "b-c", "c-a"])
    places = layout(drawn)
    assert len({p["y"] for p in places["nodes"].values()}) == 3
    turned = places["edges"][2]
    assert turned[0][1] > turned[-1][1]


def test_an_empty_drawing():
    assert layout({"nodes": [], "edges": []})["nodes"] == {}


def test_long_labels_are_cut_and_other_text_is_given_room():
    drawn = drawing(["a" * 60], [])
    place = layout(drawn)["nodes"]["a" * 60]
    assert place["lines"][0].endswith("…") and len(place["lines"][0]) == 24
    short = drawing(["a"], [])
    assert layout(short, letters={"a": 40})["nodes"]["a"]["w"] > 290
    assert layout(short, height=70)["nodes"]["a"]["h"] == 70


@pytest.mark.parametrize("drawn", [scattered(2000, 60, seed=2), residual(170)],
                         ids=["scattered", "residual"])
def test_two_thousand_nodes_in_two_seconds(drawn):
    began = time.process_time()
    layout(drawn)
    assert time.process_time() - began < 2
