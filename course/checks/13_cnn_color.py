"""Checks of chapter 13, CNN II: colour images."""

import learntorch as torch
import learntorch.nn.functional as F
from course.checks.framework import exercise
from learntorch import nn


@exercise(
    "function",
    hints=[
        "mean and deviation come from `training`: over pictures, rows and columns, not channels",
        "training.mean(dim=(0, 2, 3)) has one number for each channel; which shape must it have?",
        "with keepdim=True the shape is (1, channels, 1, 1); the same for .std",
    ],
)
def ex_13_1(trial):
    """Normalising with the statistics of the training set."""
    torch.manual_seed(0)
    for pictures, channels, rows, columns in [(2, 1, 2, 2), (1, 2, 2, 3), (4, 3, 2, 3),
                                              (3, 3, 3, 3), (2, 5, 4, 1)]:
        scale = torch.arange(1.0, channels + 1).view(-1, 1, 1)
        training = torch.randn(6, channels, 3, 4) * scale + 10 * scale
        images = torch.randn(pictures, channels, rows, columns) + 10
        mean = training.mean(dim=(0, 2, 3)).view(1, channels, 1, 1)
        std = training.std(dim=(0, 2, 3)).view(1, channels, 1, 1)
        got = trial.call(images, training)
        trial.equal(got, (images - mean) / std, tolerance=1e-4,
                    about=f"for {pictures} pictures of {channels} × {rows} × {columns}, the result")


@exercise(
    "function",
    hints=[
        "F.pad(picture, (4, 4, 4, 4)) puts the frame; then cut with two slices, rows first",
        "the cut is as large as the picture was: height, width = picture.shape[1:]",
        "framed[:, top : top + height, left : left + width]; .flip(2) swaps left and right",
    ],
)
def ex_13_2(trial):
    """A child of a picture: framed, cut, mirrored."""
    cases = [(1, 2, 2, 4, 4, False), (1, 2, 2, 4, 4, True), (1, 2, 3, 3, 5, False),
             (2, 3, 2, 0, 8, False), (3, 4, 6, 5, 2, True), (3, 5, 5, 8, 0, True),
             (1, 32, 32, 0, 0, False), (3, 32, 32, 7, 1, True)]
    for channels, height, width, top, left, mirror in cases:
        picture = torch.arange(1.0, channels * height * width + 1).view(channels, height, width)
        wanted = F.pad(picture, (4, 4, 4, 4))[:, top:top + height, left:left + width]
        wanted = wanted.flip(2) if mirror else wanted
        trial.equal(trial.call(picture, top, left, mirror), wanted)


@exercise(
    "function",
    hints=[
        "how many output numbers are there, and how many weights has the kernel of one of them?",
        "rows of the output: (height + 2 · padding − kernel) // stride + 1, as in CNN I",
        "in_channels / groups · k · k weights a kernel; times out_channels · rows · columns",
    ],
)
def ex_13_3(trial):
    """Multiply-adds of a convolution."""
    cases = [
        (nn.Conv2d(1, 1, 1), 2, 2), (nn.Conv2d(1, 1, 3), 4, 4), (nn.Conv2d(2, 3, 3), 5, 4),
        (nn.Conv2d(1, 1, 3, padding=1), 4, 4), (nn.Conv2d(3, 8, 3, stride=2), 8, 9),
        (nn.Conv2d(16, 32, 3, stride=2, padding=1), 32, 32), (nn.Conv2d(4, 4, 7, groups=4), 9, 9),
        (nn.Conv2d(8, 12, (1, 5), stride=(1, 2), padding=(0, 2), groups=2), 6, 7),
        (nn.Conv2d(3, 32, 4, stride=4), 33, 32),
    ]
    for layer, height, width in cases:
        with torch.no_grad():
            out = layer(torch.zeros(1, layer.in_channels, height, width))
        trial.equal(trial.call(layer, height, width), out.numel() * layer.weight[0].numel())


@exercise(
    "class",
    hints=[
        "__init__(self, inputs, outputs) makes the parts; two convolutions with padding=1",
        "past it: nn.Conv2d(inputs, outputs, 1), or nn.Identity() if none is needed",
        "forward: F.relu(self.skip(x) + self.body(x)); no ReLU at the end of the body",
    ],
    seconds=15.0,
)
def ex_13_4(trial):
    """A residual block with a way past it."""
    torch.manual_seed(0)
    for inputs, outputs, rows, columns in [(1, 1, 3, 3), (4, 4, 5, 3), (2, 5, 4, 4), (6, 3, 1, 2)]:
        block = trial.do(trial.answer, inputs, outputs, shown="ex_13_4")
        trial.true(isinstance(block, nn.Module), f"{trial.said} is not a module")
        name = f"ex_13_4({inputs}, {outputs})"
        convolutions = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
        sizes = sorted(tuple(m.kernel_size) for m in convolutions)
        wanted = [(1, 1)] * (inputs != outputs) + [(3, 3)] * 2
        trial.equal(sizes, wanted, about=f"the list of kernel sizes in {name}")
        norms = [m for m in block.modules() if isinstance(m, nn.BatchNorm2d)]
        trial.true(len(norms) >= 2, f"{name} has {len(norms)} modules nn.BatchNorm2d, not 2")
        x = torch.randn(6, inputs, rows, columns)
        out = trial.do(block, x, shown=name)
        trial.true(isinstance(out, torch.Tensor), f"{trial.said} is not a tensor")
        trial.equal(tuple(out.shape), (6, outputs, rows, columns),
                    about=f"the shape of what {name} makes of (6, {inputs}, {rows}, {columns})")
        trial.true(out.min().item() >= 0,
                   f"{name} put out {out.min().item():.3f}: is the last ReLU missing?")
        adds_up(trial, block, name, x, norms)


def adds_up(trial, block, name, x, norms):
    """Does the body add to what comes in, and do all parts take part?"""
    out = block(x).sum()
    grads = torch.autograd.grad(out, list(block.parameters()), allow_unused=True)
    idle = [n for (n, _), g in zip(block.named_parameters(), grads, strict=True) if g is None]
    trial.true(not idle, f"in {name}, {', '.join(idle)} is never used")
    usual = block(x).detach()
    steady = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        for m in norms:
            m.weight.zero_()
            m.bias.zero_()
    if len([m for m in steady if m.kernel_size == (1, 1)]) == 0:
        trial.equal(block(x).detach(), F.relu(x),
                    about=f"with batch norms that give 0, so that the body is 0, what {name} makes "
                          f"of x = {' '.join(repr(x[:1]).split())[:80]}…")
        trial.true(not torch.allclose(usual, F.relu(x), atol=1e-4),
                   f"{name} gives relu(x), as if its body were 0")
    elif len(norms) == 2:
        (skip,) = [m for m in steady if m.kernel_size == (1, 1)]
        trial.equal(block(x).detach(), F.relu(skip(x)).detach(),
                    about=f"with batch norms that give 0, so that only the 1 × 1 convolution is "
                          f"left, what {name} makes of x")


def trained(channels, seed):
    """A batch norm in eval mode whose numbers are not those of the start."""
    torch.manual_seed(seed)
    norm = nn.BatchNorm2d(channels, eps=1e-3 if seed % 2 else 1e-5)
    with torch.no_grad():
        norm.weight.copy_(torch.randn(channels))
        norm.bias.copy_(torch.randn(channels))
        norm.running_mean.copy_(torch.randn(channels))
        norm.running_var.copy_(torch.rand(channels) * 3 + 0.1)
    return norm.eval()


@exercise(
    "function",
    hints=[
        "in eval mode out = γ · (x − mean) / √(var + ε) + β; which part of it is a factor?",
        "factor = norm.weight / torch.sqrt(norm.running_var + norm.eps), one for each channel",
        "conv.weight * factor.view(-1, 1, 1, 1), and norm.bias - norm.running_mean * factor",
    ],
)
def ex_13_5(trial):
    """A batch norm folded into the convolution before it."""
    cases = [(1, 1, 1, {}), (1, 2, 3, {}), (2, 3, 3, {"padding": 1}), (4, 4, 3, {"groups": 4}),
             (3, 8, 5, {"stride": 2})]
    for seed, (inputs, outputs, size, options) in enumerate(cases):
        norm = trained(outputs, seed)
        conv = nn.Conv2d(inputs, outputs, size, bias=False, **options)
        x = torch.randn(2, inputs, 7, 7)
        both = nn.ModuleList([conv, norm])
        before = {k: v.clone() for k, v in both.state_dict().items()}
        made = trial.call(conv, norm)
        same = all(torch.equal(before[k], v) for k, v in both.state_dict().items())
        trial.true(same, "your function changed conv or norm; make new tensors")
        pair = isinstance(made, (tuple, list)) and len(made) == 2
        trial.true(pair and all(isinstance(t, torch.Tensor) for t in made),
                   f"{trial.said} should return two tensors, weight and bias")
        weight, bias = (t.detach() for t in made)
        trial.equal(tuple(weight.shape), tuple(conv.weight.shape), about="the shape of your weight")
        trial.equal(tuple(bias.shape), (outputs,), about="the shape of your bias")
        with torch.no_grad():
            wanted = norm(conv(x))
            got = F.conv2d(x, weight, bias, conv.stride, conv.padding, groups=conv.groups)
        trial.equal(got, wanted, tolerance=1e-4,
                    about=f"for {conv}, one convolution with your weight and bias")
