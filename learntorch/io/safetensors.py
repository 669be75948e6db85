"""safetensors: files of named tensors and nothing else, through the `safetensors` package.

`learntorch.io.safetensors` has the functions of `safetensors.torch`.
"""

import numpy as np

from learntorch.core.tensor import wrap
from learntorch.io.atomic import writing
from learntorch.io.names import DTYPES

KINDS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64",
         "I32": "int32", "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32",
         "U16": "uint16", "U8": "uint8", "BOOL": "bool", "C64": "complex64"}


def package():
    """The safetensors package. Raises ImportError with the command that installs it."""
    try:
        import safetensors
    except ImportError as error:
        raise ImportError("this needs the package safetensors: pip install safetensors"
                          ) from error
    return safetensors


def save(tensors, metadata=None):
    """The bytes of a safetensors file with these named tensors.

    Raises RuntimeError for tensors that share memory: the format cannot say so.
    """
    arrays = {}
    seen = {}
    for name, t in tensors.items():
        if not hasattr(t, "untyped_storage"):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received "
                             f"{type(t)}")
        place = t.untyped_storage().data_ptr()
        if t.numel() and place in seen:
            raise RuntimeError(
                f"Some tensors share memory, this will lead to duplicate memory on disk and "
                f"potential differences when loading them again: {{{seen[place]!r}, {name!r}}}. "
                "clone() one of them, or leave it out.")
        seen[place] = name
        arrays[name] = np.ascontiguousarray(t._data)
    package()
    from safetensors.numpy import save
    return save(arrays, metadata)


def save_file(tensors, filename, metadata=None):
    """Write named tensors to a safetensors file, atomically."""
    data = save(tensors, metadata)
    with writing(filename) as file:
        file.write(data)


def load(data):
    """The named tensors in the bytes of a safetensors file."""
    found = {}
    for name, described in package().deserialize(data):
        kind = KINDS.get(described["dtype"])
        if kind is None:
            raise ValueError(f"{name!r} has the dtype {described['dtype']}, which learntorch does "
                             "not have")
        flat = np.frombuffer(bytearray(described["data"]), DTYPES[kind].numpy)
        found[name] = wrap(flat.reshape(described["shape"]))
    return found


def load_file(filename, device="cpu"):
    """The named tensors of a safetensors file."""
    with open(filename, "rb") as file:
        return load(file.read())
