"""Solutions of chapter 12, CNN I: LeNet reads handwriting."""

import learntorch as torch

# %% ex_12_1
ex_12_1 = 6 * 5 * 5 + 6


# %% ex_12_2
def ex_12_2(n, k, padding, stride):
    return (n + 2 * padding - k) // stride + 1


# %% ex_12_3
def ex_12_3(image, kernel):
    rows, columns = kernel.shape
    out = torch.zeros(image.shape[0] - rows + 1, image.shape[1] - columns + 1)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (image[i : i + rows, j : j + columns] * kernel).sum()
    return out


# %% ex_12_4
def ex_12_4(table):
    top = torch.maximum(table[0::2, 0::2], table[0::2, 1::2])
    bottom = torch.maximum(table[1::2, 0::2], table[1::2, 1::2])
    return torch.maximum(top, bottom)


# %% ex_12_5
def ex_12_5(scores):
    return torch.softmax(scores, dim=1).amax(dim=1)
