"""Draws that a function of PyTorch's closed mathematics library follows: the stream is the same.

Householder's QR and float32 logarithms come from Intel's MKL in PyTorch's wheel, whose last bits
nobody else has (tests/conformance/README.md says what was tried). What can be held is held here:
exactly the same numbers are drawn, exactly as many of them, and the results agree as
`torch.testing` asks for the dtype, 1.3e-6 of the value and 1e-5 in float32.
"""
import os
import subprocess
import sys

import pytest

import learntorch
from tests.oracle import alike, needs_torch

CASES = {
    "orthogonal_": lambda t: t.nn.init.orthogonal_(t.zeros(8, 5)),
    "orthogonal_ of a wide matrix": lambda t: t.nn.init.orthogonal_(t.zeros(3, 20), gain=2.0),
    "orthogonal_ of a larger matrix": lambda t: t.nn.init.orthogonal_(t.zeros(40, 30)),
    "Gumbel": lambda t: t.distributions.Gumbel(t.tensor(0.0), t.tensor(2.0)).sample((100,)),
    "gumbel_softmax": lambda t: t.nn.functional.gumbel_softmax(t.ones(4, 30), dim=0),
}

# The numbers that the cases above draw, without the function that follows.
DRAWN = {
    "orthogonal_": lambda t: t.empty(8, 5).normal_(0, 1),
    "orthogonal_ of a wide matrix": lambda t: t.empty(3, 20).normal_(0, 1),
    "orthogonal_ of a larger matrix": lambda t: t.empty(40, 30).normal_(0, 1),
    "Gumbel": lambda t: t.distributions.Uniform(
        t.tensor(t.finfo(t.float32).tiny), t.tensor(1 - t.finfo(t.float32).eps)).sample((100,)),
    "gumbel_softmax": lambda t: t.empty(4, 30).exponential_(),
}


def then_the_state(case):
    def run(torch):
        torch.manual_seed(5)
        return case(torch), torch.get_rng_state()
    return run


@needs_torch
@pytest.mark.parametrize("name", CASES)
def test_results_agree_and_leave_the_same_state(name):
    alike(then_the_state(CASES[name]))


@needs_torch
@pytest.mark.parametrize("name", CASES)
def test_what_is_drawn_is_the_same_in_every_bit(name):
    alike(then_the_state(DRAWN[name]), rtol=0, atol=0)


@pytest.mark.parametrize("name", CASES)
def test_they_draw_what_the_table_says(name):
    states = [then_the_state(case)(learntorch)[1].tolist() for case in (CASES[name], DRAWN[name])]
    assert states[0] == states[1]


@needs_torch
def test_random_slopes_are_the_same_in_every_bit():
    for dtype in ("float32", "float64"):
        alike(then_the_state(lambda t, d=dtype: t.nn.functional.rrelu(
            -t.ones(50, dtype=getattr(t, d)), 0.1, 0.3, training=True)), rtol=0, atol=0)


ITSELF = {          # a case, and the setting under which PyTorch's own last bits are others
    "orthogonal_ of a larger matrix": ("MKL_CBWR", "COMPATIBLE"),
    "gumbel_softmax": ("ATEN_CPU_CAPABILITY", "default"),
}


def bits_under(name, **settings):
    """The bytes of a case as another process of PyTorch computes them."""
    code = ("import torch; from tests.random.test_closed_functions import CASES, then_the_state; "
            f"print(then_the_state(CASES[{name!r}])(torch)[0].numpy().tobytes().hex())")
    plain = {k: v for k, v in os.environ.items() if k not in dict(ITSELF.values())}
    return subprocess.run([sys.executable, "-c", code], env={**plain, **settings}, check=True,
                          capture_output=True, text=True).stdout


@needs_torch
@pytest.mark.parametrize("name", ITSELF)
def test_pytorch_does_not_repeat_its_own_last_bits(name):
    setting, value = ITSELF[name]
    assert bits_under(name) == bits_under(name)
    assert bits_under(name) != bits_under(name, **{setting: value})
