"""Recurrent networks and cells against PyTorch, against their composites, and against the formula.
"""
import copy
import itertools
import pickle

import numpy as np
import pytest

import learntorch
from learntorch.ops import rnn as ops
from tests.oracle import alike, array, needs_torch, torch

KINDS = ("RNN(3, 4, ", "RNN(3, 4, nonlinearity='relu', ", "GRU(3, 4, ", "LSTM(3, 4, ",
         "LSTM(3, 4, proj_size=2, ")
OPTIONS = ("", "num_layers=2", "bidirectional=True", "num_layers=2, bidirectional=True, bias=False",
           "batch_first=True", "bias=False")
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
SYSTEMS = [f"nn.{kind}{options})" for kind, options in itertools.product(KINDS, OPTIONS)]
CELLS = ("nn.RNNCell(3, 4)", "nn.RNNCell(3, 4, bias=False)", "nn.RNNCell(3, 4, True, 'relu')",
         "nn.GRUCell(3, 4)", "nn.GRUCell(3, 4, False)", "nn.LSTMCell(3, 4)",
         "nn.LSTMCell(3, 4, bias=False)")


def build(lib, source, seed=7):
    lib.manual_seed(seed)
    return eval(source, {"nn": lib.nn, "torch": lib})


def waves(lib, *shape, start=0.0, dtype=None):
    """Numbers between −1 and 1 that differ from each other."""
    return lib.tensor(np.sin(np.arange(np.prod(shape)) * 0.7 + start).tolist(),
                      dtype=dtype or lib.float32).reshape(*shape)


def states_for(lib, module, batch, dtype=None):
    """First states that require grad: (h,), or (h, c) for an LSTM."""
    layers = module.num_layers * (2 if module.bidirectional else 1)
    sizes = [module.proj_size or module.hidden_size]
    if isinstance(module, lib.nn.LSTM):
        sizes.append(module.hidden_size)
    return [waves(lib, layers, batch, size, start=2.0 + i, dtype=dtype).requires_grad_()
            for i, size in enumerate(sizes)]


def given(states):
    return states[0] if len(states) == 1 else tuple(states)


def weighed(lib, tensors):
    """One number that depends on every element of the tensors, on each in another way."""
    return sum((t * waves(lib, *t.shape, start=float(i), dtype=t.dtype)).sum()
               for i, t in enumerate(tensors))


def flat(result):
    """The tensors of a nest of tuples."""
    if isinstance(result, tuple):
        return [t for part in result if part is not None for t in flat(part)]
    return [result]


# ---- construction ----------------------------------------------------------------------------

@needs_torch
@pytest.mark.parametrize("source", (*SYSTEMS, *CELLS, "nn.LSTM(3, 4, 3, dropout=.5)",
                                    "nn.RNN(3, 4, 2, 'relu', False, True, .1, True)",
                                    "nn.GRU(3, 4, dtype=torch.float64)",
                                    "nn.RNNBase('GRU', 3, 4)"))
def test_is_built_alike(source):
    """Parameters from the same seed bit by bit, their names and order, attributes, repr."""
    mine, theirs = build(learntorch, source), build(torch, source)
    assert repr(mine) == repr(theirs)
    found, wanted = dict(mine.named_parameters()), dict(theirs.named_parameters())
    assert list(found) == list(wanted) == list(mine.state_dict())
    for name, value in wanted.items():
        np.testing.assert_array_equal(array(found[name]), array(value))
    plain = {k: v for k, v in vars(theirs).items() if isinstance(v, (int, float, str))}
    assert {k: v for k, v in vars(mine).items() if isinstance(v, (int, float, str))} == plain
    if hasattr(theirs, "all_weights"):
        names = {id(p): n for n, p in found.items()}
        other = {id(p): n for n, p in wanted.items()}
        assert [[names[id(p)] for p in row] for row in mine.all_weights] == \
            [[other[id(p)] for p in row] for row in theirs.all_weights]
        assert mine._flat_weights_names == theirs._flat_weights_names
        mine.flatten_parameters()


REFUSED = (
    "nn.LSTM(3, 4., 1)", "nn.LSTM('LSTM', 3, 4)", "nn.GRU(3, 0)", "nn.GRU(0, 3)",
    "nn.RNN(3, 4, 0)", "nn.RNN(3, 4, nonlinearity='sin')", "nn.LSTM(3, 4, proj_size=4)",
    "nn.LSTM(3, 4, proj_size=-1)", "nn.GRU(3, 4, proj_size=2)", "nn.RNN(3, 4, proj_size=2)",
    "nn.LSTM(3, 4, dropout=2)", "nn.LSTM(3, 4, dropout=True)", "nn.LSTM(3, 4, bias=1)",
    "nn.LSTM(3, 4, batch_first=0)", "nn.RNNBase('SRU', 3, 4)", "nn.GRU(3, 4, colour=1)",
    "nn.LSTM(3, 4)(torch.ones(5))", "nn.GRU(3, 4)(torch.ones(5, 2, 3, 4))",
    "nn.RNN(3, 4)(torch.ones(5))", "nn.LSTM(3, 4)(torch.ones(5, 2, 4))",
    "nn.LSTM(3, 4)(torch.ones(5, 2, 3).double())", "nn.LSTM(3, 4)(torch.ones(5, 2, 3).long())",
    "nn.LSTM(3, 4)(torch.ones(0, 2, 3))", "nn.GRU(3, 4)(torch.ones(5, 3), torch.ones(1, 1, 4))",
    "nn.GRU(3, 4)(torch.ones(5, 2, 3), torch.ones(1, 4))",
    "nn.GRU(3, 4)(torch.ones(5, 2, 3), torch.ones(1, 3, 4))",
    "nn.RNN(3, 4, batch_first=True)(torch.ones(5, 2, 3), torch.ones(1, 2, 4))",
    "nn.LSTM(3, 4)(torch.ones(5, 2, 3), (torch.ones(1, 4), torch.ones(1, 4)))",
    "nn.LSTM(3, 4)(torch.ones(5, 3), (torch.ones(1, 4), torch.ones(1, 1, 4)))",
    "nn.LSTM(3, 4)(torch.ones(5, 2, 3), (torch.ones(1, 2, 5), torch.ones(1, 2, 4)))",
    "nn.LSTM(3, 4)(torch.ones(5, 2, 3), (torch.ones(1, 2, 4), torch.ones(1, 3, 4)))",
    "nn.RNNBase('LSTM', 3, 4)(torch.ones(5, 2, 3))",
    "nn.GRU(3, 4)(nn.utils.rnn.pack_sequence([torch.ones(5, 3)]), torch.ones(1, 2, 4))",
    "nn.GRU(3, 4)(torch.ones(5, 2, 3), (torch.ones(1, 2, 4), torch.ones(1, 2, 4)))",
    "nn.LSTMCell(3, 4)(torch.ones(2, 3).long())", "nn.RNNCell(3, 4)(torch.ones(2, 3).int())",
    "nn.LSTMCell(3, 4)(torch.ones(2, 2))", "nn.GRUCell(3, 4)(torch.ones(1, 2, 3))",
    "nn.RNNCell(3, 4)(torch.ones(2, 3), torch.ones(3, 4))",
    "nn.GRUCell(3, 4)(torch.ones(2, 3), torch.ones(2, 5))",
    "nn.RNNCell(3, 4)(torch.ones(2, 3), torch.ones(1, 2, 4))",
    "nn.LSTMCell(3, 4)(torch.ones(2, 3), (torch.ones(1, 2, 4), torch.ones(2, 4)))",
    "nn.RNNCell(3, 4, nonlinearity='sin')(torch.ones(2, 3))",
    "torch.gru(torch.ones(0, 2, 3), torch.ones(1, 2, 4), list(nn.GRU(3, 4).parameters()), True, 1, "
    "0., True, False, False)",
    "torch.lstm(torch.ones(5, 2, 3), (torch.ones(1, 2, 4),), list(nn.LSTM(3, 4).parameters()), "
    "True, 1, 0., True, False, False)",
    "torch.lstm_cell(torch.ones(2, 3), torch.ones(2, 4), torch.ones(16, 3), torch.ones(16, 4))",
    "torch.lstm_cell(torch.ones(2, 3), (torch.ones(2, 4),), torch.ones(16, 3), torch.ones(16, 4))",
)


@needs_torch
@pytest.mark.parametrize("source", REFUSED)
def test_is_refused_alike(source):
    alike(lambda lib: build(lib, source))


def test_refusals_of_our_own():
    """Where PyTorch crashes, or reads past the end of its memory, an error says why."""
    x, h = learntorch.ones(2, 3), learntorch.ones(2, 5)
    with pytest.raises(RuntimeError, match="hidden0 has inconsistent hidden_size: got 5"):
        learntorch.nn.LSTMCell(3, 4)(x, (h, h))
    with pytest.raises(TypeError, match="received an invalid combination of arguments"):
        learntorch.lstm(x)
    weights = list(learntorch.nn.LSTM(3, 4).parameters())
    states = (learntorch.ones(1, 2, 4),) * 2
    with pytest.raises(RuntimeError, match="input has inconsistent input_size: got 2 expected 3"):
        learntorch.lstm(learntorch.ones(5, 2, 2), states, weights, True, 1, 0.0, True, False, False)
    with pytest.raises(RuntimeError, match="3 parameters do not make 1 layers"):
        learntorch.lstm(learntorch.ones(5, 2, 3), states, weights[:3], True, 1, 0.0, True, False,
                        False)


def test_warns_of_dropout_without_a_layer_above():
    with pytest.warns(UserWarning, match="non-zero dropout expects num_layers greater than 1"):
        learntorch.nn.GRU(3, 4, dropout=0.5)


# ---- values and gradients ----------------------------------------------------------------------

@needs_torch
@pytest.mark.parametrize("batched", (True, False), ids=("batch", "alone"))
@pytest.mark.parametrize("source", SYSTEMS)
def test_computes_alike(source, batched):
    """All h, the last states, and the gradients of input, first states and parameters."""
    def run(lib):
        module = build(lib, source)
        states = states_for(lib, module, 2)
        x = waves(lib, 5, 2, 3).requires_grad_()
        hx = [s.clone() for s in states]
        own = x.transpose(0, 1) if module.batch_first else x
        if not batched:
            own, hx = x[:, 0], [s[:, 0] for s in hx]
        result = flat(module(own, given(hx)))
        weighed(lib, result).backward()
        return result, x.grad, [s.grad for s in states], [p.grad for p in module.parameters()]
    alike(run, rtol=1e-5, atol=1e-6)


@needs_torch
@pytest.mark.parametrize("source", SYSTEMS)
@pytest.mark.parametrize("lengths", ((5, 3, 3, 1), (2, 4, 1)), ids=("falling", "mixed"))
def test_packed_sequences(source, lengths):
    """Sequences of different lengths, with first states and without."""
    def run(lib):
        module = build(lib, source)
        states = states_for(lib, module, len(lengths))
        xs = [waves(lib, n, 3, start=float(n)).requires_grad_() for n in lengths]
        pack = lib.nn.utils.rnn.pack_sequence
        packed = pack([x * 1 for x in xs], enforce_sorted=lengths[0] == 5)
        found = [flat(tuple(module(packed, given([s * 1 for s in states])))), flat(module(packed))]
        kinds = [type(module(packed)[0]).__name__]
        floats = [t for t in found[0] + found[1] if t.is_floating_point()]
        weighed(lib, floats).backward()
        return (found, kinds, [x.grad for x in xs], [s.grad for s in states],
                [p.grad for p in module.parameters()])
    alike(run, rtol=1e-5, atol=1e-6)


@needs_torch
@pytest.mark.parametrize("source", CELLS)
@pytest.mark.parametrize("shape", ((2, 3), (3,)), ids=("batch", "alone"))
def test_cells(source, shape):
    def run(lib):
        cell = build(lib, source)
        x = waves(lib, *shape).requires_grad_()
        lead = shape[:-1]
        states = [waves(lib, *lead, 4, start=1.0 + i).requires_grad_()
                  for i in range(2 if "LSTM" in source else 1)]
        result = flat(cell(x, given(states))) + flat(cell(x))
        weighed(lib, result).backward()
        return result, x.grad, [s.grad for s in states], [p.grad for p in cell.parameters()]
    alike(run, rtol=1e-5, atol=1e-6)


@needs_torch
@pytest.mark.parametrize("source", [s for s in SYSTEMS if "num_layers=2" in s] + [
    "nn.LSTM(3, 4, proj_size=2)", "nn.GRU(3, 4)", "nn.RNN(3, 4, bias=False)"])
def test_second_order(source):
    """The gradients of a number made of the first gradients."""
    def run(lib):
        module = build(lib, source).double()
        states = states_for(lib, module, 2, lib.float64)
        x = waves(lib, 3, 2, 3, dtype=lib.float64).requires_grad_()
        wanted = [x, *states, *module.parameters()]
        result = flat(module(x, given(states)))
        first = lib.autograd.grad(weighed(lib, result) + result[0].square().sum(), wanted,
                                  create_graph=True)
        second = lib.autograd.grad(weighed(lib, first), wanted, allow_unused=True,
                                   materialize_grads=True)
        return first, second
    alike(run, rtol=1e-7, atol=1e-9)


@needs_torch
@pytest.mark.parametrize("source", [f"nn.{kind}num_layers=3, dropout=.4{more})" for kind in KINDS
                                    for more in ("", ", bidirectional=True")])
def test_the_same_dropout(source):
    """From the same seed the same numbers are switched off between the layers."""
    def run(lib):
        module = build(lib, source)
        lib.manual_seed(11)
        x = waves(lib, 4, 2, 3)
        lengths = lib.tensor([4, 2])
        packed = lib.nn.utils.rnn.pack_padded_sequence(x, lengths)
        trained = flat(module(x)), flat(module(packed)), lib.rand(2)
        return trained, flat(module.eval()(x))
    alike(run, rtol=1e-5, atol=1e-6)


@needs_torch
@pytest.mark.parametrize("name", ("rnn_tanh", "rnn_relu", "gru", "lstm"))
def test_functions(name):
    """torch.lstm and its like, on padded and packed batches, by position and by name."""
    def run(lib):
        gates = {"gru": 3, "lstm": 4}.get(name, 1)
        params = [waves(lib, gates * 4, 3), waves(lib, gates * 4, 4, start=1.0),
                  waves(lib, gates * 4, start=2.0), waves(lib, gates * 4, start=3.0)]
        h = waves(lib, 1, 2, 4)
        hx = (h, h.cos()) if name == "lstm" else h
        x = waves(lib, 5, 2, 3)
        f = getattr(lib, name)
        sizes = lib.tensor([2, 2, 1])
        return (f(x, hx, params, True, 1, 0.0, True, False, False),
                f(input=x.transpose(0, 1), hx=hx, params=params, has_biases=True, num_layers=1,
                  dropout=0.0, train=False, bidirectional=False, batch_first=True),
                f(x, hx, params[:2], False, 1, 0.0, True, False, False),
                f(x[:, 0], sizes, hx, params, True, 1, 0.0, True, False))
    alike(run, rtol=1e-5, atol=1e-6)


@needs_torch
@pytest.mark.parametrize("name, gates", (("rnn_tanh_cell", 1), ("rnn_relu_cell", 1),
                                         ("gru_cell", 3), ("lstm_cell", 4)))
def test_functions_of_one_step(name, gates):
    def run(lib):
        w = waves(lib, gates * 4, 3), waves(lib, gates * 4, 4), waves(lib, gates * 4)
        h = waves(lib, 2, 4)
        hx = (h, h.cos()) if name == "lstm_cell" else h
        f = getattr(lib, name)
        return (f(waves(lib, 2, 3), hx, *w[:2]), f(waves(lib, 2, 3), hx, *w, None),
                f(waves(lib, 2, 3), hx, *w[:2], b_hh=w[2]))
    alike(run, rtol=1e-5, atol=1e-6)


@needs_torch
@pytest.mark.parametrize("dtype", ("float32", "bfloat16"))
@pytest.mark.parametrize("source", ("nn.RNN(3, 4)", "nn.GRU(3, 4)", "nn.LSTM(3, 4)",
                                    "nn.LSTMCell(3, 4)", "nn.GRUCell(3, 4)"))
def test_autocast(source, dtype):
    """The dtype of the results where floats are cast; gradients have the weights' dtype."""
    def run(lib):
        module = build(lib, source)
        x = waves(lib, 2, 3).to(getattr(lib, dtype))
        with lib.autocast("cpu", lib.bfloat16):
            results = flat(module(x))
        sum(t.float().sum() for t in results).backward()
        return [t.detach() for t in results], [p.grad for p in module.parameters()]
    alike(run, rtol=0.05, atol=0.02)


# ---- without PyTorch -----------------------------------------------------------------------------

FUSED = {
    "rnn": (ops.rnn_layer, ops.rnn_steps, 1, 1, (False,)),
    "relu": (ops.rnn_layer, ops.rnn_steps, 1, 1, (True,)),
    "gru": (ops.gru_layer, ops.gru_steps, 3, 1, ()),
    "lstm": (ops.lstm_layer, ops.lstm_steps, 4, 2, ()),
    "projected": (ops.lstm_layer, ops.lstm_steps, 4, 2, ()),
}


@pytest.mark.parametrize("reverse", (False, True), ids=("forwards", "backwards"))
@pytest.mark.parametrize("sizes", ((3, 3), (3, 2, 2, 1), (3,)), ids=str)
@pytest.mark.parametrize("kind", FUSED)
def test_fused_layer_is_its_composite(kind, sizes, reverse):
    """One node and plain ops: the same results, and the same gradients of everything."""
    fused, steps, gates, count, options = FUSED[kind]
    lib, out = learntorch, 2 if kind == "projected" else 4

    def inputs():
        found = [waves(lib, sum(sizes), 5), waves(lib, 3, out, start=1.0)]
        found += [waves(lib, 3, 4, start=1.5)] if count == 2 else []
        found += [waves(lib, 4 * gates, 5, start=2.0), waves(lib, 4 * gates, out, start=3.0),
                  waves(lib, 4 * gates, start=4.0), waves(lib, 4 * gates, start=5.0)]
        if kind == "projected":
            found.append(waves(lib, 2, 4, start=6.0))
        found = [t.double().requires_grad_() for t in found]
        return found if kind != "lstm" else [*found, None]
    mine, plain = inputs(), inputs()
    results = fused(*mine, *options, sizes, reverse)[:count + 1]
    expected = steps(*plain, *options, sizes, reverse)
    for a, b in zip(results, expected, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-13)
    weighed(lib, results).backward()
    weighed(lib, expected).backward()
    for a, b in zip(mine, plain, strict=True):
        if a is not None:
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("source", ("nn.RNN(2, 3)", "nn.GRU(2, 3, 2)", "nn.LSTM(2, 3, proj_size=2)",
                                    "nn.LSTM(2, 3, bidirectional=True)"))
def test_gradients_by_differences(source):
    module = build(learntorch, source).double()
    x = waves(learntorch, 3, 2, 2).double().requires_grad_()
    run = lambda x, *_: tuple(flat(module(x)))
    inputs = (x, *module.parameters())
    assert learntorch.autograd.gradcheck(run, inputs)
    assert learntorch.autograd.gradgradcheck(run, inputs[:2])


@pytest.mark.parametrize("frozen", range(4))
def test_frozen_parameters(frozen):
    """What needs no gradient gets none, and changes none of the others."""
    module = build(learntorch, "nn.LSTM(3, 4)")
    x = waves(learntorch, 5, 2, 3)
    module(x)[0].sum().backward()
    wanted = [p.grad.clone() for p in module.parameters()]
    module.zero_grad()
    list(module.parameters())[frozen].requires_grad_(False)
    module(x)[0].sum().backward()
    for i, (p, g) in enumerate(zip(module.parameters(), wanted, strict=True)):
        assert (p.grad is None) == (i == frozen)
        assert p.grad is None or p.grad.equal(g)


def test_lstm_by_hand():
    """One step of one number, from the formula."""
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    lstm = learntorch.nn.LSTM(1, 1).double()
    with learntorch.no_grad():
        for p, values in zip(lstm.parameters(), ([1, 2, 3, 4], [.5, .4, .3, .2], [0, 0, 0, 1],
                                                 [0, 1, 0, 0]), strict=True):
            p.copy_(learntorch.tensor(values, dtype=learntorch.float64).reshape(p.shape))
    x, h, c = 0.1, 0.2, 0.3
    hx = tuple(learntorch.tensor([[[v]]], dtype=learntorch.float64) for v in (h, c))
    y, (last, cell) = lstm(learntorch.tensor([[[x]]], dtype=learntorch.float64), hx)
    new = sigmoid(2 * x + .4 * h + 1) * c + sigmoid(x + .5 * h) * np.tanh(3 * x + .3 * h)
    assert cell.item() == pytest.approx(new, rel=1e-12)
    assert y.item() == last.item() == pytest.approx(
        sigmoid(4 * x + .2 * h + 1) * np.tanh(new), rel=1e-12)


@pytest.mark.parametrize("kind", ("RNN", "GRU", "LSTM"))
def test_cell_steps_make_the_network(kind):
    """A cell with the weights of a network, called step by step, computes what the network does."""
    network = build(learntorch, f"nn.{kind}(3, 4)")
    cell = build(learntorch, f"nn.{kind}Cell(3, 4)")
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in network.state_dict().items()})
    x = waves(learntorch, 6, 2, 3)
    state, found = None, []
    for step in x:
        state = cell(step, state)
        found.append(state[0] if kind == "LSTM" else state)
    expected = network(x)[0]
    np.testing.assert_allclose(learntorch.stack(found).detach().numpy(),
                               expected.detach().numpy(), rtol=1e-6, atol=1e-7)


def test_packed_is_each_sequence_alone():
    """Packing changes the order of the work, not the result: neighbours do not see each other."""
    network = build(learntorch, "nn.GRU(3, 4, 2, bidirectional=True)")
    xs = [waves(learntorch, n, 3, start=float(n)) for n in (2, 5, 3)]
    y, h = network(learntorch.nn.utils.rnn.pack_sequence(xs, enforce_sorted=False))
    for i, part in enumerate(learntorch.nn.utils.rnn.unpack_sequence(y)):
        alone, last = network(xs[i])
        np.testing.assert_allclose(part.detach().numpy(), alone.detach().numpy(), atol=1e-6)
        np.testing.assert_allclose(h[:, i].detach().numpy(), last.detach().numpy(), atol=1e-6)


def test_one_node_for_each_layer():
    """The history of a layer is one node however long the sequence is."""
    network = build(learntorch, "nn.LSTM(3, 4, 2)")
    y, _ = network(waves(learntorch, 9, 2, 3))
    names = []
    node = y.grad_fn
    while node is not None and "Accumulate" not in type(node).__name__ + node.name():
        names.append(node.name())
        node = node.next_functions[0][0]
    assert names == ["LstmLayerBackward0"] * 2


def test_output_may_be_rewritten():
    """What backward needs is kept apart from what the user gets."""
    for kind in ("RNN", "GRU", "LSTM"):
        network = build(learntorch, f"nn.{kind}(3, 4)")
        x = waves(learntorch, 5, 2, 3)
        network(x)[0].mul(2).sum().backward()
        wanted = [p.grad.clone() for p in network.parameters()]
        network.zero_grad()
        network(x)[0].mul_(2).sum().backward()
        assert all(p.grad.equal(g) for p, g in zip(network.parameters(), wanted, strict=True))


def test_parameters_may_be_replaced():
    """The network reads its attributes anew each time, also those that are no parameters."""
    network = build(learntorch, "nn.GRU(3, 4)")
    x = waves(learntorch, 5, 2, 3)
    doubled = network.weight_hh_l0.detach() * 2
    del network.weight_hh_l0
    network.weight_hh_l0 = doubled
    other = build(learntorch, "nn.GRU(3, 4)")
    with learntorch.no_grad():
        other.weight_hh_l0.mul_(2)
    assert network(x)[0].equal(other(x)[0])


@pytest.mark.parametrize("source", ("nn.LSTM(3, 4, 2)", "nn.GRUCell(3, 4)"))
def test_pickled_and_copied(source):
    module = build(learntorch, source)
    x = waves(learntorch, 2, 3)
    for again in (pickle.loads(pickle.dumps(module)), copy.deepcopy(module)):
        assert flat(again(x))[0].equal(flat(module(x))[0])
        assert all(a is not b for a, b in zip(again.parameters(), module.parameters(),
                                              strict=True))


@pytest.mark.parametrize("dtype", ("float16", "bfloat16", "float64"))
def test_other_dtypes(dtype):
    dtype = getattr(learntorch, dtype)
    network = build(learntorch, "nn.LSTM(3, 4)")
    x = waves(learntorch, 5, 2, 3)
    exact = network(x)[0]
    y, (h, c) = network.to(dtype)(x.to(dtype))
    y.sum().backward()
    assert y.dtype == h.dtype == c.dtype == network.weight_ih_l0.grad.dtype == dtype
    np.testing.assert_allclose(y.detach().float().numpy(), exact.detach().numpy(), atol=2e-2)
