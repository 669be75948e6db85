"""PyTorch as oracle: the same code is run on learntorch and on PyTorch and must come out the same.

    from tests.oracle import alike, needs_torch

    @needs_torch
    def test_cumsum_of_a_row():
        alike(lambda torch: torch.ones(2, 3).cumsum(1))

``alike`` compares values, dtypes, shapes and ``requires_grad`` of whatever nest of tensors the
function returns; where PyTorch raises, learntorch must raise the same type, beginning with the
same words.  Where torch is not installed these tests report themselves as skipped, with a reason.
"""
import numpy as np
import pytest

import learntorch

try:
    import torch
except ImportError:
    torch = None
    STATUS = "PyTorch is not installed (group 'oracle'); frozen samples stand in for it"
else:
    torch.set_num_threads(1)
    STATUS = f"PyTorch {torch.__version__}"

# rtol, atol by dtype name: those of torch.testing.assert_close; everything else is exact
TOLERANCES = {"float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5),
              "float64": (1e-7, 1e-7), "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7)}
_WIDER = {"bfloat16": "float32", "complex32": "complex64"}        # dtypes NumPy cannot hold


def needs_torch(test):
    """Mark a test, or a class of tests, as live comparison with PyTorch."""
    skip = pytest.mark.skipif(torch is None, reason=f"live oracle not run: {STATUS}")
    return pytest.mark.oracle(skip(test))


# ---- conversions -----------------------------------------------------------------------------

def dtype_name(dtype):
    """'float32' for torch.float32, learntorch.float32 and numpy.float32."""
    return str(dtype).rsplit(".", 1)[-1]


def array(t):
    """The values of a tensor of either library, as a NumPy array (bfloat16 widened)."""
    wide = _WIDER.get(dtype_name(t.dtype))
    lib = torch if torch is not None and isinstance(t, torch.Tensor) else learntorch
    t = t.detach()
    if wide:
        t = t.to(getattr(lib, wide))
    if lib is torch:
        t = t.resolve_conj().resolve_neg()
    return np.asarray(t.numpy())


def _moved(x, lib):
    name, values = dtype_name(x.dtype), array(x)
    made = lib.from_numpy(np.array(values, order="K"))
    made = made.to(getattr(lib, name)) if name in _WIDER else made
    return made.requires_grad_() if x.requires_grad else made


def _convert(x, source, target):
    if isinstance(x, source.Tensor):
        return _moved(x, target)
    if isinstance(x, source.dtype):
        return getattr(target, dtype_name(x))
    if isinstance(x, dict):
        return {k: _convert(v, source, target) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(_convert(v, source, target) for v in x)
    return x


def theirs(x):
    """learntorch -> PyTorch: tensors and dtypes in any nest of lists, tuples and dicts."""
    return _convert(x, learntorch, torch)


def ours(x):
    """PyTorch -> learntorch: tensors and dtypes in any nest of lists, tuples and dicts."""
    return _convert(x, torch, learntorch)


# ---- comparison ------------------------------------------------------------------------------

class Raised:
    """What a call that failed leaves behind: the exception's type and its first line."""

    def __init__(self, error):
        self.error = error
        self.type = type(error).__name__
        self.words = (str(error).splitlines() or [""])[0].strip()

    def __repr__(self):
        return f"{self.type}: {self.words}"


def outcome(function, *args, **kwargs):
    """The result of a call, or what it raised."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return Raised(error)


def same(mine, reference, rtol=None, atol=None, wording=True, path="result"):
    """Assert that learntorch's result is PyTorch's; AssertionError says where and how they differ.

    Compares types of containers, shapes, dtypes, ``requires_grad`` and values (within the dtype's
    tolerance, NaN equal to NaN).  Of two exceptions the types must agree and, with ``wording``,
    learntorch's message must begin with PyTorch's words.
    """
    if isinstance(mine, Raised) or isinstance(reference, Raised):
        same_error(mine, reference, wording, path)
    elif hasattr(reference, "requires_grad") and hasattr(reference, "detach"):
        same_tensor(mine, reference, rtol, atol, path)
    elif isinstance(reference, dict):
        assert set(mine) == set(reference), f"{path}: keys {list(mine)} vs {list(reference)}"
        for key in reference:
            same(mine[key], reference[key], rtol, atol, wording, f"{path}[{key!r}]")
    elif isinstance(reference, (list, tuple)):
        assert isinstance(mine, (list, tuple)), f"{path}: {type(mine).__name__}, not a sequence"
        assert len(mine) == len(reference), f"{path}: {len(mine)} items, {len(reference)} expected"
        for i, (m, r) in enumerate(zip(mine, reference)):
            same(m, r, rtol, atol, wording, f"{path}[{i}]")
    elif isinstance(reference, (float, complex)) and type(mine) is type(reference):
        same_values(np.asarray(mine), np.asarray(reference), rtol or 1e-6, atol or 1e-9, path)
    elif torch is not None and isinstance(reference, (torch.dtype, torch.device)):
        assert str(mine) == str(reference), f"{path}: {mine}, expected {reference}"
    else:
        assert type(mine) is type(reference) and mine == reference, \
            f"{path}: {mine!r}, expected {reference!r}"


def same_tensor(mine, reference, rtol=None, atol=None, path="result"):
    assert isinstance(mine, learntorch.Tensor), f"{path}: {type(mine).__name__} is not a Tensor"
    name, expected = dtype_name(mine.dtype), dtype_name(reference.dtype)
    assert name == expected, f"{path}: dtype {name}, expected {expected}"
    shape = tuple(reference.shape)
    assert tuple(mine.shape) == shape, f"{path}: shape {tuple(mine.shape)}, expected {shape}"
    assert mine.requires_grad == reference.requires_grad, \
        f"{path}: requires_grad {mine.requires_grad}, expected {reference.requires_grad}"
    default = TOLERANCES.get(name, (0.0, 0.0))
    same_values(array(mine), array(reference), default[0] if rtol is None else rtol,
                default[1] if atol is None else atol, path)


def same_values(mine, reference, rtol, atol, path="result"):
    """Two arrays agree within rtol·|reference| + atol; NaN equals NaN, infinities their like."""
    if mine.dtype.kind not in "fc":
        ok = np.asarray(mine == reference)
    else:
        ok = np.isclose(mine, reference, rtol=rtol, atol=atol, equal_nan=True)
    if ok.all():
        return
    at = tuple(int(i) for i in np.argwhere(~np.atleast_1d(ok))[0])
    got, want = np.atleast_1d(mine)[at], np.atleast_1d(reference)[at]
    raise AssertionError(f"{path}: {int((~ok).sum())} of {ok.size} values differ, "
                         f"e.g. at {at}: {got!s}, expected {want!s}")


def same_error(mine, reference, wording=True, path="result"):
    """Both sides failed alike: type by name, and PyTorch's first line opens ours."""
    assert isinstance(reference, Raised), f"{path}: raised {mine}, PyTorch gave {reference!r}"
    assert isinstance(mine, Raised), f"{path}: gave {mine!r}, PyTorch raised {reference}"
    kind = reference.type.lstrip("_")                  # PyTorch's LinAlgError has a hidden name
    assert mine.type == kind, f"{path}: raised {mine}, PyTorch raised {reference}"
    if wording:
        words = reference.words.rstrip(".")
        assert str(mine.error).startswith(words), \
            f"{path}: says {str(mine.error)!r}, PyTorch begins {words!r}"


def alike(case, rtol=None, atol=None, wording=True):
    """Run ``case(library)`` on learntorch and on PyTorch; assert that the outcome is the same."""
    reference = outcome(case, torch)
    if isinstance(reference, Raised) and reference.type == "NameError":
        raise reference.error               # the case itself is broken, on both sides alike
    mine = outcome(case, learntorch)
    if isinstance(mine, Raised) and not isinstance(reference, Raised):
        raise AssertionError(f"raised {mine}, PyTorch gave {reference!r}") from mine.error
    same(mine, reference, rtol, atol, wording)
    return mine
