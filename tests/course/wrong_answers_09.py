"""Likely wrong answers to the exercises of chapter 09, The training loop."""

import math

import learntorch as torch
import learntorch.nn.functional as F


def step_with(order, returned=lambda loss: loss.item()):
    """An answer to 09.3 that does the named things in this order."""

    def answer(net, optimizer, x, y):
        loss = None
        for what in order.split():
            if what == "loss":
                loss = F.cross_entropy(net(x), y)
            elif what == "zero":
                optimizer.zero_grad()
            elif what == "back":
                loss.backward()
            else:
                optimizer.step()
        return returned(loss)

    return answer


def in_portions(weigh, step_each=False, clear=True, whole=False):
    """An answer to 09.4 that weighs portion p of n with weigh(len(p), len(x), portions)."""

    def answer(net, optimizer, x, y, most):
        total = 0.0
        if clear:
            optimizer.zero_grad()
        portions = list(zip(x.split(most), y.split(most), strict=True))
        for part_x, part_y in portions:
            loss = F.cross_entropy(net(part_x), part_y)
            loss = loss * weigh(len(part_x), len(x), len(portions))
            loss.backward()
            total += loss.item()
            if step_each:
                optimizer.step()
                optimizer.zero_grad()
        if not step_each:
            optimizer.step()
        return F.cross_entropy(net(x), y).item() if whole else total

    return answer


def clipped(norm, scale=lambda g, most, norm: g.mul_(most / norm), always=False):
    """An answer to 09.5 with this norm of a list of gradients, and this way to scale one."""

    def answer(parameters, most):
        gradients = [p.grad for p in parameters if p.grad is not None]
        found = norm(gradients)
        if found > most or always:
            for g in gradients:
                scale(g, most, found)
        return found

    return answer


def total(gradients):
    return math.sqrt(sum((g * g).sum().item() for g in gradients))


def fixed_order(n, size):
    torch.manual_seed(0)
    return torch.randperm(n).split(size)


def shifted(n, size):
    return ((torch.arange(n) + torch.randint(0, n, (1,))) % n).split(size)


def shuffled_batches(n, size):
    batches = torch.arange(n).split(size)
    last = [batches[-1]] if n % size else []
    full = batches[: n // size]
    return [full[i] for i in torch.randperm(len(full)).tolist()] + last


WRONG = {
    "ex_09_1": [
        lambda samples, size, seconds, epochs: samples // size * seconds * epochs / 3600,
        lambda samples, size, seconds, epochs: samples / size * seconds * epochs / 3600,
        lambda samples, size, seconds, epochs: math.ceil(samples / size) * seconds / 3600,
        lambda samples, size, seconds, epochs: math.ceil(samples / size) * seconds * epochs,
        lambda samples, size, seconds, epochs: math.ceil(samples / size * epochs) * seconds / 3600,
        lambda samples, size, seconds, epochs: 40.0,
    ],
    "ex_09_2": [
        lambda n, size: torch.arange(n).split(size),
        lambda n, size: torch.randperm(n),
        lambda n, size: [torch.randperm(n)],
        lambda n, size: torch.randperm(n)[: n // size * size].split(size),
        lambda n, size: torch.randperm(n).chunk(size),
        lambda n, size: [torch.randint(0, n, (size,)) for _ in range(n // size)],
        lambda n, size: torch.randperm(n).split(size)[::-1],
        lambda n, size: [batch.tolist() for batch in torch.randperm(n).split(size)],
        lambda n, size: torch.randperm(n).double().split(size),
        fixed_order,
        shifted,
        shuffled_batches,
    ],
    "ex_09_3": [
        step_with("loss back step"),
        step_with("loss back zero step"),
        step_with("loss zero back"),
        step_with("loss zero step"),
        step_with("loss zero back step loss"),
        step_with("loss zero back step step"),
        step_with("loss zero back step", returned=lambda loss: loss),
        step_with("loss zero back step", returned=lambda loss: None),
        step_with("loss loss zero back step"),
    ],
    "ex_09_4": [
        in_portions(lambda part, rows, count: 1.0),
        in_portions(lambda part, rows, count: 1 / count),
        in_portions(lambda part, rows, count: part / rows, step_each=True),
        in_portions(lambda part, rows, count: part / rows, clear=False),
        in_portions(lambda part, rows, count: part / rows, whole=True),
        lambda net, optimizer, x, y, most: step_with("loss zero back step")(net, optimizer, x, y),
        lambda net, optimizer, x, y, most: step_with("loss zero back step")(
            net, optimizer, x[:most], y[:most]),
        lambda net, optimizer, x, y, most: 0.0,
    ],
    "ex_09_5": [
        clipped(lambda gs: max((g.norm().item() for g in gs), default=0.0)),
        clipped(lambda gs: sum(g.norm().item() for g in gs)),
        clipped(lambda gs: total(gs) ** 2),
        clipped(total, scale=lambda g, most, norm: g.clamp_(-most, most)),
        clipped(total, scale=lambda g, most, norm: g.mul_(most / max(g.norm().item(), 1e-9))),
        clipped(total, scale=lambda g, most, norm: g * most / norm),
        clipped(lambda gs: total(gs) + 1e-9, always=True),
        lambda parameters, most: total([p.grad for p in parameters]),
        lambda parameters, most: torch.tensor(total([p.grad for p in parameters if p.grad is
                                                     not None])),
    ],
}
