"""Solutions of chapter 10, Evaluation."""

import learntorch as torch


# %% ex_10_1
def ex_10_1(net, x, y, size):
    before = net.training
    net.eval()
    hits = 0
    with torch.no_grad():
        for part_x, part_y in zip(x.split(size), y.split(size)):
            hits += (net(part_x).argmax(dim=1) == part_y).sum().item()
    net.train(before)
    return hits / len(x)


# %% ex_10_2
def ex_10_2(labels, guesses, classes):
    counts = torch.zeros(classes, classes, dtype=torch.float64)
    for truth, guess in zip(labels.tolist(), guesses.tolist()):
        counts[truth, guess] += 1
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1)


# %% ex_10_3
def ex_10_3(matrix, k):
    hits = matrix[k, k].item()
    called, there = matrix[:, k].sum().item(), matrix[k].sum().item()
    precision = hits / called if called else 0.0
    recall = hits / there if there else 0.0
    f1 = 2 * hits / (called + there) if hits else 0.0
    return precision, recall, f1


# %% ex_10_4
def ex_10_4(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best == patience:
            return best, epoch
    return best, len(losses) - 1


# %% ex_10_5
def ex_10_5(scores, positive):
    yes, no = scores[positive], scores[~positive]
    wins = (yes[:, None] > no).double() + 0.5 * (yes[:, None] == no)
    return wins.mean().item()
