"""Likely wrong answers to the exercises of chapter 11; `test_exercises` tries them."""

import learntorch as torch
from learntorch.utils.data import Dataset


def windows(length=0, second=0, beyond=IndexError, whole=False, base=Dataset):
    """A class for 11.2 with one thing wrong."""

    class Windows(base):
        def __init__(self, series, width):
            self.series, self.width = series, width

        def __len__(self):
            return len(self.series) - self.width + length

        def __getitem__(self, i):
            if i >= len(self):
                raise beyond
            x, y = self.series[i:i + self.width], self.series[i + self.width + second]
            return (x, y, i) if whole else (x, y)

    return Windows


def collate(fill=-1, side="right", kind=None, mask=None, labels=torch.tensor):
    """A function for 11.3 with one thing wrong."""

    def answer(samples):
        rows = [row for row, _ in samples]
        wide = max(map(len, rows))
        table = torch.full((len(rows), wide), fill, dtype=kind or rows[0].dtype)
        real = torch.zeros(len(rows), wide, dtype=torch.bool)
        for i, row in enumerate(rows):
            cut = slice(wide - len(row), None) if side == "right" else slice(0, len(row))
            table[i, cut] = row.to(table.dtype)
            real[i, cut] = True
        return table, mask(table) if mask else real, labels([y for _, y in samples])

    return answer


def weights_by_hand(labels, share):
    return torch.tensor([share[c] / labels.tolist().count(c) for c in labels.tolist()])


WRONG = {
    "ex_11_1": [
        lambda n, b, drop: (n // b, b),
        lambda n, b, drop: (-(-n // b), n % b),
        lambda n, b, drop: (n / b, n % b),
        lambda n, b, drop: (n // b, b) if drop else (-(-n // b), n % b or b),
        lambda n, b, drop: divmod(n, b),
        lambda n, b, drop: (n // b, b if n >= b else 0) if drop else (n // b + 1, n % b),
        lambda n, b, drop: 3,
    ],
    "ex_11_2": [
        windows(length=1, second=-1), windows(length=-1), windows(second=-1, length=0),
        windows(beyond=ValueError), windows(whole=True), Dataset, list, dict,
        type("NoLength", (Dataset,), {"__init__": lambda self, s, w: None,
                                      "__getitem__": lambda self, i: i}),
    ],
    "ex_11_3": [
        collate(fill=0), collate(side="left"), collate(kind=torch.float32),
        collate(mask=lambda table: table != -1), collate(labels=list),
        collate(labels=lambda y: torch.tensor(y, dtype=torch.float32)),
        lambda samples: torch.stack([row for row, _ in samples]),
        lambda samples: collate()(samples)[:2],
        lambda samples: collate()(samples[:1]),
    ],
    "ex_11_4": [
        lambda n, w, k: list(range(n)),
        lambda n, w, k: list(range(w, n, k)),
        lambda n, w, k: list(range(w * (n // k), (w + 1) * (n // k))),
        lambda n, w, k: list(range(w * -(-n // k), min(n, (w + 1) * -(-n // k)))),
        lambda n, w, k: len(range(w, n, k)),
        lambda n, w, k: list(range(n * (k - 1 - w) // k, n * (k - w) // k)),
    ],
    "ex_11_5": [
        lambda labels, share: 1 / torch.bincount(labels)[labels],
        lambda labels, share: torch.tensor(share)[labels],
        lambda labels, share: torch.tensor(share) / torch.bincount(labels, minlength=len(share)),
        lambda labels, share: 2 * weights_by_hand(labels, share),
        lambda labels, share: weights_by_hand(labels, share).tolist(),
        lambda labels, share: (weights_by_hand(labels, share) * 100).round() / 100,
        lambda labels, share: torch.full((len(labels),), 1 / len(labels)),
        lambda labels, share: labels.mul_(0).float(),
    ],
}
