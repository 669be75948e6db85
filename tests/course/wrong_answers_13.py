"""Likely wrong answers to the exercises of chapter 13."""

import learntorch as torch
import learntorch.nn.functional as F
from learntorch import nn


def normalised(own=False, one=False, flat=False, variance=False, population=False):
    """Normalising with one slip or another."""

    def answer(images, training):
        source = images if own else training
        if one:
            return (images - source.mean()) / source.std()
        keep = {"dim": (0, 2, 3), "keepdim": not flat}
        spread = source.var(**keep) if variance else source.std(**keep, unbiased=not population)
        return (images - source.mean(**keep)) / spread

    return answer


def child(frame=4, swapped=False, always=False, rows_turned=False, first=False, size=None):
    """A child of a picture with one slip or another."""

    def answer(picture, top, left, mirror):
        height, width = picture.shape[1:]
        if first and mirror:
            picture = picture.flip(2)
        framed = F.pad(picture, (frame,) * 4)
        if swapped:
            top, left = left, top
        cut = framed[:, top:top + (size or height), left:left + (size or width)]
        if (mirror or always) and not first:
            cut = cut.flip(1 if rows_turned else 2)
        return cut

    return answer


def cost(groups=True, padding=True, stride=True, inputs=True, both=1):
    """Multiply-adds with something forgotten."""

    def answer(layer, height, width):
        sides = []
        for i, n in enumerate((height, width)):
            n = n + 2 * layer.padding[i] * padding - layer.kernel_size[i]
            sides.append(n // (layer.stride[i] if stride else 1) + 1)
        k = layer.kernel_size[0] * layer.kernel_size[1]
        each = layer.in_channels // (layer.groups if groups else 1) if inputs else 1
        return both * layer.out_channels * sides[0] * sides[1] * k * each

    return answer


def block(skip=True, relu=True, inner=True, padding=1, norms=True, always=False, twice=False,
          at_the_end=False):
    """A residual block with one slip or another."""

    class Block(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            norm = nn.BatchNorm2d if norms else nn.Identity
            second = outputs if not twice else inputs
            self.one = nn.Conv2d(inputs, second, 3, padding=padding)
            self.norm_one = norm(second)
            self.two = nn.Conv2d(second, outputs, 3, padding=padding)
            self.norm_two = norm(outputs)
            plain = inputs == outputs and not always
            self.past = nn.Identity() if plain else nn.Conv2d(inputs, outputs, 1)

        def forward(self, x):
            change = self.norm_one(self.one(x))
            change = self.norm_two(self.two(F.relu(change) if inner else change))
            if at_the_end:
                change = F.relu(change)
            out = self.past(x) + change if skip else change
            return F.relu(out) if relu else out

    return Block


class NotWired(block()):
    """The second convolution exists and is never called."""

    def forward(self, x):
        return F.relu(self.past(x) + self.norm_two(self.norm_one(self.one(x))))


def folded(epsilon=True, shift=True, mean=True, turned=False, squared=False, bias_scaled=True):
    """A batch norm folded with one slip or another."""

    def answer(conv, norm):
        variance = norm.running_var + (norm.eps if epsilon else 0.1)
        factor = norm.weight / (variance if squared else torch.sqrt(variance))
        shape = (1, -1, 1, 1) if turned else (-1, 1, 1, 1)
        bias = norm.bias * shift
        if mean:
            bias = bias - norm.running_mean * (factor if bias_scaled else 1)
        return conv.weight * factor.view(shape), bias

    return answer


def in_place(conv, norm):
    weight, bias = folded()(conv, norm)
    with torch.no_grad():
        conv.weight.copy_(weight)
    return conv.weight, bias


WRONG = {
    "ex_13_1": [normalised(own=True), normalised(one=True), normalised(flat=True),
                normalised(variance=True), lambda images, training: images,
                lambda images, training: (images - 0.5) / 0.5],
    "ex_13_2": [child(frame=2), child(swapped=True), child(always=True), child(rows_turned=True),
                child(first=True), child(size=32), lambda picture, top, left, mirror: picture],
    "ex_13_3": [cost(groups=False), cost(padding=False), cost(stride=False), cost(inputs=False),
                cost(both=2), lambda layer, height, width: layer.weight.numel(),
                lambda layer, height, width: float(cost()(layer, height, width)) + 0.5],
    "ex_13_4": [block(skip=False), block(relu=False), block(padding=0), block(norms=False),
                block(always=True), block(at_the_end=True, relu=False), NotWired, nn.Conv2d],
    "ex_13_5": [folded(epsilon=False), folded(shift=False), folded(mean=False), folded(turned=True),
                folded(squared=True), folded(bias_scaled=False), in_place,
                lambda conv, norm: conv.weight, lambda conv, norm: (conv.weight, norm.bias)],
}
