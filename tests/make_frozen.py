"""Write tests/frozen.npz: a few samples of every operator, as PyTorch computes them.

    python -m tests.make_frozen

Samples come from PyTorch's own database, inputs are rounded to multiples of 1/64. A sample is
taken only if it is small, if its arguments can be written down, and if PyTorch computes the same
in double precision, so that a library that rounds otherwise still agrees.
"""
import itertools
import warnings

import numpy as np
import torch
from torch.testing._internal.opinfo.core import BinaryUfuncInfo, SampleInput, UnaryUfuncInfo

from tests import frozen
from tests.conformance import op_edges, op_list
from tests.conformance.adapter import function_name
from tests.conformance.op_tester import GAUGE_FREE

ELEMENTS = 400                  # of all tensors of a sample together
EACH = 2                        # samples of an operator
FAILURES = (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError)
ORDER = {"where": (1, 0, 2), "nn.functional.embedding": (1, 0), "einsum": (1, 0),
         "nn.functional.embedding_bag": (1, 0)}
GROUPS = ("main", "complex-only", "undocumented")


def public_calls(op):
    """Public functions of PyTorch that may be what the database wraps into one of its own."""
    own = function_name(op.op, op.name)
    names = [own] if own else [f"Tensor.{op.name}", op.name, f"Tensor.{op.name}_"]
    for name in names:
        try:
            yield name, frozen.resolve(torch, name)
        except AttributeError:
            continue


def tensors_of(sample):
    found = []

    def walk(v):
        if isinstance(v, torch.Tensor):
            found.append(v)
        elif isinstance(v, (list, tuple)):
            for x in v:
                walk(x)
    walk([sample.input, list(sample.args), list(sample.kwargs.values())])
    return found


def rounded(v, wide=False):
    """A fresh copy of a value, floating-point numbers rounded to 1/64; ``wide`` in float64."""
    if isinstance(v, torch.Tensor):
        t = v.detach().clone()
        if t.is_floating_point():
            t = torch.round(t * 64) / 64
            t = t.double() if wide else t
        return t.requires_grad_(v.requires_grad)
    if isinstance(v, (list, tuple)) and not hasattr(v, "_fields"):
        return type(v)(rounded(x, wide) for x in v)
    return v


def arguments(sample, wide=False):
    """Fresh copies of a sample's arguments: by position, and the values of those by name."""
    return (rounded([sample.input, *sample.args], wide),
            rounded(list(sample.kwargs.values()), wide))


def computed(fn, sample, wide=False):
    """Results and gradients of PyTorch."""
    args, named = arguments(sample, wide)
    leaves = frozen_leaves([args, named])
    return frozen.run(torch, fn, args, dict(zip(sample.kwargs, named)), leaves)


def frozen_leaves(v):
    """Tensors that want gradients, in the order in which a Reader meets them."""
    if isinstance(v, torch.Tensor):
        return [v] if v.requires_grad else []
    if isinstance(v, (list, tuple)):
        return [t for x in v for t in frozen_leaves(x)]
    return []


def steady(narrow, wide):
    """Are two lists of results the same, well within the tolerance of the frozen tests?"""
    if len(narrow) != len(wide):
        return False
    for a, b in zip(narrow, wide):
        if (a is None) != (b is None):
            return False
        if a is not None and (a.shape != b.shape or not np.allclose(
                a, b, rtol=frozen.RTOL / 4, atol=frozen.ATOL / 4, equal_nan=True)):
            return False
    return True


def candidates(op, dtype):
    """Small samples, most telling first: those with the most arguments, then the smallest."""
    grad = op.supports_autograd and dtype in op.supported_backward_dtypes("cpu")
    torch.manual_seed(0)
    found = []
    for sample in itertools.islice(op.sample_inputs("cpu", dtype, requires_grad=grad), 200):
        tensors = tensors_of(sample)
        size = sum(t.numel() for t in tensors)
        if size <= ELEMENTS and all(t.layout is torch.strided for t in tensors):
            found.append((-len(sample.args) - len(sample.kwargs), not size, size, sample))
    found.sort(key=lambda entry: entry[:3])
    return elementwise(op, dtype, grad) + [sample for *_, sample in found]


def elementwise(op, dtype, grad):
    """One short sample for operators whose samples in the database are all large or 0-d."""
    if not isinstance(op, (UnaryUfuncInfo, BinaryUfuncInfo)):
        return []
    kwargs = dict(next(iter(op.sample_inputs("cpu", dtype, grad))).kwargs)
    tensors = [op_edges.made(op, i, (7,), "cpu", dtype, grad)
               for i in range(1 + isinstance(op, BinaryUfuncInfo))]
    return [SampleInput(tensors[0], args=tuple(tensors[1:]), kwargs=kwargs)]


def ordered(op, sample):
    """The sample's arguments as the public function takes them."""
    row = [sample.input, *sample.args]
    if op.name in ORDER:
        row = [row[i] for i in ORDER[op.name]]
    return SampleInput(row[0], args=tuple(row[1:]), kwargs=sample.kwargs)


def freeze(writer, name, op):
    """Add up to EACH samples of one operator; returns how many were taken."""
    dtype = getattr(torch, op_list.main_dtypes(op)[0])
    if op.name in GAUGE_FREE or op.has_nondeterministic_output or "fractional" in name:
        return 0                     # the random samples that fractional pooling is given exceed 1
    taken, shapes = 0, set()
    for sample in candidates(op, dtype):
        shape = (tuple(tuple(t.shape) for t in tensors_of(sample)), tuple(sample.kwargs))
        case = None if shape in shapes else frozen_case(writer, op, sample)
        shapes.add(shape)
        if case:
            writer.cases.append({"op": name, **case})
            taken += 1
        if taken == EACH:
            break
    return taken


def frozen_case(writer, op, sample):
    """The JSON of one call, or None where it cannot be frozen."""
    try:
        args, named = arguments(sample)
        wanted = [t.detach().numpy() for t in frozen.tensors_in(
            torch, op(*args, **dict(zip(sample.kwargs, named))))]
    except FAILURES:
        return None
    sample = ordered(op, sample)
    for dotted, fn in public_calls(op):
        try:
            outs, grads = computed(fn, sample)
            wide = computed(fn, sample, wide=True)
            if not outs or sum(a.size for a in outs) > ELEMENTS or not steady(wanted, outs) \
                    or not steady(outs, wide[0]) or not steady(grads, wide[1]):
                continue
            words = [writer.value(v, torch.is_tensor, lambda t: t.detach().numpy())
                     for v in arguments(sample)]
        except FAILURES:
            continue
        return {"call": dotted, "args": words[0]["l"],
                "kwargs": dict(zip(sample.kwargs, words[1]["l"])),
                "outs": [writer.array(a) for a in outs],
                "grads": [a if a is None else writer.array(a) for a in grads]}
    return None


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    writer, count = frozen.Writer(), {}
    for name, op in sorted(op_list.load_ops().items()):
        if op_list.classify(op) in GROUPS:
            count[name] = freeze(writer, name, op)
    writer.save()
    none = [name for name, n in count.items() if not n]
    print(f"{len(writer.cases)} samples of {len(count) - len(none)} operators, "
          f"{frozen.FILE.stat().st_size / 1000:.0f} kB; none of {len(none)}: {', '.join(none)}")


if __name__ == "__main__":
    main()
