"""Solutions of chapter 03, Operations."""


# %% ex_03_1
def ex_03_1(picture):
    return picture[1:-1, 1:-1]


# %% ex_03_2
def ex_03_2(t, low, high):
    return t[(t >= low) & (t <= high)]


# %% ex_03_3
def ex_03_3(points):
    return points - points.mean(dim=1, keepdim=True)


# %% ex_03_4
def ex_03_4(pictures):
    colours = pictures.shape[1]
    return pictures.permute(0, 2, 3, 1).reshape(-1, colours)


# %% ex_03_5
def ex_03_5(a, b):
    return ((a.unsqueeze(1) - b) ** 2).sum(dim=2)
