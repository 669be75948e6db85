"""Solutions of chapter 08, optimizers and schedules."""

import learntorch as torch
from learntorch import nn

# %% ex_08_1
ex_08_1 = 0.32


# %% ex_08_2
def ex_08_2(f, start, rate, mu, steps):
    w = start.detach().clone().requires_grad_()
    velocity = torch.zeros_like(start)
    for _ in range(steps):
        (slope,) = torch.autograd.grad(f(w), w)
        with torch.no_grad():
            velocity = mu * velocity + slope
            w -= rate * velocity
    return w.detach()


# %% ex_08_3
def ex_08_3(w, g, v, rate, alpha, eps):
    v = alpha * v + (1 - alpha) * g**2
    w = w - rate * g / (v.sqrt() + eps)
    return w, v


# %% ex_08_4
def ex_08_4(model, rate, decay):
    learning = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learning if p.dim() > 1], "weight_decay": decay},
        {"params": [p for p in learning if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate)


# %% ex_08_5
def ex_08_5(model, loss_of, optimizer, scheduler, steps, limit):
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses
