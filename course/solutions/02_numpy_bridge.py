"""Solutions of chapter 02, The NumPy bridge."""

import numpy as np

import learntorch as torch

# %% ex_02_1
readings = np.array([[20.5, 21.0, 19.5], [18.0, 22.5, 23.0]])
ex_02_1 = torch.from_numpy(readings).float()


# %% ex_02_2
def ex_02_2(array):
    return torch.tensor(array, dtype=torch.float32)


# %% ex_02_3
def ex_02_3(t):
    return t.detach().numpy()


# %% ex_02_4
def ex_02_4(picture):
    return torch.from_numpy(picture).flip(1)


# %% ex_02_5
def ex_02_5(t, array):
    return np.shares_memory(t.detach().numpy(), array)
