"""What `grad_fn` is called: the name a tensor is printed with, as PyTorch prints it.

Every operator on the samples of PyTorch's own database; and a table that needs no PyTorch.
"""
import importlib.util
import warnings

import pytest

import learntorch
from learntorch.core.op import composite, registry
from learntorch.nn import functional as F
from tests.oracle import needs_torch

NEEDED = ("torch", "scipy", "expecttest", "hypothesis")
HERE = all(importlib.util.find_spec(name) for name in NEEDED)

if HERE:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

        from tests.conformance import op_list
        from tests.conformance.adapter import Side
        from tests.conformance.limits import Budget
        from tests.conformance.op_run import call, tensors_in
        from tests.conformance.op_tester import OpTester
        OPS = op_list.load_ops()
        REF, LIB = Side("torch"), Side("learntorch")
        torch.set_num_threads(1)

NUMBER = "of a 0-d tensor PyTorch's name says whether `dim` was given; here there is no dimension"
LAST = "PyTorch reshapes or copies at the end, here the name is that of the operation"
FUSED = "PyTorch has one kernel for it, whose name is that of its file"

# {operator: why some of its samples have another name}; everything else agrees
OTHER = {
    "__rmatmul__": LAST,
    "matmul": LAST,
    "atleast_3d": LAST,
    "diff": "of no differences PyTorch copies the input",
    "einsum": "PyTorch multiplies and sums where one tensor is enough for a product of matrices",
    "fft.fft2": NUMBER,
    "fft.fftn": NUMBER,
    "fft.ifft2": NUMBER,
    "fft.ifftn": NUMBER,
    "gather": NUMBER,
    "index_select": NUMBER,
    "linalg.cond": LAST,
    "linalg.matrix_norm": LAST,
    "linalg.matrix_power": "the power 0 is copied into the identity",
    "linalg.multi_dot": LAST,
    "linalg.norm.subgradients_at_zero": LAST,
    "linalg.tensorinv": LAST,
    "mean": NUMBER,
    "prod": NUMBER,
    "sum": NUMBER,
    "sum_to_size": NUMBER,
    "sort": "SortBackward1 is the name when `stable` is said, be it False",
    "nn.functional.cosine_similarity": NUMBER,
    "nn.functional.dropout3d": LAST,
    "nn.functional.linear_cross_entropy.chunked": FUSED,
    "nn.functional.linear_cross_entropy.chunked_none": FUSED,
    "nn.functional.scaled_dot_product_attention": FUSED,
    "nn.functional.smooth_l1_loss": "without a bend (beta 0) PyTorch takes the absolute error",
    "repeat_interleave": LAST,
    "round.decimals_0": "RoundBackward1 is the name when `decimals` is said, be it 0",
    "stft": LAST,
}


def operators():
    if not HERE:
        return
    for name, op in sorted(OPS.items()):
        if op_list.classify(op) in ("main", "rng", "complex-only") and op.supports_autograd and \
                op_list.main_dtypes(op)[-1] in op_list.FLOATS:
            yield name


def name_of(t):
    return t.grad_fn.name().rpartition(":")[2]


def pairs(op):
    """(our name, PyTorch's) of every result that both record."""
    ours, theirs = LIB.function(op.op, op.name), REF.function(op.op, op.name)
    tester = OpTester(REF, LIB, op, Budget(60))
    for sample in tester.samples(op_list.main_dtypes(op)[-1], 12):
        REF.seed = LIB.seed = 42
        try:
            expected = call(REF, theirs, sample, False)
        except Exception:
            continue                                # a sample that PyTorch refuses
        made = call(LIB, ours, sample, False)
        for t, e in zip(tensors_in(LIB, made.out), tensors_in(REF, expected.out)):
            if e.grad_fn is not None and t.grad_fn is not None:
                yield name_of(t), type(e.grad_fn).__name__


@needs_torch
@pytest.mark.parametrize("name", list(operators()))
def test_names_are_pytorchs(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = sorted({pair for pair in pairs(OPS[name]) if pair[0] != pair[1]})
    assert bool(other) == (name in OTHER), f"(here, in PyTorch): {other}"


# What a learner prints most often; checked without PyTorch, and with it where it is installed.
TABLE = {
    "x + 1": "AddBackward0", "x * y": "MulBackward0", "1 - x": "RsubBackward1",
    "x / 2": "DivBackward0", "x.div(2, rounding_mode='floor')": "DivBackward2",
    "x ** 2": "PowBackward0", "x ** y": "PowBackward1", "2 ** x": "PowBackward2",
    "x % 2": "RemainderBackward0", "x % y": "RemainderBackward1", "x.square()": "PowBackward0",
    "x.sum()": "SumBackward0", "x.sum(0)": "SumBackward1", "x.mean()": "MeanBackward0",
    "x.mean(1)": "MeanBackward1", "x.prod(0)": "ProdBackward1", "x.std()": "StdBackward0",
    "x.max()": "MaxBackward1", "x.max(0).values": "MaxBackward0", "x.amax(0)": "AmaxBackward0",
    "x.min()": "MinBackward1", "x.median()": "MedianBackward0", "x.norm()":
    "LinalgVectorNormBackward0", "x.clamp(0, 1)": "ClampBackward1",
    "x.clamp_min(0)": "ClampMinBackward0", "x.trace()": "TraceBackward0",
    "x[None].squeeze()": "SqueezeBackward0", "x[None].squeeze(0)": "SqueezeBackward1",
    "x @ y": "MmBackward0", "x[None] @ y[None]": "UnsafeViewBackward0", "x @ y[0]": "MvBackward0",
    "x.T": "PermuteBackward0", "x.log1p()": "Log1PBackward0",
    "F.linear(x, y)": "MmBackward0", "F.linear(x, y, y[0])": "AddmmBackward0",
    "F.linear(x[None], y, y[0])": "ViewBackward0",
    "F.mse_loss(x, y)": "MseLossBackward0", "F.smooth_l1_loss(x, y)": "SmoothL1LossBackward0",
    "F.huber_loss(x, y)": "HuberLossBackward0",
    "F.binary_cross_entropy(x, y)": "BinaryCrossEntropyBackward0",
    "F.binary_cross_entropy_with_logits(x, y)": "BinaryCrossEntropyWithLogitsBackward0",
    "F.cross_entropy(x, y.argmax(1))": "NllLossBackward0",
    "F.cross_entropy(x, y)": "DivBackward1", "x.split([1, 2])[0]": "SplitWithSizesBackward0",
}


def printed(library, functional, source):
    x = library.full((3, 3), 0.5, requires_grad=True)
    y = library.eye(3) * 0.5
    return name_of(eval(source, {"x": x, "y": y, "F": functional}))


@pytest.mark.parametrize("source", TABLE)
def test_table(source):
    assert printed(learntorch, F, source) == TABLE[source]


@needs_torch
@pytest.mark.parametrize("source", TABLE)
def test_table_is_pytorchs(source):
    assert printed(torch, torch.nn.functional, source) == TABLE[source]


def test_the_name_outlives_what_was_saved():
    x = learntorch.ones(3, requires_grad=True)
    loss = (x ** learntorch.ones(3)).mean(0)
    loss.backward()
    assert repr(loss) == "tensor(1., grad_fn=<MeanBackward1>)"
    assert loss.grad_fn.next_functions[0][0].name() == "PowBackward1"


def test_an_input_handed_through_keeps_its_name():
    x = learntorch.ones(3, requires_grad=True) * 2

    @composite(name="handed_through", space="rules", grad="Other")
    def same(input):
        """The input itself."""
        return input
    del registry["handed_through"]
    assert same(x) is x and x.grad_fn.name() == "MulBackward0"


def test_a_write_through_a_view_is_in_the_history_of_its_base():
    x = learntorch.zeros(3)
    x[1] = learntorch.ones((), requires_grad=True)
    assert x.grad_fn.name() == "CopySlices"
