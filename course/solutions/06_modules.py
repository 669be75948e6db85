"""Solutions of chapter 06, nn.Module."""

import learntorch as torch
from learntorch import nn

# %% ex_06_1
ex_06_1 = 320


# %% ex_06_2
def ex_06_2(model):
    learning = sum(p.numel() for p in model.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    return learning, frozen


# %% ex_06_3
class ex_06_3(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(0.0))
        self.b = nn.Parameter(torch.tensor(0.0))
        self.c = nn.Parameter(torch.tensor(0.0))

    def forward(self, x):
        return self.a * x**2 + self.b * x + self.c


# %% ex_06_4
def ex_06_4(sizes):
    parts = []
    for n, m in zip(sizes, sizes[1:]):
        if parts:
            parts.append(nn.Tanh())
        parts.append(nn.Linear(n, m))
    return nn.Sequential(*parts)


# %% ex_06_5
def ex_06_5(model, x):
    shapes = []

    def note(module, inputs, output):
        shapes.append(tuple(output.shape))

    layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
    hooks = [layer.register_forward_hook(note) for layer in layers]
    model(x)
    for hook in hooks:
        hook.remove()
    return shapes
