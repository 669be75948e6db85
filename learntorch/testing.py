"""torch.testing: assertions for tests of numerical programs."""

import numpy as np

from learntorch.core.dtypes import promote_types
from learntorch.core.tensor import Tensor

# rtol, atol: how far results may be off that were computed in a dtype; others have to be equal.
TOLERANCES = {"float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5),
              "float64": (1e-7, 1e-7), "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7)}
NUMBERS = {int: "int64", float: "float64", complex: "complex128"}


def assert_close(actual, expected, *, allow_subclasses=True, rtol=None, atol=None, equal_nan=False,
                 check_device=True, check_dtype=True, check_layout=True, check_stride=False,
                 msg=None):
    """Raise AssertionError unless |actual − expected| ≤ atol + rtol · |expected| everywhere.

    Compares tensors, arrays, numbers, and any nest of sequences and mappings of them. Without
    `rtol` and `atol` the tolerance is that of the dtype: 1.3e-6 and 1e-5 for float32. `msg` is said
    instead, or makes another message of it. Raises TypeError for what it cannot compare.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("Both 'rtol' and 'atol' must be either specified or omitted, but got no "
                         f"{'atol' if atol is None else 'rtol'}.")
    ask = {"rtol": rtol, "atol": atol, "equal_nan": equal_nan, "allow_subclasses": allow_subclasses,
           "dtype": check_dtype, "device": check_device, "layout": check_layout,
           "stride": check_stride}
    for path, text in differences(actual, expected, "", ask):
        if path:
            text += f"\n\nThe failure occurred for item {path}"
        raise AssertionError(msg(text) if callable(msg) else msg or text)


def differences(actual, expected, path, ask):
    """(where, in which words) the two differ."""
    from collections.abc import Mapping, Sequence
    if is_nest(actual, expected, Mapping):
        yield from of_mappings(actual, expected, path, ask)
    elif is_nest(actual, expected, Sequence):
        if len(actual) != len(expected):
            yield path, (f"The length of the sequences mismatch: {len(actual)} != "
                         f"{len(expected)}")
            return
        for i, (a, b) in enumerate(zip(actual, expected, strict=True)):
            yield from differences(a, b, f"{path}[{i}]", ask)
    else:
        text = difference(actual, expected, ask)
        if text:
            yield path, text


def is_nest(actual, expected, kind):
    return isinstance(actual, kind) and isinstance(expected, kind) and not isinstance(actual, str)


def of_mappings(actual, expected, path, ask):
    """Differences of two mappings: their keys, then what stands under each."""
    missing = [k for k in expected if k not in actual]
    more = [k for k in actual if k not in expected]
    if missing or more:
        yield path, ("The keys of the mappings do not match:\n"
                     f"Missing keys in the actual mapping: {sorted(missing, key=str)}\n"
                     f"Additional keys in the actual mapping: {sorted(more, key=str)}")
        return
    for k in expected:
        yield from differences(actual[k], expected[k], f"{path}[{k!r}]", ask)


def difference(actual, expected, ask):
    """How two things that are no nests differ, in words; None where they agree."""
    if actual is None or expected is None:
        return None if actual is expected else f"None mismatch: {actual} is not {expected}"
    if isinstance(actual, bool) and isinstance(expected, bool):
        return None if actual is expected else f"Booleans mismatch: {actual} is not {expected}"
    if type(actual) in NUMBERS and type(expected) in NUMBERS:
        return of_numbers(actual, expected, ask)
    if not related(actual, expected, ask["allow_subclasses"]):
        raise TypeError("No comparison pair was able to handle inputs of type "
                        f"{type(actual)} and {type(expected)}.")
    if isinstance(actual, np.ndarray):
        from learntorch.core.tensor import wrap
        actual, expected = wrap(actual), wrap(expected)
    return of_attributes(actual, expected, ask) or of_values(actual, expected, ask)


def related(actual, expected, subclasses):
    """Are both tensors, or both arrays, of one class or one of them of a class made from it?"""
    a, b = type(actual), type(expected)
    if not isinstance(actual, (Tensor, np.ndarray)):
        return False
    return a is b or (subclasses and (issubclass(a, b) or issubclass(b, a)))


def tolerances(names, ask):
    """(rtol, atol): those asked for, else the widest of some dtypes."""
    if ask["rtol"] is not None:
        return ask["rtol"], ask["atol"]
    found = [TOLERANCES.get(name, (0.0, 0.0)) for name in names]
    return max(r for r, _ in found), max(a for _, a in found)


def of_numbers(actual, expected, ask):
    """How two Python numbers differ."""
    if ask["dtype"] and type(actual) is not type(expected):
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    rtol, atol = tolerances([NUMBERS[type(actual)], NUMBERS[type(expected)]], ask)
    if np.isclose(actual, expected, rtol, atol, ask["equal_nan"]):
        return None
    off = abs(actual - expected)
    relative = off / abs(expected) if expected else float("inf")
    return scalar_text(actual, expected, off, relative, rtol, atol)


def of_attributes(actual, expected, ask):
    """The first attribute in which two tensors differ."""
    for name in ("shape", "device", "dtype", "layout", "stride"):
        a, b = getattr(actual, name), getattr(expected, name)
        if name == "stride":
            name, a, b = "stride()", a(), b()
        if ask.get(name.removesuffix("()"), True) and a != b:
            return f"The values for attribute '{name}' do not match: {a} != {b}."
    return None


def of_values(actual, expected, ask):
    """Where the numbers of two tensors differ, and how far at most."""
    rtol, atol = tolerances([actual.dtype.name, expected.dtype.name], ask)
    dtype = promote_types(actual.dtype, expected.dtype)
    actual, expected = actual.detach().to(dtype), expected.detach().to(dtype)
    agree = actual.isclose(expected, rtol=rtol, atol=atol, equal_nan=ask["equal_nan"])
    if agree.all():
        return None
    if dtype.category < 2:
        actual, expected = actual.long(), expected.long()
    off = (actual - expected).abs().masked_fill(agree, 0)
    relative = (off / expected.abs()).masked_fill(agree, 0)
    if not agree.ndim:
        return scalar_text(actual.item(), expected.item(), off.item(), relative.item(), rtol, atol)
    wrong = agree.numel() - int(agree.sum())
    return (f"{heading('Tensor-likes', rtol, atol)}\n\nMismatched elements: {wrong} / "
            f"{agree.numel()} ({wrong / agree.numel():.1%})\n"
            f"{greatest('absolute', off, atol, rtol or atol)}\n"
            f"{greatest('relative', relative, rtol, rtol or atol)}")


def heading(what, rtol, atol):
    return f"{what} are not {'close' if rtol or atol else 'equal'}!"


def allowed(tolerance, tolerant):
    return f" (up to {tolerance} allowed)" if tolerant else ""


def greatest(kind, off, tolerance, tolerant):
    """The sentence about the largest difference."""
    place = int(off.argmax())
    index = tuple(int(i) for i in np.unravel_index(place, tuple(off.shape)))
    return (f"Greatest {kind} difference: {off.reshape(-1)[place].item()} at index {index}"
            + allowed(tolerance, tolerant))


def scalar_text(actual, expected, off, relative, rtol, atol):
    """The sentences about two numbers that differ."""
    return (f"{heading('Scalars', rtol, atol)}\n\nExpected {expected} but got {actual}.\n"
            f"Absolute difference: {off}{allowed(atol, rtol or atol)}\n"
            f"Relative difference: {relative}{allowed(rtol, rtol or atol)}")
