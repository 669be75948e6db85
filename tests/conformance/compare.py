"""Structural and numerical comparison of torch's value with the library's value."""
import numpy as np
import torch
from torch.testing._comparison import default_tolerances

from .adapter import NotATensor, dtype_name

STRICT, ARBITER = 0, 1          # how a comparison passed, see check_values

# Where torch's own result is uncertain, the arbiter forgives an error of this order of
# the result at most (relative to the element, or to the largest element; never to < 0.1)
_ARBITER_CAP = {"float16": 3e-2, "bfloat16": 1e-1, "float32": 1e-3, "float64": 1e-4,
                "complex32": 3e-2, "complex64": 1e-3, "complex128": 1e-4}

# For tests whose subject is not accuracy (out=, in-place, second order): (rtol, atol)
LOOSE = {"float16": (1e-2, 1e-2), "bfloat16": (5e-2, 5e-2), "float32": (1e-3, 1e-4),
         "float64": (1e-5, 1e-6), "complex32": (1e-2, 1e-2), "complex64": (1e-3, 1e-4),
         "complex128": (1e-5, 1e-6)}


class Mismatch(AssertionError):
    """The two values differ; the message says how."""


def tolerances(name):
    """torch.testing's default (rtol, atol) of a dtype; (0, 0) for integers and booleans."""
    dtype = getattr(torch, name)
    return default_tolerances(dtype) if dtype.is_floating_point or dtype.is_complex else (0.0, 0.0)


def pairs(lib_side, ref, got, path="out"):
    """Walk both values; check everything that is not a tensor; list the tensor pairs."""
    found = []
    _walk(lib_side, ref, got, path, found)
    return found


def _walk(lib_side, ref, got, path, found):
    if isinstance(ref, torch.Tensor):
        if not lib_side.is_tensor(got):
            raise NotATensor(f"{path}: expected a Tensor, got {type(got).__name__}")
        found.append((path, ref, got))
    elif isinstance(ref, torch.Size):
        if not isinstance(got, (tuple, list)) or tuple(ref) != tuple(got):
            raise Mismatch(f"{path}: size {tuple(ref)} vs {got}")
    elif isinstance(ref, (tuple, list)):
        if not isinstance(got, (tuple, list)):
            raise Mismatch(f"{path}: expected a sequence of {len(ref)}, got {type(got).__name__}")
        if len(ref) != len(got):
            raise Mismatch(f"{path}: expected {len(ref)} items, got {len(got)}")
        for f in _fields(ref):
            if not hasattr(got, f):
                raise Mismatch(f"{path}: result has no field .{f}")
        for i, (r, g) in enumerate(zip(ref, got)):
            _walk(lib_side, r, g, f"{path}[{i}]", found)
    elif isinstance(ref, dict):
        if not hasattr(got, "keys") or set(ref) != set(got):
            raise Mismatch(f"{path}: keys {sorted(map(str, ref))} vs {sorted(map(str, got))}")
        for k in ref:
            _walk(lib_side, ref[k], got[k], f"{path}[{k!r}]", found)
    elif isinstance(ref, torch.dtype):
        if dtype_name(ref) != dtype_name(got):
            raise Mismatch(f"{path}: dtype {ref} vs {got}")
    elif isinstance(ref, (bool, str)) or ref is None:
        if type(got) is not type(ref) or got != ref:
            raise Mismatch(f"{path}: {ref!r} vs {got!r}")
    elif isinstance(ref, (int, float, complex)):
        if not isinstance(got, type(ref)) or isinstance(got, bool):
            raise Mismatch(f"{path}: {type(ref).__name__} {ref!r} vs {type(got).__name__} {got!r}")
        exact = isinstance(ref, int)
        if (
            (ref != got)
            if exact
            else not _close(np.asarray(ref), np.asarray(got), 1.3e-6, 1e-5).all()
        ):
            raise Mismatch(f"{path}: {ref!r} vs {got!r}")
    # anything else (opaque objects) is not compared


def _fields(x):
    """Field names of a torch.return_types structseq or of a namedtuple."""
    if hasattr(x, "_fields"):
        return list(x._fields)
    if type(x).__module__ == "torch.return_types":
        return [n for n in dir(x) if not n.startswith("_") and n not in
                ("count", "index", "n_fields", "n_sequence_fields", "n_unnamed_fields")]
    return []


def check_meta(path, ref, got):
    """Shape and dtype."""
    rn, gn = dtype_name(ref.dtype), dtype_name(got.dtype)
    if tuple(ref.shape) != tuple(got.shape):
        raise Mismatch(f"{path}: shape {tuple(ref.shape)} vs {tuple(got.shape)}")
    if rn != gn:
        raise Mismatch(f"{path}: dtype {rn} vs {gn}")


def check_values(path, name, ref, got, truth=None, elementwise=False, tol=None):
    """Compare two numpy arrays that stand for dtype ``name``; raise Mismatch or return

    STRICT   equal within torch.testing's default tolerance of the dtype (integers and
             booleans: exactly; NaN equals NaN), or within ``tol`` if given
    ARBITER  torch's own result is uncertain here and the library's is as good.
             ``truth()`` gives a better reference and an estimate, per element, of how
             far torch itself is off; the library may be off four times as far.  For
             elementwise operators each element is judged by its own uncertainty,
             otherwise by the largest one in the tensor (as in linear algebra).
    """
    rtol, atol = tol or tolerances(name)
    if got.shape != ref.shape:
        raise Mismatch(f"{path}: shape {ref.shape} vs {got.shape}")
    if rtol == 0 and atol == 0:
        if np.array_equal(ref, got):
            return STRICT
        raise Mismatch(_describe(path, name, ref, got, ref == got))
    wide = np.complex128 if name.startswith("complex") else np.float64
    r, g = ref.astype(wide), got.astype(wide)
    ok = _close(r, g, rtol, atol)
    if ok.all():
        return STRICT
    if truth is not None and _arbiter(name, r, g, ok, truth, elementwise, rtol, atol):
        return ARBITER
    raise Mismatch(_describe(path, name, r, g, ok))


def _arbiter(name, r, g, ok, truth, elementwise, rtol, atol):
    try:
        best, spread = truth()
    except Exception:
        return False
    if best is None or best.shape != r.shape:
        return False
    best = best.astype(r.dtype)
    with np.errstate(all="ignore"):
        known = np.isfinite(best)
        finite = known & np.isfinite(r)
        own = np.maximum(np.abs(np.where(finite, r - best, 0)), np.where(finite, spread, 0))
        scale = np.abs(np.where(finite, best, 0))
        if not elementwise:
            own, scale = own.max(initial=0.0), scale.max(initial=0.0)
        extra = np.minimum(4 * own, _ARBITER_CAP[name] * np.maximum(scale, 0.1))
        # where torch itself overflowed (not finite, though the truth is) nothing extra is granted
        near = np.abs(g - best) <= atol + rtol * np.abs(best) + np.where(finite, extra, 0.0)
    return bool((ok | (known & near)).all())


def _close(r, g, rtol, atol):
    with np.errstate(all="ignore"):
        return (r == g) | (np.isnan(r) & np.isnan(g)) | \
            (np.isfinite(r) & np.isfinite(g) & (np.abs(r - g) <= atol + rtol * np.abs(r)))


def _describe(path, name, r, g, ok):
    bad = np.argwhere(~np.atleast_1d(ok))
    i = tuple(bad[0]) if r.ndim else ()
    with np.errstate(all="ignore"):
        diff = np.abs(np.asarray(r, dtype=complex) - np.asarray(g, dtype=complex))
        diff = diff[np.isfinite(diff)].max(initial=0.0)
    return (f"{path}: {len(bad)}/{max(r.size, 1)} {name} values differ, max abs diff {diff:.3g}, "
            f"e.g. at {tuple(int(k) for k in i)}: expected {r[i]!s}, got {g[i]!s}")
