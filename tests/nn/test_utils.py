"""nn.utils against PyTorch: clipping gradients, parameters as one vector."""

import pytest

import learntorch
import learntorch.nn
from tests.oracle import alike, needs_torch

INF, NAN = float("inf"), float("nan")


def with_grads(torch, values=((3.0, 4.0), (1.0, -2.0, 2.0))):
    found = []
    for row in values:
        p = torch.nn.Parameter(torch.ones(len(row)))
        p.grad = torch.tensor(row)
        found.append(p)
    return [*found, torch.nn.Parameter(torch.ones(2))]          # one without a gradient


@needs_torch
@pytest.mark.parametrize("norm", [2.0, 1.0, 3.5, INF, -INF, 0, "inf"])
@pytest.mark.parametrize("limit", [1.0, 100.0, 0.0, -1.0])
def test_clip_grad_norm(norm, limit):
    def run(torch):
        ps = with_grads(torch)
        return torch.nn.utils.clip_grad_norm_(ps, limit, norm_type=norm), [p.grad for p in ps]
    alike(run, rtol=1e-5)


@needs_torch
@pytest.mark.parametrize("bad", [INF, NAN])
@pytest.mark.parametrize("strict", [True, False])
def test_not_finite(bad, strict):
    def run(torch):
        ps = with_grads(torch, ((bad, 4.0), (1.0,)))
        total = torch.nn.utils.clip_grad_norm_(ps, 1.0, error_if_nonfinite=strict)
        return total, [p.grad for p in ps]
    alike(run)


def test_an_error_leaves_the_gradients():
    ps = with_grads(learntorch, ((INF, 4.0),))
    with pytest.raises(RuntimeError, match="non-finite"):
        learntorch.nn.utils.clip_grad_norm_(ps, 1.0, error_if_nonfinite=True)
    assert ps[0].grad.tolist() == [INF, 4.0]


@needs_torch
@pytest.mark.parametrize("source", [
    "clip_grad_value_(ps, .7), [p.grad for p in ps]",
    "clip_grad_norm_(ps[0], 1.), [p.grad for p in ps]",
    "clip_grad_norm_([], 1.)",
    "clip_grad_norm_((p for p in ps), 1.), [p.grad for p in ps]",
    "get_total_norm([p.grad for p in ps[:2]])",
    "get_total_norm([])",
    "clip_grads_with_norm_(ps, 1., torch.tensor(5.)), [p.grad for p in ps]",
    "parameters_to_vector(ps)",
    "vector_to_parameters(torch.arange(7.), ps), [p.data for p in ps]",
    "vector_to_parameters(3, ps)",
    "parameters_to_vector([])",
    "clip_grad_norm_([3], 1.)",
    "clip_grad_norm_(ps, 'a')",
])
def test_call(source):
    def run(torch):
        return eval("torch.nn.utils." + source, {"torch": torch, "ps": with_grads(torch)})
    alike(run, rtol=1e-5)


@needs_torch
def test_mixed_types():
    def run(torch):
        ps = with_grads(torch)
        ps.append(torch.nn.Parameter(torch.ones(2).double()))
        ps[-1].grad = torch.ones(2).double()
        return torch.nn.utils.clip_grad_norm_(ps, 1.0), [p.grad for p in ps]
    alike(run, rtol=1e-5)


def test_an_exhausted_generator_warns():
    with pytest.warns(UserWarning, match="`parameters` is an empty generator"):
        learntorch.nn.utils.clip_grad_norm_((p for p in []), 1.0)


def test_old_name_warns():
    with pytest.warns(FutureWarning, match="deprecated in favor of"):
        learntorch.nn.utils.clip_grad_norm(with_grads(learntorch), 1.0)


def test_parameters_look_into_the_vector():
    ps = with_grads(learntorch)
    v = learntorch.zeros(7)
    learntorch.nn.utils.vector_to_parameters(v, ps)
    v.fill_(9)
    assert all((p == 9).all() for p in ps)


def test_vector_keeps_history():
    ps = with_grads(learntorch)
    learntorch.nn.utils.parameters_to_vector(ps[:1]).sum().backward()
    assert ps[0].grad.tolist() == [4.0, 5.0]
