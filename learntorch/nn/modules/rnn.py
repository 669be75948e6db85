"""Recurrent networks: layers that read a sequence step by step and remember."""

import math
import numbers

from learntorch.core.ambient import ambient
from learntorch.core.autocast import autocasting
from learntorch.core.tensor import Tensor
from learntorch.nn import init
from learntorch.nn.modules.module import Module
from learntorch.nn.parameter import Parameter
from learntorch.nn.utils.rnn import PackedSequence
from learntorch.ops.create import empty, zeros
from learntorch.ops.rnn import (
    gru,
    gru_cell,
    lstm,
    lstm_cell,
    rnn_relu,
    rnn_relu_cell,
    rnn_tanh,
    rnn_tanh_cell,
)

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

# mode: (how many gates are stacked in each weight, the function)
_MODES = {"RNN_TANH": (1, rnn_tanh), "RNN_RELU": (1, rnn_relu), "GRU": (3, gru),
          "LSTM": (4, lstm)}


def _check_options(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size):
    """Raise TypeError or ValueError for what no recurrent network can be built from."""
    if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not (
            0 <= dropout <= 1):
        raise ValueError("dropout should be a number in range [0, 1] representing the probability "
                         "of an element being zeroed")
    if dropout > 0 and num_layers == 1:
        import warnings
        warnings.warn("dropout option adds dropout after all but last recurrent layer, so non-zero "
                      f"dropout expects num_layers greater than 1, but got dropout={dropout} and "
                      f"num_layers={num_layers}", UserWarning, stacklevel=4)
    for name, value, kind in (("bias", bias, bool), ("batch_first", batch_first, bool),
                              ("input_size", input_size, int), ("hidden_size", hidden_size, int)):
        if not isinstance(value, kind):
            raise TypeError(f"{name} should be of type {kind.__name__}, got: "
                            f"{type(value).__name__}")
        if kind is int and value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


def _permuted(t, permutation):
    return t if permutation is None else t.index_select(1, permutation)


class RNNBase(Module):
    """What the recurrent networks share: their weights, and how a sequence goes through them.

    Parameters of layer k: weight_ih_lk (gates · hidden, in), weight_hh_lk (gates · hidden, out),
    bias_ih_lk and bias_hh_lk (gates · hidden), with proj_size weight_hr_lk (proj_size, hidden);
    again with `_reverse` for the way back. All uniform in ±1/√hidden at the start.
    """

    def __init__(self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False,
                 dropout=0.0, bidirectional=False, proj_size=0, device=None, dtype=None):
        super().__init__()
        _check_options(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        if mode not in _MODES:
            raise ValueError(f"Unrecognized RNN mode: {mode}")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._all_weights = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse")[:self._ways]:
                self._add_weights(layer, f"_l{layer}{suffix}", device, dtype)
        self.reset_parameters()

    def _add_weights(self, layer, ending, device, dtype):
        """The parameters of one layer in one direction."""
        gates = _MODES[self.mode][0] * self.hidden_size
        width = self.input_size if layer == 0 else self._out * self._ways
        shapes = {"weight_ih": (gates, width), "weight_hh": (gates, self._out)}
        if self.bias:
            shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        for name, shape in shapes.items():
            setattr(self, name + ending, Parameter(empty(shape, device=device, dtype=dtype)))
        self._all_weights.append([name + ending for name in shapes])

    @property
    def _ways(self):
        return 2 if self.bidirectional else 1

    @property
    def _out(self):
        """The size of one h."""
        return self.proj_size or self.hidden_size

    def reset_parameters(self):
        """Draw all weights anew, uniform in ±1/√hidden."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    @property
    def all_weights(self):
        """The parameters of each layer and direction, a list of lists."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights_names(self):
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self):
        return [getattr(self, name, None) for name in self._flat_weights_names]

    def flatten_parameters(self):
        """Does nothing: it is cuDNN that wants all weights in one piece of memory."""

    # ---- is what came in usable? ----

    def check_input(self, input, batch_sizes):
        """Raise ValueError for another dtype than the weights', RuntimeError for other sizes."""
        own = self._flat_weights[0].dtype
        if input.dtype != own and autocasting(ambient.state) is None:
            raise ValueError(f"RNN input dtype ({input.dtype}) does not match weight dtype ({own})."
                             f" Convert input: input.to({own}), or convert model: "
                             f"model.to({input.dtype})")
        wanted = 3 if batch_sizes is None else 2
        if input.dim() != wanted:
            raise RuntimeError(f"input must have {wanted} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError("input.size(-1) must be equal to input_size. Expected "
                               f"{self.input_size}, got {input.size(-1)}. The last dimension "
                               "holds the features of one step.")

    def get_expected_hidden_size(self, input, batch_sizes):
        """The shape of h: (layers · directions, batch, size of h)."""
        return self._state_size(self._out, input, batch_sizes)

    def _state_size(self, size, input, batch_sizes):
        if batch_sizes is not None:
            batch = int(batch_sizes[0])
        else:
            batch = input.size(0 if self.batch_first else 1)
        return self.num_layers * self._ways, batch, size

    def check_hidden_size(self, hx, expected_hidden_size, msg="Expected hidden size {}, got {}"):
        """Raise RuntimeError unless a state has the shape that is expected."""
        if tuple(hx.size()) != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input, hidden, batch_sizes):
        """Raise ValueError or RuntimeError for an input or a state that does not fit."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def _check_dimensions(self, input, hx):
        """Raise unless the input has 2 or 3 dimensions and the state as many."""
        ndim = input.dim()
        if ndim not in (2, 3):
            kind = type(self).__name__
            raise ValueError(f"{kind}: Expected input to be 2D or 3D, got {ndim}D "
                             f"{'tensor ' if kind == 'RNN' else ''}instead")
        if hx is None:
            return
        said = f"For {'batched 3' if ndim == 3 else 'unbatched 2'}-D input, "
        if isinstance(hx, tuple) and self.mode == "LSTM":
            found = tuple(s.dim() for s in hx)
            if found != (ndim, ndim):
                raise RuntimeError(f"{said}hx and cx should also be {ndim}-D but got ({found[0]}-D,"
                                   f" {found[1]}-D) tensors")
        elif not isinstance(hx, Tensor):
            raise AttributeError(f"'{type(hx).__name__}' object has no attribute 'dim': "
                                 f"{type(self).__name__} has the state h only; (h, c) is LSTM's.")
        elif hx.dim() != ndim:
            raise RuntimeError(f"{said}hx should also be {ndim}-D but got {hx.dim()}-D tensor")

    # ---- through the layers ----

    def permute_hidden(self, hx, permutation):
        """The states of a batch in the order of its packed sequences."""
        return _permuted(hx, permutation)

    def _first_states(self, input, batch_sizes):
        """Zeros for h."""
        return (zeros(self.get_expected_hidden_size(input, batch_sizes), dtype=input.dtype,
                      device=input.device),)

    def _layers(self, *sequences, states, padded=()):
        """The network's function on (input,) with padded=(batch_first,), or (data, batch_sizes)."""
        y, *last = _MODES[self.mode][1](
            *sequences, states if len(states) > 1 else states[0], self._flat_weights, self.bias,
            self.num_layers, self.dropout, self.training, self.bidirectional, *padded)
        return y, tuple(last)

    def _given_states(self, hx):
        """The states as a tuple."""
        return (hx,)

    def _run(self, input, hx):
        """All h of the top layer, and the last states of each layer as a tuple."""
        if isinstance(input, PackedSequence):
            return self._run_packed(input, hx)
        self._check_dimensions(input, hx)
        alone = input.dim() == 2
        if alone:
            input = input.unsqueeze(0 if self.batch_first else 1)
        if hx is None:
            states = self._first_states(input, None)
        else:
            states = self._given_states(hx)
            states = tuple(s.unsqueeze(1) for s in states) if alone else states
        self.check_forward_args(input, states if len(states) > 1 else states[0], None)
        y, last = self._layers(input, states=states, padded=(self.batch_first,))
        if alone:
            return y.squeeze(0 if self.batch_first else 1), tuple(s.squeeze(1) for s in last)
        return y, last

    def _run_packed(self, input, hx):
        """`_run` for sequences of different lengths."""
        data, batch_sizes, order, back = input
        if hx is None:
            states = self._first_states(data, batch_sizes)
        else:
            states = self._given_states(self.permute_hidden(hx, order))
        self.check_forward_args(data, states if len(states) > 1 else states[0], batch_sizes)
        y, last = self._layers(data, batch_sizes, states=states)
        return (PackedSequence(y, batch_sizes, order, back),
                tuple(_permuted(s, back) for s in last))

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size != 0:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.batch_first is not False:
            text += f", batch_first={self.batch_first}"
        if self.dropout != 0:
            text += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            text += f", bidirectional={self.bidirectional}"
        return text


def _refuse_projection(options):
    """Raise ValueError for proj_size, TypeError for any other keyword that does not exist."""
    if "proj_size" in options:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
    if options:
        raise TypeError(f"RNNBase.__init__() got an unexpected keyword argument "
                        f"'{next(iter(options))}'")


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_(t−1) + b_hh), or max(0, …) with nonlinearity="relu".

    Each of `num_layers` reads all h of the one below, with `dropout` between them; bidirectional
    ones also read backwards through time, and their h stand side by side.

    Shapes: input (T, N, in), with batch_first (N, T, in), unbatched (T, in), or a PackedSequence;
    hx (layers · directions, N, hidden), zeros if not given → all h of the top layer
    (T, N, directions · hidden) and the last h of each layer, shaped as hx.
    Source: Elman, Finding structure in time (1990).
    """

    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True,
                 batch_first=False, dropout=0.0, bidirectional=False, device=None, dtype=None,
                 **options):
        _refuse_projection(options)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or "
                             "'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias,
                         batch_first, dropout, bidirectional, 0, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        y, (h,) = self._run(input, hx)
        return y, h


class GRU(RNNBase):
    """A gated recurrent unit: at each step z decides how much of the old h stays.

    r = σ(W_ir x + b_ir + W_hr h + b_hr)            what of h the candidate sees
    z = σ(W_iz x + b_iz + W_hz h + b_hz)            how much of h stays
    n = tanh(W_in x + b_in + r · (W_hn h + b_hn))   the candidate
    h ← (1 − z) · n + z · h

    Weights hold r, z and n below each other. Layers, directions and shapes are those of `RNN`.
    Source: Cho et al., Learning phrase representations using RNN encoder-decoder (2014); r acts
    after the product with W_hn, as in cuDNN.
    """

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False,
                 dropout=0.0, bidirectional=False, device=None, dtype=None, **options):
        _refuse_projection(options)
        super().__init__("GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, 0, device, dtype)

    def forward(self, input, hx=None):
        y, (h,) = self._run(input, hx)
        return y, h


class LSTM(RNNBase):
    """Long short-term memory: beside h a cell c, which gates write, keep and read.

    i = σ(W_ii x + b_ii + W_hi h + b_hi)        what is written
    f = σ(W_if x + b_if + W_hf h + b_hf)        what is kept
    g = tanh(W_ig x + b_ig + W_hg h + b_hg)     the candidate
    o = σ(W_io x + b_io + W_ho h + b_ho)        what is shown
    c ← f · c + i · g
    h ← o · tanh c, with proj_size W_hr (o · tanh c)

    Weights hold i, f, g and o below each other. Layers, directions and shapes are those of `RNN`,
    but hx is (h, c), and the result is (all h, (last h, last c)); h has proj_size numbers if that
    is not 0, c always hidden_size. Sources: Hochreiter and Schmidhuber, Long short-term memory
    (1997); Gers et al., Learning to forget (2000); Sak et al. (2014), arXiv:1402.1128, for W_hr.
    """

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False,
                 dropout=0.0, bidirectional=False, proj_size=0, device=None, dtype=None):
        super().__init__("LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, proj_size, device, dtype)

    def get_expected_cell_size(self, input, batch_sizes):
        """The shape of c: (layers · directions, batch, hidden)."""
        return self._state_size(self.hidden_size, input, batch_sizes)

    def check_forward_args(self, input, hidden, batch_sizes):
        """Raise ValueError or RuntimeError for an input or a state that does not fit."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden[0], self.get_expected_hidden_size(input, batch_sizes),
                               "Expected hidden[0] size {}, got {}")
        self.check_hidden_size(hidden[1], self.get_expected_cell_size(input, batch_sizes),
                               "Expected hidden[1] size {}, got {}")

    def permute_hidden(self, hx, permutation):
        """The states of a batch in the order of its packed sequences."""
        return _permuted(hx[0], permutation), _permuted(hx[1], permutation)

    def _check_dimensions(self, input, hx):
        super()._check_dimensions(input, None if hx is None else (hx[0], hx[1]))

    def _given_states(self, hx):
        return hx[0], hx[1]

    def _first_states(self, input, batch_sizes):
        """Zeros for h and c."""
        return tuple(zeros(size, dtype=input.dtype, device=input.device) for size in (
            self.get_expected_hidden_size(input, batch_sizes),
            self.get_expected_cell_size(input, batch_sizes)))

    def forward(self, input, hx=None):
        return self._run(input, hx)


# ---- one step --------------------------------------------------------------------------------


class RNNCellBase(Module):
    """What the cells share: weights for `num_chunks` gates, uniform in ±1/√hidden at the start."""

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        gates = num_chunks * hidden_size
        how = {"device": device, "dtype": dtype}
        self.weight_ih = Parameter(empty((gates, input_size), **how))
        self.weight_hh = Parameter(empty((gates, hidden_size), **how))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(gates, **how)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw all weights anew, uniform in ±1/√hidden."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _batched(self, t, what):
        """A vector as a batch of one."""
        if t.dim() not in (1, 2):
            raise ValueError(f"{type(self).__name__}: Expected {what} to be 1D or 2D, got "
                             f"{t.dim()}D instead")
        return t.unsqueeze(0) if t.dim() == 1 else t

    def _step(self, cell, input, hx):
        """The new h, for a cell whose only state is h."""
        x = self._batched(input, "input")
        if hx is None:
            hx = zeros((x.shape[0], self.hidden_size), dtype=x.dtype, device=x.device)
        else:
            hx = self._batched(hx, "hidden")
        h = cell(x, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return h.squeeze(0) if input.dim() == 1 else h

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or max(0, …) with nonlinearity="relu".

    Shapes: (N, in) and (N, hidden), zeros if not given → (N, hidden); also without N.
    """

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None,
                 dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(rnn_tanh_cell if self.nonlinearity == "tanh" else rnn_relu_cell, input,
                          hx)


class GRUCell(RNNCellBase):
    """h' = (1 − z) · n + z · h, with the gates r, z and the candidate n of `GRU`.

    Shapes: (N, in) and (N, hidden), zeros if not given → (N, hidden); also without N.
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        return self._step(gru_cell, input, hx)


class LSTMCell(RNNCellBase):
    """c' = f · c + i · g and h' = o · tanh c', with the gates of `LSTM`.

    Shapes: (N, in) and two of (N, hidden), zeros if not given → (h', c'); also without N.
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        x = self._batched(input, "input")
        if hx is None:
            zero = zeros((x.shape[0], self.hidden_size), dtype=x.dtype, device=x.device)
            hx = (zero, zero)
        else:
            hx = tuple(self._batched(s, f"hx[{i}]") for i, s in enumerate(hx))
        h, c = lstm_cell(x, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return (h.squeeze(0), c.squeeze(0)) if input.dim() == 1 else (h, c)
