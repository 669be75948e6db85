"""`torch.testing.assert_close`: what it lets pass, and its sentences, against PyTorch's."""

import numpy as np
import pytest

import learntorch
from tests.oracle import needs_torch

CASES = """a, b | a, a + 1e-7 | a, b.double() | a, m | a, b, rtol=.5, atol=0 | a, b, rtol=.1
    m, m * tensor([1, 1, 1.5]) | 1.0, 1.1 | 1, 1.0 | 1, 2 | 1, 2, rtol=0, atol=0 | True, False
    None, None | None, 1 | 'a', 'a' | [a, a], [a, b] | [a], [a, b] | {'x': a}, {'x': b}
    {'x': a}, {'y': b} | {'x': [a, {'z': a}]}, {'x': [a, {'z': b}]} | tensor([1, 2]), tensor([1, 3])
    tensor([True]), tensor([False]) | tensor(1.), tensor(2.) | a, a.tolist() | nan, nan
    np.ones(3), np.ones(3) + 1 | np.ones(3), a | tensor([nan]), tensor([nan])
    tensor([nan]), tensor([nan]), equal_nan=True | tensor([inf]), tensor([1.]) | a, b, msg='no'
    a, b, msg=lambda m: 'X ' + m | tensor(1.), 1. | a + 0j, a + 1j | a.half(), b.half()
    a.bfloat16(), b.bfloat16() | m, ones(3, 2).t(), check_stride=True | a, b, check_dtype=False
    m, ones(3, 2).t() | ones(0), ones(0) | (a,), [a] | 1 + 1j, 1 + 2j | 3, 'x' | 1e-9, 0. | 1., 0.
    a, a.long(), check_dtype=False | a, a.double(), check_dtype=False | 2, 2.5, check_dtype=False"""


def said(torch, call):
    names = {**vars(torch), "testing": torch.testing, "np": np, "a": torch.tensor([1., 2, 3]),
             "b": torch.tensor([1., 2.1, 3.5]), "m": torch.ones(2, 3)}
    try:
        return eval(f"testing.assert_close({call})", names)
    except Exception as error:
        return f"{type(error).__name__}: {error}".replace("learntorch.core.tensor", "torch")


@needs_torch
@pytest.mark.parametrize("call", [c.strip() for s in CASES.split("\n") for c in s.split("|")])
def test_assert_close(call):
    import torch
    assert said(learntorch, call) == said(torch, call)


def test_a_difference_is_told_with_its_place():
    with pytest.raises(AssertionError) as raised:
        learntorch.testing.assert_close([learntorch.ones(2)], [learntorch.tensor([1.0, 1.5])])
    assert str(raised.value) == (
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: 0.5 at index (1,) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.3333333432674408 at index (1,) (up to 1.3e-06 allowed)\n\n"
        "The failure occurred for item [0]")
