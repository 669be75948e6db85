"""Random functions and methods of tensors: the same code on learntorch and on PyTorch."""
import copy
import io
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

import learntorch
from tests.oracle import alike, needs_torch, same, torch


def seeded(case):
    """`case` after manual_seed(3), with one more draw at the end: the state must agree as well."""
    def run(torch):
        torch.manual_seed(3)
        return case(torch), torch.rand(2, dtype=torch.float64)
    return run


def exactly(case):
    alike(seeded(case), rtol=0, atol=0)


FUNCTIONS = {
    "rand": lambda t: (t.rand(2, 3), t.rand((4,)), t.rand([]), t.rand(size=(2, 1)), t.rand(0)),
    "rand dtypes": lambda t: [t.rand(20, dtype=d) for d in (t.float64, t.float16, t.complex64)],
    "rand of a numpy size": lambda t: t.rand(np.int64(2), t.tensor(3)),
    "rand requires grad": lambda t: t.rand(3, requires_grad=True),
    "rand default dtype": lambda t: t.rand(3, device="cpu", layout=t.strided, pin_memory=False),
    "rand out": lambda t: t.rand(3, out=t.empty(3, dtype=t.float64)),
    "randn": lambda t: (t.randn(2, 3), t.randn(5, 7), t.randn(()), t.randn(1), t.randn(size=(2,))),
    "randn dtypes": lambda t: [t.randn(n, dtype=d) for n in (3, 20)
                               for d in (t.float64, t.bfloat16, t.complex64, t.complex128)],
    "randint": lambda t: (t.randint(6, (2, 3)), t.randint(1, 7, (4,)), t.randint(6, size=(2,)),
                          t.randint(low=2, high=5, size=(2,)), t.randint(high=5, size=(2,))),
    "randint dtypes": lambda t: [t.randint(2, (9,), dtype=d)
                                 for d in (t.uint8, t.bool, t.float32, t.float16, t.int32)],
    "randint wide": lambda t: (t.randint(-2**40, 2**40, (5,)), t.randint(2**63 - 1, (5,))),
    "randint of a tensor": lambda t: t.randint(t.tensor(3), (5,)),
    "randperm": lambda t: (t.randperm(9), t.randperm(0), t.randperm(5, dtype=t.float32)),
    "randperm out": lambda t: t.randperm(4, out=t.empty(4, dtype=t.int64)),
    "normal of tensors": lambda t: (t.normal(t.arange(20.0), 0.5), t.normal(t.zeros(3)),
                                    t.normal(0.0, t.ones(20)),
                                    t.normal(t.zeros(2, 1), t.ones(3)),
                                    t.normal(t.zeros(2), t.ones(2, dtype=t.float64))),
    "normal of numbers": lambda t: (t.normal(0, 1, (2, 3)), t.normal(2.0, 3.0, size=(20,)),
                                    t.normal(2.0, 3.0, (2,), dtype=t.float64)),
    "normal out": lambda t: t.normal(t.zeros(3), 1.0, out=t.empty(3)),
    "normal of complex means": lambda t: t.normal(t.zeros(2, dtype=t.complex64), 1.0),
    "bernoulli": lambda t: (t.bernoulli(t.linspace(0, 1, 9)), t.bernoulli(t.ones(2) * 0.5, 0.3),
                            t.bernoulli(t.ones(4, dtype=t.int64), 0.3),
                            t.linspace(0, 1, 9).bernoulli(), t.zeros(9).bernoulli(0.5)),
    "bernoulli out": lambda t: t.bernoulli(t.ones(3) / 2, out=t.empty(3)),
    "bernoulli of a transposed p": lambda t: t.bernoulli(t.linspace(0, 1, 6).reshape(2, 3).t()),
    "multinomial": lambda t: (t.multinomial(t.arange(5.0), 2), t.multinomial(t.ones(2, 3), 1),
                              t.multinomial(t.ones(2, 3), 7, replacement=True),
                              t.arange(5.0).multinomial(3, True)),
    "multinomial of nothing": lambda t: t.multinomial(t.ones(0, 3), 2),
    "poisson": lambda t: (t.poisson(t.linspace(0, 30, 9)), t.poisson(t.ones(2, 3) * 4)),
    "binomial": lambda t: t.binomial(t.full((5,), 9.0), t.linspace(0, 1, 5)),
    "gamma": lambda t: t._standard_gamma(t.linspace(0.1, 4, 7)),
    "dirichlet": lambda t: t._sample_dirichlet(t.linspace(0.1, 4, 6).reshape(2, 3)),
    "rand_like": lambda t: (t.rand_like(t.zeros(2, 3)), t.rand_like(t.zeros(2), dtype=t.float64)),
    "randn_like": lambda t: (t.randn_like(t.zeros(5, 4)), t.randn_like(t.zeros(3),
                                                                       requires_grad=True)),
    "randint_like": lambda t: (t.randint_like(t.zeros(3), 5), t.randint_like(t.zeros(3), 2, 5),
                               t.randint_like(t.zeros(3, dtype=t.uint8), low=2, high=5)),
}

# Layouts of memory other than row-major: PyTorch draws in the order of memory.
LAYOUTS = {
    "transposed": lambda t, d: t.zeros(5, 7, dtype=d).t(),
    "with gaps": lambda t, d: t.zeros(40, dtype=d)[::2],
    "columns": lambda t, d: t.zeros(6, 8, dtype=d)[:, 1:6],
    "permuted": lambda t, d: t.zeros(2, 3, 4, dtype=d).permute(2, 0, 1),
    "permuted with gaps": lambda t, d: t.zeros(4, 6, 5, dtype=d).permute(1, 2, 0)[::2],
}
METHODS = {
    "uniform_": ((), (-2.0, 3.0)), "normal_": ((), (1.5, 2.0)), "random_": ((), (9,), (3, 17)),
    "bernoulli_": ((), (0.3,)), "exponential_": ((), (1.7,)), "geometric_": ((0.3,),),
    "cauchy_": ((), (1.0, 2.0)), "log_normal_": ((), (0.5, 0.7)),
}


@needs_torch
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    exactly(FUNCTIONS[name])


@needs_torch
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("d", ("float32", "float64", "bfloat16"))
def test_methods(name, d):
    exactly(lambda t: [getattr(t.zeros(shape, dtype=getattr(t, d)), name)(*arguments)
                       for arguments in METHODS[name] for shape in ((), (3,), (4, 5), (0, 2))])


@needs_torch
@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_methods_draw_in_the_order_of_memory(name, layout):
    exactly(lambda t: [getattr(LAYOUTS[layout](t, t.float32), name)(*arguments)
                       for arguments in METHODS[name]])


@needs_torch
@pytest.mark.parametrize("layout", LAYOUTS)
def test_like_keeps_the_layout(layout):
    def case(t):
        x = LAYOUTS[layout](t, t.float32)
        made = t.rand_like(x), t.randn_like(x), t.randint_like(x, 9)
        return made, [y.stride() for y in made]
    exactly(case)


@needs_torch
@pytest.mark.parametrize("layout", LAYOUTS)
def test_dropout_draws_in_the_order_of_memory(layout):
    exactly(lambda t: t.nn.functional.dropout(LAYOUTS[layout](t, t.float32) + 1, 0.3))


@needs_torch
def test_a_tensor_of_probabilities_follows_the_filled_tensor():
    exactly(lambda t: t.zeros(3, 4).t().bernoulli_(t.linspace(0, 1, 12).reshape(4, 3)))
    exactly(lambda t: t.zeros(3, 4).bernoulli_(t.linspace(0, 1, 4)))


@needs_torch
def test_keyword_arguments_of_methods():
    exactly(lambda t: [t.zeros(3).uniform_(to=3), t.zeros(3).uniform_(**{"from": 1, "to": 3}),
                       t.zeros(3).random_(to=5), t.zeros(3).random_(**{"from": 2, "to": 5}),
                       t.zeros(3).random_(5, None), t.zeros(3).normal_(mean=2, std=1),
                       t.zeros(3).exponential_(lambd=2.0), t.zeros(3).geometric_(p=0.5),
                       t.zeros(3).cauchy_(median=0, sigma=1),
                       t.zeros(3).log_normal_(mean=1, std=2)])


@needs_torch
def test_a_generator_of_ones_own():
    def case(t):
        g = t.Generator().manual_seed(5)
        drawn = [t.rand(3, generator=g), t.randn(20, generator=g), t.randint(9, (3,), generator=g),
                 t.randperm(5, generator=g), t.normal(t.zeros(3), 1.0, generator=g),
                 t.bernoulli(t.ones(3) / 2, generator=g), t.poisson(t.ones(3), generator=g),
                 t.multinomial(t.ones(5), 2, generator=g), t.zeros(3).uniform_(generator=g),
                 t.zeros(3).random_(9, generator=g), t.rand_like(t.zeros(3), generator=g)]
        return drawn, t.rand(2, generator=copy.deepcopy(g)), t.rand(2, generator=g)
    exactly(case)


@needs_torch
def test_seeds_and_states():
    def case(t):
        t.manual_seed(-7)
        first = t.initial_seed()
        t.randn(3)
        state = t.get_rng_state()
        a = t.randn(3), t.rand(2)
        t.set_rng_state(state)
        b = t.randn(3), t.rand(2)
        with t.random.fork_rng():
            t.manual_seed(9)
            c = t.rand(3)
        return first, state, a, b, c, t.rand(3), t.default_generator.initial_seed()
    exactly(case)


@needs_torch
def test_a_state_saved_by_pytorch_goes_on_here():
    torch.manual_seed(11)
    torch.randn(5)
    learntorch.set_rng_state(learntorch.from_numpy(torch.get_rng_state().numpy()))
    same(learntorch.randn(40), torch.randn(40), rtol=0, atol=0)
    torch.set_rng_state(torch.from_numpy(learntorch.get_rng_state().numpy()))
    same(learntorch.randn(3), torch.randn(3), rtol=0, atol=0)


ERRORS = {
    "rand of ints": lambda t: t.rand(2, dtype=t.int64),
    "randn of ints": lambda t: t.randn(2, dtype=t.int64),
    "negative size": lambda t: t.rand(-1),
    "float size": lambda t: t.rand(2.5),
    "out of another dtype": lambda t: t.rand(2, out=t.empty(2, dtype=t.float64), dtype=t.float32),
    "randint empty": lambda t: t.randint(0, (2,)),
    "randint backwards": lambda t: t.randint(5, 3, (2,)),
    "randint too wide": lambda t: t.randint(300, (2,), dtype=t.uint8),
    "randint too low": lambda t: t.randint(-1, 3, (2,), dtype=t.uint8),
    "randint of half": lambda t: t.randint(70000, (2,), dtype=t.float16),
    "randint of bool": lambda t: t.randint(3, (2,), dtype=t.bool),
    "randint of complex": lambda t: t.randint(5, (2,), dtype=t.complex64),
    "randint of 64 bits": lambda t: t.randint(2**63, (2,)),
    "randint of a float": lambda t: t.randint(5.0, (2,)),
    "randperm negative": lambda t: t.randperm(-1),
    "randperm of a float": lambda t: t.randperm(3.0),
    "randperm of bytes": lambda t: t.randperm(300, dtype=t.uint8),
    "randperm of bools": lambda t: t.randperm(3, dtype=t.bool),
    "randperm of half": lambda t: t.randperm(3000, dtype=t.float16),
    "randperm of float": lambda t: t.randperm(2**25, dtype=t.float32),
    "normal without size": lambda t: t.normal(0.0, 1.0),
    "normal of ints": lambda t: t.normal(t.zeros(2, dtype=t.int64), 1.0),
    "normal negative": lambda t: t.normal(t.zeros(2), -1.0),
    "normal negative numbers": lambda t: t.normal(0.0, -1.0, (2,)),
    "normal negative tensor": lambda t: t.normal(0.0, t.tensor([1.0, -1.0])),
    "normal shapes": lambda t: t.normal(t.zeros(2), t.ones(3)),
    "bernoulli of ints": lambda t: t.bernoulli(t.tensor([1])),
    "bernoulli p": lambda t: t.bernoulli(t.zeros(1), 1.5),
    "bernoulli_ p": lambda t: t.zeros(3).bernoulli_(2),
    "bernoulli_ shape": lambda t: t.zeros(3).bernoulli_(t.ones(2)),
    "bernoulli_ of complex": lambda t: t.zeros(3, dtype=t.complex64).bernoulli_(0.5),
    "multinomial too many": lambda t: t.multinomial(t.ones(3), 4),
    "multinomial none": lambda t: t.multinomial(t.ones(3), 0),
    "multinomial 3-d": lambda t: t.multinomial(t.ones(2, 2, 2), 1),
    "multinomial of ints": lambda t: t.multinomial(t.ones(3, dtype=t.int64), 1),
    "multinomial of zeros": lambda t: t.multinomial(t.zeros(2), 1),
    "multinomial of zeros again": lambda t: t.multinomial(t.zeros(2), 2, True),
    "multinomial negative": lambda t: t.multinomial(t.tensor([-1.0, 2.0]), 1),
    "multinomial negative again": lambda t: t.multinomial(t.tensor([-1.0, 2.0]), 2, True),
    "multinomial infinite": lambda t: t.multinomial(t.tensor([float("inf"), 2.0]), 2, True),
    "multinomial out": lambda t: t.multinomial(t.ones(3), 2, out=t.empty(2)),
    "poisson negative": lambda t: t.poisson(t.tensor([-1.0])),
    "poisson of ints": lambda t: t.poisson(t.tensor([1])),
    "binomial of ints": lambda t: t.binomial(t.tensor([3]), t.tensor([0.5])),
    "binomial of two dtypes": lambda t: t.binomial(t.ones(1), t.ones(1, dtype=t.float64)),
    "rand_like of ints": lambda t: t.rand_like(t.zeros(2, dtype=t.int64)),
    "rand_like of a list": lambda t: t.rand_like([1]),
    "uniform_ backwards": lambda t: t.zeros(3).uniform_(2, 1),
    "uniform_ far": lambda t: t.zeros(3).uniform_(0, 1e40),
    "uniform_ wide": lambda t: t.zeros(3).uniform_(-3e38, 3e38),
    "uniform_ of ints": lambda t: t.zeros(3, dtype=t.int64).uniform_(),
    "normal_ negative": lambda t: t.zeros(3).normal_(0, -1),
    "random_ empty": lambda t: t.zeros(3).random_(0),
    "random_ too wide": lambda t: t.zeros(3, dtype=t.int8).random_(0, 2**20),
    "random_ of uint16": lambda t: t.zeros(3, dtype=t.uint16).random_(),
    "random_ of complex": lambda t: t.zeros(3, dtype=t.complex64).random_(),
    "exponential_ rate": lambda t: t.zeros(3).exponential_(-1),
    "exponential_ of ints": lambda t: t.zeros(3, dtype=t.int64).exponential_(),
    "geometric_ p": lambda t: t.zeros(3).geometric_(1),
    "cauchy_ sigma": lambda t: t.zeros(3).cauchy_(0, 0),
    "log_normal_ std": lambda t: t.zeros(3).log_normal_(0, 0),
    "log_normal_ of ints": lambda t: t.zeros(3, dtype=t.int64).log_normal_(),
    "several elements in one place": lambda t: t.zeros(1).expand(3).uniform_(),
    "leaf": lambda t: t.ones(3, requires_grad=True).uniform_(),
    "set_state of floats": lambda t: t.set_rng_state(t.zeros(5056)),
    "set_state too short": lambda t: t.set_rng_state(t.zeros(10, dtype=t.uint8)),
    "set_state of zeros": lambda t: t.set_rng_state(t.zeros(5056, dtype=t.uint8)),
    "seed too large": lambda t: t.manual_seed(2**64),
    "generator seed": lambda t: t.Generator().manual_seed(1.7),
    "offset": lambda t: t.Generator().get_offset(),
    "graphsafe": lambda t: t.Generator().graphsafe_get_state(),
}
ANY_WORDS = ("normal without size",)        # PyTorch lists its C++ overloads there


@needs_torch
@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    def case(t):
        ERRORS[name](t)
    alike(case, wording=name not in ANY_WORDS)


@needs_torch
def test_gaps_between_floats_are_warned_of():
    def case(t):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            drawn = t.randint(2**25, (3,), dtype=t.float32), t.zeros(3).random_(2**25, 2**25 + 1)
        return drawn, sorted({str(w.message).partition(" (Triggered")[0] for w in caught})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exactly(lambda t: case(t)[0])
    assert any("to - 1 is out of bounds [-(2^24), 2^24]" in w for w in case(learntorch)[1])


@needs_torch
@pytest.mark.parametrize("name", METHODS)
def test_filling_cuts_off_history(name):
    def case(t):
        x = t.ones(2, 3, requires_grad=True)
        y = x * 2
        whole = y.sum()
        getattr(y, name)(*METHODS[name][0])
        part = x * 3
        getattr(part[0], name)(*METHODS[name][0])
        (y.sum() + whole + part.sum()).backward()
        return x.grad, y._version, y.requires_grad, part._version
    exactly(case)


@needs_torch
def test_drawn_from_parameters_without_gradient():
    def case(t):
        p = t.full((3,), 0.5, requires_grad=True)
        s = t.ones(2, 3, requires_grad=True)
        (t.bernoulli(p).sum() + t.poisson(p).sum() + t.normal(p, s).sum()
         + t.normal(0.0, s).sum() + t.normal(p).sum()).backward()
        return p.grad, s.grad, t.bernoulli(p).requires_grad, t.multinomial(p, 2).requires_grad
    exactly(case)


@needs_torch
def test_the_gradient_of_gamma_numbers():
    pytest.importorskip("scipy", reason="the slope of a gamma number needs scipy")

    def case(t):
        alpha = t.tensor([0.3, 0.9, 1.0, 2.5, 7.0, 30.0], dtype=t.float64, requires_grad=True)
        t.manual_seed(0)
        t._standard_gamma(alpha).sum().backward()
        return alpha.grad
    alike(case, rtol=2e-3, atol=1e-6)


# ---- without PyTorch --------------------------------------------------------------------------

def test_what_a_learner_sees():
    learntorch.manual_seed(0)
    assert learntorch.rand(2).tolist() == pytest.approx([0.4962565899, 0.7682217956])
    assert learntorch.randn(2).tolist() == pytest.approx([-0.2905092537, -1.070370317])
    assert learntorch.randn(17)[[0, 8, 16]].tolist() == pytest.approx(
        [-0.3160127699, -0.1434738487, -0.8410648108])
    assert learntorch.randperm(5).tolist() == [3, 0, 2, 1, 4]
    assert learntorch.randint(0, 10, (3,)).tolist() == [9, 1, 7]


def test_generators_are_pickled_with_their_state():
    g = learntorch.Generator().manual_seed(4)
    learntorch.randn(3, generator=g)
    file = io.BytesIO(pickle.dumps(g))
    assert learntorch.equal(learntorch.randn(5, generator=pickle.load(file)),
                            learntorch.randn(5, generator=g))
    assert repr(g).startswith("<torch._C.Generator object at 0x")
    assert g.device == learntorch.device("cpu")
    assert learntorch.random.thread_safe_generator() is None
    with pytest.raises(TypeError, match="argument 'generator' must be torch.Generator, not int"):
        learntorch.rand(2, generator=3)


def test_fork_rng_gives_back_the_state_after_an_error():
    learntorch.manual_seed(1)
    before = learntorch.get_rng_state()
    with pytest.raises(ZeroDivisionError), learntorch.random.fork_rng():
        learntorch.rand(7)
        raise ZeroDivisionError
    assert learntorch.get_rng_state().tolist() == before.tolist()
    with learntorch.random.fork_rng(enabled=False):
        learntorch.rand(1)
    assert learntorch.get_rng_state().tolist() != before.tolist()


def test_the_engine_starts_when_it_is_first_used():
    code = "import sys, learntorch; sys.exit('numpy.random' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
