"""Writing a result into a tensor the caller gave as `out=`."""

import warnings

import numpy as np

from learntorch.core import failures
from learntorch.core.ambient import ambient
from learntorch.core.dtypes import can_cast, of, said
from learntorch.core.graph import touch, vertex
from learntorch.core.tensor import Tensor


def write_out(op, out, result, args, field=""):
    """Copy `result` (array, tensor, or several) into `out`, resized when it has another shape.

    field: which of several results it is. Raises RuntimeError when history would be needed, or the
    dtype cannot hold the result.
    """
    if isinstance(result, tuple):
        return _write_all(op, out, result, args)
    if not isinstance(out, Tensor):
        raise TypeError(f"{op.key.replace('.', '_')}(): argument 'out' must be Tensor, not "
                        f"{type(out).__name__}")
    if ambient.state.grad:
        _refuse_history(op, out, args)
    r = np.asarray(result._data if isinstance(result, Tensor) else result)
    for demand in op.demands if field else [d for d in op.demands if d != "parts"]:
        check = DEMANDS.get(demand, demand)
        if not isinstance(check, str):
            check(op, out, r, args)
        elif check.startswith("safe:"):
            _safe(out, r, *check.split(":")[1:])
        else:
            _same_dtype(check, out, r, field)
    if not can_cast(of(r.dtype), out.dtype):
        raise RuntimeError(f"result type {said(r.dtype)} can't be cast to the desired output type "
                           f"{said(out.dtype)}")
    if r.size and any(s == 0 and n > 1 for s, n in zip(out._data.strides, out._data.shape,
                                                      strict=True)):
        raise RuntimeError(failures.OVERLAP)
    if out._data.shape != r.shape:
        resize_out(out, r.shape)
    out._data[...] = r
    touch(out)
    return out


def _write_all(op, out, result, args):
    """Several results, each into its place in the tuple `out`."""
    if not isinstance(out, (tuple, list)):
        raise TypeError(f"{op.key.replace('.', '_')}(): argument 'out' must be tuple of Tensors, "
                        f"not {type(out).__name__}")
    if len(out) != len(result):
        raise TypeError(f"expected tuple of {len(result)} elements but got {len(out)}")
    fields = getattr(result, "_fields", range(len(out)))
    for place, part, field in zip(out, result, fields, strict=True):
        write_out(op, place, part, args, field)
    return tuple(out) if type(result) is tuple else result._replace(
        **dict(zip(result._fields, out, strict=True)))


def _same_dtype(sentence, out, r, field):
    """Raise RuntimeError with the sentence unless `out` has the dtype of the result."""
    got = out._data.dtype
    if got is not r.dtype:
        raise RuntimeError(sentence.format(
            field=field, want=failures.c_name(r.dtype), got=failures.c_name(got),
            Want=said(r.dtype), Got=said(got)))


def _safe(out, r, name, what="result"):
    if not can_cast(of(r.dtype), out.dtype):
        raise RuntimeError(f"{name}: Expected {what} to be safely castable from {said(r.dtype)} "
                           f"dtype, but got {what} with dtype {said(out.dtype)}")


def _same_kind(op, out, r, args):
    if out._data.dtype.kind != r.dtype.kind:
        kind = "complex" if r.dtype.kind == "c" else "floating point"
        name = op.name.replace("2", "n")
        raise RuntimeError(f"{'fftn' if name == 'ifftn' else name} expects a {kind} output tensor, "
                           f"but got {said(out.dtype)}")


def _joined(op, out, r, args):
    if not can_cast(of(r.dtype), out.dtype):
        raise TypeError("torch.cat(): input types can't be cast to the desired output type "
                        f"{said(out.dtype)}")


def _apart(op, out, r, args):
    if any(np.may_share_memory(t._data, out._data) for t in _tensors(args)):
        raise RuntimeError("unsupported operation: some elements of the input tensor and the "
                           "written-to tensor refer to a single memory location. Please clone() "
                           "the tensor before performing the operation.")


# The words an op's record may say about `out`: what each checks, or PyTorch's sentence where `out`
# has another dtype than the result. "safe:name:result" beside them wants a dtype that holds it.
DEMANDS = {
    "dtype": "Expected out tensor to have dtype {want}, but got {got} instead",
    "parts": "Expected out tensor to have dtype {want}, but got {got} instead",     # of several
    "found": "Found dtype {Got} but expected {Want}",
    "match": "Expected the dtype for input and out to match, but got {Want} for input's dtype and "
             "{Got} for out's dtype.",
    "scalar": "expected scalar_type {Want} but found {Got}",
    "kind": _same_kind,             # complex where the result is
    "joined": _joined,
    "apart": _apart,                # memory that no input shares
}


def _tensors(args):
    for value in args:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from (t for t in value if isinstance(t, Tensor))


def _refuse_history(op, out, args):
    if any(vertex(t) is not None for t in [*_tensors(args), out]):
        raise RuntimeError(f"{op.name}(): functions with out=... arguments don't support automatic "
                           "differentiation, but one of the arguments requires grad. Call it "
                           "without out=, or inside torch.no_grad().")


def resize_out(out, shape):
    """Give `out` new memory of `shape`; PyTorch warns unless `out` was empty."""
    if out._data.size:
        warnings.warn(
            f"An output with one or more elements was resized since it had shape "
            f"{list(out._data.shape)}, which does not match the required output shape "
            f"{list(shape)}. This behavior is deprecated, and in a future PyTorch release outputs "
            "will not be resized unless they have zero elements. You can explicitly reuse an out "
            "tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
            UserWarning, stacklevel=4)
    out._data = np.empty(shape, out._data.dtype)
