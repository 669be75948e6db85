"""einsum's equations without an arrow: the output is the letters that come once, in order."""

import pytest

from tests.oracle import alike, needs_torch

EQUATIONS = {"i,i": ((2,), (2,)), "ij,jk": ((2, 3), (3, 4)), "ii": ((3, 3),), "ba": ((2, 3),),
             "...ij,...jk": ((5, 2, 3), (5, 3, 4)), "i,j": ((2,), (3,)), "...": ((2, 3),)}


@needs_torch
@pytest.mark.parametrize("equation", EQUATIONS)
def test_without_an_arrow(equation):
    def case(torch):
        made = [torch.arange(1.0, 1 + torch.Size(s).numel()).view(s) for s in EQUATIONS[equation]]
        return torch.einsum(equation, *made)
    alike(case)
