"""The code of the documents the project comes from: it runs, or fails as it does in PyTorch.

The polynomial fits, the autograd examples, the network for handwriting and the training loop. Each
is run under learntorch and under PyTorch and must give the same; where the documents print numbers
that do not depend on a seed, those are held too.
"""

import math

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch


def polynomial_by_autograd(torch, steps=2000):
    """y = a + b x + c x·2 + d x·3, fitted to sin x (written so in the document)."""
    torch.manual_seed(0)
    dtype = torch.float
    device = torch.device("cpu")
    x = torch.linspace(-math.pi, math.pi, 2000, device=device, dtype=dtype)
    y = torch.sin(x)
    a = torch.randn((), device=device, dtype=dtype, requires_grad=True)
    b = torch.randn((), device=device, dtype=dtype, requires_grad=True)
    c = torch.randn((), device=device, dtype=dtype, requires_grad=True)
    d = torch.randn((), device=device, dtype=dtype, requires_grad=True)
    learning_rate = 1e-6
    for _ in range(steps):
        y_pred = a + b * x + c * x * 2 + d * x * 3
        loss = (y_pred - y).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            a -= learning_rate * a.grad
            b -= learning_rate * b.grad
            c -= learning_rate * c.grad
            d -= learning_rate * d.grad
            a.grad = None
            b.grad = None
            c.grad = None
            d.grad = None
    return loss.item(), [p.item() for p in (a, b, c, d)]


def powers(torch):
    x = torch.linspace(-math.pi, math.pi, 2000)
    return x.unsqueeze(-1).pow(torch.tensor([1, 2, 3])), torch.sin(x)


def polynomial_by_nn(torch, steps=500):
    torch.manual_seed(0)
    xx, y = powers(torch)
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
    loss_fn = torch.nn.MSELoss(reduction="sum")
    for _ in range(steps):
        loss = loss_fn(model(xx), y)
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for param in model.parameters():
                param -= 1e-6 * param.grad
    return loss.item(), model[0].weight.tolist(), model[0].bias.item()


def polynomial_by_optim(torch, steps=500):
    torch.manual_seed(0)
    xx, y = powers(torch)
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
    loss_fn = torch.nn.MSELoss(reduction="sum")
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    for _ in range(steps):
        loss = loss_fn(model(xx), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item(), model[0].weight[:, 0].item()


def test_polynomial_ends_where_the_document_says():
    loss, _ = polynomial_by_autograd(learntorch)
    assert loss == pytest.approx(392.789, abs=0.01)


@needs_torch
@pytest.mark.parametrize("fit", [polynomial_by_autograd, polynomial_by_nn, polynomial_by_optim])
def test_polynomial_fits(fit):
    alike(fit, rtol=1e-4)


def tensors(torch):
    torch.manual_seed(0)
    a = torch.Tensor([[1, 2], [3, 4]])
    x1, x2 = torch.rand(2, 2), torch.rand(2, 2)
    x3 = torch.add(x1, x2)
    x2.add_(x1)
    x = torch.randn(1, 4, 32, 24)
    result = torch.Tensor(2, 2)
    torch.add(x1, x3, out=result)
    return (repr(a), repr(a ** 2), x3, x2[1, 1].item(), x.view(8, 2, -1, 3, 8).size() == (
        8, 2, 8, 3, 8), torch.ones(2, 2, dtype=torch.int), torch.ones(2, 2, dtype=torch.float16),
            str(torch.zeros(5, 3).size()), result, torch.randn(5, 10, 15).view(-1, 15))


def bridge(torch):
    a = torch.ones(5)
    b = a.numpy()
    a.add_(1)
    c = np.ones(5)
    d = torch.from_numpy(c)
    c += 2
    return b.tolist(), d


def products(torch):
    torch.manual_seed(1)
    one = torch.mm(torch.randn(2, 3), torch.randn(3, 3))
    many = torch.bmm(torch.randn(10, 3, 4), torch.randn(10, 4, 5))
    return one, many, torch.cat((one, one)), one.unsqueeze(0).squeeze()


def vector_jacobian(torch):
    x = torch.tensor([0.5, 1.0, 1.5], requires_grad=True)
    z = (x + 2) * (x + 2) * 2
    z.backward(torch.tensor([0.1, 1.0, 0.001]))
    return x.grad


def accumulation(torch):
    weights = torch.ones(4, requires_grad=True)
    seen = []
    for _ in range(3):
        (weights * 3).sum().backward()
        seen.append(weights.grad.tolist())
        weights.grad.zero_()
    return seen


def logistic(torch):
    torch.manual_seed(0)
    x, y = torch.ones(2, 2), torch.ones(2, 1)
    w, b = torch.randn(2, 1, requires_grad=True), torch.randn(1, requires_grad=True)
    p = torch.sigmoid(torch.mm(x, w) + b)
    loss = -y * torch.log(p) - (1 - y) * torch.log(1 - p)
    loss.mean().backward()
    return w.grad, b.grad


def lenet_step(torch):
    nn, F = torch.nn, torch.nn.functional

    class Net(nn.Module):
        def __init__(self):
            super(Net, self).__init__()  # as in the document
            self.conv1 = nn.Conv2d(1, 6, 5)
            self.conv2 = nn.Conv2d(6, 16, 5)
            self.fc1 = nn.Linear(16 * 5 * 5, 120)
            self.fc2 = nn.Linear(120, 84)
            self.fc3 = nn.Linear(84, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
            x = F.max_pool2d(F.relu(self.conv2(x)), (2, 2))
            x = x.view(-1, self.num_flat_features(x))
            x = F.relu(self.fc1(x))
            x = F.relu(self.fc2(x))
            return self.fc3(x)

        def num_flat_features(self, x):
            n = 1
            for s in x.size()[1:]:
                n *= s
            return n
    torch.manual_seed(0)
    net = Net()
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    image = torch.randn(1, 1, 32, 32)
    target = torch.randn(10).view(1, -1)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = criterion(net(image), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, repr(net), net.conv1.bias.grad


@needs_torch
@pytest.mark.parametrize("case", [tensors, bridge, products, vector_jacobian, accumulation,
                                  logistic, lenet_step])
def test_the_same_under_both(case):
    alike(case, rtol=2e-5)


@needs_torch
@pytest.mark.parametrize("mistake", [
    lambda torch: torch.tensor(4, 4),
    lambda torch: torch.cat(torch.ones(2), torch.ones(2)),
    lambda torch: torch.sqeueeze,
    lambda torch: torch.unsqeueeze,
    lambda torch: torch.optim.SGD(torch.ones(4, requires_grad=True), lr=0.01),
    lambda torch: torch.rand(3, requires_grad=True).mean().backward(torch.ones(3)),
    lambda torch: torch.Tensor(5, 3).uniform(-1, 1),
    lambda torch: np.ones(5, requires_grad=True),
])
def test_the_documents_mistakes_fail_as_in_pytorch(mistake):
    alike(mistake, wording=False)


def test_misspelt_names_get_a_suggestion():
    for wrong, right in (("sqeueeze", "squeeze"), ("unsqeueeze", "unsqueeze")):
        with pytest.raises(AttributeError, match=f"Did you mean: '{right}'"):
            getattr(learntorch, wrong)
