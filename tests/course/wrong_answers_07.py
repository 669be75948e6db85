"""Likely wrong answers to the exercises of chapter 07."""

import math

import learntorch as torch
import learntorch.nn.functional as F


def huber(near=0.5, offset=0.5, reduce="mean", signed=False, bent=1.0):
    """The Huber loss with one slip or another."""

    def answer(output, target, delta):
        d = output - target
        far = delta * ((d if signed else d.abs()) - offset * delta) * bent
        loss = torch.where(d.abs() <= delta, near * d**2, far)
        return loss.mean() if reduce == "mean" else loss.sum() if reduce == "sum" else loss

    return answer


def naive(scores, target):
    total = torch.log(torch.exp(scores).sum(1))
    return total - scores[torch.arange(len(scores)), target]


def one_maximum(scores, target):
    """Takes the largest score of the whole table out, in place of that of each row."""
    most = scores.max()
    total = most + torch.log(torch.exp(scores - most).sum(1))
    return total - scores[torch.arange(len(scores)), target]


def slopes(divide=True, dim=1, sign=1):
    def answer(scores, target):
        truth = F.one_hot(target, scores.shape[1])
        g = sign * (torch.softmax(scores, dim) - truth)
        return g / len(scores) if divide else g

    return answer


WRONG = {
    "ex_07_1": [
        -math.log(0.5 * 0.25 * 0.125),
        (0.5 + 0.25 + 0.125 + 1) / 4,
        -1.04,
        -math.log((0.5 + 0.25 + 0.125 + 1) / 4),
        1.5,
        torch.tensor(1.04),
    ],
    "ex_07_2": [
        huber(near=1.0),
        huber(offset=0.0),
        huber(offset=1.0),
        huber(reduce="sum"),
        huber(reduce="none"),
        huber(signed=True),
        lambda output, target, delta: F.smooth_l1_loss(output, target, beta=delta),
        lambda output, target, delta: F.huber_loss(output, target),
        lambda output, target, delta: F.huber_loss(output.detach(), target, delta=delta),
        lambda output, target, delta: F.huber_loss(output, target, delta=delta).item(),
        lambda output, target, delta: F.mse_loss(output, target) / 2,
    ],
    "ex_07_3": [
        lambda output, target: ((output - target) ** 2).mean(),
        lambda output, target: ((output.squeeze(1) - target) ** 2).mean(),
        lambda output, target: ((output.reshape(-1) - target.reshape(-1)) ** 2).sum(),
        lambda output, target: (output.reshape(-1) - target.reshape(-1)).abs().mean(),
        lambda output, target: ((output.view(target.shape) - target) ** 2).mean(0),
    ],
    "ex_07_4": [
        naive,
        one_maximum,
        lambda scores, target: F.cross_entropy(scores, target),
        lambda scores, target: -torch.log(torch.softmax(scores, 1))[range(len(target)), target],
        lambda scores, target: -F.log_softmax(scores, 0)[range(len(target)), target],
        lambda scores, target: -F.log_softmax(scores, 1).max(1).values,
        lambda scores, target: F.cross_entropy(scores, target, reduction="none").tolist(),
        lambda scores, target: naive(scores.clamp(-80, 80), target),
    ],
    "ex_07_5": [
        slopes(divide=False),
        slopes(dim=0),
        slopes(sign=-1),
        lambda scores, target: torch.softmax(scores, 1) / len(scores),
        lambda scores, target: F.cross_entropy(scores, target),
        lambda scores, target: (scores - F.one_hot(target, scores.shape[1])) / len(scores),
    ],
}
