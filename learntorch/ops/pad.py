"""Padding: more numbers around the last dimensions, or, where padding is negative, fewer."""

import operator
from functools import lru_cache

import numpy as np

from learntorch.core import failures
from learntorch.core.dtypes import of, too_much
from learntorch.core.op import composite, nary
from learntorch.core.tensor import Tensor

# ---- a number all around --------------------------------------------------------------------


@nary(name="constant_pad_nd", method=False)
def framed(xp, x, pad, value=0):
    """`value` around x; negative padding crops, and is the gradient of positive padding."""
    check_whole(pad, x.ndim)
    shape = list(x.shape)
    inside, kept = [slice(None)] * x.ndim, [slice(None)] * x.ndim
    for i, (low, high) in pairs(pad):
        n = shape[i] + low + high
        if n < 0 or max(-low, 0) + max(-high, 0) > shape[i]:
            raise RuntimeError("narrow(): length must be non-negative. Padding "
                               f"{(low, high)} crops more than the {shape[i]} there are.")
        inside[i] = slice(max(low, 0), n - max(high, 0))
        kept[i] = slice(max(-low, 0), shape[i] - max(-high, 0))
        shape[i] = n
    y = xp.full(shape, value, x.dtype) if value else xp.zeros(shape, x.dtype)
    y[tuple(inside)] = x[tuple(kept)]
    return y
framed.vjp(x=lambda xp, g, pad: xp.constant_pad_nd(g, tuple([-n for n in pad])))


def pairs(pad):
    """(dimension counted from the end, (before, after)) for each dimension that `pad` names."""
    return [(-1 - i, (pad[2 * i], pad[2 * i + 1])) for i in range(len(pad) // 2)]


def check_whole(pad, ndim):
    """Raise RuntimeError unless `pad` has a pair for each of at most `ndim` dimensions."""
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * ndim:
        raise RuntimeError("Length of pad should be no more than twice the number of dimensions of "
                           f"the input. Pad length is {len(pad)}while the input has {ndim}"
                           "dimensions.")


# ---- the input's own numbers ----------------------------------------------------------------


@lru_cache(maxsize=256)
def sources(n, low, high, mode):
    """For each place along a padded dimension, which of the `n` numbers stands there."""
    place = np.arange(-low, n + high)
    if mode == "replicate":
        return place.clip(0, n - 1)
    if mode == "reflect":
        place = np.abs(place)
        return np.where(place < n, place, 2 * (n - 1) - place)
    start, stop = max(-low, 0), n - max(-high, 0)       # what is cropped does not come round
    return start + (place - start) % max(stop - start, 1)


def pad_edges_body(xp, x, pad, mode):
    """x with its own numbers around it: mirrored, the outermost repeated, or from the other end."""
    for i, (low, high) in pairs(pad):
        if low or high:
            x = xp.take(x, xp.asarray(sources(x.shape[i], low, high, mode)), axis=i)
    return x if any(pad) else x.copy()


def pad_edges_x(xp, g, x_shape, pad, mode):
    return xp.fold_edges(g, x_shape, pad, mode)


def around(name, grad):
    """The op above under the name that it has in PyTorch for a mode and a number of dimensions."""
    return nary(space="rules", name=name, grad=grad)(pad_edges_body).vjp(x=pad_edges_x)


pad_edges = around("pad_edges", "CopySlices")
AROUND = {("circular", n): pad_edges for n in (1, 2, 3)}
for n in (1, 2, 3):
    AROUND["reflect", n] = around(f"reflection_pad{n}d", f"ReflectionPad{n}D")
    AROUND["replicate", n] = around(f"replication_pad{n}d", f"ReplicationPad{n}D")


@nary(space="rules", grad="PadBackward")
def fold_edges(xp, x, shape, pad, mode):
    """Each number of a padded array added to the one it was copied from: undoes by adding."""
    for i, (low, high) in pairs(pad):
        n = shape[i]
        m = n + low + high
        source = sources(n, low, high, mode)
        a, b = min(max(low, 0), m), max(m - max(high, 0), 0)
        made = xp.zeros((*x.shape[:i], n, *x.shape[x.ndim + i + 1:]), x.dtype)
        if a < b:
            made[at(i, slice(a - low, b - low))] = x[at(i, slice(a, b))]
        for part in (slice(0, a), slice(max(a, b), m)):
            if part.start == part.stop:
                continue
            if mode == "replicate":
                edge = int(source[part.start])
                made[at(i, slice(edge, edge + 1))] += x[at(i, part)].sum(axis=i, keepdims=True)
            else:
                made[at(i, xp.asarray(source[part]))] += x[at(i, part)]
        x = made
    return x
fold_edges.vjp(x=lambda xp, g, pad, mode: xp.pad_edges(g, pad, mode))


def at(axis, place):
    """The index of `place` along an axis counted from the end."""
    return (Ellipsis, place, *(slice(None),) * (-1 - axis))


# ---- the public functions -------------------------------------------------------------------


@framed.public
def constant_pad_nd(input, pad, value=0):
    """`value` around x: `pad` is (before, after) of the last dimension, then of the one before it.

    Negative padding crops. Raises RuntimeError where it crops more than there is.
    """
    if not isinstance(input, Tensor):
        raise failures.not_a_tensor(framed.op, 0, input)
    return framed(input, tuple(pad), held(value, input._data.dtype))


@composite(space="nn.functional", method=False, name="nn.functional.pad")
def pad(input, pad, mode="constant", value=None):
    """x with numbers around its last dimensions; negative padding crops.

    `pad` is (left, right, top, bottom, front, back, …), the last dimension first. `mode`:
    "constant" (`value`, else 0; any dimensions), "reflect" (mirrored at the edge, which is not
    repeated), "replicate" (the edge repeated), "circular" (the numbers of the other end).
    Raises RuntimeError where there are not as many numbers to take.
    """
    pad = checked(input, pad, mode, value)
    shape = input._data.shape
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}. There are constant, reflect, "
                                  "replicate and circular.")
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2: (before, after) for each "
                           "dimension, the last one first.")
    if len(pad) > 2 * len(shape):
        raise RuntimeError("Padding length should be less than or equal to two times the input "
                           f"dimension but got padding length {len(pad)} and input of dimension "
                           f"{len(shape)}")
    if mode == "constant":
        return framed(input, pad, held(value or 0, input._data.dtype))
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    dims = len(pad) // 2
    if dims not in (1, 2, 3) or len(shape) not in (dims + 1, dims + 2):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {len(shape)}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)")
    if mode == "circular":
        check_circular(shape, pad)
    else:
        check_mirror(shape, pad, dims, mode)
        if of(input._data.dtype).name == "bool":
            word = "reflection" if mode == "reflect" else "replication"
            raise failures.not_implemented(f"{word}_pad{dims}d", input._data.dtype)
    return AROUND[mode, dims](input, pad, mode)


def held(value, numpy_dtype):
    """A number as an array of the dtype holds it. Raises RuntimeError where it does not fit."""
    if isinstance(value, Tensor):
        value = value.item()
    if not value:
        return 0
    d = of(numpy_dtype)
    if d.name == "bool":
        return True
    if d.is_floating_point or d.is_complex:
        with np.errstate(over="ignore"):
            fits = d.is_complex or not isinstance(value, complex)
            fits = fits and np.isinf(numpy_dtype.type(value)) == np.isinf(value)
    else:
        bounds = np.iinfo(numpy_dtype)
        fits = bounds.min <= value <= bounds.max
        value = int(value) if fits else value
    if not fits:
        raise too_much(numpy_dtype, f"{value} is no {d.name}.")
    return value


# ---- arguments and errors -------------------------------------------------------------------


def checked(input, pad, mode, value):
    """`pad` as a tuple of ints. Raises TypeError for arguments of the wrong type."""
    if not isinstance(input, Tensor):
        raise TypeError("pad(): argument 'input' (position 1) must be Tensor, not "
                        f"{type(input).__name__}")
    if not isinstance(pad, (tuple, list)):
        hint = f" Write ({pad}, {pad}) for both sides." if isinstance(pad, int) else ""
        raise TypeError("pad(): argument 'pad' (position 2) must be tuple of ints, not "
                        f"{type(pad).__name__}.{hint}")
    if not isinstance(mode, str):
        raise TypeError(f"pad(): argument 'mode' (position 3) must be str, not "
                        f"{type(mode).__name__}")
    if value is not None and not isinstance(value, (int, float, np.number, Tensor)):
        raise TypeError(f"pad(): argument 'value' (position 4) must be float, not "
                        f"{type(value).__name__}")
    whole = []
    for i, n in enumerate(pad):
        if isinstance(n, bool) or not hasattr(n, "__index__"):
            raise TypeError("pad(): argument 'pad' (position 2) must be tuple of ints, but found "
                            f"element of type {type(n).__name__} at pos {i}")
        whole.append(operator.index(n))
    return tuple(whole)


def check_circular(shape, pad):
    """Raise RuntimeError where the numbers would have to come round twice."""
    for i, (low, high) in pairs(pad):
        left = shape[i] + min(low, 0) + min(high, 0)
        if left < 0 or (left == 0 and shape[i] and max(low, high) > 0):
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
        if max(low, high) > left:
            raise RuntimeError("Padding value causes wrapping around more than once. "
                               f"{max(low, high)} is more than the {left} there are.")


def check_mirror(shape, pad, dims, mode):
    """Raise RuntimeError for an empty input, or where the mirror would show more than there is."""
    places = shape[-dims - 1:]
    if 0 in places:
        raise RuntimeError(f"Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with possibly "
                           "0 batch size and other non-zero dimensions for input, but got: "
                           f"{list(shape)}")
    size = [shape[i] + low + high for i, (low, high) in pairs(pad)][::-1]
    for k, (i, (low, high)) in enumerate(pairs(pad)):
        if mode == "reflect" and max(low, high) >= shape[i]:
            raise RuntimeError(
                f"Argument #{4 + 2 * k}: Padding size should be less than the corresponding input "
                f"dimension, but got: padding ({low}, {high}) at dimension {len(shape) + i} of "
                f"input {list(shape)}. Between the edges there are only {shape[i] - 1} others to "
                "mirror.")
    if min(size) < 0 or (dims == 1 and size[0] == 0):
        names = "DHW"[-dims:]
        said = [" ".join(f"{name}: {n}" for name, n in zip(names, values, strict=True))
                for values in (shape[-dims:], size)]
        raise RuntimeError(f"input ({said[0]}) is too small. Calculated output {said[1]}")
