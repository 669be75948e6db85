"""torch.autograd.forward_ad: dual tensors by hand; and a Function's own jvp."""

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch

A = np.linspace(0.3, 1.7, 6).reshape(2, 3)
SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def pair(lib):
    return lib.tensor(A), lib.tensor(A[::-1].copy())


@scenario
def values_and_tangents(lib):
    fw = lib.autograd.forward_ad
    x, v = pair(lib)
    with fw.dual_level():
        d = fw.make_dual(x, v)
        y = d.sin() @ d.mT
        made = [fw.unpack_dual(y), fw.unpack_dual(d), fw.unpack_dual(x)[1] is None,
                fw.unpack_dual(y.detach()).tangent is None,
                fw.unpack_dual(fw.unpack_dual(y).primal).tangent is None]
    return [*made, fw.unpack_dual(d).tangent is None]


@scenario
def numbered_levels(lib):
    fw = lib.autograd.forward_ad
    x, v = pair(lib)
    level = fw.enter_dual_level()
    y = fw.make_dual(x, v, level=level) * 3
    found = fw.unpack_dual(y, level=level).tangent
    fw.exit_dual_level(level=level)
    return [level, found, fw.unpack_dual(y).tangent is None]


@scenario
def in_place_and_views(lib):
    fw = lib.autograd.forward_ad
    x, v = pair(lib)
    with fw.dual_level():
        d = fw.make_dual(x.clone(), v.clone())
        row = d[0]
        row.mul_(d[1].clone())
        d[1, :2] = d[0, 1:] * 2
        plain = x.clone()
        plain[0] = d[1]
        plain.mul_(2)
        d += 1
        return [fw.unpack_dual(d), fw.unpack_dual(row), fw.unpack_dual(plain)]


@scenario
def forward_over_reverse(lib):
    fw = lib.autograd.forward_ad
    x, v = pair(lib)
    x.requires_grad_()
    with fw.dual_level():
        d = fw.make_dual(x, v)
        y = (d ** 3).sum()
        g, = lib.autograd.grad(y, d, create_graph=True)
        hessian_vector = fw.unpack_dual(g).tangent
        quiet, = lib.autograd.grad((d ** 3).sum(), d)
        return [hessian_vector, lib.autograd.grad(hessian_vector.sum(), x)[0],
                fw.unpack_dual(quiet).tangent]


@scenario
def modules(lib):
    fw = lib.autograd.forward_ad
    lib.manual_seed(0)
    model = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.GELU(), lib.nn.LayerNorm(4),
                              lib.nn.Linear(4, 2)).double()
    x, v = pair(lib)
    with fw.dual_level():
        out = fw.unpack_dual(model(fw.make_dual(x, v)))
    return [out.primal, out.tangent]


@scenario
def own_function(lib):
    fw = lib.autograd.forward_ad

    class Scaled(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, y, k):
            ctx.k = k
            ctx.save_for_forward(x, y)
            ctx.save_for_backward(x, y)
            return x * y * k, x + y

        @staticmethod
        def backward(ctx, g, h):
            x, y = ctx.saved_tensors
            return g * y * ctx.k + h, g * x * ctx.k + h, None

        @staticmethod
        def jvp(ctx, v, w, _):
            x, y = ctx.saved_tensors
            return (v * y + x * w) * ctx.k, v + w
    x, v = pair(lib)
    made = []
    with fw.dual_level():
        for first, second in ((fw.make_dual(x, v), x), (fw.make_dual(x, v), fw.make_dual(v, x))):
            a, b = Scaled.apply(first, second, 2.0)
            made += [fw.unpack_dual(a), fw.unpack_dual(b)]
    return made


@scenario
def gradcheck_forward(lib):
    x = lib.tensor(A, requires_grad=True)
    return [lib.autograd.gradcheck(lambda x: x.sin() @ x.mT, (x,), check_forward_ad=True),
            lib.autograd.gradcheck(lambda x: x.exp() * 2, (x,), check_batched_grad=True,
                                   check_forward_ad=True, check_batched_forward_grad=True)]


class Wrong(learntorch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return g

    @staticmethod
    def jvp(ctx, v):
        return v * 2


def test_gradcheck_sees_a_wrong_jvp():
    x = learntorch.tensor(A, requires_grad=True)
    assert learntorch.autograd.gradcheck(Wrong.apply, (x,))
    with pytest.raises(RuntimeError, match="Jacobian computed with forward mode mismatch"):
        learntorch.autograd.gradcheck(Wrong.apply, (x,), check_forward_ad=True)


ERRORS = {
    "no_level": lambda fw, x: fw.make_dual(x, x),
    "no_exit": lambda fw, x: fw.exit_dual_level(),
    "shape": lambda fw, x: fw.make_dual(x, x[0]),
    "twice": lambda fw, x: fw.make_dual(fw.make_dual(x, x), x),
    "integers": lambda fw, x: fw.make_dual(x.long(), x),
    "nested": lambda fw, x: fw.dual_level().__enter__(),
}


@needs_torch
@pytest.mark.parametrize("name", ERRORS)
def test_error(name):
    def case(lib):
        fw = lib.autograd.forward_ad
        if name in ("no_level", "no_exit"):
            return ERRORS[name](fw, pair(lib)[0])
        with fw.dual_level():
            return ERRORS[name](fw, pair(lib)[0])
    alike(case)


@needs_torch
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    alike(SCENARIOS[name])


def test_no_cost_outside():
    """Outside a level nothing is intercepted, and a result carries no tangent."""
    fw = learntorch.autograd.forward_ad
    x = learntorch.tensor(A)
    with fw.dual_level():
        y = fw.make_dual(x, x) * 2
    assert learntorch.core.ambient.ambient.state.intercept is None
    assert not y._tangents and (x * 2)._tangents is None
