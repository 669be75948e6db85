"""nn.utils.rnn against PyTorch: padding, packing, and the way back."""
import numpy as np
import pytest

import learntorch
import learntorch.nn
from tests.oracle import alike, needs_torch

X = "torch.arange(24.).reshape(4, 3, 2)"
ROWS = "[torch.arange(8.).reshape(4, 2), torch.ones(1, 2), torch.full((3, 2), 7.)]"

SOURCES = (
    f"R.pack_padded_sequence({X}, [4, 3, 1])",
    f"R.pack_padded_sequence({X}, torch.tensor([4, 3, 1]), False, True)",
    f"R.pack_padded_sequence({X}, [1, 3, 4], enforce_sorted=False)",
    f"R.pack_padded_sequence({X}, [3, 3, 2, 1], batch_first=True)",
    f"R.pack_padded_sequence({X}, torch.tensor([2, 3, 1, 3]), True, False)",
    f"R.pack_padded_sequence({X}[..., 0].long(), [4, 3, 2])",
    f"R.pack_padded_sequence({X}, torch.tensor([4., 3., 1.]))",
    f"R.pack_padded_sequence({X}, [1, 3, 4])",
    f"R.pack_padded_sequence({X}, [4, 3])",
    f"R.pack_padded_sequence({X}, [4, 3, 0])",
    f"R.pack_padded_sequence({X}, torch.tensor([[4, 3, 1]]))",
    f"R.pack_padded_sequence({X}[:0], [4, 3, 1])",
    f"R.pack_padded_sequence({X}[:, :0], [])",
    f"R.pad_packed_sequence(R.pack_padded_sequence({X}, [3, 2, 1]))",
    f"R.pad_packed_sequence(R.pack_padded_sequence({X}, [3, 2, 1]), True)",
    f"R.pad_packed_sequence(R.pack_padded_sequence({X}, [3, 2, 1]), padding_value=-1.)",
    f"R.pad_packed_sequence(R.pack_padded_sequence({X}, [3, 2, 1]), total_length=6)",
    f"R.pad_packed_sequence(R.pack_padded_sequence({X}, [3, 2, 1]), total_length=2)",
    f"R.pad_packed_sequence(R.pack_padded_sequence({X}.long(), [3, 2, 1]), padding_value=7)",
    f"R.pad_packed_sequence(R.pack_padded_sequence({X}, [2, 3, 1, 3], True, False), True, 5., 4)",
    f"R.pad_sequence({ROWS})",
    f"R.pad_sequence({ROWS}, True)",
    f"R.pad_sequence({ROWS}, False, -1., 'left')",
    f"R.pad_sequence({ROWS}, batch_first=True, padding_side='left')",
    f"R.pad_sequence({X})",
    f"R.pad_sequence(t for t in {ROWS})",
    "R.pad_sequence([torch.arange(3), torch.arange(2)], padding_value=9)",
    "R.pad_sequence([torch.arange(3), torch.ones(2)])",
    f"R.pad_sequence({ROWS}, padding_side='up')",
    "R.pad_sequence([torch.ones(2, 3), torch.ones(2, 4)])",
    "R.pad_sequence([])",
    "R.pad_sequence(3)",
    "R.pad_sequence([1, 2])",
    f"R.unpad_sequence({X}, torch.tensor([4, 2, 0]))",
    f"R.unpad_sequence({X}, torch.tensor([3, 2, 9, 1]), True)",
    f"R.unpad_sequence({X}, torch.tensor([4, 2]))",
    f"R.pack_sequence({ROWS}, enforce_sorted=False)",
    f"R.pack_sequence({ROWS})",
    f"R.pack_sequence({ROWS}[::2])",
    f"R.unpack_sequence(R.pack_sequence({ROWS}, enforce_sorted=False))",
    f"R.unpack_sequence(R.pack_sequence({ROWS}[:2]))",
    "R.invert_permutation(torch.tensor([2, 0, 1]))",
    "R.invert_permutation(None)",
    "R.PackedSequence(3)",
    f"R.PackedSequence(({X}, torch.tensor([4, 3])))",
    f"R.PackedSequence({X}, torch.tensor([1]), torch.tensor([2, 0, 1]))",
    f"R.pack_sequence({ROWS}, enforce_sorted=False).double()",
    f"R.pack_sequence({ROWS}, enforce_sorted=False).to(torch.float64)",
    f"[getattr(R.pack_sequence({ROWS}[:2]), name)().data for name in "
    "('half', 'float', 'double', 'long', 'int', 'short', 'char', 'byte', 'cpu')]",
    f"R.pack_sequence({ROWS}[:2]).is_cuda",
    f"repr(R.pack_sequence({ROWS}[:2]))",
    f"R.pack_sequence({ROWS}[:2])._fields",
    f"(lambda p: p.to(torch.float32) is p)(R.pack_sequence({ROWS}[:2]))",
)


@needs_torch
@pytest.mark.parametrize("source", SOURCES)
def test_is_pytorchs(source):
    alike(lambda torch: eval(source, {"torch": torch, "R": torch.nn.utils.rnn}))


@needs_torch
@pytest.mark.parametrize("batch_first", (False, True))
@pytest.mark.parametrize("side", ("left", "right"))
def test_gradients(batch_first, side):
    """Through padding, packing and both ways back; padding itself has no gradient."""
    def run(torch):
        R = torch.nn.utils.rnn
        xs = [torch.arange(2.0 * n).reshape(n, 2).sin().requires_grad_() for n in (2, 5, 1)]
        padded = R.pad_sequence(xs, batch_first, 3.0, side)
        packed = R.pack_sequence(xs, enforce_sorted=False)
        back, lengths = R.pad_packed_sequence(packed, batch_first, 2.0)
        parts = R.unpad_sequence(back.cos(), lengths, batch_first)
        total = sum((t.exp() * torch.arange(float(t.numel())).reshape(t.shape)).sum()
                    for t in (padded, packed.data, *parts))
        total.backward()
        return padded, packed, back, parts, [x.grad for x in xs]
    alike(run)


def packed(*lengths):
    R = learntorch.nn.utils.rnn
    xs = [learntorch.arange(float(n)) + 10 * i for i, n in enumerate(lengths)]
    return R.pack_sequence(xs, enforce_sorted=False), xs


def test_packed_order():
    """First steps of all, then second steps of those that have one; longest first."""
    p, _ = packed(2, 3)
    assert p.data.tolist() == [10, 0, 11, 1, 12]
    assert p.batch_sizes.tolist() == [2, 2, 1]
    assert p.sorted_indices.tolist() == [1, 0]
    assert p.unsorted_indices.tolist() == [1, 0]
    data, sizes, *_ = p                                     # it is a tuple
    assert data is p.data and sizes is p.batch_sizes


@pytest.mark.parametrize("lengths", ((3,), (1, 1), (4, 2, 3), (2, 5, 1, 5)))
def test_round_trip(lengths):
    p, xs = packed(*lengths)
    for found, x in zip(learntorch.nn.utils.rnn.unpack_sequence(p), xs, strict=True):
        np.testing.assert_array_equal(found.numpy(), x.numpy())
    y, n = learntorch.nn.utils.rnn.pad_packed_sequence(p)
    assert n.tolist() == list(lengths)
    assert y.shape == (max(lengths), len(lengths))


def test_unpadded_is_a_copy_and_leaves_its_input():
    x = learntorch.zeros(3, 2)
    a, b = learntorch.nn.utils.rnn.unpad_sequence(x, learntorch.tensor([1, 3]))
    a.fill_(5)
    assert x.shape == (3, 2) and not x.any() and b.shape == (3,)


def test_longer_than_the_batch():
    """PyTorch packs it, and then counts steps that are not there."""
    with pytest.raises(RuntimeError, match="a sequence of length 5 does not lie in a batch"):
        learntorch.nn.utils.rnn.pack_padded_sequence(learntorch.zeros(4, 2), [5, 1])
