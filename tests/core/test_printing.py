"""Printing: equal to PyTorch character for character, and right without PyTorch installed."""
import re
import threading

import ml_dtypes
import numpy as np
import pytest

from learntorch.core import dtypes, printing
from learntorch.core.printing import (
    format_tensor,
    get_printoptions,
    printoptions,
    set_printoptions,
    tensor_str,
)
from learntorch.core.tensor import Tensor, wrap
from learntorch.ops.pointwise import exp

INF = float("inf")
NAN = float("nan")
NO_TORCH = "live comparison with PyTorch not run: torch is not installed"

FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
INTEGERS = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
NUMPY = {"bfloat16": np.dtype(ml_dtypes.bfloat16)}

RANGES = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "whole": lambda rng, shape: np.round(rng.standard_normal(shape) * 10.0 ** rng.integers(0, 11)),
    "scaled": lambda rng, shape: rng.standard_normal(shape) * 10.0 ** rng.integers(-8, 12),
    "around_the_switch": lambda rng, shape: 10.0 ** rng.uniform(-1.5, 1.52, shape),
    "wide": lambda rng, shape: 10.0 ** rng.uniform(-300, 300, shape),
    "sparse": lambda rng, shape: np.where(rng.random(shape) < 0.6, 0.0, rng.random(shape)),
    "signed_zero": lambda rng, shape: np.where(rng.random(shape) < 0.5, 0.0, -0.0),
    "special": lambda rng, shape: rng.choice([NAN, INF, -INF, 0.0, 1.0, 1.5, -2e5], shape),
}
INTEGER_RANGES = {
    "narrow": lambda rng, shape: rng.integers(-9, 100, shape),
    "wide": lambda rng, shape: rng.integers(-128, 127, shape) * 10 ** int(rng.integers(0, 12)),
}
CASES = [(dtype, name) for dtype in FLOATS + COMPLEX for name in RANGES]
CASES += [(dtype, name) for dtype in INTEGERS for name in INTEGER_RANGES]


def np_dtype(name):
    return NUMPY.get(name, np.dtype(name))


def draw_array(rng, dtype, name):
    ndim = int(rng.integers(0, 5))
    longest = (1, 40, 12, 9, 8)[ndim]
    shape = tuple(rng.integers(rng.random() > 0.1, longest + 1, ndim).tolist())
    with np.errstate(all="ignore"):
        if dtype in INTEGERS:
            return np.array(INTEGER_RANGES[name](rng, shape)).astype(np_dtype(dtype))
        values = np.array(RANGES[name](rng, shape), dtype=np.float64)
        if dtype in COMPLEX:
            whole = np.empty(shape, np.complex128)
            whole.real = values
            whole.imag = RANGES[name](rng, shape)
            values = whole
        return values.astype(np_dtype(dtype))


def draw_options(rng):
    every = {
        "precision": int(rng.integers(0, 7)),
        "threshold": int(rng.integers(0, 60)),
        "edgeitems": int(rng.integers(0, 5)),
        "linewidth": int(rng.integers(0, 130)),
        "profile": str(rng.choice(["default", "short", "full"])),
        "sci_mode": bool(rng.random() < 0.5),
    }
    chance = {"threshold": 0.7, "linewidth": 0.7, "profile": 0.2, "sci_mode": 0.3}
    return {name: value for name, value in every.items() if rng.random() < chance.get(name, 0.5)}


def to_torch(torch, array):
    if array.dtype == NUMPY["bfloat16"]:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason=NO_TORCH)


@pytest.fixture(autouse=True)
def default_options():
    set_printoptions(profile="default")
    yield
    set_printoptions(profile="default")


# ---------------------------------------------------------------- without PyTorch

def f32(*values):
    return np.array(values, np.float32)


FROZEN = [
    (np.float32(3.14159), {}, {}, "tensor(3.1416)"),
    (np.array(7), {}, {}, "tensor(7)"),
    (np.array(True), {}, {}, "tensor(True)"),
    (f32(1, 2, 3), {}, {}, "tensor([1., 2., 3.])"),
    (f32(), {}, {}, "tensor([])"),
    (np.zeros(0, np.int64), {}, {}, "tensor([], dtype=torch.int64)"),
    (np.zeros((0, 3), np.float32), {}, {}, "tensor([], size=(0, 3))"),
    (np.array([True, False]), {}, {}, "tensor([ True, False])"),
    (np.array([-10, 5, 300], np.int16), {}, {}, "tensor([-10,   5, 300], dtype=torch.int16)"),
    (np.array([1.5], ml_dtypes.bfloat16), {}, {}, "tensor([1.5000], dtype=torch.bfloat16)"),
    (np.array([1.5], ml_dtypes.float8_e5m2), {}, {}, "tensor([1.5000], dtype=torch.float8_e5m2)"),
    (np.array([1.0, 0.5]), {}, {}, "tensor([1.0000, 0.5000], dtype=torch.float64)"),
    (np.array([1.0, 0.5]), {}, {"default_dtype": "float64"}, "tensor([1.0000, 0.5000])"),
    (f32(1, 1000), {}, {}, "tensor([   1., 1000.])"),
    (f32(1, 1001), {}, {}, "tensor([1.0000e+00, 1.0010e+03])"),
    (f32(0, 1e-4), {}, {}, "tensor([0.0000e+00, 1.0000e-04])"),
    (f32(0, 1e-4), {"sci_mode": False}, {}, "tensor([0.0000, 0.0001])"),
    (f32(NAN, INF, -0.0), {}, {}, "tensor([nan, inf, -0.])"),
    (f32(NAN, 1.5, -INF), {}, {}, "tensor([   nan, 1.5000,   -inf])"),
    (np.array([1 - 2j, 0.5], np.complex64), {}, {}, "tensor([1.0000-2.j, 0.5000+0.j])"),
    (np.arange(2000), {}, {}, "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
    (np.zeros((2, 2, 1), np.float32), {}, {},
     "tensor([[[0.],\n         [0.]],\n\n        [[0.],\n         [0.]]])"),
    (np.arange(12).reshape(4, 3), {"threshold": 5, "edgeitems": 1}, {},
     "tensor([[ 0,  ...,  2],\n        ...,\n        [ 9,  ..., 11]])"),
    (np.arange(12), {"threshold": 5, "edgeitems": 0}, {}, "tensor([...], size=(12,))"),
    (np.arange(8), {"linewidth": 20}, {}, "tensor([0, 1, 2, 3,\n        4, 5, 6, 7])"),
    (np.ones(40, np.int64), {"linewidth": INF}, {}, "tensor([" + "1, " * 39 + "1])"),
    (f32(1.23456), {"precision": 2}, {}, "tensor([1.23])"),
    (f32(1), {}, {"requires_grad": True}, "tensor([1.], requires_grad=True)"),
    (f32(1), {}, {"requires_grad": True, "grad_fn": "MulBackward0"},
     "tensor([1.], grad_fn=<MulBackward0>)"),
    (f32(1), {"linewidth": 30}, {"grad_fn": "MulBackward0"},
     "tensor([1.],\n       grad_fn=<MulBackward0>)"),
    (f32(1), {}, {"prefix": "Parameter containing:\ntensor(", "requires_grad": True},
     "Parameter containing:\ntensor([1.], requires_grad=True)"),
    (f32(1), {}, {"prefix": "Sub("}, "Sub([1.])"),
    (f32(1), {}, {"device": "cuda:0"}, "tensor([1.], device='cuda:0')"),
    (np.zeros((0, 2), np.int32), {}, {"device": "cuda:0"},
     "tensor([], device='cuda:0', size=(0, 2), dtype=torch.int32)"),
    (np.zeros(3, np.int64), {}, {"device": "meta"},
     "tensor(..., device='meta', size=(3,), dtype=torch.int64)"),
]


@pytest.mark.parametrize("array, options, about, text", FROZEN)
def test_frozen(array, options, about, text):
    with printoptions(**options):
        assert tensor_str(np.asarray(array), **about) == text


def test_cost_does_not_grow_with_the_array():
    """10¹² elements, none of them stored: formatting or copying them all could not end."""
    array = np.broadcast_to(np.float32(0.5), (10**6, 10**6))
    assert tensor_str(array).count("0.5000") == 36


def test_only_the_corners_leave_the_device():
    moved = []

    class DeviceArray:
        def __init__(self, a):
            self.a = a
            self.shape, self.dtype, self.size = a.shape, a.dtype, a.size

        def __getitem__(self, key):
            return DeviceArray(self.a[key])

        def get(self):
            moved.append(self.size)
            return self.a

    array = np.arange(40000).reshape(200, 200)
    assert tensor_str(DeviceArray(array)) == tensor_str(array)
    assert sum(moved) == 36


def test_array_is_left_alone():
    array = np.array([3.0, -0.0, NAN])
    array.flags.writeable = False               # writing into it would raise
    assert tensor_str(array) == tensor_str(array.copy())


# ---------------------------------------------------------------- options

def test_options_stay_until_changed():
    assert get_printoptions() == {"precision": 4, "threshold": 1000, "edgeitems": 3,
                                  "linewidth": 80, "sci_mode": None}
    set_printoptions(precision=2, sci_mode=True)
    set_printoptions(linewidth=60)
    assert get_printoptions() == {"precision": 2, "threshold": 1000, "edgeitems": 3,
                                  "linewidth": 60, "sci_mode": None}
    get_printoptions()["precision"] = 9
    assert get_printoptions()["precision"] == 2


def test_context_restores_after_an_error():
    set_printoptions(precision=6, sci_mode=True)
    before = get_printoptions()
    with pytest.raises(ZeroDivisionError):
        with printoptions(precision=1):
            raise ZeroDivisionError
    assert get_printoptions() == before
    with pytest.raises(TypeError):
        with printoptions(digits=1):
            pass
    assert get_printoptions() == before


def test_options_hold_for_other_threads():
    set_printoptions(precision=1)
    seen = []
    thread = threading.Thread(target=lambda: seen.append(tensor_str(np.float32(0.25))))
    thread.start()
    thread.join()
    assert seen == ["tensor(0.2)"]


@pytest.mark.parametrize("options", [
    {"profile": "short"}, {"profile": "FULL"}, {"profile": "default"}, {"profile": "unknown"},
    {"profile": "full", "precision": 2}, {"sci_mode": True}, {"linewidth": 50}, {"edgeitems": 0},
])
def test_options_are_pytorchs(torch, options):
    theirs = torch._tensor_str
    try:
        for _ in range(2):
            torch.set_printoptions(**options)
            set_printoptions(**options)
            assert get_printoptions() == theirs.get_printoptions()
            torch.set_printoptions(precision=3)
            set_printoptions(precision=3)
            assert get_printoptions() == theirs.get_printoptions()
    finally:
        torch.set_printoptions(profile="default")


# ---------------------------------------------------------------- against PyTorch

@pytest.mark.parametrize("dtype, name", CASES)
def test_like_pytorch(torch, dtype, name):
    rng = np.random.default_rng([CASES.index((dtype, name)), 2013])
    for _ in range(8):
        array = draw_array(rng, dtype, name)
        options = draw_options(rng)
        t = to_torch(torch, array)
        about = {}
        prefix = "tensor("
        if dtype in FLOATS + COMPLEX and rng.random() < 0.5:
            t.requires_grad_()
            about["requires_grad"] = True
            if rng.random() < 0.5:
                t = t.clone()
                about["grad_fn"] = t.grad_fn.name()
            elif rng.random() < 0.5:
                t = torch.nn.Parameter(t.detach())
                prefix = "Parameter containing:\n" + prefix
        with torch._tensor_str.printoptions(**options), printoptions(**options):
            assert tensor_str(array, prefix=prefix, **about) == repr(t), (options, array.shape)


def test_where_notes_break(torch):
    """Every line width once: each note moves to its own line where PyTorch's does."""
    array = np.array([[0.5, -1.25, 3.0], [10.0, 0.0, 1.0]])
    t = to_torch(torch, array).requires_grad_() * 2
    about = {"grad_fn": "MulBackward0", "prefix": "tensor("}
    for width in range(120):
        with torch._tensor_str.printoptions(linewidth=width), printoptions(linewidth=width):
            assert tensor_str(array * 2, **about) == repr(t), width


@pytest.mark.parametrize("default", FLOATS)
def test_default_dtype_goes_unmentioned(torch, default):
    usual = torch.get_default_dtype()
    try:
        torch.set_default_dtype(getattr(torch, default))
        for dtype in FLOATS + COMPLEX + INTEGERS:
            for shape in ((), (2,), (0,), (2, 0)):
                array = np.ones(shape, np_dtype(dtype))
                expected = repr(to_torch(torch, array))
                assert tensor_str(array, default_dtype=default) == expected
    finally:
        torch.set_default_dtype(usual)


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
def test_float8(torch, name):
    array = np.array([[1.5, -0.25], [12.0, NAN]], getattr(ml_dtypes, name))
    t = torch.from_numpy(array.view(np.uint8)).view(getattr(torch, name))
    assert tensor_str(array) == repr(t)


@pytest.mark.parametrize("shape", [(), (3,), (0, 2)])
def test_meta(torch, shape):
    t = torch.empty(shape, device="meta", dtype=torch.int64)
    assert tensor_str(np.empty(shape, np.int64), device="meta") == repr(t)


def test_tangent(torch):
    forward = torch.autograd.forward_ad
    ones = np.ones(3, np.float32)
    with forward.dual_level():
        t = forward.make_dual(torch.ones(3), torch.ones(3))
        assert tensor_str(ones, tangent=tensor_str(ones)) == repr(t)


@pytest.mark.parametrize("arrange", [np.transpose, np.flip, lambda a: a[::2, 1:]])
def test_any_strides(torch, arrange):
    array = arrange(np.arange(48.0).reshape(6, 8) / 7)
    assert tensor_str(array) == repr(to_torch(torch, np.ascontiguousarray(array)))


# ---------------------------------------------------------------- format()

class Fake:
    """As much of a tensor as `format_tensor` asks for."""

    def __init__(self, value, device="cpu"):
        self.value = np.asarray(value)
        self.shape = self.value.shape
        self.device = type("device", (), {"type": device})

    def dim(self):
        return self.value.ndim

    def item(self):
        return self.value.item()

    def __repr__(self):
        return tensor_str(self.value)


@pytest.mark.parametrize("value, spec, text", [
    (np.float32(3.14159), "", "3.141590118408203"),
    (np.float32(3.14159), ".3f", "3.142"),
    (3, ">4", "   3"),
    (True, ".1f", "1.0"),
    (1 + 2j, ".1f", "1.0+2.0j"),
    ([1, 2], "", "tensor([1, 2])"),
])
def test_format(value, spec, text):
    assert format_tensor(Fake(value), spec) == text


def test_format_needs_one_number():
    with pytest.raises(TypeError, match=r"^unsupported format string passed to Fake.__format__"):
        format_tensor(Fake([1.0, 2.0]), ".3f")
    with pytest.raises(TypeError, match="unsupported format string"):
        format_tensor(Fake(1.0), ".3f", plain=False)
    with pytest.raises(TypeError, match="unsupported format string"):
        format_tensor(Fake(1.0, device="meta"), ".3f")
    with pytest.raises(ValueError, match="Unknown format code 'd'"):
        format_tensor(Fake(1.0), "d")


def test_format_errors_are_pytorchs(torch):
    for value, spec in (([1.0], ".3f"), (1.0, "d"), (1.0, "s"), (1, "s"), (1j, "d")):
        with pytest.raises((TypeError, ValueError)) as theirs:
            format(torch.tensor(value), spec)
        ours = Fake(np.array(value, np.float32) if isinstance(value, float) else value)
        with pytest.raises(theirs.type) as mine:
            format_tensor(ours, spec)
        wording = str(theirs.value).replace("Tensor.", "Fake.")
        assert str(mine.value).startswith(wording)


# ---------------------------------------------------------------- the real Tensor

class Celsius(Tensor):
    """A user's own kind of tensor."""


def test_repr_of_tensors(torch):
    half = f32(0.5, 2.0)
    ours, theirs = wrap(half.copy()), torch.tensor(half)
    assert repr(ours) == str(ours) == f"{ours}" == repr(theirs)
    ours.requires_grad_()
    theirs.requires_grad_()
    assert repr(ours) == repr(theirs)
    assert repr(exp(ours)) == repr(theirs.exp()) == "tensor([1.6487, 7.3891], " \
                                                    "grad_fn=<ExpBackward0>)"
    assert repr(ours.detach()) == repr(theirs.detach())
    assert ours.__repr__(tensor_contents="ABC") == theirs.__repr__(tensor_contents="ABC")


def test_parameters(torch):
    from learntorch.nn import Parameter
    for requires_grad in (True, False):
        ours = Parameter(wrap(np.ones((2, 9), np.float32) / 3), requires_grad)
        theirs = torch.nn.Parameter(torch.ones(2, 9) / 3, requires_grad)
        assert repr(ours) == f"{ours}" == repr(theirs)
    one = Parameter(wrap(np.array(1.5, np.float32)))
    assert f"{one}" == "Parameter containing:\ntensor(1.5000, requires_grad=True)"
    with pytest.raises(TypeError, match="passed to Parameter.__format__"):
        format(one, ".2f")


def test_repr_of_a_users_class():
    t = Celsius()
    t._data = np.linspace(0, 1, 12, dtype=np.float32)
    assert repr(t) == ("Celsius([0.0000, 0.0909, 0.1818, 0.2727, 0.3636, 0.4545, 0.5455, 0.6364, "
                       "0.7273,\n         0.8182, 0.9091, 1.0000])")
    assert repr(exp(wrap(np.float32([0])).requires_grad_())).startswith("tensor(")


def test_repr_of_a_view_without_valid_history():
    class Broken(Celsius):
        @property
        def grad_fn(self):
            raise RuntimeError("a view was created in no_grad mode and ...")

    t = Broken()
    t._data = f32(1)
    assert repr(t) == "Broken([1.], grad_fn=<Invalid>)"


def test_default_dtype_of_tensors():
    usual = dtypes.get_default_dtype()
    try:
        dtypes.set_default_dtype(dtypes.float64)
        assert repr(wrap(np.ones(1))) == "tensor([1.])"
        assert repr(wrap(f32(1))) == "tensor([1.], dtype=torch.float32)"
    finally:
        dtypes.set_default_dtype(usual)


def test_format_of_tensors(torch):
    for value in (f32(3.14159)[0], np.int64(3), np.bool_(True), np.complex64(1 + 2j), f32(1, 2)):
        for spec in ("", ".2f", "9", "d", "s"):
            try:
                expected = format(torch.tensor(value), spec)
            except (TypeError, ValueError) as error:
                with pytest.raises(type(error), match="^" + re.escape(str(error))):
                    format(wrap(np.array(value)), spec)
            else:
                assert format(wrap(np.array(value)), spec) == expected
    one = wrap(np.array(1.5, np.float32)).requires_grad_()
    assert f"{one:.2f} {exp(one):.1f}" == "1.50 4.5"


def test_module_stands_alone():
    """`print` is needed to debug everything else, so it rests on next to nothing."""
    with open(printing.__file__, encoding="utf-8") as file:
        imports = [line.split()[1] for line in file if line.startswith(("import ", "from "))]
    assert imports == ["contextlib", "numpy", "learntorch.core"]
