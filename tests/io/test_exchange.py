"""Whole objects from one library's file into the other: modules, what they hold, optimizers."""

import functools
import io
import pickle
import sys
import types

import numpy as np
import pytest

import learntorch
from tests.nn.tables import LAYERS
from tests.optim.problem import Run
from tests.optim.test_rules import CASES
from tests.optim.test_rules import NAMES as OPTIMIZERS
from tests.oracle import array, needs_torch, torch

pytestmark = pytest.mark.filterwarnings("ignore:TypedStorage is deprecated",
                                        "ignore:.*lazy.*:UserWarning")
WAYS = [("here", "there"), ("there", "here"), ("here", "here")]


def libraries(way):
    return [learntorch if side == "here" else torch for side in way]


def moved(value, first, second, zipped=True, weights_only=False):
    """What `second` loads from a file that `first` saved."""
    file = io.BytesIO()
    first.save(value, file, _use_new_zipfile_serialization=zipped)
    file.seek(0)
    return second.load(file, weights_only=weights_only)


def tensors(out):
    return [t for t in (out if isinstance(out, tuple) else (out,)) if hasattr(t, "detach")]


@needs_torch
@pytest.mark.parametrize("source", LAYERS)
def test_every_layer_both_ways(source):
    """repr, state and what it computes are the same after the journey, in both formats."""
    for way in WAYS[:2]:
        first, second = libraries(way)
        for zipped in (True, False):
            names = {"torch": first, "nn": first.nn}
            first.manual_seed(0)
            layer = eval(source, names).eval()
            came = moved(layer, first, second, zipped)
            assert repr(came) == repr(layer) and not came.training
            for a, b in zip(layer.state_dict().values(), came.state_dict().values(), strict=True):
                assert np.array_equal(array(a), array(b))
            outs = []
            for library, m in ((first, layer), (second, came)):
                library.manual_seed(1)
                outs.append(m(*[eval(x, {"torch": library}) for x in LAYERS[source]]))
            for a, b in zip(tensors(outs[0]), tensors(outs[1]), strict=True):
                np.testing.assert_allclose(array(b), array(a), rtol=1e-5, atol=1e-6)


# What a user's own module may hold, and what tells that it is the same after the journey.
HELD = {
    "torch.relu": lambda f, t: f(t.tensor([-1.0, 2.0])),
    "torch.nn.functional.gelu": lambda f, t: f(t.tensor([-1.0, 2.0])),
    "torch.nn.functional.elu": lambda f, t: f(t.tensor([-1.0, 2.0])),
    "torch.softmax": lambda f, t: f(t.tensor([-1.0, 2.0]), 0),
    "torch.add": lambda f, t: f(t.ones(2), 2),
    "torch.linalg.norm": lambda f, t: f(t.ones(4)),
    "torch.special.entr": lambda f, t: f(t.ones(4) / 2),
    "torch.fft.fft": lambda f, t: f(t.ones(4)),
    "torch.Tensor.exp": lambda f, t: f(t.ones(2)),
    "torch.einsum": lambda f, t: f("i,i", t.ones(2), t.ones(2)),
    "functools.partial(torch.clamp, min=0)": lambda f, t: f(t.tensor([-1.0, 2.0])),
    "torch.float16": lambda x, t: str(x),
    "torch.Size([2, 3])": lambda x, t: tuple(x),
    "torch.device('cpu')": lambda x, t: str(x),
    "torch.strided": lambda x, t: str(x),
    "torch.nn.Linear": lambda x, t: repr(x(2, 3)),
    "torch.optim.AdamW": lambda x, t: x.__name__,
    "torch.Generator().manual_seed(7)": lambda x, t: t.rand(3, generator=x),
    "torch.arange(6.).view(2, 3).max(1)": lambda x, t: (x.values, x.indices, type(x).__name__),
    "torch.arange(4.).storage()": lambda x, t: x.tolist(),
    "torch.UntypedStorage([1, 2])": lambda x, t: x.tolist(),
    "torch.utils.data.TensorDataset(torch.arange(3))": lambda x, t: x[1][0],
    "torch.distributions.Normal(1., 2.)": lambda x, t: x.log_prob(t.tensor(0.5)),
}


def plain(x):
    if isinstance(x, tuple):
        return tuple(plain(part) for part in x)
    return array(x).round(5).tolist() if hasattr(x, "detach") else x


@needs_torch
@pytest.mark.parametrize("way", WAYS, ids="-".join)
@pytest.mark.parametrize("source", HELD)
def test_what_a_module_may_hold(source, way):
    first, second = libraries(way)
    value = eval(source, {"torch": first, "functools": functools})
    came = moved(value, first, second)
    assert plain(HELD[source](came, second)) == plain(HELD[source](value, first))


def users_module(library):
    """A module in a file of the user's, which says `import torch`; either library may be that."""
    module = types.ModuleType("of_a_user")
    text = """
class Net(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.width = width
        self.body = torch.nn.Sequential(torch.nn.Linear(3, width), torch.nn.Dropout(0.5))
        self.act = torch.tanh
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        return self.act(self.body(x)).sum(1)
"""
    sys.modules["of_a_user"] = module
    module.torch = library
    exec(text, module.__dict__)
    return module.Net


@needs_torch
@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_module_of_the_users_own(way):
    first, second = libraries(way)
    try:
        net = users_module(first)(4).eval()
        file = io.BytesIO()
        first.save(net, file)
        kind = users_module(second)
        with pytest.raises(pickle.UnpicklingError, match="of_a_user.Net"):
            second.load(io.BytesIO(file.getvalue()))
        came = second.load(io.BytesIO(file.getvalue()), weights_only=False)
        assert type(came) is kind and came.width == 4
        np.testing.assert_allclose(array(came(second.ones(2, 3))), array(net(first.ones(2, 3))),
                                   rtol=1e-5)
    finally:
        del sys.modules["of_a_user"]


@needs_torch
@pytest.mark.parametrize("way", WAYS, ids="-".join)
@pytest.mark.parametrize("name, options", CASES, ids=OPTIMIZERS)
def test_optimizers_go_on_from_a_file(name, options, way):
    """Two steps, a file, two steps in the other library: the four steps of one alone."""
    first, second = libraries(way)
    alone = Run(first, name, options)
    track = alone.steps(0, 4)[-1]
    begun = Run(first, name, options)
    begun.steps(0, 2)
    state = moved({"params": begun.params, "optimizer": begun.optimizer.state_dict()}, first,
                  second, weights_only=True)
    resumed = Run(second, name, options, arrays=[array(p).copy() for p in state["params"]])
    resumed.optimizer.load_state_dict(state["optimizer"])
    for mine, wanted in zip(resumed.steps(2, 4)[-1], track, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-7, atol=1e-9)


@needs_torch
@pytest.mark.parametrize("way", WAYS, ids="-".join)
def test_a_whole_optimizer_with_its_schedule(way):
    first, second = libraries(way)
    optimizer = first.optim.Adam([first.ones(2).requires_grad_()], lr=0.5)
    schedule = first.optim.lr_scheduler.ExponentialLR(optimizer, 0.1)
    optimizer.step()
    schedule.step()
    came = moved(schedule, first, second)
    came.optimizer.step()
    came.step()
    assert came.get_last_lr() == pytest.approx([0.005])
    assert type(came.optimizer) is second.optim.Adam
