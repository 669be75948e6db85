"""Solutions of chapter 04, Autograd."""

import learntorch as torch


# %% ex_04_1
def ex_04_1(f, at):
    place = torch.tensor(float(at), requires_grad=True)
    f(place).backward()
    return place.grad.item()


# %% ex_04_2
def ex_04_2(f, x, v):
    copy = x.detach().clone().requires_grad_()
    f(copy).backward(v)
    return copy.grad


# %% ex_04_3
def ex_04_3(f, x):
    rows = []
    for i in range(len(f(x))):
        copy = x.detach().clone().requires_grad_()
        f(copy)[i].backward()
        rows.append(copy.grad)
    return torch.stack(rows)


# %% ex_04_4
def ex_04_4(f, start, rate, steps):
    place = start.detach().clone().requires_grad_()
    for _ in range(steps):
        f(place).backward()
        with torch.no_grad():
            place -= rate * place.grad
        place.grad = None
    return place.detach()


# %% ex_04_5
def ex_04_5(g, a, b):
    return g / b, -g * a / (b * b)
