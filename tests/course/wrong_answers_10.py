"""Likely wrong answers to the exercises of chapter 10, Evaluation."""

import math

import learntorch as torch


def accuracy(mode="restore", record=False, mean=False, size=None):
    """An answer to 10.1 that treats the mode, the record or the batches in its own way."""

    def answer(net, x, y, batch):
        before = net.training
        if mode != "forget":
            net.eval()
        found = []
        with torch.set_grad_enabled(record):
            for part_x, part_y in zip(x.split(size or batch), y.split(size or batch), strict=True):
                found.append((net(part_x).argmax(dim=1) == part_y).double())
        if mode == "restore":
            net.train(before)
        elif mode == "train":
            net.train()
        shares = [f.mean().item() for f in found]
        return sum(shares) / len(shares) if mean else torch.cat(found).mean().item()

    return answer


def counts(labels, guesses, classes):
    made = torch.zeros(classes, classes, dtype=torch.float64)
    for truth, guess in zip(labels.tolist(), guesses.tolist(), strict=True):
        made[truth, guess] += 1
    return made


def scores_of(matrix, k, beta=1.0, empty=0.0, swap=False):
    hits, column, row = matrix[k, k].item(), matrix[:, k].sum().item(), matrix[k].sum().item()
    precision = hits / column if column else empty
    recall = hits / row if row else empty
    if swap:
        precision, recall = recall, precision
    both = precision + recall
    return precision, recall, beta * 2 * precision * recall / both if both else empty


def plain_scores(matrix, k):
    hits = matrix[k, k]
    precision, recall = hits / matrix[:, k].sum(), hits / matrix[k].sum()
    f1 = 2 * precision * recall / (precision + recall)
    return precision.item(), recall.item(), f1.item()


def early(losses, patience, equal=False, reset=True, late=0, against_last=False):
    """An answer to 10.4 with one slip or another."""
    best, waited = 0, 0
    for epoch, loss in enumerate(losses[1:], 1):
        old = losses[epoch - 1] if against_last else losses[best]
        if loss < old or (equal and loss == old):
            best = epoch
            waited = 0 if reset else waited
        else:
            waited += 1
            if waited == patience + late:
                return best, epoch
    return best, len(losses) - 1


def pairs(scores, positive, tie=0.5, wins=lambda a, b: a > b):
    yes, no = scores[positive][:, None], scores[~positive]
    return (wins(yes, no).double() + tie * (yes == no)).mean().item()


WRONG = {
    "ex_10_1": [
        accuracy(mode="forget"),
        accuracy(mode="eval"),
        accuracy(mode="train"),
        accuracy(record=True),
        accuracy(mean=True),
        accuracy(size=1000),
        lambda net, x, y, size: (x.argmax(dim=1) == y).double().mean().item(),
        lambda net, x, y, size: 1 - accuracy()(net, x, y, size),
        lambda net, x, y, size: torch.tensor(accuracy()(net, x, y, size)),
    ],
    "ex_10_2": [
        counts,
        lambda labels, guesses, classes: counts(labels, guesses, classes) / len(labels),
        lambda labels, guesses, classes: counts(labels, guesses, classes)
        / counts(labels, guesses, classes).sum(dim=1, keepdim=True),
        lambda labels, guesses, classes: counts(labels, guesses, classes)
        / counts(labels, guesses, classes).sum(dim=0).clamp(min=1),
        lambda labels, guesses, classes: counts(guesses, labels, classes)
        / counts(guesses, labels, classes).sum(dim=1, keepdim=True).clamp(min=1),
        lambda labels, guesses, classes: (counts(labels, guesses, classes)
        / counts(labels, guesses, classes).sum(dim=1, keepdim=True).clamp(min=1)).float(),
        lambda labels, guesses, classes: torch.eye(classes, dtype=torch.float64),
    ],
    "ex_10_3": [
        plain_scores,
        lambda matrix, k: scores_of(matrix, k, swap=True),
        lambda matrix, k: scores_of(matrix, k, beta=0.5),
        lambda matrix, k: scores_of(matrix, k, empty=1.0),
        lambda matrix, k: scores_of(matrix, k)[:2],
        lambda matrix, k: (*scores_of(matrix, k)[:2], sum(scores_of(matrix, k)[:2]) / 2),
        lambda matrix, k: (matrix.diagonal().sum().item() / matrix.sum().item(),) * 3,
    ],
    "ex_10_4": [
        lambda losses, patience: early(losses, patience, equal=True),
        lambda losses, patience: early(losses, patience, reset=False),
        lambda losses, patience: early(losses, patience, late=1),
        lambda losses, patience: early(losses, patience, against_last=True),
        lambda losses, patience: early(losses, patience)[::-1],
        lambda losses, patience: early(losses, patience)[0],
        lambda losses, patience: (losses.index(min(losses)), len(losses) - 1),
        lambda losses, patience: tuple(v + 1 for v in early(losses, patience)),
        lambda losses, patience: (losses.sort(), (0, 0))[1],
    ],
    "ex_10_5": [
        lambda scores, positive: pairs(scores, positive, tie=0.0),
        lambda scores, positive: pairs(scores, positive, tie=1.0),
        lambda scores, positive: pairs(scores, positive, wins=lambda a, b: a < b),
        lambda scores, positive: pairs(scores, ~positive),
        lambda scores, positive: ((scores > 0.5) == positive).double().mean().item(),
        lambda scores, positive: torch.tensor(pairs(scores, positive)),
        lambda scores, positive: math.floor(pairs(scores, positive) + 0.5) / 1.0,
        lambda scores, positive: ((scores[positive].mean() > scores[~positive].mean()).double()
                                  .item()),
    ],
}
