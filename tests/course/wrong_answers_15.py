"""Likely wrong answers to the exercises of chapter 15."""

import learntorch as torch
from learntorch import nn


def with_head(freeze=True, last=True, inputs=None, whole=False, frozen_head=False, fresh=False):
    """A new head with one slip or another."""

    def answer(model, classes):
        paths = [name for name, m in model.named_modules() if isinstance(m, nn.Linear)]
        path = paths[-1 if last else 0]
        if freeze:
            model.requires_grad_(False)
        old = model.get_submodule(path)
        new = nn.Linear(inputs or old.in_features, classes)
        if fresh:
            for p in model.parameters():
                nn.init.uniform_(p)
        if whole:
            return nn.Sequential(model, new)
        holder, _, word = path.rpartition(".")
        setattr(model.get_submodule(holder), word, new)
        return model.requires_grad_(False) if frozen_head else model

    return answer


def by_name(name):
    def answer(model, classes):
        model.requires_grad_(False)
        setattr(model, name, nn.Linear(6, classes))
        return model

    return answer


def groups(swapped=False, frozen=False, whole=False, product=True, only=False, generators=False):
    """Two groups with one slip or another."""

    def answer(model, head, rate, factor):
        inside = {id(p) for p in head.parameters()}
        new = [p for p in head.parameters() if frozen or p.requires_grad]
        old = [p for p in model.parameters()
               if (frozen or p.requires_grad) and (whole or id(p) not in inside)]
        small = rate * factor if product else factor
        made = [{"params": old, "lr": small}, {"params": new, "lr": rate}]
        if generators:
            made = [{"params": (p for p in g["params"]), "lr": g["lr"]} for g in made]
        return made[::-1] if swapped else made[1:] if only else made

    return answer


def modes(train=True, every=False, any_frozen=False, swapped=False, top=False):
    """Training mode with one slip or another."""

    def answer(model):
        if train:
            model.train()
        for part in model if top and isinstance(model, nn.Sequential) else model.modules():
            if isinstance(part, nn.BatchNorm2d):
                if every or (part.weight.requires_grad == swapped):
                    part.eval()
            elif any_frozen and not any(p.requires_grad for p in part.parameters()):
                part.eval()
        return model

    return answer


def made(mode=True, record=False, whole=False, back="same", drop=False, one=False):
    """Features with one slip or another."""

    def answer(body, images, size):
        flags = [(part, part.training) for part in body.modules()]
        if mode:
            body.eval()
        batches = [images] if whole else images.split(1 if one else size)
        if drop:
            batches = [b for b in batches if len(b) == size] or [images]
        with torch.set_grad_enabled(record):
            out = torch.cat([body(b) for b in batches])
        for part, flag in flags:
            part.training = {"same": flag, "train": True, "eval": False}[back]
        return out

    return answer


WRONG = {
    "ex_15_1": [with_head(freeze=False), with_head(last=False), with_head(inputs=1280),
                with_head(whole=True), with_head(frozen_head=True), with_head(fresh=True),
                by_name("fc"), lambda model, classes: model,
                lambda model, classes: nn.Linear(2, classes)],
    "ex_15_2": [
        lambda state, other: state,
        lambda state, other: other,
        lambda state, other: {k: v for k, v in state.items() if k in other},
        lambda state, other: {k: v for k, v in state.items()
                              if v.shape in [o.shape for o in other.values()]},
        lambda state, other: {k: other[k] for k, v in state.items()
                              if k in other and v.shape == other[k].shape},
        lambda state, other: {k: v for k, v in state.items()
                              if k in other and v.numel() == other[k].numel()},
        lambda state, other: list(state),
    ],
    "ex_15_3": [groups(swapped=True), groups(frozen=True), groups(whole=True),
                groups(product=False), groups(only=True),
                lambda model, head, rate, factor: model.parameters(),
                lambda model, head, rate, factor: [{"params": list(model.parameters())}] * 2],
    "ex_15_4": [modes(train=False), modes(every=True), modes(any_frozen=True), modes(swapped=True),
                modes(top=True), lambda model: model.train(), lambda model: model.eval(),
                lambda model: [model]],
    "ex_15_5": [made(mode=False), made(record=True), made(whole=True), made(back="train"),
                made(back="eval"), made(drop=True), made(one=True),
                lambda body, images, size: images],
}
