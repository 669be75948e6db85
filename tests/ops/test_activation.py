"""Activations and softmax: values, gradients twice, in place, random ones bit by bit."""
import warnings

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch

POINTS = np.array([-60.0, -5.0, -3.0, -1.5, -0.5, -1e-3, -1e-9, 0.0, 1e-9, 0.3, 0.5, 2.0, 3.0, 6.0,
                   25.0])

ACTIVATIONS = {
    "relu": {}, "relu6": {}, "elu": {"alpha": 0.7}, "celu": {"alpha": 1.3}, "selu": {}, "silu": {},
    "mish": {}, "gelu": {}, "hardtanh": {"min_val": -2.0}, "hardsigmoid": {}, "hardswish": {},
    "leaky_relu": {"negative_slope": 0.1}, "softplus": {"beta": 2}, "logsigmoid": {},
    "tanhshrink": {}, "softsign": {}, "hardshrink": {}, "softshrink": {"lambd": 0.4},
    "threshold": {"threshold": 0.2, "value": -3.0}, "rrelu": {}, "tanh": {}, "sigmoid": {},
}
KINKS = {"relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "leaky_relu", "hardshrink",
         "threshold", "rrelu", "softshrink"}


def run(name, torch, x, **more):
    return getattr(torch.nn.functional, name)(x, **ACTIVATIONS[name], **more)


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_and_gradients(name, dtype):
    def case(torch):
        x = torch.tensor(POINTS).to(getattr(torch, dtype)).requires_grad_()
        y = run(name, torch, x)
        y.backward(torch.ones_like(y) / 3)
        return y, x.grad
    loose = {"float16": 2e-3, "bfloat16": 2e-2}.get(dtype)
    alike(case, rtol=loose, atol=loose)


@needs_torch
@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - KINKS))
def test_second_derivatives(name):
    def case(torch):
        x = torch.tensor(POINTS[POINTS != 0][1:-1], requires_grad=True)
        first, = torch.autograd.grad(run(name, torch, x).sum(), x, create_graph=True)
        return torch.autograd.grad(first.sum(), x)
    alike(case, rtol=1e-6, atol=1e-7)


IN_PLACE = ["relu", "relu6", "elu", "celu", "selu", "silu", "mish", "hardtanh", "hardsigmoid",
            "hardswish", "leaky_relu", "threshold", "rrelu"]


@needs_torch
@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    def case(torch):
        leaf = torch.tensor(POINTS, requires_grad=True)
        x = leaf * 1
        y = run(name, torch, x, inplace=True)
        y.sum().backward()
        return y is x, x, leaf.grad, x._version
    alike(case)


@needs_torch
@pytest.mark.parametrize("name", ["relu_", "elu_", "selu_", "celu_", "hardtanh_", "leaky_relu_",
                                  "rrelu_", "threshold_"])
def test_functions_with_an_underscore(name):
    arguments = (0.1, 7.0) if name == "threshold_" else ()

    def case(torch):
        x = torch.tensor(POINTS)
        y = getattr(torch.nn.functional, name)(x, *arguments)
        return y is x, x
    alike(case)


def prelu(torch, x, w):
    x, w = (torch.tensor(v, requires_grad=True) for v in (x, w))
    y = torch.nn.functional.prelu(x, w)
    y.sum().backward()
    return y, x.grad, w.grad


OTHERS = {
    "prelu with one slope": lambda t: prelu(t, POINTS, [0.25]),
    "prelu of channels": lambda t: prelu(t, POINTS.reshape(5, 3), [0.25, -1.0, 0.0]),
    "glu": lambda t: t.nn.functional.glu(t.tensor(POINTS[:14]).reshape(2, 7, 1), 0),
    "softmax": lambda t: t.nn.functional.softmax(t.tensor(POINTS), 0),
    "softmin": lambda t: t.nn.functional.softmin(t.tensor(POINTS), 0),
    "log_softmax": lambda t: t.nn.functional.log_softmax(t.tensor(POINTS), 0),
    "gumbel": lambda t: (t.manual_seed(1), t.nn.functional.gumbel_softmax(t.ones(4, 5)))[1],
    "hard gumbel": lambda t: (t.manual_seed(1),
                              t.nn.functional.gumbel_softmax(t.ones(4, 5), hard=True, dim=0))[1],
    "random relu": lambda t: (t.manual_seed(1), t.nn.functional.rrelu(
        t.tensor(POINTS), 0.2, 0.6, training=True), t.rand(2))[1:],
    "in the input's memory": lambda t: t.nn.functional.gelu(t.ones(3), approximate="tanh"),
}


@needs_torch
@pytest.mark.parametrize("name", OTHERS)
def test_other_activations(name):
    alike(OTHERS[name])


ERRORS = {
    "glu odd": lambda t: t.nn.functional.glu(t.ones(3)),
    "glu number": lambda t: t.nn.functional.glu(t.tensor(1.0)),
    "celu 0": lambda t: t.nn.functional.celu(t.ones(3), 0.0),
    "softshrink": lambda t: t.nn.functional.softshrink(t.ones(3), -0.5),
    "rrelu": lambda t: t.nn.functional.rrelu(t.ones(3), 0.5, 0.1),
    "prelu": lambda t: t.nn.functional.prelu(t.ones(2, 3), t.ones(2)),
    "prelu dtype": lambda t: t.nn.functional.prelu(t.ones(2, 3), t.ones(3).double()),
    "gelu": lambda t: t.nn.functional.gelu(t.ones(3), approximate="x"),
    **{f"{name} of integers": (lambda t, name=name: getattr(t.nn.functional, name)(t.arange(4)))
       for name in ["celu", "selu", "elu", "hardshrink", "softshrink", "hardsigmoid", "hardswish",
                    "mish", "rrelu", "silu", "logsigmoid", "gelu", "glu", "leaky_relu",
                    "softplus"]},
}


@needs_torch
@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    alike(ERRORS[name])


def test_gelu_of_many_numbers():
    """More than one block, and the tail that 1 + erf loses: x Φ(x) at −10 is −7.6e−23."""
    ndtr = pytest.importorskip("scipy.special", reason="SciPy computes the reference").ndtr
    x = np.linspace(-12, 12, 40001).astype(np.float32)
    wide = x.astype(np.float64)
    mine = learntorch.nn.functional.gelu(learntorch.from_numpy(x)).numpy()
    np.testing.assert_allclose(mine, wide * ndtr(wide), rtol=2e-5, atol=1e-35)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_keeps_its_digits_far_below_zero(dtype):
    """½ tanh(x/2) + ½ would be 0 below −17: σ(−20) is 2.06e−9, and its logarithm −20."""
    x = np.array([-80.0, -50.0, -20.0, -17.0, -5.0, 0.0, 5.0, 20.0, 1e4, -1e4], dtype)
    exact = np.exp(np.minimum(x, 0.0).astype("f8")) / (1 + np.exp(-np.abs(x).astype("f8")))
    F = learntorch.nn.functional
    t = learntorch.from_numpy(x)
    pair = learntorch.stack([t, t])
    for mine, wide in ((t.sigmoid(), exact), (F.silu(t), x * exact), (F.glu(pair, 0), x * exact)):
        np.testing.assert_allclose(mine.reshape(-1).numpy(), wide, rtol=1e-5, atol=1e-40)


DROPOUTS = ["dropout", "alpha_dropout", "feature_alpha_dropout", "dropout1d", "dropout2d",
            "dropout3d"]


@needs_torch
@pytest.mark.parametrize("shape", [(4, 5, 6), (3, 4, 2, 2)])
@pytest.mark.parametrize("name", DROPOUTS)
def test_dropout_draws_pytorchs_numbers(name, shape):
    if name == "dropout1d" and len(shape) > 3:
        return

    def case(torch):
        torch.manual_seed(7)
        x = torch.ones(shape)
        function = getattr(torch.nn.functional, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = [function(x, p, training=True) for p in (0.3, 0.5, 1.0, 0.0)]
            function(x, 0.4, True, True)
        return results, x, torch.rand(1)
    alike(case)
