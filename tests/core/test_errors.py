"""Errors teach: PyTorch's type and wording first, then one sentence that says what to do.

Each row is what a learner types. The live part runs it under PyTorch too; the words of `teaches`
are ours and are held without PyTorch.
"""

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch

# name: (what is typed, a part of our own sentence)
CASES = {
    "tensor of two numbers": (
        lambda torch: torch.tensor(4, 4), "torch.tensor([4, 4])"),
    "rows of different length": (
        lambda torch: torch.tensor([[1, 2], [3]]), "same length"),
    "tensor of a string": (
        lambda torch: torch.tensor("a"), ""),
    "matrix sizes": (
        lambda torch: torch.ones(64, 400) @ torch.ones(120, 84), "inner sizes 400 and 120 differ"),
    "linear sizes": (
        lambda torch: torch.nn.Linear(120, 84)(torch.ones(64, 400)),
        "inner sizes 400 and 120 differ"),
    "broadcast": (
        lambda torch: torch.ones(3) + torch.ones(4), "broadcast from the right"),
    "view of a transpose": (
        lambda torch: torch.ones(2, 3).t().view(6), ""),
    "reshape count": (
        lambda torch: torch.ones(2, 3).view(4, 2), "holds 8 elements"),
    "no such dimension": (
        lambda torch: torch.ones(2, 3).sum(2), ""),
    "no such dimension of cat": (
        lambda torch: torch.cat([torch.ones(2)], 1), ""),
    "cat sizes": (
        lambda torch: torch.cat([torch.ones(2, 3), torch.ones(2, 4)], 0), ""),
    "index out of range": (
        lambda torch: torch.ones(3)[5], ""),
    "too many indices": (
        lambda torch: torch.ones(3)[0, 0], ""),
    "index of a number": (
        lambda torch: torch.tensor(1.0)[0], ""),
    "negative step": (
        lambda torch: torch.ones(3)[::-1], "torch.flip"),
    "float index": (
        lambda torch: torch.ones(3)[torch.ones(2)], ".long()"),
    "mask of another shape": (
        lambda torch: torch.ones(3)[torch.ones(2, dtype=torch.bool)], ""),
    "numpy of a leaf": (
        lambda torch: torch.ones(3, requires_grad=True).numpy(), ""),
    "item of several": (
        lambda torch: torch.ones(3).item(), ".tolist()"),
    "truth of several": (
        lambda torch: bool(torch.ones(3) > 0), ".any() or .all()"),
    "backward of several": (
        lambda torch: (torch.ones(3, requires_grad=True) * 2).backward(), ".sum()"),
    "backward of a constant": (
        lambda torch: torch.ones(3).sum().backward(), "requires_grad=True"),
    "vector on a scalar": (
        lambda torch: torch.ones(3, requires_grad=True).mean().backward(torch.ones(3)), ""),
    "in place on a leaf": (
        lambda torch: torch.ones(3, requires_grad=True).add_(1), "torch.no_grad()"),
    "integers with gradient": (
        lambda torch: torch.tensor([1, 2], requires_grad=True), "1. instead of 1"),
    "mean of integers": (
        lambda torch: torch.tensor([1, 2]).mean(), ".float()"),
    "float into integers": (
        lambda torch: torch.tensor([1, 2]).add_(0.5), ""),
    "dtype of mm": (
        lambda torch: torch.ones(2, 2) @ torch.ones(2, 2, dtype=torch.float64),
        ".to(torch.float32)"),
    "integers into a layer": (
        lambda torch: torch.nn.Linear(3, 4)(torch.ones(2, 3, dtype=torch.int64)), ".to("),
    "integers into linear": (
        lambda torch: torch.nn.functional.linear(
            torch.ones(2, 3, dtype=torch.int64), torch.ones(4, 3)), ".to(torch.int64)"),
    "a bias of another dtype": (
        lambda torch: torch.nn.functional.linear(
            torch.ones(2, 3), torch.ones(4, 3), torch.ones(4, dtype=torch.float64)), ".to("),
    "dtype of bmm": (
        lambda torch: torch.bmm(torch.ones(1, 2, 2), torch.ones(1, 2, 2, dtype=torch.int64)), ""),
    "dtype of mv": (
        lambda torch: torch.mv(torch.ones(2, 2), torch.ones(2, dtype=torch.int64)), ""),
    "dtype of dot": (
        lambda torch: torch.dot(torch.ones(2), torch.ones(2, dtype=torch.int64)), ""),
    "dtype of bilinear": (
        lambda torch: torch.nn.functional.bilinear(
            torch.ones(2, 3, dtype=torch.int64), torch.ones(2, 3), torch.ones(2, 3, 3)), ""),
    "lerp of integers": (
        lambda torch: torch.lerp(torch.tensor([1]), torch.tensor([2]), 0.5), ".float()"),
    "lerp to another dtype": (
        lambda torch: torch.lerp(torch.ones(1), torch.ones(1, dtype=torch.float64), 0.5), ""),
    "median of bools": (
        lambda torch: torch.tensor([True, False]).median(), ".float()"),
    "median along a dimension of bools": (
        lambda torch: torch.tensor([True, False]).median(0), ".float()"),
    "sort of complex numbers": (
        lambda torch: torch.tensor([1j]).sort(), "no order"),
    "ReLU6 of bools": (
        lambda torch: torch.nn.ReLU6()(torch.tensor([True])), ".float()"),
    "hardtanh of bytes": (
        lambda torch: torch.nn.functional.hardtanh(torch.ones(2, dtype=torch.uint8)), ""),
    "a complex number into integers": (
        lambda torch: torch.tensor([1]).masked_fill(torch.tensor([True]), 1j), ""),
    "bool minus bool": (
        lambda torch: torch.tensor([True]) - torch.tensor([False]), ""),
    "minus bool": (
        lambda torch: -torch.tensor([True]), ""),
    "class targets as floats": (
        lambda torch: torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.ones(2)),
        ".long()"),
    "class out of range": (
        lambda torch: torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0, 3])),
        "numbered 0 to 2"),
    "batch sizes of a loss": (
        lambda torch: torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0])), ""),
    "optimizer on a tensor": (
        lambda torch: torch.optim.SGD(torch.ones(3, requires_grad=True), lr=0.01), ""),
    "optimizer without parameters": (
        lambda torch: torch.optim.SGD([], lr=0.01), ""),
    "optimizer on a result": (
        lambda torch: torch.optim.SGD([torch.ones(3, requires_grad=True) * 2], lr=0.01), ""),
    "module before init": (
        lambda torch: type("M", (torch.nn.Module,), {"__init__": lambda self: setattr(
            self, "layer", torch.nn.Linear(1, 1))})(), ""),
    "missing keys": (
        lambda torch: torch.nn.Linear(1, 1).load_state_dict({}), ""),
    "cuda": (
        lambda torch: torch.ones(3, device="cuda"), "cuda.is_available()"),
    "unknown device": (
        lambda torch: torch.device("gpu"), ""),
    "conv channels": (
        lambda torch: torch.nn.Conv2d(1, 6, 5)(torch.ones(64, 3, 28, 28)), ""),
    "embedding index": (
        lambda torch: torch.nn.Embedding(3, 2)(torch.tensor([3])), "3 rows"),
    "dropout probability": (
        lambda torch: torch.nn.Dropout(1.5), ""),
    "uniform without underscore": (
        lambda torch: torch.Tensor(5, 3).uniform(-1, 1), ""),
    "array read backwards": (
        lambda torch: torch.from_numpy(np.ones(3)[::-1]), ""),
    "list given to from_numpy": (
        lambda torch: torch.from_numpy([1, 2]), ""),
    "write through expand": (
        lambda torch: torch.ones(1).expand(3).add_(1), ""),
    "wrong name of a function": (
        lambda torch: torch.sqeueeze, "Did you mean: 'squeeze'?"),
    "sum with a string": (
        lambda torch: torch.ones(3) + "a", ""),
    "list instead of a tensor": (
        lambda torch: torch.flatten([[1, 2], [3, 4]]), "torch.tensor(...)"),
    "array given to a layer": (
        lambda torch: torch.nn.Linear(2, 1)(np.ones((3, 2))), "torch.from_numpy(...)"),
    "array given to linalg": (
        lambda torch: torch.linalg.det(np.eye(2)), "torch.from_numpy(...)"),
    "list given to fft": (
        lambda torch: torch.fft.fft([1.0, 2.0]), "torch.tensor(...)"),
    "argument left out": (
        lambda torch: torch.linalg.solve(torch.eye(2)), ""),
    "keyword nobody knows": (
        lambda torch: torch.zeros(2, size_=3), ""),
    "sizes left out": (
        lambda torch: torch.zeros(), "torch.zeros(())"),
    "fraction as a size": (
        lambda torch: torch.ones([2.5]), "whole numbers"),
    "one minus a mask": (
        lambda torch: 1 - torch.tensor([True]), "logical_not()"),
    "inverse of a row of numbers": (
        lambda torch: torch.linalg.inv(torch.ones(2, 3)), "lstsq"),
    "inverse of a singular matrix": (
        lambda torch: torch.linalg.inv(torch.ones(2, 2)), "pinv"),
    "cholesky of what is not positive": (
        lambda torch: torch.linalg.cholesky(-torch.eye(2)), "A @ A.mT"),
    "eigenvalues of integers": (
        lambda torch: torch.linalg.eigh(torch.eye(2).long()), ".float()"),
    "solve with sizes that differ": (
        lambda torch: torch.linalg.solve(torch.eye(3), torch.ones(2)), ""),
    "det of a vector": (
        lambda torch: torch.linalg.det(torch.ones(3)), ""),
    "addmm of two dtypes": (
        lambda torch: torch.addmm(torch.ones(2, 2).long(), torch.eye(2), torch.eye(2)),
        ".to(torch.float32)"),
    "fft along no dimension": (
        lambda torch: torch.fft.fft(torch.ones(3), dim=1), ""),
    "fft of no points": (
        lambda torch: torch.fft.fft(torch.ones(3), n=0), ""),
    "rfft of complex numbers": (
        lambda torch: torch.fft.rfft(torch.ones(3, dtype=torch.complex64)), "no mirror images"),
    "stft without return_complex": (
        lambda torch: torch.stft(torch.ones(20), 4, window=torch.ones(4)), ""),
    "width of a recurrent input": (
        lambda torch: torch.nn.LSTM(2, 3)(torch.ones(5, 1, 4)), "features of one step"),
    "dimensions of a recurrent input": (
        lambda torch: torch.nn.GRU(2, 3)(torch.ones(2)), ""),
    "hidden state of another batch": (
        lambda torch: torch.nn.RNN(2, 3)(torch.ones(5, 4, 2), torch.ones(1, 2, 3)), ""),
    "one state for an LSTM": (
        lambda torch: torch.nn.LSTM(2, 3)(torch.ones(5, 4, 2), torch.ones(1, 4, 3)), ""),
    "heads that do not divide": (
        lambda torch: torch.nn.MultiheadAttention(5, 2), "2 heads cannot share 5"),
    "width of attention": (
        lambda torch: torch.nn.MultiheadAttention(4, 2)(*[torch.ones(3, 1, 6)] * 3),
        "holds the features"),
    "mask of attention": (
        lambda torch: torch.nn.MultiheadAttention(4, 2)(*[torch.ones(3, 1, 4)] * 3,
                                                        attn_mask=torch.zeros(2, 2)), ""),
    "negative scale": (
        lambda torch: torch.distributions.Normal(0.0, -1.0), ""),
    "probabilities and logits": (
        lambda torch: torch.distributions.Bernoulli(probs=torch.tensor(0.5),
                                                    logits=torch.tensor(0.0)), ""),
    "probability above one": (
        lambda torch: torch.distributions.Bernoulli(torch.tensor(1.5)), ""),
    "value outside of a distribution": (
        lambda torch: torch.distributions.Exponential(torch.tensor(1.0)).log_prob(
            torch.tensor(-1.0)), ""),
    "number given to log_prob": (
        lambda torch: torch.distributions.Normal(torch.tensor(0.0), torch.tensor(1.0)).log_prob(
            1.0), "torch.tensor(1.0)"),
    "divergence nobody derived": (
        lambda torch: torch.distributions.kl_divergence(
            torch.distributions.Normal(torch.tensor(0.0), torch.tensor(1.0)),
            torch.distributions.Poisson(torch.tensor(1.0))), ""),
}


def message(case):
    with pytest.raises(Exception) as caught:
        case(learntorch)
    return str(caught.value)


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_type_and_words_are_pytorchs(name):
    alike(CASES[name][0])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name, (_, teaches) in CASES.items() if teaches])
def test_one_sentence_teaches(name):
    case, teaches = CASES[name]
    assert teaches in message(case)


def test_a_failed_call_changes_nothing():
    x = learntorch.ones(2, 3)
    before = x._version
    for bad in (lambda: x.add_(learntorch.ones(4)), lambda: x.mul_("a"),
                lambda: x.copy_(learntorch.ones(5)), lambda: x.__setitem__(7, 1.0)):
        with pytest.raises((RuntimeError, TypeError, IndexError)):
            bad()
    assert x.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert x._version == before
