"""Normalisation: the same calls on learntorch and on PyTorch, first and second derivatives."""
import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape) + 0.5


def twice(call, *shapes):
    """The result, its gradients, and the gradients of a weighted sum of the gradients."""
    def case(torch):
        inputs = [torch.tensor(numbers(*s, seed=i), requires_grad=True)
                  for i, s in enumerate(shapes)]
        y = call(torch, *inputs)
        g = torch.tensor(numbers(*y.shape, seed=9), requires_grad=True)
        first = torch.autograd.grad(y, inputs, g, create_graph=True)
        total = sum((t * torch.tensor(numbers(*t.shape, seed=5))).sum() for t in first)
        second = torch.autograd.grad(total, [*inputs, g], allow_unused=True)
        return y, first, [torch.zeros(1) if t is None else t for t in second]
    return case


F = "nn.functional"
NORMS = {
    "layer norm": (lambda t, x, w, b: t.nn.functional.layer_norm(x, (3, 4), w, b),
                   (2, 3, 4), (3, 4), (3, 4)),
    "layer norm without parameters": (lambda t, x: t.nn.functional.layer_norm(x, (4,)), (2, 3, 4)),
    "layer norm with a weight": (lambda t, x, w: t.nn.functional.layer_norm(x, (4,), w),
                                 (5, 4), (4,)),
    "batch norm": (lambda t, x, w, b: t.nn.functional.batch_norm(x, None, None, w, b, True),
                   (4, 3, 2), (3,), (3,)),
    "batch norm of vectors": (lambda t, x, w, b: t.nn.functional.batch_norm(
        x, None, None, w, b, True), (5, 3), (3,), (3,)),
    "batch norm of images": (lambda t, x: t.nn.functional.batch_norm(x, None, None, training=True),
                             (2, 3, 2, 2)),
    "batch norm known": (lambda t, x, w, b: t.nn.functional.batch_norm(
        x, t.ones(3).double(), 2 * t.ones(3).double(), w, b), (4, 3, 2), (3,), (3,)),
    "group norm": (lambda t, x, w, b: t.nn.functional.group_norm(x, 2, w, b),
                   (2, 4, 3), (4,), (4,)),
    "group norm without parameters": (lambda t, x: t.nn.functional.group_norm(x, 3), (2, 3, 4)),
    "instance norm": (lambda t, x, w, b: t.nn.functional.instance_norm(x, None, None, w, b),
                      (2, 3, 4), (3,), (3,)),
    "rms norm": (lambda t, x, w: t.nn.functional.rms_norm(x, (4,), w, 1e-3), (3, 4), (4,)),
    "local response norm": (lambda t, x: t.nn.functional.local_response_norm(x, 3), (2, 5, 3)),
    "normalize": (lambda t, x: t.nn.functional.normalize(x, dim=-1), (3, 4)),
    "normalize by the 3-norm": (lambda t, x: t.nn.functional.normalize(x, 3.0), (3, 4)),
}


@needs_torch
@pytest.mark.parametrize("name", NORMS)
def test_twice_differentiated(name):
    call, *shapes = NORMS[name]
    alike(twice(call, *shapes))


def running(torch, *arguments, **named):
    mean, var = torch.zeros(3), torch.ones(3)
    x = torch.tensor(numbers(4, 3, 5)).float()
    y = torch.nn.functional.batch_norm(x, mean, var, *arguments, **named)
    return y, mean, var, mean._version > 0


RUNNING = {
    "training": lambda t: running(t, training=True),
    "slowly": lambda t: running(t, training=True, momentum=0.01),
    "not training": lambda t: running(t),
    "instances": lambda t: (lambda m, v: (t.nn.functional.instance_norm(
        t.tensor(numbers(2, 3, 4)), m, v), m, v))(t.zeros(3).double(), t.ones(3).double()),
}


@needs_torch
@pytest.mark.parametrize("name", RUNNING)
def test_running_statistics_move_in_place(name):
    alike(RUNNING[name])


@needs_torch
def test_the_error_when_statistics_change_between_forward_and_backward():
    def case(torch):
        x = torch.tensor(numbers(4, 3), requires_grad=True)
        var = torch.ones(3).double()
        y = torch.nn.functional.batch_norm(x, torch.zeros(3).double(), var)
        var.add_(1)
        y.sum().backward()
    alike(case, wording=False)


ERRORS = {
    "one value": lambda t: t.nn.functional.batch_norm(t.ones(1, 3), None, None, training=True),
    "no statistics": lambda t: t.nn.functional.batch_norm(t.ones(2, 3), None, None),
    "one statistic": lambda t: t.nn.functional.batch_norm(t.ones(2, 3), t.ones(3), None,
                                                          training=True),
    "wrong statistics": lambda t: t.nn.functional.batch_norm(t.ones(2, 3), t.ones(2), t.ones(2)),
    "wrong weight": lambda t: t.nn.functional.batch_norm(t.ones(2, 3), t.ones(3), t.ones(3),
                                                         t.ones(2)),
    "integers": lambda t: t.nn.functional.layer_norm(t.ones(2, 3).long(), (3,)),
    "mixed": lambda t: t.nn.functional.layer_norm(t.ones(2, 3), (3,), t.ones(3).double()),
    "shape": lambda t: t.nn.functional.layer_norm(t.ones(2, 3), (4,)),
    "no shape": lambda t: t.nn.functional.layer_norm(t.ones(2, 3), ()),
    "rms shape": lambda t: t.nn.functional.rms_norm(t.ones(2, 3), (4,)),
    "groups": lambda t: t.nn.functional.group_norm(t.ones(2, 3, 4), 2),
    "one dimension": lambda t: t.nn.functional.group_norm(t.ones(2), 1),
    "group weight": lambda t: t.nn.functional.group_norm(t.ones(2, 4), 2, t.ones(3)),
    "one instance": lambda t: t.nn.functional.instance_norm(t.ones(2, 3, 1)),
    "no instance statistics": lambda t: t.nn.functional.instance_norm(t.ones(2, 3, 2),
                                                                      use_input_stats=False),
    "neighbours": lambda t: t.nn.functional.local_response_norm(t.ones(2, 3), 2),
}


@needs_torch
@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    alike(ERRORS[name])


@needs_torch
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["layer norm", "batch norm", "group norm", "rms norm"])
def test_halves(name, dtype):
    """Statistics of halves are taken in float32."""
    call, *shapes = NORMS[name]

    def case(torch):
        inputs = [torch.tensor(numbers(*s, seed=i)).to(getattr(torch, dtype))
                  for i, s in enumerate(shapes)]
        return call(torch, inputs[0] + 2, *inputs[1:])
    alike(case, rtol=2e-2, atol=2e-2)


NAMES = {"layer norm": "NativeLayerNormBackward0", "batch norm": "NativeBatchNormBackward0",
         "group norm": "NativeGroupNormBackward0", "instance norm": "ViewBackward0"}


@pytest.mark.parametrize("name", NAMES)
def test_one_node_with_pytorchs_name(name):
    call, *shapes = NORMS[name]
    inputs = [learntorch.tensor(numbers(*s), requires_grad=True) for s in shapes]
    assert call(learntorch, *inputs).grad_fn.name() == NAMES[name]
