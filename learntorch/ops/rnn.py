"""Recurrent layers: the same small network at every step of a sequence, fed with its own state.

One node does a whole layer in one direction. What does not wait for the state is done for all
steps at once: the product of the inputs with their weights, the local derivatives of the gates,
and the gradients of all weights; the loop over time keeps one product and the gates.

Sequences lie as rows, step after step, and `sizes` counts the rows of each step. In a packed batch
they shrink as sequences end: a step then changes only the first rows of the state, and what is in
the others is their final state.

Each layer has a composite twin of plain ops (`lstm_steps`), the reference its tests compare with.
Under `create_graph` gradients are taken through it, so that they have gradients themselves.
"""

from learntorch.core.ambient import enable_grad
from learntorch.core.dtypes import said
from learntorch.core.engine import grad
from learntorch.core.op import composite, multi
from learntorch.core.tensor import Tensor
from learntorch.ops.dropout import dropout as drop
from learntorch.ops.matmul import linear
from learntorch.ops.shape import cat, stack


def spans(sizes, reverse):
    """The first row of each time step and the row after its last, in the order they are walked."""
    found = []
    start = 0
    for size in sizes:
        found.append((start, start + size))
        start += size
    return found[::-1] if reverse else found


def projected(xp, x, weight, bias, other=None):
    """x · weightᵀ + bias + other, for the rows of all steps at once."""
    y = xp.matmul(x.reshape(-1, x.shape[-1]), weight.T)
    if other is not None:
        bias = other if bias is None else bias + other
    if bias is not None:
        y += bias
    return y


def recurrent(xp, weight, steps):
    """The weight of the loop's product, transposed; copied where enough steps repay it."""
    return xp.ascontiguousarray(weight.T) if steps > 4 else weight.T


def squash(xp, z):
    """1 / (1 + e⁻ᶻ) written over z, as tanh(z/2)/2 + 1/2."""
    z *= 0.5
    xp.tanh(z, out=z)
    z *= 0.5
    z += 0.5


def outer_gradients(xp, g, x, w_ih, need):
    """What reaches the inputs, w_ih and b_ih, where g arrived at x · w_ihᵀ + b_ih."""
    gx = xp.matmul(g, w_ih).reshape(x.shape) if need[0] else None
    gw = xp.matmul(g.T, x.reshape(-1, x.shape[-1])) if need[1] else None
    return gx, gw, column_sums(xp, g) if need[2] else None


def column_sums(xp, x):
    """Σ over the rows of a matrix, as a product: faster than a reduction."""
    return xp.matmul(xp.ones(x.shape[0], x.dtype), x)


def joined(new, old):
    """The state after a step that changed its first rows."""
    n = new._data.shape[0]
    return new if n == old._data.shape[0] else cat([new, old[n:]])


def in_order(outputs, reverse, shape):
    """The results of the steps as one tensor in the order of time."""
    rows = cat(outputs[::-1] if reverse else outputs)
    return rows.reshape(*shape[:-1], rows.shape[1])


def through(steps, g, tensors, need, *how):
    """The gradients of a layer, taken through its composite twin: differentiable at every order."""
    with enable_grad():
        own = [t if t is None else t.view_as(t) for t in tensors]
        outputs = steps(*own, *how)
        reached = [(y, gi) for y, gi in zip(outputs, g, strict=True) if y.requires_grad]
        wanted = [t for t, flag in zip(own, need, strict=True) if flag]
        found = iter(grad([y for y, _ in reached], wanted, [gi for _, gi in reached],
                          create_graph=True, allow_unused=True))
        return [next(found) if flag else None for flag in need]


# ---- Elman's network -------------------------------------------------------------------------


@multi(tensors=("x", "h", "w_ih", "w_hh", "b_ih", "b_hh"),
       outputs=("result", "last", "before", "after"), space="rules")
def rnn_layer(xp, x, h, w_ih, w_hh, b_ih, b_hh, relu, sizes, reverse):
    """h ← tanh(W_ih x + b_ih + W_hh h + b_hh) at each step, or max(0, …) with `relu`.

    Shapes: x (…, in) with Σ sizes rows, h (batch, hidden). Results: all h, the last one, and what
    backward needs: h before and after each step. Source: Elman, Finding structure in time (1990).
    """
    after = projected(xp, x, w_ih, b_ih, b_hh)
    before = xp.empty(after.shape, x.dtype)
    w = recurrent(xp, w_hh, len(sizes))
    h = h.copy()
    for a, b in spans(sizes, reverse):
        state = h[:b - a]
        before[a:b] = state
        z = after[a:b]
        z += xp.matmul(state, w)
        if relu:
            xp.maximum(z, 0, out=z)
        else:
            xp.tanh(z, out=z)
        state[...] = z
    return after.copy().reshape(*x.shape[:-1], h.shape[1]), h, before, after


@rnn_layer.vjp_all
def rnn_layer_all(xp, g, x, h, w_ih, w_hh, b_ih, b_hh, before, after, relu, sizes, reverse, need):
    return xp.rnn_gradients(g[0], g[1], x, h, w_ih, w_hh, b_ih, b_hh, before, after, relu, sizes,
                            reverse, need)


@multi(tensors=("gy", "gh"), outputs=("gx",), space="rules", grad="RnnLayerBackward")
def rnn_gradients(xp, gy, gh, x, h, w_ih, w_hh, b_ih, b_hh, before, after, relu, sizes, reverse,
                  need):
    """Back through time: δ = g · f′, and g of the step before gets W_hhᵀ δ."""
    gy = gy.reshape(after.shape)
    local = xp.astype(after > 0, after) if relu else 1 - after * after
    gh = gh.copy()
    for a, b in reversed(spans(sizes, reverse)):
        g = gh[:b - a]
        g += gy[a:b]
        delta = local[a:b]
        delta *= g
        xp.matmul(delta, w_hh, out=g)
    gx, gw, gb = outer_gradients(xp, local, x, w_ih, (need[0], need[2], need[4] or need[5]))
    return gx, gh, gw, xp.matmul(local.T, before) if need[3] else None, gb, gb


def rnn_steps(x, h, w_ih, w_hh, b_ih, b_hh, relu, sizes, reverse):
    """`rnn_layer` in plain ops, one step at a time."""
    z = linear(x, w_ih, b_ih).reshape(-1, w_hh.shape[0])
    outputs = []
    for a, b in spans(sizes, reverse):
        y = z[a:b] + linear(h[:b - a], w_hh, b_hh)
        y = y.relu() if relu else y.tanh()
        h = joined(y, h)
        outputs.append(y)
    return in_order(outputs, reverse, x.shape), h


@rnn_gradients.on_tensors
def rnn_gradients_again(gy, gh, x, h, w_ih, w_hh, b_ih, b_hh, before, after, relu, sizes, reverse,
                        need):
    """The gradients of `rnn_layer` on tensors."""
    return through(rnn_steps, (gy, gh), (x, h, w_ih, w_hh, b_ih, b_hh), need, relu, sizes, reverse)


# ---- GRU -------------------------------------------------------------------------------------


@multi(tensors=("x", "h", "w_ih", "w_hh", "b_ih", "b_hh"),
       outputs=("result", "last", "before", "gates", "candidates"), space="rules")
def gru_layer(xp, x, h, w_ih, w_hh, b_ih, b_hh, sizes, reverse):
    """h ← (1 − z) · n + z · h with the gates r, z and the candidate n of each step.

    r = σ(W_ir x + W_hr h + b), z = σ(W_iz x + W_hz h + b), n = tanh(W_in x + b + r (W_hn h + b)).
    Shapes: x (…, in) with Σ sizes rows, h (batch, hidden), weights (3 · hidden, …) in the order
    r z n. Results: all h, the last one, and what backward needs: h before each step, the gates,
    and W_hn h + b. Source: Cho et al., Learning phrase representations (2014).
    """
    n = h.shape[1]
    gates = projected(xp, x, w_ih, b_ih)
    rows = len(gates)
    before, candidates, result = [xp.empty((rows, n), x.dtype) for _ in range(3)]
    w = recurrent(xp, w_hh, len(sizes))
    h = h.copy()
    for a, b in spans(sizes, reverse):
        state = h[:b - a]
        before[a:b] = state
        y = xp.matmul(state, w)
        if b_hh is not None:
            y += b_hh
        candidates[a:b] = y[:, 2 * n:]
        rz, new = gates[a:b, :2 * n], gates[a:b, 2 * n:]
        rz += y[:, :2 * n]
        squash(xp, rz)
        new += rz[:, :n] * y[:, 2 * n:]
        xp.tanh(new, out=new)
        state -= new
        state *= rz[:, n:]
        state += new
        result[a:b] = state
    return result.reshape(*x.shape[:-1], n), h, before, gates, candidates


@gru_layer.vjp_all
def gru_layer_all(xp, g, x, h, w_ih, w_hh, b_ih, b_hh, before, gates, candidates, sizes, reverse,
                  need):
    return xp.gru_gradients(g[0], g[1], x, h, w_ih, w_hh, b_ih, b_hh, before, gates, candidates,
                            sizes, reverse, need)


@multi(tensors=("gy", "gh"), outputs=("gx",), space="rules", grad="GruLayerBackward")
def gru_gradients(xp, gy, gh, x, h, w_ih, w_hh, b_ih, b_hh, before, gates, candidates, sizes,
                  reverse, need):
    """Back through time: δn = g (1 − z)(1 − n²), δr = δn q r(1 − r), δz = g (h − n) z(1 − z).

    g of the step before gets g · z + W_hhᵀ (δr, δz, δn · r); q is `candidates`.
    """
    rows, n = before.shape
    gy = gy.reshape(rows, n)
    r, z, new = [gates[:, i * n:(i + 1) * n] for i in range(3)]
    local = xp.empty((rows, 4, n), x.dtype)         # δr, δz, δn · r, δn, each for g = 1
    xp.multiply(1 - z, 1 - new * new, out=local[:, 3])
    xp.multiply(local[:, 3], r, out=local[:, 2])
    xp.multiply(local[:, 2], candidates * (1 - r), out=local[:, 0])
    xp.multiply((before - new) * z, 1 - z, out=local[:, 1])
    gh = gh.copy()
    for a, b in reversed(spans(sizes, reverse)):
        g = gh[:b - a]
        g += gy[a:b]
        delta = local[a:b]
        delta *= g[:, None]
        g *= z[a:b]
        g += xp.matmul(delta.reshape(b - a, 4 * n)[:, :3 * n], w_hh)
    flat = local.reshape(rows, 4 * n)
    inner = flat[:, :3 * n]
    g_hh = xp.matmul(inner.T, before) if need[3] else None
    gb_hh = column_sums(xp, inner) if need[5] else None
    local[:, 2] = local[:, 3]
    gx, gw, gb = outer_gradients(xp, inner, x, w_ih, (need[0], need[2], need[4]))
    return gx, gh, gw, g_hh, gb, gb_hh


def gru_steps(x, h, w_ih, w_hh, b_ih, b_hh, sizes, reverse):
    """`gru_layer` in plain ops, one step at a time."""
    inputs = linear(x, w_ih, b_ih).reshape(-1, w_hh.shape[0])
    outputs = []
    for a, b in spans(sizes, reverse):
        state = h[:b - a]
        ir, iz, i_new = inputs[a:b].chunk(3, 1)
        hr, hz, h_new = linear(state, w_hh, b_hh).chunk(3, 1)
        z = (iz + hz).sigmoid()
        new = (i_new + (ir + hr).sigmoid() * h_new).tanh()
        y = (1 - z) * new + z * state
        h = joined(y, h)
        outputs.append(y)
    return in_order(outputs, reverse, x.shape), h


@gru_gradients.on_tensors
def gru_gradients_again(gy, gh, x, h, w_ih, w_hh, b_ih, b_hh, before, gates, candidates, sizes,
                        reverse, need):
    """The gradients of `gru_layer` on tensors."""
    return through(gru_steps, (gy, gh), (x, h, w_ih, w_hh, b_ih, b_hh), need, sizes, reverse)


# ---- LSTM ------------------------------------------------------------------------------------


@multi(tensors=("x", "h", "c", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr"),
       outputs=("result", "last", "memory", "before", "cells", "gates", "squashed"),
       space="rules")
def lstm_layer(xp, x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse):
    """c ← f · c + i · g and h ← o · tanh c with the gates i, f, o and the candidate g of each step.

    i, f, g, o = σ, σ, tanh, σ of W_i x + b_i + W_h h + b_h; with w_hr it is h ← w_hr (o · tanh c).
    Shapes: x (…, in) with Σ sizes rows, h (batch, out), c (batch, hidden), weights (4 · hidden, …)
    in the order i f g o, w_hr (out, hidden). Results: all h, the last h and c, and what backward
    needs: h and c before each step, the gates, tanh c. Sources: Hochreiter and Schmidhuber, Long
    short-term memory (1997); Gers et al., Learning to forget (2000); Sak et al. (2014) for w_hr.
    """
    n = c.shape[1]
    gates = projected(xp, x, w_ih, b_ih, b_hh)
    rows = len(gates)
    before, result = [xp.empty((rows, h.shape[1]), x.dtype) for _ in range(2)]
    cells, squashed = [xp.empty((rows, n), x.dtype) for _ in range(2)]
    w = recurrent(xp, w_hh, len(sizes))
    half = xp.repeat(xp.asarray([0.5, 0.5, 1, 0.5], x.dtype), n)     # σ z = tanh(z/2)/2 + 1/2
    shift = xp.repeat(xp.asarray([0.5, 0.5, 0, 0.5], x.dtype), n)
    h = h.copy()
    c = c.copy()
    for a, b in spans(sizes, reverse):
        state, cell = h[:b - a], c[:b - a]
        before[a:b] = state
        cells[a:b] = cell
        z = gates[a:b]
        z += xp.matmul(state, w)
        z *= half
        xp.tanh(z, out=z)
        z *= half
        z += shift
        cell *= z[:, n:2 * n]
        cell += z[:, :n] * z[:, 2 * n:3 * n]
        t = xp.tanh(cell, out=squashed[a:b])
        t = z[:, 3 * n:] * t
        state[...] = t if w_hr is None else xp.matmul(t, w_hr.T)
        result[a:b] = state
    return result.reshape(*x.shape[:-1], h.shape[1]), h, c, before, cells, gates, squashed


@lstm_layer.vjp_all
def lstm_layer_all(xp, g, x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, before, cells, gates, squashed,
                   sizes, reverse, need):
    return xp.lstm_gradients(g[0], g[1], g[2], x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, before, cells,
                             gates, squashed, sizes, reverse, need)


@multi(tensors=("gy", "gh", "gc"), outputs=("gx",), space="rules", grad="LstmLayerBackward")
def lstm_gradients(xp, gy, gh, gc, x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, before, cells, gates,
                   squashed, sizes, reverse, need):
    """Back through time: gc += gh · o (1 − tanh² c), then δ of the gates, then the step before.

    δi = gc · g i(1 − i), δf = gc · c i(1 − f), δg = gc · i (1 − g²), δo = gh · tanh c · o(1 − o);
    the step before gets gc · f and W_hhᵀ δ. With w_hr, gh goes through it first.
    """
    rows, n = cells.shape
    gy = gy.reshape(before.shape)
    i, f, new, o = [gates[:, k * n:(k + 1) * n] for k in range(4)]
    local = (1 - gates) * gates                     # δ for gh = gc = 1
    parts = local.reshape(rows, 4, n)
    parts[:, 0] *= new
    parts[:, 1] *= cells
    xp.multiply(i, 1 - new * new, out=parts[:, 2])
    parts[:, 3] *= squashed
    slope = o * (1 - squashed * squashed)
    arrived = None if w_hr is None else xp.empty(before.shape, x.dtype)
    gh, gc = gh.copy(), gc.copy()
    for a, b in reversed(spans(sizes, reverse)):
        state = g = gh[:b - a]
        g += gy[a:b]
        if w_hr is not None:
            arrived[a:b] = g
            g = xp.matmul(g, w_hr)
        cell = gc[:b - a]
        cell += g * slope[a:b]
        parts[a:b, :3] *= cell[:, None]
        parts[a:b, 3] *= g
        cell *= f[a:b]
        xp.matmul(local[a:b], w_hh, out=state)
    gx, gw, gb = outer_gradients(xp, local, x, w_ih, (need[0], need[3], need[5] or need[6]))
    g_hh = xp.matmul(local.T, before) if need[4] else None
    g_hr = xp.matmul(arrived.T, o * squashed) if need[7] else None
    return gx, gh, gc, gw, g_hh, gb, gb, g_hr


def lstm_steps(x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse):
    """`lstm_layer` in plain ops, one step at a time."""
    z = linear(x, w_ih, b_ih).reshape(-1, w_hh.shape[0])
    outputs = []
    for a, b in spans(sizes, reverse):
        i, f, new, o = (z[a:b] + linear(h[:b - a], w_hh, b_hh)).chunk(4, 1)
        cell = f.sigmoid() * c[:b - a] + i.sigmoid() * new.tanh()
        y = o.sigmoid() * cell.tanh()
        if w_hr is not None:
            y = linear(y, w_hr)
        h, c = joined(y, h), joined(cell, c)
        outputs.append(y)
    return in_order(outputs, reverse, x.shape), h, c


@lstm_gradients.on_tensors
def lstm_gradients_again(gy, gh, gc, x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, before, cells, gates,
                         squashed, sizes, reverse, need):
    """The gradients of `lstm_layer` on tensors."""
    return through(lstm_steps, (gy, gh, gc), (x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr), need, sizes,
                   reverse)


# ---- layers upon layers ----------------------------------------------------------------------


def run_tanh(x, states, weights, sizes, reverse):
    """One layer with tanh: all h, and the last one."""
    return rnn_layer(x, *states, *weights[:4], False, sizes, reverse)[:2]


def run_relu(x, states, weights, sizes, reverse):
    """One layer with max(0, ·): all h, and the last one."""
    return rnn_layer(x, *states, *weights[:4], True, sizes, reverse)[:2]


def run_gru(x, states, weights, sizes, reverse):
    """One GRU layer: all h, and the last one."""
    return gru_layer(x, *states, *weights[:4], sizes, reverse)[:2]


def run_lstm(x, states, weights, sizes, reverse):
    """One LSTM layer: all h, the last h, and the last c."""
    return lstm_layer(x, *states, *weights, sizes, reverse)[:3]


def layers(run, input, sizes, states, params, has_biases, num_layers, dropout, train,
           bidirectional):
    """Layer upon layer, each reading all h of the one below: (all h of the top, *last states).

    Forwards and backwards through time side by side when `bidirectional`; in training with
    `dropout` between layers.
    """
    ways = 2 if bidirectional else 1
    sets = by_layer(params, has_biases, num_layers * ways)
    last = []
    for layer in range(num_layers):
        outputs = []
        for way in range(ways):
            k = layer * ways + way
            y, *ends = run(input, [s[k] for s in states], sets[k], sizes, way == 1)
            outputs.append(y)
            last.append(ends)
        input = outputs[0] if ways == 1 else cat(outputs, -1)
        if dropout and train and layer < num_layers - 1:
            input = drop(input, dropout, True)
    return (input, *[stack(ends) for ends in zip(*last, strict=True)])


def by_layer(params, has_biases, count):
    """The weights of each layer and direction: w_ih, w_hh, b_ih, b_hh, w_hr; None where not used.
    """
    params = list(params)
    least = 4 if has_biases else 2
    each, rest = divmod(len(params), count)
    if rest or each not in (least, least + 1):
        raise RuntimeError(f"{len(params)} parameters do not make {count} layers and directions of "
                           f"{least} each, or {least + 1} with projections")
    sets = []
    for k in range(0, len(params), each):
        some = params[k:k + each]
        biases = some[2:4] if has_biases else [None, None]
        sets.append([*some[:2], *biases, some[-1] if each > least else None])
    return sets


PADDED = ("input", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional",
          "batch_first")
PACKED = ("data", "batch_sizes", "hx", "params", "has_biases", "num_layers", "dropout", "train",
          "bidirectional")


def given(name, args, named):
    """The arguments of a call by name, in the form with padding or in the packed one."""
    for names in (PADDED, PACKED):
        found = dict(zip(names, args, strict=False)) | named
        complete = set(found) == set(names) and len(args) + len(named) == len(names)
        if complete and isinstance(found[names[0]], Tensor) and isinstance(
                found["params"], (tuple, list)) and not isinstance(
                found["has_biases"], (tuple, list)):
            return found
    kinds = ", ".join([type(v).__name__ for v in args] + [f"{k}={type(v).__name__}"
                                                          for k, v in named.items()])
    raise TypeError(f"{name}() received an invalid combination of arguments - got ({kinds}), but "
                    f"expected one of:\n * ({', '.join(PACKED)})\n * ({', '.join(PADDED)})")


def sequences(name, run, args, named):
    """A recurrent network on padded sequences (time, batch, features) or on a packed batch."""
    a = given(name, args, named)
    states = a["hx"] if name == "lstm" else (a["hx"],)
    if len(states) != (2 if name == "lstm" else 1):
        raise RuntimeError("lstm expects two hidden states")
    how = [a[k] for k in PADDED[2:8]]
    if "data" in a:
        return layers(run, a["data"], tuple(a["batch_sizes"].tolist()), states, *how)
    x = a["input"].transpose(0, 1) if a["batch_first"] else a["input"]
    check_length(x)
    check_sizes(x, states, a["params"])
    steps, batch = x._data.shape[:2]
    y, *last = layers(run, x, (batch,) * steps, states, *how)
    return (y.transpose(0, 1) if a["batch_first"] else y, *last)


def check_length(x):
    """Raise RuntimeError for sequences (time, batch, features) without a step."""
    if not x._data.shape[0]:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")


def check_sizes(x, states, params):
    """Raise RuntimeError for inputs of another width, or states of another batch."""
    batch, size = x._data.shape[1:]
    wanted = params[0]._data.shape[1]
    if size != wanted:
        raise RuntimeError(f"input has inconsistent input_size: got {size} expected {wanted}")
    for i, state in enumerate(states):
        if state._data.shape[1] != batch:
            raise RuntimeError(f"Input batch size {batch} doesn't match hidden{i} batch size "
                               f"{state._data.shape[1]}")


@composite(method=False)
def rnn_tanh(*args, **named):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_(t−1) + b_hh), layer upon layer: (all h, last h).

    Called with (input, hx, params, has_biases, num_layers, dropout, train, bidirectional,
    batch_first), input (time, batch, features), or for a packed batch with (data, batch_sizes, hx,
    params, has_biases, num_layers, dropout, train, bidirectional). hx (layers · directions, batch,
    hidden). params: w_ih, w_hh, b_ih, b_hh of each layer and direction. Results: (time, batch,
    directions · hidden), and the shape of hx. Raises RuntimeError for other shapes.
    """
    return sequences("rnn_tanh", run_tanh, args, named)


@composite(method=False)
def rnn_relu(*args, **named):
    """h_t = max(0, W_ih x_t + b_ih + W_hh h_(t−1) + b_hh), layer upon layer: (all h, last h).

    Arguments, shapes and errors: those of `rnn_tanh`.
    """
    return sequences("rnn_relu", run_relu, args, named)


@composite(method=False)
def gru(*args, **named):
    """h_t = (1 − z) · n + z · h_(t−1) with GRU's gates, layer upon layer: (all h, last h).

    Arguments, shapes and errors: those of `rnn_tanh`; weights hold r, z and n below each other.
    """
    return sequences("gru", run_gru, args, named)


@composite(method=False)
def lstm(*args, **named):
    """h_t = o · tanh(f · c_(t−1) + i · g) with LSTM's gates: (all h, last h, last c).

    Arguments, shapes and errors: those of `rnn_tanh`, but hx = (h, c); weights hold i, f, g and o
    below each other, and a fifth parameter of each layer, w_hr, projects h.
    """
    return sequences("lstm", run_lstm, args, named)


# ---- one step --------------------------------------------------------------------------------


def check_cell(input, states, w_ih, w_hh):
    """Raise RuntimeError for sizes that do not fit together, and for whole numbers."""
    if input._data.dtype.kind in "biu":
        raise RuntimeError("mat1 and mat2 must have the same dtype, but got "
                           f"{said(input.dtype)} and {said(w_ih.dtype)}. Convert the input first, "
                           "for example with .float().")
    wanted = w_ih._data.shape[1]
    if input._data.shape[1] != wanted:
        raise RuntimeError(f"input has inconsistent input_size: got {input._data.shape[1]} "
                           f"expected {wanted}")
    for i, state in enumerate(states):
        rows, hidden = state._data.shape
        if rows != input._data.shape[0]:
            raise RuntimeError(f"Input batch size {input._data.shape[0]} doesn't match hidden{i} "
                               f"batch size {rows}")
        if hidden != w_hh._data.shape[1]:
            raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {hidden}, expected "
                               f"{w_hh._data.shape[1]}")


def step(run, input, states, w_ih, w_hh, b_ih, b_hh):
    """A layer's only step: the new states."""
    check_cell(input, states, w_ih, w_hh)
    weights = (w_ih, w_hh, b_ih, b_hh, None)
    return run(input, states, weights, (input._data.shape[0],), False)[1:]


@composite(method=False, grad="Tanh")
def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """tanh(w_ih · input + b_ih + w_hh · hx + b_hh): (batch, in), (batch, hidden) → the latter.

    Raises RuntimeError for other shapes.
    """
    return step(run_tanh, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


@composite(method=False, grad="Relu")
def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """max(0, w_ih · input + b_ih + w_hh · hx + b_hh): shapes and errors as in `rnn_tanh_cell`."""
    return step(run_relu, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


@composite(method=False, grad="Add")
def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of a GRU: (batch, in), (batch, hidden) → the latter; others raise RuntimeError."""
    return step(run_gru, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


@composite(method=False)
def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of an LSTM: (batch, in) and (h, c) → (h, c), both (batch, hidden).

    Raises RuntimeError for other shapes, TypeError for an hx that is no pair.
    """
    if not isinstance(hx, (tuple, list)):
        raise TypeError("lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not "
                        f"{type(hx).__name__}")
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    return step(run_lstm, input, hx, w_ih, w_hh, b_ih, b_hh)
