"""Solutions of chapter 15, Transfer learning."""

import learntorch as torch
from learntorch import nn


# %% ex_15_1
def ex_15_1(model, classes):
    model.requires_grad_(False)
    path = [name for name, m in model.named_modules() if isinstance(m, nn.Linear)][-1]
    holder, _, word = path.rpartition(".")
    old = model.get_submodule(path)
    setattr(model.get_submodule(holder), word, nn.Linear(old.in_features, classes))
    return model


# %% ex_15_2
def ex_15_2(state, other):
    fits = {}
    for name, tensor in state.items():
        if name in other and other[name].shape == tensor.shape:
            fits[name] = tensor
    return fits


# %% ex_15_3
def ex_15_3(model, head, rate, factor):
    new = [p for p in head.parameters() if p.requires_grad]
    inside = {id(p) for p in head.parameters()}
    old = [p for p in model.parameters() if p.requires_grad and id(p) not in inside]
    return [{"params": old, "lr": rate * factor}, {"params": new, "lr": rate}]


# %% ex_15_4
def ex_15_4(model):
    model.train()
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d) and not part.weight.requires_grad:
            part.eval()
    return model


# %% ex_15_5
def ex_15_5(body, images, size):
    flags = [(part, part.training) for part in body.modules()]
    body.eval()
    with torch.no_grad():
        made = torch.cat([body(portion) for portion in images.split(size)])
    for part, flag in flags:
        part.training = flag
    return made
