"""Solutions of chapter 00, Welcome."""

import learntorch as torch

# %% ex_00_1
ex_00_1 = 3 * 2 + 2


# %% ex_00_2
def ex_00_2(x):
    return 2 * x + 1


# %% ex_00_3
def ex_00_3(at):
    x = torch.tensor(at, requires_grad=True)
    y = x**3
    y.backward()
    return x.grad.item()
