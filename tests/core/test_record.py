"""What an op's record says about dtypes and `out=`, and that the front ends do it."""
import numpy as np
import pytest

import learntorch
from learntorch.core.op import binary, nary, unary
from learntorch.core.record import registry
from tests.oracle import alike, needs_torch


@pytest.fixture
def forgotten():
    """Ops of a test leave the registry again."""
    from learntorch.backend import numpy_xp, tensor_xp
    before = set(registry)
    yield
    for key in set(registry) - before:
        del registry[key], numpy_xp.siblings[key], tensor_xp.siblings[key]


def test_a_float_op_never_sees_whole_numbers(forgotten):
    seen = []

    @unary(result="float", space="rules")
    def halved(x):
        """x / 2."""
        seen.append(x.dtype.name)
        return x / 2
    for dtype, wide in ((learntorch.int64, "float32"), (learntorch.bool, "float32"),
                        (learntorch.float16, "float32"), (learntorch.float64, "float64")):
        r = halved(learntorch.ones(3).to(dtype))
        assert seen.pop() == wide and not seen
        assert r.dtype is (dtype if dtype.is_floating_point else learntorch.float32)
        assert r.tolist() == [0.5] * 3


def test_a_mask_has_the_dtype_of_the_first_tensor(forgotten):
    """… also where a rule calls the kernel on raw arrays."""
    @nary(result="mask", space="rules")
    def large(x, limit):
        """1 where x > limit."""
        return x > limit
    for dtype in (learntorch.float32, learntorch.float16, learntorch.int64):
        r = large(learntorch.arange(4).to(dtype), 1)
        assert r.dtype is dtype and r.tolist() == [0, 0, 1, 1]
    assert large.op.kernels[np.ndarray](np.arange(4.0, dtype=np.float32), 1).dtype == np.float32


def test_identity(forgotten):
    @unary(identity="iu", space="rules")
    def rounded_down(xp, x):
        """The largest whole number ≤ x."""
        assert x.dtype.kind == "f"
        return xp.floor(x)
    x = learntorch.tensor([1, 2])
    r = rounded_down(x)
    assert r.tolist() == [1, 2] and r._data is not x._data
    assert rounded_down(learntorch.tensor([1.5])).tolist() == [1.0]


def test_gradients_of_halves_are_rounded_once(forgotten):
    """1 − t² in float16 would lose most digits of the slope of tanh far out."""
    x = learntorch.tensor([3.4], dtype=learntorch.float16, requires_grad=True)
    y = x.tanh()
    y.backward()
    t = np.float64(y.item())
    assert x.grad.item() == np.float16(1 - t * t)
    assert np.float16(1) - np.float16(t) * np.float16(t) != np.float16(1 - t * t)


def test_rules_may_ask_for_halves_as_they_are(forgotten):
    seen = []

    @binary(halves="rules", space="rules")
    def times(x, y):
        """x · y."""
        return x * y

    def slope(g, y):
        seen.append(y.dtype.name)
        return g * y
    times.vjp(x=slope)
    x = learntorch.ones(2, dtype=learntorch.float16, requires_grad=True)
    times(x, x.detach()).sum().backward()
    times.op.halves = ""
    times(x, x.detach()).sum().backward()
    assert seen == ["float16", "float32"]


def test_records_say_what_out_must_be():
    demands = {name: f.op.demands for name, f in registry.items() if f.op.demands}
    for name in ("cat", "gather", "index_select", "kthvalue", "masked_select", "take"):
        assert "apart" in demands[name], name
    assert demands["amax"] == demands["amin"] == ["match"] and demands["aminmax"] == ["dtype"]


x = [[3.0, 1.0], [2.0, 5.0]]
CASES = {
    "dtype": lambda t: t.gather(t.tensor(x), 0, t.tensor([[0, 1]]), out=t.empty(1, 2).double()),
    "dtype of several": lambda t: t.aminmax(t.tensor(x), out=(t.empty(()).double(),) * 2),
    "match": lambda t: t.amax(t.tensor(x), 0, out=t.empty(2).double()),
    "kind": lambda t: t.fft.fft(t.tensor(x), out=t.empty(2, 2)),
}


@needs_torch
@pytest.mark.parametrize("name", CASES)
def test_out_is_refused_in_the_same_words(name):
    alike(CASES[name])


@needs_torch
def test_out_may_not_be_the_input():
    def case(torch):
        t = torch.tensor(x)
        return torch.take(t, torch.tensor([0, 3]), out=t)
    alike(case)


BOTH = [name for name, f in registry.items()
        if f.op.numbers == "both" and f.op.kind == "binary" and "torch" in f.op.space.split()
        and name != "rsub"]


@needs_torch
@pytest.mark.parametrize("name", sorted(BOTH))
@pytest.mark.parametrize("dtype", ["int64", "float16", "float64"])
def test_the_first_operand_may_be_a_number(name, dtype):
    """`torch.mul(2, t)` has the dtype of `2 * t`."""
    if "bitwise" in name and dtype != "int64":
        pytest.skip("bits of whole numbers")

    def case(torch):
        t = torch.tensor([1, 2, 3]).to(getattr(torch, dtype))
        numbers = (2, True) if name in ("bitwise_and", "bitwise_or") else (2,)
        return [getattr(torch, name)(n, x) for n in numbers for x in (t, t[1])]
    alike(case)


@needs_torch
@pytest.mark.parametrize("name", ["eq", "fmod", "maximum", "rsub"])
def test_elsewhere_it_may_not(name):
    with pytest.raises(TypeError, match="argument 'input' \\(position 1\\) must be Tensor"):
        getattr(learntorch, name)(2, learntorch.ones(2))


@needs_torch
@pytest.mark.parametrize("value", [-9, 300, 1.5, -1.5, 2 ** 40, 1e300, float("inf"), 1 + 2j, True])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "float32", "float64", "bool",
                                   "complex64"])
def test_numbers_that_a_dtype_holds(value, dtype):
    """Unsigned types wrap below 0; what is too large is refused in PyTorch's words."""
    def case(make):
        def run(torch):
            return make(torch, getattr(torch, dtype))
        alike(run)
    case(lambda torch, d: torch.full((2,), value, dtype=d))
    case(lambda torch, d: torch.zeros(2, dtype=d).fill_(value))
    case(lambda torch, d: torch.zeros(2, dtype=d).new_full((1,), value))


@needs_torch
@pytest.mark.parametrize("ends", [(0.5, 4.9, 1.5), (4.3, -3, -1), (-0.9, 2.1, 1)])
def test_whole_ranges_count_from_whole_ends(ends):
    alike(lambda torch: torch.arange(*ends, dtype=torch.int64))
    alike(lambda torch: torch.linspace(*ends[:2], 7, dtype=torch.int32))


@needs_torch
def test_complex_of_infinite_parts():
    def case(torch):
        edges = torch.tensor([float("inf"), 0.0, float("nan"), -1.0])
        return torch.complex(edges.unsqueeze(0), edges.unsqueeze(1))
    alike(case)
