"""Every optimizer against PyTorch's, and its first step against the formula in its docstring."""

import copy
import math

import numpy as np
import pytest

import learntorch
from tests.optim.problem import Run, start
from tests.oracle import needs_torch, torch

CASES = [
    ("SGD", {}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.5, "fused": True}),
    ("RMSprop", {}),
    ("RMSprop", {"alpha": 0.9, "momentum": 0.9, "weight_decay": 0.1}),
    ("RMSprop", {"centered": True, "momentum": 0.5, "maximize": True}),
    ("RMSprop", {"centered": True, "foreach": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "maximize": True}),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {"lr": 0.1}),
    ("AdamW", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.3, "foreach": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("Adadelta", {}),
    ("Adadelta", {"rho": 0.95, "weight_decay": 0.1, "maximize": True}),
    ("Adamax", {}),
    ("Adamax", {"weight_decay": 0.1, "maximize": True}),
    ("NAdam", {}),
    ("NAdam", {"weight_decay": 0.1, "momentum_decay": 6e-3}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {}),
    ("RAdam", {"weight_decay": 0.1, "maximize": True}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "betas": (0.8, 0.9)}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (1e-3, 0.2), "maximize": True}),
    ("ASGD", {}),
    ("ASGD", {"t0": 5, "lambd": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("LBFGS", {}),
    ("LBFGS", {"lr": 0.3, "max_iter": 3, "history_size": 2}),
    ("LBFGS", {"line_search_fn": "strong_wolfe"}),
    ("LBFGS", {"line_search_fn": "strong_wolfe", "max_iter": 2, "lr": 5}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.1, "eps": (1e-3, 1e-2), "weight_decay": 0.1, "maximize": True}),
]
NAMES = [f"{name}-{'-'.join(options) or 'default'}" for name, options in CASES]
BF16_ERROR = 0.02           # Muon iterates in bfloat16: a share of the distance moved
TOLERANCE = {"float64": (1e-7, 1e-9), "float32": (1e-4, 1e-5), "complex128": (1e-7, 1e-9)}
STEPS = 20


def agree(mine, reference, dtype):
    rtol, atol = TOLERANCE[dtype]
    for t, (a, b) in enumerate(zip(mine, reference, strict=True)):
        for p, q in zip(a, b, strict=True):
            np.testing.assert_allclose(p, q, rtol, atol, err_msg=f"after step {t + 1}")


@needs_torch
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name, options", CASES, ids=NAMES)
def test_trajectory(name, options, dtype):
    mine = Run(learntorch, name, options, dtype)
    reference = Run(torch, name, options, dtype)
    agree(mine.steps(0, STEPS), reference.steps(0, STEPS), dtype)
    assert repr(mine.optimizer) == repr(reference.optimizer)


@needs_torch
@pytest.mark.parametrize("options", [
    {}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw"}, {"ns_steps": 3, "momentum": 0.5}])
def test_muon(options):
    mine, reference = Run(learntorch, "Muon", options), Run(torch, "Muon", options)
    a, b = mine.steps(0, STEPS)[-1], reference.steps(0, STEPS)[-1]
    moved = max(np.abs(q - s).max() for q, s in zip(b, start("float64"), strict=True))
    for p, q in zip(a, b, strict=True):
        np.testing.assert_allclose(p, q, rtol=0, atol=BF16_ERROR * moved)
    assert repr(mine.optimizer) == repr(reference.optimizer)


@needs_torch
@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "Adagrad", "Adadelta", "Adamax",
                                  "NAdam", "RAdam", "Rprop", "ASGD"])
def test_complex_parameters_are_pairs_of_real_ones(name):
    options = {"momentum": 0.9} if name == "SGD" else {}
    mine = Run(learntorch, name, options, "complex128")
    reference = Run(torch, name, options, "complex128")
    agree(mine.steps(0, 5), reference.steps(0, 5), "complex128")


@needs_torch
@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adamax"])
def test_half_precision_is_near(name):
    """Rounded after each operation, as in PyTorch, but not by the same fused kernels."""
    options = {"momentum": 0.9, "lr": 0.1} if name == "SGD" else {"lr": 0.1}
    mine = Run(learntorch, name, options, "float16")
    reference = Run(torch, name, options, "float16")
    for a, b in zip(mine.steps(0, 5), reference.steps(0, 5), strict=True):
        for p, q in zip(a, b, strict=True):
            assert p.dtype == np.float16
            np.testing.assert_allclose(p.astype(float), q.astype(float), rtol=0.02, atol=0.01)


@needs_torch
@pytest.mark.parametrize("name, options", CASES, ids=NAMES)
def test_state_dict_goes_both_ways(name, options):
    """Ten steps in one library, ten more in the other, are twenty in PyTorch alone."""
    half = 3 if name == "LBFGS" else 10
    whole = Run(torch, name, options)
    track = whole.steps(0, 2 * half)[half:]
    for first, second in ((torch, learntorch), (learntorch, torch)):
        begun = Run(first, name, options)
        arrays = begun.steps(0, half)[-1]
        state = carried(copy.deepcopy(begun.optimizer.state_dict()), second)
        resumed = Run(second, name, options, arrays=arrays)
        resumed.optimizer.load_state_dict(state)
        agree(resumed.steps(half, 2 * half), track, "float64")


def carried(x, library):
    """A state_dict with the tensors of the other library."""
    if isinstance(x, dict):
        return {key: carried(value, library) for key, value in x.items()}
    if isinstance(x, list):
        return [carried(value, library) for value in x]
    if hasattr(x, "numpy"):
        return library.from_numpy(np.array(x.numpy()))
    return x


# ---- without PyTorch: the lines of the docstrings, written out ---------------------------

G, THETA = 0.5, 2.0
FIRST_STEP = {
    "SGD": (dict(lr=0.1, weight_decay=0.2), 0.1 * (G + 0.2 * THETA)),
    "RMSprop": (dict(lr=0.1, alpha=0.9), 0.1 * G / math.sqrt(0.1 * G * G)),
    "Adam": (dict(lr=0.1), 0.1),
    "AdamW": (dict(lr=0.1, weight_decay=0.2), 0.1 * 0.2 * THETA + 0.1),
    "Adagrad": (dict(lr=0.1), 0.1),
    "Adadelta": (dict(lr=0.1, rho=0.9, eps=1e-6),
                 0.1 * G * math.sqrt(1e-6) / math.sqrt(0.1 * G * G + 1e-6)),
    "Adamax": (dict(lr=0.1), 0.1),
    "RAdam": (dict(lr=0.1), 0.1 * G),
    "Rprop": (dict(lr=0.1), 0.1),
    "ASGD": (dict(lr=0.1, lambd=0.2), 0.1 * G + 0.2 * 0.1 * THETA),
}


@pytest.mark.parametrize("name", FIRST_STEP)
def test_first_step_is_the_formula(name):
    options, moved = FIRST_STEP[name]
    theta = learntorch.tensor([THETA, -THETA], dtype=learntorch.float64, requires_grad=True)
    theta.grad = learntorch.tensor([G, -G], dtype=learntorch.float64)
    getattr(learntorch.optim, name)([theta], **options).step()
    np.testing.assert_allclose(theta.detach().numpy(), [THETA - moved, moved - THETA], rtol=1e-6)


@pytest.mark.parametrize("name, options", [
    ("SGD", {"lr": 0.3}), ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"lr": 0.02}), ("Adam", {"lr": 0.1}), ("AdamW", {"lr": 0.1, "weight_decay": 0}),
    ("Adagrad", {"lr": 0.5}), ("Adadelta", {"lr": 20.0}), ("Adamax", {"lr": 0.1}),
    ("NAdam", {"lr": 0.1}), ("RAdam", {"lr": 0.1}), ("Rprop", {}), ("ASGD", {"lr": 0.3}),
    ("LBFGS", {"line_search_fn": "strong_wolfe"}), ("Adafactor", {"lr": 0.1})])
def test_finds_the_bottom_of_a_bowl(name, options):
    goal = np.array([[1.0, -2.0], [3.0, 0.5]])
    p = learntorch.zeros(2, 2, dtype=learntorch.float64, requires_grad=True)
    optimizer = getattr(learntorch.optim, name)([p], **options)

    def closure():
        d = p.detach().numpy() - goal
        p.grad = learntorch.from_numpy(d * [1.0, 3.0])
        return float((0.5 * d * d * [1.0, 3.0]).sum())

    before = closure()
    for _ in range(300):
        optimizer.step(closure)
    assert closure() < 1e-2 * before


def test_one_step_writes_in_place_and_is_noted():
    """Memory stays where it was, and a value saved before the step is known to be stale."""
    p = learntorch.ones(3, requires_grad=True)
    memory, version = p.data_ptr(), p._version
    y = (p * p).sum()
    p.grad = learntorch.ones(3)
    learntorch.optim.SGD([p], lr=0.1).step()
    assert p.data_ptr() == memory and p._version > version
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_numpy_scalars_do_not_widen_the_parameters():
    p = learntorch.ones(3, requires_grad=True)
    p.grad = learntorch.ones(3)
    optimizer = learntorch.optim.Adam([p], lr=np.float64(0.1))
    optimizer.step()
    assert p.dtype == learntorch.float32
    assert optimizer.state[p]["exp_avg"].dtype == learntorch.float32


def test_views_and_zero_dimensional_parameters():
    base = learntorch.zeros(2, 3)
    p = base.t().detach().requires_grad_()
    q = learntorch.tensor(1.0, requires_grad=True)
    p.grad, q.grad = learntorch.ones(3, 2), learntorch.tensor(1.0)
    learntorch.optim.Adam([p, q], lr=0.5).step()
    np.testing.assert_allclose(base.numpy(), -0.5, rtol=1e-6)
    assert abs(q.item() - 0.5) < 1e-6


# ---- ways to step ------------------------------------------------------------------------

@needs_torch
@pytest.mark.parametrize("name, options", [
    ("SGD", {"momentum": 0.9}), ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adam", {"amsgrad": True}), ("AdamW", {}), ("Adagrad", {}), ("Adadelta", {}), ("Adamax", {}),
    ("NAdam", {}), ("RAdam", {}), ("Rprop", {}), ("ASGD", {})])
def test_a_step_can_be_differentiated(name, options):
    """d loss(θ after one step) / d g. (After more steps PyTorch fails for some optimizers.)"""
    def through(torch):
        start = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64, requires_grad=True)
        g = torch.tensor([0.5, -0.2, 0.9], dtype=torch.float64, requires_grad=True)
        p = start.clone()
        optimizer = getattr(torch.optim, name)([p], lr=0.1, differentiable=True, **options)
        p.grad = g * 1.0
        optimizer.step()
        (p * p).sum().backward()
        return p.detach(), start.grad, g.grad
    for a, b in zip(through(learntorch), through(torch), strict=True):
        if b is None:           # SGD's velocity begins with a detached gradient
            assert a is None
        else:
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name, options", [
    ("SGD", {"weight_decay": 0.1}), ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adam", {"amsgrad": True}), ("AdamW", {}), ("Adagrad", {}), ("Adadelta", {}), ("Adamax", {}),
    ("NAdam", {}), ("RAdam", {}), ("Rprop", {}), ("ASGD", {})])
def test_three_steps_can_be_differentiated(name, options):
    """Against central differences of the same three steps."""
    def through(values):
        g = learntorch.tensor(values, dtype=learntorch.float64, requires_grad=True)
        p = learntorch.tensor([0.3, -0.7, 1.1], dtype=learntorch.float64,
                              requires_grad=True).clone()
        optimizer = getattr(learntorch.optim, name)([p], lr=0.1, differentiable=True, **options)
        for scale in (1.0, 0.5, -0.3):
            p.grad = g * scale
            optimizer.step()
        total = (p * p).sum()
        total.backward()
        return total.item(), g.grad.numpy()
    at = np.array([0.5, -0.2, 0.9])
    slope = through(at)[1]
    for i in range(3):
        step = 1e-6 * np.eye(3)[i]
        near = (through(at + step)[0] - through(at - step)[0]) / 2e-6
        assert slope[i] == pytest.approx(near, rel=1e-4, abs=1e-6)


@needs_torch
def test_the_learning_rate_can_be_learnt():
    def through(torch):
        lr = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
        start = torch.tensor([0.3, -0.7], dtype=torch.float64, requires_grad=True)
        p = start.clone()
        optimizer = torch.optim.SGD([p], lr=lr, differentiable=True)
        p.grad = (2 * p).detach()
        optimizer.step()
        (p * p).sum().backward()
        return lr.grad
    np.testing.assert_allclose(through(learntorch).numpy(), through(torch).numpy(), rtol=1e-9)


@needs_torch
@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "NAdam", "LBFGS",
                                  "Rprop", "ASGD", "Adafactor"])
@pytest.mark.parametrize("shape", [(), (1,)])
def test_tensor_learning_rate(name, shape):
    def through(torch):
        p = torch.tensor([[0.3, -0.7]], requires_grad=True)
        lr = torch.full(shape, 0.1)
        optimizer = getattr(torch.optim, name)([p], lr=lr)
        for _ in range(3):
            p.grad = (2 * p).detach()
            optimizer.step(lambda: (p * p).sum())
            if name != "LBFGS":             # PyTorch's remembers the tensor itself as its last step
                lr *= 0.5
        return p.detach()
    np.testing.assert_allclose(through(learntorch).numpy(), through(torch).numpy(), rtol=1e-5)


@needs_torch
def test_closure_returns_the_loss_with_recording_on():
    def through(torch):
        p = torch.tensor([1.0, 2.0], requires_grad=True)
        optimizer = torch.optim.SGD([p], lr=0.1)

        def closure():
            optimizer.zero_grad()
            total = (p * p).sum()
            total.backward()
            return total
        with torch.no_grad():
            return [optimizer.step(closure).item(), *p.detach().tolist()]
    assert through(learntorch) == pytest.approx(through(torch))
