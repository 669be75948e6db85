"""Samples frozen from PyTorch: calls with their results and gradients, small enough to carry.

tests/make_frozen.py writes them where PyTorch is; tests/test_ops_frozen.py replays them anywhere.
One npz holds a JSON list of cases and, for each dtype, one flat array that all tensors lie in.
"""
import json
import pathlib

import numpy as np

FILE = pathlib.Path(__file__).with_name("frozen.npz")
RTOL, ATOL = 2e-5, 2e-5          # float32; the samples were chosen so that rounding stays below it


class Unfreezable(TypeError):
    """A value that the file has no word for."""


class Writer:
    """Turns values into JSON, tensors into windows of one flat array for each dtype."""

    def __init__(self):
        self.cases, self.arrays, self.sizes = [], {}, {}

    def array(self, a, grad=False):
        name, flat = a.dtype.name, np.ravel(a)
        at = self.sizes.get(name, 0)
        self.arrays.setdefault(name, []).append(flat)
        self.sizes[name] = at + flat.size
        return {"t": [name, list(a.shape), at, int(grad)]}

    def value(self, v, is_tensor, array):
        """JSON for a nest of tensors, numbers, strings, dtypes; ``array(t)`` gives the values."""
        if is_tensor(v):
            return self.array(array(v), v.requires_grad)
        if isinstance(v, (list, tuple)):
            return {"l" if isinstance(v, list) else "u": [self.value(x, is_tensor, array)
                                                          for x in v]}
        if isinstance(v, float) and not np.isfinite(v):
            return {"f": str(v)}
        if v is None or isinstance(v, (bool, int, float, str)):
            return v
        if type(v).__name__ == "dtype":
            return {"d": str(v).rsplit(".", 1)[-1]}
        if isinstance(v, slice):
            return {"s": [v.start, v.stop, v.step]}
        raise Unfreezable(f"{type(v).__name__} cannot be frozen")

    def save(self, file=FILE):
        text = json.dumps(self.cases, separators=(",", ":")).encode()
        flat = {name: np.concatenate(parts) for name, parts in self.arrays.items()}
        np.savez_compressed(file, cases=np.frombuffer(text, np.uint8), **flat)


class Reader:
    """The cases of the file, for a library addressed like PyTorch."""

    def __init__(self, file=FILE):
        with np.load(file) as data:
            self.arrays = {name: data[name] for name in data.files if name != "cases"}
            self.cases = json.loads(data["cases"].tobytes())

    def array(self, spec):
        name, shape, at, _ = spec["t"]
        return self.arrays[name][at:at + int(np.prod(shape))].reshape(shape)

    def value(self, v, lib, leaves):
        """A frozen value as the library's; tensors that want gradients are added to ``leaves``."""
        if not isinstance(v, dict):
            return v
        (kind, body), = v.items()
        if kind == "t":
            t = lib.from_numpy(self.array(v).copy())
            if body[3]:
                leaves.append(t.requires_grad_())
            return t
        if kind in "lu":
            items = [self.value(x, lib, leaves) for x in body]
            return items if kind == "l" else tuple(items)
        if kind == "d":
            return getattr(lib, body)
        return slice(*body) if kind == "s" else float(body)


def resolve(lib, dotted):
    """'nn.functional.relu' of the library; AttributeError where it has none."""
    for part in dotted.split("."):
        lib = getattr(lib, part)
    return lib


def tensors_in(lib, out):
    """The tensors of a nested result, in order."""
    if isinstance(out, lib.Tensor):
        return [out]
    if isinstance(out, (list, tuple)):
        return [t for x in out for t in tensors_in(lib, x)]
    return []


def cotangent(shape, dtype):
    """The fixed gradient that a result of this shape is given: multiples of 1/8 in [-1, 1]."""
    a = (np.arange(int(np.prod(shape))) * 37 % 17 - 8) / 8
    return a.reshape(shape).astype(dtype)


def run(lib, fn, args, kwargs, leaves):
    """(arrays of the results, arrays of the gradients or None where there is none)."""
    outs = tensors_in(lib, fn(*args, **kwargs))
    values = [np.asarray(t.detach().numpy()) for t in outs]
    roots = [(t, v) for t, v in zip(outs, values) if t.requires_grad]
    if roots and leaves:
        lib.autograd.backward([t for t, _ in roots], [
            lib.from_numpy(np.array(cotangent(v.shape, v.dtype))) for _, v in roots])
    grads = [None if t.grad is None else np.asarray(t.grad.detach().numpy()) for t in leaves]
    return values, grads
