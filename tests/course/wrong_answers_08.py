"""Likely wrong answers to the exercises of chapter 08."""

import learntorch as torch
from learntorch import nn


def momentum(first=True, damped=False, together=False, keep=False, times=0, in_place=False):
    """Descent with momentum, with one slip or another."""

    def answer(f, start, rate, mu, steps):
        w = start.requires_grad_() if in_place else start.clone().requires_grad_()
        b = torch.zeros_like(start)
        for _ in range(steps + times):
            (g,) = torch.autograd.grad(f(w), w)
            with torch.no_grad():
                b = mu * b + ((1 - mu) * g if damped else rate * g if together else g)
                w -= (1 if together and not first else rate) * b
        return w if keep else w.detach()

    return answer


def plain(f, start, rate, mu, steps):
    return momentum()(f, start, rate, 0.0, steps)


def nesterov(f, start, rate, mu, steps):
    w = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([w], lr=rate, momentum=mu, nesterov=mu > 0)
    for _ in range(steps):
        optimizer.zero_grad()
        f(w).backward()
        optimizer.step()
    return w.detach()


def without_clearing(f, start, rate, mu, steps):
    w = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([w], lr=rate, momentum=mu)
    for _ in range(steps):
        f(w).backward()
        optimizer.step()
    return w.detach()


def rmsprop(old=False, outside=True, square=True, swapped=False, exchanged=False, sign=-1):
    """A step of RMSprop, with one slip or another."""

    def answer(w, g, v, rate, alpha, eps):
        a = 1 - alpha if exchanged else alpha
        new = a * v + (1 - a) * (g**2 if square else g)
        used = v if old else new
        size = used.sqrt() + eps if outside else (used + eps).sqrt()
        moved = w + sign * rate * g / size
        return (new, moved) if swapped else (moved, new)

    return answer


def written_into(w, g, v, rate, alpha, eps):
    v *= alpha
    v += (1 - alpha) * g**2
    w -= rate * g / (v.sqrt() + eps)
    return w, v


def groups(kind=torch.optim.AdamW, frozen=False, all_decay=False, exchanged=False,
           rate_in_one=False):
    """An optimizer with two groups, with one slip or another."""

    def answer(model, rate, decay):
        every = [p for p in model.parameters() if frozen or p.requires_grad]
        tables = [p for p in every if p.dim() > 1]
        rest = [p for p in every if p.dim() <= 1]
        none = decay if all_decay else 0.0
        first, second = (none, decay) if exchanged else (decay, none)
        made = [{"params": tables, "weight_decay": first}, {"params": rest, "weight_decay": second}]
        if rate_in_one:
            made[0]["lr"] = rate
            return kind(made)
        return kind(made, lr=rate)

    return answer


def training(clear="first", clip="after backward", order="optimizer", as_number=True, last=True,
             extra=0):
    """The loop, with one slip or another."""

    def answer(model, loss_of, optimizer, scheduler, steps, limit):
        losses = []
        for _ in range(steps + extra):
            if clear == "first":
                optimizer.zero_grad()
            loss = loss_of(model)
            if clip == "before backward":
                nn.utils.clip_grad_norm_(model.parameters(), limit)
            loss.backward()
            if clear == "after backward":
                optimizer.zero_grad()
            if clip == "after backward":
                nn.utils.clip_grad_norm_(model.parameters(), limit)
            if clip == "value":
                nn.utils.clip_grad_value_(model.parameters(), limit)
            pair = [optimizer, scheduler]
            for what in pair if order == "optimizer" else reversed(pair):
                what.step()
            if clear == "last":
                optimizer.zero_grad()
            losses.append(loss.item() if as_number else loss)
        return losses if last else losses[-1]

    return answer


def no_schedule(model, loss_of, optimizer, scheduler, steps, limit):
    class Still:
        def step(self):
            pass

    return training()(model, loss_of, optimizer, Still(), steps, limit)


WRONG = {
    "ex_08_1": [0.8, 2 - 0.1 * 6 * 2 * 2, -0.32, 0.128, 1.28, torch.tensor(0.32)],
    "ex_08_2": [
        plain,
        nesterov,
        without_clearing,
        momentum(damped=True),
        momentum(together=True),
        momentum(keep=True),
        momentum(times=1),
        momentum(times=-1),
        momentum(in_place=True),
        lambda f, start, rate, mu, steps: start,
    ],
    "ex_08_3": [
        rmsprop(old=True),
        rmsprop(outside=False),
        rmsprop(square=False),
        rmsprop(swapped=True),
        rmsprop(exchanged=True),
        rmsprop(sign=1),
        written_into,
        lambda w, g, v, rate, alpha, eps: rmsprop()(w, g, v, rate, alpha, eps)[0],
        lambda w, g, v, rate, alpha, eps: (w - rate * g, v),
    ],
    "ex_08_4": [
        lambda model, rate, decay: torch.optim.AdamW(model.parameters(), lr=rate,
                                                     weight_decay=decay),
        groups(kind=torch.optim.Adam),
        groups(kind=torch.optim.SGD),
        groups(frozen=True),
        groups(all_decay=True),
        groups(exchanged=True),
        groups(rate_in_one=True),
        lambda model, rate, decay: torch.optim.AdamW(
            [p for p in model.parameters() if p.dim() > 1], lr=rate, weight_decay=decay),
    ],
    "ex_08_5": [
        training(clear="never"),
        training(clear="after backward"),
        training(clear="last"),
        training(clip="before backward"),
        training(clip="never"),
        training(clip="value"),
        training(order="scheduler"),
        training(as_number=False),
        training(last=False),
        training(extra=1),
        no_schedule,
    ],
}
