"""Solutions of chapter 09, The training loop."""

import math

import learntorch as torch
import learntorch.nn.functional as F


# %% ex_09_1
def ex_09_1(samples, size, seconds, epochs):
    iterations = math.ceil(samples / size)
    return iterations * epochs * seconds / 3600


# %% ex_09_2
def ex_09_2(n, size):
    return list(torch.randperm(n).split(size))


# %% ex_09_3
def ex_09_3(net, optimizer, x, y):
    loss = F.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


# %% ex_09_4
def ex_09_4(net, optimizer, x, y, most):
    total = 0.0
    optimizer.zero_grad()
    for part_x, part_y in zip(x.split(most), y.split(most)):
        part = F.cross_entropy(net(part_x), part_y) * len(part_x) / len(x)
        part.backward()
        total += part.item()
    optimizer.step()
    return total


# %% ex_09_5
def ex_09_5(parameters, most):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = math.sqrt(sum((g * g).sum().item() for g in gradients))
    if norm > most:
        for g in gradients:
            g.mul_(most / norm)
    return norm
