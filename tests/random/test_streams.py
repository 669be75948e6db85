"""The samplers of learntorch.random_streams and random_rejection, and the generator's state.

Live: every call of CALLS against PyTorch, values and the 5056 bytes of state bit by bit.
Frozen (frozen_streams.json): the first values of the same calls, where PyTorch is absent.
"""
import copy
import json
import pathlib
import pickle
import random
import zlib
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

from learntorch import random_rejection as rejection
from learntorch import random_streams as streams
from learntorch.random import Generator
from tests.oracle import needs_torch, torch

SEEDS = (0, 1, 3, 42, 123456789012)
SIZES = (0, 1, 2, 15, 16, 17, 64, 100, 1000)
FLOATS = ("float32", "float64", "float16", "bfloat16")
WIDE_FLOATS = ("float32", "float64")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
COMPLEX = ("complex64", "complex128")


def ramp(low, high, n, d):
    """n numbers from `low` to `high`, the same in both libraries: float32 rounded to `d`."""
    return np.linspace(low, high, n).astype(np.float32).astype(np.dtype(d))


def blank(n, d):
    return torch.empty(n, dtype=getattr(torch, d))


def weights(n, d, rows):
    w = ramp(0.1, 3, n, d)
    return w if rows == 1 else np.stack([w, w[::-1], w * w])


# name: (dtypes, (generator, n, dtype name) -> array, the same of PyTorch -> tensor)
CALLS = {}


def call(name, dtypes, mine, theirs):
    CALLS[name] = (dtypes, mine, theirs)


def fill(name, dtypes, mine, method, *arguments):
    """A method of PyTorch that fills an uninitialised tensor."""
    call(f"{name} {arguments}", dtypes, lambda g, n, d: mine(g, (n,), d, *arguments),
         lambda g, n, d: getattr(blank(n, d), method)(*arguments, generator=g))


for _range in ((0.0, 1.0), (-2.0, 3.0), (0.1, 0.7), (5.0, 5.0)):
    fill("uniform", FLOATS + COMPLEX, streams.uniform, "uniform_", *_range)
for _mean, _std in ((0.0, 1.0), (1.5, 2.0), (0.3, 0.7), (0.0, 0.02), (1.1, 0.0)):
    fill("normal", FLOATS + COMPLEX, streams.normal, "normal_", _mean, _std)
for _mean, _std in ((0.0, 1.0), (0.3, 0.7)):
    call(f"normal with gaps {_mean, _std}", FLOATS,
         lambda g, n, d, m=_mean, s=_std: streams.normal(g, (n,), d, m, s, contiguous=False),
         lambda g, n, d, m=_mean, s=_std: blank(2 * n, d)[::2].normal_(
             m, s, generator=g))
for _rate in (1.0, 1.7, 0.3):
    fill("exponential", FLOATS, streams.exponential, "exponential_", _rate)
for _mean, _std in ((1.0, 2.0), (0.3, 0.5), (700.0, 30.0)):
    fill("log_normal", FLOATS, streams.log_normal, "log_normal_", _mean, _std)
for _median, _sigma in ((0.0, 1.0), (0.3, 0.5), (0.0, 2.3)):
    fill("cauchy", FLOATS, streams.cauchy, "cauchy_", _median, _sigma)
for _p in (0.3, 0.01):
    fill("geometric", FLOATS + INTEGERS, streams.geometric, "geometric_", _p)
for _p in (0.0, 0.3, 1.0):
    fill("bernoulli", FLOATS + INTEGERS + ("bool",), streams.bernoulli, "bernoulli_", _p)
fill("all_integers", FLOATS + INTEGERS + ("bool",), streams.all_integers, "random_")
fill("integers", FLOATS + INTEGERS + ("bool",), streams.integers, "random_", 0, 2)
fill("integers", FLOATS + INTEGERS, streams.integers, "random_", 3, 17)
fill("integers", FLOATS + INTEGERS[1:], streams.integers, "random_", -5, 5)
fill("integers", ("int32", "int64"), streams.integers, "random_", 0, 2**28 - 1)
fill("integers", ("int32", "int64"), streams.integers, "random_", 0, 2**28)
fill("integers", ("int32", "int64"), streams.integers, "random_", -7, 2**31)
fill("integers", ("int64",), streams.integers, "random_", -2**40, 2**40)
fill("integers", ("int64",), streams.integers, "random_", -2**63, 2**63 - 1)
fill("integers", ("uint16", "uint32", "uint64"), streams.integers, "random_", 3, 60000)
for _low in (0, 1, 5, -2**63):
    call(f"integers_from {_low}",
         FLOATS + INTEGERS if _low >= 0 else ("int64", "float32", "float64", "bfloat16"),
         lambda g, n, d, a=_low: streams.integers_from(g, (n,), d, a),
         lambda g, n, d, a=_low: blank(n, d).random_(a, None, generator=g))
call("permutation", ("int64", "int32", "float32", "float16"), streams.permutation,
     lambda g, n, d: torch.randperm(n, dtype=getattr(torch, d), generator=g))
call("bernoulli of an array", FLOATS,
     lambda g, n, d: streams.bernoulli(g, (n,), d, ramp(0, 1, n, d)),
     lambda g, n, d: torch.bernoulli(tensor(ramp(0, 1, n, d)), generator=g))
call("normal around means", FLOATS,
     lambda g, n, d: streams.normal_around(g, ramp(-1, 3, n, d), 0.5),
     lambda g, n, d: torch.normal(tensor(ramp(-1, 3, n, d)), 0.5, generator=g))
call("normal around 0.3", FLOATS,
     lambda g, n, d: streams.normal_around(g, 0.3, ramp(0, 3, n, d)),
     lambda g, n, d: torch.normal(0.3, tensor(ramp(0, 3, n, d)), generator=g))
call("normal around both", FLOATS,
     lambda g, n, d: streams.normal_around(g, ramp(-1, 3, n, d), ramp(0, 3, n, d)),
     lambda g, n, d: torch.normal(tensor(ramp(-1, 3, n, d)), tensor(ramp(0, 3, n, d)),
                                  generator=g))
for _rows in (1, 3):
    for _label, _count, _again in (("one", lambda n: 1, False), ("half", lambda n: n // 2, False),
                                   ("all", lambda n: n, False), ("twice", lambda n: 2 * n, True)):
        # Narrow types have equal speeds now and then, whose order PyTorch's sort leaves open.
        call(f"multinomial {_rows} {_label}",
             FLOATS if _again or _label == "one" else ("float64",),
             lambda g, n, d, r=_rows, c=_count, a=_again: streams.multinomial(
                 g, weights(n + 2, d, r), c(n + 2), a),
             lambda g, n, d, r=_rows, c=_count, a=_again: torch.multinomial(
                 tensor(weights(n + 2, d, r)), c(n + 2), a, generator=g))
for _top in (3, 9, 20, 1000):
    call(f"poisson to {_top}", FLOATS,
         lambda g, n, d, t=_top: rejection.poisson(g, ramp(0, t, n, d)),
         lambda g, n, d, t=_top: torch.poisson(tensor(ramp(0, t, n, d)), generator=g))
for _count in (3, 20, 500):
    call(f"binomial {_count}", WIDE_FLOATS,
         lambda g, n, d, c=_count: rejection.binomial(g, np.full(n, c, d), ramp(0, 1, n, d)),
         lambda g, n, d, c=_count: torch.binomial(
             tensor(np.full(n, c, d)), tensor(ramp(0, 1, n, d)), generator=g))
for _top in (0.9, 3, 50):
    call(f"gamma to {_top}", WIDE_FLOATS,
         lambda g, n, d, t=_top: rejection.gamma(g, ramp(0, t, n, d)),
         lambda g, n, d, t=_top: torch._standard_gamma(tensor(ramp(0, t, n, d)),
                                                       generator=g))
call("dirichlet", ("float32",),
     lambda g, n, d: rejection.dirichlet(g, ramp(0.1, 3, 3 * n, d).reshape(n, 3)),
     lambda g, n, d: torch._sample_dirichlet(tensor(ramp(0.1, 3, 3 * n, d).reshape(n, 3)),
                                             generator=g))

CASES = [(name, d) for name in CALLS for d in CALLS[name][0]]

# Call and dtype: the first three values for seed 42 and size 17, and the checksum of the engine's
# words in the state afterwards (the first 5016 bytes). `python -m tests.random.test_streams`
# writes it anew where PyTorch is.
FILE = pathlib.Path(__file__).with_name("frozen_streams.json")
FROZEN = json.loads(FILE.read_text()) if FILE.exists() else {}


def tensor(a):
    if a.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(a.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(np.ascontiguousarray(a))


def array(t):
    if t.dtype == torch.bfloat16:
        return t.contiguous().view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return t.contiguous().numpy()


def first_values(a):
    """Three numbers of an array, enough to know it by; of complex numbers the parts in turn."""
    a = a.ravel()[:3]
    a = a.view(a.real.dtype)[:3] if a.dtype.kind == "c" else a
    return [float(f"{v:.9g}") for v in a.astype(np.float64)] if a.dtype.kind in "fV" else a.tolist()


def freeze():
    """Write the values that PyTorch draws to FILE."""
    rows = []
    for name, d in CASES:
        t = torch.Generator().manual_seed(42)
        values = first_values(array(CALLS[name][2](t, 17, d)))
        words = zlib.crc32(t.get_state().numpy()[:5016])
        rows.append(f" {json.dumps(f'{name} {d}')}: {json.dumps([values, words])}")
    FILE.write_text("{\n" + ",\n".join(rows) + "\n}\n")


def ordered(a):
    """The bits of real numbers as integers in the order of the numbers: neighbours differ by 1."""
    bits = np.ascontiguousarray(a).view(f"i{a.itemsize}").astype(object)
    return np.where(bits < 0, -(2 ** (8 * a.itemsize - 1)) - bits, bits)


def bulk_is_reproduced(name):
    """Whether PyTorch runs the float32 normal code that is followed here: AVX2 or better."""
    return "normal" not in name or torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")


def check_same(name, mine, theirs):
    assert mine.dtype == theirs.dtype and mine.shape == theirs.shape
    if mine.tobytes() == theirs.tobytes() or np.array_equal(mine, theirs, equal_nan=True):
        return
    if not bulk_is_reproduced(name):
        real = mine.real.dtype
        apart = abs(ordered(mine.view(real)) - ordered(theirs.view(real))).max()
        assert apart <= 4
        return
    np.testing.assert_array_equal(mine, theirs)


def check_state(g, t):
    np.testing.assert_array_equal(g.state_bytes(), t.get_state().numpy())


# ---- live -------------------------------------------------------------------------------------

@needs_torch
@pytest.mark.parametrize("name, d", CASES, ids=lambda v: str(v))
def test_same_numbers_and_same_state(name, d):
    _, mine, theirs = CALLS[name]
    g, t = Generator(), torch.Generator()
    for seed in SEEDS:
        g.manual_seed(seed)
        t.manual_seed(seed)
        for n in SIZES:
            check_same(name, mine(g, n, d), array(theirs(t, n, d)))
            check_state(g, t)


@needs_torch
@pytest.mark.parametrize("seed", range(20))
def test_any_mix_of_calls_leaves_the_same_state(seed):
    choose = random.Random(seed)
    g, t = Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    for _ in range(80):
        name, d = choose.choice(CASES)
        n = choose.choice((0, 1, 2, 3, 5, 7, 15, 16, 17, 40, 311, 625))
        _, mine, theirs = CALLS[name]
        check_same(name, mine(g, n, d), array(theirs(t, n, d)))
        check_state(g, t)
        if choose.random() < 0.1:
            g, t = copy.deepcopy(g), torch.Generator().set_state(torch.from_numpy(g.state_bytes()))


@needs_torch
def test_a_million_float32_normal_numbers():
    n = 2**20 + 3
    g, t = Generator().manual_seed(7), torch.Generator().manual_seed(7)
    mine = streams.normal(g, (n,), "float32")
    theirs = torch.randn(n, generator=t).numpy()
    apart = abs(mine.view(np.int32).astype(np.int64) - theirs.view(np.int32))
    if bulk_is_reproduced("normal"):
        assert apart.max() <= 1 and np.count_nonzero(apart) <= 2
    np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    check_state(g, t)


@needs_torch
@pytest.mark.parametrize("name", ("uniform", "exponential", "cauchy", "geometric"))
def test_longer_than_a_chunk(name):
    n = 2 * streams.CHUNK + 5
    method = getattr(torch.empty(n, dtype=torch.float64), f"{name}_")
    arguments = (0.2,) if name == "geometric" else ()
    g, t = Generator(), torch.Generator()
    check_same(name, getattr(streams, name)(g, (n,), "float64", *arguments),
               method(*arguments, generator=t).numpy())
    check_state(g, t)


@needs_torch
@pytest.mark.parametrize("drawn", (0, 1, 5, 623, 624, 625, 1248, 5000))
def test_a_saved_state_goes_both_ways(drawn):
    g, t = Generator().manual_seed(-3), torch.Generator().manual_seed(-3)
    torch.rand(drawn, generator=t)
    torch.randn(3, generator=t)
    g.load_bytes(t.get_state().numpy())
    check_state(g, t)
    assert g.initial_seed() == t.initial_seed() == 2**64 - 3
    streams.normal(g, (2,), "float32")
    t.set_state(torch.from_numpy(g.state_bytes()))
    check_same("normal", streams.normal(g, (8,), "float64"),
               torch.randn(8, dtype=torch.float64, generator=t).numpy())


# ---- without PyTorch ----------------------------------------------------------------------------

def test_every_call_is_frozen():
    assert list(FROZEN) == [f"{name} {d}" for name, d in CASES]


@pytest.mark.parametrize("name, d", CASES, ids=lambda v: str(v))
def test_frozen_samples(name, d):
    first, words = FROZEN[f"{name} {d}"]
    g = Generator().manual_seed(42)
    values = first_values(CALLS[name][1](g, 17, d))
    tolerance = {"float16": 1e-3, "bfloat16": 8e-3}.get(d, 1e-6)
    np.testing.assert_allclose(values, first, rtol=tolerance, atol=1e-30)
    assert zlib.crc32(g.state_bytes()[:5016]) == words


def test_seeds():
    g = Generator()
    assert g.initial_seed() == 67280421310721
    assert g.manual_seed(-1) is g and g.initial_seed() == 2**64 - 1
    assert g.seed() == g.initial_seed() != g.seed()
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        g.manual_seed(2**64)
    with pytest.raises(RuntimeError, match="manual_seed expected a long, but got float"):
        g.manual_seed(1.0)
    with pytest.raises(RuntimeError, match="Cannot get a generator for device 'cuda'"):
        Generator("cuda")


def test_impossible_states_are_refused():
    g = Generator()
    state = g.state_bytes()
    with pytest.raises(RuntimeError, match="Expected a CPUGeneratorImplState of size 5056"):
        g.load_bytes(state[:5048])
    for place, value in ((8, 0), (12, 0), (16, 255)):
        broken = state.copy()
        broken[place:place + 2] = value
        with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
            g.load_bytes(broken)
    np.testing.assert_array_equal(g.state_bytes(), state)


@pytest.mark.parametrize("twin", (copy.copy, copy.deepcopy, Generator.clone_state,
                                  lambda g: pickle.loads(pickle.dumps(g))))
def test_copies_go_on_alike_and_apart(twin):
    g = Generator().manual_seed(8)
    streams.normal(g, (3,), "float32")
    other = twin(g)
    np.testing.assert_array_equal(g.state_bytes(), other.state_bytes())
    assert g.spare == other.spare is not None
    first = streams.normal(g, (9,), "float64")
    np.testing.assert_array_equal(first, streams.normal(other, (9,), "float64"))


@pytest.mark.parametrize("used", (0, 1, 15, 16, 17, 271, 272, 273, 3000))
def test_one_by_one_leaves_off_where_it_stopped(used):
    g, h = Generator(), Generator()
    with g.one_by_one() as following:
        values = [following() for _ in range(used)]
    assert values == h.uniform53(used).tolist()
    np.testing.assert_array_equal(g.state_bytes(), h.state_bytes())


def test_the_long_permutation_is_one(monkeypatch):
    monkeypatch.setattr(streams, "LONG_PERMUTATION", 10)
    g = Generator().manual_seed(0)
    drawn = streams.permutation(g, 1000)
    assert sorted(drawn.tolist()) == list(range(1000))
    assert drawn.tolist() != list(range(1000))


def test_fma_rounds_once():
    rng = np.random.default_rng(0)
    a, b, c = rng.standard_normal((3, 1000))
    a[0], b[0], c[0] = 1 + 2.0**-30, 1 - 2.0**-30, -1.0
    exact = [float(Fraction(x) * Fraction(y) + Fraction(z)) for x, y, z in zip(a, b, c)]
    np.testing.assert_array_equal(streams.fma64(a, b, c), exact)
    assert (a * b + c != exact).any()


def test_bad_parameters():
    g = Generator()
    with pytest.raises(RuntimeError, match="normal expects std >= 0.0, but found std -1"):
        streams.normal_around(g, np.zeros(3), -1.0)
    with pytest.raises(RuntimeError, match="normal expects all elements of std >= 0.0"):
        streams.normal_around(g, 0.0, np.array([1.0, -1.0]))
    for broken in ([1.0, -1.0], [np.inf, 1.0], [np.nan, 1.0], [0.0, 0.0]):
        for replacement in (True, False):
            with pytest.raises(RuntimeError, match="probability|invalid multinomial"):
                streams.multinomial(g, np.array(broken), 2, replacement)
    with pytest.raises(RuntimeError, match="expected rate to be non-negative"):
        rejection.poisson(g, np.array([-1.0]))


if __name__ == "__main__":
    freeze()
