"""Warnings: PyTorch's category and first words, told of the line that the user wrote.

PyTorch gives many of its own once a process, so that part is compared in a table and not live.
"""

import warnings

import pytest

import learntorch

# what is typed: how PyTorch's warning begins
CASES = {
    "triangular_solve": (lambda t: t.triangular_solve(t.ones(2, 1), t.eye(2)),
                         "torch.triangular_solve is deprecated in favor of torch.linalg."),
    "chain_matmul": (lambda t: t.chain_matmul(t.eye(2), t.eye(2)),
                     "torch.chain_matmul is deprecated and will be removed in a future PyTorch"),
    "qr": (lambda t: t.qr(t.eye(2)), "torch.qr is deprecated in favor of torch.linalg.qr"),
    "cholesky": (lambda t: t.cholesky(t.eye(2)),
                 "torch.cholesky is deprecated in favor of torch.linalg.cholesky"),
    "lu": (lambda t: t.lu(t.eye(2)), "torch.lu is deprecated in favor of torch.linalg.lu_factor"),
    "lu_solve": (lambda t: t.lu_solve(t.ones(2, 1), *t.linalg.lu_factor(t.eye(2))),
                 "torch.lu_solve is deprecated in favor of torch.linalg.lu_solve"),
    "T of three dimensions": (lambda t: t.ones(2, 3, 4).T, "The use of `x.T` on tensors of"),
    "T of a number": (lambda t: t.ones(()).T, "Tensor.T is deprecated on 0-D tensors."),
    "H of a number": (lambda t: t.ones(()).H, "Tensor.H is deprecated on 0-D tensors."),
    "softmin": (lambda t: t.nn.functional.softmin(t.ones(2)),
                "Implicit dimension choice for softmin has been deprecated."),
    "mask of bytes": (lambda t: t.ones(2)[t.ones(2, dtype=t.uint8)],
                      "indexing with dtype torch.uint8 is now deprecated"),
    "complex to real": (lambda t: t.ones(2, dtype=t.complex64).float(),
                        "Casting complex values to real discards the imaginary part"),
    "history lost": (lambda t: float(t.ones(1, requires_grad=True) * 2),
                     "Converting a tensor with requires_grad=True to a scalar may lead to"),
    "storage": (lambda t: t.ones(2).storage(), "TypedStorage is deprecated."),
    "default type": (lambda t: t.set_default_tensor_type(t.FloatTensor),
                     "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1"),
    "meshgrid": (lambda t: t.meshgrid(t.ones(2), t.ones(2)), "torch.meshgrid: in an upcoming"),
    "number before what it weighs": (lambda t: t.ones(2).add_(2, t.ones(2)),
                                     "This overload of add is deprecated"),
}


@pytest.mark.parametrize("name", CASES)
def test_words_and_place(name):
    case, words = CASES[name]
    with pytest.warns(UserWarning) as given:
        case(learntorch)
    assert len(given) == 1
    assert str(given[0].message).startswith(words)
    assert given[0].filename == __file__


def test_only_what_loses_something_warns():
    x = learntorch.ones(1, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(x.detach()) == 1.0
        assert (x * 2).item() == 2.0
        assert int(x) == 1
        assert learntorch.ones(2, dtype=learntorch.complex64).bool().all()
        assert learntorch.ones(2, 3).T.shape == (3, 2)


@pytest.mark.filterwarnings("ignore:This overload")
def test_older_order_weighs_what_follows():
    t = learntorch
    a, b = t.full((2,), 3.0), t.full((2,), 4.0)
    assert t.add(t.ones(2), 2, a).tolist() == [7, 7]
    assert t.ones(2).sub_(2, a).tolist() == [-5, -5]
    assert t.ones(2).addcmul_(0.5, a, b).tolist() == [7, 7]
    assert t.ones(2).addcdiv(2, a, b).tolist() == [2.5, 2.5]
    assert t.addmv(2, a, 3, t.eye(2), b).tolist() == [18, 18]
    with pytest.raises(TypeError, match="invalid combination of arguments"):
        t.addmm(a, a, a, a)
