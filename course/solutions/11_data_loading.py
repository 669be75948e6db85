"""Solutions of chapter 11, Datasets and DataLoaders."""

import learntorch as torch


# %% ex_11_1
def ex_11_1(n, batch_size, drop_last):
    full, rest = divmod(n, batch_size)
    if rest and not drop_last:
        return full + 1, rest
    return full, batch_size if full else 0


# %% ex_11_2
class ex_11_2(torch.utils.data.Dataset):
    def __init__(self, series, width):
        self.series = series
        self.width = width

    def __len__(self):
        return len(self.series) - self.width

    def __getitem__(self, i):
        if not 0 <= i < len(self):
            raise IndexError(i)
        return self.series[i : i + self.width], self.series[i + self.width]


# %% ex_11_3
def ex_11_3(samples):
    rows = [row for row, label in samples]
    wide = max(len(row) for row in rows)
    table = torch.full((len(rows), wide), -1, dtype=rows[0].dtype)
    mask = torch.zeros(len(rows), wide, dtype=torch.bool)
    for i, row in enumerate(rows):
        table[i, wide - len(row) :] = row
        mask[i, wide - len(row) :] = True
    return table, mask, torch.tensor([label for row, label in samples])


# %% ex_11_4
def ex_11_4(n, worker, workers):
    return list(range(n * worker // workers, n * (worker + 1) // workers))


# %% ex_11_5
def ex_11_5(labels, share):
    count = torch.bincount(labels, minlength=len(share))
    return torch.tensor(share)[labels] / count[labels]
