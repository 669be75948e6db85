"""Solutions of chapter 01, Tensors."""

import learntorch as torch

# %% ex_01_1
ex_01_1 = torch.tensor([[1, 2, 3], [4, 5, 6]])


# %% ex_01_2
def ex_01_2(n, low, high):
    return low + (high - low) * torch.rand(n)


# %% ex_01_3
def ex_01_3(t):
    return t.numel() * t.element_size()


# %% ex_01_4
def ex_01_4(index, stride):
    return sum(i * s for i, s in zip(index, stride))


# %% ex_01_5
def ex_01_5(shape):
    stride = []
    passed = 1
    for size in reversed(shape):
        stride.insert(0, passed)
        passed *= size
    return tuple(stride)
