"""Solutions of chapter 12, CNN I: LeNet reads handwriting."""

import learntorch as torch
import learntorch.nn.functional as F
from learntorch import nn


# %% ex_12_1
def ex_12_1(n, k, padding, stride):
    return (n + 2 * padding - k) // stride + 1


# %% ex_12_2
def ex_12_2(image, kernel):
    rows, columns = kernel.shape
    out = torch.zeros(image.shape[0] - rows + 1, image.shape[1] - columns + 1)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (image[i : i + rows, j : j + columns] * kernel).sum()
    return out


# %% ex_12_3
def ex_12_3(table):
    top = torch.maximum(table[0::2, 0::2], table[0::2, 1::2])
    bottom = torch.maximum(table[1::2, 0::2], table[1::2, 1::2])
    return torch.maximum(top, bottom)


# %% ex_12_4
class ex_12_4(nn.Module):
    def __init__(self, side, classes):
        super().__init__()
        left = ((side - 4) // 2 - 4) // 2
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc = nn.Linear(16 * left * left, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(torch.flatten(x, 1))


# %% ex_12_5
def ex_12_5(images, down, right):
    moved = torch.zeros_like(images)
    for i, (d, r) in enumerate(zip(down, right)):
        moved[i] = F.pad(images[i], (r, -r, d, -d))
    return moved
