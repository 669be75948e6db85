"""Whole models trained from one seed in both libraries: the same losses, step after step."""

import numpy as np
import pytest

import learntorch
import learntorch.nn
import learntorch.optim
from tests.nn.tables import PENDING
from tests.oracle import needs_torch, torch

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((32, 1, 16, 16)).astype(np.float32)
ROWS = RNG.standard_normal((32, 6)).astype(np.float32)
LABELS = RNG.integers(0, 4, 32)


def perceptron(lib):
    nn = lib.nn
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 4))


def lenet(lib):
    nn = lib.nn
    return nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(6, 8, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
                         nn.Linear(72, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 4))


def residual(lib):
    nn = lib.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
            self.norm1 = nn.BatchNorm2d(4)
            self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
            self.norm2 = nn.BatchNorm2d(4)

        def forward(self, x):
            y = self.norm1(self.conv1(x)).relu()
            return (x + self.norm2(self.conv2(y))).relu()
    return nn.Sequential(nn.Conv2d(1, 4, 3, 2), Block(), Block(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(4, 4))


def losses(lib, make, data, steps=20):
    lib.manual_seed(0)
    model = make(lib)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    x, y = lib.from_numpy(data.copy()), lib.from_numpy(LABELS.copy())
    loss_of = lib.nn.CrossEntropyLoss()
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        lib.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        found.append(loss.item())
    model.eval()
    with lib.no_grad():
        found.append(loss_of(model(x), y).item())
    return found


@needs_torch
@pytest.mark.parametrize("make,data", [(perceptron, ROWS), (lenet, IMAGES), (residual, IMAGES)],
                         ids=["perceptron", "lenet", "residual"])
def test_learns_alike(make, data):
    """Same start values, same dropout masks: 20 steps agree to 1e-4."""
    if make is residual and PENDING & {"batch_norm"}:
        pytest.xfail("to come: batch_norm")
    mine, theirs = losses(learntorch, make, data), losses(torch, make, data)
    np.testing.assert_allclose(mine, theirs, rtol=1e-4)
    assert mine[-1] < mine[0]
