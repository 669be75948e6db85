"""Convolutions, transposed convolutions and sliding blocks against PyTorch.

Each case is computed with its gradients and the gradients of those: `twice`.
"""

from itertools import product

import numpy as np
import pytest

import learntorch
from learntorch.ops import planes, tiny, windows
from tests.oracle import alike, needs_torch


def numbers(seed, *shape, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def twice(lib, function, *arrays):
    """The result, its gradients and the gradients of a mixture of those, for random cotangents."""
    leaves = [lib.from_numpy(a).clone().requires_grad_() for a in arrays]
    y = function(*leaves)
    g = lib.from_numpy(numbers(7, *y.shape, dtype=arrays[0].dtype)).requires_grad_()
    first = lib.autograd.grad(y, leaves, g, create_graph=True)
    mixed = sum((f * lib.from_numpy(numbers(i, *f.shape, dtype=arrays[0].dtype))).sum()
                for i, f in enumerate(first))
    second = lib.autograd.grad(mixed, [*leaves, g], allow_unused=True)
    second = [lib.zeros_like(x) if t is None else t for t, x in zip(second, (*leaves, g))]
    return [t.detach() for t in (y, *first)], [t.detach() for t in second]


SIZES = (7, 6, 5)


def conv_cases():
    for dims, stride, padding, dilation, groups, kernel in product(
            (1, 2, 3), (1, 2, 3), (0, 2, "same"), (1, 2), (1, 2), (1, 3)):
        if (padding == "same" and stride > 1) or (stride == 3 and dilation == 2):
            continue
        if dims == 3 and (stride == 3 or groups == 2 or padding == 2):
            continue
        yield dims, stride, padding, dilation, groups, kernel


@needs_torch
@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("channels", (1, 12))      # few: all unrolled; many: one pass for each row
@pytest.mark.parametrize("dims,stride,padding,dilation,groups,kernel", list(conv_cases()))
def test_conv(dims, stride, padding, dilation, groups, kernel, channels):
    x = numbers(0, 2, channels * groups, *SIZES[:dims])
    w = numbers(1, 2 * groups, channels, *(kernel, 2, 3)[:dims])
    b = numbers(2, 2 * groups)
    alike(lambda torch: twice(torch, lambda x, w, b: getattr(torch, f"conv{dims}d")(
        x, w, b, stride, padding, dilation, groups), x, w, b))


@needs_torch
@pytest.mark.parametrize("channels", (1, 12))
@pytest.mark.parametrize("dims,stride,padding,dilation,groups,kernel",
                         [case for case in conv_cases() if case[2] != "same"])
def test_conv_transpose(dims, stride, padding, dilation, groups, kernel, channels):
    x = numbers(0, 2, channels * groups, *SIZES[:dims])
    w = numbers(1, channels * groups, 2, *(kernel, 2, 3)[:dims])
    b = numbers(2, 2 * groups)
    extra = max(stride, dilation) - 1
    alike(lambda torch: twice(torch, lambda x, w, b: getattr(torch, f"conv_transpose{dims}d")(
        x, w, b, stride, padding, extra, groups, dilation), x, w, b))


@needs_torch
@pytest.mark.parametrize("channels,stride,dilation", list(product((2, 24), (1, 2), (1, 2))))
def test_blocks_of_rows(channels, stride, dilation, monkeypatch):
    """An image too large for one block is worked on in stripes."""
    monkeypatch.setattr(windows, "BLOCK", 2000)
    windows.windows.cache_clear()
    x, w, b = numbers(0, 2, channels, 17, 9), numbers(1, 3, channels, 3, 3), numbers(2, 3)
    alike(lambda torch: twice(torch, lambda x, w, b: torch.conv2d(
        x, w, b, stride, 1, dilation), x, w, b))


# ---- many small groups: three ways to compute the same ------------------------------------------

def only(way, monkeypatch):
    """Let every convolution be computed in one way: as one matrix, by long rows, or by windows."""
    if way != "tiny":
        monkeypatch.setattr(tiny, "ENTRIES", 0)
    else:
        monkeypatch.setattr(tiny, "IMAGES", 1000)
    if way == "windows":
        monkeypatch.setattr(planes, "THIN", 0)


def group_cases():
    """(x's size, groups, inputs and outputs of a group, kernel, stride, padding, dilation)."""
    yield (7,), 4, 1, 1, (3,), 1, 1, 1
    yield (9,), 3, 2, 3, (4,), 2, 1, 1
    yield (6, 5), 5, 1, 1, (3, 3), 1, 1, 1
    yield (6, 5), 5, 1, 1, (3, 3), 2, 1, 1
    yield (7, 8), 4, 1, 2, (3, 2), (2, 3), (2, 0), 1
    yield (8, 7), 3, 1, 1, (3, 3), 1, 2, 2
    yield (9, 8), 3, 1, 1, (3, 3), 2, 2, (2, 1)
    yield (7, 6), 4, 1, 1, (5, 5), 1, "same", 1
    yield (6, 6), 4, 1, 1, (2, 4), 1, "same", 1
    yield (6, 6), 3, 4, 4, (3, 3), 1, 1, 1
    yield (5, 6), 2, 3, 2, (1, 1), 2, 0, 1
    yield (4, 5, 4), 3, 1, 1, (3, 2, 3), (1, 2, 1), 1, 1
    yield (4, 5, 5), 2, 2, 1, (2, 2, 2), 2, 1, 1


@needs_torch
@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("way", ("tiny", "planes", "windows"))
@pytest.mark.parametrize("size,groups,c,o,kernel,stride,padding,dilation", list(group_cases()))
def test_groups(size, groups, c, o, kernel, stride, padding, dilation, way, monkeypatch):
    only(way, monkeypatch)
    x, w, b = (numbers(0, 3, groups * c, *size), numbers(1, groups * o, c, *kernel),
               numbers(2, groups * o))
    alike(lambda torch: twice(torch, lambda x, w, b: getattr(torch, f"conv{len(size)}d")(
        x, w, b, stride, padding, dilation, groups), x, w, b))


@pytest.mark.parametrize("size,groups,c,o,kernel,stride,padding,dilation", list(group_cases()))
def test_groups_in_all_ways(size, groups, c, o, kernel, stride, padding, dilation, monkeypatch):
    x, w = numbers(0, 3, groups * c, *size), numbers(1, groups * o, c, *kernel)
    found = []
    for way in ("tiny", "planes", "windows"):
        with monkeypatch.context() as here:
            only(way, here)
            found.append(twice(learntorch, lambda x, w: getattr(learntorch, f"conv{len(size)}d")(
                x, w, None, stride, padding, dilation, groups), x, w))
    for other in found[1:]:
        for a, b in zip(found[0][0] + found[0][1], other[0] + other[1]):
            assert a.shape == b.shape and np.allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-10)


def test_blocks_of_groups(monkeypatch):
    """Images and groups that are too many for one block."""
    monkeypatch.setattr(tiny, "ENTRIES", 0)
    x, w = numbers(0, 5, 7, 6, 6), numbers(1, 7, 1, 3, 3)
    whole = twice(learntorch, lambda x, w: learntorch.conv2d(x, w, None, 2, 1, 1, 7), x, w)
    for block in (1, 5000, 30_000):
        planes.planes.cache_clear()
        monkeypatch.setattr(planes, "BLOCK", block)
        parts = twice(learntorch, lambda x, w: learntorch.conv2d(x, w, None, 2, 1, 1, 7), x, w)
        for a, b in zip(whole[0] + whole[1], parts[0] + parts[1]):
            assert np.allclose(a.numpy(), b.numpy(), rtol=1e-12, atol=1e-12)
    planes.planes.cache_clear()


@pytest.mark.parametrize("value", (np.inf, np.nan))
def test_what_is_infinite_stays_where_it_is(value):
    x = np.ones((4, 2, 5, 5), np.float32)
    x[1, 0, 0, 0] = value
    y = learntorch.conv2d(learntorch.from_numpy(x), learntorch.ones(2, 1, 3, 3), padding=1,
                          groups=2)
    bad = ~np.isfinite(y.numpy())
    assert bad.sum() == 4 and bad[1, 0, :2, :2].all()


@needs_torch
@pytest.mark.parametrize("x,w", [
    ((0, 3, 8, 8), (4, 3, 3, 3)), ((3, 8, 8), (4, 3, 3, 3)),
    ((2, 3, 8), (4, 3, 3)), ((3, 8), (4, 3, 3)), ((3, 6, 6, 6), (4, 3, 3, 3, 3))])
def test_empty_and_unbatched(x, w):
    name = f"conv{len(w) - 2}d"
    alike(lambda torch: [getattr(torch, name)(torch.zeros(x), torch.ones(w)),
                         getattr(torch, name)(torch.zeros(x), torch.ones(w), torch.ones(w[0]), 2)])


@needs_torch
def test_non_contiguous():
    x, w = numbers(0, 9, 8, 3, 2), numbers(1, 3, 3, 3, 4)
    alike(lambda torch: twice(torch, lambda x, w: torch.conv2d(
        x.permute(3, 2, 0, 1), w.transpose(0, 3)[..., ::2], padding=1), x, w))


@needs_torch
@pytest.mark.parametrize("dtype", ("float16", "bfloat16", "float32", "complex64", "int64", "uint8"))
def test_dtypes(dtype):
    def case(torch):
        x = torch.arange(75).reshape(1, 3, 5, 5).remainder(4).to(getattr(torch, dtype))
        w = torch.arange(54).reshape(2, 3, 3, 3).remainder(3).to(getattr(torch, dtype))
        return torch.conv2d(x, w, padding=1)
    alike(case)


@needs_torch
def test_float32_of_real_size():
    x, w = numbers(0, 3, 16, 20, 20, dtype="f"), numbers(1, 8, 16, 3, 3, dtype="f")
    alike(lambda torch: torch.conv2d(torch.from_numpy(x), torch.from_numpy(w), padding=1),
          rtol=1e-4, atol=1e-4)


CONV_ERRORS = """
conv2d(zeros(64, 3, 28, 28), zeros(6, 1, 5, 5))
conv2d(zeros(3, 28, 28), zeros(6, 1, 5, 5))
conv2d(zeros(28, 28), zeros(6, 3, 5, 5))
conv2d(zeros(1, 1, 3, 28, 28), zeros(6, 3, 5, 5))
conv1d(zeros(1, 3, 28, 28), zeros(6, 3, 5))
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5))
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), stride=0)
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), stride=-1)
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), padding=-1)
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), dilation=0)
conv2d(zeros(1, 3, 4, 28), zeros(6, 3, 5, 5))
conv2d(zeros(1, 3, 4, 28), zeros(6, 3, 5, 5), padding=(0, 1))
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), zeros(5))
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), zeros(6, 1))
conv2d(zeros(1, 4, 28, 28), zeros(5, 2, 5, 5), groups=2)
conv2d(zeros(1, 4, 28, 28), zeros(6, 3, 5, 5), groups=2)
conv2d(zeros(1, 4, 28, 28), zeros(6, 3, 5, 5), groups=0)
conv2d(zeros(1, 4, 28, 28), zeros(2, 3, 5, 5), groups=4)
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), stride=(1, 2, 3))
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), padding=(1, 2, 3))
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), dilation=(1, 2, 3))
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), padding="same", stride=2)
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), padding="foo")
conv2d(zeros(1, 3, 28, 28).double(), zeros(6, 3, 5, 5))
conv2d(zeros(1, 3, 28, 28).long(), zeros(6, 3, 5, 5))
conv2d(zeros(1, 3, 28, 28).bool(), zeros(6, 3, 5, 5).bool())
conv2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5), zeros(6).double())
conv2d(zeros(1, 3, 0, 28), zeros(6, 3, 5, 5))
conv2d(zeros(1, 3, 28, 28), zeros(0, 3, 5, 5))
conv1d(zeros(1, 4, 28), zeros(6, 3, 5))
conv1d(zeros(4), zeros(1, 1, 1))
conv1d(zeros(1, 4, 2), zeros(1, 4, 3))
conv3d(zeros(4, 28, 28), zeros(1, 1, 1, 1, 1))
conv3d(zeros(4, 5, 28, 28), zeros(1, 1, 1, 1, 1))
conv3d(zeros(1, 4, 5, 28, 28), zeros(1, 4, 1, 1))
conv_transpose2d(zeros(1, 3, 28, 28), zeros(6, 3, 5, 5))
conv_transpose2d(zeros(1, 6, 28, 28), zeros(6, 3, 5, 5), output_padding=1)
conv_transpose2d(zeros(1, 6, 28, 28), zeros(6, 3, 5, 5), output_padding=-1, stride=2)
conv_transpose2d(zeros(1, 6, 28, 28), zeros(6, 3, 5, 5), output_padding=(1, 1, 1), stride=2)
conv_transpose2d(zeros(1, 6, 28, 28), zeros(6, 3, 5, 5), zeros(5))
conv_transpose2d(zeros(1, 6, 28, 28), zeros(6, 3, 5, 5), groups=4)
conv_transpose2d(zeros(6, 28, 28), zeros(6, 3, 5, 5), padding="same")
conv_transpose2d(zeros(6, 28), zeros(6, 3, 5, 5))
conv_transpose1d(zeros(4, 28), zeros(6, 3, 5))
nn.functional.unfold(zeros(3, 4), 2)
nn.functional.unfold(zeros(1, 1, 3, 4), 5)
nn.functional.unfold(zeros(1, 1, 3, 4), 0)
nn.functional.unfold(zeros(1, 1, 3, 4), 2, 0)
nn.functional.unfold(zeros(1, 1, 3, 4), 2, 1, -1)
nn.functional.unfold(zeros(1, 1, 3, 4), 2, 1, 0, 0)
nn.functional.unfold(zeros(1, 1, 3, 4), (2, 2, 2))
nn.functional.unfold(zeros(1, 0, 3, 4), 2)
nn.functional.fold(zeros(4), (3, 4), 2)
nn.functional.fold(zeros(1, 5, 6), (3, 4), 2)
nn.functional.fold(zeros(1, 4, 7), (3, 4), 2)
nn.functional.fold(zeros(1, 4, 6), (3, 4), 0)
nn.functional.fold(zeros(1, 4, 6), (3, 4), 2, 0)
nn.functional.fold(zeros(1, 4, 6), (3, 4), 2, 1, 0, 0)
nn.functional.fold(zeros(1, 4, 6), (3, 4), 2, 1, -1)
nn.functional.fold(zeros(1, 4, 6), (1, 1), 2)
""".strip().splitlines()


def said(line):
    """Run one line of the table on a library."""
    return lambda lib: eval("lib." + line.replace("zeros(", "lib.zeros("), {"lib": lib})


@needs_torch
@pytest.mark.parametrize("line", CONV_ERRORS)
def test_errors(line):
    alike(said(line))


@pytest.mark.parametrize("call", [
    lambda t: t.conv2d(t.zeros(1, 1, 4, 4), 3), lambda t: t.conv2d(3, t.zeros(1, 1, 4, 4)),
    lambda t: t.conv2d(t.zeros(1, 1, 4, 4)),
    lambda t: t.conv2d(t.zeros(1, 1, 4, 4), t.zeros(1, 1, 2, 2), stride=1.5)])
def test_wrong_kinds(call):
    with pytest.raises(TypeError):
        call(learntorch)


BLOCKS = list(product((1, 2, (2, 3)), (1, 2), (0, 1, (1, 2)), (1, 2, (2, 1))))


@needs_torch
@pytest.mark.parametrize("kernel,dilation,padding,stride", BLOCKS)
def test_unfold_and_fold(kernel, dilation, padding, stride):
    x = numbers(0, 2, 3, 6, 7)
    columns = learntorch.nn.functional.unfold(
        learntorch.from_numpy(x), kernel, dilation, padding, stride).shape
    alike(lambda torch: twice(torch, lambda x: torch.nn.functional.unfold(
        x, kernel, dilation, padding, stride), x))
    alike(lambda torch: twice(torch, lambda x: torch.nn.functional.fold(
        x, (6, 7), kernel, dilation, padding, stride), numbers(1, *columns)))


# ---- what can be seen without the oracle ----------------------------------------------------


def test_a_convolution_is_a_product_with_unfolded_columns():
    x = learntorch.from_numpy(numbers(0, 2, 3, 6, 7))
    w = learntorch.from_numpy(numbers(1, 4, 3, 3, 2))
    columns = learntorch.nn.functional.unfold(x, (3, 2))
    y = (w.reshape(4, -1) @ columns).reshape(2, 4, 4, 6)
    assert learntorch.allclose(y, learntorch.conv2d(x, w))


def test_only_what_is_needed_is_kept():
    x = learntorch.ones(1, 2, 4, 4)
    w = learntorch.ones(3, 2, 2, 2, requires_grad=True)
    y = learntorch.conv2d(x, w, learntorch.ones(3))
    assert y.grad_fn.name() == "ConvolutionBackward0"
    kept = [v for v in y.grad_fn.saved if isinstance(v, learntorch.Tensor)]
    assert len(kept) == 1 and kept[0] is x      # d/dw needs x; nobody asked for d/dx


def test_the_input_is_not_written_to():
    x, w = numbers(0, 1, 2, 5, 5), numbers(1, 3, 2, 3, 3)
    before = x.copy(), w.copy()
    y = learntorch.conv2d(learntorch.from_numpy(x), learntorch.from_numpy(w).requires_grad_())
    y.sum().backward()
    assert (x == before[0]).all() and (w == before[1]).all()
