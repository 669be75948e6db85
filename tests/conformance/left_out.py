"""Public names of PyTorch that the library leaves out on purpose, and why.

They count as missing in the section `API names`; `test_left_out.py` holds that each of them is
really absent, so that a name which is made later leaves this list. OTHER_PARAMETERS are those that
are there with other parameter names than PyTorch shows; the test holds that there are no more.
"""

_STREAM = "orders work on a GPU's queues; a CPU does one thing after the other"
_GPU = "asks or sets something of a GPU; `torch.cuda.is_available()` says that there is none"

LEFT_OUT = {
    "torch.Event": _STREAM,
    "torch.Stream": _STREAM,
    "torch.Tensor.record_stream": _STREAM,
    "torch.Tensor.index": "first-class dimensions (functorch.dim), a prototype",
    "torch.Tensor.__setstate__": "reads pickles of PyTorch before 0.4",
    **{f"torch.cuda.{name}": _GPU for name in """Event Stream can_device_access_peer current_stream
        default_stream device_of get_device_capability get_device_name get_device_properties
        get_rng_state get_rng_state_all memory_stats memory_summary set_rng_state
        set_rng_state_all set_stream stream""".split()},
}

_HIDDEN = "PyTorch shows (*args, **kwargs); here the parameters have names"
_REFUSED = "PyTorch's page shows a name that its parser refuses; here the name of the function"
_EITHER = "the name of the function in torch; the one PyTorch shows for the method is taken, too"
_OPERATOR = "Python calls it, by position"

OTHER_PARAMETERS = {
    "torch.lu": _HIDDEN,
    "torch.unique_consecutive": _HIDDEN,
    "torch.nn.RNN": _HIDDEN,
    "torch.nn.LSTM": _HIDDEN,
    "torch.nn.GRU": _HIDDEN,
    "torch.set_num_threads": "by position only; PyTorch's page shows `int`, the type",
    "torch.set_num_interop_threads": "by position only; PyTorch's page shows `int`, the type",
    "torch.Tensor.hsplit": _REFUSED,
    "torch.Tensor.vsplit": _REFUSED,
    "torch.Tensor.dsplit": _REFUSED,
    "torch.Tensor.unsafe_split": _EITHER,
    "torch.Tensor.cholesky_solve": _EITHER,
    "torch.Tensor.orgqr": _EITHER,
    "torch.Tensor.ormqr": _EITHER,
    "torch.Tensor.random_": "`from` is a word of Python; `random_(**{'from': 2})` is understood",
    "torch.Tensor.__floordiv__": _OPERATOR,
    "torch.Tensor.__getitem__": _OPERATOR,
    "torch.Tensor.__setitem__": _OPERATOR,
}
