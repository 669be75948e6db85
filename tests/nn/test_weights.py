"""Helpers that rewrite weights: norms by hooks, fusion, calls with other weights."""

import importlib
import pickle
import warnings

import numpy as np
import pytest

import learntorch
import learntorch.nn
from tests.oracle import alike, needs_torch

nn = learntorch.nn


def numbers(lib, *shape):
    return lib.arange(float(np.prod(shape))).reshape(shape).sin()


def seen(module, x):
    out = module(x)
    (out * out.detach().cos()).sum().backward()
    return (out, [p.grad for p in module.parameters()], list(module.state_dict()),
            [v.clone() for v in module.state_dict().values()], repr(module))


NORMS = {
    "weight_norm(nn.Linear(4, 3))": (2, 4),
    "weight_norm(nn.Linear(4, 3), dim=None)": (2, 4),
    "weight_norm(nn.Linear(4, 3), dim=1)": (2, 4),
    "weight_norm(nn.Conv2d(2, 3, 3), 'weight', 1)": (1, 2, 5, 5),
    "weight_norm(nn.Linear(4, 3), 'bias')": (2, 4),
    "spectral_norm(nn.Linear(4, 3))": (2, 4),
    "spectral_norm(nn.Linear(4, 3), n_power_iterations=3).eval()": (2, 4),
    "spectral_norm(nn.ConvTranspose2d(2, 3, 3))": (1, 2, 5, 5),
    "spectral_norm(nn.Conv2d(2, 3, 3), dim=1)": (1, 2, 5, 5),
}


@needs_torch
@pytest.mark.parametrize("source", NORMS)
def test_norms_by_hooks_are_pytorchs(source):
    """Two passes, a state that is loaded again, removal."""
    def run(lib):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            lib.manual_seed(4)
            utils = lib.nn.utils
            make = {"nn": lib.nn, "weight_norm": utils.weight_norm,
                    "spectral_norm": utils.spectral_norm}
            module, other = eval(source, make), eval(source, make)
        x = numbers(lib, *NORMS[source])
        first = seen(module, x), seen(module, x)
        other.load_state_dict(module.state_dict())
        loaded = seen(other, x)
        kind = source.split("(")[0]
        getattr(utils, "remove_" + kind)(module, "bias" if "'bias'" in source else "weight")
        again = pickle.loads(pickle.dumps(other.state_dict()))
        return (first, loaded, seen(module, x), list(module._forward_pre_hooks), len(again),
                [(w.category.__name__, str(w.message)) for w in said])
    alike(run, rtol=2e-5, atol=2e-6)


REFUSED = [
    "utils.remove_weight_norm(nn.Linear(3, 2))", "utils.remove_spectral_norm(nn.Linear(3, 2))",
    "utils.weight_norm(utils.weight_norm(nn.Linear(3, 2)))",
    "utils.spectral_norm(utils.spectral_norm(nn.Linear(3, 2)))",
    "utils.spectral_norm(nn.Linear(3, 2), n_power_iterations=0)",
    "utils.spectral_norm(nn.Linear(3, 2, bias=False), 'bias')",
    "utils.skip_init(dict, 3)", "utils.skip_init(nn.ReLU)",
    "utils.fuse_conv_bn_eval(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3))",
    "utils.fuse_linear_bn_eval(nn.Linear(2, 3).eval(), nn.BatchNorm1d(4).eval())",
    "utils.fuse_linear_bn_eval(nn.Linear(2, 3).eval(), "
    "nn.BatchNorm1d(3, track_running_stats=False).eval())",
]


@needs_torch
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("source", REFUSED)
def test_refuses_alike(source):
    alike(lambda lib: eval(source, {"nn": lib.nn, "utils": lib.nn.utils}))


@pytest.mark.parametrize("norm", [nn.utils.spectral_norm,
                                  nn.utils.parametrizations.spectral_norm])
def test_two_passes_before_backward(norm):
    """As in a GAN, D(real) − D(fake): the second pass must not spoil what the first has kept."""
    layer = norm(nn.Linear(4, 3))
    (layer(learntorch.ones(4)) - layer(learntorch.zeros(4))).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())


FUSED = {
    "nn.Conv1d(2, 3, 2), nn.BatchNorm1d(3)": (4, 2, 6),
    "nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3)": (2, 2, 5, 5),
    "nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3, affine=False)": (2, 2, 5, 5),
    "nn.ConvTranspose2d(2, 3, 3), nn.BatchNorm2d(3)": (2, 2, 5, 5),
    "nn.Linear(4, 3), nn.BatchNorm1d(3)": (6, 4),
    "nn.Linear(4, 3, bias=False), nn.BatchNorm1d(3)": (6, 4),
}


def fused(lib, source):
    lib.manual_seed(1)
    layer, norm = eval(source, {"nn": lib.nn})
    x = numbers(lib, *FUSED[source])
    norm(layer(x))                                  # running statistics that are not 0 and 1
    layer.eval(), norm.eval()
    if isinstance(layer, lib.nn.Linear):
        one = lib.nn.utils.fuse_linear_bn_eval(layer, norm)
    else:
        turned = isinstance(layer, lib.nn.ConvTranspose2d)
        one = lib.nn.utils.fuse_conv_bn_eval(layer, norm, turned)
    return layer, norm, one, x


@needs_torch
@pytest.mark.parametrize("source", FUSED)
def test_fusion_is_pytorchs(source):
    def run(lib):
        _, _, one, x = fused(lib, source)
        return one(x), one.weight, one.bias, repr(one)
    alike(run, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("source", FUSED)
def test_one_layer_does_what_two_did(source):
    layer, norm, one, x = fused(learntorch, source)
    assert one(x).allclose(norm(layer(x)), atol=1e-5)
    assert one is not layer


@needs_torch
def test_functional_call_is_pytorchs():
    def run(lib):
        stateless = importlib.import_module(lib.__name__ + ".nn.utils.stateless")
        lib.manual_seed(0)
        model = lib.nn.Sequential(lib.nn.Linear(3, 2), lib.nn.BatchNorm1d(2))
        model.add_module("tied", lib.nn.Linear(3, 2))
        model.tied.weight = model[0].weight
        chain = lib.nn.Sequential(model[0], model[1])
        x, w = numbers(lib, 4, 3), numbers(lib, 2, 3).requires_grad_()
        given = {"0.weight": w, "1.running_mean": lib.zeros(2)}
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            out = stateless.functional_call(chain, given, x)
        out.pow(3).sum().backward()
        errors = []
        for names, options in ((["0.weight"], {"strict": True}), (["0.w"], {}),
                               (["0.w"], {"strict": True}), (["2.w"], {})):
            try:
                stateless._functional_call(chain, {n: w for n in names}, (x,), **options)
            except (RuntimeError, AttributeError) as error:
                errors.append(type(error).__name__)
        return (out, w.grad, chain[0].weight.grad, chain[1].running_mean, given["1.running_mean"],
                errors, hasattr(chain[0], "w"), [w.category.__name__ for w in said])
    alike(run, rtol=1e-5, atol=1e-6)


def test_tied_weights_are_replaced_under_every_name():
    from learntorch.nn.utils.stateless import _functional_call
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    x, w = learntorch.ones(3), learntorch.eye(3) * 2
    assert _functional_call(model, {"0.weight": w}, x).tolist() == [4, 4, 4]
    free = _functional_call(model, {"0.weight": w}, x, tie_weights=False)
    assert free.allclose(model[1](2 * x))
    with pytest.raises(ValueError, match="multiple values for keys"):
        _functional_call(model, {"0.weight": w, "1.weight": w + 1}, x)
    assert model[0].weight is model[1].weight


def test_a_buffer_that_forward_replaces_comes_back():
    """The new value goes into the dictionary, and the module keeps its own."""
    from learntorch.nn.utils.stateless import _functional_call

    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("n", learntorch.zeros(1))

        def forward(self, x):
            self.n = self.n + 1
            return x * self.n

    module, given = Counts(), {"n": learntorch.full((1,), 5.0)}
    assert _functional_call(module, given, learntorch.ones(1)).item() == 6
    assert given["n"].item() == 6
    assert module.n.item() == 0


def test_skip_init_draws_nothing():
    learntorch.manual_seed(0)
    layer = nn.utils.skip_init(nn.Linear, 4, 3, dtype=learntorch.float64)
    after = learntorch.rand(1)
    learntorch.manual_seed(0)
    assert after.equal(learntorch.rand(1))
    assert layer.weight.shape == (3, 4) and layer.weight.dtype is learntorch.float64
    assert layer.weight.requires_grad


def test_memory_format_keeps_values():
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Sequential(nn.Conv3d(2, 3, 3)))
    before = [p.clone() for p in net.parameters()]
    nn.utils.convert_conv2d_weight_memory_format(net, learntorch.channels_last)
    nn.utils.convert_conv3d_weight_memory_format(net, learntorch.channels_last_3d)
    assert all(p.equal(b) for p, b in zip(net.parameters(), before))


CONVOLUTIONS = [
    (1, (2, 3, 9), (4, 3, 3), {}), (1, (2, 4, 9), (4, 2, 3), {"stride": 2, "groups": 2}),
    (2, (2, 3, 7, 6), (4, 3, 3, 2), {"padding": 1, "dilation": 2}),
    (2, (1, 3, 7, 6), (4, 3, 3, 2), {"stride": (3, 2), "padding": (1, 0)}),
    (3, (1, 2, 4, 5, 4), (3, 2, 2, 3, 2), {"stride": 2, "padding": 1}),
]


@needs_torch
@pytest.mark.parametrize("n,size,weight_size,options", CONVOLUTIONS)
def test_gradients_of_a_convolution(n, size, weight_size, options):
    """`nn.grad` gives what autograd gives, in both libraries."""
    def run(lib):
        importlib.import_module(lib.__name__ + ".nn.grad")
        x, w = numbers(lib, *size).requires_grad_(), numbers(lib, *weight_size).requires_grad_()
        out = getattr(lib.nn.functional, f"conv{n}d")(x, w, **options)
        g = out.detach().cos()
        found = (getattr(lib.nn.grad, f"conv{n}d_input")(size, w.detach(), g, **options),
                 getattr(lib.nn.grad, f"conv{n}d_weight")(x.detach(), weight_size, g, **options))
        wanted = lib.autograd.grad(out, (x, w), g)
        return found, wanted, [bool(a.allclose(b, atol=1e-5)) for a, b in zip(found, wanted)]
    assert all(alike(run, rtol=1e-5, atol=2e-5)[2])
