"""Putting samples together: from a list of samples to a batch."""

import re
from collections.abc import Sequence

import numpy as np

from learntorch.core.tensor import Tensor, wrap
from learntorch.utils.data._utils import worker
from learntorch.utils.data._utils.containers import (
    is_mapping,
    is_namedtuple,
    new_mapping,
    new_sequence,
)

default_collate_err_msg_format = ("default_collate: batch must contain tensors, numpy arrays, "
                                  "numbers, dicts or lists; found {}")
np_str_obj_array_pattern = re.compile(r"[SaUO]")


def _holds_text(array):
    return np_str_obj_array_pattern.search(array.dtype.str) is not None


def default_convert(data):
    """The sample with its NumPy arrays and scalars as tensors, in all nested containers.

    What a DataLoader without batches does to each sample; anything else stays as it is.
    """
    from learntorch import as_tensor
    if isinstance(data, Tensor):
        return data
    if isinstance(data, np.ndarray):
        return data if _holds_text(data) else as_tensor(data)
    if isinstance(data, np.generic) and not isinstance(data, np.str_):
        return as_tensor(data)
    if is_mapping(data):
        return new_mapping(data, {key: default_convert(data[key]) for key in data})
    if is_namedtuple(data):
        return type(data)(*[default_convert(item) for item in data])
    if isinstance(data, tuple):
        return [default_convert(item) for item in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return new_sequence(data, [default_convert(item) for item in data])
    return data


def collate(batch, *, collate_fn_map=None):
    """A list of samples as one batch: containers are kept, what is in them is put together.

    `collate_fn_map`: for a type (or a tuple of types) the function that puts a list of its values
    together, called as `function(values, collate_fn_map=collate_fn_map)`. An exact type goes before
    a parent.

    Raises TypeError for a type that nobody knows, RuntimeError for lists of unequal length.
    """
    elem = batch[0]
    function = _function_for(elem, collate_fn_map or {})
    if function is not None:
        return function(batch, collate_fn_map=collate_fn_map)
    if is_mapping(elem):
        columns = {key: collate([sample[key] for sample in batch], collate_fn_map=collate_fn_map)
                   for key in elem}
        return new_mapping(elem, columns)
    if not isinstance(elem, Sequence):
        raise TypeError(default_collate_err_msg_format.format(type(elem)))
    if not is_namedtuple(elem) and any(len(sample) != len(elem) for sample in batch):
        lengths = sorted({len(sample) for sample in batch})
        raise RuntimeError("each element in list of batch should be of equal size, and there are "
                           f"lengths {', '.join(map(str, lengths))}. A collate_fn of your own can "
                           "pad them")
    columns = [collate(values, collate_fn_map=collate_fn_map)
               for values in zip(*batch, strict=False)]
    if is_namedtuple(elem):
        return type(elem)(*columns)
    return columns if isinstance(elem, tuple) else new_sequence(elem, columns)


def _function_for(elem, functions):
    exact = functions.get(type(elem))
    if exact is not None:
        return exact
    for kind, function in functions.items():
        if isinstance(elem, kind):
            return function
    return None


def collate_tensor_fn(batch, *, collate_fn_map=None):
    """Tensors stacked along a new first dimension."""
    arrays = [t._data for t in batch]
    shape, dtype = arrays[0].shape, arrays[0].dtype
    alike = [type(a) is np.ndarray and a.dtype is dtype and a.shape == shape for a in arrays]
    if all(alike) and not any([t.requires_grad for t in batch]):
        return wrap(_stacked(arrays, shape, dtype))     # faster than the op, which asks for more
    from learntorch import stack
    return stack(list(batch), 0)


def _stacked(arrays, shape, dtype):
    """Arrays of one shape and dtype, stacked: in a worker process in shared memory."""
    out = worker.room((len(arrays), *shape), dtype) if worker._this_worker else None
    if out is None:
        return np.array(arrays)
    if shape and shape[0]:
        np.concatenate(arrays, out=out.reshape(-1, *shape[1:]))
    else:
        out[...] = arrays
    return out


def collate_numpy_array_fn(batch, *, collate_fn_map=None):
    """NumPy arrays as tensors, stacked along a new first dimension."""
    from learntorch import as_tensor
    if _holds_text(batch[0]):
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    return collate([as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch, *, collate_fn_map=None):
    """NumPy scalars as a tensor of one dimension."""
    from learntorch import as_tensor
    return as_tensor(batch)


def collate_float_fn(batch, *, collate_fn_map=None):
    """Python floats as a float64 tensor of one dimension."""
    from learntorch import float64, tensor
    return tensor(batch, dtype=float64)


def collate_int_fn(batch, *, collate_fn_map=None):
    """Python ints and bools as a tensor of one dimension."""
    from learntorch import tensor
    return tensor(batch)


def collate_str_fn(batch, *, collate_fn_map=None):
    """Strings stay a list."""
    return batch


default_collate_fn_map = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch):
    """A list of samples as a batch: tensors, arrays and numbers stacked along a new dimension 0.

    Tuples become lists, dicts and lists keep their type, strings stay as they are:
    [(tensor(3,), 1), (tensor(3,), 2)] → [tensor(2, 3), tensor([1, 2])].

    Raises TypeError for samples of other types.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
