"""Transforms against torchvision: the results, kept in frozen.npz, of all that table.py lists.

The same seed must draw the same crops, angles and colours, so these tests hold the order and kind
of every random number too.
"""
import json
import math
import pathlib

import numpy as np
import pytest

import learntorch
from learntorch.vision import transforms
from learntorch.vision.transforms import v2
from tests.vision.table import DRAWN, FIXED, SEEDS, V2, images, quantised, values

pytest.importorskip("PIL")
# A byte may be rounded the other way, by one, and a part ODD of an image.
ODD = 0.012


def frozen():
    """{key: array}: the arrays lie one after the other, those of one type together."""
    with np.load(pathlib.Path(__file__).parent / "frozen.npz") as file:
        index = json.loads(str(file["index"]))
        left = {name: file[name] for name in ("uint8", "int16")}
    assert index.pop("torchvision")
    found = {}
    for key, (name, shape) in index.items():
        n = math.prod(shape)
        found[key], left[name] = left[name][:n].reshape(shape), left[name][n:]
    return found


FROZEN = frozen()


def compare(group, face, name, kind, seed, function, odd=ODD, steps=1):
    """`odd`: how many bytes may be off by one; `steps` of 1/8192 by which a float may be off."""
    learntorch.manual_seed(seed)
    result = values(function(face, *images(learntorch, kind, name)))
    stem = f"{group}/{name}/{kind}/{seed}/"
    assert len(result) == sum(key.startswith(stem) for key in FROZEN)
    for i, mine in enumerate(result):
        reference = FROZEN[f"{stem}{i}"]
        kept = quantised(mine)
        assert kept.shape == reference.shape and kept.dtype == reference.dtype, stem
        apart = np.abs(kept.astype(np.int64) - reference.astype(np.int64))
        if kept.dtype == np.int16:
            assert apart.max(initial=0) <= steps, stem
        else:
            assert apart.max(initial=0) <= 1 and (apart > 0).mean() <= odd, stem


def cases(table):
    return [pytest.param(name, kind, function, id=f"{name}-{kind}")
            for name, kinds, function in table for kind in kinds]


@pytest.mark.parametrize("name, kind, function", cases(FIXED))
def test_functions(name, kind, function):
    compare("fixed", transforms, name, kind, 0, function)


@pytest.mark.parametrize("name, kind, function", cases(DRAWN))
def test_chance(name, kind, function):
    for seed in SEEDS if kind == "bytes" else SEEDS[:1]:
        compare("drawn", transforms, name, kind, seed, function)


@pytest.mark.parametrize("name, kind, function", cases(V2))
def test_v2(name, kind, function):
    # torchvision's v2 resizes bytes in fixed-point numbers, which moves some of them by one
    resizes = name in ("RandomResizedCrop", "Compose")
    compare("v2", v2, name, kind, 0, function, *((1.0, 66) if resizes else ()))
