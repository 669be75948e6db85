"""Lazy modules: what they are before the first call, and what they become with it."""

import copy
import pickle

import numpy as np
import pytest

import learntorch
import learntorch.nn
from tests.oracle import alike, array, needs_torch

# constructor → (class it becomes, shape of the first input)
LAZY = {
    "LazyLinear(3)": ("Linear", (5, 4)),
    "LazyLinear(3, bias=False)": ("Linear", (2, 5, 4)),
    "LazyConv1d(4, 3, padding=1)": ("Conv1d", (2, 6, 8)),
    "LazyConv2d(4, 3, 2, groups=2)": ("Conv2d", (2, 6, 8, 8)),
    "LazyConv2d(4, 3, bias=False, padding_mode='reflect', padding=1)": ("Conv2d", (6, 8, 8)),
    "LazyConv3d(4, 2)": ("Conv3d", (2, 3, 4, 4, 4)),
    "LazyConvTranspose1d(4, 3, 2)": ("ConvTranspose1d", (2, 6, 8)),
    "LazyConvTranspose2d(4, 3, 2, 1, 1, 2)": ("ConvTranspose2d", (2, 6, 5, 5)),
    "LazyConvTranspose3d(4, 2)": ("ConvTranspose3d", (2, 3, 4, 4, 4)),
    "LazyBatchNorm1d()": ("BatchNorm1d", (5, 4)),
    "LazyBatchNorm2d(affine=False)": ("BatchNorm2d", (2, 4, 3, 3)),
    "LazyBatchNorm2d(track_running_stats=False)": ("BatchNorm2d", (2, 4, 3, 3)),
    "LazyBatchNorm3d(.1, .2, bias=False)": ("BatchNorm3d", (2, 4, 3, 3, 3)),
    "LazyInstanceNorm1d()": ("InstanceNorm1d", (2, 4, 6)),
    "LazyInstanceNorm2d(affine=False)": ("InstanceNorm2d", (2, 4, 3, 3)),
    "LazyInstanceNorm3d(track_running_stats=False)": ("InstanceNorm3d", (2, 4, 3, 3, 3)),
}


def build(lib, source):
    return eval("nn." + source, {"nn": lib.nn, "torch": lib})


def values(lib, shape):
    return lib.arange(float(np.prod(shape))).reshape(shape).sin()


@needs_torch
@pytest.mark.parametrize("source", LAZY)
def test_becomes_pytorchs(source):
    """repr and state before, result, gradients, class, attributes and start values after."""
    def run(lib):
        lib.manual_seed(3)
        module = build(lib, source)
        before = [repr(module), list(module.state_dict()), module.has_uninitialized_params(),
                  [repr(p) for p in module.parameters()], [repr(b) for b in module.buffers()]]
        x = values(lib, LAZY[source][1]).requires_grad_()
        out = module(x)
        (out * out.detach().cos()).sum().backward()
        state = {k: array(v) for k, v in module.state_dict().items()}
        own = {k: v for k, v in vars(module).items() if isinstance(v, (int, float, bool, tuple))}
        return (before, out, x.grad, [p.grad for p in module.parameters()], repr(module),
                type(module).__name__, own, list(state), len(module._forward_pre_hooks),
                [type(p).__name__ for p in module.parameters()])
    alike(run, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("source", LAZY)
def test_is_the_module_with_sizes(source):
    """From the same seed it holds the same values as one made with its sizes."""
    kind, shape = LAZY[source]
    learntorch.manual_seed(5)
    module = build(learntorch, source)
    module(values(learntorch, shape))
    assert type(module) is getattr(learntorch.nn, kind)
    assert not hasattr(module, "_initialize_hook")
    again = pickle.loads(pickle.dumps(module))
    for name, value in module.state_dict().items():
        assert value.equal(again.state_dict()[name])
        assert value.shape != ()  or name == "num_batches_tracked"


@pytest.mark.parametrize("source", LAZY)
def test_waits_in_a_copy_too(source):
    """Copied and unpickled before the first call, it still waits, and then works."""
    for module in (copy.deepcopy(build(learntorch, source)),
                   pickle.loads(pickle.dumps(build(learntorch, source)))):
        waiting = module.has_uninitialized_params()
        assert waiting or "affine=False" in source or "track" in source
        module(values(learntorch, LAZY[source][1]))
        assert not type(module).__name__.startswith("Lazy")


def linear():
    return learntorch.nn.LazyLinear(3)


def test_takes_sizes_from_a_state_dict():
    given = learntorch.nn.Linear(4, 3).state_dict()
    module = linear()
    module.load_state_dict(given)
    assert module.weight.equal(given["weight"])
    assert module.weight.requires_grad
    module(learntorch.ones(2, 4))
    assert module.in_features == 4
    with pytest.raises(AssertionError, match="in_features inferred from input: 5"):
        other = linear()
        other.load_state_dict(given)
        other(learntorch.ones(2, 5))


def test_a_wrong_state_dict_changes_nothing():
    module = linear()
    with pytest.raises(RuntimeError, match="Missing key"):
        module.load_state_dict({"weight": learntorch.ones(3, 4)})
    assert module.has_uninitialized_params()
    assert repr(module.weight) == "<UninitializedParameter>"
    module(learntorch.ones(2, 7))
    assert module.weight.shape == (3, 7)


def test_types_are_kept():
    module = linear().double()
    assert module.weight.dtype is learntorch.float64
    assert module(learntorch.ones(2, 4).double()).dtype is learntorch.float64
    batch = learntorch.nn.LazyBatchNorm1d().to(learntorch.float64)
    batch(learntorch.randn(3, 4).double())
    assert batch.running_mean.dtype is learntorch.float64


REFUSED = {
    "shape": "nn.LazyLinear(3).weight.shape",
    "shared": "nn.LazyLinear(3).share_memory()",
    "arithmetic": "nn.LazyLinear(3).weight + 1",
    "init": "nn.init.ones_(nn.LazyLinear(3).weight)",
    "conv dims": "nn.LazyConv2d(3, 2)(torch.ones(4, 4))",
    "conv groups": "nn.LazyConv2d(4, 2, groups=2)(torch.ones(1, 3, 4, 4))",
    "weight norm": "nn.utils.weight_norm(nn.LazyLinear(3))",
    "spectral norm": "nn.utils.spectral_norm(nn.LazyLinear(3))",
    "into a full one": "nn.Linear(4, 3).load_state_dict(nn.LazyLinear(3).state_dict())",
}


@needs_torch
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("source", REFUSED)
def test_refuses_alike(source):
    """The type of the error and, but for the function's name in it, PyTorch's words."""
    words = source not in ("arithmetic", "init", "into a full one")
    alike(lambda lib: eval(REFUSED[source], {"nn": lib.nn, "torch": lib}), wording=words)


def test_says_what_to_do():
    with pytest.raises(ValueError, match="Call `forward` with a dummy batch"):
        linear().weight.sum()


def test_a_module_of_ones_own():
    """What `LazyModuleMixin` asks of a subclass."""
    class Scale(learntorch.nn.modules.lazy.LazyModuleMixin, learntorch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = learntorch.nn.UninitializedParameter()

        def initialize_parameters(self, x):
            if self.has_uninitialized_params():
                self.factor.materialize((x.shape[-1],))
                with learntorch.no_grad():
                    self.factor.fill_(2.0)

        def forward(self, x):
            return self.factor * x

    class Forgotten(learntorch.nn.modules.lazy.LazyModuleMixin, learntorch.nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = learntorch.nn.UninitializedParameter()

        def initialize_parameters(self, x):
            """Does not."""

    module = Scale()
    assert module(learntorch.ones(3)).tolist() == [2, 2, 2]
    assert type(module) is Scale
    with pytest.raises(RuntimeError, match="module Forgotten has not been fully initialized"):
        Forgotten()(learntorch.ones(3))
