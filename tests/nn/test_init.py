"""nn.init against PyTorch: the same seed gives the same numbers, a mistake the same error."""

import pytest

import learntorch
import learntorch.nn
from tests.oracle import alike, needs_torch

SHAPES = {"matrix": (5, 7), "tall": (9, 4), "kernel": (4, 6, 3, 3), "line": (4, 2, 5)}

CALLS = """
uniform_(w)
uniform_(w, -3., 2.)
normal_(w)
normal_(w, 1., .2)
constant_(w, .3)
ones_(w)
zeros_(w)
xavier_uniform_(w)
xavier_uniform_(w, gain=2.)
xavier_normal_(w)
kaiming_uniform_(w)
kaiming_uniform_(w, a=.3, mode='fan_out')
kaiming_uniform_(w, nonlinearity='relu')
kaiming_uniform_(w, nonlinearity='tanh')
kaiming_normal_(w)
kaiming_normal_(w, mode='fan_out', nonlinearity='selu')
orthogonal_(w)
orthogonal_(w, gain=2.)
trunc_normal_(w)
trunc_normal_(w, 0., .02)
trunc_normal_(w, 0., 1., -.5, .5)
trunc_normal_(w, 0., 1., -.2, .2)
trunc_normal_(w, 0., 1., 1., 4.)
trunc_normal_(w, 1., 3., 0., 9.)
""".strip().splitlines()


def called(torch, source, shape, dtype="float32"):
    torch.manual_seed(5)
    w = torch.zeros(shape, dtype=getattr(torch, dtype))
    answer = eval("torch.nn.init." + source, {"torch": torch, "w": w})
    return answer is w, w, torch.rand(1)            # the generator stands at the same place too


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
@pytest.mark.parametrize("source", CALLS)
def test_draws(source, shape, dtype):
    alike(lambda torch: called(torch, source, shape, dtype), rtol=1e-6, atol=1e-6)


@needs_torch
@pytest.mark.parametrize("source,shape", [
    ("eye_(w)", (3, 4)), ("eye_(w)", (4, 3)), ("dirac_(w)", (3, 4, 3)), ("dirac_(w)", (4, 2, 3, 4)),
    ("dirac_(w, 2)", (4, 2, 3, 3)), ("dirac_(w, 2)", (6, 5, 1, 2, 3)), ("sparse_(w, .3)", (5, 4)),
    ("sparse_(w, .9, std=2.)", (4, 7)), ("constant_(w, 2)", ()),
    ("eye_(w)", (3,)), ("dirac_(w)", (3, 3)), ("dirac_(w, 2)", (3, 2, 2)),
    ("xavier_uniform_(w)", (3,)), ("kaiming_uniform_(w, mode='foo')", (3, 3)),
    ("kaiming_uniform_(w, nonlinearity='foo')", (3, 3)),
    ("orthogonal_(w)", (3,)), ("sparse_(w, .1)", (3,)), ("uniform_(w, 3, 1)", (3,)),
    ("normal_(w, 0, -1)", (3,)), ("kaiming_uniform_(w)", (3,)), ("kaiming_normal_(w)", ()),
    ("_calculate_correct_fan(w, 'x')", (3, 4)), ("orthogonal_(w)", (0, 3)),
    ("xavier_normal_(w)", (0, 3)),
])
def test_structured_and_refused(source, shape):
    alike(lambda torch: called(torch, source, shape), rtol=1e-6, atol=1e-6)


@needs_torch
@pytest.mark.parametrize("arguments", [
    ("linear",), ("conv2d",), ("conv_transpose3d",), ("sigmoid",), ("tanh",), ("relu",),
    ("leaky_relu",), ("leaky_relu", 0.2), ("leaky_relu", 1), ("leaky_relu", True),
    ("leaky_relu", "a"), ("selu",), ("foo",), ("relu", 3),
])
def test_gain(arguments):
    alike(lambda torch: torch.nn.init.calculate_gain(*arguments))


@needs_torch
def test_fans():
    alike(lambda torch: torch.nn.init._calculate_fan_in_and_fan_out(torch.zeros(3, 4, 5, 5)))


@needs_torch
@pytest.mark.parametrize("source,shape", [
    ("uniform(w)", (3,)), ("constant(w, 1)", (3,)), ("kaiming_normal(w)", (3, 3)),
    ("sparse(w, .1)", (3, 3)), ("kaiming_uniform_(w)", (0, 3)), ("kaiming_normal_(w)", (3, 0)),
    ("trunc_normal_(w, mean=7.)", (3,)),
])
def test_warns(source, shape):
    def run(torch):
        with pytest.warns(Warning) as caught:
            result = called(torch, source, shape)
        return result, [(w.category.__name__, str(w.message)) for w in caught]
    alike(run, rtol=1e-6, atol=1e-6)


def test_is_not_recorded():
    w = learntorch.nn.Parameter(learntorch.zeros(3, 3))
    learntorch.nn.init.normal_(w)
    assert w.is_leaf and w.grad_fn is None


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (3, 2, 2)])
def test_orthogonal_is_orthogonal(shape):
    learntorch.manual_seed(0)
    w = learntorch.nn.init.orthogonal_(learntorch.zeros(shape, dtype=learntorch.float64), gain=3.0)
    q = w.numpy().reshape(shape[0], -1)
    q = q if shape[0] <= q.shape[1] else q.T
    assert abs(q @ q.T - 9 * (q @ q.T > 4.5)).max() < 1e-12


def test_generator_is_used():
    draws = []
    for seed in (1, 1, 2):
        g = learntorch.Generator().manual_seed(seed)
        w = learntorch.zeros(3, 3)
        draws.append(learntorch.nn.init.kaiming_uniform_(w, generator=g).tolist())
    assert draws[0] == draws[1] != draws[2]
