"""Likely wrong answers to the exercises of chapter 12, CNN I: LeNet reads handwriting."""

import learntorch as torch
import learntorch.nn.functional as F
from learntorch import nn


def conv(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


def lenet(relu=True, inner=True, second=True, softmax=False, last=False, flat=1, fixed=False,
          padding=0, swapped=False):
    """A class for 12.4 with one slip or another."""

    class Small(nn.Module):
        def __init__(self, side, classes):
            super().__init__()
            side = 32 if fixed else side
            left = (side + 2 * padding - 4) // 2 + 2 * padding - 4
            left = left // 2 if second else left
            if swapped:
                side, classes = classes, side
            self.conv1 = nn.Conv2d(1, 6, 5, padding=padding)
            self.conv2 = nn.Conv2d(6, 16, 5, padding=padding)
            self.fc = nn.Linear(16 * left * left, classes)

        def forward(self, x):
            x = self.conv1(x)
            x = F.max_pool2d(F.relu(x) if relu else x, 2)
            x = self.conv2(x)
            x = F.relu(x) if inner else x
            x = F.max_pool2d(x, 2) if second else x
            x = self.fc(torch.flatten(x, flat))
            x = F.relu(x) if last else x
            return torch.softmax(x, dim=1) if softmax else x

    return Small


def moved(roll=False, swapped=False, sign=1, first=False, in_place=False, rows=True, mean=False):
    """An answer to 12.5 with one slip or another."""

    def answer(images, down, right):
        if swapped:
            down, right = right, down
        out = images if in_place else images.clone()
        for i, picture in enumerate(images.clone()):
            d, r = sign * down[0 if first else i] * rows, sign * right[0 if first else i]
            out[i] = torch.roll(picture, (d, r), (1, 2)) if roll else F.pad(picture, (r, -r, d, -d))
        return out[:, 0] if mean else out

    return answer


WRONG = {
    "ex_12_1": [
        lambda n, k, padding, stride: n - k + 1,
        lambda n, k, padding, stride: (n + padding - k) // stride + 1,
        lambda n, k, padding, stride: (n + 2 * padding - k) / stride + 1,
        lambda n, k, padding, stride: -(-(n + 2 * padding - k + 1) // stride) + 1,
        lambda n, k, padding, stride: (n + 2 * padding - k) // stride,
    ],
    "ex_12_2": [
        lambda image, kernel: image,
        lambda image, kernel: conv(image, kernel.flip(0, 1)),
        lambda image, kernel: conv(image, kernel)[None, None],
        lambda image, kernel: conv(image, kernel)[:-1],
        lambda image, kernel: conv(image, kernel).abs(),
    ],
    "ex_12_3": [
        lambda table: table[0::2, 0::2],
        lambda table: F.avg_pool2d(table[None, None], 2)[0, 0],
        lambda table: table.max(),
        lambda table: F.max_pool2d(table[None, None], 2, stride=1)[0, 0],
        lambda table: F.max_pool2d(table[None, None], 2),
    ],
    "ex_12_4": [
        lenet(relu=False),
        lenet(inner=False),
        lenet(second=False),
        lenet(softmax=True),
        lenet(last=True),
        lenet(fixed=True),
        lenet(padding=2),
        lenet(swapped=True),
        lenet(flat=0),
    ],
    "ex_12_5": [
        moved(roll=True),
        moved(swapped=True),
        moved(sign=-1),
        moved(first=True),
        moved(in_place=True),
        moved(rows=False),
        moved(mean=True),
        lambda images, down, right: images,
    ],
}
