"""The loss of a linear classifier, whole and in chunks."""
import pickle
import tracemalloc
import warnings

import numpy as np
import pytest

import learntorch
from learntorch import nn
from learntorch.nn import functional as F
from learntorch.ops.loss_linear import rows_at_once
from tests.oracle import alike, needs_torch


def problem(torch, n=7, width=3, classes=5, seed=0):
    """Inputs, weight, bias (leaves) and class numbers."""
    rng = np.random.default_rng(seed)
    leaves = [torch.tensor(rng.normal(size=shape), requires_grad=True)
              for shape in ((n, width), (classes, width), (classes,))]
    return *leaves, torch.tensor(rng.integers(0, classes, n))


OPTIONS = [{}, {"batch_chunk_size": 2}, {"batch_chunk_size": 100}, {"chunking_method": None},
           {"chunking_method": "aspect_ratio:4", "acc_policy": "accurate"}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_chunks_change_nothing(options, reduction):
    """The same losses and the same three gradients as from all scores at once."""
    x, w, b, t = problem(learntorch)
    found = []
    for chosen in (None, nn.LinearCrossEntropyOptions(**options)):
        loss = F.linear_cross_entropy(x, w, t, linear_bias=b, reduction=reduction, ignore_index=1,
                                      weight=learntorch.arange(1.0, 6.0).double(), options=chosen)
        g = learntorch.arange(1.0, 8.0).double() if reduction == "none" else None
        found.append((loss, *learntorch.autograd.grad(loss, (x, w, b), g)))
    for whole, parts in zip(*found):
        np.testing.assert_allclose(parts.detach().numpy(), whole.detach().numpy(), rtol=1e-12)


def test_chunks_need_less_memory():
    """1024 rows and 1000 classes: 8 MB of scores, of which a chunk of 32 rows needs 0.25 MB."""
    x, w, _, t = problem(learntorch, 1024, 8, 1000)
    peaks = []
    for options in (None, nn.LinearCrossEntropyOptions(batch_chunk_size=32)):
        tracemalloc.start()
        F.linear_cross_entropy(x, w, t, options=options).backward()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] > 16e6 and peaks[1] < 3e6, peaks


@pytest.mark.parametrize("n, width, classes, ratio, rows", [
    (1000, 10, 50, 1, 256), (1000, 10, 50, 2, 128), (1000, 10, 50, 8, 32), (4096, 64, 256, 1, 1024),
    (100, 10, 1000, 2, 1), (64, 64, 64, 4, 16)])
def test_rows_at_once(n, width, classes, ratio, rows):
    """The numbers of rows that PyTorch takes."""
    assert rows_at_once(f"aspect_ratio:{ratio}", n, width, classes) == rows


def test_what_chunks_cannot_do_is_said():
    x, w, b, t = problem(learntorch)
    options = nn.LinearCrossEntropyOptions()
    with pytest.warns(UserWarning, match="``options`` ignored.*label_smoothing=0.1"):
        smooth = F.linear_cross_entropy(x, w, t, label_smoothing=0.1, options=options)
    assert smooth == F.linear_cross_entropy(x, w, t, label_smoothing=0.1)
    with pytest.raises(IndexError, match="Target 9 is out of bounds"):
        F.linear_cross_entropy(x, w, t * 0 + 9, options=options)


def test_no_second_derivative_in_chunks():
    """As in PyTorch the gradients of the chunked loss have no history."""
    x, w, b, t = problem(learntorch)
    loss = F.linear_cross_entropy(x, w, t, options=nn.LinearCrossEntropyOptions())
    g, = learntorch.autograd.grad(loss, x, create_graph=True)
    assert not g.requires_grad


def test_options_are_a_value():
    options = nn.LinearCrossEntropyOptions(batch_chunk_size=3)
    assert options == nn.LinearCrossEntropyOptions(batch_chunk_size=3)
    assert options != nn.LinearCrossEntropyOptions() and len({options, options}) == 1
    assert pickle.loads(pickle.dumps(options)) == options
    assert repr(options) == ("LinearCrossEntropyOptions(allow_retain_graph=False, batch_chunk_size"
                             "=3, chunking_method='auto', acc_policy='auto', acc_dtype=None)")
    with pytest.raises(AttributeError, match="cannot assign to field 'batch_chunk_size'"):
        options.batch_chunk_size = 4


@needs_torch
@pytest.mark.parametrize("named", [
    {"batch_chunk_size": 0}, {"batch_chunk_size": 2.5}, {"chunking_method": "halves"},
    {"chunking_method": "aspect_ratio:0"}, {"acc_policy": "fast"}, {"acc_dtype": "int64"},
    {"acc_dtype": "float64"}])
def test_options_refuse_what_pytorch_refuses(named):
    def case(torch):
        kept = {k: getattr(torch, v) if k == "acc_dtype" else v for k, v in named.items()}
        return repr(torch.nn.LinearCrossEntropyOptions(**kept))
    alike(case)


@needs_torch
@pytest.mark.parametrize("named", [
    {}, {"bias": True}, {"out_features": (2, 3), "bias": True}, {"reduction": "sum"},
    {"ignore_index": 2, "label_smoothing": 0.1}, {"label_smoothing": 2}])
def test_module(named):
    """The same repr, parameters and loss for the same seed."""
    def case(torch):
        torch.manual_seed(0)
        m = torch.nn.LinearCrossEntropyLoss(3, 5, **named)
        t = torch.ones(4, *named.get("out_features", ()), dtype=torch.int64)
        loss = m(torch.arange(12.0).reshape(4, 3) / 10, t)
        loss.backward()
        return repr(m), dict(m.state_dict()), loss, m.linear.weight.grad
    alike(case)


def test_module_passes_its_options_on():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        m = nn.LinearCrossEntropyLoss(3, 5, label_smoothing=0.5,
                                      options=nn.LinearCrossEntropyOptions())
        m(learntorch.ones(2, 3), learntorch.tensor([0, 4]))
    assert any("``options`` ignored" in str(w.message) for w in caught)
