"""Parametrized weights: orthogonal, normalised, and by functions of one's own."""

import copy
import importlib
import pickle

import numpy as np
import pytest

import learntorch
import learntorch.nn
from learntorch.nn.utils import parametrizations, parametrize
from tests.oracle import alike, needs_torch

nn = learntorch.nn


def numbers(lib, *shape):
    return lib.arange(float(np.prod(shape))).reshape(shape).sin()


def tools(lib):
    """The library with the modules of `nn.utils` imported."""
    for name in ("parametrize", "parametrizations"):
        importlib.import_module(f"{lib.__name__}.nn.utils.{name}")
    return lib.nn.utils


def symmetric(lib, inverse=True):
    class Symmetric(lib.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

    class Invertible(Symmetric):
        def right_inverse(self, a):
            return a.triu()
    return (Invertible if inverse else Symmetric)()


def summary(module, *inputs):
    """All that can be seen of a parametrized module after a backward pass."""
    out = module(*inputs)
    (out * out.detach().cos()).sum().backward()
    return (out, [p.grad for p in module.parameters()], repr(module), list(module.state_dict()),
            type(module).__name__, [v.clone() for v in module.state_dict().values()])


READY = {
    "weight_norm(nn.Linear(4, 3))": (2, 4),
    "weight_norm(nn.Linear(4, 3), dim=None)": (2, 4),
    "weight_norm(nn.Linear(4, 3), dim=1)": (2, 4),
    "weight_norm(nn.Linear(4, 3), 'bias')": (2, 4),
    "weight_norm(nn.Conv2d(2, 3, 3))": (1, 2, 5, 5),
    "spectral_norm(nn.Linear(4, 3))": (2, 4),
    "spectral_norm(nn.Linear(4, 3), n_power_iterations=3).eval()": (2, 4),
    "spectral_norm(nn.Linear(4, 3), 'bias')": (2, 4),
    "spectral_norm(nn.Conv2d(2, 3, 3), eps=1e-6)": (1, 2, 5, 5),
    "spectral_norm(nn.ConvTranspose2d(2, 3, 3))": (1, 2, 5, 5),
    "orthogonal(nn.Linear(4, 4))": (2, 4),
    "orthogonal(nn.Linear(4, 6))": (2, 4),
    "orthogonal(nn.Linear(6, 4))": (2, 6),
    "orthogonal(nn.Linear(4, 6), orthogonal_map='matrix_exp')": (2, 4),
    "orthogonal(nn.Linear(4, 4), orthogonal_map='cayley')": (2, 4),
    "orthogonal(nn.Linear(6, 4), orthogonal_map='cayley')": (2, 6),
    "orthogonal(nn.Linear(4, 4), orthogonal_map='householder')": (2, 4),
    "orthogonal(nn.Linear(4, 6), use_trivialization=False)": (2, 4),
    "orthogonal(nn.Linear(4, 4), orthogonal_map='cayley', use_trivialization=False)": (2, 4),
}


@needs_torch
@pytest.mark.parametrize("source", READY)
def test_ready_made_ones_are_pytorchs(source):
    """From one seed: weight, gradients, names and values of the state, repr; then removed."""
    def run(lib):
        utils = tools(lib)
        lib.manual_seed(4)
        names = {name: getattr(utils.parametrizations, name)
                 for name in ("weight_norm", "spectral_norm", "orthogonal")}
        module = eval(source, {"nn": lib.nn, **names})
        seen = summary(module, numbers(lib, *READY[source]))
        name = "bias" if "'bias'" in source else "weight"
        utils.parametrize.remove_parametrizations(module, name)
        return seen, getattr(module, name), list(module.state_dict()), repr(module)
    alike(run, rtol=5e-5, atol=5e-6)


CASES = {
    "twice": """
        P.register_parametrization(m, "weight", symmetric(lib))
        P.register_parametrization(m, "weight", lib.nn.Tanh())
        out = summary(m, x), P.is_parametrized(m), P.is_parametrized(m, "bias")""",
    "assigned": """
        P.register_parametrization(m, "weight", symmetric(lib))
        m.weight = numbers(lib, 4, 4) + numbers(lib, 4, 4).T
        out = summary(m, x)""",
    "without inverse": """
        P.register_parametrization(m, "weight", symmetric(lib, False))
        m.weight = numbers(lib, 4, 4)""",
    "removed, value left": """
        P.register_parametrization(m, "weight", symmetric(lib))
        P.remove_parametrizations(m, "weight")
        out = summary(m, x)""",
    "removed, original left": """
        P.register_parametrization(m, "weight", symmetric(lib, False))
        P.remove_parametrizations(m, "weight", leave_parametrized=False)
        out = summary(m, x)""",
    "two removed, original left": """
        lib.nn.utils.parametrizations.weight_norm(m)
        P.remove_parametrizations(m, "weight", leave_parametrized=False)""",
    "a buffer": """
        m.register_buffer("b", numbers(lib, 3))
        P.register_parametrization(m, "b", lib.nn.Softmax(0))
        out = m.b, list(m.state_dict()), P.remove_parametrizations(m, "b").b""",
    "state": """
        P.register_parametrization(m, "weight", symmetric(lib))
        other = P.register_parametrization(lib.nn.Linear(4, 4), "weight", symmetric(lib))
        other.load_state_dict(m.state_dict())
        out = other.weight, m.weight""",
    "transferred": """
        P.register_parametrization(m, "weight", symmetric(lib))
        other = P.transfer_parametrizations_and_params(m, lib.nn.Linear(4, 4))
        out = other.weight, repr(other), P.type_before_parametrizations(other) is lib.nn.Linear""",
    "several transferred": """
        lib.nn.utils.parametrizations.weight_norm(m)
        other = P.transfer_parametrizations_and_params(m, lib.nn.Linear(4, 4), "weight")
        out = other.weight, list(other.state_dict())""",
    "shape changed": """
        P.register_parametrization(m, "weight", lib.nn.Flatten(0))""",
    "shape changed, unsafe": """
        P.register_parametrization(m, "weight", lib.nn.Flatten(0), unsafe=True)
        out = m.weight, repr(m)""",
    "shape changed later": """
        P.register_parametrization(m, "weight", symmetric(lib))
        P.register_parametrization(m, "weight", lib.nn.Flatten(0))""",
    "no such name": """
        P.register_parametrization(m, "wait", lib.nn.Tanh())""",
    "not parametrized": """
        P.remove_parametrizations(m, "weight")""",
    "a list that is empty": """
        P.ParametrizationList([], m.weight)""",
    "pickled": """
        pickle.dumps(P.register_parametrization(m, "weight", lib.nn.Tanh()))""",
    "vector": """
        lib.nn.utils.parametrizations.orthogonal(m, "bias")""",
    "map": """
        lib.nn.utils.parametrizations.orthogonal(m, orthogonal_map="qr")""",
    "no weight": """
        lib.nn.utils.parametrizations.orthogonal(lib.nn.ReLU())""",
    "iterations": """
        lib.nn.utils.parametrizations.spectral_norm(m, n_power_iterations=0)""",
    "dimension": """
        lib.nn.utils.parametrizations.spectral_norm(m, dim=2)""",
    "orthogonal shape": """
        lib.nn.utils.parametrizations.orthogonal(m)
        m.weight = numbers(lib, 3, 4)""",
    "orthogonal set": """
        lib.nn.utils.parametrizations.orthogonal(m)
        m.weight = lib.nn.init.orthogonal_(lib.empty(4, 4))
        out = m.weight""",
    "cayley set": """
        o = lib.nn.utils.parametrizations.orthogonal
        o(m, orthogonal_map="cayley", use_trivialization=False)
        m.weight = lib.eye(4)""",
    "old weight_norm loaded": """
        old = {"weight_g": numbers(lib, 4, 1), "weight_v": numbers(lib, 4, 4),
               "bias": numbers(lib, 4)}
        lib.nn.utils.parametrizations.weight_norm(m)
        out = m.load_state_dict(old).missing_keys, m.weight""",
}


@needs_torch
@pytest.mark.parametrize("case", CASES)
def test_case_is_pytorchs(case):
    def run(lib):
        lib.manual_seed(2)
        names = {"lib": lib, "P": tools(lib).parametrize, "m": lib.nn.Linear(4, 4),
                 "x": numbers(lib, 2, 4), "numbers": numbers, "symmetric": symmetric,
                 "summary": summary, "pickle": pickle, "out": None}
        exec("if True:" + CASES[case], names)
        return names["out"]
    alike(run, rtol=2e-5, atol=2e-6, wording=case != "no such name")


def test_cached_computes_once():
    calls = []

    class Counted(nn.Module):
        def forward(self, x):
            calls.append(1)
            return x * 2

    layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Counted())
    calls.clear()
    first, second = layer.weight, layer.weight
    assert len(calls) == 2 and first is not second
    with parametrize.cached():
        with parametrize.cached():
            inside = layer.weight
        assert layer.weight is inside
    assert len(calls) == 3
    assert layer.weight is not inside


def test_a_copy_is_its_own():
    layer = parametrizations.orthogonal(nn.Linear(4, 4))
    other = copy.deepcopy(layer)
    with learntorch.no_grad():
        other.parametrizations.weight.original.add_(learntorch.ones(4, 4).tril(-1))
    assert not other.weight.equal(layer.weight)
    assert type(other).__name__ == "ParametrizedLinear"


@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
def test_stays_orthogonal_while_it_learns(kind):
    """Gradient steps move the weight, and QᵀQ = I holds all the time."""
    learntorch.manual_seed(0)
    layer = parametrizations.orthogonal(nn.Linear(4, 6, bias=False), orthogonal_map=kind)
    optimizer = learntorch.optim.SGD(layer.parameters(), 0.1)
    x, start = learntorch.randn(8, 4), layer.weight.detach().clone()
    for _ in range(5):
        optimizer.zero_grad()
        (layer(x) ** 3).sum().backward()
        optimizer.step()
    q = layer.weight
    assert (q.T @ q).allclose(learntorch.eye(4), atol=1e-5)
    assert not q.allclose(start, atol=1e-2)


def test_spectral_norm_makes_the_largest_singular_value_one():
    learntorch.manual_seed(0)
    layer = parametrizations.spectral_norm(nn.Linear(6, 5), n_power_iterations=30)
    largest = np.linalg.svd(layer.weight.detach().numpy(), compute_uv=False)[0]
    assert abs(largest - 1) < 1e-4
