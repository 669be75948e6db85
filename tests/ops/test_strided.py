"""Memory seen through strides: views of such views, and what is written back through them."""

import pytest

import learntorch
from tests.oracle import alike, needs_torch


def test_a_strided_view_of_a_strided_view():
    x = learntorch.arange(12.0)
    v = x.as_strided((3,), (2,), 1)
    assert v.tolist() == [1, 3, 5] and v.storage_offset() == 1
    assert v.as_strided((2,), (1,)).tolist() == [1, 2]         # from where v begins
    assert v.as_strided((2,), (1,), 10).tolist() == [10, 11]   # from where the memory begins
    v.as_strided((1,), (1,), 0)[0] = 7
    assert x[0] == 7


# The input: contiguous, part of another tensor, transposed. Size, stride and offset of the window.
INPUTS = {"whole": lambda t: t.arange(12.0), "part": lambda t: t.arange(15.0)[3:],
          "transposed": lambda t: t.arange(12.0).reshape(3, 4).t()}
WINDOWS = (((3,), (2,), None), ((3,), (2,), 4), ((2, 2), (1, 1), 5), ((), (), None))


@needs_torch
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("name", INPUTS)
def test_scatter(name, window):
    alike(lambda torch: torch.as_strided_scatter(
        INPUTS[name](torch), torch.arange(50.0, 50 + 9)[:9].as_strided(*window[:2], 0), *window))


@needs_torch
@pytest.mark.parametrize("window", WINDOWS)
def test_scatter_has_pytorchs_gradients(window):
    def case(torch):
        x = torch.arange(12.0).requires_grad_()
        src = torch.ones(window[0]).requires_grad_()
        y = torch.as_strided_scatter(x, src, *window)
        return y, torch.autograd.grad(y, (x, src), torch.arange(1.0, 13.0))
    alike(case)


def test_scatter_refuses():
    with pytest.raises(RuntimeError, match="expected src to have a size equal to the slice"):
        learntorch.as_strided_scatter(learntorch.arange(8.0), learntorch.ones(3), (2,), (1,))
    with pytest.raises(RuntimeError, match="only supported for contiguous inputs"):
        learntorch.as_strided_scatter(learntorch.ones(2, 3, requires_grad=True).t(),
                                      learntorch.ones(2), (2,), (1,))
