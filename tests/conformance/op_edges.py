"""Samples that the database does not have as such: non-contiguous, 0-d and empty inputs."""
import itertools

import torch
from torch.testing import make_tensor
from torch.testing._internal.opinfo.core import BinaryUfuncInfo, SampleInput, UnaryUfuncInfo


def noncontiguous(op, device, dtype, requires_grad):
    """The database's own samples, every tensor of them with gaps in its memory."""
    for sample in op.sample_inputs(device, dtype, requires_grad):
        try:
            yield sample.noncontiguous()
        except (RuntimeError, NotImplementedError):       # e.g. an expanded or sparse input
            continue


def zero_dim(op, device, dtype, requires_grad):
    """Samples whose first tensor has no dimensions."""
    return with_shape(op, device, dtype, requires_grad, lambda t: t.ndim == 0, [()])


def empty(op, device, dtype, requires_grad):
    """Samples whose first tensor has no elements."""
    return with_shape(op, device, dtype, requires_grad, lambda t: t.numel() == 0, [(0,), (2, 0, 3)])


def with_shape(op, device, dtype, requires_grad, wanted, shapes):
    """The database's samples of that kind, and for elementwise operators some made here."""
    for sample in op.sample_inputs(device, dtype, requires_grad):
        if isinstance(sample.input, torch.Tensor) and wanted(sample.input):
            yield sample
    if not isinstance(op, (UnaryUfuncInfo, BinaryUfuncInfo)):
        return
    usual = next(iter(op.sample_inputs(device, dtype, requires_grad)))
    for shape in shapes:
        tensors = [made(op, i, shape, device, dtype, requires_grad)
                   for i in range(1 + isinstance(op, BinaryUfuncInfo))]
        yield SampleInput(tensors[0], args=tuple(tensors[1:]), kwargs=dict(usual.kwargs))


def made(op, place, shape, device, dtype, requires_grad):
    """A tensor of the operator's domain for its first or second parameter."""
    domain = op.domain if isinstance(op, UnaryUfuncInfo) else \
        (op.lhs_make_tensor_kwargs, op.rhs_make_tensor_kwargs)[place]
    kwargs = {"low": domain[0], "high": domain[1]} if isinstance(domain, tuple) else dict(domain)
    return make_tensor(shape, device=device, dtype=dtype, requires_grad=requires_grad, **kwargs)


SOURCES = {"noncontiguous": noncontiguous, "0-d": zero_dim, "empty": empty}


def samples(op, source, dtype, requires_grad):
    """The iterator of one kind of samples: of this file, or by name of a method of the OpInfo."""
    if source in SOURCES:
        return itertools.islice(SOURCES[source](op, "cpu", dtype, requires_grad), 2000)
    return getattr(op, source)("cpu", dtype, requires_grad=requires_grad)
