"""Public names of PyTorch that the library leaves out on purpose, and why.

They count as missing in the section `API names`; `test_left_out.py` holds that each of them is
really absent, so that a name which is made later leaves this list.
"""

_STREAM = "orders work on a GPU's queues; a CPU does one thing after the other"
_GPU = "asks or sets something of a GPU; `torch.cuda.is_available()` says that there is none"

LEFT_OUT = {
    "torch.Event": _STREAM,
    "torch.Stream": _STREAM,
    "torch.Tensor.record_stream": _STREAM,
    "torch.Tensor.chalf": "complex32, for which NumPy has no type",
    "torch.Tensor.index": "first-class dimensions (functorch.dim), a prototype",
    "torch.Tensor.__setstate__": "reads pickles of PyTorch before 0.4",
    **{f"torch.cuda.{name}": _GPU for name in """Event Stream can_device_access_peer current_stream
        default_stream device_of get_device_capability get_device_name get_device_properties
        get_rng_state get_rng_state_all memory_stats memory_summary set_rng_state
        set_rng_state_all set_stream stream""".split()},
}
