"""The array dialect on tensors: what a gradient rule sees under `create_graph=True`.

Rules are written once. On raw arrays they run with NumPy's functions; here the same names act on
tensors and leave history, so a gradient can be differentiated again. Only names that stand here,
and ops of the library, may be used in a rule.
"""

siblings = {}


def astype(x, like):
    return x.to(like.dtype)


def broadcast_to(x, shape):
    return x.expand(tuple(shape))


def expand_dims(x, axis):
    if isinstance(axis, int):
        return x.unsqueeze(axis)
    ndim = x.dim() + len(axis)
    for a in sorted(a % ndim for a in axis):
        x = x.unsqueeze(a)
    return x


def concatenate(arrays, axis=0):
    return siblings["cat"](list(arrays), axis)


def stack(arrays, axis=0):
    return siblings["stack"](list(arrays), axis)


def arcsin(x):
    return x.asin()


def arccos(x):
    return x.acos()


def arctan(x):
    return x.atan()


def power(x, y):
    return x ** y if hasattr(x, "_data") else siblings["pow"](x, y)


def conj(x):
    return x.conj()


def zeros(shape, dtype):
    return siblings["zeros_of"](shape, dtype)


def ones_like(x):
    return siblings["ones_like"](x)


def zeros_like(x):
    return siblings["zeros_like"](x)


def where(condition, x, y):
    return siblings["where"](condition, x, y)


def transpose(x, dim0, dim1):
    return x.transpose(dim0, dim1)


def take_along_axis(x, indices, axis):
    return siblings["gather"](x, axis, indices)


def unbroadcast(x, shape):
    if x.ndim > len(shape):
        x = x.sum(tuple(range(x.ndim - len(shape))))
    axes = tuple(i for i, n in enumerate(shape) if n == 1 and x.shape[i] != 1)
    return x.sum(axes, keepdim=True) if axes else x


def __getattr__(name):
    if name in siblings:
        return siblings[name]
    raise AttributeError(f"xp.{name} is not in the dialect of gradient rules: use an op of the "
                         "library, or make what is missing an op")
