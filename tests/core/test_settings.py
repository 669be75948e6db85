"""What is set for a whole program, memory that is not ours, methods as `help()` shows them."""

import inspect
import warnings

import pytest

import learntorch
from tests.oracle import alike, needs_torch

SETTINGS = """set_num_threads(0) | set_num_threads(1.5) | set_num_threads(True)
    set_float32_matmul_precision('medium') or get_float32_matmul_precision()
    set_float32_matmul_precision('highest') or get_float32_matmul_precision()
    use_deterministic_algorithms(1) | get_deterministic_debug_mode()
    use_deterministic_algorithms(True) or get_deterministic_debug_mode()
    are_deterministic_algorithms_enabled() | is_deterministic_algorithms_warn_only_enabled()
    set_deterministic_debug_mode('warn') or get_deterministic_debug_mode()
    is_deterministic_algorithms_warn_only_enabled() | set_deterministic_debug_mode(4)
    set_deterministic_debug_mode('loud') | set_deterministic_debug_mode(1.5)
    set_deterministic_debug_mode(0) or are_deterministic_algorithms_enabled()
    set_warn_always(1) | set_warn_always(False) or is_warn_always_enabled()
    str(get_default_device()) | set_default_device('nowhere')
    set_default_tensor_type('torch.DoubleTensor') or ones(1).dtype
    set_default_tensor_type(FloatTensor) or ones(1)"""


@needs_torch
def test_settings_are_kept():
    for call in [c.strip() for line in SETTINGS.split("\n") for c in line.split("|")]:
        def case(torch, call=call):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                result = eval(call, dict(vars(torch)))
            return str(result) if isinstance(result, torch.dtype) else result
        alike(case)


def test_threads():
    before = learntorch.get_num_threads()
    learntorch.set_num_threads(1)
    assert learntorch.get_num_threads() == 1
    learntorch.set_num_threads(before)


def test_an_unknown_precision_is_warned_of():
    with pytest.warns(UserWarning, match="not one of 'highest', 'high', or 'medium'"):
        learntorch.set_float32_matmul_precision("low")
    assert learntorch.get_float32_matmul_precision() == "highest"


def test_a_device_as_a_block():
    with learntorch.device("cpu"):
        assert learntorch.ones(1).device == learntorch.device("cpu")
    with pytest.raises(AssertionError, match="not compiled with CUDA"):
        with learntorch.device("cuda"):
            pass
    learntorch.set_default_device("cpu")
    with pytest.raises(AssertionError, match="not compiled with CUDA"):
        learntorch.set_default_device("cuda")


def test_backends_answer_and_their_switches_stay():
    import learntorch.backends.cudnn as cudnn
    assert not cudnn.is_available() and not learntorch.backends.mps.is_available()
    assert not learntorch.backends.cuda.is_built() and not learntorch.accelerator.is_available()
    cudnn.benchmark = True
    with cudnn.flags(enabled=False, deterministic=True):
        assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (False, False, True)
    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (True, True, False)
    cudnn.benchmark = False
    learntorch.backends.cuda.matmul.allow_tf32 = True
    learntorch.backends.cuda.matmul.allow_tf32 = False


# ---- memory of others -----------------------------------------------------------------------

BUFFERS = """b, dtype=int16 | b, dtype=int16, count=2, offset=2 | b, dtype=int32, offset=1
    b, dtype=int32, count=5 | b[:0], dtype=int32 | b, dtype=int32, offset=9 | 3, dtype=int32
    b, dtype=float32, requires_grad=True | b, dtype=int32, count=0 | b, dtype=int32, count=-2"""


@needs_torch
@pytest.mark.parametrize("call", [c.strip() for s in BUFFERS.split("\n") for c in s.split("|")])
def test_frombuffer(call):
    alike(lambda torch: eval(f"frombuffer({call})", {**vars(torch), "b": bytearray(b"abcdefgh")}))


def test_a_buffer_is_shared():
    memory = bytearray(4)
    learntorch.frombuffer(memory, dtype=learntorch.uint8)[1] = 7
    assert memory == bytearray([0, 7, 0, 0])


def test_a_file_as_memory(tmp_path):
    name = str(tmp_path / "numbers")
    t = learntorch.from_file(name, shared=True, size=3, dtype=learntorch.float64)
    t.fill_(2.5)
    again = learntorch.from_file(name, size=3, dtype=learntorch.float64)
    assert again.tolist() == [2.5, 2.5, 2.5]
    again[0] = 1.0
    assert t[0] == 2.5, "an unshared file is not written"
    with pytest.raises(RuntimeError, match="size is smaller than the required mapping size <32>"):
        learntorch.from_file(name, size=4, dtype=learntorch.float64)
    with pytest.raises(RuntimeError, match="unable to open file <.*> in read-only mode"):
        learntorch.from_file(name + "?", size=1)


# ---- rarely asked ---------------------------------------------------------------------------


@needs_torch
@pytest.mark.parametrize("call", """a.new(2, 3).shape | a.new([1, 2]) | a.new() | a.new(a)
    a.new(a.shape).shape | zeros(3, 3).fill_diagonal_(2) | zeros(7, 3).fill_diagonal_(2, wrap=True)
    zeros(8, 3).fill_diagonal_(2, wrap=True) | zeros(9, 3).fill_diagonal_(2) | zeros(3, 5).t(
    ).fill_diagonal_(2) | zeros(3).fill_diagonal_(2) | zeros(3, 3, 3).fill_diagonal_(2)
    zeros(3, 3, 4).fill_diagonal_(2) | zeros(3, 5).fill_diagonal_(1, wrap=True)
    a.clone().apply_(lambda v: v + 1) | a.clone().map_(a, lambda x, y: x * y)
    a.clone().requires_grad_().apply_(abs) | a.t().dim_order() | a.dim_order(ambiguity_check=True)
    zeros(1, 1).dim_order(ambiguity_check=True) | a.is_set_to(a.view(2, 3)) | a.is_set_to(a.t())
    a.is_set_to(a.clone()) | a.is_set_to(a.detach()) | is_storage(a) | detach(a) | is_conj(a)
    kl_div(a, a.abs()) | kl_div(a, a.abs(), 1) | kl_div(a, a, 2, log_target=True)
    binary_cross_entropy_with_logits(a, a, reduction=2) | special.log1p(a.abs()) | special.exp2(a)
    special.logsumexp(a, 1) | special.round(a, decimals=1) | special.expm1(a) | swapaxes(a, 0, 1)
    swapaxes(a, axis0=0, axis1=1) | a.split(split_size=1) | a.split([1, 1], dim=0)
    hash_tensor(a, mode=1) | hash_tensor(a + 0j) | hash_tensor(zeros(0))""".replace(
        "\n", "|").replace("t(|", "t(").split("|"))
def test_functions(call):
    alike(lambda torch: eval(call.strip(), {
        **vars(torch), "a": torch.tensor([[1.5, 2, 3], [4, 5, -6]])}))


def test_a_diagonal_filled_in_place_has_history():
    x = learntorch.ones(3, 3, requires_grad=True)
    y = (x * 2).fill_diagonal_(0.0)
    y.sum().backward()
    assert x.grad.tolist() == [[0, 2, 2], [2, 0, 2], [2, 2, 0]]


# ---- methods ----------------------------------------------------------------------------------


def test_a_method_shows_itself_as_one():
    shown = {name: str(inspect.signature(getattr(learntorch.Tensor, name)))
             for name in ("sum", "add", "add_", "polygamma", "transpose_", "relu_")}
    assert shown["sum"] == "(self, dim=None, keepdim=False, *, dtype=None)"
    assert shown["add"].startswith("(self, other") and "out" not in shown["add"]
    assert shown["add_"] == shown["add"]
    assert shown["polygamma"] == "(self, n)"
    assert shown["transpose_"] == "(self, dim0, dim1)"
    assert shown["relu_"] == "(self)"


def test_a_method_is_the_function_and_no_wrapper_around_it():
    assert learntorch.Tensor.exp.__code__ is learntorch.exp.__code__
    assert learntorch.Tensor.exp.op is learntorch.exp.op
    assert learntorch.Tensor.exp.__doc__ == learntorch.exp.__doc__
