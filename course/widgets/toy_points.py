"""Points of two classes in the plane, made on the spot: moons, spirals, blobs."""

import math

import learntorch as torch

KINDS = ("moons", "spirals", "blobs")


def make(kind, count, noise, generator):
    """`count` points (count, 2) in float64, about within −1 … 1, and their classes 0 and 1.

    noise: standard deviation of a random shift, in the same units. Raises KeyError for a kind that
    there is not.
    """
    shape = {"moons": moons, "spirals": spirals, "blobs": blobs}[kind]
    classes = torch.arange(count) % 2
    along = torch.rand(count, generator=generator, dtype=torch.float64)
    points = shape(along, classes.double())
    return points + noise * torch.randn(count, 2, generator=generator, dtype=torch.float64), classes


def moons(along, upper):
    """Two half circles that reach into each other."""
    angle = math.pi * along
    side = 1 - 2 * upper
    x = 0.5 * side * torch.cos(angle) - 0.25 * side
    y = 0.55 * side * torch.sin(angle) - 0.14 * side
    return torch.stack([x, y], dim=1)


def spirals(along, second):
    """Two arms that wind round each other, once and a quarter."""
    radius = 0.1 + 0.8 * along.sqrt()
    angle = 2.5 * math.pi * radius + math.pi * second
    return torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)


def blobs(along, second):
    """Two heaps side by side."""
    x = 0.7 * second - 0.35
    return torch.stack([x, 0.6 * along - 0.3 + 0.3 * second], dim=1)
