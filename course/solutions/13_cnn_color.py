"""Solutions of chapter 13, CNN II: colour images."""

import learntorch as torch
import learntorch.nn.functional as F
from learntorch import nn


# %% ex_13_1
def ex_13_1(images, training):
    over = (0, 2, 3)
    middle = training.mean(dim=over, keepdim=True)
    spread = training.std(dim=over, keepdim=True)
    return (images - middle) / spread


# %% ex_13_2
def ex_13_2(picture, top, left, mirror):
    height, width = picture.shape[1:]
    child = F.pad(picture, (4, 4, 4, 4))[:, top:, left:][:, :height, :width]
    return child.flip(2) if mirror else child


# %% ex_13_3
def ex_13_3(layer, height, width):
    outputs = layer.out_channels
    sides = zip((height, width), layer.kernel_size, layer.stride, layer.padding)
    for n, k, stride, padding in sides:
        outputs *= (n + 2 * padding - k) // stride + 1
    rows, columns = layer.kernel_size
    return outputs * layer.in_channels // layer.groups * rows * columns


# %% ex_13_4
class ex_13_4(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.one = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm_one = nn.BatchNorm2d(outputs)
        self.two = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm_two = nn.BatchNorm2d(outputs)
        self.past = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        change = F.relu(self.norm_one(self.one(x)))
        change = self.norm_two(self.two(change))
        return F.relu(self.past(x) + change)


# %% ex_13_5
def ex_13_5(conv, norm):
    factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weight = conv.weight * factor.view(-1, 1, 1, 1)
    return weight, norm.bias - norm.running_mean * factor
