"""`autograd.Function`, gradcheck, `autograd.functional`, hooks: the same under both libraries."""

import numpy as np
import pytest

import learntorch
from tests.core.test_autograd import A, B, grads, leaf
from tests.oracle import alike, needs_torch

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def cube_of(lib):
    class Cube(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, scale):
            ctx.save_for_backward(x)
            ctx.scale = scale
            return scale * x ** 3

        @staticmethod
        def backward(ctx, g):
            x, = ctx.saved_tensors
            return 3 * ctx.scale * x * x * g, None
    return Cube


@scenario
def own_function(lib):
    x = leaf(lib, A)
    y = cube_of(lib).apply(x, 2)
    y.sum().backward(create_graph=True)
    g = x.grad
    x.grad = None
    (g * g).sum().backward()
    return type(y.grad_fn).__name__ if lib is not learntorch else "CubeBackward", grads(x)


@scenario
def own_function_checks(lib):
    return (lib.autograd.gradcheck(lambda x: cube_of(lib).apply(x, 2), leaf(lib, A)),
            lib.autograd.gradgradcheck(lambda x: cube_of(lib).apply(x, 2), leaf(lib, A)))


@scenario
def own_function_with_two_outputs(lib):
    class Both(lib.autograd.Function):
        @staticmethod
        def forward(x, y):
            return x * y, x + y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, gp, gs):
            x, y = ctx.saved_tensors
            return gp * y + gs, gp * x + gs
    x, y = leaf(lib, B), leaf(lib, [1.0, 2.0, 3.0])
    p, s = Both.apply(x, y)
    (p * 3).sum().backward(retain_graph=True)
    first = grads(x, y)
    (p + s * s).sum().backward()
    return first, grads(x, y)


@scenario
def own_function_returns_too_few(lib):
    class Bad(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return g
    Bad.apply(leaf(lib, B), leaf(lib, B)).sum().backward()


@scenario
def wrong_backward_is_found(lib):
    class Wrong(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g
    return lib.autograd.gradcheck(Wrong.apply, leaf(lib, A), raise_exception=False)


@scenario
def functional(lib):
    f = lib.autograd.functional
    x = lib.tensor(B)
    return (f.jacobian(lambda t: t.exp() * t.sum(), x).tolist(),
            f.hessian(lambda t: (t ** 3).sum() * t[0], x).tolist(),
            f.vjp(lambda t: t * t, x, lib.tensor(B))[1].tolist(),
            f.jvp(lambda t: t * t, x, lib.tensor(B))[1].tolist(),
            f.hvp(lambda t: (t ** 3).sum(), x, lib.tensor(B))[1].tolist())


# ---- hooks ------------------------------------------------------------------------------------


@scenario
def tensor_hooks(lib):
    x = leaf(lib, A)
    seen = []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.sum().item()))
    handle = y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    y.sum().backward(retain_graph=True)
    handle.remove()
    y.sum().backward()
    return seen, grads(x)


@scenario
def node_hooks(lib):
    x = leaf(lib, A)
    y = x.exp()
    names = []
    y.grad_fn.register_hook(lambda gi, go: names.append((len(gi), len(go), gi[0].shape)))
    y.grad_fn.register_prehook(lambda go: (go[0] * 2,))
    y.sum().backward()
    return [str(n) for n in names], np.round(grads(x)[0], 6).tolist()


@scenario
def post_accumulate(lib):
    x = leaf(lib, A)
    seen = []
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.sum().item()))
    (x * 2).sum().backward()
    return seen


@needs_torch
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.filterwarnings("ignore")
def test_same_as_pytorch(name):
    alike(SCENARIOS[name])
