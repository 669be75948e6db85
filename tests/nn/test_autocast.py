"""`torch.autocast`: which ops run in which type, and that switching it leaves no trace."""

import threading
import warnings

import pytest

import learntorch
import learntorch.nn
from learntorch.core.ambient import ambient
from tests.oracle import alike, needs_torch

nn = learntorch.nn
F = nn.functional

# op → arguments, x and y float32 or bfloat16: all that PyTorch's lists for the CPU know, and others
OPS = {
    "mm": "x @ y.T", "vector": "x[0] @ y[0]", "matrix and vector": "x @ y[0]",
    "vector and matrix": "x[0] @ y.T", "batches": "b @ b", "mv": "torch.mv(x, y[0])",
    "dot": "torch.dot(x[0], y[0])", "bmm": "torch.bmm(b, b)",
    "addmm": "torch.addmm(x[:, :3], x, y.T)", "baddbmm": "torch.baddbmm(b, b, b)",
    "addbmm": "torch.addbmm(b[0], b, b)", "in place": "x[:, :3].clone().addmm_(x, y.T)",
    "linear": "F.linear(x, y)", "conv1d": "F.conv1d(i[0], w[:, :, 0])",
    "conv2d": "F.conv2d(i, w)", "conv3d": "F.conv3d(i[None], w[None, :1])",
    "conv_transpose2d": "F.conv_transpose2d(i, w)", "prelu": "F.prelu(x, y[0, :1])",
    "attention": "F.scaled_dot_product_attention(b, b, b)",
    "einsum": "torch.einsum('ij,kj->ik', x, y)", "outer": "torch.outer(x[0], y[0])",
    "mse_loss": "F.mse_loss(x, y)", "l1_loss": "F.l1_loss(x, y)",
    "smooth_l1_loss": "F.smooth_l1_loss(x, y)", "huber_loss": "F.huber_loss(x, y)",
    "cross_entropy": "F.cross_entropy(x, torch.tensor([1, 0, 3]))",
    "nll_loss": "F.nll_loss(x, torch.tensor([1, 0, 3]))",
    "binary_cross_entropy": "F.binary_cross_entropy(x.sigmoid(), y.sigmoid())",
    "binary_cross_entropy_with_logits": "F.binary_cross_entropy_with_logits(x, y)",
    "kl_div": "F.kl_div(x, y)", "cosine_embedding_loss":
    "F.cosine_embedding_loss(x, y, torch.ones(3))",
    "prod": "x.prod()", "prod dim": "x.prod(0)", "trace": "b[0].trace()",
    "quantile": "torch.quantile(x, .5)", "cdist": "torch.cdist(x, y)",
    "cdist of many": "torch.cdist(x.repeat(10, 1), y.repeat(10, 1))",
    "reflect": "F.pad(i, (1, 1, 1, 1), 'reflect')", "avg_pool3d": "F.avg_pool3d(i, 2)",
    "inverse": "torch.linalg.inv(b)",
    "cat": "torch.cat([x, y.float()])", "cat alike": "torch.cat([x, y])",
    "stack": "torch.stack([x, y.float()])", "index_copy":
    "x.float().index_copy(0, torch.tensor([0, 2]), y[:2].float())",
    "add": "x + y", "exp": "x.exp()", "softmax": "x.softmax(1)", "sum": "x.sum()",
    "layer_norm": "F.layer_norm(x, (4,))", "gelu": "F.gelu(x)", "relu": "x.relu()",
    "max_pool2d": "F.max_pool2d(i, 2)", "batch_norm": "F.batch_norm(x, None, None, training=True)",
    "double": "x.double() @ y.double().T", "integers": "torch.arange(4) @ torch.arange(4)",
    "out=": "torch.mm(x.float(), y.float().T, out=torch.empty(3, 3))",
    "gru cell": "nn.GRUCell(4, 2)(x.float())",
}


def names(lib, dtype):
    def made(*shape):
        n = 1
        for size in shape:
            n *= size
        return (lib.arange(float(n)).reshape(shape).sin() * 2).to(dtype)
    lib.manual_seed(0)
    return {"torch": lib, "F": lib.nn.functional, "nn": lib.nn, "x": made(3, 4),
            "y": made(3, 4).cos(), "b": made(2, 3, 3) + lib.eye(3).to(dtype),
            "i": made(2, 2, 4, 4), "w": made(2, 2, 2, 2)}


@needs_torch
@pytest.mark.parametrize("given", ["float32", "bfloat16"])
@pytest.mark.parametrize("op", OPS)
def test_op_runs_in_pytorchs_type(op, given):
    """The type of the result, and its value to the digits of bfloat16."""
    def run(lib):
        known = names(lib, getattr(lib, given))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with lib.autocast("cpu"):
                return eval(OPS[op], known).detach()
    alike(run, rtol=2e-2, atol=2e-2)


@needs_torch
@pytest.mark.parametrize("short", ["bfloat16", "float16"])
def test_model_is_pytorchs(short):
    """Types and values of every step of a forward pass, and gradients in float32."""
    def run(lib):
        lib.manual_seed(0)
        model = lib.nn.Sequential(
            lib.nn.Conv2d(1, 4, 3), lib.nn.BatchNorm2d(4), lib.nn.ReLU(), lib.nn.MaxPool2d(2),
            lib.nn.Flatten(), lib.nn.Linear(36, 8), lib.nn.LayerNorm(8), lib.nn.GELU(),
            lib.nn.Linear(8, 3))
        kinds = []
        for part in model:
            part.register_forward_hook(lambda m, args, out: kinds.append(str(out.dtype)))
        x = lib.arange(200.).reshape(2, 1, 10, 10).sin()
        with lib.autocast("cpu", dtype=getattr(lib, short)):
            out = model(x)
            loss = lib.nn.functional.cross_entropy(out, lib.tensor([0, 2]))
        loss.backward()
        return (kinds, out.float(), loss, [p.grad.dtype for p in model.parameters()],
                [p.grad.norm() for p in model.parameters()][-4:])
    alike(run, rtol=5e-2, atol=2e-2)


STATES = """
is_autocast_enabled() | is_autocast_enabled('cpu') | is_autocast_enabled('cuda')
get_autocast_dtype('cpu') | get_autocast_dtype('cuda') | is_autocast_cache_enabled()
amp.is_autocast_available('cpu') | amp.is_autocast_available('meta')
amp.is_autocast_available('toaster') | get_autocast_dtype('meta') | is_autocast_enabled(3)
autocast('toaster') | autocast(3) | autocast('meta') | autocast('cpu')(3)
autocast('cpu', torch.float64)._enabled | autocast('cuda')._enabled | autocast('cpu').fast_dtype
amp.custom_fwd(device_type=3) | is_autocast_cpu_enabled() | get_autocast_cpu_dtype()
cuda.amp.autocast()._enabled | cpu.amp.autocast()._enabled | cuda.amp.GradScaler().is_enabled()
cpu.amp.GradScaler().get_scale()
""".replace("\n", " | ").strip(" |").split(" | ")


@needs_torch
@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("asked", STATES)
def test_answers_are_pytorchs(asked, inside):
    def run(lib):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            with lib.autocast("cpu", dtype=lib.float16, enabled=inside):
                answer = eval("lib." + asked, {"lib": lib, "torch": lib})
        return answer, [(w.category.__name__, str(w.message).split(" (Trig")[0].split(" Write")[0])
                        for w in said]
    alike(run)


def test_blocks_nest_and_leave_no_trace():
    x = learntorch.ones(2, 2)
    before = ambient.state
    with learntorch.autocast("cpu"):
        assert (x @ x).dtype is learntorch.bfloat16
        with learntorch.autocast("cpu", enabled=False):
            assert (x @ x).dtype is learntorch.float32
            with learntorch.autocast("cpu", dtype=learntorch.float16):
                assert (x @ x).dtype is learntorch.float16
        with learntorch.no_grad(), learntorch.inference_mode():
            assert (x @ x).dtype is learntorch.bfloat16
            with learntorch.autocast("cpu", enabled=False):
                made = x @ x
                assert made.dtype is learntorch.float32 and made.is_inference()
        assert (x @ x).dtype is learntorch.bfloat16
    with pytest.raises(ValueError), learntorch.autocast("cpu"):
        raise ValueError
    assert ambient.state.intercept is before.intercept is None
    assert (x @ x).dtype is learntorch.float32


def test_the_grad_mode_set_inside_stays():
    """Leaving the block restores autocast, nothing else."""
    with learntorch.autocast("cpu"):
        learntorch.set_grad_enabled(False)
    assert not learntorch.is_grad_enabled()
    learntorch.set_grad_enabled(True)


def test_what_was_put_on_inside_stays():
    """Anomaly mode, an interceptor too, outlives a block in which it was switched on."""
    x = learntorch.ones(2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with learntorch.autocast("cpu"):
            learntorch.autograd.set_detect_anomaly(True)
            assert (x @ x).dtype is learntorch.bfloat16
    assert learntorch.is_anomaly_enabled()
    assert (x @ x).dtype is learntorch.float32
    learntorch.autograd.set_detect_anomaly(False)
    assert ambient.state.intercept is None


def test_decorator():
    @learntorch.autocast("cpu")
    def product(x, depth=2):
        return product(x, depth - 1) if depth else x @ x
    assert product(learntorch.ones(2, 2)).dtype is learntorch.bfloat16
    assert not learntorch.is_autocast_enabled("cpu")


def test_each_thread_has_its_own():
    kinds = []

    def work():
        kinds.append((learntorch.ones(2, 2) @ learntorch.ones(2, 2)).dtype)
    with learntorch.autocast("cpu"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert kinds == [learntorch.float32]


def weights_seen(cache_enabled):
    """The edges through which two uses of one weight reach it."""
    layer = nn.Linear(3, 3, bias=False)
    with learntorch.autocast("cpu", cache_enabled=cache_enabled):
        with learntorch.no_grad():
            layer(learntorch.ones(3))                   # kept without history, it must not serve
        first, second = layer(learntorch.ones(3)), layer(learntorch.ones(3))
        edges = {out.grad_fn.edges[1] for out in (first, second)}
        third = layer(learntorch.ones(3))
    (first + second + third).sum().backward()
    assert layer.weight.grad.tolist() == [[3.0] * 3] * 3
    return edges


def test_a_weight_is_cast_once():
    assert len(weights_seen(True)) == 1
    assert len(weights_seen(False)) == 2


def test_inside_a_listed_op_nothing_is_cast():
    """An op of the float32 list that multiplies matrices does it in float32."""
    from types import SimpleNamespace

    from learntorch.core.autocast import watched
    squared = watched(SimpleNamespace(key="cdist"), lambda x: x @ x)
    x = learntorch.ones(2, 2, dtype=learntorch.bfloat16)
    with learntorch.autocast("cpu"):
        assert squared(x).dtype is learntorch.float32
        with learntorch.inference_mode():
            made = squared(x)
            assert made.dtype is learntorch.float32 and made.is_inference()
    assert squared(x).dtype is learntorch.bfloat16


def test_a_function_of_ones_own():
    """`custom_fwd` and `custom_bwd` carry the mode of forward to backward."""
    kinds = []

    class Double(learntorch.autograd.Function):
        @staticmethod
        @learntorch.amp.custom_fwd(device_type="cpu", cast_inputs=learntorch.float32)
        def forward(ctx, x):
            kinds.append((x.dtype, learntorch.is_autocast_enabled("cpu")))
            return 2 * x

        @staticmethod
        @learntorch.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            kinds.append((g.dtype, learntorch.is_autocast_enabled("cpu")))
            return 2 * g

    class Follows(Double):
        forward = staticmethod(learntorch.amp.custom_fwd(device_type="cpu")(
            lambda ctx, x: x @ x))
        backward = staticmethod(learntorch.amp.custom_bwd(device_type="cpu")(
            lambda ctx, g: kinds.append(learntorch.is_autocast_enabled("cpu")) or g))

    x = learntorch.ones(2, 2, dtype=learntorch.bfloat16, requires_grad=True)
    with learntorch.autocast("cpu"):
        out = Double.apply(x)
    out.sum().backward()
    assert kinds == [(learntorch.float32, False), (learntorch.float32, False)]
    with learntorch.autocast("cpu"):
        out = Follows.apply(learntorch.ones(2, 2, requires_grad=True))
    assert out.dtype is learntorch.bfloat16
    out.sum().backward()
    assert kinds[2:] == [True]
