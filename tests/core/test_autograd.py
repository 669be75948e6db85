"""Autograd, views and in-place writes: the same code under learntorch and PyTorch.

Each scenario is a function of the library; what it returns (numbers, versions, error types and the
beginning of their messages) must be equal.
"""

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch

A = np.linspace(0.3, 1.7, 6).reshape(2, 3)
B = np.linspace(-1, 2, 3)


def leaf(lib, values):
    return lib.tensor(values, dtype=lib.float64, requires_grad=True)


def grads(*tensors):
    return [None if t.grad is None else t.grad.tolist() for t in tensors]


SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__] = function
    return function


# ---- plain gradients ------------------------------------------------------------------------


@scenario
def mlp_and_broadcast(lib):
    x, w = leaf(lib, A), leaf(lib, B)
    ((x * w).tanh() + w).sum().backward()
    return grads(x, w)


@scenario
def second_order(lib):
    x = leaf(lib, A)
    (lib.sin(x) * x.exp() / (x + 1)).sum().backward(create_graph=True)
    g = x.grad
    x.grad = None
    (g * g).sum().backward()
    return grads(x)


@scenario
def third_order(lib):
    x = leaf(lib, 2.0)
    y = x ** 4
    values = []
    for _ in range(3):
        y, = lib.autograd.grad(y, x, create_graph=True)
        values.append(y.item())
    return values


@scenario
def accumulation_and_reuse(lib):
    x = leaf(lib, A)
    for _ in range(3):
        (x * x).sum().backward()
    y = x.exp()
    (y + y + y * y).sum().backward()
    return grads(x)


@scenario
def diamond(lib):
    x = leaf(lib, 1.5)
    y = x
    for _ in range(20):
        y = y + y
    y.backward()
    return grads(x)


@scenario
def grad_of_inputs_only(lib):
    x, w = leaf(lib, A), leaf(lib, B)
    y = x * w
    z = y.exp().sum()
    found = lib.autograd.grad(z, (y, w), retain_graph=True)
    z.backward(inputs=[x])
    return [g.tolist() for g in found], grads(x, w)


@scenario
def unused_input(lib):
    x, w = leaf(lib, A), leaf(lib, B)
    y = x.sum()
    found = lib.autograd.grad(y, (x, w), allow_unused=True, retain_graph=True)
    filled = lib.autograd.grad(y, (x, w), materialize_grads=True)
    return found[1] is None, filled[1].tolist()


@scenario
def unused_input_raises(lib):
    x, w = leaf(lib, A), leaf(lib, B)
    lib.autograd.grad(x.sum(), w)


@scenario
def backward_twice(lib):
    x = leaf(lib, A)
    y = x.exp().sum()
    y.backward()
    y.backward()


@scenario
def backward_twice_where_nothing_is_saved(lib):
    x = leaf(lib, A)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    return grads(x)


@scenario
def non_scalar(lib):
    leaf(lib, A).exp().backward()


@scenario
def no_history(lib):
    lib.ones(3).sum().backward()


@scenario
def wrong_gradient_shape(lib):
    (leaf(lib, A) * 2).backward(lib.ones(3, dtype=lib.float64))


@scenario
def gradient_on_scalar(lib):
    z = leaf(lib, A).mean()
    z.backward(lib.tensor([0.1, 1.0], dtype=lib.float64))


@scenario
def mixed_dtypes(lib):
    x = lib.ones(2, 3, requires_grad=True)
    y = leaf(lib, A)
    (x * y).sum().backward()
    return str(x.grad.dtype), grads(x, y)


@scenario
def complex_product(lib):
    z = lib.tensor([1 + 2j, 3 - 1j], requires_grad=True)
    x = lib.tensor([2.0, 3.0], requires_grad=True)
    ((z * x).exp() * z).abs().sum().backward()
    return np.round(np.array(z.grad.tolist()), 3).tolist(), np.round(x.grad.tolist(), 3).tolist()


# ---- views and in-place writes ----------------------------------------------------------------


@scenario
def write_through_a_row(lib):
    x, w = leaf(lib, A), leaf(lib, B)
    b = x * 1
    b[0].mul_(w)
    (b * b).sum().backward()
    return grads(x, w)


@scenario
def view_sees_rewritten_base(lib):
    x, w = leaf(lib, A), leaf(lib, B)
    b = x * 1
    v = b[0]
    b.mul_(w)
    (v * v).sum().backward()
    return grads(x, w)


@scenario
def other_rows_are_untouched(lib):
    x, w = leaf(lib, A), leaf(lib, B)
    b = x * 1
    u = b[1]
    b[0].mul_(w)
    (u * b).sum().backward()
    return grads(x, w)


@scenario
def writes_in_turn(lib):
    x, w = leaf(lib, A), leaf(lib, B)
    b = x * 1
    v = b[0]
    v.add_(w)
    v.mul_(w)
    b.add_(w)
    (v * v * b).sum().backward()
    return grads(x, w)


@scenario
def view_of_view(lib):
    x = leaf(lib, A)
    b = x * 1
    r = b.view(6)[1:5].view(2, 2).t()
    r[0].mul_(3)
    (b * b).sum().backward()
    return grads(x), b._version


@scenario
def transposed_base(lib):
    x = leaf(lib, A)
    b = (x * 1).t()
    v = b[1:]
    v.exp_()
    (b * b).sum().backward()
    return grads(x)


@scenario
def constant_base_gains_history(lib):
    x, w = leaf(lib, A), leaf(lib, B)
    z = lib.zeros(2, 3, dtype=lib.float64)
    row = z[0]
    row.add_(w)
    flag = z.requires_grad
    ((z * z * x).sum() + (row * row).sum()).backward()
    return flag, grads(x, w)


@scenario
def expanded_then_written(lib):
    x = leaf(lib, [1.0])
    (x * 1).expand(3).add_(1)


@scenario
def setitem_scalar(lib):
    x = leaf(lib, A)
    b = x * 2
    b[:, 1] = 7
    (b * b).sum().backward()
    return grads(x), b.tolist()


@scenario
def setitem_tensor_by_mask(lib):
    x, w = leaf(lib, A), leaf(lib, [5.0, 6.0])
    b = x * 2
    b[b > 2.5] = w[0]
    b[0, [0, 2]] = w
    (b * b).sum().backward()
    return grads(x, w), b.tolist()


@scenario
def zero_and_fill(lib):
    x = leaf(lib, A)
    b = x * 2
    b[0].zero_()
    b[1].fill_(3)
    c = b * x
    c.sum().backward()
    return grads(x), b.requires_grad


@scenario
def copy_from_other_dtype(lib):
    x = lib.ones(3, requires_grad=True)
    b = lib.zeros(2, 3, dtype=lib.float64)
    b.copy_(x)
    (b * 3).sum().backward()
    return grads(x), b.tolist()


@scenario
def inplace_on_saved_result(lib):
    x = leaf(lib, A)
    y = x.exp()
    y.mul_(2)
    y.sum().backward()


@scenario
def inplace_on_saved_input(lib):
    x, w = leaf(lib, A), leaf(lib, B)
    y = x * 1
    z = y * w
    y.add_(1)
    z.sum().backward()


@scenario
def inplace_where_nothing_was_saved(lib):
    x = leaf(lib, A)
    y = x + 1
    z = y + 2
    y.mul_(3)
    z.sum().backward()
    return grads(x)


@scenario
def inplace_keeps_old_self(lib):
    x, m = leaf(lib, A), leaf(lib, B)
    v = x * 1
    v.mul_(m)
    v.pow_(2)
    v.exp_()
    v.sum().backward()
    return [np.round(g, 6).tolist() for g in grads(x, m)]


@scenario
def inplace_on_leaf(lib):
    leaf(lib, A).mul_(2)


@scenario
def inplace_on_view_of_leaf(lib):
    leaf(lib, A)[0].mul_(2)


@scenario
def inplace_on_leaf_without_recording(lib):
    x = leaf(lib, A)
    with lib.no_grad():
        x -= 0.5
        x[0].mul_(2)
    return x.tolist(), x._version, x.requires_grad


@scenario
def inplace_on_unbound_view(lib):
    b = leaf(lib, A) * 1
    b.unbind(0)[0].mul_(2)


@scenario
def inplace_on_view_made_without_recording(lib):
    b = leaf(lib, A) * 1
    with lib.no_grad():
        v = b[0]
    v.mul_(2)


@scenario
def inplace_type(lib):
    lib.ones(3, dtype=lib.int64).add_(1.5)


@scenario
def inplace_shape(lib):
    lib.ones(3).add_(lib.ones(2, 3))


@scenario
def versions(lib):
    x = lib.zeros(2, 3)
    v = x[0]
    d = x.detach()
    v.add_(1)
    d.mul_(2)
    x.data.add_(1)
    return x._version, v._version, d._version, x.tolist()


@scenario
def iadd_operators(lib):
    x = lib.arange(6).view(2, 3)
    y = x
    x += 1
    x *= 2
    x //= 3
    x **= 2
    x %= 5
    return y.tolist(), y is x


@scenario
def squeeze_in_place(lib):
    x = lib.ones(1, 3)
    x.squeeze_().unsqueeze_(1).t_()
    return list(x.shape)


# ---- leaves, flags, modes ---------------------------------------------------------------------


@scenario
def flags(lib):
    x = leaf(lib, A)
    y = x * 2
    d = y.detach()
    with lib.no_grad():
        z = x * 2
    with lib.no_grad(), lib.enable_grad():
        e = x * 2
    return [(t.requires_grad, t.is_leaf) for t in (x, y, d, z, e)], y.grad_fn is None


@scenario
def nonleaf_flag(lib):
    (leaf(lib, A) * 2).requires_grad = False


@scenario
def integer_leaf(lib):
    lib.ones(3, dtype=lib.int64).requires_grad_()


@scenario
def set_grad_enabled_function(lib):
    x = leaf(lib, A)
    lib.set_grad_enabled(False)
    a = (x * 2).requires_grad
    lib.set_grad_enabled(True)
    with lib.set_grad_enabled(False):
        b = (x * 2).requires_grad
    return a, b, (x * 2).requires_grad, lib.is_grad_enabled()


@scenario
def decorators(lib):
    x = leaf(lib, A)

    @lib.no_grad()
    def quiet():
        return x * 2

    @lib.no_grad
    def quiet_too():
        return x * 2

    @lib.no_grad()
    def steps():
        yield (x * 2).requires_grad
        yield (x * 2).requires_grad
    seen = []
    for flag in steps():
        seen += [flag, (x * 2).requires_grad]
    return quiet().requires_grad, quiet_too().requires_grad, seen


@scenario
def inference_tensor_saved(lib):
    with lib.inference_mode():
        c = lib.ones(3) * 2
    x = lib.ones(3, requires_grad=True)
    return c.is_inference(), (x + c).requires_grad


@scenario
def inference_tensor_written(lib):
    with lib.inference_mode():
        c = lib.ones(3) * 2
    c.add_(1)


@scenario
def retain_grad(lib):
    x = leaf(lib, A)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    return grads(x, y)


@scenario
def data_assignment(lib):
    x = leaf(lib, A)
    x.data = lib.ones(2, 3, dtype=lib.float64)
    (x * 3).sum().backward()
    return x.tolist(), grads(x)


@scenario
def grad_assignment(lib):
    x = leaf(lib, A)
    x.grad = lib.ones(3, dtype=lib.float64)


# ---- finding one's way ----------------------------------------------------------------------


@scenario
def anomaly(lib):
    with lib.autograd.detect_anomaly():
        x = leaf(lib, [-1.0])
        (x.sqrt() * 1).sum().backward()


@scenario
def function_names(lib):
    x = leaf(lib, A)
    y = (x * 2).view(6)[1:3].exp()
    names = []
    node = y.grad_fn
    while node is not None:
        names.append(node.name())
        node = node.next_functions[0][0] if node.next_functions else None
    return names


@needs_torch
@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.filterwarnings("ignore")
def test_same_as_pytorch(name):
    alike(SCENARIOS[name])


def test_no_cycles_are_left():
    """A finished step is freed by reference counting: nothing waits for the garbage collector."""
    import gc
    import weakref
    gc.collect()
    gc.disable()
    try:
        x = learntorch.ones(3, requires_grad=True)
        y = (x * x).exp()
        seen = weakref.ref(y.grad_fn)
        y.sum().backward()
        del y
        assert seen() is None
    finally:
        gc.enable()


def test_unneeded_intermediates_are_freed():
    """An intermediate that no rule names dies at once, though its node lives on."""
    import weakref
    x = learntorch.ones(3, requires_grad=True)
    y = x * 2
    alive = weakref.ref(y)
    z = y + 1
    del y
    assert alive() is None
    z.sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_long_chain_needs_no_recursion():
    x = learntorch.ones(1, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y + 0
    y.backward()
    assert x.grad.item() == 1
    del y


def test_anomaly_names_the_forward_line():
    import warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with learntorch.autograd.detect_anomaly():
            x = learntorch.tensor([-1.0], requires_grad=True)
            y = x.sqrt().sum()
            with pytest.raises(RuntimeError, match="SqrtBackward0' returned nan"):
                y.backward()
    assert any("x.sqrt()" in str(w.message) for w in caught)


def test_numpys_warnings_do_not_reach_the_user():
    """0/0 is NaN without further ado, even where warnings are errors (as in this test run)."""
    x = learntorch.zeros(2, requires_grad=True)
    y = (x / x).log() - learntorch.tensor(float("inf")) * 0
    y.sum().backward()
    assert y.isnan().all() and x.grad.isnan().all()
    x.detach().div_(0)


@pytest.mark.parametrize("make, which", [
    (learntorch.linalg.qr, 0), (lambda x: learntorch.linalg.svd(x, full_matrices=False), 1),
    (lambda x: learntorch.linalg.eigh(x @ x.mT), 1)])
def test_an_output_that_was_saved_and_then_rewritten_is_noticed(make, which):
    learntorch.manual_seed(0)
    made = make(learntorch.rand(3, 3, requires_grad=True))
    made[which].mul_(2)
    with pytest.raises(RuntimeError, match=f"is output {which} of .*is at version 1"):
        made[which].sum().backward()


def test_an_output_that_no_rule_saved_may_be_rewritten():
    t = learntorch.tensor([3.0, 1.0, 2.0], requires_grad=True)
    values, _ = t.sort()
    values.mul_(2)
    values.sum().backward()
    assert t.grad.tolist() == [2, 2, 2]
