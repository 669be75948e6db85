"""What a graph keeps alive: no more than the rules name, until backward, and no longer.

The table of names stands in `saved.txt` beside this file. After an intended change write it anew:

    python -m tests.core.test_memory --update
"""
import gc
import math
import sys
import tracemalloc
import weakref
from pathlib import Path

import numpy as np
import pytest

import learntorch as L
from learntorch.core.record import registry
from tests.oracle import needs_torch
from tests.perf import memory

F = L.nn.functional
TABLE = Path(__file__).with_name("saved.txt")
UPDATE = "If that is intended: python -m tests.core.test_memory --update"
HEAD = ("# What each gradient rule keeps until backward, by name: op, input (* a rule for all "
        "inputs), names.\n# Written by `python -m tests.core.test_memory --update`.\n")


@pytest.fixture(autouse=True, scope="module")
def only_what_is_made_here():
    """The collector leaves alone what other tests have loaded, so that it takes no second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


# ---- the names ---------------------------------------------------------------------------------


def saved_names(op):
    """{input: names that its rule keeps}, or {"*": names} where one rule serves all inputs."""
    if op.joint:
        return {"*": op.find((1 << len(op.tensors)) - 1).names}
    return {t: op.find(1 << i).names for i, t in enumerate(op.tensors) if op.vjps.get(t)}


def lines():
    """The table: "op input: name name", sorted."""
    return [f"{key} {tensor}: {' '.join(names)}".rstrip()
            for key, call in sorted(registry.items()) if call.op.differentiable
            and call.op.forward.__module__.startswith("learntorch.")
            for tensor, names in saved_names(call.op).items()]


def read(text):
    """{"op input": names} of a table."""
    rows = [line.partition(":") for line in text.splitlines() if line and line[0] != "#"]
    return {row[0]: row[2].split() for row in rows}


def test_each_rule_keeps_what_the_table_says():
    frozen, now = read(TABLE.read_text(encoding="utf-8")), read("\n".join(lines()))
    more = [f"{rule} keeps {', '.join(set(names) - set(frozen[rule]))} as well"
            for rule, names in now.items() if rule in frozen and set(names) - set(frozen[rule])]
    assert not more, f"{'; '.join(more)}. {UPDATE}"
    less = [f"{rule} keeps {' '.join(now[rule]) or 'nothing'} instead of {' '.join(names)}"
            for rule, names in frozen.items() if rule in now and now[rule] != names]
    assert not less, f"{'; '.join(less)}. {UPDATE}"
    assert not now.keys() - frozen.keys(), f"new: {sorted(now.keys() - frozen.keys())}. {UPDATE}"
    assert not frozen.keys() - now.keys(), f"gone: {sorted(frozen.keys() - now.keys())}. {UPDATE}"


def test_the_table_sees_a_rule_that_keeps_more(monkeypatch):
    op = L.tanh.op
    monkeypatch.setitem(op.vjps, "x", lambda g, out, x: g * (1 - out * out) + 0 * x)
    monkeypatch.setattr(op, "plans", [None, None])
    with pytest.raises(AssertionError, match="tanh x keeps x as well"):
        test_each_rule_keeps_what_the_table_says()


# ---- the bytes -----------------------------------------------------------------------------------

ROWS, COLUMNS = 64, 256
ONE = 4 * ROWS * COLUMNS                    # bytes of the float32 array that most cases use
SLACK = 6000                                # nodes, tensors and tuples


def leaf(*shape, grad=True):
    """A tensor nobody else holds, so that what remains of it is what the graph keeps."""
    return L.from_numpy(np.random.default_rng(0).random(shape or (ROWS, COLUMNS), np.float32)) \
        .requires_grad_(grad)


def const(*shape):
    return leaf(*shape, grad=False)


def classes(n, most):
    return L.from_numpy(np.arange(n) % most)


def traced(make):
    """What `make()` returns, and the bytes that are alive because of it."""
    make()                                              # plans and tables are made once
    gc.collect()
    tracemalloc.start()
    try:
        out = make()
        gc.collect()
        return out, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


IMAGES = (8, 8, 16, 16)                     # as many numbers
HEADS = (4, 4, 32, 32)                      # attention: ONE for q, k, v, and for the weights

# name: (what is run, arrays of ONE bytes alive after it: the result and what is saved for backward)
KEPT = {
    "add keeps no input": (lambda: leaf() + leaf(), 1),
    "mul keeps both factors": (lambda: leaf() * leaf(), 3),
    "mul: y only, where x alone wants a gradient": (lambda: leaf() * const(), 2),
    "mul: x only, where y alone wants a gradient": (lambda: const() * leaf(), 2),
    "mul by a number keeps nothing": (lambda: leaf() * 3.0, 1),
    "div by a constant keeps the divisor": (lambda: leaf() / const(), 2),
    "without a gradient nothing is kept": (lambda: const() * const(), 1),
    "under no_grad nothing is kept": (lambda: L.no_grad()(lambda: leaf() * leaf())(), 1),
    "sum keeps the shape": (lambda: leaf().sum(), 0),
    "mean keeps the shape": (lambda: leaf().mean(1), 1 / COLUMNS),
    "var keeps x": (lambda: leaf().var(1), 1 + 1 / COLUMNS),
    "square keeps x": (lambda: leaf() ** 2, 2),
    "exp keeps its result": (lambda: leaf().exp(), 1),
    "sqrt keeps its result": (lambda: leaf().sqrt(), 1),
    "sin keeps x": (lambda: leaf().sin(), 2),
    "log keeps x": (lambda: leaf().log(), 2),
    "tanh keeps its result": (lambda: leaf().tanh(), 1),
    "sigmoid keeps its result": (lambda: leaf().sigmoid(), 1),
    "relu keeps its result": (lambda: leaf().relu(), 1),
    "gelu keeps x": (lambda: F.gelu(leaf()), 2),
    "gelu, tanh form, keeps x": (lambda: F.gelu(leaf(), approximate="tanh"), 2),
    "silu keeps x": (lambda: F.silu(leaf()), 2),
    "softmax keeps its result": (lambda: leaf().softmax(1), 1),
    "log_softmax keeps its result": (lambda: leaf().log_softmax(1), 1),
    "cross_entropy keeps x": (lambda: F.cross_entropy(leaf(), classes(ROWS, 10)), 1),
    "nll_loss keeps the classes": (lambda: F.nll_loss(leaf(), classes(ROWS, 10)), 0),
    "mse_loss keeps both": (lambda: F.mse_loss(leaf(), const()), 2),
    "matmul keeps the other factor":
        (lambda: leaf() @ const(COLUMNS, ROWS), 1 + ROWS / COLUMNS),
    "linear keeps x for the weight, and the weight for x":
        (lambda: F.linear(leaf(), leaf(COLUMNS, COLUMNS), leaf(COLUMNS)), 2 + COLUMNS / ROWS),
    "linear keeps x alone, where x wants no gradient":
        (lambda: F.linear(const(), leaf(COLUMNS, COLUMNS), leaf(COLUMNS)), 2),
    "linear keeps the weight alone, where it is frozen":
        (lambda: F.linear(leaf(), const(COLUMNS, COLUMNS)), 1 + COLUMNS / ROWS),
    "conv2d keeps x and the weight, no unfolded windows":
        (lambda: F.conv2d(leaf(*IMAGES), leaf(8, 8, 3, 3), leaf(8), padding=1), 2),
    "conv2d of images without gradient keeps them":
        (lambda: F.conv2d(const(*IMAGES), leaf(8, 8, 3, 3), padding=1), 2),
    "conv_transpose2d keeps x and the weight":
        (lambda: F.conv_transpose2d(leaf(*IMAGES), leaf(8, 8, 3, 3), padding=1), 2),
    "batch_norm keeps x and two numbers a channel":
        (lambda: F.batch_norm(leaf(*IMAGES), None, None, leaf(8), leaf(8), training=True), 2),
    "batch_norm in eval keeps x for the weight":
        (lambda: F.batch_norm(leaf(*IMAGES), const(8), const(8), leaf(8), leaf(8)), 2),
    "layer_norm keeps x":
        (lambda: F.layer_norm(leaf(), (COLUMNS,), leaf(COLUMNS), leaf(COLUMNS)), 2 + 4 / ROWS),
    "group_norm keeps x": (lambda: F.group_norm(leaf(*IMAGES), 2, leaf(8), leaf(8)), 2),
    "dropout keeps a mask of bool": (lambda: F.dropout(leaf(), 0.5), 1 + 1 / 4),
    "dropout of half of the channels": (lambda: F.dropout2d(leaf(*IMAGES), 0.5), 1),
    "max_pool2d keeps x and its result": (lambda: F.max_pool2d(leaf(*IMAGES), 2), 1 + 1 / 4),
    "avg_pool2d keeps the shape": (lambda: F.avg_pool2d(leaf(*IMAGES), 2), 1 / 4),
    "embedding keeps the places": (lambda: F.embedding(classes(ROWS, 64), leaf()), 1),
    "where keeps the condition": (lambda: L.where(const() > 0.5, leaf(), leaf()), 1 + 1 / 4),
    "masked_fill keeps the mask": (lambda: leaf().masked_fill(const() > 0.5, 0.0), 1 + 1 / 4),
    "cat keeps the sizes": (lambda: L.cat([leaf(), leaf()]), 2),
    "reshape and transpose are views": (lambda: leaf().reshape(-1, 16).transpose(0, 1), 1),
    "attention keeps q, k, v and the weights":
        (lambda: F.scaled_dot_product_attention(leaf(*HEADS), leaf(*HEADS), leaf(*HEADS)), 5),
    "attention, causal":
        (lambda: F.scaled_dot_product_attention(leaf(*HEADS), leaf(*HEADS), leaf(*HEADS),
                                                is_causal=True), 5),
}


def graph_free(out):
    """Run backward of a result; what stays alive is the result itself."""
    if out.requires_grad:
        out.backward(L.ones_like(out.detach()))


@pytest.mark.parametrize("name", KEPT)
def test_bytes_kept_after_forward(name):
    make, expected = KEPT[name]
    out, alive = traced(make)
    assert (alive - SLACK) / ONE <= expected, f"{alive / ONE:.2f} arrays are alive"
    assert (alive + 600) / ONE >= expected, f"only {alive / ONE:.2f}: the case expects too much"


@pytest.mark.parametrize("name", [n for n, (make, _) in KEPT.items() if make().requires_grad])
def test_backward_frees_what_was_kept(name):
    make = KEPT[name][0]

    def both():
        out = make()
        graph_free(out)
        return out
    out, alive = traced(both)
    if not name.endswith("views"):
        assert alive - out._data.nbytes <= SLACK


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_bytes_kept_by_a_recurrent_layer(kind):
    """Of T steps: the input, the result, the states before each step; and of
    lstm 4 gates, the cells and their tanh; of gru 3 gates and the candidate; of rnn the states."""
    steps, batch, size = 16, 16, 32
    one = 4 * steps * batch * size
    layer = {"lstm": L.nn.LSTM, "gru": L.nn.GRU, "rnn": L.nn.RNN}[kind](size, size)
    out, alive = traced(lambda: layer(leaf(steps, batch, size))[0])
    more = {"lstm": 4 + 1 + 1, "gru": 3 + 1, "rnn": 1}[kind]
    assert alive <= (3 + more) * one + 2 * SLACK
    assert out.shape == (steps, batch, size)


# ---- how long ------------------------------------------------------------------------------------


def test_an_intermediate_that_no_rule_names_is_freed_at_once():
    x = leaf()
    first = x + 1
    second = first * 2                       # a number: neither factor is needed
    third = second.tanh()
    gone = [weakref.ref(t._data) for t in (first, second)]
    kept = weakref.ref(third._data)
    total = third.sum()
    del first, second, third
    assert [r() for r in gone] == [None, None] and kept() is not None
    total.backward()
    assert kept() is None


def test_a_network_keeps_one_array_a_layer():
    """ReLU keeps its result, which is what the next layer keeps: nothing before it is alive."""
    sizes = (128, 256, 192, 10)
    batch = 64
    model = L.nn.Sequential(*[m for i, o in zip(sizes, sizes[1:], strict=False)
                              for m in (L.nn.Linear(i, o), L.nn.ReLU())][:-1])
    target = classes(batch, 10)
    x = const(batch, sizes[0])
    _, alive = traced(lambda: F.cross_entropy(model(x), target))
    assert alive <= 4 * batch * sum(sizes[1:]) + 8 * batch + 2 * SLACK


def test_saved_arrays_go_one_by_one_while_backward_runs():
    """At its peak a chain of n needs what it keeps and two gradients, not twice what it keeps."""
    x = leaf()

    def step():
        y = x
        for _ in range(10):
            y = y.tanh()
        y.backward(g)
        x.grad = None
    g = const()
    step()
    gc.collect()
    tracemalloc.start()
    try:
        step()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most <= (10 + 3) * ONE + 2 * SLACK


def test_what_backward_frees_is_freed_though_the_loss_lives():
    x = leaf()
    y = x.exp()
    z = y.sin()
    held = [weakref.ref(y._data), weakref.ref(z._data)]
    loss = z.square().sum()
    del y, z
    assert all(r() is not None for r in held)
    loss.backward()
    assert [r() for r in held] == [None, None] and loss.grad_fn is not None


def test_the_graph_does_not_keep_its_leaf():
    x = leaf()
    y = x + 1
    gone = weakref.ref(x)
    del x
    assert gone() is None
    y.backward(L.ones_like(y.detach()))


def recurrent_step():
    model = L.nn.LSTM(8, 8, 2, batch_first=True)
    return lambda: model(leaf(2, 5, 8))[0].sum().backward()


def views_and_in_place():
    x = leaf(4, 6)

    def step():
        y = x * 2
        y[1:3] += y[0]
        y.transpose(0, 1)[2].mul_(3.0)
        a, b = y.split(3, 1)
        (a * b.exp()).sum().backward()
        x.grad = None
    return step


def second_order():
    x = leaf(4, 6)

    def step():
        g, = L.autograd.grad((x.tanh() * x).sum(), x, create_graph=True)
        L.autograd.grad(g.square().sum(), x)
    return step


def hooks_and_functions():
    x = leaf(4, 6)

    class Double(L.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return 2 * a

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    def step():
        y = Double.apply(x)
        y.register_hook(lambda g: g * 2)
        y.retain_grad()
        y.sum().backward()
        x.grad = None
    return step


STEPS = {"recurrent": recurrent_step, "views and in-place writes": views_and_in_place,
         "second order": second_order, "hooks and functions": hooks_and_functions,
         **{name: lambda name=name: memory.training(L, name, batch=2) for name in memory.NETS}}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_leaves_no_garbage(name):
    """Counting references frees everything: the cycle collector has nothing to find."""
    step = STEPS[name]()
    step()
    step()
    gc.collect()
    gc.disable()
    try:
        step()
        step()
        assert gc.collect() == 0
    finally:
        gc.enable()


# ---- the peak ------------------------------------------------------------------------------------


@needs_torch
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("name", ["mlp", "lenet", "resnet"])
def test_peak_of_a_training_step_against_pytorch(name):
    """`python -m tests.perf.memory` says how it is measured."""
    ratio = memory.measured("learntorch", name) / memory.measured("torch", name)
    assert math.isfinite(ratio) and ratio <= memory.GOAL


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    TABLE.write_text(HEAD + "\n".join(lines()) + "\n", encoding="utf-8")
    print(f"{len(lines())} rules in {TABLE}")
