"""Checks of chapter 10, Evaluation."""

import random

import learntorch as torch
from course.checks.framework import exercise
from learntorch import nn


class Probe(nn.Module):
    """Repeats its input as scores, upside down while training, and notes how it was called."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.drop = nn.Dropout(0.5)
        self.rows, self.modes, self.recorded = [], [], []

    def forward(self, x):
        out = x * (-self.scale if self.training else self.scale)
        self.rows.append(len(x))
        self.modes.append(self.training or self.drop.training)
        self.recorded.append(out.requires_grad)
        return out

    def __repr__(self):
        return "net"


def rows_right(*right):
    """Scores of three classes and labels; each row is called right or not as it says."""
    labels = torch.tensor([i % 3 for i in range(len(right))])
    best = [i % 3 if good else (i + 1) % 3 for i, good in enumerate(right)]
    return nn.functional.one_hot(torch.tensor(best), 3).float(), labels


@exercise(
    "function",
    hints=[
        "count the right ones of every batch, add up, and divide once by all rows",
        "net.training tells the mode; net.eval() before the loop, net.train(before) at the end",
        "with torch.no_grad(): for part_x, part_y in zip(x.split(size), y.split(size)): add "
        "(net(part_x).argmax(dim=1) == part_y).sum().item()",
    ],
)
def ex_10_1(trial):
    """Accuracy in batches, in evaluation mode."""
    plans = [((True,), 1), ((True, False), 2), ((True, True, False), 2),
             ((False,) * 4 + (True,), 4), ((True,) * 7 + (False,) * 4, 3), ((True, False), 50)]
    for right, size in plans:
        for training in (True, False):
            net = Probe().train(training)
            x, y = rows_right(*right)
            got = trial.call(net, x, y, size)
            mode = "training" if training else "evaluation"
            rows = "1 row" if len(right) == 1 else f"{len(right)} rows"
            about = f"with {rows}, {size} at a time, and a net in {mode} mode,"
            trial.true(net.rows != [], f"{about} your function never calls net")
            trial.true(not any(net.modes), f"{about} net was called in training mode")
            trial.true(not any(net.recorded), f"{about} net's calculation was recorded")
            trial.true(max(net.rows) <= size, f"{about} net was given {max(net.rows)} rows at once")
            trial.equal(got, sum(right) / len(right), about=f"{about} what your function returns")
            trial.equal(net.training, training, about=f"{about} net.training afterwards")


def shares(labels, guesses, classes):
    made = torch.zeros(classes, classes, dtype=torch.float64)
    for truth in range(classes):
        mine = [g for t, g in zip(labels, guesses, strict=True) if t == truth]
        for guess in mine:
            made[truth, guess] += 1 / len(mine)
    return made


@exercise(
    "function",
    hints=[
        "count first: made[truth, guess] += 1 for every example; rows are the true classes",
        "divide each row by its sum: a column of sums is needed, .sum(dim=1, keepdim=True)",
        "a row without examples has the sum 0: .clamp(min=1) on the sums avoids 0 / 0; "
        "dtype=torch.float64",
    ],
)
def ex_10_2(trial):
    """A confusion matrix of shares."""
    plans = [([0], [0], 1), ([0, 1], [0, 0], 2), ([1, 1, 1, 0], [1, 0, 0, 0], 2),
             ([0, 2], [2, 0], 3), ([2, 2, 2, 2], [0, 1, 2, 2], 4)]
    draw = random.Random(0)
    for classes in (3, 5):
        pairs = [[draw.randrange(classes) for _ in range(40)] for _ in range(2)]
        plans.append((*pairs, classes))
    for labels, guesses, classes in plans:
        got = trial.call(torch.tensor(labels), torch.tensor(guesses), classes)
        trial.equal(got, shares(labels, guesses, classes))


@exercise(
    "function",
    hints=[
        "precision looks down column k, recall along row k; the hits are matrix[k, k]",
        "a sum of 0 means nothing can be divided: the answer is 0 there",
        "F1 is 2 * precision * recall / (precision + recall), or 0 if both are 0; .item() makes "
        "Python numbers",
    ],
)
def ex_10_3(trial):
    """Precision, recall and F1 of one class."""
    fruits = [[3, 1, 0], [0, 2, 0], [2, 0, 2]]
    plans = [(fruits, 0), (fruits, 1), (fruits, 2), ([[5, 0], [0, 5]], 1), ([[0, 3], [0, 7]], 0),
             ([[4, 1], [0, 0]], 1), ([[9, 0], [0, 0]], 1), ([[0, 2], [3, 0]], 0),
             ([[90, 10], [1, 9]], 1)]
    for rows, k in plans:
        hits, column, row = rows[k][k], sum(r[k] for r in rows), sum(rows[k])
        precision, recall = hits / column if column else 0.0, hits / row if row else 0.0
        f1 = 2 * hits / (column + row) if hits else 0.0
        trial.equal(trial.call(torch.tensor(rows), k), (precision, recall, f1))


def stopping(losses, patience):
    """The definition, word for word: stop where the best lies `patience` epochs back."""
    for epoch in range(len(losses)):
        best = min(range(epoch + 1), key=lambda e: (losses[e], e))
        if epoch - best == patience:
            return best, epoch
    return min(range(len(losses)), key=lambda e: (losses[e], e)), len(losses) - 1


@exercise(
    "function",
    hints=[
        "go through the losses with enumerate; remember the best epoch so far",
        "a loss that is equal is not lower; how many epochs ago was the best one?",
        "when epoch - best is patience, return best and epoch; after the loop the last epoch",
    ],
)
def ex_10_4(trial):
    """Where early stopping stops, and what it keeps."""
    plans = [([1.0], 1), ([2.0, 1.0], 1), ([1.0, 2.0], 1), ([1.0, 2.0, 0.5], 1),
             ([1.0, 2.0, 0.5], 2), ([2.0, 2.0, 2.0], 2), ([3.0, 2.0, 2.5, 2.2, 1.0], 2),
             ([3.0, 2.0, 1.0], 3), ([1.0, 2.0, 0.9, 2.0, 2.0, 0.1], 2)]
    draw = random.Random(1)
    plans += [([draw.randrange(9) / 2 for _ in range(draw.randrange(1, 15))], draw.randrange(1, 5))
              for _ in range(60)]
    for losses, patience in plans:
        trial.equal(trial.call(list(losses), patience), stopping(losses, patience))


@exercise(
    "function",
    hints=[
        "take the scores of the positive ones and those of the others: scores[positive]",
        "every positive against every negative is a table: yes[:, None] > no",
        "add half a point for each tie, yes[:, None] == no, and take the mean over all pairs",
    ],
)
def ex_10_5(trial):
    """The AUC from all pairs."""
    plans = [([0.9, 0.1], [True, False]), ([0.1, 0.9], [True, False]),
             ([0.5, 0.5], [True, False]), ([3.0, 2.0, 1.0], [True, False, True]),
             ([1.0, 1.0, 2.0, 2.0], [False, True, False, True]),
             ([-5.0, -7.0, -6.0], [True, False, False])]
    draw = random.Random(2)
    for n in (6, 20, 45):
        scores = [draw.randrange(8) / 4 for _ in range(n)]
        plans.append((scores, [True, False] + [draw.random() < 0.3 for _ in range(n - 2)]))
    for scores, positive in plans:
        yes = [s for s, p in zip(scores, positive, strict=True) if p]
        no = [s for s, p in zip(scores, positive, strict=True) if not p]
        wins = sum((a > b) + 0.5 * (a == b) for a in yes for b in no)
        got = trial.call(torch.tensor(scores), torch.tensor(positive))
        trial.equal(got, wins / (len(yes) * len(no)))
