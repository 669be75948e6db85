"""Checks of chapter 00, Welcome."""

import learntorch as torch
from course.checks.framework import exercise


@exercise(
    "number",
    hints=[
        "count the weights first: one for every pair of an input and an output",
        "3 inputs and 2 outputs make 6 pairs; then there is a bias for every output",
        "6 weights and 2 biases",
    ],
)
def ex_00_1(trial):
    """How many numbers a Linear(3, 2) keeps."""
    layer = torch.nn.Linear(3, 2)
    count = sum(p.numel() for p in layer.parameters())
    trial.true(
        trial.answer == count,
        f"the layer does not keep {trial.answer:g} numbers",
    )


@exercise(
    "function",
    hints=[
        "a tensor can be multiplied by a number as a whole",
        "is there a `return` in front of the result?",
        "double is 2 * x, then add 1",
    ],
)
def ex_00_2(trial):
    """2x + 1 for every number of a tensor."""
    torch.manual_seed(0)
    cases = [torch.tensor(0.0), torch.tensor([1.0, 2.0]), torch.tensor([-1, 5]), torch.zeros(0)]
    cases += [torch.randn(shape) for shape in [(3,), (2, 3), (4, 1, 2)]]
    for x in cases:
        trial.equal(trial.call(x), x + x + 1)


@exercise(
    "function",
    hints=[
        "make a tensor of the number first, one that remembers",
        "x = torch.tensor(at, requires_grad=True), then calculate y from x and call y.backward()",
        "the slope is in x.grad, and .item() makes a number of it",
    ],
)
def ex_00_3(trial):
    """Slope of x³, found by backward."""
    for at in [0.0, 1.0, 2.0, -1.0, 0.5, -3.0, 10.0]:
        trial.equal(trial.call(at), 3.0 * at * at)
