"""Hooks on saved tensors, checkpoints, hooks on several gradients, gradient edges, profiles."""

import importlib

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch

A = np.linspace(0.3, 1.7, 6).reshape(2, 3)
SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


def leaf(lib, values=A):
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


def checkpoints(lib):
    return importlib.import_module(f"{lib.__name__}.utils.checkpoint")


@scenario
def saved_values(lib):
    """What a node has saved is seen as tensors."""
    x = leaf(lib)
    nodes = [x.exp(), lib.tanh(x), x * lib.ones(2, 3, dtype=lib.float64), lib.sigmoid(x)]
    first, second, third, fourth = (y.grad_fn for y in nodes)
    kept = (first._saved_result, second._saved_result, third._saved_other, fourth._saved_result)
    return [t.detach() for t in kept]


# ---- hooks on what is saved --------------------------------------------------------------------


@scenario
def packed_as_numpy(lib):
    x = leaf(lib)
    shapes = []

    def pack(t):
        shapes.append(tuple(t.shape))
        return t.detach().numpy().copy()
    with lib.autograd.graph.saved_tensors_hooks(pack, lib.from_numpy):
        y = (x.sin() * x).sigmoid() @ x.mT
    g, = lib.autograd.grad(y.sum(), x, create_graph=True)
    return [g, lib.autograd.grad(g.sum(), x)[0], sorted(set(shapes))]


@scenario
def innermost_hooks_count(lib):
    x = leaf(lib)
    said = []

    def hooks(name):
        return lib.autograd.graph.saved_tensors_hooks(
            lambda t: said.append(f"{name} pack") or t,
            lambda t: said.append(f"{name} unpack") or t)
    with hooks("outer"):
        y = x.exp()
        with hooks("inner"):
            z = y.sin()
    z.sum().backward()
    return [said, x.grad]


@scenario
def seen_on_the_node(lib):
    x = leaf(lib)
    with lib.autograd.graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t):
        y = x.sin()
    return [y.grad_fn._saved_self, lib.autograd.grad(y.sum(), x)[0]]


@scenario
def a_functions_saved_tensors(lib):
    class Square(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x * x
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return g * 2 * x + 0 * y
    x = leaf(lib)
    count = []
    with lib.autograd.graph.saved_tensors_hooks(lambda t: count.append(1) or t.detach().clone(),
                                                lambda t: t):
        y = Square.apply(x)
    g, = lib.autograd.grad(y.sum(), x, create_graph=True)
    return [len(count), g, lib.autograd.grad(g.sum(), x)[0]]


@scenario
def on_cpu_and_mutation(lib):
    x = leaf(lib)
    with lib.autograd.graph.save_on_cpu():
        y = (x * 2).exp()
    y.sum().backward()
    with lib.autograd.graph.allow_mutation_on_saved_tensors():
        z = x * 2
        w = z.sin()
        z.add_(1)
        g = lib.autograd.grad(w.sum(), x)[0]
    return [x.grad, g]


ERRORS = {
    "unpack": lambda lib, x: packed(lib, x, lambda t: 3).backward(),
    "mutation_outside": lambda lib, x: outside(lib, x).backward(),
    "disabled": lambda lib, x: disabled(lib, x),
    "mode": lambda lib, x: lib.autograd.graph.register_multi_grad_hook((x,), print, mode="x"),
    "edge": lambda lib, x: lib.autograd.graph.get_gradient_edge(x.detach()),
}


def packed(lib, x, unpack):
    with lib.autograd.graph.saved_tensors_hooks(lambda t: t, unpack):
        return x.sin().sum()


def outside(lib, x):
    with lib.autograd.graph.allow_mutation_on_saved_tensors():
        return x.exp().sin().sum()


def disabled(lib, x):
    with lib.autograd.graph.disable_saved_tensors_hooks("not here"):
        return packed(lib, x, lambda t: t)


@needs_torch
@pytest.mark.parametrize("name", ERRORS)
def test_error(name):
    alike(lambda lib: ERRORS[name](lib, leaf(lib)), wording=name != "mutation_outside")


# ---- checkpoints ---------------------------------------------------------------------------------


@scenario
def checkpointed_network(lib):
    c = checkpoints(lib)
    made = []
    for reentrant in (True, False):
        lib.manual_seed(0)
        model = lib.nn.Sequential(lib.nn.Linear(3, 8), lib.nn.Dropout(), lib.nn.Tanh(),
                                  lib.nn.Linear(8, 2)).double()
        x = leaf(lib)
        for way in ("plain", "whole", "parts"):
            lib.manual_seed(1)
            model.zero_grad()
            x.grad = None
            if way == "plain":
                y = model(x)
            elif way == "whole":
                y = c.checkpoint(model, x, use_reentrant=reentrant)
            else:
                y = c.checkpoint_sequential(model, 2, x, use_reentrant=reentrant)
            y.sum().backward()
            made.append([x.grad, *[p.grad for p in model.parameters()], lib.rand(2)])
    return made


@scenario
def second_order_of_a_checkpoint(lib):
    x = leaf(lib)
    y = checkpoints(lib).checkpoint(lambda x: x.sin().exp() * x, x, use_reentrant=False)
    g, = lib.autograd.grad(y.sum(), x, create_graph=True)
    return [g, lib.autograd.grad(g.sum(), x)[0]]


@scenario
def how_often_it_runs(lib):
    c = checkpoints(lib)
    count = []

    def function(x, k=1):
        count.append("start")
        y = x.exp().sin() * k
        count.append("end")
        return y
    x = leaf(lib)
    for keywords in ({"use_reentrant": False, "k": 2}, {"use_reentrant": True},
                     {"use_reentrant": False, "early_stop": False}):
        y = c.checkpoint(function, x, **keywords)
        y.sum().backward()
    with lib.no_grad():
        c.checkpoint(function, x, use_reentrant=False)
    y = c.checkpoint(function, x, use_reentrant=False)
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    return [count, x.grad]


@scenario
def nested_checkpoints(lib):
    c = checkpoints(lib)
    x = leaf(lib)

    def inner(x):
        return x.sin().exp()

    def outer(x):
        return c.checkpoint(inner, x.cos(), use_reentrant=False).tanh()
    c.checkpoint(outer, x, use_reentrant=False).sum().backward()
    return x.grad


CHANGES = {
    "fewer": (lambda x: x.sin().cos(), lambda x: x.sin(), {}),
    "more": (lambda x: x.sin(), lambda x: x.sin().sin(), {"early_stop": False}),
    "shape": (lambda x: x.sin(), lambda x: x[:1].sin(), {}),
}


@needs_torch
@pytest.mark.parametrize("name", CHANGES)
def test_a_function_that_changes(name):
    first, second, keywords = CHANGES[name]

    def case(lib):
        rest = [first, second]
        y = checkpoints(lib).checkpoint(lambda x: rest.pop(0)(x), leaf(lib), use_reentrant=False,
                                        **keywords)
        y.sum().backward()
    alike(case)


@needs_torch
def test_reentrant_needs_backward():
    alike(lambda lib: lib.autograd.grad(checkpoints(lib).checkpoint(
        lambda x: x.sin(), (x := leaf(lib)), use_reentrant=True).sum(), x))


def test_a_checkpoint_keeps_nothing_inside():
    """Of the inside only numbers are saved, until backward asks."""
    x = leaf(learntorch)
    y = checkpoints(learntorch).checkpoint(lambda x: (x * 2).exp().sin(), x, use_reentrant=False)
    node, held = y.grad_fn, []
    while node is not None and getattr(node, "saved", None) is not None:
        held += [v for v in node.saved if isinstance(v, learntorch.Tensor)]
        node = node.next_functions[0][0] if node.next_functions else None
    assert not held


# ---- several gradients, edges ------------------------------------------------------------------


@scenario
def multi_grad_hooks(lib):
    a, b, c = leaf(lib), leaf(lib), leaf(lib)
    graph = lib.autograd.graph
    seen = []
    handle = graph.register_multi_grad_hook(
        (a, b, c), lambda gs: seen.append([None if g is None else g.sum().item() for g in gs]))
    (a * b).sum().backward()
    (a * b * c).sum().backward()
    handle.remove()
    (a * b).sum().backward()
    first = []
    graph.register_multi_grad_hook((a, b), lambda g: first.append(g.sum().item()), mode="any")
    (a * a).sum().backward()
    (a + 0 * b).sum().backward()
    return [seen, len(first)]


@scenario
def edges(lib):
    x = leaf(lib)
    y = x.exp()
    z = (y * y).sum()
    edge = lib.autograd.graph.get_gradient_edge(y)
    by_edge = lib.autograd.grad(z, edge, retain_graph=True)[0]
    from_edge = lib.autograd.grad(edge, x, grad_outputs=lib.ones_like(y), retain_graph=True)[0]
    return [edge.output_nr, by_edge, from_edge,
            lib.autograd.grad(z, lib.autograd.graph.get_gradient_edge(x))[0]]


@needs_torch
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name):
    alike(SCENARIOS[name])


# ---- profiles ------------------------------------------------------------------------------------


def test_profile():
    from learntorch.profiler import ProfilerAction, profile, record_function, schedule
    x = leaf(learntorch)
    with profile(record_shapes=True) as prof:
        with record_function("a block"):
            y = (x @ x.mT).exp().sum()
        y.backward()
        (x.detach() * 2).add_(1)
    found = {e.key: e for e in prof.key_averages()}
    assert {"a block", "aten::mm", "aten::exp", "aten::sum", "MmBackward0", "ExpBackward0",
            "aten::add_"} <= set(found)
    assert found["aten::mm"].count == 1 and found["MmBackward0"].cpu_time_total > 0
    inside = sum(found[k].cpu_time_total for k in ("aten::mm", "aten::exp", "aten::sum"))
    assert found["a block"].cpu_time_total >= inside
    table = prof.key_averages(group_by_input_shape=True).table(sort_by="count", row_limit=4)
    assert "[[2, 3]" in table and table.count("\n") == 9
    assert learntorch.core.ambient.ambient.state.intercept is None
    with profile() as late:
        z = x.exp()
    n = len(late.events())
    z.sum().backward()                           # after the profile: the rule runs, unrecorded
    assert len(late.events()) == n
    n = len(prof.events())
    learntorch.autograd.grad((x * 1).sum(), x)
    assert len(prof.events()) == n
    steps = [schedule(wait=1, warmup=1, active=2, repeat=1)(i) for i in range(6)]
    assert steps == [ProfilerAction.NONE, ProfilerAction.WARMUP, ProfilerAction.RECORD,
                     ProfilerAction.RECORD_AND_SAVE, ProfilerAction.NONE, ProfilerAction.NONE]


def test_scheduled_profile(tmp_path):
    from learntorch.profiler import profile, schedule
    ready = []
    with profile(schedule=schedule(wait=1, warmup=1, active=1, repeat=2),
                 on_trace_ready=lambda p: ready.append(len(p.events()))) as prof:
        for _ in range(6):
            learntorch.ones(2).exp()
            prof.step()
    assert ready == [1, 1] or ready == [1, 2]
    prof.export_chrome_trace(tmp_path / "trace.json")
    assert "aten::exp" in (tmp_path / "trace.json").read_text()
