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
def ex_01_4(picture, more):
    return (picture.float() + more).clamp(0, 255).to(torch.uint8)


# %% ex_01_5
def ex_01_5(shape, index):
    place = 0
    passed = 1
    for size, i in zip(reversed(shape), reversed(index)):
        place += i * passed
        passed *= size
    return place
